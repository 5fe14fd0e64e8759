/* predict_render.h - predictions as text, Markdown, CSV or JSON. */
#ifndef FL_REPORTS_PREDICT_RENDER_H
#define FL_REPORTS_PREDICT_RENDER_H

#include "analyzers/against.h"
#include "analyzers/predict.h"
#include "reports/table.h"

#include <stdio.h>

/* One batch size: the ideal, and what programs reach of it, where that was measured. */
struct fl_predict_row {
    struct fl_prediction ideal, reached;
};

/* A machine with a row a batch size. */
struct fl_predict_report {
    struct fl_hardware hardware;
    struct fl_predict_row *rows;
    int n_rows; /* at least 1 */
};

/* What was asked; against: NULL, or where the efficiency of `reached` is from. */
struct fl_predict_reports {
    const struct fl_predict_report *items;
    int n;
    const struct fl_against *against;
    const char *against_path;
};

int fl_predict_print(const struct fl_predict_reports *reports, enum fl_table_style style, FILE *out,
                     struct fl_error *error);
int fl_predict_print_csv(const struct fl_predict_reports *reports, FILE *out,
                         struct fl_error *error);
/* Schema 1, see docs/predict.md. */
int fl_predict_print_json(const struct fl_predict_reports *reports, FILE *out,
                          struct fl_error *error);

/* Measured points beside their predictions, and the error: median and worst. */
int fl_against_print(const struct fl_against *against, enum fl_table_style style, FILE *out,
                     struct fl_error *error);

/* --list */
int fl_hardware_print(FILE *out, struct fl_error *error);

#endif
