/* store.h - results in one SQLite file: runs, models, points, samples, operator costs.
 *
 * A point with all its samples is one transaction, so a killed sweep loses at most the point in
 * flight. The schema is in store.c and documented in docs/results.md. */
#ifndef FL_STORE_STORE_H
#define FL_STORE_STORE_H

#include "base/error.h"
#include "ledger/operators.h"
#include "model/config.h"

#include <stdbool.h>
#include <stdint.h>

enum { FL_STORE_SCHEMA = 1 };

struct fl_store; /* opaque */

/* Everything about the machine and the program that a run carries. */
struct fl_run {
    int64_t id;
    char started_at[32]; /* ISO 8601, UTC */
    char host[128], cpu_model[128], governor[64], kernel[128];
    int n_cores;
    char blas_config[256], blas_core[64], isa[32];
    char counter[32], counter_version[64];
    char version[64], commit[64];
    char command_line[2048];
    int64_t seed;
};

enum fl_phase { FL_PHASE_PREFILL, FL_PHASE_DECODE };

/* What identifies a point. prefill: s new tokens, none in the cache. decode: one more token
 * behind a context of s tokens: cached, a step of 1 token with n_past = s; uncached, a forward of
 * s + 1 tokens with the logits of the last. */
struct fl_point {
    int64_t id, run_id, model_id;
    enum fl_phase phase;
    bool cache;
    int attention; /* enum fl_attention */
    int batch, context; /* context: the s of the axis */
    int n_tokens, n_past; /* what forward was called with */
    int n_threads;
    char dtype[16];
    /* totals of one execution */
    uint64_t textbook_flops, exact_flops, counted_flops;
    uint64_t bytes_read, bytes_written; /* exact, compulsory */
    uint64_t kv_cache_bytes, activation_bytes, weights_bytes;
};

struct fl_sample {
    int64_t id, point_id;
    int rep;
    uint64_t time_ns;
    uint64_t started_ns; /* since the run began: shows drift */
    uint64_t op_time_ns[FL_N_OPERATORS]; /* summed over layers */
};

/* Per operator, summed over layers; one row an operator that appears in the point. */
struct fl_op_record {
    enum fl_operator op;
    uint64_t textbook_flops, exact_flops, exact_bytes_read, exact_bytes_written;
    uint64_t counted_flops, counted_bytes_read, counted_bytes_written;
};

#endif
