/* report_measured.c - what the processor did, as counters saw it, beside the formulas. */
#include "reports/report.h"

#include "analyzers/measured.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

/* ---- why there is nothing ---- */

enum fl_string_id fl_report_unmeasured(const struct fl_section *section)
{
    for (int i = 0; i < section->all.n; i++) {
        const char *counter = section->all.points[i].run->counter;
        if (strcmp(counter, "flopgrind") == 0 || strcmp(counter, "papi") == 0)
            return FL_STR_UNMEASURED_YET;
    }
    return FL_STR_UNMEASURED_NO_COUNTER;
}

bool fl_report_is_measured(const struct fl_section *section)
{
    for (int i = 0; i < section->all.n; i++)
        if (section->all.points[i].n_observed > 0)
            return true;
    return false;
}

/* ---- tables ---- */

static void push_grouped(struct fl_table *table, fl_wide value, bool sign)
{
    char text[FL_WIDE_GROUPED];
    fl_table_format(table, "%s%s", sign && value > 0 ? "+" : "", fl_grouped_text(value, text));
}

/* A plain 0 where nothing is left over. */
static void push_percent(struct fl_table *table, fl_wide part, fl_wide whole)
{
    if (part != 0 && whole == 0)
        fl_table_cell(table, "-");
    else if (part == 0)
        fl_table_cell(table, "0");
    else
        fl_table_format(table, "%+.3f %%", fl_percent(part, whole));
}

static void push_intensity(struct fl_table *table, bool has, fl_wide flops, fl_wide bytes)
{
    if (has && bytes > 0)
        fl_table_format(table, "%.2f", (double)flops / (double)bytes);
    else
        fl_table_cell(table, "-");
}

static void push_flops(struct fl_table *table, const struct fl_measured_point *measured,
                       const struct fl_measured_op *op)
{
    (void)measured;
    push_grouped(table, op->exact, false);
    push_grouped(table, op->measured, false);
    push_grouped(table, op->explained, true);
    push_grouped(table, op->unexplained, true);
    push_percent(table, op->unexplained, op->measured);
}

static void push_bytes(struct fl_table *table, const struct fl_measured_point *measured,
                       const struct fl_measured_op *op)
{
    push_grouped(table, op->exact_bytes, false);
    push_grouped(table, op->footprint_bytes, false);
    push_percent(table, op->footprint_bytes - op->exact_bytes, op->exact_bytes);
    push_intensity(table, true, op->exact, op->exact_bytes);
    push_intensity(table, measured->has_flops, op->measured, op->footprint_bytes);
}

typedef void cells(struct fl_table *table, const struct fl_measured_point *measured,
                   const struct fl_measured_op *op);

/* A row an operator and one of all, with the cells that `push` adds to the name. */
static void push_operators(struct fl_table *table, const struct fl_measured_point *measured,
                           cells *push, const char *all)
{
    for (int i = 0; i < measured->n_ops; i++) {
        fl_table_cell(table, fl_operator_name(measured->ops[i].op));
        push(table, measured, &measured->ops[i]);
    }
    fl_table_rule(table);
    fl_table_cell(table, all);
    push(table, measured, &measured->total);
}

static void add_folded(struct fl_document *document, struct fl_table *table, const char *caption)
{
    struct fl_block *block = fl_document_add_table(document, table, caption);
    if (block)
        block->folded = true;
}

static void add_flops(struct fl_document *document, const struct fl_measured_point *measured)
{
    static const enum fl_string_id HEADINGS[] = {FL_STR_C_OPERATOR,       FL_STR_C_EXACT_FLOPS,
                                                 FL_STR_C_MEASURED_FLOPS, FL_STR_C_EXPLAINED,
                                                 FL_STR_C_UNEXPLAINED,    FL_STR_C_OF_MEASURED};
    const enum fl_language language = document->language;
    const struct fl_point *point = &measured->result->point;
    const struct fl_observed *observed = measured->observed;
    char caption[384], threads[FL_THREADS_TEXT];
    if (!measured->has_flops) {
        fl_document_say(document, FL_BLOCK_TEXT, TEXT_FLOPS_UNAVAILABLE,
                        fl_point_words(language, point), point->context, observed->counter);
        return;
    }
    fl_text_format(caption, sizeof caption, language, CAPTION_FLOPS,
                   fl_point_words(language, point), point->context, observed->counter,
                   observed->blas_core, observed->isa,
                   fl_threads_text(language, observed->n_threads, threads));
    struct fl_table table;
    fl_document_open_table(document, &table, "lrrrrr", HEADINGS);
    push_operators(&table, measured, push_flops, fl_text(language, FL_STR_WHOLE_PASS));
    add_folded(document, &table, caption);
}

