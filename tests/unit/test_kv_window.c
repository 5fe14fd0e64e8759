/* Blocks that a sliding window has left are freed: a text needs the predicted blocks, not one
 * fewer, and its logits are what they are when every block stays. */
#include "engine/kv_cache.h"
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEEDS = 512, N_CTX = 40 };

struct specimen {
    struct fl_model model;
    struct fl_session_options options;
    int ids[N_CTX];
    int n_prompt, n_piece; /* the prompt in pieces, then token by token */
};

static void specimen_open(struct specimen *s, uint64_t seed)
{
    struct harness_random random = {seed ^ 0x51de};
    struct fl_config config = harness_config(seed);
    struct fl_error error;
    config.sliding_window = harness_pick(&random, 1, N_CTX + 3);
    cr_assert(fl_model_random(&s->model, &config, seed, &error) == FL_OK, "%s", error.text);
    s->n_prompt = harness_pick(&random, 1, N_CTX);
    s->n_piece = harness_pick(&random, 1, s->n_prompt);
    s->options = (struct fl_session_options){
        .n_seqs = 1,
        .n_ctx = N_CTX,
        .n_tokens_max = s->n_piece,
        .block_tokens = harness_pick(&random, 1, 17),
        .kv_dtype = (enum fl_dtype)harness_pick(&random, FL_F32, FL_BF16),
        .attention = (enum fl_attention)harness_pick(&random, 0, 2),
        .logits = FL_LOGITS_ALL,
        .n_threads = 1,
    };
    for (int i = 0; i < N_CTX; i++)
        s->ids[i] = harness_pick(&random, 0, config.vocab_size - 1);
}

static int piece_at(const struct specimen *s, int n_past)
{
    const int left = s->n_prompt - n_past;
    return left > s->n_piece ? s->n_piece : left > 0 ? left : 1;
}

/* Goes through the text; logits [N_CTX, vocab_size] unless NULL. False when blocks ran out. */
static bool run_text(const struct specimen *s, struct fl_session *session, float *logits)
{
    const size_t vocab_size = (size_t)s->model.config.vocab_size;
    struct fl_error error;
    for (int at = 0, n; at < N_CTX; at += n) {
        n = piece_at(s, at);
        if (fl_session_forward(session, s->ids + at, n, FL_LOGITS_ALL, &error) != FL_OK) {
            cr_assert(strstr(error.text, "blocks of"), "%s", error.text);
            return false;
        }
        if (logits)
            memcpy(logits + (size_t)at * vocab_size, fl_session_logits(session),
                   (size_t)n * vocab_size * sizeof *logits);
    }
    return true;
}

Test(kv_window, a_text_needs_the_predicted_blocks_and_gives_the_same_logits)
{
    int n_fewer = 0;
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen s;
        specimen_open(&s, seed);
        const int window = s.model.config.sliding_window;
        const size_t n = (size_t)N_CTX * (size_t)s.model.config.vocab_size;
        float *kept = calloc(n, sizeof *kept), *slid = calloc(n, sizeof *slid);
        cr_assert(kept && slid);
        struct fl_session *session = harness_session(&s.model, &s.options);
        cr_assert(run_text(&s, session, kept));
        const int all = fl_session_n_blocks(session);
        fl_session_close(session);

        const int predicted =
            fl_kv_text_blocks(window, s.options.block_tokens, s.n_prompt, s.n_piece, N_CTX);
        cr_assert_leq(predicted, all);
        n_fewer += predicted < all;
        s.options.slides = true;
        s.options.n_blocks = predicted;
        session = harness_session(&s.model, &s.options);
        const uint64_t bytes = (uint64_t)predicted * fl_session_block_bytes(session);
        const uint64_t reserved = fl_session_kv_cache_bytes(session);
        cr_expect_eq(fl_session_kv_size(session).bytes, bytes);
        cr_expect(reserved >= bytes && reserved < bytes + 2 * 64, "more than k and v, aligned");
        cr_assert(run_text(&s, session, slid), "%s: window %d: %d blocks are too few",
                  s.model.config.name, window, predicted);
        cr_expect_arr_eq(slid, kept, n * sizeof *kept, "%s: window %d: other logits",
                         s.model.config.name, window);
        fl_session_close(session);
        if (predicted > 1) {
            s.options.n_blocks = predicted - 1;
            session = harness_session(&s.model, &s.options);
            cr_expect(!run_text(&s, session, NULL), "%s: window %d: %d blocks are one too many",
                      s.model.config.name, window, predicted);
            fl_session_close(session);
        }
        free(kept);
        free(slid);
        fl_model_close(&s.model);
    }
    cr_expect(n_fewer > N_SEEDS / 2, "%d texts needed fewer blocks", n_fewer);
}

