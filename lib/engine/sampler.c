#include "engine/sampler.h"

#include "base/random.h"

#include <math.h>

double fl_sampler_uniform(struct fl_sampler *sampler)
{
    return fl_random_uniform(&sampler->state);
}

static int largest(const float *logits, int vocab_size)
{
    int best = 0;
    for (int i = 1; i < vocab_size; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

int fl_sampler_pick(struct fl_sampler *sampler, const float *logits, int vocab_size)
{
    int best = largest(logits, vocab_size);
    if (sampler->temperature <= 0)
        return best;
    double top = (double)logits[best], sum = 0;
    for (int i = 0; i < vocab_size; i++)
        sum += exp(((double)logits[i] - top) / sampler->temperature);
    double left = fl_sampler_uniform(sampler) * sum;
    int last = best; /* where rounding leaves something over, the last id that has a chance */
    for (int i = 0; i < vocab_size; i++) {
        double weight = exp(((double)logits[i] - top) / sampler->temperature);
        if (weight <= 0)
            continue;
        last = i;
        if (left < weight)
            return i;
        left -= weight;
    }
    return last;
}
