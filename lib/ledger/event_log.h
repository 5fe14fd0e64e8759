/* event_log.h - when every operator call ran, where the ledger keeps sums: what a trace is made of.
 *
 * A log is attached to a ledger; whoever runs forward passes opens and closes one of its passes
 * around each, and the regions between them become events. All memory is reserved by
 * fl_event_log_open(). A pass that does not fit is left out as a whole, and so is everything behind
 * it: what the log has is complete, and it says how many passes it lacks. */
#ifndef FL_LEDGER_EVENT_LOG_H
#define FL_LEDGER_EVENT_LOG_H

#include "base/cost.h"
#include "base/error.h"
#include "ledger/operators.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One operator call; times are fl_clock_ns()'s. */
struct fl_event {
    uint64_t begins_ns, ends_ns;
    struct fl_cost cost;
    int row; /* of the ledger, see fl_ledger_row() */
    enum fl_operator op;
};

/* What is known of a pass before it runs. */
struct fl_event_shape {
    int n_seqs, n_rows;  /* sequences with new tokens, and their tokens */
    int64_t n_held;      /* tokens the KV cache holds behind the pass, of all sequences */
    uint64_t held_bytes; /* of the KV cache in use then */
};

struct fl_event_pass {
    uint64_t begins_ns, ends_ns;
    size_t first, n; /* of its events */
    struct fl_event_shape shape;
    const char *phase; /* "prefill", "decode", ...; NULL: not said */
};

struct fl_event_log {
    struct fl_event *events; /* [capacity], n of them used */
    struct fl_event_pass *passes;
    size_t capacity, n, pass_capacity, n_passes;
    int64_t n_left_out; /* passes */
    const char *phase;  /* of the passes to come; a constant text */
    bool running, full;
};

enum {
    FL_EVENT_LOG_MOST = 1 << 20,   /* events: 64 MiB */
    FL_EVENTS_PER_LAYER_MOST = 40, /* more than any layer of any model has */
    FL_EVENTS_PER_PASS_LEAST = 8   /* one layer and what is around it */
};

/* Room for n_events, at least one and at most FL_EVENT_LOG_MOST: what is beyond them is cut off. */
int fl_event_log_open(struct fl_event_log *log, double n_events, struct fl_error *error);
void fl_event_log_close(struct fl_event_log *log);

/* An upper bound for the events of a pass over a model of so many layers, both stacks together. */
static inline double fl_event_log_need(int n_layers)
{
    return (double)FL_EVENTS_PER_LAYER_MOST * ((double)n_layers + 2);
}

/* All three do nothing without a log. */
void fl_event_log_begin(struct fl_event_log *log, const struct fl_event_shape *shape,
                        uint64_t now_ns);
void fl_event_log_end(struct fl_event_log *log, uint64_t now_ns);
static inline void fl_event_log_phase(struct fl_event_log *log, const char *phase)
{
    if (log)
        log->phase = phase;
}

/* What fl_region_leave() does with a log. */
static inline void fl_event_log_add(struct fl_event_log *log, const struct fl_event *event)
{
    if (!log->running)
        return;
    if (log->n == log->capacity)
        log->full = true;
    else
        log->events[log->n++] = *event;
}

#endif
