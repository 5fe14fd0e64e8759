/* observe.h - one forward pass under a counter, in this process or in another one. */
#ifndef FL_ENGINE_OBSERVE_H
#define FL_ENGINE_OBSERVE_H

#include "counters/counter_flopgrind.h"
#include "engine/execute.h"
#include "ledger/observation.h"

/* Runs the execution, which is prepared, as often as the counter has passes, and takes what it saw.
 * The session's ledger is reset before and holds the sum of the passes afterwards; the counter is
 * detached again. */
int fl_session_observe(struct fl_observation *observation, struct fl_session *session,
                       struct fl_counter *counter, const struct fl_execution *execution,
                       struct fl_error *error);

/* A forward pass as the options of `flopledger audit` describe it. */
struct fl_observe_request {
    const char *model;
    bool decode, cache;
    int context, batch, n_threads;
    int n_source; /* tokens of an encoder's inputs; 0: none */
    enum fl_attention attention;
    enum fl_logits logits;
    int64_t seed;
    int dtype; /* of random weights, or -1 */
    enum fl_dtype kv_dtype;
};

/* Has the same program do that pass under flopgrind: `flopledger audit ... --counter flopgrind`,
 * which recognises that it was started so and passes on what was counted instead of printing it.
 * n_layers: of the model. The counts are of the kernels of options->blas_core. */
int fl_observe_under_flopgrind(struct fl_observation *observation,
                               const struct fl_observe_request *request,
                               const struct fl_flopgrind_options *options, int n_layers,
                               struct fl_error *error);

#endif
