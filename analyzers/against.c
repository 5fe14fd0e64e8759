#include "analyzers/against.h"
#include "analyzers/scaling.h"
#include "analyzers/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one point ---- */

static int find_dtype(const char *name, size_t length)
{
    for (int i = 0; i < FL_N_DTYPES; i++)
        if (strlen(fl_dtype_names[i]) == length && strncmp(fl_dtype_names[i], name, length) == 0)
            return i;
    return -1;
}

int fl_point_dtypes(const struct fl_point *point, enum fl_dtype *weights, enum fl_dtype *kv,
                    struct fl_error *error)
{
    static const char KV[] = ", KV ";
    const char *cache = strstr(point->dtype, KV);
    const size_t length = cache ? (size_t)(cache - point->dtype) : strlen(point->dtype);
    const int w = find_dtype(point->dtype, length);
    const int c = cache ? find_dtype(cache + strlen(KV), strlen(cache + strlen(KV))) : FL_F32;
    if (w < 0 || c < 0)
        return fl_fail(error,
                       "point %lld: dtype '%s': expected one format of weights, mixed ones are not "
                       "predicted",
                       (long long)point->id, point->dtype);
    *weights = (enum fl_dtype)w;
    *kv = (enum fl_dtype)c;
    return FL_OK;
}

