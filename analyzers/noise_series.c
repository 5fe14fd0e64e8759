/* From the samples of a results file to series: which of them followed one another. */
#include "analyzers/noise.h"

#include <math.h>
#include <stdlib.h>

struct placed {
    const struct fl_sample *sample;
    int index; /* in results->samples */
};

static int compare_placed(const void *left, const void *right)
{
    const struct fl_sample *a = ((const struct placed *)left)->sample;
    const struct fl_sample *b = ((const struct placed *)right)->sample;
    if (a->run_id != b->run_id)
        return (a->run_id > b->run_id) - (a->run_id < b->run_id);
    if (a->started_ns != b->started_ns)
        return (a->started_ns > b->started_ns) - (a->started_ns < b->started_ns);
    return (a->id > b->id) - (a->id < b->id);
}

int fl_noise_visits(int **visits, const struct fl_results *results, struct fl_error *error)
{
    const int n = results->n_samples;
    struct placed *order = calloc((size_t)n + 1, sizeof *order);
    *visits = calloc((size_t)n + 1, sizeof **visits);
    if (!order || !*visits) {
        free(order);
        free(*visits);
        *visits = NULL;
        return fl_fail(error, "noise: no memory for %d samples", n);
    }
    for (int i = 0; i < n; i++)
        order[i] = (struct placed){&results->samples[i], i};
    if (n > 1)
        qsort(order, (size_t)n, sizeof *order, compare_placed);
    int visit = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (order[i].sample->run_id != order[i - 1].sample->run_id ||
                      order[i].sample->point_id != order[i - 1].sample->point_id))
            visit++;
        (*visits)[order[i].index] = visit;
    }
    free(order);
    return FL_OK;
}

static int compare_samples(const void *left, const void *right)
{
    const struct fl_noise_sample *a = left, *b = right;
    if (a->visit != b->visit)
        return (a->visit > b->visit) - (a->visit < b->visit);
    return (a->at_s > b->at_s) - (a->at_s < b->at_s);
}

static void fill(struct fl_noise_series *series, const struct fl_results *results,
                 const int *visits, const struct fl_result *point, int64_t run)
{
    for (int i = 0; i < point->n_samples; i++) {
        const struct fl_sample *sample = &point->samples[i];
        if (run != 0 && sample->run_id != run)
            continue;
        series->samples[series->n++] = (struct fl_noise_sample){
            /* a clock that did not move is the shortest time there is */
            .log_time = log(sample->time_ns > 0 ? (double)sample->time_ns : 1),
            .at_s = (double)sample->started_ns / 1e9,
            .run = (int)(fl_results_run(results, sample->run_id) - results->runs),
            .visit = visits[sample - results->samples],
            .conditions = sample->conditions.known ? &sample->conditions : NULL,
        };
    }
    if (series->n > 1)
        qsort(series->samples, (size_t)series->n, sizeof *series->samples, compare_samples);
}

/* Points that differ in batch, s or kernel only resemble one another; the first of them. */
static int kind_of(const struct fl_result *const *points, int i)
{
    for (int k = 0; k < i; k++) {
        const struct fl_point *one = &points[k]->point, *other = &points[i]->point;
        if (points[k]->model == points[i]->model && one->phase == other->phase &&
            one->cache == other->cache && one->n_threads == other->n_threads)
            return k;
    }
    return i;
}

int fl_noise_series_make(struct fl_noise_series **series, const struct fl_results *results,
                         const int *visits, const struct fl_result *const *points, int n,
                         int64_t run, struct fl_error *error)
{
    *series = calloc((size_t)n + 1, sizeof **series);
    if (!*series)
        return fl_fail(error, "noise: no memory for %d points", n);
    for (int i = 0; i < n; i++) {
        (*series)[i].samples =
            calloc((size_t)points[i]->n_samples + 1, sizeof *(*series)[i].samples);
        if (!(*series)[i].samples) {
            fl_noise_series_free(*series, n);
            *series = NULL;
            return fl_fail(error, "noise: no memory for %d samples", points[i]->n_samples);
        }
        fill(&(*series)[i], results, visits, points[i], run);
        (*series)[i].kind = kind_of(points, i);
    }
    return FL_OK;
}

void fl_noise_series_free(struct fl_noise_series *series, int n)
{
    for (int i = 0; series && i < n; i++)
        free(series[i].samples);
    free(series);
}
