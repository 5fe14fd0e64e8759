/* Sequences of unequal lengths in one pass, over a cache in blocks: each gives what it gives alone,
 * and costs what the formulas say, to the integer. */
#include "engine_harness.h"
#include "ledger/analytic.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEEDS = 512, N_SEQS = 4, N_CTX = 36 };

struct specimen {
    struct fl_model model;
    struct harness_random random;
    int ids[N_SEQS][N_CTX];
};

static void specimen_open(struct specimen *s, uint64_t seed)
{
    struct fl_config config = harness_config(seed);
    struct fl_error error;
    s->random = (struct harness_random){seed ^ 0xba7c4};
    if (seed % 3 == 0 && config.n_encoder_layers == 0)
        config.sliding_window = harness_pick(&s->random, 1, N_CTX);
    cr_assert(fl_model_random(&s->model, &config, seed, &error) == FL_OK, "%s", error.text);
    for (int i = 0; i < N_SEQS * N_CTX; i++)
        s->ids[i / N_CTX][i % N_CTX] = harness_pick(&s->random, 0, config.vocab_size - 1);
}

/* The same sums in another order; see test_engine_properties.c. In a cache of 16 bits a difference
 * in the last place may become one of a whole step of that format. */
static double tolerance(const struct fl_config *config, enum fl_dtype kv_dtype, const float *logits,
                        size_t n)
{
    static const double STEPS[] = {[FL_F32] = 0, [FL_F16] = 0x1p-10, [FL_BF16] = 0x1p-7};
    double largest = 0;
    int widest = config->d_ff > config->d_model ? config->d_ff : config->d_model;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)logits[i]));
    cr_assert(isfinite(largest) && largest > 0.01);
    return (2.0 * widest * (FLT_EPSILON / 2) + STEPS[kv_dtype]) * (8 * config->n_layers + 1) *
           largest;
}

static struct fl_session_options options_for(struct specimen *s, int n_seqs, int block_tokens)
{
    return (struct fl_session_options){
        .n_seqs = n_seqs,
        .n_ctx = N_CTX,
        .block_tokens = block_tokens,
        .attention = (enum fl_attention)harness_pick(&s->random, 0, 2),
        .logits = FL_LOGITS_ALL,
        .kv_dtype = (enum fl_dtype)harness_pick(&s->random, FL_F32, FL_BF16),
        .n_threads = 1,
    };
}

/* A pass's cost, operator by operator, against the formulas for its spans. */
static void check_ledger(struct fl_session *session, const struct fl_model *model,
                         const struct fl_shape_span *spans, int n_spans, int64_t n_copied,
                         const struct fl_session_options *options, enum fl_logits logits)
{
    static const enum fl_lm_head HEADS[] = {FL_LM_HEAD_NONE, FL_LM_HEAD_LAST, FL_LM_HEAD_ALL};
    const struct fl_shape shape = {.spans = spans,
                                   .n_spans = n_spans,
                                   .n_copied = n_copied,
                                   .kv_dtype = options->kv_dtype,
                                   .experts_hit = fl_session_experts_hit(session)};
    const struct fl_convention convention = {
        .causal = options->attention == FL_ATTENTION_NAIVE ? FL_CAUSAL_FULL : FL_CAUSAL_EXACT,
        .lm_head = HEADS[logits],
        .elementwise = true,
        .fused = options->attention == FL_ATTENTION_FLASH};
    struct fl_analytic analytic;
    struct fl_error error;
    cr_assert(fl_analytic(&analytic, &model->config, &shape, &convention, &error) == FL_OK, "%s",
              error.text);
    const struct fl_ledger *ledger = fl_session_ledger(session);
    for (int layer = 0; layer <= ledger->n_layers; layer++)
        for (int i = 0; i < FL_N_OPERATORS; i++) {
            const enum fl_operator op = (enum fl_operator)i;
            const struct fl_cost cost = fl_ledger_entry(ledger, layer, op)->counted;
            const struct fl_op_analytic *exact = &analytic.ops[FL_STACK_DECODER][op];
            if (fl_operator_is_global(op) != (layer == ledger->n_layers) || !exact->present)
                continue;
            const fl_wide bytes_read =
                fl_analytic_layer_bytes_read(&analytic, FL_STACK_DECODER, op, layer);
            cr_assert(exact->exact == (fl_wide)fl_cost_flops(cost) &&
                          bytes_read == (fl_wide)cost.bytes_read &&
                          exact->bytes_written == (fl_wide)cost.bytes_written,
                      "%s: %s of layer %d: exact %lld, %lld, %lld, counted %lld, %lld, %lld",
                      model->config.name, fl_operator_name(op), layer, (long long)exact->exact,
                      (long long)bytes_read, (long long)exact->bytes_written,
                      (long long)fl_cost_flops(cost), (long long)cost.bytes_read,
                      (long long)cost.bytes_written);
        }
}

