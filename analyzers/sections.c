#include "analyzers/sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double CONFIDENCE = 0.95;

/* ---- times ---- */

static void time_point(struct fl_timing *timing, const struct fl_result *result, double *values)
{
    int n = result->n_samples;
    for (int i = 0; i < n; i++)
        values[i] = (double)result->samples[i].time_ns;
    timing->total = fl_median_interval(values, (size_t)n, CONFIDENCE);
    for (int k = 0; k < result->n_ops; k++) {
        enum fl_operator op = result->ops[k].op;
        for (int i = 0; i < n; i++)
            values[i] = (double)result->samples[i].op_time_ns[op];
        timing->op_ns[op] = fl_median(values, (size_t)n);
    }
    for (int i = 0; i < n; i++) {
        double inside = 0;
        for (int op = 0; op < FL_N_OPERATORS; op++)
            inside += (double)result->samples[i].op_time_ns[op];
        values[i] = (double)result->samples[i].time_ns - inside;
    }
    timing->outside_ns = fl_median(values, (size_t)n);
}

static int time_points(struct fl_timing *timings, const struct fl_results *results,
                       struct fl_error *error)
{
    size_t most = 1;
    for (int i = 0; i < results->n_points; i++)
        if ((size_t)results->points[i].n_samples > most)
            most = (size_t)results->points[i].n_samples;
    double *values = calloc(most, sizeof *values);
    if (!values)
        return fl_fail(error, "statistics: no memory for %zu samples", most);
    for (int i = 0; i < results->n_points; i++)
        time_point(&timings[i], &results->points[i], values);
    free(values);
    return FL_OK;
}

/* ---- lines ---- */

static bool same_setting(const struct fl_point *a, const struct fl_point *b)
{
    return strcmp(a->attention, b->attention) == 0 && strcmp(a->dtype, b->dtype) == 0 &&
           a->n_threads == b->n_threads && a->batch == b->batch;
}

static bool same_line(const struct fl_point *a, const struct fl_point *b)
{
    return a->phase == b->phase && a->cache == b->cache && strcmp(a->logits, b->logits) == 0 &&
           same_setting(a, b);
}

static struct fl_line line_at(const struct fl_line *all, int first)
{
    int n = 1;
    while (first + n < all->n &&
           same_line(&all->points[first].point, &all->points[first + n].point))
        n++;
    return (struct fl_line){all->points + first, all->times + first, n};
}

bool fl_section_next_line(const struct fl_section *section, struct fl_line *line)
{
    int first = line->points ? (int)(line->points - section->all.points) + line->n : 0;
    if (first >= section->all.n)
        return false;
    *line = line_at(&section->all, first);
    return true;
}

int fl_line_find(const struct fl_line *line, int context)
{
    for (int i = 0; i < line->n; i++)
        if (line->points[i].point.context == context)
            return i;
    return -1;
}

/* ---- which setting to show first ---- */

static struct fl_line *slot_of(struct fl_section *section, const struct fl_point *point)
{
    if (point->phase == FL_PHASE_PREFILL)
        return &section->prefill;
    return point->cache ? &section->cached : &section->uncached;
}

/* Of the lines with the setting of `like` the longest of each kind. */
static void choose_lines(struct fl_section *section, const struct fl_point *like)
{
    section->prefill = section->cached = section->uncached = (struct fl_line){0};
    for (struct fl_line line = {0}; fl_section_next_line(section, &line);) {
        struct fl_line *slot = slot_of(section, &line.points->point);
        if (same_setting(&line.points->point, like) && line.n > slot->n)
            *slot = line;
    }
}

/* Compared from the left; larger is better. */
struct rank {
    int kinds, contexts, causal, smaller_batch, threads;
};

static struct rank rank_of(const struct fl_section *section, const struct fl_point *point)
{
    return (struct rank){
        .kinds = (section->prefill.n > 0) + (section->cached.n > 0) + (section->uncached.n > 0),
        .contexts = section->prefill.n + section->cached.n + section->uncached.n,
        .causal = strcmp(point->attention, "causal") == 0,
        .smaller_batch = -point->batch,
        .threads = point->n_threads,
    };
}

