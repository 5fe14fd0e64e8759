#include "engine/export_sde.h"

#include "counters/papi_sde.h"

#include <stdbool.h>
#include <stdio.h>

static uint64_t get_flops(const struct fl_ledger_entry *entry)
{
    return fl_cost_flops(entry->counted);
}

static uint64_t get_bytes_read(const struct fl_ledger_entry *entry)
{
    return entry->counted.bytes_read;
}

static uint64_t get_bytes_written(const struct fl_ledger_entry *entry)
{
    return entry->counted.bytes_written;
}

static uint64_t get_time(const struct fl_ledger_entry *entry)
{
    return entry->time_ns;
}

static uint64_t get_calls(const struct fl_ledger_entry *entry)
{
    return entry->n_calls;
}

static const struct {
    const char *name, *description;
    uint64_t (*get)(const struct fl_ledger_entry *entry);
} FIELDS[] = {
    {"flops", "floating-point operations, as the operators count them (FMA = 2)", get_flops},
    {"bytes_read", "bytes read, every operand once", get_bytes_read},
    {"bytes_written", "bytes written, every result once", get_bytes_written},
    {"time_ns", "nanoseconds inside operators", get_time},
    {"calls", "operator calls", get_calls},
};
enum { N_FIELDS = sizeof FIELDS / sizeof *FIELDS, N_ROWS = FL_N_OPERATORS + 1, NAME_TEXT = 64 };

struct number {
    int op; /* FL_N_OPERATORS: all of them */
    int field;
};

/* libsde's events last as long as the process, and so does what they read. */
static struct {
    const struct fl_ledger *ledger; /* NULL: none is exported */
    struct number numbers[N_ROWS][N_FIELDS];
} exported;

static long long read_number(void *argument)
{
    const struct number *number = argument;
    const struct fl_ledger *ledger = exported.ledger;
    uint64_t sum = 0;
    for (int layer = 0; ledger && layer < ledger->n_rows; layer++)
        for (int op = 0; op < FL_N_OPERATORS; op++)
            if (number->op == FL_N_OPERATORS || number->op == op)
                sum +=
                    FIELDS[number->field].get(fl_ledger_entry(ledger, layer, (enum fl_operator)op));
    return (long long)sum;
}

static int add_number(struct fl_sde *sde, struct number *number, struct fl_error *error)
{
    char name[NAME_TEXT], description[160];
    bool all = number->op == FL_N_OPERATORS;
    const char *op = all ? "" : fl_operator_name((enum fl_operator)number->op);
    snprintf(name, sizeof name, "%s%s%s", op, all ? "" : "_", FIELDS[number->field].name);
    snprintf(description, sizeof description, "%s, %s", FIELDS[number->field].description,
             all ? "all operators" : op);
    return fl_sde_add(sde, name, description, read_number, number, error);
}

int fl_sde_export_begin(const struct fl_ledger *ledger, struct fl_error *error)
{
    struct fl_sde sde;
    if (exported.ledger)
        return fl_fail(error, "a ledger is exported as PAPI events already");
    if (fl_sde_open(&sde, "flopledger", error))
        return FL_FAILED;
    for (int row = 0; row < N_ROWS; row++)
        for (int field = 0; field < N_FIELDS; field++) {
            struct number *number = &exported.numbers[row][field];
            *number = (struct number){.op = row, .field = field};
            if (add_number(&sde, number, error))
                return FL_FAILED;
        }
    exported.ledger = ledger;
    return FL_OK;
}

void fl_sde_export_end(void)
{
    exported.ledger = NULL;
}
