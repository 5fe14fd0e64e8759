#include "analyzers/reconcile.h"
#include "ledger/analytic.h"
#include "ledger/formulas.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct fl_convention FULL = {FL_UNIT_FLOP, FL_CAUSAL_FULL, FL_LM_HEAD_ALL, false,
                                          false};

static struct fl_config preset(const char *name)
{
    const struct fl_preset *found = fl_preset_find(name);
    cr_assert_not_null(found, "preset %s", name);
    return found->config;
}

static bool same(fl_wide a, fl_wide b)
{
    return a == b;
}

/* 24bsh^2 + 4bs^2h per layer and 2bshV, written out by hand. */
Test(analytic, classic_prefill_is_the_course_formula)
{
    struct fl_config config = preset("gpt2-small");
    struct fl_error error;
    for (int64_t b = 1; b <= 4; b *= 4)
        for (int64_t s = 1; s <= 1024; s *= 4) {
            struct fl_shape shape = {.batch = b, .n_tokens = s};
            struct fl_analytic analytic;
            cr_assert_eq(fl_analytic(&analytic, &config, &shape, &FULL, &error), FL_OK);
            int64_t h = 768, V = 50257;
            int64_t expected = 12 * (24 * b * s * h * h + 4 * b * s * s * h) + 2 * b * s * h * V;
            cr_expect(same(analytic.total.textbook, expected));
            cr_expect(same(analytic.total.exact, expected));
        }
}

/* decode of token t: 24bh^2 + 4bth a layer */
Test(analytic, cached_decode_is_the_course_formula)
{
    struct fl_config config = preset("gpt2-small");
    struct fl_shape shape = {.batch = 2, .n_tokens = 1, .n_past = 511};
    struct fl_analytic analytic;
    struct fl_error error;
    cr_assert_eq(fl_analytic(&analytic, &config, &shape, &FULL, &error), FL_OK);
    int64_t b = 2, t = 512, h = 768, V = 50257;
    cr_expect(same(analytic.total.exact, 12 * (24 * b * h * h + 4 * b * t * h) + 2 * b * h * V));
}

/* The textbook column and the pieces under the textbook's environment are the same formulas,
 * operator by operator: otherwise the gap would hide a difference without a name. */
Test(analytic, textbook_environment_gives_the_textbook)
{
    int n;
    const struct fl_preset *presets = fl_presets(&n);
    struct fl_error error;
    for (int i = 0; i < n; i++)
        for (int decode = 0; decode < 2; decode++) {
            struct fl_shape shape = {.batch = 3,
                                     .n_tokens = decode ? 1 : 40,
                                     .n_past = decode ? 77 : 0,
                                     .n_encoder_tokens = 24};
            struct fl_environment env;
            cr_assert_eq(fl_environment_init(&env, &presets[i].config, &shape, &FULL,
                                             FL_STACK_DECODER, &error),
                         FL_OK, "%s", error.text);
            fl_environment_textbook(&env);
            for (int op = 0; op < FL_N_OPERATORS; op++) {
                struct fl_rational pieces, textbook;
                cr_assert_eq(fl_formula_flops(&env, (enum fl_operator)op, &pieces, &error), FL_OK);
                cr_assert_eq(
                    fl_formula_textbook_flops(&env, (enum fl_operator)op, &textbook, &error),
                    FL_OK);
                cr_expect(pieces.num == textbook.num && pieces.den == textbook.den, "%s %s",
                          presets[i].config.name, fl_operator_name((enum fl_operator)op));
            }
        }
}

Test(analytic, gap_terms_add_up_to_the_last_flop)
{
    int n, n_points = 0;
    const struct fl_preset *presets = fl_presets(&n);
    struct fl_error error;
    for (int i = 0; i < n; i++)
        for (int causal = 0; causal < 3; causal++)
            for (int lm_head = 0; lm_head < 3; lm_head++)
                for (int elementwise = 0; elementwise < 2; elementwise++)
                    for (int64_t past = 0; past <= 6000; past += 3000) {
                        struct fl_convention convention = {FL_UNIT_FLOP, (enum fl_causal)causal,
                                                           (enum fl_lm_head)lm_head,
                                                           elementwise == 1, false};
                        struct fl_shape shape = {.batch = 2,
                                                 .n_tokens = past ? 1 : 5000,
                                                 .n_past = past,
                                                 .n_encoder_tokens = 100};
                        struct fl_gap gap;
                        cr_assert_eq(
                            fl_reconcile(&gap, &presets[i].config, &shape, &convention, &error),
                            FL_OK, "%s", error.text);
                        cr_expect(same(gap.unnamed, 0), "%s", presets[i].config.name);
                        n_points++;
                    }
    cr_expect_gt(n_points, 500);
}

