/* plots_axes.c - plots that compare the values of another axis: threads, attention kernels. */
#include "reports/plots_internal.h"

#include "analyzers/intensity.h"

#include <stdio.h>
#include <string.h>

/* Lines like `own`, apart from the number of threads or the attention kernel. */
static bool is_like(const struct fl_line *line, const struct fl_line *own, bool any_threads,
                    bool any_attention)
{
    const struct fl_point *a = &line->points->point, *b = &own->points->point;
    return a->phase == b->phase && a->cache == b->cache && a->batch == b->batch &&
           strcmp(a->dtype, b->dtype) == 0 && strcmp(a->logits, b->logits) == 0 &&
           (any_threads || a->n_threads == b->n_threads) &&
           (any_attention || strcmp(a->attention, b->attention) == 0);
}

bool fl_plot_has_threads(const struct fl_plot_input *input)
{
    const struct fl_section *section = input->section;
    int n = 0;
    for (struct fl_line line = {0}; section->prefill.n && fl_section_next_line(section, &line);)
        n += is_like(&line, &section->prefill, true, false);
    return n > 1;
}

/* Kernels that are compared with `causal`, each a colour. */
static const char *const OTHERS[] = {"naive", "flash"};
enum { N_OTHERS = sizeof OTHERS / sizeof *OTHERS };

static struct fl_line with_kernel(const struct fl_section *section, const struct fl_line *like,
                                  const char *attention)
{
    for (struct fl_line line = {0}; like->n && fl_section_next_line(section, &line);)
        if (is_like(&line, like, false, true) &&
            strcmp(line.points->point.attention, attention) == 0)
            return line;
    return (struct fl_line){0};
}

static bool has_other_kernel(const struct fl_section *section, const struct fl_line *like)
{
    if (with_kernel(section, like, "causal").n == 0)
        return false;
    for (int i = 0; i < N_OTHERS; i++)
        if (with_kernel(section, like, OTHERS[i]).n > 0)
            return true;
    return false;
}

/* The prefill whose kernels are compared: the section's own, or else the first with several. */
static struct fl_line compared(const struct fl_section *section)
{
    if (has_other_kernel(section, &section->prefill))
        return section->prefill;
    for (struct fl_line line = {0}; fl_section_next_line(section, &line);)
        if (line.points->point.phase == FL_PHASE_PREFILL && has_other_kernel(section, &line))
            return line;
    return (struct fl_line){0};
}

struct fl_line fl_line_with_kernel(const struct fl_section *section, const char *attention)
{
    const struct fl_line like = compared(section);
    return with_kernel(section, &like, attention);
}

bool fl_plot_has_kernels(const struct fl_plot_input *input)
{
    return compared(input->section).n > 0;
}

/* Clauses for one phase: achieved rate over the context, a line for each number of threads. */
static void put_rates(struct fl_gnuplot *plot, const struct fl_section *section,
                      const struct fl_line *own)
{
    enum { LINES_MAX = 6 };
    int blocks[LINES_MAX] = {0}, threads[LINES_MAX] = {0}, n = 0;
    for (struct fl_line line = {0}; fl_section_next_line(section, &line) && n < LINES_MAX;) {
        if (!is_like(&line, own, true, false))
            continue;
        for (int i = 0; i < line.n; i++) {
            const struct fl_estimate *time = &line.times[i].total;
            double flops = (double)line.points[i].point.counted_flops;
            if (time->low > 0)
                fprintf(plot->data, "%d %.9g %.9g %.9g\n", line.points[i].point.context,
                        flops / time->median, flops / time->high, flops / time->low);
        }
        threads[n] = line.points->point.n_threads;
        blocks[n++] = fl_gnuplot_block(plot);
    }
    fputs("plot ", plot->script);
    for (int i = 0; i < n; i++)
        fprintf(plot->script,
                "%s'data' index %d using 1:2 with lines lt %d title %s, "
                "'' index %d using 1:2:3:4 with yerrorbars lt %d notitle",
                i ? ", " : "", blocks[i], i + 1,
                threads[i] == 1 ? fl_plot_words(plot, FL_STR_ONE_THREAD)
                                : fl_plot_words_of(plot, N_THREADS, threads[i]),
                blocks[i], i + 1);
    fputs("\n", plot->script);
}

static void put_range(struct fl_gnuplot *plot, const struct fl_line *line)
{
    fl_gnuplot_powers_of_two(plot, line->points[0].point.context,
                             line->points[line->n - 1].point.context);
}

