#include "reports/plots.h"

#include "reports/escape.h"
#include "reports/plots_internal.h"
#include "reports/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct fl_plot PLOTS[] = {
    {"operators", FL_STR_PLOT_OPERATORS, FL_STR_NEEDS_BOTH, 860, 430, fl_plot_has_both,
     fl_plot_operators},
    {"measured", FL_STR_PLOT_MEASURED, FL_STR_NEEDS_COUNTED, 860, 540, fl_plot_has_measured,
     fl_plot_measured},
    {"growth", FL_STR_PLOT_GROWTH, FL_STR_NEEDS_GROWTH, 860, 520, fl_plot_has_growth,
     fl_plot_growth},
    {"prefill", FL_STR_PLOT_PREFILL, FL_STR_NEEDS_PREFILL, 860, 560, fl_plot_has_prefill,
     fl_plot_prefill},
    {"contrast", FL_STR_PLOT_CONTRAST, FL_STR_NEEDS_CONTRAST, 860, 700, fl_plot_has_contrast,
     fl_plot_contrast},
    {"memory", FL_STR_PLOT_MEMORY, FL_STR_NEEDS_ANY, 860, 430, fl_plot_has_any, fl_plot_memory},
    {"time", FL_STR_PLOT_TIME, FL_STR_NEEDS_BOTH, 860, 470, fl_plot_has_both, fl_plot_shares},
    {"intensity", FL_STR_PLOT_INTENSITY, FL_STR_NEEDS_BOTH, 860, 450, fl_plot_has_both,
     fl_plot_intensity},
    {"roofline", FL_STR_PLOT_ROOFLINE, FL_STR_NEEDS_CEILINGS, 860, 560, fl_plot_has_roofs,
     fl_plot_roofline},
    {"paths", FL_STR_PLOT_PATHS, FL_STR_NEEDS_CEILINGS, 860, 470, fl_plot_has_roofs, fl_plot_paths},
    {"threads", FL_STR_PLOT_THREADS, FL_STR_NEEDS_THREADS, 860, 430, fl_plot_has_threads,
     fl_plot_threads},
    {"attention", FL_STR_PLOT_KERNELS, FL_STR_NEEDS_KERNELS, 860, 430, fl_plot_has_kernels,
     fl_plot_kernels},
    {"formats", FL_STR_PLOT_FORMATS, FL_STR_NEEDS_FORMATS, 860, 430, fl_plot_has_formats,
     fl_plot_formats},
};

const struct fl_plot *fl_plots(int *n)
{
    *n = sizeof PLOTS / sizeof *PLOTS;
    return PLOTS;
}

const struct fl_plot *fl_plot_find(const char *name)
{
    for (size_t i = 0; i < sizeof PLOTS / sizeof *PLOTS; i++)
        if (strcmp(PLOTS[i].name, name) == 0)
            return &PLOTS[i];
    return NULL;
}

int fl_plot_draw(struct fl_drawing *drawing, char caption[FL_CAPTION], const struct fl_plot *row,
                 const struct fl_plot_input *input, struct fl_error *error)
{
    struct fl_gnuplot plot;
    *drawing = (struct fl_drawing){
        .title = fl_text(input->language, row->title), .width = row->width, .height = row->height};
    snprintf(drawing->name, sizeof drawing->name, "%s%s", input->prefix, row->name);
    caption[0] = '\0';
    char id[sizeof drawing->name]; /* gnuplot takes no '-' in the name of a drawing */
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = drawing->name[i] == '-' ? '_' : drawing->name[i];
    if (fl_gnuplot_open(&plot, id, row->width, row->height, error) != FL_OK)
        return FL_FAILED;
    plot.language = input->language;
    int status = row->write(&plot, input, caption, error);
    if (status == FL_OK)
        status = fl_gnuplot_run(&plot, &drawing->svg, error);
    fl_gnuplot_close(&plot);
    return status;
}

/* ---- what the data has ---- */

bool fl_plot_has_both(const struct fl_plot_input *input)
{
    return input->section->prefill.n > 0 && input->section->cached.n > 0;
}

bool fl_plot_has_prefill(const struct fl_plot_input *input)
{
    return input->section->prefill.n > 0;
}

bool fl_plot_has_contrast(const struct fl_plot_input *input)
{
    return input->contrast->n_steps > 0;
}

bool fl_plot_has_any(const struct fl_plot_input *input)
{
    return input->section->all.n > 0;
}

/* ---- axes ---- */

struct fl_axis_scale fl_axis_scale_si(double largest, const char *unit)
{
    static const char *const PREFIXES[] = {"", "k", "M", "G", "T", "P", "E"};
    struct fl_axis_scale scale = {.divisor = 1};
    size_t i = 0;
    for (; i + 1 < sizeof PREFIXES / sizeof *PREFIXES && largest >= 2000 * scale.divisor; i++)
        scale.divisor *= 1000;
    snprintf(scale.unit, sizeof scale.unit, "%s%s", PREFIXES[i], unit);
    return scale;
}