/* Random spans of random sequences, pass after pass; all logits against each sequence alone. */
Test(session_spans, unequal_sequences_give_what_each_gives_alone)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen s;
        specimen_open(&s, seed);
        const size_t vocab_size = (size_t)s.model.config.vocab_size;
        float *alone[N_SEQS];
        struct fl_session_options options = options_for(&s, 1, 0);
        struct fl_session *single = harness_session(&s.model, &options);
        for (int i = 0; i < N_SEQS; i++)
            alone[i] = harness_logits(single, &s.model, s.ids[i], N_CTX, N_CTX);
        fl_session_close(single);

        options.n_seqs = N_SEQS;
        options.block_tokens = harness_pick(&s.random, 1, N_CTX);
        struct fl_session *session = harness_session(&s.model, &options);
        for (int pass = 0; pass < 12; pass++) {
            struct fl_span spans[N_SEQS];
            struct fl_shape_span shapes[N_SEQS];
            int tokens[N_SEQS * N_CTX], n_tokens = 0, n_spans = 0;
            for (int i = 0; i < N_SEQS; i++) {
                const int seq = (i * 3 + pass) % N_SEQS,
                          left = N_CTX - fl_session_length(session, seq);
                const int most = left < 9 ? left : 9;
                const int n = harness_pick(&s.random, 0, most);
                if (n == 0)
                    continue;
                shapes[n_spans] = (struct fl_shape_span){n, fl_session_length(session, seq)};
                spans[n_spans++] = (struct fl_span){seq, n};
                memcpy(tokens + n_tokens, s.ids[seq] + fl_session_length(session, seq),
                       (size_t)n * sizeof *tokens);
                n_tokens += n;
            }
            if (n_spans == 0)
                continue;
            struct fl_error error;
            const bool last = pass % 3 == 2;
            fl_ledger_reset(fl_session_ledger(session));
            cr_assert(fl_session_run(session, spans, n_spans, tokens,
                                     last ? FL_LOGITS_LAST : FL_LOGITS_ALL, &error) == FL_OK,
                      "%s", error.text);
            check_ledger(session, &s.model, shapes, n_spans, 0, &options,
                         last ? FL_LOGITS_LAST : FL_LOGITS_ALL);
            const float *got = fl_session_logits(session);
            for (int i = 0; i < n_spans; i++) {
                const int skip = last ? (int)shapes[i].n_tokens - 1 : 0;
                const size_t n = (size_t)(shapes[i].n_tokens - skip) * vocab_size;
                const float *want =
                    alone[spans[i].seq] + (size_t)(shapes[i].n_past + skip) * vocab_size;
                cr_assert_leq(harness_distance(got, want, n),
                              tolerance(&s.model.config, options.kv_dtype, want, n),
                              "%s: pass %d, span %d", s.model.config.name, pass, i);
                got += n;
            }
        }
        fl_session_close(session);
        for (int i = 0; i < N_SEQS; i++)
            free(alone[i]);
        fl_model_close(&s.model);
    }
}

static void run_one(struct fl_session *session, int seq, const int *ids, int n)
{
    struct fl_error error;
    cr_assert(fl_session_run(session, &(struct fl_span){seq, n}, 1, ids, FL_LOGITS_ALL, &error) ==
                  FL_OK,
              "%s", error.text);
}

/* A fork goes on as if it had run the tokens itself, and leaves the other as it was. */
Test(session_spans, forks_share_and_part)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen s;
        struct fl_error error;
        specimen_open(&s, seed);
        const size_t vocab_size = (size_t)s.model.config.vocab_size;
        const int block_tokens = harness_pick(&s.random, 1, N_CTX), n = 17, keep = 11;
        struct fl_session_options options = options_for(&s, 2, block_tokens);
        struct fl_session *session = harness_session(&s.model, &options);
        run_one(session, 0, s.ids[0], n);
        const int n_free = fl_session_blocks_free(session);
        cr_assert(fl_session_fork(session, 1, 0, keep, &error) == FL_OK);
        cr_assert_eq(fl_session_blocks_free(session), n_free, "a fork takes no blocks");

        int other[N_CTX];
        memcpy(other, s.ids[0], sizeof other);
        memcpy(other + keep, s.ids[1], (size_t)(N_CTX - keep) * sizeof *other);
        fl_ledger_reset(fl_session_ledger(session));
        run_one(session, 1, other + keep, N_CTX - keep);
        check_ledger(session, &s.model, &(struct fl_shape_span){N_CTX - keep, keep}, 1,
                     keep % block_tokens, &options, FL_LOGITS_ALL);
        float *forked = malloc((size_t)(N_CTX - keep) * vocab_size * sizeof *forked);
        cr_assert_not_null(forked);
        memcpy(forked, fl_session_logits(session),
               (size_t)(N_CTX - keep) * vocab_size * sizeof *forked);
        run_one(session, 0, s.ids[0] + n, N_CTX - n);
        float *first = malloc((size_t)(N_CTX - n) * vocab_size * sizeof *first);
        cr_assert_not_null(first);
        memcpy(first, fl_session_logits(session), (size_t)(N_CTX - n) * vocab_size * sizeof *first);
        fl_session_close(session);

        options.n_seqs = 1;
        options.block_tokens = 0;
        session = harness_session(&s.model, &options);
        float *want = harness_logits(session, &s.model, other, N_CTX, N_CTX);
        size_t size = (size_t)(N_CTX - keep) * vocab_size;
        cr_expect_leq(harness_distance(forked, want + (size_t)keep * vocab_size, size),
                      tolerance(&s.model.config, options.kv_dtype, want, size), "%s: the fork",
                      s.model.config.name);
        free(want);
        want = harness_logits(session, &s.model, s.ids[0], N_CTX, N_CTX);
        size = (size_t)(N_CTX - n) * vocab_size;
        cr_expect_leq(harness_distance(first, want + (size_t)n * vocab_size, size),
                      tolerance(&s.model.config, options.kv_dtype, want, size),
                      "%s: the one forked from", s.model.config.name);
        free(want);
        free(first);
        free(forked);
        fl_session_close(session);
        fl_model_close(&s.model);
    }
}

