/* compare_render.h - a comparison of two sets of points, as a table for people, Markdown, CSV, JSON
 * (docs/statistics.md has the keys) and a plot. */
#ifndef FL_REPORTS_COMPARE_RENDER_H
#define FL_REPORTS_COMPARE_RENDER_H

#include "analyzers/compare.h"
#include "reports/strings.h"
#include "reports/svg.h"
#include "reports/table.h"

#include <stdio.h>

struct fl_compare_report {
    const struct fl_comparison *comparison;
    const struct fl_compare_options *options;
    const char *names[2]; /* of the sides, as they were given */
};

/* What the sides are, a row a point, how many of each verdict. Columns for what differs between
 * points; what they have in common stands above them. */
int fl_compare_print(const struct fl_compare_report *report, enum fl_table_style style, FILE *out,
                     struct fl_error *error);

/* Rows alone, every column, numbers with all their digits. */
int fl_compare_print_csv(const struct fl_compare_report *report, FILE *out, struct fl_error *error);
int fl_compare_print_json(const struct fl_compare_report *report, FILE *out,
                          struct fl_error *error);

/* plots_compare.c: ratios with their intervals, a line a point. drawing->svg is malloc'd. */
int fl_compare_draw(struct fl_drawing *drawing, const struct fl_compare_report *report,
                    enum fl_language language, struct fl_error *error);

/* The values of the point's keys that differ among the rows, "prefill causal s=64". */
void fl_compare_row_label(const struct fl_comparison *comparison, int row, char *out, size_t size);

#endif
