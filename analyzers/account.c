#include "analyzers/account.h"

#include <stdlib.h>
#include <string.h>

static void add_row(struct fl_account_row *sum, const struct fl_account_row *row)
{
    /* totals were checked for overflow when the analytic figures were added up */
    sum->textbook += row->textbook;
    sum->exact += row->exact;
    sum->bytes_read += row->bytes_read;
    sum->bytes_written += row->bytes_written;
    sum->counted = fl_cost_add(sum->counted, row->counted);
    sum->time_ns += row->time_ns;
    fl_reading_add(&sum->measured.reading, &row->measured.reading);
    fl_excess_add(&sum->measured.excess, &row->measured.excess);
}

static int count_rows(const struct fl_analytic *analytic)
{
    int n = 0;
    for (int stack = 0; stack < FL_N_STACKS; stack++)
        for (int op = 0; op < FL_N_OPERATORS; op++)
            if (analytic->ops[stack][op].present)
                n += fl_analytic_copies(analytic, (enum fl_stack)stack, (enum fl_operator)op);
    return n;
}

static void push_row(struct fl_account *account, const struct fl_analytic *analytic,
                     const char *phase, enum fl_stack stack, int layer, enum fl_operator op)
{
    const struct fl_op_analytic *figures = &analytic->ops[stack][op];
    if (!figures->present)
        return;
    account->rows[account->n_rows++] = (struct fl_account_row){
        .phase = phase,
        .stack = stack,
        .layer = layer,
        .op = op,
        .textbook = figures->textbook,
        .exact = figures->exact,
        .bytes_read = fl_analytic_layer_bytes_read(analytic, stack, op, layer),
        .bytes_written = figures->bytes_written,
    };
}

/* Rows in the order of execution: embedding, layer by layer, final norm and logits. */
static void push_stack(struct fl_account *account, const struct fl_analytic *analytic,
                       const char *phase, enum fl_stack stack)
{
    push_row(account, analytic, phase, stack, FL_LAYER_GLOBAL, FL_OP_EMBED);
    for (int layer = 0; layer < analytic->n_layers[stack]; layer++)
        for (int op = 0; op < FL_N_OPERATORS; op++)
            if (!fl_operator_is_global((enum fl_operator)op))
                push_row(account, analytic, phase, stack, layer, (enum fl_operator)op);
    push_row(account, analytic, phase, stack, FL_LAYER_GLOBAL, FL_OP_NORM_FINAL);
    push_row(account, analytic, phase, stack, FL_LAYER_GLOBAL, FL_OP_LOGITS);
}

static int push_phases(struct fl_account *account, const struct fl_analytic *analytic,
                       const char *const *phases, int n_phases, struct fl_error *error)
{
    size_t n = 0;
    for (int i = 0; i < n_phases; i++)
        n += (size_t)count_rows(&analytic[i]);
    account->rows = calloc(n ? n : 1, sizeof *account->rows);
    if (!account->rows)
        return fl_fail(error, "%s: cannot reserve memory for %zu ledger rows", account->config.name,
                       n);
    for (int i = 0; i < n_phases; i++) {
        push_stack(account, &analytic[i], phases[i], FL_STACK_ENCODER);
        push_stack(account, &analytic[i], phases[i], FL_STACK_DECODER);
        account->total.textbook += analytic[i].total.textbook;
        account->total.exact += analytic[i].total.exact;
        account->total.bytes_read += analytic[i].total.bytes_read;
        account->total.bytes_written += analytic[i].total.bytes_written;
    }
    const struct fl_analytic *last = &analytic[n_phases - 1];
    account->weights_bytes = last->weights_bytes;
    account->kv_cache_bytes = last->kv_cache_bytes;
    account->activation_bytes = last->activation_bytes;
    account->n_params = last->n_params;
    return FL_OK;
}

/* The shape's numbers of experts, copied, since the shape outlives what it was given. */
static int keep_experts_hit(struct fl_account *account, struct fl_error *error)
{
    if (!account->shape.experts_hit)
        return FL_OK;
    const size_t n = (size_t)account->config.n_layers;
    account->experts_hit = calloc(n, sizeof *account->experts_hit);
    if (!account->experts_hit)
        return fl_fail(error, "%s: cannot reserve memory for %zu layers", account->config.name, n);
    memcpy(account->experts_hit, account->shape.experts_hit, n * sizeof *account->experts_hit);
    account->shape.experts_hit = account->experts_hit;
    return FL_OK;
}

