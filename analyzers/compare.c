#include "analyzers/compare.h"

#include "analyzers/distributions.h"
#include "analyzers/statistics.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *const fl_correction_names[] = {"bh", "holm", "none", NULL};
const char *const fl_verdict_names[] = {"slower", "faster", "no difference", "inconclusive", NULL};

/* ---- many comparisons ---- */

void fl_adjust_p_values(double *adjusted, const double *p, int n, enum fl_correction correction,
                        int *order)
{
    /* places by rising p; few enough for an insertion sort */
    for (int i = 0; i < n; i++) {
        int k = i;
        for (; k > 0 && p[order[k - 1]] > p[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    double bound = correction == FL_CORRECTION_HOLM ? 0 : 1;
    for (int i = 0; i < n; i++) {
        /* Holm steps down from the smallest, Benjamini and Hochberg up from the largest */
        const int rank = correction == FL_CORRECTION_HOLM ? i : n - 1 - i, at = order[rank];
        if (correction == FL_CORRECTION_HOLM)
            bound = fmax(bound, fmin(1, p[at] * (n - rank)));
        else if (correction == FL_CORRECTION_BH)
            bound = fmin(bound, p[at] * n / (rank + 1));
        else
            bound = p[at];
        adjusted[at] = bound;
    }
}

/* ---- matching ---- */

static int64_t bytes_of(const struct fl_point *point)
{
    return (int64_t)point->bytes_read + (int64_t)point->bytes_written;
}

static int allocate(struct fl_comparison *comparison, const struct fl_compare_side sides[2],
                    struct fl_error *error)
{
    for (int k = 0; k < 2; k++) {
        comparison->unmatched[k] =
            calloc((size_t)sides[k].results->n_points + 1, sizeof *comparison->unmatched[k]);
        if (!comparison->unmatched[k])
            return fl_fail(error, "compare: no memory for %d points", sides[k].results->n_points);
    }
    comparison->rows = calloc((size_t)sides[0].results->n_points + 1, sizeof *comparison->rows);
    return comparison->rows
               ? FL_OK
               : fl_fail(error, "compare: no memory for %d points", sides[0].results->n_points);
}

static int refuse_ambiguous(const struct fl_result *one, const struct fl_result *other,
                            const struct fl_compare_side *side, struct fl_error *error)
{
    char label[FL_POINT_LABEL];
    return fl_fail(
        error,
        "%s: expected one point like %s, found %s; name one by %s:machine=..., dtype=..., "
        "or the like",
        side->selector->path, fl_point_label(one, label),
        strcmp(one->run->machine, other->run->machine) != 0
            ? "two of different machines"
            : "two models of the same name or two settings",
        side->selector->path);
}

/* The one point of `side` that matches; NULL in *found when there is none. */
static int find_match(const struct fl_result **found, const struct fl_result *point,
                      const struct fl_compare_side *side, unsigned ignored, struct fl_error *error)
{
    *found = NULL;
    for (int i = 0; i < side->results->n_points; i++) {
        const struct fl_result *candidate = &side->results->points[i];
        if (!fl_selector_takes(side->selector, candidate) ||
            !fl_points_match(point, candidate, ignored))
            continue;
        if (*found)
            return refuse_ambiguous(*found, candidate, side, error);
        *found = candidate;
    }
    return FL_OK;
}

static int match(struct fl_comparison *comparison, const struct fl_compare_side sides[2],
                 struct fl_error *error)
{
    const unsigned ignored = sides[0].selector->named & sides[1].selector->named;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < sides[k].results->n_points; i++) {
            const struct fl_result *own = &sides[k].results->points[i], *other;
            if (!fl_selector_takes(sides[k].selector, own))
                continue;
            if (find_match(&other, own, &sides[1 - k], ignored, error) != FL_OK)
                return FL_FAILED;
            if (!other)
                comparison->unmatched[k][comparison->n_unmatched[k]++] = own;
            else if (k == 0)
                comparison->rows[comparison->n++] = (struct fl_compare_row){
                    .points = {own, other},
                    .flops_change = (int64_t)(other->point.exact_flops - own->point.exact_flops),
                    .bytes_change = bytes_of(&other->point) - bytes_of(&own->point),
                };
        }
    const bool same_file = sides[0].results == sides[1].results;
    for (int i = 0; i < comparison->n && same_file; i++)
        if (comparison->rows[i].points[0] == comparison->rows[i].points[1] &&
            sides[0].selector->run == sides[1].selector->run)
            return fl_fail(error,
                           "%s: both sides are the same samples; expected two files, or "
                           "selectors such as %s:run=1 %s:run=2",
                           sides[0].selector->path, sides[0].selector->path,
                           sides[0].selector->path);
    return FL_OK;
}

/* ---- noise of either side ---- */

/* Over all points that are selected, matched or not. */
static int judge_side(struct fl_comparison *comparison, int k, const struct fl_compare_side *side,
                      struct fl_error *error)
{
    const int most = side->results->n_points;
    const struct fl_result **points = calloc((size_t)most + 1, sizeof *points);
    int *visits = NULL, n = 0;
    struct fl_noise_series *series = NULL;
    if (!points)
        return fl_fail(error, "compare: no memory for %d points", most);
    for (int i = 0; i < most; i++)
        if (fl_selector_takes(side->selector, &side->results->points[i]))
            points[n++] = &side->results->points[i];
    int status = fl_noise_visits(&visits, side->results, error);
    if (status == FL_OK)
        status = fl_noise_series_make(&series, side->results, visits, points, n,
                                      side->selector->run, error);
    if (status == FL_OK)
        status = fl_noise_judge(&comparison->disturbance[k], series, n, error);
    for (int row = 0; row < comparison->n && status == FL_OK; row++)
        for (int i = 0; i < n; i++)
            if (points[i] == comparison->rows[row].points[k])
                comparison->rows[row].inflation[k] = series[i].inflation;
    fl_noise_series_free(series, n);
    free(visits);
    free(points);
    return status;
}

/* ---- ratios ---- */

static const struct fl_sample *first_sample(const struct fl_result *result, int64_t run)
{
    int i = 0;
    while (run != 0 && result->samples[i].run_id != run)
        i++;
    return &result->samples[i];
}

/* Sorted logarithms of the point's samples of this run; how many. */
static int take_logs(double *logs, const struct fl_result *result, int64_t run)
{
    int n = 0;
    for (int i = 0; i < result->n_samples; i++)
        if (run == 0 || result->samples[i].run_id == run)
            logs[n++] =
                log(result->samples[i].time_ns > 0 ? (double)result->samples[i].time_ns : 1);
    fl_sort(logs, (size_t)n);
    return n;
}

static void compare_row(struct fl_compare_row *row, const struct fl_compare_side sides[2],
                        const struct fl_bootstrap_options *options, double *logs[2],
                        double *scratch)
{
    struct fl_bootstrap_side of[2];
    for (int k = 0; k < 2; k++) {
        row->runs[k] = fl_results_run(sides[k].results,
                                      first_sample(row->points[k], sides[k].selector->run)->run_id);
        row->n_samples[k] = take_logs(logs[k], row->points[k], sides[k].selector->run);
        row->medians_ns[k] = exp(fl_median_sorted(logs[k], (size_t)row->n_samples[k]));
        of[k] = (struct fl_bootstrap_side){logs[k], (size_t)row->n_samples[k], row->inflation[k]};
    }
    if (row->n_samples[0] < 2 || row->n_samples[1] < 2)
        row->ratio =
            (struct fl_ratio){row->medians_ns[1] / row->medians_ns[0], 0, INFINITY, NAN, 1};
    else
        row->ratio = fl_bootstrap_ratio(&of[0], &of[1], options, scratch);
}

static enum fl_verdict verdict_of(const struct fl_compare_row *row,
                                  const struct fl_compare_options *options)
{
    const double most = 1 + options->threshold, least = 1 / most;
    const bool differs = row->p_adjusted <= 1 - options->bootstrap.confidence;
    if (differs && row->ratio.ratio > most)
        return FL_VERDICT_SLOWER;
    if (differs && row->ratio.ratio < least)
        return FL_VERDICT_FASTER;
    return row->ratio.low >= least && row->ratio.high <= most ? FL_VERDICT_SAME
                                                              : FL_VERDICT_INCONCLUSIVE;
}

/* The ratios' geometric mean; its error is that of these points, not of points that were not
 * measured. */
static void find_mean(struct fl_comparison *comparison, double confidence)
{
    double sum = 0, variance = 0;
    int n = 0;
    for (int i = 0; i < comparison->n; i++) {
        const struct fl_ratio *ratio = &comparison->rows[i].ratio;
        if (isnan(ratio->log_error))
            continue;
        sum += log(ratio->ratio);
        variance += ratio->log_error * ratio->log_error;
        n++;
    }
    comparison->mean = comparison->mean_low = comparison->mean_high = NAN;
    if (n == 0)
        return;
    const double error = fl_normal_quantile(0.5 + 0.5 * confidence) * sqrt(variance) / n;
    comparison->mean = exp(sum / n);
    comparison->mean_low = exp(sum / n - error);
    comparison->mean_high = exp(sum / n + error);
}

static int judge_rows(struct fl_comparison *comparison, const struct fl_compare_options *options,
                      struct fl_error *error)
{
    const size_t n = (size_t)comparison->n;
    double *p = calloc(2 * n + 1, sizeof *p);
    int *order = calloc(n + 1, sizeof *order);
    int status = p && order ? FL_OK : fl_fail(error, "compare: no memory for %zu points", n);
    for (size_t i = 0; i < n && status == FL_OK; i++)
        p[i] = comparison->rows[i].ratio.p_value;
    if (status == FL_OK)
        fl_adjust_p_values(p + n, p, comparison->n, options->correction, order);
    for (size_t i = 0; i < n && status == FL_OK; i++) {
        struct fl_compare_row *row = &comparison->rows[i];
        row->p_adjusted = p[n + i];
        row->verdict = verdict_of(row, options);
        comparison->n_verdicts[row->verdict]++;
        comparison->n_flops_changed += row->flops_change != 0;
        comparison->n_bytes_changed += row->bytes_change != 0;
    }
    free(p);
    free(order);
    return status;
}

static int compare_rows(struct fl_comparison *comparison, const struct fl_compare_side sides[2],
                        const struct fl_compare_options *options, struct fl_error *error)
{
    size_t most[2] = {1, 1};
    for (int i = 0; i < comparison->n; i++)
        for (int k = 0; k < 2; k++)
            if ((size_t)comparison->rows[i].points[k]->n_samples > most[k])
                most[k] = (size_t)comparison->rows[i].points[k]->n_samples;
    const size_t n_scratch = fl_bootstrap_scratch(most[0], most[1], &options->bootstrap);
    double *values = calloc(most[0] + most[1] + n_scratch, sizeof *values);
    if (!values)
        return fl_fail(error, "compare: no memory for %zu resamples",
                       options->bootstrap.n_resamples);
    double *logs[2] = {values, values + most[0]};
    for (int i = 0; i < comparison->n; i++) {
        struct fl_bootstrap_options own = options->bootstrap;
        own.seed += (uint64_t)i; /* points do not share their draws */
        compare_row(&comparison->rows[i], sides, &own, logs, values + most[0] + most[1]);
    }
    free(values);
    find_mean(comparison, options->bootstrap.confidence);
    return judge_rows(comparison, options, error);
}

int fl_compare(struct fl_comparison *comparison, const struct fl_compare_side sides[2],
               const struct fl_compare_options *options, struct fl_error *error)
{
    *comparison = (struct fl_comparison){0};
    int status = allocate(comparison, sides, error);
    if (status == FL_OK)
        status = match(comparison, sides, error);
    for (int k = 0; k < 2 && status == FL_OK; k++)
        status = judge_side(comparison, k, &sides[k], error);
    if (status == FL_OK)
        status = compare_rows(comparison, sides, options, error);
    if (status != FL_OK)
        fl_comparison_free(comparison);
    return status;
}

void fl_comparison_free(struct fl_comparison *comparison)
{
    free(comparison->rows);
    for (int k = 0; k < 2; k++)
        free(comparison->unmatched[k]);
    *comparison = (struct fl_comparison){0};
}

/* ---- what else differs ---- */

#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct fl_run, name)                                                       \
    }
static const struct {
    const char *name;
    size_t offset;
} FIELDS[] = {FIELD(host),      FIELD(cpu_model),   FIELD(machine), FIELD(governor), FIELD(kernel),
              FIELD(blas_core), FIELD(blas_config), FIELD(isa),     FIELD(version),  FIELD(commit)};
enum { N_FIELDS = sizeof FIELDS / sizeof *FIELDS };

bool fl_compare_difference(struct fl_run_difference *difference,
                           const struct fl_comparison *comparison, int i)
{
    for (int field = 0; field < N_FIELDS; field++)
        for (int row = 0; row < comparison->n; row++) {
            const struct fl_compare_row *at = &comparison->rows[row];
            const char *a = (const char *)at->runs[0] + FIELDS[field].offset;
            const char *b = (const char *)at->runs[1] + FIELDS[field].offset;
            if (strcmp(a, b) == 0)
                continue;
            if (i-- == 0) {
                *difference = (struct fl_run_difference){FIELDS[field].name, {a, b}};
                return true;
            }
            break; /* one example a field */
        }
    return false;
}
