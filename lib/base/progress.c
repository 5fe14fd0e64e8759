#include "base/progress.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const uint64_t TERMINAL_EVERY_NS = 100000000; /* faster than the eye follows is waste */
static const uint64_t PLAIN_EVERY_NS = 5000000000;
enum { BAR_CELLS = 20, MAX_COLUMNS = 256 };

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double fraction_done(const struct fl_progress *progress)
{
    double fraction = 0;
    if (progress->work_total > 0)
        fraction = progress->work_done / progress->work_total;
    else if (progress->total > 0)
        fraction = (double)progress->done / (double)progress->total;
    return fraction > 1 ? 1 : fraction < 0 ? 0 : fraction;
}

/* ", about 1 m 03 s left", or nothing while there is nothing to go by. */
static void left_text(const struct fl_progress *progress, uint64_t now, char out[64])
{
    double fraction = fraction_done(progress);
    out[0] = '\0';
    if (fraction <= 0 || fraction >= 1)
        return;
    char time[FL_UNIT_TEXT];
    double elapsed_ns = (double)(now - progress->started_ns);
    fl_time_text(elapsed_ns * (1 - fraction) / fraction, time);
    snprintf(out, 64, ", about %s left", time);
}

static int terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return 80;
    return size.ws_col < MAX_COLUMNS ? size.ws_col : MAX_COLUMNS;
}

static void show(const struct fl_progress *progress, uint64_t now, const char *label)
{
    char left[64], line[MAX_COLUMNS + 1], bar[BAR_CELLS + 1];
    double fraction = fraction_done(progress);
    left_text(progress, now, left);
    const char *colon = label && label[0] ? ": " : "";
    if (!label)
        label = "";
    if (!progress->terminal) {
        fprintf(stderr, "%s: %lld of %lld (%.0f %%)%s%s%s\n", progress->what,
                (long long)progress->done, (long long)progress->total, 100 * fraction, left, colon,
                label);
        return;
    }
    int filled = (int)(fraction * BAR_CELLS);
    memset(bar, '-', BAR_CELLS);
    memset(bar, '#', (size_t)filled);
    bar[BAR_CELLS] = '\0';
    /* one column short of the width, so that the line never wraps */
    snprintf(line, (size_t)terminal_columns(), "%s [%s] %lld/%lld%s%s%s", progress->what, bar,
             (long long)progress->done, (long long)progress->total, left, colon, label);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void fl_progress_start(struct fl_progress *progress, const char *what, int64_t total,
                       double work_total, bool quiet)
{
    uint64_t now = now_ns();
    *progress = (struct fl_progress){
        .what = what,
        .total = total,
        .work_total = work_total,
        .started_ns = now,
        .shown_ns = now,
        .quiet = quiet,
        .terminal = isatty(STDERR_FILENO),
    };
    if (!quiet && progress->terminal)
        show(progress, now, NULL);
}

void fl_progress_step(struct fl_progress *progress, double work, const char *label)
{
    progress->done++;
    progress->work_done += work;
    uint64_t now = now_ns();
    if (progress->quiet ||
        now - progress->shown_ns < (progress->terminal ? TERMINAL_EVERY_NS : PLAIN_EVERY_NS))
        return;
    progress->shown_ns = now;
    show(progress, now, label);
}

void fl_progress_finish(struct fl_progress *progress)
{
    char time[FL_UNIT_TEXT];
    if (progress->quiet)
        return;
    fl_time_text((double)(now_ns() - progress->started_ns), time);
    fprintf(stderr, "%s%s: %lld of %lld in %s\n", progress->terminal ? "\r\033[K" : "",
            progress->what, (long long)progress->done, (long long)progress->total, time);
}
