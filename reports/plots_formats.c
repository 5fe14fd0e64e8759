/* plots_formats.c - formats of weights and cache beside one another: tokens per second. */
#include "reports/plots_internal.h"

#include "analyzers/intensity.h"

#include <stdio.h>
#include <string.h>

/* A sweep in another format is another model in the file, with the same name and config. */
static bool is_same_model(const struct fl_section *a, const struct fl_section *b)
{
    return strcmp(a->model->name, b->model->name) == 0 &&
           strcmp(a->all.points->run->machine, b->all.points->run->machine) == 0 &&
           memcmp(&a->model->config, &b->model->config, sizeof a->model->config) == 0;
}

/* Apart from the format. */
static bool is_like(const struct fl_line *line, const struct fl_line *own)
{
    const struct fl_point *a = &line->points->point, *b = &own->points->point;
    return a->phase == b->phase && a->cache == b->cache && a->batch == b->batch &&
           a->n_threads == b->n_threads && strcmp(a->logits, b->logits) == 0 &&
           strcmp(a->attention, b->attention) == 0;
}

static struct fl_format_row *row_of(struct fl_format_row *rows, int *n, const char *name)
{
    for (int i = 0; i < *n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    if (*n == FL_FORMAT_ROWS)
        return NULL;
    rows[*n] = (struct fl_format_row){.name = name};
    return &rows[(*n)++];
}

static void add_section(struct fl_format_row *rows, int *n, const struct fl_section *section,
                        const struct fl_line own_lines[2])
{
    for (int phase = 0; phase < 2; phase++) {
        if (own_lines[phase].n == 0)
            continue;
        int context = own_lines[phase].points[own_lines[phase].n - 1].point.context;
        for (struct fl_line line = {0}; fl_section_next_line(section, &line);) {
            int at = is_like(&line, &own_lines[phase]) ? fl_line_find(&line, context) : -1;
            struct fl_format_row *row = at >= 0 ? row_of(rows, n, line.points->point.dtype) : NULL;
            if (row && !row->points[phase]) {
                row->points[phase] = &line.points[at];
                row->times[phase] = &line.times[at];
            }
        }
    }
}

static int find_rows(const struct fl_plot_input *input, const struct fl_line lines[2],
                     struct fl_format_row rows[FL_FORMAT_ROWS])
{
    const struct fl_section *own = input->section;
    int n = 0;
    for (int i = 0; i < input->sections->n; i++) {
        const struct fl_section *section = &input->sections->rows[i];
        if (!is_same_model(section, own))
            continue;
        if (section < own)
            return 0;
        add_section(rows, &n, section, lines);
    }
    return n;
}

/* The lines of a section with the setting of a prefill, or of a cached decode step. */
static void lines_like(const struct fl_section *section, const struct fl_line *like,
                       struct fl_line lines[2])
{
    const struct fl_point *a = &like->points->point;
    lines[0] = lines[1] = (struct fl_line){0};
    for (struct fl_line line = {0}; fl_section_next_line(section, &line);) {
        const struct fl_point *b = &line.points->point;
        bool decode = b->phase == FL_PHASE_DECODE;
        if (a->batch == b->batch && a->n_threads == b->n_threads && b->cache &&
            strcmp(a->attention, b->attention) == 0 && strcmp(a->dtype, b->dtype) == 0 &&
            lines[decode].n == 0)
            lines[decode] = line;
    }
}

int fl_format_rows(const struct fl_plot_input *input, struct fl_format_row rows[FL_FORMAT_ROWS])
{
    const struct fl_section *own = input->section;
    struct fl_line lines[2] = {own->prefill, own->cached};
    int n = find_rows(input, lines, rows);
    for (struct fl_line line = {0}; n < 2 && fl_section_next_line(own, &line);) {
        lines_like(own, &line, lines);
        n = find_rows(input, lines, rows);
    }
    return n;
}

bool fl_plot_has_formats(const struct fl_plot_input *input)
{
    struct fl_format_row rows[FL_FORMAT_ROWS];
    return fl_format_rows(input, rows) > 1;
}

/* name, tokens/s, low, high of one phase */
static int put_rates(struct fl_gnuplot *plot, const struct fl_format_row *rows, int n, int phase)
{
    for (int i = 0; i < n; i++) {
        if (!rows[i].points[phase])
            continue;
        const struct fl_estimate *time = &rows[i].times[phase]->total;
        double tokens = fl_point_new_tokens(&rows[i].points[phase]->point);
        if (time->low > 0)
            fprintf(plot->data, "%s %.9g %.9g %.9g\n", fl_plot_quote(plot, rows[i].name),
                    1e9 * tokens / time->median, 1e9 * tokens / time->high,
                    1e9 * tokens / time->low);
    }
    return fl_gnuplot_block(plot);
}

int fl_plot_formats(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                    char caption[FL_CAPTION], struct fl_error *error)
{
    static const enum fl_string_id TITLES[] = {FL_STR_PREFILL, FL_STR_CACHED_STEP};
    static const double SIDES[][2] = {{0.105, 0.485}, {0.595, 0.975}};
    struct fl_format_row rows[FL_FORMAT_ROWS];
    int n = fl_format_rows(input, rows), n_panels = 0;
    (void)error;
    fl_plot_panels(plot, FL_STR_PLOT_FORMATS, input, NULL);
    fputs("set boxwidth 0.6\nset format y '%.0s%c'\nset yrange [0:*]\nset xtics rotate by -30 "
          "scale 0\nset key off\n",
          plot->script);
    fl_plot_set(plot, "ylabel", FL_STR_PLOT_RATE_AXIS);
    for (int phase = 0; phase < 2; phase++) {
        int n_points = 0;
        for (int i = 0; i < n; i++)
            n_points += rows[i].points[phase] != NULL;
        if (n_points == 0)
            continue;
        fl_plot_place(plot, SIDES[n_panels][0], SIDES[n_panels][1], 0.2, 0.77);
        fl_plot_set(plot, "title", TITLES[phase]);
        int block = put_rates(plot, rows, n, phase);
        fprintf(plot->script,
                "set xrange [-0.6:%.1f]\n"
                "plot 'data' index %d using 0:2:xtic(1) with boxes lt %d, "
                "'' index %d using 0:2:3:4 with yerrorbars lc rgb '#1a1a1a' lw 1.4 pt 7 ps 0.4\n",
                n_points - 0.4, block, phase + 1, block);
        fputs("unset label 100\nset ylabel ''\n", plot->script);
        n_panels++;
    }
    fputs("unset multiplot\n", plot->script);
    const struct fl_result *first = rows[0].points[0] ? rows[0].points[0] : rows[0].points[1];
    const struct fl_point *point = &first->point;
    if (point->n_threads == 1)
        fl_text_format(caption, FL_CAPTION, plot->language, PLOT_FORMATS_CAPTION_ONE, point->batch,
                       point->attention);
    else
        fl_text_format(caption, FL_CAPTION, plot->language, PLOT_FORMATS_CAPTION, point->batch,
                       point->attention, point->n_threads);
    return FL_OK;
}
