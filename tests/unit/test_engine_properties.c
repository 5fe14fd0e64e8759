/* What must hold for any model: the same logits however the tokens are fed, batched, threaded or
 * attended to. Shapes and ids are random, from fixed seeds. */
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEEDS = 512, N_THREAD_SEEDS = 48, N_TOKENS_MAX = 23 };

/* One random model, and ids for up to three sequences. */
struct specimen {
    struct fl_model model;
    struct harness_random random;
    int n_tokens;
    int ids[3 * N_TOKENS_MAX]; /* [n_seqs, n_tokens] */
};

static void specimen_open(struct specimen *specimen, uint64_t seed)
{
    struct fl_config config = harness_config(seed);
    struct fl_error error;
    if (seed % 5 == 0) /* narrower than a tile, than the prompt, or wider than either */
        config.sliding_window = 1 + (int)(seed / 5 % (N_TOKENS_MAX + 5));
    cr_assert(fl_model_random(&specimen->model, &config, seed, &error) == FL_OK, "%s", error.text);
    specimen->random = (struct harness_random){seed ^ 0x5eed};
    specimen->n_tokens = harness_pick(&specimen->random, 2, N_TOKENS_MAX);
    for (int i = 0; i < 3 * N_TOKENS_MAX; i++)
        specimen->ids[i] = harness_pick(&specimen->random, 0, config.vocab_size - 1);
}

static struct fl_session *open_session(const struct specimen *specimen, int n_seqs,
                                       enum fl_attention attention, int n_threads)
{
    return harness_session(&specimen->model, &(struct fl_session_options){.n_seqs = n_seqs,
                                                                          .n_ctx = N_TOKENS_MAX + 2,
                                                                          .attention = attention,
                                                                          .logits = FL_LOGITS_ALL,
                                                                          .n_threads = n_threads});
}

static size_t n_logits(const struct specimen *specimen)
{
    return (size_t)specimen->n_tokens * (size_t)specimen->model.config.vocab_size;
}

/* Two orders of summing n products differ by at most 2n roundings of 2^-24 relative to the sum of
 * magnitudes. A pass chains at most 8 such sums a layer and 1 for the logits, none longer than the
 * widest row; the magnitudes are those of the largest logit, since norms keep every stream in
 * between at the scale of 1. A wrong index, by contrast, moves logits by their own size. */
static double tolerance(const struct specimen *specimen, const float *logits)
{
    const struct fl_config *config = &specimen->model.config;
    int widest = config->d_ff > config->d_model ? config->d_ff : config->d_model;
    if (config->n_heads * config->head_dim > widest)
        widest = config->n_heads * config->head_dim;
    double largest = 0;
    for (size_t i = 0; i < n_logits(specimen); i++)
        largest = fmax(largest, fabs((double)logits[i]));
    cr_assert(largest > 0.01 && isfinite(largest), "%s: logits say nothing", config->name);
    const double bound = 2.0 * widest * (FLT_EPSILON / 2) * (8 * config->n_layers + 1);
    cr_assert_lt(bound, 0.01);
    return bound * largest;
}

static void expect_same(const struct specimen *specimen, const char *what, const float *got,
                        const float *expected)
{
    const double distance = harness_distance(got, expected, n_logits(specimen));
    const double allowed = tolerance(specimen, expected);
    cr_expect(distance <= allowed, "%s: %s: off by %g, at most %g allowed",
              specimen->model.config.name, what, distance, allowed);
}

/* The first sequence's logits, all positions, in pieces of `chunk`. */
static float *logits_of(const struct specimen *specimen, enum fl_attention attention, int n_threads,
                        int chunk)
{
    struct fl_session *session = open_session(specimen, 1, attention, n_threads);
    float *logits =
        harness_logits(session, &specimen->model, specimen->ids, specimen->n_tokens, chunk);
    fl_session_close(session);
    return logits;
}

Test(engine_properties, pieces_equal_whole)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        for (int kernel = FL_ATTENTION_NAIVE; kernel <= FL_ATTENTION_FLASH; kernel++) {
            const enum fl_attention attention = (enum fl_attention)kernel;
            const int chunk = harness_pick(&specimen.random, 2, specimen.n_tokens);
            float *whole = logits_of(&specimen, attention, 1, specimen.n_tokens);
            float *pieces = logits_of(&specimen, attention, 1, chunk);
            float *cached = logits_of(&specimen, attention, 1, 1);
            expect_same(&specimen, "pieces", pieces, whole);
            expect_same(&specimen, "token by token", cached, whole);
            free(cached);
            free(pieces);
            free(whole);
        }
        fl_model_close(&specimen.model);
    }
}

