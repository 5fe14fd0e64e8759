/* growth_render.h - how FLOPs and time grow with the context, a row a line of points: as a table or
 * JSON. */
#ifndef FL_REPORTS_GROWTH_RENDER_H
#define FL_REPORTS_GROWTH_RENDER_H

#include "analyzers/sections.h"
#include "reports/table.h"

#include <stdio.h>

/* Coefficients of FLOPs, exact; those of times in ns with 95 % intervals; the verdict. */
int fl_growth_print(const struct fl_sections *sections, enum fl_table_style style, FILE *out,
                    struct fl_error *error);

/* Schema 1: an array `lines`; docs/statistics.md has its keys. */
int fl_growth_print_json(const struct fl_sections *sections, FILE *out, struct fl_error *error);

#endif
