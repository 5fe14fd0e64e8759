/* timing_noise.h - times as sweeps see them, from a seed: distributions whose median is known, so
 * that what intervals and tests say can be held against the truth. */
#ifndef FL_TESTS_TIMING_NOISE_H
#define FL_TESTS_TIMING_NOISE_H

#include "base/random.h"

#include <math.h>

/* Standard normal (Box and Muller, 1958). */
static inline double noise_normal(uint64_t *state)
{
    const double radius = sqrt(-2 * log(1 - fl_random_uniform(state)));
    return radius * cos(2 * M_PI * fl_random_uniform(state));
}

static inline double noise_exponential(uint64_t *state)
{
    return -log(1 - fl_random_uniform(state));
}

/* Median 1: lognormal, 5 % and 50 % wide. */
static inline double noise_lognormal(uint64_t *state)
{
    return exp(0.05 * noise_normal(state));
}

static inline double noise_wide(uint64_t *state)
{
    return exp(0.5 * noise_normal(state));
}

/* A sharp lower end and a long tail, as of an idle machine; median 1. */
static inline double noise_skewed(uint64_t *state)
{
    return 1 + 0.05 * (noise_exponential(state) - M_LN2);
}

/* One sample in ten is interrupted and takes up to twice as long and more; the median is where
 * 1/1.8 of the undisturbed ones are (an interrupted one is above it): 1.0028, to the noise's 2 %
 * times the normal quantile of 5/9. */
static inline double noise_interrupted(uint64_t *state)
{
    const double time = exp(0.02 * noise_normal(state));
    return fl_random_uniform(state) < 0.1 ? time * (1.2 + noise_exponential(state)) : time;
}

typedef double noise_source(uint64_t *state);
struct noise_kind {
    const char *name;
    noise_source *draw;
    double median;
};
static const struct noise_kind NOISES[] = {
    {"lognormal", noise_lognormal, 1},
    {"wide", noise_wide, 1},
    {"skewed", noise_skewed, 1},
    {"interrupted", noise_interrupted, 1.0027982},
};
enum { N_NOISES = sizeof NOISES / sizeof *NOISES };

#endif
