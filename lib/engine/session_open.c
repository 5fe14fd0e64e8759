/* session_open.c - the beginning of session.h: options checked, memory planned and reserved. */
#include "base/memory.h"
#include "base/threads.h"
#include "engine/session_state.h"
#include "ledger/formulas.h"
#include "ops/positions.h"
#include "ops/rope.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_THREADS_MAX = 1024 };

static int check_context(const struct fl_config *config, int n_ctx, struct fl_error *error)
{
    if (n_ctx < 1)
        return fl_fail(error, "%s: n_ctx: expected at least 1, got %d", config->name, n_ctx);
    if (config->positions == FL_POS_LEARNED && n_ctx > config->n_ctx_max)
        return fl_fail(error,
                       "%s: n_ctx: the model has learned positions for %d tokens, expected at "
                       "most that, got %d",
                       config->name, config->n_ctx_max, n_ctx);
    return FL_OK;
}

/* An option that must lie within bounds. */
static int check_number(const struct fl_config *config, const char *name, int value, int min,
                        int max, struct fl_error *error)
{
    if (value < min || value > max)
        return fl_fail(error, "%s: %s: expected %d .. %d, got %d", config->name, name, min, max,
                       value);
    return FL_OK;
}

static int check_blocks(struct fl_session_options *options, const struct fl_config *config,
                        struct fl_error *error)
{
    if (options->block_tokens == 0)
        options->block_tokens = options->n_ctx;
    if (check_number(config, "block_tokens", options->block_tokens, 1, options->n_ctx, error) !=
        FL_OK)
        return FL_FAILED;
    const int blocks_per_seq = fl_kv_blocks(options->n_ctx, options->block_tokens);
    if (options->n_seqs > INT_MAX / blocks_per_seq)
        return fl_fail(error, "%s: n_seqs: expected at most %d sequences of %d blocks, got %d",
                       config->name, INT_MAX / blocks_per_seq, blocks_per_seq, options->n_seqs);
    const int most = blocks_per_seq * options->n_seqs;
    if (options->slides && config->sliding_window > 0) {
        if (check_number(config, "n_rewind", options->n_rewind, 0, options->n_ctx, error) != FL_OK)
            return FL_FAILED;
        const int n = fl_kv_window_blocks((int64_t)config->sliding_window + options->n_rewind,
                                          options->block_tokens, options->n_tokens_max);
        if (options->n_blocks == 0 && n < blocks_per_seq)
            options->n_blocks = n * options->n_seqs;
    }
    if (options->n_blocks == 0)
        options->n_blocks = most;
    return check_number(config, "n_blocks", options->n_blocks, 1, most, error);
}

static struct fl_encoder_options encoder_options(const struct fl_session_options *options)
{
    return (struct fl_encoder_options){.n_seqs = options->n_seqs,
                                       .n_ctx = options->n_ctx,
                                       .n_inputs = options->n_inputs,
                                       .n_encoder_ctx = options->n_encoder_ctx};
}

static int check_encoder_options(struct fl_session_options *options, const struct fl_config *config,
                                 struct fl_error *error)
{
    if (config->n_encoder_layers == 0) {
        options->n_inputs = options->n_encoder_ctx = 0;
        return FL_OK;
    }
    if (options->n_inputs == 0)
        options->n_inputs = options->n_seqs;
    if (options->n_encoder_ctx == 0)
        options->n_encoder_ctx = config->n_ctx_max;
    if (options->kv_dtype != FL_F32)
        return fl_fail(error, "%s: kv_dtype: expected f32 for an encoder-decoder", config->name);
    if (check_number(config, "n_inputs", options->n_inputs, 1, options->n_seqs, error) != FL_OK)
        return FL_FAILED;
    return check_number(config, "n_encoder_ctx", options->n_encoder_ctx, 1,
                        INT_MAX / options->n_inputs, error);
}

/* Fills in defaults and refuses what the model or the engine cannot do. */
static int check_options(struct fl_session_options *options, const struct fl_config *config,
                         struct fl_error *error)
{
    if (options->n_ctx == 0)
        options->n_ctx = config->n_ctx_max;
    if (options->n_tokens_max == 0)
        options->n_tokens_max = options->n_ctx;
    if (options->n_threads == 0)
        options->n_threads = fl_default_threads();

