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

static const double CONFIDENCE = 0.95;

Test(statistics, interval_of_few_or_equal_samples)
{
    double none[1];
    struct fl_estimate estimate = fl_median_interval(none, 0, CONFIDENCE);
    cr_expect_eq(estimate.n, 0);
    double one[] = {7};
    estimate = fl_median_interval(one, 1, CONFIDENCE);
    cr_expect(estimate.n == 1 && estimate.low == 7 && estimate.median == 7 && estimate.high == 7);
    double same[] = {3, 3, 3, 3};
    estimate = fl_median_interval(same, 4, CONFIDENCE);
    cr_expect(estimate.low == 3 && estimate.high == 3);
    double five[] = {5, 1, 4, 2, 3}; /* from smallest to largest is 93.75 % */
    estimate = fl_median_interval(five, 5, CONFIDENCE);
    cr_expect(estimate.low == 1 && estimate.median == 3 && estimate.high == 5);
    estimate = fl_median_interval(five, 5, 0.1); /* the narrowest that two order statistics give */
    cr_expect(estimate.low == 2 && estimate.high == 4);
}

/* 7 samples: 98.4375 % between the outermost, 87.5 % between the next. The share of the way is
 * (98.4375 - 95) / 10.9375 = 11/35, the weight 6 * 11/35 / (1 + 5 * 11/35) = 66/90. */
Test(statistics, ends_lie_between_order_statistics)
{
    double x[] = {60, 10, 20, 30, 50, 40, 70};
    struct fl_estimate estimate = fl_median_interval(x, 7, CONFIDENCE);
    cr_expect_float_eq(estimate.low, 10 + 10 * 66.0 / 90, 1e-9);
    cr_expect_float_eq(estimate.high, 70 - 10 * 66.0 / 90, 1e-9);
    cr_expect_eq(estimate.median, 40);
}

Test(statistics, wide_is_more_than_a_fifth)
{
    cr_expect_not(fl_estimate_is_wide(&(struct fl_estimate){100, 90, 110, 7}));
    cr_expect(fl_estimate_is_wide(&(struct fl_estimate){100, 90, 111, 7}));
    cr_expect_not(fl_estimate_is_wide(&(struct fl_estimate){0, 0, 0, 0}), "nothing measured");
}

Test(statistics, widening_keeps_the_median_and_stays_positive)
{
    struct fl_estimate estimate = {100, 50, 110, 7};
    fl_estimate_widen(&estimate, 2);
    cr_expect_float_eq(estimate.low, 25, 1e-9);
    cr_expect_float_eq(estimate.high, 121, 1e-9);
    fl_estimate_widen(&estimate, 0.5);
    cr_expect_float_eq(estimate.high, 121, 1e-9, "never narrower");
}

/* c = round(8/2 - sqrt 7) = 1 of 7: the range, over twice the normal quantile of 1 - 1/2^7. */
Test(statistics, error_of_a_median)
{
    const double x[] = {1, 2, 3, 4, 5, 6, 8};
    double twice;
    cr_expect_eq(fl_median_error_place(7, &twice), 0);
    cr_expect_float_eq(twice, 2 * 2.417559, 1e-5);
    cr_expect_float_eq(fl_median_error_sorted(x, 7), 7 / twice, 1e-12);
}

Test(statistics, ties_share_a_rank)
{
    const double x[] = {5, 1, 5, 7};
    double ranks[4];
    struct fl_ranked order[4];
    fl_ranks(ranks, x, 4, order);
    cr_expect(ranks[0] == 2.5 && ranks[1] == 1 && ranks[2] == 2.5 && ranks[3] == 4);
}
