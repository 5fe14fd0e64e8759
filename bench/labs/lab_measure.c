#include "bench/labs/lab_measure.h"

#include "analyzers/statistics.h"
#include "base/progress.h"

#include <stdio.h>
#include <stdlib.h>

static const double BUDGET_NS = 8e9;

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

double fl_lab_median(double *times, int n, struct fl_lab_result *result)
{
    const double median = fl_median(times, (size_t)n);
    if (n > 1)
        fl_lab_note_spread(result, times[0], times[n - 1]);
    return median;
}

static int compare_samples(const void *a, const void *b)
{
    const uint64_t x = ((const struct fl_sample *)a)->time_ns;
    const uint64_t y = ((const struct fl_sample *)b)->time_ns;
    return (x > y) - (x < y);
}

/* The sample in the middle, whole: its operators' times and its own belong together. */
static void take_median(struct fl_lab_point *point, struct fl_lab_result *result)
{
    struct fl_measurement *measurement = &point->measurement;
    qsort(measurement->samples, (size_t)measurement->n_samples, sizeof *measurement->samples,
          compare_samples);
    const struct fl_sample *middle = &measurement->samples[(measurement->n_samples - 1) / 2];
    point->time_ns = (double)middle->time_ns;
    if (measurement->n_samples > 1)
        fl_lab_note_spread(result, (double)measurement->samples[0].time_ns,
                           (double)measurement->samples[measurement->n_samples - 1].time_ns);
    for (int op = 0; op < FL_N_OPERATORS; op++)
        point->op_time_ns[op] = (double)middle->op_time_ns[op];
}

bool fl_lab_is_late(struct fl_lab_result *result, uint64_t started_ns)
{
    result->cut_short = (double)(fl_clock_ns() - started_ns) > BUDGET_NS;
    return result->cut_short;
}

int fl_lab_points_measure(struct fl_lab_point *points, int n, struct fl_lab_run *run,
                          struct fl_error *error)
{
    const int n_rounds = run->n_rounds;
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
    for (int round = 0;
         round < n_rounds && (round == 0 || !fl_lab_is_late(&run->result, started_ns)); round++)
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
        take_median(&points[i], &run->result);
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