static void add_bytes(struct fl_document *document, const struct fl_measured_point *measured)
{
    static const enum fl_string_id HEADINGS[] = {
        FL_STR_C_OPERATOR,   FL_STR_C_EXACT_BYTES, FL_STR_C_FOOTPRINT_BYTES,
        FL_STR_C_DIFFERENCE, FL_STR_C_INTENSITY,   FL_STR_C_INTENSITY_MEASURED};
    const enum fl_language language = document->language;
    const struct fl_point *point = &measured->result->point;
    char caption[512];
    if (!measured->has_footprint) {
        fl_document_say(document, FL_BLOCK_TEXT, TEXT_BYTES_UNAVAILABLE,
                        fl_point_words(language, point), measured->observed->counter);
        return;
    }
    fl_text_format(caption, sizeof caption, language, CAPTION_BYTES,
                   fl_point_words(language, point), FL_LINE_BYTES);
    struct fl_table table;
    fl_document_open_table(document, &table, "lrrrrr", HEADINGS);
    push_operators(&table, measured, push_bytes, fl_text(language, FL_STR_ALL_OPERATORS));
    fl_table_cell(&table, fl_text(language, FL_STR_WHOLE_PASS));
    fl_table_cell(&table, "-");
    push_grouped(&table, measured->pass_footprint_bytes, false);
    fl_table_cell(&table, "-");
    fl_table_cell(&table, "-");
    push_intensity(&table, measured->has_flops, measured->total.measured,
                   measured->pass_footprint_bytes);
    add_folded(document, &table, caption);
}

static void push_term(struct fl_table *table, const char *name, fl_wide flops, fl_wide measured)
{
    fl_table_cell(table, name);
    push_grouped(table, flops, true);
    push_percent(table, flops, measured);
}

static void add_terms(struct fl_document *document, const struct fl_measured_point *measured)
{
    static const enum fl_string_id HEADINGS[] = {FL_STR_C_EXACT_TO_MEASURED, FL_STR_C_FLOPS,
                                                 FL_STR_C_OF_MEASURED};
    const enum fl_language language = document->language;
    const struct fl_measured_op *total = &measured->total;
    struct fl_table table;
    char caption[192], words[FL_WORDS];
    if (!measured->has_flops)
        return;
    fl_document_open_table(document, &table, "lrr", HEADINGS);
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
        if (total->terms[term] != 0)
            push_term(&table,
                      fl_text_of(language, fl_excess_name((enum fl_excess_term)term), words),
                      total->terms[term], total->measured);
    push_term(&table, fl_text(language, FL_STR_BETWEEN_OPERATORS), measured->between,
              total->measured);
    push_term(&table, fl_text(language, FL_STR_C_UNEXPLAINED), total->unexplained, total->measured);
    fl_table_rule(&table);
    push_term(&table, fl_text(language, FL_STR_MEASURED_MINUS_EXACT),
              total->measured - total->exact, total->measured);
    fl_text_format(caption, sizeof caption, language, CAPTION_MEASURED_GAP,
                   fl_point_words(language, &measured->result->point),
                   measured->result->point.context);
    fl_document_add_table(document, &table, caption);
}

/* ---- which kernels ---- */

static bool same_note(const struct fl_observed *a, const struct fl_observed *b)
{
    return strcmp(a->counter, b->counter) == 0 && strcmp(a->note, b->note) == 0;
}

static bool same_kernels(const struct fl_observed *a, const struct fl_observed *b)
{
    return strcmp(a->counter, b->counter) == 0 && strcmp(a->blas_core, b->blas_core) == 0 &&
           strcmp(a->isa, b->isa) == 0 && strcmp(a->counter_version, b->counter_version) == 0;
}

/* True when no observation before this one was the same in that respect. */
static bool is_first(const struct fl_section *section, const struct fl_observed *observed,
                     bool (*same)(const struct fl_observed *a, const struct fl_observed *b))
{
    for (int i = 0; i < section->all.n; i++) {
        const struct fl_result *result = &section->all.points[i];
        for (int k = 0; k < result->n_observed; k++)
            if (same(&result->observed[k], observed))
                return &result->observed[k] == observed;
    }
    return true;
}

static void add_kernels(struct fl_document *document, const struct fl_run *run,
                        const struct fl_observed *observed)
{
    bool native =
        strcmp(observed->blas_core, run->blas_core) == 0 && strcmp(observed->isa, run->isa) == 0;
    char counter[128];
    snprintf(counter, sizeof counter, *observed->counter_version ? "%s (%s)" : "%s",
             observed->counter, observed->counter_version);
    if (native)
        fl_document_say(document, FL_BLOCK_TEXT, TEXT_KERNELS, observed->blas_core, observed->isa,
                        counter, run->blas_core, run->isa);
    else
        fl_document_say(document, FL_BLOCK_TEXT, TEXT_OTHER_KERNELS, observed->blas_core,
                        observed->isa, counter, run->blas_core, run->isa);
}

