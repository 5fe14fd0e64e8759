#include "reports/compare_render.h"

#include "base/units.h"
#include "reports/escape.h"
#include "reports/json_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COMPARE_SCHEMA = 1 };

/* ---- which columns ---- */

static bool varies(const struct fl_comparison *comparison, enum fl_compare_key key, bool *differs)
{
    char of_row[FL_COMPARE_VALUE], of_other[FL_COMPARE_VALUE];
    bool varying = false;
    *differs = false;
    for (int i = 0; i < comparison->n; i++) {
        const struct fl_compare_row *row = &comparison->rows[i];
        const char *own = fl_point_value(row->points[0], key, of_row);
        varying |= strcmp(own, fl_point_value(comparison->rows[0].points[0], key, of_other)) != 0;
        *differs |= strcmp(own, fl_point_value(row->points[1], key, of_other)) != 0;
    }
    return varying;
}

/* Bits of the keys whose values differ among the matched points, phase, cache and s always; keys
 * that both sides differ in have no bit. */
static unsigned varying_keys(const struct fl_comparison *comparison)
{
    unsigned keys = 1U << FL_KEY_PHASE | 1U << FL_KEY_CACHE | 1U << FL_KEY_CONTEXT;
    for (int key = FL_KEY_MODEL; key < FL_N_COMPARE_KEYS; key++) {
        bool differs;
        if (varies(comparison, (enum fl_compare_key)key, &differs))
            keys |= 1U << key;
        if (differs)
            keys &= ~(1U << key);
    }
    return keys;
}

void fl_compare_row_label(const struct fl_comparison *comparison, int row, char *out, size_t size)
{
    static const char *const NAMED[FL_N_COMPARE_KEYS] = {[FL_KEY_CACHE] = "cache ",
                                                         [FL_KEY_THREADS] = "threads=",
                                                         [FL_KEY_BATCH] = "b=",
                                                         [FL_KEY_CONTEXT] = "s="};
    const struct fl_result *point = comparison->rows[row].points[0];
    const unsigned keys = varying_keys(comparison);
    size_t used = 0;
    out[0] = '\0';
    for (int key = FL_KEY_MODEL; key < FL_N_COMPARE_KEYS && used < size; key++) {
        char scratch[FL_COMPARE_VALUE];
        if (!(keys >> key & 1) || (key == FL_KEY_CACHE && point->point.phase == FL_PHASE_PREFILL))
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s%s", used > 0 ? " " : "",
                                 NAMED[key] ? NAMED[key] : "",
                                 fl_point_value(point, (enum fl_compare_key)key, scratch));
    }
}

/* ---- for people ---- */

static void push_time(struct fl_table *table, double ns)
{
    char text[FL_UNIT_TEXT];
    fl_table_cell(table, fl_time_text(ns, text));
}

static void push_ratio(struct fl_table *table, const struct fl_ratio *ratio)
{
    if (isnan(ratio->log_error))
        fl_table_format(table, "%.3f [one sample]", ratio->ratio);
    else if (isinf(ratio->high))
        fl_table_format(table, "%.3f [too few samples]", ratio->ratio);
    else
        fl_table_format(table, "%.3f [%.3f, %.3f]", ratio->ratio, ratio->low, ratio->high);
}

/* Exact figures: equal, or by how much they differ. */
static void push_work(struct fl_table *table, int64_t change, uint64_t from)
{
    char text[FL_WIDE_GROUPED];
    if (change == 0)
        fl_table_cell(table, "=");
    else
        fl_table_format(table, "%s%s (%+.2f %%)", change > 0 ? "+" : "",
                        fl_grouped_text(change, text),
                        from > 0 ? 100 * (double)change / (double)from : 0.0);
}

