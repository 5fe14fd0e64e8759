/* attention_naive.c - the textbook: all s*t pairs are computed, then masked. */
#include "ops/attention_shared.h"
#include "ops/blas_excess.h"
#include "ops/parallel.h"
#include "ops/simd/simd.h"

#include <cblas.h>
#include <math.h>

/* One head is one task; a call of BLAS inside a parallel region stays on its thread. With a single
 * head there is no region and BLAS uses its own threads. */
static void for_each_head(void (*body)(const void *job, size_t head),
                          const struct fl_attention_job *job)
{
    fl_parallel_rows(fl_attention_n_heads(job->shape), true, body, job);
}

static void head_scores(const void *context, size_t i)
{
    const struct fl_attention_job *job = context;
    const struct fl_attention_shape *shape = job->shape;
    struct fl_attention_head head = fl_attention_head(shape, i);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, shape->n_tokens, (int)head.n_keys,
                shape->head_dim, 1.0f, job->a + head.queries, (int)head.q_stride,
                job->b + head.keys, shape->head_dim, 0.0f, job->out + head.scores,
                (int)head.n_keys);
}

static void scores_rectangle(float *scores, const float *q, const float *k,
                             const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1)
        fl_attention_decode_scores(scores, q, k, shape);
    else
        for_each_head(head_scores, &(struct fl_attention_job){scores, q, k, shape, 0});
}

static void row_softmax(const void *context, size_t i)
{
    const struct fl_attention_job *job = context;
    const struct fl_attention_shape *shape = job->shape;
    size_t n_tokens = (size_t)shape->n_tokens, n_past = (size_t)shape->n_past;
    size_t n_keys = n_past + n_tokens;
    float *row = job->out + i * n_keys;
    for (size_t j = n_past + i % n_tokens + 1; j < n_keys; j++)
        row[j] = -INFINITY;
    fl_simd()->softmax(row, n_keys, job->scale);
}

static void head_context(const void *context, size_t i)
{
    const struct fl_attention_job *job = context;
    const struct fl_attention_shape *shape = job->shape;
    struct fl_attention_head head = fl_attention_head(shape, i);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, shape->n_tokens, shape->head_dim,
                (int)head.n_keys, 1.0f, job->a + head.scores, (int)head.n_keys, job->b + head.keys,
                shape->head_dim, 0.0f, job->out + head.queries, (int)head.q_stride);
}

static void context_rectangle(float *context, const float *probs, const float *v,
                              const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1)
        fl_attention_decode_context(context, probs, v, shape);
    else
        for_each_head(head_context, &(struct fl_attention_job){context, probs, v, shape, 0});
}

static uint64_t n_pairs(const struct fl_attention_shape *shape)
{
    return (uint64_t)shape->n_tokens * ((uint64_t)shape->n_past + (uint64_t)shape->n_tokens);
}

static void softmax_masked(float *scores, const struct fl_attention_shape *shape)
{
    fl_parallel_rows(fl_attention_n_heads(shape) * (size_t)shape->n_tokens,
                     fl_attention_parallel(shape, n_pairs(shape)), row_softmax,
                     &(struct fl_attention_job){.out = scores,
                                                .shape = shape,
                                                .scale = 1.0f / sqrtf((float)shape->head_dim)});
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

/* One product a head. A single head is a call outside of a parallel region, which OpenBLAS may
 * share out between its threads: other tiles, and terms that are only nearly right. */
static struct fl_excess scores_excess(const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1)
        return fl_attention_decode_scores_excess(shape);
    struct fl_excess one =
        fl_sgemm_excess(shape->n_tokens, shape->n_past + shape->n_tokens, shape->head_dim);
    return fl_excess_scale((int64_t)fl_attention_n_heads(shape), &one);
}

static struct fl_excess softmax_excess(const struct fl_attention_shape *shape)
{
    return fl_attention_softmax_excess(shape, true);
}

static struct fl_excess context_excess(const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1)
        return (struct fl_excess){0};
    struct fl_excess one =
        fl_sgemm_excess(shape->n_tokens, shape->head_dim, shape->n_past + shape->n_tokens);
    return fl_excess_scale((int64_t)fl_attention_n_heads(shape), &one);
}

const struct fl_attention_kernel fl_attention_naive = {
    .name = "naive",
    .scores = scores_rectangle,
    .softmax = softmax_masked,
    .context = context_rectangle,
    .scores_cost = scores_cost,
    .softmax_cost = softmax_cost,
    .context_cost = context_cost,
    .scores_excess = scores_excess,
    .softmax_excess = softmax_excess,
    .context_excess = context_excess,
};
