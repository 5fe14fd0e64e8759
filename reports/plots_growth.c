/* plots_growth.c - how FLOPs and time grow: data, curves, and where the quadratic part of the
 * prefill overtakes the linear one. */
#include "reports/plots_internal.h"

#include "analyzers/growth.h"

#include <math.h>
#include <stdio.h>

enum { N_LINES = 3, STEPS = 80 };

static const enum fl_string_id NAMES[N_LINES] = {FL_STR_GROWTH_PREFILL, FL_STR_GROWTH_CACHED,
                                                 FL_STR_GROWTH_UNCACHED};

/* One panel: blocks of data points and of curves, and the smallest and largest y of the points. */
struct panel {
    int points[N_LINES], curves[N_LINES]; /* -1: none */
    int parts, crossing;                  /* of the prefill */
    double low, high;
};

static void see(struct panel *panel, double y)
{
    panel->low = panel->low > 0 ? fmin(panel->low, y) : y;
    panel->high = fmax(panel->high, y);
}

static int put_curve(struct fl_gnuplot *plot, const double terms[FL_FIT_TERMS], double from,
                     double to, double scale)
{
    for (int i = 0; i <= STEPS; i++) {
        const double s = from * pow(to / from, (double)i / STEPS);
        const double linear = terms[1] * s, quadratic = terms[2] * s * s;
        fprintf(plot->data, "%.9g %.9g %.9g %.9g\n", s, scale * (terms[0] + linear + quadratic),
                scale * linear, scale * quadratic);
    }
    return fl_gnuplot_block(plot);
}

/* terms NULL: the data alone. */
static void put_parts(struct fl_gnuplot *plot, struct panel *panel, const double *terms, double to,
                      double scale)
{
    const double crossing = terms[2] > 0 ? terms[1] / terms[2] : INFINITY;
    if (!(crossing >= 1 && crossing <= to))
        return;
    fprintf(plot->data, "%.9g %.9g\n", crossing, scale * terms[1] * crossing);
    panel->crossing = fl_gnuplot_block(plot);
}

static void put_flops(struct fl_gnuplot *plot, struct panel *panel, int k,
                      const struct fl_line *line, const struct fl_growth *growth, double to)
{
    for (int i = 0; i < line->n; i++) {
        const double flops = (double)line->points[i].point.exact_flops;
        fprintf(plot->data, "%d %.9g\n", line->points[i].point.context, flops);
        see(panel, flops);
    }
    panel->points[k] = fl_gnuplot_block(plot);
    if (!growth->is_polynomial)
        return;
    panel->curves[k] = put_curve(plot, growth->flops, growth->first, to, 1);
    if (k == 0) {
        panel->parts = panel->curves[k];
        put_parts(plot, panel, growth->flops, to, 1);
    }
}

static void put_times(struct fl_gnuplot *plot, struct panel *panel, int k,
                      const struct fl_line *line, const struct fl_growth *growth, double to)
{
    const double ms = 1e-6;
    for (int i = 0; i < line->n; i++) {
        const struct fl_estimate *time = &line->times[i].total;
        fprintf(plot->data, "%d %.9g %.9g %.9g\n", line->points[i].point.context, ms * time->median,
                ms * time->low, ms * time->high);
        see(panel, ms * time->median);
    }
    panel->points[k] = fl_gnuplot_block(plot);
    if (growth->n_fits == 0)
        return;
    const struct fl_polynomial *fit = &growth->fits[growth->chosen];
    const double terms[] = {fit->terms[0].value, fit->terms[1].value, fit->terms[2].value};
    panel->curves[k] = put_curve(plot, terms, growth->first, to, ms);
    if (k == 0) {
        panel->parts = panel->curves[k];
        put_parts(plot, panel, terms, to, ms);
    }
}

