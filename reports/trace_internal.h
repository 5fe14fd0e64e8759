/* trace_internal.h - what trace.c and trace_requests.c share. */
#ifndef FL_REPORTS_TRACE_INTERNAL_H
#define FL_REPORTS_TRACE_INTERNAL_H

#include "reports/trace.h"

enum { FL_TRACE_ENGINE = 1, FL_TRACE_REQUESTS = 2 }; /* process ids */

struct fl_trace_writer {
    FILE *out;
    bool any; /* a comma goes in front */
};

/* Begins an event, up to and with its time: the caller adds members, which begin with a comma, and
 * "}". */
void fl_trace_event(struct fl_trace_writer *writer, char phase, int process, int thread,
                    const char *category, const char *name, int64_t ts_ns);
/* A slice is a 'B' event and this one: readers that add a duration to a beginning, as doubles, find
 * slices that end a little behind what they are in (Perfetto also cuts both to nanoseconds). */
void fl_trace_end(struct fl_trace_writer *writer, int process, int thread, const char *category,
                  const char *name, int64_t ts_ns);
/* Names a process (thread < 0) or one of its threads. */
void fl_trace_name(struct fl_trace_writer *writer, int process, int thread, const char *name);
/* One value of a counter track. */
void fl_trace_counter(struct fl_trace_writer *writer, int process, const char *name,
                      const char *unit, int64_t ts_ns, double value);

/* The requests' process. */
void fl_trace_requests(struct fl_trace_writer *writer, const struct fl_trace *trace);

#endif
