/* The sampler against analytic distributions. Every draw is seeded, so a test that passes always
 * passes; the critical values say how unlikely a failure of a correct sampler was to begin with. */
#include "engine/sampler.h"

#include "engine_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VOCAB = 64, N_DRAWS = 60000 };

static void open_sampler(struct fl_sampler *sampler, const struct fl_sampling *settings,
                         int vocab_size)
{
    struct fl_error error;
    cr_assert(fl_sampler_open(sampler, settings, vocab_size, &error) == FL_OK, "%s", error.text);
}

static struct fl_sampling at(double temperature, uint64_t seed)
{
    struct fl_sampling settings = fl_sampling_default;
    settings.temperature = temperature;
    settings.seed = seed;
    return settings;
}

Test(sampler, greedy_takes_the_first_of_equals)
{
    const float logits[] = {-1, 3, 2, 3};
    struct fl_sampler sampler;
    open_sampler(&sampler, &fl_sampling_default, 4);
    cr_expect_eq(fl_sampler_pick(&sampler, logits, NULL, 0), 1);
    cr_expect_eq(sampler.state, 0, "greedy draws no random number");
    double p[4];
    fl_sampler_distribution(&sampler, p, logits, NULL, 0);
    cr_expect(p[0] == 0 && p[1] == 1 && p[2] == 0 && p[3] == 0);
    fl_sampler_close(&sampler);
}

Test(sampler, a_seed_repeats)
{
    float logits[50];
    for (int i = 0; i < 50; i++)
        logits[i] = sinf((float)i);
    struct fl_sampler sampler[3];
    for (int i = 0; i < 3; i++)
        open_sampler(
            &sampler[i],
            &(struct fl_sampling){
                .temperature = 1, .top_p = 0.95, .repetition_penalty = 1, .seed = i == 2 ? 43 : 42},
            50);
    int n_different = 0;
    for (int i = 0; i < 100; i++) {
        int id = fl_sampler_pick(&sampler[0], logits, NULL, 0);
        cr_expect_eq(id, fl_sampler_pick(&sampler[1], logits, NULL, 0));
        n_different += id != fl_sampler_pick(&sampler[2], logits, NULL, 0);
    }
    cr_expect_gt(n_different, 10);
    for (int i = 0; i < 3; i++)
        fl_sampler_close(&sampler[i]);
}

/* ---- chi-square ---- */

/* The value that chi-square with this many degrees of freedom exceeds once in 10,000: Wilson and
 * Hilferty (1931), z = 3.719; within 1 % from 1 degree upwards (15.1 where 15.14 is exact). */
static double critical(int freedom)
{
    const double v = 2.0 / (9.0 * freedom);
    return freedom * pow(1 - v + 3.719 * sqrt(v), 3);
}

/* Pearson's statistic of counts against n * p. Ids expected less than 5 times share one class.
 * An id with p = 0 that was drawn is infinitely wrong. */
static double chi_square(const int *counts, const double *p, int n, int *freedom)
{
    double statistic = 0, rare_expected = 0, rare_count = 0;
    *freedom = -1;
    for (int i = 0; i < VOCAB; i++) {
        const double expected = n * p[i];
        if (p[i] == 0 && counts[i] > 0)
            return INFINITY;
        if (expected < 5) {
            rare_expected += expected;
            rare_count += counts[i];
            continue;
        }
        statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
        ++*freedom;
    }
    if (rare_expected > 0) {
        statistic += (rare_count - rare_expected) * (rare_count - rare_expected) / rare_expected;
        ++*freedom;
    }
    return statistic;
}

/* ---- the distributions, written down from their definitions ---- */

/* No two are equal, and no sum of probabilities meets a threshold below. */
static void fill_logits(float logits[VOCAB])
{
    for (int i = 0; i < VOCAB; i++)
        logits[i] = 3.5f * sinf(1.7f * (float)i) + 0.011f * (float)i;
}

/* What came before: some ids once, some often; its end, 3 7, came before with 11 and with 41 behind
 * it. */
static const int HISTORY[] = {1, 3, 7, 11, 20, 20, 20, 33, 3, 7, 41, 7, 50, 1, 3, 7};
enum { N_HISTORY = sizeof HISTORY / sizeof *HISTORY };

