/* counter_papi.h - counting with the processor's own event counters, through PAPI.
 *
 * Events come from a table by processor (papi_events.h) or from the user's own. All threads of the
 * process are counted: each one that exists when counting starts has a set of events of its own,
 * and threads that they start later inherit it. Nothing is multiplexed: events that the processor
 * cannot count at once are counted in passes, and an event that loses its register on the way
 * makes its counts unavailable.
 *
 * Counted is user mode only. A stretch includes a few hundred instructions of the counter itself;
 * it executes no floating-point operation. */
#ifndef FL_COUNTERS_COUNTER_PAPI_H
#define FL_COUNTERS_COUNTER_PAPI_H

#include "base/error.h"
#include "counters/counter.h"
#include "counters/papi_events.h"

#include <stdbool.h>

struct fl_papi_options {
    const struct fl_papi_table *table; /* events of the user's own; NULL: by the processor */
    int n_at_once; /* events counted at once at the most; 0: as many as the processor can */
};

/* options may be NULL. Fails with one sentence that says why nothing can be counted here:
 * "unavailable: no hardware counters (virtual machine)". No other thread may start threads
 * meanwhile, nor during start_pass. One such counter is open at a time. */
int fl_counter_papi_open(struct fl_counter *counter, const struct fl_papi_options *options,
                         struct fl_error *error);

#define FL_PAPI_NOT_BUILT "built without PAPI; install libpapi-dev and run make again"

/* ---- what there is, for people to read ---- */

enum { FL_PAPI_TEXT = 160, FL_PAPI_COMPONENTS = 24 };

struct fl_papi_component {
    char name[32];
    char disabled[FL_PAPI_TEXT]; /* why, in PAPI's words; empty: it works */
    int n_events;
};

struct fl_papi_probe {
    char unavailable[256]; /* why nothing can be counted; empty: something can */
    char version[64];      /* "PAPI 7.0.0"; empty: built without */
    char processor[128];   /* as it calls itself */
    char pmu[64];          /* libpfm4's name of its monitoring unit; empty: unknown */
    int n_registers;       /* hardware counters that count at once, as PAPI knows them */
    int n_passes;          /* it takes to count everything; 0: nothing */
    char note[256];        /* of the counter */
    struct fl_papi_component components[FL_PAPI_COMPONENTS];
    int n_components;
    char events[FL_N_COUNTS][FL_PAPI_TEXT];  /* that give the count; empty: unavailable */
    char reasons[FL_N_COUNTS][FL_PAPI_TEXT]; /* why it is unavailable; empty: available */
};

/* Never fails: what could not be found out says so. Not while such a counter is open. */
void fl_papi_probe(struct fl_papi_probe *probe);

#endif
