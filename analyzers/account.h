/* account.h - the statement of a forward pass or a generation: for every operator the textbook's
 * figure, the exact one, what was counted and how long it took, side by side, with the gap named.
 *
 * `count` fills the first two columns, `audit` all of them. Renderers are in
 * reports/account_render.h. */
#ifndef FL_ANALYZERS_ACCOUNT_H
#define FL_ANALYZERS_ACCOUNT_H

#include "analyzers/reconcile.h"
#include "base/cost.h"
#include "ledger/analytic.h"
#include "ledger/ledger.h"
#include "ledger/observation.h"

enum { FL_LAYER_GLOBAL = -1 };

struct fl_account_row {
    const char *phase; /* "prefill", "decode" */
    enum fl_stack stack;
    int layer; /* or FL_LAYER_GLOBAL */
    enum fl_operator op;
    fl_wide textbook, exact; /* FLOPs */
    fl_wide bytes_read, bytes_written;
    struct fl_cost counted;      /* when the account has_counted */
    uint64_t time_ns;            /* likewise */
    struct fl_measured measured; /* when it has_measured */
};

/* What was counted, by what, with which kernels. */
struct fl_account_counter {
    char name[32], version[64], note[256];
    char blas_core[64], isa[32];
    uint64_t available;      /* bits of enum fl_count */
    struct fl_reading whole; /* from the beginning of the pass to its end, between operators too */
};

struct fl_account_run {
    const char *attention;
    char blas_core[64], isa[32]; /* of the execution that was timed */
    int n_threads, n_reps;
    uint64_t time_ns; /* median wall time of one execution, operators and what lies between */
    bool cache;
};

struct fl_account {
    struct fl_config config;
    struct fl_convention convention;
    struct fl_shape shape; /* of the forward; of the prompt in a generation */
    int *experts_hit;      /* the account's own copy; the shape points to it */
    bool has_generation;
    struct fl_generation generation;
    bool is_decode; /* a decode step: cached, or the whole prefix again */

    struct fl_account_row *rows;
    int n_rows;
    struct fl_account_row total;
    struct fl_gap gap;
    fl_wide weights_bytes, kv_cache_bytes, activation_bytes, n_params;

    bool has_counted; /* counted and time_ns are filled in */
    struct fl_account_run run;

    bool has_measured; /* measured is filled in */
    struct fl_account_counter counter;
    char measured_reason[512]; /* why the processor's own count is unavailable */
};

/* True when the processor's own figure for this count is there. */
static inline bool fl_account_has(const struct fl_account *account, enum fl_count count)
{
    return account->has_measured && (account->counter.available >> count & 1);
}

/* One forward pass. */
int fl_account_forward(struct fl_account *account, const struct fl_config *config,
                       const struct fl_shape *shape, const struct fl_convention *convention,
                       struct fl_error *error);

/* A prompt's prefill and the decode steps behind it. */
int fl_account_generation(struct fl_account *account, const struct fl_config *config,
                          const struct fl_generation *generation,
                          const struct fl_convention *convention, struct fl_error *error);

/* Adds what the ledger of one execution holds: counted figures and times. Refuses a ledger with
 * work of an operator that the formulas do not know of. */
int fl_account_add_ledger(struct fl_account *account, const struct fl_ledger *ledger,
                          struct fl_error *error);

/* Adds what a counter saw, and to the gap the terms from exact to measured: what the kernels
 * execute beyond their cost, what ran between the operators, and what is left over. */
int fl_account_add_observation(struct fl_account *account, const struct fl_observation *observation,
                               struct fl_error *error);

/* measured - exact - the named terms, FLOPs; 0 where nothing was measured. */
fl_wide fl_account_unexplained(const struct fl_account_row *row);

/* The row of an operator summed over the layers of a stack (and over phases when phase is NULL);
 * returns the number of rows that went in. */
int fl_account_sum(const struct fl_account *account, const char *phase, enum fl_stack stack,
                   enum fl_operator op, struct fl_account_row *sum);

/* True when every operator's counted figures equal the exact ones: FLOPs and bytes. The first
 * that does not is named in error. */
int fl_account_check(const struct fl_account *account, struct fl_error *error);

void fl_account_close(struct fl_account *account);

#endif
