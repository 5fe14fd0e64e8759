/* report_roofline.c - the topic of what the machine's ceilings allow, and how much was reached. */
#include "reports/plots_internal.h"
#include "reports/report.h"

#include <stdio.h>
#include <string.h>

enum { FIGURE = 48, CELL = 128 };

static char *bound_words(enum fl_language language, const struct fl_bound *bound, char out[CELL])
{
    if (bound->memory_bound)
        return fl_text_format(out, CELL, language, BOUND_MEMORY,
                              fl_memory_level_names[bound->level]);
    snprintf(out, CELL, "%s", fl_text(language, FL_STR_BOUND_COMPUTE));
    return out;
}

static void push_percent(struct fl_table *table, double share)
{
    fl_table_format(table, "%.*f %%", share < 0.0995 ? 1 : 0, 100 * share);
}

/* ---- findings ---- */

static int find_light(struct fl_document *document, const struct fl_line *line,
                      const struct fl_roofs *roofs, struct fl_error *error)
{
    const struct fl_result *result = &line->points[line->n - 1];
    const char *words = fl_point_words(document->language, &result->point);
    const int context = result->point.context;
    struct fl_step step;
    char figure[FIGURE], light[FL_UNIT_TEXT], time[FL_UNIT_TEXT], amount[FL_UNIT_TEXT];
    if (fl_step_of_point(&step, result, &line->times[line->n - 1], roofs, error) != FL_OK)
        return FL_FAILED;
    const struct fl_bound bound = fl_roofline(roofs, &step.whole);
    fl_time_text(bound.light_ns, light);
    fl_time_text(step.whole.time_ns, time);
    snprintf(figure, sizeof figure, "%.0f %%", 100 * bound.of_light);
    if (bound.of_light > 1)
        fl_document_find(document, figure, FIND_BEYOND_LIGHT, words, context);
    else if (bound.memory_bound)
        fl_document_find(document, figure, FIND_LIGHT_MEMORY, words, context,
                         fl_si_text(fl_work_bytes(&step.whole), "B", amount), light,
                         fl_memory_level_names[bound.level], time);
    else
        fl_document_find(document, figure, FIND_LIGHT_COMPUTE, words, context,
                         fl_si_text(step.whole.flops, "FLOP", amount), light, time);
    return FL_OK;
}

static void warn_of_ceilings(struct fl_document *document, const struct fl_ceiling *ceilings, int n,
                             int n_threads)
{
    int n_noisy = 0, n_own = 0;
    bool quick = false;
    for (int i = 0; i < n; i++)
        if (ceilings[i].n_threads == n_threads) {
            n_own++;
            n_noisy += fl_ceiling_is_noisy(&ceilings[i]) ? 1 : 0;
            quick |= ceilings[i].quick;
        }
    if (n_noisy > 0)
        fl_document_say(document, FL_BLOCK_NOTE, NOTE_CEILINGS_NOISY, n_noisy, n_own);
    if (quick)
        fl_document_text(document, FL_BLOCK_TEXT, FL_STR_TEXT_CEILINGS_QUICK);
}

/* ---- tables ---- */

static int push_step(struct fl_table *table, enum fl_language language, const struct fl_line *line,
                     int i, const struct fl_roofs *roofs, struct fl_error *error)
{
    const struct fl_point *point = &line->points[i].point;
    struct fl_step step;
    char text[CELL], time[FL_UNIT_TEXT];
    if (fl_step_of_point(&step, &line->points[i], &line->times[i], roofs, error) != FL_OK)
        return FL_FAILED;
    const struct fl_bound bound = fl_roofline(roofs, &step.whole);
    fl_table_cell(table, fl_point_words(language, point));
    fl_table_format(table, "%d", point->context);
    fl_table_cell(table, fl_time_text(step.whole.time_ns, time));
    fl_table_cell(table, fl_time_text(bound.light_ns, time));
    push_percent(table, bound.of_light);
    fl_table_cell(table, bound_words(language, &bound, text));
    fl_table_format(table, "%.2f", bound.intensity);
    push_percent(table, bound.mfu);
    push_percent(table, bound.hfu);
    push_percent(table, bound.mbu);
    return FL_OK;
}

