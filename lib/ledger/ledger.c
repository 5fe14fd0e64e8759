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

static void add_entry(struct fl_ledger_entry *sum, const struct fl_ledger_entry *more)
{
    sum->counted = fl_cost_add(sum->counted, more->counted);
    sum->time_ns += more->time_ns;
    sum->n_calls += more->n_calls;
}

void fl_ledger_add(struct fl_ledger *sum, const struct fl_ledger *ledger)
{
    for (size_t i = 0; i < n_entries(ledger); i++)
        add_entry(&sum->entries[i], &ledger->entries[i]);
}

struct fl_ledger_entry fl_ledger_total(const struct fl_ledger *ledger)
{
    struct fl_ledger_entry total = {0};
    for (size_t i = 0; i < n_entries(ledger); i++)
        add_entry(&total, &ledger->entries[i]);
    return total;
}

struct fl_ledger_entry fl_ledger_operator(const struct fl_ledger *ledger, enum fl_operator op)
{
    struct fl_ledger_entry sum = {0};
    for (int row = 0; row < ledger->n_rows; row++)
        add_entry(&sum, fl_ledger_entry(ledger, row, op));
    return sum;
}
