/* kv_append.h - stores the keys and values of new tokens behind those already in the cache. */
#ifndef FL_OPS_KV_APPEND_H
#define FL_OPS_KV_APPEND_H

#include "base/cost.h"

struct fl_kv_shape {
    int n_seqs, n_tokens, n_past;
    int n_kv_heads, head_dim;
    int ctx_stride; /* rows a head holds in the cache; at least n_past + n_tokens */
};

/* k, v [n_seqs * n_tokens, n_kv_heads * head_dim] go to rows n_past .. n_past + n_tokens - 1 of
 * k_cache, v_cache [n_seqs, n_kv_heads, ctx_stride, head_dim]. */
void fl_kv_append(float *k_cache, float *v_cache, const float *k, const float *v,
                  const struct fl_kv_shape *shape);

/* Work fl_kv_append() executes: copies only. */
struct fl_cost fl_kv_append_cost(const struct fl_kv_shape *shape);

#endif