    if (check_context(config, options->n_ctx, error) != FL_OK)
        return FL_FAILED;
    if (options->n_tokens_max < 1 || options->n_tokens_max > options->n_ctx)
        return fl_fail(error, "%s: n_tokens_max: expected 1 .. %d (n_ctx), got %d", config->name,
                       options->n_ctx, options->n_tokens_max);
    if (check_number(config, "n_seqs", options->n_seqs, 1, INT_MAX / options->n_tokens_max,
                     error) != FL_OK)
        return FL_FAILED;
    const int n_rows = options->n_seqs * options->n_tokens_max;
    if (options->n_rows_max == 0)
        options->n_rows_max = n_rows;
    if (check_number(config, "n_rows_max", options->n_rows_max, 1, n_rows, error) != FL_OK ||
        check_blocks(options, config, error) != FL_OK ||
        check_number(config, "n_threads", options->n_threads, 1, N_THREADS_MAX, error) != FL_OK)
        return FL_FAILED;
    if (check_encoder_options(options, config, error) != FL_OK)
        return FL_FAILED;
    if ((unsigned)options->attention >= FL_N_ATTENTIONS)
        return fl_fail(error, "%s: attention: no kernel has number %d", config->name,
                       (int)options->attention);
    if (fl_session_kernels[options->attention]->fused && config->n_encoder_layers > 0)
        return fl_fail(
            error,
            "%s: attention: %s runs decoder-only models; expected naive or causal for an "
            "encoder-decoder",
            config->name, fl_session_kernels[options->attention]->name);
    if ((unsigned)options->kv_dtype > FL_BF16)
        return fl_fail(error, "%s: kv_dtype: expected f32, f16 or bf16", config->name);
    if (options->kv_dtype != FL_F32 && config->head_dim > FL_ATTENTION_HALF_HEAD_MAX)
        return fl_fail(error, "%s: kv_dtype: expected f32 for heads of more than %d features",
                       config->name, FL_ATTENTION_HALF_HEAD_MAX);
    if ((unsigned)options->logits > FL_LOGITS_ALL)
        return fl_fail(error, "%s: logits: no mode has number %d", config->name,
                       (int)options->logits);
    return FL_OK;
}

