#include "analyzers/noise.h"

#include "analyzers/distributions.h"
#include "analyzers/statistics.h"

#include <math.h>
#include <stdlib.h>

static const double LEVEL_OF_INFLATION = 0.05, LEVEL_OF_FINDINGS = 0.01;
/* /proc/stat ticks every 10 ms: what it says of less time is chance. */
static const double SHORTEST_WINDOW_NS = 5e8;
static const double SMALLEST_CLOCK_STEP = 0.01, SLOW_CLOCK = 1.05;

/* The samples behind `from` that belong to the same visit. */
static int visit_end(const struct fl_noise_series *series, int from)
{
    int end = from + 1;
    while (end < series->n && series->samples[end].visit == series->samples[from].visit &&
           series->samples[end].run == series->samples[from].run)
        end++;
    return end;
}

/* Room for the longest series. */
struct workspace {
    double *values, *ranks;
    struct fl_ranked *order;
    double *pairs; /* slopes or differences, as many as there may be */
    size_t n_pairs;
};

/* ---- dependence ---- */

/* Squares between and within the visits of one point, or summed over points, and products of
 * neighbours. */
struct variance_sums {
    double between, within, between_dof, within_dof;
    double products, n_neighbours;
    double lost;                        /* what centring takes from products of neighbours */
    double squares_of_sizes, n_samples; /* of visits */
};

static void add_visit(struct variance_sums *sums, const double *x, int n, double centre)
{
    double mean = 0;
    for (int i = 0; i < n; i++)
        mean += x[i] / n;
    sums->between += n * (mean - centre) * (mean - centre);
    for (int i = 0; i < n; i++)
        sums->within += (x[i] - mean) * (x[i] - mean);
    for (int i = 0; i + 1 < n; i++)
        sums->products += (x[i] - mean) * (x[i + 1] - mean);
    sums->between_dof += 1;
    sums->within_dof += n - 1;
    sums->n_neighbours += n - 1;
    /* n values around their own mean: E[product of neighbours] = -variance / n, n - 1 times */
    sums->lost += (double)(n - 1) / n;
    sums->squares_of_sizes += (double)n * n;
    sums->n_samples += n;
}

/* x [series->n]: values of the samples. */
static struct variance_sums sums_of(const struct fl_noise_series *series, const double *x)
{
    struct variance_sums sums = {.between_dof = -1};
    double centre = 0;
    for (int i = 0; i < series->n; i++)
        centre += x[i] / series->n;
    for (int from = 0; from < series->n;) {
        const int end = visit_end(series, from);
        add_visit(&sums, x + from, end - from, centre);
        from = end;
    }
    return sums;
}

/* Ranks over the number of samples, so that points with many do not count for more. */
static void add_ranked(struct variance_sums *total, const struct fl_noise_series *series,
                       const struct workspace *work)
{
    for (int i = 0; i < series->n; i++)
        work->values[i] = series->samples[i].log_time;
    fl_ranks(work->ranks, work->values, (size_t)series->n, work->order);
    for (int i = 0; i < series->n; i++)
        work->ranks[i] /= series->n;
    const struct variance_sums own = sums_of(series, work->ranks);
    total->between += own.between;
    total->within += own.within;
    total->between_dof += own.between_dof;
    total->within_dof += own.within_dof;
    total->products += own.products;
    total->n_neighbours += own.n_neighbours;
    total->lost += own.lost;
    total->squares_of_sizes += own.squares_of_sizes;
    total->n_samples += own.n_samples;
}

/* A point's ratio of variances between and within its visits. */
struct variance_ratio {
    double f, between_dof, within_dof, size; /* size: of a visit, m' */
};

static bool ratio_of(struct variance_ratio *ratio, const struct fl_noise_series *series,
                     const struct workspace *work)
{
    for (int i = 0; i < series->n; i++)
        work->values[i] = series->samples[i].log_time;
    const struct variance_sums sums = sums_of(series, work->values);
    if (!(sums.between_dof > 0 && sums.within_dof > 0 && sums.within > 0))
        return false;
    *ratio = (struct variance_ratio){
        (sums.between / sums.between_dof) / (sums.within / sums.within_dof),
        sums.between_dof,
        sums.within_dof,
        (sums.n_samples - sums.squares_of_sizes / sums.n_samples) / sums.between_dof,
    };
    return true;
}

