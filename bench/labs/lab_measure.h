/* lab_measure.h - the points of a lab, measured in turns with the sweep's own measuring code
 * (bench/measure.h), so that exact equals counted in every execution. */
#ifndef FL_BENCH_LAB_MEASURE_H
#define FL_BENCH_LAB_MEASURE_H

#include "bench/labs/lab.h"
#include "bench/measure.h"

struct fl_lab_point {
    const struct fl_model *model;
    struct fl_sweep_item item;
    struct fl_measurement measurement; /* open until fl_lab_points_close() */
    double time_ns;                    /* of the sample in the middle */
    double op_time_ns[FL_N_OPERATORS]; /* of the same sample, all layers together */
};

/* n_tokens new ones of each of `batch` sequences behind n_past. n_past 0: a prefill. */
struct fl_lab_point fl_lab_point_of(const struct fl_model *model, enum fl_attention attention,
                                    int batch, int n_tokens, int n_past, int n_threads);

/* Opens the points, warms up each, and measures all of them run->n_rounds times, in turns;
 * fewer times where that takes too long for a class. On failure they are closed. */
int fl_lab_points_measure(struct fl_lab_point *points, int n, struct fl_lab_run *run,
                          struct fl_error *error);
void fl_lab_points_close(struct fl_lab_point *points, int n);

/* True when a lab that began then has measured for long enough, which cuts it short: a busy machine
 * must not keep a class waiting. */
bool fl_lab_is_late(struct fl_lab_result *result, uint64_t started_ns);

/* What was counted, equal to the formulas. */
double fl_lab_point_flops(const struct fl_lab_point *point);
double fl_lab_point_bytes(const struct fl_lab_point *point); /* read and written */

/* One operator's record, all layers together; NULL when the pass has no such operator. */
const struct fl_op_record *fl_lab_point_op(const struct fl_lab_point *point, enum fl_operator op);

/* Of times [n], which it sorts; their spread is noted. */
double fl_lab_median(double *times, int n, struct fl_lab_result *result);

#endif
