/* account_explain.c - the formulas behind an account, printed from what is evaluated. */
#include "ledger/formulas.h"
#include "reports/account_render.h"

#include <string.h>

enum { FORMULA_TEXT = 512 };

struct explanation {
    const struct fl_account *account;
    const struct fl_environment *env;
    const struct fl_environment *textbook_env;
    enum fl_notation notation;
    FILE *out;
    struct fl_rational width; /* w where it was used; den 0: nowhere yet */
    bool several_widths;
    unsigned symbols; /* mentioned so far */
};

static const char *kind_name(enum fl_piece_kind kind)
{
    switch (kind) {
    case FL_PIECE_MATMUL:
        return "exact, matrix product";
    case FL_PIECE_BIAS:
        return "exact, bias";
    default:
        return "exact, elementwise";
    }
}

static void print_line(struct explanation *explanation, const char *label,
                       const struct fl_expression *expression, const struct fl_environment *env)
{
    char symbolic[FORMULA_TEXT], substituted[FORMULA_TEXT], value_text[FL_WIDE_GROUPED];
    struct fl_rational value;
    FILE *out = explanation->out;
    if (!fl_expression_evaluate(expression, env->values, &value))
        return; /* an overflow was reported when the account was made */
    fl_expression_print(expression, explanation->notation, NULL, symbolic, sizeof symbolic);
    fl_expression_print(expression, explanation->notation, env->values, substituted,
                        sizeof substituted);
    explanation->symbols |= fl_expression_symbols(expression);
    if (explanation->notation == FL_NOTATION_LATEX) {
        fprintf(out, "\\text{%s:}\\quad & %s \\\\\n", label, symbolic);
        fprintf(out, "& = %s = %s", substituted, fl_wide_text(value.num, value_text));
        if (value.den != 1)
            fprintf(out, "/%s", fl_wide_text(value.den, value_text));
        fputs(" \\\\\n", out);
        return;
    }
    fprintf(out, "    %-22s %s\n", label, symbolic);
    fprintf(out, "    %-22s = %s\n", "", substituted);
    fprintf(out, "    %-22s = %s", "", fl_grouped_text(value.num, value_text));
    if (value.den != 1)
        fprintf(out, "/%s", fl_wide_text(value.den, value_text));
    fputc('\n', out);
}

static bool applies(const struct explanation *explanation, unsigned features)
{
    return (explanation->env->features & features) == features;
}

static void explain_flops(struct explanation *explanation, enum fl_operator op)
{
    const struct fl_expression *textbook = fl_formula_textbook(op);
    if (textbook)
        print_line(explanation, "textbook", textbook, explanation->textbook_env);
    int n;
    const struct fl_piece *pieces = fl_formula_pieces(&n);
    for (int i = 0; i < n; i++)
        if (pieces[i].op == op && (explanation->env->kinds & pieces[i].kind) &&
            applies(explanation, pieces[i].features))
            print_line(explanation, kind_name(pieces[i].kind), &pieces[i].expression,
                       explanation->env);
}

static bool is_zero(const struct fl_expression *expression)
{
    return expression->n_nodes == 1 && expression->nodes[0].kind == 'n' &&
           expression->nodes[0].number == 0;
}

/* w differs among the operators where a file mixes formats. */
static void note_width(struct explanation *explanation, const struct fl_expression *expression,
                       const struct fl_rational *width)
{
    if (!(fl_expression_symbols(expression) & (1u << FL_SYMBOL_w)))
        return;
    const struct fl_rational *known = &explanation->width;
    explanation->several_widths =
        explanation->several_widths ||
        (known->den != 0 && (known->num != width->num || known->den != width->den));
    explanation->width = *width;
}

static void explain_bytes(struct explanation *explanation, enum fl_operator op)
{
    int n;
    const struct fl_bytes_piece *pieces = fl_formula_bytes_pieces(&n);
    struct fl_environment env = *explanation->env;
    fl_environment_enter(&env, op);
    for (int i = 0; i < n; i++) {
        if (pieces[i].op != op || !applies(explanation, pieces[i].features))
            continue;
        note_width(explanation, &pieces[i].bytes_read, &env.values[FL_SYMBOL_w]);
        if (!is_zero(&pieces[i].bytes_read))
            print_line(explanation, "bytes read", &pieces[i].bytes_read, &env);
        if (!is_zero(&pieces[i].bytes_written))
            print_line(explanation, "bytes written", &pieces[i].bytes_written, &env);
    }
}