/* Where the ratios lie in their distributions on average if visits add `share` of the variance. */
static double mean_place(const struct variance_ratio *ratios, int n, double share)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += 1 - fl_f_tail(ratios[i].f / (1 + ratios[i].size * share), ratios[i].between_dof,
                             ratios[i].within_dof);
    return sum / n;
}

/* v of noise.h: the variance of visits over that of samples. */
static double share_of_visits(const struct variance_ratio *ratios, int n)
{
    double low = 0, high = 1;
    if (n == 0 || mean_place(ratios, n, 0) <= 0.5)
        return 0;
    while (high < 1e6 && mean_place(ratios, n, high) > 0.5)
        high *= 2;
    for (int i = 0; i < 40; i++) {
        const double middle = low + (high - low) / 2;
        *(mean_place(ratios, n, middle) > 0.5 ? &low : &high) = middle;
    }
    return high;
}

static void judge_neighbours(struct fl_dependence *dependence, const struct variance_sums *sums)
{
    const double variance = sums->within / sums->within_dof;
    const double correlation = (sums->products / variance + sums->lost) / sums->n_neighbours;
    dependence->neighbour_correlation = fmin(fmax(correlation, 0), 0.95);
    dependence->neighbour_p = 1 - fl_normal_cdf(correlation * sqrt(sums->n_neighbours));
}

/* E[variance of a point's samples] = variance of samples + this share of that of visits, which is
 * (n - sum n_v^2 / n) / (n - 1); the mean over points. */
static double shown_by_samples(const struct fl_noise_series *series, int n_series)
{
    double sum = 0;
    int n_points = 0;
    for (int i = 0; i < n_series; i++) {
        double squares = 0;
        const double n = series[i].n;
        for (int from = 0; from < series[i].n;) {
            const int end = visit_end(&series[i], from);
            squares += (double)(end - from) * (end - from);
            from = end;
        }
        if (series[i].n < 2)
            continue;
        sum += (n - squares / n) / (n - 1);
        n_points++;
    }
    return n_points > 0 ? sum / n_points : 0;
}

static int find_dependence(struct fl_dependence *dependence, const struct fl_noise_series *series,
                           int n_series, const struct workspace *work, struct fl_error *error)
{
    struct variance_sums sums = {0};
    struct variance_ratio *ratios = calloc((size_t)n_series + 1, sizeof *ratios);
    if (!ratios)
        return fl_fail(error, "noise: no memory for %d points", n_series);
    *dependence = (struct fl_dependence){.visit_p = 1, .neighbour_p = 1, .inflation = 1};
    for (int i = 0; i < n_series; i++)
        if (series[i].n >= 2) {
            add_ranked(&sums, &series[i], work);
            dependence->n_revisited += ratio_of(&ratios[dependence->n_revisited], &series[i], work);
        }
    if (sums.n_samples > 0)
        dependence->visit_size = sums.squares_of_sizes / sums.n_samples;
    double worth = 1; /* samples that stand for one */
    if (dependence->n_revisited > 0 && sums.within > 0) {
        const double share = share_of_visits(ratios, dependence->n_revisited);
        const double f = (sums.between / sums.between_dof) / (sums.within / sums.within_dof);
        dependence->visit_correlation = share / (1 + share);
        dependence->visit_p = fl_f_tail(f, sums.between_dof, sums.within_dof);
        /* the variance of a median, over what the samples of a point show of it: with few visits
         * they show little of how visits differ */
        if (dependence->visit_p < LEVEL_OF_INFLATION)
            worth = (1 + dependence->visit_size * share) /
                    (1 + shown_by_samples(series, n_series) * share);
    }
    if (sums.n_neighbours > 0 && sums.within > 0) {
        judge_neighbours(dependence, &sums);
        const double q = dependence->neighbour_correlation;
        if (dependence->neighbour_p < LEVEL_OF_INFLATION)
            worth = fmax(worth, fmin((1 + q) / (1 - q), dependence->visit_size));
    }
    dependence->inflation = sqrt(worth);
    free(ratios);
    return FL_OK;
}

