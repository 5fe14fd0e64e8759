/* Fits on data whose coefficients, exponents and crossings are known. */
#include "analyzers/fit.h"
#include "tests/unit/timing_noise.h"

#include <criterion/criterion.h>

static const double CONFIDENCE = 0.95;
enum { SETS = 1000, MOST = 16 };

struct truth {
    double a, b, c; /* y = a + b x + c x^2 */
    double misfit;  /* relative steps that no error bar tells of */
    double error;   /* relative, known */
};

static int make_points(struct fl_fit_point *points, const struct truth *truth, double from, int n,
                       uint64_t *state)
{
    double x = from;
    for (int i = 0; i < n; i++, x *= 2) {
        const double y = truth->a + x * (truth->b + x * truth->c);
        const double off = truth->misfit * noise_normal(state) + truth->error * noise_normal(state);
        points[i] = (struct fl_fit_point){x, y * (1 + off), truth->error * y};
    }
    return n;
}

static bool holds(const struct fl_bounded *bounded, double value)
{
    return bounded->low <= value && value <= bounded->high;
}

Test(fit, exact_data_gives_the_coefficients)
{
    const struct truth truth = {.a = 5000, .b = 300, .c = 0.25};
    struct fl_fit_point points[7];
    struct fl_polynomial fits[FL_FIT_TERMS];
    uint64_t state = 1;
    int chosen, n = make_points(points, &truth, 16, 7, &state);
    cr_assert_eq(fl_fit_nested(fits, &chosen, points, n, CONFIDENCE), 3);
    cr_expect_eq(chosen, 2);
    cr_expect_float_eq(fits[2].terms[0].value, 5000, 1e-4);
    cr_expect_float_eq(fits[2].terms[1].value, 300, 1e-6);
    cr_expect_float_eq(fits[2].terms[2].value, 0.25, 1e-9);
    struct fl_bounded crossover = fl_fit_crossover(&fits[2]);
    cr_expect_float_eq(crossover.value, 1200, 1e-4);
    cr_expect(crossover.low > 1199.9 && crossover.high < 1200.1, "[%g, %g]", crossover.low,
              crossover.high);
    /* at 1024: (300 + 512) * 1024 / (5000 + 300 * 1024 + 0.25 * 1024^2) */
    struct fl_bounded exponent = fl_fit_local_exponent(&fits[2], 1024);
    cr_expect_float_eq(exponent.value, 812 * 1024.0 / 574344, 1e-6);
}

Test(fit, power_law_of_known_exponent)
{
    struct fl_fit_point points[6];
    uint64_t state = 3;
    int n_held = 0;
    for (int set = 0; set < SETS; set++) {
        for (int i = 0; i < 6; i++) {
            const double x = 16 << i, y = 7 * pow(x, 1.5);
            points[i] = (struct fl_fit_point){x, y * exp(0.03 * noise_normal(&state)), 0.005 * y};
        }
        struct fl_power_law law;
        fl_fit_power_law(&law, points, 6, CONFIDENCE);
        n_held += holds(&law.exponent, 1.5);
        cr_expect_float_eq(law.exponent.value, 1.5, 0.1);
    }
    cr_expect(n_held >= 930 && n_held <= 970, "%d of %d", n_held, SETS);
}

/* Intervals of coefficients, exponents and crossings where the error bars tell the whole truth,
 * and where steps come on top of them. Signs cut what is covered nowhere. */
