/* report_axes.c - topics that compare along another axis: operators' shares of the time, threads,
 * attention kernels, formats. */
#include "reports/plots_internal.h"
#include "reports/report.h"

#include "analyzers/intensity.h"

#include <stdio.h>
#include <string.h>

enum { FIGURE = 48 };

/* ---- shares of the time ---- */

/* The group of operators that took most of a point's time, and how much of it in percent. */
static const char *largest_group(const struct fl_timing *timing, double *percent)
{
    double largest = 0, sum = timing->outside_ns > 0 ? timing->outside_ns : 0;
    const char *name = "none";
    for (int i = 0; i < FL_N_OPERATORS; i++) {
        const char *group = fl_operator_group((enum fl_operator)i);
        double group_ns = 0;
        for (int k = 0; k < FL_N_OPERATORS; k++)
            if (strcmp(fl_operator_group((enum fl_operator)k), group) == 0)
                group_ns += timing->op_ns[k];
        if (group_ns > largest) {
            largest = group_ns;
            name = group;
        }
        sum += timing->op_ns[i];
    }
    *percent = sum > 0 ? 100 * largest / sum : 0;
    return name;
}

int fl_report_time(struct fl_document *document, const struct fl_plot_input *input,
                   struct fl_error *error)
{
    const struct fl_line *lines[] = {&input->section->prefill, &input->section->cached};
    const char *names[2];
    double percents[2];
    int contexts[2];
    char words[2][FL_WORDS], figure[FIGURE];
    for (int k = 0; k < 2; k++) {
        int last = lines[k]->n - 1;
        contexts[k] = lines[k]->points[last].point.context;
        names[k] = fl_text_of(document->language,
                              largest_group(&lines[k]->times[last], &percents[k]), words[k]);
    }
    snprintf(figure, sizeof figure, "%.0f %%", percents[0]);
    fl_document_find(document, figure, FIND_TIME, names[0], contexts[0], percents[0], names[1],
                     contexts[1], percents[1]);
    return fl_report_plot(document, input, "time", error);
}

/* ---- threads ---- */

/* The point like `own` with the fewest threads (most: with the most), at the same context. */
static const struct fl_point *with_threads(const struct fl_section *section,
                                           const struct fl_line *own, bool most, double *ns)
{
    const struct fl_point *like = &own->points[own->n - 1].point, *found = NULL;
    for (int i = 0; i < section->all.n; i++) {
        const struct fl_point *point = &section->all.points[i].point;
        if (point->phase != like->phase || point->cache != like->cache ||
            point->batch != like->batch || point->context != like->context ||
            strcmp(point->attention, like->attention) != 0 ||
            strcmp(point->dtype, like->dtype) != 0 || strcmp(point->logits, like->logits) != 0)
            continue;
        if (found && (point->n_threads > found->n_threads) != most)
            continue;
        found = point;
        *ns = section->all.times[i].total.median;
    }
    return found;
}

static void find_threads(struct fl_document *document, const struct fl_section *section,
                         const struct fl_line *own)
{
    double slow = 0, fast = 0;
    if (own->n == 0)
        return;
    const struct fl_point *few = with_threads(section, own, false, &slow);
    const struct fl_point *many = with_threads(section, own, true, &fast);
    char figure[FIGURE], from[FL_THREADS_TEXT], to[FL_THREADS_TEXT];
    if (!few || !many || few->n_threads == many->n_threads || fast <= 0)
        return;
    snprintf(figure, sizeof figure, "%.2f×", slow / fast);
    fl_threads_text(document->language, few->n_threads, from);
    fl_threads_text(document->language, many->n_threads, to);
    if (few->phase == FL_PHASE_PREFILL)
        fl_document_find(document, figure, FIND_THREADS, from, to, few->context, slow / fast);
    else
        fl_document_find(document, figure, FIND_THREADS_DECODE, from, to, few->context,
                         slow / fast);
}

int fl_report_threads(struct fl_document *document, const struct fl_plot_input *input,
                      struct fl_error *error)
{
    find_threads(document, input->section, &input->section->prefill);
    find_threads(document, input->section, &input->section->cached);
    return fl_report_plot(document, input, "threads", error);
}

/* ---- attention kernels ---- */

static void find_kernel(struct fl_document *document, const struct fl_section *section,
                        const char *kernel)
{
    struct fl_line other = fl_line_with_kernel(section, kernel);
    struct fl_line causal = fl_line_with_kernel(section, "causal");
    char figure[FIGURE];
    for (int i = causal.n - 1; i >= 0; i--) {
        int k = fl_line_find(&other, causal.points[i].point.context);
        double exact = (double)causal.points[i].point.exact_flops;
        double ns = causal.times[i].total.median;
        if (k < 0 || exact <= 0 || ns <= 0)
            continue;
        double flops = (double)other.points[k].point.exact_flops / exact;
        snprintf(figure, sizeof figure, "%.2f×", other.times[k].total.median / ns);
        fl_document_find(document, figure, FIND_KERNEL, causal.points[i].point.context, kernel,
                         flops, other.times[k].total.median / ns);
        return;
    }
}

int fl_report_kernels(struct fl_document *document, const struct fl_plot_input *input,
                      struct fl_error *error)
{
    find_kernel(document, input->section, "naive");
    find_kernel(document, input->section, "flash");
    return fl_report_plot(document, input, "attention", error);
}

/* ---- formats ---- */

int fl_report_formats(struct fl_document *document, const struct fl_plot_input *input,
                      struct fl_error *error)
{
    enum { STEP = 1 };
    struct fl_format_row rows[FL_FORMAT_ROWS];
    int n = fl_format_rows(input, rows);
    const struct fl_format_row *fastest = NULL, *first = NULL;
    for (int i = 0; i < n; i++) {
        if (!rows[i].points[STEP] || rows[i].times[STEP]->total.median <= 0)
            continue;
        if (!first)
            first = &rows[i];
        if (!fastest || rows[i].times[STEP]->total.median < fastest->times[STEP]->total.median)
            fastest = &rows[i];
    }
    if (fastest && fastest != first) {
        const struct fl_point *a = &fastest->points[STEP]->point, *b = &first->points[STEP]->point;
        double ratio = first->times[STEP]->total.median / fastest->times[STEP]->total.median;
        char figure[FIGURE], small[FL_UNIT_TEXT], large[FL_UNIT_TEXT];
        snprintf(figure, sizeof figure, "%.2f×", ratio);
        fl_document_find(document, figure, FIND_FORMAT, fastest->name, a->context,
                         fl_bytes_text((double)a->bytes_read, small),
                         fl_bytes_text((double)b->bytes_read, large), first->name, ratio);
    }
    return fl_report_plot(document, input, "formats", error);
}