/* Penalties and n-grams by their definitions, from the counts of the history. */
static void penalise(const float *logits, const struct fl_sampling *s, double out[VOCAB])
{
    int counts[VOCAB] = {0};
    for (int i = s->repeat_last_n > 0 ? N_HISTORY - s->repeat_last_n : 0; i < N_HISTORY; i++)
        counts[HISTORY[i]]++;
    for (int id = 0; id < VOCAB; id++) {
        double l = (double)logits[id];
        if (counts[id] > 0)
            l = l > 0 ? l / s->repetition_penalty : l * s->repetition_penalty;
        out[id] =
            l - (counts[id] > 0 ? s->presence_penalty : 0) - counts[id] * s->frequency_penalty;
    }
    const int n = s->no_repeat_ngram;
    for (int at = 0; n > 0 && at + n <= N_HISTORY; at++)
        if (memcmp(HISTORY + at, HISTORY + N_HISTORY - n + 1, (size_t)(n - 1) * sizeof(int)) == 0)
            out[HISTORY[at + n - 1]] = -INFINITY;
}

static int rank_of(const double *logits, int id)
{
    int rank = 0;
    for (int i = 0; i < VOCAB; i++)
        rank += logits[i] > logits[id] || (logits[i] == logits[id] && i < id);
    return rank;
}

static void normalise(double p[VOCAB])
{
    double sum = 0;
    for (int i = 0; i < VOCAB; i++)
        sum += p[i];
    for (int i = 0; i < VOCAB; i++)
        p[i] /= sum;
}

static void analytic(const float *given, const struct fl_sampling *s, double p[VOCAB])
{
    int by_rank[VOCAB];
    double logits[VOCAB];
    penalise(given, s, logits);
    for (int i = 0; i < VOCAB; i++) {
        by_rank[rank_of(logits, i)] = i;
        p[i] = exp(logits[i] / s->temperature);
    }
    for (int rank = 0; rank < VOCAB; rank++)
        if (s->top_k > 0 && rank >= s->top_k)
            p[by_rank[rank]] = 0;
    normalise(p);
    double reached = 0;
    for (int rank = 0; rank < VOCAB; rank++) {
        const double own = p[by_rank[rank]];
        if (rank > 0 && reached >= s->top_p)
            p[by_rank[rank]] = 0;
        reached += own;
    }
    normalise(p);
    for (int rank = VOCAB - 1; rank >= 0; rank--)
        if (p[by_rank[rank]] < s->min_p * p[by_rank[0]])
            p[by_rank[rank]] = 0;
    normalise(p);
}

static void draw(const struct fl_sampling *settings, const float *logits, int n, int counts[VOCAB])
{
    struct fl_sampler sampler;
    open_sampler(&sampler, settings, VOCAB);
    memset(counts, 0, VOCAB * sizeof *counts);
    for (int i = 0; i < n; i++) {
        const int id = fl_sampler_pick(&sampler, logits, HISTORY, N_HISTORY);
        cr_assert(id >= 0 && id < VOCAB);
        counts[id]++;
    }
    fl_sampler_close(&sampler);
}

