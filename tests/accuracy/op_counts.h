/* op_counts.h - struct flopgrind_counts by names: what the accuracy tests, the programs they run
 * and the oracle exchange as JSON.
 *
 *     {"ops": {"add/single/128": 400, ...}, "instructions": n, "bytes_loaded": n, ...}
 *
 * Only kinds of operations that occurred are listed; a missing one is zero. */
#ifndef FL_TESTS_OP_COUNTS_H
#define FL_TESTS_OP_COUNTS_H

#include "counters/flopgrind.h"

#include <cjson/cJSON.h>
#include <stddef.h>

extern const char *const op_names[FLOPGRIND_N_OPS];
extern const char *const precision_names[FLOPGRIND_N_PRECISIONS];
extern const char *const width_names[FLOPGRIND_N_WIDTHS];

/* "add/single/128" */
enum { OP_KEY_SIZE = 40 };
void op_key(char key[OP_KEY_SIZE], int op, int precision, int width);

/* The caller deletes the object. */
cJSON *op_counts_to_json(const struct flopgrind_counts *counts);

/* Missing members are zero. */
struct flopgrind_counts op_counts_from_json(const cJSON *object);

/* sum += more, sum -= less: every member but the has_ flags, which stay. */
void op_counts_add(struct flopgrind_counts *sum, const struct flopgrind_counts *more);
void op_counts_subtract(struct flopgrind_counts *sum, const struct flopgrind_counts *less);

/* ADD + MUL + 2 FMA + DIV + SQRT of all precisions and widths. */
uint64_t op_counts_flops(const struct flopgrind_counts *counts);

/* Writes the operations in which a and b differ as "add/single/128: 3, not 4; ..."; empty when
 * they are equal, cut off when it does not fit. Returns how many kinds differ. */
int op_counts_differ(char *text, size_t size, const struct flopgrind_counts *a,
                     const struct flopgrind_counts *b);

#endif
