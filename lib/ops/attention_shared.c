#include "ops/attention_shared.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"

#include <string.h>

struct fl_attention_head fl_attention_head(const struct fl_attention_shape *shape, size_t index)
{
    size_t n_heads = (size_t)shape->n_heads, n_kv_heads = (size_t)shape->n_kv_heads;
    size_t n_tokens = (size_t)shape->n_tokens, d = (size_t)shape->head_dim;
    size_t seq = index / n_heads, head = index % n_heads;
    size_t kv_head = head / (n_heads / n_kv_heads);
    size_t n_keys = (size_t)shape->n_past + n_tokens;
    return (struct fl_attention_head){
        .queries = (seq * n_tokens * n_heads + head) * d,
        .keys = (seq * n_kv_heads + kv_head) * (size_t)shape->ctx_stride * d,
        .scores = index * n_tokens * n_keys,
        .q_stride = n_heads * d,
        .n_keys = n_keys,
    };
}

bool fl_attention_parallel(const struct fl_attention_shape *shape, size_t n_pairs)
{
    return fl_attention_n_heads(shape) * n_pairs * (size_t)shape->head_dim >= FL_PARALLEL_MIN;
}

/* Keys a group of query heads goes through before the next block: 64 rows of 128 features are
 * 32 KiB and stay in L1 or L2 while every head of the group uses them, so that the cache, which
 * comes from memory in decode, is read once and not once a query head. */
enum { BLOCK = 64 };

static size_t group_size(const struct fl_attention_shape *shape)
{
    return (size_t)(shape->n_heads / shape->n_kv_heads);
}

static size_t n_groups(const struct fl_attention_shape *shape)
{
    return fl_attention_n_heads(shape) / group_size(shape);
}

static size_t block_size(const struct fl_attention_shape *shape, size_t first)
{
    size_t n_left = (size_t)shape->n_past + 1 - first;
    return n_left < BLOCK ? n_left : BLOCK;
}

static void group_scores(const void *context, size_t g)
{
    const struct fl_attention_job *job = context;
    const struct fl_simd *simd = fl_simd();
    size_t d = (size_t)job->shape->head_dim, group = group_size(job->shape);
    for (size_t j = 0; j <= (size_t)job->shape->n_past; j += BLOCK)
        for (size_t i = g * group; i < (g + 1) * group; i++) {
            struct fl_attention_head head = fl_attention_head(job->shape, i);
            simd->dot_rows(job->out + head.scores + j, NULL, job->a + head.queries,
                           job->b + head.keys + j * d, block_size(job->shape, j), d, d);
        }
}

static void group_context(const void *context, size_t g)
{
    const struct fl_attention_job *job = context;
    const struct fl_simd *simd = fl_simd();
    size_t d = (size_t)job->shape->head_dim, group = group_size(job->shape);
    for (size_t j = 0; j <= (size_t)job->shape->n_past; j += BLOCK)
        for (size_t i = g * group; i < (g + 1) * group; i++) {
            struct fl_attention_head head = fl_attention_head(job->shape, i);
            simd->mix_rows(job->out + head.queries, job->a + head.scores + j,
                           job->b + head.keys + j * d, block_size(job->shape, j), d, d);
        }
}

void fl_attention_decode_scores(float *scores, const float *q, const float *k,
                                const struct fl_attention_shape *shape)
{
    struct fl_attention_job job = {scores, q, k, shape, 0};
    bool worth = fl_attention_parallel(shape, (size_t)shape->n_past + 1);
    fl_parallel_rows(n_groups(shape), worth, group_scores, &job);
}

void fl_attention_decode_context(float *context, const float *probs, const float *v,
                                 const struct fl_attention_shape *shape)
{
    struct fl_attention_job job = {context, probs, v, shape, 0};
    bool worth = fl_attention_parallel(shape, (size_t)shape->n_past + 1);
    memset(context, 0, fl_attention_n_heads(shape) * (size_t)shape->head_dim * sizeof *context);
    fl_parallel_rows(n_groups(shape), worth, group_context, &job);
}