static int add_steps(struct fl_document *document, const struct fl_section *section,
                     const struct fl_roofs *roofs, struct fl_error *error)
{
    static const enum fl_string_id HEADINGS[] = {
        FL_STR_C_PHASE, FL_STR_C_S,         FL_STR_C_TIME, FL_STR_C_LIGHT, FL_STR_C_OF_LIGHT,
        FL_STR_C_BOUND, FL_STR_C_INTENSITY, FL_STR_C_MFU,  FL_STR_C_HFU,   FL_STR_C_MBU};
    const struct fl_line *lines[] = {&section->prefill, &section->cached, &section->uncached};
    struct fl_table table;
    int status = FL_OK;
    bool any = false;
    fl_document_open_table(document, &table, "lrrrrlrrrr", HEADINGS);
    for (int k = 0; k < 3; k++) {
        if (any && lines[k]->n > 0)
            fl_table_rule(&table);
        any |= lines[k]->n > 0;
        for (int i = 0; i < lines[k]->n && status == FL_OK; i++)
            status = push_step(&table, document->language, lines[k], i, roofs, error);
    }
    fl_document_add_table(document, &table, fl_text(document->language, FL_STR_CAPTION_LIGHT));
    return status;
}

/* time_ns and light_ns of a row that has no bound of its own. */
static void push_sum(struct fl_table *table, const char *name, double time_ns, double light_ns,
                     const char *bound)
{
    char text[FL_UNIT_TEXT];
    fl_table_cell(table, name);
    fl_table_cell(table, fl_time_text(time_ns, text));
    fl_table_cell(table, fl_time_text(light_ns, text));
    push_percent(table, time_ns > 0 ? light_ns / time_ns : 0);
    fl_table_cell(table, bound);
}

static void push_rates(struct fl_table *table, const struct fl_bound *bound)
{
    fl_table_format(table, "%.2f", bound->intensity);
    fl_table_format(table, "%.2f", bound->flops_per_s * 1e-9);
    fl_table_format(table, "%.2f", bound->bytes_per_s * 1e-9);
}

static int add_operators(struct fl_document *document, const struct fl_line *line,
                         const struct fl_roofs *roofs, struct fl_error *error)
{
    static const enum fl_string_id HEADINGS[] = {
        FL_STR_C_OPERATOR, FL_STR_C_TIME,      FL_STR_C_LIGHT,  FL_STR_C_OF_LIGHT,
        FL_STR_C_BOUND,    FL_STR_C_INTENSITY, FL_STR_C_GFLOPS, FL_STR_C_GBS};
    const struct fl_result *result = &line->points[line->n - 1];
    const struct fl_timing *timing = &line->times[line->n - 1];
    const enum fl_language language = document->language;
    struct fl_table table;
    struct fl_step step;
    char text[CELL], caption[192];
    double time_ns = 0, light_ns = 0;
    if (fl_step_of_point(&step, result, timing, roofs, error) != FL_OK)
        return FL_FAILED;
    fl_document_open_table(document, &table, "lrrrlrrr", HEADINGS);
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        const struct fl_bound bound = fl_roofline(roofs, &step.ops[op]);
        if (!step.present[op])
            continue;
        push_sum(&table, fl_operator_name((enum fl_operator)op), step.ops[op].time_ns,
                 bound.light_ns, bound_words(language, &bound, text));
        push_rates(&table, &bound);
        time_ns += step.ops[op].time_ns;
        light_ns += bound.light_ns;
    }
    const struct fl_bound bound = fl_roofline(roofs, &step.whole);
    fl_table_rule(&table);
    push_sum(&table, fl_text(language, FL_STR_LIGHT_SUM), time_ns, light_ns, "");
    for (int k = 0; k < 3; k++)
        fl_table_cell(&table, "");
    push_sum(&table, fl_text(language, FL_STR_LIGHT_WHOLE), step.whole.time_ns, bound.light_ns,
             bound_words(language, &bound, text));
    push_rates(&table, &bound);
    fl_text_format(caption, sizeof caption, language, CAPTION_LIGHT_OPERATORS,
                   fl_point_words(language, &result->point), result->point.context);
    struct fl_block *block = fl_document_add_table(document, &table, caption);
    if (block)
        block->folded = true;
    return FL_OK;
}

