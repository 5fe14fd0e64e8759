/* The decoding loop with a draft model, and with prompts in pieces: the same tokens as without. */
#include "engine/generation.h"
#include "engine/pass_cost.h"
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { N_PROMPT = 13, N_NEW = 16, N_SEEDS = 512 };

struct specimen {
    struct fl_model model, draft;
    struct harness_random random;
    int ids[N_PROMPT], eos;
};

static void specimen_open(struct specimen *s, uint64_t seed)
{
    struct fl_config config = harness_config(seed);
    struct fl_config small = harness_config(seed % 2 ? seed : seed + 5);
    struct fl_error error;
    small.vocab_size = config.vocab_size;
    if (seed % 5 < 2) /* of either: what was proposed in vain is taken back, too */
        config.sliding_window = 1 + (int)(seed / 5 % 20);
    if (seed % 5 % 2 == 1)
        small.sliding_window = 1 + (int)(seed / 7 % 20);
    cr_assert(fl_model_random(&s->model, &config, seed, &error) == FL_OK, "%s", error.text);
    cr_assert(fl_model_random(&s->draft, &small, seed, &error) == FL_OK, "%s", error.text);
    s->random = (struct harness_random){seed ^ 0x9e6};
    for (int i = 0; i < N_PROMPT; i++)
        s->ids[i] = harness_pick(&s->random, 0, config.vocab_size - 1);
    s->eos = harness_pick(&s->random, 0, config.vocab_size - 1);
}

static void specimen_close(struct specimen *s)
{
    fl_model_close(&s->draft);
    fl_model_close(&s->model);
}

/* Everything greedy knows: penalties and a least length too, by the seed. */
static struct fl_generator_options options_of(struct specimen *s, uint64_t seed)
{
    struct fl_generator_options options = {.sampling = fl_sampling_default,
                                           .n_new_max = N_NEW,
                                           .eos_ids = &s->eos,
                                           .n_eos = 1,
                                           .attention = (enum fl_attention)(seed / 2 % 3),
                                           .kv_dtype = seed % 7 == 6 ? FL_BF16 : FL_F32,
                                           .n_threads = 1};
    if (seed % 3 == 1)
        options.sampling.repetition_penalty = 1.7;
    if (seed % 3 == 2)
        options.n_new_min = 9;
    return options;
}

static struct fl_generator *run(const struct specimen *s, int n_prompt,
                                const struct fl_generator_options *options)
{
    const struct fl_prompt prompt = {s->ids, n_prompt};
    struct fl_generator *generator;
    struct fl_error error;
    cr_assert(fl_generator_open(&generator, &s->model, &prompt, 1, options, &error) == FL_OK, "%s",
              error.text);
    cr_assert(fl_generator_run(generator, &error) == FL_OK, "%s", error.text);
    return generator;
}

static void expect_same(const struct specimen *s, const struct fl_generator *got,
                        const struct fl_generator *expected, const char *what)
{
    const struct fl_generated a = fl_generator_result(got, 0), b = fl_generator_result(expected, 0);
    cr_expect_eq(a.n_ids, b.n_ids, "%s, %s: %d tokens, expected %d", s->model.config.name, what,
                 a.n_ids, b.n_ids);
    cr_expect(a.n_ids == b.n_ids && memcmp(a.ids, b.ids, (size_t)a.n_ids * sizeof *a.ids) == 0,
              "%s, %s: other tokens", s->model.config.name, what);
    cr_expect_eq(a.reason, b.reason);
}

static uint64_t flops_of(const struct fl_generator *generator)
{
    uint64_t flops = 0;
    for (int i = 0; i < FL_GENERATOR_N_PHASES; i++)
        flops += fl_cost_flops(
            fl_ledger_total(&fl_generator_phase(generator, (enum fl_generator_phase)i)->ledger)
                .counted);
    return flops;
}

Test(generation_speculative, a_draft_changes_no_token)
{
    int n_ends = 0, n_repeats = 0;
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen s;
        specimen_open(&s, seed);
        const int n_prompt = harness_pick(&s.random, 1, N_PROMPT);
        struct fl_generator_options options = options_of(&s, seed);
        struct fl_generator *plain = run(&s, n_prompt, &options);
        options.draft = &s.draft;
        options.n_draft = harness_pick(&s.random, 1, 6);
        options.prefill_chunk = harness_pick(&s.random, 0, 4);
        struct fl_generator *drafted = run(&s, n_prompt, &options);
        expect_same(&s, drafted, plain, "draft");
        n_ends += fl_generator_result(plain, 0).reason == FL_STOP_EOS;
        n_repeats += fl_generator_result(plain, 0).n_ids == N_NEW;

        /* the phases are the target's part of the account */
        struct fl_speculative_account account;
        struct fl_error error;
        cr_assert(fl_speculative_account(fl_generator_speculative(drafted), &account, &error) ==
                  FL_OK);
        cr_expect(flops_of(drafted) == account.phases[FL_SPECULATIVE_PREFILL].exact +
                                           account.phases[FL_SPECULATIVE_VERIFY].exact);
        const struct fl_generation_phase *verify = fl_generator_phase(drafted, FL_GENERATOR_DECODE);
        cr_expect_str_eq(verify->name, "verify");
        cr_expect(verify->n_passes == account.n_rounds &&
                  verify->n_tokens == account.n_drafted + account.n_rounds);
        fl_generator_close(drafted);
        fl_generator_close(plain);
        specimen_close(&s);
    }
    cr_expect(n_ends > 20 && n_repeats > 20, "%d ended, %d went on", n_ends, n_repeats);
}

