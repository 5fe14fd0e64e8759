#include "engine/generation.h"

#include "base/checked.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_TOKENS = 16 }; /* of the KV cache, where sequences differ in length or share */

struct sequence {
    struct fl_prompt given; /* the prompt, or what an encoder reads */
    int *ids; /* the decoder's: prompt, then what was chosen; room for n_prompt + n_new_max */
    int n_prompt, n_ids, n_new_max;
    bool over;
    uint64_t random; /* the state of its generator */
    struct fl_stop stop;
    struct fl_stream stream;
    struct fl_hypothesis *beams; /* [n_beams] */
    int n_beams;
};

struct fl_generator {
    const struct fl_model *model;
    struct fl_generator_options options;
    struct sequence *sequences; /* one a prompt */
    int n_sequences;
    struct fl_session *session;
    struct fl_sampler sampler;
    struct fl_stop_rules rules;
    struct fl_beam *beam;
    struct fl_speculative *speculative; /* in place of the session */
    int *round;                         /* [n_draft + 1] tokens of a round */
    struct fl_span *spans;              /* [sequences of the session] */
    int *tokens;                        /* of a pass, or of the encoder */
    int *input_lengths;                 /* [n_sequences] */
    int *beam_ids;                      /* [n_prompts, n_beams, n_new_max] */
    struct fl_phase phases[FL_N_PHASES];
};

/* ---- a pass ---- */

/* Runs g->spans [n_spans] and writes down what it cost. */
static int run_pass(struct fl_generator *g, int n_spans, enum fl_generator_phase which,
                    enum fl_logits logits, struct fl_error *error)
{
    struct fl_phase *phase = &g->phases[which];
    int64_t n_tokens = 0;
    for (int i = 0; i < n_spans; i++)
        n_tokens += g->spans[i].n_tokens;
    fl_ledger_reset(fl_session_ledger(g->session));
    fl_event_log_phase(g->options.log, phase->name);
    const uint64_t start = fl_clock_ns();
    if (fl_session_run(g->session, g->spans, n_spans, g->tokens, logits, error) != FL_OK)
        return FL_FAILED;
    phase->time_ns += fl_clock_ns() - start;
    phase->n_passes++;
    phase->n_tokens += n_tokens;
    phase->n_new += which == FL_PHASE_PREFILL ? n_tokens : n_spans;
    fl_ledger_add(&phase->ledger, fl_session_ledger(g->session));
    return FL_OK;
}

static bool has_encoder(const struct fl_generator *g)
{
    return g->model->config.n_encoder_layers > 0;
}

/* Runs the encoder over the inputs of n sequences from `first` on; nothing without one. */
static int encode(struct fl_generator *g, int first, int n, struct fl_error *error)
{
    struct fl_phase *phase = &g->phases[FL_PHASE_PREFILL];
    int n_tokens = 0;
    if (!has_encoder(g))
        return FL_OK;
    for (int i = 0; i < n; i++) {
        const struct fl_prompt *given = &g->sequences[first + i].given;
        memcpy(g->tokens + n_tokens, given->ids, (size_t)given->n_ids * sizeof *g->tokens);
        g->input_lengths[i] = given->n_ids;
        n_tokens += given->n_ids;
    }
    fl_ledger_reset(fl_session_ledger(g->session));
    const uint64_t start = fl_clock_ns();
    if (fl_session_encode(g->session, g->tokens, g->input_lengths, n, error) != FL_OK)
        return FL_FAILED;
    phase->time_ns += fl_clock_ns() - start;
    phase->n_passes++;
    phase->n_tokens += n_tokens;
    phase->n_new += n_tokens;
    fl_ledger_add(&phase->ledger, fl_session_ledger(g->session));
    return FL_OK;
}

/* The next piece of every prompt that does not fit into one; returns how many there are. */
static int gather_pieces(struct fl_generator *g)
{
    const int chunk = g->options.prefill_chunk;
    int n_spans = 0;
    for (int i = 0; chunk > 0 && i < g->n_sequences; i++) {
        const struct sequence *s = &g->sequences[i];
        const int n_past = fl_session_length(g->session, i);
        if (s->n_prompt - n_past <= chunk)
            continue;
        memcpy(g->tokens + (size_t)n_spans * (size_t)chunk, s->ids + n_past,
               (size_t)chunk * sizeof(int));
        g->spans[n_spans++] = (struct fl_span){i, chunk};
    }
    return n_spans;
}

