/* attention_naive.c - the textbook: all s*t pairs are computed, then masked. */
#include "ops/attention_shared.h"
#include "ops/simd/simd.h"

#include <cblas.h>
#include <math.h>

/* One head is one task; a call of BLAS inside a parallel region stays on its thread. With a single
 * head there is no region and BLAS uses its own threads. */
static bool parallel_heads(const struct fl_attention_shape *shape)
{
    return fl_attention_n_heads(shape) > 1;
}

static void scores_rectangle(float *scores, const float *q, const float *k,
                             const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1) {
        fl_attention_decode_scores(scores, q, k, shape);
        return;
    }
#pragma omp parallel for schedule(static) if (parallel_heads(shape))
    for (size_t i = 0; i < fl_attention_n_heads(shape); i++) {
        struct fl_attention_head head = fl_attention_head(shape, i);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, shape->n_tokens, (int)head.n_keys,
                    shape->head_dim, 1.0f, q + head.queries, (int)head.q_stride, k + head.keys,
                    shape->head_dim, 0.0f, scores + head.scores, (int)head.n_keys);
    }
}

static void softmax_masked(float *scores, const struct fl_attention_shape *shape)
{
    const struct fl_simd *simd = fl_simd();
    size_t n_tokens = (size_t)shape->n_tokens, n_past = (size_t)shape->n_past;
    size_t n_keys = n_past + n_tokens;
    size_t n_rows = fl_attention_n_heads(shape) * n_tokens;
    float scale = 1.0f / sqrtf((float)shape->head_dim);
#pragma omp parallel for schedule(static) if (fl_attention_parallel(shape, n_tokens * n_keys))
    for (size_t i = 0; i < n_rows; i++) {
        float *row = scores + i * n_keys;
        for (size_t j = n_past + i % n_tokens + 1; j < n_keys; j++)
            row[j] = -INFINITY;
        simd->softmax(row, n_keys, scale);
    }
}

static void context_rectangle(float *context, const float *probs, const float *v,
                              const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1) {
        fl_attention_decode_context(context, probs, v, shape);
        return;
    }
#pragma omp parallel for schedule(static) if (parallel_heads(shape))
    for (size_t i = 0; i < fl_attention_n_heads(shape); i++) {
        struct fl_attention_head head = fl_attention_head(shape, i);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, shape->n_tokens, shape->head_dim,
                    (int)head.n_keys, 1.0f, probs + head.scores, (int)head.n_keys, v + head.keys,
                    shape->head_dim, 0.0f, context + head.queries, (int)head.q_stride);
    }
}

static uint64_t n_pairs(const struct fl_attention_shape *shape)
{
    return (uint64_t)shape->n_tokens * ((uint64_t)shape->n_past + (uint64_t)shape->n_tokens);
}

static struct fl_cost scores_cost(const struct fl_attention_shape *shape)
{
    return fl_attention_scores_cost(shape, n_pairs(shape));
}

static struct fl_cost softmax_cost(const struct fl_attention_shape *shape)
{
    return fl_attention_softmax_cost(shape, n_pairs(shape));
}

static struct fl_cost context_cost(const struct fl_attention_shape *shape)
{
    return fl_attention_context_cost(shape, n_pairs(shape));
}

const struct fl_attention_kernel fl_attention_naive = {
    .name = "naive",
    .scores = scores_rectangle,
    .softmax = softmax_masked,
    .context = context_rectangle,
    .scores_cost = scores_cost,
    .softmax_cost = softmax_cost,
    .context_cost = context_cost,
};
