/* attention_flash.c - exactly the pairs a query may see, without ever holding a row of scores.
 *
 * Keys are gone through FL_FLASH_KEYS at a time. For each such stretch a tile of queries computes
 * its scores, makes them weights relative to the largest score so far, and adds the weighted values
 * to its result; where a larger score turns up, what was added before is scaled down. At the end a
 * row is divided by the sum of its weights. The memory this takes does not grow with the context.
 * Source: Dao et al., 2022 (arXiv:2205.14135); on-line softmax: Milakov and Gimelshein, 2018
 * (arXiv:1805.02867).
 *
 * FLOPs: a pair 4 and its two products; a row, for each stretch behind its first, head_dim + 5
 * (shrink the result and the sum, find the factor), and at the end head_dim + 1. */
#include "ops/attention_tiles.h"
#include "ops/blas_excess.h"
#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"
#include "ops/softmax.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <string.h>

enum { KEYS = FL_FLASH_KEYS, HEADS = 16 /* of a group that decode together */ };

struct job {
    struct fl_attention_job tiles; /* out: context, a: q, b: k */
    const void *v;
};

/* What a row carries from stretch to stretch. */
struct row_state {
    float maximum, sum;
};

static struct fl_key_range both(struct fl_key_range a, struct fl_key_range b)
{
    return (struct fl_key_range){a.first > b.first ? a.first : b.first,
                                 a.end < b.end ? a.end : b.end};
}

/* The stretch that begins with `key`, as far as any of `keys` lies in it. */
static struct fl_key_range stretch(struct fl_key_range keys, int key)
{
    const int end = key > INT_MAX - KEYS ? INT_MAX : key - key % KEYS + KEYS;
    return both(keys, (struct fl_key_range){key, end});
}

/* scores [rows, KEYS] of a stretch from `key` on become weights; results so far shrink. */
static void weigh(float *scores, size_t n, float scale, struct row_state *state, float *out,
                  size_t d)
{
    const bool first = state->maximum == -INFINITY;
    const float shrink = fl_simd()->softmax_stretch(scores, n, scale, &state->maximum, &state->sum);
    if (!first)
        fl_simd()->scale(out, shrink, d);
}

static void finish(float *out, const struct row_state *state, size_t d)
{
    fl_simd()->scale(out, 1.0f / state->sum, d);
}

/* ---- a tile of queries ---- */

struct tile_work {
    const struct job *job;
    struct fl_tile tile;
    int start; /* of the stretch: where scores begin */
    _Alignas(64) float scores[FL_TILE_ROWS * KEYS];
    struct row_state states[FL_TILE_ROWS];
    struct fl_attention_wide wide;
};

/* Row i against keys of one side; the products of scores or of context. */
static void side_scores(struct tile_work *work, int i, struct fl_key_range keys)
{
    const struct fl_attention_job *job = &work->job->tiles;
    const size_t d = (size_t)job->shape->head_dim;
    for (int key = keys.first, n; key < keys.end; key += n) {
        n = fl_attention_run(job->shape, key, keys.end, INT_MAX);
        fl_simd()->dot_rows(
            work->scores + i * KEYS + (key - work->start), job->a + fl_tile_query(&work->tile, i),
            fl_attention_rows(job->shape, job->b, &work->tile.head, key, n, &work->wide), (size_t)n,
            d, d);
    }
}

static void side_context(struct tile_work *work, int i, struct fl_key_range keys)
{
    const struct fl_attention_job *job = &work->job->tiles;
    const size_t d = (size_t)job->shape->head_dim;
    for (int key = keys.first, n; key < keys.end; key += n) {
        n = fl_attention_run(job->shape, key, keys.end, INT_MAX);
        fl_simd()->mix_rows(
            job->out + fl_tile_query(&work->tile, i), work->scores + i * KEYS + (key - work->start),
            fl_attention_rows(job->shape, work->job->v, &work->tile.head, key, n, &work->wide),
            (size_t)n, d, d);
    }
}

