#include "analyzers/bootstrap.h"

#include "analyzers/statistics.h"
#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

const char *const fl_interval_names[] = {"permutation", "bootstrap", NULL};

/* An end of an interval needs no more digits than this many splits give. */
enum { RESAMPLES_OF_AN_END = 1999, HALVINGS = 12 };

/* Where the median and its error are found in n sorted values. */
struct places {
    size_t n, middle_low, middle_high, error_low, error_high;
    double twice_quantile;
};

static struct places places_of(size_t n)
{
    struct places places = {.n = n, .middle_low = (n - 1) / 2, .middle_high = n / 2};
    places.error_low = fl_median_error_place(n, &places.twice_quantile);
    places.error_high = n - 1 - places.error_low;
    return places;
}

static double median_at(const double *sorted, const struct places *places)
{
    return 0.5 * (sorted[places->middle_low] + sorted[places->middle_high]);
}

static double error_at(const double *sorted, const struct places *places)
{
    return (sorted[places->error_high] - sorted[places->error_low]) / places->twice_quantile;
}

/* An error of 0 makes any difference infinitely many errors large. */
static double studentise(double difference, double error)
{
    return error > 0 ? fabs(difference) / error : difference != 0 ? INFINITY : 0;
}

/* 0 .. n-1; for n up to 2^32 the bias of the multiplication is below 2^-32. */
static size_t random_below(uint64_t *state, size_t n)
{
    return (size_t)(((fl_random_next(state) >> 32) * (uint64_t)n) >> 32);
}

/* ---- the permutation test ---- */

struct test {
    const struct fl_bootstrap_side *a, *b;
    struct places in_a, in_b;
    double difference, error; /* observed; the error with inflation */
    double *pool;             /* all samples, sorted */
    double *split_a, *split_b;
    double observed; /* |t| */
    double n_extreme, n_splits;
};

static void judge_split(struct test *test)
{
    const double *a = test->split_a, *b = test->split_b;
    const double difference = median_at(b, &test->in_b) - median_at(a, &test->in_a);
    const double error_a = error_at(a, &test->in_a), error_b = error_at(b, &test->in_b);
    const double t = studentise(difference, sqrt(error_a * error_a + error_b * error_b));
    /* the split that was observed counts, however its sums are rounded */
    test->n_extreme += t >= test->observed * (1 - 1e-9);
    test->n_splits += 1;
}

/* All ways to go on from `at` with n_a values on side a and n_b on side b so far. */
static void try_splits(struct test *test, size_t at, size_t n_a, size_t n_b)
{
    if (n_a == test->a->n && n_b == test->b->n) {
        judge_split(test);
        return;
    }
    if (n_a < test->a->n) {
        test->split_a[n_a] = test->pool[at];
        try_splits(test, at + 1, n_a + 1, n_b);
    }
    if (n_b < test->b->n) {
        test->split_b[n_b] = test->pool[at];
        try_splits(test, at + 1, n_a, n_b + 1);
    }
}

/* Every value is as likely as any other to be on side a; both sides come out sorted. */
static void draw_split(struct test *test, uint64_t *state)
{
    const size_t n = test->a->n + test->b->n;
    size_t n_a = 0, n_b = 0;
    for (size_t i = 0; i < n; i++)
        if (random_below(state, n - i) < test->a->n - n_a)
            test->split_a[n_a++] = test->pool[i];
        else
            test->split_b[n_b++] = test->pool[i];
    judge_split(test);
}

/* n over k, or more than `most`. */
static double ways(size_t n, size_t k, double most)
{
    double product = 1;
    for (size_t i = 1; i <= k && product <= most; i++)
        product *= (double)(n - k + i) / (double)i;
    return product;
}

/* How likely samples are as far apart as these when the medians' logarithms differ by `shift`. */
static double p_value_of(struct test *test, double shift, size_t n_resamples, uint64_t seed)
{
    const struct fl_bootstrap_side *a = test->a, *b = test->b;
    const size_t n = a->n + b->n;
    for (size_t i = 0, j = 0; i + j < n;) {
        const bool from_a = j == b->n || (i < a->n && a->logs[i] <= b->logs[j] - shift);
        test->pool[i + j] = from_a ? a->logs[i] : b->logs[j] - shift;
        *(from_a ? &i : &j) += 1;
    }
    test->observed = studentise(test->difference - shift, test->error);
    test->n_extreme = test->n_splits = 0;
    if (ways(n, a->n < b->n ? a->n : b->n, (double)n_resamples) <= (double)n_resamples) {
        try_splits(test, 0, 0, 0);
        return test->n_extreme / test->n_splits;
    }
    for (size_t i = 0; i < n_resamples; i++)
        draw_split(test, &seed);
    return (test->n_extreme + 1) / (test->n_splits + 1);
}

