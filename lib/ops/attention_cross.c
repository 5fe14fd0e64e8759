#include "ops/attention_cross.h"

#include "ops/blas_excess.h"
#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"
#include "ops/softmax.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

struct job {
    float *out;
    const float *a, *b; /* what the operator reads, in the order of its arguments */
    const struct fl_cross_shape *shape;
    float scale;
};

/* One head of one rectangle, offsets in floats. */
struct head {
    const struct fl_attention_rect *rect;
    size_t queries, keys, scores;
    size_t q_stride, kv_stride, d;
};

static struct head find_head(const struct fl_cross_shape *shape, size_t index)
{
    const size_t n_heads = (size_t)shape->n_heads, n_kv_heads = (size_t)shape->n_kv_heads;
    const size_t d = (size_t)shape->head_dim, i = index % n_heads;
    const struct fl_attention_rect *rect = &shape->rects[index / n_heads];
    return (struct head){
        .rect = rect,
        .queries = (rect->query_row * n_heads + i) * d,
        .keys = (rect->key_row * n_kv_heads + i / (n_heads / n_kv_heads)) * d,
        .scores = rect->scores + i * (size_t)rect->n_tokens * (size_t)rect->n_keys,
        .q_stride = n_heads * d,
        .kv_stride = n_kv_heads * d,
        .d = d,
    };
}

static size_t n_heads_of_all(const struct fl_cross_shape *shape)
{
    return (size_t)shape->n_rects * (size_t)shape->n_heads;
}

/* Query-key pairs of a head, over all rectangles; and rows of queries and of keys. */
struct extent {
    uint64_t pairs, queries, keys;
};

static struct extent measure(const struct fl_cross_shape *shape)
{
    struct extent sum = {0};
    for (int i = 0; i < shape->n_rects; i++) {
        const uint64_t s = (uint64_t)shape->rects[i].n_tokens, t = (uint64_t)shape->rects[i].n_keys;
        sum.pairs += s * t;
        sum.queries += s;
        sum.keys += t;
    }
    return sum;
}

static bool is_worth(const struct fl_cross_shape *shape)
{
    return (size_t)shape->n_heads * measure(shape).pairs * (size_t)shape->head_dim >=
           FL_PARALLEL_MIN;
}

void fl_cross_place(struct fl_attention_rect *rects, int n_rects, int n_heads)
{
    size_t at = 0;
    for (int i = 0; i < n_rects; i++) {
        rects[i].scores = at;
        at += (size_t)n_heads * (size_t)rects[i].n_tokens * (size_t)rects[i].n_keys;
    }
}

/* ---- scores and context: a head is a task ---- */

/* A call of BLAS inside a parallel region stays on its thread; one query is a matrix-vector
 * product, which the kernels of simd.h do faster. */
static void head_scores(const void *context, size_t i)
{
    const struct job *job = context;
    const struct head h = find_head(job->shape, i);
    if (h.rect->n_tokens == 1)
        fl_simd()->dot_rows(job->out + h.scores, job->a + h.queries, job->b + h.keys,
                            (size_t)h.rect->n_keys, h.kv_stride, h.d);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, h.rect->n_tokens, h.rect->n_keys,
                    (int)h.d, 1.0f, job->a + h.queries, (int)h.q_stride, job->b + h.keys,
                    (int)h.kv_stride, 0.0f, job->out + h.scores, h.rect->n_keys);
}

static void head_context(const void *context, size_t i)
{
    const struct job *job = context;
    const struct head h = find_head(job->shape, i);
    float *out = job->out + h.queries;
    if (h.rect->n_tokens == 1) {
        memset(out, 0, h.d * sizeof *out);
        fl_simd()->mix_rows(out, job->a + h.scores, job->b + h.keys, (size_t)h.rect->n_keys,
                            h.kv_stride, h.d);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, h.rect->n_tokens, (int)h.d,
                    h.rect->n_keys, 1.0f, job->a + h.scores, h.rect->n_keys, job->b + h.keys,
                    (int)h.kv_stride, 0.0f, out, (int)h.q_stride);
    }
}

static void head_softmax(const void *context, size_t i)
{
    const struct job *job = context;
    const struct head h = find_head(job->shape, i);
    const size_t n_keys = (size_t)h.rect->n_keys;
    for (size_t row = 0; row < (size_t)h.rect->n_tokens; row++)
        fl_simd()->softmax(job->out + h.scores + row * n_keys, n_keys, job->scale);
}

void fl_cross_scores(float *scores, const float *q, const float *k,
                     const struct fl_cross_shape *shape)
{
    const struct job job = {scores, q, k, shape, 0};
    fl_parallel_rows(n_heads_of_all(shape), is_worth(shape), head_scores, &job);
}

