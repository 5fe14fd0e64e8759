/* Encoder-decoders against a reference in double precision, and what must hold for any of them: the
 * same logits however tokens are fed, batched, forked or attended to. Shapes and ids are random,
 * from fixed seeds. */
#include "encdec_harness.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEEDS = 512, N_TOKENS_MAX = 21, N_SEQS = 3, N_CTX = 48 };

/* One random model; inputs and decoder ids of unequal lengths for three sequences. */
struct specimen {
    struct fl_model model;
    int source[N_SEQS][N_TOKENS_MAX], n_source[N_SEQS];
    int target[N_SEQS][N_TOKENS_MAX], n_target[N_SEQS];
};

static void specimen_open(struct specimen *specimen, uint64_t seed)
{
    const struct fl_config config = encdec_config(seed);
    struct harness_random random = {seed ^ 0x5eed};
    struct fl_error error;
    cr_assert(fl_model_random(&specimen->model, &config, seed, &error) == FL_OK, "%s", error.text);
    for (int seq = 0; seq < N_SEQS; seq++) {
        specimen->n_source[seq] = harness_pick(&random, 1, N_TOKENS_MAX);
        specimen->n_target[seq] = harness_pick(&random, 2, N_TOKENS_MAX);
        for (int i = 0; i < N_TOKENS_MAX; i++) {
            specimen->source[seq][i] =
                harness_pick(&random, 0, fl_config_prompt_vocab_size(&config) - 1);
            specimen->target[seq][i] = harness_pick(&random, 0, config.vocab_size - 1);
        }
    }
}

static struct fl_session *open_session(const struct specimen *specimen, int n_seqs,
                                       enum fl_attention attention, int n_threads)
{
    return harness_session(&specimen->model, &(struct fl_session_options){.n_seqs = n_seqs,
                                                                          .n_ctx = N_CTX,
                                                                          .n_encoder_ctx = N_CTX,
                                                                          .attention = attention,
                                                                          .logits = FL_LOGITS_ALL,
                                                                          .n_threads = n_threads});
}

static void encode_one(struct fl_session *session, const struct specimen *specimen, int seq)
{
    struct fl_error error;
    cr_assert(fl_session_encode(session, specimen->source[seq], &specimen->n_source[seq], 1,
                                &error) == FL_OK,
              "%s", error.text);
}

/* As in test_engine_properties.c, with four more sums a decoder layer and the encoder's layers
 * before them: two orders of summing n products differ by at most 2n roundings of the magnitudes,
 * which norms keep at the scale of the largest logit. */
static double tolerance(const struct specimen *specimen, const float *logits, size_t n)
{
    const struct fl_config *config = &specimen->model.config;
    int widest = config->d_ff > config->d_model ? config->d_ff : config->d_model;
    if (config->n_heads * config->head_dim > widest)
        widest = config->n_heads * config->head_dim;
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)logits[i]));
    cr_assert(largest > 0.001 && isfinite(largest), "%s: logits say nothing", config->name);
    const int n_sums = 12 * config->n_layers + 8 * config->n_encoder_layers + 1;
    const double bound = 2.0 * widest * (FLT_EPSILON / 2) * n_sums;
    cr_assert_lt(bound, 0.01);
    return bound * largest;
}

static void expect_same(const struct specimen *specimen, const char *what, const float *got,
                        const float *expected, int n_rows)
{
    const size_t n = (size_t)n_rows * (size_t)specimen->model.config.vocab_size;
    const double distance = harness_distance(got, expected, n);
    const double allowed = tolerance(specimen, expected, n);
    cr_expect(distance <= allowed, "%s: %s: off by %g, at most %g allowed",
              specimen->model.config.name, what, distance, allowed);
}

/* A sequence alone, its decoder's ids in pieces of `chunk`. */
static float *alone(const struct specimen *specimen, int seq, enum fl_attention attention,
                    int n_threads, int chunk)
{
    struct fl_session *session = open_session(specimen, 1, attention, n_threads);
    encode_one(session, specimen, seq);
    float *logits = harness_logits(session, &specimen->model, specimen->target[seq],
                                   specimen->n_target[seq], chunk);
    fl_session_close(session);
    return logits;
}

