/* calibrate_kernels.h - the loops of known work. For calibrate.c. */
#ifndef FL_COUNTERS_CALIBRATE_KERNELS_H
#define FL_COUNTERS_CALIBRATE_KERNELS_H

#include "counters/counter.h"

#include <stdbool.h>
#include <stddef.h>

enum { FL_CALIBRATE_ROUNDS = 20000, FL_CALIBRATE_BUFFER = 1 << 20, FL_CALIBRATE_KNOWN = 6 };

/* What one round does, count by count; the list ends at the first zero. */
struct fl_known {
    enum fl_count count;
    unsigned each;
};

struct fl_calibrate_kernel {
    const char *name;
    bool (*supported)(void); /* by this processor; NULL: by all */
    void (*run)(size_t n_rounds, char *buffer /* FL_CALIBRATE_BUFFER bytes, aligned to lines */);
    size_t n_rounds;
    bool no_flops; /* FLOPs are known to be none */
    struct fl_known known[FL_CALIBRATE_KNOWN];
};

/* The first kernel is the empty one. */
extern const struct fl_calibrate_kernel fl_calibrate_kernels[];
extern const int fl_calibrate_n_kernels;

#endif
