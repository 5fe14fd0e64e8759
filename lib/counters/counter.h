/* counter.h - what the processor did, seen by something that knows nothing of the model.
 *
 * A counter says what it can count (`available`), and is entered and left around a stretch of
 * work; leaving adds what was counted in between to a reading. Stretches nest. They are of the
 * whole process: what other threads do between enter and leave is counted too.
 *
 * A counter with more events than the processor has registers counts them in passes: the same
 * deterministic work is done n_passes times, and every pass fills other values of the reading. A
 * value that is not available stays zero and must be shown as unavailable, never as zero. */
#ifndef FL_COUNTERS_COUNTER_H
#define FL_COUNTERS_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

/* X(constant, key, unit, name)
 * Operations are of one lane each; an FMA is one fma, and two flops. flops is add + mul + 2 fma +
 * div + sqrt; the other kinds are no FLOPs by this project's convention and are told apart.
 * Footprint: distinct 64-byte lines touched between enter and leave, however often.
 * Modelled: by a simulation of caches, not by the processor. */
#define FL_COUNTS(X)                                                                               \
    X(FLOPS, "flops", "FLOP", "floating-point operations")                                         \
    X(ADD, "add", "op", "additions and subtractions")                                              \
    X(MUL, "mul", "op", "multiplications")                                                         \
    X(FMA, "fma", "op", "fused multiply-adds")                                                     \
    X(DIV, "div", "op", "divisions")                                                               \
    X(SQRT, "sqrt", "op", "square roots")                                                          \
    X(MINMAX, "minmax", "op", "minima and maxima")                                                 \
    X(COMPARE, "compare", "op", "comparisons")                                                     \
    X(CONVERT, "convert", "op", "conversions and roundings")                                       \
    X(ESTIMATE, "estimate", "op", "reciprocal estimates")                                          \
    X(OTHER, "other", "op", "x87 transcendentals")                                                 \
    X(FLOPS_SINGLE, "flops_single", "FLOP", "of which single precision")                           \
    X(FLOPS_DOUBLE, "flops_double", "FLOP", "of which double precision")                           \
    X(FLOPS_SCALAR, "flops_scalar", "FLOP", "of which scalar")                                     \
    X(FLOPS_128, "flops_128", "FLOP", "of which in 128-bit vectors")                               \
    X(FLOPS_256, "flops_256", "FLOP", "of which in 256-bit vectors")                               \
    X(FLOPS_512, "flops_512", "FLOP", "of which in 512-bit vectors")                               \
    X(BYTES_LOADED, "bytes_loaded", "byte", "bytes loaded by instructions")                        \
    X(BYTES_STORED, "bytes_stored", "byte", "bytes stored by instructions")                        \
    X(LINES_READ, "lines_read", "line", "footprint: lines read")                                   \
    X(LINES_WRITTEN, "lines_written", "line", "footprint: lines written")                          \
    X(L1_MISSES, "modelled_l1_misses", "line", "modelled misses of the first-level cache")         \
    X(LL_MISSES, "modelled_ll_misses", "line", "modelled misses of the last-level cache")          \
    X(LL_WRITEBACKS, "modelled_ll_writebacks", "line", "modelled write-backs to memory")           \
    X(MEMORY_BYTES, "memory_bytes", "byte", "bytes moved between caches and memory")               \
    X(INSTRUCTIONS, "instructions", "", "instructions")                                            \
    X(CYCLES, "cycles", "", "cycles")                                                              \
    X(ENERGY, "energy_nj", "nJ", "energy of the package")

enum fl_count {
#define FL_COUNT_ENUM(constant, key, unit, name) FL_COUNT_##constant,
    FL_COUNTS(FL_COUNT_ENUM)
#undef FL_COUNT_ENUM
        FL_N_COUNTS
};

#define FL_COUNT_BIT(constant) (UINT64_C(1) << FL_COUNT_##constant)

const char *fl_count_key(enum fl_count count);
const char *fl_count_name(enum fl_count count);

/* FL_N_COUNTS when there is no such key. */
enum fl_count fl_count_find(const char *key);

struct fl_reading {
    uint64_t values[FL_N_COUNTS]; /* by enum fl_count */
};

void fl_reading_add(struct fl_reading *sum, const struct fl_reading *more);

struct fl_counter {
    char name[32];      /* "flopgrind", "papi" */
    char version[64];   /* of the backend, e.g. "valgrind 3.19.0" */
    char note[256];     /* what a reader must know of the figures; empty: nothing */
    uint64_t available; /* bits of enum fl_count */
    int n_passes;       /* executions of the work it takes to fill all of `available` */

    /* Says which pass follows, 0 ... n_passes - 1. NULL when there is one only. */
    void (*start_pass)(struct fl_counter *counter, int pass);
    /* name: what the stretch is, for the counter's own records. Neither may fail once open. */
    void (*enter)(struct fl_counter *counter, const char *name);
    void (*leave)(struct fl_counter *counter, struct fl_reading *sum);
    void (*close)(struct fl_counter *counter);
    void *state;
};

#endif
