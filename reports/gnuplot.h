/* gnuplot.h - one plot: a script and its data, run through gnuplot, taken back as SVG.
 *
 * Both are files in a temporary directory of their own, which is also where gnuplot runs; the
 * script names its data 'data' and selects blocks by `index`. What is written to the script must
 * be the program's own text, numbers, or text through fl_escape_gnuplot(). */
#ifndef FL_REPORTS_GNUPLOT_H
#define FL_REPORTS_GNUPLOT_H

#include "base/error.h"
#include "reports/strings.h"

#include <stdio.h>

struct fl_gnuplot {
    FILE *script, *data;
    int n_blocks;      /* finished blocks of data */
    int width, height; /* of the drawing, in user units (pixels at 96 dpi) */
    char directory[512];
    enum fl_language language;
    char words[32768]; /* quoted strings that commands have put in, one behind the other */
    size_t n_words;
};

/* Okabe and Ito's palette, told apart with any colour vision, without its black and yellow: those
 * vanish on a dark or a light page. Series k of a plot is `linetype k + 1`. */
enum { FL_PLOT_COLOURS = 8 };

/* Writes the house style (fonts, palette, grid, key) to the script. name: for the ids in the SVG,
 * letters, digits and '_' only. */
int fl_gnuplot_open(struct fl_gnuplot *plot, const char *name, int width, int height,
                    struct fl_error *error);

/* Ends a block of data; returns the number to select it with. */
int fl_gnuplot_block(struct fl_gnuplot *plot);

/* Powers of two on the x axis from low to high, each with its number. */
void fl_gnuplot_powers_of_two(struct fl_gnuplot *plot, double low, double high);

/* Runs gnuplot; *svg is what it drew, malloc'd. */
int fl_gnuplot_run(struct fl_gnuplot *plot, char **svg, struct fl_error *error);

/* Removes the temporary files. */
void fl_gnuplot_close(struct fl_gnuplot *plot);

#endif