void fl_cross_softmax(float *scores, const struct fl_cross_shape *shape)
{
    const float scale = shape->scale != 0.0f ? shape->scale : 1.0f / sqrtf((float)shape->head_dim);
    const struct job job = {.out = scores, .shape = shape, .scale = scale};
    fl_parallel_rows(n_heads_of_all(shape), is_worth(shape), head_softmax, &job);
}

void fl_cross_context(float *context, const float *probs, const float *v,
                      const struct fl_cross_shape *shape)
{
    const struct job job = {context, probs, v, shape, 0};
    fl_parallel_rows(n_heads_of_all(shape), is_worth(shape), head_context, &job);
}

/* ---- work ---- */

static uint64_t query_floats(const struct fl_cross_shape *shape, uint64_t n_rows)
{
    return n_rows * (uint64_t)shape->n_heads * (uint64_t)shape->head_dim;
}

static uint64_t key_floats(const struct fl_cross_shape *shape, uint64_t n_rows)
{
    return n_rows * (uint64_t)shape->n_kv_heads * (uint64_t)shape->head_dim;
}

struct fl_cost fl_cross_scores_cost(const struct fl_cross_shape *shape)
{
    const struct extent all = measure(shape);
    const uint64_t pairs = (uint64_t)shape->n_heads * all.pairs;
    return (struct fl_cost){
        .macs = pairs * (uint64_t)shape->head_dim,
        .bytes_read =
            (query_floats(shape, all.queries) + key_floats(shape, all.keys)) * sizeof(float),
        .bytes_written = pairs * sizeof(float),
    };
}

struct fl_cost fl_cross_softmax_cost(const struct fl_cross_shape *shape)
{
    const struct extent all = measure(shape);
    const uint64_t n_heads = (uint64_t)shape->n_heads;
    return (struct fl_cost){
        .elementwise = n_heads * (5 * all.pairs + all.queries),
        .bytes_read = n_heads * all.pairs * sizeof(float),
        .bytes_written = n_heads * all.pairs * sizeof(float),
    };
}

struct fl_cost fl_cross_context_cost(const struct fl_cross_shape *shape)
{
    const struct extent all = measure(shape);
    const uint64_t pairs = (uint64_t)shape->n_heads * all.pairs;
    return (struct fl_cost){
        .macs = pairs * (uint64_t)shape->head_dim,
        .bytes_read = (pairs + key_floats(shape, all.keys)) * sizeof(float),
        .bytes_written = query_floats(shape, all.queries) * sizeof(float),
    };
}

/* ---- beyond it ---- */

struct fl_excess fl_cross_scores_excess(const struct fl_cross_shape *shape)
{
    struct fl_excess sum = {0};
    for (int i = 0; i < shape->n_rects; i++) {
        const struct fl_attention_rect *rect = &shape->rects[i];
        struct fl_excess one = {0};
        if (rect->n_tokens == 1)
            one.flops[FL_EXCESS_PARTIAL_SUMS] =
                (int64_t)fl_simd_dot_joins((uint64_t)rect->n_keys, (uint64_t)shape->head_dim);
        else
            one = fl_sgemm_excess(rect->n_tokens, rect->n_keys, shape->head_dim);
        one = fl_excess_scale(shape->n_heads, &one);
        fl_excess_add(&sum, &one);
    }
    return sum;
}

struct fl_excess fl_cross_softmax_excess(const struct fl_cross_shape *shape)
{
    struct fl_excess sum = {0};
    for (int i = 0; i < shape->n_rects; i++) {
        const struct fl_excess row = fl_softmax_row_excess((uint64_t)shape->rects[i].n_keys);
        const struct fl_excess rows = fl_excess_scale(shape->rects[i].n_tokens, &row);
        fl_excess_add(&sum, &rows);
    }
    sum = fl_excess_scale(shape->n_heads, &sum);
    sum.flops[FL_EXCESS_CALL_SCALARS] = shape->scale != 0.0f ? 0 : 2; /* 1 / sqrt(head_dim) */
    return sum;
}

struct fl_excess fl_cross_context_excess(const struct fl_cross_shape *shape)
{
    struct fl_excess sum = {0};
    for (int i = 0; i < shape->n_rects; i++) {
        const struct fl_attention_rect *rect = &shape->rects[i];
        if (rect->n_tokens == 1)
            continue;
        struct fl_excess one = fl_sgemm_excess(rect->n_tokens, shape->head_dim, rect->n_keys);
        one = fl_excess_scale(shape->n_heads, &one);
        fl_excess_add(&sum, &one);
    }
    return sum;
}
