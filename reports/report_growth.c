/* report_growth.c - topics that come from analyzers: how cost grows with the context, in words, as
 * a plot and a table; and whether the machine was quiet. */
#include "reports/plots_internal.h"
#include "reports/report.h"

#include "analyzers/growth.h"
#include "reports/noise_words.h"

#include <math.h>
#include <stdio.h>

enum { FIGURE = 48, N_LINES = 3, NUMBER = 64 };
static const double US_PER_NS = 1e-3;

static const enum fl_string_id LINE_NAMES[N_LINES] = {FL_STR_GROWTH_PREFILL, FL_STR_GROWTH_CACHED,
                                                      FL_STR_GROWTH_UNCACHED};

static const enum fl_string_id VERDICTS[FL_N_GROWTH_VERDICTS] = {
    [FL_GROWTH_UNDECIDED] = FL_STR_GROWTH_UNDECIDED,
    [FL_GROWTH_CONSTANT] = FL_STR_GROWTH_CONSTANT,
    [FL_GROWTH_FIXED] = FL_STR_GROWTH_FIXED,
    [FL_GROWTH_LINEAR] = FL_STR_GROWTH_LINEAR,
    [FL_GROWTH_BETWEEN] = FL_STR_GROWTH_BETWEEN,
    [FL_GROWTH_QUADRATIC] = FL_STR_GROWTH_QUADRATIC};

static const struct fl_line *line_of(const struct fl_section *section, int i)
{
    const struct fl_line *const lines[N_LINES] = {&section->prefill, &section->cached,
                                                  &section->uncached};
    return lines[i];
}

bool fl_plot_has_growth(const struct fl_plot_input *input)
{
    for (int i = 0; i < N_LINES; i++)
        if (line_of(input->section, i)->n >= 3)
            return true;
    return false;
}

/* ---- in words ---- */

/* "3,512", "∞" */
static char *context_text(double context, char out[NUMBER])
{
    char grouped[FL_WIDE_GROUPED];
    if (isinf(context) || context > 1e15)
        snprintf(out, NUMBER, "∞");
    else
        snprintf(out, NUMBER, "%s", fl_grouped_text((fl_wide)ceil(context), grouped));
    return out;
}

static void find_crossover(struct fl_document *document, const struct fl_growth *growth,
                           const char *name)
{
    char flops[NUMBER], time[NUMBER], low[NUMBER], high[NUMBER];
    if (!growth->is_polynomial || isinf(growth->flops_crossover) || growth->flops_crossover < 1)
        return;
    context_text(growth->flops_crossover, flops);
    if (growth->has_crossover && growth->chosen == 2 && isfinite(growth->crossover.high))
        fl_document_find(document, flops, FIND_CROSSOVER_BOTH, name, flops,
                         context_text(growth->crossover.value, time),
                         context_text(growth->crossover.low, low),
                         context_text(growth->crossover.high, high));
    else if (growth->has_crossover && growth->crossover.low >= growth->first)
        fl_document_find(document, flops, FIND_CROSSOVER_OPEN, name, flops,
                         context_text(growth->crossover.low, low));
    else
        fl_document_find(document, flops, FIND_CROSSOVER_FLOPS, name, flops);
}

static void find_growth(struct fl_document *document, const struct fl_growth *growth,
                        const char *name)
{
    char figure[FIGURE];
    const struct fl_bounded *exponent = &growth->law.exponent;
    if (!growth->has_law)
        return;
    snprintf(figure, sizeof figure, "s^%.2f", exponent->value);
    fl_document_find(document, figure, FIND_GROWTH, name,
                     fl_text(document->language, VERDICTS[growth->verdict]), growth->first,
                     growth->last, exponent->value, exponent->low, exponent->high, growth->last,
                     growth->local.value, growth->flops_exponent_last);
    find_crossover(document, growth, name);
}

/* ---- in figures ---- */

/* whole: contexts, which have no fractions. */
static void push_bounded(struct fl_table *table, const struct fl_bounded *bounded, double scale,
                         bool whole)
{
    char text[3][NUMBER];
    const double values[] = {scale * bounded->value, scale * bounded->low, scale * bounded->high};
    for (int i = 0; i < 3; i++)
        if (isinf(values[i]))
            snprintf(text[i], NUMBER, "∞");
        else
            snprintf(text[i], NUMBER, whole ? "%.0f" : "%.3g", values[i]);
    fl_table_format(table, "%s [%s, %s]", text[0], text[1], text[2]);
}