/* Plain words in the notation: LaTeX wants underscores escaped. */
static const char *notated(enum fl_notation notation, const char *text, char *out, size_t size)
{
    size_t used = 0;
    for (const char *c = text; *c && used + 2 < size; c++) {
        if (*c == '_' && notation == FL_NOTATION_LATEX)
            out[used++] = '\\';
        out[used++] = *c;
    }
    out[used] = '\0';
    return out;
}

static void explain_operator(struct explanation *explanation, enum fl_operator op, int copies)
{
    bool latex = explanation->notation == FL_NOTATION_LATEX;
    FILE *out = explanation->out;
    char name[64];
    notated(explanation->notation, fl_operator_name(op), name, sizeof name);
    if (latex)
        fprintf(out, "\\textbf{%s} & \\times %d \\\\\n", name, copies);
    else
        fprintf(out, "%s  (x %d)\n", name, copies);

    explain_flops(explanation, op);
    explain_bytes(explanation, op);
    if (!latex)
        fputc('\n', out);
}

static void explain_memory(struct explanation *explanation)
{
    bool latex = explanation->notation == FL_NOTATION_LATEX;
    fputs(latex ? "\\textbf{memory} \\\\\n" : "memory\n", explanation->out);
    print_line(explanation, "KV cache, bytes", fl_formula_kv_cache_bytes(explanation->env),
               explanation->env);
    print_line(explanation, "activations, bytes", fl_formula_activation_bytes(explanation->env),
               explanation->env);
    if (!latex)
        fputc('\n', explanation->out);
}

static void width_text(const struct explanation *explanation, char out[FL_WIDE_DIGITS])
{
    const struct fl_rational *width = &explanation->width;
    if (explanation->several_widths)
        snprintf(out, FL_WIDE_DIGITS, "by operator");
    else if (width->den > 1)
        snprintf(out, FL_WIDE_DIGITS, "%lld/%lld", (long long)width->num, (long long)width->den);
    else
        fl_wide_text(width->num, out);
}

static void print_symbols(struct explanation *explanation)
{
    bool latex = explanation->notation == FL_NOTATION_LATEX;
    const struct fl_environment *env = explanation->env;
    FILE *out = explanation->out;
    fputs(latex ? "\\text{where} \\\\\n" : "where\n", out);
    for (int i = 0; i < FL_N_SYMBOLS; i++) {
        char value[FL_WIDE_DIGITS], formula[FORMULA_TEXT] = "", meaning[128];
        enum fl_symbol symbol = (enum fl_symbol)i;
        if (!(explanation->symbols & (1u << i)))
            continue;
        const char *definition = symbol == FL_SYMBOL_pairs     ? env->pairs
                                 : symbol == FL_SYMBOL_visible ? env->visible
                                 : symbol == FL_SYMBOL_keys    ? env->keys
                                 : symbol == FL_SYMBOL_t       ? "p + s"
                                                               : NULL;
        struct fl_expression expression;
        if (definition && fl_expression_parse(&expression, definition))
            fl_expression_print(&expression, explanation->notation, NULL, formula, sizeof formula);
        if (symbol == FL_SYMBOL_w)
            width_text(explanation, value);
        else
            fl_wide_text(env->values[i].num, value);
        notated(explanation->notation, fl_symbol_meaning(symbol), meaning, sizeof meaning);
        if (latex)
            fprintf(out, "& %s = %s%s%s \\quad \\text{%s} \\\\\n", fl_symbol_latex(symbol), formula,
                    *formula ? " = " : "", value, meaning);
        else
            fprintf(out, "    %-8s = %s%s%s  %s\n", fl_symbol_name(symbol), formula,
                    *formula ? " = " : "", value, meaning);
    }
}