static bool better(struct rank a, struct rank b)
{
    const int as[] = {a.kinds, a.contexts, a.causal, a.smaller_batch, a.threads};
    const int bs[] = {b.kinds, b.contexts, b.causal, b.smaller_batch, b.threads};
    for (size_t i = 0; i < sizeof as / sizeof *as; i++)
        if (as[i] != bs[i])
            return as[i] > bs[i];
    return false;
}

static void choose_setting(struct fl_section *section)
{
    const struct fl_point *best = NULL;
    struct rank best_rank = {0};
    for (struct fl_line line = {0}; fl_section_next_line(section, &line);) {
        const struct fl_point *point = &line.points->point;
        choose_lines(section, point);
        struct rank rank = rank_of(section, point);
        if (!best || better(rank, best_rank)) {
            best = point;
            best_rank = rank;
        }
    }
    if (best)
        choose_lines(section, best);
}

/* ---- sections ---- */

static bool same_section(const struct fl_result *a, const struct fl_result *b)
{
    return a->model == b->model && strcmp(a->run->machine, b->run->machine) == 0;
}

/* What the samples of the section say of the machine; wider intervals where it was not quiet. */
static int judge_noise(struct fl_section *section, struct fl_timing *timings,
                       const struct fl_results *results, const int *visits, struct fl_error *error)
{
    const int n = section->all.n;
    const struct fl_result **points = calloc((size_t)n, sizeof *points);
    if (!points)
        return fl_fail(error, "noise: no memory for %d points", n);
    for (int i = 0; i < n; i++)
        points[i] = &section->all.points[i];
    struct fl_noise_series *series = NULL;
    int status = fl_noise_series_make(&series, results, visits, points, n, 0, error);
    if (status == FL_OK)
        status = fl_noise_judge(&section->disturbance, series, n, error);
    for (int i = 0; i < n && status == FL_OK; i++)
        fl_estimate_widen(&timings[i].total, series[i].inflation);
    fl_noise_series_free(series, n);
    free(points);
    return status;
}

static int judge_sections(struct fl_sections *sections, const struct fl_results *results,
                          struct fl_error *error)
{
    int *visits;
    if (fl_noise_visits(&visits, results, error) != FL_OK)
        return FL_FAILED;
    int status = FL_OK;
    for (int i = 0; i < sections->n && status == FL_OK; i++) {
        struct fl_section *section = &sections->rows[i];
        status = judge_noise(section, sections->timings + (section->all.times - sections->timings),
                             results, visits, error);
    }
    free(visits);
    return status;
}

int fl_sections_make(struct fl_sections *sections, const struct fl_results *results,
                     struct fl_error *error)
{
    *sections = (struct fl_sections){0};
    size_t n = (size_t)results->n_points;
    sections->timings = calloc(n ? n : 1, sizeof *sections->timings);
    sections->rows = calloc(n ? n : 1, sizeof *sections->rows);
    if (!sections->timings || !sections->rows) {
        fl_sections_free(sections);
        return fl_fail(error, "results: no memory for %zu points", n);
    }
    if (time_points(sections->timings, results, error) != FL_OK) {
        fl_sections_free(sections);
        return FL_FAILED;
    }
    for (int first = 0; first < results->n_points;) {
        const struct fl_result *points = results->points + first;
        int count = 1;
        while (first + count < results->n_points && same_section(points, points + count))
            count++;
        struct fl_section *section = &sections->rows[sections->n++];
        section->model = points->model;
        section->all = (struct fl_line){points, sections->timings + first, count};
        choose_setting(section);
        first += count;
    }
    if (judge_sections(sections, results, error) != FL_OK) {
        fl_sections_free(sections);
        return FL_FAILED;
    }
    return FL_OK;
}

void fl_sections_free(struct fl_sections *sections)
{
    free(sections->rows);
    free(sections->timings);
    *sections = (struct fl_sections){0};
}

/* ---- what can be relied on ---- */

static bool agrees(const struct fl_op_record *op)
{
    return op->exact_flops == op->counted_flops && op->exact_bytes_read == op->counted_bytes_read &&
           op->exact_bytes_written == op->counted_bytes_written;
}

static void add_mismatch(struct fl_mismatches *mismatches, const struct fl_result *result,
                         enum fl_operator op, bool good)
{
    mismatches->n_checked++;
    if (good)
        return;
    if (mismatches->n++ == 0) {
        mismatches->first = result;
        mismatches->first_op = op;
    }
}

