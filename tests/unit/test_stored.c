/* Formats of stored weights in the ledger: the closed forms against what the operators say they
 * executed, integer for integer, for every format and for files that mix them. */
#include "engine/session.h"
#include "engine_harness.h"
#include "ledger/analytic.h"
#include "model/presets.h"
#include "model/weight_layout.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* Rows of 256 and 512; `odd` makes them of 72 and 100, which only float formats hold. */
static struct fl_config config_of(bool gpt2, bool odd)
{
    struct fl_config config = fl_preset_find(gpt2 ? "gpt2-nano" : "llama-nano")->config;
    config.d_model = odd ? 72 : 256;
    config.d_ff = odd ? 100 : 512;
    config.n_heads = 4;
    config.n_kv_heads = gpt2 ? 4 : 2;
    config.head_dim = config.d_model / 4;
    config.n_layers = 3;
    config.vocab_size = 70;
    config.n_ctx_max = 32;
    return config;
}

static void expect_equal(const char *where, enum fl_operator op, const char *what, fl_wide exact,
                         uint64_t counted)
{
    cr_expect(exact == (fl_wide)counted, "%s: %s: %s: exact %lld, counted %llu", where,
              fl_operator_name(op), what, (long long)exact, (unsigned long long)counted);
}

static void compare(const char *where, const struct fl_ledger *ledger,
                    const struct fl_analytic *analytic)
{
    for (int layer = 0; layer <= ledger->n_layers; layer++)
        for (int i = 0; i < FL_N_OPERATORS; i++) {
            const enum fl_operator op = (enum fl_operator)i;
            const struct fl_op_analytic *exact = &analytic->ops[FL_STACK_DECODER][op];
            const bool here = fl_operator_is_global(op) == (layer == fl_ledger_global(ledger));
            if (!here || !exact->present)
                continue;
            const struct fl_cost *counted = &fl_ledger_entry(ledger, layer, op)->counted;
            expect_equal(where, op, "FLOPs", exact->exact, fl_cost_flops(*counted));
            expect_equal(where, op, "bytes read",
                         fl_analytic_layer_bytes_read(analytic, FL_STACK_DECODER, op, layer),
                         counted->bytes_read);
            expect_equal(where, op, "bytes written", exact->bytes_written, counted->bytes_written);
        }
    const struct fl_ledger_entry total = fl_ledger_total(ledger);
    expect_equal(where, FL_OP_EMBED, "all bytes read", analytic->total.bytes_read,
                 total.counted.bytes_read);
}

static void check_run(const struct fl_model *model, const char *where, int n_tokens)
{
    static const int TOKENS[32];
    struct fl_error error;
    struct fl_stored stored;
    struct fl_analytic analytic;
    struct fl_session *session =
        harness_session(model, &(struct fl_session_options){.n_seqs = 1,
                                                            .n_ctx = 32,
                                                            .attention = FL_ATTENTION_CAUSAL,
                                                            .logits = FL_LOGITS_LAST,
                                                            .n_threads = 1});
    cr_assert_eq(fl_session_assume_past(session, 3, &error), FL_OK);
    fl_ledger_reset(fl_session_ledger(session));
    cr_assert_eq(fl_session_forward(session, TOKENS, n_tokens, FL_LOGITS_LAST, &error), FL_OK);
    fl_stored_of_model(&stored, model);
    cr_expect_eq(stored.bytes, model->weight_bytes, "%s", where);
    const struct fl_shape shape = {
        .batch = 1, .n_tokens = n_tokens, .n_past = 3, .stored = &stored};
    const struct fl_convention convention = {FL_UNIT_FLOP, FL_CAUSAL_EXACT, FL_LM_HEAD_LAST, true,
                                             false};
    cr_assert_eq(fl_analytic(&analytic, &model->config, &shape, &convention, &error), FL_OK);
    cr_expect(analytic.weights_bytes == (fl_wide)model->weight_bytes, "%s", where);
    compare(where, fl_session_ledger(session), &analytic);
    fl_session_close(session);
}

