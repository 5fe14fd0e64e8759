#include "bench/sweep_count.h"

#include "bench/hostinfo.h"
#include "model/presets.h"

#include <cblas.h>
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fl_error error;
static struct fl_model model;
static struct fl_sweep_plan plan;
static char path[64];

/* Two contexts of prefill and of a cached decode step. */
static void setup(void)
{
    int64_t contexts[] = {4, 8}, one[] = {1};
    int phases[] = {FL_PHASE_PREFILL, FL_PHASE_DECODE}, caches[] = {1},
        attentions[] = {FL_ATTENTION_CAUSAL};
    const struct fl_sweep_axes axes = {.contexts = contexts,
                                       .n_contexts = 2,
                                       .batches = one,
                                       .n_batches = 1,
                                       .threads = one,
                                       .n_threads = 1,
                                       .phases = phases,
                                       .n_phases = 2,
                                       .caches = caches,
                                       .n_caches = 1,
                                       .attentions = attentions,
                                       .n_attentions = 1,
                                       .logits = FL_LOGITS_LAST};
    const struct fl_config *config = &fl_preset_find("llama-nano")->config;
    cr_assert_eq(fl_model_random(&model, config, 1, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_sweep_plan_make(&plan, &axes, config, &error), FL_OK, "%s", error.text);
    strcpy(path, "/tmp/fl-count-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
}

static void teardown(void)
{
    unlink(path);
    fl_sweep_plan_free(&plan);
    fl_model_close(&model);
}

TestSuite(sweep_count, .init = setup, .fini = teardown);
enum { N_POINTS = 4 };

/* A counter of two passes that claims seven FLOPs a stretch of work in the first of them, and one
 * cycle in the second. */
static void start_pass(struct fl_counter *counter, int pass)
{
    *(int *)counter->state = pass;
}

static void enter(struct fl_counter *counter, const char *name)
{
    (void)counter;
    (void)name;
}

static void leave(struct fl_counter *counter, struct fl_reading *sum)
{
    if (*(int *)counter->state == 0)
        sum->values[FL_COUNT_FLOPS] += 7;
    else
        sum->values[FL_COUNT_CYCLES] += 1;
}

static int pass_of_seven;

static int n_open;

static void close_seven(struct fl_counter *counter)
{
    (void)counter;
    n_open--;
}

static int open_seven(struct fl_counter *counter, struct fl_error *ignored)
{
    (void)ignored;
    *counter = (struct fl_counter){.name = "papi",
                                   .version = "1",
                                   .available = FL_COUNT_BIT(FLOPS) | FL_COUNT_BIT(CYCLES),
                                   .n_passes = 2,
                                   .start_pass = start_pass,
                                   .enter = enter,
                                   .leave = leave,
                                   .close = close_seven,
                                   .state = &pass_of_seven};
    n_open++;
    return FL_OK;
}

static int open_nothing(struct fl_counter *counter, struct fl_error *why)
{
    (void)counter;
    return fl_fail(why, "lost to another user");
}

static struct fl_sweep_counter seven_flops(void)
{
    struct fl_sweep_counter counter = {
        .kind = FL_SWEEP_COUNT_PAPI, .seed = 1, .open = open_seven, .n_passes = 2};
    snprintf(counter.blas_core, sizeof counter.blas_core, "%s", openblas_get_corename());
    return counter;
}

static struct fl_sweep_tally sweep_in_passes(struct fl_sweep_counter *counter, int n_reps,
                                             int n_passes)
{
    struct fl_sweep_state state = {0};
    struct fl_store *store;
    struct fl_run run;
    static struct fl_model_record record;
    const struct fl_sweep_options options = {
        .n_reps = n_reps, .n_passes = n_passes, .seed = 1, .quiet = true, .counter = counter};
    record = (struct fl_model_record){.format = "random", .config = model.config};
    strcpy(record.name, "llama-nano");
    fl_hostinfo_fill(&run);
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
    for (int pass = 0; pass < n_passes; pass++) {
        cr_assert_not(state.done);
        cr_assert_eq(fl_sweep_pass(&state, &plan, &model, &record, store, &run, &options, &error),
                     FL_OK, "%s", error.text);
    }
    cr_assert(state.done);
    fl_store_close(store);
    return state.tally;
}

static struct fl_sweep_tally sweep(struct fl_sweep_counter *counter, int n_reps)
{
    return sweep_in_passes(counter, n_reps, 1);
}

static void load(struct fl_results *results)
{
    cr_assert_eq(fl_results_read(results, path, &error), FL_OK, "%s", error.text);
}

Test(sweep_count, every_point_is_counted_once)
{
    struct fl_sweep_counter counter = seven_flops();
    struct fl_sweep_tally tally = sweep(&counter, 2);
    cr_expect_eq(tally.n_counted, N_POINTS);
    cr_expect_eq(tally.n_samples, 2 * N_POINTS);
    cr_expect_eq(n_open, 0, "closed again");
    struct fl_results results;
    load(&results);
    cr_assert_eq(results.n_points, N_POINTS);
    for (int i = 0; i < N_POINTS; i++) {
        const struct fl_result *result = &results.points[i];
        cr_assert_eq(result->n_observed, 1);
        const struct fl_observed *observed = result->observed;
        int n_layers = model.config.n_layers;
        cr_expect_str_eq(observed->counter, "papi");
        cr_expect_str_eq(observed->blas_core, openblas_get_corename());
        cr_expect_eq(observed->available, (FL_COUNT_BIT(FLOPS) | FL_COUNT_BIT(CYCLES)));
        cr_expect_eq(observed->ops[FL_OP_QKV].reading.values[FL_COUNT_FLOPS], 7 * n_layers);
        cr_expect_eq(observed->ops[FL_OP_LOGITS].reading.values[FL_COUNT_CYCLES], 1);
        cr_expect_eq(observed->whole.values[FL_COUNT_FLOPS], 7, "the pass is a stretch too");
    }
    fl_results_free(&results);
}

/* Killed behind the samples of a point: the observation alone is missing. */
Test(sweep_count, what_is_missing_is_added_and_nothing_else)
{
    struct fl_sweep_counter counter = seven_flops();
    struct fl_sweep_tally tally = sweep(NULL, 2);
    cr_expect_eq(tally.n_samples, 2 * N_POINTS);
    tally = sweep(&counter, 2);
    cr_expect_eq(tally.n_counted, N_POINTS);
    cr_expect_eq(tally.n_samples, 0, "no time is taken again");

    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(
        sqlite3_exec(db,
                     "DELETE FROM observation_counts WHERE observation_id = 3; DELETE FROM "
                     "observation_excess WHERE observation_id = 3; "
                     "DELETE FROM observations WHERE id = 3",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    tally = sweep(&counter, 2);
    cr_expect_eq(tally.n_counted, 1);
    cr_expect_eq(tally.n_stored, N_POINTS - 1);
    tally = sweep(&counter, 2);
    cr_expect_eq(tally.n_counted, 0);
    cr_expect_eq(tally.n_stored, N_POINTS);

    struct fl_results results;
    load(&results);
    cr_expect_eq(results.n_runs, 3, "a run that adds nothing is none");
    cr_expect_eq(results.n_observed, N_POINTS);
    fl_results_free(&results);
}

/* A point that the engine will not open is left out once, not once a pass: one that was never
 * measured, and one that has samples of an earlier sweep. */
Test(sweep_count, what_is_refused_is_refused_once)
{
    for (int n_before = 0; n_before <= 3; n_before += 3) {
        if (n_before > 0)
            sweep(NULL, n_before);
        plan.items[0].kv_dtype = FL_Q8_0;
        const struct fl_sweep_tally tally = sweep_in_passes(NULL, 12, 4);
        plan.items[0].kv_dtype = FL_F32;
        cr_expect_eq(tally.n_refused, 1, "behind %d samples: %d", n_before, tally.n_refused);
        cr_expect_eq(tally.n_samples, (N_POINTS - 1) * (12 - n_before));
        unlink(path);
    }
}

/* Asked for kernels that OpenBLAS does not have. */
Test(sweep_count, kernels_of_another_name_are_not_counted_again)
{
    struct fl_sweep_counter counter = seven_flops();
    for (int i = 0; i < 2; i++) {
        strcpy(counter.blas_core, "Nonesuch");
        struct fl_sweep_tally tally = sweep(&counter, 1);
        cr_expect_eq(tally.n_counted, i == 0 ? N_POINTS : 0);
        cr_expect_str_eq(counter.blas_core, openblas_get_corename());
    }
}

/* What fails at its work costs no times and is tried again. */
Test(sweep_count, a_point_that_cannot_be_counted_keeps_its_times)
{
    struct fl_sweep_counter counter = seven_flops();
    counter.open = open_nothing;
    struct fl_sweep_tally tally = sweep(&counter, 2);
    cr_expect_eq(tally.n_samples, 2 * N_POINTS);
    cr_expect_eq(tally.n_counted, 0);
    cr_expect_eq(tally.n_uncounted, N_POINTS);
    counter.open = open_seven;
    tally = sweep(&counter, 2);
    cr_expect_eq(tally.n_counted, N_POINTS);
    cr_expect_eq(tally.n_uncounted, 0);
}

Test(sweep_count, a_counter_that_is_not_there_says_why)
{
    static const enum fl_sweep_counter_kind KINDS[] = {FL_SWEEP_COUNT_FLOPGRIND,
                                                       FL_SWEEP_COUNT_PAPI};
    for (int i = 0; i < 2; i++) {
        struct fl_sweep_counter counter = {.kind = KINDS[i]};
        char sentence[64];
        snprintf(sentence, sizeof sentence,
                 "--counter %s: unavailable: ", fl_sweep_counter_names[KINDS[i]]);
        if (fl_sweep_counter_find(&counter, &error) == FL_OK) {
            cr_expect_neq(counter.version[0], '\0');
            cr_expect_neq(counter.blas_core[0], '\0');
        } else {
            cr_expect_eq(strncmp(error.text, sentence, strlen(sentence)), 0, "%s", error.text);
        }
    }
}