static void rectangle_scores(struct tile_work *work, struct fl_key_range keys)
{
    const struct fl_attention_job *job = &work->job->tiles;
    const struct fl_tile *tile = &work->tile;
    const int d = job->shape->head_dim;
    for (int key = keys.first, n; key < keys.end; key += n) {
        n = fl_attention_run(job->shape, key, keys.end, INT_MAX);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, tile->n_rows, n, d, 1.0f,
                    job->a + fl_tile_query(tile, 0), (int)tile->head.q_stride,
                    fl_attention_rows(job->shape, job->b, &tile->head, key, n, &work->wide), d,
                    0.0f, work->scores + (key - work->start), KEYS);
    }
}

static void rectangle_context(struct tile_work *work, struct fl_key_range keys)
{
    const struct fl_attention_job *job = &work->job->tiles;
    const struct fl_tile *tile = &work->tile;
    const int d = job->shape->head_dim;
    for (int key = keys.first, n; key < keys.end; key += n) {
        n = fl_attention_run(job->shape, key, keys.end, INT_MAX);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, tile->n_rows, d, n, 1.0f,
                    work->scores + (key - work->start), KEYS,
                    fl_attention_rows(job->shape, work->job->v, &tile->head, key, n, &work->wide),
                    d, 1.0f, job->out + fl_tile_query(tile, 0), (int)tile->head.q_stride);
    }
}

static void tile_stretch(struct tile_work *work, struct fl_key_range keys)
{
    const struct fl_attention_job *job = &work->job->tiles;
    const struct fl_attention_shape *shape = job->shape;
    const struct fl_tile *tile = &work->tile;
    rectangle_scores(work, both(tile->common, keys));
    for (int i = 0; i < tile->n_rows; i++) {
        side_scores(work, i, both(fl_tile_left(shape, tile, i), keys));
        side_scores(work, i, both(fl_tile_right(shape, tile, i), keys));
        const struct fl_key_range seen =
            both(fl_attention_visible(shape, tile->head.span, tile->first + i), keys);
        if (seen.first < seen.end)
            weigh(work->scores + i * KEYS + (seen.first - work->start),
                  (size_t)(seen.end - seen.first), job->scale, &work->states[i],
                  job->out + fl_tile_query(tile, i), (size_t)shape->head_dim);
    }
    rectangle_context(work, both(tile->common, keys));
    for (int i = 0; i < tile->n_rows; i++) {
        side_context(work, i, both(fl_tile_left(shape, tile, i), keys));
        side_context(work, i, both(fl_tile_right(shape, tile, i), keys));
    }
}

static void attend_tile(const void *context, size_t index)
{
    struct tile_work work;
    work.job = context;
    const struct fl_attention_job *job = &work.job->tiles;
    const size_t d = (size_t)job->shape->head_dim;
    if (!fl_tile_find(&work.tile, job, index))
        return;
    for (int i = 0; i < work.tile.n_rows; i++) {
        memset(job->out + fl_tile_query(&work.tile, i), 0, d * sizeof *job->out);
        work.states[i] = (struct row_state){-INFINITY, 0.0f};
    }
    for (int key = work.tile.any.first; key < work.tile.any.end;) {
        const struct fl_key_range keys = stretch(work.tile.any, key);
        work.start = keys.first;
        tile_stretch(&work, keys);
        key = keys.end;
    }
    for (int i = 0; i < work.tile.n_rows; i++)
        finish(job->out + fl_tile_query(&work.tile, i), &work.states[i], d);
}

/* ---- one new token: the heads of a group share keys and values ---- */

struct group_work {
    const struct job *job;
    struct fl_attention_head head; /* the first of them */
    int n_heads;
    _Alignas(64) float scores[HEADS * KEYS];
    struct row_state states[HEADS];
    struct fl_attention_wide wide;
};

