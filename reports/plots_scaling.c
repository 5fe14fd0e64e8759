/* plots_scaling.c - how cost, memory and intensity grow with the context. */
#include "reports/plots_internal.h"

#include "analyzers/footprint.h"
#include "analyzers/intensity.h"
#include "analyzers/scaling.h"

#include <stdio.h>
#include <string.h>

/* ---- the prefill ---- */

/* FLOPs a token, then ns a token: linear, attention, share; total and its interval. */
static int put_prefill(struct fl_gnuplot *plot, const struct fl_line *line,
                       const struct fl_axis_scale *flops, const struct fl_axis_scale *time)
{
    for (int i = 0; i < line->n; i++) {
        struct fl_split split = fl_split_point(&line->points[i], &line->times[i]);
        double tokens = fl_point_new_tokens(&line->points[i].point);
        double per_flop = 1 / (tokens * flops->divisor), per_ns = 1 / (tokens * time->divisor);
        double sum = split.linear_flops + split.attention_flops;
        const struct fl_estimate *total = &line->times[i].total;
        fl_plot_context_row(plot, line, i, 16);
        fprintf(plot->data, "%.9g %.9g \"%.0f%%\" %.9g %.9g %.9g %.9g %.9g\n",
                split.linear_flops * per_flop, split.attention_flops * per_flop,
                sum > 0 ? 100 * split.attention_flops / sum : 0, split.linear_ns * per_ns,
                split.attention_ns * per_ns, total->median * per_ns, total->low * per_ns,
                total->high * per_ns);
    }
    return fl_gnuplot_block(plot);
}

int fl_plot_prefill(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                    char caption[FL_CAPTION], struct fl_error *error)
{
    (void)error;
    const struct fl_line *line = &input->section->prefill;
    double flops = 0, time_ns = 0;
    for (int i = 0; i < line->n; i++) {
        double tokens = fl_point_new_tokens(&line->points[i].point);
        if ((double)line->points[i].point.exact_flops / tokens > flops)
            flops = (double)line->points[i].point.exact_flops / tokens;
        if (line->times[i].total.high / tokens > time_ns)
            time_ns = line->times[i].total.high / tokens;
    }
    struct fl_axis_scale flop_scale = fl_axis_scale_si(flops, "FLOP");
    struct fl_axis_scale time_scale = fl_axis_scale_time(time_ns);
    int block = put_prefill(plot, line, &flop_scale, &time_scale);

    fl_plot_panels(plot, FL_STR_PLOT_PREFILL, input, &line->points->point);
    fprintf(plot->script,
            "set style data histogram\nset style histogram rowstacked\nset boxwidth 0.7 relative\n"
            "set yrange [0:%.9g]\nset xtics scale 0\nset xrange [-0.7:%.1f]\n"
            "set tics front\n",
            1.18 * flops / flop_scale.divisor, line->n - 0.3);
    fl_plot_shared_key(plot);
    fl_plot_place(plot, 0.115, 0.98, 0.535, 0.85);
    fprintf(plot->script, "set ylabel %s\n",
            fl_plot_words_of(plot, PLOT_PREFILL_EXACT_AXIS, flop_scale.unit));
    fprintf(plot->script,
            "plot 'data' index %d using 2:xtic(1) lt 1 title %s, "
            "'' index %d using 3 lt 2 title %s, "
            "'' index %d using 0:($2+$3):4 with labels offset 0,0.7 font ',12' tc rgb '#1a1a1a'\n",
            block, fl_plot_words(plot, FL_STR_PLOT_LINEAR), block,
            fl_plot_words(plot, FL_STR_PLOT_QUADRATIC), block);
    fputs("unset label 100\nset key off\n", plot->script);
    fl_plot_place(plot, 0.115, 0.98, 0.12, 0.44);
    fl_plot_set(plot, "xlabel", FL_STR_PLOT_PROMPT_AXIS);
    fprintf(plot->script,
            "set yrange [0:*]\nset ylabel %s\n"
            "plot 'data' index %d using 5:xtic(1) lt 1, '' index %d using 6 lt 2, "
            "'' index %d using 0:7:8:9 with yerrorbars lc rgb '#1a1a1a' lw 1.4 pt 7 ps 0.4\n"
            "unset multiplot\n",
            fl_plot_words_of(plot, PLOT_PREFILL_TIME_AXIS, time_scale.unit), block, block, block);
    snprintf(caption, FL_CAPTION, "%s", fl_text(plot->language, FL_STR_PLOT_PREFILL_CAPTION));
    return FL_OK;
}

/* ---- memory ---- */

enum { BATCHES_MAX = 5 };

/* Distinct batch sizes of the section, rising; the first few. */
static int find_batches(const struct fl_section *section, int batches[BATCHES_MAX])
{
    int n = 0;
    for (int last = 0; n < BATCHES_MAX;) {
        int next = 0;
        for (int i = 0; i < section->all.n; i++) {
            int batch = section->all.points[i].point.batch;
            if (batch > last && (next == 0 || batch < next))
                next = batch;
        }
        if (next == 0)
            break;
        batches[n++] = last = next;
    }
    return n;
}

static int put_memory(struct fl_gnuplot *plot, const struct fl_config *config, int64_t longest,
                      int batch, double *largest, struct fl_error *error)
{
    for (int64_t context = 1;; context = 2 * context < longest ? 2 * context : longest) {
        double bytes;
        if (fl_footprint_kv_cache(&bytes, config, batch, context, error) != FL_OK)
            return -1;
        fprintf(plot->data, "%lld %.9g\n", (long long)context, bytes);
        if (bytes > *largest)
            *largest = bytes;
        if (context >= longest)
            break;
    }
    return fl_gnuplot_block(plot);
}