int fl_plot_threads(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                    char caption[FL_CAPTION], struct fl_error *error)
{
    (void)error;
    const struct fl_section *section = input->section;
    bool both = section->cached.n > 0;
    fl_plot_panels(plot, FL_STR_PLOT_THREADS, input, NULL);
    fputs("set yrange [0:*]\nset ylabel 'GFLOP/s'\n", plot->script);
    fl_plot_shared_key(plot);
    fl_plot_place(plot, 0.085, both ? 0.495 : 0.98, 0.165, 0.77);
    put_range(plot, &section->prefill);
    fl_plot_set(plot, "title", FL_STR_PREFILL);
    fl_plot_set(plot, "xlabel", FL_STR_PLOT_PROMPT_AXIS);
    put_rates(plot, section, &section->prefill);
    if (both) {
        fputs("unset label 100\nunset key\n", plot->script);
        fl_plot_place(plot, 0.575, 0.985, 0.165, 0.77);
        put_range(plot, &section->cached);
        fl_plot_set(plot, "title", FL_STR_CACHED_STEP);
        fl_plot_set(plot, "xlabel", FL_STR_PLOT_CACHE_AXIS);
        put_rates(plot, section, &section->cached);
    }
    fputs("unset multiplot\n", plot->script);
    char setting[FL_SETTING];
    fl_text_format(caption, FL_CAPTION, plot->language, PLOT_THREADS_CAPTION,
                   fl_setting_text(plot->language, &section->prefill.points->point, setting));
    return FL_OK;
}

/* context, FLOPs and time over those of the causal kernel; -1 when they share no context. */
static int put_ratios(struct fl_gnuplot *plot, const struct fl_line *other,
                      const struct fl_line *causal)
{
    int n = 0;
    for (int i = 0; i < causal->n; i++) {
        int k = fl_line_find(other, causal->points[i].point.context);
        double time_ns = causal->times[i].total.median;
        if (k < 0 || time_ns <= 0 || causal->points[i].point.exact_flops == 0)
            continue;
        fprintf(plot->data, "%d %.9g %.9g\n", causal->points[i].point.context,
                (double)other->points[k].point.exact_flops /
                    (double)causal->points[i].point.exact_flops,
                other->times[k].total.median / time_ns);
        n++;
    }
    return n > 0 ? fl_gnuplot_block(plot) : -1;
}

static void put_ratio_panel(struct fl_gnuplot *plot, const int blocks[N_OTHERS], int column)
{
    fputs("plot ", plot->script);
    for (int i = 0; i < N_OTHERS; i++)
        if (blocks[i] >= 0)
            fprintf(plot->script, "'data' index %d using 1:%d lt %d title '%s', ", blocks[i],
                    column, i == 0 ? 2 : 3, OTHERS[i]);
    fprintf(plot->script, "1 with lines lc rgb '#808080' lw 1 dt 2 title %s\n",
            fl_plot_words(plot, FL_STR_PLOT_EQUAL));
}

int fl_plot_kernels(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                    char caption[FL_CAPTION], struct fl_error *error)
{
    (void)error;
    struct fl_line causal = fl_line_with_kernel(input->section, "causal");
    int blocks[N_OTHERS];
    for (int i = 0; i < N_OTHERS; i++) {
        struct fl_line other = fl_line_with_kernel(input->section, OTHERS[i]);
        blocks[i] = put_ratios(plot, &other, &causal);
    }
    fl_plot_panels(plot, FL_STR_PLOT_KERNELS, input, &causal.points->point);
    put_range(plot, &causal);
    fputs("set yrange [0:*]\n", plot->script);
    fl_plot_set(plot, "xlabel", FL_STR_PLOT_PROMPT_AXIS);
    fl_plot_shared_key(plot);
    fl_plot_place(plot, 0.105, 0.485, 0.165, 0.77);
    fl_plot_set(plot, "title", FL_STR_PLOT_EXACT_FLOPS);
    fl_plot_set(plot, "ylabel", FL_STR_PLOT_KERNELS_AXIS);
    put_ratio_panel(plot, blocks, 2);
    fputs("unset label 100\nunset key\nset ylabel ''\n", plot->script);
    fl_plot_place(plot, 0.575, 0.985, 0.165, 0.77);
    fl_plot_set(plot, "title", FL_STR_PLOT_MEASURED_TIME);
    put_ratio_panel(plot, blocks, 3);
    fputs("unset multiplot\n", plot->script);
    snprintf(caption, FL_CAPTION, "%s", fl_text(plot->language, FL_STR_PLOT_KERNELS_CAPTION));
    return FL_OK;
}
