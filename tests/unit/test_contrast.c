/* contrast, scaling and footprint on results with known figures. */
#include "analyzers/contrast.h"
#include "analyzers/footprint.h"
#include "analyzers/scaling.h"
#include "model/presets.h"
#include "tests/unit/store_sample.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const int CONTEXTS[] = {4, 8, 16};
enum { N_CONTEXTS = 3, N_KINDS = 3, N_POINTS = N_CONTEXTS * N_KINDS };
enum { PREFILL, CACHED, UNCACHED };

/* Time of a point: chosen so that sums are easy. */
static uint64_t time_of(int kind, int context)
{
    return (uint64_t)(kind == CACHED ? 10 : 100 * context);
}

static struct fl_model_record model;
static struct fl_run run;
static struct fl_result points[N_POINTS];
static struct fl_sample samples[N_POINTS][2];
static struct fl_results results;
static struct fl_sections sections;

static void make_point(struct fl_result *result, int kind, int context, struct fl_sample *pair)
{
    struct fl_point point = sample_point(1, context);
    struct fl_analytic analytic;
    struct fl_error error;
    strcpy(point.textbook_convention, "unit=flop causal=full lm_head=all elementwise=off");
    strcpy(point.exact_convention, "unit=flop causal=exact lm_head=last elementwise=on");
    point.phase = kind == PREFILL ? FL_PHASE_PREFILL : FL_PHASE_DECODE;
    point.cache = kind != UNCACHED;
    point.n_tokens = kind == PREFILL ? context : kind == CACHED ? 1 : context + 1;
    point.n_past = kind == CACHED ? context : 0;
    *result = (struct fl_result){.point = point,
                                 .run = &run,
                                 .model = &model,
                                 .ops = SAMPLE_OPS,
                                 .n_ops = SAMPLE_N_OPS,
                                 .samples = pair,
                                 .n_samples = 2,
                                 .median_time_ns = (double)time_of(kind, context)};
    cr_assert_eq(fl_point_analytic(&analytic, result, FL_OWN_CONTEXT, &error), FL_OK, "%s",
                 error.text);
    result->point.exact_flops = result->point.counted_flops = (uint64_t)analytic.total.exact;
    for (int rep = 0; rep < 2; rep++)
        pair[rep] = sample_sample(rep, time_of(kind, context));
}

static void setup(void)
{
    struct fl_error error;
    run = sample_run("host");
    model = sample_model("m");
    for (int kind = 0; kind < N_KINDS; kind++)
        for (int i = 0; i < N_CONTEXTS; i++) {
            int at = kind * N_CONTEXTS + i;
            make_point(&points[at], kind, CONTEXTS[i], samples[at]);
        }
    results = (struct fl_results){.runs = &run,
                                  .n_runs = 1,
                                  .models = &model,
                                  .n_models = 1,
                                  .points = points,
                                  .n_points = N_POINTS,
                                  .samples = &samples[0][0],
                                  .n_samples = 2 * N_POINTS};
    cr_assert_eq(fl_sections_make(&sections, &results, &error), FL_OK, "%s", error.text);
}

static void teardown(void)
{
    fl_sections_free(&sections);
}

TestSuite(contrast, .init = setup, .fini = teardown);

Test(contrast, a_section_finds_its_three_lines)
{
    cr_assert_eq(sections.n, 1);
    const struct fl_section *section = &sections.rows[0];
    cr_expect_eq(section->all.n, N_POINTS);
    cr_expect(section->prefill.n == 3 && section->cached.n == 3 && section->uncached.n == 3);
    cr_expect_eq(fl_line_find(&section->cached, 8), 1);
    cr_expect_eq(fl_line_find(&section->cached, 9), -1);
}

Test(contrast, times_lie_on_lines_between_contexts)
{
    const struct fl_line *line = &sections.rows[0].uncached;
    cr_expect_float_eq(fl_line_time_at(line, 8), 800, 1e-9);
    cr_expect_float_eq(fl_line_time_at(line, 10), 1000, 1e-9);
    cr_expect_float_eq(fl_line_time_at(line, 2), 400, 1e-9, "the nearest outside");
    cr_expect_float_eq(fl_line_time_at(line, 99), 1600, 1e-9);
}

