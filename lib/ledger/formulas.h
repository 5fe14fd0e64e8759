/* formulas.h - the one place where the cost formulas live: rows of text, by operator.
 *
 * Three tables. `textbook`: the course's closed forms. `flops`: what this engine executes, in
 * pieces that add up (matrix product, bias, elementwise), each with the features a model must have
 * for the piece to apply. `bytes`: compulsory traffic. The values of the symbols and the features
 * form an environment; the textbook is the same pieces under the textbook's environment, and the
 * way from one to the other, one named change at a time, is the gap (analyzers/reconcile.h).
 *
 * Sources: the per-layer closed form 24bsh^2 + 4bs^2h is Narayanan et al., 2021
 * (arXiv:2104.04473), forward pass; grouped-query attention, gated FFN and mixtures of experts
 * follow from the matrix shapes in the models' own papers. */
#ifndef FL_LEDGER_FORMULAS_H
#define FL_LEDGER_FORMULAS_H

#include "base/error.h"
#include "ledger/analytic.h"
#include "ledger/expression.h"
#include "ledger/operators.h"

#include <stdbool.h>

/* Keys that the fused kernel works on together, between multiples of this: a query's result is
 * scaled down when it goes from one stretch to the next. */
enum { FL_FUSED_KEYS = 64 };

/* What a model, shape or convention has; a piece applies when all of its features are there. */
enum fl_feature {
    FL_HAS_LAYERNORM = 1 << 0,
    FL_HAS_RMSNORM = 1 << 1,
    FL_HAS_FINAL_NORM = 1 << 2,
    FL_HAS_ROPE = 1 << 3,
    FL_HAS_POSITION_TABLE = 1 << 4,
    FL_HAS_SCALED_EMBEDDING = 1 << 5,
    FL_HAS_BIAS_QKV = 1 << 6,
    FL_HAS_BIAS_ATTN_OUT = 1 << 7,
    FL_HAS_BIAS_FFN = 1 << 8,
    FL_HAS_DENSE_FFN = 1 << 9,
    FL_HAS_GATE = 1 << 10,
    FL_HAS_EXPERTS = 1 << 11,
    FL_HAS_SHARED_EXPERT = 1 << 12,
    FL_HAS_GELU_ERF = 1 << 13,
    FL_HAS_GELU_TANH = 1 << 14,
    FL_HAS_SILU = 1 << 15,
    FL_HAS_CROSS = 1 << 16,    /* cross-attention to an encoder */
    FL_HAS_CROSS_KV = 1 << 17, /* its keys and values are computed in this step */
    FL_HAS_CACHE = 1 << 18,    /* keys and values are kept: decoder stacks */
    FL_HAS_TOKENS = 1 << 19,   /* embeds ids */
    FL_HAS_LOGITS = 1 << 20,   /* at least one position's logits */
    FL_HAS_ENCODER_NORM = 1 << 21,
    FL_HAS_RELATIVE_BIAS = 1 << 22,
    FL_HAS_RECTANGLE = 1 << 23, /* every query against every key, masked or not */
    FL_HAS_BIAS_LOGITS = 1 << 24,
    FL_HAS_SCALED_LOGITS = 1 << 25,
    FL_HAS_QK_NORM = 1 << 26,
    FL_HAS_NORM_FFN = 1 << 27,           /* absent where one norm serves both branches */
    FL_HAS_KV_COPY = 1 << 28,            /* tokens are copied out of shared cache blocks */
    FL_HAS_STEPWISE_ATTENTION = 1 << 29, /* scores, softmax and context are operators */
    FL_HAS_FUSED_ATTENTION = 1 << 30     /* or all of it is one */
};

enum fl_piece_kind {
    FL_PIECE_MATMUL = 1,
    FL_PIECE_BIAS = 2,
    FL_PIECE_ELEMENTWISE = 4,
    FL_PIECE_ALL = 7
};

struct fl_environment {
    unsigned features;
    unsigned kinds; /* of pieces that count: FL_PIECE_ALL, or the matrix products only */
    struct fl_rational values[FL_N_SYMBOLS];
    struct fl_rational w[FL_N_OPERATORS]; /* bytes per weight of each operator's matrices */
    const char *pairs, *visible, *keys;   /* the formulas that gave N_qk, N_sm and N_k */
};

/* One row of the flops table, parsed. */
struct fl_piece {
    enum fl_operator op;
    unsigned features;
    enum fl_piece_kind kind;
    const char *text;
    struct fl_expression expression;
};

/* One row of the bytes table, parsed. */
struct fl_bytes_piece {
    enum fl_operator op;
    unsigned features;
    const char *read_text, *written_text;
    struct fl_expression bytes_read, bytes_written;
};

/* One row of the textbook's table. */
struct fl_textbook_row {
    enum fl_operator op;
    unsigned features;
    const char *text;
};

/* The rows as they are written, for whoever evaluates them elsewhere. */
const struct fl_textbook_row *fl_formula_textbook_rows(int *n);

/* Formulas of the symbols and of memory that stand outside of the tables, each with a name:
 * "pairs_full", "kv_cache", ... (environment.c, formulas.c). */
struct fl_named_formula {
    const char *name, *text;
};
const struct fl_named_formula *fl_formula_memory_rows(int *n);
const struct fl_named_formula *fl_formula_pairs_rows(int *n);

const struct fl_piece *fl_formula_pieces(int *n);
const struct fl_bytes_piece *fl_formula_bytes_pieces(int *n);
const struct fl_expression *fl_formula_kv_cache_bytes(const struct fl_environment *env);
const struct fl_expression *fl_formula_activation_bytes(const struct fl_environment *env);

/* NULL when the textbook has nothing to say about the operator. */
const struct fl_expression *fl_formula_textbook(enum fl_operator op);

/* The exact environment of a stack. The encoder runs over n_encoder_tokens, in both directions. */
int fl_environment_init(struct fl_environment *env, const struct fl_config *config,
                        const struct fl_shape *shape, const struct fl_convention *convention,
                        enum fl_stack stack, struct fl_error *error);

/* Puts the number of experts that one layer hit in place of the mean over all layers. */
void fl_environment_layer(struct fl_environment *env, const struct fl_shape *shape, int layer);

/* The textbook's view of the same environment: n_h*d_h = h, n_kv = n_h, f = 4h, one ungated FFN,
 * every query against every key, logits of every position, matrix products only. */
void fl_environment_textbook(struct fl_environment *env);

/* Gives the symbol w the value it has for this operator. */
void fl_environment_enter(struct fl_environment *env, enum fl_operator op);

/* Sum of the operator's pieces: FLOPs and bytes of one layer. */
int fl_formula_flops(const struct fl_environment *env, enum fl_operator op, struct fl_rational *out,
                     struct fl_error *error);
int fl_formula_textbook_flops(const struct fl_environment *env, enum fl_operator op,
                              struct fl_rational *out, struct fl_error *error);
int fl_formula_bytes(const struct fl_environment *env, enum fl_operator op,
                     struct fl_rational *bytes_read, struct fl_rational *bytes_written,
                     struct fl_error *error);

/* True when any piece or byte formula of the operator applies. */
bool fl_formula_present(const struct fl_environment *env, enum fl_operator op);

/* KV cache and activation buffers, in bytes, over the whole stack. */
int fl_formula_memory(const struct fl_environment *env, struct fl_rational *kv_cache_bytes,
                      struct fl_rational *activation_bytes, struct fl_error *error);

#endif
