#include "engine/forward_parts.h"

#include "ops/activation.h"
#include "ops/embed.h"
#include "ops/kv_append.h"
#include "ops/layernorm.h"
#include "ops/linear.h"
#include "ops/qk_norm.h"
#include "ops/qkv.h"
#include "ops/residual.h"
#include "ops/rmsnorm.h"
#include "ops/rope.h"
#include "ops/scale.h"

#include <math.h>
#include <string.h>

static int n_rows(const struct fl_pass *pass)
{
    return pass->batch.n_rows;
}

static int global_row(const struct fl_pass *pass)
{
    return pass->model->config.n_layers;
}

static void embed(const struct fl_pass *pass)
{
    const struct fl_model *model = pass->model;
    const struct fl_config *config = &model->config;
    const float *positions =
        model->position_embedding ? model->position_embedding : pass->work->positions;
    OPERATOR(pass, global_row(pass), FL_OP_EMBED,
             fl_embed_cost(&model->token_embedding, n_rows(pass),
                           positions ? fl_batch_n_positions(&pass->batch) : 0,
                           config->scale_embedding),
             fl_embed_excess(&model->token_embedding, n_rows(pass), config->scale_embedding),
             fl_embed(pass->work->x, pass->tokens, pass->batch.positions, n_rows(pass),
                      &model->token_embedding, positions,
                      config->scale_embedding ? sqrtf((float)config->d_model) : 1.0f));
}

static void norm(const struct fl_pass *pass, int layer, enum fl_operator op, float *out,
                 const float *x, const struct fl_norm_weights *weights, int rows)
{
    const struct fl_config *config = &pass->model->config;
    const int d_model = config->d_model;
    const float eps = (float)config->norm_eps;
    if (config->norm == FL_NORM_RMSNORM)
        OPERATOR(pass, layer, op, fl_rmsnorm_cost(rows, d_model), fl_rmsnorm_excess(rows, d_model),
                 fl_rmsnorm(out, x, weights->gain, rows, d_model, eps));
    else
        OPERATOR(pass, layer, op, fl_layernorm_cost(rows, d_model),
                 fl_layernorm_excess(rows, d_model),
                 fl_layernorm(out, x, weights->gain, weights->bias, rows, d_model, eps));
}

void fl_pass_linear(const struct fl_pass *pass, int layer, enum fl_operator op, float *y,
                    const float *x, const struct fl_linear *weights, int rows)
{
    OPERATOR(pass, layer, op, fl_linear_cost(weights, rows), fl_linear_excess(weights, rows),
             fl_linear(y, x, rows, weights));
}

void fl_pass_activate(const struct fl_pass *pass, int layer, enum fl_operator op, size_t n)
{
    const struct fl_config *config = &pass->model->config;
    const struct fl_workspace *work = pass->work;
    const bool gated = config->gated;
    OPERATOR(pass, layer, op, fl_activate_cost(n, gated, config->activation),
             fl_activate_excess(n, gated, config->activation),
             fl_activate(work->up, gated ? work->gate : work->up, gated ? work->up : NULL, n,
                         config->activation));
}

/* x += branch */
static void residual(const struct fl_pass *pass, int layer)
{
    const size_t n = (size_t)n_rows(pass) * (size_t)pass->model->config.d_model;
    OPERATOR(pass, layer, FL_OP_RESIDUAL, fl_residual_cost(n), NO_EXCESS,
             fl_residual(pass->work->x, pass->work->branch, n));
}

/* One layer's keys and values. */
struct layer_cache {
    void *k, *v;
};

static struct layer_cache layer_cache(const struct fl_pass *pass, int layer)
{
    const struct fl_config *config = &pass->model->config;
    const size_t bytes =
        fl_dtype_bytes(pass->kv_dtype, (size_t)pass->n_blocks * (size_t)pass->block_tokens *
                                           (size_t)config->n_kv_heads * (size_t)config->head_dim);
    char *k_cache = pass->work->k_cache, *v_cache = pass->work->v_cache;
    const size_t offset = (size_t)layer * bytes;
    return (struct layer_cache){k_cache + offset, v_cache + offset};
}

