/* Lines of points whose FLOPs are the formulas' and whose times are made up. */
#include "analyzers/growth.h"
#include "model/presets.h"

#include "tests/unit/store_sample.h"
#include "tests/unit/timing_noise.h"

#include <criterion/criterion.h>

enum { MOST = 8 };
enum kind { PREFILL, CACHED, UNCACHED };

static struct fl_model_record model;
static struct fl_result points[MOST];
static struct fl_timing timings[MOST];

/* Times a + b s + c s^2 in ns, with 0.5 % of noise, and error bars that say so. */
static struct fl_line make_line(enum kind kind, int n, double a, double b, double c)
{
    uint64_t state = 12;
    model = sample_model("m");
    for (int i = 0; i < n; i++) {
        const int context = 16 << i;
        struct fl_point point = sample_point(1, context);
        strcpy(point.textbook_convention, "unit=flop causal=full lm_head=all elementwise=off");
        strcpy(point.exact_convention, "unit=flop causal=exact lm_head=last elementwise=on");
        point.phase = kind == PREFILL ? FL_PHASE_PREFILL : FL_PHASE_DECODE;
        point.cache = kind != UNCACHED;
        point.n_tokens = kind == PREFILL ? context : kind == CACHED ? 1 : context + 1;
        point.n_past = kind == CACHED ? context : 0;
        points[i] = (struct fl_result){.point = point, .model = &model};
        struct fl_analytic analytic;
        struct fl_error error;
        cr_assert_eq(fl_point_analytic(&analytic, &points[i], FL_OWN_CONTEXT, &error), FL_OK, "%s",
                     error.text);
        points[i].point.exact_flops = (uint64_t)analytic.total.exact;
        const double s = context;
        const double time = (a + b * s + c * s * s) * exp(0.005 * noise_normal(&state));
        timings[i].total = (struct fl_estimate){time, time / 1.01, time * 1.01, 7};
    }
    return (struct fl_line){points, timings, n};
}

static struct fl_growth growth_of(enum kind kind, int n, double a, double b, double c)
{
    struct fl_growth growth;
    struct fl_error error;
    struct fl_line line = make_line(kind, n, a, b, c);
    cr_assert_eq(fl_growth_make(&growth, &line, &error), FL_OK, "%s", error.text);
    return growth;
}

Test(growth, flops_are_a_polynomial_and_exact)
{
    const enum kind kinds[] = {PREFILL, CACHED, UNCACHED};
    for (int k = 0; k < 3; k++) {
        struct fl_growth growth = growth_of(kinds[k], 6, 1e5, 1e4, 10);
        cr_expect(growth.is_polynomial);
        for (int i = 0; i < 6; i++) {
            const double s = points[i].point.context;
            const double flops = growth.flops[0] + s * (growth.flops[1] + s * growth.flops[2]);
            cr_expect_float_eq(flops, (double)points[i].point.exact_flops, 0.5);
        }
        if (kinds[k] == CACHED) {
            cr_expect_eq(growth.flops[2], 0);
            cr_expect(isinf(growth.flops_crossover));
            cr_expect_lt(growth.flops_exponent_last, 1);
        } else {
            const double at = growth.flops_crossover;
            cr_expect_float_eq(growth.flops[2] * at * at, growth.flops[1] * at, 1);
            cr_expect(growth.flops_exponent_last > 1 && growth.flops_exponent_last < 2);
        }
    }
}

/* FLOPs of an encoder-decoder, whose encoder reads as many tokens as the context: before the first
 * decode step only. */
Test(growth, an_encoder_reads_what_the_context_says)
{
    const struct fl_convention convention = {
        .causal = FL_CAUSAL_EXACT, .lm_head = FL_LM_HEAD_LAST, .elementwise = true};
    for (int k = PREFILL; k <= UNCACHED; k++) {
        struct fl_line line = make_line((enum kind)k, 6, 1e5, 1e4, 10);
        struct fl_growth growth;
        struct fl_error error;
        model.config = fl_preset_find("t5-small")->config;
        cr_assert_eq(fl_growth_make(&growth, &line, &error), FL_OK, "%s", error.text);
        cr_assert(growth.is_polynomial);
        for (int i = 0; i < 6; i++) {
            const struct fl_point *point = &points[i].point;
            const double s = point->context;
            const double flops = growth.flops[0] + s * (growth.flops[1] + s * growth.flops[2]);
            const struct fl_shape shape = {.batch = point->batch,
                                           .n_tokens = point->n_tokens,
                                           .n_past = point->n_past,
                                           .n_encoder_tokens = point->context,
                                           .encoded = k != PREFILL};
            struct fl_analytic analytic;
            cr_assert_eq(fl_analytic(&analytic, &model.config, &shape, &convention, &error), FL_OK);
            cr_expect_float_eq(flops, (double)analytic.total.exact,
                               1e-12 * (double)analytic.total.exact);
        }
    }
}

/* The window of 40 tokens makes it no polynomial between 16 and 512. */
Test(growth, a_window_is_no_polynomial)
{
    struct fl_line line = make_line(PREFILL, 6, 1e5, 1e4, 10);
    struct fl_growth growth;
    struct fl_error error;
    model.config.sliding_window = 40;
    cr_assert_eq(fl_growth_make(&growth, &line, &error), FL_OK, "%s", error.text);
    cr_expect_not(growth.is_polynomial);
    cr_expect(growth.flops_exponent_last > 0.9 && growth.flops_exponent_last < 1.1);
}

Test(growth, verdicts_are_those_of_the_truth)
{
    const struct {
        double a, b, c;
        int n;
        enum fl_growth_verdict verdict;
    } cases[] = {
        {1e6, 0, 0, 7, FL_GROWTH_CONSTANT},     {3e6, 1e3, 0, 7, FL_GROWTH_FIXED},
        {1e4, 1e4, 0, 7, FL_GROWTH_LINEAR},     {1e4, 1e4, 4, 7, FL_GROWTH_BETWEEN},
        {1e4, 1e4, 40, 7, FL_GROWTH_QUADRATIC}, {1e4, 1e4, 40, 4, FL_GROWTH_UNDECIDED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_growth growth =
            growth_of(PREFILL, cases[i].n, cases[i].a, cases[i].b, cases[i].c);
        cr_expect_eq(growth.verdict, cases[i].verdict, "case %zu: %s, model %d", i,
                     fl_growth_verdict_names[growth.verdict], growth.chosen);
    }
}

Test(growth, the_crossing_in_time_is_found)
{
    struct fl_growth growth = growth_of(UNCACHED, 7, 1e4, 1e4, 40); /* 250 */
    cr_assert(growth.has_crossover);
    cr_expect(growth.crossover.low < 250 && growth.crossover.high > 250, "[%g, %g]",
              growth.crossover.low, growth.crossover.high);
    cr_expect_float_eq(growth.crossover.value, 250, 40, "%g", growth.crossover.value);
    growth = growth_of(UNCACHED, 7, 1e4, 1e4, 0);
    cr_expect(isinf(growth.crossover.high) && growth.crossover.low > 1000, "[%g, %g]",
              growth.crossover.low, growth.crossover.high);
}

Test(growth, lines_of_few_points_are_no_error)
{
    for (int n = 0; n < 4; n++) {
        struct fl_growth growth = growth_of(CACHED, n, 1e4, 1e2, 0);
        cr_expect_eq(growth.verdict, FL_GROWTH_UNDECIDED);
        cr_expect_eq(growth.n, n);
        cr_expect_eq(growth.has_law, n >= 3);
    }
}
