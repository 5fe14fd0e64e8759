/* store.h - results in one SQLite file: runs, models, points, samples, operator costs, what
 * counters saw of the points, and the ceilings of the machines they were measured on.
 *
 * A point and the samples measured with it are one transaction, so a killed sweep loses at most
 * the point in flight; more samples of a stored point can be added later, and so can observations,
 * each in one transaction. The schema is in store_schema.c and documented in docs/results.md.
 *
 * Counts are 64-bit integers exactly as SQLite stores them: what exceeds 2^63 - 1 is refused. */
#ifndef FL_STORE_STORE_H
#define FL_STORE_STORE_H

#include "base/error.h"
#include "ledger/observation.h"
#include "ledger/operators.h"
#include "model/config.h"
#include "store/ceiling.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FL_STORE_SCHEMA = 3 };

struct fl_store; /* opaque */

/* Everything about the machine and the program that a run carries. */
struct fl_run {
    int64_t id;
    char started_at[32]; /* ISO 8601, UTC */
    char host[128], cpu_model[128], governor[64], kernel[128];
    int n_cores;
    char blas_config[256], blas_core[64], isa[32];
    char counter[32], counter_version[64]; /* of measured counts; "none" and "" */
    char version[64], commit[64];
    char command_line[2048];
    int64_t seed;
    /* CPU model, cores, BLAS core and instruction set in one line, see fl_run_name_machine():
     * points of different machines are different points. The host's name is no part of it. */
    char machine[320];
    /* JSON text: what the counter made of known work when the run began; "": not tried. */
    char calibration[2048];
};

/* What was run. Two models are the same when name, config, format and weights_bytes are. */
struct fl_model_record {
    int64_t id;
    char name[128];
    char spec[1024]; /* what --model was given when the model was first stored */
    char format[24];
    uint64_t n_params, weights_bytes;
    struct fl_config config; /* stored as JSON text, see config_json.h */
};

enum fl_phase { FL_PHASE_PREFILL, FL_PHASE_DECODE };
extern const char *const fl_phase_names[]; /* "prefill", "decode", NULL */

/* What identifies a point: machine, model, phase, cache, attention, logits, batch, context,
 * n_threads, dtype. prefill: s new tokens, none in the cache; cache is true. decode: one more
 * token behind a context of s tokens: cached, a step of 1 token with n_past = s; uncached, a
 * forward of s + 1 tokens with the logits of the last. */
struct fl_point {
    int64_t id, run_id, model_id; /* run_id: the run that stored it; samples carry their own */
    enum fl_phase phase;
    bool cache;
    char attention[16];   /* kernel's name: "naive", "causal" */
    char logits[8];       /* "last", "all" */
    int batch, context;   /* context: the s of the axis */
    int n_tokens, n_past; /* what forward was called with */
    int n_threads;
    char dtype[48]; /* of the weights, "f32", "q4_k+q6_k"; and of a cache in 16 bits, "f32, KV f16"
                     */
    /* Conventions of the counts, "unit=flop causal=full lm_head=all elementwise=off". */
    char textbook_convention[64], exact_convention[64];
    /* totals of one execution */
    uint64_t textbook_flops, exact_flops, counted_flops;
    uint64_t bytes_read, bytes_written; /* exact, compulsory */
    uint64_t kv_cache_bytes, activation_bytes, weights_bytes;
};

/* What went on beside a sample, from before it began until after it ended. */
struct fl_conditions {
    bool known; /* false: not recorded, the rest is 0 */
    uint64_t window_ns;
    uint64_t n_interrupted; /* times a thread of ours was taken off its core */
    int64_t other_ns;       /* what other processes worked meanwhile, all cores; a clock of 10 ms is
                               behind it, so that single figures may be negative: add up many */
    uint64_t stolen_ns;     /* what the hypervisor took of all cores */
    uint64_t loop_ns;       /* a loop of fixed work in registers, before the sample */
    uint64_t load_milli;    /* load average of a minute, in thousandths */
};

struct fl_sample {
    int64_t id, point_id;
    int64_t run_id;                      /* the run that measured it */
    int rep;                             /* 0, 1, ... within the point */
    uint64_t time_ns;                    /* whole forward pass */
    uint64_t started_ns;                 /* since the run began: shows drift */
    uint64_t op_time_ns[FL_N_OPERATORS]; /* summed over layers; 0 where the point has no such op */
    struct fl_conditions conditions;
};

/* Per operator, summed over layers; one row an operator that appears in the point. */
struct fl_op_record {
    enum fl_operator op;
    uint64_t textbook_flops, exact_flops, exact_bytes_read, exact_bytes_written;
    uint64_t counted_flops, counted_bytes_read, counted_bytes_written;
};

/* What one counter saw of one execution of a point, which may be another one than those that were
 * timed, with other kernels. Per operator summed over layers. A count that is not in `available`
 * was not made, and its zero means nothing. */
struct fl_observed {
    int64_t id, point_id, run_id;
    char counter[32], counter_version[64], note[256];
    char blas_core[64], isa[32]; /* the kernels that were counted */
    int n_threads;
    uint64_t available;      /* bits of enum fl_count */
    struct fl_reading whole; /* the forward pass from beginning to end */
    struct fl_measured ops[FL_N_OPERATORS];
};

