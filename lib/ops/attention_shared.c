#include "ops/attention_shared.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

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

void fl_attention_decode_scores(float *scores, const float *q, const float *k,
                                const struct fl_attention_shape *shape)
{
    const struct fl_simd *simd = fl_simd();
    size_t d = (size_t)shape->head_dim, n_keys = (size_t)shape->n_past + 1;
    size_t group = (size_t)(shape->n_heads / shape->n_kv_heads);
    size_t n_groups = fl_attention_n_heads(shape) / group;
#pragma omp parallel for schedule(static) if (fl_attention_parallel(shape, n_keys))
    for (size_t g = 0; g < n_groups; g++)
        for (size_t j = 0; j < n_keys; j += BLOCK) {
            size_t n = n_keys - j < BLOCK ? n_keys - j : BLOCK;
            for (size_t i = g * group; i < (g + 1) * group; i++) {
                struct fl_attention_head head = fl_attention_head(shape, i);
                simd->dot_rows(scores + head.scores + j, NULL, q + head.queries,
                               k + head.keys + j * d, n, d, d);
            }
        }
}

void fl_attention_decode_context(float *context, const float *probs, const float *v,
                                 const struct fl_attention_shape *shape)
{
    const struct fl_simd *simd = fl_simd();
    size_t d = (size_t)shape->head_dim, n_keys = (size_t)shape->n_past + 1;
    size_t group = (size_t)(shape->n_heads / shape->n_kv_heads);
    size_t n_groups = fl_attention_n_heads(shape) / group;
    memset(context, 0, fl_attention_n_heads(shape) * d * sizeof *context);
#pragma omp parallel for schedule(static) if (fl_attention_parallel(shape, n_keys))
    for (size_t g = 0; g < n_groups; g++)
        for (size_t j = 0; j < n_keys; j += BLOCK) {
            size_t n = n_keys - j < BLOCK ? n_keys - j : BLOCK;
            for (size_t i = g * group; i < (g + 1) * group; i++) {
                struct fl_attention_head head = fl_attention_head(shape, i);
                simd->mix_rows(context + head.queries, probs + head.scores + j,
                               v + head.keys + j * d, n, d, d);
            }
        }
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
