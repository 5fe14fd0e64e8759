#include "ops/kv_append.h"

#include "ops/parallel.h"

#include <stddef.h>
#include <string.h>

struct job {
    float *cache;
    const float *rows;
    const struct fl_kv_shape *shape;
};

/* One head of one sequence: its new rows lie apart in the input and together in the cache. */
static void append_head(const void *context, size_t i)
{
    const struct job *job = context;
    const struct fl_kv_shape *shape = job->shape;
    size_t d = (size_t)shape->head_dim, n_heads = (size_t)shape->n_kv_heads;
    size_t n_tokens = (size_t)shape->n_tokens, seq = i / n_heads, head = i % n_heads;
    float *to = job->cache + (i * (size_t)shape->ctx_stride + (size_t)shape->n_past) * d;
    const float *from = job->rows + (seq * n_tokens * n_heads + head) * d;
    for (size_t token = 0; token < n_tokens; token++)
        memcpy(to + token * d, from + token * n_heads * d, d * sizeof *to);
}

static void append(float *cache, const float *rows, const struct fl_kv_shape *shape)
{
    struct job job = {cache, rows, shape};
    size_t n_heads = (size_t)shape->n_seqs * (size_t)shape->n_kv_heads;
    size_t n_floats = n_heads * (size_t)shape->n_tokens * (size_t)shape->head_dim;
    fl_parallel_rows(n_heads, n_floats >= FL_PARALLEL_MIN, append_head, &job);
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
