/* calibrate.h - kernels of known work, to hold a counter against.
 *
 * Each kernel is a loop whose operations, bytes and lines follow from its number of rounds. What a
 * passage through an empty kernel costs is taken off. A counter that is right measures what is
 * known; one that over- or under-counts shows by how much. */
#ifndef FL_COUNTERS_CALIBRATE_H
#define FL_COUNTERS_CALIBRATE_H

#include "base/error.h"
#include "counters/counter.h"

#include <stddef.h>

enum { FL_CALIBRATION_ROWS = 96 };

struct fl_calibration_row {
    char kernel[40];
    enum fl_count count;
    uint64_t known, measured;
};

struct fl_calibration {
    char counter[32], version[64];
    struct fl_calibration_row rows[FL_CALIBRATION_ROWS];
    int n_rows;
};

/* Runs all kernels this processor can under the counter, in as many passes as it takes. Only counts
 * that the counter has are in the rows. */
void fl_calibrate(struct fl_calibration *calibration, struct fl_counter *counter);

/* True when every row measures what is known. */
bool fl_calibration_exact(const struct fl_calibration *calibration);

/* The row farthest from what is known; NULL when there is none. */
const struct fl_calibration_row *fl_calibration_worst(const struct fl_calibration *calibration);

/* measured / known; where nothing is known to happen: 1 when nothing was measured, otherwise the
 * infinite. */
double fl_calibration_ratio(const struct fl_calibration_row *row);

/* One line of JSON, {"counter", "version", "exact", "rows": [[kernel, count, known, measured],
 * ...]}, as results carry it; with all rows, or with those that are not exact when they do not fit.
 */
int fl_calibration_text(const struct fl_calibration *calibration, char *out, size_t size,
                        struct fl_error *error);

#endif
