/* kv_append.h - stores the keys and values of new tokens behind those already in the cache. */
#ifndef FL_OPS_KV_APPEND_H
#define FL_OPS_KV_APPEND_H

#include "base/cost.h"
#include "base/dtype.h"
#include "ops/batch.h"

struct fl_kv_shape {
    const struct fl_batch_span *spans;
    int n_spans;
    int n_kv_heads, head_dim;
    int block_tokens;
    enum fl_dtype dtype; /* of the cache: f32, f16 or bf16 */
};

/* k, v [n_rows, n_kv_heads * head_dim] go to positions n_past .. n_past + n_tokens - 1 of their
 * span's blocks in the layer's pools k_cache, v_cache (batch.h). */
void fl_kv_append(void *k_cache, void *v_cache, const float *k, const float *v,
                  const struct fl_kv_shape *shape);

/* Work fl_kv_append() executes: copies, narrowed where the cache is of 16 bits. */
struct fl_cost fl_kv_append_cost(const struct fl_kv_shape *shape);

/* The first n_tokens rows of a block become those of another: a sequence is about to write behind
 * tokens that it shares. */
struct fl_kv_copy {
    int from, to, n_tokens;
};
void fl_kv_copy(void *k_cache, void *v_cache, const struct fl_kv_copy *copies, int n_copies,
                const struct fl_kv_shape *shape);
struct fl_cost fl_kv_copy_cost(const struct fl_kv_copy *copies, int n_copies,
                               const struct fl_kv_shape *shape);

#endif
