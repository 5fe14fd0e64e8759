/* plots_roofline.c - operators and steps under the machine's measured ceilings. */
#include "reports/plots_internal.h"

#include "reports/escape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool fl_plot_roofs(const struct fl_plot_input *input, struct fl_roofs *roofs)
{
    const struct fl_section *section = input->section;
    const struct fl_line *line = section->prefill.n > 0  ? &section->prefill
                                 : section->cached.n > 0 ? &section->cached
                                                         : &section->uncached;
    int n;
    if (line->n == 0)
        return false;
    const struct fl_ceiling *ceilings =
        fl_results_ceilings(input->results, line->points->run->machine, &n);
    return fl_roofs_find(roofs, ceilings, n, line->points->point.n_threads);
}

bool fl_plot_has_roofs(const struct fl_plot_input *input)
{
    struct fl_roofs roofs;
    return fl_plot_roofs(input, &roofs);
}

/* ---- axes that hold everything ---- */

struct range {
    double x_low, x_high, y_low, y_high;
};

static void widen(struct range *range, double x, double y)
{
    if (x <= 0 || y <= 0)
        return;
    range->x_low = range->x_low == 0 || x < range->x_low ? x : range->x_low;
    range->x_high = x > range->x_high ? x : range->x_high;
    range->y_low = range->y_low == 0 || y < range->y_low ? y : range->y_low;
    range->y_high = y > range->y_high ? y : range->y_high;
}

/* Of a point: intensity, GFLOP/s. */
static void put_point(struct fl_gnuplot *plot, struct range *range, const struct fl_bound *bound,
                      const char *label)
{
    const double rate = bound->flops_per_s * 1e-9;
    if (bound->intensity <= 0 || rate <= 0)
        return;
    fprintf(plot->data, "%.9g %.9g \"%s\"\n", bound->intensity, rate, label);
    widen(range, bound->intensity, rate);
}

/* The axes: a decade is labelled as 0.1, 1, 10. */
static void put_axes(struct fl_gnuplot *plot, const struct range *range)
{
    fprintf(plot->script,
            "set logscale xy\nset format x '%%g'\nset format y '%%g'\n"
            "set xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n",
            range->x_low / 1.6, range->x_high * 1.6, range->y_low / 1.6, range->y_high * 1.8);
    fl_plot_set(plot, "xlabel", FL_STR_PLOT_ROOFLINE_X);
    fputs("set ylabel 'GFLOP/s'\nset grid x y\n", plot->script);
}

/* ---- roofs ---- */

/* Room for the ridge of DRAM, and for the peak above everything. */
static void widen_for_roofs(struct range *range, const struct fl_roofs *roofs)
{
    const double peak = roofs->flops_per_s * 1e-9;
    widen(range, 1.5 * roofs->flops_per_s / roofs->bytes_per_s[FL_LEVEL_DRAM], peak);
}

/* A block with the slope of one bandwidth (byte/s) from the left edge to its ridge. */
static int put_slope(struct fl_gnuplot *plot, const struct range *range,
                     const struct fl_roofs *roofs, enum fl_level level)
{
    const double bandwidth = roofs->bytes_per_s[level] * 1e-9, peak = roofs->flops_per_s * 1e-9;
    const double left = range->x_low / 1.6;
    if (left < peak / bandwidth)
        fprintf(plot->data, "%.9g %.9g\n", left, left * bandwidth);
    fprintf(plot->data, "%.9g %.9g\n", peak / bandwidth, peak);
    return fl_gnuplot_block(plot);
}

static double fastest(const struct fl_roofs *roofs)
{
    double most = 0;
    for (int level = 0; level < FL_N_LEVELS; level++)
        most = roofs->bytes_per_s[level] > most ? roofs->bytes_per_s[level] : most;
    return most;
}

/* A block with a flat roof (FLOP/s), from where the slope of a bandwidth meets it to the right. */
static int put_flat(struct fl_gnuplot *plot, const struct range *range, double flops_per_s,
                    double bytes_per_s)
{
    const double left = range->x_low / 1.6, ridge = flops_per_s / bytes_per_s;
    fprintf(plot->data, "%.9g %.9g\n%.9g %.9g\n", ridge > left ? ridge : left, flops_per_s * 1e-9,
            range->x_high * 1.6, flops_per_s * 1e-9);
    return fl_gnuplot_block(plot);
}

static const char INK[] = "lc rgb '#1a1a1a'";

/* "fma avx512, 180 GFLOP/s" */
static void plot_flat(struct fl_gnuplot *plot, const struct range *range,
                      const struct fl_roofs *roofs, const struct fl_ceiling *ceiling,
                      const char *what, const char *look)
{
    const double rate = fl_ceiling_roof(ceiling);
    fprintf(plot->script, "'data' index %d using 1:2 with lines %s %s title %s, ",
            put_flat(plot, range, rate, fastest(roofs)), INK, look,
            fl_plot_words_of(plot, PLOT_ROOFLINE_KERNEL, ceiling->kernel, what, rate * 1e-9));
}

