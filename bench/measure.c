#include "bench/measure.h"

#include "base/random.h"
#include "bench/conditions.h"
#include "engine/observe.h"
#include "ledger/analytic.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* Counts of 128 bits that are to be stored as 64. */
static int narrow(fl_wide value, uint64_t *out, const char *label, struct fl_error *error)
{
    if (value < 0 || value > INT64_MAX)
        return fl_fail(error, "%s: a count of this point passes 2^63 - 1, the most that is stored",
                       label);
    *out = (uint64_t)value;
    return FL_OK;
}

/* The exact and textbook halves of the point's and the operators' records. */
static int fill_predicted(struct fl_measurement *measurement, struct fl_error *error)
{
    struct fl_point *point = &measurement->item.point;
    char label[FL_SWEEP_LABEL];
    fl_sweep_label(point, label);
    struct fl_analytic analytic;
    if (fl_sweep_item_analyse(&analytic, &measurement->item, measurement->config,
                              &measurement->stored, fl_session_experts_hit(measurement->session),
                              error) != FL_OK)
        return FL_FAILED;

    for (int i = 0; i < FL_N_OPERATORS; i++) {
        enum fl_operator op = (enum fl_operator)i;
        struct fl_op_analytic cost;
        struct fl_op_record *record = &measurement->ops[measurement->n_ops];
        if (!fl_analytic_sum(&analytic, op, &cost))
            continue;
        *record = (struct fl_op_record){.op = op};
        if (narrow(cost.textbook, &record->textbook_flops, label, error) != FL_OK ||
            narrow(cost.exact, &record->exact_flops, label, error) != FL_OK ||
            narrow(cost.bytes_read, &record->exact_bytes_read, label, error) != FL_OK ||
            narrow(cost.bytes_written, &record->exact_bytes_written, label, error) != FL_OK)
            return FL_FAILED;
        measurement->n_ops++;
    }
    if (narrow(analytic.total.textbook, &point->textbook_flops, label, error) != FL_OK ||
        narrow(analytic.total.exact, &point->exact_flops, label, error) != FL_OK ||
        narrow(analytic.total.bytes_read, &point->bytes_read, label, error) != FL_OK)
        return FL_FAILED;
    return narrow(analytic.total.bytes_written, &point->bytes_written, label, error);
}

static int make_tokens(struct fl_measurement *measurement, uint64_t seed, struct fl_error *error)
{
    const struct fl_point *point = &measurement->item.point;
    const struct fl_config *config = measurement->config;
    const int n_source = fl_sweep_item_n_source(&measurement->item, config);
    const size_t batch = (size_t)point->batch, n_new = batch * (size_t)point->n_tokens;
    const size_t n = n_new + batch * (size_t)n_source;
    char label[FL_SWEEP_LABEL];
    measurement->tokens = malloc(n * sizeof *measurement->tokens);
    if (!measurement->tokens)
        return fl_fail(error, "%s: no memory for %zu tokens", fl_sweep_label(point, label), n);
    uint64_t state = seed; /* any ids do: costs do not depend on them */
    for (size_t i = 0; i < n; i++)
        measurement->tokens[i] =
            (int)(fl_random_next(&state) %
                  (uint64_t)(i < n_new ? config->vocab_size : fl_config_prompt_vocab_size(config)));
    measurement->execution = (struct fl_execution){
        .tokens = measurement->tokens,
        .n_tokens = point->n_tokens,
        .n_past = point->n_past,
        .logits = measurement->item.logits,
        .source = n_source > 0 ? measurement->tokens + n_new : NULL,
        .n_source = n_source,
        .n_seqs = point->batch,
        .encoded = point->phase == FL_PHASE_DECODE,
    };
    return FL_OK;
}

static int open_session(struct fl_measurement *measurement, const struct fl_model *model,
                        struct fl_error *error)
{
    const struct fl_sweep_item *item = &measurement->item;
    const struct fl_session_options options = {
        .n_seqs = item->point.batch,
        .n_ctx = fl_sweep_item_n_ctx(item),
        .n_tokens_max = item->point.n_tokens,
        .n_encoder_ctx = fl_sweep_item_n_source(item, measurement->config),
        .attention = item->attention,
        .logits = item->logits,
        .n_threads = item->point.n_threads,
        .kv_dtype = item->kv_dtype,
    };
    if (fl_session_open(&measurement->session, model, &options, error) != FL_OK)
        return FL_FAILED;
    struct fl_point *point = &measurement->item.point;
    point->kv_cache_bytes = fl_session_kv_cache_bytes(measurement->session);
    point->activation_bytes = fl_session_activation_bytes(measurement->session);
    point->weights_bytes = model->weight_bytes;
    return FL_OK;
}

int fl_measurement_open(struct fl_measurement *measurement, const struct fl_model *model,
                        const struct fl_sweep_item *item, int n_samples_max, uint64_t seed,
                        struct fl_error *error)
{
    *measurement = (struct fl_measurement){
        .item = *item, .config = &model->config, .n_samples_max = n_samples_max};
    fl_stored_of_model(&measurement->stored, model);
    int status = open_session(measurement, model, error);
    if (status == FL_OK)
        status = make_tokens(measurement, seed, error);
    if (status == FL_OK)
        status = fl_execution_prepare(measurement->session, &measurement->execution, error);
    /* which experts the tokens are sent to, and so what is read, is known once they were */
    if (status == FL_OK && measurement->config->n_experts > 0)
        status = fl_measurement_warm_up(measurement, error);
    if (status == FL_OK)
        status = fill_predicted(measurement, error);
    if (status == FL_OK) {
        measurement->samples = calloc((size_t)n_samples_max, sizeof *measurement->samples);
        if (!measurement->samples)
            status =
                fl_fail(error, "%s: no memory for %d samples", model->config.name, n_samples_max);
    }
    if (status != FL_OK)
        fl_measurement_close(measurement);
    return status;
}