/* Some tokens are taken back now and then: the session's own number of blocks is enough, and the
 * logits are those of a text that was never taken back. */
Test(kv_window, what_may_be_taken_back_is_there)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen s;
        struct harness_random random = {seed ^ 0xbac};
        struct fl_error error;
        specimen_open(&s, seed);
        const size_t vocab_size = (size_t)s.model.config.vocab_size;
        float *whole = calloc((size_t)N_CTX * vocab_size, sizeof *whole);
        s.n_prompt = s.n_piece = 1; /* token by token: the same sums, bit for bit */
        s.options.n_tokens_max = 1;
        struct fl_session *session = harness_session(&s.model, &s.options);
        cr_assert(whole && run_text(&s, session, whole));
        fl_session_close(session);

        s.options.slides = true;
        s.options.n_rewind = harness_pick(&random, 1, 7);
        session = harness_session(&s.model, &s.options);
        int back_from = 0;
        for (int at = 0; at < N_CTX; at++) {
            cr_assert(fl_session_forward(session, s.ids + at, 1, FL_LOGITS_LAST, &error) == FL_OK,
                      "%s", error.text);
            cr_assert_arr_eq(fl_session_logits(session), whole + (size_t)at * vocab_size,
                             vocab_size * sizeof *whole, "%s: token %d", s.model.config.name, at);
            if (at > back_from && harness_pick(&random, 0, 3) == 0) {
                back_from = at;
                const int most = s.options.n_rewind < at + 1 ? s.options.n_rewind : at + 1;
                at -= harness_pick(&random, 1, most);
                fl_session_truncate(session, at + 1);
            }
        }
        cr_expect(fl_session_fork(session, 0, 0, N_CTX, &error) == FL_OK);
        fl_session_truncate(session, 0);
        cr_expect_eq(fl_session_blocks_free(session), fl_session_n_blocks(session));
        fl_session_close(session);
        free(whole);
        fl_model_close(&s.model);
    }
}

/* Mistral's window of 4096 over 32768 tokens, by hand: in pieces of 512 a query at the beginning of
 * a piece sees 4095 tokens before it, which lie in 256 blocks of 16, and the piece takes 32. */
Test(kv_window, by_hand)
{
    cr_expect_eq(fl_kv_text_blocks(4096, 16, 32768, 512, 32768), 288);
    cr_expect_eq(fl_kv_text_blocks(0, 16, 32768, 512, 32768), 2048);
    cr_expect_eq(fl_kv_text_blocks(4096, 16, 1, 1, 32768), 257);
    cr_expect_eq(fl_kv_text_blocks(4096, 16, 100, 512, 200), 13);
    cr_expect_eq(fl_kv_window_blocks(4096, 16, 1), 257);
    cr_expect_eq(fl_kv_window_blocks(1, 16, 1), 1);
}

/* A place that the window has left cannot be gone back to. */
Test(kv_window, what_was_let_go_cannot_be_shared)
{
    struct specimen s;
    struct fl_error error;
    specimen_open(&s, 3);
    s.model.config.sliding_window = 4;
    s.n_prompt = s.n_piece = 1;
    s.options.n_seqs = 2;
    s.options.block_tokens = 2;
    s.options.slides = true;
    struct fl_session *session = harness_session(&s.model, &s.options);
    for (int i = 0; i < 12; i++)
        cr_assert(fl_session_run(session, &(struct fl_span){0, 1}, 1, s.ids + i, FL_LOGITS_LAST,
                                 &error) == FL_OK,
                  "%s", error.text);
    cr_expect(fl_session_fork(session, 1, 0, 5, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "sliding window"), "%s", error.text);
    cr_expect(fl_session_fork(session, 1, 0, 12, &error) == FL_OK, "%s", error.text);
    cr_expect(fl_session_fork(session, 1, 0, 0, &error) == FL_OK, "%s", error.text);
    fl_session_close(session);
    fl_model_close(&s.model);
}
