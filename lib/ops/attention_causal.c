/* attention_causal.c - exactly the pairs a query may see: rectangles of tiles by matrix products, a
 * stretch of keys that lie together at a time, their sides by the row kernels. */
#include "ops/attention_tiles.h"
#include "ops/blas_excess.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

/* What a side executes: the rows of a tile against the keys they see there. */
typedef void side_body(const struct fl_attention_job *job, const struct fl_tile *tile, int row,
                       int key, int n);

static void side(const struct fl_attention_job *job, const struct fl_tile *tile, int row,
                 struct fl_key_range keys, side_body *body)
{
    for (int key = keys.first, n; key < keys.end; key += n) {
        n = fl_attention_run(job->shape, key, keys.end, INT_MAX);
        body(job, tile, row, key, n);
    }
}

static void sides(const struct fl_attention_job *job, const struct fl_tile *tile, side_body *body)
{
    for (int i = 0; i < tile->n_rows; i++) {
        side(job, tile, i, fl_tile_left(job->shape, tile, i), body);
        side(job, tile, i, fl_tile_right(job->shape, tile, i), body);
    }
}

/* Where the pair of a tile's row and a key stands among the scores. */
static size_t pair_at(const struct fl_tile *tile, int row, int key)
{
    return tile->head.scores + (size_t)(tile->first + row) * tile->head.n_keys +
           (size_t)(key - tile->head.span->first_key);
}

static void scores_side(const struct fl_attention_job *job, const struct fl_tile *tile, int row,
                        int key, int n)
{
    const size_t d = (size_t)job->shape->head_dim;
    struct fl_attention_wide wide;
    fl_simd()->dot_rows(job->out + pair_at(tile, row, key), job->a + fl_tile_query(tile, row),
                        fl_attention_rows(job->shape, job->b, &tile->head, key, n, &wide),
                        (size_t)n, d, d);
}

static void context_side(const struct fl_attention_job *job, const struct fl_tile *tile, int row,
                         int key, int n)
{
    const size_t d = (size_t)job->shape->head_dim;
    struct fl_attention_wide wide;
    fl_simd()->mix_rows(job->out + fl_tile_query(tile, row), job->a + pair_at(tile, row, key),
                        fl_attention_rows(job->shape, job->b, &tile->head, key, n, &wide),
                        (size_t)n, d, d);
}

static void scores_tile(const void *context, size_t index)
{
    const struct fl_attention_job *job = context;
    const int d = job->shape->head_dim;
    struct fl_attention_wide wide;
    struct fl_tile tile;
    if (!fl_tile_find(&tile, job, index))
        return;
    for (int key = tile.common.first, n; key < tile.common.end; key += n) {
        n = fl_attention_run(job->shape, key, tile.common.end, INT_MAX);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, tile.n_rows, n, d, 1.0f,
                    job->a + fl_tile_query(&tile, 0), (int)tile.head.q_stride,
                    fl_attention_rows(job->shape, job->b, &tile.head, key, n, &wide), d, 0.0f,
                    job->out + pair_at(&tile, 0, key), (int)tile.head.n_keys);
    }
    sides(job, &tile, scores_side);
}

static void context_tile(const void *context, size_t index)
{
    const struct fl_attention_job *job = context;
    const int d = job->shape->head_dim;
    struct fl_attention_wide wide;
    struct fl_tile tile;
    if (!fl_tile_find(&tile, job, index))
        return;
    for (int i = 0; i < tile.n_rows; i++)
        memset(job->out + fl_tile_query(&tile, i), 0, (size_t)d * sizeof *job->out);
    sides(job, &tile, context_side);
    for (int key = tile.common.first, n; key < tile.common.end; key += n) {
        n = fl_attention_run(job->shape, key, tile.common.end, INT_MAX);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, tile.n_rows, d, n, 1.0f,
                    job->a + pair_at(&tile, 0, key), (int)tile.head.n_keys,
                    fl_attention_rows(job->shape, job->b, &tile.head, key, n, &wide), d, 1.0f,
                    job->out + fl_tile_query(&tile, 0), (int)tile.head.q_stride);
    }
}

/* One tile's rows, or one row of a span of one token. */
static void softmax_tile(const void *context, size_t index)
{
    const struct fl_attention_job *job = context;
    const struct fl_attention_shape *shape = job->shape;
    const int piece = (int)(index % (size_t)job->n_pieces);
    const size_t at = index / (size_t)job->n_pieces;
    const struct fl_attention_head head = fl_attention_head(
        shape, (int)(at / (size_t)shape->n_heads), (int)(at % (size_t)shape->n_heads));
    const int end = (piece + 1) * FL_TILE_ROWS < head.span->n_tokens ? (piece + 1) * FL_TILE_ROWS
                                                                     : head.span->n_tokens;
    for (int query = piece * FL_TILE_ROWS; query < end; query++) {
        struct fl_key_range seen = fl_attention_visible(shape, head.span, query);
        fl_simd()->softmax(job->out + head.scores + (size_t)query * head.n_keys +
                               (seen.first - head.span->first_key),
                           (size_t)(seen.end - seen.first), job->scale);
    }
}