/* The shift in this direction (-1, 1) at which the test begins to refute. */
static double end_of_interval(struct test *test, double direction,
                              const struct fl_bootstrap_options *options)
{
    const struct fl_bootstrap_side *a = test->a, *b = test->b;
    const size_t n_resamples =
        options->n_resamples < RESAMPLES_OF_AN_END ? options->n_resamples : RESAMPLES_OF_AN_END;
    const double alpha = 1 - options->confidence;
    /* what puts all of one side beyond all of the other, and as much again, is refuted if anything
     * is */
    const double range_a = a->logs[a->n - 1] - a->logs[0];
    const double range_b = b->logs[b->n - 1] - b->logs[0];
    double inside = 0, outside = 4 * test->error;
    if (!(test->error > 0))
        return test->difference;
    while (p_value_of(test, test->difference + direction * outside, n_resamples, options->seed) >
           alpha) {
        if (outside > 2 * (range_a + range_b) + 16 * test->error)
            return direction * INFINITY;
        inside = outside;
        outside *= 2;
    }
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = inside + (outside - inside) / 2;
        const double p =
            p_value_of(test, test->difference + direction * middle, n_resamples, options->seed);
        *(p > alpha ? &inside : &outside) = middle;
    }
    return test->difference + direction * inside;
}

/* ---- the percentile bootstrap ---- */

/* The median of n draws with replacement: how often each place is drawn says which it is. */
static double draw_median(const struct fl_bootstrap_side *side, double *counts, uint64_t *state)
{
    const size_t n = side->n;
    for (size_t i = 0; i < n; i++)
        counts[i] = 0;
    for (size_t i = 0; i < n; i++)
        counts[random_below(state, n)] += 1;
    const double low = (double)((n - 1) / 2), high = (double)(n / 2);
    double drawn = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double before = drawn;
        drawn += counts[i];
        sum += before <= low && low < drawn ? side->logs[i] : 0;
        sum += before <= high && high < drawn ? side->logs[i] : 0;
    }
    return 0.5 * sum;
}

static void bootstrap_interval(struct fl_ratio *ratio, const struct test *test,
                               const struct fl_bootstrap_options *options, double *scratch)
{
    const size_t n = options->n_resamples;
    double *differences = scratch, *counts = scratch + n;
    uint64_t state = options->seed;
    for (size_t i = 0; i < n; i++)
        differences[i] =
            draw_median(test->b, counts, &state) - draw_median(test->a, counts, &state);
    fl_sort(differences, n);
    const double tail = 0.5 * (1 - options->confidence);
    /* widened about the observed difference as its error is */
    const double plain =
        hypot(error_at(test->a->logs, &test->in_a), error_at(test->b->logs, &test->in_b));
    const double factor = plain > 0 ? test->error / plain : 1;
    const double low = fl_quantile_sorted(differences, n, tail);
    const double high = fl_quantile_sorted(differences, n, 1 - tail);
    ratio->low = exp(test->difference + factor * (low - test->difference));
    ratio->high = exp(test->difference + factor * (high - test->difference));
}

/* ---- both ---- */

size_t fl_bootstrap_scratch(size_t na, size_t nb, const struct fl_bootstrap_options *options)
{
    return options->n_resamples + 2 * (na + nb);
}

struct fl_ratio fl_bootstrap_ratio(const struct fl_bootstrap_side *a,
                                   const struct fl_bootstrap_side *b,
                                   const struct fl_bootstrap_options *options, double *scratch)
{
    assert(a->n >= 2 && b->n >= 2 && options->n_resamples >= 1);
    const size_t n = a->n + b->n;
    struct test test = {.a = a,
                        .b = b,
                        .in_a = places_of(a->n),
                        .in_b = places_of(b->n),
                        .pool = scratch,
                        .split_a = scratch + n,
                        .split_b = scratch + n + a->n};
    test.difference = median_at(b->logs, &test.in_b) - median_at(a->logs, &test.in_a);
    test.error = hypot(a->inflation * error_at(a->logs, &test.in_a),
                       b->inflation * error_at(b->logs, &test.in_b));
    struct fl_ratio ratio = {.ratio = exp(test.difference), .log_error = test.error};
    ratio.p_value = p_value_of(&test, 0, options->n_resamples, options->seed);
    if (options->interval == FL_INTERVAL_BOOTSTRAP) {
        bootstrap_interval(&ratio, &test, options, scratch);
        return ratio;
    }
    ratio.low = exp(end_of_interval(&test, -1, options));
    ratio.high = exp(end_of_interval(&test, 1, options));
    return ratio;
}
