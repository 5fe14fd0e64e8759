/* plots_compare.c - a forest plot: a line a point, the ratio of medians with its interval. */
#include "reports/compare_render.h"

#include "reports/plots_internal.h"

#include <math.h>

enum { WIDTH = 860, LINE_HEIGHT = 22, MARGINS = 150, ROWS_MAX = 400, LABEL = 160 };

/* Of finite ends, and of the band. */
static void find_range(const struct fl_compare_report *report, double *low, double *high)
{
    *high = 1 + 1.5 * report->options->threshold;
    *low = 1 / *high;
    for (int i = 0; i < report->comparison->n; i++) {
        const struct fl_ratio *ratio = &report->comparison->rows[i].ratio;
        const bool bounded = isfinite(ratio->high) && ratio->low > 0;
        *low = fmin(*low, bounded ? ratio->low : ratio->ratio);
        *high = fmax(*high, bounded ? ratio->high : ratio->ratio);
    }
    const double room = pow(*high / *low, 0.05);
    *low /= room;
    *high *= room;
}

static void put_nothing(struct fl_gnuplot *plot)
{
    fprintf(plot->data, "0 %g %g %g\n", NAN, NAN, NAN);
}

/* Blocks of data in the order of verdicts, then the mean; a row is y, ratio, low, high. */
static void put_data(struct fl_gnuplot *plot, const struct fl_compare_report *report, int n,
                     double low, double high)
{
    const struct fl_comparison *comparison = report->comparison;
    for (int verdict = 0; verdict < FL_N_VERDICTS; verdict++) {
        put_nothing(plot); /* a block may not be empty */
        for (int i = 0; i < n; i++) {
            const struct fl_compare_row *row = &comparison->rows[i];
            if (row->verdict == (enum fl_verdict)verdict)
                fprintf(plot->data, "%d %.9g %.9g %.9g\n", n - i, row->ratio.ratio,
                        fmax(row->ratio.low, low), fmin(row->ratio.high, high));
        }
        fl_gnuplot_block(plot);
    }
    if (isfinite(comparison->mean))
        fprintf(plot->data, "0 %.9g %.9g %.9g\n", comparison->mean, comparison->mean_low,
                comparison->mean_high);
    else
        put_nothing(plot);
    fl_gnuplot_block(plot);
}

static void put_labels(struct fl_gnuplot *plot, const struct fl_compare_report *report, int n)
{
    fprintf(plot->script, "set ytics (%s 0", fl_plot_words(plot, FL_STR_COMPARE_MEAN));
    for (int i = 0; i < n; i++) {
        char label[LABEL];
        fl_compare_row_label(report->comparison, i, label, sizeof label);
        fprintf(plot->script, ", %s %d", fl_plot_quote(plot, label), n - i);
    }
    fputs(")\n", plot->script);
}

/* 1, 2 or 5 times a power of ten, some eight ticks; a logarithmic axis would have one. */
static double tick_step(double span)
{
    const double unit = pow(10, floor(log10(span / 8))), steps = span / 8 / unit;
    return unit * (steps > 5 ? 10 : steps > 2 ? 5 : steps > 1 ? 2 : 1);
}

static void put_script(struct fl_gnuplot *plot, const struct fl_compare_report *report, int n,
                       double low, double high)
{
    static const enum fl_string_id VERDICTS[FL_N_VERDICTS] = {
        FL_STR_COMPARE_SLOWER, FL_STR_COMPARE_FASTER, FL_STR_COMPARE_SAME,
        FL_STR_COMPARE_INCONCLUSIVE};
    static const int COLOURS[FL_N_VERDICTS] = {2, 1, 3, 8};
    const double most = 1 + report->options->threshold;
    fprintf(plot->script, "set title %s.\"\\n\".%s\n",
            fl_plot_words(plot, FL_STR_COMPARE_PLOT_TITLE),
            fl_plot_words_of(plot, COMPARE_PLOT_BELOW, 100 * report->options->bootstrap.confidence,
                             100 * report->options->threshold));
    fl_plot_set(plot, "xlabel", FL_STR_COMPARE_AXIS);
    put_labels(plot, report, n);
    fprintf(plot->script,
            "set logscale x\nset xrange [%.9g:%.9g]\nset yrange [-0.8:%d.8]\n"
            "set format x '%%.4g'\nset grid x noy\nset bars 0.5\n"
            "set object 1 rectangle from %.9g, graph 0 to %.9g, graph 1 behind "
            "fc rgb '#808080' fs transparent solid 0.18 noborder\n"
            "set arrow 1 from 1, graph 0 to 1, graph 1 nohead lc rgb '#808080' lw 1\n"
            "set key outside bottom center horizontal Left reverse\n",
            low, high, n, 1 / most, most);
    if (high / low < 4)
        fprintf(plot->script, "unset mxtics\nset xtics %.3g\n", tick_step(high - low));
    fputs("plot ", plot->script);
    for (int verdict = 0; verdict < FL_N_VERDICTS; verdict++)
        fprintf(plot->script,
                "'data' index %d using 2:1:3:4 with xerrorbars lt %d pt 7 ps 0.6 title %s, ",
                verdict, COLOURS[verdict], fl_plot_words(plot, VERDICTS[verdict]));
    fprintf(plot->script,
            "'data' index %d using 2:1:3:4 with xerrorbars lc rgb '#1a1a1a' lw 2 pt 13 ps 1 "
            "notitle\n",
            FL_N_VERDICTS);
}

int fl_compare_draw(struct fl_drawing *drawing, const struct fl_compare_report *report,
                    enum fl_language language, struct fl_error *error)
{
    struct fl_gnuplot plot;
    const int n = report->comparison->n < ROWS_MAX ? report->comparison->n : ROWS_MAX;
    double low, high;
    *drawing = (struct fl_drawing){.name = "compare",
                                   .title = fl_text(language, FL_STR_COMPARE_PLOT_TITLE),
                                   .width = WIDTH,
                                   .height = MARGINS + LINE_HEIGHT * (n + 1)};
    if (fl_gnuplot_open(&plot, drawing->name, drawing->width, drawing->height, error) != FL_OK)
        return FL_FAILED;
    plot.language = language;
    find_range(report, &low, &high);
    put_data(&plot, report, n, low, high);
    put_script(&plot, report, n, low, high);
    const int status = fl_gnuplot_run(&plot, &drawing->svg, error);
    fl_gnuplot_close(&plot);
    return status;
}
