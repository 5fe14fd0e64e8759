/* serving.h - what a served trace shows: latencies, throughput, goodput, what was shared and what
 * was run in vain. Records in, findings out.
 *
 * Of a request: queue time is from its arrival to the first pass with a token of it; time to first
 * token (TTFT) from its arrival to the end of the pass that gave the token; time per output token
 * (TPOT) the mean distance of the tokens behind the first; end to end from arrival to the last
 * token. Goodput counts the requests that kept given limits of TTFT and TPOT (DistServe, Zhong et
 * al., 2024, arXiv:2401.09670). */
#ifndef FL_ANALYZERS_SERVING_H
#define FL_ANALYZERS_SERVING_H

#include "base/error.h"
#include "base/units.h"

#include <stdbool.h>
#include <stdint.h>

/* One request; times on the trace's clock, NAN where it did not come to that. */
struct fl_serving_request {
    int line;            /* in the trace's file */
    const char *refusal; /* why it never ran; NULL: it did, or would have */
    double arrival_s, started_s, first_token_s, finished_s;
    int n_prompt, n_output;
    int n_preempted;
    int64_t n_reused, n_repeated;        /* tokens */
    fl_wide flops;                       /* its own, exact */
    fl_wide bytes;                       /* its own and its share of the weights' */
    fl_wide flops_saved, flops_repeated; /* by a shared beginning; behind a preemption, of flops */
};

/* One pass over tokens of several requests. */
struct fl_serving_pass {
    double begins_s, ends_s;
    int n_seqs, n_rows;               /* requests with tokens in it, and their tokens */
    int n_decoding;                   /* of n_seqs: one token behind the prompt */
    int n_running, n_queued;          /* requests, when it was planned */
    int n_blocks;                     /* of the KV cache in use behind it */
    uint64_t flops, bytes;            /* as the ledger counted */
    fl_wide exact_flops, exact_bytes; /* by formula */
};

struct fl_serving_percentiles {
    int n; /* values; with none the others are NAN */
    double mean, p50, p90, p99, most;
};

enum fl_serving_latency {
    FL_SERVING_QUEUE,
    FL_SERVING_TTFT,
    FL_SERVING_TPOT,
    FL_SERVING_END_TO_END,
    FL_N_SERVING_LATENCIES
};
extern const char *const fl_serving_latency_names[]; /* "queue time", ... */
extern const char *const fl_serving_latency_keys[];  /* "queue_s", "ttft_s", ... */

/* "refused", "done", or "unfinished" where the serving was interrupted. */
const char *fl_serving_state(const struct fl_serving_request *request);

/* Seconds; NAN where the request has none. */
double fl_serving_latency(const struct fl_serving_request *request,
                          enum fl_serving_latency latency);

struct fl_serving_limits {
    double ttft_s, tpot_s; /* INFINITY: any */
};

struct fl_serving_summary {
    int n_requests, n_done, n_refused, n_unfinished, n_passes;
    double duration_s;          /* from the first arrival to the end of the last pass */
    double busy_s;              /* of which in passes */
    int64_t n_prompt, n_output; /* tokens of requests that are done */
    double requests_per_s, output_per_s, goodput_per_s;
    int n_good;
    struct fl_serving_percentiles latencies[FL_N_SERVING_LATENCIES];
    int n_preempted;
    int64_t n_reused, n_repeated;
    fl_wide flops, bytes; /* sums over requests, unfinished ones included */
    fl_wide flops_saved, flops_repeated;
    fl_wide counted_flops, counted_bytes, exact_flops, exact_bytes; /* sums over passes */
    double mean_seqs, mean_rows;                                    /* of a pass */
    double mean_blocks; /* over the duration; what kept beginnings hold included */
    int peak_blocks;
};

/* Fails when memory runs out. */
int fl_serving_summarise(struct fl_serving_summary *summary,
                         const struct fl_serving_request *requests, int n_requests,
                         const struct fl_serving_pass *passes, int n_passes,
                         const struct fl_serving_limits *limits, struct fl_error *error);

/* Passes, tokens and time by the number of requests in a pass: bins [n_bins] for 1 .. n_bins. */
struct fl_serving_bin {
    int64_t n_passes, n_rows;
    double time_s;
};
void fl_serving_histogram(struct fl_serving_bin *bins, int n_bins,
                          const struct fl_serving_pass *passes, int n_passes);

/* The duration in n equal slices: means over the time of each; nothing runs between passes, blocks
 * stay in use. */
struct fl_serving_slice {
    double begins_s;
    double running, queued, blocks;
};
void fl_serving_timeline(struct fl_serving_slice *slices, int n, double begins_s, double ends_s,
                         const struct fl_serving_pass *passes, int n_passes);

#endif
