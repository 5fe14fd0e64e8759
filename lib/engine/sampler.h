/* sampler.h - picks the next token from a row of logits.
 *
 * Greedy: the largest logit, the lowest id of equals. Temperature T > 0: id i with probability
 * exp(l_i / T) / sum exp(l_j / T), drawn by inverting the cumulative distribution in double
 * precision. Random numbers: SplitMix64 (Steele, Lea and Flood, 2014), 53 bits a draw, so a seed
 * gives the same text everywhere. Nothing is allocated. */
#ifndef FL_ENGINE_SAMPLER_H
#define FL_ENGINE_SAMPLER_H

#include <stdint.h>

struct fl_sampler {
    double temperature; /* 0: greedy */
    uint64_t state;     /* of the generator; starts as the seed */
};

int fl_sampler_pick(struct fl_sampler *sampler, const float *logits, int vocab_size);

/* Uniform in [0, 1). */
double fl_sampler_uniform(struct fl_sampler *sampler);

#endif
