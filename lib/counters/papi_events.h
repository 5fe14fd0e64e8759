/* papi_events.h - which events of which processor count what, and how much one event is worth.
 *
 * One table for all processors. A set is a list of events that together give some of our counts
 * on some processors; several sets may give the same count, and the first one that a machine can
 * count in full is taken. Names are libpfm4's, as PAPI passes them on; a processor is named by
 * libpfm4's name of its monitoring unit ("skx", "amd64_fam19h_zen4", "arm_v1"). */
#ifndef FL_COUNTERS_PAPI_EVENTS_H
#define FL_COUNTERS_PAPI_EVENTS_H

#include "base/error.h"
#include "counters/counter.h"

#include <stdbool.h>
#include <stdint.h>

/* n occurrences add n * times / per to each of the counts. */
struct fl_papi_event {
    const char *name;
    uint64_t counts; /* bits of enum fl_count */
    uint64_t times;
    uint64_t per;
    bool per_128_bits; /* times the machine's SVE vector length in units of 128 bits */
};

enum { FL_PAPI_SET_EVENTS = 16, FL_PAPI_NAME = 127 /* characters PAPI takes of a name */ };

struct fl_papi_set {
    const char *pmus; /* separated by spaces; "*": any */
    const char *note; /* what a reader must know; NULL: nothing. Ends up in the counter's note */
    const char *source;
    bool whole_machine;                              /* counts every process, one socket only */
    struct fl_papi_event events[FL_PAPI_SET_EVENTS]; /* up to the first without a name */
};

extern const struct fl_papi_set fl_papi_sets[]; /* up to the first without pmus */

/* True when pmu is one of a set's. */
bool fl_papi_pmu_listed(const char *pmus, const char *pmu);

/* Why a processor that has counters gives no floating-point operations; NULL: it gives them, or
 * the table does not know it. */
const char *fl_papi_no_flops(const char *pmu);

/* A table of the user's own, from a text file: one event a line,
 *
 *     # event                   weight         counts
 *     PAPI_SP_OPS               1              flops,flops_single
 *     LONGEST_LAT_CACHE:MISS    64             memory_bytes
 *     rapl::RAPL_ENERGY_PKG:cpu=0  1000000000/4294967296  energy_nj
 *
 * where weight is an integer or a fraction of two, and counts are keys of counter.h. */
struct fl_papi_table {
    struct fl_papi_event *events;
    int n_events;
    char *text; /* the names point into it */
};

int fl_papi_table_read(struct fl_papi_table *table, const char *path, struct fl_error *error);
void fl_papi_table_close(struct fl_papi_table *table);

#endif
