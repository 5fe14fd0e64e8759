#include "analyzers/why.h"
#include "analyzers/reconcile.h"
#include "analyzers/why_rules.h"

#include <stdio.h>
#include <string.h>

/* ---- what the model and the request have ---- */

/* features: those of the stack's exact environment. */
static unsigned traits_of(const struct fl_config *config, const struct fl_why_request *request,
                          unsigned features)
{
    const enum fl_activation act = config->activation;
    const struct {
        bool has;
        unsigned trait;
    } table[] = {
        {config->norm == FL_NORM_LAYERNORM, T_LAYERNORM},
        {config->norm == FL_NORM_RMSNORM, T_RMSNORM},
        {fl_config_has_norm_ffn(config), T_NORM_FFN},
        {config->norm_position == FL_NORM_PRE, T_NORM_FINAL},
        {config->qk_norm, T_QK_NORM},
        {config->gated, T_GATE},
        {config->n_experts > 0, T_EXPERTS},
        {config->d_ff_shared > 0, T_SHARED},
        {config->arch == FL_ARCH_GPT2, T_CONV1D},
        {act == FL_ACT_RELU || act == FL_ACT_SILU || act == FL_ACT_GELU_ERF, T_FUNCTIONAL},
        {config->positions == FL_POS_LEARNED, T_POSITIONS},
        {!config->tied, T_UNTIED},
        {config->bias_qkv, T_BIAS_QKV},
        {config->bias_attn_out, T_BIAS_OUT},
        {config->bias_ffn, T_BIAS_FFN},
        {config->bias_logits, T_BIAS_LOGITS},
        {!request->headless && features & FL_HAS_LOGITS, T_HEAD},
        {request->shape.n_past > 0, T_PAST},
        {request->unit == FL_UNIT_FLOP || request->tool->units != FL_TOOL_BOTH, T_FLOPS},
        {features & FL_HAS_CROSS, T_CROSS},
        {features & FL_HAS_CROSS_KV, T_CROSS_KV},
        {config->positions == FL_POS_RELATIVE, T_RELATIVE},
    };
    unsigned traits = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        traits |= table[i].has ? table[i].trait : 0;
    return traits;
}

static bool applies(unsigned traits, unsigned when, unsigned unless)
{
    return (traits & when) == when && !(traits & unless);
}

/* ---- exact sums ---- */

/* A stack that runs in the step. */
struct stack {
    struct fl_environment exact;
    unsigned traits;
    int n_layers;
};

struct bridge {
    struct fl_why *why;
    const struct fl_config *config;
    struct fl_error *error;
    struct stack stacks[FL_N_STACKS];
    int n_stacks;
    struct fl_rational theirs; /* in the tool's unit, all passes */
    struct fl_rational macs;   /* of one pass, what is doubled when it becomes FLOPs */
    struct fl_rational layers; /* of one pass: what is in the layers, for a second forward */
    struct fl_rational flops;  /* of one pass, FLOPs: where the walk begins */
};

static struct fl_rational negative(struct fl_rational value)
{
    value.num = -value.num;
    return value;
}

static int too_large(struct bridge *b, const char *what)
{
    return fl_fail(b->error, "why: %s: the figure for this shape does not fit in 127 bits", what);
}

static int add(struct bridge *b, struct fl_rational *sum, fl_wide n, struct fl_rational value)
{
    if (!fl_rational_multiply(fl_rational_whole(n), value, &value) ||
        !fl_rational_add(*sum, value, sum))
        return too_large(b, "sum");
    return FL_OK;
}

