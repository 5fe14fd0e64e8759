#include "analyzers/reconcile.h"
#include "ledger/formulas.h"

#include <stdio.h>
#include <string.h>

/* ---- the steps from the textbook's environment to the exact one ---- */

/* What a step takes over from the exact environment. */
struct step {
    const char *term;
    unsigned symbols;  /* bits of enum fl_symbol */
    unsigned features; /* bits of enum fl_feature */
    unsigned kinds;    /* bits of enum fl_piece_kind */
    bool by_operator;  /* one term an operator */
    bool unwindowed;   /* symbols as they would be without a sliding window */
};

#define BIT(symbol) (1u << FL_SYMBOL_##symbol)
static const struct step STEPS[] = {
    {.term = "attention width (n_h·d_h ≠ h)", .symbols = BIT(d_h)},
    {.term = "grouped-query attention", .symbols = BIT(n_kv)},
    {.term = "FFN width (f ≠ 4h)", .symbols = BIT(f)},
    {.term = "gated FFN", .features = FL_HAS_GATE},
    {.term = "mixture of experts",
     .symbols = BIT(k),
     .features = FL_HAS_DENSE_FFN | FL_HAS_EXPERTS},
    {.term = "shared expert", .features = FL_HAS_SHARED_EXPERT},
    {.term = "cross-attention", .features = FL_HAS_CROSS | FL_HAS_CROSS_KV},
    {.term = "causal mask", .symbols = BIT(pairs) | BIT(visible), .unwindowed = true},
    {.term = "sliding window", .symbols = BIT(pairs) | BIT(visible)},
    {.term = "logits of fewer positions", .symbols = BIT(r), .features = FL_HAS_LOGITS},
    {.term = "bias", .kinds = FL_PIECE_BIAS},
    {.term = "elementwise", .kinds = FL_PIECE_ELEMENTWISE, .by_operator = true},
};
#undef BIT
enum { N_STEPS = sizeof STEPS / sizeof *STEPS };

/* Where the steps lead, and what it would be without the model's sliding window. */
struct destination {
    struct fl_environment exact, unwindowed;
};

static void take_step(struct fl_environment *env, const struct destination *to,
                      const struct step *step)
{
    const struct fl_environment *source = step->unwindowed ? &to->unwindowed : &to->exact;
    for (int symbol = 0; symbol < FL_N_SYMBOLS; symbol++)
        if (step->symbols & (1u << symbol))
            env->values[symbol] = source->values[symbol];
    env->features = (env->features & ~step->features) | (source->features & step->features);
    env->kinds |= source->kinds & step->kinds;
}

/* ---- bookkeeping ---- */

static struct fl_gap_term *find_term(struct fl_gap *gap, const char *from, const char *to,
                                     const char *name)
{
    for (int i = 0; i < gap->n_terms; i++)
        if (strcmp(gap->terms[i].term, name) == 0 && strcmp(gap->terms[i].from, from) == 0)
            return &gap->terms[i];
    if (gap->n_terms == FL_GAP_TERMS_MAX)
        return NULL;
    struct fl_gap_term *term = &gap->terms[gap->n_terms++];
    *term = (struct fl_gap_term){.from = from, .to = to};
    snprintf(term->term, sizeof term->term, "%s", name);
    return term;
}

static int add_to_term(struct fl_gap *gap, const char *from, const char *to, const char *name,
                       enum fl_operator op, fl_wide flops, struct fl_error *error)
{
    if (flops == 0)
        return FL_OK;
    struct fl_gap_term *term = find_term(gap, from, to, name);
    if (!term || __builtin_add_overflow(term->flops, flops, &term->flops) ||
        __builtin_add_overflow(term->by_op[op], flops, &term->by_op[op]))
        return fl_fail(error, "gap: %s: the figure does not fit in 127 bits", name);
    return FL_OK;
}

