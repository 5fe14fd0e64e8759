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

enum fl_export_what {
    FL_EXPORT_SAMPLES,
    FL_EXPORT_OPS,     /* a row an operator and sample */
    FL_EXPORT_CEILINGS /* a row a rate that a machine reaches at most */
};

/* CSV, JSON, JSON Lines. */
void fl_export_rows(FILE *out, const struct fl_results *results, enum fl_export_format format,
                    enum fl_export_what what);

/* For reading: what was run and by which convention, then a row a point, or a row an operator and
 * point, or a row a ceiling. */
int fl_export_markdown(FILE *out, const struct fl_results *results, enum fl_export_what what,
                       struct fl_error *error);

#endif