/* The tokens that the cache lacks, or all of them without a cache, of every sequence that goes on;
 * returns how many do. */
static int gather(struct fl_generator *g)
{
    int n_spans = 0;
    size_t n_tokens = 0;
    for (int i = 0; i < g->n_sequences; i++) {
        const struct sequence *s = &g->sequences[i];
        if (s->over)
            continue;
        if (g->options.no_cache)
            fl_session_truncate_seq(g->session, i, 0);
        const int n_past = fl_session_length(g->session, i);
        g->spans[n_spans++] = (struct fl_span){i, s->n_ids - n_past};
        memcpy(g->tokens + n_tokens, s->ids + n_past, (size_t)(s->n_ids - n_past) * sizeof(int));
        n_tokens += (size_t)(s->n_ids - n_past);
    }
    return n_spans;
}

/* ---- output ---- */

static void show(struct fl_generator *g, int number, struct fl_stop_shown shown)
{
    const struct fl_generator_sink *sink = &g->options.sink;
    if (sink->text && shown.n_held > 0)
        sink->text(sink->context, number, shown.held, shown.n_held);
    if (sink->text && shown.n_text > 0)
        sink->text(sink->context, number, shown.text, shown.n_text);
}

/* A chosen token that is no end. */
static void emit(struct fl_generator *g, int number, int id)
{
    struct sequence *s = &g->sequences[number];
    if (g->options.sink.token)
        g->options.sink.token(g->options.sink.context, number, id);
    if (!g->options.tokenizer)
        return;
    size_t length;
    const char *text = fl_stream_push(&s->stream, id, &length);
    show(g, number, fl_stop_text(&s->stop, text, length));
}

/* What was held back, and the rest of a character that never became whole. */
static void finish(struct fl_generator *g, int number)
{
    struct sequence *s = &g->sequences[number];
    s->over = true;
    if (!g->options.tokenizer)
        return;
    size_t length;
    show(g, number, fl_stop_flush(&s->stop));
    fl_stream_flush(&s->stream, &length);
    if (length > 0 && s->stop.reason != FL_STOP_TEXT)
        show(g, number, (struct fl_stop_shown){.held = "", .text = "\xef\xbf\xbd", .n_text = 3});
}

/* ---- one token at a time ---- */

/* The tokens asked for, or those that the context had room for. */
static enum fl_stop_reason at_length(const struct fl_generator *g, const struct sequence *s)
{
    return s->n_new_max < g->options.n_new_max ? FL_STOP_CONTEXT : FL_STOP_LENGTH;
}

/* Takes a chosen token, or the end when there was none to choose. */
static void take(struct fl_generator *g, int number, int id)
{
    struct sequence *s = &g->sequences[number];
    if (id < 0)
        s->stop.reason = FL_STOP_NOTHING;
    else if (fl_stop_token(&s->stop, id) != FL_STOP_EOS) {
        if (s->stop.n_new == s->n_new_max)
            s->stop.reason = at_length(g, s);
        s->ids[s->n_ids++] = id;
        emit(g, number, id);
    }
    if (s->stop.reason != FL_STOP_NONE)
        finish(g, number);
}

/* Chooses behind one sequence. */
static void choose(struct fl_generator *g, int number, const float *logits)
{
    struct sequence *s = &g->sequences[number];
    g->sampler.state = s->random;
    g->sampler.n_banned = s->stop.n_new < g->options.n_new_min ? g->options.n_eos : 0;
    const int id = fl_sampler_pick(&g->sampler, logits, s->ids, s->n_ids);
    s->random = g->sampler.state;
    take(g, number, id);
}

static int run_batch(struct fl_generator *g, struct fl_error *error)
{
    const size_t vocab_size = (size_t)g->model->config.vocab_size;
    enum fl_generator_phase phase = FL_PHASE_PREFILL;
    if (encode(g, 0, g->n_sequences, error) != FL_OK)
        return FL_FAILED;
    for (int n_spans; (n_spans = gather_pieces(g)) > 0;)
        if (run_pass(g, n_spans, phase, FL_LOGITS_NONE, error) != FL_OK)
            return FL_FAILED;
    for (int n_spans; (n_spans = gather(g)) > 0; phase = FL_PHASE_DECODE) {
        if (run_pass(g, n_spans, phase, FL_LOGITS_LAST, error) != FL_OK)
            return FL_FAILED;
        const float *logits = fl_session_logits(g->session);
        for (int i = 0; i < n_spans; i++)
            choose(g, g->spans[i].seq, logits + (size_t)i * vocab_size);
    }
    return FL_OK;
}

