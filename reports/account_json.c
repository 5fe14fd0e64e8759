/* account_json.c - schema 1 of `count --format json` and `audit --format json`. Integers are
 * written with all their digits, whatever their size: cJSON's own numbers are doubles. */
#include "model/config_json.h"
#include "reports/account_render.h"

#include <cJSON.h>
#include <stdlib.h>

enum { ACCOUNT_SCHEMA = 1 };

static void add_integer(cJSON *object, const char *name, fl_wide value)
{
    char digits[FL_WIDE_DIGITS];
    cJSON_AddRawToObject(object, name, fl_wide_text(value, digits));
}

/* "flops" or "macs", by the account's unit: the key never lies about what it holds. */
static void add_work(cJSON *object, const struct fl_account *account, fl_wide flops)
{
    char digits[FL_WIDE_GROUPED];
    cJSON_AddRawToObject(object, account->convention.unit == FL_UNIT_MAC ? "macs" : "flops",
                         fl_account_figure(account, flops, false, digits));
}

static void add_column(cJSON *object, const struct fl_account *account, const char *name,
                       fl_wide flops, fl_wide bytes_read, fl_wide bytes_written)
{
    cJSON *column = cJSON_AddObjectToObject(object, name);
    add_work(column, account, flops);
    add_integer(column, "bytes_read", bytes_read);
    add_integer(column, "bytes_written", bytes_written);
}

/* What the counter can count, under the counts' own keys. */
static void add_reading(cJSON *object, const struct fl_account *account,
                        const struct fl_reading *reading)
{
    for (int count = 0; count < FL_N_COUNTS; count++)
        if (fl_account_has(account, (enum fl_count)count))
            add_integer(object, fl_count_key((enum fl_count)count),
                        (fl_wide)reading->values[count]);
}

static void add_measured(cJSON *object, const struct fl_account *account,
                         const struct fl_account_row *row)
{
    cJSON *measured = cJSON_AddObjectToObject(object, "measured");
    add_reading(measured, account, &row->measured.reading);
    if (!fl_account_has(account, FL_COUNT_FLOPS))
        return;
    cJSON *excess = cJSON_AddObjectToObject(measured, "excess");
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
        if (row->measured.excess.flops[term] != 0)
            add_integer(excess, fl_excess_key((enum fl_excess_term)term),
                        row->measured.excess.flops[term]);
    add_integer(measured, "unexplained", fl_account_unexplained(row));
}

static void add_figures(cJSON *object, const struct fl_account *account,
                        const struct fl_account_row *row)
{
    add_work(cJSON_AddObjectToObject(object, "textbook"), account, row->textbook);
    add_column(object, account, "exact", row->exact, row->bytes_read, row->bytes_written);
    if (account->has_counted)
        add_column(object, account, "counted", (fl_wide)fl_cost_flops(row->counted),
                   (fl_wide)row->counted.bytes_read, (fl_wide)row->counted.bytes_written);
    else
        cJSON_AddNullToObject(object, "counted");
    if (account->has_measured)
        add_measured(object, account, row);
    else
        cJSON_AddNullToObject(object, "measured");
    if (account->has_counted)
        add_integer(object, "time_ns", (fl_wide)row->time_ns);
    else
        cJSON_AddNullToObject(object, "time_ns");
}

static void add_convention(cJSON *root, const struct fl_account *account)
{
    const struct fl_convention *convention = &account->convention;
    cJSON *object = cJSON_AddObjectToObject(root, "convention");
    cJSON_AddStringToObject(object, "unit", fl_unit_names[convention->unit]);
    cJSON_AddStringToObject(object, "causal", fl_causal_names[convention->causal]);
    cJSON_AddStringToObject(object, "lm_head", fl_lm_head_names[convention->lm_head]);
    cJSON_AddStringToObject(object, "elementwise",
                            convention->elementwise && convention->unit == FL_UNIT_FLOP ? "on"
                                                                                        : "off");
    if (convention->fused)
        cJSON_AddStringToObject(object, "attention", "fused");
}

static void add_shape(cJSON *root, const struct fl_account *account)
{
    const struct fl_shape *shape = &account->shape;
    cJSON *object = cJSON_AddObjectToObject(root, "shape");
    add_integer(object, "batch", shape->batch);
    add_integer(object, "n_tokens", shape->n_tokens);
    add_integer(object, "n_past", shape->n_past);
    if (account->config.n_encoder_layers > 0)
        add_integer(object, "n_encoder_tokens", shape->n_encoder_tokens);
    cJSON_AddStringToObject(object, "weight_dtype",
                            shape->stored ? shape->stored->name : fl_dtype_names[FL_F32]);
    cJSON_AddStringToObject(object, "kv_dtype", fl_dtype_names[shape->kv_dtype]);
    if (!account->has_generation)
        return;
    cJSON *generation = cJSON_AddObjectToObject(root, "generation");
    add_integer(generation, "n_prompt", account->generation.n_prompt);
    add_integer(generation, "n_gen", account->generation.n_gen);
    if (account->config.n_encoder_layers > 0)
        add_integer(generation, "n_encoder_tokens", account->generation.n_encoder_tokens);
    cJSON_AddStringToObject(generation, "cache", account->generation.cache ? "on" : "off");
}

