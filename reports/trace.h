/* trace.h - event logs as a trace that https://ui.perfetto.dev and speedscope show, in Trace Event
 * Format:
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 *
 * A log is a track of slices: pass > layer > operator, each with what it cost as integers. Counter
 * tracks show FLOP/s and bytes/s operator by operator, and tokens and KV-cache bytes pass by pass.
 * Times are microseconds with three decimals, whole nanoseconds; durations of an operator's slices
 * add up to what the ledger has. docs/traces.md describes the file. */
#ifndef FL_REPORTS_TRACE_H
#define FL_REPORTS_TRACE_H

#include "analyzers/serving.h"
#include "base/error.h"
#include "ledger/event_log.h"
#include "model/config.h"

#include <stdio.h>

struct fl_trace_track {
    const char *name; /* any text */
    const struct fl_event_log *log;
    const struct fl_config *config;
    size_t first_pass, n_passes; /* of the log; n_passes 0: all of them */
    /* When each of these passes began on the trace's own clock, in seconds; NULL: on the log's,
     * from the first pass on. */
    const struct fl_serving_pass *clock;
};

struct fl_trace {
    const char *title; /* what ran: the process's name */
    /* "key", "value", ..., NULL: how it ran, into otherData. */
    const char *const *facts;
    const struct fl_trace_track *tracks; /* of sessions that take turns */
    int n_tracks;
    /* Of a served queue, else NULL: a track a request, and counters of the queue. */
    const struct fl_serving_request *requests;
    int n_requests;
    const struct fl_serving_pass *passes;
    int n_passes;
};

/* Into a file, which is there as a whole or not at all; "-" is standard output. */
int fl_trace_write(const char *path, const struct fl_trace *trace, struct fl_error *error);

#endif
