#include "analyzers/against.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_POINTS = 6 };

static struct fl_run run = {.id = 1, .machine = "box"};
static struct fl_model_record model = {.name = "gpt2"};
static struct fl_result points[N_POINTS];
static struct fl_results results = {
    .runs = &run, .n_runs = 1, .points = points, .n_points = N_POINTS};

static const struct fl_hardware BOX = {
    .is_measured = true, .flops_per_s = {1e11}, .bytes_per_s = 1e10, .capacity_bytes = 1e10};

static const struct fl_against_machines HERE = {.machine = &BOX}, NOWHERE = {0};

static void set_point(int i, bool decode, int context, const char *dtype)
{
    struct fl_point point = {.id = i + 1,
                             .phase = decode ? FL_PHASE_DECODE : FL_PHASE_PREFILL,
                             .cache = true,
                             .batch = 1,
                             .context = context,
                             .n_tokens = decode ? 1 : context,
                             .n_past = decode ? context : 0,
                             .n_threads = 2};
    snprintf(point.dtype, sizeof point.dtype, "%s", dtype);
    snprintf(point.exact_convention, sizeof point.exact_convention,
             "unit=flop causal=exact lm_head=last elementwise=on");
    points[i] =
        (struct fl_result){.point = point, .run = &run, .model = &model, .median_time_ns = 1e9};
}

/* Three prefills, which compute binds, three decode steps, which memory does. */
static void setup(void)
{
    model.config = fl_preset_find("gpt2")->config;
    for (int i = 0; i < N_POINTS; i++)
        set_point(i, i >= 3, 100 * (i % 3 + 1), "f32"); /* without samples: no operators' times */
}

TestSuite(against, .init = setup);

static struct fl_against make(void)
{
    struct fl_against against;
    struct fl_error error;
    cr_assert_eq(fl_against_make(&against, &results, &HERE, &error), FL_OK, "%s", error.text);
    return against;
}

/* Times that are the roofline's, slowed down by a factor each bound has. */
static void set_times(double compute_share, double memory_share)
{
    struct fl_against against = make();
    for (int i = 0; i < N_POINTS; i++) {
        cr_assert_eq(against.points[i].bound, i < 3 ? FL_BOUND_COMPUTE : FL_BOUND_MEMORY);
        points[i].median_time_ns =
            against.points[i].ideal_s * 1e9 / (i < 3 ? compute_share : memory_share);
    }
    fl_against_free(&against);
}

Test(against, finds_the_share_that_is_reached)
{
    set_times(0.5, 0.8);
    struct fl_against against = make();
    cr_expect_float_eq(against.efficiency.compute, 0.5, 1e-9);
    cr_expect_float_eq(against.efficiency.memory, 0.8, 1e-9);
    cr_expect_float_eq(against.calibrated.worst, 0, 1e-9, "each point by the others");
    cr_expect_float_eq(against.ideal.worst, 0.5, 1e-9);
    cr_expect_float_eq(against.ideal.median, (0.5 + 0.2) / 2, 1e-9);
    cr_expect_lt(against.ideal.median_signed, 0, "predicted too fast");
    fl_against_free(&against);
}

/* The encoder runs in the prefill, over as many tokens as the context, and is behind a decode step:
 * a prefill's FLOPs are those of the formulas, and bound by compute as a whole. */
Test(against, encoder_decoders_are_predicted_with_their_encoder)
{
    model.config = fl_preset_find("t5-base")->config;
    struct fl_against against = make();
    const struct fl_convention convention = {
        .causal = FL_CAUSAL_EXACT, .lm_head = FL_LM_HEAD_LAST, .elementwise = true};
    cr_assert_eq(against.n_points, N_POINTS, "%s", against.skipped);
    for (int i = 0; i < N_POINTS; i++) {
        const struct fl_point *point = &points[i].point;
        const struct fl_shape shape = {.batch = 1,
                                       .n_tokens = point->n_tokens,
                                       .n_past = point->n_past,
                                       .n_encoder_tokens = point->context};
        struct fl_analytic analytic;
        struct fl_error error;
        cr_assert_eq(fl_analytic(&analytic, &model.config, &shape, &convention, &error), FL_OK);
        cr_expect_float_eq(against.points[i].ideal.flops, (double)analytic.total.exact,
                           1e-9 * (double)analytic.total.exact);
        cr_expect_eq(against.points[i].bound, i < 3 ? FL_BOUND_COMPUTE : FL_BOUND_MEMORY);
    }
    fl_against_free(&against);
}

