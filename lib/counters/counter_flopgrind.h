/* counter_flopgrind.h - counting with our Valgrind tool: the counter of a process that runs under
 * it, and the way a process has its work done again under it. */
#ifndef FL_COUNTERS_COUNTER_FLOPGRIND_H
#define FL_COUNTERS_COUNTER_FLOPGRIND_H

#include "base/error.h"
#include "counters/counter.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* True in a process that runs under flopgrind. */
bool fl_flopgrind_running(void);

/* Only where fl_flopgrind_running(). The counter needs no closing. */
int fl_counter_flopgrind_open(struct fl_counter *counter, struct fl_error *error);

/* Why no process can be run under flopgrind here, e.g. "valgrind is not installed"; NULL: it can.
 */
const char *fl_flopgrind_missing(void);

/* The Valgrind this program was built with, as counters name it: "Valgrind 3.19"; "": none. */
const char *fl_flopgrind_version(void);

struct fl_flopgrind_options {
    bool no_footprint;     /* lines_read and lines_written stay unavailable; several times faster */
    bool cache_model;      /* a simulated cache of this machine's sizes */
    const char *blas_core; /* OpenBLAS core to run; NULL: $OPENBLAS_CORETYPE, or the default */
};

/* OpenBLAS has kernels for AVX without FMA; Valgrind emulates an FMA lane by lane, which makes the
 * kernels with FMA an order of magnitude slower to count. */
#define FL_FLOPGRIND_BLAS_CORE "Sandybridge"

struct fl_flopgrind_child {
    pid_t pid;
    FILE *stream; /* what the child writes for its parent */
};

/* Runs this very program again, under flopgrind, with the NULL-terminated arguments args behind
 * the program's name. The child's stdout is the parent's stderr. */
int fl_flopgrind_start(struct fl_flopgrind_child *child, const char *const *args,
                       const struct fl_flopgrind_options *options, struct fl_error *error);

/* Waits for the child's end and closes the stream; fails when the child did. */
int fl_flopgrind_finish(struct fl_flopgrind_child *child, struct fl_error *error);

/* In the child: the stream to the parent, NULL in a process that was not started so. */
FILE *fl_flopgrind_parent(void);

#endif
