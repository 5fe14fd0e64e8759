/* random.h - SplitMix64 (Steele, Lea and Flood, 2014): seeded, the same everywhere. */
#ifndef FL_BASE_RANDOM_H
#define FL_BASE_RANDOM_H

#include <stdint.h>

static inline uint64_t fl_random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in [0, 1): 53 bits. */
static inline double fl_random_uniform(uint64_t *state)
{
    return (double)(fl_random_next(state) >> 11) * 0x1p-53;
}

/* Index i with probability weights[i] / sum, weights [n] being at least 0 and adding up to sum; -1
 * when none has a chance. By inverting the cumulative distribution: one random number, whatever the
 * outcome; where rounding leaves something over, the last index that has a chance. */
static inline int fl_random_index(uint64_t *state, const double *weights, int n, double sum)
{
    double left = fl_random_uniform(state) * sum;
    int last = -1;
    for (int i = 0; i < n; i++) {
        if (!(weights[i] > 0))
            continue;
        last = i;
        if (left < weights[i])
            return i;
        left -= weights[i];
    }
    return last;
}

#endif
