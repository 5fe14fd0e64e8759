/* attention_causal.c - exactly the pairs a query may see.
 *
 * Queries are taken in tiles of rows. Left of the tile's first query lies a rectangle of keys that
 * all its rows see: one matrix product. On the diagonal remains a triangle, done row by row:
 *
 *     keys   0 ... n_past + first | . . . .
 *     row 0  # # # # # # # # # #  | x
 *     row 1  # # # # # # # # # #  | x x          # matrix product   x row kernels
 *     row 2  # # # # # # # # # #  | x x x        nothing right of x is read or written
 */
#include "ops/attention_shared.h"
#include "ops/blas_excess.h"
#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* Rows a tile. Small tiles leave a small triangle to the slower row kernels, large tiles keep the
 * matrix product efficient; of 16, 32 and 64, 32 was the fastest for 12 heads of 64 features with
 * 128 and 512 tokens (Zen 4, two threads, OpenBLAS 0.3.21). */
enum { TILE = 32 };

/* One tile of one head. */
struct tile {
    struct fl_attention_head head;
    size_t first, n_rows; /* queries */
    size_t n_before;      /* keys left of the triangle */
};

static size_t tiles_per_head(const struct fl_attention_shape *shape)
{
    return ((size_t)shape->n_tokens + TILE - 1) / TILE;
}

static struct tile tile_at(const struct fl_attention_shape *shape, size_t index)
{
    size_t n_tokens = (size_t)shape->n_tokens, n_tiles = tiles_per_head(shape);
    size_t first = index % n_tiles * TILE;
    return (struct tile){
        .head = fl_attention_head(shape, index / n_tiles),
        .first = first,
        .n_rows = n_tokens - first < TILE ? n_tokens - first : TILE,
        .n_before = (size_t)shape->n_past + first,
    };
}

static void scores_tile(const void *context, size_t index)
{
    const struct fl_attention_job *job = context;
    const struct fl_simd *simd = fl_simd();
    struct tile tile = tile_at(job->shape, index);
    size_t d = (size_t)job->shape->head_dim;
    size_t n_keys = tile.head.n_keys, q_stride = tile.head.q_stride;
    float *scores = job->out + tile.head.scores + tile.first * n_keys;
    const float *q = job->a + tile.head.queries + tile.first * q_stride;
    const float *k = job->b + tile.head.keys;
    if (tile.n_before > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)tile.n_rows, (int)tile.n_before,
                    (int)d, 1.0f, q, (int)q_stride, k, (int)d, 0.0f, scores, (int)n_keys);
    for (size_t i = 0; i < tile.n_rows; i++)
        simd->dot_rows(scores + i * n_keys + tile.n_before, NULL, q + i * q_stride,
                       k + tile.n_before * d, i + 1, d, d);
}

static void context_tile(const void *context, size_t index)
{
    const struct fl_attention_job *job = context;
    const struct fl_simd *simd = fl_simd();
    struct tile tile = tile_at(job->shape, index);
    size_t d = (size_t)job->shape->head_dim;
    size_t n_keys = tile.head.n_keys, q_stride = tile.head.q_stride;
    const float *probs = job->a + tile.head.scores + tile.first * n_keys;
    const float *v = job->b + tile.head.keys;
    float *out = job->out + tile.head.queries + tile.first * q_stride;
    for (size_t i = 0; i < tile.n_rows; i++) {
        float *row = out + i * q_stride;
        memset(row, 0, d * sizeof *row);
        simd->mix_rows(row, probs + i * n_keys + tile.n_before, v + tile.n_before * d, i + 1, d, d);
    }
    if (tile.n_before > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)tile.n_rows, (int)d,
                    (int)tile.n_before, 1.0f, probs, (int)n_keys, v, (int)d, 1.0f, out,
                    (int)q_stride);
}

static void softmax_row(const void *context, size_t i)
{
    const struct fl_attention_job *job = context;
    size_t n_past = (size_t)job->shape->n_past, n_tokens = (size_t)job->shape->n_tokens;
    fl_simd()->softmax(job->out + i * (n_past + n_tokens), n_past + i % n_tokens + 1, job->scale);
}

