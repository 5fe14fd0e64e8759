/* attention_shared.h - what the attention kernels have in common; for attention_*.c only. */
#ifndef FL_OPS_ATTENTION_SHARED_H
#define FL_OPS_ATTENTION_SHARED_H

#include "ops/attention.h"

#include <stdbool.h>
#include <stddef.h>

/* One query head of one span: where it finds its data, and how far apart rows are. */
struct fl_attention_head {
    const struct fl_batch_span *span;
    size_t queries; /* offset of its first row in q and context */
    size_t scores;  /* offset of its first row in scores */
    size_t q_stride, n_keys;
    int kv_head;
};

struct fl_attention_head fl_attention_head(const struct fl_attention_shape *shape, int span,
                                           int head);

/* Keys a query sees, as positions: first .. end - 1. Both grow with the query. */
struct fl_key_range {
    int first, end;
};
struct fl_key_range fl_attention_visible(const struct fl_attention_shape *shape,
                                         const struct fl_batch_span *span, int query);

/* Keys from `first` on that are worked on at once: to the end of their block, `end`, `most` of
 * them, or as many as are widened together. */
int fl_attention_run(const struct fl_attention_shape *shape, int first, int end, int most);

/* Rows of such a run in k or v, [n, head_dim]: in place, or widened into `wide`, where they stay
 * until the next call. */
struct fl_attention_wide {
    _Alignas(64) float rows[FL_ATTENTION_HALF_HEAD_MAX];
};
const float *fl_attention_rows(const struct fl_attention_shape *shape, const void *cache,
                               const struct fl_attention_head *head, int key, int n,
                               struct fl_attention_wide *wide);

float fl_attention_scale(const struct fl_attention_shape *shape);

/* What a loop body of fl_parallel_rows() or _tasks() needs: out, a, b are what each operator writes
 * and reads, in the order of struct fl_attention_kernel. */
struct fl_attention_job {
    float *out;
    const float *a;
    const void *b;
    const struct fl_attention_shape *shape;
    float scale;  /* of the softmax */
    int n_pieces; /* most tasks a head is cut into */
};

/* True when n_pairs, all spans together, a head, are worth several threads. */
bool fl_attention_parallel(const struct fl_attention_shape *shape, uint64_t n_pairs);

/* Spans of one new token: all kernels do the same. Spans of several are left alone, and what lies
 * behind out of theirs. Nothing is done when there are none. */
void fl_attention_decode_scores(float *scores, const float *q, const void *k,
                                const struct fl_attention_shape *shape);
void fl_attention_decode_context(float *context, const float *probs, const void *v,
                                 const struct fl_attention_shape *shape);
bool fl_attention_has_several(const struct fl_attention_shape *shape);

/* Query-key pairs a head, all spans together: of the rectangles, and those a query sees. */
uint64_t fl_attention_rectangle_pairs(const struct fl_attention_shape *shape);
uint64_t fl_attention_visible_pairs(const struct fl_attention_shape *shape);

/* Beyond the cost. decode_scores: of the spans of one token; softmax: a row is the visible keys, or
 * when masked, all of the rectangle. */
struct fl_excess fl_attention_decode_scores_excess(const struct fl_attention_shape *shape);
struct fl_excess fl_attention_softmax_excess(const struct fl_attention_shape *shape, bool masked);

/* Cost with n_pairs query-key pairs a head, all spans together. */
struct fl_cost fl_attention_scores_cost(const struct fl_attention_shape *shape, uint64_t n_pairs);
struct fl_cost fl_attention_softmax_cost(const struct fl_attention_shape *shape, uint64_t n_pairs);
struct fl_cost fl_attention_context_cost(const struct fl_attention_shape *shape, uint64_t n_pairs);

#endif