/* Terms of one name become one; what comes to nothing goes. */
static int add_term(struct bridge *b, const char *term, const char *note, struct fl_rational value)
{
    struct fl_why *why = b->why;
    if (value.num == 0)
        return FL_OK;
    if (value.den != 1)
        return fl_fail(b->error, "why: %s: expected a whole number of FLOPs", term);
    int i = 0;
    while (i < why->n_terms && strcmp(why->terms[i].term, term) != 0)
        i++;
    if (i == FL_WHY_TERMS_MAX)
        return fl_fail(b->error, "why: expected at most %d terms", FL_WHY_TERMS_MAX);
    if (i == why->n_terms) {
        why->terms[why->n_terms++] = (struct fl_why_term){.note = note};
        snprintf(why->terms[i].term, sizeof why->terms[i].term, "%s", term);
    }
    if (__builtin_add_overflow(why->terms[i].flops, value.num, &why->terms[i].flops))
        return too_large(b, term);
    if (why->terms[i].flops == 0) {
        why->n_terms--;
        memmove(&why->terms[i], &why->terms[i + 1],
                (size_t)(why->n_terms - i) * sizeof why->terms[i]);
    }
    return FL_OK;
}

/* ---- the tool's own figure ---- */

/* The rows that apply, one stack after the other; starts as all zero. */
struct walk {
    int i_stack, table, row;
    const struct stack *stack; /* of the row that next_row() gave */
};

static const struct rule_row *next_row(const struct bridge *b, struct walk *walk)
{
    const struct fl_tool_rules *rules = b->why->request.tool->rules;
    for (; walk->i_stack < b->n_stacks; walk->i_stack++, walk->table = 0) {
        walk->stack = &b->stacks[walk->i_stack];
        for (; walk->table < TABLES_MAX && rules->rows[walk->table]; walk->table++, walk->row = 0)
            while (rules->rows[walk->table][walk->row].label) {
                const struct rule_row *at = &rules->rows[walk->table][walk->row++];
                if (applies(walk->stack->traits, at->when, at->unless))
                    return at;
            }
    }
    return NULL;
}

static int row_value(struct bridge *b, const struct walk *walk, const struct rule_row *row,
                     struct fl_rational *value)
{
    struct fl_expression expression;
    const fl_wide times[] = {
        [PER_LAYER] = walk->stack->n_layers,
        [ONCE] = 1,
        [PER_POSITION] = b->config->n_ctx_max,
        [PER_PARAMETER] = (fl_wide)fl_config_n_params(b->config),
    };
    if (!fl_expression_parse(&expression, row->text) ||
        !fl_expression_evaluate(&expression, walk->stack->exact.values, value) ||
        !fl_rational_multiply(fl_rational_whole(times[row->times]), *value, value))
        return too_large(b, row->label);
    return FL_OK;
}

static int add_part(struct bridge *b, const char *label, struct fl_rational value)
{
    struct fl_why *why = b->why;
    if (value.den != 1)
        return fl_fail(b->error, "why: %s: expected a whole number", label);
    int i = 0;
    while (i < why->n_parts && strcmp(why->parts[i].label, label) != 0)
        i++;
    if (i == FL_WHY_PARTS_MAX)
        return fl_fail(b->error, "why: expected at most %d parts", FL_WHY_PARTS_MAX);
    if (i == why->n_parts)
        why->parts[why->n_parts++] = (struct fl_why_part){.label = label};
    if (__builtin_add_overflow(why->parts[i].value, value.num, &why->parts[i].value))
        return too_large(b, label);
    return FL_OK;
}

static int sum_rows(struct bridge *b)
{
    const struct fl_tool *tool = b->why->request.tool;
    const bool mac = b->why->request.unit == FL_UNIT_MAC;
    const struct rule_row *row;
    struct walk walk = {0};
    while ((row = next_row(b, &walk))) {
        struct fl_rational value, shown;
        if (row->inside)
            continue;
        if (row_value(b, &walk, row, &value) != FL_OK)
            return FL_FAILED;
        const bool again = tool->layers && row->times == PER_LAYER;
        const fl_wide flops_each = row->mac ? 2 : 1;
        shown = fl_rational_whole(0);
        if (add(b, &shown, (row->mac && !mac ? 2 : 1) * (tool->passes + again), value) != FL_OK ||
            add_part(b, row->label, shown) != FL_OK || add(b, &b->theirs, 1, shown) != FL_OK ||
            add(b, &b->flops, flops_each, value) != FL_OK ||
            (row->mac && mac && add(b, &b->macs, 1, value) != FL_OK) ||
            (again && add(b, &b->layers, flops_each, value) != FL_OK))
            return FL_FAILED;
    }
    if (b->theirs.den != 1)
        return fl_fail(b->error, "why: %s: expected a whole figure", tool->name);
    b->why->theirs = b->theirs.num;
    return FL_OK;
}

