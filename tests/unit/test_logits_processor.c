#include "engine/logits_processor.h"

#include "engine_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_MAX = 400 };

static void process(float *logits, int n, const struct fl_logits_step *steps, int n_steps,
                    const int *history, int n_history)
{
    struct fl_logits_processor processor;
    struct fl_error error;
    cr_assert(fl_logits_processor_open(&processor, n, &error) == FL_OK, "%s", error.text);
    fl_logits_process(&processor, steps, n_steps, logits, history, n_history);
    for (int i = 0; i < n; i++)
        cr_assert_eq(processor.counts[i], 0, "the counts must be clear for the next row");
    fl_logits_processor_close(&processor);
}

/* ---- a reference that sorts ---- */

static const float *sorted_by;

static int by_falling_logit(const void *a, const void *b)
{
    const int i = *(const int *)a, j = *(const int *)b;
    if (sorted_by[i] != sorted_by[j])
        return sorted_by[i] > sorted_by[j] ? -1 : 1;
    return i < j ? -1 : 1;
}

/* kept[i]: id i survives the step, alone. */
static void reference(const float *logits, int n, const struct fl_logits_step *step, bool *kept)
{
    int order[N_MAX];
    double p[N_MAX], sum = 0, reached = 0;
    for (int i = 0; i < n; i++)
        order[i] = i;
    sorted_by = logits;
    qsort(order, (size_t)n, sizeof *order, by_falling_logit);
    for (int i = 0; i < n; i++)
        sum += p[i] = exp((double)logits[i] - (double)logits[order[0]]);
    for (int rank = 0; rank < n; rank++) {
        const int i = order[rank];
        if (step->kind == FL_STEP_TOP_K)
            kept[i] = rank < step->n || logits[i] == logits[order[step->n - 1]];
        else if (step->kind == FL_STEP_TOP_P)
            kept[i] = rank == 0 || reached < step->value * sum;
        else
            kept[i] = p[i] >= step->value;
        kept[i] = kept[i] && logits[i] > -INFINITY;
        reached += p[i];
    }
}

/* Rows with many ties, removed ids and logits of any size. */
static void draw_logits(float *logits, int n, struct harness_random *random)
{
    const int levels = harness_pick(random, 1, 60);
    const float step = harness_pick(random, 0, 1) ? 0.25f : 0.031f;
    for (int i = 0; i < n; i++)
        logits[i] = harness_pick(random, 0, 19) == 0
                        ? -INFINITY
                        : (float)harness_pick(random, -levels, levels) * step;
    logits[harness_pick(random, 0, n - 1)] = 1; /* one is always left */
}

Test(logits_processor, selections_keep_what_a_sort_would)
{
    struct harness_random random = {11};
    for (int round = 0; round < 3000; round++) {
        float logits[N_MAX], got[N_MAX];
        bool kept[N_MAX];
        const int n = harness_pick(&random, 1, N_MAX);
        draw_logits(logits, n, &random);
        /* thresholds no sum of few equal weights meets exactly */
        struct fl_logits_step step = {(enum fl_step_kind)(FL_STEP_TOP_K + round % 3),
                                      (harness_pick(&random, 0, 1000) + 0.1234567) / 1001.0, 0,
                                      harness_pick(&random, 1, n)};
        memcpy(got, logits, sizeof got);
        process(got, n, &step, 1, NULL, 0);
        reference(logits, n, &step, kept);
        for (int i = 0; i < n; i++)
            cr_assert(kept[i] ? got[i] == logits[i] : got[i] == -INFINITY,
                      "round %d: %s: id %d of %d: %g became %g", round, fl_step_name(step.kind), i,
                      n, (double)logits[i], (double)got[i]);
    }
}

/* ---- the penalties, by hand ---- */

static void expect_row(const float *got, const float *expected, int n)
{
    for (int i = 0; i < n; i++)
        cr_expect(got[i] == expected[i], "id %d: %g, expected %g", i, (double)got[i],
                  (double)expected[i]);
}

Test(logits_processor, repetition_counts_once_and_keeps_its_direction)
{
    const int history[] = {0, 1, 2, 1, 0, 1};
    float logits[] = {2, -3, 0, 5};
    process(logits, 4, &(struct fl_logits_step){FL_STEP_REPETITION_PENALTY, 2, 0, 0}, 1, history,
            6);
    expect_row(logits, (float[]){1, -6, 0, 5}, 4);
}

Test(logits_processor, penalties_see_the_end_of_the_history)
{
    const int history[] = {3, 3, 3, 0, 1, 1};
    float repeated[] = {2, 4, 8, 16}, counted[] = {2, 4, 8, 16};
    process(repeated, 4, &(struct fl_logits_step){FL_STEP_REPETITION_PENALTY, 2, 0, 2}, 1, history,
            6);
    expect_row(repeated, (float[]){2, 2, 8, 16}, 4);
    process(counted, 4, &(struct fl_logits_step){FL_STEP_PRESENCE_FREQUENCY, 0.5, 0.25, 3}, 1,
            history, 6);
    expect_row(counted, (float[]){1.25f, 3, 8, 16}, 4);
    process(counted, 4, &(struct fl_logits_step){FL_STEP_PRESENCE_FREQUENCY, 0.5, 0.25, 100}, 1,
            history, 6);
    expect_row(counted, (float[]){0.5f, 2, 8, 14.75f}, 4);
}

static bool removed(float logit)
{
    return logit == -INFINITY;
}

