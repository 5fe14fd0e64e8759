/* peaks_render.h - measured ceilings for people and for other programs. */
#ifndef FL_REPORTS_PEAKS_RENDER_H
#define FL_REPORTS_PEAKS_RENDER_H

#include "analyzers/roofline.h"
#include "reports/table.h"

#include <stdio.h>

/* FLOP/s by kernel and format, and bandwidth by level and kernel, a column a number of threads;
 * with the convention below. FL_TABLE_CSV: one row a ceiling. */
int fl_peaks_print(const char *key, const struct fl_ceiling *ceilings, int n,
                   enum fl_table_style style, FILE *out, struct fl_error *error);

/* The same with every sample, documented in docs/peaks.md. */
void fl_peaks_print_json(const char *key, const struct fl_ceiling *ceilings, int n, FILE *out);

#endif
