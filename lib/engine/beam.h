/* beam.h - beam search: the continuations of a prompt that are most probable as a whole.
 *
 * With n_beams k, from the prompt with sum 0:
 *
 * 1. Every live beam is continued by every id; sums of natural-log probabilities rank all of them
 *    (equal sums: the lower beam, then the lower id).
 * 2. An end of sequence among the first k ends its hypothesis; the first k that are no end are the
 *    next live beams.
 * 3. After n_new_max steps the live beams join the ended ones.
 * 4. score = sum / ((5 + |y|)^alpha / (5 + 1)^alpha), |y| the generated ids, an end included
 *    (Wu et al., 2016, arXiv:1609.08144, without the coverage term). The k best are kept.
 *
 * There is no early stop unless asked for: then the search is over with k ended hypotheses, and
 * the live beams do not join them. Beam 1 is greedy decoding.
 *
 * The search knows the model through two calls, so that beams may live in any cache: every live
 * beam is a sequence; a beam continued once stays in its sequence, one continued more often is
 * forked into the sequences of those that died. Memory is reserved by fl_beam_open(); steps
 * allocate nothing. */
#ifndef FL_ENGINE_BEAM_H
#define FL_ENGINE_BEAM_H

#include "base/error.h"
#include "engine/logits_processor.h"

#include <stdbool.h>

struct fl_beam_model {
    void *context;
    int vocab_size;
    /* Runs n_tokens new tokens of each of n_seqs different sequences: tokens [n_seqs, n_tokens] of
     * seqs [n_seqs]. *logits: [n_seqs, vocab_size] of the last tokens, valid until the next call.
     * The first call runs the prompt in sequence 0. */
    int (*forward)(void *context, const int *seqs, int n_seqs, const int *tokens, int n_tokens,
                   const float **logits, struct fl_error *error);
    /* Sequence `to` becomes what `from` is. */
    int (*fork)(void *context, int to, int from, struct fl_error *error);
};

struct fl_beam_options {
    int n_beams;           /* at least 1 */
    int n_new_max;         /* the most steps there may be, at least 1 */
    int n_new_min;         /* an end is no candidate before so many ids; 0: it always is */
    int n_prompt_max;      /* ids, at least 1 */
    double length_penalty; /* alpha; 0: plain sums */
    bool early_stopping;
    const int *eos_ids; /* [n_eos] may be none; must outlive the search */
    int n_eos;
    /* [n_steps] applied to the log-probabilities, as Hugging Face does, which are not normalised
     * again: the penalties and no_repeat_ngram. Must outlive the search; may be none. */
    const struct fl_logits_step *steps;
    int n_steps;
};

struct fl_hypothesis {
    const int *ids; /* generated only; an end of sequence is included */
    int n_ids;
    double sum;    /* of natural-log probabilities */
    double score;  /* with length penalty */
    bool finished; /* by an end of sequence */
};

struct fl_beam;

int fl_beam_open(struct fl_beam **beam, const struct fl_beam_options *options, int vocab_size,
                 struct fl_error *error);
void fl_beam_close(struct fl_beam *beam);

/* prompt [n_prompt] must not be empty; n_new_max steps, at most those of the options. */
int fl_beam_start(struct fl_beam *beam, const struct fl_beam_model *model, const int *prompt,
                  int n_prompt, int n_new_max, struct fl_error *error);

/* One pass and what follows from it; the first one runs the prompt. *more: the search goes on. */
int fl_beam_step(struct fl_beam *beam, bool *more, struct fl_error *error);

/* Ends the search as if no more steps had been asked for: live beams join the ended ones. Before
 * the first step there are none. */
void fl_beam_stop(struct fl_beam *beam);

/* The live beams, best first: their number; hypothesis i. */
int fl_beam_n_live(const struct fl_beam *beam);
struct fl_hypothesis fl_beam_live(const struct fl_beam *beam, int i);

/* When the search is over: at most n_beams hypotheses, best first (equal scores: what ended
 * earlier). Fewer when the vocabulary offers no more. Valid until the next start. */
int fl_beam_n_hypotheses(const struct fl_beam *beam);
struct fl_hypothesis fl_beam_hypothesis(const struct fl_beam *beam, int i);

/* How many tokens went through the model, the prompt's included. */
long fl_beam_n_run(const struct fl_beam *beam);

#endif
