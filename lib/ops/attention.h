/* attention.h - the shape all attention kernels share, and the table that lists them.
 *
 * For each sequence and head: scores = q k^T, probs = softmax(scale * scores) over the keys a query
 * may see, context = probs v. Query i of a span stands at position n_past + i and sees the keys up
 * to itself, at most `window` of them. Query head j reads key/value head j / (n_heads /
 * n_kv_heads). Attention without a mask is attention_cross.h.
 * Source: Vaswani et al., 2017 (arXiv:1706.03762); grouped queries: Ainslie et al., 2023
 * (arXiv:2305.13245); sliding window: Beltagy et al., 2020 (arXiv:2004.05150).
 *
 *   q, context  [n_rows, n_heads * head_dim]
 *   k, v        a layer's pool of blocks, batch.h
 *   scores      of each span [n_heads, n_tokens, n_keys], one span behind the other, the keys
 *               starting at its first_key; softmax works in place
 *
 * A cache in 16 bits is widened to f32 a few rows at a time, which is no FLOP.
 *
 * FLOPs: scores and context one multiply-accumulate a pair and feature; softmax, a pair: subtract
 * the maximum, scale, exp, add to the sum, multiply by its reciprocal; a row: one division. */
#ifndef FL_OPS_ATTENTION_H
#define FL_OPS_ATTENTION_H

#include "base/cost.h"
#include "base/dtype.h"
#include "base/excess.h"
#include "ops/batch.h"

/* Widest head of a cache in 16 bits: a row must fit where rows are widened. */
enum { FL_ATTENTION_HALF_HEAD_MAX = 4096 };

struct fl_attention_shape {
    const struct fl_batch_span *spans; /* laid out with the same window */
    int n_spans;
    int n_heads, n_kv_heads, head_dim;
    int block_tokens;
    int window;             /* 0: none */
    float scale;            /* 0: 1 / sqrt(head_dim) */
    enum fl_dtype kv_dtype; /* f32, f16 or bf16 */
};

/* The three steps, each an operator of its own; or all of it as one, the others being NULL. */
struct fl_attention_kernel {
    const char *name;
    void (*scores)(float *scores, const float *q, const void *k, const struct fl_attention_shape *);
    void (*softmax)(float *scores, const struct fl_attention_shape *);
    void (*context)(float *context, const float *probs, const void *v,
                    const struct fl_attention_shape *);
    struct fl_cost (*scores_cost)(const struct fl_attention_shape *);
    struct fl_cost (*softmax_cost)(const struct fl_attention_shape *);
    struct fl_cost (*context_cost)(const struct fl_attention_shape *);
    struct fl_excess (*scores_excess)(const struct fl_attention_shape *);
    struct fl_excess (*softmax_excess)(const struct fl_attention_shape *);
    struct fl_excess (*context_excess)(const struct fl_attention_shape *);

    void (*fused)(float *context, const float *q, const void *k, const void *v,
                  const struct fl_attention_shape *);
    struct fl_cost (*fused_cost)(const struct fl_attention_shape *);
    struct fl_excess (*fused_excess)(const struct fl_attention_shape *);
};

/* attention_naive.c: every query of a span against every key that any of them sees, masked to -inf
 * before the softmax. */
extern const struct fl_attention_kernel fl_attention_naive;
/* attention_causal.c: exactly the pairs a query may see; scores beyond them are not touched. */
extern const struct fl_attention_kernel fl_attention_causal;
/* attention_flash.c: the same pairs, FL_FLASH_KEYS keys at a time, and never all scores at once. */
extern const struct fl_attention_kernel fl_attention_flash;

/* Keys from one multiple of this to the next are worked on together. */
enum { FL_FLASH_KEYS = 64 };

#endif