static void add_ceilings(struct fl_document *document, const struct fl_ceiling *ceilings, int n,
                         int n_threads)
{
    static const enum fl_string_id HEADINGS[] = {FL_STR_C_CEILING, FL_STR_C_RATE_QUARTILES,
                                                 FL_STR_C_SAMPLES, FL_STR_C_MEASURED_AT};
    struct fl_table table;
    char caption[128], threads[FL_THREADS_TEXT];
    fl_document_open_table(document, &table, "lrrl", HEADINGS);
    for (int i = 0; i < n; i++) {
        const struct fl_ceiling *row = &ceilings[i];
        const struct fl_rate rate = fl_ceiling_rate(row);
        const bool is_bytes = strcmp(row->unit, "bytes") == 0;
        if (row->n_threads != n_threads)
            continue;
        fl_table_format(&table, "%s %s%s%s", is_bytes ? row->level : row->kernel,
                        is_bytes ? row->kernel : row->dtype, is_bytes ? "" : ", ",
                        is_bytes ? "" : row->isa);
        fl_table_format(&table, "%.1f [%.1f, %.1f] %s", rate.median * 1e-9, rate.low * 1e-9,
                        rate.high * 1e-9, is_bytes ? "GB/s" : "GFLOP/s");
        fl_table_format(&table, "%d", row->n_samples);
        fl_table_cell(&table, row->measured_at);
    }
    fl_text_format(caption, sizeof caption, document->language, CAPTION_CEILINGS,
                   fl_threads_text(document->language, n_threads, threads));
    struct fl_block *block = fl_document_add_table(document, &table, caption);
    if (block)
        block->folded = true;
}

/* ---- topic ---- */

int fl_report_roofline(struct fl_document *document, const struct fl_plot_input *input,
                       struct fl_error *error)
{
    const struct fl_section *section = input->section;
    const struct fl_line *lines[] = {&section->prefill, &section->cached};
    struct fl_roofs roofs;
    char peak[CELL];
    int n, status = FL_OK;
    if (!fl_plot_roofs(input, &roofs))
        return fl_fail(error, "report: roofline: expected ceilings");
    const struct fl_ceiling *ceilings =
        fl_results_ceilings(input->results, section->all.points->run->machine, &n);
    for (int k = 0; k < 2 && status == FL_OK; k++)
        if (lines[k]->n > 0)
            status = find_light(document, lines[k], &roofs, error);
    warn_of_ceilings(document, ceilings, n, roofs.n_threads);
    if (status == FL_OK)
        status = fl_report_plot(document, input, "roofline", error);
    if (status == FL_OK)
        status = fl_report_plot(document, input, "paths", error);
    if (status == FL_OK)
        status = add_steps(document, section, &roofs, error);
    fl_text_format(peak, sizeof peak, document->language, PLOT_ROOFLINE_KERNEL, roofs.peak->kernel,
                   roofs.peak->isa, roofs.flops_per_s * 1e-9);
    fl_document_say(document, FL_BLOCK_TEXT, TEXT_ROOFLINE_TERMS, peak, fl_model_flops_convention);
    for (int k = 0; k < 2 && status == FL_OK; k++)
        if (lines[k]->n > 0)
            status = add_operators(document, lines[k], &roofs, error);
    add_ceilings(document, ceilings, n, roofs.n_threads);
    return status;
}