static const struct {
    const char *name;
    double temperature;
    int top_k;
    double top_p, min_p;
    double repetition, presence, frequency; /* repetition 0: off */
    int ngram, last_n;
} CASES[] = {
    {"temperature 0.5", 0.5, 0, 1, 0, 0, 0, 0, 0, 0},
    {"temperature 1", 1, 0, 1, 0, 0, 0, 0, 0, 0},
    {"temperature 2", 2, 0, 1, 0, 0, 0, 0, 0, 0},
    {"top-k 2", 1, 2, 1, 0, 0, 0, 0, 0, 0},
    {"top-k 10", 1, 10, 1, 0, 0, 0, 0, 0, 0},
    {"top-p 0.3", 1, 0, 0.3, 0, 0, 0, 0, 0, 0},
    {"top-p 0.9", 1, 0, 0.9, 0, 0, 0, 0, 0, 0},
    {"min-p 0.05", 1, 0, 1, 0.05, 0, 0, 0, 0, 0},
    {"min-p 0.5", 1, 0, 1, 0.5, 0, 0, 0, 0, 0},
    {"temperature 1.5, top-k 20, top-p 0.8", 1.5, 20, 0.8, 0, 0, 0, 0, 0, 0},
    {"top-k 12, top-p 0.7", 1, 12, 0.7, 0, 0, 0, 0, 0, 0},
    {"top-k 25, min-p 0.1", 1, 25, 1, 0.1, 0, 0, 0, 0, 0},
    {"top-p 0.9, min-p 0.1", 1, 0, 0.9, 0.1, 0, 0, 0, 0, 0},
    {"all of sampling", 0.8, 30, 0.95, 0.02, 0, 0, 0, 0, 0},
    {"repetition 1.5", 1, 0, 1, 0, 1.5, 0, 0, 0, 0},
    {"repetition 0.5 favours", 1, 0, 1, 0, 0.5, 0, 0, 0, 0},
    {"repetition 2 of the last 4", 1, 0, 1, 0, 2, 0, 0, 0, 4},
    {"presence 1.2", 1, 0, 1, 0, 0, 1.2, 0, 0, 0},
    {"frequency 0.7", 1, 0, 1, 0, 0, 0, 0.7, 0, 0},
    {"presence -0.5, frequency 0.4", 1, 0, 1, 0, 0, -0.5, 0.4, 0, 0},
    {"no 3-gram twice", 1, 0, 1, 0, 0, 0, 0, 3, 0},
    {"no id twice", 1.3, 0, 1, 0, 0, 0, 0, 1, 0},
    {"repetition 1.3, top-k 8", 0.7, 8, 1, 0, 1.3, 0, 0, 0, 0},
    {"repetition 1.2, no 2-gram twice, top-p 0.8", 1, 0, 0.8, 0, 1.2, 0, 0, 2, 0},
    {"presence and frequency, min-p 0.05", 1.2, 0, 1, 0.05, 0, 0.3, 0.2, 0, 10},
    {"everything", 0.9, 40, 0.92, 0.02, 1.15, 0.2, 0.1, 3, 12},
};
enum { N_CASES = sizeof CASES / sizeof *CASES };

static struct fl_sampling settings_of(size_t i)
{
    struct fl_sampling settings = at(CASES[i].temperature, 1000 + i);
    settings.top_k = CASES[i].top_k;
    settings.top_p = CASES[i].top_p;
    settings.min_p = CASES[i].min_p;
    settings.repetition_penalty = CASES[i].repetition > 0 ? CASES[i].repetition : 1;
    settings.presence_penalty = CASES[i].presence;
    settings.frequency_penalty = CASES[i].frequency;
    settings.no_repeat_ngram = CASES[i].ngram;
    settings.repeat_last_n = CASES[i].last_n;
    return settings;
}

Test(sampler, draws_follow_the_distribution)
{
    float logits[VOCAB];
    fill_logits(logits);
    for (size_t i = 0; i < N_CASES; i++) {
        const struct fl_sampling settings = settings_of(i);
        int counts[VOCAB], freedom;
        double p[VOCAB];
        draw(&settings, logits, N_DRAWS, counts);
        analytic(logits, &settings, p);
        const double statistic = chi_square(counts, p, N_DRAWS, &freedom);
        cr_expect_geq(freedom, 1, "%s: says nothing", CASES[i].name);
        cr_expect_lt(statistic, critical(freedom), "%s: %.1f of %d degrees", CASES[i].name,
                     statistic, freedom);
    }
}

/* Half the sum of differences: the probability mass that is in the wrong place. */
static double misplaced(const double *p, const double *q)
{
    double sum = 0;
    for (int i = 0; i < VOCAB; i++)
        sum += fabs(p[i] - q[i]);
    return sum / 2;
}

/* The test has power: draws of each case are held against distributions that are a little wrong,
 * as a slip in the sampler would make them. Whatever puts 2 % of the mass in the wrong place must
 * be caught, and every case must have such a mistake. */
