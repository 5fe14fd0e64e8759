#include "engine/serve_engine.h"

#include "engine/kv_cache.h"
#include "engine/logits_processor.h"

#include <stdlib.h>

static int run(void *context, const struct fl_schedule_pass *pass, struct fl_error *error)
{
    struct fl_serve_engine *engine = context;
    const size_t vocab_size = (size_t)engine->vocab_size;
    for (int i = 0; i < pass->n_spans; i++)
        engine->spans[i] = (struct fl_span){pass->spans[i].seq, pass->spans[i].n_tokens};
    if (fl_session_run(engine->session, engine->spans, pass->n_spans, pass->tokens,
                       pass->samples ? FL_LOGITS_LAST : FL_LOGITS_NONE, error) != FL_OK)
        return FL_FAILED;
    const float *logits = fl_session_logits(engine->session);
    for (int i = 0; i < pass->n_spans; i++) {
        if (!pass->spans[i].samples)
            continue;
        pass->chosen[i] = fl_logits_largest(logits + (size_t)i * vocab_size, engine->vocab_size);
        if (pass->chosen[i] < 0)
            return fl_fail(error, "request %d: expected logits, none of %d is a number",
                           pass->spans[i].request, engine->vocab_size);
    }
    return FL_OK;
}

static int fork_sequence(void *context, int to, int from, int n, struct fl_error *error)
{
    struct fl_serve_engine *engine = context;
    return fl_session_fork(engine->session, to, from, n, error);
}

static void truncate_sequence(void *context, int seq, int n)
{
    struct fl_serve_engine *engine = context;
    fl_session_truncate_seq(engine->session, seq, n);
}

static int blocks_free(void *context)
{
    const struct fl_serve_engine *engine = context;
    return fl_session_blocks_free(engine->session);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* More blocks than all full sequences take would never be used. */
static int useful_blocks(const struct fl_serve_engine_options *options, int n_ctx)
{
    const int full = fl_kv_blocks(n_ctx, options->block_tokens);
    return options->n_blocks / options->n_seqs >= full ? 0 : options->n_blocks;
}

int fl_serve_engine_open(struct fl_serve_engine *engine, const struct fl_model *model,
                         const struct fl_serve_engine_options *options, struct fl_error *error)
{
    const int n_ctx = options->n_ctx > 0 ? options->n_ctx : model->config.n_ctx_max;
    const int n_tokens_max = least(n_ctx, options->max_batch_tokens);
    const int64_t n_rows = (int64_t)n_tokens_max * options->n_seqs;
    const struct fl_session_options session = {
        .n_seqs = options->n_seqs,
        .n_ctx = n_ctx,
        .n_tokens_max = n_tokens_max,
        .n_rows_max = n_rows < options->max_batch_tokens ? (int)n_rows : options->max_batch_tokens,
        .block_tokens = options->block_tokens,
        .n_blocks = options->block_tokens > 0 ? useful_blocks(options, n_ctx) : 0,
        .slides = true,
        .attention = options->attention,
        .kv_dtype = options->kv_dtype,
        .logits = FL_LOGITS_LAST,
        .n_threads = options->n_threads,
    };
    *engine = (struct fl_serve_engine){.vocab_size = model->config.vocab_size};
    if (model->config.n_encoder_layers > 0)
        return fl_fail(error, "%s: serving: expected a decoder-only model", model->config.name);
    if (options->block_tokens < 1 || options->block_tokens > n_ctx)
        return fl_fail(error, "block_tokens: expected 1 .. %d (the context), got %d", n_ctx,
                       options->block_tokens);
    if (fl_session_open(&engine->session, model, &session, error) != FL_OK)
        return FL_FAILED;
    fl_session_ledger(engine->session)->log = options->log;
    engine->spans = calloc((size_t)options->n_seqs, sizeof *engine->spans);
    if (!engine->spans) {
        fl_serve_engine_close(engine);
        return fl_fail(error, "%s: not enough memory for %d sequences", model->config.name,
                       options->n_seqs);
    }
    engine->schedule = (struct fl_schedule_engine){.context = engine,
                                                   .n_seqs = options->n_seqs,
                                                   .n_ctx = fl_session_n_ctx(engine->session),
                                                   .block_tokens = options->block_tokens,
                                                   .n_blocks = fl_session_n_blocks(engine->session),
                                                   .window = model->config.sliding_window,
                                                   .run = run,
                                                   .fork = fork_sequence,
                                                   .truncate = truncate_sequence,
                                                   .blocks_free = blocks_free};
    return FL_OK;
}

void fl_serve_engine_close(struct fl_serve_engine *engine)
{
    fl_session_close(engine->session);
    free(engine->spans);
    *engine = (struct fl_serve_engine){0};
}
