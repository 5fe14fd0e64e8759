#include "engine/beam.h"

#include "base/checked.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A live beam or an ended hypothesis. ids: the prompt, then what was generated. */
struct entry {
    int *ids;
    int n_new;
    double sum, score;
    bool finished;
    int seq; /* a live beam's sequence */
};

/* A live beam continued by an id. */
struct candidate {
    double sum;
    int beam, id;
};

struct fl_beam {
    struct fl_beam_options options;
    int vocab_size;
    struct fl_beam_model model;
    int n_prompt, n_new_max, n_done; /* steps */
    bool over;
    long n_run;
    struct entry *live, *next, *ended; /* [n_beams]; ended: by falling score */
    int n_live, n_ended;
    struct candidate *best; /* [n_best_max], by rank */
    int n_best, n_best_max;
    int *seqs, *tokens; /* [n_beams] of a pass; tokens has room for the prompt */
    bool *taken;        /* [n_beams] sequences that the next live beams are in */
    int *storage;       /* of every entry's ids */
    struct fl_logits_processor processor;
    float *row; /* [vocab_size] log-probabilities; NULL without steps */
};

/* ---- memory ---- */

static int check(const struct fl_beam_options *o, struct fl_error *error)
{
    if (o->n_beams < 1)
        return fl_fail(error, "beam search: n_beams: expected at least 1, got %d", o->n_beams);
    if (o->n_new_max < 1 || o->n_prompt_max < 1)
        return fl_fail(error,
                       "beam search: expected room for a prompt and for new tokens, got %d and %d",
                       o->n_prompt_max, o->n_new_max);
    if (!isfinite(o->length_penalty))
        return fl_fail(error, "beam search: length_penalty: expected a number");
    return FL_OK;
}

static void place_entries(struct fl_beam *beam, struct entry *entries, size_t number, size_t ids)
{
    for (size_t i = 0; i < (size_t)beam->options.n_beams; i++)
        entries[i].ids = beam->storage + (number * (size_t)beam->options.n_beams + i) * ids;
}

static bool reserve(struct fl_beam *beam)
{
    const struct fl_beam_options *o = &beam->options;
    const size_t k = (size_t)o->n_beams;
    const size_t ids = (size_t)o->n_prompt_max + (size_t)o->n_new_max;
    size_t n_ids, n_best;
    if (!fl_size_product((const size_t[]){3, k, ids}, 3, &n_ids) ||
        !fl_size_product((const size_t[]){k, (size_t)o->n_eos + 1}, 2, &n_best) || n_best > 1 << 30)
        return false;
    beam->n_best_max = (int)n_best;
    beam->live = calloc(k, sizeof *beam->live);
    beam->next = calloc(k, sizeof *beam->next);
    beam->ended = calloc(k, sizeof *beam->ended);
    beam->best = calloc(n_best, sizeof *beam->best);
    beam->seqs = calloc(k, sizeof *beam->seqs);
    beam->tokens = calloc(k, sizeof *beam->tokens);
    beam->taken = calloc(k, sizeof *beam->taken);
    beam->storage = calloc(n_ids, sizeof *beam->storage);
    if (o->n_steps > 0)
        beam->row = calloc((size_t)beam->vocab_size, sizeof *beam->row);
    if (!beam->live || !beam->next || !beam->ended || !beam->best || !beam->seqs || !beam->tokens ||
        !beam->taken || !beam->storage || (o->n_steps > 0 && !beam->row))
        return false;
    place_entries(beam, beam->live, 0, ids);
    place_entries(beam, beam->next, 1, ids);
    place_entries(beam, beam->ended, 2, ids);
    return true;
}

int fl_beam_open(struct fl_beam **beam, const struct fl_beam_options *options, int vocab_size,
                 struct fl_error *error)
{
    *beam = NULL;
    if (check(options, error) != FL_OK)
        return FL_FAILED;
    struct fl_beam *opened = calloc(1, sizeof *opened);
    if (opened) {
        opened->options = *options;
        opened->vocab_size = vocab_size;
        opened->over = true;
    }
    if (!opened || !reserve(opened)) {
        fl_beam_close(opened);
        return fl_fail(error, "beam search: not enough memory for %d beams of %d ids",
                       options->n_beams, options->n_new_max);
    }
    if (options->n_steps > 0 &&
        fl_logits_processor_open(&opened->processor, vocab_size, error) != FL_OK) {
        fl_beam_close(opened);
        return FL_FAILED;
    }
    *beam = opened;
    return FL_OK;
}

void fl_beam_close(struct fl_beam *beam)
{
    if (!beam)
        return;
    fl_logits_processor_close(&beam->processor);
    free(beam->live);
    free(beam->next);
    free(beam->ended);
    free(beam->best);
    free(beam->seqs);
    free(beam->tokens);
    free(beam->taken);
    free(beam->storage);
    free(beam->row);
    free(beam);
}