Test(encdec_properties, the_engine_gives_what_double_precision_gives)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        const int n = specimen.n_target[0];
        const size_t n_logits = (size_t)n * (size_t)specimen.model.config.vocab_size;
        double *reference = encdec_reference(&specimen.model, specimen.source[0],
                                             specimen.n_source[0], specimen.target[0], n);
        float *rounded = calloc(n_logits, sizeof *rounded);
        cr_assert_not_null(rounded);
        for (size_t i = 0; i < n_logits; i++)
            rounded[i] = (float)reference[i];
        for (int kernel = 0; kernel < 2; kernel++) {
            float *got = alone(&specimen, 0, (enum fl_attention)kernel, 1, N_CTX);
            expect_same(&specimen, fl_attention_name((enum fl_attention)kernel), got, rounded, n);
            free(got);
        }
        free(rounded);
        free(reference);
        fl_model_close(&specimen.model);
    }
}

Test(encdec_properties, pieces_and_threads_change_nothing)
{
    static const int CHUNKS[] = {1, 4};
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        float *whole = alone(&specimen, 0, FL_ATTENTION_CAUSAL, 1, N_CTX);
        for (int i = 0; i < 2; i++) {
            float *pieces = alone(&specimen, 0, FL_ATTENTION_CAUSAL, 1 + i, CHUNKS[i]);
            expect_same(&specimen, i ? "pieces of 4, two threads" : "token by token", pieces, whole,
                        specimen.n_target[0]);
            free(pieces);
        }
        free(whole);
        fl_model_close(&specimen.model);
    }
}

/* Inputs and decoder ids of unequal lengths in one batch: each gives what it gives alone. */
Test(encdec_properties, a_batch_gives_what_each_gives_alone)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        struct fl_error error;
        specimen_open(&specimen, seed);
        struct fl_session *session = open_session(&specimen, N_SEQS, FL_ATTENTION_CAUSAL, 1);
        int source[N_SEQS * N_TOKENS_MAX], target[N_SEQS * N_TOKENS_MAX], n_source = 0,
                                                                          n_target = 0;
        struct fl_span spans[N_SEQS];
        for (int seq = 0; seq < N_SEQS; seq++) {
            memcpy(source + n_source, specimen.source[seq],
                   (size_t)specimen.n_source[seq] * sizeof *source);
            memcpy(target + n_target, specimen.target[seq],
                   (size_t)specimen.n_target[seq] * sizeof *target);
            n_source += specimen.n_source[seq];
            n_target += specimen.n_target[seq];
            spans[seq] = (struct fl_span){seq, specimen.n_target[seq]};
        }
        cr_assert(fl_session_encode(session, source, specimen.n_source, N_SEQS, &error) == FL_OK,
                  "%s", error.text);
        cr_assert(fl_session_run(session, spans, N_SEQS, target, FL_LOGITS_ALL, &error) == FL_OK,
                  "%s", error.text);
        const float *logits = fl_session_logits(session);
        for (int seq = 0; seq < N_SEQS; seq++) {
            float *single = alone(&specimen, seq, FL_ATTENTION_CAUSAL, 1, N_CTX);
            expect_same(&specimen, "a batch", logits, single, specimen.n_target[seq]);
            logits += (size_t)specimen.n_target[seq] * (size_t)specimen.model.config.vocab_size;
            free(single);
        }
        fl_session_close(session);
        fl_model_close(&specimen.model);
    }
}

