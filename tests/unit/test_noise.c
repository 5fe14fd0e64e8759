/* What noise.h finds in sweeps whose disturbances are known, and that it finds none in quiet ones:
 * points of a sweep with two passes of four and three samples, visited in interleaved order. */
#include "analyzers/noise.h"

#include "analyzers/statistics.h"
#include "tests/unit/store_sample.h"
#include "tests/unit/timing_noise.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 40, REPS = 7, FIRST = 4, SETS = 1000 };

/* What disturbs the machine, relative to the time. */
struct mood {
    double own;   /* independent noise of every sample */
    double visit; /* shared by a visit */
    double drift; /* over the whole sweep, 100 s */
    double first; /* of the first sample of a visit */
    double chain; /* correlation of neighbours */
};

static struct fl_noise_sample samples[POINTS][REPS];
static struct fl_noise_series series[POINTS];
static struct fl_conditions conditions[POINTS][REPS];

static void simulate(const struct mood *mood, int n_points, uint64_t *state)
{
    for (int p = 0; p < n_points; p++) {
        double shared = 0, before = 0;
        for (int i = 0; i < REPS; i++) {
            const bool starts = i == 0 || i == FIRST;
            if (starts) {
                shared = mood->visit * noise_normal(state);
                before = noise_normal(state);
            } else {
                before = mood->chain * before +
                         sqrt(1 - mood->chain * mood->chain) * noise_normal(state);
            }
            const double at_s = (i < FIRST ? 0 : 50) + 50.0 * (p + 0.1 * i) / n_points;
            samples[p][i] = (struct fl_noise_sample){
                .log_time = log(1e6) + 0.1 * p + shared + mood->own * before +
                            mood->drift * at_s / 100 + (starts ? mood->first : 0),
                .at_s = at_s,
                .visit = (i < FIRST ? 0 : n_points) + p,
            };
        }
        series[p] = (struct fl_noise_series){.samples = samples[p], .n = REPS};
    }
}

static struct fl_disturbance judge(int n_points)
{
    struct fl_disturbance disturbance;
    struct fl_error error;
    cr_assert_eq(fl_noise_judge(&disturbance, series, n_points, &error), FL_OK, "%s", error.text);
    return disturbance;
}

Test(noise, a_quiet_machine_raises_no_alarm)
{
    const struct mood quiet = {.own = 0.02};
    uint64_t state = 1;
    int n_inflated = 0, n_drift = 0, n_warm_up = 0;
    for (int set = 0; set < SETS; set++) {
        simulate(&quiet, POINTS, &state);
        struct fl_disturbance found = judge(POINTS);
        n_inflated += found.dependence.inflation > 1;
        n_drift += found.drift.found;
        n_warm_up += found.warm_up.found;
        cr_expect_lt(found.dependence.inflation, 1.6, "%g", found.dependence.inflation);
    }
    /* two tests at 5 %, one at 1 %, half of one at 1 % */
    cr_expect(n_inflated >= 10 && n_inflated <= 120, "%d", n_inflated);
    cr_expect_leq(n_drift, 20, "%d", n_drift);
    cr_expect_leq(n_warm_up, 20, "%d", n_warm_up);
}

/* Visits that differ as much as samples within one, v = 1 and r = 1/2. m = (16 + 9) / 7 = 25/7, e =
 * (7 - 25/7) / 6 = 4/7: a median's variance is (1 + 25/7) / (1 + 4/7) = 32/11 times what the
 * samples show. */
Test(noise, visits_that_differ_are_measured)
{
    const struct mood moody = {.own = 0.02, .visit = 0.02};
    uint64_t state = 2;
    double sum = 0, correlation = 0;
    for (int set = 0; set < 200; set++) {
        simulate(&moody, POINTS, &state);
        struct fl_disturbance found = judge(POINTS);
        cr_expect_eq(found.dependence.n_revisited, POINTS);
        cr_expect_float_eq(found.dependence.visit_size, 25.0 / 7, 1e-9);
        sum += found.dependence.inflation / 200;
        correlation += found.dependence.visit_correlation / 200;
    }
    cr_expect_float_eq(correlation, 0.5, 0.06, "%g", correlation);
    cr_expect_float_eq(sum, sqrt(32.0 / 11), 0.12, "%g", sum);
}

