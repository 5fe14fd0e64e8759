#include "analyzers/statistics.h"

#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

bool fl_estimate_is_wide(const struct fl_estimate *estimate)
{
    return estimate->high - estimate->low > 0.2 * estimate->median;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void fl_sort(double *x, size_t n)
{
    if (n > 1)
        qsort(x, n, sizeof *x, compare);
}

double fl_median_sorted(const double *x, size_t n)
{
    assert(n >= 1);
    return n % 2 ? x[n / 2] : x[n / 2 - 1] + (x[n / 2] - x[n / 2 - 1]) / 2;
}

double fl_quantile_sorted(const double *x, size_t n, double q)
{
    assert(n >= 1 && q >= 0 && q <= 1);
    double place = q * (double)(n - 1), below = floor(place);
    size_t i = (size_t)below;
    return i + 1 < n ? x[i] + (place - below) * (x[i + 1] - x[i]) : x[n - 1];
}

/* 0 .. n-1; for n up to 2^32 the bias of the multiplication is below 2^-32. */
static size_t random_below(uint64_t *state, size_t n)
{
    return (size_t)(((fl_random_next(state) >> 32) * (uint64_t)n) >> 32);
}

struct fl_estimate fl_median_interval(double *x, size_t n, double *scratch, size_t n_resamples,
                                      uint64_t seed)
{
    struct fl_estimate estimate = {.n = (int)n};
    if (n == 0)
        return estimate;
    fl_sort(x, n);
    estimate.median = estimate.low = estimate.high = fl_median_sorted(x, n);
    if (n == 1 || n_resamples == 0)
        return estimate;

    double *drawn = scratch, *medians = scratch + n;
    for (size_t k = 0; k < n_resamples; k++) {
        for (size_t i = 0; i < n; i++)
            drawn[i] = x[random_below(&seed, n)];
        fl_sort(drawn, n);
        medians[k] = fl_median_sorted(drawn, n);
    }
    fl_sort(medians, n_resamples);
    estimate.low = fl_quantile_sorted(medians, n_resamples, 0.025);
    estimate.high = fl_quantile_sorted(medians, n_resamples, 0.975);
    return estimate;
}
