/* plots_contrast.c - decoding with and without the KV cache: four panels. */
#include "reports/plots_internal.h"

#include <stdio.h>

static const char LOOKS[] =
    "set logscale y 10\nset format y '%.0s %c'\nset grid x y lt 1 lc rgb '#b0808080' lw 1\n";

/* context, FLOPs and times with their intervals: cached, then uncached */
static int put_steps(struct fl_gnuplot *plot, const struct fl_contrast *contrast)
{
    for (int i = 0; i < contrast->n_steps; i++) {
        const struct fl_contrast_step *step = &contrast->steps[i];
        fprintf(plot->data, "%d", step->context);
        for (int k = 0; k < FL_N_CACHES; k++)
            fprintf(plot->data, " %.9g %.9g %.9g %.9g", step->flops[k],
                    step->time_ns[k].median / 1e9, step->time_ns[k].low / 1e9,
                    step->time_ns[k].high / 1e9);
        fputs("\n", plot->data);
    }
    return fl_gnuplot_block(plot);
}

/* Few enough points for a drawing: every one up to 64, then eight in each doubling. */
static int put_sums(struct fl_gnuplot *plot, const struct fl_contrast *contrast)
{
    int step = 1;
    for (int i = 0; i < contrast->n_sums; i += step) {
        const struct fl_contrast_sum *sum = &contrast->sums[i];
        fprintf(plot->data, "%d %.9g %.9g %.9g %.9g\n", sum->n_tokens, sum->flops[FL_CACHED],
                sum->time_ns[FL_CACHED] / 1e9, sum->flops[FL_UNCACHED],
                sum->time_ns[FL_UNCACHED] / 1e9);
        if (i >= 16 * step)
            step *= 2;
        if (i + step >= contrast->n_sums && i < contrast->n_sums - 1)
            step = contrast->n_sums - 1 - i;
    }
    return fl_gnuplot_block(plot);
}

static void put_curves(struct fl_gnuplot *plot, int block, int cached, int uncached,
                       const char *style)
{
    fprintf(plot->script,
            "plot 'data' index %d using 1:%d %s lt 2 title %s, "
            "'' index %d using 1:%d %s lt 1 title %s\n",
            block, uncached, style, fl_plot_words(plot, FL_STR_PLOT_UNCACHED), block, cached, style,
            fl_plot_words(plot, FL_STR_PLOT_CACHED));
}

static void put_step_panels(struct fl_gnuplot *plot, const struct fl_contrast *contrast)
{
    int block = put_steps(plot, contrast);
    fl_gnuplot_powers_of_two(plot, contrast->steps[0].context,
                             contrast->steps[contrast->n_steps - 1].context);
    fl_plot_set(plot, "xlabel", FL_STR_PLOT_BEFORE_AXIS);
    fl_plot_place(plot, 0.10, 0.485, 0.58, 0.86);
    fl_plot_set(plot, "title", FL_STR_PLOT_STEP_FLOPS);
    fputs("set ylabel 'FLOP'\n", plot->script);
    put_curves(plot, block, 2, 6, "");
    fputs("unset label 100\nunset key\n", plot->script);
    fl_plot_place(plot, 0.60, 0.985, 0.58, 0.86);
    fl_plot_set(plot, "title", FL_STR_PLOT_STEP_TIME);
    fputs("set ylabel 's'\n", plot->script);
    fprintf(plot->script,
            "plot 'data' index %d using 1:7 with lines lt 2, "
            "'' index %d using 1:7:8:9 with yerrorbars lt 2, "
            "'' index %d using 1:3 with lines lt 1, "
            "'' index %d using 1:3:4:5 with yerrorbars lt 1\n",
            block, block, block, block);
}

/* A vertical line at the number of tokens from which the cache pays. */
static void put_crossing(struct fl_gnuplot *plot, int crossing)
{
    fputs("unset arrow\nunset label 1\n", plot->script);
    if (crossing > 0)
        fprintf(plot->script,
                "set arrow from %d, graph 0 to %d, graph 1 nohead lc rgb '#808080' dt 2 lw 1.4\n"
                "set label 1 %s at graph 0.16, graph 0.92 left font ',12' tc rgb '#1a1a1a'\n",
                crossing, crossing, fl_plot_words_of(plot, PLOT_CROSSING, crossing));
}

static void put_sum_panels(struct fl_gnuplot *plot, const struct fl_contrast *contrast)
{
    int block = put_sums(plot, contrast);
    fl_gnuplot_powers_of_two(plot, 1, contrast->sums[contrast->n_sums - 1].n_tokens);
    fl_plot_set(plot, "xlabel", FL_STR_PLOT_GENERATED_AXIS);
    fl_plot_place(plot, 0.10, 0.485, 0.09, 0.37);
    fl_plot_set(plot, "title", FL_STR_PLOT_SUM_FLOPS);
    fputs("set ylabel 'FLOP'\n", plot->script);
    put_crossing(plot, contrast->flops_crossing);
    put_curves(plot, block, 2, 4, "with lines");
    fl_plot_place(plot, 0.60, 0.985, 0.09, 0.37);
    fl_plot_set(plot, "title", FL_STR_PLOT_SUM_TIME);
    fputs("set ylabel 's'\n", plot->script);
    put_crossing(plot, contrast->time_crossing);
    put_curves(plot, block, 3, 5, "with lines");
}

int fl_plot_contrast(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                     char caption[FL_CAPTION], struct fl_error *error)
{
    (void)error;
    const struct fl_contrast *contrast = input->contrast;
    fl_plot_panels(plot, FL_STR_PLOT_CONTRAST, input, &input->section->cached.points->point);
    fputs(LOOKS, plot->script);
    fl_plot_shared_key(plot);
    put_step_panels(plot, contrast);
    put_sum_panels(plot, contrast);
    fputs("unset multiplot\n", plot->script);
    fl_text_format(caption, FL_CAPTION, plot->language, PLOT_CONTRAST_CAPTION, contrast->n_prompt,
                   fl_text(plot->language, contrast->prefill_timed
                                               ? FL_STR_PLOT_CONTRAST_PREFILL
                                               : FL_STR_PLOT_CONTRAST_NO_PREFILL));
    return FL_OK;
}
