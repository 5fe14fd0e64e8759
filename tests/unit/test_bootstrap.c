#include "analyzers/bootstrap.h"

#include "analyzers/statistics.h"

#include <criterion/criterion.h>
#include <math.h>

static double scratch[20000];
static const struct fl_bootstrap_options OPTIONS = {FL_INTERVAL_PERMUTATION, 0.95, 9999, 1};

/* Nothing lies between: of the 252 splits of 5 and 5 the observed one and its mirror image are as
 * extreme, and no other. */
Test(bootstrap, separate_sides_have_the_smallest_p_value)
{
    const double a[] = {0.00, 0.01, 0.02, 0.03, 0.04}, b[] = {1.00, 1.01, 1.02, 1.03, 1.04};
    const struct fl_bootstrap_side in_a = {a, 5, 1}, in_b = {b, 5, 1};
    struct fl_ratio ratio = fl_bootstrap_ratio(&in_a, &in_b, &OPTIONS, scratch);
    cr_expect_float_eq(ratio.p_value, 2.0 / 252, 1e-12, "%g", ratio.p_value);
    cr_expect_float_eq(ratio.ratio, exp(1.0), 1e-12);
    cr_expect(ratio.low > 2.5 && ratio.low < ratio.ratio, "%g", ratio.low);
    cr_expect(ratio.high < 2.9 && ratio.high > ratio.ratio, "%g", ratio.high);
}

Test(bootstrap, the_interval_agrees_with_the_test)
{
    double a[7], b[7];
    for (int set = 0; set < 40; set++) {
        for (int i = 0; i < 7; i++) {
            a[i] = sin(set + 3.7 * i) / 10;
            b[i] = sin(2 * set + 1.9 * i) / 10 + 0.002 * set;
        }
        fl_sort(a, 7);
        fl_sort(b, 7);
        const struct fl_bootstrap_side in_a = {a, 7, 1}, in_b = {b, 7, 1};
        const struct fl_bootstrap_options options = {FL_INTERVAL_PERMUTATION, 0.95, 1500, 1};
        struct fl_ratio ratio = fl_bootstrap_ratio(&in_a, &in_b, &options, scratch);
        cr_expect_eq(ratio.p_value > 0.05, ratio.low <= 1 && 1 <= ratio.high,
                     "set %d: p %g, [%g, %g]", set, ratio.p_value, ratio.low, ratio.high);
    }
}

/* 3 against 3: 20 splits, so no p-value is below 1/10 and nothing can be refuted. */
Test(bootstrap, too_few_samples_leave_the_interval_open)
{
    const double a[] = {0, 0.01, 0.02}, b[] = {1, 1.01, 1.02};
    const struct fl_bootstrap_side in_a = {a, 3, 1}, in_b = {b, 3, 1};
    struct fl_ratio ratio = fl_bootstrap_ratio(&in_a, &in_b, &OPTIONS, scratch);
    cr_expect_float_eq(ratio.p_value, 0.1, 1e-12);
    cr_expect_eq(ratio.low, 0);
    cr_expect(isinf(ratio.high));
}

Test(bootstrap, equal_samples_do_not_differ)
{
    const double a[] = {2, 2, 2, 2}, b[] = {2, 2, 2, 2, 2};
    const struct fl_bootstrap_side in_a = {a, 4, 1}, in_b = {b, 5, 1};
    struct fl_ratio ratio = fl_bootstrap_ratio(&in_a, &in_b, &OPTIONS, scratch);
    cr_expect(ratio.ratio == 1 && ratio.low == 1 && ratio.high == 1 && ratio.p_value == 1);
}

Test(bootstrap, inflation_widens_and_weakens)
{
    const double a[] = {0.00, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06};
    const double b[] = {0.05, 0.06, 0.07, 0.08, 0.09, 0.10, 0.11};
    for (int kind = 0; fl_interval_names[kind]; kind++) {
        struct fl_bootstrap_options options = OPTIONS;
        options.interval = (enum fl_interval)kind;
        struct fl_bootstrap_side in_a = {a, 7, 1}, in_b = {b, 7, 1};
        struct fl_ratio plain = fl_bootstrap_ratio(&in_a, &in_b, &options, scratch);
        in_a.inflation = in_b.inflation = 2;
        struct fl_ratio wide = fl_bootstrap_ratio(&in_a, &in_b, &options, scratch);
        cr_expect_float_eq(wide.log_error, 2 * plain.log_error, 1e-12);
        cr_expect_gt(wide.p_value, plain.p_value);
        cr_expect(wide.low < plain.low && wide.high > plain.high && wide.ratio == plain.ratio);
    }
}

Test(bootstrap, a_seed_repeats)
{
    double a[20], b[20];
    for (int i = 0; i < 20; i++) {
        a[i] = sqrt(i);
        b[i] = sqrt(i + 1);
    }
    const struct fl_bootstrap_side in_a = {a, 20, 1}, in_b = {b, 20, 1};
    struct fl_bootstrap_options options = {FL_INTERVAL_PERMUTATION, 0.95, 500, 42};
    struct fl_ratio first = fl_bootstrap_ratio(&in_a, &in_b, &options, scratch);
    struct fl_ratio second = fl_bootstrap_ratio(&in_a, &in_b, &options, scratch);
    cr_expect(first.p_value == second.p_value && first.low == second.low &&
              first.high == second.high);
    options.seed = 43;
    struct fl_ratio other = fl_bootstrap_ratio(&in_a, &in_b, &options, scratch);
    cr_expect_neq(first.p_value, other.p_value);
}
