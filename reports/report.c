#include "reports/report.h"

#include "analyzers/contrast.h"
#include "analyzers/intensity.h"
#include "analyzers/measured.h"
#include "analyzers/reconcile.h"
#include "base/units.h"
#include "reports/plots.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

/* ---- headline ---- */

static void push_time(struct fl_table *table, const struct fl_estimate *time)
{
    char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];
    if (time->n < 2) {
        fl_table_format(table, "%s [one sample]", fl_time_text(time->median, median));
        return;
    }
    fl_table_format(table, "%s [%s, %s]", fl_time_text(time->median, median),
                    fl_time_text(time->low, low), fl_time_text(time->high, high));
}

static void push_measured(struct fl_table *table, const struct fl_result *result)
{
    const struct fl_observed *observed = fl_result_observed(result);
    char text[FL_UNIT_TEXT];
    if (fl_observed_has(observed, FL_COUNT_FLOPS))
        fl_table_cell(table,
                      fl_si_text((double)observed->whole.values[FL_COUNT_FLOPS], "FLOP", text));
    else
        fl_table_cell(table, "unavailable");
}

static bool has_measured(const struct fl_line *line)
{
    for (int i = 0; i < line->n; i++)
        if (fl_observed_has(fl_result_observed(&line->points[i]), FL_COUNT_FLOPS))
            return true;
    return false;
}

/* all: what identifies the point among all of its model; measured: the column is there. */
static void push_point(struct fl_table *table, const struct fl_line *line, int i, bool all,
                       bool measured)
{
    const struct fl_point *point = &line->points[i].point;
    const struct fl_timing *timing = &line->times[i];
    struct fl_rates rates = fl_point_rates(point, timing);
    char text[FL_UNIT_TEXT];
    fl_table_cell(table, point->phase == FL_PHASE_PREFILL ? "prefill"
                         : point->cache                   ? "decode, cached"
                                                          : "decode, uncached");
    fl_table_format(table, "%d", point->context);
    if (all) {
        fl_table_format(table, "%d", point->batch);
        fl_table_cell(table, point->attention);
        fl_table_format(table, "%d", point->n_threads);
    }
    fl_table_cell(table, fl_si_text((double)point->textbook_flops, "FLOP", text));
    fl_table_cell(table, fl_si_text((double)point->exact_flops, "FLOP", text));
    fl_table_cell(table, fl_si_text((double)point->counted_flops, "FLOP", text));
    if (measured)
        push_measured(table, &line->points[i]);
    push_time(table, &timing->total);
    fl_table_format(table, "%.2f", rates.flops_per_s / 1e9);
    fl_table_format(table, "%.2f", rates.bytes_per_s / 1e9);
    fl_table_format(table, "%.2f", rates.flops_per_byte);
}

void fl_report_headline(struct fl_table *table, const struct fl_section *section)
{
    static const char *const HEADINGS[] = {"phase",   "s",       "textbook",
                                           "exact",   "counted", "time [95 % interval]",
                                           "GFLOP/s", "GB/s",    "FLOP/byte"};
    static const char *const WITH_MEASURED[] = {
        "phase",   "s",    "textbook", "exact", "counted", "measured", "time [95 % interval]",
        "GFLOP/s", "GB/s", "FLOP/byte"};
    const struct fl_line *lines[] = {&section->prefill, &section->cached, &section->uncached};
    bool measured = has_measured(lines[0]) || has_measured(lines[1]) || has_measured(lines[2]);
    if (measured)
        fl_table_open(table, "lrrrrrrrrr", WITH_MEASURED);
    else
        fl_table_open(table, "lrrrrrrrr", HEADINGS);
    for (int k = 0; k < 3; k++) {
        if (k > 0)
            fl_table_rule(table);
        for (int i = 0; i < lines[k]->n; i++)
            push_point(table, lines[k], i, false, measured);
    }
}