static int explain_stack(const struct fl_account *account, enum fl_stack stack,
                         enum fl_notation notation, FILE *out, struct fl_error *error)
{
    struct fl_environment env, textbook_env;
    if (fl_environment_init(&env, &account->config, &account->shape, &account->convention, stack,
                            error) != FL_OK)
        return FL_FAILED;
    textbook_env = env;
    fl_environment_textbook(&textbook_env);
    struct explanation explanation = {.account = account,
                                      .env = &env,
                                      .textbook_env = &textbook_env,
                                      .notation = notation,
                                      .out = out};
    bool any = false, latex = notation == FL_NOTATION_LATEX;
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        struct fl_account_row sum;
        int copies = fl_account_sum(account, account->has_generation ? "prefill" : NULL, stack,
                                    (enum fl_operator)op, &sum);
        if (copies == 0)
            continue;
        if (!any && latex)
            fputs("\\begin{align*}\n", out);
        else if (!any && stack == FL_STACK_ENCODER)
            fputs("encoder\n\n", out);
        any = true;
        explain_operator(&explanation, (enum fl_operator)op, copies);
    }
    if (!any)
        return FL_OK;
    if (stack == FL_STACK_DECODER)
        explain_memory(&explanation);
    print_symbols(&explanation);
    fputs(latex ? "\\end{align*}\n" : "\n", out);
    return FL_OK;
}

/* The two phases of a generation have formulas of their own. */
static int explain_generation(const struct fl_account *account, enum fl_notation notation,
                              FILE *out, struct fl_error *error)
{
    const struct fl_generation *generation = &account->generation;
    struct fl_generation_sample samples[FL_GENERATION_SAMPLES];
    int n_samples;
    if (fl_generation_samples(samples, &n_samples, &account->config, generation, error) != FL_OK)
        return FL_FAILED;
    fprintf(out,
            "decode: %lld steps. A step's cost is a polynomial of at most second degree in its\n"
            "number, so the sum over n steps is n·f(0) + C(n,2)·Δf(0) + C(n,3)·Δ²f(0)\n"
            "(Newton's forward differences), gathered by step:\n\n",
            (long long)(generation->n_gen - 1));
    struct fl_account step_account;
    fl_wide sum = 0;
    for (int i = 0; i < n_samples; i++) {
        struct fl_shape shape;
        struct fl_convention convention;
        char weight[FL_WIDE_GROUPED], value[FL_WIDE_GROUPED];
        fl_generation_step(generation, &account->convention, samples[i].step, &shape, &convention);
        if (fl_account_forward(&step_account, &account->config, &shape, &convention, error) !=
            FL_OK)
            return FL_FAILED;
        fprintf(out, "  %s%s x step %lld (s = %lld, p = %lld): %s\n", i ? "+ " : "  ",
                fl_grouped_text(samples[i].weight, weight), (long long)samples[i].step,
                (long long)shape.n_tokens, (long long)shape.n_past,
                fl_account_figure(account, step_account.total.exact, true, value));
        sum += samples[i].weight * step_account.total.exact;
        int status = FL_OK;
        if (i == n_samples - 1) {
            fprintf(out, "    = %s\n\nformulas of step %lld:\n\n",
                    fl_account_figure(account, sum, true, value), (long long)samples[i].step);
            status = explain_stack(&step_account, FL_STACK_DECODER, notation, out, error);
        }
        fl_account_close(&step_account);
        if (status != FL_OK)
            return status;
    }
    return FL_OK;
}

int fl_account_explain(const struct fl_account *account, enum fl_notation notation, FILE *out,
                       struct fl_error *error)
{
    if (account->has_generation && notation == FL_NOTATION_TEXT)
        fputs("prefill\n\n", out);
    if (notation == FL_NOTATION_TEXT && account->convention.unit == FL_UNIT_MAC)
        fputs("formulas in FLOPs; one MAC is two of them\n\n", out);
    for (int stack = FL_N_STACKS - 1; stack >= 0; stack--)
        if (explain_stack(account, (enum fl_stack)stack, notation, out, error) != FL_OK)
            return FL_FAILED;
    if (account->has_generation && notation == FL_NOTATION_TEXT)
        return explain_generation(account, notation, out, error);
    return FL_OK;
}