/* True when `name` is one of the formats in "q4_k+q6_k, KV f16". */
static bool names_format(const char *dtype, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = dtype; *at && *at != ',';
         at += strcspn(at, "+,") + (at[strcspn(at, "+,")] == '+'))
        if (strcspn(at, "+,") == length && strncmp(at, name, length) == 0)
            return true;
    return false;
}

/* The engine's own kernels for the formats of the section's weights. */
static void plot_format_roofs(struct fl_gnuplot *plot, const struct range *range,
                              const struct fl_roofs *roofs, const struct fl_plot_input *input)
{
    const struct fl_result *result = input->section->all.points;
    int n;
    const struct fl_ceiling *ceilings =
        fl_results_ceilings(input->results, result->run->machine, &n);
    for (int i = 0; i < n; i++) {
        const bool is_linear = strcmp(ceilings[i].kernel, "linear") == 0;
        if (ceilings[i].n_threads == roofs->n_threads &&
            (is_linear || strcmp(ceilings[i].kernel, "dot") == 0) &&
            names_format(result->point.dtype, ceilings[i].dtype))
            plot_flat(plot, range, roofs, &ceilings[i], ceilings[i].dtype,
                      is_linear ? "lw 1 dt 5" : "lw 1 dt 3");
    }
}

static void plot_roofs(struct fl_gnuplot *plot, const struct range *range,
                       const struct fl_roofs *roofs)
{
    static const char *const LOOKS[FL_N_LEVELS] = {"lw 1 dt 3", "lw 1 dt 4", "lw 1.4 dt 2",
                                                   "lw 2 dt 1"};
    plot_flat(plot, range, roofs, roofs->peak, roofs->peak->isa, "lw 2 dt 1");
    for (int level = 0; level < FL_N_LEVELS; level++)
        if (roofs->read[level])
            fprintf(plot->script,
                    "'data' index %d using 1:2 with lines lc rgb '#808080' %s title %s, ",
                    put_slope(plot, range, roofs, (enum fl_level)level), LOOKS[level],
                    fl_plot_words_of(plot, PLOT_ROOFLINE_READ, fl_memory_level_names[level],
                                     roofs->bytes_per_s[level] * 1e-9));
}

/* ---- operators ---- */

/* The last point of a line: a block for each group of operators, and one of the whole. */
struct cloud {
    int groups[FL_PLOT_GROUPS]; /* -1: none */
    int whole;
};

static int put_cloud(struct fl_gnuplot *plot, struct range *range, const struct fl_line *line,
                     const struct fl_roofs *roofs, struct cloud *cloud, struct fl_error *error)
{
    struct fl_step step;
    if (fl_step_of_point(&step, &line->points[line->n - 1], &line->times[line->n - 1], roofs,
                         error) != FL_OK)
        return FL_FAILED;
    for (int group = 0; group < FL_PLOT_GROUPS; group++) {
        const long before = ftell(plot->data);
        for (int op = 0; op < FL_N_OPERATORS; op++) {
            const struct fl_bound bound = fl_roofline(roofs, &step.ops[op]);
            if (step.present[op] && fl_plot_group((enum fl_operator)op) == group)
                put_point(plot, range, &bound, "");
        }
        cloud->groups[group] = ftell(plot->data) > before ? fl_gnuplot_block(plot) : -1;
    }
    const struct fl_bound bound = fl_roofline(roofs, &step.whole);
    put_point(plot, range, &bound, "");
    cloud->whole = fl_gnuplot_block(plot);
    return FL_OK;
}

/* Discs and triangles of one colour a group; the key has each colour once. */
static void plot_clouds(struct fl_gnuplot *plot, const struct cloud *clouds, const bool *present)
{
    static const int FILLED[] = {7, 9}, HOLLOW[] = {6, 8};
    static const enum fl_string_id PHASES[] = {FL_STR_PREFILL, FL_STR_DECODE_CACHED};
    for (int group = 0; group < FL_PLOT_GROUPS; group++) {
        bool named = false;
        for (int k = 0; k < 2; k++)
            if (present[k] && clouds[k].groups[group] >= 0) {
                fprintf(plot->script, "'data' index %d using 1:2 with points lt %d pt %d ps 1 ",
                        clouds[k].groups[group], group + 1, FILLED[k]);
                if (named)
                    fputs("notitle, ", plot->script);
                else
                    fprintf(plot->script, "title %s, ",
                            fl_plot_words(plot, fl_plot_group_name(group)));
                named = true;
            }
    }
    for (int k = 0; k < 2; k++)
        if (present[k])
            fprintf(
                plot->script,
                "'data' index %d using 1:2 with points %s pt %d ps 1.9 lw 2 title %s, ",
                clouds[k].whole, INK, HOLLOW[k],
                fl_plot_words_of(plot, PLOT_ROOFLINE_WHOLE, fl_text(plot->language, PHASES[k])));
}