static void add_headline(struct fl_document *document, const struct fl_section *section)
{
    struct fl_table table;
    const struct fl_line *line = section->prefill.n > 0  ? &section->prefill
                                 : section->cached.n > 0 ? &section->cached
                                                         : &section->uncached;
    const struct fl_point *point = &line->points[0].point;
    char caption[256];
    fl_report_headline(&table, section);
    snprintf(caption, sizeof caption,
             "One execution, batch %d, %s attention, %d thread%s, logits: %s. s: prompt tokens in "
             "prefill, tokens before the step in decode.",
             point->batch, point->attention, point->n_threads, point->n_threads == 1 ? "" : "s",
             point->logits);
    fl_document_add_table(document, &table, caption);
}

static void add_all_points(struct fl_document *document, const struct fl_section *section)
{
    static const char *const HEADINGS[] = {
        "phase",    "s",     "batch",    "attention", "threads",
        "textbook", "exact", "counted",  "measured",  "time [95 % interval]",
        "GFLOP/s",  "GB/s",  "FLOP/byte"};
    struct fl_table table;
    char caption[96];
    fl_table_open(&table, "lrrlrrrrrrrrr", HEADINGS);
    for (int i = 0; i < section->all.n; i++)
        push_point(&table, &section->all, i, true, true);
    snprintf(caption, sizeof caption, "All %d points of this model", section->all.n);
    struct fl_block *block = fl_document_add_table(document, &table, caption);
    if (block)
        block->folded = true;
}

/* ---- operators and gap of one point ---- */

static void add_operators(struct fl_document *document, const struct fl_line *line)
{
    static const char *const HEADINGS[] = {"operator", "textbook", "exact",   "counted",
                                           "measured", "time",     "GFLOP/s", "GB/s"};
    const struct fl_result *result = &line->points[line->n - 1];
    const struct fl_timing *timing = &line->times[line->n - 1];
    const struct fl_observed *observed = fl_result_observed(result);
    bool measured = fl_observed_has(observed, FL_COUNT_FLOPS);
    struct fl_table table;
    char text[FL_WIDE_GROUPED], time[FL_UNIT_TEXT], caption[192];
    fl_table_open(&table, "lrrrrrrr", HEADINGS);
    for (int i = 0; i < result->n_ops; i++) {
        const struct fl_op_record *op = &result->ops[i];
        double ns = timing->op_ns[op->op];
        double bytes = (double)op->counted_bytes_read + (double)op->counted_bytes_written;
        fl_table_cell(&table, fl_operator_name(op->op));
        fl_table_cell(&table, fl_grouped_text((fl_wide)op->textbook_flops, text));
        fl_table_cell(&table, fl_grouped_text((fl_wide)op->exact_flops, text));
        fl_table_cell(&table, fl_grouped_text((fl_wide)op->counted_flops, text));
        fl_table_cell(&table,
                      measured
                          ? fl_grouped_text(
                                (fl_wide)observed->ops[op->op].reading.values[FL_COUNT_FLOPS], text)
                          : "unavailable");
        fl_table_cell(&table, fl_time_text(ns, time));
        fl_table_format(&table, "%.2f", ns > 0 ? (double)op->counted_flops / ns : 0.0);
        fl_table_format(&table, "%.2f", ns > 0 ? bytes / ns : 0.0);
    }
    snprintf(caption, sizeof caption, "Operators of a %s at s = %d, in FLOPs, layers together",
             result->point.phase == FL_PHASE_PREFILL ? "prefill" : "cached decode step",
             result->point.context);
    fl_document_add_table(document, &table, caption);
}