struct fl_axis_scale fl_axis_scale_time(double largest_ns)
{
    static const char *const UNITS[] = {"ns", "us", "ms", "s"};
    struct fl_axis_scale scale = {.divisor = 1};
    size_t i = 0;
    for (; i + 1 < sizeof UNITS / sizeof *UNITS && largest_ns >= 2000 * scale.divisor; i++)
        scale.divisor *= 1000;
    snprintf(scale.unit, sizeof scale.unit, "%s", UNITS[i]);
    return scale;
}

char *fl_setting_text(enum fl_language language, const struct fl_point *point, char out[FL_SETTING])
{
    char threads[FL_THREADS_TEXT];
    fl_threads_text(language, point->n_threads, threads);
    return fl_text_format(out, FL_SETTING, language, PLOT_SETTING, point->batch, point->attention,
                          threads, point->dtype);
}

/* ---- words ---- */

const char *fl_plot_quote(struct fl_gnuplot *plot, const char *text)
{
    size_t room = sizeof plot->words - plot->n_words;
    char *quoted = plot->words + plot->n_words;
    FILE *out = room > 1 ? fmemopen(quoted, room, "w") : NULL;
    if (!out)
        return "\"\"";
    fl_escape_gnuplot(out, text);
    fputc('\0', out);
    long length = ftell(out);
    bool cut = ferror(out) || fflush(out) != 0 || (size_t)length > room;
    fclose(out);
    if (cut || quoted[length - 2] != '"')
        return "\"\"";
    plot->n_words += (size_t)length;
    return quoted;
}

const char *fl_plot_words(struct fl_gnuplot *plot, enum fl_string_id id)
{
    return fl_plot_quote(plot, fl_text(plot->language, id));
}

const char *fl_plot_words_id(struct fl_gnuplot *plot, enum fl_string_id id, ...)
{
    char text[512];
    va_list args;
    va_start(args, id);
    vsnprintf(text, sizeof text, fl_text(plot->language, id), args);
    va_end(args);
    return fl_plot_quote(plot, text);
}

void fl_plot_set(struct fl_gnuplot *plot, const char *what, enum fl_string_id id)
{
    fprintf(plot->script, "set %s %s\n", what, fl_plot_words(plot, id));
}

/* ---- titles and panels ---- */

static void put_title(struct fl_gnuplot *plot, enum fl_string_id title,
                      const struct fl_plot_input *input, const struct fl_point *point)
{
    char setting[FL_SETTING] = "", below[384];
    const char *name = input->section->model->name;
    if (point)
        snprintf(below, sizeof below, "%s%s%s", name, fl_text(plot->language, FL_STR_COLON),
                 fl_setting_text(plot->language, point, setting));
    else
        snprintf(below, sizeof below, "%s", name);
    fprintf(plot->script, "%s.\"\\n\".", fl_plot_words(plot, title));
    fl_escape_gnuplot(plot->script, below);
}

void fl_plot_title(struct fl_gnuplot *plot, enum fl_string_id title,
                   const struct fl_plot_input *input, const struct fl_point *point)
{
    fputs("set title ", plot->script);
    put_title(plot, title, input, point);
    fputs("\n", plot->script);
}

void fl_plot_panels(struct fl_gnuplot *plot, enum fl_string_id title,
                    const struct fl_plot_input *input, const struct fl_point *point)
{
    fputs("set multiplot\nheading = ", plot->script);
    put_title(plot, title, input, point);
    fprintf(plot->script,
            "\nset label 100 heading at screen 0.5, screen %.4f center tc rgb '#1a1a1a'\n",
            1 - 16.0 / plot->height);
}

void fl_plot_shared_key(struct fl_gnuplot *plot)
{
    fprintf(plot->script,
            "set key at screen 0.535, screen %.4f center center horizontal maxrows 1 Left reverse "
            "samplen 1.4 width -1\n",
            1 - 58.0 / plot->height);
}

void fl_plot_place(struct fl_gnuplot *plot, double left, double right, double bottom, double top)
{
    fprintf(plot->script,
            "set lmargin at screen %.4f\nset rmargin at screen %.4f\n"
            "set bmargin at screen %.4f\nset tmargin at screen %.4f\n",
            left, right, bottom, top);
}

void fl_plot_context_row(struct fl_gnuplot *plot, const struct fl_line *line, int i, int labels)
{
    int every = (line->n + labels - 1) / labels;
    if (i % every == 0)
        fprintf(plot->data, "\"%d\" ", line->points[i].point.context);
    else
        fputs("\" \" ", plot->data);
}