static void open_table(struct fl_table *table, unsigned keys,
                       const struct fl_compare_report *report)
{
    /* as long as a table has columns: its alignment is kept by reference */
    static char alignment[FL_N_COMPARE_KEYS + 8];
    static const char *const FIGURES[] = {"median A", "median B", "",     "p, corrected",
                                          "verdict",  "FLOPs",    "bytes"};
    static char ratio_heading[48];
    const char *headings[FL_N_COMPARE_KEYS + 8];
    int n = 0;
    snprintf(ratio_heading, sizeof ratio_heading, "B / A [%.4g %% interval]",
             100 * report->options->bootstrap.confidence);
    for (int key = FL_KEY_MODEL; key < FL_N_COMPARE_KEYS; key++)
        if (keys >> key & 1) {
            alignment[n] = key >= FL_KEY_THREADS ? 'r' : 'l';
            headings[n++] = fl_compare_key_names[key];
        }
    for (size_t i = 0; i < sizeof FIGURES / sizeof *FIGURES; i++) {
        alignment[n] = i == 4 ? 'l' : 'r';
        headings[n++] = i == 2 ? ratio_heading : FIGURES[i];
    }
    alignment[n] = '\0';
    fl_table_open(table, alignment, headings);
}

static void push_row(struct fl_table *table, const struct fl_compare_row *row, unsigned keys)
{
    for (int key = FL_KEY_MODEL; key < FL_N_COMPARE_KEYS; key++) {
        char scratch[FL_COMPARE_VALUE];
        if (keys >> key & 1)
            fl_table_cell(table, fl_point_value(row->points[0], (enum fl_compare_key)key, scratch));
    }
    const struct fl_point *point = &row->points[0]->point;
    push_time(table, row->medians_ns[0]);
    push_time(table, row->medians_ns[1]);
    push_ratio(table, &row->ratio);
    fl_table_format(table, "%.3g", row->p_adjusted);
    fl_table_cell(table, fl_verdict_names[row->verdict]);
    push_work(table, row->flops_change, point->exact_flops);
    push_work(table, row->bytes_change, point->bytes_read + point->bytes_written);
}

static void put_text(FILE *out, enum fl_table_style style, const char *text)
{
    if (style == FL_TABLE_MARKDOWN)
        fl_escape_markdown(out, text);
    else
        fputs(text, out);
}

/* "A: file", and what all points have in common. */
static void put_head(const struct fl_compare_report *report, unsigned keys,
                     enum fl_table_style style, FILE *out)
{
    const struct fl_comparison *comparison = report->comparison;
    for (int k = 0; k < 2; k++) {
        fprintf(out, "%c: ", 'A' + k);
        put_text(out, style, report->names[k]);
        fputs(style == FL_TABLE_MARKDOWN ? "  \n" : "\n", out);
    }
    if (comparison->n == 0)
        return;
    const char *between = "all points: ";
    for (int key = FL_KEY_MODEL; key < FL_N_COMPARE_KEYS; key++) {
        char scratch[FL_COMPARE_VALUE], other[FL_COMPARE_VALUE];
        if (keys >> key & 1)
            continue;
        const struct fl_compare_row *row = &comparison->rows[0];
        const char *a = fl_point_value(row->points[0], (enum fl_compare_key)key, scratch);
        const char *b = fl_point_value(row->points[1], (enum fl_compare_key)key, other);
        fprintf(out, "%s%s ", between, fl_compare_key_names[key]);
        put_text(out, style, a);
        if (strcmp(a, b) != 0) {
            fputs(" against ", out);
            put_text(out, style, b);
        }
        between = ", ";
    }
    fputs("\n\n", out);
}

static void put_unmatched(const struct fl_compare_report *report, enum fl_table_style style,
                          FILE *out)
{
    const struct fl_comparison *comparison = report->comparison;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < comparison->n_unmatched[k]; i++) {
            char label[FL_POINT_LABEL];
            fprintf(out, "%sonly in %c: ", i == 0 ? "\n" : "", 'A' + k);
            put_text(out, style, fl_point_label(comparison->unmatched[k][i], label));
            fputs(style == FL_TABLE_MARKDOWN ? "  \n" : "\n", out);
        }
}

static void put_summary(const struct fl_compare_report *report, FILE *out)
{
    const struct fl_comparison *c = report->comparison;
    static const char *const CORRECTIONS[] = {"Benjamini and Hochberg", "Holm", "nothing"};
    fprintf(out, "\n%d point%s:", c->n, c->n == 1 ? "" : "s");
    for (int verdict = 0; verdict < FL_N_VERDICTS; verdict++)
        fprintf(out, "%s %d %s", verdict > 0 ? "," : "", c->n_verdicts[verdict],
                fl_verdict_names[verdict]);
    fprintf(out, "; p-values corrected by %s, differences of less than %.3g %% do not matter\n",
            CORRECTIONS[report->options->correction], 100 * report->options->threshold);
    if (!isnan(c->mean))
        fprintf(out, "geometric mean of B / A over these points: %.4f [%.4f, %.4f]\n", c->mean,
                c->mean_low, c->mean_high);
    if (c->n_flops_changed + c->n_bytes_changed == 0)
        fprintf(out, "FLOPs and bytes: equal at every point\n");
    else
        fprintf(out, "FLOPs differ at %d of %d points, bytes at %d\n", c->n_flops_changed, c->n,
                c->n_bytes_changed);
}

