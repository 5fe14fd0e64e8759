/* export_markdown.c - results as tables to read, or to paste where Markdown is shown. */
#include "analyzers/measured.h"
#include "analyzers/roofline.h"
#include "base/units.h"
#include "reports/escape.h"
#include "reports/export.h"
#include "reports/table.h"

#include <inttypes.h>
#include <string.h>

static const char *const POINT_HEADINGS[] = {
    "model",    "phase", "cache",     "attention", "logits",   "dtype",
    "threads",  "batch", "s",         "samples",   "textbook", "exact",
    "measured", "bytes", "median ms", "GFLOP/s",   "GB/s",     "tokens/s"};
static const char POINT_ALIGNMENT[] = "llllllrrrrrrrrrrrr";

static const char *const OP_HEADINGS[] = {
    "point",    "model",       "phase", "s",         "operator", "textbook", "exact",
    "measured", "unexplained", "bytes", "median us", "GFLOP/s",  "GB/s"};
static const char OP_ALIGNMENT[] = "rlllrrrrrrrrr";

static const char *const CEILING_HEADINGS[] = {"machine", "measured",     "level",   "kernel",
                                               "weights", "instructions", "threads", "samples",
                                               "of what", "median",       "low",     "high"};
static const char CEILING_ALIGNMENT[] = "llllllrrlrrr";

static void push_wide(struct fl_table *table, bool has, fl_wide value)
{
    char text[FL_WIDE_GROUPED];
    fl_table_cell(table, has ? fl_grouped_text(value, text) : "-");
}

static void push_rate(struct fl_table *table, double numerator, double time_ns)
{
    if (time_ns > 0)
        fl_table_format(table, "%.2f", numerator / time_ns);
    else
        fl_table_cell(table, "-");
}

static void push_point(struct fl_table *table, const struct fl_result *result)
{
    const struct fl_point *point = &result->point;
    const struct fl_observed *observed = fl_result_observed(result);
    const bool counted = fl_observed_has(observed, FL_COUNT_FLOPS);
    const double bytes = (double)point->bytes_read + (double)point->bytes_written;
    const int n_new = point->phase == FL_PHASE_DECODE ? 1 : point->n_tokens;
    fl_table_cell(table, result->model->name);
    fl_table_cell(table, fl_phase_names[point->phase]);
    fl_table_cell(table, point->cache ? "on" : "off");
    fl_table_cell(table, point->attention);
    fl_table_cell(table, point->logits);
    fl_table_cell(table, point->dtype);
    fl_table_format(table, "%d", point->n_threads);
    fl_table_format(table, "%d", point->batch);
    fl_table_format(table, "%d", point->context);
    fl_table_format(table, "%d", result->n_samples);
    push_wide(table, true, (fl_wide)point->textbook_flops);
    push_wide(table, true, (fl_wide)point->exact_flops);
    push_wide(table, counted, counted ? (fl_wide)observed->whole.values[FL_COUNT_FLOPS] : 0);
    push_wide(table, true, (fl_wide)point->bytes_read + point->bytes_written);
    fl_table_format(table, "%.4g", result->median_time_ns / 1e6);
    push_rate(table, (double)point->counted_flops, result->median_time_ns);
    push_rate(table, bytes, result->median_time_ns);
    push_rate(table, 1e9 * point->batch * n_new, result->median_time_ns);
}

static const struct fl_measured_op *measured_of(const struct fl_measured_point *measured,
                                                enum fl_operator op)
{
    for (int i = 0; i < measured->n_ops; i++)
        if (measured->ops[i].op == op)
            return &measured->ops[i];
    return NULL;
}

/* Median over the samples, of one operator. */
static double median_op_ns(const struct fl_result *result, enum fl_operator op)
{
    double below = 0, above = 0;
    const int n = result->n_samples;
    for (int i = 0; i < n; i++) {
        const uint64_t time_ns = result->samples[i].op_time_ns[op];
        int place = 0; /* among all, ties in their order */
        for (int k = 0; k < n; k++) {
            const uint64_t other = result->samples[k].op_time_ns[op];
            place += other < time_ns || (other == time_ns && k < i);
        }
        if (place == (n - 1) / 2)
            below = (double)time_ns;
        if (place == n / 2)
            above = (double)time_ns;
    }
    return (below + above) / 2;
}

