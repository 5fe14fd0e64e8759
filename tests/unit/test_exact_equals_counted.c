/* The closed forms against what the operators say they executed: integer for integer, for every
 * operator and layer, over models, batches, phases, cache use, attention kernels and logits. */
#include "engine/session.h"
#include "engine_harness.h"
#include "ledger/analytic.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { N_MODELS = 32, N_CTX = 24, N_SEQS_MAX = 4, N_POINTS_MIN = 200 };

struct point {
    const char *phase;
    int n_seqs, n_tokens, n_past;
};

static const struct point POINTS[] = {
    {"prefill", 1, 1, 0},
    {"prefill", 1, 7, 0},
    {"prefill", 3, 16, 0},
    {"prefill in pieces", 1, 5, 8},
    {"prefill in pieces", 2, 2, 19},
    {"decode with the cache", 1, 1, 1},
    {"decode with the cache", 1, 1, 23},
    {"decode with the cache", 4, 1, 12},
    {"decode without the cache", 1, 13, 0},
    {"decode without the cache", 2, 24, 0},
};
enum { N_POINTS = sizeof POINTS / sizeof *POINTS };

/* An attention kernel and what the formulas call it. */
static const struct {
    enum fl_attention attention;
    enum fl_causal causal;
    bool fused;
} KERNELS[] = {
    {FL_ATTENTION_NAIVE, FL_CAUSAL_FULL, false},
    {FL_ATTENTION_CAUSAL, FL_CAUSAL_EXACT, false},
    {FL_ATTENTION_FLASH, FL_CAUSAL_EXACT, true},
};
static const struct {
    enum fl_logits logits;
    enum fl_lm_head lm_head;
} LOGITS[] = {
    {FL_LOGITS_NONE, FL_LM_HEAD_NONE},
    {FL_LOGITS_LAST, FL_LM_HEAD_LAST},
    {FL_LOGITS_ALL, FL_LM_HEAD_ALL},
};

static void expect_equal(const char *where, const char *what, const char *field, fl_wide exact,
                         uint64_t counted)
{
    char text[FL_WIDE_DIGITS];
    cr_expect(exact == (fl_wide)counted, "%s: %s: %s: exact %s, counted %llu", where, what, field,
              fl_wide_text(exact, text), (unsigned long long)counted);
}

static void compare_cost(const char *where, const char *what, const struct fl_op_analytic *exact,
                         const struct fl_cost *counted)
{
    expect_equal(where, what, "flops", exact->exact, fl_cost_flops(*counted));
    expect_equal(where, what, "bytes_read", exact->bytes_read, counted->bytes_read);
    expect_equal(where, what, "bytes_written", exact->bytes_written, counted->bytes_written);
}

/* An operator without any exact work must not have run, and the other way round. */
static void compare_operator(const char *where, const struct fl_ledger *ledger, int layer,
                             enum fl_operator op, const struct fl_op_analytic *analytic)
{
    static const struct fl_op_analytic NOTHING;
    const struct fl_ledger_entry *entry = fl_ledger_entry(ledger, layer, op);
    const struct fl_op_analytic *exact = analytic->present ? analytic : &NOTHING;
    const bool works = exact->exact != 0 || exact->bytes_read != 0 || exact->bytes_written != 0;
    const uint64_t n_calls = !works ? 0 : op == FL_OP_RESIDUAL ? 2 : 1;
    char what[64];
    snprintf(what, sizeof what, "%s, layer %d", fl_operator_name(op), layer);
    cr_expect(entry->n_calls == n_calls, "%s: %s: ran %llu times, not %llu", where, what,
              (unsigned long long)entry->n_calls, (unsigned long long)n_calls);
    compare_cost(where, what, exact, &entry->counted);
}

/* What an operator costs, layer by layer and in all. */
static void compare(const char *where, const struct fl_ledger *ledger,
                    const struct fl_analytic *analytic)
{
    static const struct fl_op_analytic NOTHING;
    for (int layer = 0; layer <= ledger->n_layers; layer++)
        for (int i = 0; i < FL_N_OPERATORS; i++) {
            const enum fl_operator op = (enum fl_operator)i;
            const bool here = fl_operator_is_global(op) == (layer == fl_ledger_global(ledger));
            struct fl_op_analytic cost = NOTHING;
            if (here) {
                cost = analytic->ops[FL_STACK_DECODER][op];
                cost.bytes_read =
                    fl_analytic_layer_bytes_read(analytic, FL_STACK_DECODER, op, layer);
            }
            compare_operator(where, ledger, layer, op, &cost);
        }
    const struct fl_ledger_entry total = fl_ledger_total(ledger);
    compare_cost(where, "total", &analytic->total, &total.counted);
}

/* Runs one point and compares; the session starts from an empty cache. */
static void check_point(struct fl_session *session, const struct fl_model *model,
                        const struct point *point, int kernel, int logits)
{
    char where[256];
    snprintf(where, sizeof where, "%s, %s, b %d, s %d, p %d, %s, logits %s", model->config.name,
             point->phase, point->n_seqs, point->n_tokens, point->n_past,
             fl_attention_name(KERNELS[kernel].attention),
             fl_lm_head_names[LOGITS[logits].lm_head]);
    int tokens[N_SEQS_MAX * N_CTX];
    for (int i = 0; i < N_SEQS_MAX * N_CTX; i++)
        tokens[i] = i * i % model->config.vocab_size;
    struct fl_error error;
    struct fl_ledger *ledger = fl_session_ledger(session);
    fl_session_truncate(session, 0);
    cr_assert(fl_session_assume_past(session, point->n_past, &error) == FL_OK, "%s", error.text);
    fl_ledger_reset(ledger);
    cr_assert(fl_session_forward(session, tokens, point->n_tokens, LOGITS[logits].logits, &error) ==
                  FL_OK,
              "%s", error.text);

    const struct fl_shape shape = {.batch = point->n_seqs,
                                   .n_tokens = point->n_tokens,
                                   .n_past = point->n_past,
                                   .experts_hit = fl_session_experts_hit(session)};
    const struct fl_convention convention = {.unit = FL_UNIT_FLOP,
                                             .causal = KERNELS[kernel].causal,
                                             .lm_head = LOGITS[logits].lm_head,
                                             .elementwise = true,
                                             .fused = KERNELS[kernel].fused};
    struct fl_analytic analytic;
    cr_assert(fl_analytic(&analytic, &model->config, &shape, &convention, &error) == FL_OK, "%s",
              error.text);
    compare(where, ledger, &analytic);
}

Test(exact_equals_counted, operator_by_operator)
{
    int n_points = 0;
    for (uint64_t seed = 0; seed < N_MODELS; seed++) {
        const struct fl_config config = harness_config(seed);
        struct fl_model model;
        struct fl_error error;
        cr_assert(fl_model_random(&model, &config, seed, &error) == FL_OK, "%s", error.text);
        for (int i = 0; i < N_POINTS; i++)
            for (int kernel = 0; kernel < 2; kernel++)
                for (int logits = 0; logits < 3; logits++) {
                    struct fl_session *session = harness_session(
                        &model, &(struct fl_session_options){.n_seqs = POINTS[i].n_seqs,
                                                             .n_ctx = N_CTX,
                                                             .attention = KERNELS[kernel].attention,
                                                             .logits = FL_LOGITS_ALL,
                                                             .n_threads = 1});
                    check_point(session, &model, &POINTS[i], kernel, logits);
                    fl_session_close(session);
                    n_points++;
                }
        fl_model_close(&model);
    }
    cr_assert_geq(n_points, N_POINTS_MIN);
}