static int add_gap(struct fl_document *document, const struct fl_line *line, struct fl_error *error)
{
    static const char *const HEADINGS[] = {"from", "to", "term", "FLOPs", "of textbook"};
    const struct fl_result *result = &line->points[line->n - 1];
    const struct fl_point *point = &result->point;
    struct fl_convention convention;
    struct fl_shape shape = {
        .batch = point->batch, .n_tokens = point->n_tokens, .n_past = point->n_past};
    struct fl_gap gap;
    struct fl_table table;
    char text[FL_WIDE_GROUPED], caption[192];
    if (fl_point_convention(&convention, point, error) != FL_OK ||
        fl_reconcile(&gap, &result->model->config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    fl_table_open(&table, "lllrr", HEADINGS);
    for (int i = 0; i < gap.n_terms; i++) {
        const struct fl_gap_term *term = &gap.terms[i];
        fl_table_cell(&table, term->from);
        fl_table_cell(&table, term->to);
        fl_table_cell(&table, term->term);
        fl_table_format(&table, "%s%s", term->flops > 0 ? "+" : "",
                        fl_grouped_text(term->flops, text));
        fl_table_format(&table, "%+.2f %%",
                        100 * (double)term->flops / (double)point->textbook_flops);
    }
    snprintf(caption, sizeof caption,
             "The gap of a %s at s = %d: from textbook to exact, nothing left over",
             point->phase == FL_PHASE_PREFILL ? "prefill" : "cached decode step", point->context);
    fl_document_add_table(document, &table, caption);
    if (gap.unnamed != 0)
        fl_document_add(document, FL_BLOCK_WARNING,
                        "The terms of this gap do not add up to exact - textbook.");
    return FL_OK;
}

static int add_accounts(struct fl_document *document, const struct fl_section *section,
                        struct fl_error *error)
{
    const struct fl_line *lines[] = {&section->prefill, &section->cached};
    fl_document_subheading(document, "Operator by operator");
    for (int k = 0; k < 2; k++) {
        if (lines[k]->n == 0)
            continue;
        add_operators(document, lines[k]);
        if (add_gap(document, lines[k], error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

/* ---- sections ---- */

static int add_plots(struct fl_document *document, const struct fl_plot_input *input,
                     int section_number, struct fl_error *error)
{
    int n;
    const struct fl_plot *plots = fl_plots(&n);
    char prefix[32] = "";
    if (section_number > 0)
        snprintf(prefix, sizeof prefix, "model%d-", section_number + 1);
    for (int i = 0; i < n; i++) {
        struct fl_drawing drawing;
        char caption[FL_CAPTION];
        if (!plots[i].possible(input))
            continue;
        if (fl_plot_draw(&drawing, caption, &plots[i], input, prefix, error) != FL_OK)
            return FL_FAILED;
        fl_document_add_figure(document, &drawing, caption);
    }
    return FL_OK;
}

static void add_missing(struct fl_document *document, const struct fl_plot_input *input)
{
    int n;
    const struct fl_plot *plots = fl_plots(&n);
    for (int i = 0; i < n; i++)
        if (!plots[i].possible(input))
            fl_document_add(document, FL_BLOCK_MISSING, "%s, for the plot \"%s\".", plots[i].needs,
                            plots[i].title);
}

static int add_section(struct fl_document *document, const struct fl_section *section, int number,
                       struct fl_error *error)
{
    struct fl_contrast contrast;
    char params[FL_UNIT_TEXT];
    const struct fl_config *config = &section->model->config;
    if (fl_contrast_make(&contrast, section, error) != FL_OK)
        return FL_FAILED;
    struct fl_plot_input input = {section, &contrast};
    fl_document_add(document, FL_BLOCK_HEADING, "%s", section->model->name);
    fl_document_add(document, FL_BLOCK_TEXT,
                    "%s, %d layers, h = %d, %d heads of %d (%d key/value), f = %d, V = %d; %s "
                    "parameters; weights: %s. Machine: %s.",
                    fl_arch_name(config->arch), config->n_layers, config->d_model, config->n_heads,
                    config->head_dim, config->n_kv_heads, config->d_ff, config->vocab_size,
                    fl_si_text((double)section->model->n_params, "", params),
                    section->model->format, section->all.points->run->machine);
    int status = fl_report_findings(document, section, &contrast, error);
    if (status == FL_OK) {
        add_missing(document, &input);
        add_headline(document, section);
        status = add_plots(document, &input, number, error);
    }
    if (status == FL_OK)
        status = add_accounts(document, section, error);
    if (status == FL_OK) {
        fl_report_measured(document, section);
        add_all_points(document, section);
    }
    fl_contrast_free(&contrast);
    return status;
}

/* ---- how and where ---- */

static int n_counted_points(const struct fl_results *results)
{
    int n = 0;
    for (int i = 0; i < results->n_points; i++)
        n += results->points[i].n_observed > 0 ? 1 : 0;
    return n;
}

static void add_method(struct fl_document *document, const struct fl_results *results)
{
    const struct fl_point *point = &results->points[0].point;
    fl_document_add(document, FL_BLOCK_HEADING, "How it was measured");
    fl_document_add(document, FL_BLOCK_TEXT,
                    "Textbook: %s. Exact: %s (of the first point; every row of the export carries "
                    "its own). A fused multiply-add is two FLOPs; a transcendental function is "
                    "one. Bytes are compulsory traffic: every operand read once, every result "
                    "written once per operator.",
                    point->textbook_convention, point->exact_convention);
    fl_document_add(document, FL_BLOCK_TEXT,
                    "Times are medians of the raw samples with 95 %% percentile bootstrap "
                    "intervals; the points were visited in shuffled order, in several passes, "
                    "behind a warm-up.");
    fl_document_add(document, FL_BLOCK_TEXT,
                    "Times are never taken while a counter looks. %d of %d points were counted as "
                    "well, in an execution of their own; measured figures are operations retired "
                    "and memory lines touched, seen by a counter that knows nothing of the model, "
                    "with its kernels named beside them.",
                    n_counted_points(results), results->n_points);
}

/* The calibration that a run carries as JSON, in words. */
static void describe_calibration(const struct fl_run *run, char *out, size_t size)
{
    cJSON *json = cJSON_Parse(run->calibration);
    const cJSON *n_rows = cJSON_GetObjectItem(json, "n_rows");
    bool exact = cJSON_IsTrue(cJSON_GetObjectItem(json, "exact"));
    if (!*run->calibration)
        snprintf(out, size, "not made");
    else if (!cJSON_IsNumber(n_rows))
        snprintf(out, size, "not readable");
    else
        snprintf(out, size, "%.0f counts of known work: %s", n_rows->valuedouble,
                 exact ? "all exact" : "not all exact, see runs.calibration");
    cJSON_Delete(json);
}

static void add_runs(struct fl_document *document, const struct fl_results *results)
{
    static const char *const HEADINGS[] = {"what", "value"};
    fl_document_add(document, FL_BLOCK_HEADING, "Machine and runs");
    for (int i = 0; i < results->n_runs; i++) {
        const struct fl_run *run = &results->runs[i];
        struct fl_table table;
        char cores[32], seed[32], caption[64], counter[128], version[160];
        snprintf(cores, sizeof cores, "%d", run->n_cores);
        snprintf(seed, sizeof seed, "%lld", (long long)run->seed);
        snprintf(counter, sizeof counter, *run->counter_version ? "%s (%s)" : "%s", run->counter,
                 run->counter_version);
        snprintf(version, sizeof version, "%s, commit %s", run->version, run->commit);
        char calibration[128];
        describe_calibration(run, calibration, sizeof calibration);
        const struct {
            const char *what, *value;
        } rows[] = {{"started", run->started_at},
                    {"host", run->host},
                    {"processor", run->cpu_model},
                    {"cores", cores},
                    {"governor", run->governor},
                    {"kernel", run->kernel},
                    {"BLAS", run->blas_config},
                    {"BLAS core", run->blas_core},
                    {"element-wise kernels", run->isa},
                    {"counter", counter},
                    {"calibration", calibration},
                    {"flopledger", version},
                    {"seed", seed},
                    {"command", run->command_line}};
        fl_table_open(&table, "ll", HEADINGS);
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
            fl_table_cell(&table, rows[k].what);
            fl_table_cell(&table, rows[k].value);
        }
        snprintf(caption, sizeof caption, "Run %d of %d", i + 1, results->n_runs);
        fl_document_add_table(document, &table, caption);
    }
}

int fl_report_build(struct fl_document *document, const char *title,
                    const struct fl_results *results, const struct fl_sections *sections,
                    struct fl_error *error)
{
    fl_document_open(document, title);
    fl_document_add(document, FL_BLOCK_TEXT,
                    "%d points, %d samples, %d model%s. For every operator: the textbook's figure, "
                    "the exact one, what was counted while it ran, and what a counter measured.",
                    results->n_points, results->n_samples, sections->n,
                    sections->n == 1 ? "" : "s");
    for (int i = 0; i < sections->n; i++)
        if (add_section(document, &sections->rows[i], i, error) != FL_OK)
            return FL_FAILED;
    add_method(document, results);
    add_runs(document, results);
    return fl_document_check(document, error);
}
