/* predict_json.c - predictions for programs: CSV, and schema 1 of the JSON (docs/predict.md). */
#include "reports/predict_render.h"

#include "reports/json_tree.h"

#include <math.h>

enum { PREDICT_SCHEMA = 1 };

/* ---- CSV: a row a machine and batch ---- */

static void put_seconds(struct fl_table *table, double value, bool known)
{
    if (known)
        fl_table_format(table, "%.9g", value);
    else
        fl_table_cell(table, "");
}

static void csv_prediction(struct fl_table *table, const struct fl_prediction *p, bool known)
{
    const bool there = known && p->memory.fits;
    put_seconds(table, p->first_token_s, there);
    put_seconds(table, p->per_token_s, there);
    put_seconds(table, p->decode_tokens_per_s, there);
    put_seconds(table, p->request_tokens_per_s, there);
}

int fl_predict_print_csv(const struct fl_predict_reports *reports, FILE *out,
                         struct fl_error *error)
{
    static const char *const HEADINGS[] = {"hardware",
                                           "model",
                                           "weights",
                                           "kv_dtype",
                                           "arithmetic",
                                           "n_prompt",
                                           "n_output",
                                           "batch",
                                           "first_token_s",
                                           "per_token_s",
                                           "decode_tokens_per_s",
                                           "request_tokens_per_s",
                                           "needed_bytes",
                                           "max_sequences",
                                           "fits",
                                           "prefill_bound",
                                           "decode_bound",
                                           "at_least",
                                           "reached_first_token_s",
                                           "reached_per_token_s",
                                           "reached_decode_tokens_per_s",
                                           "reached_request_tokens_per_s"};
    struct fl_table table;
    fl_table_open(&table, "lllllrrrrrrrrrllllrrrr", HEADINGS);
    for (int i = 0; i < reports->n; i++)
        for (int k = 0; k < reports->items[i].n_rows; k++) {
            const struct fl_predict_row *row = &reports->items[i].rows[k];
            const struct fl_prediction *p = &row->ideal;
            fl_table_cell(&table, reports->items[i].hardware.name);
            fl_table_cell(&table, p->workload.config->name);
            fl_table_cell(&table, p->workload.stored->name);
            fl_table_cell(&table, fl_dtype_names[p->workload.kv_dtype]);
            fl_table_cell(&table, fl_arith_names[p->workload.arith]);
            fl_table_format(&table, "%lld", (long long)p->workload.n_prompt);
            fl_table_format(&table, "%lld", (long long)p->workload.n_output);
            fl_table_format(&table, "%lld", (long long)p->workload.batch);
            csv_prediction(&table, p, true);
            fl_table_format(&table, "%.0f", p->memory.needed_bytes);
            put_seconds(&table, p->memory.max_sequences, p->memory.max_sequences >= 0);
            fl_table_cell(&table, p->memory.fits ? "true" : "false");
            fl_table_cell(&table, fl_predicted_bound_names[p->prefill.bound]);
            fl_table_cell(&table, fl_predicted_bound_names[p->decode_bound]);
            fl_table_cell(&table, p->prefill.at_least ? "true" : "false");
            csv_prediction(&table, &row->reached, reports->against != NULL);
        }
    return fl_table_finish(&table, FL_TABLE_CSV, out, error);
}

/* ---- JSON ---- */

/* null for what is not known */
static void add_known(cJSON *object, const char *name, double value, bool known)
{
    cJSON_AddNumberToObject(object, name, known ? value : NAN);
}

static void add_step(cJSON *object, const char *name, const struct fl_predicted_step *step)
{
    cJSON *item = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(item, "time_s", step->time_s);
    cJSON_AddNumberToObject(item, "compute_s", step->compute_s);
    cJSON_AddNumberToObject(item, "memory_s", step->memory_s);
    cJSON_AddNumberToObject(item, "flops", step->flops);
    cJSON_AddNumberToObject(item, "weight_bytes", step->weight_bytes);
    cJSON_AddNumberToObject(item, "kv_bytes", step->kv_bytes);
    cJSON_AddNumberToObject(item, "activation_bytes", step->activation_bytes);
    cJSON_AddStringToObject(item, "bound", fl_predicted_bound_names[step->bound]);
    cJSON_AddBoolToObject(item, "at_least", step->at_least);
    cJSON *groups = cJSON_AddArrayToObject(item, "groups");
    for (int i = 0; i < step->n_groups; i++) {
        const struct fl_predicted_group *group = &step->groups[i];
        cJSON *at = fl_json_append_object(groups);
        cJSON_AddStringToObject(at, "group", group->name);
        cJSON_AddNumberToObject(at, "flops", group->flops);
        cJSON_AddNumberToObject(at, "bytes", group->bytes);
        cJSON_AddNumberToObject(at, "compute_s", group->compute_s);
        cJSON_AddNumberToObject(at, "memory_s", group->memory_s);
        cJSON_AddNumberToObject(at, "time_s", group->time_s);
        cJSON_AddStringToObject(at, "bound", fl_predicted_bound_names[group->bound]);
    }
}

