/* observation.h - what one counter saw of one execution, per layer and operator, and of the whole.
 *
 * The execution that is counted may be another one than the execution that is timed: in another
 * process, under flopgrind, with the kernels of another BLAS core. The observation says which, and
 * travels between processes through a stream. */
#ifndef FL_LEDGER_OBSERVATION_H
#define FL_LEDGER_OBSERVATION_H

#include "base/error.h"
#include "ledger/ledger.h"

#include <stdio.h>

struct fl_observation {
    char counter[32], version[64], note[256]; /* as struct fl_counter has them */
    char blas_core[64], isa[32];              /* the kernels that ran */
    uint64_t available;                       /* bits of enum fl_count */
    int n_threads;
    struct fl_reading whole; /* the forward pass from beginning to end */
    int n_layers, n_encoder_layers, n_rows;
    struct fl_measured *entries; /* [n_rows][FL_N_OPERATORS], as in the ledger */
};

/* Copies what the ledger holds of an attached counter, and the counter's description. */
int fl_observation_take(struct fl_observation *observation, const struct fl_ledger *ledger,
                        const struct fl_counter *counter, const struct fl_reading *whole,
                        struct fl_error *error);
void fl_observation_close(struct fl_observation *observation);

static inline const struct fl_measured *
fl_observation_entry(const struct fl_observation *observation, int layer, enum fl_operator op)
{
    return &observation->entries[layer * FL_N_OPERATORS + (int)op];
}

/* The operator summed over all layers. */
struct fl_measured fl_observation_sum(const struct fl_observation *observation,
                                      enum fl_operator op);

/* True when the counter can count this. */
static inline bool fl_observation_has(const struct fl_observation *observation, enum fl_count count)
{
    return observation->available >> count & 1;
}

/* Between two processes of the same program: the layout is that of the structs. reading checks
 * that a whole observation of n_layers layers (an encoder's not counted) is there; source names
 * the stream in errors. */
int fl_observation_write(const struct fl_observation *observation, FILE *out,
                         struct fl_error *error);
int fl_observation_read(struct fl_observation *observation, int n_layers, FILE *in,
                        const char *source, struct fl_error *error);

#endif