/* ---- with a draft ---- */

/* Both models' distributions, as the options have it: struct fl_distribution. */
static void distribution(void *context, double *p, const float *logits, int vocab_size,
                         const int *ids, int n_ids)
{
    struct fl_generator *g = context;
    const int n_new = n_ids - g->sequences[0].n_prompt;
    (void)vocab_size;
    g->sampler.n_banned = n_new < g->options.n_new_min ? g->options.n_eos : 0;
    fl_sampler_distribution(&g->sampler, p, logits, ids, n_ids);
}

/* The largest logit, whatever came before. */
static bool is_plain(const struct fl_generator *g)
{
    return g->sampler.greedy && g->sampler.n_steps == 0 &&
           (g->options.n_new_min == 0 || g->options.n_eos == 0);
}

/* The target's part of what ran becomes the phase's. */
static void note_phase(struct fl_generator *g, enum fl_generator_phase which, uint64_t time_ns,
                       int64_t n_passes, int64_t n_tokens, int64_t n_new)
{
    struct fl_phase *phase = &g->phases[which];
    phase->time_ns = time_ns;
    phase->n_passes = n_passes;
    phase->n_tokens = n_tokens;
    phase->n_new = n_new;
    fl_ledger_add(&phase->ledger,
                  fl_speculative_ledger(g->speculative, which == FL_PHASE_PREFILL
                                                            ? FL_SPECULATIVE_PREFILL
                                                            : FL_SPECULATIVE_VERIFY));
}

static int run_speculative(struct fl_generator *g, struct fl_error *error)
{
    struct sequence *s = &g->sequences[0];
    const int n_prefill = s->n_prompt - 1, chunk = fl_speculative_prefill_chunk(g->speculative);
    uint64_t start = fl_clock_ns();
    if (fl_speculative_prefill(g->speculative, s->ids, s->n_prompt, error) != FL_OK)
        return FL_FAILED;
    note_phase(g, FL_PHASE_PREFILL, fl_clock_ns() - start, (n_prefill + chunk - 1) / chunk,
               n_prefill, n_prefill);
    int64_t n_rounds = 0, n_rows = 0;
    for (start = fl_clock_ns(); !s->over; n_rounds++) {
        const int64_t n_drafted = fl_speculative_n_drafted(g->speculative);
        int n;
        if (fl_speculative_round(g->speculative, s->ids, s->n_ids, s->n_new_max - s->stop.n_new,
                                 g->round, &n, error) != FL_OK)
            return FL_FAILED;
        n_rows += fl_speculative_n_drafted(g->speculative) - n_drafted + 1;
        for (int i = 0; i < n && !s->over; i++)
            take(g, 0, g->round[i]);
    }
    note_phase(g, FL_PHASE_DECODE, fl_clock_ns() - start, n_rounds, n_rows, s->n_ids - s->n_prompt);
    return FL_OK;
}

/* ---- beams ---- */

static int beam_forward(void *context, const int *seqs, int n_seqs, const int *tokens, int n_tokens,
                        const float **logits, struct fl_error *error)
{
    struct fl_generator *g = context;
    const bool prefill = fl_session_length(g->session, seqs[0]) == 0;
    for (int i = 0; i < n_seqs; i++)
        g->spans[i] = (struct fl_span){seqs[i], n_tokens};
    memcpy(g->tokens, tokens, (size_t)n_seqs * (size_t)n_tokens * sizeof *tokens);
    if (run_pass(g, n_seqs, prefill ? FL_PHASE_PREFILL : FL_PHASE_DECODE, FL_LOGITS_LAST, error) !=
        FL_OK)
        return FL_FAILED;
    *logits = fl_session_logits(g->session);
    return FL_OK;
}

static int beam_fork(void *context, int to, int from, struct fl_error *error)
{
    struct fl_generator *g = context;
    return fl_session_fork(g->session, to, from, fl_session_length(g->session, from), error);
}

