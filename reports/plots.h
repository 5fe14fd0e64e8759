/* plots.h - the plots of a report, as a table: what each shows, what it needs, how it is drawn. */
#ifndef FL_REPORTS_PLOTS_H
#define FL_REPORTS_PLOTS_H

#include "analyzers/contrast.h"
#include "analyzers/sections.h"
#include "reports/gnuplot.h"
#include "reports/svg.h"

#include <stdbool.h>

struct fl_plot_input {
    const struct fl_section *section;
    const struct fl_contrast *contrast; /* of the same section */
};

enum { FL_CAPTION = 640 };

struct fl_plot {
    const char *name;  /* of the file, and what ids start with */
    const char *title; /* what it shows */
    const char *needs; /* said when the data does not have it */
    int width, height;
    bool (*possible)(const struct fl_plot_input *input);
    /* Writes data and commands, and the caption: what to see in it and how it was made. */
    int (*write)(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                 char caption[FL_CAPTION], struct fl_error *error);
};

const struct fl_plot *fl_plots(int *n);

/* drawing->svg is malloc'd; prefix starts the drawing's name ("" or "model2-"). */
int fl_plot_draw(struct fl_drawing *drawing, char caption[FL_CAPTION], const struct fl_plot *row,
                 const struct fl_plot_input *input, const char *prefix, struct fl_error *error);

#endif