Test(sampler, wrong_distributions_are_caught)
{
    float logits[VOCAB];
    fill_logits(logits);
    for (size_t i = 0; i < N_CASES; i++) {
        const struct fl_sampling settings = settings_of(i);
        enum { N_WRONG = 10 };
        struct fl_sampling wrong[N_WRONG];
        for (int k = 0; k < N_WRONG; k++)
            wrong[k] = settings;
        wrong[0].temperature *= 1.25;
        wrong[1].top_k = settings.top_k ? settings.top_k - 1 : 0;
        wrong[2].top_p = settings.top_p < 1 ? settings.top_p * 0.85 : 1;
        wrong[3].min_p = settings.min_p * 1.5;
        wrong[4].repetition_penalty = 1;
        wrong[5].repetition_penalty = 1 / settings.repetition_penalty; /* the wrong way round */
        wrong[6].presence_penalty = 0;
        wrong[7].frequency_penalty = 0;
        wrong[8].no_repeat_ngram = 0;
        wrong[9].repeat_last_n = 0;
        int counts[VOCAB], freedom, n_caught = 0;
        double right[VOCAB], p[VOCAB];
        draw(&settings, logits, N_DRAWS, counts);
        analytic(logits, &settings, right);
        for (int k = 0; k < N_WRONG; k++) {
            analytic(logits, &wrong[k], p);
            if (misplaced(right, p) < 0.02)
                continue;
            n_caught++;
            const double statistic = chi_square(counts, p, N_DRAWS, &freedom);
            cr_expect_gt(statistic, critical(freedom > 0 ? freedom : 1),
                         "%s, mistake %d: %.1f of %d degrees passes", CASES[i].name, k, statistic,
                         freedom);
        }
        cr_expect_geq(n_caught, 1, "%s: no mistake matters", CASES[i].name);
    }
}

/* Draws of any weights, whatever their sum: what speculative decoding asks for. */
Test(sampler, weights_need_no_sum)
{
    struct fl_sampler sampler;
    const struct fl_sampling settings = at(1, 5);
    open_sampler(&sampler, &settings, VOCAB);
    double weights[VOCAB] = {0}, p[VOCAB] = {0};
    int counts[VOCAB] = {0}, freedom;
    for (int i = 3; i < VOCAB; i += 7)
        p[i] = weights[i] = 1e-6 * i;
    normalise(p);
    for (int i = 0; i < N_DRAWS; i++)
        counts[fl_sampler_draw(&sampler, weights, VOCAB)]++;
    const double statistic = chi_square(counts, p, N_DRAWS, &freedom);
    cr_expect_lt(statistic, critical(freedom), "%.1f of %d degrees", statistic, freedom);
    memset(weights, 0, sizeof weights);
    cr_expect_eq(fl_sampler_draw(&sampler, weights, VOCAB), -1);
    fl_sampler_close(&sampler);
}

/* What is drawn from is what is shown. */
Test(sampler, distribution_is_the_analytic_one)
{
    float logits[VOCAB];
    double p[VOCAB], expected[VOCAB];
    fill_logits(logits);
    for (size_t i = 0; i < N_CASES; i++) {
        const struct fl_sampling settings = settings_of(i);
        struct fl_sampler sampler;
        open_sampler(&sampler, &settings, VOCAB);
        fl_sampler_distribution(&sampler, p, logits, HISTORY, N_HISTORY);
        analytic(logits, &settings, expected);
        for (int id = 0; id < VOCAB; id++) /* the quotient by T is a float of up to 5: 2.4e-7 */
            cr_expect(fabs(p[id] - expected[id]) <= 1e-6 * expected[id], "%s: id %d", CASES[i].name,
                      id);
        cr_expect_eq(sampler.state, settings.seed, "no random number is drawn");
        fl_sampler_close(&sampler);
    }
}

/* ---- limits ---- */

