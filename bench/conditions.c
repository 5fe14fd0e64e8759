#include "bench/conditions.h"

#include "ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CHAIN = 5000, CHAINS = 3 };

uint64_t fl_conditions_loop(void)
{
    static volatile uint64_t sink;
    uint64_t best = UINT64_MAX;
    for (int k = 0; k < CHAINS; k++) {
        uint64_t x = sink, started_ns = fl_clock_ns();
        for (int i = 0; i < CHAIN; i++)
            x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        sink = x;
        const uint64_t time_ns = fl_clock_ns() - started_ns;
        best = time_ns < best ? time_ns : best;
    }
    return best;
}

/* The first line of /proc/stat, in ticks: user, nice, system, idle, iowait, irq, softirq, steal
 * (proc(5)); time of guests is in user and nice. */
static bool read_stat(struct fl_conditions_probe *probe)
{
    char line[512];
    uint64_t ticks[8];
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return false;
    const bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    if (!read || sscanf(line,
                        "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                        " %" SCNu64 " %" SCNu64,
                        &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
                        &ticks[7]) != 8)
        return false;
    const uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
    probe->busy_ns = (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) * tick_ns;
    probe->stolen_ns = ticks[7] * tick_ns;
    return true;
}

static uint64_t nanoseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_usec * 1000;
}

/* All threads of this process together. */
static void read_counters(struct fl_conditions_probe *probe)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        probe->own_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
        probe->n_interrupted = (uint64_t)usage.ru_nivcsw;
    }
    probe->known = read_stat(probe);
    probe->at_ns = fl_clock_ns();
}

void fl_conditions_begin(struct fl_conditions_probe *probe)
{
    *probe = (struct fl_conditions_probe){.loop_ns = fl_conditions_loop()};
    read_counters(probe);
}

void fl_conditions_end(struct fl_conditions *conditions, const struct fl_conditions_probe *probe)
{
    struct fl_conditions_probe now = {0};
    double load = 0;
    *conditions = (struct fl_conditions){0};
    read_counters(&now);
    if (!probe->known || !now.known)
        return;
    if (getloadavg(&load, 1) != 1)
        load = 0;
    *conditions = (struct fl_conditions){
        .known = true,
        .window_ns = now.at_ns - probe->at_ns,
        .n_interrupted = now.n_interrupted - probe->n_interrupted,
        .other_ns = (int64_t)(now.busy_ns - probe->busy_ns) - (int64_t)(now.own_ns - probe->own_ns),
        /* the kernel has been seen to take stolen time back */
        .stolen_ns = now.stolen_ns > probe->stolen_ns ? now.stolen_ns - probe->stolen_ns : 0,
        .loop_ns = probe->loop_ns,
        .load_milli = (uint64_t)(load * 1000 + 0.5),
    };
}
