/* The decoding loop over random models: what must be the same whatever the batch, the cache, the
 * threads and the way to ask for greedy. */
#include "engine/generation.h"

#include "encdec_harness.h"
#include "engine/pass_cost.h"
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEEDS = 500, N_PROMPTS = 3, N_PROMPT_MAX = 12, N_NEW = 14, N_CTX = 40 };

/* A random model and three prompts of unequal length. */
struct specimen {
    struct fl_model model;
    int ids[N_PROMPTS][N_PROMPT_MAX];
    struct fl_prompt prompts[N_PROMPTS];
    int eos;
};

static void specimen_open(struct specimen *specimen, uint64_t seed)
{
    struct fl_config config = harness_config(seed);
    struct harness_random random = {seed ^ 0xdec0de};
    struct fl_error error;
    if (seed % 5 == 4) /* narrower than the prompt, or than the text */
        config.sliding_window = 1 + (int)(seed / 5 % (N_PROMPT_MAX + N_NEW));
    cr_assert(fl_model_random(&specimen->model, &config, seed, &error) == FL_OK, "%s", error.text);
    for (int p = 0; p < N_PROMPTS; p++) {
        const int n = harness_pick(&random, 1, N_PROMPT_MAX);
        for (int i = 0; i < n; i++)
            specimen->ids[p][i] = harness_pick(&random, 0, config.vocab_size - 1);
        specimen->prompts[p] = (struct fl_prompt){specimen->ids[p], n};
    }
    specimen->eos = harness_pick(&random, 0, config.vocab_size - 1);
}

static struct fl_generator_options greedy(const struct specimen *specimen)
{
    return (struct fl_generator_options){.sampling = fl_sampling_default,
                                         .n_new_max = N_NEW,
                                         .eos_ids = &specimen->eos,
                                         .n_eos = 1,
                                         .attention = FL_ATTENTION_CAUSAL,
                                         .n_threads = 1};
}

/* Runs prompts [n]; the caller closes it. */
static struct fl_generator *generate(const struct specimen *specimen,
                                     const struct fl_prompt *prompts, int n,
                                     const struct fl_generator_options *options)
{
    struct fl_generator *generator;
    struct fl_error error;
    cr_assert(fl_generator_open(&generator, &specimen->model, prompts, n, options, &error) == FL_OK,
              "%s", error.text);
    cr_assert(fl_generator_run(generator, &error) == FL_OK, "%s: %s", specimen->model.config.name,
              error.text);
    return generator;
}

/* How far apart the two largest logits were where two outputs part. */
static double gap_behind(const struct specimen *specimen, const struct fl_prompt *prompt,
                         const int *ids, int n)
{
    int all[N_PROMPT_MAX + N_NEW];
    const int vocab_size = specimen->model.config.vocab_size;
    memcpy(all, prompt->ids, (size_t)prompt->n_ids * sizeof *all);
    memcpy(all + prompt->n_ids, ids, (size_t)n * sizeof *all);
    struct fl_session *session = harness_session(
        &specimen->model, &(struct fl_session_options){.n_seqs = 1,
                                                       .n_ctx = N_CTX,
                                                       .attention = FL_ATTENTION_CAUSAL,
                                                       .logits = FL_LOGITS_ALL,
                                                       .n_threads = 1});
    const int n_all = prompt->n_ids + n;
    float *logits = harness_logits(session, &specimen->model, all, n_all, n_all);
    const float *row = logits + (size_t)(n_all - 1) * (size_t)vocab_size;
    float first = -INFINITY, second = -INFINITY;
    for (int i = 0; i < vocab_size; i++) {
        if (row[i] > first) {
            second = first;
            first = row[i];
        } else if (row[i] > second) {
            second = row[i];
        }
    }
    const double gap = (double)first - (double)second;
    free(logits);
    fl_session_close(session);
    return gap;
}

/* Ids must be equal; where sums in another order decide, the two largest logits must have been
 * equal within what rounding does to them (1e-4 of logits of the order of 1 to 10). */
static void expect_same(const struct specimen *specimen, const char *what,
                        const struct fl_prompt *prompt, const struct fl_generated *got,
                        const struct fl_generated *expected)
{
    const int n = got->n_ids < expected->n_ids ? got->n_ids : expected->n_ids;
    int same = 0;
    while (same < n && got->ids[same] == expected->ids[same])
        same++;
    if (same == n && got->n_ids == expected->n_ids) {
        cr_expect_eq(got->reason, expected->reason, "%s: %s", specimen->model.config.name, what);
        return;
    }
    const double gap = gap_behind(specimen, prompt, expected->ids, same);
    cr_expect_lt(gap, 1e-4, "%s: %s: another id at %d, where the largest is ahead by %g",
                 specimen->model.config.name, what, same, gap);
}