Test(generation_speculative, a_seed_gives_the_same_text)
{
    struct specimen s;
    specimen_open(&s, 2);
    struct fl_generator_options options = options_of(&s, 0);
    options.sampling.temperature = 0.9;
    options.sampling.seed = 4;
    options.n_eos = 0;
    options.draft = &s.draft;
    options.n_draft = 3;
    struct fl_generator *a = run(&s, N_PROMPT, &options), *b = run(&s, N_PROMPT, &options);
    expect_same(&s, a, b, "seeded");
    fl_generator_close(a);
    fl_generator_close(b);
    specimen_close(&s);
}

/* Pieces run the same tokens: FLOPs are equal to the last one, and the passes are as many as there
 * are pieces. Their bytes are the formula's, weights once a pass. */
Test(generation_speculative, a_prompt_in_pieces_gives_the_same_text)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen s;
        specimen_open(&s, seed);
        const int n_prompt = harness_pick(&s.random, 1, N_PROMPT);
        struct fl_generator_options options = options_of(&s, seed);
        options.attention = FL_ATTENTION_CAUSAL; /* naive runs what it masks: pieces save some */
        struct fl_generator *whole = run(&s, n_prompt, &options);
        const int chunk = options.prefill_chunk = harness_pick(&s.random, 1, N_PROMPT);
        struct fl_generator *pieces = run(&s, n_prompt, &options);
        expect_same(&s, pieces, whole, "pieces");
        cr_expect_eq(flops_of(pieces), flops_of(whole), "%s", s.model.config.name);
        const struct fl_generation_phase *prefill =
            fl_generator_phase(pieces, FL_GENERATOR_PREFILL);
        cr_expect_eq(prefill->n_passes, (n_prompt + chunk - 1) / chunk);
        cr_expect_eq(prefill->n_tokens, n_prompt);

        fl_wide bytes = 0;
        for (int from = 0; from < n_prompt; from += chunk) {
            const int n = n_prompt - from < chunk ? n_prompt - from : chunk;
            struct fl_op_analytic cost;
            struct fl_error error;
            cr_assert(fl_pass_cost(&cost, &s.model, options.attention, options.kv_dtype, 1, n, from,
                                   from + n == n_prompt ? FL_LOGITS_LAST : FL_LOGITS_NONE, NULL,
                                   &error) == FL_OK);
            bytes += cost.bytes_read + cost.bytes_written;
        }
        const struct fl_cost counted = fl_ledger_total(&prefill->ledger).counted;
        cr_expect(s.model.config.n_experts > 0 || /* nobody knows afterwards which were hit */
                      bytes == (fl_wide)(counted.bytes_read + counted.bytes_written),
                  "%s", s.model.config.name);
        fl_generator_close(pieces);
        fl_generator_close(whole);
        specimen_close(&s);
    }
}

/* Prompts of unequal length in pieces: the short one waits for the long one's last piece. */
Test(generation_speculative, a_batch_in_pieces)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen s;
        specimen_open(&s, seed);
        const struct fl_prompt prompts[] = {{s.ids, 2}, {s.ids, N_PROMPT}, {s.ids + 3, 7}};
        struct fl_generator_options options = options_of(&s, seed);
        struct fl_generator *generators[2];
        struct fl_error error;
        for (int i = 0; i < 2; i++) {
            options.prefill_chunk = i ? harness_pick(&s.random, 1, 6) : 0;
            cr_assert(fl_generator_open(&generators[i], &s.model, prompts, 3, &options, &error) ==
                          FL_OK,
                      "%s", error.text);
            cr_assert(fl_generator_run(generators[i], &error) == FL_OK, "%s", error.text);
        }
        for (int i = 0; i < 3; i++) {
            const struct fl_generated a = fl_generator_result(generators[0], i);
            const struct fl_generated b = fl_generator_result(generators[1], i);
            cr_expect(a.n_ids == b.n_ids &&
                          memcmp(a.ids, b.ids, (size_t)a.n_ids * sizeof *a.ids) == 0,
                      "%s: prompt %d", s.model.config.name, i);
        }
        fl_generator_close(generators[0]);
        fl_generator_close(generators[1]);
        specimen_close(&s);
    }
}

Test(generation_speculative, what_does_not_go_together_is_refused)
{
    struct specimen s;
    specimen_open(&s, 1);
    const struct fl_prompt prompts[] = {{s.ids, 2}, {s.ids, 3}};
    struct fl_generator_options options = options_of(&s, 0);
    struct fl_generator *generator;
    struct fl_error error;
    options.draft = &s.draft;
    options.n_draft = 2;
    cr_expect(fl_generator_open(&generator, &s.model, prompts, 2, &options, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "one prompt"), "%s", error.text);
    s.draft.config.vocab_size--;
    cr_expect(fl_generator_open(&generator, &s.model, prompts, 1, &options, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "vocab_size"), "%s", error.text);
    s.draft.config.vocab_size++;
    options.draft = NULL;
    options.prefill_chunk = 2;
    options.no_cache = true;
    cr_expect(fl_generator_open(&generator, &s.model, prompts, 1, &options, &error) == FL_FAILED);
    cr_expect(strstr(error.text, "prefill_chunk"), "%s", error.text);
    specimen_close(&s);
}
