/* sampler.h - picks the next token from a row of logits.
 *
 * The logits go through the steps of logits_processor.h in Hugging Face's order: repetition,
 * presence and frequency penalty, no-repeat n-gram, temperature, top-k, top-p, min-p. Greedy
 * (temperature 0) takes the largest of what the penalties leave, the lowest id of equals;
 * otherwise id i is drawn with probability exp(l_i) / sum exp(l_j) by inverting the cumulative
 * distribution. Random numbers: SplitMix64 (Steele, Lea and Flood, 2014), 53 bits and one number a
 * draw, so a seed gives the same text everywhere. Memory is reserved by fl_sampler_open(); nothing
 * is allocated afterwards. */
#ifndef FL_ENGINE_SAMPLER_H
#define FL_ENGINE_SAMPLER_H

#include "base/error.h"
#include "engine/logits_processor.h"

#include <stdbool.h>
#include <stdint.h>

struct fl_sampling {
    double temperature;        /* 0: greedy; then top_k, top_p and min_p change nothing */
    int top_k;                 /* 0: off */
    double top_p;              /* 1: off */
    double min_p;              /* 0: off */
    double repetition_penalty; /* 1: off */
    double presence_penalty;   /* 0: off; both may be negative */
    double frequency_penalty;
    int repeat_last_n;   /* tokens at the end of the history that the penalties see; 0: all */
    int no_repeat_ngram; /* 0: off; sees the whole history */
    uint64_t seed;
};

/* Greedy, everything off. */
extern const struct fl_sampling fl_sampling_default;

struct fl_sampler {
    struct fl_logits_step steps[FL_N_STEP_KINDS];
    int n_steps;
    bool greedy;
    uint64_t state; /* of the generator; starts as the seed */
    /* Ids never to be picked, e.g. an end that would come too soon; may be changed at any time. */
    const int *banned; /* [n_banned] */
    int n_banned;
    int vocab_size;
    struct fl_logits_processor processor;
    float *row;            /* [vocab_size] processed logits */
    double *probabilities; /* [vocab_size] of fl_sampler_pick() */
};

/* Refuses settings out of range by name. */
int fl_sampler_open(struct fl_sampler *sampler, const struct fl_sampling *settings, int vocab_size,
                    struct fl_error *error);
void fl_sampler_close(struct fl_sampler *sampler);

/* The probabilities [vocab_size] with which an id would be picked: 0 for what was removed; one 1
 * when greedy; all 0 when nothing is left. logits [vocab_size] stay as they are; history
 * [n_history] is prompt and generated tokens, oldest first. No random number is drawn. */
void fl_sampler_distribution(struct fl_sampler *sampler, double *probabilities, const float *logits,
                             const int *history, int n_history);

/* An id with probability weights[i] / sum of weights, or -1 when all are 0. Weights [n] are at
 * least 0 and need not sum up to 1. One random number, whatever the outcome. */
int fl_sampler_draw(struct fl_sampler *sampler, const double *weights, int n);

/* fl_sampler_distribution(), then fl_sampler_draw() unless greedy. -1 when the steps removed every
 * id, or no logit is a number. */
int fl_sampler_pick(struct fl_sampler *sampler, const float *logits, const int *history,
                    int n_history);

#endif
