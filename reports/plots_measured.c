/* plots_measured.c - what the processor executed beyond the formulas, by operator and term. */
#include "reports/plots_internal.h"

#include "analyzers/measured.h"

#include <stdio.h>

/* A bar's layers: the terms that matter most in all panels, the other terms, what has no name. */
enum { N_LARGEST = 6, REST = N_LARGEST, UNEXPLAINED, N_LAYERS, MOST_PANELS = 2 };

struct panels {
    struct fl_measured_point points[MOST_PANELS];
    int n;
    int terms[N_LARGEST]; /* enum fl_excess_term, largest first */
    int n_terms;
    bool has_rest;
};

static double magnitude(fl_wide value)
{
    return value < 0 ? -(double)value : (double)value;
}

/* In percent of the pass's exact FLOPs: what a term adds to any panel. */
static double weight(const struct panels *panels, int term)
{
    double sum = 0;
    for (int i = 0; i < panels->n; i++) {
        const struct fl_measured_point *point = &panels->points[i];
        for (int k = 0; k < point->n_ops; k++)
            sum += magnitude(point->ops[k].terms[term]) / ((double)point->total.exact + 1);
    }
    return sum;
}

static void choose_terms(struct panels *panels)
{
    bool taken[FL_N_EXCESS_TERMS] = {false};
    for (;;) {
        int largest = -1;
        for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
            if (!taken[term] && weight(panels, term) > 0 &&
                (largest < 0 || weight(panels, term) > weight(panels, largest)))
                largest = term;
        if (largest < 0)
            return;
        if (panels->n_terms == N_LARGEST) {
            panels->has_rest = true;
            return;
        }
        taken[largest] = true;
        panels->terms[panels->n_terms++] = largest;
    }
}

static void find_panels(struct panels *panels, const struct fl_section *section)
{
    const struct fl_line *lines[MOST_PANELS] = {&section->prefill, &section->cached};
    *panels = (struct panels){.n = 0};
    for (int i = 0; i < MOST_PANELS; i++) {
        const struct fl_result *result = fl_section_measured(section, lines[i]);
        const struct fl_observed *observed = result ? fl_result_observed(result) : NULL;
        if (fl_observed_has(observed, FL_COUNT_FLOPS))
            fl_measured_point_make(&panels->points[panels->n++], result, observed);
    }
    choose_terms(panels);
}

bool fl_plot_has_measured(const struct fl_plot_input *input)
{
    struct panels panels;
    find_panels(&panels, input->section);
    return panels.n > 0;
}

/* ---- one panel ---- */

static void fill_layers(double layers[N_LAYERS], const struct panels *panels,
                        const struct fl_measured_op *op, double whole)
{
    fl_wide rest = op->explained;
    for (int i = 0; i < panels->n_terms; i++) {
        layers[i] += 100 * (double)op->terms[panels->terms[i]] / whole;
        rest -= op->terms[panels->terms[i]];
    }
    layers[REST] += 100 * (double)rest / whole;
    layers[UNEXPLAINED] += 100 * (double)op->unexplained / whole;
}

/* How far the bars of a panel reach, and which layers they have. */
struct reach {
    double low, high;
    bool used[N_LAYERS];
};

/* name in quotes, layers, top of the stack, the whole in percent of the operator itself */
static void put_bar(struct fl_gnuplot *plot, const char *name, const double layers[N_LAYERS],
                    const char *beyond_text, struct reach *reach)
{
    double top = 0, bottom = 0;
    fputs(name, plot->data);
    for (int k = 0; k < N_LAYERS; k++) {
        if (layers[k] != 0)
            fprintf(plot->data, " %.6g", layers[k]);
        else
            fputs(" NaN", plot->data); /* a layer of no height would still show as a line */
        reach->used[k] |= layers[k] != 0;
        *(layers[k] > 0 ? &top : &bottom) += layers[k];
    }
    fprintf(plot->data, " %.6g \"%s\"\n", top, beyond_text);
    reach->high = top > reach->high ? top : reach->high;
    reach->low = bottom < reach->low ? bottom : reach->low;
}

/* Operators that add less than this share of the largest bar are drawn together. */
static const double SMALLEST_BAR = 0.01;

static double height(const struct fl_measured_op *op)
{
    double sum = magnitude(op->unexplained);
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
        sum += magnitude(op->terms[term]);
    return sum;
}