/* A kind of step that does not depend on its visits is not widened for another that does. */
Test(noise, kinds_of_steps_are_judged_apart)
{
    const struct mood moods[] = {{.own = 0.02, .visit = 0.04}, {.own = 0.02}};
    uint64_t state = 8;
    double sums[2] = {0};
    for (int set = 0; set < 100; set++) {
        struct fl_noise_series both[2 * POINTS];
        static struct fl_noise_sample kept[POINTS][REPS];
        struct fl_disturbance found;
        struct fl_error error;
        simulate(&moods[0], POINTS, &state);
        memcpy(kept, samples, sizeof kept);
        simulate(&moods[1], POINTS, &state);
        for (int p = 0; p < POINTS; p++) {
            both[2 * p] = (struct fl_noise_series){kept[p], REPS, .kind = 7};
            both[2 * p + 1] = (struct fl_noise_series){samples[p], REPS, .kind = 3};
        }
        cr_assert_eq(fl_noise_judge(&found, both, 2 * POINTS, &error), FL_OK, "%s", error.text);
        for (int p = 2; p < 2 * POINTS; p++)
            cr_assert_eq(both[p].inflation, both[p % 2].inflation);
        cr_expect_eq(found.dependence.inflation, fmax(both[0].inflation, both[1].inflation));
        for (int k = 0; k < 2; k++)
            sums[k] += both[k].inflation / 100;
    }
    /* v = 4: (1 + 25/7 * 4) / (1 + 4/7 * 4) = 107/23, see above */
    cr_expect_float_eq(sums[0], sqrt(107.0 / 23), 0.15, "%g", sums[0]);
    cr_expect_leq(sums[1], 1.1, "%g", sums[1]);
}

/* The reason for all of it: how often the interval of a median covers the truth. */
static int covering(const struct mood *mood, bool widen)
{
    uint64_t state = 3;
    int n_covered = 0, n = 0;
    for (int set = 0; set < SETS / POINTS; set++) {
        simulate(mood, POINTS, &state);
        const double inflation = judge(POINTS).dependence.inflation;
        for (int p = 0; p < POINTS; p++) {
            double times[REPS];
            for (int i = 0; i < REPS; i++)
                times[i] = exp(samples[p][i].log_time);
            struct fl_estimate estimate = fl_median_interval(times, REPS, 0.95);
            if (widen)
                fl_estimate_widen(&estimate, inflation);
            const double truth = 1e6 * exp(0.1 * p);
            n_covered += estimate.low <= truth && truth <= estimate.high;
            n++;
        }
    }
    return 1000 * n_covered / n;
}

/* Two visits that lie far apart say too little of where a third would lie: widening brings most of
 * what is missing to 95 %, not all. */
Test(noise, widened_intervals_cover_where_plain_ones_do_not)
{
    const struct {
        struct mood mood;
        int plain_most, widened_least;
    } cases[] = {{{.own = 0.02, .visit = 0.02}, 860, 925},
                 {{.own = 0.01, .visit = 0.02}, 760, 875},
                 {{.own = 0.02, .chain = 0.6}, 860, 915}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int plain = covering(&cases[k].mood, false), widened = covering(&cases[k].mood, true);
        cr_expect_leq(plain, cases[k].plain_most, "case %zu: %d", k, plain);
        cr_expect_geq(widened, cases[k].widened_least, "case %zu: %d", k, widened);
    }
    const struct mood quiet = {.own = 0.02};
    int widened = covering(&quiet, true);
    cr_expect(widened >= 930 && widened <= 970, "quiet: %d", widened);
}

