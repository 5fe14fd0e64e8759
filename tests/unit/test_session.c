/* What a session refuses, and what its sentences say. */
#include "engine/session.h"
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>

static struct fl_model open_model(uint64_t seed)
{
    const struct fl_config config = harness_config(seed);
    struct fl_model model;
    struct fl_error error;
    cr_assert(fl_model_random(&model, &config, seed, &error) == FL_OK, "%s", error.text);
    return model;
}

enum { SEED_CLASSIC, SEED_GPT2, SEED_LLAMA, SEED_QWEN2 };

static void expect_refused(const struct fl_model *model, struct fl_session_options options,
                           const char *expected)
{
    struct fl_session *session;
    struct fl_error error = {""};
    cr_expect(fl_session_open(&session, model, &options, &error) == FL_FAILED, "expected: %s",
              expected);
    cr_expect_null(session);
    cr_expect_not_null(strstr(error.text, expected), "got: %s", error.text);
    cr_expect_not_null(strstr(error.text, model->config.name), "got: %s", error.text);
}

Test(session, refuses_options)
{
    struct fl_model model = open_model(SEED_GPT2);
    static const struct {
        struct fl_session_options options;
        const char *expected;
    } CASES[] = {
        {{.n_seqs = 0}, "n_seqs: expected 1 .."},
        {{.n_seqs = -1}, "n_seqs: expected 1 .."},
        {{.n_seqs = INT_MAX}, "n_seqs: expected 1 .."},
        {{.n_seqs = 1, .n_ctx = -1}, "n_ctx: expected at least 1, got -1"},
        {{.n_seqs = 1, .n_ctx = 41}, "learned positions for 40 tokens"},
        {{.n_seqs = 1, .n_ctx = 8, .n_tokens_max = 9}, "n_tokens_max: expected 1 .. 8"},
        {{.n_seqs = 1, .n_tokens_max = -1}, "n_tokens_max: expected 1 .. 40"},
        {{.n_seqs = 1, .n_threads = -1}, "n_threads: expected 1 .."},
        {{.n_seqs = 1, .n_threads = INT_MAX}, "n_threads: expected 1 .."},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        expect_refused(&model, CASES[i].options, CASES[i].expected);
    fl_model_close(&model);
}

Test(session, computed_positions_may_pass_the_models_own)
{
    struct fl_model model = open_model(SEED_LLAMA);
    struct fl_error error;
    struct fl_session *session;
    const struct fl_session_options options = {.n_seqs = 1, .n_ctx = 100};
    cr_assert(fl_session_open(&session, &model, &options, &error) == FL_OK, "%s", error.text);
    cr_expect_eq(fl_session_n_ctx(session), 100);
    fl_session_close(session);
    fl_model_close(&model);
}

/* Beyond the window a session goes on: a query sees the last tokens only. */
Test(session, contexts_go_beyond_a_sliding_window)
{
    struct fl_model model = open_model(SEED_LLAMA);
    model.config.sliding_window = 16;
    struct fl_error error;
    struct fl_session *session;
    const struct fl_session_options options = {.n_seqs = 1};
    cr_assert(fl_session_open(&session, &model, &options, &error) == FL_OK, "%s", error.text);
    cr_expect_eq(fl_session_n_ctx(session), model.config.n_ctx_max);
    fl_session_close(session);
    fl_model_close(&model);
}

Test(session, predicts_what_would_not_fit)
{
    struct fl_model model = open_model(SEED_LLAMA);
    /* 2^20 x 2^20 scores a head: 4 TiB and more */
    expect_refused(&model, (struct fl_session_options){.n_seqs = 1, .n_ctx = 1 << 20},
                   "GiB of memory");
    expect_refused(
        &model, (struct fl_session_options){.n_seqs = 1 << 20, .n_ctx = INT_MAX, .n_tokens_max = 1},
        "memory");
    model.config.n_heads = 1 << 24;
    expect_refused(&model, (struct fl_session_options){.n_seqs = 1, .n_ctx = INT_MAX},
                   "more memory than can be addressed");
    fl_model_close(&model);
}

Test(session, refuses_architectures_it_cannot_run)
{
    struct fl_model model = open_model(SEED_LLAMA);
    struct fl_session *session;
    struct fl_error error;
    const struct fl_session_options options = {.n_seqs = 1};
    model.config.positions = FL_POS_RELATIVE;
    cr_expect(fl_session_open(&session, &model, &options, &error) == FL_FAILED);
    cr_expect_null(session);
    fl_model_close(&model);
}

static void expect_failed_pass(struct fl_session *session, const int *tokens, int n_tokens,
                               enum fl_logits logits, const char *expected)
{
    struct fl_error error = {""};
    const int n_past = fl_session_n_past(session);
    const uint64_t n_calls = fl_ledger_total(fl_session_ledger(session)).n_calls;
    cr_expect(fl_session_forward(session, tokens, n_tokens, logits, &error) == FL_FAILED);
    cr_expect_not_null(strstr(error.text, expected), "got: %s", error.text);
    cr_expect_eq(fl_session_n_past(session), n_past);
    cr_expect_eq(fl_ledger_total(fl_session_ledger(session)).n_calls, n_calls);
}

Test(session, failed_pass_changes_nothing)
{
    struct fl_model model = open_model(SEED_QWEN2);
    struct fl_session *session = harness_session(
        &model, &(struct fl_session_options){
                    .n_seqs = 2, .n_ctx = 6, .n_tokens_max = 4, .logits = FL_LOGITS_LAST});
    const int vocab_size = model.config.vocab_size;
    const int good[8] = {0}, negative[4] = {0, 0, 0, -1}, large[4] = {0, vocab_size, 0, 0};
    struct fl_error error;
    cr_assert(fl_session_forward(session, good, 3, FL_LOGITS_LAST, &error) == FL_OK);
    expect_failed_pass(session, negative, 2, FL_LOGITS_LAST, "token 3: expected an id of 0 ..");
    expect_failed_pass(session, large, 2, FL_LOGITS_LAST, "token 1: expected an id of 0 ..");
    expect_failed_pass(session, good, 4, FL_LOGITS_LAST, "would overflow the context of 6 tokens");
    expect_failed_pass(session, good, 5, FL_LOGITS_LAST, "n_tokens: expected 1 .. 4, got 5");
    expect_failed_pass(session, good, 0, FL_LOGITS_LAST, "n_tokens: expected 1 .. 4, got 0");
    expect_failed_pass(session, good, 1, FL_LOGITS_ALL, "logits: the session was opened without");
    cr_expect(fl_session_forward(session, good, 3, FL_LOGITS_LAST, &error) == FL_OK);
    fl_session_close(session);
    fl_model_close(&model);
}

Test(session, reserves_what_the_options_need)
{
    struct fl_model model = open_model(SEED_LLAMA);
    const struct fl_config *config = &model.config;
    struct fl_session *session = harness_session(
        &model, &(struct fl_session_options){.n_seqs = 3, .n_ctx = 32, .n_tokens_max = 1});
    const uint64_t floats =
        2u * (uint64_t)(config->n_layers * 3 * config->n_kv_heads * 32 * config->head_dim);
    cr_expect_geq(fl_session_kv_cache_bytes(session), floats * sizeof(float));
    cr_expect_lt(fl_session_kv_cache_bytes(session), floats * sizeof(float) + 128);
    const uint64_t step = fl_session_activation_bytes(session);
    fl_session_close(session);

    session = harness_session(&model, &(struct fl_session_options){.n_seqs = 3, .n_ctx = 32});
    cr_expect_gt(fl_session_activation_bytes(session), 8 * step);
    fl_session_close(session);
    fl_model_close(&model);
}
