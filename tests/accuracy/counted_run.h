/* counted_run.h - runs accuracy_kernels natively, under flopgrind or under the oracle, and reads
 * back what was counted.
 *
 * What this system lacks (the tool, Valgrind, the permission to trace, a processor's feature) skips
 * the calling test visibly. */
#ifndef FL_TESTS_COUNTED_RUN_H
#define FL_TESTS_COUNTED_RUN_H

#include "tests/accuracy/op_counts.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

enum counted_by { BY_NOBODY, BY_FLOPGRIND, BY_ORACLE };

/* Skips the calling test. */
__attribute__((noreturn, format(printf, 1, 2))) void counted_skip(const char *format, ...);

/* settings: of the environment, such as "FL_ISA=avx2". options: of flopgrind. arguments: of
 * accuracy_kernels. One thread, unless the settings say otherwise. The caller deletes the result,
 * whose "kernels" are an array of {"name", "counts", ...}. */
cJSON *counted_run(enum counted_by by, const char *settings, const char *options,
                   const char *arguments);

/* The object of this name in "kernels"; NULL: there is none. */
const cJSON *counted_kernel(const cJSON *run, const char *name);

/* Its counts; fails the test when there are none. member: "counts", or the oracle's "full_width".
 */
struct flopgrind_counts counted_of(const cJSON *run, const char *name, const char *member);

/* Fails the test unless two runs counted the same operations in every kernel of the first, and
 * that is at least n_least. Returns how many were compared. */
int counted_expect_same_ops(const cJSON *a, const cJSON *b, int n_least);

#endif
