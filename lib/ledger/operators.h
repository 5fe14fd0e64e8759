/* operators.h - the names of the operators, in the order in which a layer executes them.
 * Add one here, a formula row in formulas.c, and a region in engine/forward.c. */
#ifndef FL_LEDGER_OPERATORS_H
#define FL_LEDGER_OPERATORS_H

#include <stdbool.h>

/* X(constant, name, group): group collects operators for plots and headline tables. */
#define FL_OPERATORS(X)                                                                            \
    X(EMBED, "embed", "embedding")                                                                 \
    X(NORM_ATTN, "norm_attn", "norm")                                                              \
    X(QKV, "qkv", "attention projections")                                                         \
    X(QK_NORM, "qk_norm", "norm")                                                                  \
    X(ROPE, "rope", "positions")                                                                   \
    X(KV_COPY, "kv_copy", "kv cache")                                                              \
    X(KV_APPEND, "kv_append", "kv cache")                                                          \
    X(SCORES, "scores", "attention products")                                                      \
    X(RELATIVE_BIAS, "relative_bias", "positions")                                                 \
    X(SOFTMAX, "softmax", "softmax")                                                               \
    X(CONTEXT, "context", "attention products")                                                    \
    X(ATTENTION, "attention", "attention products")                                                \
    X(ATTN_OUT, "attn_out", "attention projections")                                               \
    X(NORM_CROSS, "norm_cross", "norm")                                                            \
    X(CROSS_Q, "cross_q", "attention projections")                                                 \
    X(CROSS_KV, "cross_kv", "attention projections")                                               \
    X(CROSS_SCORES, "cross_scores", "attention products")                                          \
    X(CROSS_SOFTMAX, "cross_softmax", "softmax")                                                   \
    X(CROSS_CONTEXT, "cross_context", "attention products")                                        \
    X(CROSS_OUT, "cross_out", "attention projections")                                             \
    X(NORM_FFN, "norm_ffn", "norm")                                                                \
    X(ROUTER, "router", "ffn")                                                                     \
    X(EXPERT_GATHER, "expert_gather", "ffn")                                                       \
    X(FFN_GATE, "ffn_gate", "ffn")                                                                 \
    X(FFN_UP, "ffn_up", "ffn")                                                                     \
    X(FFN_ACT, "ffn_act", "activation")                                                            \
    X(FFN_DOWN, "ffn_down", "ffn")                                                                 \
    X(SHARED_GATE, "shared_gate", "ffn")                                                           \
    X(SHARED_UP, "shared_up", "ffn")                                                               \
    X(SHARED_ACT, "shared_act", "activation")                                                      \
    X(SHARED_DOWN, "shared_down", "ffn")                                                           \
    X(SHARED_SCALE, "shared_scale", "ffn")                                                         \
    X(EXPERT_COMBINE, "expert_combine", "ffn")                                                     \
    X(RESIDUAL, "residual", "residual")                                                            \
    X(NORM_FINAL, "norm_final", "norm")                                                            \
    X(LOGITS, "logits", "logits")

enum fl_operator {
#define FL_OPERATOR_ENUM(constant, name, group) FL_OP_##constant,
    FL_OPERATORS(FL_OPERATOR_ENUM)
#undef FL_OPERATOR_ENUM
        FL_N_OPERATORS
};

const char *fl_operator_name(enum fl_operator op);
const char *fl_operator_group(enum fl_operator op);

/* A layer belongs to a stack; decoder-only models have the decoder alone. */
enum fl_stack { FL_STACK_DECODER, FL_STACK_ENCODER, FL_N_STACKS };

/* True for operators outside the layers: embed, norm_final, logits. */
bool fl_operator_is_global(enum fl_operator op);

/* FL_N_OPERATORS when no operator has this name. */
enum fl_operator fl_operator_find(const char *name);

#endif
