/* ledger.h - what was counted and how long it took, per layer and operator.
 *
 * The engine opens a region around every operator call; the ledger adds up the cost the operator
 * declares and the time between enter and leave. Regions do not nest. Compiled with FL_NO_LEDGER
 * the two calls vanish, which is how their overhead is measured. */
#ifndef FL_LEDGER_LEDGER_H
#define FL_LEDGER_LEDGER_H

#include "base/cost.h"
#include "base/error.h"
#include "ledger/operators.h"

#include <stdint.h>
#include <time.h>

struct fl_ledger_entry {
    struct fl_cost counted;
    uint64_t time_ns;
    uint64_t n_calls;
};

struct fl_ledger {
    int n_layers;
    struct fl_ledger_entry *entries; /* [n_layers + 1][FL_N_OPERATORS]; the last row is global */
    uint64_t entered_ns;
};

/* Row index of operators outside the layers. */
static inline int fl_ledger_global(const struct fl_ledger *ledger)
{
    return ledger->n_layers;
}

int fl_ledger_open(struct fl_ledger *ledger, int n_layers, struct fl_error *error);
void fl_ledger_close(struct fl_ledger *ledger);
void fl_ledger_reset(struct fl_ledger *ledger);

/* Both of the same n_layers. */
void fl_ledger_copy(struct fl_ledger *out, const struct fl_ledger *ledger);

static inline struct fl_ledger_entry *fl_ledger_entry(const struct fl_ledger *ledger, int layer,
                                                      enum fl_operator op)
{
    return &ledger->entries[layer * FL_N_OPERATORS + (int)op];
}

/* sum += ledger, entry by entry; both of the same n_layers. */
void fl_ledger_add(struct fl_ledger *sum, const struct fl_ledger *ledger);

struct fl_ledger_entry fl_ledger_total(const struct fl_ledger *ledger);

/* CLOCK_MONOTONIC_RAW in nanoseconds. */
static inline uint64_t fl_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#ifdef FL_NO_LEDGER
static inline void fl_region_enter(struct fl_ledger *ledger)
{
    (void)ledger;
}
/* The cost is not even computed. */
#define fl_region_leave(ledger, layer, op, cost)                                                   \
    ((void)(ledger), (void)(layer), (void)(op), (void)sizeof(cost))
#else
/* ledger may be NULL: nothing is recorded. */
static inline void fl_region_enter(struct fl_ledger *ledger)
{
    if (ledger)
        ledger->entered_ns = fl_clock_ns();
}

static inline void fl_region_leave(struct fl_ledger *ledger, int layer, enum fl_operator op,
                                   struct fl_cost cost)
{
    if (!ledger)
        return;
    struct fl_ledger_entry *entry = fl_ledger_entry(ledger, layer, op);
    entry->time_ns += fl_clock_ns() - ledger->entered_ns;
    entry->counted = fl_cost_add(entry->counted, cost);
    entry->n_calls++;
}
#endif

#endif
