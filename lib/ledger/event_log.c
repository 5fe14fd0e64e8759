#include "ledger/event_log.h"

#include <stdlib.h>
#include <string.h>

int fl_event_log_open(struct fl_event_log *log, double n_events, struct fl_error *error)
{
    *log = (struct fl_event_log){0};
    log->capacity = n_events < 1                   ? 1
                    : n_events > FL_EVENT_LOG_MOST ? FL_EVENT_LOG_MOST
                                                   : (size_t)n_events;
    log->pass_capacity = log->capacity / FL_EVENTS_PER_PASS_LEAST + 1;
    log->events = malloc(log->capacity * sizeof *log->events);
    log->passes = malloc(log->pass_capacity * sizeof *log->passes);
    if (!log->events || !log->passes) {
        fl_event_log_close(log);
        return fl_fail(error, "trace: cannot reserve memory for %.0f events", n_events);
    }
    /* The pages are there before the first pass, which is not to wait for them. */
    memset(log->events, 0, log->capacity * sizeof *log->events);
    memset(log->passes, 0, log->pass_capacity * sizeof *log->passes);
    return FL_OK;
}

void fl_event_log_close(struct fl_event_log *log)
{
    free(log->events);
    free(log->passes);
    *log = (struct fl_event_log){0};
}

void fl_event_log_begin(struct fl_event_log *log, const struct fl_event_shape *shape,
                        uint64_t now_ns)
{
    if (!log)
        return;
    if (log->full || log->n_passes == log->pass_capacity) {
        log->full = true;
        log->n_left_out++;
        return;
    }
    log->passes[log->n_passes] = (struct fl_event_pass){
        .begins_ns = now_ns, .first = log->n, .shape = *shape, .phase = log->phase};
    log->running = true;
}

void fl_event_log_end(struct fl_event_log *log, uint64_t now_ns)
{
    if (!log || !log->running)
        return;
    struct fl_event_pass *pass = &log->passes[log->n_passes];
    log->running = false;
    if (log->full) {
        log->n = pass->first;
        log->n_left_out++;
        return;
    }
    pass->ends_ns = now_ns;
    pass->n = log->n - pass->first;
    log->n_passes++;
}
