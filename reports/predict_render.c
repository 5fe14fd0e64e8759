#include "reports/predict_render.h"
#include "base/units.h"

static void put_si(struct fl_table *table, double value, const char *unit)
{
    char text[FL_UNIT_TEXT];
    fl_table_cell(table, fl_si_text(value, unit, text));
}

/* "-" for what was not published; "≥ " where a rate was missing. */
static void put_time(struct fl_table *table, double seconds, bool at_least)
{
    char text[FL_UNIT_TEXT];
    fl_table_format(table, "%s%s", at_least ? "≥ " : "", fl_time_text(seconds * 1e9, text));
}

/* Tokens per second: three digits are more than a roofline knows. */
static void put_rate(struct fl_table *table, double per_s, bool at_most)
{
    const int digits = per_s >= 100 ? 0 : per_s >= 10 ? 1 : 2;
    fl_table_format(table, "%s%.*f", at_most ? "≤ " : "", digits, per_s);
}

/* ---- machines ---- */

static void put_tflops(struct fl_table *table, double flops_per_s)
{
    if (flops_per_s > 0)
        fl_table_format(table, "%.4g", flops_per_s * 1e-12);
    else
        fl_table_cell(table, "-");
}

int fl_hardware_print(FILE *out, struct fl_error *error)
{
    static const char *const HEADINGS[] = {"name", "f32",  "tf32", "f16", "bf16",   "fp8",
                                           "int8", "GB/s", "GB",   "MB",  "machine"};
    struct fl_hardware hardware;
    struct fl_table table;
    fl_table_open(&table, "lrrrrrrrrrl", HEADINGS);
    for (int i = 0; i < fl_hardware_count(); i++) {
        fl_hardware_row(&hardware, i);
        fl_table_cell(&table, hardware.name);
        for (int arith = 0; arith < FL_N_ARITHS; arith++)
            put_tflops(&table, hardware.flops_per_s[arith]);
        fl_table_format(&table, "%.6g", hardware.bytes_per_s * 1e-9);
        fl_table_format(&table, "%.6g", hardware.capacity_bytes * 1e-9);
        fl_table_format(&table, "%.6g", hardware.caches[0].capacity_bytes * 1e-6);
        fl_table_cell(&table, hardware.title);
    }
    fprintf(out, "Published figures: dense TFLOP/s of matrix products by arithmetic (\"with "
                 "sparsity\" would be twice), memory\nbandwidth, memory, last cache; \"-\": not "
                 "published, or not there.\n\n");
    if (fl_table_finish(&table, FL_TABLE_TEXT, out, error) != FL_OK)
        return FL_FAILED;
    fputs("\nsources and notes\n", out);
    for (int i = 0; i < fl_hardware_count(); i++) {
        fl_hardware_row(&hardware, i);
        fprintf(out, "  %s: %s\n      %s\n", hardware.name, hardware.note, hardware.source);
    }
    return FL_OK;
}

/* Rates that products reach here, with these weights. */
static void print_measured(const struct fl_hardware *hardware, enum fl_dtype dtype, FILE *out)
{
    char rows[FL_UNIT_TEXT], one[FL_UNIT_TEXT], vector[FL_UNIT_TEXT];
    const double fallback = hardware->flops_per_s[FL_ARITH_F32];
    const double many = hardware->rows_flops_per_s[dtype];
    const double single = hardware->one_row_flops_per_s[dtype];
    fprintf(out, "  products with %s weights at %s of many rows, at %s of one; the rest at %s\n",
            fl_dtype_names[dtype], fl_si_text(many > 0 ? many : fallback, "FLOP/s", rows),
            fl_si_text(single > 0 ? single : fallback, "FLOP/s", one),
            fl_si_text(fallback, "FLOP/s", vector));
    for (int i = 0; i < hardware->n_caches; i++)
        fprintf(out, "  cache of %s at %s\n",
                fl_bytes_text(hardware->caches[i].capacity_bytes, rows),
                fl_si_text(hardware->caches[i].bytes_per_s, "B/s", one));
}