static void put_byte_tics(struct fl_gnuplot *plot, double low, double high)
{
    fputs("set logscale y 2\nset ytics (", plot->script);
    int first = 1, steps = 0;
    for (double bytes = 1; bytes < high; bytes *= 2)
        steps += bytes >= low;
    double factor = steps > 16 ? 16 : 4;
    for (double bytes = 1; bytes <= high; bytes *= factor)
        if (bytes >= low) {
            char text[FL_UNIT_TEXT];
            fprintf(plot->script, "%s\"%s\" %.0f", first ? "" : ", ", fl_bytes_text(bytes, text),
                    bytes);
            first = 0;
        }
    fputs(")\n", plot->script);
}

int fl_plot_memory(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                   char caption[FL_CAPTION], struct fl_error *error)
{
    const struct fl_config *config = &input->section->model->config;
    int batches[BATCHES_MAX], blocks[BATCHES_MAX];
    int n = find_batches(input->section, batches);
    double weights = (double)input->section->all.points->point.weights_bytes, largest = weights;
    for (int i = 0; i < n; i++) {
        blocks[i] = put_memory(plot, config, config->n_ctx_max, batches[i], &largest, error);
        if (blocks[i] < 0)
            return FL_FAILED;
    }
    double smallest;
    if (fl_footprint_kv_cache(&smallest, config, batches[0], 1, error) != FL_OK)
        return FL_FAILED;
    if (weights > 0 && weights < smallest)
        smallest = weights;
    fl_plot_title(plot, FL_STR_PLOT_MEMORY, input, NULL);
    fl_gnuplot_powers_of_two(plot, 1, config->n_ctx_max);
    put_byte_tics(plot, smallest / 2, largest * 4);
    fl_plot_set(plot, "xlabel", FL_STR_PLOT_MEMORY_AXIS);
    fprintf(plot->script,
            "set yrange [%.9g:%.9g]\n"
            "set key outside right center Left reverse\nplot ",
            smallest / 2, largest * 4);
    for (int i = n - 1; i >= 0; i--)
        fprintf(plot->script, "'data' index %d using 1:2 with lines lt %d title %s, ", blocks[i],
                i + 1, fl_plot_words_of(plot, PLOT_BATCH, batches[i]));
    fprintf(plot->script, "%.9g with lines lc rgb '#1a1a1a' lw 1.6 dt 2 title %s\n", weights,
            fl_plot_words(plot, FL_STR_PLOT_WEIGHTS));
    fl_text_format(caption, FL_CAPTION, plot->language, PLOT_MEMORY_CAPTION, config->n_ctx_max);
    return FL_OK;
}

/* ---- arithmetic intensity ---- */

bool fl_line_varies_in_batch(const struct fl_line *line, const struct fl_line *own)
{
    const struct fl_point *a = &line->points->point, *b = &own->points->point;
    return a->phase == b->phase && a->cache == b->cache && strcmp(a->logits, b->logits) == 0 &&
           strcmp(a->attention, b->attention) == 0 && strcmp(a->dtype, b->dtype) == 0 &&
           a->n_threads == b->n_threads;
}

struct intensity_range {
    double low, high; /* contexts */
};

/* Plot clauses for every batch of one phase; returns how many. */
static int put_intensity(struct fl_gnuplot *plot, const struct fl_section *section,
                         const struct fl_line *own, const char *look, enum fl_string_id phase,
                         struct intensity_range *range, FILE *clauses)
{
    int n = 0;
    for (struct fl_line line = {0}; fl_section_next_line(section, &line);) {
        if (!fl_line_varies_in_batch(&line, own) || n == FL_PLOT_COLOURS - 2)
            continue;
        for (int i = 0; i < line.n; i++) {
            const struct fl_point *point = &line.points[i].point;
            fprintf(plot->data, "%d %.9g\n", point->context,
                    fl_point_rates(point, &line.times[i]).flops_per_byte);
            if (range->low == 0 || point->context < range->low)
                range->low = point->context;
            if (point->context > range->high)
                range->high = point->context;
        }
        fprintf(clauses, "%s'data' index %d using 1:2 lt %d %s title %s",
                ftell(clauses) > 0 ? ", " : "", fl_gnuplot_block(plot), n + 1, look,
                fl_plot_words_of(plot, PLOT_PHASE_BATCH, fl_text(plot->language, phase),
                                 line.points->point.batch));
        n++;
    }
    return n;
}

int fl_plot_intensity(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                      char caption[FL_CAPTION], struct fl_error *error)
{
    const struct fl_section *section = input->section;
    char text[8192] = "";
    FILE *clauses = fmemopen(text, sizeof text, "w");
    if (!clauses)
        return fl_fail(error, "intensity: no memory for the plot");
    struct intensity_range range = {0};
    put_intensity(plot, section, &section->prefill, "dt 1 pt 7", FL_STR_PREFILL, &range, clauses);
    put_intensity(plot, section, &section->cached, "dt 2 pt 6", FL_STR_DECODE, &range, clauses);
    fclose(clauses);
    fl_plot_title(plot, FL_STR_PLOT_INTENSITY, input, NULL);
    fl_gnuplot_powers_of_two(plot, range.low, range.high);
    fl_plot_set(plot, "xlabel", FL_STR_PLOT_INTENSITY_X);
    fl_plot_set(plot, "ylabel", FL_STR_PLOT_INTENSITY_Y);
    fprintf(plot->script, "set logscale y 2\nset key outside right center Left reverse\nplot %s\n",
            text);
    snprintf(caption, FL_CAPTION, "%s", fl_text(plot->language, FL_STR_PLOT_INTENSITY_CAPTION));
    return FL_OK;
}