static struct fl_sample samples[N_POINTS];
static struct fl_op_record ops[FL_N_OPERATORS];

/* Times of every operator, the roofline's over the share it is to reach, and a tenth of the whole
 * outside of them. */
static void time_operators(double (*share)(int point, enum fl_operator op))
{
    struct fl_against against = make();
    results.samples = samples;
    results.n_samples = N_POINTS;
    for (int i = 0; i < N_POINTS; i++) {
        double sum = 0;
        for (int op = 0; op < FL_N_OPERATORS; op++) {
            const double ideal_ns = against.points[i].ideal.op_time_s[op] * 1e9;
            ops[op].op = (enum fl_operator)op;
            samples[i].op_time_ns[op] = (uint64_t)(ideal_ns / share(i, (enum fl_operator)op));
            sum += ideal_ns / share(i, (enum fl_operator)op);
        }
        samples[i].time_ns = (uint64_t)(sum / 0.9);
        samples[i].run_id = run.id;
        points[i].ops = ops;
        points[i].n_ops = FL_N_OPERATORS;
        points[i].samples = &samples[i];
        points[i].n_samples = 1;
        points[i].median_time_ns = sum / 0.9;
    }
    fl_against_free(&against);
}

static double of_the_operator(int point, enum fl_operator op)
{
    (void)point;
    return op == FL_OP_FFN_UP || op == FL_OP_LOGITS ? 0.9 : 0.2;
}

/* Seen one by one, every point is predicted from the others, though no two have the same share as a
 * whole. */
Test(against, operators_have_shares_of_their_own)
{
    double least = 1, most = 0;
    time_operators(of_the_operator);
    struct fl_against against = make();
    for (int i = 0; i < N_POINTS; i++) {
        const double whole = against.points[i].ideal_s * 1e9 / points[i].median_time_ns;
        least = whole < least ? whole : least;
        most = whole > most ? whole : most;
    }
    cr_expect_gt(most / least, 1.2, "the points differ as a whole");
    cr_expect_lt(against.calibrated.worst, 0.01, "%g", against.calibrated.worst);
    cr_expect_float_eq(against.shares.outside, 0.1, 0.01);
    cr_expect_float_eq(against.shares.of_op[FL_OP_FFN_UP][FL_BOUND_COMPUTE][1], 0.9, 0.01);
    cr_expect_float_eq(against.shares.of_op[FL_OP_QKV][FL_BOUND_COMPUTE][1], 0.2, 0.01);
    cr_expect_float_eq(against.shares.of_op[FL_OP_QKV][FL_BOUND_MEMORY][0], 0.2, 0.01);

    /* another machine, twice as fast in every way, takes half the time with the same shares */
    const struct fl_hardware twice = {
        .is_measured = true, .flops_per_s = {2e11}, .bytes_per_s = 2e10, .capacity_bytes = 1e10};
    struct fl_stored stored;
    struct fl_error error;
    fl_stored_of_config(&stored, &model.config, FL_F32, &error);
    const struct fl_workload workload = {.config = &model.config,
                                         .stored = &stored,
                                         .efficiency = {1, 1},
                                         .shares = &against.shares};
    const struct fl_convention convention = {
        .causal = FL_CAUSAL_EXACT, .lm_head = FL_LM_HEAD_LAST, .elementwise = true};
    const struct fl_shape shape = {.batch = 1, .n_tokens = 100, .stored = &stored};
    struct fl_predicted_step step;
    cr_assert_eq(fl_predict_step(&step, &twice, &workload, &shape, &convention, &error), FL_OK);
    cr_expect_float_eq(step.time_s * 1e9 / points[0].median_time_ns, 0.5, 0.01);
    fl_against_free(&against);
}

/* A point that is not like the others shows its whole error: it does not calibrate itself. */
Test(against, leaves_the_point_itself_out)
{
    set_times(0.5, 0.8);
    points[4].median_time_ns *= 3;
    struct fl_against against = make();
    cr_expect_float_eq(against.calibrated.worst, 2.0 / 3, 1e-9);
    cr_expect_eq(against.calibrated.at, &against.points[4]);
    cr_expect_float_eq(against.efficiency.memory, 0.8, 1e-9, "the median is not moved");
    fl_against_free(&against);
}