static int predict_point(struct fl_against_point *out, const struct fl_hardware *hardware,
                         const struct fl_result *result, const struct fl_timing *timing,
                         struct fl_error *error)
{
    const struct fl_point *point = &result->point;
    struct fl_predicted_step step;
    struct fl_stored stored;
    struct fl_convention convention;
    struct fl_workload workload = {.config = &result->model->config,
                                   .stored = &stored,
                                   .arith = FL_ARITH_F32,
                                   .efficiency = {1, 1}};
    if (fl_point_dtypes(point, &workload.weight_dtype, &workload.kv_dtype, error) != FL_OK ||
        fl_point_convention(&convention, point, error) != FL_OK ||
        fl_stored_of_config(&stored, workload.config, workload.weight_dtype, error) != FL_OK)
        return FL_FAILED;
    struct fl_shape shape = fl_point_shape(result, FL_OWN_CONTEXT);
    shape.stored = &stored;
    shape.kv_dtype = workload.kv_dtype;
    if (fl_predict_step(&step, hardware, &workload, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    *out = (struct fl_against_point){.result = result,
                                     .measured_s = result->median_time_ns * 1e-9,
                                     .ideal_s = step.time_s,
                                     .bound = step.bound,
                                     .ideal = step,
                                     .timing = *timing};
    if (!(out->measured_s > 0) || !(out->ideal_s > 0))
        return fl_fail(error, "point %lld: expected a time above 0", (long long)point->id);
    return FL_OK;
}

/* ---- all of them ---- */

static double share(const struct fl_against_point *point)
{
    return point->ideal_s / point->measured_s;
}

/* Median share of the points with this bound but for one; 0: there are none. */
static double median_share(const struct fl_against *against, enum fl_predicted_bound bound, int but,
                           double *scratch)
{
    size_t n = 0;
    for (int i = 0; i < against->n_points; i++)
        if (i != but && against->points[i].bound == bound)
            scratch[n++] = share(&against->points[i]);
    return fl_median(scratch, n);
}

static double at_most_1(double value)
{
    return value > 1 ? 1 : value;
}

static double factor(double a, double b)
{
    return fabs(log(a / b));
}

/* How far apart two points are for an operator, in logarithms of factors: in rows; in context, if
 * that is what it goes over; and, twice as far, in threads, which share memory and clock. */
static double distance(const struct fl_against_point *a, const struct fl_against_point *b,
                       enum fl_operator op)
{
    const struct fl_point *p = &a->result->point, *q = &b->result->point;
    const double rows = factor((double)p->batch * p->n_tokens, (double)q->batch * q->n_tokens);
    const double context = factor(p->n_past + p->n_tokens, q->n_past + q->n_tokens);
    return rows + (fl_operator_is_quadratic(op) ? context : 0) +
           2 * factor(p->n_threads, q->n_threads);
}

/* Median share of one operator under one condition; 0: there are none. near: over the points
 * nearest to it, which it is none of, since products of few rows reach less than those of many;
 * NULL: over all points. */
static double op_share(const struct fl_against *against, enum fl_operator op,
                       enum fl_predicted_bound bound, bool many_rows,
                       const struct fl_against_point *near, double *scratch)
{
    double nearest = INFINITY;
    size_t n = 0;
    for (int i = 0; i < against->n_points; i++) {
        const struct fl_against_point *point = &against->points[i];
        if (point == near)
            continue;
        const double ideal_ns = point->ideal.op_time_s[op] * 1e9;
        if (!(ideal_ns > 0) || point->timing.op_ns[op] <= 0 || point->ideal.op_bound[op] != bound ||
            point->ideal.op_many_rows[op] != many_rows)
            continue;
        const double away = near ? distance(point, near, op) : 0;
        if (away > nearest + 1e-9)
            continue;
        if (away < nearest - 1e-9)
            n = 0;
        nearest = fmin(nearest, away);
        scratch[n++] = ideal_ns / point->timing.op_ns[op];
    }
    return fl_median(scratch, n);
}

/* Of the time that is in no operator's median: between the operators, and, on a busy machine, where
 * other programs ran. */
static double outside_share(const struct fl_against *against, int but, double *scratch)
{
    size_t n = 0;
    for (int i = 0; i < against->n_points; i++) {
        const struct fl_timing *timing = &against->points[i].timing;
        double inside_ns = 0;
        for (int op = 0; op < FL_N_OPERATORS; op++)
            inside_ns += timing->op_ns[op];
        const double share = 1 - inside_ns / timing->total.median;
        if (i != but && inside_ns > 0 && share < 1)
            scratch[n++] = share > 0 ? share : 0;
    }
    return fl_median(scratch, n);
}

/* The ideal times of the point's operators, each over the share that it reaches nearby; where it is
 * nowhere else, over that of all points with the operator's bound. 0: there is no other point.
 */
static double calibrated(const struct fl_against *against, int i, double *scratch)
{
    const struct fl_against_point *point = &against->points[i];
    double sum = 0;
    for (int k = 0; k < FL_N_OPERATORS; k++) {
        const enum fl_operator op = (enum fl_operator)k;
        const enum fl_predicted_bound bound = point->ideal.op_bound[op];
        if (!(point->ideal.op_time_s[op] > 0))
            continue;
        double share = op_share(against, op, bound, point->ideal.op_many_rows[op], point, scratch);
        share = share > 0 ? share : median_share(against, point->bound, i, scratch);
        if (!(share > 0))
            return 0;
        sum += point->ideal.op_time_s[op] / share;
    }
    return sum / (1 - outside_share(against, i, scratch));
}

static void calibrate(struct fl_against *against, double *scratch)
{
    double *const efficiency[2] = {&against->efficiency.compute, &against->efficiency.memory};
    for (int bound = 0; bound < 2; bound++) {
        const double all = median_share(against, (enum fl_predicted_bound)bound, -1, scratch);
        *efficiency[bound] = all > 0 ? at_most_1(all) : 1;
        for (int op = 0; op < FL_N_OPERATORS; op++)
            for (int many = 0; many < 2; many++)
                against->shares.of_op[op][bound][many] =
                    at_most_1(op_share(against, (enum fl_operator)op,
                                       (enum fl_predicted_bound)bound, many, NULL, scratch));
    }
    against->shares.outside = outside_share(against, -1, scratch);
    for (int i = 0; i < against->n_points; i++) {
        against->points[i].calibrated_s = calibrated(against, i, scratch);
        against->n_by_bound[against->points[i].bound]++;
    }
}

static struct fl_against_error error_of(const struct fl_against *against, bool of_calibrated,
                                        double *scratch, double *absolute)
{
    struct fl_against_error error = {0};
    size_t n = 0;
    for (int i = 0; i < against->n_points; i++) {
        const struct fl_against_point *point = &against->points[i];
        const double predicted = of_calibrated ? point->calibrated_s : point->ideal_s;
        if (!(predicted > 0))
            continue;
        scratch[n] = predicted / point->measured_s - 1;
        absolute[n] = fabs(scratch[n]);
        if (!error.at || absolute[n] > error.worst) {
            error.worst = absolute[n];
            error.at = point;
        }
        n++;
    }
    error.median_signed = fl_median(scratch, n);
    error.median = fl_median(absolute, n);
    return error;
}

static void skip(struct fl_against *against, const struct fl_error *why)
{
    if (against->n_skipped++ == 0)
        snprintf(against->skipped, sizeof against->skipped, "%.255s", why->text);
}

/* The figures of the machine a point was measured on. */
static int find_machine(struct fl_hardware *hardware, const struct fl_results *results,
                        const struct fl_against_machines *machines, const struct fl_result *result,
                        struct fl_error *error)
{
    int n;
    const struct fl_ceiling *ceilings = fl_results_ceilings(results, result->run->machine, &n);
    if (machines->machine) {
        *hardware = *machines->machine;
        return FL_OK;
    }
    if (n == 0 && machines->n_kept > 0 &&
        strcmp(machines->kept[0].machine, result->run->machine) == 0) {
        ceilings = machines->kept;
        n = machines->n_kept;
    }
    return fl_hardware_of_ceilings(hardware, ceilings, n, result->point.n_threads, error);
}

static void predict_all(struct fl_against *against, const struct fl_results *results,
                        const struct fl_timing *timings, const struct fl_against_machines *machines)
{
    for (int i = 0; i < results->n_points; i++) {
        const struct fl_result *result = &results->points[i];
        struct fl_hardware hardware;
        struct fl_error why;
        if (find_machine(&hardware, results, machines, result, &why) == FL_OK &&
            predict_point(&against->points[against->n_points], &hardware, result, &timings[i],
                          &why) == FL_OK)
            against->n_points++;
        else
            skip(against, &why);
    }
}

int fl_against_make(struct fl_against *against, const struct fl_results *results,
                    const struct fl_against_machines *machines, struct fl_error *error)
{
    const size_t n = (size_t)results->n_points + 1;
    *against = (struct fl_against){.points = calloc(n, sizeof *against->points)};
    double *scratch = calloc(2 * n, sizeof *scratch);
    struct fl_sections sections = {0};
    int status = against->points && scratch ? fl_sections_make(&sections, results, error)
                                            : fl_fail(error, "against: out of memory");
    if (status == FL_OK) {
        predict_all(against, results, sections.timings, machines);
        fl_sections_free(&sections);
        calibrate(against, scratch);
        against->ideal = error_of(against, false, scratch, scratch + n);
        against->calibrated = error_of(against, true, scratch, scratch + n);
        if (against->n_points == 0)
            status = fl_fail(error, "against: no point can be predicted: %.400s",
                             against->n_skipped ? against->skipped : "the file has none");
    }
    free(scratch);
    if (status != FL_OK)
        fl_against_free(against);
    return status;
}

void fl_against_free(struct fl_against *against)
{
    free(against->points);
    against->points = NULL;
    against->n_points = 0;
}