Test(stored, exact_equals_counted_in_every_format)
{
    for (int dtype = 0; dtype < FL_N_DTYPES; dtype++)
        for (int variant = 0; variant < 4; variant++) {
            const struct fl_config config = config_of(variant & 1, variant & 2);
            struct fl_model model;
            struct fl_error error;
            struct fl_stored stored;
            char where[256];
            snprintf(where, sizeof where, "%s, d_model %d, %s", config.name, config.d_model,
                     fl_dtype_names[dtype]);
            cr_assert(fl_model_random_as(&model, &config, (enum fl_dtype)dtype, 1, &error) == FL_OK,
                      "%s", error.text);
            cr_expect_eq(model.layers[0].q.dtype,
                         fl_dtype_fit((enum fl_dtype)dtype, (uint64_t)config.d_model));
            check_run(&model, where, 1);
            check_run(&model, where, 9);
            /* without a model: the same sizes */
            cr_assert_eq(fl_stored_of_config(&stored, &config, (enum fl_dtype)dtype, &error),
                         FL_OK);
            cr_expect_eq(stored.bytes, model.weight_bytes, "%s", where);
            fl_model_close(&model);
        }
}

/* What Q4_K_M does: attn_v and ffn_down of some layers in q6_k; vectors as they are. */
Test(stored, layers_of_different_formats_sum_to_the_integer)
{
    const struct fl_config config = config_of(false, false);
    struct fl_model model;
    struct fl_error error;
    struct fl_stored stored;
    cr_assert_eq(fl_model_random_as(&model, &config, FL_Q4_K, 1, &error), FL_OK);
    struct fl_linear *matrices[] = {&model.layers[0].v, &model.layers[0].ffn_down,
                                    &model.layers[2].ffn_down};
    void *copies[3];
    for (int i = 0; i < 3; i++) {
        const uint64_t n = (uint64_t)matrices[i]->n_out * (uint64_t)matrices[i]->n_in;
        copies[i] = calloc(1, fl_dtype_bytes(FL_Q6_K, n));
        cr_assert_not_null(copies[i]);
        model.weight_bytes += fl_dtype_bytes(FL_Q6_K, n) - fl_dtype_bytes(FL_Q4_K, n);
        matrices[i]->weight = copies[i];
        matrices[i]->dtype = FL_Q6_K;
    }
    check_run(&model, "mixture", 1);
    check_run(&model, "mixture", 9);

    fl_stored_of_model(&stored, &model);
    cr_expect_str_eq(stored.name, "q4_k+q6_k");
    const struct fl_rational down = fl_stored_width(&stored, FL_STACK_DECODER, FL_OP_FFN_DOWN);
    cr_expect(down.num == (144 + 2 * 210) / 12 && down.den == 3 * 256 / 12);
    const struct fl_rational plain =
        fl_stored_layer_width(&stored, FL_STACK_DECODER, FL_OP_FFN_DOWN, 1);
    cr_expect(plain.num == 9 && plain.den == 16);
    for (int i = 0; i < 3; i++)
        free(copies[i]);
    fl_model_close(&model);
}

/* The closed form of a generation and its steps agree on a mixture's bytes too. */
Test(stored, generation_equals_its_steps)
{
    const struct fl_config config = config_of(true, false);
    struct fl_error error;
    struct fl_stored stored;
    cr_assert_eq(fl_stored_of_config(&stored, &config, FL_Q6_K, &error), FL_OK);
    const struct fl_generation generation = {
        .batch = 2, .n_prompt = 5, .n_gen = 9, .cache = true, .stored = &stored};
    const struct fl_convention convention = {FL_UNIT_FLOP, FL_CAUSAL_EXACT, FL_LM_HEAD_LAST, true,
                                             false};
    struct fl_analytic closed[2], steps[2];
    cr_assert_eq(fl_analytic_generation(closed, &config, &generation, &convention, &error), FL_OK);
    cr_assert_eq(fl_analytic_generation_steps(steps, &config, &generation, &convention, &error),
                 FL_OK);
    cr_expect(closed[1].total.bytes_read == steps[1].total.bytes_read);
    cr_expect(closed[1].total.bytes_read > 0);
}

/* Every matrix and vector of every preset is a slot, so that sizes come out without weights. */
Test(stored, presets_have_the_bytes_of_their_parameters)
{
    int n;
    const struct fl_preset *presets = fl_presets(&n);
    for (int i = 0; i < n; i++) {
        struct fl_stored stored;
        struct fl_error error;
        const struct fl_config *config = &presets[i].config;
        cr_assert(fl_stored_of_config(&stored, config, FL_F32, &error) == FL_OK, "%s", error.text);
        cr_expect_eq(stored.bytes, 4 * fl_config_n_params(config), "%s", config->name);
        cr_expect_str_eq(stored.name, "f32");
    }
}