/* Copies what the search found: the next one uses its memory again. */
static void keep_beams(struct fl_generator *g, int number)
{
    struct sequence *s = &g->sequences[number];
    const size_t n_ids_max = (size_t)g->options.n_new_max;
    s->n_beams = fl_beam_n_hypotheses(g->beam);
    for (int i = 0; i < s->n_beams; i++) {
        struct fl_hypothesis h = fl_beam_hypothesis(g->beam, i);
        int *ids =
            g->beam_ids + ((size_t)number * (size_t)g->options.n_beams + (size_t)i) * n_ids_max;
        memcpy(ids, h.ids, (size_t)h.n_ids * sizeof *ids);
        h.ids = ids;
        s->beams[i] = h;
    }
}

/* The best hypothesis as the prompt's output. */
static void take_best(struct fl_generator *g, int number)
{
    struct sequence *s = &g->sequences[number];
    s->stop.reason = FL_STOP_NOTHING;
    if (s->n_beams > 0) {
        const struct fl_hypothesis *best = &s->beams[0];
        const int n = best->n_ids - best->finished;
        for (int i = 0; i < n; i++) {
            s->ids[s->n_ids++] = best->ids[i];
            emit(g, number, best->ids[i]);
        }
        s->stop.reason = best->finished ? FL_STOP_EOS : at_length(g, s);
    }
    finish(g, number);
}

static int run_beams(struct fl_generator *g, struct fl_error *error)
{
    const struct fl_beam_model model = {g, g->model->config.vocab_size, beam_forward, beam_fork};
    for (int i = 0; i < g->n_sequences; i++) {
        const struct sequence *s = &g->sequences[i];
        fl_session_truncate(g->session, 0);
        if (encode(g, i, 1, error) != FL_OK)
            return FL_FAILED;
        if (fl_beam_start(g->beam, &model, s->ids, s->n_prompt, s->n_new_max, error) != FL_OK)
            return FL_FAILED;
        for (bool more = true; more;)
            if (fl_beam_step(g->beam, &more, error) != FL_OK)
                return FL_FAILED;
        keep_beams(g, i);
        take_best(g, i);
    }
    return FL_OK;
}

int fl_generator_run(struct fl_generator *g, struct fl_error *error)
{
    if (g->speculative)
        return run_speculative(g, error);
    return g->beam ? run_beams(g, error) : run_batch(g, error);
}

/* ---- opening ---- */

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

static int check_options(const struct fl_generator_options *o, int n_prompts,
                         struct fl_error *error)
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
    if (o->draft && (n_prompts != 1 || o->n_beams > 1 || o->no_cache))
        return fl_fail(error,
                       "generation: a draft model goes with one prompt, the cache and no beams");
    return FL_OK;
}

