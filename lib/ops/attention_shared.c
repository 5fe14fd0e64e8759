#include "ops/attention_shared.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"
#include "ops/softmax.h"

#include <math.h>
#include <string.h>

struct fl_attention_head fl_attention_head(const struct fl_attention_shape *shape, int span,
                                           int head)
{
    const struct fl_batch_span *at = &shape->spans[span];
    size_t n_heads = (size_t)shape->n_heads, d = (size_t)shape->head_dim;
    size_t n_keys = fl_batch_n_keys(at);
    return (struct fl_attention_head){
        .span = at,
        .queries = (at->first_row * n_heads + (size_t)head) * d,
        .scores = at->first_pair * n_heads + (size_t)head * (size_t)at->n_tokens * n_keys,
        .q_stride = n_heads * d,
        .n_keys = n_keys,
        .kv_head = head / (shape->n_heads / shape->n_kv_heads),
    };
}

struct fl_key_range fl_attention_visible(const struct fl_attention_shape *shape,
                                         const struct fl_batch_span *span, int query)
{
    const int end = span->n_past + query + 1;
    return (struct fl_key_range){shape->window > 0 && end > shape->window ? end - shape->window : 0,
                                 end};
}

int fl_attention_run(const struct fl_attention_shape *shape, int first, int end, int most)
{
    int n = shape->block_tokens - first % shape->block_tokens;
    if (shape->kv_dtype != FL_F32 && n > FL_ATTENTION_HALF_HEAD_MAX / shape->head_dim)
        n = FL_ATTENTION_HALF_HEAD_MAX / shape->head_dim;
    n = n < end - first ? n : end - first;
    return n < most ? n : most;
}

const float *fl_attention_rows(const struct fl_attention_shape *shape, const void *cache,
                               const struct fl_attention_head *head, int key, int n,
                               struct fl_attention_wide *wide)
{
    size_t block = (size_t)head->span->blocks[key / shape->block_tokens];
    size_t row =
        (block * (size_t)shape->n_kv_heads + (size_t)head->kv_head) * (size_t)shape->block_tokens +
        (size_t)(key % shape->block_tokens);
    const size_t d = (size_t)shape->head_dim;
    if (shape->kv_dtype == FL_F32)
        return (const float *)cache + row * d;
    fl_simd()->expand(wide->rows, (const char *)cache + fl_dtype_bytes(shape->kv_dtype, row * d),
                      shape->kv_dtype, (size_t)n * d);
    return wide->rows;
}

float fl_attention_scale(const struct fl_attention_shape *shape)
{
    return shape->scale != 0.0f ? shape->scale : 1.0f / sqrtf((float)shape->head_dim);
}

bool fl_attention_parallel(const struct fl_attention_shape *shape, uint64_t n_pairs)
{
    return (uint64_t)shape->n_heads * n_pairs * (uint64_t)shape->head_dim >= FL_PARALLEL_MIN;
}

bool fl_attention_has_several(const struct fl_attention_shape *shape)
{
    for (int i = 0; i < shape->n_spans; i++)
        if (shape->spans[i].n_tokens > 1)
            return true;
    return false;
}

uint64_t fl_attention_rectangle_pairs(const struct fl_attention_shape *shape)
{
    uint64_t sum = 0;
    for (int i = 0; i < shape->n_spans; i++)
        sum += (uint64_t)shape->spans[i].n_tokens * fl_batch_n_keys(&shape->spans[i]);
    return sum;
}

uint64_t fl_attention_visible_pairs(const struct fl_attention_shape *shape)
{
    uint64_t sum = 0;
    for (int i = 0; i < shape->n_spans; i++)
        for (int query = 0; query < shape->spans[i].n_tokens; query++) {
            struct fl_key_range range = fl_attention_visible(shape, &shape->spans[i], query);
            sum += (uint64_t)(range.end - range.first);
        }
    return sum;
}

/* ---- one new token ---- */

