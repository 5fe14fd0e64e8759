/* Comparisons of results that are made up, so that what differs is known. */
#include "analyzers/compare.h"

#include "tests/unit/store_sample.h"
#include "tests/unit/timing_noise.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { POINTS = 5, REPS = 6, SETS = 1000, SPLITS = 924 }; /* 12 over 6: every split is tried */

/* A file's worth of results: decode steps at contexts 16, 32, ..., in one run of two passes. */
struct file {
    struct fl_run run;
    struct fl_model_record model;
    struct fl_result points[POINTS];
    struct fl_sample samples[POINTS * REPS];
    struct fl_results results;
};

static struct file *make_file(const char *host)
{
    struct file *file = calloc(1, sizeof *file);
    cr_assert(file);
    file->run = sample_run(host);
    file->run.id = 1;
    fl_run_name_machine(&file->run);
    file->model = sample_model("tiny");
    for (int p = 0; p < POINTS; p++) {
        file->points[p] = (struct fl_result){.point = sample_point(1, 16 << p),
                                             .run = &file->run,
                                             .model = &file->model,
                                             .samples = file->samples + p * REPS,
                                             .n_samples = REPS};
        file->points[p].point.id = p + 1;
        for (int i = 0; i < REPS; i++)
            file->samples[p * REPS + i] = (struct fl_sample){
                .id = 1 + p * REPS + i,
                .point_id = p + 1,
                .run_id = 1,
                .rep = i,
                .started_ns = (uint64_t)((i < REPS / 2 ? 0 : POINTS) + p) * 1000 + (uint64_t)i};
    }
    file->results = (struct fl_results){.runs = &file->run,
                                        .n_runs = 1,
                                        .models = &file->model,
                                        .n_models = 1,
                                        .points = file->points,
                                        .n_points = POINTS,
                                        .samples = file->samples,
                                        .n_samples = POINTS * REPS};
    return file;
}

static void draw_times(struct file *file, const struct noise_kind *noise, double factor,
                       uint64_t *state)
{
    for (int i = 0; i < POINTS * REPS; i++)
        file->samples[i].time_ns = (uint64_t)(1e6 * factor * noise->draw(state));
}

static const struct fl_selector ANY = {.path = "any.db"};
static struct fl_error error;

static struct fl_compare_options options_of(enum fl_correction correction, double threshold)
{
    return (struct fl_compare_options){
        .bootstrap = {FL_INTERVAL_BOOTSTRAP, 0.95, SPLITS, 1},
        .threshold = threshold,
        .correction = correction,
    };
}

static struct fl_comparison compare(const struct file *a, const struct file *b,
                                    const struct fl_compare_options *options)
{
    const struct fl_compare_side sides[2] = {{&a->results, &ANY}, {&b->results, &ANY}};
    struct fl_comparison comparison;
    cr_assert_eq(fl_compare(&comparison, sides, options, &error), FL_OK, "%s", error.text);
    return comparison;
}

/* The same program against itself: how often anything, and how many points, are said to differ. */
struct alarms {
    int sets, points;
};

static struct alarms false_alarms(const struct noise_kind *noise, enum fl_correction correction,
                                  double threshold, int n_sets)
{
    const struct fl_compare_options options = options_of(correction, threshold);
    struct file *a = make_file("host"), *b = make_file("host");
    struct alarms alarms = {0, 0};
    uint64_t state = 77;
    for (int set = 0; set < n_sets; set++) {
        draw_times(a, noise, 1, &state);
        draw_times(b, noise, 1, &state);
        struct fl_comparison comparison = compare(a, b, &options);
        const int n =
            comparison.n_verdicts[FL_VERDICT_SLOWER] + comparison.n_verdicts[FL_VERDICT_FASTER];
        alarms.sets += n > 0;
        alarms.points += n;
        fl_comparison_free(&comparison);
    }
    free(a);
    free(b);
    return alarms;
}

/* 1,000 pairs: 5 % of the pairs have a false alarm somewhere, within 2 points, whatever the noise.
 * (3 standard deviations of such a share are 2 points.) */