/* The key is shared: the left panel names the lines, the right one the parts; room for it above. */
static void draw_panel(struct fl_gnuplot *plot, const struct panel *panel, bool intervals)
{
    const char *between = "plot ";
    fprintf(plot->script, "set logscale y 10\nset yrange [%.9g:%.9g]\n", panel->low / 3,
            panel->high * 4);
    if (intervals)
        fputs("set format y '%g'\n", plot->script);
    else
        fputs("set format y '%.0s%c'\n", plot->script);
    for (int k = 0; k < N_LINES; k++) {
        if (panel->points[k] < 0)
            continue;
        fprintf(plot->script, "%s'data' index %d using 1:2%s with %s lt %d pt 7 ps 0.6 title %s",
                between, panel->points[k], intervals ? ":3:4" : "",
                intervals ? "yerrorbars" : "points", k + 1,
                intervals ? "\"\"" : fl_plot_words(plot, NAMES[k]));
        between = ", ";
        if (panel->curves[k] >= 0)
            fprintf(plot->script, ", 'data' index %d using 1:2 with lines lt %d notitle",
                    panel->curves[k], k + 1);
    }
    if (panel->parts >= 0)
        fprintf(plot->script,
                ", 'data' index %d using 1:($3>0?$3:1/0) with lines lt 1 dt 2 lw 1 title %s"
                ", 'data' index %d using 1:($4>0?$4:1/0) with lines lt 1 dt 3 lw 1.5 title %s",
                panel->parts, intervals ? fl_plot_words(plot, FL_STR_KEY_LINEAR_PART) : "\"\"",
                panel->parts, intervals ? fl_plot_words(plot, FL_STR_KEY_QUADRATIC_PART) : "\"\"");
    if (panel->crossing >= 0)
        fprintf(plot->script,
                ", 'data' index %d using 1:2 with points lc rgb '#1a1a1a' pt 13 ps 1.3 notitle",
                panel->crossing);
    fputs("\n", plot->script);
}

int fl_plot_growth(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                   char caption[FL_CAPTION], struct fl_error *error)
{
    const struct fl_section *section = input->section;
    const struct fl_line *const lines[N_LINES] = {&section->prefill, &section->cached,
                                                  &section->uncached};
    struct fl_growth growths[N_LINES];
    struct panel flops = {{-1, -1, -1}, {-1, -1, -1}, -1, -1, 0, 0}, times = flops;
    double from = INFINITY, to = 0;
    const struct fl_point *point = NULL;
    for (int k = 0; k < N_LINES; k++) {
        if (fl_growth_make(&growths[k], lines[k], error) != FL_OK)
            return FL_FAILED;
        if (lines[k]->n == 0)
            continue;
        point = point ? point : &lines[k]->points[0].point;
        from = fmin(from, growths[k].first);
        to = fmax(to, growths[k].last);
    }
    /* as far as the crossing of the FLOPs, within reason */
    const double crossing = growths[0].n > 0 ? growths[0].flops_crossover : INFINITY;
    const double reach = crossing > to && crossing <= 64 * to ? 1.5 * crossing : to;
    for (int k = 0; k < N_LINES; k++)
        if (lines[k]->n > 0) {
            put_flops(plot, &flops, k, lines[k], &growths[k], reach);
            put_times(plot, &times, k, lines[k], &growths[k], reach);
        }
    const double beyond = pow(reach / to, 1.6); /* room above for the curves that go on */
    flops.high *= beyond;
    times.high *= beyond;
    fl_plot_panels(plot, FL_STR_PLOT_GROWTH, input, point);
    fputs("set key top left Left reverse samplen 1.4 noopaque\n", plot->script);
    fl_plot_place(plot, 0.105, 0.485, 0.155, 0.87);
    fl_gnuplot_powers_of_two(plot, from, reach);
    fputs("set xtics rotate by -45\nset grid x y\n", plot->script);
    fl_plot_set(plot, "xlabel", FL_STR_AXIS_GROWTH_S);
    fl_plot_set(plot, "ylabel", FL_STR_AXIS_GROWTH_FLOPS);
    draw_panel(plot, &flops, false);
    fputs("unset label 100\n", plot->script);
    fl_plot_place(plot, 0.605, 0.985, 0.155, 0.87);
    fl_plot_set(plot, "ylabel", FL_STR_AXIS_GROWTH_TIME);
    draw_panel(plot, &times, true);
    fputs("unset multiplot\n", plot->script);
    snprintf(caption, FL_CAPTION, "%s", fl_text(input->language, FL_STR_CAPTION_GROWTH_PLOT));
    return FL_OK;
}