/* k and v of the new tokens join the cache. */
static void append(const struct fl_pass *pass, int layer)
{
    const struct fl_config *config = &pass->model->config;
    const struct fl_workspace *work = pass->work;
    const struct layer_cache cache = layer_cache(pass, layer);
    const struct fl_kv_shape shape = {
        .spans = pass->batch.spans,
        .n_spans = pass->batch.n_spans,
        .n_kv_heads = config->n_kv_heads,
        .head_dim = config->head_dim,
        .block_tokens = pass->block_tokens,
        .dtype = pass->kv_dtype,
    };
    if (pass->n_copies > 0)
        OPERATOR(pass, layer, FL_OP_KV_COPY, fl_kv_copy_cost(pass->copies, pass->n_copies, &shape),
                 NO_EXCESS, fl_kv_copy(cache.k, cache.v, pass->copies, pass->n_copies, &shape));
    OPERATOR(pass, layer, FL_OP_KV_APPEND, fl_kv_append_cost(&shape), NO_EXCESS,
             fl_kv_append(cache.k, cache.v, work->k, work->v, &shape));
}

/* q, k, v of the new tokens, positions applied. */
static void project(const struct fl_pass *pass, int layer, const float *x)
{
    const struct fl_config *config = &pass->model->config;
    const struct fl_layer_weights *weights = &pass->model->layers[layer];
    const struct fl_workspace *work = pass->work;

    OPERATOR(
        pass, layer, FL_OP_QKV, fl_qkv_cost(n_rows(pass), &weights->q, &weights->k, &weights->v),
        fl_qkv_excess(n_rows(pass), &weights->q, &weights->k, &weights->v),
        fl_qkv(work->q, work->k, work->v, x, n_rows(pass), &weights->q, &weights->k, &weights->v));
    if (weights->q_norm) {
        const struct fl_qk_norm_shape heads = {n_rows(pass), config->n_heads, config->n_kv_heads,
                                               config->head_dim};
        OPERATOR(pass, layer, FL_OP_QK_NORM, fl_qk_norm_cost(&heads), fl_qk_norm_excess(&heads),
                 fl_qk_norm(work->q, work->k, weights->q_norm, weights->k_norm, &heads,
                            (float)config->norm_eps));
    }
    if (config->positions == FL_POS_ROPE) {
        const struct fl_rope_shape rope = {
            .n_rows = n_rows(pass),
            .n_positions = fl_batch_n_positions(&pass->batch),
            .n_heads = config->n_heads,
            .n_kv_heads = config->n_kv_heads,
            .head_dim = config->head_dim,
            .interleaved = config->rope.interleaved,
            .rotary_dim = config->rotary_dim,
        };
        OPERATOR(pass, layer, FL_OP_ROPE, fl_rope_cost(&rope), NO_EXCESS,
                 fl_rope(work->q, work->k, pass->batch.positions, work->cosine, work->sine, &rope));
    }
}

/* context = attention of q over the cache */
static void attend(const struct fl_pass *pass, int layer)
{
    const struct fl_config *config = &pass->model->config;
    const struct fl_workspace *work = pass->work;
    const struct fl_attention_kernel *kernel = pass->attention;
    const struct layer_cache cache = layer_cache(pass, layer);
    const struct fl_attention_shape shape = {
        .spans = pass->batch.spans,
        .n_spans = pass->batch.n_spans,
        .n_heads = config->n_heads,
        .n_kv_heads = config->n_kv_heads,
        .head_dim = config->head_dim,
        .block_tokens = pass->block_tokens,
        .window = config->sliding_window,
        .kv_dtype = pass->kv_dtype,
        .scale = fl_pass_attention_scale(pass),
    };

    append(pass, layer);
    if (kernel->fused) {
        OPERATOR(pass, layer, FL_OP_ATTENTION, kernel->fused_cost(&shape),
                 kernel->fused_excess(&shape),
                 kernel->fused(work->context, work->q, cache.k, cache.v, &shape));
        return;
    }
    OPERATOR(pass, layer, FL_OP_SCORES, kernel->scores_cost(&shape), kernel->scores_excess(&shape),
             kernel->scores(work->scores, work->q, cache.k, &shape));
    fl_pass_relative_bias(pass, layer);
    OPERATOR(pass, layer, FL_OP_SOFTMAX, kernel->softmax_cost(&shape),
             kernel->softmax_excess(&shape), kernel->softmax(work->scores, &shape));
    OPERATOR(pass, layer, FL_OP_CONTEXT, kernel->context_cost(&shape),
             kernel->context_excess(&shape),
             kernel->context(work->context, work->scores, cache.v, &shape));
}

