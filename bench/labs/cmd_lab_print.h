/* cmd_lab_print.h - a lab's result as text, JSON and figure. */
#ifndef FL_BENCH_CMD_LAB_PRINT_H
#define FL_BENCH_CMD_LAB_PRINT_H

#include "bench/labs/lab.h"

#include <stdio.h>

struct fl_lab_view {
    const struct fl_lab_run *run;
    const double *predictions; /* [FL_LAB_QUESTIONS_MAX]; NaN: none */
    enum fl_lab_language language;
    bool answers; /* the lecturer's: expected figures and explanation before what came out */
};

enum { FL_LAB_WIDTH = 92 }; /* columns of running text */

void fl_lab_print_list(enum fl_lab_language language, FILE *out);

/* Title, aim, model and what was measured beforehand: all one needs to predict. */
void fl_lab_print_opening(const struct fl_lab_view *view, FILE *out);

/* "Question 1: ..."; used when asking, too. */
void fl_lab_print_question(const struct fl_lab_view *view, int question, FILE *out);

/* False when memory had run out. */
bool fl_lab_print_outcome(const struct fl_lab_view *view, FILE *out);

void fl_lab_print_json(const struct fl_lab_view *view, FILE *out);
void fl_lab_print_list_json(enum fl_lab_language language, FILE *out);

/* cmd_lab_figure.c */
void fl_lab_print_figure(const struct fl_lab_view *view, FILE *out);
int fl_lab_plot(const struct fl_lab_view *view, const char *path, struct fl_error *error);

/* The label in a language: its word, its text, or both. */
char *fl_lab_label_text(enum fl_lab_language language, const struct fl_lab_label *label, char *out,
                        size_t size);

/* text in lines of at most `width` columns, each behind `indent` spaces. Lines break at spaces and
 * between Chinese characters, but not before a closing mark or behind an opening one; '\n' begins a
 * new paragraph. */
void fl_lab_print_wrapped(const char *text, int indent, int width, FILE *out);

/* Text and spaces up to `width` columns of the terminal; negative: spaces first. */
void fl_lab_print_padded(const char *text, int width, FILE *out);

#endif
