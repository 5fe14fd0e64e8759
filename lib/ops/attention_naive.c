/* attention_naive.c - the textbook: every query against every key, masked afterwards. */
#include "ops/attention_shared.h"
#include "ops/blas_excess.h"
#include "ops/parallel.h"
#include "ops/simd/simd.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>

/* One head of one span is one task; a call of BLAS inside a parallel region stays on its thread.
 * With a single head there is no region and BLAS uses its own threads. */
static void for_each_head(void (*body)(const void *job, size_t head),
                          const struct fl_attention_job *job)
{
    const struct fl_attention_shape *shape = job->shape;
    if (fl_attention_has_several(shape))
        fl_parallel_rows((size_t)shape->n_spans * (size_t)shape->n_heads, true, body, job);
}

static struct fl_attention_head head_at(const struct fl_attention_shape *shape, size_t i)
{
    return fl_attention_head(shape, (int)(i / (size_t)shape->n_heads),
                             (int)(i % (size_t)shape->n_heads));
}

static int end_of(const struct fl_batch_span *span)
{
    return span->n_past + span->n_tokens;
}

static void head_scores(const void *context, size_t i)
{
    const struct fl_attention_job *job = context;
    const struct fl_attention_shape *shape = job->shape;
    const struct fl_attention_head head = head_at(shape, i);
    const int end = end_of(head.span), d = shape->head_dim;
    struct fl_attention_wide wide;
    if (head.span->n_tokens == 1)
        return;
    for (int key = head.span->first_key, n; key < end; key += n) {
        n = fl_attention_run(shape, key, end, INT_MAX);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, head.span->n_tokens, n, d, 1.0f,
                    job->a + head.queries, (int)head.q_stride,
                    fl_attention_rows(shape, job->b, &head, key, n, &wide), d, 0.0f,
                    job->out + head.scores + (key - head.span->first_key), (int)head.n_keys);
    }
}

static void scores_rectangle(float *scores, const float *q, const void *k,
                             const struct fl_attention_shape *shape)
{
    fl_attention_decode_scores(scores, q, k, shape);
    for_each_head(head_scores, &(struct fl_attention_job){scores, q, k, shape, 0, 0});
}

static void mask(float *row, struct fl_key_range seen, int first, int end)
{
    for (int key = first; key < seen.first; key++)
        row[key - first] = -INFINITY;
    for (int key = seen.end; key < end; key++)
        row[key - first] = -INFINITY;
}

/* All rows of one head; a head is a stretch of rows that stay together. */
static void head_softmax(const void *context, size_t i)
{
    const struct fl_attention_job *job = context;
    const struct fl_attention_shape *shape = job->shape;
    const size_t n_pieces = (size_t)job->n_pieces;
    const struct fl_attention_head head = head_at(shape, i / n_pieces);
    const int query = (int)(i % n_pieces);
    if (query >= head.span->n_tokens)
        return;
    float *row = job->out + head.scores + (size_t)query * head.n_keys;
    mask(row, fl_attention_visible(shape, head.span, query), head.span->first_key,
         end_of(head.span));
    fl_simd()->softmax(row, head.n_keys, job->scale);
}

static void head_context(const void *context, size_t i)
{
    const struct fl_attention_job *job = context;
    const struct fl_attention_shape *shape = job->shape;
    const struct fl_attention_head head = head_at(shape, i);
    const int first = head.span->first_key, end = end_of(head.span), d = shape->head_dim;
    struct fl_attention_wide wide;
    if (head.span->n_tokens == 1)
        return;
    for (int key = first, n; key < end; key += n) {
        n = fl_attention_run(shape, key, end, INT_MAX);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, head.span->n_tokens, d, n, 1.0f,
                    job->a + head.scores + (key - first), (int)head.n_keys,
                    fl_attention_rows(shape, job->b, &head, key, n, &wide), d,
                    key == first ? 0.0f : 1.0f, job->out + head.queries, (int)head.q_stride);
    }
}

static void context_rectangle(float *context, const float *probs, const void *v,
                              const struct fl_attention_shape *shape)
{
    fl_attention_decode_context(context, probs, v, shape);
    for_each_head(head_context, &(struct fl_attention_job){context, probs, v, shape, 0, 0});
}

static int longest(const struct fl_attention_shape *shape)
{
    int most = 0;
    for (int i = 0; i < shape->n_spans; i++)
        most = shape->spans[i].n_tokens > most ? shape->spans[i].n_tokens : most;
    return most;
}

static void softmax_masked(float *scores, const struct fl_attention_shape *shape)
{
    const struct fl_attention_job job = {.out = scores,
                                         .shape = shape,
                                         .scale = fl_attention_scale(shape),
                                         .n_pieces = longest(shape)};
    fl_parallel_rows((size_t)shape->n_spans * (size_t)shape->n_heads * (size_t)job.n_pieces,
                     fl_attention_parallel(shape, fl_attention_rectangle_pairs(shape)),
                     head_softmax, &job);
}

static struct fl_cost scores_cost(const struct fl_attention_shape *shape)
{
    return fl_attention_scores_cost(shape, fl_attention_rectangle_pairs(shape));
}

static struct fl_cost softmax_cost(const struct fl_attention_shape *shape)
{
    return fl_attention_softmax_cost(shape, fl_attention_rectangle_pairs(shape));
}

static struct fl_cost context_cost(const struct fl_attention_shape *shape)
{
    return fl_attention_context_cost(shape, fl_attention_rectangle_pairs(shape));
}

static struct fl_excess one_scores(const struct fl_attention_shape *shape, int n_tokens, int n)
{
    return fl_sgemm_excess(n_tokens, n, shape->head_dim);
}

static struct fl_excess one_context(const struct fl_attention_shape *shape, int n_tokens, int n)
{
    return fl_sgemm_excess(n_tokens, shape->head_dim, n);
}

/* One product a head and stretch of keys. A single head is a call outside of a parallel region,
 * which OpenBLAS may share out between its threads: other tiles, and terms only nearly right. */
static struct fl_excess products_excess(const struct fl_attention_shape *shape,
                                        struct fl_excess (*one)(const struct fl_attention_shape *,
                                                                int n_tokens, int n))
{
    struct fl_excess sum = {0};
    for (int i = 0; i < shape->n_spans; i++) {
        const struct fl_batch_span *span = &shape->spans[i];
        const int end = end_of(span);
        if (span->n_tokens == 1)
            continue;
        for (int key = span->first_key, n; key < end; key += n) {
            n = fl_attention_run(shape, key, end, INT_MAX);
            struct fl_excess product = one(shape, span->n_tokens, n);
            fl_excess_add(&sum, &product);
        }
    }
    return fl_excess_scale(shape->n_heads, &sum);
}

static struct fl_excess scores_excess(const struct fl_attention_shape *shape)
{
    struct fl_excess sum = fl_attention_decode_scores_excess(shape);
    const struct fl_excess products = products_excess(shape, one_scores);
    fl_excess_add(&sum, &products);
    return sum;
}

static struct fl_excess softmax_excess(const struct fl_attention_shape *shape)
{
    return fl_attention_softmax_excess(shape, true);
}

static struct fl_excess context_excess(const struct fl_attention_shape *shape)
{
    return products_excess(shape, one_context);
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
