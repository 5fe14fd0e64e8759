#include "counters/calibrate_run.h"

#include "counters/counter_flopgrind.h"
#include "counters/counter_papi.h"

#include <cblas.h>

#include <stdlib.h>
#include <time.h>

/* What goes from the counted process to its parent. */
struct message {
    struct fl_calibration calibration;
    struct fl_pace pace;
};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double shorter(double a, double b)
{
    return a == 0 || b < a ? b : a;
}

void fl_pace_take(struct fl_pace *pace)
{
    enum { N = 128, ROWS = 1024, COLUMNS = 512, ROUNDS = 5 };
    static float a[ROWS * COLUMNS], x[COLUMNS], y[ROWS], c[N * N];
    *pace = (struct fl_pace){0};
    for (int i = 0; i < ROUNDS; i++) {
        double start = now_ns();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, a, N, 0, c, N);
        double middle = now_ns();
        cblas_sgemv(CblasRowMajor, CblasNoTrans, ROWS, COLUMNS, 1, a, COLUMNS, x, 1, 0, y, 1);
        pace->gemm_ns = shorter(pace->gemm_ns, middle - start);
        pace->gemv_ns = shorter(pace->gemv_ns, now_ns() - middle);
    }
}

int fl_calibrate_for_parent(FILE *parent, struct fl_error *error)
{
    struct fl_counter counter;
    struct message *message = calloc(1, sizeof *message);
    if (!message)
        return fl_fail(error, "flopgrind: no memory for the calibration");
    int status = fl_counter_flopgrind_open(&counter, error);
    if (status == FL_OK) {
        fl_calibrate(&message->calibration, &counter);
        counter.close(&counter);
        fl_pace_take(&message->pace);
        if (fwrite(message, sizeof *message, 1, parent) != 1 || fflush(parent) != 0)
            status = fl_fail(error, "flopgrind: cannot pass the calibration on");
    }
    free(message);
    return status;
}

static int receive(struct message *message, bool footprint, struct fl_error *error)
{
    static const char *const ARGS[] = {"doctor", "--calibrate", NULL};
    const struct fl_flopgrind_options options = {.no_footprint = !footprint};
    struct fl_flopgrind_child child;
    struct fl_error ended;
    if (fl_flopgrind_start(&child, ARGS, &options, error) != FL_OK)
        return FL_FAILED;
    int status = FL_OK;
    if (fread(message, sizeof *message, 1, child.stream) != 1)
        status = fl_fail(error, "flopgrind: the calibration ended early");
    if (fl_flopgrind_finish(&child, &ended) != FL_OK) {
        *error = ended;
        status = FL_FAILED;
    }
    return status;
}

int fl_calibrate_flopgrind(struct fl_calibration *calibration, struct fl_pace *pace, bool footprint,
                           struct fl_error *error)
{
    struct message *message = calloc(1, sizeof *message);
    if (!message)
        return fl_fail(error, "flopgrind: no memory for the calibration");
    int status = receive(message, footprint, error);
    if (status == FL_OK) {
        *calibration = message->calibration;
        if (pace)
            *pace = message->pace;
    }
    free(message);
    return status;
}

int fl_calibrate_papi(struct fl_calibration *calibration, struct fl_error *error)
{
    struct fl_counter counter;
    if (fl_counter_papi_open(&counter, NULL, error) != FL_OK)
        return FL_FAILED;
    fl_calibrate(calibration, &counter);
    counter.close(&counter);
    return FL_OK;
}
