/* Speculative decoding: the same text as the target alone, the same distribution, and an account
 * that is right to the integer. */
#include "base/random.h"
#include "engine/speculative.h"
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_CTX = 40, N_NEW = 20, N_DRAFT_MOST = 6 };

/* ---- statistics ---- */

/* The chi-square value that a true hypothesis exceeds once in 10^4 times: Wilson and Hilferty,
 * 1931, z = 3.719. */
static double critical(int n_degrees)
{
    const double k = n_degrees, z = 3.719;
    return k * pow(1 - 2 / (9 * k) + z * sqrt(2 / (9 * k)), 3);
}

/* Pearson's statistic over its critical value; cells that expect fewer than 5 are put together. */
static double chi_square(const int *seen, const double *p, int n_cells, int n)
{
    double statistic = 0, rare_p = 0;
    int n_used = 0, rare_seen = 0;
    for (int i = 0; i < n_cells; i++) {
        const double expected = p[i] * n;
        if (expected < 5) {
            rare_p += p[i];
            rare_seen += seen[i];
            continue;
        }
        statistic += (seen[i] - expected) * (seen[i] - expected) / expected;
        n_used++;
    }
    if (rare_p * n >= 5) {
        statistic += (rare_seen - rare_p * n) * (rare_seen - rare_p * n) / (rare_p * n);
        n_used++;
    } else {
        cr_assert_lt(rare_seen, 40, "what hardly ever happens happened %d times", rare_seen);
    }
    cr_assert_gt(n_used, 1);
    return statistic / critical(n_used - 1);
}

static int draw(const double *p, int n, uint64_t *state)
{
    double left = fl_random_uniform(state);
    for (int i = 0; i < n; i++) {
        if (left < p[i])
            return i;
        left -= p[i];
    }
    return n - 1;
}

/* ---- the rule ---- */

enum { N_IDS = 8, N_DRAWS = 40000 };

static const double P[][N_IDS] = {
    {0.30, 0.20, 0.15, 0.10, 0.10, 0.05, 0.05, 0.05},
    {0.05, 0.05, 0.05, 0.10, 0.10, 0.15, 0.20, 0.30},
    {0.50, 0.00, 0.25, 0.00, 0.25, 0.00, 0.00, 0.00},
    {0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125},
};
enum { N_P = sizeof P / sizeof *P };

/* What one might write instead: the replacement drawn from p, or every proposal kept. */
enum rule { RIGHT, REPLACED_FROM_P, ALL_ACCEPTED };

static int choose(enum rule rule, const double *p, const double *q, int x, uint64_t *state)
{
    bool accepted;
    if (rule == ALL_ACCEPTED)
        return x;
    const int chosen = fl_speculative_choose(p, q, N_IDS, x, state, &accepted);
    return rule == REPLACED_FROM_P && !accepted ? draw(p, N_IDS, state) : chosen;
}

static double distance_of_rule(enum rule rule, const double *p, const double *q)
{
    uint64_t state = 7;
    int seen[N_IDS] = {0};
    for (int i = 0; i < N_DRAWS; i++)
        seen[choose(rule, p, q, draw(q, N_IDS, &state), &state)]++;
    return chi_square(seen, p, N_IDS, N_DRAWS);
}

Test(speculative, rule_keeps_the_targets_distribution)
{
    for (int i = 0; i < N_P; i++)
        for (int j = 0; j < N_P; j++)
            cr_expect_lt(distance_of_rule(RIGHT, P[i], P[j]), 1, "p %d, q %d", i, j);
}

Test(speculative, wrong_rules_are_noticed)
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            if (i == j)
                continue;
            cr_expect_gt(distance_of_rule(REPLACED_FROM_P, P[i], P[j]), 5, "p %d, q %d", i, j);
            cr_expect_gt(distance_of_rule(ALL_ACCEPTED, P[i], P[j]), 5, "p %d, q %d", i, j);
        }
}

