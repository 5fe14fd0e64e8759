/* why_render.h - bridges from other tools' figures to ours, as text, Markdown, CSV or JSON. */
#ifndef FL_REPORTS_WHY_RENDER_H
#define FL_REPORTS_WHY_RENDER_H

#include "analyzers/why.h"
#include "reports/table.h"

#include <stdio.h>

/* One tool: what it counts, then term by term to our figure. */
int fl_why_print(const struct fl_why *why, const struct fl_config *config,
                 enum fl_table_style style, FILE *out, struct fl_error *error);

/* A row a tool: what it reports, by what factor that is not ours, and the largest reasons. whys[n];
 * a tool that has no figure (refused) says why. */
int fl_why_print_overview(const struct fl_why *whys, int n, const struct fl_config *config,
                          enum fl_table_style style, FILE *out, struct fl_error *error);

/* One row a part and a term: tool, kind, name, note, unit, value. */
int fl_why_print_csv(const struct fl_why *whys, int n, FILE *out, struct fl_error *error);

/* Schema 1: model, shape, and an array of tools with parts, terms, ours, unexplained. */
int fl_why_print_json(const struct fl_why *whys, int n, const struct fl_config *config, FILE *out,
                      struct fl_error *error);

/* --list */
int fl_why_print_tools(FILE *out, struct fl_error *error);

#endif
