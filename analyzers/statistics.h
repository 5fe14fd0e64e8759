/* statistics.h - medians, quantiles, and how sure one can be of a median.
 *
 * Times on a busy machine have a long tail to the right, so results are medians, and their
 * uncertainty is a percentile bootstrap interval (Efron and Tibshirani, 1993, chapter 13): the
 * median of samples drawn with replacement, many times over, between its 2.5 % and 97.5 %
 * quantiles. The draws are seeded: the same samples give the same interval. */
#ifndef FL_ANALYZERS_STATISTICS_H
#define FL_ANALYZERS_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below this many samples the interval reaches from the smallest to the largest and still covers
 * less than 95 %: 1 - 2 / 2^n. */
enum { FL_SAMPLES_FOR_INTERVAL = 6 };

struct fl_estimate {
    double median, low, high; /* low and high: 95 % interval; both the median when n is 1 */
    int n;                    /* samples; 0: nothing was measured, the rest is 0 */
};

/* True when the interval is wider than a fifth of the median: too wide to compare times by. */
bool fl_estimate_is_wide(const struct fl_estimate *estimate);

/* Sorts x [n] in place. */
void fl_sort(double *x, size_t n);

/* Of x [n] sorted, n >= 1; the mean of the middle two when n is even. */
double fl_median_sorted(const double *x, size_t n);

/* Of x [n] sorted, n >= 1; q from 0 to 1, interpolated between order statistics (type 7 of
 * Hyndman and Fan, 1996). */
double fl_quantile_sorted(const double *x, size_t n, double q);

/* Sorts x [n] in place; scratch [n + n_resamples]. */
struct fl_estimate fl_median_interval(double *x, size_t n, double *scratch, size_t n_resamples,
                                      uint64_t seed);

#endif