static void scores_visible(float *scores, const float *q, const void *k,
                           const struct fl_attention_shape *shape)
{
    fl_attention_decode_scores(scores, q, k, shape);
    if (fl_attention_has_several(shape))
        fl_tile_for_each(scores_tile, &(struct fl_attention_job){scores, q, k, shape, 0, 0});
}

static void softmax_visible(float *scores, const struct fl_attention_shape *shape)
{
    fl_tile_for_each(softmax_tile, &(struct fl_attention_job){.out = scores,
                                                              .shape = shape,
                                                              .scale = fl_attention_scale(shape)});
}

static void context_visible(float *context, const float *probs, const void *v,
                            const struct fl_attention_shape *shape)
{
    fl_attention_decode_context(context, probs, v, shape);
    if (fl_attention_has_several(shape))
        fl_tile_for_each(context_tile, &(struct fl_attention_job){context, probs, v, shape, 0, 0});
}

static struct fl_cost scores_cost(const struct fl_attention_shape *shape)
{
    return fl_attention_scores_cost(shape, fl_attention_visible_pairs(shape));
}

static struct fl_cost softmax_cost(const struct fl_attention_shape *shape)
{
    return fl_attention_softmax_cost(shape, fl_attention_visible_pairs(shape));
}

static struct fl_cost context_cost(const struct fl_attention_shape *shape)
{
    return fl_attention_context_cost(shape, fl_attention_visible_pairs(shape));
}

/* ---- excess ---- */

static struct fl_excess scores_product(const struct fl_attention_shape *shape, int n_rows, int n)
{
    return fl_sgemm_excess(n_rows, n, shape->head_dim);
}

static struct fl_excess context_product(const struct fl_attention_shape *shape, int n_rows, int n)
{
    return fl_sgemm_excess(n_rows, shape->head_dim, n);
}

static uint64_t side_joins(const struct fl_attention_shape *shape, struct fl_key_range keys)
{
    uint64_t joins = 0;
    for (int key = keys.first, n; key < keys.end; key += n) {
        n = fl_attention_run(shape, key, keys.end, INT_MAX);
        joins += fl_simd_dot_joins((uint64_t)n, (uint64_t)shape->head_dim);
    }
    return joins;
}

/* The rectangles of all tiles of one head and, of dot products at their sides, the joins. */
static void
add_tiles(struct fl_excess *sum, const struct fl_attention_shape *shape, int span, bool joins,
          struct fl_excess (*product)(const struct fl_attention_shape *, int n_rows, int n))
{
    for (int index = 0; index < fl_tiles_of(&shape->spans[span]); index++) {
        const struct fl_tile tile = fl_tile_at(shape, span, 0, index);
        for (int key = tile.common.first, n; key < tile.common.end; key += n) {
            n = fl_attention_run(shape, key, tile.common.end, INT_MAX);
            struct fl_excess one = product(shape, tile.n_rows, n);
            fl_excess_add(sum, &one);
        }
        for (int i = 0; joins && i < tile.n_rows; i++)
            sum->flops[FL_EXCESS_PARTIAL_SUMS] +=
                (int64_t)(side_joins(shape, fl_tile_left(shape, &tile, i)) +
                          side_joins(shape, fl_tile_right(shape, &tile, i)));
    }
}

static struct fl_excess all_tiles(const struct fl_attention_shape *shape, bool joins,
                                  struct fl_excess (*product)(const struct fl_attention_shape *,
                                                              int n_rows, int n))
{
    struct fl_excess sum = {0};
    for (int i = 0; i < shape->n_spans; i++)
        if (shape->spans[i].n_tokens > 1)
            add_tiles(&sum, shape, i, joins, product);
    return fl_excess_scale(shape->n_heads, &sum);
}

static struct fl_excess scores_excess(const struct fl_attention_shape *shape)
{
    struct fl_excess sum = fl_attention_decode_scores_excess(shape);
    const struct fl_excess tiles = all_tiles(shape, true, scores_product);
    fl_excess_add(&sum, &tiles);
    return sum;
}

static struct fl_excess softmax_excess(const struct fl_attention_shape *shape)
{
    return fl_attention_softmax_excess(shape, false);
}

static struct fl_excess context_excess(const struct fl_attention_shape *shape)
{
    return all_tiles(shape, false, context_product);
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
