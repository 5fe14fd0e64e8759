/* report_tables.c - the figures themselves: all points, operators, gaps. */
#include "reports/report.h"

#include "analyzers/intensity.h"
#include "analyzers/reconcile.h"
#include "base/units.h"

/* ---- points ---- */

static void push_time(struct fl_table *table, enum fl_language language,
                      const struct fl_estimate *time)
{
    char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT], one[96];
    fl_time_text(time->median, median);
    if (time->n < 2)
        fl_table_cell(table, fl_text_format(one, sizeof one, language, ONE_SAMPLE, median));
    else
        fl_table_format(table, "%s [%s, %s]", median, fl_time_text(time->low, low),
                        fl_time_text(time->high, high));
}

static void push_measured(struct fl_table *table, enum fl_language language,
                          const struct fl_result *result)
{
    const struct fl_observed *observed = fl_result_observed(result);
    char text[FL_UNIT_TEXT];
    if (fl_observed_has(observed, FL_COUNT_FLOPS))
        fl_table_cell(table,
                      fl_si_text((double)observed->whole.values[FL_COUNT_FLOPS], "FLOP", text));
    else
        fl_table_cell(table, fl_text(language, FL_STR_UNAVAILABLE));
}

static bool has_measured(const struct fl_line *line)
{
    for (int i = 0; i < line->n; i++)
        if (fl_observed_has(fl_result_observed(&line->points[i]), FL_COUNT_FLOPS))
            return true;
    return false;
}

static const char *phase_words(enum fl_language language, const struct fl_point *point)
{
    return fl_text(language, point->phase == FL_PHASE_PREFILL ? FL_STR_PREFILL
                             : point->cache                   ? FL_STR_DECODE_CACHED
                                                              : FL_STR_DECODE_UNCACHED);
}

/* all: what identifies the point among all of its model; measured: the column is there. */
static void push_point(struct fl_table *table, enum fl_language language,
                       const struct fl_line *line, int i, bool all, bool measured)
{
    const struct fl_point *point = &line->points[i].point;
    const struct fl_timing *timing = &line->times[i];
    struct fl_rates rates = fl_point_rates(point, timing);
    char text[FL_UNIT_TEXT];
    fl_table_cell(table, phase_words(language, point));
    fl_table_format(table, "%d", point->context);
    if (all) {
        fl_table_format(table, "%d", point->batch);
        fl_table_cell(table, point->attention);
        fl_table_cell(table, point->dtype);
        fl_table_format(table, "%d", point->n_threads);
    }
    fl_table_cell(table, fl_si_text((double)point->textbook_flops, "FLOP", text));
    fl_table_cell(table, fl_si_text((double)point->exact_flops, "FLOP", text));
    fl_table_cell(table, fl_si_text((double)point->counted_flops, "FLOP", text));
    if (measured)
        push_measured(table, language, &line->points[i]);
    push_time(table, language, &timing->total);
    fl_table_format(table, "%.2f", rates.flops_per_s / 1e9);
    fl_table_format(table, "%.2f", rates.bytes_per_s / 1e9);
    fl_table_format(table, "%.2f", rates.flops_per_byte);
}

void fl_report_headline(const struct fl_document *document, struct fl_table *table,
                        const struct fl_section *section)
{
    static const enum fl_string_id HEADINGS[] = {
        FL_STR_C_PHASE,         FL_STR_C_S,      FL_STR_TEXTBOOK, FL_STR_EXACT,      FL_STR_COUNTED,
        FL_STR_C_TIME_INTERVAL, FL_STR_C_GFLOPS, FL_STR_C_GBS,    FL_STR_C_INTENSITY};
    static const enum fl_string_id WITH_MEASURED[] = {
        FL_STR_C_PHASE, FL_STR_C_S,        FL_STR_TEXTBOOK,        FL_STR_EXACT,
        FL_STR_COUNTED, FL_STR_MEASURED,   FL_STR_C_TIME_INTERVAL, FL_STR_C_GFLOPS,
        FL_STR_C_GBS,   FL_STR_C_INTENSITY};
    const struct fl_line *lines[] = {&section->prefill, &section->cached, &section->uncached};
    bool measured = has_measured(lines[0]) || has_measured(lines[1]) || has_measured(lines[2]);
    if (measured)
        fl_document_open_table(document, table, "lrrrrrrrrr", WITH_MEASURED);
    else
        fl_document_open_table(document, table, "lrrrrrrrr", HEADINGS);
    for (int k = 0; k < 3; k++) {
        if (k > 0)
            fl_table_rule(table);
        for (int i = 0; i < lines[k]->n; i++)
            push_point(table, document->language, lines[k], i, false, measured);
    }
}

static void add_headline(struct fl_document *document, const struct fl_section *section)
{
    struct fl_table table;
    const struct fl_line *line = section->prefill.n > 0  ? &section->prefill
                                 : section->cached.n > 0 ? &section->cached
                                                         : &section->uncached;
    const struct fl_point *point = &line->points[0].point;
    char caption[320], threads[FL_THREADS_TEXT];
    fl_report_headline(document, &table, section);
    fl_text_format(caption, sizeof caption, document->language, CAPTION_HEADLINE, point->batch,
                   point->attention, fl_threads_text(document->language, point->n_threads, threads),
                   point->logits);
    fl_document_add_table(document, &table, caption);
}

