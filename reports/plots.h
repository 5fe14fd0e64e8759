/* plots.h - the plots of a report, as a table: what each shows, what it needs, how it is drawn.
 * Their words are rows of the table of strings (strings_plots.h and the like). */
#ifndef FL_REPORTS_PLOTS_H
#define FL_REPORTS_PLOTS_H

#include "analyzers/contrast.h"
#include "analyzers/sections.h"
#include "reports/gnuplot.h"
#include "reports/strings.h"
#include "reports/svg.h"

#include <stdbool.h>

/* What plots, and the topics of a report around them, are made from. */
struct fl_plot_input {
    const struct fl_section *section;   /* NULL in topics of the whole file */
    const struct fl_contrast *contrast; /* of the same section */
    const struct fl_results *results;
    const struct fl_sections *sections; /* all of them */
    enum fl_language language;
    const char *prefix; /* of names of drawings and anchors: "", "model2-" */
};

enum { FL_CAPTION = 1024 };

struct fl_plot {
    const char *name;        /* of the file, and what ids start with */
    enum fl_string_id title; /* what it shows */
    enum fl_string_id needs; /* said when the data does not have it */
    int width, height;
    bool (*possible)(const struct fl_plot_input *input);
    /* Writes data and commands, and the caption: what to see in it and how it was made. */
    int (*write)(struct fl_gnuplot *plot, const struct fl_plot_input *input,
                 char caption[FL_CAPTION], struct fl_error *error);
};

const struct fl_plot *fl_plots(int *n);

/* NULL when there is none. */
const struct fl_plot *fl_plot_find(const char *name);

/* drawing->svg is malloc'd. */
int fl_plot_draw(struct fl_drawing *drawing, char caption[FL_CAPTION], const struct fl_plot *row,
                 const struct fl_plot_input *input, struct fl_error *error);

#endif
