/* plots_internal.h - what the files that draw plots share. */
#ifndef FL_REPORTS_PLOTS_INTERNAL_H
#define FL_REPORTS_PLOTS_INTERNAL_H

#include "analyzers/roofline.h"
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

/* "batch 1, causal attention, 2 threads, f32" */
enum { FL_SETTING = 192 };
char *fl_setting_text(enum fl_language language, const struct fl_point *point,
                      char out[FL_SETTING]);

/* Text as a gnuplot string, quotes and all, in the plot's own store: to be put into commands by
 * "%s". What does not fit any more is an empty string. */
const char *fl_plot_quote(struct fl_gnuplot *plot, const char *text);

/* A row of the table of strings the same way, in the plot's language; fl_plot_words_of: one with
 * directives. */
const char *fl_plot_words(struct fl_gnuplot *plot, enum fl_string_id id);
#define fl_plot_words_of(plot, id, ...)                                                            \
    (FL_CHECK_STRING(id, __VA_ARGS__), fl_plot_words_id(plot, FL_STR_##id, __VA_ARGS__))
const char *fl_plot_words_id(struct fl_gnuplot *plot, enum fl_string_id id, ...);

/* set xlabel "words" */
void fl_plot_set(struct fl_gnuplot *plot, const char *what, enum fl_string_id id);

/* set title "title" and below it the model and what else is fixed; point may be NULL. In a
 * multiplot this goes on top of all panels. */
void fl_plot_title(struct fl_gnuplot *plot, enum fl_string_id title,
                   const struct fl_plot_input *input, const struct fl_point *point);
void fl_plot_panels(struct fl_gnuplot *plot, enum fl_string_id title,
                    const struct fl_plot_input *input, const struct fl_point *point);

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
bool fl_plot_has_roofs(const struct fl_plot_input *input);
bool fl_plot_has_growth(const struct fl_plot_input *input); /* three contexts of a kind */
bool fl_plot_has_formats(const struct fl_plot_input *input);

/* The first line like the section's prefill with this attention kernel; n is 0 when there is none.
 */
struct fl_line fl_line_with_kernel(const struct fl_section *section, const char *attention);

/* Whether a line differs from the section's own in the batch at most. */
bool fl_line_varies_in_batch(const struct fl_line *line, const struct fl_line *own);

/* Operators by colour, 0 .. FL_PLOT_GROUPS - 1, and the groups' names. */
enum { FL_PLOT_GROUPS = 8 };
int fl_plot_group(enum fl_operator op);
enum fl_string_id fl_plot_group_name(int group);

/* plots_roofline.c: the ceilings for the section's lines; false when there are none for as many
 * threads, or no lines. */
bool fl_plot_roofs(const struct fl_plot_input *input, struct fl_roofs *roofs);

/* plots_formats.c: one format of weights and cache, as far as it was measured with the setting of
 * the section's own lines and at their last contexts. */
struct fl_format_row {
    const char *name;                  /* "q8_0" */
    const struct fl_result *points[2]; /* prefill, cached decode step; NULL: not measured */
    const struct fl_timing *times[2];
};
enum { FL_FORMAT_ROWS = 12 };
/* Over all sections of the same model on the same machine; empty but for the first of them. */
int fl_format_rows(const struct fl_plot_input *input, struct fl_format_row rows[FL_FORMAT_ROWS]);

typedef int fl_plot_writer(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                           char caption[FL_CAPTION], struct fl_error *error);
fl_plot_writer fl_plot_operators, fl_plot_shares;                  /* plots_operators.c */
fl_plot_writer fl_plot_prefill, fl_plot_memory, fl_plot_intensity; /* plots_scaling.c */
fl_plot_writer fl_plot_threads, fl_plot_kernels;                   /* plots_axes.c */
fl_plot_writer fl_plot_growth;                                     /* plots_growth.c */
fl_plot_writer fl_plot_formats;                                    /* plots_formats.c */
fl_plot_writer fl_plot_roofline, fl_plot_paths;                    /* plots_roofline.c */
fl_plot_writer fl_plot_contrast;                                   /* plots_contrast.c */
fl_plot_writer fl_plot_measured;                                   /* plots_measured.c */

#endif
