#include "reports/plots.h"

#include "reports/escape.h"
#include "reports/plots_internal.h"

#include <stdio.h>
#include <string.h>

static const struct fl_plot PLOTS[] = {
    {"operators", "FLOPs per operator, by who counts", "a prefill and a cached decode step", 860,
     430, fl_plot_has_both, fl_plot_operators},
    {"measured", "What the processor executed beyond the formulas",
     "points that a counter counted (sweep --counter flopgrind)", 860, 540, fl_plot_has_measured,
     fl_plot_measured},
    {"prefill", "What a prompt token costs, and attention's part in it", "prefill points", 860, 560,
     fl_plot_has_prefill, fl_plot_prefill},
    {"contrast", "Decoding with and without the KV cache",
     "decode steps with the cache and without it at the same contexts", 860, 700,
     fl_plot_has_contrast, fl_plot_contrast},
    {"memory", "Memory of the KV cache beside the weights", "a model", 860, 430, fl_plot_has_any,
     fl_plot_memory},
    {"time", "Where the time goes", "a prefill and a cached decode step", 860, 470,
     fl_plot_has_both, fl_plot_shares},
    {"intensity", "Arithmetic intensity by phase", "a prefill and a cached decode step", 860, 450,
     fl_plot_has_both, fl_plot_intensity},
    {"threads", "What more threads bring", "points with several numbers of threads", 860, 430,
     fl_plot_has_threads, fl_plot_threads},
    {"attention", "Skipping the masked half: naive against causal attention",
     "prefill points with both attention kernels", 860, 430, fl_plot_has_kernels, fl_plot_kernels},
};

const struct fl_plot *fl_plots(int *n)
{
    *n = sizeof PLOTS / sizeof *PLOTS;
    return PLOTS;
}

int fl_plot_draw(struct fl_drawing *drawing, char caption[FL_CAPTION], const struct fl_plot *row,
                 const struct fl_plot_input *input, const char *prefix, struct fl_error *error)
{
    struct fl_gnuplot plot;
    *drawing = (struct fl_drawing){.title = row->title, .width = row->width, .height = row->height};
    snprintf(drawing->name, sizeof drawing->name, "%s%s", prefix, row->name);
    caption[0] = '\0';
    char id[sizeof drawing->name]; /* gnuplot takes no '-' in the name of a drawing */
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = drawing->name[i] == '-' ? '_' : drawing->name[i];
    if (fl_gnuplot_open(&plot, id, row->width, row->height, error) != FL_OK)
        return FL_FAILED;
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

/* ---- axes, titles, panels ---- */

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

char *fl_setting_text(const struct fl_point *point, char out[FL_SETTING])
{
    snprintf(out, FL_SETTING, "batch %d, %s attention, %d thread%s, %s", point->batch,
             point->attention, point->n_threads, point->n_threads == 1 ? "" : "s", point->dtype);
    return out;
}

static void put_title(struct fl_gnuplot *plot, const char *title, const struct fl_plot_input *input,
                      const struct fl_point *point)
{
    char setting[FL_SETTING] = "", below[256];
    snprintf(below, sizeof below, "%s%s%s", input->section->model->name, point ? ": " : "",
             point ? fl_setting_text(point, setting) : "");
    fl_escape_gnuplot(plot->script, title);
    fputs(".\"\\n\".", plot->script);
    fl_escape_gnuplot(plot->script, below);
}

void fl_plot_title(struct fl_gnuplot *plot, const char *title, const struct fl_plot_input *input,
                   const struct fl_point *point)
{
    fputs("set title ", plot->script);
    put_title(plot, title, input, point);
    fputs("\n", plot->script);
}

void fl_plot_panels(struct fl_gnuplot *plot, const char *title, const struct fl_plot_input *input,
                    const struct fl_point *point)
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