/* Keys a group of query heads goes through before the next stretch: 64 rows of 128 features are
 * 32 KiB and stay in L1 or L2 while every head of the group uses them, so that the cache, which
 * comes from memory in decode, is read once and not once a query head. */
enum { STRETCH = 64 };

/* Number g of the groups of query heads that share keys, of all spans. */
struct group {
    int span, first_head, n_heads;
    struct fl_key_range keys;
};

static struct group group_at(const struct fl_attention_shape *shape, size_t g)
{
    const int n_kv_heads = shape->n_kv_heads, n_heads = shape->n_heads / n_kv_heads;
    const int span = (int)(g / (size_t)n_kv_heads), kv_head = (int)(g % (size_t)n_kv_heads);
    return (struct group){span, kv_head * n_heads, n_heads,
                          fl_attention_visible(shape, &shape->spans[span], 0)};
}

static size_t n_groups(const struct fl_attention_shape *shape)
{
    return (size_t)shape->n_spans * (size_t)shape->n_kv_heads;
}

static void group_scores(const void *context, size_t g)
{
    const struct fl_attention_job *job = context;
    const struct fl_attention_shape *shape = job->shape;
    const struct group group = group_at(shape, g);
    const size_t d = (size_t)shape->head_dim;
    if (shape->spans[group.span].n_tokens > 1)
        return;
    struct fl_attention_wide wide;
    const struct fl_attention_head first = fl_attention_head(shape, group.span, group.first_head);
    for (int key = group.keys.first, n; key < group.keys.end; key += n) {
        n = fl_attention_run(shape, key, group.keys.end, STRETCH);
        const float *k = fl_attention_rows(shape, job->b, &first, key, n, &wide);
        for (int i = 0; i < group.n_heads; i++)
            fl_simd()->dot_rows(job->out + first.scores + (size_t)i * first.n_keys +
                                    (size_t)(key - group.keys.first),
                                job->a + first.queries + (size_t)i * d, k, (size_t)n, d, d);
    }
}

static void group_context(const void *context, size_t g)
{
    const struct fl_attention_job *job = context;
    const struct fl_attention_shape *shape = job->shape;
    const struct group group = group_at(shape, g);
    const size_t d = (size_t)shape->head_dim;
    if (shape->spans[group.span].n_tokens > 1)
        return;
    struct fl_attention_wide wide;
    const struct fl_attention_head first = fl_attention_head(shape, group.span, group.first_head);
    memset(job->out + first.queries, 0, (size_t)group.n_heads * d * sizeof *job->out);
    for (int key = group.keys.first, n; key < group.keys.end; key += n) {
        n = fl_attention_run(shape, key, group.keys.end, STRETCH);
        const float *v = fl_attention_rows(shape, job->b, &first, key, n, &wide);
        for (int i = 0; i < group.n_heads; i++)
            fl_simd()->mix_rows(job->out + first.queries + (size_t)i * d,
                                job->a + first.scores + (size_t)i * first.n_keys +
                                    (size_t)(key - group.keys.first),
                                v, (size_t)n, d, d);
    }
}

/* Pairs of the spans of one token. */
static uint64_t decode_pairs(const struct fl_attention_shape *shape)
{
    uint64_t sum = 0;
    for (int i = 0; i < shape->n_spans; i++)
        if (shape->spans[i].n_tokens == 1)
            sum += fl_batch_n_keys(&shape->spans[i]);
    return sum;
}

static void for_each_group(void (*body)(const void *job, size_t g),
                           const struct fl_attention_job *job)
{
    const uint64_t n_pairs = decode_pairs(job->shape);
    if (n_pairs > 0)
        fl_parallel_rows(n_groups(job->shape), fl_attention_parallel(job->shape, n_pairs), body,
                         job);
}

void fl_attention_decode_scores(float *scores, const float *q, const void *k,
                                const struct fl_attention_shape *shape)
{
    for_each_group(group_scores, &(struct fl_attention_job){scores, q, k, shape, 0, 0});
}

void fl_attention_decode_context(float *context, const float *probs, const void *v,
                                 const struct fl_attention_shape *shape)
{
    for_each_group(group_context, &(struct fl_attention_job){context, probs, v, shape, 0, 0});
}