/* The same once more with runs for visits. */
static int judge_runs(struct fl_dependence *dependence, const struct fl_noise_series *series,
                      int n_series, const struct workspace *work, struct fl_error *error)
{
    struct fl_noise_series *copies = calloc((size_t)n_series + 1, sizeof *copies);
    size_t n = 0;
    for (int i = 0; i < n_series; i++)
        n += (size_t)series[i].n;
    struct fl_noise_sample *samples = calloc(n + 1, sizeof *samples), *next = samples;
    struct fl_dependence runs = {.inflation = 1};
    int n_runs_most = 0;
    int status = copies && samples ? FL_OK : fl_fail(error, "noise: no memory for %zu samples", n);
    for (int i = 0; i < n_series && status == FL_OK; i++) {
        copies[i] = (struct fl_noise_series){.samples = next, .n = series[i].n};
        int n_runs = 0;
        for (int k = 0; k < series[i].n; k++) {
            const struct fl_noise_sample *own = &series[i].samples[k];
            n_runs += k == 0 || own[0].run != own[-1].run;
            next[k] = *own;
            next[k].visit = own->run;
        }
        next += series[i].n;
        if (n_runs > n_runs_most)
            n_runs_most = n_runs;
    }
    if (status == FL_OK && n_runs_most > 1)
        status = find_dependence(&runs, copies, n_series, work, error);
    if (runs.inflation > dependence->inflation) {
        dependence->inflation = runs.inflation;
        dependence->run_correlation = runs.visit_correlation;
    }
    free(copies);
    free(samples);
    return status;
}

/* Every kind of step by itself; *worst is the dependence that costs most. */
static int judge_kinds(struct fl_dependence *worst, struct fl_noise_series *series, int n_series,
                       const struct workspace *work, struct fl_error *error)
{
    struct fl_noise_series *alike = calloc((size_t)n_series + 1, sizeof *alike);
    int status = alike ? FL_OK : fl_fail(error, "noise: no memory for %d points", n_series);
    *worst = (struct fl_dependence){.inflation = 1};
    for (int i = 0; i < n_series; i++)
        series[i].inflation = 0; /* not judged yet */
    for (int i = 0; i < n_series && status == FL_OK; i++) {
        struct fl_dependence own;
        int n = 0;
        if (series[i].inflation > 0)
            continue;
        for (int k = i; k < n_series; k++)
            if (series[k].kind == series[i].kind)
                alike[n++] = series[k];
        status = find_dependence(&own, alike, n, work, error);
        if (status == FL_OK)
            status = judge_runs(&own, alike, n, work, error);
        for (int k = i; k < n_series; k++)
            if (series[k].kind == alike[0].kind)
                series[k].inflation = own.inflation;
        if (i == 0 || own.inflation > worst->inflation)
            *worst = own;
    }
    free(alike);
    return status;
}

/* Visits to the point with most. */
static int most_visits(const struct fl_noise_series *series, int n_series)
{
    int most = 0;
    for (int i = 0; i < n_series; i++) {
        int n = 0;
        for (int from = 0; from < series[i].n; n++)
            from = visit_end(&series[i], from);
        most = n > most ? n : most;
    }
    return most;
}

/* ---- drift and warm-up ---- */

/* Adds the pairs of visits of one point within one run: later minus earlier, per second. */
static void add_pairs(const struct fl_noise_series *series, struct workspace *work, double *score,
                      double *variance)
{
    double medians[64], times[64];
    int n_visits = 0, run = -1;
    for (int from = 0; from <= series->n;) {
        const bool at_end = from == series->n;
        if (at_end || series->samples[from].run != run || n_visits == 64) {
            const double n = n_visits; /* without ties, which times in ns do not have */
            *variance += n * (n - 1) * (2 * n + 5) / 18;
            n_visits = 0;
            if (at_end)
                break;
            run = series->samples[from].run;
        }
        const int end = visit_end(series, from);
        for (int i = from; i < end; i++)
            work->values[i - from] = series->samples[i].log_time;
        medians[n_visits] = fl_median(work->values, (size_t)(end - from));
        times[n_visits] = series->samples[from].at_s;
        for (int k = 0; k < n_visits; k++) {
            const double rise = medians[n_visits] - medians[k];
            *score += (rise > 0) - (rise < 0);
            if (times[n_visits] > times[k])
                work->pairs[work->n_pairs++] = rise / (times[n_visits] - times[k]);
        }
        n_visits++;
        from = end;
    }
}