static void add_prediction(cJSON *item, const struct fl_prediction *p)
{
    cJSON_AddNumberToObject(item, "batch", (double)p->workload.batch);
    cJSON_AddNumberToObject(item, "efficiency_compute", p->workload.efficiency.compute);
    cJSON_AddNumberToObject(item, "efficiency_memory", p->workload.efficiency.memory);
    cJSON_AddBoolToObject(item, "fits", p->memory.fits);
    add_known(item, "first_token_s", p->first_token_s, p->memory.fits);
    add_known(item, "per_token_s", p->per_token_s, p->memory.fits);
    add_known(item, "decode_tokens_per_s", p->decode_tokens_per_s, p->memory.fits);
    add_known(item, "request_tokens_per_s", p->request_tokens_per_s, p->memory.fits);
    cJSON_AddStringToObject(item, "decode_bound", fl_predicted_bound_names[p->decode_bound]);
    cJSON *memory = cJSON_AddObjectToObject(item, "memory");
    cJSON_AddNumberToObject(memory, "weights_bytes", p->memory.weights_bytes);
    cJSON_AddNumberToObject(memory, "kv_bytes_per_sequence", p->memory.kv_bytes_per_sequence);
    cJSON_AddNumberToObject(memory, "activation_bytes", p->memory.activation_bytes);
    cJSON_AddNumberToObject(memory, "needed_bytes", p->memory.needed_bytes);
    add_known(memory, "max_sequences", p->memory.max_sequences, p->memory.max_sequences >= 0);
    add_known(memory, "max_tokens", p->memory.max_tokens, p->memory.max_tokens >= 0);
    add_step(item, "prefill", &p->prefill);
    add_step(item, "first_decode_step", &p->first_step);
    add_step(item, "last_decode_step", &p->last_step);
}

static void add_machine(cJSON *item, const struct fl_predict_report *report, bool reached)
{
    const struct fl_hardware *hardware = &report->hardware;
    const struct fl_workload *workload = &report->rows[0].ideal.workload;
    cJSON *machine = cJSON_AddObjectToObject(item, "hardware");
    cJSON_AddStringToObject(machine, "name", hardware->name);
    cJSON_AddStringToObject(machine, "title", hardware->title);
    cJSON_AddStringToObject(machine, "source", hardware->source);
    cJSON_AddStringToObject(machine, "note", hardware->note);
    cJSON *rates = cJSON_AddObjectToObject(machine, "flops_per_s");
    for (int i = 0; i < FL_N_ARITHS; i++)
        add_known(rates, fl_arith_names[i], hardware->flops_per_s[i], hardware->flops_per_s[i] > 0);
    cJSON_AddNumberToObject(machine, "bytes_per_s", hardware->bytes_per_s);
    add_known(machine, "capacity_bytes", hardware->capacity_bytes, hardware->capacity_bytes > 0);
    cJSON_AddStringToObject(item, "arithmetic", fl_arith_names[workload->arith]);
    cJSON_AddStringToObject(item, "kv_dtype", fl_dtype_names[workload->kv_dtype]);
    cJSON *rows = cJSON_AddArrayToObject(item, "ideal");
    for (int i = 0; i < report->n_rows; i++)
        add_prediction(fl_json_append_object(rows), &report->rows[i].ideal);
    if (!reached)
        return;
    rows = cJSON_AddArrayToObject(item, "reached");
    for (int i = 0; i < report->n_rows; i++)
        add_prediction(fl_json_append_object(rows), &report->rows[i].reached);
}

static void add_error(cJSON *object, const char *name, const struct fl_against_error *error)
{
    cJSON *item = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(item, "median", error->median);
    cJSON_AddNumberToObject(item, "median_signed", error->median_signed);
    cJSON_AddNumberToObject(item, "worst", error->worst);
}

static void add_against(cJSON *root, const struct fl_against *against)
{
    cJSON *object = cJSON_AddObjectToObject(root, "against");
    cJSON *points = cJSON_AddArrayToObject(object, "points");
    for (int i = 0; i < against->n_points; i++) {
        const struct fl_against_point *point = &against->points[i];
        const struct fl_point *p = &point->result->point;
        cJSON *item = fl_json_append_object(points);
        cJSON_AddNumberToObject(item, "id", (double)p->id);
        cJSON_AddStringToObject(item, "model", point->result->model->name);
        cJSON_AddStringToObject(item, "phase", fl_phase_names[p->phase]);
        cJSON_AddBoolToObject(item, "cache", p->cache);
        cJSON_AddStringToObject(item, "attention", p->attention);
        cJSON_AddStringToObject(item, "dtype", p->dtype);
        cJSON_AddNumberToObject(item, "n_threads", p->n_threads);
        cJSON_AddNumberToObject(item, "batch", p->batch);
        cJSON_AddNumberToObject(item, "context", p->context);
        cJSON_AddNumberToObject(item, "measured_s", point->measured_s);
        cJSON_AddNumberToObject(item, "ideal_s", point->ideal_s);
        add_known(item, "calibrated_s", point->calibrated_s, point->calibrated_s > 0);
        cJSON_AddStringToObject(item, "bound", fl_predicted_bound_names[point->bound]);
    }
    cJSON_AddNumberToObject(object, "n_skipped", against->n_skipped);
    cJSON_AddNumberToObject(object, "efficiency_compute", against->efficiency.compute);
    cJSON_AddNumberToObject(object, "efficiency_memory", against->efficiency.memory);
    add_error(object, "ideal_error", &against->ideal);
    add_error(object, "calibrated_error", &against->calibrated);
}

int fl_predict_print_json(const struct fl_predict_reports *reports, FILE *out,
                          struct fl_error *error)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema", PREDICT_SCHEMA);
    if (reports->n > 0) {
        const struct fl_workload *workload = &reports->items[0].rows[0].ideal.workload;
        cJSON_AddStringToObject(root, "model", workload->config->name);
        cJSON_AddStringToObject(root, "weights", workload->stored->name);
        cJSON_AddNumberToObject(root, "n_prompt", (double)workload->n_prompt);
        cJSON_AddNumberToObject(root, "n_output", (double)workload->n_output);
    }
    cJSON *machines = cJSON_AddArrayToObject(root, "machines");
    for (int i = 0; i < reports->n; i++)
        add_machine(fl_json_append_object(machines), &reports->items[i], reports->against != NULL);
    if (reports->against)
        add_against(root, reports->against);
    return fl_json_print(root, out, error);
}