Test(sampler, top_k_1_and_cold_temperatures_are_greedy)
{
    struct harness_random random = {3};
    for (int round = 0; round < 500; round++) {
        float logits[VOCAB];
        for (int i = 0; i < VOCAB; i++) /* no two equal: ties with the k-th survive */
            logits[i] = (float)harness_pick(&random, -500, 500) * 0.125f + (float)i * 1e-3f;
        struct fl_sampling settings[] = {fl_sampling_default, at(1.3, 9), at(1e-4, 9), at(1e-60, 9),
                                         at(0.9, 9)};
        settings[1].top_k = 1;
        settings[4].top_p = 0;
        int ids[5];
        for (int i = 0; i < 5; i++) {
            struct fl_sampler sampler;
            open_sampler(&sampler, &settings[i], VOCAB);
            ids[i] = fl_sampler_pick(&sampler, logits, NULL, 0);
            fl_sampler_close(&sampler);
            cr_expect_eq(ids[i], ids[0], "round %d, settings %d", round, i);
        }
    }
}

Test(sampler, impossible_ids_are_never_drawn)
{
    const float logits[4] = {-INFINITY, 0, NAN, 0};
    const struct fl_sampling settings = at(1, 1);
    struct fl_sampler sampler;
    open_sampler(&sampler, &settings, 4);
    for (int i = 0; i < 1000; i++) {
        int id = fl_sampler_pick(&sampler, logits, NULL, 0);
        cr_expect(id == 1 || id == 3);
    }
    const int banned[] = {1};
    sampler.banned = banned;
    sampler.n_banned = 1;
    for (int i = 0; i < 100; i++)
        cr_expect_eq(fl_sampler_pick(&sampler, logits, NULL, 0), 3);
    fl_sampler_close(&sampler);
}

Test(sampler, nothing_left_is_said)
{
    const float logits[2][3] = {{1, 2, 3}, {NAN, -INFINITY, NAN}};
    const int history[] = {0, 1, 2};
    for (int greedy = 0; greedy < 2; greedy++) {
        struct fl_sampling settings = at(greedy ? 0 : 1, 1);
        settings.no_repeat_ngram = 1;
        struct fl_sampler sampler;
        open_sampler(&sampler, &settings, 3);
        cr_expect_eq(fl_sampler_pick(&sampler, logits[0], history, 3), -1);
        cr_expect_eq(fl_sampler_pick(&sampler, logits[0], history, 2), 2);
        cr_expect_eq(fl_sampler_pick(&sampler, logits[1], history, 0), -1);
        fl_sampler_close(&sampler);
    }
}

Test(sampler, penalties_come_before_the_temperature)
{
    const float logits[] = {4, 3.5f, 1};
    const int history[] = {0};
    struct fl_sampling settings = at(0.5, 1);
    settings.repetition_penalty = 2;
    settings.presence_penalty = 0.5;
    struct fl_sampler sampler;
    open_sampler(&sampler, &settings, 3);
    double p[3];
    fl_sampler_distribution(&sampler, p, logits, history, 1);
    const double sum = exp(1.5 / 0.5) + exp(3.5 / 0.5) + exp(1 / 0.5);
    cr_expect_float_eq(p[0], exp(1.5 / 0.5) / sum, 1e-7);
    cr_expect_float_eq(p[1], exp(3.5 / 0.5) / sum, 1e-6);
    fl_sampler_close(&sampler);
}

Test(sampler, settings_out_of_range_are_refused_by_name)
{
    struct fl_sampling wrong[9];
    for (int i = 0; i < 9; i++)
        wrong[i] = fl_sampling_default;
    wrong[0].temperature = -1;
    wrong[1].temperature = NAN;
    wrong[2].top_k = -1;
    wrong[3].top_p = 1.5;
    wrong[4].min_p = -0.1;
    wrong[5].repetition_penalty = 0;
    wrong[6].presence_penalty = INFINITY;
    wrong[7].repeat_last_n = -1;
    wrong[8].no_repeat_ngram = -1;
    static const char *const NAMES[] = {
        "temperature",        "temperature",      "top_k",         "top_p",          "min_p",
        "repetition_penalty", "presence_penalty", "repeat_last_n", "no_repeat_ngram"};
    for (int i = 0; i < 9; i++) {
        struct fl_sampler sampler;
        struct fl_error error = {{0}};
        cr_expect_eq(fl_sampler_open(&sampler, &wrong[i], 10, &error), FL_FAILED);
        cr_expect(strstr(error.text, NAMES[i]), "%s", error.text);
    }
}