void fl_measurement_close(struct fl_measurement *measurement)
{
    fl_session_close(measurement->session);
    free(measurement->tokens);
    free(measurement->samples);
    *measurement = (struct fl_measurement){0};
}

/* The timed window is the forward pass alone: ledger and cache are put back before it. */
static int execute(struct fl_measurement *measurement, uint64_t *started_ns, uint64_t *time_ns,
                   struct fl_conditions *conditions, struct fl_error *error)
{
    struct fl_conditions_probe probe;
    fl_session_truncate(measurement->session, measurement->item.point.n_past);
    fl_ledger_reset(fl_session_ledger(measurement->session));
    fl_conditions_begin(&probe);
    *started_ns = fl_clock_ns();
    int status = fl_execution_run(measurement->session, &measurement->execution, error);
    *time_ns = fl_clock_ns() - *started_ns;
    fl_conditions_end(conditions, &probe);
    return status;
}

int fl_measurement_warm_up(struct fl_measurement *measurement, struct fl_error *error)
{
    uint64_t started_ns, time_ns;
    struct fl_conditions conditions;
    return execute(measurement, &started_ns, &time_ns, &conditions, error);
}

static struct fl_ledger_entry sum_layers(const struct fl_ledger *ledger, enum fl_operator op)
{
    struct fl_ledger_entry sum = {0};
    for (int layer = 0; layer < ledger->n_rows; layer++) {
        const struct fl_ledger_entry *entry = fl_ledger_entry(ledger, layer, op);
        sum.counted = fl_cost_add(sum.counted, entry->counted);
        sum.time_ns += entry->time_ns;
        sum.n_calls += entry->n_calls;
    }
    return sum;
}

static int compare(const struct fl_point *point, enum fl_operator op, const char *what,
                   uint64_t exact, uint64_t counted, struct fl_error *error)
{
    if (exact == counted)
        return FL_OK;
    char label[FL_SWEEP_LABEL];
    return fl_fail(error,
                   "%s: operator %s: internal error: the formula gives %" PRIu64
                   " %s, the operator counted %" PRIu64 "; nothing of this point was stored",
                   fl_sweep_label(point, label), fl_operator_name(op), exact, what, counted);
}

/* Takes what one operator counted into its record, NULL when the formulas do not know it. */
static int take_operator(struct fl_measurement *measurement, struct fl_op_record *record,
                         enum fl_operator op, struct fl_cost counted, struct fl_error *error)
{
    const struct fl_point *point = &measurement->item.point;
    const struct fl_op_record none = {.op = op};
    const struct fl_op_record *exact = record ? record : &none;
    uint64_t flops = fl_cost_flops(counted);
    if (compare(point, op, "FLOPs", exact->exact_flops, flops, error) != FL_OK ||
        compare(point, op, "bytes read", exact->exact_bytes_read, counted.bytes_read, error) !=
            FL_OK ||
        compare(point, op, "bytes written", exact->exact_bytes_written, counted.bytes_written,
                error) != FL_OK)
        return FL_FAILED;
    if (record) {
        record->counted_flops = flops;
        record->counted_bytes_read = counted.bytes_read;
        record->counted_bytes_written = counted.bytes_written;
    }
    return FL_OK;
}

int fl_measurement_sample(struct fl_measurement *measurement, int rep, uint64_t run_started_ns,
                          struct fl_error *error)
{
    assert(measurement->n_samples < measurement->n_samples_max);
    struct fl_sample *sample = &measurement->samples[measurement->n_samples];
    uint64_t started_ns;
    *sample = (struct fl_sample){.rep = rep};
    if (execute(measurement, &started_ns, &sample->time_ns, &sample->conditions, error) != FL_OK)
        return FL_FAILED;
    sample->started_ns = started_ns - run_started_ns;

    const struct fl_ledger *ledger = fl_session_ledger(measurement->session);
    struct fl_op_record *record = measurement->ops;
    uint64_t counted_flops = 0;
    for (int i = 0; i < FL_N_OPERATORS; i++) {
        enum fl_operator op = (enum fl_operator)i;
        struct fl_ledger_entry entry = sum_layers(ledger, op);
        bool known = record < measurement->ops + measurement->n_ops && record->op == op;
        if (take_operator(measurement, known ? record : NULL, op, entry.counted, error) != FL_OK)
            return FL_FAILED;
        sample->op_time_ns[op] = entry.time_ns;
        counted_flops += fl_cost_flops(entry.counted);
        record += known ? 1 : 0;
    }
    measurement->item.point.counted_flops = counted_flops;
    measurement->n_samples++;
    return FL_OK;
}

int fl_measurement_observe(struct fl_measurement *measurement, struct fl_counter *counter,
                           struct fl_observation *observation, struct fl_error *error)
{
    return fl_session_observe(observation, measurement->session, counter, &measurement->execution,
                              error);
}