Test(engine_properties, kernels_agree)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        float *naive = logits_of(&specimen, FL_ATTENTION_NAIVE, 1, specimen.n_tokens);
        float *causal = logits_of(&specimen, FL_ATTENTION_CAUSAL, 1, specimen.n_tokens);
        float *flash = logits_of(&specimen, FL_ATTENTION_FLASH, 1, specimen.n_tokens);
        expect_same(&specimen, "causal against naive", causal, naive);
        expect_same(&specimen, "flash against naive", flash, naive);
        free(flash);
        free(causal);
        free(naive);
        fl_model_close(&specimen.model);
    }
}

Test(engine_properties, threads_agree)
{
    for (uint64_t seed = 0; seed < N_THREAD_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        for (int kernel = FL_ATTENTION_NAIVE; kernel <= FL_ATTENTION_FLASH; kernel++) {
            const enum fl_attention attention = (enum fl_attention)kernel;
            float *one = logits_of(&specimen, attention, 1, specimen.n_tokens);
            float *two = logits_of(&specimen, attention, 2, specimen.n_tokens);
            expect_same(&specimen, fl_attention_name(attention), two, one);
            free(two);
            free(one);
        }
        fl_model_close(&specimen.model);
    }
}

static void forward(struct fl_session *session, const int *ids, int n, enum fl_logits logits)
{
    struct fl_error error;
    cr_assert(fl_session_forward(session, ids, n, logits, &error) == FL_OK, "%s", error.text);
}

/* Three sequences at once, prefill in two pieces, against each alone. */
Test(engine_properties, batch_equals_single)
{
    enum { N_SEQS = 3 };
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        const int n = specimen.n_tokens, first = n / 2, rest = n - first;
        const size_t vocab_size = (size_t)specimen.model.config.vocab_size;
        const enum fl_attention attention = (enum fl_attention)(seed / 4 % 3);
        struct fl_session *batch = open_session(&specimen, N_SEQS, attention, 1);
        int begin[N_SEQS * N_TOKENS_MAX], end[N_SEQS * N_TOKENS_MAX];
        for (int i = 0; i < N_SEQS; i++) {
            const int *ids = specimen.ids + i * n;
            memcpy(begin + i * first, ids, (size_t)first * sizeof *ids);
            memcpy(end + i * rest, ids + first, (size_t)rest * sizeof *ids);
        }
        forward(batch, begin, first, FL_LOGITS_NONE);
        forward(batch, end, rest, FL_LOGITS_ALL);

        struct fl_session *single = open_session(&specimen, 1, attention, 1);
        for (int i = 0; i < N_SEQS; i++) {
            float *alone = harness_logits(single, &specimen.model, specimen.ids + i * n, n, n);
            const double distance =
                harness_distance(fl_session_logits(batch) + (size_t)(i * rest) * vocab_size,
                                 alone + (size_t)first * vocab_size, (size_t)rest * vocab_size);
            const double allowed = tolerance(&specimen, alone);
            cr_expect(distance <= allowed, "%s: sequence %d: off by %g, at most %g allowed",
                      specimen.model.config.name, i, distance, allowed);
            free(alone);
        }
        fl_session_close(single);
        fl_session_close(batch);
        fl_model_close(&specimen.model);
    }
}

/* last is what all gives for the last rows, for one sequence and for several. */
Test(engine_properties, last_is_the_end_of_all)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        const int n = specimen.n_tokens;
        const size_t vocab_size = (size_t)specimen.model.config.vocab_size;
        for (int n_seqs = 1; n_seqs <= 3; n_seqs += 2) {
            struct fl_session *all = open_session(&specimen, n_seqs, FL_ATTENTION_CAUSAL, 1);
            struct fl_session *last = open_session(&specimen, n_seqs, FL_ATTENTION_CAUSAL, 1);
            forward(all, specimen.ids, n, FL_LOGITS_ALL);
            forward(last, specimen.ids, n, FL_LOGITS_LAST);
            for (int i = 0; i < n_seqs; i++) {
                const float *row = fl_session_logits(all) + (size_t)(i * n + n - 1) * vocab_size;
                const double distance = harness_distance(
                    fl_session_logits(last) + (size_t)i * vocab_size, row, vocab_size);
                cr_expect(distance <= tolerance(&specimen, fl_session_logits(all)),
                          "%s: sequence %d of %d: off by %g", specimen.model.config.name, i, n_seqs,
                          distance);
            }
            fl_session_close(last);
            fl_session_close(all);
        }
        fl_model_close(&specimen.model);
    }
}

