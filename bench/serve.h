/* serve.h - runs a trace of requests through the scheduler and the engine and keeps the records.
 *
 * The clock. virtual: passes take as long as they are measured to take, and where nothing runs the
 * time jumps to the next arrival. real: the same, but arrivals are waited for. flops: a pass takes
 * its FLOPs at a given rate, so that the same trace gives the same schedule on every machine.
 *
 * Shares of a pass. FLOPs are a request's own: every operator's work is per row or per sequence, so
 * the closed form of its span alone is its share, and the shares add up to the pass, as integers.
 * Bytes: activations and keys and values are its own; what the pass reads once for all of them
 * (weights above all) is divided by rows; of what does not divide evenly, later spans get the
 * remainder. */
#ifndef FL_BENCH_SERVE_H
#define FL_BENCH_SERVE_H

#include "analyzers/serving.h"
#include "base/error.h"
#include "bench/request_trace.h"
#include "engine/scheduler.h"
#include "engine/session.h"

#include <signal.h>
#include <stdbool.h>

enum fl_serve_clock { FL_SERVE_VIRTUAL, FL_SERVE_REAL, FL_SERVE_FLOPS };
extern const char *const fl_serve_clock_names[]; /* NULL-terminated */

struct fl_serve_options {
    struct fl_scheduler_options schedule;
    int n_ctx;        /* 0: the longest request's */
    int block_tokens; /* 0: 16, or the context where that is shorter */
    int n_blocks;     /* 0: enough for all sequences to be full */
    enum fl_attention attention;
    enum fl_dtype kv_dtype; /* f32, f16 or bf16 */
    int n_threads;
    enum fl_serve_clock clock;
    double flops_per_s;       /* of the clock `flops` */
    struct fl_event_log *log; /* of the passes; or NULL */
    /* Looked at between passes: once it is not 0 the serving ends where it is
     * (base/interrupt.h). NULL: never. */
    const volatile sig_atomic_t *interrupted;
    bool quiet;
};

struct fl_serve_result {
    struct fl_serving_request *requests; /* [n_requests] in order of arrival */
    struct fl_serving_pass *passes;      /* [n_passes] */
    int n_requests, n_passes;
    int **outputs; /* [n_requests][n_output]; NULL where a request is not done */
    int n_ctx, block_tokens, n_blocks, n_threads;
    uint64_t block_bytes, kv_cache_bytes;
    struct fl_error *refusals; /* [n_requests]; the requests point into it */
};

int fl_serve(struct fl_serve_result *result, const struct fl_model *model,
             const struct fl_request_trace *trace, const struct fl_serve_options *options,
             struct fl_error *error);
void fl_serve_close(struct fl_serve_result *result);

#endif
