/* sections.h - stored results, laid out for comparing: a section for every machine and model,
 * lines over the context within it, and the times of every point with their intervals.
 *
 * A line is a run of points that differ in the context alone, in rising order. Results come
 * sorted so that lines are contiguous; nothing is copied. */
#ifndef FL_ANALYZERS_SECTIONS_H
#define FL_ANALYZERS_SECTIONS_H

#include "analyzers/noise.h"
#include "analyzers/statistics.h"
#include "base/error.h"
#include "ledger/analytic.h"
#include "store/store.h"

struct fl_timing {
    struct fl_estimate total;     /* ns, of one execution; widened by the section's disturbance */
    double op_ns[FL_N_OPERATORS]; /* median of each operator */
    double outside_ns;            /* median of what no operator accounts for */
};

struct fl_line {
    const struct fl_result *points; /* rising context */
    const struct fl_timing *times;  /* of the same points */
    int n;
};

struct fl_section {
    const struct fl_model_record *model;
    struct fl_line all;
    /* The setting (attention, logits, dtype, threads, batch) that says most: all three kinds of
     * lines if possible, then most contexts, then the smallest batch and most threads; causal
     * before naive. n is 0 where the file has no such points. */
    struct fl_line prefill, cached, uncached;
    struct fl_disturbance disturbance; /* of the machine, over all points */
};

struct fl_sections {
    struct fl_section *rows;
    int n;
    struct fl_timing *timings; /* as results->points */
};

/* results must outlive the sections. */
int fl_sections_make(struct fl_sections *sections, const struct fl_results *results,
                     struct fl_error *error);
void fl_sections_free(struct fl_sections *sections);

/* Walks the lines of a section: *line starts as {0}; false at the end. */
bool fl_section_next_line(const struct fl_section *section, struct fl_line *line);

/* The point of a line at this context, as an index; -1 when there is none. */
int fl_line_find(const struct fl_line *line, int context);

/* Where what was counted is not what the formulas say, in FLOPs or bytes. */
struct fl_mismatches {
    int n, n_checked; /* operators, over all points of the section; points' totals count as one */
    const struct fl_result *first; /* NULL: none */
    enum fl_operator first_op;     /* FL_N_OPERATORS: the total */
};
struct fl_mismatches fl_section_mismatches(const struct fl_section *section);

/* How far the times of a section can be relied on. */
struct fl_noise {
    int n_wide;                    /* points with a wide interval */
    int n_few;                     /* points with too few samples for a 95 % interval */
    int fewest;                    /* samples of any point */
    const struct fl_result *worst; /* widest interval, relative to the median; NULL: no points */
    const struct fl_timing *worst_time;
};
struct fl_noise fl_section_noise(const struct fl_section *section);

/* The convention that a point's exact figures follow. */
int fl_point_convention(struct fl_convention *convention, const struct fl_point *point,
                        struct fl_error *error);

enum { FL_OWN_CONTEXT = -1 };

/* What forward was called with, moved to another context or as it is (FL_OWN_CONTEXT). An encoder
 * reads as many tokens as the context, as `sweep` has it. Weights are f32; a 16-bit KV cache is
 * f16. */
struct fl_shape fl_point_shape(const struct fl_result *result, int64_t context);

/* Analytic figures of that shape under the point's convention. */
int fl_point_analytic(struct fl_analytic *analytic, const struct fl_result *result, int64_t context,
                      struct fl_error *error);

#endif
