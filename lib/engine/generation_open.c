/* generation_open.c - the beginning and the end of generation.h: what goes together, the memory
 * that prompts of these lengths take. */
#include "base/checked.h"
#include "engine/generation_state.h"
#include "engine/kv_cache.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The largest logit, whatever came before. */
static bool is_plain(const struct fl_generator *g)
{
    return g->sampler.greedy && g->sampler.n_steps == 0 &&
           (g->options.n_new_min == 0 || g->options.n_eos == 0);
}

int fl_generator_room(const struct fl_config *config, int n_prompt)
{
    if (config->n_encoder_layers > 0) /* the decoder begins with a token of its own */
        return n_prompt <= config->n_ctx_max ? config->n_ctx_max : 0;
    return config->n_ctx_max - n_prompt + 1;
}

static int check_prompts(const struct fl_model *model, const struct fl_prompt *prompts,
                         int n_prompts, struct fl_error *error)
{
    if (n_prompts < 1)
        return fl_fail(error, "prompt: expected at least one");
    for (int i = 0; i < n_prompts; i++) {
        char which[32] = "prompt";
        if (n_prompts > 1)
            snprintf(which, sizeof which, "prompt %d", i + 1);
        if (prompts[i].n_ids < 1)
            return fl_fail(error,
                           "%s: expected at least one token, and nothing marks the beginning here",
                           which);
        if (fl_generator_room(&model->config, prompts[i].n_ids) < 1)
            return fl_fail(error, "%s: expected at most %d tokens, the model's context, not %d",
                           which, model->config.n_ctx_max, prompts[i].n_ids);
    }
    return FL_OK;
}

static int check_options(const struct fl_generator_options *o, const struct fl_model *model,
                         int n_prompts, struct fl_error *error)
{
    if (o->n_new_max < 1)
        return fl_fail(error, "generation: n_new_max: expected at least 1, got %d", o->n_new_max);
    if (o->n_stop_texts > 0 && !o->tokenizer)
        return fl_fail(error, "generation: stop texts need a tokenizer");
    if (o->n_beams > 1 && (o->n_stop_texts > 0 || o->no_cache || o->sampling.temperature > 0))
        return fl_fail(error, "generation: beams go with neither stop texts nor sampling, and "
                              "need the cache");
    if (o->prefill_chunk < 0 || (o->prefill_chunk > 0 && (o->n_beams > 1 || o->no_cache)))
        return fl_fail(error, "generation: prefill_chunk: expected at least 1 token, the cache and "
                              "no beams");
    if (o->prefill_chunk > 0 && model->config.n_encoder_layers > 0)
        return fl_fail(error,
                       "%s: prefill_chunk: expected none, an encoder reads its input in one pass",
                       model->config.name);
    if (o->draft && (n_prompts != 1 || o->n_beams > 1 || o->no_cache))
        return fl_fail(error,
                       "generation: a draft model goes with one prompt, the cache and no beams, "
                       "got %d prompt%s",
                       n_prompts, n_prompts == 1 ? "" : "s");
    return FL_OK;
}

static int open_sequence(struct fl_generator *g, struct fl_generator_sequence *s,
                         const struct fl_prompt *prompt, struct fl_error *error)
{
    const struct fl_config *config = &g->model->config;
    const int room = fl_generator_room(config, prompt->n_ids);
    const struct fl_prompt start = {&config->bos_id, 1};
    const struct fl_prompt *first = fl_generator_encodes(g) ? &start : prompt;
    if (fl_generator_encodes(g) && first->ids[0] < 0)
        return fl_fail(error,
                       "%s: decoder_start_token_id: expected the id that decoding starts with, the "
                       "model's config has none",
                       config->name);
    s->given = *prompt;
    s->n_new_max = g->options.n_new_max < room ? g->options.n_new_max : room;
    s->n_prompt = s->n_ids = first->n_ids;
    s->random = g->options.sampling.seed;
    s->ids = calloc((size_t)s->n_prompt + (size_t)s->n_new_max, sizeof *s->ids);
    s->beams = calloc(g->options.n_beams > 1 ? (size_t)g->options.n_beams : 1, sizeof *s->beams);
    if (!s->ids || !s->beams)
        return fl_fail(error, "generation: not enough memory for %d ids", s->n_new_max);
    if (fl_stop_open(&s->stop, &g->rules, error) != FL_OK)
        return FL_FAILED;
    memcpy(s->ids, first->ids, (size_t)s->n_prompt * sizeof *s->ids);
    fl_stream_start(&s->stream, g->options.tokenizer);
    return FL_OK;
}

/* What a session needs for the sequences: the figures that follow from their lengths. */
struct extent {
    int n_seqs, n_ctx, n_tokens_max, block_tokens, n_encoder_ctx;
    int64_t n_rows_max, n_blocks;
    int64_t n_given; /* tokens of all prompts */
};

/* What is chosen last is never run. */
static int n_run_of(const struct fl_generator_sequence *s)
{
    return s->n_prompt + s->n_new_max - 1;
}