static void push_ops(struct fl_table *table, const struct fl_result *result)
{
    const struct fl_observed *observed = fl_result_observed(result);
    struct fl_measured_point measured;
    if (observed)
        fl_measured_point_make(&measured, result, observed);
    for (int i = 0; i < result->n_ops; i++) {
        const struct fl_op_record *op = &result->ops[i];
        const struct fl_measured_op *seen =
            observed && measured.has_flops ? measured_of(&measured, op->op) : NULL;
        const fl_wide bytes = (fl_wide)op->counted_bytes_read + op->counted_bytes_written;
        const double time_ns = median_op_ns(result, op->op);
        fl_table_format(table, "%" PRId64, result->point.id);
        fl_table_cell(table, result->model->name);
        fl_table_cell(table, fl_phase_names[result->point.phase]);
        fl_table_format(table, "%d", result->point.context);
        fl_table_cell(table, fl_operator_name(op->op));
        push_wide(table, true, (fl_wide)op->textbook_flops);
        push_wide(table, true, (fl_wide)op->exact_flops);
        push_wide(table, seen, seen ? seen->measured : 0);
        push_wide(table, seen, seen ? seen->unexplained : 0);
        push_wide(table, true, bytes);
        fl_table_format(table, "%.4g", time_ns / 1e3);
        push_rate(table, (double)op->counted_flops, time_ns);
        push_rate(table, (double)bytes, time_ns);
    }
}

/* What holds for the figures of several points is said once, in front of them. */
static void print_conventions(FILE *out, const struct fl_results *results)
{
    for (int i = 0; i < results->n_points; i++) {
        const struct fl_point *point = &results->points[i].point;
        bool said = false;
        for (int k = 0; k < i && !said; k++) {
            const struct fl_point *other = &results->points[k].point;
            said = strcmp(other->textbook_convention, point->textbook_convention) == 0 &&
                   strcmp(other->exact_convention, point->exact_convention) == 0;
        }
        if (!said)
            fprintf(out, "- textbook: %s; exact: %s (%s, logits %s)\n", point->textbook_convention,
                    point->exact_convention, point->attention, point->logits);
    }
}

static void print_machines(FILE *out, const struct fl_results *results)
{
    for (int i = 0; i < results->n_runs; i++) {
        bool said = false;
        for (int k = 0; k < i; k++)
            said = said || strcmp(results->runs[k].machine, results->runs[i].machine) == 0;
        if (said)
            continue;
        fputs("- machine: ", out);
        fl_escape_markdown(out, results->runs[i].machine);
        fputc('\n', out);
    }
}

static void push_ceiling(struct fl_table *table, const struct fl_ceiling *ceiling)
{
    const struct fl_rate rate = fl_ceiling_rate(ceiling);
    fl_table_cell(table, ceiling->machine);
    fl_table_cell(table, ceiling->measured_at);
    fl_table_cell(table, *ceiling->level ? ceiling->level : "-");
    fl_table_cell(table, ceiling->kernel);
    fl_table_cell(table, ceiling->dtype);
    fl_table_cell(table, ceiling->isa);
    fl_table_format(table, "%d", ceiling->n_threads);
    fl_table_format(table, "%d", ceiling->n_samples);
    fl_table_cell(table, strcmp(ceiling->unit, "bytes") == 0 ? "GB/s" : "GFLOP/s");
    fl_table_format(table, "%.2f", rate.median * 1e-9);
    fl_table_format(table, "%.2f", rate.low * 1e-9);
    fl_table_format(table, "%.2f", rate.high * 1e-9);
}

static void open_table(struct fl_table *table, enum fl_export_what what)
{
    if (what == FL_EXPORT_OPS)
        fl_table_open(table, OP_ALIGNMENT, OP_HEADINGS);
    else if (what == FL_EXPORT_CEILINGS)
        fl_table_open(table, CEILING_ALIGNMENT, CEILING_HEADINGS);
    else
        fl_table_open(table, POINT_ALIGNMENT, POINT_HEADINGS);
}

int fl_export_markdown(FILE *out, const struct fl_results *results, enum fl_export_what what,
                       struct fl_error *error)
{
    struct fl_table table;
    open_table(&table, what);
    if (what == FL_EXPORT_CEILINGS) {
        fputs("- a fused multiply-add is two FLOPs; bytes are those the loop reads and writes\n\n",
              out);
        for (int i = 0; i < results->n_ceilings; i++)
            push_ceiling(&table, &results->ceilings[i]);
        return fl_table_finish(&table, FL_TABLE_MARKDOWN, out, error);
    }
    print_machines(out, results);
    print_conventions(out, results);
    fputs(
        "- FLOPs and bytes are of one execution; times are medians; measured is what a counter saw "
        "of the whole pass, '-' where none did\n\n",
        out);
    for (int i = 0; i < results->n_points; i++) {
        if (what == FL_EXPORT_OPS)
            push_ops(&table, &results->points[i]);
        else
            push_point(&table, &results->points[i]);
    }
    return fl_table_finish(&table, FL_TABLE_MARKDOWN, out, error);
}