/* From the tool's figure to FLOPs of one forward pass. */
static int convert_units(struct bridge *b)
{
    const int passes = b->why->request.tool->passes;
    struct fl_rational backward = fl_rational_whole(0), doubled = backward, again = backward;
    if (add(b, &again, -1, b->layers) != FL_OK || add(b, &doubled, passes, b->macs) != FL_OK ||
        add(b, &backward, 1 - passes, b->flops) != FL_OK)
        return FL_FAILED;
    if (add_term(b, "unit", "a multiply-accumulate counted as one operation, not two", doubled) !=
            FL_OK ||
        add_term(b, "recomputation", "the layers' forward pass counted twice", again) != FL_OK)
        return FL_FAILED;
    return add_term(b, "backward pass", "training: three times the forward pass", backward);
}

static int take_extras_away(struct bridge *b)
{
    const struct rule_row *row;
    struct walk walk = {0};
    while ((row = next_row(b, &walk))) {
        struct fl_rational value, flops = fl_rational_whole(0);
        if (row->kind != ROW_EXTRA)
            continue;
        if (row_value(b, &walk, row, &value) != FL_OK ||
            add(b, &flops, row->mac ? -2 : -1, value) != FL_OK ||
            add_term(b, row->term, row->note, flops) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

/* Adds what all layers of a stack have of an operator under env. */
static int add_operator(struct bridge *b, const struct stack *stack,
                        const struct fl_environment *env, enum fl_operator op,
                        struct fl_rational *sum)
{
    struct fl_rational flops;
    if (fl_formula_flops(env, op, &flops, b->error) != FL_OK)
        return FL_FAILED;
    return add(b, sum, fl_operator_is_global(op) ? 1 : stack->n_layers, flops);
}

/* ---- matrix products: departures, taken back from the last to the first ---- */

struct view {
    struct fl_environment env;
    uint64_t omits;
};

static int depart(struct bridge *b, const struct stack *stack, struct view *view,
                  const struct rule_departure *departure)
{
    struct fl_expression expression;
    view->omits |= departure->omits;
    view->env.features = (view->env.features & ~departure->lacks) | departure->adds;
    if (departure->text && (!fl_expression_parse(&expression, departure->text) ||
                            !fl_expression_evaluate(&expression, stack->exact.values,
                                                    &view->env.values[departure->symbol])))
        return too_large(b, departure->term);
    return FL_OK;
}

/* Matrix products of all layers of a stack as this view has them. */
static int view_sum(struct bridge *b, const struct stack *stack, const struct view *view,
                    struct fl_rational *sum)
{
    *sum = fl_rational_whole(0);
    for (int i = 0; i < FL_N_OPERATORS; i++)
        if (!(view->omits >> i & 1) &&
            add_operator(b, stack, &view->env, (enum fl_operator)i, sum) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

enum { DEPARTURES_MAX = 32 };

static int walk_departures(struct bridge *b, const struct stack *stack)
{
    const struct fl_tool_rules *rules = b->why->request.tool->rules;
    const struct rule_departure *taken[DEPARTURES_MAX];
    struct fl_rational sums[DEPARTURES_MAX + 1];
    struct view view = {.env = stack->exact};
    int n = 0;
    view.env.kinds = FL_PIECE_MATMUL;
    if (view_sum(b, stack, &view, &sums[0]) != FL_OK)
        return FL_FAILED;
    for (int table = 0; table < TABLES_MAX && rules->departures[table]; table++)
        for (const struct rule_departure *at = rules->departures[table]; at->term; at++) {
            if (!applies(stack->traits, at->when, at->unless))
                continue;
            if (n == DEPARTURES_MAX)
                return fl_fail(b->error, "why: expected at most %d departures", DEPARTURES_MAX);
            if (depart(b, stack, &view, at) != FL_OK ||
                view_sum(b, stack, &view, &sums[n + 1]) != FL_OK)
                return FL_FAILED;
            taken[n++] = at;
        }
    for (; n > 0; n--)
        if (add(b, &sums[n - 1], -1, sums[n]) != FL_OK ||
            add_term(b, taken[n - 1]->term, taken[n - 1]->note, sums[n - 1]) != FL_OK ||
            add(b, &sums[n - 1], 1, sums[n]) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

/* ---- biases and elementwise work: group by group ---- */

/* Ours, of the operators of a group; NULL: the biases of all. */
static int group_flops(struct bridge *b, const char *group, struct fl_rational *sum)
{
    *sum = fl_rational_whole(0);
    for (const struct stack *stack = b->stacks; stack < b->stacks + b->n_stacks; stack++) {
        struct fl_environment env = stack->exact;
        env.kinds = group ? FL_PIECE_ELEMENTWISE : FL_PIECE_BIAS;
        for (int i = 0; i < FL_N_OPERATORS; i++) {
            const enum fl_operator op = (enum fl_operator)i;
            if ((!group || strcmp(fl_operator_group(op), group) == 0) &&
                add_operator(b, stack, &env, op, sum) != FL_OK)
                return FL_FAILED;
        }
    }
    return FL_OK;
}

/* What the tool charges for a group is taken from ours; *note is how it charges. */
static int subtract_charged(struct bridge *b, const char *group, struct fl_rational *flops,
                            const char **note)
{
    const struct rule_row *row;
    struct walk walk = {0};
    while ((row = next_row(b, &walk))) {
        struct fl_rational value;
        if (row->kind != ROW_ELEMENTWISE || strcmp(row->term, group) != 0)
            continue;
        if (row_value(b, &walk, row, &value) != FL_OK ||
            add(b, flops, row->mac ? -2 : -1, value) != FL_OK)
            return FL_FAILED;
        *note = row->note;
    }
    return FL_OK;
}

static int compare_groups(struct bridge *b)
{
    static const struct {
        const char *group, *term;
    } GROUPS[] = {
        {"bias", "biases"},
        {"embedding", "embedding"},
        {"norm", "norms"},
        {"positions", "positions in attention"},
        {"softmax", "softmax"},
        {"activation", "activations"},
        {"ffn", "routing of experts"},
        {"residual", "residuals"},
        {"logits", "scaled logits"},
    };
    for (size_t i = 0; i < sizeof GROUPS / sizeof *GROUPS; i++) {
        struct fl_rational flops = fl_rational_whole(0);
        const char *note = "not counted";
        if (!b->why->request.to_textbook &&
            group_flops(b, i == 0 ? NULL : GROUPS[i].group, &flops) != FL_OK)
            return FL_FAILED;
        if (subtract_charged(b, GROUPS[i].group, &flops, &note) != FL_OK ||
            add_term(b, GROUPS[i].term, note, flops) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

/* ---- the textbook's figure as the goal ---- */

/* From exact matrix products back to the textbook's; elementwise work has gone already. */
static int go_on_to_textbook(struct bridge *b, const struct fl_shape *shape)
{
    struct fl_gap gap;
    struct fl_convention convention = {.causal = FL_CAUSAL_EXACT};
    if (fl_reconcile(&gap, b->config, shape, &convention, b->error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < gap.n_terms; i++)
        if (strcmp(gap.terms[i].from, "textbook") == 0 &&
            add_term(b, gap.terms[i].term, "the textbook does not know it",
                     negative(fl_rational_whole(gap.terms[i].flops))) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

/* ---- together ---- */

const char *fl_why_refusal(const struct fl_tool *tool, const struct fl_config *config,
                           const struct fl_shape *shape)
{
    if (config->n_encoder_layers > 0 && tool->one_stack)
        return tool->one_stack;
    if (shape->n_past > 0 && !tool->cached)
        return "counts whole sequences only and knows no KV cache";
    return NULL;
}

static int check_request(const struct fl_config *config, const struct fl_why_request *request,
                         struct fl_error *error)
{
    const struct fl_tool *tool = request->tool;
    const char *refusal = fl_why_refusal(tool, config, &request->shape);
    if (refusal && refusal == tool->one_stack)
        return fl_fail(error, "%s: expected a decoder-only model: %s %s", config->name, tool->name,
                       refusal);
    if (refusal)
        return fl_fail(error, "--past: %s %s; expected 0", tool->name, refusal);
    if (config->n_encoder_layers > 0 && request->shape.n_encoder_tokens < 1)
        return fl_fail(error, "%s: encoder tokens: expected 1 or more", config->name);
    if (request->headless && !tool->traced)
        return fl_fail(error, "--lm-head none: expected a tool that runs a model; %s is a formula",
                       tool->name);
    if (!(tool->units & (request->unit == FL_UNIT_MAC ? FL_TOOL_MAC : FL_TOOL_FLOP)))
        return fl_fail(error, "--unit: %s prints %s only", tool->name,
                       tool->units == FL_TOOL_MAC ? "MACs" : "FLOPs");
    return FL_OK;
}

static int add_stack(struct bridge *b, enum fl_stack which, int n_layers,
                     const struct fl_convention *convention)
{
    struct stack *stack = &b->stacks[b->n_stacks++];
    const struct fl_why_request *request = &b->why->request;
    if (fl_environment_init(&stack->exact, b->config, &request->shape, convention, which,
                            b->error) != FL_OK)
        return FL_FAILED;
    if (which == FL_STACK_ENCODER) /* the ids that it embeds */
        stack->exact.values[FL_SYMBOL_V] =
            fl_rational_whole(fl_config_prompt_vocab_size(b->config));
    stack->traits = traits_of(b->config, request, stack->exact.features);
    stack->n_layers = n_layers;
    return FL_OK;
}

static int build_bridge(struct bridge *b)
{
    if (sum_rows(b) != FL_OK || convert_units(b) != FL_OK || take_extras_away(b) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < b->n_stacks; i++)
        if (walk_departures(b, &b->stacks[i]) != FL_OK)
            return FL_FAILED;
    return compare_groups(b);
}

int fl_why(struct fl_why *why, const struct fl_config *config, const struct fl_why_request *request,
           struct fl_error *error)
{
    *why = (struct fl_why){.request = *request};
    const struct fl_convention convention = {.causal = FL_CAUSAL_EXACT, .elementwise = true};
    const struct fl_rational zero = fl_rational_whole(0);
    struct bridge b = {.why = why,
                       .config = config,
                       .error = error,
                       .theirs = zero,
                       .macs = zero,
                       .layers = zero,
                       .flops = zero};
    struct fl_analytic analytic;
    if (check_request(config, request, error) != FL_OK ||
        fl_analytic(&analytic, config, &request->shape, &convention, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < FL_N_STACKS; i++)
        if (analytic.n_layers[i] > 0 &&
            add_stack(&b, (enum fl_stack)i, analytic.n_layers[i], &convention) != FL_OK)
            return FL_FAILED;
    if (build_bridge(&b) != FL_OK ||
        (request->to_textbook && go_on_to_textbook(&b, &request->shape) != FL_OK))
        return FL_FAILED;
    why->ours = request->to_textbook ? analytic.total.textbook : analytic.total.exact;
    why->unexplained = why->ours - why->theirs;
    for (int i = 0; i < why->n_terms; i++)
        why->unexplained -= why->terms[i].flops;
    return FL_OK;
}
