/* relative_bias.h - T5's relative positions: a learned bias for the distance of query and key.
 *
 * scores[i, j] += bias[bucket(j - i)] of the head, before the softmax. A bucket holds one distance
 * while they are small and a logarithmically growing stretch of them beyond; what is farther than
 * max_distance shares the last one. In a decoder keys do not lie ahead, and all buckets serve the
 * distances back. Source: Raffel et al., 2020 (arXiv:1910.10683), section 2.1. */
#ifndef FL_OPS_RELATIVE_BIAS_H
#define FL_OPS_RELATIVE_BIAS_H

#include "base/cost.h"
#include "ops/attention_cross.h"

#include <stdbool.h>

/* The bucket of a distance, key minus query. Which one it is next to a boundary depends on how the
 * logarithm is rounded: it is taken in float, as the published models were trained. */
int fl_relative_bucket(int distance, bool bidirectional, int n_buckets, int max_distance);

/* table [n_heads, 2 * n_ctx - 1]: the bias of every distance; entry n_ctx - 1 + (key - query).
 * weights [n_buckets, n_heads]. Filled once, when a session opens. */
void fl_relative_bias_fill(float *table, const float *weights, int n_heads, int n_ctx,
                           bool bidirectional, int n_buckets, int max_distance);

/* Scores as attention_cross.h lays them out: of each rectangle [n_heads, n_tokens, n_keys], of
 * which key_row and query_row are not looked at. The last query stands at the last key; a causal
 * one sees the keys up to its own, and what lies behind is not touched. */
struct fl_relative_bias_shape {
    const struct fl_attention_rect *rects;
    int n_rects;
    int n_heads;
    int n_ctx; /* of the table */
    bool causal;
};

void fl_relative_bias(float *scores, const float *table, const struct fl_relative_bias_shape *);

/* Work fl_relative_bias() executes: one addition a pair; of the table, the distances that occur. */
struct fl_cost fl_relative_bias_cost(const struct fl_relative_bias_shape *);

#endif
