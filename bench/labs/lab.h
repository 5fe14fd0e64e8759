/* lab.h - the labs of the course (docs/course): a question to predict, an experiment on the real
 * engine, and the account of the difference.
 *
 * A lab is a row of one table (lab_table.c): its words, its questions and a function that runs the
 * experiment and fills a result. Results are data without language or layout: cmd_lab_print.c makes
 * text of them, cmd_lab_json.c JSON, cmd_lab_figure.c the figure. */
#ifndef FL_BENCH_LAB_H
#define FL_BENCH_LAB_H

#include "base/error.h"
#include "bench/labs/lab_quantity.h"
#include "bench/labs/lab_text.h"

#include <stdbool.h>
#include <stdint.h>

/* The model of the labs: round figures, and matrices that a step has to fetch from memory. */
#define FL_LAB_MODEL "gpt2-course"

enum {
    FL_LAB_QUESTIONS_MAX = 5,
    FL_LAB_SLIPS_MAX = 4,
    FL_LAB_SETTINGS_MAX = 6,
    FL_LAB_TABLES_MAX = 5,
    FL_LAB_COLUMNS_MAX = 8,
    FL_LAB_ROWS_MAX = 24,
    FL_LAB_ACCOUNTS_MAX = 4,
    FL_LAB_TERMS_MAX = 24,
    FL_LAB_LABEL = 64
};

/* ---- the lab ---- */

struct fl_lab_question {
    const char *key;         /* of JSON */
    enum fl_lab_string text; /* the question */
    enum fl_lab_string rule; /* the reasoning behind the expected figure, in a line */
    enum fl_lab_unit unit;
    bool exact; /* counted, the same on every machine; otherwise measured here */
};

struct fl_lab_run;

struct fl_lab {
    const char *name; /* "formula"; `flopledger lab formula` is `flopledger lab 1` */
    enum fl_lab_string title, aim, explanation;
    struct fl_lab_question questions[FL_LAB_QUESTIONS_MAX];
    int n_questions;
    /* What the question needs to know of this machine; NULL: nothing. Adds settings. */
    int (*prepare)(struct fl_lab_run *run, struct fl_error *error);
    int (*experiment)(struct fl_lab_run *run, struct fl_error *error);
    const char *model;    /* the preset it runs; NULL: none */
    const char *commands; /* to go on with, a line each */
};

/* All of them, in order: 0 .. count - 1. */
int fl_lab_count(void);
const struct fl_lab *fl_lab_at(int i);

/* By number or name; NULL when there is none. */
const struct fl_lab *fl_lab_find(const char *name);

/* "1", ..., or "slips". */
const char *fl_lab_id(const struct fl_lab *lab);

/* ---- what came out ---- */

/* A label is a row of the table of strings, and behind it a text that needs no translation (an
 * operator's name, "b = 4"). Either may be missing: FL_LAB_TEXT_NONE, "". */
struct fl_lab_label {
    enum fl_lab_string string;
    char text[FL_LAB_LABEL];
};

struct fl_lab_setting {
    struct fl_lab_label label;
    double value;
    enum fl_lab_unit unit;
};

/* An answer that is wrong in a way that has a name. */
struct fl_lab_slip {
    double value;
    enum fl_lab_string why;
};

struct fl_lab_answer {
    double expected; /* by the question's rule; NaN: the rule gives bounds only */
    double actual;   /* counted or measured */
    struct fl_lab_slip slips[FL_LAB_SLIPS_MAX];
    int n_slips;
};

struct fl_lab_column {
    enum fl_lab_string heading;
    enum fl_lab_unit unit;
    bool digits; /* all digits of whole numbers */
};

struct fl_lab_row {
    struct fl_lab_label label;
    double values[FL_LAB_COLUMNS_MAX]; /* NaN: empty */
};

struct fl_lab_table {
    enum fl_lab_string title, labels; /* labels: heading of the first column */
    struct fl_lab_column columns[FL_LAB_COLUMNS_MAX];
    struct fl_lab_row rows[FL_LAB_ROWS_MAX];
    int n_columns, n_rows;
};

/* The way from one figure to another, in terms that add up or multiply: the first is where it
 * starts, the last where it ends, and what lies between is the difference. */
