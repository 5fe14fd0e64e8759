/* expression.h - formulas as data: parsed from text, evaluated exactly, printed as text or LaTeX.
 *
 * Grammar: sums of products of numbers, symbols, parentheses and whole powers:
 *     2*b*s*h*(n_h + 2*n_kv)*d_h        s*p + s*(s + 1)/2
 * Values are rationals of 128-bit integers: nothing is rounded, an overflow is reported. What is
 * shown (symbols, numbers put in, LaTeX) is printed from the same tree that is evaluated. */
#ifndef FL_LEDGER_EXPRESSION_H
#define FL_LEDGER_EXPRESSION_H

#include "base/units.h"

#include <stdbool.h>
#include <stddef.h>

/* X(symbol, LaTeX, meaning) */
#define FL_SYMBOLS(X)                                                                              \
    X(b, "b", "sequences in the batch")                                                            \
    X(s, "s", "new tokens per sequence")                                                           \
    X(p, "p", "tokens already in the KV cache")                                                    \
    X(t, "t", "keys a query can see at most")                                                      \
    X(keys, "N_k", "keys per sequence that any query of the step sees")                            \
    X(h, "h", "d_model, the hidden size")                                                          \
    X(n_h, "n_h", "attention heads")                                                               \
    X(n_kv, "n_{kv}", "key/value heads")                                                           \
    X(d_h, "d_h", "features per head")                                                             \
    X(d_r, "d_r", "rotated features per head")                                                     \
    X(f, "f", "d_ff, the FFN width")                                                               \
    X(V, "V", "vocabulary size")                                                                   \
    X(L, "L", "layers")                                                                            \
    X(r, "r", "positions per sequence whose logits are computed")                                  \
    X(pairs, "N_{qk}", "query-key pairs per head in the matrix products")                          \
    X(visible, "N_{sm}", "query-key pairs per head in the softmax")                                \
    X(rescales, "N_r", "times a query's result is scaled down on the way, per head")               \
    X(W, "W", "sliding window")                                                                    \
    X(x, "x", "tokens copied because their cache block is shared")                                 \
    X(E, "E", "experts")                                                                           \
    X(k, "k", "experts per token")                                                                 \
    X(k_r, "k_r", "experts in the router's softmax: the chosen ones, or all")                      \
    X(e, "e", "experts whose weights are read")                                                    \
    X(f_s, "f_s", "width of the shared expert")                                                    \
    X(s_e, "s_e", "encoder tokens per sequence")                                                   \
    X(w, "w", "bytes per weight")                                                                  \
    X(c, "c", "bytes per KV-cache element")

enum fl_symbol {
#define FL_SYMBOL_ENUM(symbol, latex, meaning) FL_SYMBOL_##symbol,
    FL_SYMBOLS(FL_SYMBOL_ENUM)
#undef FL_SYMBOL_ENUM
        FL_N_SYMBOLS
};

const char *fl_symbol_name(enum fl_symbol symbol);
const char *fl_symbol_latex(enum fl_symbol symbol);
const char *fl_symbol_meaning(enum fl_symbol symbol);

struct fl_rational {
    fl_wide num, den; /* den > 0, lowest terms */
};

static inline struct fl_rational fl_rational_whole(fl_wide value)
{
    return (struct fl_rational){value, 1};
}

/* Each returns false when 128 bits do not suffice. */
bool fl_rational_add(struct fl_rational a, struct fl_rational b, struct fl_rational *out);
bool fl_rational_multiply(struct fl_rational a, struct fl_rational b, struct fl_rational *out);

enum { FL_EXPRESSION_NODES = 64 };

struct fl_expression_node {
    char kind;      /* 'n' number, 's' symbol, or the operation: + - * / ^ */
    fl_wide number; /* of 'n'; the power of '^' */
    enum fl_symbol symbol;
    int left, right; /* indices of the operands */
};

struct fl_expression {
    struct fl_expression_node nodes[FL_EXPRESSION_NODES];
    int n_nodes, root;
};

/* False on a syntax error: formulas are the program's own, so this is a programmer's mistake. */
bool fl_expression_parse(struct fl_expression *out, const char *text);

/* False on overflow or division by zero. values[FL_N_SYMBOLS]. */
bool fl_expression_evaluate(const struct fl_expression *expression,
                            const struct fl_rational *values, struct fl_rational *out);

enum fl_notation {
    FL_NOTATION_TEXT,  /* 2·b·s·h² */
    FL_NOTATION_LATEX, /* 2\,b\,s\,h^{2} */
};

/* Prints into out (always terminated, cut when too small). With values, every symbol is replaced
 * by its value: 2·1·512·768². */
void fl_expression_print(const struct fl_expression *expression, enum fl_notation notation,
                         const struct fl_rational *values, char *out, size_t size);

/* Bit FL_SYMBOL_x of the result is set when the expression mentions x. */
unsigned fl_expression_symbols(const struct fl_expression *expression);

#endif