/* The first prompt under two settings. */
static void compare(const struct specimen *specimen, const char *what,
                    const struct fl_generator_options *a, const struct fl_generator_options *b)
{
    struct fl_generator *x = generate(specimen, specimen->prompts, 1, a);
    struct fl_generator *y = generate(specimen, specimen->prompts, 1, b);
    const struct fl_generated got = fl_generator_result(x, 0), expected = fl_generator_result(y, 0);
    expect_same(specimen, what, specimen->prompts, &got, &expected);
    fl_generator_close(y);
    fl_generator_close(x);
}

Test(generation, every_way_to_be_greedy)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        const struct fl_generator_options plain = greedy(&specimen);
        struct fl_generator_options other = plain;
        other.sampling.temperature = 0.7;
        other.sampling.top_k = 1;
        other.sampling.seed = seed;
        compare(&specimen, "top-k 1", &other, &plain);
        other.sampling.top_k = 0;
        other.sampling.temperature = 1e-6;
        compare(&specimen, "a temperature near 0", &other, &plain);
        other = plain;
        other.no_cache = true;
        compare(&specimen, "without a cache", &other, &plain);
        other = plain;
        other.n_threads = 2;
        compare(&specimen, "two threads", &other, &plain);
        other = plain;
        other.attention = FL_ATTENTION_NAIVE;
        compare(&specimen, "naive attention", &other, &plain);
        other.attention = FL_ATTENTION_FLASH;
        compare(&specimen, "flash attention", &other, &plain);
        fl_model_close(&specimen.model);
    }
}

Test(generation, a_seed_repeats_and_another_differs)
{
    int n_different = 0;
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        struct fl_generator_options options = greedy(&specimen);
        options.sampling.temperature = 1;
        options.sampling.top_p = 0.95;
        options.sampling.repetition_penalty = 1.1;
        options.sampling.seed = seed;
        options.n_eos = 0;
        struct fl_generator *runs[3];
        struct fl_generated results[3];
        for (int i = 0; i < 3; i++) {
            options.sampling.seed = i == 2 ? seed + 1000 : seed;
            runs[i] = generate(&specimen, specimen.prompts, 1, &options);
            results[i] = fl_generator_result(runs[i], 0);
            cr_assert_eq(results[i].n_ids, N_NEW);
        }
        const size_t size = N_NEW * sizeof(int);
        cr_expect_eq(memcmp(results[0].ids, results[1].ids, size), 0, "seed %d", (int)seed);
        n_different += memcmp(results[0].ids, results[2].ids, size) != 0;
        for (int i = 0; i < 3; i++)
            fl_generator_close(runs[i]);
        fl_model_close(&specimen.model);
    }
    cr_expect_geq(n_different, N_SEEDS * 95 / 100);
}

/* Prompts of unequal length that end at different times, greedily and drawn. */
Test(generation, a_batch_gives_what_each_gives_alone)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        for (int variant = 0; variant < 3; variant++) {
            struct fl_generator_options options = greedy(&specimen);
            options.no_cache = variant == 1;
            if (variant == 2) { /* cold enough that rounding hardly moves a draw */
                options.sampling.temperature = 0.3;
                options.sampling.seed = seed;
            }
            struct fl_generator *batch = generate(&specimen, specimen.prompts, N_PROMPTS, &options);
            for (int p = 0; p < N_PROMPTS; p++) {
                struct fl_generator *alone = generate(&specimen, specimen.prompts + p, 1, &options);
                const struct fl_generated got = fl_generator_result(batch, p);
                const struct fl_generated expected = fl_generator_result(alone, 0);
                if (variant < 2)
                    expect_same(&specimen, "batch", &specimen.prompts[p], &got, &expected);
                else
                    cr_expect(got.n_ids == expected.n_ids &&
                                  memcmp(got.ids, expected.ids, (size_t)got.n_ids * sizeof(int)) ==
                                      0,
                              "%s: draws of a batch", specimen.model.config.name);
                fl_generator_close(alone);
            }
            fl_generator_close(batch);
        }
        fl_model_close(&specimen.model);
    }
}

/* ---- beams ---- */

