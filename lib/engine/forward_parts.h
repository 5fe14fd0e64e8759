/* forward_parts.h - the pieces a forward pass is made of; for forward*.c and encoder.c only. */
#ifndef FL_ENGINE_FORWARD_PARTS_H
#define FL_ENGINE_FORWARD_PARTS_H

#include "engine/forward.h"

/* Runs one operator call inside a region: the time it takes, the cost it declares and, when a
 * counter is attached, what its kernel executes beyond that go to (layer, operator). */
#define OPERATOR(pass, layer, op, cost, excess, call)                                              \
    do {                                                                                           \
        fl_region_enter((pass)->ledger, op);                                                       \
        call;                                                                                      \
        fl_region_leave((pass)->ledger, layer, op, cost);                                          \
        fl_region_excess((pass)->ledger, layer, op, excess);                                       \
    } while (0)

/* What a kernel executes that does nothing beyond its cost. */
static const struct fl_excess NO_EXCESS;

void fl_pass_linear(const struct fl_pass *pass, int layer, enum fl_operator op, float *y,
                    const float *x, const struct fl_linear *weights, int rows);

/* up = act(gate) * up, or act(up) where the model has no gates, over n features. */
void fl_pass_activate(const struct fl_pass *pass, int layer, enum fl_operator op, size_t n);

/* ---- forward_cross.c: what only encoder-decoders do ---- */

/* For the attention kernels: 1 in T5, elsewhere 0, which stands for 1 / sqrt(head_dim). */
float fl_pass_attention_scale(const struct fl_pass *pass);

/* Where the model has relative positions, their biases join the scores. */
void fl_pass_relative_bias(const struct fl_pass *pass, int layer);

/* context = attention of q over k and v of the pass itself, every key visible. */
void fl_pass_attend_both_ways(const struct fl_pass *pass, int layer);

/* branch = cross-attention of x to the input that each span's sequence attends to. */
void fl_pass_cross(const struct fl_pass *pass, int layer, const float *x);

#endif
