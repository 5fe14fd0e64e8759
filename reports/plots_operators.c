/* plots_operators.c - plots with a bar or a layer for every operator. */
#include "reports/plots_internal.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>

/* ---- FLOPs: textbook, exact, counted, measured ---- */

enum { N_FIGURES = 4 };

/* Operators below this share of the total, whoever counts, are drawn together. */
static const double SMALLEST_SHARE = 0.005;

/* The four figures of one operator; the measured one is 0 where nothing was measured. */
static void take_figures(double figures[N_FIGURES], const struct fl_op_record *record,
                         const struct fl_observed *observed)
{
    figures[0] = (double)record->textbook_flops;
    figures[1] = (double)record->exact_flops;
    figures[2] = (double)record->counted_flops;
    figures[3] = observed ? (double)observed->ops[record->op].reading.values[FL_COUNT_FLOPS] : 0;
}

static bool is_large(const double figures[N_FIGURES], const struct fl_point *point)
{
    return figures[0] >= SMALLEST_SHARE * (double)point->textbook_flops ||
           figures[1] >= SMALLEST_SHARE * (double)point->exact_flops ||
           figures[2] >= SMALLEST_SHARE * (double)point->counted_flops ||
           figures[3] >= SMALLEST_SHARE * (double)point->exact_flops;
}

static double largest_flops(const struct fl_result *result, const struct fl_observed *observed)
{
    double largest = 0;
    for (int i = 0; i < result->n_ops; i++) {
        double figures[N_FIGURES];
        take_figures(figures, &result->ops[i], observed);
        for (int k = 0; k < N_FIGURES; k++)
            if (figures[k] > largest)
                largest = figures[k];
    }
    return largest;
}

/* name: in quotes. */
static void put_figures(struct fl_gnuplot *plot, const char *name, const double figures[N_FIGURES],
                        const struct fl_axis_scale *scale)
{
    fputs(name, plot->data);
    for (int k = 0; k < N_FIGURES; k++)
        fprintf(plot->data, " %.9g", figures[k] / scale->divisor);
    fputs("\n", plot->data);
}

static int put_operators(struct fl_gnuplot *plot, const struct fl_result *result,
                         const struct fl_observed *observed, const struct fl_axis_scale *scale)
{
    double others[N_FIGURES] = {0};
    for (int i = 0; i < result->n_ops; i++) {
        double figures[N_FIGURES];
        take_figures(figures, &result->ops[i], observed);
        if (is_large(figures, &result->point))
            put_figures(plot, fl_plot_quote(plot, fl_operator_name(result->ops[i].op)), figures,
                        scale);
        else
            for (int k = 0; k < N_FIGURES; k++)
                others[k] += figures[k];
    }
    put_figures(plot, fl_plot_words(plot, FL_STR_PLOT_OTHERS), others, scale);
    return fl_gnuplot_block(plot);
}

static void put_operator_panel(struct fl_gnuplot *plot, const struct fl_result *result,
                               const struct fl_observed *observed, const char *title)
{
    struct fl_axis_scale scale = fl_axis_scale_si(largest_flops(result, observed), "FLOP");
    int block = put_operators(plot, result, observed, &scale);
    fprintf(plot->script, "set title %s\nset ylabel '%s'\n", title, scale.unit);
    fprintf(plot->script,
            "plot 'data' index %d using 2:xtic(1) lt 8 title %s, "
            "'' index %d using 3 lt 1 title %s, '' index %d using 4 lt 5 title %s",
            block, fl_plot_words(plot, FL_STR_TEXTBOOK), block, fl_plot_words(plot, FL_STR_EXACT),
            block, fl_plot_words(plot, FL_STR_COUNTED));
    if (observed)
        fprintf(plot->script, ", '' index %d using 5 lt 3 title %s", block,
                fl_plot_words(plot, FL_STR_MEASURED));
    fputs("\n", plot->script);
}

/* What counted the FLOPs of the point; NULL: nothing. */
static const struct fl_observed *counted_flops(const struct fl_result *result)
{
    const struct fl_observed *observed = fl_result_observed(result);
    return fl_observed_has(observed, FL_COUNT_FLOPS) ? observed : NULL;
}

int fl_plot_operators(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                      char caption[FL_CAPTION], struct fl_error *error)
{
    (void)error;
    const struct fl_line *prefill = &input->section->prefill, *cached = &input->section->cached;
    const struct fl_result *prompt = &prefill->points[prefill->n - 1];
    const struct fl_result *step = &cached->points[cached->n - 1];
    const struct fl_observed *observed[] = {counted_flops(prompt), counted_flops(step)};
    fl_plot_panels(plot, FL_STR_PLOT_OPERATORS, input, &prompt->point);
    fputs("set style data histogram\nset style histogram clustered gap 1\nset yrange [0:*]\n"
          "set xtics rotate by -40 scale 0\n",
          plot->script);
    fl_plot_shared_key(plot);
    fputs("set key vertical\n", plot->script); /* gnuplot breaks a horizontal row of four */
    fl_plot_place(plot, 0.085, 0.480, 0.20, 0.77);
    put_operator_panel(plot, prompt, observed[0],
                       fl_plot_words_of(plot, PLOT_PREFILL_OF, prompt->point.context));
    fputs("unset key\nunset label 100\n", plot->script);
    fl_plot_place(plot, 0.575, 0.965, 0.20, 0.77);
    put_operator_panel(plot, step, observed[1],
                       fl_plot_words_of(plot, PLOT_STEP_BEHIND, step->point.context));
    fputs("unset multiplot\n", plot->script);
    snprintf(caption, FL_CAPTION, "%s",
             fl_text(plot->language, observed[0] || observed[1]
                                         ? FL_STR_PLOT_OPERATORS_MEASURED_CAPTION
                                         : FL_STR_PLOT_OPERATORS_CAPTION));
    return FL_OK;
}

