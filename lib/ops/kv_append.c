#include "ops/kv_append.h"

#include "ops/convert.h"
#include "ops/parallel.h"

#include <stddef.h>
#include <string.h>

struct job {
    char *cache;
    const float *rows;
    const struct fl_kv_shape *shape;
};

/* Offset of a token's row in the pool, in bytes. */
static size_t row_of(const struct fl_kv_shape *shape, int block, int kv_head, int token)
{
    size_t head = (size_t)block * (size_t)shape->n_kv_heads + (size_t)kv_head;
    return fl_dtype_bytes(shape->dtype, (head * (size_t)shape->block_tokens + (size_t)token) *
                                            (size_t)shape->head_dim);
}

/* One head of one span: its new rows lie apart in the input and together in a block. */
static void append_head(const void *context, size_t i)
{
    const struct job *job = context;
    const struct fl_kv_shape *shape = job->shape;
    const size_t d = (size_t)shape->head_dim, n_heads = (size_t)shape->n_kv_heads;
    const struct fl_batch_span *span = &shape->spans[i / n_heads];
    const int kv_head = (int)(i % n_heads), block_tokens = shape->block_tokens;
    const float *from = job->rows + (span->first_row * n_heads + (size_t)kv_head) * d;
    for (int token = 0; token < span->n_tokens; token++) {
        const int position = span->n_past + token;
        fl_from_f32(job->cache + row_of(shape, span->blocks[position / block_tokens], kv_head,
                                        position % block_tokens),
                    from + (size_t)token * n_heads * d, shape->dtype, d);
    }
}

static uint64_t n_rows(const struct fl_kv_shape *shape)
{
    uint64_t sum = 0;
    for (int i = 0; i < shape->n_spans; i++)
        sum += (uint64_t)shape->spans[i].n_tokens;
    return sum;
}

static uint64_t row_floats(const struct fl_kv_shape *shape)
{
    return (uint64_t)shape->n_kv_heads * (uint64_t)shape->head_dim;
}

static void append(char *cache, const float *rows, const struct fl_kv_shape *shape)
{
    struct job job = {cache, rows, shape};
    fl_parallel_rows((size_t)shape->n_spans * (size_t)shape->n_kv_heads,
                     n_rows(shape) * row_floats(shape) >= FL_PARALLEL_MIN, append_head, &job);
}

void fl_kv_append(void *k_cache, void *v_cache, const float *k, const float *v,
                  const struct fl_kv_shape *shape)
{
    append(k_cache, k, shape);
    append(v_cache, v, shape);
}

struct fl_cost fl_kv_append_cost(const struct fl_kv_shape *shape)
{
    const uint64_t n = n_rows(shape) * row_floats(shape);
    return (struct fl_cost){
        .bytes_read = 2 * n * sizeof(float),
        .bytes_written = 2 * fl_dtype_bytes(shape->dtype, n),
    };
}

static void copy(char *cache, const struct fl_kv_copy *copy, const struct fl_kv_shape *shape)
{
    for (int head = 0; head < shape->n_kv_heads; head++)
        memcpy(cache + row_of(shape, copy->to, head, 0), cache + row_of(shape, copy->from, head, 0),
               fl_dtype_bytes(shape->dtype, (size_t)copy->n_tokens * (size_t)shape->head_dim));
}

void fl_kv_copy(void *k_cache, void *v_cache, const struct fl_kv_copy *copies, int n_copies,
                const struct fl_kv_shape *shape)
{
    for (int i = 0; i < n_copies; i++) {
        copy(k_cache, &copies[i], shape);
        copy(v_cache, &copies[i], shape);
    }
}

struct fl_cost fl_kv_copy_cost(const struct fl_kv_copy *copies, int n_copies,
                               const struct fl_kv_shape *shape)
{
    uint64_t n = 0;
    for (int i = 0; i < n_copies; i++)
        n += (uint64_t)copies[i].n_tokens * row_floats(shape);
    return (struct fl_cost){
        .bytes_read = 2 * fl_dtype_bytes(shape->dtype, n),
        .bytes_written = 2 * fl_dtype_bytes(shape->dtype, n),
    };
}
