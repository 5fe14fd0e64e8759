/* plots_internal.h - what the files that draw plots share. */
#ifndef FL_REPORTS_PLOTS_INTERNAL_H
#define FL_REPORTS_PLOTS_INTERNAL_H

#include "base/units.h"
#include "reports/plots.h"

/* A prefix for a whole axis: values are divided by `divisor`, the axis is labelled in `unit`. */
struct fl_axis_scale {
    double divisor;
    char unit[16];
};

/* SI prefixes for counts; ns, us, ms, s for times in ns. */
struct fl_axis_scale fl_axis_scale_si(double largest, const char *unit);
struct fl_axis_scale fl_axis_scale_time(double largest_ns);

/* "batch 1, causal attention, 2 threads" */
enum { FL_SETTING = 96 };
char *fl_setting_text(const struct fl_point *point, char out[FL_SETTING]);

/* set title "title" and below it the model and what else is fixed; point may be NULL. In a
 * multiplot this goes on top of all panels. */
void fl_plot_title(struct fl_gnuplot *plot, const char *title, const struct fl_plot_input *input,
                   const struct fl_point *point);
void fl_plot_panels(struct fl_gnuplot *plot, const char *title, const struct fl_plot_input *input,
                    const struct fl_point *point);

/* Margins of the next panel, as fractions of the drawing, from the left and the bottom. */
void fl_plot_place(struct fl_gnuplot *plot, double left, double right, double bottom, double top);

/* The key of all panels in one row below the title. */
void fl_plot_shared_key(struct fl_gnuplot *plot);

/* Contexts on a histogram's axis, not more labels than there is room for: the xtic() text. */
void fl_plot_context_row(struct fl_gnuplot *plot, const struct fl_line *line, int i, int labels);

bool fl_plot_has_both(const struct fl_plot_input *input); /* prefill and a cached decode */
bool fl_plot_has_prefill(const struct fl_plot_input *input);
bool fl_plot_has_contrast(const struct fl_plot_input *input);
bool fl_plot_has_any(const struct fl_plot_input *input);
bool fl_plot_has_threads(const struct fl_plot_input *input);
bool fl_plot_has_kernels(const struct fl_plot_input *input);
bool fl_plot_has_measured(const struct fl_plot_input *input);

typedef int fl_plot_writer(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                           char caption[FL_CAPTION], struct fl_error *error);
fl_plot_writer fl_plot_operators, fl_plot_shares;                  /* plots_operators.c */
fl_plot_writer fl_plot_prefill, fl_plot_memory, fl_plot_intensity; /* plots_scaling.c */
fl_plot_writer fl_plot_threads, fl_plot_kernels;                   /* plots_axes.c */
fl_plot_writer fl_plot_contrast;                                   /* plots_contrast.c */
fl_plot_writer fl_plot_measured;                                   /* plots_measured.c */

#endif