/* Two runs, in which every point lies elsewhere: visits within one agree. */
Test(noise, runs_that_differ_are_measured)
{
    const struct mood quiet = {.own = 0.01};
    uint64_t state = 14;
    simulate(&quiet, POINTS, &state);
    struct fl_disturbance found = judge(POINTS);
    cr_expect_eq(found.n_starts, 2, "visits");
    for (int p = 0; p < POINTS; p++) {
        const double shift = 0.02 * noise_normal(&state);
        for (int i = FIRST; i < REPS; i++) {
            samples[p][i].log_time += shift;
            samples[p][i].run = 1;
            samples[p][i].visit = 1000 * i; /* every sample its own: visits say nothing */
        }
        for (int i = 0; i < FIRST; i++)
            samples[p][i].visit = i;
    }
    found = judge(POINTS);
    cr_expect_eq(found.n_starts, REPS);
    cr_expect(found.dependence.inflation > 1.5, "%g", found.dependence.inflation);
    cr_expect(found.dependence.run_correlation > 0.4, "%g", found.dependence.run_correlation);
}

Test(noise, drift_is_found_and_measured)
{
    const struct mood drifting = {.own = 0.02, .drift = 0.05};
    uint64_t state = 4;
    int n_found = 0;
    double change = 0;
    for (int set = 0; set < 200; set++) {
        simulate(&drifting, POINTS, &state);
        struct fl_disturbance found = judge(POINTS);
        n_found += found.drift.found && found.drift.change > 0;
        change += found.drift.change / 200;
        cr_expect_eq(found.drift.n_pairs, POINTS);
    }
    cr_expect_geq(n_found, 195, "%d", n_found);
    cr_expect_float_eq(change, 0.05, 0.006, "%g", change);
}

Test(noise, cold_first_samples_are_found)
{
    const struct mood cold = {.own = 0.02, .first = 0.05};
    uint64_t state = 5;
    simulate(&cold, POINTS, &state);
    struct fl_disturbance found = judge(POINTS);
    cr_expect(found.warm_up.found);
    cr_expect_eq(found.warm_up.n_visits, 2 * POINTS);
    cr_expect_float_eq(found.warm_up.change, 0.05, 0.015, "%g", found.warm_up.change);
}

static void set_conditions(double step, double other_cores, uint64_t *state)
{
    for (int p = 0; p < POINTS; p++)
        for (int i = 0; i < REPS; i++) {
            struct fl_noise_sample *sample = &samples[p][i];
            const double loop =
                7000 * (1 + 0.002 * noise_normal(state)) * (sample->at_s > 70 ? 1 + step : 1);
            conditions[p][i] = (struct fl_conditions){
                .known = true,
                .window_ns = 10000000,
                .n_interrupted = i == 2,
                .other_ns = (int64_t)(1e7 * (other_cores + (i % 2 ? 0.05 : -0.05))),
                .stolen_ns = 20000,
                .loop_ns = (uint64_t)loop,
                .load_milli = 1500,
            };
            sample->conditions = &conditions[p][i];
        }
}

Test(noise, a_clock_that_fell_is_found)
{
    const struct mood quiet = {.own = 0.02};
    uint64_t state = 6;
    simulate(&quiet, POINTS, &state);
    set_conditions(0, 0, &state);
    struct fl_disturbance found = judge(POINTS);
    cr_expect_eq(found.clock.n, 2 * POINTS);
    cr_expect_not(found.clock.found, "p %g, %g", found.clock.p, found.clock.change);
    cr_expect_not(found.busy.found);
    set_conditions(0.08, 0, &state);
    found = judge(POINTS);
    cr_expect(found.clock.found);
    cr_expect_float_eq(found.clock.change, 0.08, 0.003, "%g", found.clock.change);
    cr_expect_float_eq(found.clock.at_s, 70, 2.6, "%g", found.clock.at_s);
    cr_expect(found.clock.slow_share > 0.2 && found.clock.slow_share < 0.4);
}