/* ---- candidates ---- */

static bool is_end(const struct fl_beam *beam, int id)
{
    for (int i = 0; i < beam->options.n_eos; i++)
        if (beam->options.eos_ids[i] == id)
            return true;
    return false;
}

/* log sum exp(l); -infinity when there is nothing left. */
static double log_sum(const float *logits, int n)
{
    float top = -INFINITY;
    double sum = 0;
    for (int i = 0; i < n; i++)
        if (logits[i] > top)
            top = logits[i];
    if (isinf(top))
        return (double)top;
    for (int i = 0; i < n; i++)
        if (logits[i] > -INFINITY)
            sum += exp((double)logits[i] - (double)top);
    return (double)top + log(sum);
}

/* Beams come in order and ids too, so that among equals what comes first stays first. */
static void offer(struct fl_beam *beam, double sum, int number, int id)
{
    int place = beam->n_best;
    if (place == beam->n_best_max) {
        if (!(sum > beam->best[place - 1].sum))
            return;
        place--;
    } else {
        beam->n_best++;
    }
    for (; place > 0 && sum > beam->best[place - 1].sum; place--)
        beam->best[place] = beam->best[place - 1];
    beam->best[place] = (struct candidate){sum, number, id};
}

/* The best (1 + n_eos) * n_beams continuations: among them are as many that go on as can live. */
static void rank(struct fl_beam *beam, const float *logits)
{
    const int n = beam->vocab_size;
    const bool no_end = beam->n_done < beam->options.n_new_min;
    beam->n_best = 0;
    for (int i = 0; i < beam->n_live; i++) {
        const struct entry *entry = &beam->live[i];
        const float *row = logits + (size_t)i * (size_t)n;
        double total = log_sum(row, n);
        if (beam->row) {
            for (int id = 0; id < n; id++)
                beam->row[id] = (float)((double)row[id] - total);
            fl_logits_process(&beam->processor, beam->options.steps, beam->options.n_steps,
                              beam->row, entry->ids, beam->n_prompt + entry->n_new);
            row = beam->row;
            total = 0;
        }
        for (int id = 0; id < n; id++) {
            const double sum = entry->sum + ((double)row[id] - total);
            if (sum > -INFINITY && !(no_end && is_end(beam, id)))
                offer(beam, sum, i, id);
        }
    }
}

/* ---- hypotheses ---- */

static double score(const struct fl_beam *beam, double sum, int n_new)
{
    return sum / pow((5.0 + n_new) / 6.0, beam->options.length_penalty);
}

static void copy_ids(const struct fl_beam *beam, int *to, const struct entry *from)
{
    memcpy(to, from->ids, (size_t)(beam->n_prompt + from->n_new) * sizeof *to);
}

/* Keeps the n_beams best. id -1: a live beam that ended because there were no more steps. */
static void end(struct fl_beam *beam, const struct entry *entry, double sum, int id)
{
    const int n_new = entry->n_new + (id >= 0);
    const double own = score(beam, sum, n_new);
    const int k = beam->options.n_beams;
    if (beam->n_ended == k && !(own > beam->ended[k - 1].score))
        return;
    int place = beam->n_ended < k ? beam->n_ended++ : k - 1;
    int *ids = beam->ended[place].ids; /* of the place that becomes free */
    for (; place > 0 && own > beam->ended[place - 1].score; place--)
        beam->ended[place] = beam->ended[place - 1];
    copy_ids(beam, ids, entry);
    if (id >= 0)
        ids[beam->n_prompt + entry->n_new] = id;
    beam->ended[place] = (struct entry){ids, n_new, sum, own, id >= 0, -1};
}

/* Reads the ranks: ends, and the next live beams, whose `seq` is still their parent's. */
static int select_next(struct fl_beam *beam, int *parents)
{
    const int k = beam->options.n_beams;
    int n_next = 0;
    for (int place = 0; place < beam->n_best && n_next < k; place++) {
        const struct candidate *c = &beam->best[place];
        const struct entry *parent = &beam->live[c->beam];
        if (is_end(beam, c->id)) {
            if (place < k)
                end(beam, parent, c->sum, c->id);
            continue;
        }
        struct entry *entry = &beam->next[n_next];
        int *ids = entry->ids;
        copy_ids(beam, ids, parent);
        ids[beam->n_prompt + parent->n_new] = c->id;
        *entry = (struct entry){ids, parent->n_new + 1, c->sum, 0, false, parent->seq};
        parents[n_next++] = c->beam;
    }
    return n_next;
}

/* The first child stays in its parent's sequence; the others move to sequences nobody is in. What
 * lies there belongs to beams that died, so no fork destroys what another one needs. */