static void expect_refused(struct fl_session *session, const struct fl_span *spans, int n_spans,
                           const int *tokens, const char *part)
{
    struct fl_error error = {.text = ""};
    cr_expect(fl_session_run(session, spans, n_spans, tokens, FL_LOGITS_LAST, &error) == FL_FAILED);
    cr_expect(strstr(error.text, part), "'%s' should say '%s'", error.text, part);
    cr_expect_eq(fl_session_length(session, 0), 0, "the cache is as it was");
    cr_expect_eq(fl_session_blocks_free(session), fl_session_n_blocks(session));
}

Test(session_spans, nonsense_is_refused_and_changes_nothing)
{
    struct specimen s;
    specimen_open(&s, 1);
    const struct fl_session_options options = {.n_seqs = 3,
                                               .n_ctx = N_CTX,
                                               .n_rows_max = 50,
                                               .block_tokens = 8,
                                               .n_blocks = 6,
                                               .logits = FL_LOGITS_LAST,
                                               .n_threads = 1};
    struct fl_session *session = harness_session(&s.model, &options);
    int tokens[N_SEQS * N_CTX] = {0};
    expect_refused(session, (struct fl_span[]){{3, 1}}, 1, tokens, "seq: expected 0 .. 2, got 3");
    expect_refused(session, (struct fl_span[]){{-1, 1}}, 1, tokens, "seq: expected 0 .. 2");
    expect_refused(session, (struct fl_span[]){{0, 0}}, 1, tokens, "n_tokens: expected 1 .. 36");
    expect_refused(session, (struct fl_span[]){{0, 37}}, 1, tokens, "n_tokens: expected 1 .. 36");
    expect_refused(session, (struct fl_span[]){{0, 1}, {0, 1}}, 2, tokens, "sequence 0 has tokens");
    expect_refused(session, (struct fl_span[]){{0, 1}}, 0, tokens, "n_spans: expected 1 .. 3");
    expect_refused(session, (struct fl_span[]){{0, 26}, {1, 25}}, 2, tokens,
                   "at most 50 new tokens in all, got 51");
    expect_refused(session, (struct fl_span[]){{0, 25}, {1, 17}}, 2, tokens,
                   "6 blocks of 8 tokens free, 7 would be taken");
    tokens[3] = 1 << 20;
    expect_refused(session, (struct fl_span[]){{0, 4}}, 1, tokens, "token 3: expected an id of");
    struct fl_error error;
    cr_expect(fl_session_fork(session, 0, 1, 1, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "n_past: expected 0 .. 0"), "%s", error.text);
    fl_session_close(session);
    fl_model_close(&s.model);
}

/* The cache is as large as its blocks, to the byte. */
Test(session_spans, cache_bytes_are_those_of_the_blocks)
{
    struct specimen s;
    specimen_open(&s, 2);
    const struct fl_config *config = &s.model.config;
    const struct fl_session_options options = {
        .n_seqs = 3, .n_ctx = 33, .block_tokens = 16, .n_blocks = 7, .n_threads = 1};
    struct fl_session *session = harness_session(&s.model, &options);
    const uint64_t block = 2u * 16 * sizeof(float) * (uint64_t)config->n_layers *
                           (uint64_t)config->n_kv_heads * (uint64_t)config->head_dim;
    cr_expect_eq(fl_session_block_bytes(session), block);
    cr_expect_eq(fl_session_kv_cache_bytes(session), 7 * block);
    fl_session_close(session);
    fl_model_close(&s.model);
}