/* Tokens of a sequence in one pass, at most. */
static int n_pass_of(const struct fl_generator *g, const struct fl_generator_sequence *s)
{
    const int chunk = g->options.prefill_chunk;
    if (g->options.no_cache)
        return n_run_of(s);
    return chunk > 0 && chunk < s->n_prompt ? chunk : s->n_prompt;
}

/* Tokens that a query sees; 0: all, because nothing slides. Without a cache nothing stays. */
static int window_of(const struct fl_generator *g)
{
    return g->options.no_cache ? 0 : g->model->config.sliding_window;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct extent measure(const struct fl_generator *g)
{
    struct extent e = {.n_seqs = g->n_sequences};
    for (int i = 0; i < g->n_sequences; i++) {
        const struct fl_generator_sequence *s = &g->sequences[i];
        const int n_pass = n_pass_of(g, s);
        e.n_ctx = n_run_of(s) > e.n_ctx ? n_run_of(s) : e.n_ctx;
        e.n_tokens_max = n_pass > e.n_tokens_max ? n_pass : e.n_tokens_max;
        e.n_rows_max += n_pass;
        e.n_given += s->given.n_ids;
        e.n_encoder_ctx = s->given.n_ids > e.n_encoder_ctx ? s->given.n_ids : e.n_encoder_ctx;
    }
    e.block_tokens = fl_kv_block_tokens(e.n_ctx);
    for (int i = 0; i < g->n_sequences; i++) {
        const struct fl_generator_sequence *s = &g->sequences[i];
        e.n_blocks += fl_kv_text_blocks(window_of(g), e.block_tokens, s->n_prompt, n_pass_of(g, s),
                                        n_run_of(s));
    }
    return e;
}

/* Beams share the prompt's whole blocks; behind them each has blocks of its own at worst, the one
 * that the prompt began included, or under a window all that it holds. Prompts come one after the
 * other. */
static struct extent measure_beams(const struct fl_generator *g)
{
    struct extent e = measure(g);
    const int k = g->options.n_beams;
    e.n_seqs = k;
    e.n_rows_max = larger(e.n_tokens_max, k);
    e.n_blocks = 0;
    for (int i = 0; i < g->n_sequences; i++) {
        const struct fl_generator_sequence *s = &g->sequences[i];
        const int64_t shared = s->n_prompt / e.block_tokens;
        const int64_t apart = shared + k * (fl_kv_blocks(n_run_of(s), e.block_tokens) - shared);
        const int64_t windows =
            k * (int64_t)fl_kv_text_blocks(window_of(g), e.block_tokens, 1, 1, n_run_of(s));
        const int64_t slid = larger(windows, fl_kv_blocks(s->n_prompt, e.block_tokens));
        e.n_blocks = larger(e.n_blocks, apart < slid ? apart : slid);
    }
    return e;
}

static int open_session(struct fl_generator *g, struct fl_error *error)
{
    const struct extent e = g->beam ? measure_beams(g) : measure(g);
    const bool slides = window_of(g) > 0 && window_of(g) < e.n_ctx;
    const bool one = e.n_seqs == 1 && !slides; /* lies in one piece */
    const int64_t n_tokens = larger(e.n_rows_max, e.n_given);
    if (n_tokens > INT_MAX || e.n_blocks > INT_MAX)
        return fl_fail(error, "generation: expected prompts of at most %d tokens together",
                       INT_MAX);
    const struct fl_session_options options = {
        .n_seqs = e.n_seqs,
        .n_ctx = e.n_ctx,
        .n_tokens_max = e.n_tokens_max,
        .n_rows_max = (int)e.n_rows_max,
        .block_tokens = one ? 0 : e.block_tokens,
        .n_blocks = one || e.n_ctx < FL_KV_BLOCK_TOKENS ? 0 : (int)e.n_blocks,
        .slides = slides,
        .n_inputs = !fl_generator_encodes(g) ? 0
                    : g->beam                ? 1
                                             : g->n_sequences,
        .n_encoder_ctx = fl_generator_encodes(g) ? e.n_encoder_ctx : 0,
        .attention = g->options.attention,
        .kv_dtype = g->options.kv_dtype,
        .logits = FL_LOGITS_LAST,
        .n_threads = g->options.n_threads,
    };
    g->spans = calloc((size_t)e.n_seqs, sizeof *g->spans);
    g->tokens = calloc((size_t)n_tokens, sizeof *g->tokens);
    g->input_lengths = calloc((size_t)g->n_sequences, sizeof *g->input_lengths);
    if (!g->spans || !g->tokens || !g->input_lengths)
        return fl_fail(error, "generation: not enough memory for %d tokens", (int)n_tokens);
    if (fl_session_open(&g->session, g->model, &options, error) != FL_OK)
        return FL_FAILED;
    fl_session_ledger(g->session)->log = g->options.log;
    return FL_OK;
}

static int open_speculative(struct fl_generator *g, struct fl_error *error)
{
    const struct fl_generator_options *o = &g->options;
    const struct fl_speculative_options options = {
        .n_draft = o->n_draft,
        .n_ctx = n_run_of(&g->sequences[0]),
        .prefill_chunk = o->prefill_chunk,
        .attention = o->attention,
        .kv_dtype = o->kv_dtype,
        .n_threads = o->n_threads,
        .distribution = {is_plain(g) ? NULL : fl_generator_distribution, g},
        .seed = o->sampling.seed,
        .log = o->log,
        .draft_log = o->draft_log,
    };
    if (fl_speculative_open(&g->speculative, g->model, o->draft, &options, error) != FL_OK)
        return FL_FAILED;
    g->phases[FL_GENERATOR_DECODE].name = "verify";
    g->round = calloc((size_t)o->n_draft + 1, sizeof *g->round);
    if (!g->round)
        return fl_fail(error, "generation: not enough memory for %d proposals", o->n_draft);
    return FL_OK;
}

static int open_beam(struct fl_generator *g, struct fl_error *error)
{
    const struct fl_generator_options *o = &g->options;
    size_t n_ids;
    int n_prompt_max = 1;
    for (int i = 0; i < g->n_sequences; i++)
        if (g->sequences[i].n_prompt > n_prompt_max)
            n_prompt_max = g->sequences[i].n_prompt;
    const struct fl_beam_options options = {
        .n_beams = o->n_beams,
        .n_new_max = o->n_new_max,
        .n_new_min = o->n_new_min,
        .n_prompt_max = n_prompt_max,
        .length_penalty = o->length_penalty,
        .early_stopping = o->early_stopping,
        .eos_ids = o->eos_ids,
        .n_eos = o->n_eos,
        .steps = g->sampler.steps,
        .n_steps = g->sampler.n_steps,
    };
    if (fl_size_product(
            (const size_t[]){(size_t)g->n_sequences, (size_t)o->n_beams, (size_t)o->n_new_max}, 3,
            &n_ids))
        g->beam_ids = calloc(n_ids, sizeof *g->beam_ids);
    if (!g->beam_ids)
        return fl_fail(error, "beam search: not enough memory for %d beams of %d ids", o->n_beams,
                       o->n_new_max);
    return fl_beam_open(&g->beam, &options, g->model->config.vocab_size, error);
}

static int open_parts(struct fl_generator *g, const struct fl_prompt *prompts,
                      struct fl_error *error)
{
    const struct fl_generator_options *o = &g->options;
    const struct fl_config *config = &g->model->config;
    static const char *const NAMES[] = {"prefill", "decode"};
    if (fl_stop_rules_open(&g->rules, error) != FL_OK ||
        fl_sampler_open(&g->sampler, &o->sampling, config->vocab_size, error) != FL_OK)
        return FL_FAILED;
    g->sampler.banned = o->eos_ids;
    for (int i = 0; i < g->n_sequences; i++)
        if (open_sequence(g, &g->sequences[i], &prompts[i], error) != FL_OK)
            return FL_FAILED;
    if (o->n_beams > 1 && open_beam(g, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < FL_GENERATOR_N_PHASES; i++) {
        g->phases[i].name = NAMES[i];
        if (fl_ledger_open_stacks(&g->phases[i].ledger, config->n_layers, config->n_encoder_layers,
                                  error) != FL_OK)
            return FL_FAILED;
    }
    return o->draft ? open_speculative(g, error) : open_session(g, error);
}

int fl_generator_open(struct fl_generator **generator, const struct fl_model *model,
                      const struct fl_prompt *prompts, int n_prompts,
                      const struct fl_generator_options *options, struct fl_error *error)
{
    *generator = NULL;
    if (check_options(options, model, n_prompts, error) != FL_OK ||
        check_prompts(model, prompts, n_prompts, error) != FL_OK)
        return FL_FAILED;
    struct fl_generator *g = calloc(1, sizeof *g);
    if (g)
        g->sequences = calloc((size_t)n_prompts, sizeof *g->sequences);
    if (!g || !g->sequences) {
        free(g);
        return fl_fail(error, "generation: not enough memory for %d prompts", n_prompts);
    }
    g->model = model;
    g->options = *options;
    g->n_sequences = n_prompts;
    g->rules = (struct fl_stop_rules){.eos_ids = options->eos_ids,
                                      .n_eos = options->n_eos,
                                      .n_new_max = options->n_new_max,
                                      .texts = options->stop_texts,
                                      .n_texts = options->n_stop_texts};
    if (open_parts(g, prompts, error) != FL_OK) {
        fl_generator_close(g);
        return FL_FAILED;
    }
    *generator = g;
    return FL_OK;
}

void fl_generator_close(struct fl_generator *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->n_sequences; i++) {
        free(g->sequences[i].ids);
        free(g->sequences[i].beams);
        fl_stop_close(&g->sequences[i].stop);
    }
    for (int i = 0; i < FL_GENERATOR_N_PHASES; i++)
        fl_ledger_close(&g->phases[i].ledger);
    fl_session_close(g->session);
    fl_speculative_close(g->speculative);
    free(g->round);
    fl_sampler_close(&g->sampler);
    fl_stop_rules_close(&g->rules);
    fl_beam_close(g->beam);
    free(g->beam_ids);
    free(g->spans);
    free(g->tokens);
    free(g->input_lengths);
    free(g->sequences);
    free(g);
}
