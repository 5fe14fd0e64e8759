/* serve_engine.h - a session as the scheduler's engine: one pass runs the spans of all requests
 * over a KV cache in blocks, and the next tokens are chosen greedily.
 *
 * A pass in which no span ends its prompt computes no logits; otherwise every span's last row gets
 * some, also that of a piece of a prompt, which nobody reads. */
#ifndef FL_ENGINE_SERVE_ENGINE_H
#define FL_ENGINE_SERVE_ENGINE_H

#include "base/error.h"
#include "engine/scheduler.h"
#include "engine/session.h"

struct fl_serve_engine_options {
    int n_seqs, n_ctx;    /* n_ctx 0: the model's own */
    int max_batch_tokens; /* rows of a pass */
    int block_tokens;     /* at least 1 */
    int n_blocks;         /* 0, or more than that: enough for all to be full */
    enum fl_attention attention;
    enum fl_dtype kv_dtype;   /* f32, f16 or bf16 */
    int n_threads;            /* 0: fl_default_threads() */
    struct fl_event_log *log; /* of the passes; or NULL */
};

struct fl_serve_engine {
    struct fl_session *session;
    struct fl_span *spans; /* [n_seqs] */
    int vocab_size;
    struct fl_schedule_engine schedule; /* its context is this struct: it must not move */
};

/* model must outlive it. */
int fl_serve_engine_open(struct fl_serve_engine *engine, const struct fl_model *model,
                         const struct fl_serve_engine_options *options, struct fl_error *error);
void fl_serve_engine_close(struct fl_serve_engine *engine);

#endif