static void print_published(const struct fl_hardware *hardware, enum fl_arith arith, FILE *out)
{
    char rate[FL_UNIT_TEXT], vector[FL_UNIT_TEXT];
    if (hardware->flops_per_s[arith] > 0)
        fprintf(out, "  matrix products in %s at %s (dense), the rest in f32 at %s\n",
                fl_arith_names[arith], fl_si_text(hardware->flops_per_s[arith], "FLOP/s", rate),
                fl_si_text(hardware->flops_per_s[FL_ARITH_F32], "FLOP/s", vector));
    else
        fputs("  no FLOP/s published: times by memory alone, at least\n", out);
}

static void print_machine(const struct fl_predict_report *report, FILE *out)
{
    const struct fl_hardware *hardware = &report->hardware;
    const struct fl_workload *workload = &report->rows[0].ideal.workload;
    char bandwidth[FL_UNIT_TEXT], room[FL_UNIT_TEXT];
    fprintf(out, "%s: %s\n", hardware->name, hardware->title);
    if (hardware->is_measured)
        print_measured(hardware, workload->weight_dtype, out);
    else
        print_published(hardware, workload->arith, out);
    fprintf(out, "  memory %s at %s", fl_si_text(hardware->capacity_bytes, "B", room),
            fl_si_text(hardware->bytes_per_s, "B/s", bandwidth));
    if (!hardware->is_measured && hardware->flops_per_s[workload->arith] > 0)
        fprintf(out, "; ridge point %.0f FLOP/byte",
                hardware->flops_per_s[workload->arith] / hardware->bytes_per_s);
    fputc('\n', out);
    if (hardware->note[0])
        fprintf(out, "  note: %s\n", hardware->note);
    if (hardware->source[0])
        fprintf(out, "  source: %s\n", hardware->source);
}

/* ---- what runs ---- */

static void print_workload(const struct fl_workload *workload, FILE *out)
{
    const struct fl_config *config = workload->config;
    char params[FL_UNIT_TEXT], weights[FL_UNIT_TEXT];
    fprintf(out, "%s: %s parameters, weights %s in %s, KV cache in %s\n", config->name,
            fl_si_text((double)fl_config_n_params(config), "", params),
            fl_si_text((double)workload->stored->bytes, "B", weights), workload->stored->name,
            fl_dtype_names[workload->kv_dtype]);
    fprintf(out,
            "%lld token%s in, %lld out; fused attention, logits of the last position; one "
            "device\n",
            (long long)workload->n_prompt, workload->n_prompt == 1 ? "" : "s",
            (long long)workload->n_output);
    if (workload->n_prompt + workload->n_output > config->n_ctx_max)
        fprintf(out, "more than the model's context of %d\n", config->n_ctx_max);
    if (workload->efficiency.compute < 1 || workload->efficiency.memory < 1)
        fprintf(out, "efficiency: %.0f %% of the FLOP/s, %.0f %% of the bandwidth\n",
                100 * workload->efficiency.compute, 100 * workload->efficiency.memory);
    else
        fputs("speed of light: every operator at the machine's full rate\n", out);
    fputs("tokens/s: of all requests while decoding, and over the whole request\n", out);
}

/* Published machines tell a cache's size and not its bandwidth. */
static void print_cache_note(const struct fl_prediction *p, const struct fl_hardware *hardware,
                             FILE *out)
{
    char cache[FL_UNIT_TEXT];
    const double stream = p->last_step.weight_bytes + p->last_step.kv_bytes;
    if (hardware->n_caches == 0 || hardware->is_measured ||
        stream > hardware->caches[hardware->n_caches - 1].capacity_bytes)
        return;
    fl_si_text(hardware->caches[hardware->n_caches - 1].capacity_bytes, "B", cache);
    fprintf(out,
            "Weights and KV cache of a sequence would stay in the last cache (%s), whose bandwidth "
            "is not\npublished: read from memory, as here, they take longer than they must.\n",
            cache);
}