/* What was forgotten leaves no trace. */
Test(engine_properties, truncate_forgets)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        const int n = specimen.n_tokens, keep = n / 2;
        struct fl_session *session = open_session(&specimen, 1, FL_ATTENTION_NAIVE, 1);
        int other[N_TOKENS_MAX];
        for (int i = 0; i < n; i++)
            other[i] = i < keep ? specimen.ids[i] : specimen.ids[N_TOKENS_MAX + i];
        forward(session, other, n, FL_LOGITS_NONE);
        fl_session_truncate(session, keep);
        cr_expect_eq(fl_session_n_past(session), keep);
        fl_session_truncate(session, n); /* nothing there to forget */
        cr_expect_eq(fl_session_n_past(session), keep);
        forward(session, specimen.ids + keep, n - keep, FL_LOGITS_LAST);

        float *fresh = logits_of(&specimen, FL_ATTENTION_NAIVE, 1, n);
        const size_t vocab_size = (size_t)specimen.model.config.vocab_size;
        const double distance = harness_distance(fl_session_logits(session),
                                                 fresh + (size_t)(n - 1) * vocab_size, vocab_size);
        cr_expect(distance <= tolerance(&specimen, fresh), "%s: off by %g",
                  specimen.model.config.name, distance);
        free(fresh);
        fl_session_close(session);
        fl_model_close(&specimen.model);
    }
}

/* Later tokens cannot be seen: the logits of a prefix do not depend on what follows, bit for bit
 * when the rows are computed alike. They are not where later tokens change the number of rows that
 * an expert multiplies at once. */
Test(engine_properties, no_position_sees_the_future)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        const int n = specimen.n_tokens, vocab_size = specimen.model.config.vocab_size;
        for (int kernel = FL_ATTENTION_NAIVE; kernel <= FL_ATTENTION_FLASH; kernel++) {
            const enum fl_attention attention = (enum fl_attention)kernel;
            float *before = logits_of(&specimen, attention, 1, n);
            specimen.ids[n - 1] = (specimen.ids[n - 1] + 1) % vocab_size;
            float *after = logits_of(&specimen, attention, 1, n);
            const size_t prefix = (size_t)(n - 1) * (size_t)vocab_size;
            const bool alike = specimen.model.config.n_experts == 0;
            cr_expect_leq(harness_distance(before, after, prefix),
                          alike ? 0 : tolerance(&specimen, before), "%s: an earlier row moved",
                          specimen.model.config.name);
            cr_expect_gt(harness_distance(before + prefix, after + prefix, (size_t)vocab_size), 0,
                         "%s: the changed row did not move", specimen.model.config.name);
            free(after);
            free(before);
        }
        fl_model_close(&specimen.model);
    }
}

/* A step at an assumed depth costs what a step at that depth costs. */
Test(engine_properties, assumed_past_costs_the_same)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        struct fl_error error;
        specimen_open(&specimen, seed);
        struct fl_session *real = open_session(&specimen, 1, FL_ATTENTION_CAUSAL, 1);
        struct fl_session *assumed = open_session(&specimen, 1, FL_ATTENTION_CAUSAL, 1);
        forward(real, specimen.ids, specimen.n_tokens, FL_LOGITS_NONE);
        cr_assert(fl_session_assume_past(assumed, specimen.n_tokens, &error) == FL_OK);
        cr_assert(fl_session_assume_past(assumed, N_TOKENS_MAX + 3, &error) == FL_FAILED);
        fl_ledger_reset(fl_session_ledger(real));
        forward(real, specimen.ids, 1, FL_LOGITS_LAST);
        forward(assumed, specimen.ids, 1, FL_LOGITS_LAST);
        const struct fl_cost a = fl_ledger_total(fl_session_ledger(real)).counted;
        const struct fl_cost b = fl_ledger_total(fl_session_ledger(assumed)).counted;
        cr_expect(memcmp(&a, &b, sizeof a) == 0, "%s: other costs", specimen.model.config.name);
        for (int i = 0; i < specimen.model.config.vocab_size; i++)
            cr_assert(isfinite(fl_session_logits(assumed)[i]));
        fl_session_close(assumed);
        fl_session_close(real);
        fl_model_close(&specimen.model);
    }
}
