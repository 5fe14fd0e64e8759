#include "bench/labs/lab_measure.h"

#include "analyzers/statistics.h"
#include "base/progress.h"

#include <stdio.h>

enum { ROUNDS_MAX = 1000 };

struct fl_lab_point fl_lab_point_of(const struct fl_model *model, enum fl_attention attention,
                                    int batch, int n_tokens, int n_past, int n_threads)
{
    struct fl_lab_point point = {.model = model};
    struct fl_sweep_item *item = &point.item;
    item->attention = attention;
    item->logits = FL_LOGITS_LAST;
    item->point = (struct fl_point){.phase = n_past > 0 ? FL_PHASE_DECODE : FL_PHASE_PREFILL,
                                    .cache = true,
                                    .logits = "last",
                                    .batch = batch,
                                    .context = n_past > 0 ? n_past : n_tokens,
                                    .n_tokens = n_tokens,
                                    .n_past = n_past,
                                    .n_threads = n_threads};
    snprintf(item->point.attention, sizeof item->point.attention, "%s",
             fl_attention_name(attention));
    return point;
}

double fl_lab_median(double *times, int n)
{
    fl_sort(times, (size_t)n);
    return fl_median_sorted(times, (size_t)n);
}

static void take_medians(struct fl_lab_point *point)
{
    const struct fl_measurement *measurement = &point->measurement;
    double times[ROUNDS_MAX];
    const int n = measurement->n_samples;
    for (int i = 0; i < n; i++)
        times[i] = (double)measurement->samples[i].time_ns;
    point->time_ns = fl_lab_median(times, n);
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        for (int i = 0; i < n; i++)
            times[i] = (double)measurement->samples[i].op_time_ns[op];
        point->op_time_ns[op] = fl_lab_median(times, n);
    }
}

int fl_lab_points_measure(struct fl_lab_point *points, int n, struct fl_lab_run *run,
                          struct fl_error *error)
{
    const int n_rounds = run->n_rounds < ROUNDS_MAX ? run->n_rounds : ROUNDS_MAX;
    const uint64_t started_ns = fl_clock_ns();
    struct fl_progress progress;
    int n_open = 0, status = FL_OK;
    fl_progress_start(&progress, "lab", (int64_t)n * (n_rounds + 1), 0, run->quiet);
    for (; n_open < n && status == FL_OK; n_open++) {
        struct fl_lab_point *point = &points[n_open];
        status = fl_measurement_open(&point->measurement, point->model, &point->item, n_rounds,
                                     run->seed, error);
        if (status == FL_OK)
            status = fl_measurement_warm_up(&point->measurement, error);
        fl_progress_step(&progress, 0, "");
    }
    for (int round = 0; round < n_rounds; round++)
        for (int i = 0; i < n && status == FL_OK; i++) {
            status = fl_measurement_sample(&points[i].measurement, round, started_ns, error);
            fl_progress_step(&progress, 0, "");
        }
    fl_progress_finish(&progress);
    if (status != FL_OK) {
        fl_lab_points_close(points, n_open);
        return FL_FAILED;
    }
    for (int i = 0; i < n; i++)
        take_medians(&points[i]);
    return FL_OK;
}

void fl_lab_points_close(struct fl_lab_point *points, int n)
{
    for (int i = 0; i < n; i++)
        fl_measurement_close(&points[i].measurement);
}

double fl_lab_point_flops(const struct fl_lab_point *point)
{
    return (double)point->measurement.item.point.counted_flops;
}

double fl_lab_point_bytes(const struct fl_lab_point *point)
{
    const struct fl_point *record = &point->measurement.item.point;
    return (double)(record->bytes_read + record->bytes_written);
}

const struct fl_op_record *fl_lab_point_op(const struct fl_lab_point *point, enum fl_operator op)
{
    for (int i = 0; i < point->measurement.n_ops; i++)
        if (point->measurement.ops[i].op == op)
            return &point->measurement.ops[i];
    return NULL;
}