static void print_room(const struct fl_prediction *p, const struct fl_hardware *hardware, FILE *out)
{
    char text[FL_UNIT_TEXT], tokens[FL_UNIT_TEXT];
    const struct fl_predicted_memory *memory = &p->memory;
    if (memory->max_sequences < 0)
        return;
    if (hardware->capacity_bytes < memory->weights_bytes) {
        fprintf(out, "The weights do not fit: they take %s",
                fl_si_text(memory->weights_bytes, "B", text));
        fprintf(out, " of %s.\n", fl_si_text(hardware->capacity_bytes, "B", text));
        return;
    }
    fprintf(out, "Beside the weights fit %s tokens of KV cache, %.0f sequences of %lld.\n",
            fl_si_text(memory->max_tokens, "", tokens), memory->max_sequences,
            (long long)(p->workload.n_prompt + p->workload.n_output));
}

/* ---- rows ---- */

static const char *phase_bound(const struct fl_prediction *p, enum fl_predicted_bound bound)
{
    return fl_predicted_bound_names[p->memory.fits ? bound : FL_BOUND_CAPACITY];
}

static void put_prediction(struct fl_table *table, const struct fl_prediction *p)
{
    const bool at_least = p->prefill.at_least;
    if (!p->memory.fits) {
        for (int i = 0; i < 4; i++)
            fl_table_cell(table, "-");
        return;
    }
    put_time(table, p->first_token_s, at_least);
    put_time(table, p->per_token_s, at_least);
    put_rate(table, p->decode_tokens_per_s, at_least);
    put_rate(table, p->request_tokens_per_s, at_least);
}

static void put_bounds(struct fl_table *table, const struct fl_prediction *p)
{
    put_si(table, p->memory.needed_bytes, "B");
    fl_table_cell(table, phase_bound(p, p->prefill.bound));
    fl_table_cell(table, phase_bound(p, p->decode_bound));
}

static int print_batches(const struct fl_predict_report *report, bool reached,
                         enum fl_table_style style, FILE *out, struct fl_error *error)
{
    static const char *const HEADINGS[] = {"batch", "first token", "per token", "tokens/s",
                                           "whole", "memory",      "prefill",   "decode"};
    struct fl_table table;
    fl_table_open(&table, "rrrrrrll", HEADINGS);
    for (int i = 0; i < report->n_rows; i++) {
        const struct fl_prediction *p = reached ? &report->rows[i].reached : &report->rows[i].ideal;
        fl_table_format(&table, "%lld", (long long)p->workload.batch);
        put_prediction(&table, p);
        put_bounds(&table, p);
    }
    return fl_table_finish(&table, style, out, error);
}

static int print_groups(const struct fl_predicted_step *step, enum fl_table_style style, FILE *out,
                        struct fl_error *error)
{
    static const char *const HEADINGS[] = {"operators", "FLOP",  "bytes", "FLOP/byte",
                                           "time",      "share", "bound"};
    const double bytes = step->weight_bytes + step->kv_bytes + step->activation_bytes;
    struct fl_table table;
    fl_table_open(&table, "lrrrrrl", HEADINGS);
    for (int i = 0; i <= step->n_groups; i++) {
        const bool sum = i == step->n_groups;
        const struct fl_predicted_group *group = &step->groups[sum ? 0 : i];
        const double flops = sum ? step->flops : group->flops;
        const double moved = sum ? bytes : group->bytes;
        if (sum)
            fl_table_rule(&table);
        fl_table_cell(&table, sum ? "step" : group->name);
        put_si(&table, flops, "");
        put_si(&table, moved, "B");
        if (moved > 0)
            fl_table_format(&table, "%.3g", flops / moved);
        else
            fl_table_cell(&table, "-");
        put_time(&table, sum ? step->time_s : group->time_s, step->at_least);
        fl_table_format(&table, "%.1f %%",
                        step->time_s > 0 ? 100 * (sum ? step->time_s : group->time_s) / step->time_s
                                         : 0);
        fl_table_cell(&table, fl_predicted_bound_names[sum ? step->bound : group->bound]);
    }
    return fl_table_finish(&table, style, out, error);
}

