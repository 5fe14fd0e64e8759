/* bootstrap.h - the ratio of two medians: how sure one can be of it, and of its being 1 or not.
 * All of it resamples what was measured, and works on logarithms, where a ratio is a difference d.
 *
 * The p-value is a permutation test of t = d / error, error the standard error of d from order
 * statistics (fl_median_error_sorted() of either side): were both sides the same program, any
 * split of all samples would be as likely as the one seen (Janssen, 1997; Chung and Romano, 2013,
 * Annals of Statistics 41:484-507). That is exact whatever the distribution, for few samples too,
 * and in the far tail, where corrections for many comparisons look. All splits are tried when
 * there are no more than n_resamples, otherwise so many are drawn.
 *
 * The interval is, by choice,
 *
 * FL_INTERVAL_PERMUTATION  all ratios that the test does not refute when side b is divided by them.
 *     It covers what the test keeps, and never contradicts it. Unbounded (0, INFINITY) where so
 *     few samples can refute nothing: 3 against 3.
 * FL_INTERVAL_BOOTSTRAP    the percentile bootstrap of d: samples drawn with replacement from
 *     either side (Efron and Tibshirani, 1993, chapter 13). Up to 3 points too careful.
 *
 * Not there: the studentised bootstrap (percentile-t), which covers 87 to 93 % instead of 95 % as
 * a median's standard error is too crude for it, and BCa, whose acceleration comes from a
 * jackknife that is inconsistent for medians (Efron and Tibshirani, section 11.6).
 * docs/statistics.md has the figures.
 *
 * `inflation` is the factor by which samples that resemble their neighbours make a median less
 * certain than independent ones would (noise.h): it multiplies the error of what was observed. */
#ifndef FL_ANALYZERS_BOOTSTRAP_H
#define FL_ANALYZERS_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

struct fl_bootstrap_side {
    const double *logs; /* natural logarithms of the samples, sorted */
    size_t n;           /* at least 2 */
    double inflation;   /* at least 1 */
};

enum fl_interval { FL_INTERVAL_PERMUTATION, FL_INTERVAL_BOOTSTRAP };
extern const char *const fl_interval_names[]; /* NULL-terminated */

struct fl_bootstrap_options {
    enum fl_interval interval;
    double confidence;
    size_t n_resamples; /* for the p-value; an end of the interval takes up to 1999 of them */
    uint64_t seed;      /* the same seed gives the same result */
};

struct fl_ratio {
    double ratio;     /* of the medians, b / a */
    double low, high; /* at the confidence asked for */
    double log_error; /* standard error of ln ratio, inflation included */
    double p_value;   /* two-sided: no difference */
};

/* Doubles of scratch for sides of na and nb samples. */
size_t fl_bootstrap_scratch(size_t na, size_t nb, const struct fl_bootstrap_options *options);

struct fl_ratio fl_bootstrap_ratio(const struct fl_bootstrap_side *a,
                                   const struct fl_bootstrap_side *b,
                                   const struct fl_bootstrap_options *options, double *scratch);

#endif