static uint64_t n_pairs(const struct fl_attention_shape *shape)
{
    uint64_t s = (uint64_t)shape->n_tokens;
    return s * (uint64_t)shape->n_past + s * (s + 1) / 2;
}

/* Tiles differ in work, the first of a head having no rectangle. */
static void for_each_tile(void (*body)(const void *job, size_t tile),
                          const struct fl_attention_job *job)
{
    const struct fl_attention_shape *shape = job->shape;
    fl_parallel_tasks(fl_attention_n_heads(shape) * tiles_per_head(shape),
                      fl_attention_parallel(shape, n_pairs(shape)), body, job);
}

static void scores_visible(float *scores, const float *q, const float *k,
                           const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1)
        fl_attention_decode_scores(scores, q, k, shape);
    else
        for_each_tile(scores_tile, &(struct fl_attention_job){scores, q, k, shape, 0});
}

static void softmax_visible(float *scores, const struct fl_attention_shape *shape)
{
    struct fl_attention_job job = {
        .out = scores, .shape = shape, .scale = 1.0f / sqrtf((float)shape->head_dim)};
    fl_parallel_rows(fl_attention_n_heads(shape) * (size_t)shape->n_tokens,
                     fl_attention_parallel(shape, n_pairs(shape)), softmax_row, &job);
}

static void context_visible(float *context, const float *probs, const float *v,
                            const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1)
        fl_attention_decode_context(context, probs, v, shape);
    else
        for_each_tile(context_tile, &(struct fl_attention_job){context, probs, v, shape, 0});
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

/* The rectangles of all tiles of a head, times the heads; multiply is the product of one. */
static struct fl_excess rectangles(const struct fl_attention_shape *shape,
                                   struct fl_excess (*multiply)(const struct tile *tile, int d))
{
    struct fl_excess sum = {0};
    for (size_t i = 0; i < tiles_per_head(shape); i++) {
        struct tile tile = tile_at(shape, i);
        struct fl_excess one = {0};
        if (tile.n_before > 0)
            one = multiply(&tile, shape->head_dim);
        fl_excess_add(&sum, &one);
    }
    return fl_excess_scale((int64_t)fl_attention_n_heads(shape), &sum);
}

static struct fl_excess scores_rectangle_excess(const struct tile *tile, int d)
{
    return fl_sgemm_excess((int)tile->n_rows, (int)tile->n_before, d);
}

static struct fl_excess context_rectangle_excess(const struct tile *tile, int d)
{
    return fl_sgemm_excess((int)tile->n_rows, d, (int)tile->n_before);
}

static struct fl_excess scores_excess(const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1)
        return fl_attention_decode_scores_excess(shape);
    struct fl_excess sum = rectangles(shape, scores_rectangle_excess);
    uint64_t joins = 0;
    for (size_t i = 0; i < (size_t)shape->n_tokens; i++)
        joins += fl_simd_dot_joins(i % TILE + 1, (uint64_t)shape->head_dim);
    sum.flops[FL_EXCESS_PARTIAL_SUMS] += (int64_t)(fl_attention_n_heads(shape) * joins);
    return sum;
}

static struct fl_excess softmax_excess(const struct fl_attention_shape *shape)
{
    return fl_attention_softmax_excess(shape, false);
}

static struct fl_excess context_excess(const struct fl_attention_shape *shape)
{
    if (shape->n_tokens == 1)
        return (struct fl_excess){0};
    return rectangles(shape, context_rectangle_excess);
}

const struct fl_attention_kernel fl_attention_causal = {
    .name = "causal",
    .scores = scores_visible,
    .softmax = softmax_visible,
    .context = context_visible,
    .scores_cost = scores_cost,
    .softmax_cost = softmax_cost,
    .context_cost = context_cost,
    .scores_excess = scores_excess,
    .softmax_excess = softmax_excess,
    .context_excess = context_excess,
};