int fl_compare_print(const struct fl_compare_report *report, enum fl_table_style style, FILE *out,
                     struct fl_error *error)
{
    const struct fl_comparison *comparison = report->comparison;
    const unsigned keys = varying_keys(comparison);
    put_head(report, keys, style, out);
    if (comparison->n > 0) {
        struct fl_table table;
        open_table(&table, keys, report);
        for (int i = 0; i < comparison->n; i++)
            push_row(&table, &comparison->rows[i], keys);
        if (fl_table_finish(&table, style, out, error) != FL_OK)
            return FL_FAILED;
        put_summary(report, out);
    }
    put_unmatched(report, style, out);
    return FL_OK;
}

/* ---- for programs ---- */

static const char *const FIGURE_NAMES[] = {
    "n_a",          "n_b",          "median_a_ns", "median_b_ns", "ratio",
    "ratio_low",    "ratio_high",   "p_value",     "p_adjusted",  "verdict",
    "flops_change", "bytes_change", "inflation_a", "inflation_b"};
enum { N_FIGURES = sizeof FIGURE_NAMES / sizeof *FIGURE_NAMES };

static void push_number(struct fl_table *table, double value)
{
    if (isfinite(value))
        fl_table_format(table, "%.9g", value);
    else
        fl_table_cell(table, "");
}

int fl_compare_print_csv(const struct fl_compare_report *report, FILE *out, struct fl_error *error)
{
    const char *headings[FL_N_COMPARE_KEYS + N_FIGURES];
    static char alignment[FL_N_COMPARE_KEYS + N_FIGURES + 1];
    int n = 0;
    for (int key = FL_KEY_MODEL; key < FL_N_COMPARE_KEYS; key++)
        headings[n++] = fl_compare_key_names[key];
    for (int i = 0; i < N_FIGURES; i++)
        headings[n++] = FIGURE_NAMES[i];
    memset(alignment, 'l', (size_t)n);
    struct fl_table table;
    fl_table_open(&table, alignment, headings);
    for (int i = 0; i < report->comparison->n; i++) {
        const struct fl_compare_row *row = &report->comparison->rows[i];
        for (int key = FL_KEY_MODEL; key < FL_N_COMPARE_KEYS; key++) {
            char scratch[FL_COMPARE_VALUE];
            fl_table_cell(&table,
                          fl_point_value(row->points[0], (enum fl_compare_key)key, scratch));
        }
        fl_table_format(&table, "%d", row->n_samples[0]);
        fl_table_format(&table, "%d", row->n_samples[1]);
        const double numbers[] = {row->medians_ns[0], row->medians_ns[1], row->ratio.ratio,
                                  row->ratio.low,     row->ratio.high,    row->ratio.p_value,
                                  row->p_adjusted};
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            push_number(&table, numbers[k]);
        fl_table_cell(&table, fl_verdict_names[row->verdict]);
        fl_table_format(&table, "%lld", (long long)row->flops_change);
        fl_table_format(&table, "%lld", (long long)row->bytes_change);
        push_number(&table, row->inflation[0]);
        push_number(&table, row->inflation[1]);
    }
    return fl_table_finish(&table, FL_TABLE_CSV, out, error);
}

static void add_keys(cJSON *object, const struct fl_result *point)
{
    for (int key = FL_KEY_MODEL; key < FL_N_COMPARE_KEYS; key++) {
        char scratch[FL_COMPARE_VALUE];
        const char *value = fl_point_value(point, (enum fl_compare_key)key, scratch);
        if (key >= FL_KEY_THREADS)
            cJSON_AddNumberToObject(object, fl_compare_key_names[key], atoi(value));
        else
            cJSON_AddStringToObject(object, fl_compare_key_names[key], value);
    }
}

