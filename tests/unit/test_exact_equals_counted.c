/* The closed forms against what the operators say they executed: integer for integer, for every
 * operator and layer, over models, batches, phases, windows, cache use, attention kernels, logits,
 * and formats of weights and cache. */
#include "engine/session.h"
#include "engine_harness.h"
#include "ledger/analytic.h"
#include "ledger/stored.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { N_MODELS = 512, N_TABLE_MODELS = 16, N_CTX = 24, N_SEQS_MAX = 4 };

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
enum { N_KERNELS = sizeof KERNELS / sizeof *KERNELS };
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

/* A random model: every other one stores matrices in a format of 16 bits or fewer, at widths that
 * are whole blocks of it for some and not for others; every third one has a window. */
static void open_specimen(struct fl_model *model, uint64_t seed)
{
    static const int WIDTHS[] = {32, 64, 96, 256};
    struct harness_random random = {seed ^ 0xc057};
    struct fl_config config = harness_config(seed);
    struct fl_error error;
    const enum fl_dtype dtype =
        seed / 8 % 2 ? (enum fl_dtype)harness_pick(&random, FL_F16, FL_Q6_K) : FL_F32;
    if (dtype >= FL_Q8_0) {
        config.d_model = WIDTHS[harness_pick(&random, 0, 3)];
        config.d_ff = config.gated ? WIDTHS[harness_pick(&random, 0, 3)] : 4 * config.d_model;
    }
    if (seed % 3 == 0)
        config.sliding_window = harness_pick(&random, 1, N_CTX);
    cr_assert(fl_model_random_as(model, &config, dtype, seed, &error) == FL_OK, "%s", error.text);
}

/* A point of the table, or one of any shape within the context. */
static struct point draw_point(struct harness_random *random)
{
    const int i = harness_pick(random, 0, 2 * N_POINTS - 1);
    if (i < N_POINTS)
        return POINTS[i];
    struct point point = {.phase = "any", .n_seqs = harness_pick(random, 1, N_SEQS_MAX)};
    point.n_tokens = harness_pick(random, 1, N_CTX);
    point.n_past = harness_pick(random, 0, N_CTX - point.n_tokens);
    return point;
}

/* Runs one point and compares, over a cache of this format. */
static void check_point(const struct fl_model *model, const struct point *point, int kernel,
                        int logits, enum fl_dtype kv_dtype)
{
    char where[256];
    snprintf(where, sizeof where, "%s, %s, b %d, s %d, p %d, window %d, %s, %s, KV %s, logits %s",
             model->config.name, point->phase, point->n_seqs, point->n_tokens, point->n_past,
             model->config.sliding_window, fl_dtype_names[model->layers[0].ffn_down.dtype],
             fl_attention_name(KERNELS[kernel].attention), fl_dtype_names[kv_dtype],
             fl_lm_head_names[LOGITS[logits].lm_head]);
    int tokens[N_SEQS_MAX * N_CTX];
    for (int i = 0; i < N_SEQS_MAX * N_CTX; i++)
        tokens[i] = i * i % model->config.vocab_size;
    struct fl_error error;
    struct fl_session *session =
        harness_session(model, &(struct fl_session_options){.n_seqs = point->n_seqs,
                                                            .n_ctx = N_CTX,
                                                            .attention = KERNELS[kernel].attention,
                                                            .kv_dtype = kv_dtype,
                                                            .logits = FL_LOGITS_ALL,
                                                            .n_threads = 1});
    struct fl_ledger *ledger = fl_session_ledger(session);
    cr_assert(fl_session_assume_past(session, point->n_past, &error) == FL_OK, "%s", error.text);
    cr_assert(fl_session_forward(session, tokens, point->n_tokens, LOGITS[logits].logits, &error) ==
                  FL_OK,
              "%s", error.text);

    struct fl_stored stored;
    fl_stored_of_model(&stored, model);
    const struct fl_shape shape = {.batch = point->n_seqs,
                                   .n_tokens = point->n_tokens,
                                   .n_past = point->n_past,
                                   .stored = &stored,
                                   .kv_dtype = kv_dtype,
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
    fl_session_close(session);
}

/* Every model under every kernel; phases, logits and formats of the cache are drawn. */
Test(exact_equals_counted, operator_by_operator)
{
    for (uint64_t seed = 0; seed < N_MODELS; seed++) {
        struct harness_random random = {seed};
        struct fl_model model;
        open_specimen(&model, seed);
        for (int kernel = 0; kernel < N_KERNELS; kernel++)
            for (int i = 0; i < 3; i++) {
                const struct point point = draw_point(&random);
                check_point(&model, &point, kernel, i,
                            (enum fl_dtype)harness_pick(&random, FL_F32, FL_BF16));
            }
        fl_model_close(&model);
    }
}

/* The table's points, each with all that can be asked for. */
Test(exact_equals_counted, every_phase_with_all_logits)
{
    for (uint64_t seed = 0; seed < N_TABLE_MODELS; seed++) {
        struct fl_model model;
        open_specimen(&model, seed);
        for (int i = 0; i < N_POINTS; i++)
            for (int kernel = 0; kernel < N_KERNELS; kernel++)
                for (int logits = 0; logits < 3; logits++)
                    check_point(&model, &POINTS[i], kernel, logits, FL_F32);
        fl_model_close(&model);
    }
}