/* The prompt's prefill has the encoder in it, which no step has. */
Test(contrast, a_generation_begins_with_the_encoder)
{
    const struct fl_convention convention = {
        .causal = FL_CAUSAL_EXACT, .lm_head = FL_LM_HEAD_LAST, .elementwise = true};
    const struct fl_shape prompt = {.batch = 2, .n_tokens = 4, .n_encoder_tokens = 4};
    const struct fl_shape step = {
        .batch = 2, .n_tokens = 1, .n_past = 4, .n_encoder_tokens = 4, .encoded = true};
    struct fl_contrast contrast;
    struct fl_analytic prefill, first;
    struct fl_error error;
    model.config = fl_preset_find("t5-nano")->config;
    cr_assert_eq(fl_contrast_make(&contrast, &sections.rows[0], &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_analytic(&prefill, &model.config, &prompt, &convention, &error), FL_OK);
    cr_assert_eq(fl_analytic(&first, &model.config, &step, &convention, &error), FL_OK);
    cr_expect_eq(contrast.sums[0].flops[FL_CACHED], (double)prefill.total.exact);
    cr_expect_eq(contrast.sums[0].flops[FL_UNCACHED], (double)prefill.total.exact);
    cr_expect_eq(contrast.sums[1].flops[FL_CACHED],
                 (double)prefill.total.exact + (double)first.total.exact);
    fl_contrast_free(&contrast);
}

/* Every generated token by itself, added up by hand. */
Test(contrast, sums_are_those_of_single_steps)
{
    struct fl_contrast contrast;
    struct fl_error error;
    cr_assert_eq(fl_contrast_make(&contrast, &sections.rows[0], &error), FL_OK);
    cr_assert_eq(contrast.n_steps, 3);
    cr_expect_eq(contrast.n_prompt, 4);
    cr_expect_eq(contrast.n_sums, 16 - 4 + 2);
    struct fl_convention convention = {FL_UNIT_FLOP, FL_CAUSAL_EXACT, FL_LM_HEAD_LAST, true, false};
    struct fl_shape shape = {.batch = 2, .n_tokens = 4};
    struct fl_analytic analytic;
    cr_assert_eq(fl_analytic(&analytic, &model.config, &shape, &convention, &error), FL_OK);
    double flops[2] = {(double)analytic.total.exact, (double)analytic.total.exact};
    double time[2] = {400, 400};
    for (int i = 1; i < contrast.n_sums; i++) {
        int context = 4 + i - 1;
        for (int k = 0; k < 2; k++) {
            shape.n_tokens = k == FL_CACHED ? 1 : context + 1;
            shape.n_past = k == FL_CACHED ? context : 0;
            cr_assert_eq(fl_analytic(&analytic, &model.config, &shape, &convention, &error), FL_OK);
            flops[k] += (double)analytic.total.exact;
            time[k] += k == FL_CACHED ? 10 : 100 * context;
            cr_expect_float_eq(contrast.sums[i].flops[k], flops[k], 0.5);
            cr_expect_float_eq(contrast.sums[i].time_ns[k], time[k], 1e-6);
        }
    }
    cr_expect_eq(contrast.flops_crossing, 2);
    cr_expect_eq(contrast.time_crossing, 2);
    fl_contrast_free(&contrast);
}

Test(contrast, attention_overtakes_where_it_first_does)
{
    struct fl_error error;
    int64_t context;
    struct fl_result *prefill = &points[PREFILL];
    cr_assert_eq(fl_attention_overtakes(&context, prefill, &error), FL_OK);
    cr_assert_gt(context, 1);
    for (int64_t s = context - 1; s <= context; s++) {
        struct fl_analytic analytic;
        double attention = 0;
        cr_assert_eq(fl_point_analytic(&analytic, prefill, s, &error), FL_OK);
        for (int op = 0; op < FL_N_OPERATORS; op++)
            if (fl_operator_is_quadratic((enum fl_operator)op))
                attention += (double)analytic.ops[0][op].exact * model.config.n_layers;
        bool more = attention > (double)analytic.total.exact - attention;
        cr_expect_eq(more, s == context, "s = %d", (int)s);
    }
}

Test(contrast, cache_bytes_are_2Lbtnd4)
{
    struct fl_error error;
    double bytes;
    int64_t context;
    cr_assert_eq(fl_footprint_kv_cache(&bytes, &model.config, 3, 100, &error), FL_OK);
    cr_expect_float_eq(bytes, 2.0 * 5 * 3 * 100 * 4 * 8 * 4, 0);
    cr_assert_eq(fl_footprint_overtakes(&context, &model.config, 2, 25601, &error), FL_OK);
    /* a token of two sequences takes 2*5*2*4*8*4 = 2560 bytes */
    cr_expect_eq(context, 11);
}

Test(contrast, quiet_times_are_not_called_noisy)
{
    struct fl_noise noise = fl_section_noise(&sections.rows[0]);
    cr_expect_eq(noise.n_wide, 0);
    cr_expect_eq(noise.n_few, N_POINTS, "two samples each");
    cr_expect_eq(noise.fewest, 2);
}

Test(contrast, the_noisiest_point_is_named)
{
    struct fl_error error;
    fl_sections_free(&sections);
    samples[4][0].time_ns = 10;
    samples[4][1].time_ns = 1000;
    cr_assert_eq(fl_sections_make(&sections, &results, &error), FL_OK, "%s", error.text);
    struct fl_noise noise = fl_section_noise(&sections.rows[0]);
    cr_expect_eq(noise.n_wide, 1);
    cr_expect_eq(noise.worst, &points[4]);
    cr_expect_eq(noise.worst_time, &sections.timings[4]);
}

Test(contrast, one_flop_or_byte_off_is_a_mismatch)
{
    struct fl_op_record wrong[SAMPLE_N_OPS];
    uint64_t *const figures[] = {&wrong[1].counted_flops, &wrong[1].counted_bytes_read,
                                 &wrong[1].counted_bytes_written};
    cr_assert_eq(fl_section_mismatches(&sections.rows[0]).n, 0);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        memcpy(wrong, SAMPLE_OPS, sizeof wrong);
        ++*figures[i];
        points[5].ops = wrong;
        struct fl_mismatches mismatches = fl_section_mismatches(&sections.rows[0]);
        cr_expect_eq(mismatches.n, 1);
        cr_expect_eq(mismatches.n_checked, N_POINTS * (SAMPLE_N_OPS + 1));
        cr_expect_eq(mismatches.first, &points[5]);
        cr_expect_eq(mismatches.first_op, wrong[1].op);
    }
    points[5].ops = SAMPLE_OPS;
    points[2].point.counted_flops++;
    struct fl_mismatches total = fl_section_mismatches(&sections.rows[0]);
    cr_expect(total.n == 1 && total.first == &points[2] && total.first_op == FL_N_OPERATORS);
}