static cJSON *row_json(const struct fl_compare_row *row)
{
    cJSON *object = cJSON_CreateObject();
    add_keys(object, row->points[0]);
    cJSON_AddNumberToObject(object, "n_a", row->n_samples[0]);
    cJSON_AddNumberToObject(object, "n_b", row->n_samples[1]);
    cJSON_AddNumberToObject(object, "median_a_ns", row->medians_ns[0]);
    cJSON_AddNumberToObject(object, "median_b_ns", row->medians_ns[1]);
    cJSON_AddNumberToObject(object, "ratio", row->ratio.ratio);
    cJSON_AddNumberToObject(object, "ratio_low", row->ratio.low);
    cJSON_AddNumberToObject(object, "ratio_high", row->ratio.high);
    cJSON_AddNumberToObject(object, "p_value", row->ratio.p_value);
    cJSON_AddNumberToObject(object, "p_adjusted", row->p_adjusted);
    cJSON_AddStringToObject(object, "verdict", fl_verdict_names[row->verdict]);
    cJSON_AddNumberToObject(object, "flops_change", (double)row->flops_change);
    cJSON_AddNumberToObject(object, "bytes_change", (double)row->bytes_change);
    cJSON_AddNumberToObject(object, "inflation_a", row->inflation[0]);
    cJSON_AddNumberToObject(object, "inflation_b", row->inflation[1]);
    return object;
}

static cJSON *side_json(const struct fl_compare_report *report, int side)
{
    const struct fl_disturbance *d = &report->comparison->disturbance[side];
    cJSON *object = cJSON_CreateObject(), *unmatched = NULL;
    cJSON_AddStringToObject(object, "selected", report->names[side]);
    cJSON_AddNumberToObject(object, "inflation", d->dependence.inflation);
    cJSON_AddNumberToObject(object, "visit_correlation", d->dependence.visit_correlation);
    cJSON_AddNumberToObject(object, "drift", d->drift.change);
    cJSON_AddNumberToObject(object, "drift_p", d->drift.p);
    unmatched = cJSON_AddArrayToObject(object, "unmatched");
    for (int i = 0; i < report->comparison->n_unmatched[side]; i++) {
        add_keys(fl_json_append_object(unmatched), report->comparison->unmatched[side][i]);
    }
    return object;
}

int fl_compare_print_json(const struct fl_compare_report *report, FILE *out, struct fl_error *error)
{
    const struct fl_comparison *comparison = report->comparison;
    const struct fl_compare_options *options = report->options;
    cJSON *root = cJSON_CreateObject(), *rows, *counts, *differences;
    cJSON_AddNumberToObject(root, "schema", COMPARE_SCHEMA);
    cJSON_AddItemToObject(root, "a", side_json(report, 0));
    cJSON_AddItemToObject(root, "b", side_json(report, 1));
    cJSON_AddNumberToObject(root, "confidence", options->bootstrap.confidence);
    cJSON_AddNumberToObject(root, "threshold", options->threshold);
    cJSON_AddStringToObject(root, "correction", fl_correction_names[options->correction]);
    cJSON_AddStringToObject(root, "interval", fl_interval_names[options->bootstrap.interval]);
    cJSON_AddNumberToObject(root, "seed", (double)options->bootstrap.seed);
    cJSON_AddNumberToObject(root, "mean", comparison->mean);
    cJSON_AddNumberToObject(root, "mean_low", comparison->mean_low);
    cJSON_AddNumberToObject(root, "mean_high", comparison->mean_high);
    counts = cJSON_AddObjectToObject(root, "verdicts");
    for (int verdict = 0; verdict < FL_N_VERDICTS; verdict++)
        cJSON_AddNumberToObject(counts, fl_verdict_names[verdict], comparison->n_verdicts[verdict]);
    differences = cJSON_AddArrayToObject(root, "differences");
    struct fl_run_difference difference;
    for (int i = 0; fl_compare_difference(&difference, comparison, i); i++) {
        cJSON *object = fl_json_append_object(differences);
        cJSON_AddStringToObject(object, "field", difference.field);
        cJSON_AddStringToObject(object, "a", difference.values[0]);
        cJSON_AddStringToObject(object, "b", difference.values[1]);
    }
    rows = cJSON_AddArrayToObject(root, "points");
    for (int i = 0; i < comparison->n; i++)
        cJSON_AddItemToArray(rows, row_json(&comparison->rows[i]));
    return fl_json_print(root, out, error);
}
