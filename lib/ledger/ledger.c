#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

static size_t n_entries(const struct fl_ledger *ledger)
{
    return (size_t)ledger->n_rows * FL_N_OPERATORS;
}

int fl_ledger_open(struct fl_ledger *ledger, int n_layers, struct fl_error *error)
{
    return fl_ledger_open_stacks(ledger, n_layers, 0, error);
}

int fl_ledger_open_stacks(struct fl_ledger *ledger, int n_layers, int n_encoder_layers,
                          struct fl_error *error)
{
    *ledger = (struct fl_ledger){.n_layers = n_layers, .n_encoder_layers = n_encoder_layers};
    ledger->n_rows = n_layers + 1 + (n_encoder_layers > 0 ? n_encoder_layers + 1 : 0);
    ledger->entries = calloc(n_entries(ledger), sizeof *ledger->entries);
    if (!ledger->entries)
        return fl_fail(error, "ledger: cannot reserve memory for %d layers", n_layers);
    return FL_OK;
}

struct fl_ledger fl_ledger_of_encoder(const struct fl_ledger *ledger)
{
    const size_t skipped = ((size_t)ledger->n_layers + 1) * FL_N_OPERATORS;
    struct fl_ledger view = *ledger;
    view.n_layers = ledger->n_encoder_layers;
    view.n_encoder_layers = 0;
    view.n_rows = ledger->n_encoder_layers + 1;
    view.entries += skipped;
    view.first_row += ledger->n_layers + 1;
    if (view.measured)
        view.measured += skipped;
    return view;
}

void fl_ledger_close(struct fl_ledger *ledger)
{
    free(ledger->entries);
    free(ledger->measured);
    *ledger = (struct fl_ledger){0};
}

void fl_ledger_reset(struct fl_ledger *ledger)
{
    memset(ledger->entries, 0, n_entries(ledger) * sizeof *ledger->entries);
    if (ledger->measured)
        memset(ledger->measured, 0, n_entries(ledger) * sizeof *ledger->measured);
}

int fl_ledger_attach(struct fl_ledger *ledger, struct fl_counter *counter, struct fl_error *error)
{
    if (counter && !ledger->measured) {
        ledger->measured = calloc(n_entries(ledger), sizeof *ledger->measured);
        if (!ledger->measured)
            return fl_fail(error, "ledger: cannot reserve memory for the counts of %d layers",
                           ledger->n_layers);
    }
    ledger->counter = counter;
    ledger->explain = counter != NULL;
    return FL_OK;
}

void fl_ledger_copy(struct fl_ledger *out, const struct fl_ledger *ledger)
{
    memcpy(out->entries, ledger->entries, n_entries(ledger) * sizeof *ledger->entries);
}

void fl_ledger_add(struct fl_ledger *sum, const struct fl_ledger *ledger)
{
    for (size_t i = 0; i < n_entries(ledger); i++) {
        sum->entries[i].counted = fl_cost_add(sum->entries[i].counted, ledger->entries[i].counted);
        sum->entries[i].time_ns += ledger->entries[i].time_ns;
        sum->entries[i].n_calls += ledger->entries[i].n_calls;
    }
}

struct fl_ledger_entry fl_ledger_total(const struct fl_ledger *ledger)
{
    struct fl_ledger_entry total = {0};
    for (size_t i = 0; i < n_entries(ledger); i++) {
        total.counted = fl_cost_add(total.counted, ledger->entries[i].counted);
        total.time_ns += ledger->entries[i].time_ns;
        total.n_calls += ledger->entries[i].n_calls;
    }
    return total;
}

struct fl_ledger_entry fl_ledger_operator(const struct fl_ledger *ledger, enum fl_operator op)
{
    struct fl_ledger_entry sum = {0};
    for (int row = 0; row < ledger->n_rows; row++) {
        const struct fl_ledger_entry *entry = fl_ledger_entry(ledger, row, op);
        sum.counted = fl_cost_add(sum.counted, entry->counted);
        sum.time_ns += entry->time_ns;
        sum.n_calls += entry->n_calls;
    }
    return sum;
}