static void plan_kv_cache(struct fl_workspace *work, struct fl_arena *arena,
                          const struct fl_config *config, const struct fl_session_options *options)
{
    const size_t n_layers = (size_t)config->n_layers, n_blocks = (size_t)options->n_blocks;
    const size_t n_kv_heads = (size_t)config->n_kv_heads, head_dim = (size_t)config->head_dim;
    const size_t block_tokens = (size_t)options->block_tokens;
    const size_t bytes = (size_t)fl_dtype_bytes(options->kv_dtype, 1);
    work->k_cache =
        FL_ARENA_TENSOR(arena, bytes, n_layers, n_blocks, n_kv_heads, block_tokens, head_dim);
    work->v_cache =
        FL_ARENA_TENSOR(arena, bytes, n_layers, n_blocks, n_kv_heads, block_tokens, head_dim);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Keys a query may see: of its own sequence, or of the encoder. */
static size_t larger_ctx(const struct fl_session_options *options)
{
    return larger((size_t)options->n_ctx, (size_t)options->n_encoder_ctx);
}

static size_t n_encoder_rows(const struct fl_session_options *options)
{
    return (size_t)options->n_inputs * (size_t)options->n_encoder_ctx;
}

static void plan_activations(struct fl_workspace *work, struct fl_arena *arena,
                             const struct fl_config *config,
                             const struct fl_session_options *options)
{
    const size_t n_seqs = (size_t)options->n_seqs;
    const size_t n_tokens = (size_t)options->n_rows_max, n_ctx = larger_ctx(options);
    const size_t n_rows = larger(n_tokens, n_encoder_rows(options));
    const size_t d_model = (size_t)config->d_model;
    const size_t d_ff = config->n_experts > 0 ? fl_moe_ffn_width(config) : (size_t)config->d_ff;
    const size_t n_heads = (size_t)config->n_heads, head_dim = (size_t)config->head_dim;
    const size_t d_kv = (size_t)config->n_kv_heads * head_dim;

    work->x = FL_ARENA_FLOATS(arena, n_rows, d_model);
    work->branch = FL_ARENA_FLOATS(arena, n_rows, d_model);
    if (config->branches != FL_BRANCHES_SEQUENTIAL)
        work->second = FL_ARENA_FLOATS(arena, n_rows, d_model);
    work->q = FL_ARENA_FLOATS(arena, n_rows, n_heads, head_dim);
    work->k = FL_ARENA_FLOATS(arena, n_rows, d_kv);
    work->v = FL_ARENA_FLOATS(arena, n_rows, d_kv);
    if (!fl_session_kernels[options->attention]->fused)
        work->scores = FL_ARENA_FLOATS(arena, n_heads, n_rows, n_ctx);
    work->context = FL_ARENA_FLOATS(arena, n_rows, n_heads, head_dim);
    if (config->gated)
        work->gate = FL_ARENA_FLOATS(arena, n_rows, d_ff);
    work->up = FL_ARENA_FLOATS(arena, n_rows, d_ff);
    if (config->n_experts > 0)
        fl_moe_plan(&work->moe, arena, config, n_rows);
    if (options->logits != FL_LOGITS_NONE) {
        work->last = FL_ARENA_FLOATS(arena, n_seqs, d_model);
        work->logits = FL_ARENA_FLOATS(arena, options->logits == FL_LOGITS_ALL ? n_tokens : n_seqs,
                                       (size_t)config->vocab_size);
    }
    if (config->positions == FL_POS_SINUSOIDAL || config->positions == FL_POS_SINUSOIDAL_HALVES)
        work->positions = FL_ARENA_FLOATS(arena, n_ctx, d_model);
    if (config->positions == FL_POS_ROPE) {
        work->cosine = FL_ARENA_FLOATS(arena, n_ctx, (size_t)fl_config_rotary_dim(config) / 2);
        work->sine = FL_ARENA_FLOATS(arena, n_ctx, (size_t)fl_config_rotary_dim(config) / 2);
    }
}

/* Called twice: against a measuring arena, then against the real one. */
static void plan(struct fl_session *session)
{
    const struct fl_config *config = &session->model->config;
    const struct fl_encoder_options encoder = encoder_options(&session->options);
    const bool has_encoder = config->n_encoder_layers > 0;
    plan_kv_cache(&session->work, &session->arena, config, &session->options);
    if (has_encoder)
        fl_encoder_plan_cache(&session->encoder, &session->arena, config, &encoder);
    session->kv_cache_bytes = session->arena.used;
    plan_activations(&session->work, &session->arena, config, &session->options);
    session->activation_bytes = session->arena.used - session->kv_cache_bytes;
    if (has_encoder)
        fl_encoder_plan_rest(&session->encoder, &session->arena, config, &encoder);
    const struct fl_session_options *options = &session->options;
    fl_kv_cache_plan(&session->cache, &session->arena, options->n_seqs, options->n_ctx,
                     options->block_tokens, options->n_blocks);
    session->spans =
        fl_arena_take(&session->arena, (size_t)options->n_seqs, sizeof *session->spans);
    session->seqs = fl_arena_take(&session->arena, (size_t)options->n_seqs, sizeof *session->seqs);
    session->alike =
        fl_arena_take(&session->arena, (size_t)options->n_seqs, sizeof *session->alike);
    session->positions =
        fl_arena_take(&session->arena, (size_t)options->n_rows_max, sizeof *session->positions);
}

static int reserve(struct fl_session *session, struct fl_error *error)
{
    const struct fl_config *config = &session->model->config;
    const struct fl_session_options *options = &session->options;
    char what[sizeof config->name + 96];
    snprintf(what, sizeof what, "%s: a session of n_seqs %d, n_ctx %d, n_tokens_max %d",
             config->name, options->n_seqs, options->n_ctx, options->n_tokens_max);

    plan(session);
    if (session->arena.overflow)
        return fl_fail(error, "%s needs more memory than can be addressed", what);
    const size_t size = session->arena.used;
    if (fl_memory_require(size, what, error) != FL_OK ||
        fl_arena_open(&session->arena, size, what, error) != FL_OK)
        return FL_FAILED;
    plan(session);
    assert(!session->arena.overflow && session->arena.used == size);
    fl_kv_cache_clear(&session->cache);
    if (options->slides)
        fl_kv_cache_set_window(&session->cache, config->sliding_window, options->n_rewind);
    return FL_OK;
}

static void fill_position_tables(struct fl_session *session)
{
    const struct fl_config *config = &session->model->config;
    const struct fl_workspace *work = &session->work;
    const int n_ctx = (int)larger_ctx(&session->options);
    if (work->positions && config->positions == FL_POS_SINUSOIDAL_HALVES)
        fl_positions_halves(work->positions, n_ctx, config->d_model);
    else if (work->positions)
        fl_positions_sinusoidal(work->positions, n_ctx, config->d_model);
    if (work->cosine)
        fl_rope_fill(work->cosine, work->sine, n_ctx, fl_config_rotary_dim(config), &config->rope);
}

_Static_assert((int)FL_FUSED_KEYS == (int)FL_FLASH_KEYS,
               "the formulas know the kernel's stretches");

int fl_session_open(struct fl_session **session, const struct fl_model *model,
                    const struct fl_session_options *options, struct fl_error *error)
{
    *session = NULL;
    if (fl_config_runnable(&model->config, error) != FL_OK)
        return FL_FAILED;
    struct fl_session *opened = calloc(1, sizeof *opened);
    if (!opened)
        return fl_fail(error, "%s: cannot reserve memory for a session", model->config.name);
    opened->model = model;
    opened->options = *options;
    if (check_options(&opened->options, &model->config, error) != FL_OK ||
        fl_ledger_open_stacks(&opened->ledger, model->config.n_layers,
                              model->config.n_encoder_layers, error) != FL_OK ||
        reserve(opened, error) != FL_OK) {
        fl_session_close(opened);
        return FL_FAILED;
    }
    fill_position_tables(opened);
    if (model->config.n_encoder_layers > 0) {
        const struct fl_encoder_options encoder = encoder_options(&opened->options);
        fl_encoder_prepare(&opened->encoder, model, &encoder);
    }
    *session = opened;
    return FL_OK;
}

void fl_session_close(struct fl_session *session)
{
    if (!session)
        return;
    fl_arena_close(&session->arena);
    fl_ledger_close(&session->ledger);
    free(session);
}