static void add_ops(cJSON *root, const struct fl_account *account)
{
    cJSON *ops = cJSON_AddArrayToObject(root, "ops");
    for (int i = 0; i < account->n_rows; i++) {
        const struct fl_account_row *row = &account->rows[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(ops, object);
        if (row->layer == FL_LAYER_GLOBAL)
            cJSON_AddNullToObject(object, "layer");
        else
            add_integer(object, "layer", row->layer);
        cJSON_AddStringToObject(object, "op", fl_operator_name(row->op));
        cJSON_AddStringToObject(object, "phase", row->phase);
        if (account->config.n_encoder_layers > 0)
            cJSON_AddStringToObject(object, "stack",
                                    row->stack == FL_STACK_ENCODER ? "encoder" : "decoder");
        add_figures(object, account, row);
    }
}

static void add_totals(cJSON *root, const struct fl_account *account)
{
    cJSON *totals = cJSON_AddObjectToObject(root, "totals");
    add_figures(totals, account, &account->total);
    if (!account->has_counted || account->has_measured)
        return;
    cJSON *measured = cJSON_CreateObject();
    cJSON_AddStringToObject(measured, "status", "unavailable");
    cJSON_AddStringToObject(measured, "reason", account->measured_reason);
    cJSON_ReplaceItemInObject(totals, "measured", measured);
}

static void add_gap(cJSON *root, const struct fl_account *account)
{
    cJSON *gap = cJSON_AddArrayToObject(root, "gap");
    for (int i = 0; i < account->gap.n_terms; i++) {
        const struct fl_gap_term *term = &account->gap.terms[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(gap, object);
        cJSON_AddStringToObject(object, "from", term->from);
        cJSON_AddStringToObject(object, "to", term->to);
        cJSON_AddStringToObject(object, "term", term->term);
        add_work(object, account, term->flops);
    }
}

/* Which counter, of which kernels, and the pass as a whole. */
static void add_counter(cJSON *root, const struct fl_account *account)
{
    if (!account->has_measured)
        return;
    const struct fl_account_counter *counter = &account->counter;
    cJSON *object = cJSON_AddObjectToObject(root, "counter");
    cJSON_AddStringToObject(object, "name", counter->name);
    cJSON_AddStringToObject(object, "version", counter->version);
    cJSON_AddStringToObject(object, "note", counter->note);
    cJSON_AddStringToObject(object, "blas_core", counter->blas_core);
    cJSON_AddStringToObject(object, "isa", counter->isa);
    add_reading(cJSON_AddObjectToObject(object, "whole"), account, &counter->whole);
    if (!fl_account_has(account, FL_COUNT_FLOPS))
        return;
    add_integer(object, "between_operators", account->gap.between_operators);
    add_integer(object, "unexplained", account->gap.unexplained);
}

static void add_memory(cJSON *root, const struct fl_account *account)
{
    cJSON *memory = cJSON_AddObjectToObject(root, "memory");
    add_integer(memory, "weights_bytes", account->weights_bytes);
    add_integer(memory, "kv_cache_bytes", account->kv_cache_bytes);
    add_integer(memory, "activation_bytes", account->activation_bytes);
}

static void add_run(cJSON *root, const struct fl_account *account)
{
    if (!account->has_counted)
        return;
    const struct fl_account_run *run = &account->run;
    cJSON *object = cJSON_AddObjectToObject(root, "run");
    cJSON_AddStringToObject(object, "attention", run->attention);
    cJSON_AddStringToObject(object, "cache", run->cache ? "on" : "off");
    cJSON_AddStringToObject(object, "blas_core", run->blas_core);
    cJSON_AddStringToObject(object, "isa", run->isa);
    add_integer(object, "n_threads", run->n_threads);
    add_integer(object, "n_reps", run->n_reps);
    add_integer(object, "time_ns", (fl_wide)run->time_ns);
}

int fl_account_print_json(const struct fl_account *account, FILE *out, struct fl_error *error)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema", ACCOUNT_SCHEMA);
    add_convention(root, account);
    cJSON *model = fl_config_to_json(&account->config);
    cJSON_DeleteItemFromObject(model, "n_params"); /* there as a double */
    add_integer(model, "n_params", account->n_params);
    cJSON_AddItemToObject(root, "model", model);
    add_shape(root, account);
    add_run(root, account);
    add_ops(root, account);
    add_totals(root, account);
    add_counter(root, account);
    add_gap(root, account);
    add_memory(root, account);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return fl_fail(error, "%s: not enough memory for the JSON text", account->config.name);
    fprintf(out, "%s\n", text);
    free(text);
    return FL_OK;
}
