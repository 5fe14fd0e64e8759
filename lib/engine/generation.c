#include "engine/generation.h"

#include "engine/generation_state.h"

#include <assert.h>
#include <string.h>

/* ---- a pass ---- */

static uint64_t begin_pass(struct fl_generator *g, enum fl_generator_phase which)
{
    fl_ledger_reset(fl_session_ledger(g->session));
    fl_event_log_phase(g->options.log, g->phases[which].name);
    return fl_clock_ns();
}

/* Writes down what the pass cost. */
static void end_pass(struct fl_generator *g, enum fl_generator_phase which, uint64_t start_ns,
                     int64_t n_tokens, int64_t n_new)
{
    struct fl_generation_phase *phase = &g->phases[which];
    phase->time_ns += fl_clock_ns() - start_ns;
    phase->n_passes++;
    phase->n_tokens += n_tokens;
    phase->n_new += n_new;
    fl_ledger_add(&phase->ledger, fl_session_ledger(g->session));
}

/* Runs g->spans [n_spans]. */
static int run_pass(struct fl_generator *g, int n_spans, enum fl_generator_phase which,
                    enum fl_logits logits, struct fl_error *error)
{
    int64_t n_tokens = 0;
    for (int i = 0; i < n_spans; i++)
        n_tokens += g->spans[i].n_tokens;
    const uint64_t start_ns = begin_pass(g, which);
    if (fl_session_run(g->session, g->spans, n_spans, g->tokens, logits, error) != FL_OK)
        return FL_FAILED;
    end_pass(g, which, start_ns, n_tokens, which == FL_GENERATOR_PREFILL ? n_tokens : n_spans);
    return FL_OK;
}

/* Runs the encoder over the inputs of n sequences from `first` on; nothing without one. */
static int encode(struct fl_generator *g, int first, int n, struct fl_error *error)
{
    int n_tokens = 0;
    if (!fl_generator_encodes(g))
        return FL_OK;
    for (int i = 0; i < n; i++) {
        const struct fl_prompt *given = &g->sequences[first + i].given;
        memcpy(g->tokens + n_tokens, given->ids, (size_t)given->n_ids * sizeof *g->tokens);
        g->input_lengths[i] = given->n_ids;
        n_tokens += given->n_ids;
    }
    const uint64_t start_ns = begin_pass(g, FL_GENERATOR_PREFILL);
    if (fl_session_encode(g->session, g->tokens, g->input_lengths, n, error) != FL_OK)
        return FL_FAILED;
    end_pass(g, FL_GENERATOR_PREFILL, start_ns, n_tokens, n_tokens);
    return FL_OK;
}