static void add_counters(struct fl_document *document, const struct fl_section *section)
{
    char words[FL_WORDS];
    for (int i = 0; i < section->all.n; i++) {
        const struct fl_result *result = &section->all.points[i];
        for (int k = 0; k < result->n_observed; k++) {
            const struct fl_observed *observed = &result->observed[k];
            if (is_first(section, observed, same_kernels))
                add_kernels(document, result->run, observed);
            if (*observed->note && is_first(section, observed, same_note))
                fl_document_say(document, FL_BLOCK_TEXT, TEXT_COUNTER_SAYS, observed->counter,
                                fl_text_of(document->language, observed->note, words));
        }
    }
}

/* ---- in words ---- */

/* What cancels over the operators is unexplained all the same. */
static bool is_explained(const struct fl_measured_point *measured)
{
    for (int i = 0; i < measured->n_ops; i++)
        if (measured->ops[i].unexplained != 0)
            return false;
    return true;
}

static void find_flops(struct fl_document *document, const struct fl_measured_point *measured)
{
    const enum fl_language language = document->language;
    const struct fl_measured_op *total = &measured->total;
    const struct fl_point *point = &measured->result->point;
    fl_wide gap = total->measured - total->exact;
    char flops[FL_UNIT_TEXT], part[224] = "", rest[96], figure[32], words[FL_WORDS];
    int largest = 0;
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
        if (total->terms[term] > total->terms[largest])
            largest = term;
    if (total->terms[largest] > 0)
        fl_text_format(part, sizeof part, language, LARGEST_PART,
                       fl_text_of(language, fl_excess_name((enum fl_excess_term)largest), words),
                       fl_percent(total->terms[largest], total->exact));
    if (is_explained(measured))
        snprintf(rest, sizeof rest, "%s", fl_text(language, FL_STR_NOTHING_UNEXPLAINED));
    else
        fl_text_format(rest, sizeof rest, language, SOME_UNEXPLAINED,
                       fl_percent(total->unexplained, total->measured));
    snprintf(figure, sizeof figure, "%+.2f %%", fl_percent(gap, total->exact));
    fl_si_text((double)total->measured, "FLOP", flops);
    if (gap < 0)
        fl_document_find(document, figure, FIND_MEASURED_LESS, fl_point_words(language, point),
                         point->context, flops, measured->observed->counter,
                         fl_percent(-gap, total->exact), part, rest);
    else
        fl_document_find(document, figure, FIND_MEASURED_MORE, fl_point_words(language, point),
                         point->context, flops, measured->observed->counter,
                         fl_percent(gap, total->exact), part, rest);
}

static void find_footprint(struct fl_document *document, const struct fl_measured_point *measured)
{
    const struct fl_measured_op *total = &measured->total;
    const struct fl_point *point = &measured->result->point;
    char touched[FL_UNIT_TEXT], exact[FL_UNIT_TEXT];
    fl_bytes_text((double)measured->pass_footprint_bytes, touched);
    fl_document_find(
        document, touched, FIND_FOOTPRINT, fl_point_words(document->language, point),
        point->context, touched, fl_bytes_text((double)total->exact_bytes, exact),
        fl_percent(measured->pass_footprint_bytes - total->exact_bytes, total->exact_bytes));
}

static void find_measured(struct fl_document *document, const struct fl_section *section)
{
    const struct fl_line *lines[] = {&section->prefill, &section->cached};
    for (int line = 0; line < 2; line++) {
        const struct fl_result *result = fl_section_measured(section, lines[line]);
        struct fl_measured_point measured;
        if (!result)
            continue;
        fl_measured_point_make(&measured, result, fl_result_observed(result));
        if (measured.has_flops)
            find_flops(document, &measured);
        if (measured.has_footprint && lines[line] == &section->cached)
            find_footprint(document, &measured);
    }
}

int fl_report_measured(struct fl_document *document, const struct fl_plot_input *input,
                       struct fl_error *error)
{
    const struct fl_section *section = input->section;
    const struct fl_line *lines[] = {&section->prefill, &section->cached, &section->uncached};
    if (!fl_report_is_measured(section)) {
        fl_document_say(document, FL_BLOCK_MISSING, MISS_MEASURED,
                        fl_text(document->language, fl_report_unmeasured(section)));
        return FL_OK;
    }
    find_measured(document, section);
    if (fl_report_plot(document, input, "measured", error) != FL_OK)
        return FL_FAILED;
    add_counters(document, section);
    for (int line = 0; line < 3; line++) {
        const struct fl_result *result = fl_section_measured(section, lines[line]);
        for (int i = 0; result && i < result->n_observed; i++) {
            struct fl_measured_point measured;
            fl_measured_point_make(&measured, result, &result->observed[i]);
            add_terms(document, &measured);
            add_flops(document, &measured);
            add_bytes(document, &measured);
        }
    }
    return FL_OK;
}
