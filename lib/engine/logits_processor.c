#include "engine/logits_processor.h"

#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct fl_candidate {
    double weight; /* what it adds to the sum that a cut has to reach */
    float logit;
    int id;
};

/* One row being processed. */
struct row {
    struct fl_logits_processor *processor;
    float *logits;
    const int *history;
    int n_history;
};

/* ---- penalties ---- */

/* The end of the history that counts. */
static void window(const struct row *row, int last_n, const int **ids, int *n)
{
    *n = last_n > 0 && last_n < row->n_history ? last_n : row->n_history;
    *ids = row->history + row->n_history - *n;
}

static void count(int *counts, const int *ids, int n)
{
    for (int i = 0; i < n; i++)
        counts[ids[i]]++;
}

static void repetition_penalty(const struct row *row, const struct fl_logits_step *step)
{
    const int *ids;
    int n, *seen = row->processor->counts;
    window(row, step->n, &ids, &n);
    for (int i = 0; i < n; i++) {
        if (seen[ids[i]]++ > 0)
            continue;
        float *logit = &row->logits[ids[i]];
        const double l = (double)*logit;
        *logit = (float)(l > 0 ? l / step->value : l * step->value);
    }
    for (int i = 0; i < n; i++)
        seen[ids[i]] = 0;
}

static void presence_frequency(const struct row *row, const struct fl_logits_step *step)
{
    const int *ids;
    int n, *counts = row->processor->counts;
    window(row, step->n, &ids, &n);
    count(counts, ids, n);
    for (int i = 0; i < n; i++) {
        float *logit = &row->logits[ids[i]];
        if (counts[ids[i]] > 0)
            *logit = (float)((double)*logit - counts[ids[i]] * step->frequency - step->value);
        counts[ids[i]] = 0; /* its turn comes once */
    }
}

static void no_repeat_ngram(const struct row *row, const struct fl_logits_step *step)
{
    const int n_before = step->n - 1; /* tokens of an n-gram before the one to come */
    if (n_before >= row->n_history)
        return;
    const int *end = row->history + row->n_history - n_before;
    for (int i = 0; i + n_before < row->n_history; i++)
        if (memcmp(row->history + i, end, (size_t)n_before * sizeof *end) == 0)
            row->logits[row->history[i + n_before]] = -INFINITY;
}

/* ---- temperature ---- */

int fl_logits_largest(const float *logits, int n)
{
    int best = -1;
    for (int i = 0; i < n; i++)
        if (logits[i] > (best < 0 ? -INFINITY : logits[best]))
            best = i;
    return best;
}

static float top_of(const float *logits, int n)
{
    const int best = fl_logits_largest(logits, n);
    return best < 0 ? -INFINITY : logits[best];
}

/* Near 0 the quotients pass the range of a float; less the largest one, which no probability
 * notices, they fall towards -infinity instead, and the largest stays in front. */
static void temperature(const struct row *row, const struct fl_logits_step *step)
{
    const int n = row->processor->vocab_size;
    const double top = (double)top_of(row->logits, n);
    const double shift = isfinite(top) && fabs(top) / step->value > 1e30 ? top : 0;
    for (int i = 0; i < n; i++)
        row->logits[i] = (float)(((double)row->logits[i] - shift) / step->value);
}

/* ---- selections ---- */

/* All that is left, each of weight 1; returns how many. */
static int gather(const struct row *row)
{
    struct fl_candidate *candidates = row->processor->candidates;
    int n = 0;
    for (int id = 0; id < row->processor->vocab_size; id++) {
        const float logit = row->logits[id];
        if (logit > -INFINITY)
            candidates[n++] = (struct fl_candidate){1, logit, id};
        else
            row->logits[id] = -INFINITY; /* what is not a number */
    }
    return n;
}