static void push_flops(struct fl_table *table, const struct fl_growth *growth, const char *name,
                       enum fl_language language)
{
    char text[NUMBER * 2], context[NUMBER];
    fl_table_cell(table, fl_text_format(text, sizeof text, language, GROWTH_FLOPS_ROW, name));
    for (int i = 0; i < FL_FIT_TERMS; i++)
        if (growth->is_polynomial)
            fl_table_format(table, "%.12g", growth->flops[i]);
        else
            fl_table_cell(table, fl_text(language, FL_STR_GROWTH_NO_POLYNOMIAL));
    fl_table_cell(table, "");
    fl_table_format(table, "%.3f", growth->flops_exponent_last);
    if (!growth->is_polynomial)
        fl_table_cell(table, "");
    else if (isinf(growth->flops_crossover))
        fl_table_cell(table, fl_text(language, FL_STR_GROWTH_NEVER));
    else
        fl_table_cell(table, context_text(growth->flops_crossover, context));
    fl_table_cell(table, fl_text(language, FL_STR_GROWTH_EXACT));
    fl_table_cell(table, "");
}

static void push_time(struct fl_table *table, const struct fl_growth *growth, const char *name,
                      enum fl_language language)
{
    char text[NUMBER * 2];
    const struct fl_polynomial *fit = &growth->fits[growth->chosen];
    fl_table_cell(table, fl_text_format(text, sizeof text, language, GROWTH_TIME_ROW, name));
    for (int i = 0; i < FL_FIT_TERMS; i++)
        if (i < fit->n_terms)
            push_bounded(table, &fit->terms[i], US_PER_NS, false);
        else
            fl_table_cell(table, "");
    push_bounded(table, &growth->law.exponent, 1, false);
    push_bounded(table, &growth->local, 1, false);
    if (growth->has_crossover)
        push_bounded(table, &growth->crossover, 1, true);
    else
        fl_table_cell(table, "");
    fl_table_format(table, "%.1f %%", 100 * fit->misfit);
    fl_table_cell(table, fl_text(language, VERDICTS[growth->verdict]));
}

int fl_report_growth(struct fl_document *document, const struct fl_plot_input *input,
                     struct fl_error *error)
{
    static const enum fl_string_id HEADINGS[] = {
        FL_STR_C_WHAT_GROWS, FL_STR_C_TERM_A,    FL_STR_C_TERM_B, FL_STR_C_TERM_C, FL_STR_C_POWER,
        FL_STR_C_LOCAL,      FL_STR_C_CROSSOVER, FL_STR_C_MISFIT, FL_STR_C_VERDICT};
    const enum fl_language language = document->language;
    struct fl_table table;
    struct fl_growth growths[N_LINES];
    fl_document_open_table(document, &table, "lrrrrrrrl", HEADINGS);
    for (int i = 0; i < N_LINES; i++) {
        const char *name = fl_text(language, LINE_NAMES[i]);
        if (fl_growth_make(&growths[i], line_of(input->section, i), error) != FL_OK) {
            fl_table_close(&table);
            return FL_FAILED;
        }
        if (!growths[i].has_law)
            continue;
        find_growth(document, &growths[i], name);
        push_flops(&table, &growths[i], name, language);
        push_time(&table, &growths[i], name, language);
    }
    const int status = fl_report_plot(document, input, "growth", error);
    fl_document_add_table(document, &table, fl_text(language, FL_STR_CAPTION_GROWTH));
    return status;
}

/* ---- noise ---- */

int fl_report_noise(struct fl_document *document, const struct fl_plot_input *input,
                    struct fl_error *error)
{
    const struct fl_disturbance *disturbance = &input->section->disturbance;
    char text[FL_NOISE_TEXT];
    (void)error;
    if (!fl_noise_text(document->language, disturbance, 0, text))
        fl_document_text(document, FL_BLOCK_TEXT, FL_STR_NOISE_QUIET);
    for (int i = 0; fl_noise_text(document->language, disturbance, i, text); i++)
        fl_document_say(document, FL_BLOCK_NOTE, PLAIN, text);
    return FL_OK;
}