/* The log-probability of ids behind a prompt, one whole pass, in double precision. */
static double sum_of(const struct specimen *specimen, const struct fl_prompt *prompt,
                     const struct fl_hypothesis *h)
{
    int all[N_PROMPT_MAX + N_NEW];
    const size_t vocab_size = (size_t)specimen->model.config.vocab_size;
    const int n = prompt->n_ids + h->n_ids;
    memcpy(all, prompt->ids, (size_t)prompt->n_ids * sizeof *all);
    memcpy(all + prompt->n_ids, h->ids, (size_t)h->n_ids * sizeof *all);
    struct fl_session *session = harness_session(
        &specimen->model, &(struct fl_session_options){.n_seqs = 1,
                                                       .n_ctx = N_CTX,
                                                       .attention = FL_ATTENTION_CAUSAL,
                                                       .logits = FL_LOGITS_ALL,
                                                       .n_threads = 1});
    float *logits = harness_logits(session, &specimen->model, all, n, n);
    double sum = 0;
    for (int i = prompt->n_ids; i < n; i++) {
        const float *row = logits + (size_t)(i - 1) * vocab_size;
        double total = 0;
        for (size_t id = 0; id < vocab_size; id++)
            total += exp((double)row[id]);
        sum += (double)row[all[i]] - log(total);
    }
    free(logits);
    fl_session_close(session);
    return sum;
}

/* Every hypothesis has the probability that the model gives to its ids: a fork that mixed up two
 * caches would give another. 1e-3: 14 sums of logits that are each off by 1e-5 or so. */
Test(generation, beams_have_the_probability_of_their_ids)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        struct fl_generator_options options = greedy(&specimen);
        options.n_beams = 2 + (int)(seed % 5);
        options.length_penalty = 0.6;
        struct fl_generator *generator = generate(&specimen, specimen.prompts, N_PROMPTS, &options);
        for (int p = 0; p < N_PROMPTS; p++) {
            const struct fl_generated result = fl_generator_result(generator, p);
            cr_assert_eq(result.n_beams, options.n_beams);
            for (int i = 0; i < result.n_beams; i++) {
                const struct fl_hypothesis *h = &result.beams[i];
                cr_expect_float_eq(h->sum, sum_of(&specimen, &specimen.prompts[p], h), 1e-3,
                                   "%s: beam %d of prompt %d", specimen.model.config.name, i, p);
                cr_expect(i == 0 || h->score <= result.beams[i - 1].score);
            }
            const struct fl_hypothesis *best = &result.beams[0];
            cr_expect_eq(result.n_ids, best->n_ids - best->finished);
            cr_expect_eq(memcmp(result.ids, best->ids, (size_t)result.n_ids * sizeof(int)), 0);
        }
        fl_generator_close(generator);
        fl_model_close(&specimen.model);
    }
}

static int session_forward(void *context, const int *seqs, int n_seqs, const int *tokens,
                           int n_tokens, const float **logits, struct fl_error *error)
{
    const struct fl_span span = {seqs[0], n_tokens};
    cr_assert_eq(n_seqs, 1);
    *logits = fl_session_logits(context);
    return fl_session_run(context, &span, 1, tokens, FL_LOGITS_LAST, error);
}

static int no_fork(void *context, int to, int from, struct fl_error *error)
{
    (void)context;
    (void)error;
    cr_assert_fail("one beam forks: %d from %d", to, from);
    return FL_FAILED;
}

Test(generation, one_beam_is_greedy)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        struct fl_generator_options plain = greedy(&specimen);
        plain.n_eos = 0;
        struct fl_generator *generator = generate(&specimen, specimen.prompts, 1, &plain);
        const struct fl_generated expected = fl_generator_result(generator, 0);

        struct fl_session *session = harness_session(
            &specimen.model, &(struct fl_session_options){.n_seqs = 1,
                                                          .n_ctx = N_CTX,
                                                          .attention = FL_ATTENTION_CAUSAL,
                                                          .logits = FL_LOGITS_LAST,
                                                          .n_threads = 1});
        const struct fl_beam_model model = {session, specimen.model.config.vocab_size,
                                            session_forward, no_fork};
        const struct fl_beam_options options = {
            .n_beams = 1, .n_new_max = N_NEW, .n_prompt_max = N_PROMPT_MAX};
        struct fl_beam *beam;
        struct fl_error error;
        cr_assert_eq(fl_beam_open(&beam, &options, model.vocab_size, &error), FL_OK);
        cr_assert_eq(
            fl_beam_start(beam, &model, specimen.ids[0], specimen.prompts[0].n_ids, N_NEW, &error),
            FL_OK);
        for (bool more = true; more;)
            cr_assert(fl_beam_step(beam, &more, &error) == FL_OK, "%s", error.text);
        const struct fl_hypothesis got = fl_beam_hypothesis(beam, 0);
        cr_expect(got.n_ids == expected.n_ids &&
                      memcmp(got.ids, expected.ids, (size_t)got.n_ids * sizeof(int)) == 0,
                  "%s", specimen.model.config.name);
        fl_beam_close(beam);
        fl_session_close(session);
        fl_generator_close(generator);
        fl_model_close(&specimen.model);
    }
}