/* Beams: one input, a fork that goes on, and a sequence that turns to another input. */
Test(encdec_properties, forks_share_an_input_and_sequences_change_it)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed += 4) {
        struct specimen specimen;
        struct fl_error error;
        specimen_open(&specimen, seed);
        const size_t vocab_size = (size_t)specimen.model.config.vocab_size;
        const int n = specimen.n_target[0];
        float *whole = alone(&specimen, 0, FL_ATTENTION_CAUSAL, 1, N_CTX);
        struct fl_session *session = open_session(&specimen, 2, FL_ATTENTION_CAUSAL, 1);
        encode_one(session, &specimen, 0);
        cr_expect_eq(fl_session_n_inputs(session), 1);
        cr_expect_eq(fl_session_input_length(session, 0), specimen.n_source[0]);
        const struct fl_span first = {0, n - 1}, second = {1, 1};
        cr_assert(fl_session_run(session, &first, 1, specimen.target[0], FL_LOGITS_LAST, &error) ==
                  FL_OK);
        cr_assert(fl_session_fork(session, 1, 0, n - 1, &error) == FL_OK, "%s", error.text);
        cr_assert(fl_session_run(session, &second, 1, specimen.target[0] + n - 1, FL_LOGITS_LAST,
                                 &error) == FL_OK);
        expect_same(&specimen, "a fork", fl_session_logits(session),
                    whole + (size_t)(n - 1) * vocab_size, 1);
        free(whole);

        int source[2 * N_TOKENS_MAX];
        memcpy(source, specimen.source[0], sizeof specimen.source[0]);
        memcpy(source + specimen.n_source[0], specimen.source[1], sizeof specimen.source[1]);
        cr_assert(fl_session_encode(session, source, specimen.n_source, 2, &error) == FL_OK);
        cr_assert(fl_session_attend(session, 0, 1, &error) == FL_OK, "%s", error.text);
        const struct fl_span turned = {0, specimen.n_target[1]};
        cr_assert(fl_session_run(session, &turned, 1, specimen.target[1], FL_LOGITS_ALL, &error) ==
                  FL_OK);
        whole = alone(&specimen, 1, FL_ATTENTION_CAUSAL, 1, N_CTX);
        expect_same(&specimen, "another input", fl_session_logits(session), whole,
                    specimen.n_target[1]);
        free(whole);
        fl_session_close(session);
        fl_model_close(&specimen.model);
    }
}

/* ---- refusals ---- */

static void expect_refused(int status, const struct fl_error *error, const char *fragment)
{
    cr_expect_eq(status, FL_FAILED);
    cr_expect(strstr(error->text, fragment), "'%s' does not say '%s'", error->text, fragment);
}

Test(encdec_properties, what_cannot_be_encoded_is_refused)
{
    struct specimen specimen;
    struct fl_error error = {""};
    specimen_open(&specimen, 1);
    struct fl_session *session = open_session(&specimen, 2, FL_ATTENTION_CAUSAL, 1);
    const int token = 0, none = 0, many = N_CTX + 1, ones[] = {1, 1, 1};
    int wrong = fl_config_prompt_vocab_size(&specimen.model.config);
    expect_refused(fl_session_forward(session, (int[]){0, 0}, 1, FL_LOGITS_LAST, &error), &error,
                   "expected an encoded input to attend to");
    expect_refused(fl_session_encode(session, &token, &none, 1, &error), &error,
                   "input 0: expected 1 .. 48 tokens, got 0");
    expect_refused(fl_session_encode(session, &token, &many, 1, &error), &error, "got 49");
    expect_refused(fl_session_encode(session, &token, ones, 3, &error), &error, "n_inputs");
    expect_refused(fl_session_encode(session, &wrong, ones, 1, &error), &error, "encoder token 0");
    wrong = -1;
    expect_refused(fl_session_encode(session, &wrong, ones, 1, &error), &error, "encoder token 0");
    expect_refused(fl_session_attend(session, 0, 0, &error), &error, "input");
    expect_refused(fl_session_attend(session, 2, 0, &error), &error, "seq");
    cr_assert(fl_session_encode(session, &token, ones, 1, &error) == FL_OK);
    cr_expect(fl_session_forward(session, (int[]){0, 0}, 1, FL_LOGITS_LAST, &error) == FL_OK);
    fl_session_close(session);
    fl_model_close(&specimen.model);
}

Test(encdec_properties, a_decoder_alone_has_nothing_to_encode)
{
    const struct fl_config config = harness_config(1);
    struct fl_model model;
    struct fl_error error = {""};
    const int token = 0, one = 1;
    cr_assert(fl_model_random(&model, &config, 1, &error) == FL_OK);
    struct fl_session *session = harness_session(
        &model, &(struct fl_session_options){.n_seqs = 1, .logits = FL_LOGITS_LAST});
    expect_refused(fl_session_encode(session, &token, &one, 1, &error), &error, "no encoder");
    fl_session_close(session);
    fl_model_close(&model);
}