static fl_wide term(const struct fl_gap *gap, const char *name)
{
    for (int i = 0; i < gap->n_terms; i++)
        if (strcmp(gap->terms[i].term, name) == 0)
            return gap->terms[i].flops;
    return 0;
}

/* The named differences of a Llama block, by hand. */
Test(analytic, gap_names_the_differences)
{
    struct fl_config config = preset("llama-3-8b");
    struct fl_convention convention = {FL_UNIT_FLOP, FL_CAUSAL_EXACT, FL_LM_HEAD_LAST, true, false};
    struct fl_shape shape = {.batch = 1, .n_tokens = 100};
    struct fl_gap gap;
    struct fl_error error;
    cr_assert_eq(fl_reconcile(&gap, &config, &shape, &convention, &error), FL_OK);
    int64_t s = 100, h = 4096, f = 14336, V = 128256, L = 32;
    cr_expect(same(term(&gap, "grouped-query attention"), -L * 2 * s * h * 2 * (32 - 8) * 128));
    cr_expect(same(term(&gap, "FFN width (f ≠ 4h)"), L * 2 * 2 * s * h * (f - 4 * h)));
    cr_expect(same(term(&gap, "gated FFN"), L * 2 * s * h * f));
    cr_expect(same(term(&gap, "causal mask"), -L * 4 * h * (s * s - s * (s + 1) / 2)));
    cr_expect(same(term(&gap, "logits of fewer positions"), -2 * (s - 1) * h * V));
    cr_expect(same(term(&gap, "bias"), 0));
    cr_expect(same(term(&gap, "elementwise: softmax"), L * 32 * (5 * s * (s + 1) / 2 + s)));
}

/* Brute force over queries and keys. */
Test(analytic, pairs_with_a_sliding_window)
{
    struct fl_config config = preset("mistral-7b");
    struct fl_error error;
    config.sliding_window = 7;
    for (int64_t p = 0; p < 12; p++)
        for (int64_t s = 1; s < 20; s++) {
            int64_t expected = 0;
            for (int64_t i = 0; i < s; i++)
                expected += p + i + 1 < 7 ? p + i + 1 : 7;
            struct fl_shape shape = {.batch = 1, .n_tokens = s, .n_past = p};
            struct fl_convention convention = FULL;
            struct fl_environment env;
            convention.causal = FL_CAUSAL_EXACT;
            cr_assert_eq(
                fl_environment_init(&env, &config, &shape, &convention, FL_STACK_DECODER, &error),
                FL_OK);
            cr_expect(same(env.values[FL_SYMBOL_pairs].num, expected), "p = %d, s = %d", (int)p,
                      (int)s);
        }
}

static void expect_same_analytic(const struct fl_analytic *a, const struct fl_analytic *b,
                                 const char *name)
{
    cr_expect(same(a->total.textbook, b->total.textbook), "%s textbook", name);
    cr_expect(same(a->total.exact, b->total.exact), "%s exact", name);
    cr_expect(same(a->total.bytes_read, b->total.bytes_read), "%s bytes read", name);
    cr_expect(same(a->total.bytes_written, b->total.bytes_written), "%s bytes written", name);
    cr_expect(same(a->kv_cache_bytes, b->kv_cache_bytes), "%s KV cache", name);
}

/* Closed form and step-by-step sum, for every preset, cached and not, through the saturation of
 * windows and experts; an encoder runs once, in the prefill. */