/* A proposal is accepted with probability sum min(p, q): within 4 standard deviations. */
Test(speculative, acceptance_rate_is_the_overlap)
{
    for (int i = 0; i < N_P; i++)
        for (int j = 0; j < N_P; j++) {
            double overlap = 0;
            uint64_t state = 11;
            int n_accepted = 0;
            for (int k = 0; k < N_IDS; k++)
                overlap += fmin(P[i][k], P[j][k]);
            for (int k = 0; k < N_DRAWS; k++) {
                bool accepted;
                const int x = draw(P[j], N_IDS, &state);
                fl_speculative_choose(P[i], P[j], N_IDS, x, &state, &accepted);
                n_accepted += accepted;
            }
            const double deviation = sqrt(overlap * (1 - overlap) * N_DRAWS);
            cr_expect_leq(fabs(n_accepted - overlap * N_DRAWS), 4 * deviation + 1e-6, "p %d, q %d",
                          i, j);
        }
}

/* ---- two models ---- */

struct pair {
    struct fl_model target, draft;
    struct harness_random random;
    int prompt[N_CTX], n_prompt;
};

static void random_model(struct fl_model *model, uint64_t seed, int vocab_size)
{
    struct fl_config config = harness_config(seed);
    struct fl_error error;
    config.vocab_size = vocab_size;
    cr_assert(fl_model_random(model, &config, seed, &error) == FL_OK, "%s", error.text);
}

/* The draft is, in turn, the target itself, which is accepted always; the target without its last
 * layer, which often is; and a model of another architecture, which hardly ever is. */
static void pair_open(struct pair *pair, uint64_t seed)
{
    pair->random = (struct harness_random){seed ^ 0xd4af7};
    const int vocab_size = harness_pick(&pair->random, 5, 40);
    random_model(&pair->target, seed, vocab_size);
    random_model(&pair->draft, seed % 3 == 2 ? seed + 1001 : seed, vocab_size);
    if (seed % 3 == 1 && pair->draft.config.n_layers > 1)
        pair->draft.config.n_layers--;
    pair->n_prompt = harness_pick(&pair->random, 1, N_CTX - N_NEW);
    for (int i = 0; i < N_CTX; i++)
        pair->prompt[i] = harness_pick(&pair->random, 0, vocab_size - 1);
}

static void pair_close(struct pair *pair)
{
    fl_model_close(&pair->draft);
    fl_model_close(&pair->target);
}

static struct fl_speculative *speculative_open(const struct pair *pair,
                                               const struct fl_speculative_options *options)
{
    struct fl_speculative *speculative;
    struct fl_error error;
    cr_assert(fl_speculative_open(&speculative, &pair->target, &pair->draft, options, &error) ==
                  FL_OK,
              "%s", error.text);
    return speculative;
}

/* Emits n_new tokens behind the prompt into out. */
static void generate(struct fl_speculative *speculative, const int *prompt, int n_prompt, int n_new,
                     int *out)
{
    int ids[2 * N_CTX], n_ids = n_prompt;
    struct fl_error error;
    memcpy(ids, prompt, (size_t)n_prompt * sizeof *ids);
    cr_assert(fl_speculative_prefill(speculative, ids, n_ids, &error) == FL_OK, "%s", error.text);
    while (n_ids < n_prompt + n_new) {
        int n;
        cr_assert(fl_speculative_round(speculative, ids, n_ids, n_prompt + n_new - n_ids,
                                       ids + n_ids, &n, &error) == FL_OK,
                  "%s", error.text);
        cr_assert(n >= 1 && n_ids + n <= n_prompt + n_new);
        n_ids += n;
    }
    memcpy(out, ids + n_prompt, (size_t)n_new * sizeof *out);
}

static void expect_equal(const char *where, const char *what, fl_wide exact, uint64_t counted)
{
    char text[FL_WIDE_DIGITS];
    cr_expect(exact == (fl_wide)counted, "%s: %s: exact %s, counted %llu", where, what,
              fl_wide_text(exact, text), (unsigned long long)counted);
}

