/* statistics.h - medians, quantiles, and how sure one can be of a median.
 *
 * Times on a busy machine have a long tail to the right, so results are medians. The uncertainty
 * of one comes from order statistics, which ask nothing of the distribution: between the k-th
 * smallest and the k-th largest of n independent samples lies the median with the probability
 * 1 - 2 P(B < k), B binomial with n and 1/2. That probability comes in steps, so the ends are
 * taken between two order statistics (Hettmansperger and Sheather, 1986, Statistics & Probability
 * Letters 4:75-79). The percentile bootstrap of a median, which is the usual choice, covers 87 %
 * instead of 95 % at 7 samples; docs/statistics.md has the figures. */
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

/* Moves the ends of the interval of a positive quantity away from the median by `factor` >= 1, on
 * a scale of ratios, so that the lower end stays positive. */
void fl_estimate_widen(struct fl_estimate *estimate, double factor);

/* Sorts x [n] in place. */
void fl_sort(double *x, size_t n);

/* Of x [n] sorted, n >= 1; the mean of the middle two when n is even. */
double fl_median_sorted(const double *x, size_t n);

/* Sorts x [n] in place; 0 when n is 0. */
double fl_median(double *x, size_t n);

/* Of x [n] sorted, n >= 1; q from 0 to 1, interpolated between order statistics (type 7 of
 * Hyndman and Fan, 1996). */
double fl_quantile_sorted(const double *x, size_t n, double q);

/* Sorts x [n] in place; confidence between 0 and 1. */
struct fl_estimate fl_median_interval(double *x, size_t n, double confidence);

/* Standard error of the median of x [n] sorted, n >= 2: half of what lies between two order
 * statistics, over the normal quantile of the probability that the median lies there (Bonett and
 * Price, 2002, Psychological Methods 7:370-383; c = (n + 1)/2 - sqrt(n)). */
double fl_median_error_sorted(const double *x, size_t n);

/* The order statistic it takes, from 0 and from either end, and twice the quantile. */
size_t fl_median_error_place(size_t n, double *twice_quantile);

/* Ranks 1 .. n of x [n], ties share the mean of theirs; order [n] is scratch. */
struct fl_ranked {
    double value;
    size_t place;
};
void fl_ranks(double *ranks, const double *x, size_t n, struct fl_ranked *order);

#endif