struct fl_lab_term {
    struct fl_lab_label label;
    double value;
    enum fl_lab_unit unit;
};

struct fl_lab_account {
    enum fl_lab_string title;
    bool product;
    struct fl_lab_term terms[FL_LAB_TERMS_MAX];
    int n_terms;
};

enum fl_lab_figure_kind { FL_LAB_BARS, FL_LAB_ROOFLINE };

/* Drawn from a table: bars of one or two columns, or points of (x, y[0]) below two roofs, both axes
 * logarithmic. */
struct fl_lab_figure {
    enum fl_lab_figure_kind kind;
    enum fl_lab_string title;
    int table;
    int x;
    int y[2], n_y;
    double flops_per_s, bytes_per_s; /* the roofs */
};

struct fl_lab_result {
    struct fl_lab_setting settings[FL_LAB_SETTINGS_MAX];
    struct fl_lab_answer answers[FL_LAB_QUESTIONS_MAX];
    struct fl_lab_table tables[FL_LAB_TABLES_MAX];
    struct fl_lab_account accounts[FL_LAB_ACCOUNTS_MAX];
    struct fl_lab_figure figure;
    double spread;  /* of the times: the largest ratio of a point's slowest round to its fastest; 0:
                       nothing was timed more than once */
    bool cut_short; /* fewer rounds than asked for, see fl_lab_is_late() */
    int n_settings, n_tables, n_accounts;
};

/* ---- one run ---- */

struct fl_lab_ceilings {
    double flops_per_s, bytes_per_s;
    bool kept; /* by `flopledger peaks`; otherwise measured just now */
};

struct fl_lab_run {
    const struct fl_lab *lab;
    int n_threads;                   /* at least 1 */
    int n_rounds;                    /* times every point is measured, at least 1 */
    uint64_t seed;                   /* of weights and tokens */
    bool quiet;                      /* no progress on stderr */
    struct fl_lab_ceilings ceilings; /* of lab 4's prepare */
    struct fl_lab_result result;
};

/* Building a result. What does not fit is a programmer's mistake. */
struct fl_lab_label fl_lab_word(enum fl_lab_string string);
struct fl_lab_label fl_lab_label(enum fl_lab_string string, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void fl_lab_set(struct fl_lab_result *result, struct fl_lab_label label, double value,
                enum fl_lab_unit unit);
/* A point's fastest and slowest round. */
void fl_lab_note_spread(struct fl_lab_result *result, double fastest, double slowest);
void fl_lab_answer(struct fl_lab_result *result, int question, double expected, double actual);
void fl_lab_slip(struct fl_lab_result *result, int question, double value, enum fl_lab_string why);

/* columns [n]. */
struct fl_lab_table *fl_lab_add_table(struct fl_lab_result *result, enum fl_lab_string title,
                                      enum fl_lab_string labels,
                                      const struct fl_lab_column *columns, int n);
/* values [n_columns of the table]. */
void fl_lab_add_row(struct fl_lab_table *table, struct fl_lab_label label, const double *values);

struct fl_lab_account *fl_lab_add_account(struct fl_lab_result *result, enum fl_lab_string title,
                                          bool product);
void fl_lab_add_term(struct fl_lab_account *account, struct fl_lab_label label, double value,
                     enum fl_lab_unit unit);

/* What the terms leave over of the last one: 0 when the account is complete. Of a product: its
 * ratio to the last term, less 1. */
double fl_lab_left_over(const struct fl_lab_account *account);

/* ---- judging a prediction ---- */

enum fl_lab_verdict {
    FL_LAB_UNASKED,
    FL_LAB_RIGHT, /* counted: within 1 %; measured: within 25 %; or what the rule gives */
    FL_LAB_CLOSE, /* within a factor of 2 */
    FL_LAB_OFF
};
extern const char *const fl_lab_verdict_names[]; /* "unasked", "right", "close", "off" */

/* prediction NaN: none. *slip is the one it falls into, NULL: none. */
enum fl_lab_verdict fl_lab_judge(const struct fl_lab_question *question,
                                 const struct fl_lab_answer *answer, double prediction,
                                 const struct fl_lab_slip **slip);

#endif