Test(analytic, generation_closed_form_equals_the_steps)
{
    int n, n_points = 0;
    const struct fl_preset *presets = fl_presets(&n);
    struct fl_error error;
    static const int64_t PROMPTS[] = {1, 2, 300}, LENGTHS[] = {1, 2, 3, 4, 50};
    for (int i = 0; i < n; i++) {
        struct fl_config config = presets[i].config;
        if (config.sliding_window > 0)
            config.sliding_window = 20;
        for (int point = 0; point < 3 * 5 * 2 * 2; point++) {
            struct fl_generation generation = {.batch = 1 + point % 2,
                                               .cache = point / 2 % 2 == 0,
                                               .n_encoder_tokens = 37,
                                               .n_prompt = PROMPTS[point / 4 % 3],
                                               .n_gen = LENGTHS[point / 12]};
            struct fl_convention convention = {FL_UNIT_FLOP,
                                               point % 3 ? FL_CAUSAL_EXACT : FL_CAUSAL_FULL,
                                               FL_LM_HEAD_ALL, true, false};
            struct fl_analytic closed[2], steps[2];
            cr_assert_eq(fl_analytic_generation(closed, &config, &generation, &convention, &error),
                         FL_OK, "%s", error.text);
            cr_assert_eq(
                fl_analytic_generation_steps(steps, &config, &generation, &convention, &error),
                FL_OK);
            expect_same_analytic(&closed[0], &steps[0], config.name);
            expect_same_analytic(&closed[1], &steps[1], config.name);
            n_points++;
        }
    }
    cr_expect_gt(n_points, 300);
}

/* Generating N tokens behind a prompt of P, written out: cached steps cost 24bh^2 + 4bth. */
Test(analytic, generation_by_hand)
{
    struct fl_config config = preset("gpt2-small");
    struct fl_generation generation = {.batch = 1, .n_prompt = 10, .n_gen = 5, .cache = true};
    struct fl_convention convention = FULL;
    struct fl_analytic out[2];
    struct fl_error error;
    cr_assert_eq(fl_analytic_generation(out, &config, &generation, &convention, &error), FL_OK);
    int64_t h = 768, V = 50257, cached = 0, uncached = 0;
    for (int64_t t = 11; t < 15; t++) {
        cached += 12 * (24 * h * h + 4 * t * h) + 2 * h * V;
        uncached += 12 * (24 * t * h * h + 4 * t * t * h) + 2 * h * V;
    }
    cr_expect(same(out[1].total.exact, cached));
    generation.cache = false;
    cr_assert_eq(fl_analytic_generation(out, &config, &generation, &convention, &error), FL_OK);
    cr_expect(same(out[1].total.exact, uncached));
}

/* 405 B parameters, a long uncached generation: beyond 64 bits, still exact. */
Test(analytic, generation_beyond_64_bits)
{
    struct fl_config config = preset("llama-3.1-405b");
    struct fl_generation generation = {.batch = 64, .n_prompt = 100000, .n_gen = 30000};
    struct fl_analytic out[2];
    struct fl_error error;
    cr_assert_eq(fl_analytic_generation(out, &config, &generation, &FULL, &error), FL_OK);
    cr_expect(out[1].total.exact > (fl_wide)UINT64_MAX);
}

/* 2 L b t n_kv d_h bytes; an encoder-decoder keeps the encoder's keys and values too. */
Test(analytic, kv_cache_bytes_by_hand)
{
    struct fl_shape shape = {
        .batch = 3, .n_tokens = 1, .n_past = 99, .n_encoder_tokens = 40, .kv_dtype = FL_BF16};
    struct fl_analytic analytic;
    struct fl_error error;
    struct fl_config config = preset("llama-3-8b");
    cr_assert_eq(fl_analytic(&analytic, &config, &shape, &FULL, &error), FL_OK);
    cr_expect(same(analytic.kv_cache_bytes, 2LL * 32 * 3 * 100 * 8 * 128 * 2));
    config = preset("t5-small");
    cr_assert_eq(fl_analytic(&analytic, &config, &shape, &FULL, &error), FL_OK);
    cr_expect(same(analytic.kv_cache_bytes, 2LL * 6 * 3 * (100 + 40) * 8 * 64 * 2));
}