static void expect_account(const struct fl_speculative *speculative, const char *name)
{
    struct fl_speculative_account account;
    struct fl_error error;
    cr_assert(fl_speculative_account(speculative, &account, &error) == FL_OK, "%s", error.text);
    for (int i = 0; i < FL_SPECULATIVE_N_PHASES; i++) {
        char where[160];
        snprintf(where, sizeof where, "%s: %s", name, fl_speculative_phase_names[i]);
        const struct fl_cost counted =
            fl_ledger_total(fl_speculative_ledger(speculative, (enum fl_speculative_phase)i))
                .counted;
        const struct fl_op_analytic *exact = &account.phases[i];
        expect_equal(where, "flops", exact->exact, fl_cost_flops(counted));
        expect_equal(where, "bytes_read", exact->bytes_read, counted.bytes_read);
        expect_equal(where, "bytes_written", exact->bytes_written, counted.bytes_written);
    }
    cr_expect(account.draft_wasted >= 0 &&
              account.draft_wasted <= account.phases[FL_SPECULATIVE_DRAFT].exact);
    cr_expect(account.verify_wasted >= 0 &&
              account.verify_wasted < account.phases[FL_SPECULATIVE_VERIFY].exact);
    cr_expect_eq(account.n_accepted == account.n_drafted,
                 account.draft_wasted == 0 && account.verify_wasted == 0);
}

Test(speculative, greedy_is_the_targets_own)
{
    enum { N_PAIRS = 510 };
    int64_t n_drafted = 0, n_accepted = 0;
    for (uint64_t seed = 0; seed < N_PAIRS; seed++) {
        struct pair pair;
        pair_open(&pair, seed);
        const struct fl_speculative_options options = {
            .n_draft = harness_pick(&pair.random, 1, N_DRAFT_MOST),
            .n_ctx = N_CTX,
            .prefill_chunk = harness_pick(&pair.random, 1, 9),
            .attention = (enum fl_attention)(seed % 3),
            .kv_dtype = seed % 5 == 4 ? FL_F16 : FL_F32,
            .n_threads = 1,
        };
        struct fl_speculative *speculative = speculative_open(&pair, &options);
        struct fl_session *plain = harness_session(
            &pair.target, &(struct fl_session_options){.n_seqs = 1,
                                                       .n_ctx = N_CTX,
                                                       .attention = options.attention,
                                                       .kv_dtype = options.kv_dtype,
                                                       .logits = FL_LOGITS_LAST,
                                                       .n_threads = 1});
        int got[N_NEW], expected[N_NEW];
        struct fl_speculative_account account;
        struct fl_error error;
        generate(speculative, pair.prompt, pair.n_prompt, N_NEW, got);
        harness_greedy(plain, &pair.target, pair.prompt, pair.n_prompt, N_NEW, -1, true, expected,
                       NULL);
        cr_expect_arr_eq(got, expected, sizeof got, "%s, n_draft %d: other tokens",
                         pair.target.config.name, options.n_draft);
        expect_account(speculative, pair.target.config.name);
        cr_assert(fl_speculative_account(speculative, &account, &error) == FL_OK);
        cr_expect_eq(account.n_emitted, N_NEW);
        if (seed % 3 == 0)
            cr_expect_eq(account.n_accepted, account.n_drafted, "%s: its own proposals refused",
                         pair.target.config.name);
        n_drafted += account.n_drafted;
        n_accepted += account.n_accepted;
        fl_session_close(plain);
        fl_speculative_close(speculative);
        pair_close(&pair);
    }
    cr_expect(n_accepted > n_drafted / 5 && n_accepted < n_drafted,
              "both outcomes were to occur: %lld of %lld", (long long)n_accepted,
              (long long)n_drafted);
}

/* ---- distribution, end to end ---- */

static void softmax(void *context, double *p, const float *logits, int n, const int *ids, int n_ids)
{
    const double *temperature = context;
    double top = -INFINITY, sum = 0;
    cr_assert(n_ids > 0 && ids[n_ids - 1] >= 0 && ids[n_ids - 1] < n);
    for (int i = 0; i < n; i++)
        top = fmax(top, (double)logits[i]);
    for (int i = 0; i < n; i++)
        sum += p[i] = exp(((double)logits[i] - top) / *temperature);
    for (int i = 0; i < n; i++)
        p[i] /= sum;
}

enum { V = 7, N_CELLS = V * V * V, N_RUNS = 6000 };

