#include "engine/sampler.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct fl_sampling fl_sampling_default = {.top_p = 1, .repetition_penalty = 1};

static int check(const struct fl_sampling *s, struct fl_error *error)
{
    const struct {
        const char *name, *expected;
        double value;
        bool fits;
    } rules[] = {
        {"temperature", "at least 0", s->temperature, s->temperature >= 0},
        {"top_k", "at least 0", s->top_k, s->top_k >= 0},
        {"top_p", "0 to 1", s->top_p, s->top_p >= 0 && s->top_p <= 1},
        {"min_p", "0 to 1", s->min_p, s->min_p >= 0 && s->min_p <= 1},
        {"repetition_penalty", "more than 0", s->repetition_penalty, s->repetition_penalty > 0},
        {"presence_penalty", "a number", s->presence_penalty, true},
        {"frequency_penalty", "a number", s->frequency_penalty, true},
        {"repeat_last_n", "at least 0", s->repeat_last_n, s->repeat_last_n >= 0},
        {"no_repeat_ngram", "at least 0", s->no_repeat_ngram, s->no_repeat_ngram >= 0},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].fits || !isfinite(rules[i].value))
            return fl_fail(error, "sampling: %s: expected %s, got %g", rules[i].name,
                           rules[i].expected, rules[i].value);
    return FL_OK;
}

/* The steps that change something, in Hugging Face's order. */
static void list_steps(struct fl_sampler *sampler, const struct fl_sampling *s)
{
    const bool draws = s->temperature > 0;
    const struct {
        bool wanted;
        struct fl_logits_step step;
    } all[] = {
        {s->repetition_penalty != 1,
         {FL_STEP_REPETITION_PENALTY, s->repetition_penalty, 0, s->repeat_last_n}},
        {s->presence_penalty != 0 || s->frequency_penalty != 0,
         {FL_STEP_PRESENCE_FREQUENCY, s->presence_penalty, s->frequency_penalty, s->repeat_last_n}},
        {s->no_repeat_ngram > 0, {FL_STEP_NO_REPEAT_NGRAM, 0, 0, s->no_repeat_ngram}},
        {draws && s->temperature != 1, {FL_STEP_TEMPERATURE, s->temperature, 0, 0}},
        {draws && s->top_k > 0, {FL_STEP_TOP_K, 0, 0, s->top_k}},
        {draws && s->top_p < 1, {FL_STEP_TOP_P, s->top_p, 0, 0}},
        {draws && s->min_p > 0, {FL_STEP_MIN_P, s->min_p, 0, 0}},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].wanted)
            sampler->steps[sampler->n_steps++] = all[i].step;
}

int fl_sampler_open(struct fl_sampler *sampler, const struct fl_sampling *settings, int vocab_size,
                    struct fl_error *error)
{
    *sampler = (struct fl_sampler){.vocab_size = vocab_size, .state = settings->seed};
    if (check(settings, error) != FL_OK ||
        fl_logits_processor_open(&sampler->processor, vocab_size, error) != FL_OK)
        return FL_FAILED;
    sampler->greedy = settings->temperature == 0;
    list_steps(sampler, settings);
    sampler->row = calloc((size_t)vocab_size, sizeof *sampler->row);
    sampler->probabilities = calloc((size_t)vocab_size, sizeof *sampler->probabilities);
    if (sampler->row && sampler->probabilities)
        return FL_OK;
    fl_sampler_close(sampler);
    return fl_fail(error, "sampling: not enough memory for a vocabulary of %d ids", vocab_size);
}

void fl_sampler_close(struct fl_sampler *sampler)
{
    fl_logits_processor_close(&sampler->processor);
    free(sampler->row);
    free(sampler->probabilities);
    sampler->row = NULL;
    sampler->probabilities = NULL;
}

/* Fills sampler->row; returns the place of its largest. */
static int process(struct fl_sampler *sampler, const float *logits, const int *history,
                   int n_history)
{
    memcpy(sampler->row, logits, (size_t)sampler->vocab_size * sizeof *logits);
    for (int i = 0; i < sampler->n_banned; i++)
        sampler->row[sampler->banned[i]] = -INFINITY;
    fl_logits_process(&sampler->processor, sampler->steps, sampler->n_steps, sampler->row, history,
                      n_history);
    return fl_logits_largest(sampler->row, sampler->vocab_size);
}

/* exp(l - top), which is 1 for the largest even if that is infinite, and 0 for what is no number.
 */
static double weight(float logit, float top)
{
    if (logit == top)
        return 1;
    return logit < top ? exp((double)logit - (double)top) : 0;
}

void fl_sampler_distribution(struct fl_sampler *sampler, double *probabilities, const float *logits,
                             const int *history, int n_history)
{
    const int n = sampler->vocab_size;
    const int best = process(sampler, logits, history, n_history);
    memset(probabilities, 0, (size_t)n * sizeof *probabilities);
    if (best < 0)
        return;
    if (sampler->greedy) {
        probabilities[best] = 1;
        return;
    }
    const float top = sampler->row[best];
    double sum = 0;
    for (int i = 0; i < n; i++)
        if (sampler->row[i] > -INFINITY) {
            probabilities[i] = weight(sampler->row[i], top);
            sum += probabilities[i];
        }
    for (int i = 0; i < n; i++)
        probabilities[i] /= sum;
}

int fl_sampler_draw(struct fl_sampler *sampler, const double *weights, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += weights[i];
    return fl_random_index(&sampler->state, weights, n, sum);
}

int fl_sampler_pick(struct fl_sampler *sampler, const float *logits, const int *history,
                    int n_history)
{
    if (sampler->greedy)
        return process(sampler, logits, history, n_history);
    fl_sampler_distribution(sampler, sampler->probabilities, logits, history, n_history);
    return fl_sampler_draw(sampler, sampler->probabilities, sampler->vocab_size);
}
