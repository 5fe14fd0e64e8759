/* papi_choice.h - which events to count for which of our counts, on this machine. */
#ifndef FL_COUNTERS_PAPI_CHOICE_H
#define FL_COUNTERS_PAPI_CHOICE_H

#include "base/error.h"
#include "counters/counter.h"
#include "counters/papi_events.h"

enum { FL_PAPI_MAX_EVENTS = 64, FL_PAPI_MAX_USES = 128 };

/* Counted once, whatever it is used for. */
struct fl_papi_chosen {
    char name[FL_PAPI_NAME + 1]; /* with its unit, as in skx::FP_ARITH_INST_RETIRED */
    int component;               /* PAPI's index */
    int pass;                    /* in which it is counted */
};

/* What an event adds to one of our counts. */
struct fl_papi_use {
    int event;
    enum fl_count count;
    uint64_t times, per;
};

struct fl_papi_choice {
    struct fl_papi_chosen events[FL_PAPI_MAX_EVENTS];
    int n_events;
    struct fl_papi_use uses[FL_PAPI_MAX_USES];
    int n_uses;
};

/* PAPI must run. By the table of processors, or by the user's own, all of which must be
 * countable. Sets the counter's available and note. */
int fl_papi_choose_by_processor(struct fl_papi_choice *choice, struct fl_counter *counter,
                                struct fl_error *error);
int fl_papi_choose_by_table(struct fl_papi_choice *choice, struct fl_counter *counter,
                            const struct fl_papi_table *table, struct fl_error *error);

/* The set that gives a count on this processor; NULL, and the reason, when none can. */
const struct fl_papi_set *fl_papi_find_set(enum fl_count count, const char **reason);

/* Adds a note unless the counter has it. */
void fl_papi_note(struct fl_counter *counter, const char *note);

#endif
