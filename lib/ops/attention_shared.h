/* attention_shared.h - what the attention kernels have in common; for attention_*.c only. */
#ifndef FL_OPS_ATTENTION_SHARED_H
#define FL_OPS_ATTENTION_SHARED_H

#include "ops/attention.h"

#include <stdbool.h>
#include <stddef.h>

/* Where one query head of one sequence finds its data, and how far apart rows are. */
struct fl_attention_head {
    size_t queries; /* offset of its first row in q and context */
    size_t keys;    /* offset of its first row in k and v */
    size_t scores;  /* offset of its first row in scores */
    size_t q_stride, n_keys;
};

/* index: 0 .. n_seqs * n_heads - 1 */
struct fl_attention_head fl_attention_head(const struct fl_attention_shape *shape, size_t index);

static inline size_t fl_attention_n_heads(const struct fl_attention_shape *shape)
{
    return (size_t)shape->n_seqs * (size_t)shape->n_heads;
}

/* What a loop body of fl_parallel_rows() or _tasks() needs: out, a, b are what each operator writes
 * and reads, in the order of struct fl_attention_kernel. */
struct fl_attention_job {
    float *out;
    const float *a, *b;
    const struct fl_attention_shape *shape;
    float scale; /* softmax: 1 / sqrt(head_dim) */
};

/* True when n_pairs per head are worth several threads. */
bool fl_attention_parallel(const struct fl_attention_shape *shape, size_t n_pairs);

/* One new token a sequence: every key is visible, and all kernels do the same. */
void fl_attention_decode_scores(float *scores, const float *q, const float *k,
                                const struct fl_attention_shape *shape);
void fl_attention_decode_context(float *context, const float *probs, const float *v,
                                 const struct fl_attention_shape *shape);

/* Beyond the cost. softmax: the rows' lengths are n_past + 1 ... n_past + n_tokens, or all
 * n_past + n_tokens when masked. */
struct fl_excess fl_attention_decode_scores_excess(const struct fl_attention_shape *shape);
struct fl_excess fl_attention_softmax_excess(const struct fl_attention_shape *shape, bool masked);

/* Cost with n_pairs query-key pairs a head. */
struct fl_cost fl_attention_scores_cost(const struct fl_attention_shape *shape, uint64_t n_pairs);
struct fl_cost fl_attention_softmax_cost(const struct fl_attention_shape *shape, uint64_t n_pairs);
struct fl_cost fl_attention_context_cost(const struct fl_attention_shape *shape, uint64_t n_pairs);

#endif