/* ---- cost and excess ---- */

struct fl_excess fl_attention_decode_scores_excess(const struct fl_attention_shape *shape)
{
    uint64_t joins = 0;
    for (int i = 0; i < shape->n_spans; i++) {
        if (shape->spans[i].n_tokens > 1)
            continue;
        struct fl_key_range keys = fl_attention_visible(shape, &shape->spans[i], 0);
        for (int key = keys.first, n; key < keys.end; key += n) {
            n = fl_attention_run(shape, key, keys.end, STRETCH);
            joins += fl_simd_dot_joins((uint64_t)n, (uint64_t)shape->head_dim);
        }
    }
    return (struct fl_excess){.flops[FL_EXCESS_PARTIAL_SUMS] =
                                  (int64_t)((uint64_t)shape->n_heads * joins)};
}

struct fl_excess fl_attention_softmax_excess(const struct fl_attention_shape *shape, bool masked)
{
    struct fl_excess sum = {0};
    for (int i = 0; i < shape->n_spans; i++) {
        const struct fl_batch_span *span = &shape->spans[i];
        for (int query = 0; query < span->n_tokens; query++) {
            const struct fl_key_range seen = fl_attention_visible(shape, span, query);
            const struct fl_excess row = fl_softmax_row_excess(
                masked ? fl_batch_n_keys(span) : (uint64_t)(seen.end - seen.first));
            fl_excess_add(&sum, &row);
        }
    }
    sum = fl_excess_scale(shape->n_heads, &sum);
    sum.flops[FL_EXCESS_CALL_SCALARS] = shape->scale != 0.0f ? 0 : 2; /* 1 / sqrt(head_dim) */
    return sum;
}

/* Rows of the pass, and keys that any of its queries sees. */
static uint64_t n_rows(const struct fl_attention_shape *shape)
{
    uint64_t sum = 0;
    for (int i = 0; i < shape->n_spans; i++)
        sum += (uint64_t)shape->spans[i].n_tokens;
    return sum;
}

static uint64_t query_bytes(const struct fl_attention_shape *shape)
{
    return n_rows(shape) * (uint64_t)shape->n_heads * (uint64_t)shape->head_dim * sizeof(float);
}

static uint64_t key_bytes(const struct fl_attention_shape *shape)
{
    uint64_t n_keys = 0;
    for (int i = 0; i < shape->n_spans; i++)
        n_keys += fl_batch_n_keys(&shape->spans[i]);
    return fl_dtype_bytes(shape->kv_dtype,
                          n_keys * (uint64_t)shape->n_kv_heads * (uint64_t)shape->head_dim);
}

struct fl_cost fl_attention_scores_cost(const struct fl_attention_shape *shape, uint64_t n_pairs)
{
    uint64_t pairs = (uint64_t)shape->n_heads * n_pairs;
    return (struct fl_cost){
        .macs = pairs * (uint64_t)shape->head_dim,
        .bytes_read = query_bytes(shape) + key_bytes(shape),
        .bytes_written = pairs * sizeof(float),
    };
}

struct fl_cost fl_attention_softmax_cost(const struct fl_attention_shape *shape, uint64_t n_pairs)
{
    uint64_t n_heads = (uint64_t)shape->n_heads;
    return (struct fl_cost){
        .elementwise = n_heads * (5 * n_pairs + n_rows(shape)),
        .bytes_read = n_heads * n_pairs * sizeof(float),
        .bytes_written = n_heads * n_pairs * sizeof(float),
    };
}

struct fl_cost fl_attention_context_cost(const struct fl_attention_shape *shape, uint64_t n_pairs)
{
    uint64_t pairs = (uint64_t)shape->n_heads * n_pairs;
    return (struct fl_cost){
        .macs = pairs * (uint64_t)shape->head_dim,
        .bytes_read = pairs * sizeof(float) + key_bytes(shape),
        .bytes_written = query_bytes(shape),
    };
}