/* Without ids. */
void fl_observed_sum(struct fl_observed *observed, const struct fl_observation *observation);

static inline bool fl_observed_has(const struct fl_observed *observed, enum fl_count count)
{
    return observed && (observed->available >> count & 1);
}

/* Opens for writing; creates the file and its schema when it is not there or empty, and brings a
 * file of an older schema up to date in one transaction. A file that is not SQLite, not a results
 * file or of a newer schema is refused and left as it is. */
int fl_store_create(struct fl_store **store, const char *path, struct fl_error *error);

/* Opens for reading, after a check of the whole file's structure. The file must exist; one of an
 * older schema stays as it is. */
int fl_store_open(struct fl_store **store, const char *path, struct fl_error *error);
void fl_store_close(struct fl_store *store); /* NULL: nothing */

/* Writes run->machine from the members it is made of. */
void fl_run_name_machine(struct fl_run *run);

/* Records the run; sets run->id and run->machine. Points and samples added from here on are its. */
int fl_store_add_run(struct fl_store *store, struct fl_run *run, struct fl_error *error);

/* The same for a run that another process recorded under this id, and that goes on here. */
int fl_store_continue_run(struct fl_store *store, struct fl_run *run, int64_t id,
                          struct fl_error *error);

/* Finds or adds the model; sets model->id. */
int fl_store_add_model(struct fl_store *store, struct fl_model_record *model,
                       struct fl_error *error);

/* Looks for the point as measured on this machine (fl_run's): *id is 0 when it is not there,
 * otherwise *n_samples are stored. */
int fl_store_find_point(struct fl_store *store, const char *machine, const struct fl_point *point,
                        int64_t *id, int *n_samples, struct fl_error *error);

/* One transaction: the point, its operators, its samples. Sets point->id and point->run_id and
 * ignores ids in the samples. A point that is already there is refused. */
int fl_store_add_point(struct fl_store *store, struct fl_point *point,
                       const struct fl_op_record *ops, int n_ops, const struct fl_sample *samples,
                       int n_samples, struct fl_error *error);

/* One transaction: more samples of a stored point; their rep must be new. */
int fl_store_add_samples(struct fl_store *store, int64_t point_id, const struct fl_sample *samples,
                         int n_samples, struct fl_error *error);

/* One transaction: what a counter saw of a stored point. Sets observed->id, point_id and run_id. A
 * second one by the same counter with the same kernels is refused. */
int fl_store_add_observed(struct fl_store *store, int64_t point_id, struct fl_observed *observed,
                          struct fl_error *error);

/* Whether the point was counted by this counter with the kernels of this BLAS core (upper and
 * lower case are one, as for OpenBLAS). */
int fl_store_find_observed(struct fl_store *store, int64_t point_id, const char *counter,
                           const char *blas_core, bool *found, struct fl_error *error);

/* One transaction: the ceilings of the current run's machine, in place of those the file has of it.
 * Their machine and run_id are the run's, whatever they say; ids are ignored. */
int fl_store_set_ceilings(struct fl_store *store, const struct fl_ceiling *ceilings, int n,
                          struct fl_error *error);

/* When the newest of the machine's ceilings in the file was measured; "": it has none. */
int fl_store_find_ceilings(struct fl_store *store, const char *machine,
                           char measured_at[FL_CEILING_TIME], struct fl_error *error);

/* A point with everything that belongs to it; the pointers lead into struct fl_results. */
struct fl_result {
    struct fl_point point;
    const struct fl_run *run;
    const struct fl_model_record *model;
    const struct fl_op_record *ops; /* in the order of enum fl_operator */
    int n_ops;
    const struct fl_sample *samples; /* by rep; at least one */
    int n_samples;
    const struct fl_observed *observed; /* by id */
    int n_observed;
    double median_time_ns; /* of the samples; mean of the middle two when their number is even */
};

/* The whole file. Points are ordered by machine, model, phase (prefill first), cache (on first),
 * attention, logits, dtype, n_threads, batch, context. */
struct fl_results {
    struct fl_run *runs;
    int n_runs;
    struct fl_model_record *models;
    int n_models;
    struct fl_result *points;
    int n_points;
    struct fl_op_record *ops;
    struct fl_sample *samples;
    int n_samples;
    struct fl_observed *observed;
    int n_observed;
    struct fl_ceiling *ceilings; /* by machine, then in the order they were measured in */
    int n_ceilings;
};

int fl_store_load(struct fl_store *store, struct fl_results *results, struct fl_error *error);

/* The same of a file: opens it, loads it and closes it. Results are empty on failure. */
int fl_results_read(struct fl_results *results, const char *path, struct fl_error *error);
void fl_results_free(struct fl_results *results);

/* The observation to show where there is room for one: the first that counted FLOPs, or else the
 * first; NULL when there is none. */
const struct fl_observed *fl_result_observed(const struct fl_result *result);

/* The ceilings of one machine; *n is 0 when the file has none. */
const struct fl_ceiling *fl_results_ceilings(const struct fl_results *results, const char *machine,
                                             int *n);

/* The run with this id, e.g. a sample's; NULL when there is none. */
const struct fl_run *fl_results_run(const struct fl_results *results, int64_t id);

#endif