Test(analytic, refuses_nonsense_shapes)
{
    struct fl_config config = preset("gpt2-small");
    struct fl_analytic analytic;
    struct fl_error error;
    const struct fl_shape wrong[] = {
        {.batch = 0, .n_tokens = 1},
        {.batch = 1, .n_tokens = 0},
        {.batch = 1, .n_tokens = 1, .n_past = -1},
        {.batch = 1, .n_tokens = INT64_MAX},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        error.text[0] = '\0';
        cr_expect_eq(fl_analytic(&analytic, &config, &wrong[i], &FULL, &error), FL_FAILED);
        cr_expect_neq(error.text[0], '\0');
    }
}

/* Sequences that differ, against each alone: what a sequence costs adds up, what all share (the
 * weights) is read once. */
Test(analytic, unequal_sequences_add_up)
{
    static const struct fl_shape_span SPANS[] = {{1, 30}, {17, 0}, {5, 9}};
    struct fl_config config = preset("llama-160m");
    struct fl_error error;
    for (int causal = FL_CAUSAL_FULL; causal <= FL_CAUSAL_EXACT; causal += 2)
        for (int window = 0; window <= 12; window += 12) {
            struct fl_convention convention = FULL;
            struct fl_analytic all, one;
            fl_wide exact = 0, textbook = 0, softmax_read = 0, written = 0;
            convention.causal = (enum fl_causal)causal;
            config.sliding_window = window;
            for (int i = 0; i < 3; i++) {
                struct fl_shape shape = {
                    .batch = 1, .n_tokens = SPANS[i].n_tokens, .n_past = SPANS[i].n_past};
                cr_assert_eq(fl_analytic(&one, &config, &shape, &convention, &error), FL_OK);
                exact += one.total.exact;
                textbook += one.total.textbook;
                written += one.total.bytes_written;
                softmax_read += one.ops[FL_STACK_DECODER][FL_OP_SOFTMAX].bytes_read;
            }
            struct fl_shape shape = {.spans = SPANS, .n_spans = 3};
            cr_assert_eq(fl_analytic(&all, &config, &shape, &convention, &error), FL_OK, "%s",
                         error.text);
            cr_expect(same(all.total.exact, exact));
            cr_expect(same(all.total.textbook, textbook));
            cr_expect(same(all.total.bytes_written, written));
            cr_expect(same(all.ops[FL_STACK_DECODER][FL_OP_SOFTMAX].bytes_read, softmax_read));
        }
}

/* Equal spans are a batch. */
Test(analytic, equal_spans_are_a_batch)
{
    static const struct fl_shape_span SPANS[] = {{6, 11}, {6, 11}};
    struct fl_config config = preset("gpt2-small");
    struct fl_error error;
    struct fl_analytic spans, batch;
    const struct fl_shape a = {.spans = SPANS, .n_spans = 2};
    const struct fl_shape b = {.batch = 2, .n_tokens = 6, .n_past = 11};
    cr_assert_eq(fl_analytic(&spans, &config, &a, &FULL, &error), FL_OK);
    cr_assert_eq(fl_analytic(&batch, &config, &b, &FULL, &error), FL_OK);
    expect_same_analytic(&spans, &batch, "two equal spans");
}

/* Brute force over queries: the stretches of keys from the first seen to the last. */
Test(analytic, rescales_of_fused_attention)
{
    struct fl_config config = preset("mistral-7b");
    struct fl_error error;
    for (int window = 0; window <= 300; window += 75)
        for (int64_t p = 0; p < 400; p += 37)
            for (int64_t s = 1; s < 300; s += 23) {
                int64_t expected = 0;
                for (int64_t q = p; q < p + s; q++) {
                    int64_t first = window > 0 && q >= window ? q - window + 1 : 0;
                    expected += q / FL_FUSED_KEYS - first / FL_FUSED_KEYS;
                }
                struct fl_shape shape = {.batch = 1, .n_tokens = s, .n_past = p};
                struct fl_convention convention = FULL;
                struct fl_environment env;
                config.sliding_window = window;
                convention.fused = true;
                cr_assert_eq(fl_environment_init(&env, &config, &shape, &convention,
                                                 FL_STACK_DECODER, &error),
                             FL_OK);
                cr_expect(same(env.values[FL_SYMBOL_rescales].num, expected),
                          "W = %d, p = %d, s = %d", window, (int)p, (int)s);
            }
}