static int settle(struct fl_beam *beam, const int *parents, int n_next, struct fl_error *error)
{
    int free_seq = 0;
    memset(beam->taken, 0, (size_t)beam->options.n_beams * sizeof *beam->taken);
    for (int i = 0; i < n_next; i++)
        beam->taken[beam->live[parents[i]].seq] = true;
    for (int i = 0; i < n_next; i++) {
        bool first = true;
        for (int j = 0; j < i && first; j++)
            first = parents[j] != parents[i];
        if (first)
            continue;
        while (beam->taken[free_seq])
            free_seq++;
        assert(free_seq < beam->options.n_beams);
        beam->taken[free_seq] = true;
        beam->next[i].seq = free_seq;
        if (beam->model.fork(beam->model.context, free_seq, beam->live[parents[i]].seq, error) !=
            FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

/* ---- the search ---- */

int fl_beam_start(struct fl_beam *beam, const struct fl_beam_model *model, const int *prompt,
                  int n_prompt, int n_new_max, struct fl_error *error)
{
    assert(model->vocab_size == beam->vocab_size);
    assert(n_new_max >= 1 && n_new_max <= beam->options.n_new_max);
    if (n_prompt < 1 || n_prompt > beam->options.n_prompt_max)
        return fl_fail(error, "beam search: prompt: expected 1 to %d tokens, got %d",
                       beam->options.n_prompt_max, n_prompt);
    beam->model = *model;
    beam->n_prompt = n_prompt;
    beam->n_new_max = n_new_max;
    beam->n_done = beam->n_ended = 0;
    beam->n_run = 0;
    beam->n_live = 1;
    beam->over = false;
    struct entry *first = &beam->live[0];
    memcpy(first->ids, prompt, (size_t)n_prompt * sizeof *prompt);
    *first = (struct entry){.ids = first->ids};
    return FL_OK;
}

/* The pass: the prompt, or the newest id of every live beam. */
static int forward(struct fl_beam *beam, const float **logits, struct fl_error *error)
{
    for (int i = 0; i < beam->n_live; i++) {
        const struct entry *entry = &beam->live[i];
        beam->seqs[i] = entry->seq;
        beam->tokens[i] = entry->ids[beam->n_prompt + entry->n_new - 1];
    }
    const bool prefill = beam->n_done == 0;
    const int n_tokens = prefill ? beam->n_prompt : 1;
    if (beam->model.forward(beam->model.context, beam->seqs, beam->n_live,
                            prefill ? beam->live[0].ids : beam->tokens, n_tokens, logits,
                            error) != FL_OK)
        return FL_FAILED;
    beam->n_run += (long)beam->n_live * n_tokens;
    return FL_OK;
}

static void join_live(struct fl_beam *beam)
{
    for (int i = 0; i < beam->n_live; i++)
        end(beam, &beam->live[i], beam->live[i].sum, -1);
}

static bool is_over(struct fl_beam *beam)
{
    if (beam->options.early_stopping && beam->n_ended == beam->options.n_beams)
        return true;
    if (beam->n_done < beam->n_new_max && beam->n_live > 0)
        return false;
    join_live(beam);
    return true;
}

int fl_beam_step(struct fl_beam *beam, bool *more, struct fl_error *error)
{
    const float *logits;
    assert(!beam->over);
    if (forward(beam, &logits, error) != FL_OK)
        return FL_FAILED;
    rank(beam, logits);
    int *parents = beam->tokens; /* the pass has read them */
    const int n_next = select_next(beam, parents);
    beam->n_done++;
    const bool last = beam->n_done == beam->n_new_max;
    if (!last && settle(beam, parents, n_next, error) != FL_OK)
        return FL_FAILED;
    struct entry *old = beam->live;
    beam->live = beam->next;
    beam->next = old;
    beam->n_live = n_next;
    beam->over = is_over(beam);
    *more = !beam->over;
    return FL_OK;
}

void fl_beam_stop(struct fl_beam *beam)
{
    if (!beam->over && beam->n_done > 0)
        join_live(beam);
    beam->over = true;
}

static struct fl_hypothesis view(const struct fl_beam *beam, const struct entry *entry)
{
    return (struct fl_hypothesis){.ids = entry->ids + beam->n_prompt,
                                  .n_ids = entry->n_new,
                                  .sum = entry->sum,
                                  .score = score(beam, entry->sum, entry->n_new),
                                  .finished = entry->finished};
}

int fl_beam_n_live(const struct fl_beam *beam)
{
    return beam->n_live;
}

struct fl_hypothesis fl_beam_live(const struct fl_beam *beam, int i)
{
    assert(i >= 0 && i < beam->n_live);
    return view(beam, &beam->live[i]);
}

int fl_beam_n_hypotheses(const struct fl_beam *beam)
{
    return beam->n_ended;
}

struct fl_hypothesis fl_beam_hypothesis(const struct fl_beam *beam, int i)
{
    assert(i >= 0 && i < beam->n_ended);
    return view(beam, &beam->ended[i]);
}

long fl_beam_n_run(const struct fl_beam *beam)
{
    return beam->n_run;
}
