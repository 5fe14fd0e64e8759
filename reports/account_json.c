/* account_json.c - schema 1 of `count --format json` and `audit --format json`. Integers are
 * written with all their digits, whatever their size: cJSON's own numbers are doubles. */
#include "model/config_json.h"
#include "reports/account_render.h"
#include "reports/json_tree.h"

#include <math.h>

enum { ACCOUNT_SCHEMA = 1 };

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
    fl_json_add_wide(column, "bytes_read", bytes_read);
    fl_json_add_wide(column, "bytes_written", bytes_written);
}

/* What the counter can count, under the counts' own keys. */
static void add_reading(cJSON *object, const struct fl_account *account,
                        const struct fl_reading *reading)
{
    for (int count = 0; count < FL_N_COUNTS; count++)
        if (fl_account_has(account, (enum fl_count)count))
            fl_json_add_wide(object, fl_count_key((enum fl_count)count),
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
            fl_json_add_wide(excess, fl_excess_key((enum fl_excess_term)term),
                             row->measured.excess.flops[term]);
    fl_json_add_wide(measured, "unexplained", fl_account_unexplained(row));
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
        fl_json_add_wide(object, "time_ns", (fl_wide)row->time_ns);
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
    fl_json_add_wide(object, "batch", shape->batch);
    fl_json_add_wide(object, "n_tokens", shape->n_tokens);
    fl_json_add_wide(object, "n_past", shape->n_past);
    if (account->config.n_encoder_layers > 0)
        fl_json_add_wide(object, "n_encoder_tokens", shape->n_encoder_tokens);
    cJSON_AddStringToObject(object, "weight_dtype",
                            shape->stored ? shape->stored->name : fl_dtype_names[FL_F32]);
    cJSON_AddStringToObject(object, "kv_dtype", fl_dtype_names[shape->kv_dtype]);
    if (!account->has_generation)
        return;
    cJSON *generation = cJSON_AddObjectToObject(root, "generation");
    fl_json_add_wide(generation, "n_prompt", account->generation.n_prompt);
    fl_json_add_wide(generation, "n_gen", account->generation.n_gen);
    if (account->config.n_encoder_layers > 0)
        fl_json_add_wide(generation, "n_encoder_tokens", account->generation.n_encoder_tokens);
    cJSON_AddStringToObject(generation, "cache", account->generation.cache ? "on" : "off");
}

/* ---- what the ceilings allow ---- */

static void add_bound(cJSON *object, const struct fl_bound *bound)
{
    cJSON_AddNumberToObject(object, "intensity", bound->intensity);
    cJSON_AddNumberToObject(object, "ridge", bound->ridge);
    cJSON_AddNumberToObject(object, "attainable_flops_per_s", bound->attainable_flops_per_s);
    cJSON_AddNumberToObject(object, "light_ns", bound->light_ns);
    cJSON_AddNumberToObject(object, "of_light", bound->of_light > 0 ? bound->of_light : NAN);
    cJSON_AddStringToObject(object, "bound", bound->memory_bound ? "memory" : "compute");
    if (bound->memory_bound)
        cJSON_AddStringToObject(object, "level", fl_memory_level_names[bound->level]);
    else
        cJSON_AddNullToObject(object, "level");
}

/* Of a row; null where the ceilings are not known. */
static void add_row_bound(cJSON *object, const struct fl_light *light, int i)
{
    if (!light || !light->known) {
        cJSON_AddNullToObject(object, "roofline");
        return;
    }
    const struct fl_bound bound = fl_roofline(&light->roofs, &light->rows[i]);
    add_bound(cJSON_AddObjectToObject(object, "roofline"), &bound);
}

/* The ceilings and the pass as a whole, or why they are not known. */
static void add_roofline(cJSON *root, const struct fl_light *light)
{
    if (!light)
        return;
    const struct fl_roofs *roofs = &light->roofs;
    cJSON *object = cJSON_AddObjectToObject(root, "roofline");
    if (!light->known) {
        cJSON_AddStringToObject(object, "status", "unavailable");
        cJSON_AddStringToObject(object, "reason", light->reason);
        return;
    }
    const struct fl_bound whole = fl_roofline(roofs, &light->step.whole);
    cJSON_AddStringToObject(object, "measured_at", roofs->peak->measured_at);
    fl_json_add_wide(object, "n_threads", roofs->n_threads);
    cJSON *peak = cJSON_AddObjectToObject(object, "peak");
    cJSON_AddStringToObject(peak, "kernel", roofs->peak->kernel);
    cJSON_AddStringToObject(peak, "isa", roofs->peak->isa);
    cJSON_AddNumberToObject(peak, "flops_per_s", roofs->flops_per_s);
    cJSON *read = cJSON_AddObjectToObject(object, "read_bytes_per_s");
    for (int level = 0; level < FL_N_LEVELS; level++)
        cJSON_AddNumberToObject(read, fl_memory_level_names[level],
                                roofs->read[level] ? roofs->bytes_per_s[level] : NAN);
    cJSON *pass = cJSON_AddObjectToObject(object, "whole_pass");
    add_bound(pass, &whole);
    cJSON_AddNumberToObject(pass, "mfu", whole.mfu);
    cJSON_AddNumberToObject(pass, "hfu", whole.hfu);
    cJSON_AddNumberToObject(pass, "mbu", whole.mbu);
    cJSON_AddNumberToObject(pass, "model_flops", light->step.whole.model_flops);
    cJSON_AddStringToObject(pass, "model_flops_convention", fl_model_flops_convention);
}

/* ---- all of it ---- */

static void add_ops(cJSON *root, const struct fl_account *account, const struct fl_light *light)
{
    cJSON *ops = cJSON_AddArrayToObject(root, "ops");
    for (int i = 0; i < account->n_rows; i++) {
        const struct fl_account_row *row = &account->rows[i];
        cJSON *object = fl_json_append_object(ops);
        if (row->layer == FL_LAYER_GLOBAL)
            cJSON_AddNullToObject(object, "layer");
        else
            fl_json_add_wide(object, "layer", row->layer);
        cJSON_AddStringToObject(object, "op", fl_operator_name(row->op));
        cJSON_AddStringToObject(object, "phase", row->phase);
        if (account->config.n_encoder_layers > 0)
            cJSON_AddStringToObject(object, "stack",
                                    row->stack == FL_STACK_ENCODER ? "encoder" : "decoder");
        add_figures(object, account, row);
        add_row_bound(object, light, i);
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
        cJSON *object = fl_json_append_object(gap);
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
    fl_json_add_wide(object, "between_operators", account->gap.between_operators);
    fl_json_add_wide(object, "unexplained", account->gap.unexplained);
}

static void add_memory(cJSON *root, const struct fl_account *account)
{
    cJSON *memory = cJSON_AddObjectToObject(root, "memory");
    fl_json_add_wide(memory, "weights_bytes", account->weights_bytes);
    fl_json_add_wide(memory, "kv_cache_bytes", account->kv_cache_bytes);
    fl_json_add_wide(memory, "activation_bytes", account->activation_bytes);
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
    fl_json_add_wide(object, "n_threads", run->n_threads);
    fl_json_add_wide(object, "n_reps", run->n_reps);
    fl_json_add_wide(object, "time_ns", (fl_wide)run->time_ns);
}

int fl_account_print_json(const struct fl_account *account, const struct fl_light *light, FILE *out,
                          struct fl_error *error)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema", ACCOUNT_SCHEMA);
    add_convention(root, account);
    cJSON *model = fl_config_to_json(&account->config);
    cJSON_DeleteItemFromObject(model, "n_params"); /* there as a double */
    fl_json_add_wide(model, "n_params", account->n_params);
    cJSON_AddItemToObject(root, "model", model);
    add_shape(root, account);
    add_run(root, account);
    add_ops(root, account, light);
    add_totals(root, account);
    add_roofline(root, light);
    add_counter(root, account);
    add_gap(root, account);
    add_memory(root, account);
    return fl_json_print(root, out, error);
}