Test(fit, intervals_cover_the_truth)
{
    const struct truth truths[] = {{2e4, 500, 0.5, 0, 0.02}, {2e4, 500, 0.5, 0.03, 0.005}};
    for (int k = 0; k < 2; k++) {
        const struct truth *truth = &truths[k];
        uint64_t state = 11;
        int held[5] = {0};
        for (int set = 0; set < SETS; set++) {
            struct fl_fit_point points[MOST];
            struct fl_polynomial fit;
            int n = make_points(points, truth, 16, 8, &state);
            fl_fit_polynomial(&fit, points, n, 3, -1, CONFIDENCE);
            const double at = 2048, y = truth->a + at * (truth->b + at * truth->c);
            const double exponent = at * (truth->b + 2 * truth->c * at) / y;
            struct fl_bounded local = fl_fit_local_exponent(&fit, at);
            struct fl_bounded crossover = fl_fit_crossover(&fit);
            held[0] += holds(&fit.terms[0], truth->a);
            held[1] += holds(&fit.terms[1], truth->b);
            held[2] += holds(&fit.terms[2], truth->c);
            held[3] += holds(&local, exponent);
            held[4] += holds(&crossover, truth->b / truth->c);
        }
        for (int i = 0; i < 5; i++)
            cr_expect(held[i] >= 930 && held[i] <= 970, "truth %d, figure %d: %d of %d", k, i,
                      held[i], SETS);
    }
}

static int times_chosen(const struct truth *truth, int n_points, int model)
{
    uint64_t state = 17;
    int n = 0;
    for (int set = 0; set < SETS; set++) {
        struct fl_fit_point points[MOST];
        struct fl_polynomial fits[FL_FIT_TERMS];
        int chosen;
        make_points(points, truth, 16, n_points, &state);
        fl_fit_nested(fits, &chosen, points, n_points, CONFIDENCE);
        n += chosen == model;
    }
    return n;
}

Test(fit, the_choice_of_a_model_is_right)
{
    const struct truth constant = {100, 0, 0, 0.02, 0.01}, linear = {1000, 50, 0, 0.02, 0.01},
                       quadratic = {1000, 50, 0.1, 0.02, 0.01};
    int n = times_chosen(&constant, 7, 0);
    cr_expect_geq(n, 930, "constant: %d", n);
    n = times_chosen(&linear, 7, 1);
    cr_expect_geq(n, 930, "linear: %d", n);
    n = times_chosen(&quadratic, 7, 2);
    cr_expect_geq(n, 990, "quadratic: %d", n);
    /* 1024 tokens are far below the crossing: nobody could tell */
    const struct truth hidden = {1000, 50, 0.0005, 0.02, 0.01};
    n = times_chosen(&hidden, 7, 2);
    cr_expect_leq(n, 250, "hidden: %d", n);
}

Test(fit, coefficients_are_never_negative)
{
    /* falls below a line: a free c would be negative */
    const struct fl_fit_point points[] = {
        {1, 1, 0.01}, {2, 1.9, 0.01}, {4, 3.5, 0.01}, {8, 6, 0.01}, {16, 9, 0.01}};
    struct fl_polynomial fit;
    fl_fit_polynomial(&fit, points, 5, 3, -1, CONFIDENCE);
    cr_expect_lt(fit.free_terms[2], 0);
    cr_expect_eq(fit.terms[2].value, 0);
    cr_expect(fit.terms[0].value >= 0 && fit.terms[1].value > 0);
    cr_expect_geq(fit.terms[2].low, 0);
    cr_expect_gt(fit.misfit, 0.01, "the line misses: %g", fit.misfit);
    struct fl_bounded crossover = fl_fit_crossover(&fit);
    cr_expect(isinf(crossover.value) && isinf(crossover.high));
}

Test(fit, few_points_allow_small_models)
{
    const struct fl_fit_point points[] = {{16, 10, 0}, {32, 20, 0}, {64, 41, 0}};
    struct fl_polynomial fits[FL_FIT_TERMS];
    int chosen;
    cr_expect_eq(fl_fit_nested(fits, &chosen, points, 1, CONFIDENCE), 0);
    cr_expect_eq(fl_fit_nested(fits, &chosen, points, 2, CONFIDENCE), 1);
    cr_expect_eq(fl_fit_nested(fits, &chosen, points, 3, CONFIDENCE), 2);
    cr_expect(isinf(fits[1].aicc), "3 points cannot weigh 2 terms");
}