static void add_all_points(struct fl_document *document, const struct fl_section *section)
{
    static const enum fl_string_id HEADINGS[] = {
        FL_STR_C_PHASE, FL_STR_C_S,        FL_STR_C_BATCH,         FL_STR_C_ATTENTION,
        FL_STR_C_DTYPE, FL_STR_C_THREADS,  FL_STR_TEXTBOOK,        FL_STR_EXACT,
        FL_STR_COUNTED, FL_STR_MEASURED,   FL_STR_C_TIME_INTERVAL, FL_STR_C_GFLOPS,
        FL_STR_C_GBS,   FL_STR_C_INTENSITY};
    struct fl_table table;
    char caption[128];
    fl_document_open_table(document, &table, "lrrllrrrrrrrrr", HEADINGS);
    for (int i = 0; i < section->all.n; i++)
        push_point(&table, document->language, &section->all, i, true, true);
    fl_text_format(caption, sizeof caption, document->language, CAPTION_ALL_POINTS, section->all.n);
    struct fl_block *block = fl_document_add_table(document, &table, caption);
    if (block)
        block->folded = true;
}

/* ---- operators of one point ---- */

static void push_operator(struct fl_table *table, const struct fl_op_record *op, double ns,
                          const char *measured)
{
    char text[FL_WIDE_GROUPED], time[FL_UNIT_TEXT];
    double bytes = (double)op->counted_bytes_read + (double)op->counted_bytes_written;
    fl_table_cell(table, fl_operator_name(op->op));
    fl_table_cell(table, fl_grouped_text((fl_wide)op->textbook_flops, text));
    fl_table_cell(table, fl_grouped_text((fl_wide)op->exact_flops, text));
    fl_table_cell(table, fl_grouped_text((fl_wide)op->counted_flops, text));
    fl_table_cell(table, measured);
    fl_table_cell(table, fl_time_text(ns, time));
    fl_table_format(table, "%.2f", ns > 0 ? (double)op->counted_flops / ns : 0.0);
    fl_table_format(table, "%.2f", ns > 0 ? bytes / ns : 0.0);
}

static void add_operators(struct fl_document *document, const struct fl_line *line)
{
    static const enum fl_string_id HEADINGS[] = {FL_STR_C_OPERATOR, FL_STR_TEXTBOOK, FL_STR_EXACT,
                                                 FL_STR_COUNTED,    FL_STR_MEASURED, FL_STR_C_TIME,
                                                 FL_STR_C_GFLOPS,   FL_STR_C_GBS};
    const struct fl_result *result = &line->points[line->n - 1];
    const struct fl_observed *observed = fl_result_observed(result);
    bool measured = fl_observed_has(observed, FL_COUNT_FLOPS);
    struct fl_table table;
    char text[FL_WIDE_GROUPED], caption[192];
    fl_document_open_table(document, &table, "lrrrrrrr", HEADINGS);
    for (int i = 0; i < result->n_ops; i++) {
        enum fl_operator op = result->ops[i].op;
        push_operator(
            &table, &result->ops[i], line->times[line->n - 1].op_ns[op],
            measured
                ? fl_grouped_text((fl_wide)observed->ops[op].reading.values[FL_COUNT_FLOPS], text)
                : fl_text(document->language, FL_STR_UNAVAILABLE));
    }
    fl_text_format(caption, sizeof caption, document->language, CAPTION_OPERATORS,
                   fl_point_words(document->language, &result->point), result->point.context);
    fl_document_add_table(document, &table, caption);
}

/* ---- the gap of one point ---- */

int fl_report_gap_table(struct fl_document *document, const struct fl_line *line,
                        struct fl_error *error)
{
    static const enum fl_string_id HEADINGS[] = {FL_STR_C_FROM, FL_STR_C_TO, FL_STR_C_TERM,
                                                 FL_STR_C_FLOPS, FL_STR_C_OF_TEXTBOOK};
    const struct fl_result *result = &line->points[line->n - 1];
    const struct fl_point *point = &result->point;
    const enum fl_language language = document->language;
    struct fl_convention convention;
    const struct fl_shape shape = fl_point_shape(result, FL_OWN_CONTEXT);
    struct fl_gap gap;
    struct fl_table table;
    char text[FL_WIDE_GROUPED], words[FL_WORDS], caption[192];
    if (fl_point_convention(&convention, point, error) != FL_OK ||
        fl_reconcile(&gap, &result->model->config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    fl_document_open_table(document, &table, "lllrr", HEADINGS);
    for (int i = 0; i < gap.n_terms; i++) {
        const struct fl_gap_term *term = &gap.terms[i];
        fl_table_cell(&table, fl_text_of(language, term->from, words));
        fl_table_cell(&table, fl_text_of(language, term->to, words));
        fl_table_cell(&table, fl_text_of(language, term->term, words));
        fl_table_format(&table, "%s%s", term->flops > 0 ? "+" : "",
                        fl_grouped_text(term->flops, text));
        fl_table_format(&table, "%+.2f %%",
                        100 * (double)term->flops / (double)point->textbook_flops);
    }
    fl_text_format(caption, sizeof caption, language, CAPTION_GAP, fl_point_words(language, point),
                   point->context);
    fl_document_add_table(document, &table, caption);
    if (gap.unnamed != 0)
        fl_document_text(document, FL_BLOCK_WARNING, FL_STR_WARN_GAP);
    return FL_OK;
}

int fl_report_figures(struct fl_document *document, const struct fl_plot_input *input,
                      struct fl_error *error)
{
    const struct fl_section *section = input->section;
    const struct fl_line *lines[] = {&section->prefill, &section->cached, &section->uncached};
    (void)error;
    add_headline(document, section);
    for (int k = 0; k < 2; k++)
        if (lines[k]->n > 0)
            add_operators(document, lines[k]);
    add_all_points(document, section);
    return FL_OK;
}