static int print_steps(const struct fl_predict_report *report, enum fl_table_style style, FILE *out,
                       struct fl_error *error)
{
    const struct fl_prediction *p = &report->rows[0].ideal;
    const long long batch = (long long)p->workload.batch;
    fprintf(out, "\nprefill, batch %lld\n\n", batch);
    if (print_groups(&p->prefill, style, out, error) != FL_OK)
        return FL_FAILED;
    fprintf(out, "\nlast decode step, batch %lld\n\n", batch);
    return print_groups(&p->last_step, style, out, error);
}

/* ---- one machine, or several ---- */

/* "56 % (24 points)", or that nothing is known. */
static const char *reached_text(const struct fl_against *against, enum fl_predicted_bound bound,
                                char out[48])
{
    const double share =
        bound == FL_BOUND_COMPUTE ? against->efficiency.compute : against->efficiency.memory;
    const int n = against->n_by_bound[bound];
    if (n > 0)
        snprintf(out, 48, "%.0f %% (%d point%s)", 100 * share, n, n == 1 ? "" : "s");
    else
        snprintf(out, 48, "not known (no points)");
    return out;
}

static void print_calibration(const struct fl_predict_reports *reports, FILE *out)
{
    const struct fl_against *against = reports->against;
    char compute[48], memory[48];
    fprintf(out,
            "\nAs this engine: of the roofline it reaches in %s: compute %s, memory %s.\n"
            "Operator by operator, the shares of the other points predict each of them with a "
            "median error of %.0f %%, at\nworst %.0f %%; another machine may lie further off.\n\n",
            reports->against_path, reached_text(against, FL_BOUND_COMPUTE, compute),
            reached_text(against, FL_BOUND_MEMORY, memory), 100 * against->calibrated.median,
            100 * against->calibrated.worst);
}

static int print_one(const struct fl_predict_reports *reports, enum fl_table_style style, FILE *out,
                     struct fl_error *error)
{
    const struct fl_predict_report *report = &reports->items[0];
    const struct fl_prediction *p = &report->rows[0].ideal;
    print_machine(report, out);
    fputc('\n', out);
    print_workload(&p->workload, out);
    print_room(p, &report->hardware, out);
    print_cache_note(p, &report->hardware, out);
    fputc('\n', out);
    if (print_batches(report, false, style, out, error) != FL_OK)
        return FL_FAILED;
    if (reports->against) {
        print_calibration(reports, out);
        if (print_batches(report, true, style, out, error) != FL_OK)
            return FL_FAILED;
    }
    return print_steps(report, style, out, error);
}

static void put_machine_row(struct fl_table *table, const struct fl_predict_report *report,
                            const struct fl_prediction *p)
{
    fl_table_cell(table, report->hardware.name);
    fl_table_cell(table, fl_arith_names[p->workload.arith]);
    put_prediction(table, p);
    if (p->memory.max_sequences >= 0)
        fl_table_format(table, "%.0f", p->memory.max_sequences);
    else
        fl_table_cell(table, "-");
    fl_table_cell(table, phase_bound(p, p->prefill.bound));
    fl_table_cell(table, phase_bound(p, p->decode_bound));
}

static int print_machines(const struct fl_predict_reports *reports, bool reached,
                          enum fl_table_style style, FILE *out, struct fl_error *error)
{
    static const char *const HEADINGS[] = {"machine",   "products", "first token",
                                           "per token", "tokens/s", "whole",
                                           "sequences", "prefill",  "decode"};
    struct fl_table table;
    fl_table_open(&table, "llrrrrrll", HEADINGS);
    for (int i = 0; i < reports->n; i++) {
        const struct fl_predict_report *report = &reports->items[i];
        put_machine_row(&table, report,
                        reached ? &report->rows[0].reached : &report->rows[0].ideal);
    }
    return fl_table_finish(&table, style, out, error);
}