Test(compare, a_program_rarely_differs_from_itself)
{
    for (int k = 0; k < N_NOISES; k++) {
        const enum fl_correction correction = k % 2 ? FL_CORRECTION_HOLM : FL_CORRECTION_BH;
        struct alarms alarms = false_alarms(&NOISES[k], correction, 0, SETS);
        cr_expect(alarms.sets >= 30 && alarms.sets <= 70, "%s, %s: %d of %d pairs", NOISES[k].name,
                  fl_correction_names[correction], alarms.sets, SETS);
    }
}

Test(compare, each_point_alone_is_as_rarely_wrong)
{
    struct alarms alarms = false_alarms(&NOISES[2], FL_CORRECTION_NONE, 0, SETS / POINTS);
    cr_expect(alarms.points >= 30 && alarms.points <= 70, "%d of %d points", alarms.points, SETS);
    cr_expect_geq(alarms.sets, 30, "uncorrected, every fifth pair has an alarm: %d", alarms.sets);
}

Test(compare, what_does_not_matter_raises_fewer_alarms)
{
    struct alarms alarms = false_alarms(&NOISES[2], FL_CORRECTION_BH, 0.05, SETS / POINTS);
    cr_expect_leq(alarms.sets, 8, "%d", alarms.sets);
}

Test(compare, what_differs_is_said_to_differ)
{
    const struct fl_compare_options options = options_of(FL_CORRECTION_BH, 0.02);
    struct file *a = make_file("host"), *b = make_file("host");
    uint64_t state = 5;
    int n_slower = 0, n_faster = 0;
    for (int set = 0; set < 20; set++) {
        draw_times(a, &NOISES[0], 1, &state);
        draw_times(b, &NOISES[0], 1.25, &state);
        struct fl_comparison comparison = compare(a, b, &options);
        n_slower += comparison.n_verdicts[FL_VERDICT_SLOWER];
        cr_expect(comparison.mean_low < 1.25 * 1.04 && comparison.mean_high > 1.25 / 1.04);
        fl_comparison_free(&comparison);
        comparison = compare(b, a, &options);
        n_faster += comparison.n_verdicts[FL_VERDICT_FASTER];
        fl_comparison_free(&comparison);
    }
    cr_expect_geq(n_slower, 98, "%d of 100", n_slower);
    cr_expect_geq(n_faster, 98, "%d of 100", n_faster);
    free(a);
    free(b);
}

static double tight(uint64_t *state)
{
    return exp(0.002 * noise_normal(state));
}

Test(compare, equal_and_certain_is_no_difference)
{
    const struct fl_compare_options options = options_of(FL_CORRECTION_BH, 0.02);
    const struct noise_kind noise = {"tight", tight, 1};
    struct file *a = make_file("host"), *b = make_file("host");
    uint64_t state = 5;
    draw_times(a, &noise, 1, &state);
    draw_times(b, &noise, 1, &state);
    struct fl_comparison comparison = compare(a, b, &options);
    cr_expect_eq(comparison.n_verdicts[FL_VERDICT_SAME], POINTS);
    cr_expect(comparison.n_flops_changed == 0 && comparison.n_bytes_changed == 0);
    fl_comparison_free(&comparison);
    free(a);
    free(b);
}

Test(compare, work_hosts_and_missing_points_are_named)
{
    const struct fl_compare_options options = options_of(FL_CORRECTION_BH, 0.02);
    struct file *a = make_file("host"), *b = make_file("other");
    uint64_t state = 5;
    draw_times(a, &NOISES[0], 1, &state);
    draw_times(b, &NOISES[0], 1, &state);
    b->points[1].point.exact_flops -= 3;
    b->points[2].point.bytes_written += 8;
    b->points[4].point.context = 999;
    strcpy(b->run.blas_core, "SkylakeX");
    struct fl_comparison comparison = compare(a, b, &options);
    cr_assert_eq(comparison.n, POINTS - 1);
    cr_expect(comparison.n_unmatched[0] == 1 && comparison.n_unmatched[1] == 1);
    cr_expect_eq(comparison.unmatched[1][0]->point.context, 999);
    cr_expect_eq(comparison.rows[1].flops_change, -3);
    cr_expect_eq(comparison.rows[2].bytes_change, 8);
    cr_expect(comparison.n_flops_changed == 1 && comparison.n_bytes_changed == 1);
    struct fl_run_difference difference;
    cr_assert(fl_compare_difference(&difference, &comparison, 0));
    cr_expect_str_eq(difference.field, "host");
    cr_expect_str_eq(difference.values[1], "other");
    cr_assert(fl_compare_difference(&difference, &comparison, 1));
    cr_expect_str_eq(difference.field, "blas_core");
    cr_expect_not(fl_compare_difference(&difference, &comparison, 2));
    fl_comparison_free(&comparison);
    free(a);
    free(b);
}