static int put_panel_data(struct fl_gnuplot *plot, const struct panels *panels,
                          const struct fl_measured_point *point, struct reach *reach)
{
    double whole = (double)point->total.exact + (point->total.exact == 0 ? 1 : 0);
    double others[N_LAYERS] = {0}, highest = 0;
    int n_others = 0;
    for (int i = 0; i < point->n_ops; i++)
        if (height(&point->ops[i]) > highest)
            highest = height(&point->ops[i]);
    for (int i = 0; i < point->n_ops; i++) {
        const struct fl_measured_op *op = &point->ops[i];
        double layers[N_LAYERS] = {0};
        char beyond_text[32];
        if (height(op) < SMALLEST_BAR * highest || op->exact == 0) {
            fill_layers(others, panels, op, whole);
            n_others++;
            continue;
        }
        fill_layers(layers, panels, op, whole);
        double beyond = fl_percent(op->measured - op->exact, op->exact);
        snprintf(beyond_text, sizeof beyond_text, beyond < 100 ? "%+.1f%%" : "%+.0f%%", beyond);
        put_bar(plot, fl_plot_quote(plot, fl_operator_name(op->op)), layers, beyond_text, reach);
    }
    others[UNEXPLAINED] += 100 * (double)point->between / whole;
    if (n_others > 0 || point->between != 0)
        put_bar(plot, fl_plot_words(plot, FL_STR_PLOT_OTHERS), others, "", reach);
    return fl_gnuplot_block(plot);
}

static const char *layer_style(int layer, char out[64])
{
    if (layer == REST)
        return "lc rgb '#8c8c8c'";
    if (layer == UNEXPLAINED)
        return "lc rgb '#d62728'";
    snprintf(out, 64, "lt %d", layer + 1);
    return out;
}

/* In quotes. */
static const char *layer_name(struct fl_gnuplot *plot, const struct panels *panels, int layer)
{
    if (layer == REST || layer == UNEXPLAINED)
        return fl_plot_words(plot, layer == REST ? FL_STR_PLOT_OTHER_TERMS : FL_STR_C_UNEXPLAINED);
    char words[FL_WORDS];
    const char *name = fl_excess_name((enum fl_excess_term)panels->terms[layer]);
    return fl_plot_quote(plot, fl_text_of(plot->language, name, words));
}

static bool is_drawn(const struct panels *panels, int layer)
{
    return layer == UNEXPLAINED || (layer == REST ? panels->has_rest : layer < panels->n_terms);
}

static void put_panel(struct fl_gnuplot *plot, const struct panels *panels, int panel)
{
    char style[64];
    const struct fl_measured_point *measured = &panels->points[panel];
    const struct fl_point *point = &measured->result->point;
    struct reach reach = {0};
    int block = put_panel_data(plot, panels, measured, &reach);
    fprintf(plot->script, "set title %s\n",
            point->phase == FL_PHASE_PREFILL
                ? fl_plot_words_of(plot, PLOT_PREFILL_OF, point->context)
                : fl_plot_words_of(plot, PLOT_STEP_BEHIND, point->context));
    /* room for the figures above the bars */
    double span = reach.high > reach.low ? reach.high - reach.low : 1;
    fprintf(plot->script, "set yrange [%.6g:%.6g]\nplot ",
            reach.low < 0 ? reach.low - 0.05 * span : 0, reach.high + 0.24 * span);
    /* gnuplot refuses a layer without any height */
    for (int k = 0; k < N_LAYERS; k++)
        if (is_drawn(panels, k))
            fprintf(plot->script, "NaN with boxes %s title %s, ", layer_style(k, style),
                    layer_name(plot, panels, k));
    for (int k = 0; k < N_LAYERS; k++)
        if (reach.used[k])
            fprintf(plot->script, "'data' index %d using %d:xtic(1) %s notitle, ", block, k + 2,
                    layer_style(k, style));
    fprintf(plot->script,
            "'data' index %d using 0:%d:%d with labels left rotate by 90 offset 0,0.4 font "
            "',11' tc rgb "
            "'#1a1a1a' notitle\n",
            block, N_LAYERS + 2, N_LAYERS + 3);
}

int fl_plot_measured(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                     char caption[FL_CAPTION], struct fl_error *error)
{
    (void)error;
    static const double SIDES[MOST_PANELS][2] = {{0.085, 0.480}, {0.575, 0.970}};
    struct panels panels;
    find_panels(&panels, input->section);
    fl_plot_panels(plot, FL_STR_PLOT_MEASURED, input, &panels.points[0].result->point);
    fputs("set style data histogram\nset style histogram rowstacked\nset boxwidth 0.75 relative\n"
          "set xtics rotate by -40 scale 0\nset xzeroaxis lt 1 lc rgb '#808080' lw 1\n"
          "set key at screen 0.5, screen 0.02 center bottom vertical maxrows 4 Left reverse "
          "samplen 1.4\n",
          plot->script);
    fl_plot_set(plot, "ylabel", FL_STR_PLOT_MEASURED_AXIS);
    for (int i = 0; i < panels.n; i++) {
        double right = panels.n == 1 ? SIDES[MOST_PANELS - 1][1] : SIDES[i][1];
        fl_plot_place(plot, SIDES[i][0], right, 0.385, 0.82);
        put_panel(plot, &panels, i);
        fputs("unset key\nunset label 100\nset ylabel ''\n", plot->script);
    }
    fputs("unset multiplot\n", plot->script);
    const struct fl_observed *observed = panels.points[0].observed;
    fl_text_format(caption, FL_CAPTION, plot->language, PLOT_MEASURED_CAPTION, observed->counter,
                   observed->blas_core, observed->isa);
    return FL_OK;
}