/* FLOPs of every operator of one layer under env. */
static int evaluate_all(const struct fl_environment *env, struct fl_rational out[FL_N_OPERATORS],
                        struct fl_error *error)
{
    for (int op = 0; op < FL_N_OPERATORS; op++)
        if (fl_formula_flops(env, (enum fl_operator)op, &out[op], error) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

/* copies * (after - before), a whole number; false when it is not or does not fit. */
static bool difference(struct fl_rational after, struct fl_rational before, fl_wide copies,
                       fl_wide *out)
{
    struct fl_rational delta;
    before.num = -before.num;
    if (!fl_rational_add(after, before, &delta) ||
        !fl_rational_multiply(delta, fl_rational_whole(copies), &delta) || delta.den != 1)
        return false;
    *out = delta.num;
    return true;
}

static int walk_stack(struct fl_gap *gap, const struct destination *to, int n_layers,
                      struct fl_error *error)
{
    struct fl_environment env = to->exact;
    struct fl_rational before[FL_N_OPERATORS], after[FL_N_OPERATORS];
    fl_environment_textbook(&env);
    if (evaluate_all(&env, before, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < N_STEPS; i++) {
        take_step(&env, to, &STEPS[i]);
        if (evaluate_all(&env, after, error) != FL_OK)
            return FL_FAILED;
        for (int op = 0; op < FL_N_OPERATORS; op++) {
            enum fl_operator o = (enum fl_operator)op;
            fl_wide copies = fl_operator_is_global(o) ? 1 : n_layers, flops;
            char name[64];
            snprintf(name, sizeof name, STEPS[i].by_operator ? "%s: %s" : "%s", STEPS[i].term,
                     fl_operator_name(o));
            if (!difference(after[op], before[op], copies, &flops))
                return fl_fail(error, "gap: %s: expected a whole number of FLOPs", name);
            if (add_to_term(gap, "textbook", "exact", name, o, flops, error) != FL_OK)
                return FL_FAILED;
        }
        memcpy(before, after, sizeof before);
    }
    return FL_OK;
}

/* What the textbook charges for the whole prefix, against what it charges for this step. */
static int cache_term(struct fl_gap *gap, const struct fl_config *config,
                      const struct fl_shape *shape, const struct fl_convention *convention,
                      const struct fl_analytic *cached, struct fl_error *error)
{
    struct fl_shape whole = *shape;
    whole.n_tokens += whole.n_past;
    whole.n_past = 0;
    whole.encoded = true;
    struct fl_analytic uncached;
    if (fl_analytic(&uncached, config, &whole, convention, error) != FL_OK)
        return FL_FAILED;
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        enum fl_operator o = (enum fl_operator)op;
        fl_wide copies = fl_analytic_copies(cached, FL_STACK_DECODER, o);
        fl_wide saved = copies * (cached->ops[0][op].textbook - uncached.ops[0][op].textbook);
        if (add_to_term(gap, "textbook_uncached", "textbook", "cache reuse", o, saved, error) !=
            FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

int fl_reconcile(struct fl_gap *gap, const struct fl_config *config, const struct fl_shape *shape,
                 const struct fl_convention *convention, struct fl_error *error)
{
    *gap = (struct fl_gap){0};
    struct fl_analytic analytic;
    if (fl_analytic(&analytic, config, shape, convention, error) != FL_OK)
        return FL_FAILED;
    struct fl_config unwindowed = *config;
    unwindowed.sliding_window = 0;
    for (int i = 0; i < FL_N_STACKS; i++) {
        const enum fl_stack stack = (enum fl_stack)i;
        struct destination to;
        if (analytic.n_layers[i] == 0)
            continue;
        if (fl_environment_init(&to.exact, config, shape, convention, stack, error) != FL_OK ||
            fl_environment_init(&to.unwindowed, &unwindowed, shape, convention, stack, error) !=
                FL_OK ||
            walk_stack(gap, &to, analytic.n_layers[i], error) != FL_OK)
            return FL_FAILED;
    }
    gap->unnamed = analytic.total.exact - analytic.total.textbook;
    for (int i = 0; i < gap->n_terms; i++)
        gap->unnamed -= gap->terms[i].flops;
    if (shape->n_past > 0)
        return cache_term(gap, config, shape, convention, &analytic, error);
    return FL_OK;
}

int fl_gap_add_excess(struct fl_gap *gap, enum fl_excess_term term, enum fl_operator op,
                      fl_wide flops, struct fl_error *error)
{
    return add_to_term(gap, "exact", "measured", fl_excess_name(term), op, flops, error);
}

int fl_gap_add(struct fl_gap *gap, fl_wide n, const struct fl_gap *more, struct fl_error *error)
{
    for (int i = 0; i < more->n_terms; i++) {
        const struct fl_gap_term *term = &more->terms[i];
        for (int op = 0; op < FL_N_OPERATORS; op++) {
            fl_wide flops;
            if (__builtin_mul_overflow(n, term->by_op[op], &flops))
                return fl_fail(error, "gap: %s: the figure does not fit in 127 bits", term->term);
            if (add_to_term(gap, term->from, term->to, term->term, (enum fl_operator)op, flops,
                            error) != FL_OK)
                return FL_FAILED;
        }
    }
    gap->unnamed += n * more->unnamed;
    return FL_OK;
}
