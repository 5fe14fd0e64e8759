/* growth.h - how a line of points grows with the context s: what its FLOPs are as a polynomial,
 * exactly, what its times fit, and whether that is O(s) or O(s^2).
 *
 * FLOPs are evaluated at three neighbouring contexts, whose differences are the coefficients, and
 * at the last one, which tells whether it is a polynomial at all (an attention window is none).
 * Times are fitted by fit.h, a point's error being a quarter of its 95 % interval, nearly.
 *
 * The verdict is a rule:
 *   undecided   fewer than 5 contexts, or the curve misses by more than a quarter; or the intervals
 *               contradict the model: c may be 0 although c s^2 was chosen, or the power law rises
 *               faster than s although it was not
 *   constant    the chosen model is a
 *   linear      it is a + b s; `fixed` when a is still the larger part at the last context
 *   between     it is a + b s + c s^2, but c s^2 is less than b s up to the last context
 *   quadratic   it is, and c s^2 has overtaken b s */
#ifndef FL_ANALYZERS_GROWTH_H
#define FL_ANALYZERS_GROWTH_H

#include "analyzers/fit.h"
#include "analyzers/sections.h"

enum fl_growth_verdict {
    FL_GROWTH_UNDECIDED,
    FL_GROWTH_CONSTANT,
    FL_GROWTH_FIXED,
    FL_GROWTH_LINEAR,
    FL_GROWTH_BETWEEN,
    FL_GROWTH_QUADRATIC,
    FL_N_GROWTH_VERDICTS
};
extern const char *const fl_growth_verdict_names[]; /* "undecided", "O(1)", ... */

enum { FL_GROWTH_CONTEXTS = 5 }; /* fewest for a verdict */

struct fl_growth {
    int n; /* contexts; 0: the line is empty */
    double first, last;
    struct fl_fit_point points[FL_FIT_POINTS_MAX]; /* times in ns */

    /* FLOPs, exact */
    bool is_polynomial;
    double flops[FL_FIT_TERMS];                       /* a, b, c; 0 unless is_polynomial */
    double flops_crossover;                           /* b / c; INFINITY: never */
    double flops_exponent_first, flops_exponent_last; /* local */

    /* time, fitted; n >= 2 */
    struct fl_polynomial fits[FL_FIT_TERMS];
    int n_fits, chosen;
    bool has_law; /* n >= 3 */
    struct fl_power_law law;
    struct fl_bounded local;     /* exponent of the chosen fit at the last context */
    bool has_crossover;          /* n >= 4: of the fit with three terms, chosen or not */
    struct fl_bounded crossover; /* high is INFINITY where the quadratic term may be none */
    enum fl_growth_verdict verdict;
};

int fl_growth_make(struct fl_growth *growth, const struct fl_line *line, struct fl_error *error);

#endif
