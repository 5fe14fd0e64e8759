/* report_measured.c - what the processor did, as counters saw it, beside the formulas. */
#include "analyzers/measured.h"
#include "base/units.h"
#include "reports/report.h"

#include <stdio.h>
#include <string.h>

static const char *point_name(const struct fl_point *point)
{
    return point->phase == FL_PHASE_PREFILL ? "prefill"
           : point->cache                   ? "cached decode step"
                                            : "uncached decode step";
}

/* ---- why there is nothing ---- */

const char *fl_report_unmeasured(const struct fl_section *section)
{
    for (int i = 0; i < section->all.n; i++) {
        const char *counter = section->all.points[i].run->counter;
        if (strcmp(counter, "flopgrind") == 0 || strcmp(counter, "papi") == 0)
            return "the sweep ended before any of these points was counted; the same command goes "
                   "on from there";
    }
    return "no counter was asked for; the same sweep with --counter flopgrind counts these points "
           "on any machine";
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

static void add_flops(struct fl_document *document, const struct fl_measured_point *measured)
{
    static const char *const HEADINGS[] = {"operator",  "exact FLOPs", "measured FLOPs",
                                           "explained", "unexplained", "of measured"};
    const struct fl_point *point = &measured->result->point;
    const struct fl_observed *observed = measured->observed;
    char caption[320];
    if (!measured->has_flops) {
        fl_document_add(document, FL_BLOCK_TEXT,
                        "FLOPs of a %s at s = %d: unavailable: %s counts none here.",
                        point_name(point), point->context, observed->counter);
        return;
    }
    snprintf(caption, sizeof caption,
             "FLOPs of a %s at s = %d, layers together, counted by %s with the kernels of %s and "
             "%s on %d thread%s",
             point_name(point), point->context, observed->counter, observed->blas_core,
             observed->isa, observed->n_threads, observed->n_threads == 1 ? "" : "s");
    struct fl_table table;
    fl_table_open(&table, "lrrrrr", HEADINGS);
    push_operators(&table, measured, push_flops, "whole pass");
    fl_document_add_table(document, &table, caption);
}

static void add_bytes(struct fl_document *document, const struct fl_measured_point *measured)
{
    static const char *const HEADINGS[] = {"operator",   "exact bytes", "footprint bytes",
                                           "difference", "FLOP/byte",   "FLOP/byte measured"};
    const struct fl_point *point = &measured->result->point;
    char caption[320];
    if (!measured->has_footprint) {
        fl_document_add(document, FL_BLOCK_TEXT,
                        "Bytes the same %s touched: unavailable: %s counted no memory lines.",
                        point_name(point), measured->observed->counter);
        return;
    }
    snprintf(caption, sizeof caption,
             "Bytes of the same %s: exact is every operand read once and every result written "
             "once per operator; footprint is the distinct lines of %d bytes that an operator "
             "touched. In the whole pass a line counts once, whoever touches it",
             point_name(point), FL_LINE_BYTES);
    struct fl_table table;
    fl_table_open(&table, "lrrrrr", HEADINGS);
    push_operators(&table, measured, push_bytes, "all operators");
    fl_table_cell(&table, "whole pass");
    fl_table_cell(&table, "-");
    push_grouped(&table, measured->pass_footprint_bytes, false);
    fl_table_cell(&table, "-");
    fl_table_cell(&table, "-");
    push_intensity(&table, measured->has_flops, measured->total.measured,
                   measured->pass_footprint_bytes);
    fl_document_add_table(document, &table, caption);
}

static void push_term(struct fl_table *table, const char *name, fl_wide flops, fl_wide measured)
{
    fl_table_cell(table, name);
    push_grouped(table, flops, true);
    push_percent(table, flops, measured);
}

static void add_terms(struct fl_document *document, const struct fl_measured_point *measured)
{
    static const char *const HEADINGS[] = {"from exact to measured", "FLOPs", "of measured"};
    const struct fl_measured_op *total = &measured->total;
    struct fl_table table;
    char caption[160];
    if (!measured->has_flops)
        return;
    fl_table_open(&table, "lrr", HEADINGS);
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
        if (total->terms[term] != 0)
            push_term(&table, fl_excess_name((enum fl_excess_term)term), total->terms[term],
                      total->measured);
    push_term(&table, "between the operators", measured->between, total->measured);
    push_term(&table, "unexplained", total->unexplained, total->measured);
    fl_table_rule(&table);
    push_term(&table, "measured - exact", total->measured - total->exact, total->measured);
    snprintf(caption, sizeof caption, "The gap of a %s at s = %d: from exact to measured",
             point_name(&measured->result->point), measured->result->point.context);
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
    bool version = *observed->counter_version != '\0';
    fl_document_add(document, FL_BLOCK_TEXT,
                    "Counted: %s kernels of OpenBLAS and %s of our own, by %s%s%s%s. Timed: %s and "
                    "%s, natively.%s",
                    observed->blas_core, observed->isa, observed->counter, version ? " (" : "",
                    observed->counter_version, version ? ")" : "", run->blas_core, run->isa,
                    native ? ""
                           : " These are other kernels: their mathematics is the same, what they "
                             "execute beyond it is not.");
}

static void add_counters(struct fl_document *document, const struct fl_section *section)
{
    for (int i = 0; i < section->all.n; i++) {
        const struct fl_result *result = &section->all.points[i];
        for (int k = 0; k < result->n_observed; k++) {
            const struct fl_observed *observed = &result->observed[k];
            if (is_first(section, observed, same_kernels))
                add_kernels(document, result->run, observed);
            if (*observed->note && is_first(section, observed, same_note))
                fl_document_add(document, FL_BLOCK_TEXT, "What %s says of its figures: %s.",
                                observed->counter, observed->note);
        }
    }
}

void fl_report_measured(struct fl_document *document, const struct fl_section *section)
{
    const struct fl_line *lines[] = {&section->prefill, &section->cached, &section->uncached};
    fl_document_subheading(document, "What the processor did");
    if (!fl_report_is_measured(section)) {
        fl_document_add(document, FL_BLOCK_TEXT, "Measured: unavailable: %s.",
                        fl_report_unmeasured(section));
        return;
    }
    add_counters(document, section);
    for (int line = 0; line < 3; line++) {
        const struct fl_result *result = fl_line_measured(lines[line]);
        for (int i = 0; result && i < result->n_observed; i++) {
            struct fl_measured_point measured;
            fl_measured_point_make(&measured, result, &result->observed[i]);
            add_flops(document, &measured);
            add_terms(document, &measured);
            add_bytes(document, &measured);
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
    const struct fl_measured_op *total = &measured->total;
    const struct fl_point *point = &measured->result->point;
    fl_wide gap = total->measured - total->exact;
    char flops[FL_UNIT_TEXT], term_text[128] = "", rest[64] = "Nothing is left unexplained";
    int largest = 0;
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
        if (total->terms[term] > total->terms[largest])
            largest = term;
    if (total->terms[largest] > 0)
        snprintf(term_text, sizeof term_text, " The largest named part of it is %s (%+.2f %%).",
                 fl_excess_name((enum fl_excess_term)largest),
                 fl_percent(total->terms[largest], total->exact));
    if (!is_explained(measured))
        snprintf(rest, sizeof rest, "Unexplained: %+.3f %% of what was measured",
                 fl_percent(total->unexplained, total->measured));
    fl_document_add(document, FL_BLOCK_FINDING,
                    "In a %s at s = %d the processor executed %s, as %s counted: %.2f %% %s than "
                    "the exact figure.%s %s.",
                    point_name(point), point->context,
                    fl_si_text((double)total->measured, "FLOP", flops), measured->observed->counter,
                    fl_percent(gap < 0 ? -gap : gap, total->exact), gap < 0 ? "less" : "more",
                    term_text, rest);
}

static void find_footprint(struct fl_document *document, const struct fl_measured_point *measured)
{
    const struct fl_measured_op *total = &measured->total;
    const struct fl_point *point = &measured->result->point;
    char touched[FL_UNIT_TEXT], exact[FL_UNIT_TEXT];
    fl_document_add(
        document, FL_BLOCK_FINDING,
        "The %s at s = %d touched %s of distinct memory lines; by the formulas its "
        "operators read and write %s (%+.1f %%; a line that several operators touch "
        "is one line, and several times traffic).",
        point_name(point), point->context,
        fl_bytes_text((double)measured->pass_footprint_bytes, touched),
        fl_bytes_text((double)total->exact_bytes, exact),
        fl_percent(measured->pass_footprint_bytes - total->exact_bytes, total->exact_bytes));
}

void fl_report_find_measured(struct fl_document *document, const struct fl_section *section)
{
    const struct fl_line *lines[] = {&section->prefill, &section->cached};
    if (!fl_report_is_measured(section)) {
        fl_document_add(document, FL_BLOCK_MISSING, "measured FLOPs and bytes: unavailable: %s.",
                        fl_report_unmeasured(section));
        return;
    }
    for (int line = 0; line < 2; line++) {
        const struct fl_result *result = fl_line_measured(lines[line]);
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
