/* export.h - stored results for other programs: every row says by itself what was measured, where,
 * and by which convention. docs/results.md lists the columns; their order and their names are part
 * of the format, new ones come at the end. */
#ifndef FL_REPORTS_EXPORT_H
#define FL_REPORTS_EXPORT_H

#include "base/error.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdio.h>

enum fl_export_format { FL_EXPORT_CSV, FL_EXPORT_JSON, FL_EXPORT_JSONL, FL_EXPORT_MARKDOWN };

/* "schema" of the objects that JSON and JSON Lines have. */
enum { FL_EXPORT_SCHEMA = 1 };

/* A row a sample, or a row an operator and sample: CSV, JSON, JSON Lines. */
void fl_export_rows(FILE *out, const struct fl_results *results, enum fl_export_format format,
                    bool by_op);

/* For reading: what was run and by which convention, then a row a point, or a row an operator and
 * point. */
int fl_export_markdown(FILE *out, const struct fl_results *results, bool by_op,
                       struct fl_error *error);

#endif
