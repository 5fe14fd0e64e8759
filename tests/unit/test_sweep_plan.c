#include "bench/sweep.h"
#include "ledger/analytic.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fl_error error;
static const struct fl_config *config;

static int64_t contexts[] = {16, 32, 512, 600}, batches[] = {1, 2}, threads[] = {1, 2};
static int phases[] = {FL_PHASE_PREFILL, FL_PHASE_DECODE}, caches[] = {1, 0};
static int attentions[] = {FL_ATTENTION_NAIVE, FL_ATTENTION_CAUSAL};

static struct fl_sweep_axes all_axes(void)
{
    config = &fl_preset_find("llama-nano")->config; /* context of 512 tokens */
    return (struct fl_sweep_axes){.contexts = contexts,
                                  .n_contexts = 4,
                                  .batches = batches,
                                  .n_batches = 2,
                                  .threads = threads,
                                  .n_threads = 2,
                                  .phases = phases,
                                  .n_phases = 2,
                                  .caches = caches,
                                  .n_caches = 2,
                                  .attentions = attentions,
                                  .n_attentions = 2,
                                  .logits = FL_LOGITS_ALL};
}

Test(sweep_plan, prefill_takes_no_part_in_the_cache_axis)
{
    struct fl_sweep_axes axes = all_axes();
    struct fl_sweep_plan plan;
    cr_assert_eq(fl_sweep_plan_make(&plan, &axes, config, &error), FL_OK, "%s", error.text);
    /* 8 of batch, threads, attention; prefill fits 16, 32, 512; decode 16, 32, with and without
     * cache. What does not fit: prefill 600; decode 512, 600 in two ways. */
    cr_expect_eq(plan.n_items, 8 * 3 + 8 * 2 * 2);
    cr_expect_eq(plan.n_beyond, 8 * 1 + 8 * 2 * 2);
    for (int i = 0; i < plan.n_items; i++) {
        const struct fl_point *point = &plan.items[i].point;
        bool prefill = point->phase == FL_PHASE_PREFILL;
        cr_expect(!prefill || point->cache);
        cr_expect_str_eq(point->logits, prefill ? "all" : "last");
        cr_expect_eq(point->n_tokens, prefill        ? point->context
                                      : point->cache ? 1
                                                     : point->context + 1);
        cr_expect_eq(point->n_past, !prefill && point->cache ? point->context : 0);
        cr_expect_gt(plan.items[i].work, 0);
        for (int j = 0; j < i; j++) {
            char a[FL_SWEEP_LABEL], b[FL_SWEEP_LABEL];
            cr_expect_str_neq(fl_sweep_label(point, a), fl_sweep_label(&plan.items[j].point, b));
        }
    }
    fl_sweep_plan_free(&plan);
}

Test(sweep_plan, too_many_points_are_refused)
{
    struct fl_sweep_axes axes = all_axes();
    struct fl_sweep_plan plan;
    axes.n_contexts = FL_SWEEP_POINTS_MAX; /* refused before the list is looked at */
    cr_expect_eq(fl_sweep_plan_make(&plan, &axes, config, &error), FL_FAILED);
    cr_expect(strstr(error.text, "expected at most 100000 points"), "%s", error.text);
}

Test(sweep_plan, conventions_follow_the_kernel)
{
    struct fl_sweep_axes axes = all_axes();
    struct fl_sweep_plan plan;
    cr_assert_eq(fl_sweep_plan_make(&plan, &axes, config, &error), FL_OK);
    for (int i = 0; i < plan.n_items; i++) {
        const struct fl_sweep_item *item = &plan.items[i];
        char expected[64];
        snprintf(expected, sizeof expected, "unit=flop causal=%s lm_head=%s elementwise=on",
                 item->attention == FL_ATTENTION_CAUSAL ? "exact" : "full", item->point.logits);
        cr_expect_str_eq(item->point.exact_convention, expected);
        cr_expect_str_eq(item->point.textbook_convention,
                         "unit=flop causal=full lm_head=all elementwise=off");
    }
    fl_sweep_plan_free(&plan);
}

Test(sweep_plan, an_order_is_a_permutation_of_its_own)
{
    enum { N = 100 };
    int first[N], again[N], second[N], other[N], seen[N] = {0};
    fl_sweep_order(first, N, 7, 0);
    fl_sweep_order(again, N, 7, 0);
    fl_sweep_order(second, N, 7, 1);
    fl_sweep_order(other, N, 8, 0);
    cr_expect_arr_eq(first, again, sizeof first, "the seed decides");
    cr_expect_arr_neq(first, second, sizeof first, "each pass has its own");
    cr_expect_arr_neq(first, other, sizeof first);
    for (int i = 0; i < N; i++)
        seen[first[i]]++;
    for (int i = 0; i < N; i++)
        cr_expect_eq(seen[i], 1);
    fl_sweep_order(first, 0, 7, 0);
    fl_sweep_order(first, 1, 7, 0);
    cr_expect_eq(first[0], 0);
}

Test(sweep_plan, passes_share_the_repetitions)
{
    static const int CASES[][3] = {{5, 2, 3}, {4, 2, 2}, {1, 1, 1}, {7, 3, 3}, {3, 3, 1}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const int n_reps = CASES[i][0], n_passes = CASES[i][1];
        cr_expect_eq(fl_sweep_target(n_reps, n_passes, 0), CASES[i][2]);
        cr_expect_eq(fl_sweep_target(n_reps, n_passes, n_passes - 1), n_reps);
        for (int pass = 1; pass < n_passes; pass++)
            cr_expect_geq(fl_sweep_target(n_reps, n_passes, pass),
                          fl_sweep_target(n_reps, n_passes, pass - 1) + 1);
    }
}