int fl_plot_roofline(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                     char caption[FL_CAPTION], struct fl_error *error)
{
    const struct fl_line *lines[] = {&input->section->prefill, &input->section->cached};
    const struct fl_line *any = lines[0]->n > 0   ? lines[0]
                                : lines[1]->n > 0 ? lines[1]
                                                  : &input->section->uncached;
    struct fl_roofs roofs;
    struct range range = {0};
    struct cloud clouds[2];
    bool present[2];
    int contexts[2] = {0};
    if (!fl_plot_roofs(input, &roofs))
        return fl_fail(error, "roofline: expected ceilings");
    for (int k = 0; k < 2; k++) {
        present[k] = lines[k]->n > 0;
        if (!present[k])
            continue;
        contexts[k] = lines[k]->points[lines[k]->n - 1].point.context;
        if (put_cloud(plot, &range, lines[k], &roofs, &clouds[k], error) != FL_OK)
            return FL_FAILED;
    }
    widen_for_roofs(&range, &roofs);
    fl_plot_title(plot, FL_STR_PLOT_ROOFLINE, input, &any->points->point);
    put_axes(plot, &range);
    fl_plot_place(plot, 0.105, 0.685, 0.115, 0.885);
    fputs("set key at screen 0.70, screen 0.885 left top Left reverse samplen 2.2 spacing 1.2 "
          "maxcols 1 vertical\nplot ",
          plot->script);
    plot_roofs(plot, &range, &roofs);
    if (roofs.gemm && roofs.gemm != roofs.peak)
        plot_flat(plot, &range, &roofs, roofs.gemm, roofs.gemm->dtype, "lw 1.4 dt 2");
    plot_format_roofs(plot, &range, &roofs, input);
    plot_clouds(plot, clouds, present);
    fputs("NaN notitle\n", plot->script);
    fl_text_format(caption, FL_CAPTION, plot->language, PLOT_ROOFLINE_CAPTION, contexts[0],
                   contexts[1]);
    return FL_OK;
}

/* ---- paths ---- */

enum { PATHS = 2 };

/* Blocks of a phase's path, and of its two ends with their labels; n points. */
struct path {
    int block, first, last, n;
};

static int bound_of(struct fl_bound *bound, const struct fl_line *line, int i,
                    const struct fl_roofs *roofs, struct fl_error *error)
{
    struct fl_step step;
    if (fl_step_of_point(&step, &line->points[i], &line->times[i], roofs, error) != FL_OK)
        return FL_FAILED;
    *bound = fl_roofline(roofs, &step.whole);
    return FL_OK;
}

static void finish_path(struct fl_gnuplot *plot, struct path *path, const struct fl_bound *first,
                        int first_value, const struct fl_bound *last, int last_value)
{
    struct range ignored = {0};
    char label[32];
    path->block = fl_gnuplot_block(plot);
    snprintf(label, sizeof label, "%d", first_value);
    put_point(plot, &ignored, first, label);
    path->first = fl_gnuplot_block(plot);
    snprintf(label, sizeof label, "%d", last_value);
    put_point(plot, &ignored, last, label);
    path->last = fl_gnuplot_block(plot);
}

static int put_context_path(struct fl_gnuplot *plot, struct range *range, struct path *path,
                            const struct fl_line *line, const struct fl_roofs *roofs,
                            struct fl_error *error)
{
    struct fl_bound first = {0}, bound = {0};
    for (int i = 0; i < line->n; i++) {
        if (bound_of(&bound, line, i, roofs, error) != FL_OK)
            return FL_FAILED;
        put_point(plot, range, &bound, "");
        first = i == 0 ? bound : first;
    }
    path->n = line->n;
    if (line->n > 0)
        finish_path(plot, path, &first, line->points[0].point.context, &bound,
                    line->points[line->n - 1].point.context);
    return FL_OK;
}

/* Points at one context of all lines that differ from own in the batch alone; they come in rising
 * order. */