int fl_account_forward(struct fl_account *account, const struct fl_config *config,
                       const struct fl_shape *shape, const struct fl_convention *convention,
                       struct fl_error *error)
{
    *account = (struct fl_account){
        .config = *config, .convention = *convention, .shape = *shape, .total.layer = -1};
    account->is_decode = shape->n_past > 0 || shape->encoded;
    const char *phase = account->is_decode ? "decode" : "prefill";
    struct fl_analytic analytic;
    if (keep_experts_hit(account, error) != FL_OK ||
        fl_analytic(&analytic, config, shape, convention, error) != FL_OK ||
        fl_reconcile(&account->gap, config, shape, convention, error) != FL_OK)
        return FL_FAILED;
    return push_phases(account, &analytic, &phase, 1, error);
}

static int add_step(struct fl_gap *gap, fl_wide weight, const struct fl_config *config,
                    const struct fl_generation *generation, const struct fl_convention *convention,
                    int64_t step, struct fl_error *error)
{
    struct fl_shape shape;
    struct fl_convention step_convention;
    struct fl_gap step_gap;
    fl_generation_step(generation, convention, step, &shape, &step_convention);
    if (fl_reconcile(&step_gap, config, &shape, &step_convention, error) != FL_OK)
        return FL_FAILED;
    return fl_gap_add(gap, weight, &step_gap, error);
}

