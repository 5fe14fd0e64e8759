/* attention_cross.h - attention without a mask: a decoder's to an encoder, and an encoder's to
 * itself.
 *
 * For each sequence and head: scores = scale * q k^T, probs = softmax(scores) over every key,
 * context = probs v. scale is 1/sqrt(head_dim) in Vaswani et al., 2017 (arXiv:1706.03762), section
 * 3.2.1, and 1 in Raffel et al., 2020 (arXiv:1910.10683). Keys and values lie where their
 * projections wrote them, one row a token: sequences may be of any lengths, and several may attend
 * to the same rows.
 *
 *   q, context  [rows, n_heads * head_dim]
 *   k, v        [rows, n_kv_heads * head_dim]
 *   scores      of each rectangle [n_heads, n_tokens, n_keys]; softmax works in place
 *
 * FLOPs: scores and context one multiply-accumulate a pair and feature; softmax, a pair: subtract
 * the maximum, scale, exp, add to the sum, multiply by its reciprocal; a row: one division. */
#ifndef FL_OPS_ATTENTION_CROSS_H
#define FL_OPS_ATTENTION_CROSS_H

#include "base/cost.h"
#include "base/excess.h"

#include <stddef.h>

/* The queries of one sequence and the keys all of them see. */
struct fl_attention_rect {
    size_t query_row, key_row; /* where they begin */
    int n_tokens, n_keys;      /* at least 1 each */
    size_t scores;             /* floats before its scores */
};

struct fl_cross_shape {
    const struct fl_attention_rect *rects;
    int n_rects;
    int n_heads, n_kv_heads, head_dim;
    float scale; /* 0: 1 / sqrt(head_dim) */
};

/* Lays the rectangles' scores one behind the other. */
void fl_cross_place(struct fl_attention_rect *rects, int n_rects, int n_heads);

void fl_cross_scores(float *scores, const float *q, const float *k, const struct fl_cross_shape *);
void fl_cross_softmax(float *scores, const struct fl_cross_shape *);
void fl_cross_context(float *context, const float *probs, const float *v,
                      const struct fl_cross_shape *);

/* Work executed. Each sequence reads its keys and values, whoever else does. */
struct fl_cost fl_cross_scores_cost(const struct fl_cross_shape *);
struct fl_cost fl_cross_softmax_cost(const struct fl_cross_shape *);
struct fl_cost fl_cross_context_cost(const struct fl_cross_shape *);

/* Beyond the cost. A single head of a single sequence is a call outside of a parallel region, which
 * OpenBLAS may share out between its threads: other tiles, and terms that are only nearly right. */
struct fl_excess fl_cross_scores_excess(const struct fl_cross_shape *);
struct fl_excess fl_cross_softmax_excess(const struct fl_cross_shape *);
struct fl_excess fl_cross_context_excess(const struct fl_cross_shape *);

#endif