Test(noise, others_at_work_are_added_up)
{
    const struct mood quiet = {.own = 0.02};
    uint64_t state = 7;
    simulate(&quiet, POINTS, &state);
    struct fl_disturbance found = judge(POINTS);
    cr_expect(found.busy.n == 0 && found.clock.n == 0, "nothing was recorded");
    set_conditions(0, 0.5, &state);
    found = judge(POINTS);
    cr_expect_eq(found.busy.n, POINTS * REPS);
    /* 3 of 7 samples add 0.05, 4 take it off */
    cr_expect_float_eq(found.busy.other_cores, 0.5 - 0.05 / 7, 1e-9);
    cr_expect_float_eq(found.busy.interrupted_share, 1.0 / 7, 1e-12);
    cr_expect_float_eq(found.busy.stolen_share, 0.002, 1e-12);
    cr_expect_float_eq(found.busy.load_high, 1.5, 1e-12);
    cr_expect(found.busy.found);
}

Test(noise, nothing_can_be_said_of_nothing)
{
    struct fl_disturbance found = judge(0);
    cr_expect(found.dependence.inflation == 1 && !found.drift.found && !found.warm_up.found &&
              !found.clock.found && !found.busy.found);
    const struct mood quiet = {.own = 0.02};
    uint64_t state = 8;
    simulate(&quiet, 1, &state);
    series[0].n = 1;
    found = judge(1);
    cr_expect_eq(found.dependence.inflation, 1);
}

/* Two runs; in the first, point 1 is visited twice around point 2. */
Test(noise, visits_follow_the_order_of_time)
{
    struct fl_run runs[] = {{.id = 3}, {.id = 5}};
    struct fl_sample stored[] = {
        {.id = 1, .point_id = 1, .run_id = 3, .rep = 0, .time_ns = 10, .started_ns = 100},
        {.id = 2, .point_id = 1, .run_id = 3, .rep = 1, .time_ns = 10, .started_ns = 200},
        {.id = 5, .point_id = 1, .run_id = 3, .rep = 2, .time_ns = 10, .started_ns = 900},
        {.id = 9, .point_id = 1, .run_id = 5, .rep = 3, .time_ns = 0, .started_ns = 50},
        {.id = 3, .point_id = 2, .run_id = 3, .rep = 0, .time_ns = 20, .started_ns = 300},
    };
    struct fl_result points[] = {{.point.id = 1, .samples = stored, .n_samples = 4},
                                 {.point.id = 2, .samples = stored + 4, .n_samples = 1}};
    struct fl_results results = {.runs = runs,
                                 .n_runs = 2,
                                 .points = points,
                                 .n_points = 2,
                                 .samples = stored,
                                 .n_samples = 5};
    struct fl_error error;
    int *visits;
    cr_assert_eq(fl_noise_visits(&visits, &results, &error), FL_OK);
    const int expected[] = {0, 0, 2, 3, 1};
    cr_expect_arr_eq(visits, expected, sizeof expected);
    const struct fl_result *chosen[] = {&points[0], &points[1]};
    struct fl_noise_series *made;
    cr_assert_eq(fl_noise_series_make(&made, &results, visits, chosen, 2, 0, &error), FL_OK);
    cr_expect(made[0].n == 4 && made[1].n == 1);
    cr_expect_eq(made[0].samples[3].run, 1);
    cr_expect_eq(made[0].samples[3].log_time, 0, "a clock that did not move is no logarithm of 0");
    fl_noise_series_free(made, 2);
    cr_assert_eq(fl_noise_series_make(&made, &results, visits, chosen, 2, 5, &error), FL_OK);
    cr_expect(made[0].n == 1 && made[1].n == 0);
    fl_noise_series_free(made, 2);
    free(visits);
}
