/* plots_operators.c - plots with a bar or a layer for every operator. */
#include "reports/plots_internal.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>

/* ---- FLOPs: textbook, exact, counted ---- */

/* Operators below this share of the total, whoever counts, are drawn together. */
static const double SMALLEST_SHARE = 0.005;

static bool is_large(const struct fl_op_record *record, const struct fl_point *point)
{
    return (double)record->textbook_flops >= SMALLEST_SHARE * (double)point->textbook_flops ||
           (double)record->exact_flops >= SMALLEST_SHARE * (double)point->exact_flops ||
           (double)record->counted_flops >= SMALLEST_SHARE * (double)point->counted_flops;
}

static double largest_flops(const struct fl_result *result)
{
    double largest = 0;
    for (int i = 0; i < result->n_ops; i++) {
        const struct fl_op_record *record = &result->ops[i];
        const uint64_t flops[] = {record->textbook_flops, record->exact_flops,
                                  record->counted_flops};
        for (int k = 0; k < 3; k++)
            if ((double)flops[k] > largest)
                largest = (double)flops[k];
    }
    return largest;
}

static int put_operators(struct fl_gnuplot *plot, const struct fl_result *result,
                         const struct fl_axis_scale *scale)
{
    double others[3] = {0};
    for (int i = 0; i < result->n_ops; i++) {
        const struct fl_op_record *record = &result->ops[i];
        const double flops[3] = {(double)record->textbook_flops, (double)record->exact_flops,
                                 (double)record->counted_flops};
        if (!is_large(record, &result->point)) {
            for (int k = 0; k < 3; k++)
                others[k] += flops[k];
            continue;
        }
        fprintf(plot->data, "\"%s\" %.9g %.9g %.9g\n", fl_operator_name(record->op),
                flops[0] / scale->divisor, flops[1] / scale->divisor, flops[2] / scale->divisor);
    }
    fprintf(plot->data, "\"all others\" %.9g %.9g %.9g\n", others[0] / scale->divisor,
            others[1] / scale->divisor, others[2] / scale->divisor);
    return fl_gnuplot_block(plot);
}

static void put_operator_panel(struct fl_gnuplot *plot, const struct fl_result *result,
                               const char *title)
{
    struct fl_axis_scale scale = fl_axis_scale_si(largest_flops(result), "FLOP");
    int block = put_operators(plot, result, &scale);
    fprintf(plot->script, "set title '%s'\nset ylabel '%s'\n", title, scale.unit);
    fprintf(plot->script,
            "plot 'data' index %d using 2:xtic(1) lt 8 title 'textbook', "
            "'' index %d using 3 lt 1 title 'exact', '' index %d using 4 lt 5 title 'counted'\n",
            block, block, block);
}

int fl_plot_operators(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                      char caption[FL_CAPTION], struct fl_error *error)
{
    (void)error;
    const struct fl_line *prefill = &input->section->prefill, *cached = &input->section->cached;
    const struct fl_result *prompt = &prefill->points[prefill->n - 1];
    const struct fl_result *step = &cached->points[cached->n - 1];
    char title[96];
    fl_plot_panels(plot, "FLOPs per operator: textbook, exact, counted", input, &prompt->point);
    fputs("set style data histogram\nset style histogram clustered gap 1\nset yrange [0:*]\n"
          "set xtics rotate by -40 scale 0\n",
          plot->script);
    fl_plot_shared_key(plot);
    fl_plot_place(plot, 0.085, 0.480, 0.20, 0.77);
    snprintf(title, sizeof title, "prefill of %d tokens", prompt->point.context);
    put_operator_panel(plot, prompt, title);
    fputs("unset key\nunset label 100\n", plot->script);
    fl_plot_place(plot, 0.575, 0.965, 0.20, 0.77);
    snprintf(title, sizeof title, "cached decode step behind %d tokens", step->point.context);
    put_operator_panel(plot, step, title);
    fputs("unset multiplot\n", plot->script);
    snprintf(caption, FL_CAPTION,
             "All layers together; operators below 0.5 %% of the total are drawn as one. The "
             "textbook knows matrix products only, full attention and logits of every position; "
             "exact is the formula of what this engine runs; counted is what its operators "
             "reported.");
    return FL_OK;
}

/* ---- shares of the time ---- */

enum { OTHER = 7, OUTSIDE, N_LAYERS };
static const char *const LAYERS[N_LAYERS] = {
    "ffn",        "attention projections", "attention products", "softmax", "logits", "norms",
    "activation", "other operators",       "outside operators"};

static int layer_of(enum fl_operator op)
{
    const char *group = fl_operator_group(op);
    for (int i = 0; i < OTHER; i++)
        if (strcmp(group, i == 5 ? "norm" : LAYERS[i]) == 0)
            return i;
    return OTHER;
}

static int put_shares(struct fl_gnuplot *plot, const struct fl_line *line)
{
    for (int i = 0; i < line->n; i++) {
        double layers[N_LAYERS] = {0}, sum = 0;
        const struct fl_timing *timing = &line->times[i];
        for (int op = 0; op < FL_N_OPERATORS; op++)
            layers[layer_of((enum fl_operator)op)] += timing->op_ns[op];
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

static void put_share_panel(struct fl_gnuplot *plot, const struct fl_line *line, const char *title,
                            const char *axis)
{
    int block = put_shares(plot, line);
    fprintf(plot->script, "set title \"%s\"\nset xlabel '%s'\nset xrange [-0.7:%.1f]\nplot ", title,
            axis, line->n - 0.3);
    for (int k = N_LAYERS - 1; k >= 0; k--) /* the key lists from the top what is on top */
        fprintf(plot->script, "NaN with boxes lt %d %s title '%s', ", k + 1,
                k == OUTSIDE ? "lc rgb '#c8c8c8'" : "", LAYERS[k]);
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
    fl_plot_panels(plot, "Where the time goes", input, &section->prefill.points->point);
    fputs("set style data histogram\nset style histogram rowstacked\nset boxwidth 0.8 relative\n"
          "set yrange [0:100]\nset ylabel 'share of the time (%)'\nset xtics scale 0\n"
          "set key off\n",
          plot->script);
    fl_plot_place(plot, 0.09, 0.40, 0.13, 0.70);
    put_share_panel(plot, &section->prefill, "prefill\\n\\n", "prompt tokens s");
    fputs(
        "unset label 100\nset key at screen 0.775, screen 0.70 left top Left reverse samplen 1.5\n"
        "set ylabel ''\n",
        plot->script);
    fl_plot_place(plot, 0.455, 0.765, 0.13, 0.70);
    put_share_panel(plot, &section->cached, "cached decode step\\n\\n", "tokens in the cache");
    fputs("unset multiplot\n", plot->script);
    snprintf(caption, FL_CAPTION,
             "Medians of each operator over the repetitions, as shares of their sum; above the "
             "bars the median time of the whole pass. Outside operators: what passes between the "
             "regions, the clock's own cost included.");
    return FL_OK;
}