Test(against, skips_and_says_why)
{
    set_point(0, false, 100, "q4_k+q6_k");
    struct fl_against against = make();
    cr_expect_eq(against.n_points, N_POINTS - 1);
    cr_expect_eq(against.n_skipped, 1);
    cr_expect(strstr(against.skipped, "q4_k+q6_k"), "%s", against.skipped);
    fl_against_free(&against);

    struct fl_error error;
    cr_expect_eq(fl_against_make(&against, &results, &NOWHERE, &error), FL_FAILED);
    cr_expect(strstr(error.text, "flopledger peaks"), "no ceilings in the file: %s", error.text);
    const struct fl_results empty = {0};
    cr_expect_eq(fl_against_make(&against, &empty, &HERE, &error), FL_FAILED);
    cr_expect(strstr(error.text, "has none"), "%s", error.text);
}

static struct fl_ceiling ceiling(const char *unit, const char *kernel, const char *level,
                                 const char *machine)
{
    struct fl_ceiling c = {.n_threads = 2, .work = 100000, .time_ns = {1000}, .n_samples = 1};
    snprintf(c.unit, sizeof c.unit, "%s", unit);
    snprintf(c.kernel, sizeof c.kernel, "%s", kernel);
    snprintf(c.level, sizeof c.level, "%s", level);
    snprintf(c.machine, sizeof c.machine, "%s", machine);
    snprintf(c.dtype, sizeof c.dtype, "f32");
    return c;
}

/* Ceilings that are kept of this machine serve where the file has none, but for no other machine.
 */
Test(against, kept_ceilings)
{
    struct fl_against against;
    struct fl_error error;
    struct fl_ceiling kept[] = {ceiling("flops", "gemm", "", "box"),
                                ceiling("bytes", "read", "DRAM", "box")};
    const struct fl_against_machines machines = {.kept = kept, .n_kept = 2};
    cr_assert_eq(fl_against_make(&against, &results, &machines, &error), FL_OK, "%s", error.text);
    cr_expect_eq(against.n_points, N_POINTS);
    fl_against_free(&against);
    snprintf(kept[0].machine, sizeof kept[0].machine, "another");
    cr_expect_eq(fl_against_make(&against, &results, &machines, &error), FL_FAILED);
}

Test(against, reads_formats_of_points)
{
    enum fl_dtype weights, kv;
    struct fl_error error;
    set_point(0, false, 1, "q8_0, KV bf16");
    cr_assert_eq(fl_point_dtypes(&points[0].point, &weights, &kv, &error), FL_OK);
    cr_expect(weights == FL_Q8_0 && kv == FL_BF16);
    set_point(0, false, 1, "f16");
    cr_assert_eq(fl_point_dtypes(&points[0].point, &weights, &kv, &error), FL_OK);
    cr_expect(weights == FL_F16 && kv == FL_F32);
    static const char *const WRONG[] = {"", "f", "f32, KV ", "f32, KV q9", "f32+f16", ", KV f16"};
    for (int i = 0; i < 6; i++) {
        set_point(0, false, 1, WRONG[i]);
        cr_expect_eq(fl_point_dtypes(&points[0].point, &weights, &kv, &error), FL_FAILED, "%s",
                     WRONG[i]);
    }
}

static double of_the_rows(int point, enum fl_operator op)
{
    static const double SHARES[N_POINTS] = {0.3, 0.4, 0.5, 0.8, 0.8, 0.8};
    (void)op;
    return SHARES[point];
}

/* Prefills of 100, 200 and 300 rows: 300 are nearer to 200 than 100 are. The middle of the decode
 * steps, which all have one row, is known from either of the others. */
Test(against, a_point_is_calibrated_by_its_neighbours)
{
    static const double NEAREST[N_POINTS] = {0.4, 0.5, 0.4, 0.8, 0.8, 0.8};
    time_operators(of_the_rows);
    struct fl_against against = make();
    for (int i = 0; i < N_POINTS; i++)
        cr_expect_float_eq(against.points[i].calibrated_s / against.points[i].measured_s,
                           of_the_rows(i, FL_OP_QKV) / NEAREST[i], 0.02, "%d: %g", i,
                           against.points[i].calibrated_s / against.points[i].measured_s);
    fl_against_free(&against);
}
