/* Against tables of Abramowitz and Stegun (1964, chapter 26) and values in closed form. */
#include "analyzers/distributions.h"

#include <criterion/criterion.h>
#include <math.h>

Test(distributions, normal)
{
    cr_expect_float_eq(fl_normal_cdf(0), 0.5, 1e-15);
    cr_expect_float_eq(fl_normal_cdf(1.959963984540054), 0.975, 1e-14);
    cr_expect_float_eq(fl_normal_quantile(0.975), 1.959963984540054, 1e-12);
    cr_expect_float_eq(fl_normal_quantile(0.025), -1.959963984540054, 1e-12);
    cr_expect_float_eq(fl_normal_quantile(0.5), 0, 1e-12);
}

Test(distributions, incomplete_beta)
{
    cr_expect_float_eq(fl_beta_cdf(0.3, 1, 1), 0.3, 1e-14);
    cr_expect_float_eq(fl_beta_cdf(0.3, 2, 1), 0.09, 1e-14);
    cr_expect_float_eq(fl_beta_cdf(0.7, 1, 3), 1 - 0.027, 1e-14);
    /* I_x(2, 3) = P(at least 2 of 4) with x: 6 x^2 (1-x)^2 + 4 x^3 (1-x) + x^4 */
    cr_expect_float_eq(fl_beta_cdf(0.4, 2, 3), 6 * 0.0576 + 4 * 0.0384 + 0.0256, 1e-14);
    cr_expect_eq(fl_beta_cdf(0, 2, 3), 0);
    cr_expect_eq(fl_beta_cdf(1, 2, 3), 1);
}

Test(distributions, student)
{
    cr_expect_float_eq(fl_student_cdf(1, 1), 0.75, 1e-14, "Cauchy");
    cr_expect_float_eq(fl_student_cdf(-1, 1), 0.25, 1e-14);
    const double table[][2] = {{1, 12.7062}, {2, 4.3027}, {5, 2.5706}, {10, 2.2281}, {30, 2.0423}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        cr_expect_float_eq(fl_student_quantile(0.975, table[i][0]), table[i][1], 5e-5, "dof %g",
                           table[i][0]);
}

Test(distributions, f_tail)
{
    /* the 5 % points of F(1, 5), F(4, 10), F(10, 20) */
    cr_expect_float_eq(fl_f_tail(6.6079, 1, 5), 0.05, 1e-5);
    cr_expect_float_eq(fl_f_tail(3.4780, 4, 10), 0.05, 1e-5);
    cr_expect_float_eq(fl_f_tail(2.3479, 10, 20), 0.05, 1e-5);
    cr_expect_eq(fl_f_tail(0, 3, 3), 1);
}

Test(distributions, coins)
{
    cr_expect_float_eq(fl_coin_cdf(0, 7), 1.0 / 128, 1e-15);
    cr_expect_float_eq(fl_coin_cdf(2, 5), 0.5, 1e-14);
    cr_expect_float_eq(fl_coin_cdf(3, 4), 15.0 / 16, 1e-14);
    cr_expect_eq(fl_coin_cdf(4, 4), 1);
    cr_expect_eq(fl_coin_cdf(-1, 4), 0);
    /* 10,000 tosses: 4,900 is two standard deviations below the middle, halves corrected */
    cr_expect_float_eq(fl_coin_cdf(4900, 10000), fl_normal_cdf(-99.5 / 50), 1e-4);
}
