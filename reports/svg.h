/* svg.h - gnuplot's drawing made fit for a page: the ink takes the colour of the text around it,
 * ids are unique within the page, the size follows the page's width. */
#ifndef FL_REPORTS_SVG_H
#define FL_REPORTS_SVG_H

#include <stdio.h>

struct fl_drawing {
    char name[64];     /* letters, digits, '-' and '_': file name and prefix of the ids */
    const char *title; /* said by screen readers */
    int width, height;
    char *svg; /* as gnuplot wrote it */
};

/* Inside an HTML page: no prolog, no name spaces. */
void fl_drawing_inline(FILE *out, const struct fl_drawing *drawing);

/* A file of its own, which follows the reader's light or dark preference. */
void fl_drawing_file(FILE *out, const struct fl_drawing *drawing);

#endif