/* The target's probability of every three tokens behind the prompt. */
static void analytic_distribution(const struct pair *pair, double temperature, double *p)
{
    struct fl_session *session = harness_session(
        &pair->target, &(struct fl_session_options){
                           .n_seqs = 1, .n_ctx = N_CTX, .logits = FL_LOGITS_ALL, .n_threads = 1});
    int ids[N_CTX];
    const int n = pair->n_prompt;
    memcpy(ids, pair->prompt, (size_t)n * sizeof *ids);
    for (int a = 0; a < V; a++)
        for (int b = 0; b < V; b++) {
            ids[n] = a;
            ids[n + 1] = b;
            float *logits = harness_logits(session, &pair->target, ids, n + 2, n + 2);
            double row[3][V];
            for (int i = 0; i < 3; i++)
                softmax(&temperature, row[i], logits + (n - 1 + i) * V, V, ids, n + i);
            for (int c = 0; c < V; c++)
                p[(a * V + b) * V + c] = row[0][a] * row[1][b] * row[2][c];
            free(logits);
        }
    fl_session_close(session);
}

/* Over its critical value: how far three tokens, drawn again and again, are from p. */
static double distance_of_runs(struct fl_speculative *speculative, const struct pair *pair,
                               const double *p)
{
    int *seen = calloc(N_CELLS, sizeof *seen);
    for (int i = 0; i < N_RUNS; i++) {
        int out[3];
        generate(speculative, pair->prompt, pair->n_prompt, 3, out);
        seen[(out[0] * V + out[1]) * V + out[2]]++;
    }
    const double distance = chi_square(seen, p, N_CELLS, N_RUNS);
    free(seen);
    return distance;
}

Test(speculative, sampling_keeps_the_targets_distribution)
{
    static const struct {
        uint64_t target, draft;
        double temperature;
    } CASES[] = {{6, 3, 1}, {5, 14, 0.7}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct pair pair = {.n_prompt = 3, .prompt = {1, 4, 2}};
        double temperature = CASES[i].temperature;
        static double p[N_CELLS], q[N_CELLS];
        random_model(&pair.target, CASES[i].target, V);
        random_model(&pair.draft, CASES[i].draft, V);
        const struct fl_speculative_options options = {
            .n_draft = 2, .n_ctx = 8, .n_threads = 1, .distribution = {softmax, &temperature}};
        struct fl_speculative *speculative = speculative_open(&pair, &options);
        analytic_distribution(&pair, temperature, p);
        const double right = distance_of_runs(speculative, &pair, p);
        cr_expect_lt(right, 1, "case %zu: the target's distribution is missed by %g", i, right);

        /* the draft's own distribution is another one, and the test would see it */
        struct pair swapped = pair;
        swapped.target = pair.draft;
        analytic_distribution(&swapped, temperature, q);
        const double wrong = distance_of_runs(speculative, &pair, q);
        cr_expect_gt(wrong, 3, "case %zu: the draft's distribution is as good: %g", i, wrong);
        fl_speculative_close(speculative);
        pair_close(&pair);
    }
}

/* What removes every id ends the text; a draft with nothing to propose does not. */
static void nothing_left(void *context, double *p, const float *logits, int n, const int *ids,
                         int n_ids)
{
    const int *until = context;
    double temperature = 1;
    softmax(&temperature, p, logits, n, ids, n_ids);
    for (int i = 0; i < n && n_ids >= *until; i++)
        p[i] = 0;
}

Test(speculative, a_text_ends_where_nothing_is_left)
{
    struct pair pair;
    pair_open(&pair, 4);
    int until = 9, ids[N_CTX], n_ids = 3, n = 0;
    const struct fl_speculative_options options = {
        .n_draft = 3, .n_ctx = N_CTX, .n_threads = 1, .distribution = {nothing_left, &until}};
    struct fl_speculative *speculative = speculative_open(&pair, &options);
    struct fl_error error;
    memcpy(ids, pair.prompt, 3 * sizeof *ids);
    cr_assert(fl_speculative_prefill(speculative, ids, n_ids, &error) == FL_OK);
    for (n_ids = 3; ids[n_ids - 1] >= 0; n_ids += n)
        cr_assert(fl_speculative_round(speculative, ids, n_ids, N_CTX, ids + n_ids, &n, &error) ==
                  FL_OK);
    cr_expect_eq(n_ids, until + 1, "%d tokens", n_ids);
    expect_account(speculative, "nothing left");
    fl_speculative_close(speculative);
    pair_close(&pair);
}