/* Of fused attention, whose cost jumps, every step; else those that the closed form is made of. */
static int reconcile_generation(struct fl_gap *gap, const struct fl_config *config,
                                const struct fl_generation *generation,
                                const struct fl_convention *convention,
                                const struct fl_shape *prefill, struct fl_error *error)
{
    struct fl_generation_sample samples[FL_GENERATION_SAMPLES];
    int n_samples;
    if (fl_generation_samples(samples, &n_samples, config, generation, error) != FL_OK ||
        fl_reconcile(gap, config, prefill, convention, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < n_samples && !convention->fused; i++)
        if (add_step(gap, samples[i].weight, config, generation, convention, samples[i].step,
                     error) != FL_OK)
            return FL_FAILED;
    for (int64_t i = 1; i < generation->n_gen && convention->fused; i++)
        if (add_step(gap, 1, config, generation, convention, i, error) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

int fl_account_generation(struct fl_account *account, const struct fl_config *config,
                          const struct fl_generation *generation,
                          const struct fl_convention *convention, struct fl_error *error)
{
    static const char *const PHASES[] = {"prefill", "decode"};
    *account = (struct fl_account){.config = *config,
                                   .convention = *convention,
                                   .has_generation = true,
                                   .generation = *generation,
                                   .total.layer = -1};
    account->shape = (struct fl_shape){.batch = generation->batch,
                                       .n_tokens = generation->n_prompt,
                                       .n_encoder_tokens = generation->n_encoder_tokens,
                                       .stored = generation->stored,
                                       .kv_dtype = generation->kv_dtype};
    struct fl_analytic analytic[2];
    if (fl_analytic_generation(analytic, config, generation, convention, error) != FL_OK ||
        reconcile_generation(&account->gap, config, generation, convention, &account->shape,
                             error) != FL_OK)
        return FL_FAILED;
    return push_phases(account, analytic, PHASES, generation->n_gen > 1 ? 2 : 1, error);
}

int fl_account_add_ledger(struct fl_account *account, const struct fl_ledger *ledger,
                          struct fl_error *error)
{
    account->has_counted = true;
    account->total.counted = (struct fl_cost){0};
    account->total.time_ns = 0;
    for (int i = 0; i < account->n_rows; i++) {
        struct fl_account_row *row = &account->rows[i];
        const int at =
            fl_ledger_row(ledger->n_layers, ledger->n_encoder_layers, row->stack, row->layer);
        const struct fl_ledger_entry *entry = fl_ledger_entry(ledger, at, row->op);
        row->counted = entry->counted;
        row->time_ns = entry->time_ns;
        account->total.counted = fl_cost_add(account->total.counted, row->counted);
        account->total.time_ns += row->time_ns;
    }
    struct fl_cost whole = fl_ledger_total(ledger).counted;
    if (memcmp(&whole, &account->total.counted, sizeof whole) != 0)
        return fl_fail(error, "%s: the ledger holds work of operators without a formula",
                       account->config.name);
    return FL_OK;
}

fl_wide fl_account_unexplained(const struct fl_account_row *row)
{
    return (fl_wide)row->measured.reading.values[FL_COUNT_FLOPS] - row->exact -
           fl_excess_total(&row->measured.excess);
}

/* The gap from exact to measured, term by term. */
static int name_differences(struct fl_account *account, struct fl_error *error)
{
    struct fl_gap *gap = &account->gap;
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
        for (int i = 0; i < account->n_rows; i++) {
            const struct fl_account_row *row = &account->rows[i];
            if (fl_gap_add_excess(gap, (enum fl_excess_term)term, row->op,
                                  row->measured.excess.flops[term], error) != FL_OK)
                return FL_FAILED;
        }
    for (int i = 0; i < account->n_rows; i++) {
        fl_wide unexplained = fl_account_unexplained(&account->rows[i]);
        gap->unexplained += unexplained;
        gap->unexplained_by_op[account->rows[i].op] += unexplained;
    }
    gap->between_operators = (fl_wide)account->counter.whole.values[FL_COUNT_FLOPS] -
                             (fl_wide)account->total.measured.reading.values[FL_COUNT_FLOPS];
    return FL_OK;
}

int fl_account_add_observation(struct fl_account *account, const struct fl_observation *observation,
                               struct fl_error *error)
{
    struct fl_account_counter *counter = &account->counter;
    account->has_measured = true;
    memcpy(counter->name, observation->counter, sizeof counter->name);
    memcpy(counter->version, observation->version, sizeof counter->version);
    memcpy(counter->note, observation->note, sizeof counter->note);
    memcpy(counter->blas_core, observation->blas_core, sizeof counter->blas_core);
    memcpy(counter->isa, observation->isa, sizeof counter->isa);
    counter->available = observation->available;
    counter->whole = observation->whole;
    account->total.measured = (struct fl_measured){0};
    for (int i = 0; i < account->n_rows; i++) {
        struct fl_account_row *row = &account->rows[i];
        const int at = fl_ledger_row(observation->n_layers, observation->n_encoder_layers,
                                     row->stack, row->layer);
        row->measured = *fl_observation_entry(observation, at, row->op);
        fl_reading_add(&account->total.measured.reading, &row->measured.reading);
        fl_excess_add(&account->total.measured.excess, &row->measured.excess);
    }
    return fl_account_has(account, FL_COUNT_FLOPS) ? name_differences(account, error) : FL_OK;
}

int fl_account_sum(const struct fl_account *account, const char *phase, enum fl_stack stack,
                   enum fl_operator op, struct fl_account_row *sum)
{
    int n = 0;
    *sum = (struct fl_account_row){.phase = phase, .stack = stack, .layer = -1, .op = op};
    for (int i = 0; i < account->n_rows; i++) {
        const struct fl_account_row *row = &account->rows[i];
        if (row->op != op || row->stack != stack || (phase && strcmp(row->phase, phase) != 0))
            continue;
        add_row(sum, row);
        n++;
    }
    return n;
}

int fl_account_check(const struct fl_account *account, struct fl_error *error)
{
    for (int i = 0; i < account->n_rows; i++) {
        const struct fl_account_row *row = &account->rows[i];
        const struct {
            const char *what;
            fl_wide exact, counted;
        } pairs[] = {
            {"FLOPs", row->exact, (fl_wide)fl_cost_flops(row->counted)},
            {"bytes read", row->bytes_read, (fl_wide)row->counted.bytes_read},
            {"bytes written", row->bytes_written, (fl_wide)row->counted.bytes_written},
        };
        for (int k = 0; k < 3; k++) {
            char exact[FL_WIDE_DIGITS], counted[FL_WIDE_DIGITS];
            if (pairs[k].exact != pairs[k].counted)
                return fl_fail(error, "%s: %slayer %d: %s: counted %s %s, expected exactly %s",
                               account->config.name,
                               row->stack == FL_STACK_ENCODER ? "encoder " : "", row->layer,
                               fl_operator_name(row->op), fl_wide_text(pairs[k].counted, counted),
                               pairs[k].what, fl_wide_text(pairs[k].exact, exact));
        }
    }
    return FL_OK;
}

void fl_account_close(struct fl_account *account)
{
    free(account->rows);
    free(account->experts_hit);
    account->rows = NULL;
    account->experts_hit = NULL;
    account->shape.experts_hit = NULL;
    account->n_rows = 0;
}
