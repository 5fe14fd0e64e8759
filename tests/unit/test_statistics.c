#include "analyzers/statistics.h"
#include "base/random.h"

#include <criterion/criterion.h>
#include <math.h>

Test(statistics, medians_and_quantiles)
{
    const double odd[] = {1, 2, 9}, even[] = {1, 2, 4, 9};
    cr_expect_float_eq(fl_median_sorted(odd, 3), 2, 0);
    cr_expect_float_eq(fl_median_sorted(even, 4), 3, 0);
    cr_expect_float_eq(fl_quantile_sorted(even, 4, 0), 1, 0);
    cr_expect_float_eq(fl_quantile_sorted(even, 4, 1), 9, 0);
    cr_expect_float_eq(fl_quantile_sorted(even, 4, 0.5), 3, 1e-15);
    cr_expect_float_eq(fl_quantile_sorted(even, 4, 0.25), 1.75, 1e-15);
}

Test(statistics, interval_of_few_or_equal_samples)
{
    double none[1], scratch[300];
    struct fl_estimate estimate = fl_median_interval(none, 0, scratch, 100, 1);
    cr_expect_eq(estimate.n, 0);
    double one[] = {7};
    estimate = fl_median_interval(one, 1, scratch, 100, 1);
    cr_expect(estimate.n == 1 && estimate.low == 7 && estimate.median == 7 && estimate.high == 7);
    double same[] = {3, 3, 3, 3};
    estimate = fl_median_interval(same, 4, scratch, 100, 1);
    cr_expect(estimate.low == 3 && estimate.high == 3);
}

Test(statistics, wide_is_more_than_a_fifth)
{
    cr_expect_not(fl_estimate_is_wide(&(struct fl_estimate){100, 90, 110, 7}));
    cr_expect(fl_estimate_is_wide(&(struct fl_estimate){100, 90, 111, 7}));
    cr_expect_not(fl_estimate_is_wide(&(struct fl_estimate){0, 0, 0, 0}), "nothing measured");
}

Test(statistics, a_seed_repeats)
{
    double a[] = {5, 1, 4, 2, 3, 9, 8}, b[] = {9, 8, 5, 1, 4, 2, 3}, scratch[600];
    struct fl_estimate x = fl_median_interval(a, 7, scratch, 500, 11);
    struct fl_estimate y = fl_median_interval(b, 7, scratch, 500, 11);
    cr_expect(x.low == y.low && x.high == y.high && x.median == 4);
    cr_expect(x.low < x.median && x.median < x.high);
}

/* 600 data sets of 25 samples with a long right tail (exponential, median ln 2). The percentile
 * bootstrap of a median of 25 covers about 94 %; the standard deviation of the share seen in 600
 * sets is sqrt(0.95*0.05/600) = 0.9 points, so 91 % to 98.5 % leaves three of them to each side. */
Test(statistics, intervals_cover_what_they_say)
{
    enum { SETS = 600, N = 25, RESAMPLES = 600 };
    static double x[N], scratch[N + RESAMPLES];
    uint64_t state = 2024;
    int n_covered = 0;
    for (int set = 0; set < SETS; set++) {
        for (int i = 0; i < N; i++)
            x[i] = -log(1 - fl_random_uniform(&state));
        struct fl_estimate estimate =
            fl_median_interval(x, N, scratch, RESAMPLES, (uint64_t)set + 1);
        n_covered += estimate.low <= log(2.0) && log(2.0) <= estimate.high;
    }
    cr_expect_gt(n_covered, SETS * 91 / 100, "%d of %d", n_covered, SETS);
    cr_expect_lt(n_covered, SETS * 985 / 1000, "%d of %d", n_covered, SETS);
}
