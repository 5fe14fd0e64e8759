/* calibrate_run.h - calibrating the counters that are here: in this process, or by running this
 * program again under flopgrind. */
#ifndef FL_COUNTERS_CALIBRATE_RUN_H
#define FL_COUNTERS_CALIBRATE_RUN_H

#include "counters/calibrate.h"

#include <stdio.h>

/* Shortest times of two products of OpenBLAS: one bound by arithmetic, one by memory. */
struct fl_pace {
    double gemm_ns, gemv_ns;
};

/* Here and now. */
void fl_pace_take(struct fl_pace *pace);

/* `flopledger doctor --calibrate` under flopgrind, with or without the footprint. pace: of that
 * process, NULL when it is not wanted. */
int fl_calibrate_flopgrind(struct fl_calibration *calibration, struct fl_pace *pace, bool footprint,
                           struct fl_error *error);

/* In the process that was started so: calibrates and passes the result on. */
int fl_calibrate_for_parent(FILE *parent, struct fl_error *error);

int fl_calibrate_papi(struct fl_calibration *calibration, struct fl_error *error);

#endif
