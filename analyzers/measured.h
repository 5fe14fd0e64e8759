/* measured.h - what a counter saw of a stored point, beside the formulas:
 *
 *     measured = exact + terms + unexplained            of every operator
 *     whole pass = sum of the operators + between
 *
 * The terms are what the kernels say they execute beyond the mathematics (base/excess.h); between
 * is what ran in no operator. */
#ifndef FL_ANALYZERS_MEASURED_H
#define FL_ANALYZERS_MEASURED_H

#include "analyzers/sections.h"
#include "base/units.h"

enum { FL_LINE_BYTES = 64 };

struct fl_measured_op {
    enum fl_operator op;     /* FL_N_OPERATORS: all of them */
    fl_wide exact, measured; /* FLOPs */
    fl_wide terms[FL_N_EXCESS_TERMS];
    fl_wide explained, unexplained; /* explained: the sum of the terms */
    /* Compulsory traffic by formula, and distinct lines touched, in bytes. */
    fl_wide exact_bytes, footprint_bytes;
};

struct fl_measured_point {
    const struct fl_result *result;
    const struct fl_observed *observed;
    bool has_flops, has_footprint; /* otherwise those figures mean nothing */
    struct fl_measured_op ops[FL_N_OPERATORS];
    int n_ops;
    /* Sums over the operators, but for measured, which is of the whole pass. */
    struct fl_measured_op total;
    fl_wide between;
    fl_wide pass_footprint_bytes; /* a line counts once, however many operators touch it */
};

/* observed: one of the result's. */
void fl_measured_point_make(struct fl_measured_point *measured, const struct fl_result *result,
                            const struct fl_observed *observed);

/* 100 part / whole; 0 where there is nothing to divide by. */
double fl_percent(fl_wide part, fl_wide whole);

/* The last point of a line that was counted; NULL: none. */
const struct fl_result *fl_line_measured(const struct fl_line *line);

/* The same of one of the section's own lines (prefill, cached, uncached), or else of the first line
 * of this kind that has any: points may be counted in another setting than the one shown first. */
const struct fl_result *fl_section_measured(const struct fl_section *section,
                                            const struct fl_line *own);

#endif
