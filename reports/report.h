/* report.h - stored results as a document: topics, each with its finding in words, the figure that
 * says it shortest, its plot and the table behind it; then how it was measured and on what. Nothing
 * is said that the results do not hold; what they lack is named.
 *
 * To add a topic: a row in topics.c, a file report_NAME.c with its two functions, words in the
 * table of strings. */
#ifndef FL_REPORTS_REPORT_H
#define FL_REPORTS_REPORT_H

#include "analyzers/sections.h"
#include "reports/document.h"
#include "reports/plots.h"

#include <stdbool.h>

/* results hold at least one point. document is opened here and closed by the caller, also after a
 * failure. title NULL: the default one of the language. */
int fl_report_build(struct fl_document *document, enum fl_language language, const char *title,
                    const struct fl_results *results, const struct fl_sections *sections,
                    struct fl_error *error);

/* ---- topics ---- */

struct fl_topic {
    const char *name;        /* anchor and id: letters, digits and '-' */
    enum fl_string_id title; /* heading */
    enum fl_string_id needs; /* said behind "Missing: " where it is not possible */
    bool (*possible)(const struct fl_plot_input *input);
    /* Adds findings, plots (fl_report_plot), tables, in this order. */
    int (*render)(struct fl_document *document, const struct fl_plot_input *input,
                  struct fl_error *error);
};

/* Of every model; of the whole file (input->section and contrast are NULL), behind the models. */
enum fl_topic_place { FL_OF_MODEL, FL_BEHIND_MODELS };
const struct fl_topic *fl_topics(enum fl_topic_place place, int *n);

/* Draws a plot of the table in plots.c and adds it; one that is not possible is left out, with what
 * it needs as MISSING. */
int fl_report_plot(struct fl_document *document, const struct fl_plot_input *input,
                   const char *name, struct fl_error *error);

typedef int fl_topic_renderer(struct fl_document *document, const struct fl_plot_input *input,
                              struct fl_error *error);

/* report_findings.c */
fl_topic_renderer fl_report_agreement, fl_report_gap, fl_report_prefill, fl_report_cache,
    fl_report_intensity, fl_report_memory;
/* report_axes.c */
fl_topic_renderer fl_report_time, fl_report_threads, fl_report_kernels, fl_report_formats;
/* report_measured.c: what counters saw */
fl_topic_renderer fl_report_measured;
/* report_roofline.c: what the machine's ceilings allow */
fl_topic_renderer fl_report_roofline;
/* report_growth.c */
fl_topic_renderer fl_report_growth, fl_report_noise;
/* report_tables.c */
fl_topic_renderer fl_report_figures;

/* ---- tables ---- */

/* report_tables.c. One row a point of the section's three lines: the figures of one execution,
 * measured FLOPs among them where any point has them. */
void fl_report_headline(const struct fl_document *document, struct fl_table *table,
                        const struct fl_section *section);

/* The gap of a line's last point, textbook to exact. */
int fl_report_gap_table(struct fl_document *document, const struct fl_line *line,
                        struct fl_error *error);

/* Whether any point of the section was counted, and why not where none was. */
bool fl_report_is_measured(const struct fl_section *section);
enum fl_string_id fl_report_unmeasured(const struct fl_section *section);

/* "prefill", "cached decode step"; "1 thread", "2 threads". */
const char *fl_point_words(enum fl_language language, const struct fl_point *point);
enum { FL_THREADS_TEXT = 48 };
char *fl_threads_text(enum fl_language language, int n, char out[FL_THREADS_TEXT]);

#endif