static inline bool better(const struct fl_candidate *a, const struct fl_candidate *b)
{
    return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

static inline void exchange(struct fl_candidate *a, struct fl_candidate *b)
{
    const struct fl_candidate c = *a;
    *a = *b;
    *b = c;
}

/* Puts what is better than the one at `pivot` before it, within [low, high); its new place, and
 * the weight before it. */
static int partition(struct fl_candidate *c, int low, int high, int pivot, double *weight)
{
    int place = low;
    *weight = 0;
    exchange(&c[pivot], &c[high - 1]);
    for (int i = low; i < high - 1; i++)
        if (better(&c[i], &c[high - 1])) {
            *weight += c[i].weight;
            exchange(&c[i], &c[place++]);
        }
    exchange(&c[place], &c[high - 1]);
    return place;
}

/* Rearranges n > 0 candidates so that the best ones stand first, as few as have weights of at
 * least `need` together; returns where the last of them stands. Hoare's selection with random
 * pivots, which no row of logits can make quadratic but by chance. */
static int cut(struct fl_candidate *candidates, int n, double need)
{
    uint64_t state = 0;
    int low = 0, high = n;
    double reached = 0; /* by those before low */
    while (low < high) {
        double weight;
        const int pivot = low + (int)(fl_random_next(&state) % (uint64_t)(high - low));
        const int place = partition(candidates, low, high, pivot, &weight);
        if (place > low && reached + weight >= need) {
            high = place;
            continue;
        }
        reached += weight + candidates[place].weight;
        if (reached >= need)
            return place;
        low = place + 1;
    }
    return high - 1; /* where sums in another order fell short by a rounding */
}

static void top_k(const struct row *row, const struct fl_logits_step *step)
{
    const int n = gather(row);
    if (step->n >= n)
        return;
    const struct fl_candidate *candidates = row->processor->candidates;
    const int last = cut(row->processor->candidates, n, step->n);
    for (int i = last + 1; i < n; i++)
        if (candidates[i].logit < candidates[last].logit)
            row->logits[candidates[i].id] = -INFINITY;
}

static void top_p(const struct row *row, const struct fl_logits_step *step)
{
    struct fl_candidate *candidates = row->processor->candidates;
    const int n = gather(row);
    if (step->value >= 1 || n == 0)
        return;
    const float top = top_of(row->logits, row->processor->vocab_size);
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const float l = candidates[i].logit; /* infinity less itself is no number */
        candidates[i].weight = l == top ? 1 : exp((double)l - (double)top);
        sum += candidates[i].weight;
    }
    const int last = cut(candidates, n, step->value * sum);
    for (int i = last + 1; i < n; i++)
        row->logits[candidates[i].id] = -INFINITY;
}

static void min_p(const struct row *row, const struct fl_logits_step *step)
{
    const int n = row->processor->vocab_size;
    const float top = top_of(row->logits, n);
    const double least = (double)top + log(step->value); /* p >= value * largest p, in logarithms */
    for (int i = 0; i < n; i++)
        if (row->logits[i] != top && !((double)row->logits[i] >= least))
            row->logits[i] = -INFINITY;
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*apply)(const struct row *row, const struct fl_logits_step *step);
} STEPS[FL_N_STEP_KINDS] = {
    [FL_STEP_REPETITION_PENALTY] = {"repetition_penalty", repetition_penalty},
    [FL_STEP_PRESENCE_FREQUENCY] = {"presence_frequency", presence_frequency},
    [FL_STEP_NO_REPEAT_NGRAM] = {"no_repeat_ngram", no_repeat_ngram},
    [FL_STEP_TEMPERATURE] = {"temperature", temperature},
    [FL_STEP_TOP_K] = {"top_k", top_k},
    [FL_STEP_TOP_P] = {"top_p", top_p},
    [FL_STEP_MIN_P] = {"min_p", min_p},
};

const char *fl_step_name(enum fl_step_kind kind)
{
    return STEPS[kind].name;
}

enum fl_step_kind fl_step_find(const char *name)
{
    int kind = 0;
    while (kind < FL_N_STEP_KINDS && strcmp(STEPS[kind].name, name) != 0)
        kind++;
    return (enum fl_step_kind)kind;
}

int fl_logits_processor_open(struct fl_logits_processor *processor, int vocab_size,
                             struct fl_error *error)
{
    assert(vocab_size > 0);
    *processor = (struct fl_logits_processor){
        .vocab_size = vocab_size,
        .counts = calloc((size_t)vocab_size, sizeof *processor->counts),
        .candidates = calloc((size_t)vocab_size, sizeof *processor->candidates),
    };
    if (processor->counts && processor->candidates)
        return FL_OK;
    fl_logits_processor_close(processor);
    return fl_fail(error, "sampling: not enough memory for a vocabulary of %d ids", vocab_size);
}

void fl_logits_processor_close(struct fl_logits_processor *processor)
{
    free(processor->counts);
    free(processor->candidates);
    *processor = (struct fl_logits_processor){0};
}

void fl_logits_process(struct fl_logits_processor *processor, const struct fl_logits_step *steps,
                       int n_steps, float *logits, const int *history, int n_history)
{
    const struct row row = {processor, logits, history, n_history};
    for (int i = 0; i < n_steps; i++)
        STEPS[steps[i].kind].apply(&row, &steps[i]);
}
