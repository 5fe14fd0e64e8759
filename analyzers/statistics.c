#include "analyzers/statistics.h"

#include "analyzers/distributions.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

bool fl_estimate_is_wide(const struct fl_estimate *estimate)
{
    return estimate->high - estimate->low > 0.2 * estimate->median;
}

void fl_estimate_widen(struct fl_estimate *estimate, double factor)
{
    const double median = estimate->median;
    if (!(estimate->low > 0) || !(factor > 1))
        return;
    estimate->low = median * pow(estimate->low / median, factor);
    estimate->high = median * pow(estimate->high / median, factor);
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

double fl_median(double *x, size_t n)
{
    fl_sort(x, n);
    return n > 0 ? fl_median_sorted(x, n) : 0;
}

double fl_quantile_sorted(const double *x, size_t n, double q)
{
    assert(n >= 1 && q >= 0 && q <= 1);
    double place = q * (double)(n - 1), below = floor(place);
    size_t i = (size_t)below;
    return i + 1 < n ? x[i] + (place - below) * (x[i + 1] - x[i]) : x[n - 1];
}

/* The probability that the median of a continuous distribution lies between the k-th smallest and
 * the k-th largest of n samples; k from 1. */
static double coverage_of(size_t k, size_t n)
{
    return 1 - 2 * fl_coin_cdf((int)k - 1, (int)n);
}

struct fl_estimate fl_median_interval(double *x, size_t n, double confidence)
{
    assert(confidence > 0 && confidence < 1);
    struct fl_estimate estimate = {.n = (int)n};
    if (n == 0)
        return estimate;
    fl_sort(x, n);
    estimate.median = fl_median_sorted(x, n);
    size_t k = 1;
    double outer = coverage_of(1, n), inner = outer;
    while (2 * (k + 1) <= n && (inner = coverage_of(k + 1, n)) >= confidence) {
        outer = inner;
        k++;
    }
    estimate.low = x[k - 1];
    estimate.high = x[n - k];
    if (outer <= confidence || 2 * (k + 1) > n) /* the widest, or the narrowest there is */
        return estimate;
    /* Hettmansperger and Sheather's weight: exact for a symmetric exponential distribution, and
     * hardly different for others */
    const double share = (outer - confidence) / (outer - inner);
    const double far = (double)(n - k), near = (double)k;
    const double weight = far * share / (near + (far - near) * share);
    estimate.low = (1 - weight) * x[k - 1] + weight * x[k];
    estimate.high = (1 - weight) * x[n - k] + weight * x[n - k - 1];
    return estimate;
}

size_t fl_median_error_place(size_t n, double *twice_quantile)
{
    assert(n >= 2);
    const double place = round(0.5 * (double)(n + 1) - sqrt((double)n));
    const size_t c = place < 1 ? 1 : (size_t)place;
    *twice_quantile = 2 * fl_normal_quantile(1 - fl_coin_cdf((int)c - 1, (int)n));
    return c - 1;
}

double fl_median_error_sorted(const double *x, size_t n)
{
    double twice_quantile;
    const size_t place = fl_median_error_place(n, &twice_quantile);
    return (x[n - 1 - place] - x[place]) / twice_quantile;
}

static int compare_ranked(const void *left, const void *right)
{
    const struct fl_ranked *a = left, *b = right;
    return (a->value > b->value) - (a->value < b->value);
}

void fl_ranks(double *ranks, const double *x, size_t n, struct fl_ranked *order)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (struct fl_ranked){x[i], i};
    if (n > 1)
        qsort(order, n, sizeof *order, compare_ranked);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && order[end].value == order[i].value)
            end++;
        for (size_t k = i; k < end; k++)
            ranks[order[k].place] = 0.5 * (double)(i + end + 1);
        i = end;
    }
}