Test(speculative, the_same_seed_gives_the_same_text)
{
    struct pair pair;
    double temperature = 1;
    pair_open(&pair, 4);
    int texts[2][N_NEW];
    for (int i = 0; i < 2; i++) {
        const struct fl_speculative_options options = {.n_draft = 3,
                                                       .n_ctx = N_CTX,
                                                       .n_threads = 1,
                                                       .distribution = {softmax, &temperature},
                                                       .seed = 5};
        struct fl_speculative *speculative = speculative_open(&pair, &options);
        generate(speculative, pair.prompt, pair.n_prompt, N_NEW, texts[i]);
        expect_account(speculative, "sampled");
        fl_speculative_close(speculative);
    }
    cr_expect_arr_eq(texts[0], texts[1], sizeof texts[0]);
    pair_close(&pair);
}

/* ---- limits ---- */

Test(speculative, the_context_may_be_filled)
{
    struct pair pair;
    pair_open(&pair, 8);
    const struct fl_speculative_options options = {.n_draft = 4, .n_ctx = 12, .n_threads = 1};
    struct fl_speculative *speculative = speculative_open(&pair, &options);
    int got[10], expected[10], n;
    struct fl_error error;
    generate(speculative, pair.prompt, 3, 10, got); /* the last token needs no place */
    struct fl_session *plain =
        harness_session(&pair.target, &(struct fl_session_options){.n_seqs = 1,
                                                                   .n_ctx = 12,
                                                                   .logits = FL_LOGITS_LAST,
                                                                   .attention = options.attention,
                                                                   .n_threads = 1});
    harness_greedy(plain, &pair.target, pair.prompt, 3, 10, -1, true, expected, NULL);
    cr_expect_arr_eq(got, expected, sizeof got);
    cr_expect(fl_speculative_round(speculative, pair.prompt, 13, 1, got, &n, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "context of 12 tokens"), "%s", error.text);
    cr_expect(fl_speculative_round(speculative, pair.prompt, 5, 1, got, &n, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "what was emitted"), "%s", error.text);
    cr_expect(fl_speculative_prefill(speculative, pair.prompt, 13, &error) == FL_FAILED);
    cr_expect(fl_speculative_prefill(speculative, pair.prompt, 0, &error) == FL_FAILED);
    fl_session_close(plain);
    fl_speculative_close(speculative);
    pair_close(&pair);
}

/* A draft that knows fewer positions stops proposing, and the text goes on. */
Test(speculative, a_draft_with_a_shorter_context)
{
    struct pair pair;
    pair_open(&pair, 1);
    pair.draft.config.n_ctx_max = 11;
    const struct fl_speculative_options options = {.n_draft = 3, .n_ctx = N_CTX, .n_threads = 1};
    for (int n_prompt = 4; n_prompt <= 16; n_prompt += 6) {
        struct fl_speculative *speculative = speculative_open(&pair, &options);
        struct fl_session *plain = harness_session(
            &pair.target,
            &(struct fl_session_options){
                .n_seqs = 1, .n_ctx = N_CTX, .logits = FL_LOGITS_LAST, .n_threads = 1});
        int got[N_NEW], expected[N_NEW];
        generate(speculative, pair.prompt, n_prompt, N_NEW, got);
        harness_greedy(plain, &pair.target, pair.prompt, n_prompt, N_NEW, -1, true, expected, NULL);
        cr_expect_arr_eq(got, expected, sizeof got, "prompt of %d", n_prompt);
        expect_account(speculative, "shorter draft");
        fl_session_close(plain);
        fl_speculative_close(speculative);
    }
    pair_close(&pair);
}

Test(speculative, other_vocabularies_are_refused)
{
    struct fl_model target, draft;
    struct fl_speculative *speculative;
    struct fl_error error;
    random_model(&target, 1, 20);
    random_model(&draft, 2, 21);
    struct fl_speculative_options options = {.n_draft = 2, .n_threads = 1};
    cr_expect(fl_speculative_open(&speculative, &target, &draft, &options, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "vocab_size") && strstr(error.text, "expected 20") &&
                  strstr(error.text, "got 21"),
              "%s", error.text);
    cr_expect_null(speculative);
    options.n_draft = 0;
    cr_expect(fl_speculative_open(&speculative, &target, &target, &options, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "n_draft"), "%s", error.text);
    fl_model_close(&draft);
    fl_model_close(&target);
}