static void group_stretch(struct group_work *work, struct fl_key_range keys)
{
    const struct fl_attention_job *job = &work->job->tiles;
    const struct fl_attention_shape *shape = job->shape;
    const size_t d = (size_t)shape->head_dim;
    const float *q = job->a + work->head.queries;
    float *out = job->out + work->head.queries;
    for (int key = keys.first, n; key < keys.end; key += n) {
        n = fl_attention_run(shape, key, keys.end, INT_MAX);
        const float *k = fl_attention_rows(shape, job->b, &work->head, key, n, &work->wide);
        for (int i = 0; i < work->n_heads; i++)
            fl_simd()->dot_rows(work->scores + i * KEYS + (key - keys.first), q + (size_t)i * d, k,
                                (size_t)n, d, d);
    }
    for (int i = 0; i < work->n_heads; i++)
        weigh(work->scores + i * KEYS, (size_t)(keys.end - keys.first), job->scale,
              &work->states[i], out + (size_t)i * d, d);
    for (int key = keys.first, n; key < keys.end; key += n) {
        n = fl_attention_run(shape, key, keys.end, INT_MAX);
        const float *v = fl_attention_rows(shape, work->job->v, &work->head, key, n, &work->wide);
        for (int i = 0; i < work->n_heads; i++)
            fl_simd()->mix_rows(out + (size_t)i * d, work->scores + i * KEYS + (key - keys.first),
                                v, (size_t)n, d, d);
    }
}

static void attend_heads(struct group_work *work)
{
    const struct fl_attention_job *job = &work->job->tiles;
    const size_t d = (size_t)job->shape->head_dim;
    const struct fl_key_range seen = fl_attention_visible(job->shape, work->head.span, 0);
    float *out = job->out + work->head.queries;
    memset(out, 0, (size_t)work->n_heads * d * sizeof *out);
    for (int i = 0; i < work->n_heads; i++)
        work->states[i] = (struct row_state){-INFINITY, 0.0f};
    for (int key = seen.first; key < seen.end;) {
        const struct fl_key_range keys = stretch(seen, key);
        group_stretch(work, keys);
        key = keys.end;
    }
    for (int i = 0; i < work->n_heads; i++)
        finish(out + (size_t)i * d, &work->states[i], d);
}

/* Number g of the groups of all spans. */
static void attend_group(const void *context, size_t g)
{
    struct group_work work;
    work.job = context;
    const struct fl_attention_shape *shape = work.job->tiles.shape;
    const int span = (int)(g / (size_t)shape->n_kv_heads);
    const int group = shape->n_heads / shape->n_kv_heads;
    const int first = (int)(g % (size_t)shape->n_kv_heads) * group;
    if (shape->spans[span].n_tokens > 1)
        return;
    for (int i = 0; i < group; i += HEADS) {
        work.head = fl_attention_head(shape, span, first + i);
        work.n_heads = group - i < HEADS ? group - i : HEADS;
        attend_heads(&work);
    }
}

static bool has_single(const struct fl_attention_shape *shape)
{
    for (int i = 0; i < shape->n_spans; i++)
        if (shape->spans[i].n_tokens == 1)
            return true;
    return false;
}

static void attend(float *context, const float *q, const void *k, const void *v,
                   const struct fl_attention_shape *shape)
{
    struct job job = {.tiles = {.out = context,
                                .a = q,
                                .b = k,
                                .shape = shape,
                                .scale = fl_attention_scale(shape)},
                      .v = v};
    if (has_single(shape))
        fl_parallel_rows((size_t)shape->n_spans * (size_t)shape->n_kv_heads,
                         fl_attention_parallel(shape, fl_attention_visible_pairs(shape)),
                         attend_group, &job);
    if (fl_attention_has_several(shape))
        fl_tile_for_each(attend_tile, &job.tiles);
}

/* ---- cost and excess ---- */

/* Stretches a row goes through. */
static int n_stretches(struct fl_key_range seen)
{
    return (seen.end - 1) / KEYS - seen.first / KEYS + 1;
}

static struct fl_cost attend_cost(const struct fl_attention_shape *shape)
{
    const uint64_t d = (uint64_t)shape->head_dim, n_heads = (uint64_t)shape->n_heads;
    uint64_t n_pairs = 0, n_rescales = 0, n_rows = 0;
    for (int i = 0; i < shape->n_spans; i++)
        for (int query = 0; query < shape->spans[i].n_tokens; query++) {
            const struct fl_key_range seen = fl_attention_visible(shape, &shape->spans[i], query);
            n_pairs += (uint64_t)(seen.end - seen.first);
            n_rescales += (uint64_t)n_stretches(seen) - 1;
            n_rows++;
        }
    const struct fl_cost scores = fl_attention_scores_cost(shape, n_pairs);
    const uint64_t query_bytes = n_rows * n_heads * d * sizeof(float);
    return (struct fl_cost){
        .macs = 2 * scores.macs,
        .elementwise = n_heads * (4 * n_pairs + n_rescales * (d + 5) + n_rows * (d + 1)),
        .bytes_read = query_bytes + 2 * (scores.bytes_read - query_bytes),
        .bytes_written = query_bytes,
    };
}