struct fl_mismatches fl_section_mismatches(const struct fl_section *section)
{
    struct fl_mismatches mismatches = {.first_op = FL_N_OPERATORS};
    for (int i = 0; i < section->all.n; i++) {
        const struct fl_result *result = &section->all.points[i];
        for (int k = 0; k < result->n_ops; k++)
            add_mismatch(&mismatches, result, result->ops[k].op, agrees(&result->ops[k]));
        add_mismatch(&mismatches, result, FL_N_OPERATORS,
                     result->point.exact_flops == result->point.counted_flops);
    }
    return mismatches;
}

struct fl_noise fl_section_noise(const struct fl_section *section)
{
    struct fl_noise noise = {0};
    double widest = -1;
    for (int i = 0; i < section->all.n; i++) {
        const struct fl_estimate *time = &section->all.times[i].total;
        double width = time->median > 0 ? (time->high - time->low) / time->median : 0;
        noise.n_wide += fl_estimate_is_wide(time);
        noise.n_few += time->n < FL_SAMPLES_FOR_INTERVAL;
        if (i == 0 || time->n < noise.fewest)
            noise.fewest = time->n;
        if (width > widest) {
            widest = width;
            noise.worst = &section->all.points[i];
            noise.worst_time = &section->all.times[i];
        }
    }
    return noise;
}

/* ---- formulas for a point ---- */

/* The value of "key=value" within text as an index into names; -1 when it is not there. */
static int named_value(const char *text, const char *key, const char *const *names)
{
    char pair[64];
    for (int i = 0; names[i]; i++) {
        int n = snprintf(pair, sizeof pair, "%s=%s", key, names[i]);
        for (const char *at = text; (at = strstr(at, pair)); at += n)
            if ((at == text || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
                return i;
    }
    return -1;
}

int fl_point_convention(struct fl_convention *convention, const struct fl_point *point,
                        struct fl_error *error)
{
    static const char *const ON_OFF[] = {"off", "on", NULL};
    static const char *const FORMS[] = {"fused", NULL};
    const char *text = point->exact_convention;
    int unit = named_value(text, "unit", fl_unit_names);
    int causal = named_value(text, "causal", fl_causal_names);
    int lm_head = named_value(text, "lm_head", fl_lm_head_names);
    int elementwise = named_value(text, "elementwise", ON_OFF);
    if (unit < 0 || causal < 0 || lm_head < 0 || elementwise < 0)
        return fl_fail(error,
                       "point %lld: exact_convention: expected \"unit=.. causal=.. lm_head=.. "
                       "elementwise=..\"",
                       (long long)point->id);
    *convention =
        (struct fl_convention){(enum fl_unit)unit, (enum fl_causal)causal, (enum fl_lm_head)lm_head,
                               elementwise == 1, named_value(text, "attention", FORMS) == 0};
    return FL_OK;
}

struct fl_shape fl_point_shape(const struct fl_result *result, int64_t context)
{
    const struct fl_point *point = &result->point;
    const int64_t more = context == FL_OWN_CONTEXT ? 0 : context - point->context;
    const bool is_decode = point->phase == FL_PHASE_DECODE, cached_step = is_decode && point->cache;
    const bool has_encoder = result->model->config.n_encoder_layers > 0;
    return (struct fl_shape){
        .batch = point->batch,
        .n_tokens = point->n_tokens + (cached_step ? 0 : more),
        .n_past = point->n_past + (cached_step ? more : 0),
        .n_encoder_tokens = has_encoder ? point->context + more : 0,
        .encoded = is_decode,
        .kv_dtype = strstr(point->dtype, "KV ") ? FL_F16 : FL_F32,
    };
}

int fl_point_analytic(struct fl_analytic *analytic, const struct fl_result *result, int64_t context,
                      struct fl_error *error)
{
    struct fl_convention convention;
    const struct fl_shape shape = fl_point_shape(result, context);
    if (fl_point_convention(&convention, &result->point, error) != FL_OK)
        return FL_FAILED;
    return fl_analytic(analytic, &result->model->config, &shape, &convention, error);
}