/* ---- shares of the time ---- */

enum { OTHER = 7, OUTSIDE, N_LAYERS };
static const enum fl_string_id LAYERS[N_LAYERS] = {
    FL_STR_GROUP_FFN,        FL_STR_GROUP_PROJECTIONS, FL_STR_GROUP_PRODUCTS,
    FL_STR_GROUP_SOFTMAX,    FL_STR_GROUP_LOGITS,      FL_STR_GROUP_NORM,
    FL_STR_GROUP_ACTIVATION, FL_STR_GROUP_OTHER,       FL_STR_GROUP_OUTSIDE};

/* The rows' English column is the name of the group. */
int fl_plot_group(enum fl_operator op)
{
    const char *group = fl_operator_group(op);
    for (int i = 0; i < OTHER; i++)
        if (strcmp(group, fl_text(FL_EN, LAYERS[i])) == 0)
            return i;
    return OTHER;
}

enum fl_string_id fl_plot_group_name(int group)
{
    return LAYERS[group];
}

static int put_shares(struct fl_gnuplot *plot, const struct fl_line *line)
{
    for (int i = 0; i < line->n; i++) {
        double layers[N_LAYERS] = {0}, sum = 0;
        const struct fl_timing *timing = &line->times[i];
        for (int op = 0; op < FL_N_OPERATORS; op++)
            layers[fl_plot_group((enum fl_operator)op)] += timing->op_ns[op];
        layers[OUTSIDE] = timing->outside_ns > 0 ? timing->outside_ns : 0;
        for (int k = 0; k < N_LAYERS; k++)
            sum += layers[k];
        fl_plot_context_row(plot, line, i, 9);
        for (int k = 0; k < N_LAYERS; k++)
            fprintf(plot->data, "%.6g ", sum > 0 ? 100 * layers[k] / sum : 0);
        char total[FL_UNIT_TEXT];
        fprintf(plot->data, "\"%s\"\n", fl_time_text(timing->total.median, total));
    }
    return fl_gnuplot_block(plot);
}

static void put_share_panel(struct fl_gnuplot *plot, const struct fl_line *line,
                            enum fl_string_id title, enum fl_string_id axis)
{
    int block = put_shares(plot, line);
    fl_plot_set(plot, "xlabel", axis);
    /* two empty lines: room for the times above the bars */
    fprintf(plot->script, "set title %s.\"\\n\\n\"\nset xrange [-0.7:%.1f]\nplot ",
            fl_plot_words(plot, title), line->n - 0.3);
    for (int k = N_LAYERS - 1; k >= 0; k--) /* the key lists from the top what is on top */
        fprintf(plot->script, "NaN with boxes lt %d %s title %s, ", k + 1,
                k == OUTSIDE ? "lc rgb '#c8c8c8'" : "", fl_plot_words(plot, LAYERS[k]));
    for (int k = 0; k < N_LAYERS; k++)
        fprintf(plot->script, "'data' index %d using %d:xtic(1) lt %d %s notitle, ", block, k + 2,
                k + 1, k == OUTSIDE ? "lc rgb '#c8c8c8'" : "");
    if (line->n <= 8)
        fprintf(plot->script,
                "'data' index %d using 0:(100):%d with labels left rotate by 50 offset 0.2,0.4 "
                "font ',12' tc rgb '#1a1a1a' notitle",
                block, N_LAYERS + 2);
    fputs("\n", plot->script);
}

int fl_plot_shares(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                   char caption[FL_CAPTION], struct fl_error *error)
{
    (void)error;
    const struct fl_section *section = input->section;
    fl_plot_panels(plot, FL_STR_PLOT_TIME, input, &section->prefill.points->point);
    fputs("set style data histogram\nset style histogram rowstacked\nset boxwidth 0.8 relative\n"
          "set yrange [0:100]\nset xtics scale 0\nset key off\n",
          plot->script);
    fl_plot_set(plot, "ylabel", FL_STR_PLOT_TIME_AXIS);
    fl_plot_place(plot, 0.09, 0.40, 0.13, 0.70);
    put_share_panel(plot, &section->prefill, FL_STR_PREFILL, FL_STR_PLOT_PROMPT_AXIS);
    fputs(
        "unset label 100\nset key at screen 0.775, screen 0.70 left top Left reverse samplen 1.5\n"
        "set ylabel ''\n",
        plot->script);
    fl_plot_place(plot, 0.455, 0.765, 0.13, 0.70);
    put_share_panel(plot, &section->cached, FL_STR_CACHED_STEP, FL_STR_PLOT_CACHE_AXIS);
    fputs("unset multiplot\n", plot->script);
    snprintf(caption, FL_CAPTION, "%s", fl_text(plot->language, FL_STR_PLOT_TIME_CAPTION));
    return FL_OK;
}
