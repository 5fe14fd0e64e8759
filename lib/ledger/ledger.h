/* ledger.h - what was counted and how long it took, per layer and operator.
 *
 * The engine opens a region around every operator call; the ledger adds up the cost the operator
 * declares and the time between enter and leave. With a counter attached it also adds up what the
 * counter saw, and what the operator says its kernel executes beyond its cost. Regions do not
 * nest. With an event log attached every region becomes an event of it, too. Compiled with
 * FL_NO_LEDGER the calls vanish, which is how their overhead is measured. */
#ifndef FL_LEDGER_LEDGER_H
#define FL_LEDGER_LEDGER_H

#include "base/cost.h"
#include "base/error.h"
#include "base/excess.h"
#include "counters/counter.h"
#include "ledger/event_log.h"
#include "ledger/operators.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct fl_ledger_entry {
    struct fl_cost counted;
    uint64_t time_ns;
    uint64_t n_calls;
};

struct fl_measured {
    struct fl_reading reading;
    struct fl_excess excess; /* executed beyond the counted cost, by the kernels' own account */
};

struct fl_ledger {
    int n_layers, n_encoder_layers;
    int n_rows;
    /* [n_rows][FL_N_OPERATORS]: the decoder's layers and what is global there; where there is an
     * encoder, its layers and what is global there */
    struct fl_ledger_entry *entries;
    uint64_t entered_ns;
    struct fl_counter *counter;   /* or NULL */
    struct fl_measured *measured; /* as entries; NULL until a counter is attached */
    bool explain;                 /* add up the excess too; false where a pass is repeated */
    struct fl_event_log *log;     /* or NULL; not owned */
    int first_row;                /* of a view: where its rows begin in the whole ledger */
};

/* Row index of operators outside the layers, of the decoder. */
static inline int fl_ledger_global(const struct fl_ledger *ledger)
{
    return ledger->n_layers;
}

/* Row index of a stack's layer, negative: of its operators outside the layers. */
static inline int fl_ledger_row(int n_layers, int n_encoder_layers, enum fl_stack stack, int layer)
{
    if (stack == FL_STACK_ENCODER)
        return n_layers + 1 + (layer < 0 ? n_encoder_layers : layer);
    return layer < 0 ? n_layers : layer;
}

/* The encoder's rows as a ledger of their own, which shares their entries: what is recorded there
 * is recorded here. Not to be closed. */
struct fl_ledger fl_ledger_of_encoder(const struct fl_ledger *ledger);

int fl_ledger_open(struct fl_ledger *ledger, int n_layers, struct fl_error *error);
int fl_ledger_open_stacks(struct fl_ledger *ledger, int n_layers, int n_encoder_layers,
                          struct fl_error *error);
void fl_ledger_close(struct fl_ledger *ledger);
void fl_ledger_reset(struct fl_ledger *ledger);

/* From here on counter is entered and left with every region. NULL detaches: what was measured
 * stays until the next reset. */
int fl_ledger_attach(struct fl_ledger *ledger, struct fl_counter *counter, struct fl_error *error);

/* Both of the same layers; what was measured is not copied. */
void fl_ledger_copy(struct fl_ledger *out, const struct fl_ledger *ledger);

static inline struct fl_ledger_entry *fl_ledger_entry(const struct fl_ledger *ledger, int layer,
                                                      enum fl_operator op)
{
    return &ledger->entries[layer * FL_N_OPERATORS + (int)op];
}

/* sum += ledger, entry by entry, measured figures left out; both of the same layers. */
void fl_ledger_add(struct fl_ledger *sum, const struct fl_ledger *ledger);

struct fl_ledger_entry fl_ledger_total(const struct fl_ledger *ledger);

/* One operator over all rows. */
struct fl_ledger_entry fl_ledger_operator(const struct fl_ledger *ledger, enum fl_operator op);

/* NULL when no counter was ever attached. */
static inline struct fl_measured *fl_ledger_measured(const struct fl_ledger *ledger, int layer,
                                                     enum fl_operator op)
{
    return ledger->measured ? &ledger->measured[layer * FL_N_OPERATORS + (int)op] : NULL;
}

/* CLOCK_MONOTONIC_RAW in nanoseconds. */
static inline uint64_t fl_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#ifdef FL_NO_LEDGER
static inline void fl_region_enter(struct fl_ledger *ledger, enum fl_operator op)
{
    (void)ledger;
    (void)op;
}
/* The cost is not even computed. */
#define fl_region_leave(ledger, layer, op, cost)                                                   \
    ((void)(ledger), (void)(layer), (void)(op), (void)sizeof(cost))
#define fl_region_excess(ledger, layer, op, terms)                                                 \
    ((void)(ledger), (void)(layer), (void)(op), (void)sizeof(terms))
#else
/* ledger may be NULL: nothing is recorded. */
static inline void fl_region_enter(struct fl_ledger *ledger, enum fl_operator op)
{
    if (!ledger)
        return;
    ledger->entered_ns = fl_clock_ns();
    if (ledger->counter)
        ledger->counter->enter(ledger->counter, fl_operator_name(op));
}

static inline void fl_region_leave(struct fl_ledger *ledger, int layer, enum fl_operator op,
                                   struct fl_cost cost)
{
    if (!ledger)
        return;
    if (ledger->counter)
        ledger->counter->leave(ledger->counter, &fl_ledger_measured(ledger, layer, op)->reading);
    struct fl_ledger_entry *entry = fl_ledger_entry(ledger, layer, op);
    const uint64_t left_ns = fl_clock_ns();
    entry->time_ns += left_ns - ledger->entered_ns;
    entry->counted = fl_cost_add(entry->counted, cost);
    entry->n_calls++;
    if (ledger->log)
        fl_event_log_add(ledger->log, &(struct fl_event){.begins_ns = ledger->entered_ns,
                                                         .ends_ns = left_ns,
                                                         .cost = cost,
                                                         .row = ledger->first_row + layer,
                                                         .op = op});
}

/* Behind fl_region_leave(); the excess is computed only when there is a counter to explain. */
#define fl_region_excess(ledger, layer, op, terms)                                                 \
    do {                                                                                           \
        if ((ledger) && (ledger)->counter && (ledger)->explain) {                                  \
            struct fl_excess fl_excess_ = (terms);                                                 \
            fl_excess_add(&fl_ledger_measured(ledger, layer, op)->excess, &fl_excess_);            \
        }                                                                                          \
    } while (0)
#endif

#endif
