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

/* The first line like the section's prefill with this kernel; n is 0 when there is none. */
static struct fl_line with_kernel(const struct fl_section *section, const char *attention)
{
    for (struct fl_line line = {0}; section->prefill.n && fl_section_next_line(section, &line);)
        if (is_like(&line, &section->prefill, false, true) &&
            strcmp(line.points->point.attention, attention) == 0)
            return line;
    return (struct fl_line){0};
}

bool fl_plot_has_kernels(const struct fl_plot_input *input)
{
    return with_kernel(input->section, "naive").n > 0 &&
           with_kernel(input->section, "causal").n > 0;
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
                "%s'data' index %d using 1:2 with lines lt %d title '%d thread%s', "
                "'' index %d using 1:2:3:4 with yerrorbars lt %d notitle",
                i ? ", " : "", blocks[i], i + 1, threads[i], threads[i] == 1 ? "" : "s", blocks[i],
                i + 1);
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
    fl_plot_panels(plot, "What more threads bring", input, NULL);
    fputs("set yrange [0:*]\nset ylabel 'GFLOP/s'\n", plot->script);
    fl_plot_shared_key(plot);
    fl_plot_place(plot, 0.085, both ? 0.495 : 0.98, 0.165, 0.77);
    put_range(plot, &section->prefill);
    fputs("set title 'prefill'\nset xlabel 'prompt tokens s'\n", plot->script);
    put_rates(plot, section, &section->prefill);
    if (both) {
        fputs("unset label 100\nunset key\n", plot->script);
        fl_plot_place(plot, 0.575, 0.985, 0.165, 0.77);
        put_range(plot, &section->cached);
        fputs("set title 'cached decode step'\nset xlabel 'tokens in the cache'\n", plot->script);
        put_rates(plot, section, &section->cached);
    }
    fputs("unset multiplot\n", plot->script);
    char setting[FL_SETTING];
    snprintf(caption, FL_CAPTION,
             "Counted FLOPs over the median time, with its 95 %% interval. Like the first table "
             "(%s) but for the threads.",
             fl_setting_text(&section->prefill.points->point, setting));
    return FL_OK;
}

int fl_plot_kernels(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                    char caption[FL_CAPTION], struct fl_error *error)
{
    (void)error;
    struct fl_line naive = with_kernel(input->section, "naive");
    struct fl_line causal = with_kernel(input->section, "causal");
    for (int i = 0; i < causal.n; i++) {
        int k = fl_line_find(&naive, causal.points[i].point.context);
        double time_ns = causal.times[i].total.median;
        if (k >= 0 && time_ns > 0 && causal.points[i].point.exact_flops > 0)
            fprintf(plot->data, "%d %.9g %.9g\n", causal.points[i].point.context,
                    (double)naive.points[k].point.exact_flops /
                        (double)causal.points[i].point.exact_flops,
                    naive.times[k].total.median / time_ns);
    }
    int block = fl_gnuplot_block(plot);
    fl_plot_title(plot, "Skipping the masked half: naive against causal attention", input, NULL);
    put_range(plot, &causal);
    fprintf(plot->script,
            "set ylabel 'naive / causal'\nset xlabel 'prompt tokens s'\nset yrange [0:*]\n"
            "set key outside right center Left reverse\n"
            "plot 'data' index %d using 1:2 lt 1 title 'exact FLOPs', "
            "'' index %d using 1:3 lt 2 title 'measured time', "
            "1 with lines lc rgb '#808080' lw 1 dt 2 title 'equal'\n",
            block, block);
    snprintf(caption, FL_CAPTION,
             "Whole prefill: what computing all s x s scores costs over what computing the "
             "s(s+1)/2 visible ones costs. A ratio of times below one means that the smaller "
             "products of the causal kernel ran less efficiently than what they saved.");
    return FL_OK;
}