/* ---- the account ---- */

/* Greedy decoding costs what the formula says, over both phases. Which experts a prompt hits only
 * the run knows; a single token hits as many as it uses, so that there too every byte is certain.
 */
Test(generation, greedy_costs_what_the_formula_says)
{
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        struct specimen specimen;
        specimen_open(&specimen, seed);
        struct fl_generator_options options = greedy(&specimen);
        options.n_eos = 0;
        options.kv_dtype = seed % 2 ? FL_F16 : FL_F32;
        if (specimen.model.config.n_experts > 0)
            specimen.prompts[0].n_ids = 1;
        struct fl_generator *generator = generate(&specimen, specimen.prompts, 1, &options);
        struct fl_cost counted = {0};
        for (int i = 0; i < FL_GENERATOR_N_PHASES; i++)
            counted = fl_cost_add(
                counted, fl_ledger_total(&fl_generator_phase(generator, i)->ledger).counted);
        struct fl_op_analytic formula;
        struct fl_error error;
        cr_assert(fl_greedy_cost(&formula, &specimen.model, options.attention, options.kv_dtype, 0,
                                 specimen.prompts[0].n_ids, N_NEW, &error) == FL_OK,
                  "%s", error.text);
        cr_expect_eq((uint64_t)formula.exact, fl_cost_flops(counted), "%s",
                     specimen.model.config.name);
        cr_expect_eq((uint64_t)formula.bytes_read, counted.bytes_read, "%s",
                     specimen.model.config.name);
        cr_expect_eq((uint64_t)formula.bytes_written, counted.bytes_written, "%s",
                     specimen.model.config.name);
        const struct fl_generation_phase *decode =
            fl_generator_phase(generator, FL_GENERATOR_DECODE);
        cr_expect_eq(decode->n_passes, N_NEW - 1);
        cr_expect_eq(decode->n_tokens, N_NEW - 1);
        fl_generator_close(generator);
        fl_model_close(&specimen.model);
    }
}

/* ---- ends ---- */

Test(generation, every_end_has_its_reason)
{
    struct specimen specimen;
    specimen_open(&specimen, 3);
    struct fl_generator_options options = greedy(&specimen);
    options.n_eos = 0;
    struct fl_generator *generator = generate(&specimen, specimen.prompts, 1, &options);
    const struct fl_generated free_run = fl_generator_result(generator, 0);
    cr_expect_eq(free_run.reason, FL_STOP_LENGTH);

    /* the id that came fifth, or the same one earlier, ends it */
    const int end = free_run.ids[4];
    int first = 0;
    while (free_run.ids[first] != end)
        first++;
    options.eos_ids = &end;
    options.n_eos = 1;
    struct fl_generator *ended = generate(&specimen, specimen.prompts, 1, &options);
    cr_expect_eq(fl_generator_result(ended, 0).reason, FL_STOP_EOS);
    cr_expect_eq(fl_generator_result(ended, 0).n_ids, first);
    fl_generator_close(ended);

    options.n_new_min = 10; /* the end may not come before */
    ended = generate(&specimen, specimen.prompts, 1, &options);
    struct fl_generated result = fl_generator_result(ended, 0);
    cr_expect_geq(result.n_ids, 10);
    for (int i = 0; i < 10; i++)
        cr_expect_neq(result.ids[i], end);
    fl_generator_close(ended);

    options.n_new_max = 10000; /* the context ends it: 40 tokens, the last of which is not run */
    options.n_eos = 0;
    ended = generate(&specimen, specimen.prompts, 1, &options);
    result = fl_generator_result(ended, 0);
    cr_expect_eq(result.reason, FL_STOP_CONTEXT);
    cr_expect_eq(result.n_ids, specimen.model.config.n_ctx_max - specimen.prompts[0].n_ids + 1);
    fl_generator_close(ended);

    options.sampling.no_repeat_ngram = 1; /* every id once: the vocabulary ends first */
    const int vocab_size = specimen.model.config.vocab_size;
    if (vocab_size < specimen.model.config.n_ctx_max - 2) {
        ended = generate(&specimen, specimen.prompts, 1, &options);
        cr_expect_eq(fl_generator_result(ended, 0).reason, FL_STOP_NOTHING);
        fl_generator_close(ended);
    }
    fl_generator_close(generator);
    fl_model_close(&specimen.model);
}