/* The next piece of every prompt that does not fit into one; returns how many there are. */
static int gather_pieces(struct fl_generator *g)
{
    const int chunk = g->options.prefill_chunk;
    int n_spans = 0;
    for (int i = 0; chunk > 0 && i < g->n_sequences; i++) {
        const struct fl_generator_sequence *s = &g->sequences[i];
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
        const struct fl_generator_sequence *s = &g->sequences[i];
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
    struct fl_generator_sequence *s = &g->sequences[number];
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
    struct fl_generator_sequence *s = &g->sequences[number];
    s->over = true;
    if (!g->options.tokenizer)
        return;
    size_t length;
    show(g, number, fl_stop_flush(&s->stop));
    fl_stream_flush(&s->stream, &length);
    if (length > 0 && s->stop.reason != FL_STOP_TEXT)
        show(g, number, (struct fl_stop_shown){.held = "", .text = "\xef\xbf\xbd", .n_text = 3});
}

static bool interrupted(const struct fl_generator *g)
{
    return g->options.interrupted && *g->options.interrupted;
}

/* Texts that were going on end here. */
static void break_off(struct fl_generator *g)
{
    for (int i = 0; i < g->n_sequences; i++) {
        if (g->sequences[i].over)
            continue;
        g->sequences[i].stop.reason = FL_STOP_SIGNAL;
        finish(g, i);
    }
}

/* ---- one token at a time ---- */

/* The tokens asked for, or those that the context had room for. */
static enum fl_stop_reason at_length(const struct fl_generator *g,
                                     const struct fl_generator_sequence *s)
{
    return s->n_new_max < g->options.n_new_max ? FL_STOP_CONTEXT : FL_STOP_LENGTH;
}

/* Takes a chosen token, or the end when there was none to choose. */
static void take(struct fl_generator *g, int number, int id)
{
    struct fl_generator_sequence *s = &g->sequences[number];
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
    struct fl_generator_sequence *s = &g->sequences[number];
    g->sampler.state = s->random;
    g->sampler.n_banned = s->stop.n_new < g->options.n_new_min ? g->options.n_eos : 0;
    const int id = fl_sampler_pick(&g->sampler, logits, s->ids, s->n_ids);
    s->random = g->sampler.state;
    take(g, number, id);
}

static int run_batch(struct fl_generator *g, struct fl_error *error)
{
    const size_t vocab_size = (size_t)g->model->config.vocab_size;
    enum fl_generator_phase phase = FL_GENERATOR_PREFILL;
    if (encode(g, 0, g->n_sequences, error) != FL_OK)
        return FL_FAILED;
    for (int n_spans; !interrupted(g) && (n_spans = gather_pieces(g)) > 0;)
        if (run_pass(g, n_spans, phase, FL_LOGITS_NONE, error) != FL_OK)
            return FL_FAILED;
    for (int n_spans; !interrupted(g) && (n_spans = gather(g)) > 0; phase = FL_GENERATOR_DECODE) {
        if (run_pass(g, n_spans, phase, FL_LOGITS_LAST, error) != FL_OK)
            return FL_FAILED;
        const float *logits = fl_session_logits(g->session);
        for (int i = 0; i < n_spans; i++)
            choose(g, g->spans[i].seq, logits + (size_t)i * vocab_size);
    }
    break_off(g);
    return FL_OK;
}

/* ---- with a draft ---- */

void fl_generator_distribution(void *context, double *p, const float *logits, int vocab_size,
                               const int *ids, int n_ids)
{
    struct fl_generator *g = context;
    const int n_new = n_ids - g->sequences[0].n_prompt;
    (void)vocab_size;
    g->sampler.n_banned = n_new < g->options.n_new_min ? g->options.n_eos : 0;
    fl_sampler_distribution(&g->sampler, p, logits, ids, n_ids);
}

/* The target's part of what ran becomes the phase's. */
static void note_phase(struct fl_generator *g, enum fl_generator_phase which, uint64_t time_ns,
                       int64_t n_passes, int64_t n_tokens, int64_t n_new)
{
    struct fl_generation_phase *phase = &g->phases[which];
    phase->time_ns = time_ns;
    phase->n_passes = n_passes;
    phase->n_tokens = n_tokens;
    phase->n_new = n_new;
    fl_ledger_add(&phase->ledger,
                  fl_speculative_ledger(g->speculative, which == FL_GENERATOR_PREFILL
                                                            ? FL_SPECULATIVE_PREFILL
                                                            : FL_SPECULATIVE_VERIFY));
}

static int run_speculative(struct fl_generator *g, struct fl_error *error)
{
    struct fl_generator_sequence *s = &g->sequences[0];
    const int n_prefill = s->n_prompt - 1, chunk = fl_speculative_prefill_chunk(g->speculative);
    uint64_t start = fl_clock_ns();
    if (fl_speculative_prefill(g->speculative, s->ids, s->n_prompt, error) != FL_OK)
        return FL_FAILED;
    note_phase(g, FL_GENERATOR_PREFILL, fl_clock_ns() - start, (n_prefill + chunk - 1) / chunk,
               n_prefill, n_prefill);
    int64_t n_rounds = 0, n_rows = 0;
    for (start = fl_clock_ns(); !s->over && !interrupted(g); n_rounds++) {
        const int64_t n_drafted = fl_speculative_n_drafted(g->speculative);
        int n;
        if (fl_speculative_round(g->speculative, s->ids, s->n_ids, s->n_new_max - s->stop.n_new,
                                 g->round, &n, error) != FL_OK)
            return FL_FAILED;
        n_rows += fl_speculative_n_drafted(g->speculative) - n_drafted + 1;
        for (int i = 0; i < n && !s->over; i++)
            take(g, 0, g->round[i]);
    }
    break_off(g);
    note_phase(g, FL_GENERATOR_DECODE, fl_clock_ns() - start, n_rounds, n_rows,
               s->n_ids - s->n_prompt);
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
    if (run_pass(g, n_seqs, prefill ? FL_GENERATOR_PREFILL : FL_GENERATOR_DECODE, FL_LOGITS_LAST,
                 error) != FL_OK)
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
    struct fl_generator_sequence *s = &g->sequences[number];
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

/* The best hypothesis as the prompt's output; cut: the search would have gone on. */
static void take_best(struct fl_generator *g, int number, bool cut)
{
    struct fl_generator_sequence *s = &g->sequences[number];
    s->stop.reason = cut ? FL_STOP_SIGNAL : FL_STOP_NOTHING;
    if (s->n_beams > 0) {
        const struct fl_hypothesis *best = &s->beams[0];
        const int n = best->n_ids - best->finished;
        for (int i = 0; i < n; i++) {
            s->ids[s->n_ids++] = best->ids[i];
            emit(g, number, best->ids[i]);
        }
        s->stop.reason = best->finished ? FL_STOP_EOS : cut ? FL_STOP_SIGNAL : at_length(g, s);
    }
    finish(g, number);
}

static int run_beams(struct fl_generator *g, struct fl_error *error)
{
    const struct fl_beam_model model = {g, g->model->config.vocab_size, beam_forward, beam_fork};
    for (int i = 0; i < g->n_sequences && !interrupted(g); i++) {
        const struct fl_generator_sequence *s = &g->sequences[i];
        fl_session_truncate(g->session, 0);
        if (encode(g, i, 1, error) != FL_OK)
            return FL_FAILED;
        if (fl_beam_start(g->beam, &model, s->ids, s->n_prompt, s->n_new_max, error) != FL_OK)
            return FL_FAILED;
        bool more = true;
        while (more && !interrupted(g))
            if (fl_beam_step(g->beam, &more, error) != FL_OK)
                return FL_FAILED;
        if (more)
            fl_beam_stop(g->beam);
        keep_beams(g, i);
        take_best(g, i, more);
    }
    break_off(g);
    return FL_OK;
}

int fl_generator_run(struct fl_generator *g, struct fl_error *error)
{
    if (g->speculative)
        return run_speculative(g, error);
    return g->beam ? run_beams(g, error) : run_batch(g, error);
}

/* ---- results ---- */

struct fl_generated fl_generator_result(const struct fl_generator *g, int prompt)
{
    assert(prompt >= 0 && prompt < g->n_sequences);
    const struct fl_generator_sequence *s = &g->sequences[prompt];
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

const struct fl_generation_phase *fl_generator_phase(const struct fl_generator *g,
                                                     enum fl_generator_phase phase)
{
    return &g->phases[phase];
}

int fl_generator_n_threads(const struct fl_generator *g)
{
    return g->speculative ? fl_speculative_n_threads(g->speculative)
                          : fl_session_n_threads(g->session);
}

struct fl_kv_size fl_generator_kv_size(const struct fl_generator *g)
{
    return g->speculative ? fl_speculative_kv_size(g->speculative, false)
                          : fl_session_kv_size(g->session);
}

const struct fl_speculative *fl_generator_speculative(const struct fl_generator *g)
{
    return g->speculative;
}