Test(compare, what_cannot_be_matched_is_refused)
{
    const struct fl_compare_options options = options_of(FL_CORRECTION_BH, 0.02);
    struct file *a = make_file("host"), *b = make_file("host");
    struct fl_comparison comparison;
    const struct fl_compare_side same[2] = {{&a->results, &ANY}, {&a->results, &ANY}};
    cr_expect_eq(fl_compare(&comparison, same, &options, &error), FL_FAILED);
    cr_expect(strstr(error.text, "the same samples"), "%s", error.text);
    b->points[3].point.context = b->points[2].point.context;
    const struct fl_compare_side twice[2] = {{&a->results, &ANY}, {&b->results, &ANY}};
    cr_expect_eq(fl_compare(&comparison, twice, &options, &error), FL_FAILED);
    cr_expect(strstr(error.text, "expected one point like"), "%s", error.text);
    free(a);
    free(b);
}

/* Benjamini and Hochberg: p n / rank, made to rise; Holm: p (n - rank + 1), made to rise. */
Test(compare, corrections_by_hand)
{
    const double p[] = {0.04, 0.01, 0.03, 0.5};
    const double bh[] = {0.16 / 3, 0.04, 0.16 / 3, 0.5}, holm[] = {0.09, 0.04, 0.09, 0.5};
    double adjusted[4];
    int order[4];
    fl_adjust_p_values(adjusted, p, 4, FL_CORRECTION_BH, order);
    for (int i = 0; i < 4; i++)
        cr_expect_float_eq(adjusted[i], bh[i], 1e-12, "%d: %g", i, adjusted[i]);
    fl_adjust_p_values(adjusted, p, 4, FL_CORRECTION_HOLM, order);
    for (int i = 0; i < 4; i++)
        cr_expect_float_eq(adjusted[i], holm[i], 1e-12, "%d: %g", i, adjusted[i]);
    fl_adjust_p_values(adjusted, p, 4, FL_CORRECTION_NONE, order);
    cr_expect_arr_eq(adjusted, p, sizeof p);
}

Test(compare, selectors)
{
    struct fl_selector selector;
    struct file *a = make_file("host");
    cr_assert_eq(fl_selector_parse(&selector, "dir/r.db:run=1,s=32,dtype=f32, KV f16", &error),
                 FL_OK, "%s", error.text);
    cr_expect_str_eq(selector.path, "dir/r.db");
    cr_expect_eq(selector.run, 1);
    cr_expect_str_eq(selector.values[FL_KEY_DTYPE], "f32, KV f16");
    cr_expect_not(fl_selector_takes(&selector, &a->points[1]));
    cr_assert_eq(fl_selector_parse(&selector, "r.db:machine=Processor,s=32,cache=on", &error),
                 FL_OK);
    cr_expect(fl_selector_takes(&selector, &a->points[1]));
    cr_expect_not(fl_selector_takes(&selector, &a->points[2]));
    cr_assert_eq(fl_selector_parse(&selector, "r.db:run=2", &error), FL_OK);
    cr_expect_not(fl_selector_takes(&selector, &a->points[1]), "no sample of that run");
    cr_assert_eq(fl_selector_parse(&selector, "r.db", &error), FL_OK);
    cr_expect(fl_selector_takes(&selector, &a->points[1]));
    const char *const bad[] = {"", "r.db:", "r.db:nonsense=1", "r.db:run=x", "r.db:s="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(fl_selector_parse(&selector, bad[i], &error), FL_FAILED, "%s", bad[i]);
    free(a);
}