/* branch = attention(x) */
static void attention(const struct fl_pass *pass, int layer, const float *x)
{
    project(pass, layer, x);
    if (pass->encoder)
        fl_pass_attend_both_ways(pass, layer);
    else
        attend(pass, layer);
    fl_pass_linear(pass, layer, FL_OP_ATTN_OUT, pass->work->branch, pass->work->context,
                   &pass->model->layers[layer].attn_out, n_rows(pass));
}

/* branch = down(act(up x)), gated: down(act(gate x) * (up x)) */
static void ffn(const struct fl_pass *pass, int layer, const float *x)
{
    const struct fl_config *config = &pass->model->config;
    const struct fl_layer_weights *weights = &pass->model->layers[layer];
    const struct fl_workspace *work = pass->work;
    const int rows = n_rows(pass);
    if (config->n_experts > 0) {
        fl_forward_moe(pass, layer, work->branch, x, rows);
        return;
    }
    if (config->gated)
        fl_pass_linear(pass, layer, FL_OP_FFN_GATE, work->gate, x, &weights->ffn_gate, rows);
    fl_pass_linear(pass, layer, FL_OP_FFN_UP, work->up, x, &weights->ffn_up, rows);
    fl_pass_activate(pass, layer, FL_OP_FFN_ACT, (size_t)rows * (size_t)config->d_ff);
    fl_pass_linear(pass, layer, FL_OP_FFN_DOWN, work->branch, work->up, &weights->ffn_down, rows);
}

/* x = x + attention(norm(x)), x = x + ffn(norm(x)), between them x = x + cross(norm(x)) where there
 * is an encoder to attend to */
static void layer_pre_norm(const struct fl_pass *pass, int layer)
{
    const struct fl_layer_weights *weights = &pass->model->layers[layer];
    float *x = pass->work->x, *branch = pass->work->branch;
    const int rows = n_rows(pass);

    norm(pass, layer, FL_OP_NORM_ATTN, branch, x, &weights->norm_attn, rows);
    attention(pass, layer, branch);
    residual(pass, layer);
    if (pass->cross) {
        norm(pass, layer, FL_OP_NORM_CROSS, branch, x, &weights->norm_cross, rows);
        fl_pass_cross(pass, layer, branch);
        residual(pass, layer);
    }
    norm(pass, layer, FL_OP_NORM_FFN, branch, x, &weights->norm_ffn, rows);
    ffn(pass, layer, branch);
    residual(pass, layer);
}

/* x = x + attention(norm(x)) + ffn(norm(x)), each branch with a norm of its own or both with one */
static void layer_parallel(const struct fl_pass *pass, int layer)
{
    const struct fl_layer_weights *weights = &pass->model->layers[layer];
    float *x = pass->work->x, *branch = pass->work->branch, *second = pass->work->second;
    const int rows = n_rows(pass);
    const float *attended = second;

    if (weights->norm_ffn.gain) {
        norm(pass, layer, FL_OP_NORM_ATTN, branch, x, &weights->norm_attn, rows);
        norm(pass, layer, FL_OP_NORM_FFN, second, x, &weights->norm_ffn, rows);
        attended = branch;
    } else {
        norm(pass, layer, FL_OP_NORM_ATTN, second, x, &weights->norm_attn, rows);
    }
    attention(pass, layer, attended);
    residual(pass, layer);
    ffn(pass, layer, second);
    residual(pass, layer);
}

