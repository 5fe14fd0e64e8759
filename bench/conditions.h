/* conditions.h - what goes on beside a sample: who else works on the machine, and how fast its
 * clock is. Everything is read before the timed window opens and after it has closed. */
#ifndef FL_BENCH_CONDITIONS_H
#define FL_BENCH_CONDITIONS_H

#include "store/store.h"

struct fl_conditions_probe {
    uint64_t at_ns, n_interrupted, own_ns, busy_ns, stolen_ns, loop_ns;
    bool known; /* /proc/stat could be read */
};

/* Times the loop (about 20 us) and takes down the counters. */
void fl_conditions_begin(struct fl_conditions_probe *probe);

/* What has changed since. Not known where there is no /proc/stat. */
void fl_conditions_end(struct fl_conditions *conditions, const struct fl_conditions_probe *probe);

/* ns of a chain of 5,000 multiplications and additions, each waiting for the one before it: some
 * 20,000 cycles whatever the memory and the compiler do. The best of three. */
uint64_t fl_conditions_loop(void);

#endif