Test(logits_processor, ngrams_end_where_the_history_does)
{
    const int history[] = {1, 2, 3, 1, 2, 0, 1, 2};
    for (int n = 1; n <= 10; n++) {
        float logits[] = {1, 1, 1, 1, 1};
        process(logits, 5, &(struct fl_logits_step){FL_STEP_NO_REPEAT_NGRAM, 0, 0, n}, 1, history,
                8);
        const bool one = n == 1, some = n <= 3, four = n == 4;
        /* 1-grams: all ids seen; 2 and 3: "1 2" went on by 3 and by 0; 4: "0 1 2" never did */
        cr_expect_eq(removed(logits[0]), one || some, "n %d", n);
        cr_expect_eq(removed(logits[3]), one || (some && n != 4), "n %d", n);
        cr_expect_eq(removed(logits[1]), one, "n %d", n);
        cr_expect(!four || (!removed(logits[0]) && !removed(logits[3])));
        cr_expect(!removed(logits[4]));
    }
    float alone[] = {1, 1};
    process(alone, 2, &(struct fl_logits_step){FL_STEP_NO_REPEAT_NGRAM, 0, 0, 1}, 1, NULL, 0);
    expect_row(alone, (float[]){1, 1}, 2);
}

/* ---- rows that are hard ---- */

static const struct fl_logits_step SELECTIONS[] = {
    {FL_STEP_TEMPERATURE, 0.7, 0, 0},
    {FL_STEP_TOP_K, 0, 0, 3},
    {FL_STEP_TOP_P, 0.5, 0, 0},
    {FL_STEP_MIN_P, 0.1, 0, 0},
};
enum { N_SELECTIONS = sizeof SELECTIONS / sizeof *SELECTIONS };

Test(logits_processor, what_is_no_number_is_removed)
{
    float logits[] = {NAN, 1, -INFINITY, 2, NAN, 1.5f};
    process(logits, 6, SELECTIONS, N_SELECTIONS, NULL, 0);
    for (int i = 0; i < 6; i++)
        cr_expect(i == 3 ? isfinite(logits[i]) : logits[i] == -INFINITY || i == 5, "id %d", i);
    float nothing[] = {NAN, -INFINITY, NAN};
    process(nothing, 3, SELECTIONS, N_SELECTIONS, NULL, 0);
    for (int i = 0; i < 3; i++)
        cr_expect(!(nothing[i] > -INFINITY));
    float infinite[] = {INFINITY, 1, INFINITY};
    process(infinite, 3, SELECTIONS, N_SELECTIONS, NULL, 0);
    cr_expect(infinite[0] == INFINITY && infinite[1] == -INFINITY);
}

Test(logits_processor, one_survives_every_threshold)
{
    const struct fl_logits_step steps[] = {
        {FL_STEP_TOP_P, 0, 0, 0}, {FL_STEP_MIN_P, 1, 0, 0}, {FL_STEP_TOP_K, 0, 0, 1}};
    for (int i = 0; i < 3; i++) {
        float logits[] = {0, 3, 3, 1};
        process(logits, 4, &steps[i], 1, NULL, 0);
        cr_expect_eq(logits[1], 3);
        cr_expect_eq(logits[2], steps[i].kind == FL_STEP_TOP_P ? -INFINITY : 3);
        cr_expect_eq(logits[3], -INFINITY);
    }
}

Test(logits_processor, a_temperature_near_zero_leaves_the_largest)
{
    static const double VALUES[] = {1e-3, 1e-30, 1e-300};
    for (int i = 0; i < 3; i++) {
        float logits[] = {-40, 7, 6.99f, 0};
        process(logits, 4, &(struct fl_logits_step){FL_STEP_TEMPERATURE, VALUES[i], 0, 0}, 1, NULL,
                0);
        cr_expect(isfinite(logits[1]) && logits[1] > logits[2] && !isnan(logits[0]), "T %g",
                  VALUES[i]);
    }
}

/* Equal, rising and falling rows of a large vocabulary: a selection that went quadratic on one of
 * them would take 10^10 steps here. */
Test(logits_processor, order_costs_nothing)
{
    enum { N = 200000 };
    float *logits = malloc(N * sizeof *logits);
    cr_assert_not_null(logits);
    for (int shape = 0; shape < 4; shape++) {
        for (int i = 0; i < N; i++)
            logits[i] = shape == 0   ? 1
                        : shape == 1 ? (float)i * 1e-4f
                        : shape == 2 ? (float)(N - i) * 1e-4f
                                     : (float)(i < N / 2 ? i : N - i) * 1e-4f;
        process(logits, N,
                (struct fl_logits_step[]){{FL_STEP_TOP_P, 0.9, 0, 0}, {FL_STEP_TOP_K, 0, 0, 50}}, 2,
                NULL, 0);
        int n = 0;
        for (int i = 0; i < N; i++)
            n += logits[i] > -INFINITY;
        if (shape == 0)
            cr_expect_eq(n, 180000, "ties survive: %d", n);
        else
            cr_expect(n >= 50 && n <= 60, "%d", n); /* floats near 20 are 2e-6 apart */
    }
    free(logits);
}

Test(logits_processor, names_are_found)
{
    for (int kind = 0; kind < FL_N_STEP_KINDS; kind++)
        cr_expect_eq(fl_step_find(fl_step_name((enum fl_step_kind)kind)), kind);
    cr_expect_eq(fl_step_find("beam"), FL_N_STEP_KINDS);
}

Test(logits_processor, the_largest_is_the_lowest_id_of_equals_and_no_missing_one)
{
    const float logits[] = {NAN, -1, 3, 3, -INFINITY}, none[] = {NAN, -INFINITY};
    const float endless[] = {0, INFINITY, INFINITY};
    cr_expect_eq(fl_logits_largest(logits, 5), 2);
    cr_expect_eq(fl_logits_largest(logits, 2), 1);
    cr_expect_eq(fl_logits_largest(endless, 3), 1);
    cr_expect_eq(fl_logits_largest(none, 2), -1);
}
