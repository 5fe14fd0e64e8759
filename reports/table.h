/* table.h - a table of text cells, printed aligned for a terminal, or as Markdown or CSV. */
#ifndef FL_REPORTS_TABLE_H
#define FL_REPORTS_TABLE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>

enum fl_table_style { FL_TABLE_TEXT, FL_TABLE_MARKDOWN, FL_TABLE_CSV };

struct fl_table {
    int n_columns;
    const char *alignment; /* 'l' or 'r', a letter a column */
    char **cells;          /* row-major, the heading first; owned */
    bool *rules;           /* a line is drawn above the row (text) */
    int n_cells, capacity;
    bool failed; /* memory ran out: the table prints nothing and says so */
};

/* headings: n_columns strings; alignment: one letter a column, kept by reference. */
void fl_table_open(struct fl_table *table, const char *alignment, const char *const *headings);
void fl_table_close(struct fl_table *table);

/* Cells fill row after row. */
void fl_table_cell(struct fl_table *table, const char *text);
void fl_table_format(struct fl_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A rule above the next row. */
void fl_table_rule(struct fl_table *table);

/* False when memory had run out. */
bool fl_table_print(const struct fl_table *table, enum fl_table_style style, FILE *out);

/* The same, and closes the table; fails for want of memory. */
int fl_table_finish(struct fl_table *table, enum fl_table_style style, FILE *out,
                    struct fl_error *error);

/* One field of CSV: quoted when it holds a quote, comma or line end, quotes doubled (RFC 4180). */
void fl_csv_text(FILE *out, const char *text);

/* Columns a UTF-8 string takes on a terminal (East Asian wide characters count two). */
int fl_text_width(const char *text);

#endif
