#include "analyzers/measured.h"

#include "tests/unit/store_sample.h"

#include <criterion/criterion.h>

/* The sample's observation: qkv 300 exact and 310 measured of which 8 are named, logits 600 and 620
 * of which 20 are, and 950 in all. */
static struct fl_result sample_result(const struct fl_observed *observed)
{
    return (struct fl_result){.ops = SAMPLE_OPS,
                              .n_ops = SAMPLE_N_OPS,
                              .observed = observed,
                              .n_observed = observed ? 1 : 0};
}

Test(measured, adds_up_operator_by_operator)
{
    const struct fl_observed observed = sample_observed("Haswell");
    const struct fl_result result = sample_result(&observed);
    struct fl_measured_point measured;
    fl_measured_point_make(&measured, &result, &observed);
    cr_expect(measured.has_flops);
    cr_expect_not(measured.has_footprint, "lines written were not counted");
    cr_assert_eq(measured.n_ops, 2);

    const struct fl_measured_op *logits = &measured.ops[0], *total = &measured.total;
    cr_expect_eq(logits->op, FL_OP_LOGITS);
    cr_expect(logits->exact == 600 && logits->measured == 620);
    cr_expect(logits->explained == 20 && logits->unexplained == 0);
    cr_expect(logits->terms[FL_EXCESS_BIAS_START] == -10);
    cr_expect(measured.ops[1].unexplained == 2);

    cr_expect(total->exact == 900 && total->measured == 950);
    cr_expect(total->explained == 28 && total->unexplained == 2);
    cr_expect(total->terms[FL_EXCESS_GEMM_ALPHA] == 38);
    cr_expect(measured.between == 20);
    cr_expect(total->measured ==
              total->exact + total->explained + total->unexplained + measured.between);
}

Test(measured, bytes_are_lines_of_64)
{
    struct fl_observed observed = sample_observed("Haswell");
    const struct fl_result result = sample_result(&observed);
    struct fl_measured_point measured;
    observed.available |= FL_COUNT_BIT(LINES_WRITTEN);
    observed.ops[FL_OP_QKV].reading.values[FL_COUNT_LINES_WRITTEN] = 4;
    observed.whole.values[FL_COUNT_LINES_WRITTEN] = 1;
    fl_measured_point_make(&measured, &result, &observed);
    cr_expect(measured.has_footprint);
    cr_expect(measured.ops[1].footprint_bytes == 64 * (3 + 4));
    cr_expect(measured.ops[1].exact_bytes == 25);
    cr_expect(measured.total.footprint_bytes == 64 * (3 + 4 + 5), "the operators together");
    cr_expect(measured.pass_footprint_bytes == 64 * (9 + 1), "every line once");
}

/* Whatever a file claims, the sums do not overflow. */
Test(measured, the_largest_counts_add_up)
{
    struct fl_observed observed = sample_observed("Haswell");
    const struct fl_result result = sample_result(&observed);
    struct fl_measured_point measured;
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        observed.ops[op].reading.values[FL_COUNT_FLOPS] = INT64_MAX;
        for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
            observed.ops[op].excess.flops[term] = INT64_MIN;
    }
    fl_measured_point_make(&measured, &result, &observed);
    cr_expect(measured.total.explained == 2 * FL_N_EXCESS_TERMS * (fl_wide)INT64_MIN);
    cr_expect(measured.total.unexplained ==
              2 * (fl_wide)INT64_MAX - 900 - measured.total.explained);
}

Test(measured, the_last_counted_point_of_a_line)
{
    const struct fl_observed observed = sample_observed("Haswell");
    const struct fl_result points[] = {sample_result(NULL), sample_result(&observed),
                                       sample_result(NULL)};
    const struct fl_line line = {.points = points, .n = 3}, none = {.points = points, .n = 1};
    cr_expect_eq(fl_line_measured(&line), &points[1]);
    cr_expect_null(fl_line_measured(&none));
}

Test(measured, percent_of_nothing_is_nothing)
{
    cr_expect_eq(fl_percent(1, 4), 25);
    cr_expect_eq(fl_percent(-1, 4), -25);
    cr_expect_eq(fl_percent(1, 0), 0);
}