/* Stops after so many tokens of the first prompt. */
struct brake {
    volatile sig_atomic_t stopped;
    int n_left;
};

static void count_down(void *context, int prompt, int id)
{
    struct brake *brake = context;
    (void)id;
    if (prompt == 0 && --brake->n_left == 0)
        brake->stopped = SIGINT;
}

/* Ctrl-C: what has come so far is what a whole run begins with, and the reason is named. */
Test(generation, an_interrupted_text_ends_where_it_is)
{
    struct specimen specimen;
    specimen_open(&specimen, 3);
    struct fl_generator_options options = greedy(&specimen);
    options.n_eos = 0;
    options.n_draft = 3;
    for (int variant = 0; variant < 2; variant++) { /* alone; with itself as a draft */
        struct brake brake = {0, 5};
        options.draft = variant ? &specimen.model : NULL;
        options.interrupted = NULL;
        options.sink.token = NULL;
        struct fl_generator *whole = generate(&specimen, specimen.prompts, 1, &options);
        options.interrupted = &brake.stopped;
        options.sink = (struct fl_generator_sink){&brake, count_down, NULL};
        struct fl_generator *cut = generate(&specimen, specimen.prompts, 1, &options);
        const struct fl_generated a = fl_generator_result(whole, 0);
        const struct fl_generated b = fl_generator_result(cut, 0);
        cr_expect_eq(b.reason, FL_STOP_SIGNAL);
        cr_expect(b.n_ids >= 5 && b.n_ids < a.n_ids, "%d of %d", b.n_ids, a.n_ids);
        cr_expect_arr_eq(a.ids, b.ids, (size_t)b.n_ids * sizeof *a.ids);
        fl_generator_close(whole);
        fl_generator_close(cut);
    }
    fl_model_close(&specimen.model);
}

/* Before it begins, in a batch and in a search: nothing, and no hypotheses. */
Test(generation, an_interrupted_batch_or_search_may_be_empty)
{
    struct specimen specimen;
    specimen_open(&specimen, 3);
    const volatile sig_atomic_t stopped = SIGINT;
    for (int n_beams = 1; n_beams <= 3; n_beams += 2) {
        struct fl_generator_options options = greedy(&specimen);
        options.n_beams = n_beams;
        options.interrupted = &stopped;
        struct fl_generator *generator = generate(&specimen, specimen.prompts, N_PROMPTS, &options);
        for (int p = 0; p < N_PROMPTS; p++) {
            const struct fl_generated result = fl_generator_result(generator, p);
            cr_expect_eq(result.reason, FL_STOP_SIGNAL);
            cr_expect_eq(result.n_ids + result.n_beams, 0);
        }
        fl_generator_close(generator);
    }
    fl_model_close(&specimen.model);
}

/* Text as a sink gets it. */
struct text {
    char bytes[N_PROMPTS][4096];
    int n_tokens;
};

static void take_text(void *context, int prompt, const char *text, size_t length)
{
    char *bytes = ((struct text *)context)->bytes[prompt];
    const size_t n = strlen(bytes);
    memcpy(bytes + n, text, length);
    bytes[n + length] = '\0';
}

static void take_token(void *context, int prompt, int id)
{
    (void)prompt;
    (void)id;
    ((struct text *)context)->n_tokens++;
}