static int put_batch_path(struct fl_gnuplot *plot, struct range *range, struct path *path,
                          const struct fl_section *section, const struct fl_line *own, int context,
                          const struct fl_roofs *roofs, struct fl_error *error)
{
    struct fl_bound first = {0}, bound = {0};
    int batches[2] = {0};
    if (own->n == 0)
        return FL_OK;
    for (struct fl_line line = {0}; fl_section_next_line(section, &line);) {
        const int i = fl_line_varies_in_batch(&line, own) ? fl_line_find(&line, context) : -1;
        if (i < 0)
            continue;
        if (bound_of(&bound, &line, i, roofs, error) != FL_OK)
            return FL_FAILED;
        put_point(plot, range, &bound, "");
        batches[1] = line.points->point.batch;
        if (path->n++ == 0) {
            first = bound;
            batches[0] = batches[1];
        }
    }
    if (path->n > 0)
        finish_path(plot, path, &first, batches[0], &bound, batches[1]);
    return FL_OK;
}

/* The roof that matters: the peak, and the level that most bytes of a step come from. */
static void plot_paths(struct fl_gnuplot *plot, const struct range *range,
                       const struct fl_roofs *roofs, enum fl_level level,
                       const struct path paths[PATHS])
{
    static const enum fl_string_id PHASES[] = {FL_STR_PREFILL, FL_STR_DECODE_CACHED};
    static const int POINTS[] = {7, 9};
    fprintf(plot->script, "plot 'data' index %d using 1:2 with lines %s lw 1.6 title %s, ",
            put_slope(plot, range, roofs, level), INK,
            fl_plot_words_of(plot, PLOT_PATHS_ROOF, fl_memory_level_names[level]));
    fprintf(plot->script, "'data' index %d using 1:2 with lines %s lw 1.6 notitle, ",
            put_flat(plot, range, roofs->flops_per_s, roofs->bytes_per_s[level]), INK);
    for (int k = 0; k < PATHS; k++) {
        if (paths[k].n == 0)
            continue;
        fprintf(plot->script,
                "'data' index %d using 1:2 with linespoints lt %d pt %d ps 0.9 title %s, "
                "'data' index %d using 1:2:3 with labels right offset -0.8,0.4 tc rgb '#1a1a1a' "
                "notitle, ",
                paths[k].block, k + 1, POINTS[k], fl_plot_words(plot, PHASES[k]), paths[k].first);
        if (paths[k].n > 1)
            fprintf(plot->script,
                    "'data' index %d using 1:2:3 with labels left offset 0.8,-0.4 tc rgb "
                    "'#1a1a1a' notitle, ",
                    paths[k].last);
    }
    fputs("NaN notitle\n", plot->script);
}

int fl_plot_paths(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                  char caption[FL_CAPTION], struct fl_error *error)
{
    const struct fl_section *section = input->section;
    const struct fl_line *lines[PATHS] = {&section->prefill, &section->cached};
    const struct fl_line *any = lines[0]->n > 0   ? lines[0]
                                : lines[1]->n > 0 ? lines[1]
                                                  : &section->uncached;
    /* bandwidth matters most where steps decode */
    const struct fl_line *bound = lines[1]->n > 0 ? lines[1] : any;
    const int context = any->points[any->n - 1].point.context;
    struct fl_roofs roofs;
    struct fl_bound last;
    struct range range = {0};
    struct path contexts[PATHS] = {0}, batches[PATHS] = {0};
    if (!fl_plot_roofs(input, &roofs))
        return fl_fail(error, "paths: expected ceilings");
    for (int k = 0; k < PATHS; k++)
        if (put_context_path(plot, &range, &contexts[k], lines[k], &roofs, error) != FL_OK ||
            put_batch_path(plot, &range, &batches[k], section, lines[k], context, &roofs, error) !=
                FL_OK)
            return FL_FAILED;
    if (bound_of(&last, bound, bound->n - 1, &roofs, error) != FL_OK)
        return FL_FAILED;
    const bool both = batches[0].n > 1 || batches[1].n > 1;
    widen_for_roofs(&range, &roofs);
    fl_plot_panels(plot, FL_STR_PLOT_PATHS, input, both ? NULL : &any->points->point);
    put_axes(plot, &range);
    fl_plot_shared_key(plot);
    fputs("set key vertical\n", plot->script); /* gnuplot breaks a horizontal row of three */
    fl_plot_place(plot, 0.105, both ? 0.495 : 0.98, 0.15, 0.77);
    fl_plot_set(plot, "title", FL_STR_PLOT_PATHS_S);
    plot_paths(plot, &range, &roofs, last.level, contexts);
    if (both) {
        fputs("unset label 100\nunset key\nset ylabel ''\n", plot->script);
        fl_plot_place(plot, 0.56, 0.97, 0.15, 0.77);
        fprintf(plot->script, "set title %s\n", fl_plot_words_of(plot, PLOT_PATHS_BATCH, context));
        plot_paths(plot, &range, &roofs, last.level, batches);
    }
    fputs("unset multiplot\n", plot->script);
    snprintf(caption, FL_CAPTION, "%s", fl_text(plot->language, FL_STR_PLOT_PATHS_CAPTION));
    return FL_OK;
}