struct fl_excess fl_attention_decode_scores_excess(const struct fl_attention_shape *shape)
{
    uint64_t joins = 0;
    for (size_t j = 0; j <= (size_t)shape->n_past; j += BLOCK)
        joins += fl_simd_dot_joins(block_size(shape, j), (uint64_t)shape->head_dim);
    return (struct fl_excess){.flops[FL_EXCESS_PARTIAL_SUMS] =
                                  (int64_t)(fl_attention_n_heads(shape) * joins)};
}

/* A pair executes its subtraction, scaling, exponential, sum and division's product: the cost
 * counts the exponential as one. Idle lanes do all but the last. */
struct fl_excess fl_attention_softmax_excess(const struct fl_attention_shape *shape, bool masked)
{
    const uint64_t n_heads = fl_attention_n_heads(shape), n_rows = (uint64_t)shape->n_tokens;
    uint64_t pairs = 0, idle = 0;
    for (uint64_t i = 1; i <= n_rows; i++) {
        uint64_t n = (uint64_t)shape->n_past + (masked ? n_rows : i);
        pairs += n;
        idle += fl_simd_idle(n);
    }
    return (struct fl_excess){
        .flops = {
            [FL_EXCESS_TRANSCENDENTAL] = (int64_t)(n_heads * pairs * (FL_EXP_FLOPS - 1)),
            [FL_EXCESS_VECTOR_TAIL] = (int64_t)(n_heads * idle * (FL_EXP_FLOPS + 3)),
            [FL_EXCESS_REDUCTIONS] = (int64_t)(n_heads * n_rows * fl_simd_join()),
            [FL_EXCESS_CALL_SCALARS] = 2, /* 1 / sqrt(head_dim) */
        }};
}

/* Floats of q or context, and of the rows of k or v that are used. */
static uint64_t query_floats(const struct fl_attention_shape *shape)
{
    return (uint64_t)shape->n_seqs * (uint64_t)shape->n_tokens * (uint64_t)shape->n_heads *
           (uint64_t)shape->head_dim;
}

static uint64_t key_floats(const struct fl_attention_shape *shape)
{
    return (uint64_t)shape->n_seqs * ((uint64_t)shape->n_past + (uint64_t)shape->n_tokens) *
           (uint64_t)shape->n_kv_heads * (uint64_t)shape->head_dim;
}

struct fl_cost fl_attention_scores_cost(const struct fl_attention_shape *shape, uint64_t n_pairs)
{
    uint64_t pairs = fl_attention_n_heads(shape) * n_pairs;
    return (struct fl_cost){
        .macs = pairs * (uint64_t)shape->head_dim,
        .bytes_read = (query_floats(shape) + key_floats(shape)) * sizeof(float),
        .bytes_written = pairs * sizeof(float),
    };
}

struct fl_cost fl_attention_softmax_cost(const struct fl_attention_shape *shape, uint64_t n_pairs)
{
    uint64_t n_heads = fl_attention_n_heads(shape);
    return (struct fl_cost){
        .elementwise = n_heads * (5 * n_pairs + (uint64_t)shape->n_tokens),
        .bytes_read = n_heads * n_pairs * sizeof(float),
        .bytes_written = n_heads * n_pairs * sizeof(float),
    };
}

struct fl_cost fl_attention_context_cost(const struct fl_attention_shape *shape, uint64_t n_pairs)
{
    uint64_t pairs = fl_attention_n_heads(shape) * n_pairs;
    return (struct fl_cost){
        .macs = pairs * (uint64_t)shape->head_dim,
        .bytes_read = (pairs + key_floats(shape)) * sizeof(float),
        .bytes_written = query_floats(shape) * sizeof(float),
    };
}