/* Rows of weights: as in the softmax kernel, and the factor's own exponential. */
static void add_weighing(struct fl_excess *sum, struct fl_key_range seen)
{
    for (int key = seen.first; key < seen.end;) {
        const struct fl_key_range keys = stretch(seen, key);
        const struct fl_excess row = fl_softmax_row_excess((uint64_t)(keys.end - keys.first));
        fl_excess_add(sum, &row);
        if (key > seen.first)
            sum->flops[FL_EXCESS_TRANSCENDENTAL] += FL_EXP_FLOPS - 1;
        key = keys.end;
    }
}

static void add_dots(struct fl_excess *sum, const struct fl_attention_shape *shape,
                     struct fl_key_range keys)
{
    for (int key = keys.first, n; key < keys.end; key += n) {
        n = fl_attention_run(shape, key, keys.end, INT_MAX);
        sum->flops[FL_EXCESS_PARTIAL_SUMS] +=
            (int64_t)fl_simd_dot_joins((uint64_t)n, (uint64_t)shape->head_dim);
    }
}

static void add_tile(struct fl_excess *sum, const struct fl_attention_shape *shape,
                     const struct fl_tile *tile)
{
    for (int start = tile->any.first; start < tile->any.end;) {
        const struct fl_key_range keys = stretch(tile->any, start);
        const struct fl_key_range common = both(tile->common, keys);
        for (int key = common.first, n; key < common.end; key += n) {
            n = fl_attention_run(shape, key, common.end, INT_MAX);
            const struct fl_excess scores = fl_sgemm_excess(tile->n_rows, n, shape->head_dim);
            const struct fl_excess context = fl_sgemm_excess(tile->n_rows, shape->head_dim, n);
            fl_excess_add(sum, &scores);
            fl_excess_add(sum, &context);
        }
        for (int i = 0; i < tile->n_rows; i++) {
            add_dots(sum, shape, both(fl_tile_left(shape, tile, i), keys));
            add_dots(sum, shape, both(fl_tile_right(shape, tile, i), keys));
        }
        start = keys.end;
    }
    for (int i = 0; i < tile->n_rows; i++)
        add_weighing(sum, fl_attention_visible(shape, tile->head.span, tile->first + i));
}

static void add_single(struct fl_excess *sum, const struct fl_attention_shape *shape,
                       const struct fl_batch_span *span)
{
    const struct fl_key_range seen = fl_attention_visible(shape, span, 0);
    for (int key = seen.first; key < seen.end;) {
        const struct fl_key_range keys = stretch(seen, key);
        add_dots(sum, shape, keys);
        key = keys.end;
    }
    add_weighing(sum, seen);
}

static struct fl_excess attend_excess(const struct fl_attention_shape *shape)
{
    struct fl_excess sum = {0};
    for (int i = 0; i < shape->n_spans; i++) {
        if (shape->spans[i].n_tokens == 1)
            add_single(&sum, shape, &shape->spans[i]);
        for (int index = 0; shape->spans[i].n_tokens > 1 && index < fl_tiles_of(&shape->spans[i]);
             index++) {
            const struct fl_tile tile = fl_tile_at(shape, i, 0, index);
            add_tile(&sum, shape, &tile);
        }
    }
    sum = fl_excess_scale(shape->n_heads, &sum);
    sum.flops[FL_EXCESS_CALL_SCALARS] = shape->scale != 0.0f ? 0 : 2; /* 1 / sqrt(head_dim) */
    return sum;
}

const struct fl_attention_kernel fl_attention_flash = {
    .name = "flash",
    .fused = attend,
    .fused_cost = attend_cost,
    .fused_excess = attend_excess,
};