static void find_drift(struct fl_drift *drift, const struct fl_noise_series *series, int n_series,
                       struct workspace *work)
{
    double score = 0, variance = 0, span_s = 0;
    work->n_pairs = 0;
    for (int i = 0; i < n_series; i++) {
        add_pairs(&series[i], work, &score, &variance);
        for (int k = 0; k < series[i].n; k++)
            span_s = fmax(span_s, series[i].samples[k].at_s);
    }
    *drift = (struct fl_drift){.n_pairs = (int)work->n_pairs, .p = 1};
    if (!(variance > 0) || work->n_pairs == 0)
        return;
    const double z = fmax(0, fabs(score) - 1) / sqrt(variance); /* a step of S is 2 */
    drift->p = 2 * fl_normal_cdf(-z);
    drift->change = expm1(span_s * fl_median(work->pairs, work->n_pairs));
    drift->found = drift->p < LEVEL_OF_FINDINGS;
}

static void find_warm_up(struct fl_warm_up *warm_up, const struct fl_noise_series *series,
                         int n_series, struct workspace *work)
{
    *warm_up = (struct fl_warm_up){.p = 1};
    work->n_pairs = 0;
    for (int i = 0; i < n_series; i++)
        for (int from = 0; from < series[i].n;) {
            const int end = visit_end(&series[i], from);
            for (int k = from + 1; k < end; k++)
                work->values[k - from - 1] = series[i].samples[k].log_time;
            if (end - from >= 3)
                work->pairs[work->n_pairs++] = series[i].samples[from].log_time -
                                               fl_median(work->values, (size_t)(end - from) - 1);
            from = end;
        }
    warm_up->n_visits = (int)work->n_pairs;
    for (size_t i = 0; i < work->n_pairs; i++)
        warm_up->n_slower += work->pairs[i] > 0;
    if (work->n_pairs == 0)
        return;
    warm_up->p = 1 - fl_coin_cdf(warm_up->n_slower - 1, warm_up->n_visits);
    warm_up->change = expm1(fl_median(work->pairs, work->n_pairs));
    warm_up->found = warm_up->p < LEVEL_OF_FINDINGS && warm_up->change > 0;
}

/* ---- the clock ---- */

struct reading {
    int run;
    double at_s, loop_ns;
};

static int compare_readings(const void *left, const void *right)
{
    const struct reading *a = left, *b = right;
    if (a->run != b->run)
        return (a->run > b->run) - (a->run < b->run);
    return (a->at_s > b->at_s) - (a->at_s < b->at_s);
}

/* Pettitt's statistic of the readings of one run; keeps the clearest step of all runs. */
static void find_step(struct fl_clock_steps *clock, const struct reading *readings, size_t n,
                      struct workspace *work)
{
    for (size_t i = 0; i < n; i++)
        work->values[i] = readings[i].loop_ns;
    fl_ranks(work->ranks, work->values, n, work->order);
    double sum = 0, largest = 0;
    size_t at = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        sum += work->ranks[i];
        const double u = fabs(2 * sum - (double)(i + 1) * (double)(n + 1));
        if (u > largest) {
            largest = u;
            at = i + 1;
        }
    }
    const double size = (double)n;
    const double p = fmin(1, 2 * exp(-6 * largest * largest / (size * size * size + size * size)));
    if (at == 0 || p >= clock->p)
        return;
    const double before = fl_median(work->values, at);
    const double behind = fl_median(work->values + at, n - at);
    clock->p = p;
    clock->at_s = readings[at].at_s;
    clock->change = behind / before - 1;
    clock->found = p < LEVEL_OF_FINDINGS && fabs(behind - before) >= SMALLEST_CLOCK_STEP * before;
}

static void judge_readings(struct fl_clock_steps *clock, struct reading *readings, size_t n,
                           struct workspace *work)
{
    qsort(readings, n, sizeof *readings, compare_readings);
    for (size_t i = 0; i < n; i++)
        work->values[i] = readings[i].loop_ns;
    const double median = fl_median(work->values, n);
    size_t n_slow = 0;
    for (size_t i = 0; i < n; i++)
        n_slow += readings[i].loop_ns > SLOW_CLOCK * median;
    clock->n = (int)n;
    clock->slow_share = (double)n_slow / (double)n;
    for (size_t from = 0; from < n;) {
        size_t end = from + 1;
        while (end < n && readings[end].run == readings[from].run)
            end++;
        find_step(clock, readings + from, end - from, work);
        from = end;
    }
}

