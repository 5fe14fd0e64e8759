/* micro_kernels.h - short loops in assembly whose operations, bytes and instructions are known
 * because they are written down beside them, instruction by instruction. */
#ifndef FL_TESTS_MICRO_KERNELS_H
#define FL_TESTS_MICRO_KERNELS_H

#include "counters/flopgrind.h"

#include <stdbool.h>
#include <stdint.h>

enum { MICRO_OPS = 6, MICRO_MEMORY_BYTES = 64 * 1024 };

/* Which counters a kernel is for. */
enum micro_where {
    MICRO_ANYWHERE,
    MICRO_BY_FLOPGRIND,   /* other threads work, which the oracle does not follow */
    MICRO_BYTES_BY_ORACLE /* Valgrind's translation loads other bytes than the processor */
};

/* What one repetition does. */
struct micro_kernel {
    const char *name, *group;
    const char *needs; /* a feature as /proc/cpuinfo names it; NULL: any x86-64 */
    /* n repetitions; memory: MICRO_MEMORY_BYTES, as micro_reset() fills it */
    void (*run)(uint64_t n, void *memory);
    struct micro_ops {
        int op, precision, width, n;
    } ops[MICRO_OPS];                             /* up to n = 0 */
    int instructions, bytes_loaded, bytes_stored; /* instructions < 0: these three are not known */
    int lines_read, lines_written; /* distinct ones, however many repetitions; without the stack */
    enum micro_where where;
};

/* NULL-name terminated. The first does nothing: what it is seen to do is the price of looking, and
 * is taken off the others. */
extern const struct micro_kernel micro_kernels[];

bool micro_supported(const struct micro_kernel *kernel);
void micro_reset(void *memory);

/* What n repetitions do. */
struct flopgrind_counts micro_expected(const struct micro_kernel *kernel, uint64_t n);

#endif
