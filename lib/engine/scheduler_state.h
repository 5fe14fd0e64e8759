/* scheduler_state.h - the inside of a scheduler, for scheduler*.c only. */
#ifndef FL_ENGINE_SCHEDULER_STATE_H
#define FL_ENGINE_SCHEDULER_STATE_H

#include "engine/scheduler.h"

/* A request on its way. Its tokens are the prompt and what was generated; length of them are in
 * the cache. */
struct fl_scheduler_job {
    int seq;          /* -1: has none */
    int length;       /* tokens in the cache */
    int n_run;        /* the most that ever were, since then lost or not */
    uint64_t planned; /* the last pass with a span of it */
    int *output;
    struct fl_request_progress progress;
};

/* What a sequence of the engine is used for: a running request, or the beginning of a finished
 * one. */
struct fl_scheduler_seat {
    int request;   /* -1: of none */
    int kept;      /* tokens of a finished one */
    uint64_t used; /* counts passes, for the least recently used */
};

struct fl_scheduler {
    struct fl_scheduler_options options;
    struct fl_schedule_engine engine;
    const struct fl_request *requests;
    int n_requests, n_arrived, n_over;
    struct fl_scheduler_job *jobs;   /* [n_requests] */
    int *outputs;                    /* of all, one behind the other */
    struct fl_scheduler_seat *seats; /* [engine.n_seqs] */
    int *running, n_running;         /* requests, the oldest first */
    int *queue, n_queue;             /* requests, the oldest first */
    int *ids;                        /* [n_ctx + 1] a request's tokens, while one is looked at */
    struct fl_prefix_cache prefixes;
    uint64_t n_passes;
    /* the pass being planned */
    struct fl_schedule_span *spans; /* [max_seqs] */
    int *tokens, *chosen;           /* [max_batch_tokens], [max_seqs] */
    int n_spans, n_rows;
    int n_promised; /* blocks its spans will take */
};

/* Tokens of a request in the cache at its end: all but the last, which no one reads. */
static inline int fl_scheduler_n_at_end(const struct fl_request *r)
{
    return r->n_prompt + r->n_output - 1;
}

#endif
