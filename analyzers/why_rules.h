/* why_rules.h - how a tool's way of counting is written down; see why.h. Private to why*.c. */
#ifndef FL_ANALYZERS_WHY_RULES_H
#define FL_ANALYZERS_WHY_RULES_H

#include "analyzers/why.h"
#include "ledger/formulas.h"

/* What a stack of the model or the request has that decides which rows and departures apply. */
enum trait {
    T_LAYERNORM = 1 << 0,
    T_RMSNORM = 1 << 1,
    T_NORM_FFN = 1 << 2,
    T_NORM_FINAL = 1 << 3,
    T_QK_NORM = 1 << 4,
    T_GATE = 1 << 5,
    T_EXPERTS = 1 << 6,
    T_SHARED = 1 << 7,
    T_CONV1D = 1 << 8,     /* Hugging Face's GPT-2 has Conv1D in place of Linear */
    T_FUNCTIONAL = 1 << 9, /* the activation is a function of torch.nn.functional */
    T_POSITIONS = 1 << 10, /* a trained table of positions */
    T_UNTIED = 1 << 11,
    T_BIAS_QKV = 1 << 12,
    T_BIAS_OUT = 1 << 13,
    T_BIAS_FFN = 1 << 14,
    T_BIAS_LOGITS = 1 << 15,
    T_HEAD = 1 << 16, /* the traced model has its lm_head */
    T_PAST = 1 << 17,
    T_FLOPS = 1 << 18, /* the figure in FLOPs is asked for */
    T_CROSS = 1 << 19,
    T_CROSS_KV = 1 << 20, /* its keys and values are computed in this step */
    T_RELATIVE = 1 << 21
};

/* How often a row is charged, in each stack. */
enum row_times { PER_LAYER, ONCE, PER_POSITION /* n_ctx_max */, PER_PARAMETER };

enum row_kind {
    ROW_MATRIX, /* its own matrix products, which the walk must arrive at */
    ROW_ELEMENTWISE /* of an operator group, or "bias": compared with ours, group by group */,
    ROW_EXTRA /* work that the model does not have: taken away as a term */
};

struct rule_row {
    const char *label; /* the tool's own word for it */
    enum row_kind kind;
    enum row_times times;
    bool mac;    /* counted as multiply-accumulates: two FLOPs each */
    bool inside; /* no part of the sum, but of a row with all parameters: says what is in there */
    unsigned when, unless; /* traits */
    const char *text;
    const char *term; /* ROW_EXTRA: the term's name; ROW_ELEMENTWISE: the group */
    const char *note;
};

/* A departure from the exact environment. The last one is taken back first. */
struct rule_departure {
    const char *term, *note;
    unsigned when, unless; /* traits */
    uint64_t omits;        /* bits of enum fl_operator */
    unsigned lacks, adds;  /* features */
    enum fl_symbol symbol;
    const char *text; /* the symbol's value; NULL: none changes */
};

enum { TABLES_MAX = 6 };

/* Tables end with a row without label or term. */
struct fl_tool_rules {
    const struct rule_row *rows[TABLES_MAX];
    const struct rule_departure *departures[TABLES_MAX];
};

#endif
