/* exact == counted for encoder-decoders: every operator of every layer of both stacks, as whole
 * numbers, over random models in every format of weights; the prefill with its encoder, cached and
 * uncached decode steps. */
#include "encdec_harness.h"
#include "ledger/analytic.h"
#include "ledger/stored.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { N_MODELS = 512, N_CTX = 24, N_SEQS_MAX = 3 };

/* n_encoder of every sequence; encoded: the step finds it done. */
static const struct point {
    const char *phase;
    int n_seqs, n_encoder, n_tokens, n_past;
    bool encoded;
} POINTS[] = {
    {"encoder and prefill", 1, 9, 1, 0, false},
    {"encoder and prefill", 3, 1, 1, 0, false},
    {"encoder and prefill", 2, 13, 7, 0, false},
    {"cached decode", 1, 9, 1, 1, true},
    {"cached decode", 3, 17, 1, 11, true},
    {"uncached decode", 2, 5, 12, 0, true},
    {"chunk", 2, 6, 4, 5, true},
};
enum { N_POINTS = sizeof POINTS / sizeof *POINTS };

static const struct {
    enum fl_attention attention;
    enum fl_causal causal;
} KERNELS[] = {{FL_ATTENTION_NAIVE, FL_CAUSAL_FULL}, {FL_ATTENTION_CAUSAL, FL_CAUSAL_EXACT}};

static const struct {
    enum fl_logits logits;
    enum fl_lm_head lm_head;
} LOGITS[] = {{FL_LOGITS_NONE, FL_LM_HEAD_NONE},
              {FL_LOGITS_LAST, FL_LM_HEAD_LAST},
              {FL_LOGITS_ALL, FL_LM_HEAD_ALL}};

static void compare(const char *where, const char *what, const struct fl_op_analytic *exact,
                    const struct fl_cost *counted)
{
    cr_expect(exact->exact == (fl_wide)fl_cost_flops(*counted),
              "%s: %s: counted %llu FLOPs, not %lld", where, what,
              (unsigned long long)fl_cost_flops(*counted), (long long)exact->exact);
    cr_expect(exact->bytes_read == (fl_wide)counted->bytes_read,
              "%s: %s: counted %llu bytes read, not %lld", where, what,
              (unsigned long long)counted->bytes_read, (long long)exact->bytes_read);
    cr_expect(exact->bytes_written == (fl_wide)counted->bytes_written,
              "%s: %s: counted %llu bytes written, not %lld", where, what,
              (unsigned long long)counted->bytes_written, (long long)exact->bytes_written);
}

static void compare_stack(const char *where, const struct fl_ledger *ledger,
                          const struct fl_analytic *analytic, enum fl_stack stack, int n_layers)
{
    static const struct fl_op_analytic NOTHING;
    for (int layer = -1; layer < n_layers; layer++)
        for (int i = 0; i < FL_N_OPERATORS; i++) {
            const enum fl_operator op = (enum fl_operator)i;
            const bool here = fl_operator_is_global(op) == (layer < 0);
            const int row = fl_ledger_row(ledger->n_layers, ledger->n_encoder_layers, stack, layer);
            char what[96];
            snprintf(what, sizeof what, "%s layer %d, %s",
                     stack == FL_STACK_ENCODER ? "encoder" : "decoder", layer,
                     fl_operator_name(op));
            compare(where, what,
                    here && analytic->ops[stack][op].present ? &analytic->ops[stack][op] : &NOTHING,
                    &fl_ledger_entry(ledger, row, op)->counted);
        }
}

static void check_point(const struct fl_model *model, const struct point *point, int kernel,
                        int logits)
{
    static const int TOKENS[N_SEQS_MAX * N_CTX];
    const struct fl_config *config = &model->config;
    int lengths[N_SEQS_MAX];
    struct fl_error error;
    char where[256];
    snprintf(where, sizeof where, "%s, %s, b %d, s_e %d, s %d, p %d, %s, logits %s", config->name,
             point->phase, point->n_seqs, point->n_encoder, point->n_tokens, point->n_past,
             fl_attention_name(KERNELS[kernel].attention),
             fl_lm_head_names[LOGITS[logits].lm_head]);
    struct fl_session *session =
        harness_session(model, &(struct fl_session_options){.n_seqs = point->n_seqs,
                                                            .n_ctx = N_CTX,
                                                            .n_encoder_ctx = N_CTX,
                                                            .attention = KERNELS[kernel].attention,
                                                            .logits = FL_LOGITS_ALL,
                                                            .n_threads = 1});
    struct fl_ledger *ledger = fl_session_ledger(session);
    for (int i = 0; i < point->n_seqs; i++)
        lengths[i] = point->n_encoder;
    cr_assert(fl_session_encode(session, TOKENS, lengths, point->n_seqs, &error) == FL_OK, "%s",
              error.text);
    if (point->encoded)
        fl_ledger_reset(ledger);
    cr_assert(fl_session_assume_past(session, point->n_past, &error) == FL_OK, "%s", error.text);
    cr_assert(fl_session_forward(session, TOKENS, point->n_tokens, LOGITS[logits].logits, &error) ==
                  FL_OK,
              "%s", error.text);

    struct fl_stored stored;
    fl_stored_of_model(&stored, model);
    const struct fl_shape shape = {.batch = point->n_seqs,
                                   .n_tokens = point->n_tokens,
                                   .n_past = point->n_past,
                                   .n_encoder_tokens = point->n_encoder,
                                   .stored = &stored,
                                   .encoded = point->encoded};
    const struct fl_convention convention = {.unit = FL_UNIT_FLOP,
                                             .causal = KERNELS[kernel].causal,
                                             .lm_head = LOGITS[logits].lm_head,
                                             .elementwise = true};
    struct fl_analytic analytic;
    cr_assert(fl_analytic(&analytic, config, &shape, &convention, &error) == FL_OK, "%s",
              error.text);
    compare_stack(where, ledger, &analytic, FL_STACK_DECODER, config->n_layers);
    compare_stack(where, ledger, &analytic, FL_STACK_ENCODER, config->n_encoder_layers);
    const struct fl_ledger_entry total = fl_ledger_total(ledger);
    compare(where, "total", &analytic.total, &total.counted);
    fl_session_close(session);
}

Test(encdec_counted, operator_by_operator_in_both_stacks)
{
    for (uint64_t seed = 0; seed < N_MODELS; seed++) {
        const struct fl_config config = encdec_config(seed);
        const enum fl_dtype dtype = (enum fl_dtype)(seed / 3 % FL_N_DTYPES);
        struct fl_model model;
        struct fl_error error;
        cr_assert(fl_model_random_as(&model, &config, dtype, seed, &error) == FL_OK, "%s",
                  error.text);
        for (int i = 0; i < 3; i++)
            check_point(&model, &POINTS[(seed + (uint64_t)i) % N_POINTS],
                        (int)((seed / 2 + (uint64_t)i) % 2), i);
        fl_model_close(&model);
    }
}