/* False where no loop was timed. */
static bool median_loop(struct reading *reading, const struct fl_noise_series *series, int from,
                        int end, struct workspace *work)
{
    size_t n = 0;
    for (int i = from; i < end; i++) {
        const struct fl_conditions *conditions = series->samples[i].conditions;
        if (conditions && conditions->loop_ns > 0)
            work->values[n++] = (double)conditions->loop_ns;
    }
    *reading = (struct reading){series->samples[from].run, series->samples[from].at_s,
                                fl_median(work->values, n)};
    return n > 0;
}

static int find_clock(struct fl_clock_steps *clock, const struct fl_noise_series *series,
                      int n_series, struct workspace *work, struct fl_error *error)
{
    size_t n = 0, most = 0;
    for (int i = 0; i < n_series; i++)
        most += (size_t)series[i].n;
    *clock = (struct fl_clock_steps){.p = 1};
    struct reading *readings = calloc(most + 1, sizeof *readings);
    if (!readings)
        return fl_fail(error, "noise: no memory for %zu readings", most);
    for (int i = 0; i < n_series; i++)
        for (int from = 0; from < series[i].n;) {
            const int end = visit_end(&series[i], from);
            n += median_loop(&readings[n], &series[i], from, end, work);
            from = end;
        }
    if (n > 0)
        judge_readings(clock, readings, n, work);
    free(readings);
    return FL_OK;
}

/* ---- others at work ---- */

static void find_busy(struct fl_busy *busy, const struct fl_noise_series *series, int n_series)
{
    double n_interrupted = 0, other_ns = 0, stolen_ns = 0, time_ns = 0;
    *busy = (struct fl_busy){0};
    for (int i = 0; i < n_series; i++)
        for (int k = 0; k < series[i].n; k++) {
            const struct fl_conditions *conditions = series[i].samples[k].conditions;
            if (!conditions)
                continue;
            busy->n++;
            n_interrupted += conditions->n_interrupted > 0;
            other_ns += (double)conditions->other_ns;
            stolen_ns += (double)conditions->stolen_ns;
            time_ns += (double)conditions->window_ns;
            busy->load_high = fmax(busy->load_high, (double)conditions->load_milli / 1e3);
        }
    if (time_ns < SHORTEST_WINDOW_NS) {
        busy->n = 0;
        return;
    }
    busy->interrupted_share = n_interrupted / busy->n;
    busy->other_cores = fmax(0, other_ns / time_ns);
    busy->stolen_share = stolen_ns / time_ns;
    busy->found = busy->other_cores >= FL_BUSY_OTHER_CORES ||
                  busy->stolen_share >= FL_BUSY_STOLEN ||
                  busy->interrupted_share >= FL_BUSY_INTERRUPTED;
}

/* ---- the whole ---- */

/* All samples at once may be ranked (the clock), and every pair of visits has a slope. */
static int make_workspace(struct workspace *work, const struct fl_noise_series *series,
                          int n_series, struct fl_error *error)
{
    size_t n = 1, n_pairs = 1;
    for (int i = 0; i < n_series; i++) {
        size_t n_visits = 0;
        for (int from = 0; from < series[i].n; n_visits++)
            from = visit_end(&series[i], from);
        n += (size_t)series[i].n;
        n_pairs += n_visits * (n_visits + 1) / 2;
    }
    *work = (struct workspace){.values = calloc(n, sizeof(double)),
                               .ranks = calloc(n, sizeof(double)),
                               .order = calloc(n, sizeof(struct fl_ranked)),
                               .pairs = calloc(n_pairs, sizeof(double))};
    return work->values && work->ranks && work->order && work->pairs
               ? FL_OK
               : fl_fail(error, "noise: no memory for %zu samples", n);
}

int fl_noise_judge(struct fl_disturbance *disturbance, struct fl_noise_series *series, int n_series,
                   struct fl_error *error)
{
    struct workspace work;
    *disturbance = (struct fl_disturbance){0};
    int status = make_workspace(&work, series, n_series, error);
    if (status == FL_OK)
        status = judge_kinds(&disturbance->dependence, series, n_series, &work, error);
    if (status == FL_OK) {
        disturbance->n_starts = most_visits(series, n_series);
        find_drift(&disturbance->drift, series, n_series, &work);
        find_warm_up(&disturbance->warm_up, series, n_series, &work);
        find_busy(&disturbance->busy, series, n_series);
        status = find_clock(&disturbance->clock, series, n_series, &work, error);
    }
    free(work.values);
    free(work.ranks);
    free(work.order);
    free(work.pairs);
    return status;
}