int fl_predict_print(const struct fl_predict_reports *reports, enum fl_table_style style, FILE *out,
                     struct fl_error *error)
{
    if (reports->n == 1)
        return print_one(reports, style, out, error);
    print_workload(&reports->items[0].rows[0].ideal.workload, out);
    fprintf(out, "batch %lld; sequences: what fits beside the weights\n\n",
            (long long)reports->items[0].rows[0].ideal.workload.batch);
    if (print_machines(reports, false, style, out, error) != FL_OK)
        return FL_FAILED;
    if (!reports->against)
        return FL_OK;
    print_calibration(reports, out);
    return print_machines(reports, true, style, out, error);
}

/* ---- against measured points ---- */

static void put_point(struct fl_table *table, const struct fl_against_point *point)
{
    const struct fl_point *p = &point->result->point;
    fl_table_cell(table, point->result->model->name);
    fl_table_format(table, "%s%s", fl_phase_names[p->phase],
                    p->phase == FL_PHASE_DECODE && !p->cache ? ", uncached" : "");
    fl_table_cell(table, p->attention);
    fl_table_cell(table, p->dtype);
    fl_table_format(table, "%d", p->n_threads);
    fl_table_format(table, "%d", p->batch);
    fl_table_format(table, "%d", p->context);
    put_time(table, point->measured_s, false);
    put_time(table, point->ideal_s, false);
    fl_table_format(table, "%.0f %%", 100 * point->ideal_s / point->measured_s);
    if (point->calibrated_s > 0) {
        put_time(table, point->calibrated_s, false);
        fl_table_format(table, "%+.0f %%", 100 * (point->calibrated_s / point->measured_s - 1));
    } else {
        fl_table_cell(table, "-");
        fl_table_cell(table, "-");
    }
    fl_table_cell(table, fl_predicted_bound_names[point->bound]);
}

static void print_error(const char *what, const struct fl_against_error *error, FILE *out)
{
    if (!error->at)
        return;
    const struct fl_point *worst = &error->at->result->point;
    fprintf(
        out,
        "%s: median error %.1f %% (signed %+.1f %%), worst %.1f %% (%s %s, batch %d, context %d)\n",
        what, 100 * error->median, 100 * error->median_signed, 100 * error->worst,
        error->at->result->model->name, fl_phase_names[worst->phase], worst->batch, worst->context);
}

int fl_against_print(const struct fl_against *against, enum fl_table_style style, FILE *out,
                     struct fl_error *error)
{
    static const char *const HEADINGS[] = {
        "model",    "phase",    "attention", "dtype",      "threads", "batch", "context",
        "measured", "roofline", "reached",   "calibrated", "error",   "bound"};
    char compute[48], memory[48];
    struct fl_table table;
    fl_table_open(&table, "llllrrrrrrrrl", HEADINGS);
    for (int i = 0; i < against->n_points; i++)
        put_point(&table, &against->points[i]);
    if (fl_table_finish(&table, style, out, error) != FL_OK)
        return FL_FAILED;
    fputc('\n', out);
    print_error("roofline", &against->ideal, out);
    print_error("calibrated by the other points", &against->calibrated, out);
    fprintf(out, "reached: compute %s, memory %s\n",
            reached_text(against, FL_BOUND_COMPUTE, compute),
            reached_text(against, FL_BOUND_MEMORY, memory));
    int n_faster = 0;
    for (int i = 0; i < against->n_points; i++)
        n_faster += against->points[i].measured_s < against->points[i].ideal_s;
    if (n_faster > 0)
        fprintf(out,
                "%d points were faster than their roofline: the ceilings are too low, measure them "
                "on a quiet machine\n",
                n_faster);
    if (against->n_skipped)
        fprintf(out, "left out: %d points, the first because of: %s\n", against->n_skipped,
                against->skipped);
    return FL_OK;
}
