/* attention.h - the shape all attention kernels share, and the table that lists them.
 *
 * For each sequence and head: scores = q k^T, probs = softmax(scores / sqrt(head_dim)) over the
 * keys a query may see, context = probs v. Query i of a sequence stands at position n_past + i
 * and sees keys 0 .. n_past + i. Query head j reads key/value head j / (n_heads / n_kv_heads).
 * Source: Vaswani et al., 2017 (arXiv:1706.03762); grouped queries: Ainslie et al., 2023
 * (arXiv:2305.13245).
 *
 *   q, context  [n_seqs * n_tokens, n_heads * head_dim]
 *   k, v        [n_seqs, n_kv_heads, ctx_stride, head_dim], the first n_past + n_tokens rows used
 *   scores      [n_seqs, n_heads, n_tokens, n_past + n_tokens]; softmax works in place
 *
 * FLOPs: scores and context one multiply-accumulate a pair and feature; softmax, a pair: subtract
 * the maximum, scale, exp, add to the sum, multiply by its reciprocal; a row: one division. */
#ifndef FL_OPS_ATTENTION_H
#define FL_OPS_ATTENTION_H

#include "base/cost.h"
#include "base/excess.h"

struct fl_attention_shape {
    int n_seqs, n_tokens, n_past;
    int n_heads, n_kv_heads, head_dim;
    int ctx_stride;
};

struct fl_attention_kernel {
    const char *name;
    void (*scores)(float *scores, const float *q, const float *k,
                   const struct fl_attention_shape *);
    void (*softmax)(float *scores, const struct fl_attention_shape *);
    void (*context)(float *context, const float *probs, const float *v,
                    const struct fl_attention_shape *);
    struct fl_cost (*scores_cost)(const struct fl_attention_shape *);
    struct fl_cost (*softmax_cost)(const struct fl_attention_shape *);
    struct fl_cost (*context_cost)(const struct fl_attention_shape *);
    struct fl_excess (*scores_excess)(const struct fl_attention_shape *);
    struct fl_excess (*softmax_excess)(const struct fl_attention_shape *);
    struct fl_excess (*context_excess)(const struct fl_attention_shape *);
};

/* attention_naive.c: all s*t pairs of the rectangle, masked to -inf before the softmax. */
extern const struct fl_attention_kernel fl_attention_naive;
/* attention_causal.c: exactly the pairs a query may see; scores beyond them are not touched. */
extern const struct fl_attention_kernel fl_attention_causal;

#endif