/* x = norm(x + attention(x)), x = norm(x + ffn(x)), between them x = norm(x + cross(x)) */
static void layer_post_norm(const struct fl_pass *pass, int layer)
{
    const struct fl_layer_weights *weights = &pass->model->layers[layer];
    float *x = pass->work->x;
    const int rows = n_rows(pass);

    attention(pass, layer, x);
    residual(pass, layer);
    norm(pass, layer, FL_OP_NORM_ATTN, x, x, &weights->norm_attn, rows);
    if (pass->cross) {
        fl_pass_cross(pass, layer, x);
        residual(pass, layer);
        norm(pass, layer, FL_OP_NORM_CROSS, x, x, &weights->norm_cross, rows);
    }
    ffn(pass, layer, x);
    residual(pass, layer);
    norm(pass, layer, FL_OP_NORM_FFN, x, x, &weights->norm_ffn, rows);
}

/* The last row of each span; a copy is made only where they do not lie side by side. */
static const float *last_rows(const struct fl_pass *pass)
{
    const size_t d_model = (size_t)pass->model->config.d_model;
    const struct fl_batch *batch = &pass->batch;
    if (batch->n_spans == batch->n_rows)
        return pass->work->x;
    for (int i = 0; i < batch->n_spans; i++) {
        const struct fl_batch_span *span = &batch->spans[i];
        const float *row = pass->work->x + (span->first_row + (size_t)span->n_tokens - 1) * d_model;
        if (batch->n_spans == 1)
            return row;
        memcpy(pass->work->last + (size_t)i * d_model, row, d_model * sizeof(float));
    }
    return pass->work->last;
}

/* What the decoder attends to: the final norm of every row, or the residual stream itself. */
static void encoder_output(const struct fl_pass *pass)
{
    const struct fl_norm_weights *weights = &pass->model->norm_final;
    if (weights->gain)
        norm(pass, global_row(pass), FL_OP_NORM_FINAL, pass->work->branch, pass->work->x, weights,
             n_rows(pass));
}

/* Final norm and logits, over the rows whose logits are wanted. */
static void head(const struct fl_pass *pass)
{
    const struct fl_model *model = pass->model;
    const struct fl_workspace *work = pass->work;
    if (pass->logits == FL_LOGITS_NONE)
        return;
    const bool all = pass->logits == FL_LOGITS_ALL;
    const int rows = all ? n_rows(pass) : pass->batch.n_spans;
    const float *x = all ? work->x : last_rows(pass);

    if (model->norm_final.gain) {
        norm(pass, global_row(pass), FL_OP_NORM_FINAL, work->branch, x, &model->norm_final, rows);
        x = work->branch;
    }
    if (fl_config_scales_logits(&model->config)) { /* which have a final norm */
        const size_t n = (size_t)rows * (size_t)model->config.d_model;
        const struct fl_excess excess = {.flops[FL_EXCESS_CALL_SCALARS] = 2}; /* the factor */
        OPERATOR(pass, global_row(pass), FL_OP_LOGITS, fl_scale_cost(n), excess,
                 fl_scale(work->branch, 1.0f / sqrtf((float)model->config.d_model), n));
    }
    fl_pass_linear(pass, global_row(pass), FL_OP_LOGITS, work->logits, x, &model->logits, rows);
}

void fl_forward(const struct fl_pass *pass)
{
    const struct fl_config *config = &pass->model->config;
    embed(pass);
    for (int layer = 0; layer < config->n_layers; layer++) {
        if (config->norm_position == FL_NORM_POST)
            layer_post_norm(pass, layer);
        else if (config->branches != FL_BRANCHES_SEQUENTIAL)
            layer_parallel(pass, layer);
        else
            layer_pre_norm(pass, layer);
    }
    if (pass->encoder)
        encoder_output(pass);
    else
        head(pass);
}
