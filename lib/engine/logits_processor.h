/* logits_processor.h - what is done to a row of logits before a token is chosen from it.
 *
 * A list of steps, each applied in order and in place; an id that is removed becomes -infinity.
 * p_i is exp(l_i) / sum exp(l_j) over what is left when the step begins.
 *
 *   repetition_penalty  once per distinct id of the history: l > 0 divided by value, l < 0
 *                       multiplied by it (Keskar et al., 2019, arXiv:1909.05858)
 *   presence_frequency  l - count * frequency - (count > 0) * value, count in the history
 *   no_repeat_ngram     removes what would complete an n-gram of the history a second time
 *                       (Paulus et al., 2017, arXiv:1705.04304)
 *   temperature         l / value
 *   top_k               keeps what is at least the n-th largest; ties with it survive
 *                       (Fan et al., 2018, arXiv:1805.04833)
 *   top_p               keeps the fewest most probable whose p sum up to value, the lower id first
 *                       among equals, at least one (Holtzman et al., 2019, arXiv:1904.09751)
 *   min_p               keeps p of at least value times the largest
 *                       (Nguyen et al., 2024, arXiv:2407.01082)
 *
 * Order matters: top_p behind a temperature keeps other ids than before it. Every step is linear
 * in the vocabulary (top_k and top_p select by partitioning, expected time; nothing is sorted)
 * and in the history. A logit that is not a number counts as removed. */
#ifndef FL_ENGINE_LOGITS_PROCESSOR_H
#define FL_ENGINE_LOGITS_PROCESSOR_H

#include "base/error.h"

enum fl_step_kind {
    FL_STEP_REPETITION_PENALTY,
    FL_STEP_PRESENCE_FREQUENCY,
    FL_STEP_NO_REPEAT_NGRAM,
    FL_STEP_TEMPERATURE,
    FL_STEP_TOP_K,
    FL_STEP_TOP_P,
    FL_STEP_MIN_P,
    FL_N_STEP_KINDS
};

struct fl_logits_step {
    enum fl_step_kind kind;
    double value;     /* the penalty, presence, temperature (both > 0) or probability 0 .. 1 */
    double frequency; /* of presence_frequency */
    int n;            /* top_k, no_repeat_ngram: at least 1. The penalties: how many tokens at the
                         end of the history count, 0: all */
};

/* "repetition_penalty", "top_k", ...; FL_N_STEP_KINDS when no step has this name. */
const char *fl_step_name(enum fl_step_kind kind);
enum fl_step_kind fl_step_find(const char *name);

/* The lowest id of the largest logits [n]; -1 when none is left. */
int fl_logits_largest(const float *logits, int n);

/* Memory that the steps work in, reserved once; treat as opaque. */
struct fl_logits_processor {
    int vocab_size;
    int *counts;                     /* [vocab_size], zero between calls */
    struct fl_candidate *candidates; /* [vocab_size] */
};

int fl_logits_processor_open(struct fl_logits_processor *processor, int vocab_size,
                             struct fl_error *error);
void fl_logits_processor_close(struct fl_logits_processor *processor);

/* logits [vocab_size]; history [n_history] ids of the vocabulary, oldest first: prompt and
 * generated tokens. No allocation. */
void fl_logits_process(struct fl_logits_processor *processor, const struct fl_logits_step *steps,
                       int n_steps, float *logits, const int *history, int n_history);

#endif
