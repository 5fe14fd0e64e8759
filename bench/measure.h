/* measure.h - runs one point: warm-up, repetitions, and the comparison of what the operators
 * counted with what the formulas say. */
#ifndef FL_BENCH_MEASURE_H
#define FL_BENCH_MEASURE_H

#include "bench/sweep.h"
#include "engine/execute.h"
#include "ledger/observation.h"
#include "ledger/stored.h"

struct fl_measurement {
    struct fl_session *session;
    struct fl_sweep_item item;
    struct fl_stored stored;
    /* formats of the weights */ /* point's totals are complete once a sample is there */
    const struct fl_config *config;
    int *tokens; /* [batch, n_tokens], seeded; an encoder's [batch, n_source] behind them */
    struct fl_execution execution;
    struct fl_op_record ops[FL_N_OPERATORS];
    int n_ops;
    struct fl_sample *samples; /* room for n_samples_max */
    int n_samples, n_samples_max;
};

/* Opens the session. Fails when the engine refuses the point or its memory would not do. */
int fl_measurement_open(struct fl_measurement *measurement, const struct fl_model *model,
                        const struct fl_sweep_item *item, int n_samples_max, uint64_t seed,
                        struct fl_error *error);
void fl_measurement_close(struct fl_measurement *measurement);

/* One execution that is timed and not kept. */
int fl_measurement_warm_up(struct fl_measurement *measurement, struct fl_error *error);

/* One execution that is kept as repetition `rep`; run_started_ns is fl_clock_ns() at the start of
 * the run. Fails when exact and counted differ in any operator, which is a fault of this program:
 * nothing of the point may be stored then. */
int fl_measurement_sample(struct fl_measurement *measurement, int rep, uint64_t run_started_ns,
                          struct fl_error *error);

/* As many executions as the counter has passes, neither timed nor kept. */
int fl_measurement_observe(struct fl_measurement *measurement, struct fl_counter *counter,
                           struct fl_observation *observation, struct fl_error *error);

#endif
