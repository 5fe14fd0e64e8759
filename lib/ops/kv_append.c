#include "ops/kv_append.h"

#include <stddef.h>
#include <string.h>

static void append(float *cache, const float *rows, const struct fl_kv_shape *shape)
{
    size_t d = (size_t)shape->head_dim, n_heads = (size_t)shape->n_kv_heads;
    size_t n_tokens = (size_t)shape->n_tokens, stride = (size_t)shape->ctx_stride;
    for (size_t seq = 0; seq < (size_t)shape->n_seqs; seq++)
        for (size_t head = 0; head < n_heads; head++) {
            float *to = cache + ((seq * n_heads + head) * stride + (size_t)shape->n_past) * d;
            const float *from = rows + (seq * n_tokens * n_heads + head) * d;
            for (size_t i = 0; i < n_tokens; i++)
                memcpy(to + i * d, from + i * n_heads * d, d * sizeof *to);
        }
}

void fl_kv_append(float *k_cache, float *v_cache, const float *k, const float *v,
                  const struct fl_kv_shape *shape)
{
    append(k_cache, k, shape);
    append(v_cache, v, shape);
}

struct fl_cost fl_kv_append_cost(const struct fl_kv_shape *shape)
{
    uint64_t n = (uint64_t)shape->n_seqs * (uint64_t)shape->n_tokens;
    uint64_t d_kv = (uint64_t)shape->n_kv_heads * (uint64_t)shape->head_dim;
    return (struct fl_cost){
        .bytes_read = 2 * n * d_kv * sizeof(float),
        .bytes_written = 2 * n * d_kv * sizeof(float),
    };
}
