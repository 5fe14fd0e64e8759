/* progress.h - notes on stderr: a bar with an estimate of the time left on a terminal, plain
 * lines (at most one every five seconds) elsewhere, nothing when quiet. */
#ifndef FL_BASE_PROGRESS_H
#define FL_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct fl_progress {
    const char *what;
    int64_t done, total;
    double work_done, work_total; /* for the estimate: points differ in cost */
    uint64_t started_ns, shown_ns;
    bool quiet, terminal;
};

/* work_total: any measure of the whole work, e.g. predicted FLOPs; 0: count items instead. */
void fl_progress_start(struct fl_progress *progress, const char *what, int64_t total,
                       double work_total, bool quiet);
/* One item done; label says which one comes next or has just been finished. */
void fl_progress_step(struct fl_progress *progress, double work, const char *label);
void fl_progress_finish(struct fl_progress *progress);

#endif