/* The model of a preset speaks bytes: a stop text of two of them lies over a token border. */
Test(generation, stop_texts_end_the_text_before_them)
{
    struct fl_model model;
    struct fl_tokenizer *tokenizer;
    struct fl_error error;
    harness_model(&model, "llama-nano");
    cr_assert_eq(fl_tokenizer_open(&tokenizer, "llama-nano", NULL, 256, &error), FL_OK);
    const int ids[] = {72, 101, 108};
    const struct fl_prompt prompt = {ids, 3};
    int bans[256 - 26], n_bans = 0; /* letters only */
    for (int id = 0; id < 256; id++)
        if (id < 'a' || id > 'z')
            bans[n_bans++] = id;
    struct text whole = {0}, cut = {0};
    struct fl_generator_options options = {
        .sampling = {.temperature = 1, .top_p = 1, .repetition_penalty = 1, .seed = 3},
        .n_new_max = 30,
        .n_new_min = 30, /* so that no end is chosen */
        .eos_ids = bans,
        .n_eos = n_bans,
        .n_threads = 1,
        .tokenizer = tokenizer,
        .sink = {&whole, take_token, take_text},
    };
    const struct specimen specimen = {.model = model};
    struct fl_generator *generator = generate(&specimen, &prompt, 1, &options);
    cr_assert_eq(strlen(whole.bytes[0]), 30);
    cr_expect_eq(whole.n_tokens, 30);
    fl_generator_close(generator);

    const char stop[] = {whole.bytes[0][11], whole.bytes[0][12], whole.bytes[0][13], '\0'};
    const char *const stops[] = {"no such", stop};
    const size_t before = (size_t)(strstr(whole.bytes[0], stop) - whole.bytes[0]);
    options.stop_texts = stops;
    options.n_stop_texts = 2;
    options.sink.context = &cut;
    generator = generate(&specimen, &prompt, 1, &options);
    const struct fl_generated result = fl_generator_result(generator, 0);
    cr_expect_eq(result.reason, FL_STOP_TEXT);
    cr_expect_str_eq(result.stop_text, stop);
    cr_expect_eq(strlen(cut.bytes[0]), before);
    cr_expect_eq(strncmp(cut.bytes[0], whole.bytes[0], before), 0);
    cr_expect_eq(result.n_ids, (int)before + 3, "the ids have the stop text too");
    fl_generator_close(generator);
    fl_tokenizer_close(tokenizer);
    fl_model_close(&model);
}

/* The encoder of a second prompt runs behind the first one's decoding. */
Test(generation, every_pass_in_the_log_is_of_its_phase)
{
    const struct fl_config config = encdec_config(0);
    const int ids[] = {1, 2, 3};
    const struct fl_prompt prompts[] = {{ids, 3}, {ids + 1, 2}};
    struct specimen specimen = {.eos = 0};
    struct fl_event_log log;
    struct fl_error error;
    cr_assert(fl_model_random(&specimen.model, &config, 0, &error) == FL_OK, "%s", error.text);
    cr_assert(fl_event_log_open(&log, 1e5, &error) == FL_OK, "%s", error.text);
    struct fl_generator_options options = greedy(&specimen);
    options.n_beams = 2;
    options.n_eos = 0;
    options.log = &log;
    struct fl_generator *generator = generate(&specimen, prompts, 2, &options);
    for (int i = 0; i < FL_GENERATOR_N_PHASES; i++) {
        const struct fl_generation_phase *phase =
            fl_generator_phase(generator, (enum fl_generator_phase)i);
        int64_t n = 0;
        for (size_t pass = 0; pass < log.n_passes; pass++)
            n += log.passes[pass].phase && strcmp(log.passes[pass].phase, phase->name) == 0;
        cr_expect_eq(n, phase->n_passes, "%s: %lld passes in the log, %lld ran", phase->name,
                     (long long)n, (long long)phase->n_passes);
    }
    cr_expect_eq(log.n_left_out, 0);
    fl_generator_close(generator);
    fl_event_log_close(&log);
    fl_model_close(&specimen.model);
}

Test(generation, what_cannot_run_is_refused)
{
    struct specimen specimen;
    specimen_open(&specimen, 1);
    int long_prompt[N_CTX + 1] = {0};
    const struct fl_prompt wrong[] = {{specimen.ids[0], 0}, {long_prompt, N_CTX + 1}};
    static const char *const SENTENCES[] = {"prompt 2: expected at least one token",
                                            "prompt 2: expected at most 40 tokens"};
    struct fl_generator *generator;
    struct fl_error error;
    struct fl_generator_options options = greedy(&specimen);
    for (int i = 0; i < 2; i++) {
        const struct fl_prompt prompts[] = {specimen.prompts[0], wrong[i]};
        cr_expect_eq(fl_generator_open(&generator, &specimen.model, prompts, 2, &options, &error),
                     FL_FAILED);
        cr_expect(strstr(error.text, SENTENCES[i]), "%s", error.text);
    }
    options.n_beams = 2;
    options.sampling.temperature = 1;
    cr_expect_eq(
        fl_generator_open(&generator, &specimen.model, specimen.prompts, 1, &options, &error),
        FL_FAILED);
    cr_expect(strstr(error.text, "sampling"), "%s", error.text);
    fl_model_close(&specimen.model);
}
