/* fit.h - how a positive quantity y grows with x: polynomials a + b x + c x^2 and a power law
 * y = k x^p, with intervals of what they are made of.
 *
 * Weights. A measured point misses a smooth curve for two reasons: its own noise, a standard error
 * e that comes with it, and steps that no polynomial has (blocks of a matrix product, caches),
 * which grow with y. So w = 1 / (e^2 + (m y)^2), where m, the misfit, is the smallest share of y
 * that makes the sum of weighted squares no more than its degrees of freedom (Mandel and Paule,
 * 1970, Analytical Chemistry 42:1194-1197). Many samples of few points thus cannot feign
 * certainty: m stays.
 *
 * Signs. Fixed cost, cost a token and cost a pair of tokens cannot be negative: the coefficients
 * are the non-negative least squares, all sets of free coefficients tried. Intervals are those of
 * the unconstrained fit, cut at 0, with the scatter that was seen and Student's quantile for n - k
 * degrees of freedom (Hartung and Knapp, 2001, Statistics in Medicine 20:1771-1782).
 *
 * Choice. Among constant, linear and quadratic the simplest is taken whose AICc (Hurvich and Tsai,
 * 1989, Biometrika 76:297-307) is within 2 of the best (Burnham and Anderson, 2002, section 2.6).
 *
 * Where c x^2 = b x, x = b / c; its interval is Fieller's (1954, JRSS B 16:175-185), which has no
 * upper end where c may be 0. */
#ifndef FL_ANALYZERS_FIT_H
#define FL_ANALYZERS_FIT_H

#include <stdbool.h>

enum { FL_FIT_TERMS = 3, FL_FIT_POINTS_MAX = 256 };

struct fl_fit_point {
    double x, y;  /* positive; x different from point to point */
    double error; /* standard error of y; 0: not known */
};

/* high may be INFINITY. */
struct fl_bounded {
    double value, low, high;
};

struct fl_polynomial {
    int n, n_terms;                        /* points; 1 constant, 2 linear, 3 quadratic */
    struct fl_bounded terms[FL_FIT_TERMS]; /* a, b, c; those beyond n_terms are 0 */
    double misfit;                         /* m, relative */
    double score;                          /* sum of weighted squares */
    double aicc;                           /* INFINITY where n is too small to have one */
    /* of the unconstrained coefficients; Fieller's interval and local exponents need it */
    double free_terms[FL_FIT_TERMS], covariance[FL_FIT_TERMS][FL_FIT_TERMS];
    double quantile; /* Student's, for the confidence asked for */
};

struct fl_power_law {
    int n;
    struct fl_bounded exponent;
    double factor, misfit;
};

/* A fit of n_terms; n > n_terms. misfit < 0: found from this fit, otherwise taken as it is. */
void fl_fit_polynomial(struct fl_polynomial *fit, const struct fl_fit_point *points, int n,
                       int n_terms, double misfit, double confidence);

/* All fits that n points allow (n > terms), with the misfit of the largest: fits[k] has k + 1
 * terms. Returns how many there are and in *chosen which one the rule takes; 0 when n < 2. */
int fl_fit_nested(struct fl_polynomial fits[FL_FIT_TERMS], int *chosen,
                  const struct fl_fit_point *points, int n, double confidence);

/* n >= 3. */
void fl_fit_power_law(struct fl_power_law *law, const struct fl_fit_point *points, int n,
                      double confidence);

/* d ln y / d ln x of the curve at x: the exponent of a power law that touches it there. */
struct fl_bounded fl_fit_local_exponent(const struct fl_polynomial *fit, double x);

/* b / c of a fit with three terms; value is INFINITY where c is 0. */
struct fl_bounded fl_fit_crossover(const struct fl_polynomial *fit);

#endif