static int open_sequence(struct fl_generator *g, struct sequence *s, const struct fl_prompt *prompt,
                         struct fl_error *error)
{
    const struct fl_config *config = &g->model->config;
    const int room = fl_generator_room(config, prompt->n_ids);
    const struct fl_prompt start = {&config->bos_id, 1};
    const struct fl_prompt *first = has_encoder(g) ? &start : prompt;
    if (has_encoder(g) && first->ids[0] < 0)
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
static int n_run_of(const struct sequence *s)
{
    return s->n_prompt + s->n_new_max - 1;
}

/* Tokens of a sequence in one pass, at most. */
static int n_pass_of(const struct fl_generator *g, const struct sequence *s)
{
    const int chunk = g->options.prefill_chunk;
    if (g->options.no_cache)
        return n_run_of(s);
    return chunk > 0 && chunk < s->n_prompt ? chunk : s->n_prompt;
}

static struct extent measure(const struct fl_generator *g)
{
    struct extent e = {.n_seqs = g->n_sequences};
    for (int i = 0; i < g->n_sequences; i++) {
        const struct sequence *s = &g->sequences[i];
        const int n_pass = n_pass_of(g, s);
        e.n_ctx = n_run_of(s) > e.n_ctx ? n_run_of(s) : e.n_ctx;
        e.n_tokens_max = n_pass > e.n_tokens_max ? n_pass : e.n_tokens_max;
        e.n_rows_max += n_pass;
        e.n_given += s->given.n_ids;
        e.n_encoder_ctx = s->given.n_ids > e.n_encoder_ctx ? s->given.n_ids : e.n_encoder_ctx;
    }
    e.block_tokens = e.n_ctx < BLOCK_TOKENS ? e.n_ctx : BLOCK_TOKENS;
    for (int i = 0; i < g->n_sequences; i++)
        e.n_blocks += (n_run_of(&g->sequences[i]) + e.block_tokens - 1) / e.block_tokens;
    return e;
}

/* Beams share the prompt's whole blocks; behind them each has blocks of its own at worst, the one
 * that the prompt began included. Prompts come one after the other. */
static struct extent measure_beams(const struct fl_generator *g)
{
    struct extent e = measure(g);
    const int k = g->options.n_beams;
    e.n_seqs = k;
    e.n_rows_max = e.n_tokens_max > k ? e.n_tokens_max : k;
    e.n_blocks = 0;
    for (int i = 0; i < g->n_sequences; i++) {
        const struct sequence *s = &g->sequences[i];
        const int64_t shared = s->n_prompt / e.block_tokens;
        const int64_t all = (n_run_of(s) + e.block_tokens - 1) / e.block_tokens;
        const int64_t n = shared + k * (all - shared);
        e.n_blocks = n > e.n_blocks ? n : e.n_blocks;
    }
    return e;
}

static int open_session(struct fl_generator *g, struct fl_error *error)
{
    const struct extent e = g->beam ? measure_beams(g) : measure(g);
    const bool one = e.n_seqs == 1; /* lies in one piece */
    const int64_t n_tokens = e.n_rows_max > e.n_given ? e.n_rows_max : e.n_given;
    if (n_tokens > INT_MAX || e.n_blocks > INT_MAX)
        return fl_fail(error, "generation: expected prompts of at most %d tokens together",
                       INT_MAX);
    const struct fl_session_options options = {
        .n_seqs = e.n_seqs,
        .n_ctx = e.n_ctx,
        .n_tokens_max = e.n_tokens_max,
        .n_rows_max = (int)e.n_rows_max,
        .block_tokens = one                      ? 0
                        : e.n_ctx < BLOCK_TOKENS ? e.n_ctx
                                                 : BLOCK_TOKENS,
        .n_blocks = one || e.n_ctx < BLOCK_TOKENS ? 0 : (int)e.n_blocks,
        .n_inputs = !has_encoder(g) ? 0
                    : g->beam       ? 1
                                    : g->n_sequences,
        .n_encoder_ctx = has_encoder(g) ? e.n_encoder_ctx : 0,
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
        .distribution = {is_plain(g) ? NULL : distribution, g},
        .seed = o->sampling.seed,
        .log = o->log,
        .draft_log = o->draft_log,
    };
    if (fl_speculative_open(&g->speculative, g->model, o->draft, &options, error) != FL_OK)
        return FL_FAILED;
    g->phases[FL_PHASE_DECODE].name = "verify";
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
    for (int i = 0; i < FL_N_PHASES; i++) {
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
    if (check_options(options, n_prompts, error) != FL_OK ||
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
    for (int i = 0; i < FL_N_PHASES; i++)
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

/* ---- results ---- */

struct fl_generated fl_generator_result(const struct fl_generator *g, int prompt)
{
    assert(prompt >= 0 && prompt < g->n_sequences);
    const struct sequence *s = &g->sequences[prompt];
    return (struct fl_generated){
        .n_prompt = s->given.n_ids,
        .ids = s->ids + s->n_prompt,
        .n_ids = s->n_ids - s->n_prompt,
        .reason = s->stop.reason,
        .stop_text = s->stop.text >= 0 ? g->rules.texts[s->stop.text] : NULL,
        .beams = g->beam ? s->beams : NULL,
        .n_beams = s->n_beams,
    };
}

const struct fl_phase *fl_generator_phase(const struct fl_generator *g,
                                          enum fl_generator_phase phase)
{
    return &g->phases[phase];
}

int fl_generator_n_threads(const struct fl_generator *g)
{
    return g->speculative ? fl_speculative_n_threads(g->speculative)
                          : fl_session_n_threads(g->session);
}

const struct fl_speculative *fl_generator_speculative(const struct fl_generator *g)
{
    return g->speculative;
}
