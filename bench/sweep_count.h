/* sweep_count.h - the counter of a sweep: what fills the measured column of its points.
 *
 * flopgrind counts in another process, an execution of its own; PAPI in this one, in executions
 * that are not timed. Neither is ever at work while a sample is taken. */
#ifndef FL_BENCH_SWEEP_COUNT_H
#define FL_BENCH_SWEEP_COUNT_H

#include "bench/sweep.h"
#include "counters/counter_flopgrind.h"

enum fl_sweep_counter_kind { FL_SWEEP_COUNT_NONE, FL_SWEEP_COUNT_FLOPGRIND, FL_SWEEP_COUNT_PAPI };
extern const char *const fl_sweep_counter_names[]; /* by kind, NULL-terminated */

struct fl_sweep_counter {
    enum fl_sweep_counter_kind kind;
    const char *model; /* what --model was given */
    int dtype;         /* and --dtype, or -1 */
    enum fl_dtype kv_dtype;
    uint64_t seed; /* of random weights and tokens */
    struct fl_flopgrind_options flopgrind;
    /* A counter of this process: opened for every point when its threads are there. NULL: none. */
    int (*open)(struct fl_counter *counter, struct fl_error *error);
    int n_passes;
    char version[64];
    char blas_core[64]; /* whose kernels are counted, as far as is known before */
};

/* kind, model, seed and flopgrind are the caller's. Fails, with the reason, where the counter is
 * not to be had. Nothing stays open. */
int fl_sweep_counter_find(struct fl_sweep_counter *counter, struct fl_error *error);

/* Executes the point once more, or as often as the counter has passes, and takes what it saw. */
int fl_sweep_counter_observe(struct fl_observed *observed, const struct fl_sweep_counter *counter,
                             const struct fl_model *model, const struct fl_sweep_item *item,
                             struct fl_error *error);

/* About how much longer an execution takes when it is counted, for the estimate of the time left:
 * work, as fl_sweep_item has it, of one counted execution. */
double fl_sweep_counter_work(const struct fl_sweep_counter *counter,
                             const struct fl_sweep_item *item);

#endif
