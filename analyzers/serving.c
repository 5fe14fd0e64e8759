#include "analyzers/serving.h"

#include "analyzers/statistics.h"

#include <math.h>
#include <stdlib.h>

const char *const fl_serving_latency_names[] = {"queue time", "time to first token",
                                                "time per output token", "end to end", NULL};
const char *const fl_serving_latency_keys[] = {"queue_s", "ttft_s", "tpot_s", "end_to_end_s", NULL};

const char *fl_serving_state(const struct fl_serving_request *request)
{
    if (request->refusal)
        return "refused";
    return isnan(request->finished_s) ? "unfinished" : "done";
}

double fl_serving_latency(const struct fl_serving_request *request, enum fl_serving_latency latency)
{
    switch (latency) {
    case FL_SERVING_QUEUE:
        return request->started_s - request->arrival_s;
    case FL_SERVING_TTFT:
        return request->first_token_s - request->arrival_s;
    case FL_SERVING_TPOT:
        if (request->n_output < 2)
            return (double)NAN;
        return (request->finished_s - request->first_token_s) / (request->n_output - 1);
    default:
        return request->finished_s - request->arrival_s;
    }
}

static struct fl_serving_percentiles percentiles_of(double *values, int n)
{
    const double none = (double)NAN;
    struct fl_serving_percentiles p = {n, none, none, none, none, none};
    if (n == 0)
        return p;
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += values[i];
    fl_sort(values, (size_t)n);
    p.mean = sum / n;
    p.p50 = fl_quantile_sorted(values, (size_t)n, 0.50);
    p.p90 = fl_quantile_sorted(values, (size_t)n, 0.90);
    p.p99 = fl_quantile_sorted(values, (size_t)n, 0.99);
    p.most = values[n - 1];
    return p;
}

/* A request of one token has no time per output token: no limit is passed. */
static bool is_good(const struct fl_serving_request *request,
                    const struct fl_serving_limits *limits)
{
    const double tpot_s = fl_serving_latency(request, FL_SERVING_TPOT);
    return fl_serving_latency(request, FL_SERVING_TTFT) <= limits->ttft_s &&
           (isnan(tpot_s) || tpot_s <= limits->tpot_s);
}

static void add_request(struct fl_serving_summary *s, const struct fl_serving_request *request,
                        const struct fl_serving_limits *limits)
{
    if (request->refusal) {
        s->n_refused++;
        return;
    }
    if (isnan(request->finished_s)) {
        s->n_unfinished++;
    } else {
        s->n_done++;
        s->n_prompt += request->n_prompt;
        s->n_output += request->n_output;
        s->n_good += is_good(request, limits);
    }
    s->n_preempted += request->n_preempted;
    s->n_reused += request->n_reused;
    s->n_repeated += request->n_repeated;
    s->flops += request->flops;
    s->bytes += request->bytes;
    s->flops_saved += request->flops_saved;
    s->flops_repeated += request->flops_repeated;
}

static void add_passes(struct fl_serving_summary *s, const struct fl_serving_pass *passes,
                       int n_passes, double begins_s)
{
    double block_seconds = 0, seqs = 0, rows = 0;
    for (int i = 0; i < n_passes; i++) {
        const struct fl_serving_pass *pass = &passes[i];
        /* what is in use behind a pass stays so until the next one ends */
        const double until_s = i + 1 < n_passes ? passes[i + 1].ends_s : pass->ends_s;
        block_seconds += pass->n_blocks * (until_s - pass->ends_s);
        s->busy_s += pass->ends_s - pass->begins_s;
        s->counted_flops += (fl_wide)pass->flops;
        s->counted_bytes += (fl_wide)pass->bytes;
        s->exact_flops += pass->exact_flops;
        s->exact_bytes += pass->exact_bytes;
        seqs += pass->n_seqs;
        rows += pass->n_rows;
        if (pass->n_blocks > s->peak_blocks)
            s->peak_blocks = pass->n_blocks;
    }
    s->n_passes = n_passes;
    if (n_passes == 0)
        return;
    s->duration_s = passes[n_passes - 1].ends_s - begins_s;
    s->mean_seqs = seqs / n_passes;
    s->mean_rows = rows / n_passes;
    s->mean_blocks = s->duration_s > 0 ? block_seconds / s->duration_s : 0;
}

int fl_serving_summarise(struct fl_serving_summary *summary,
                         const struct fl_serving_request *requests, int n_requests,
                         const struct fl_serving_pass *passes, int n_passes,
                         const struct fl_serving_limits *limits, struct fl_error *error)
{
    struct fl_serving_summary *s = summary;
    *s = (struct fl_serving_summary){.n_requests = n_requests};
    double *values = malloc(((size_t)n_requests + 1) * sizeof *values);
    if (!values)
        return fl_fail(error, "summary: not enough memory for %d requests", n_requests);
    for (int i = 0; i < n_requests; i++)
        add_request(s, &requests[i], limits);
    add_passes(s, passes, n_passes, n_requests > 0 ? requests[0].arrival_s : 0);
    for (int k = 0; k < FL_N_SERVING_LATENCIES; k++) {
        int n = 0;
        for (int i = 0; i < n_requests; i++) {
            const double value = fl_serving_latency(&requests[i], (enum fl_serving_latency)k);
            if (!isnan(requests[i].finished_s) && !isnan(value))
                values[n++] = value;
        }
        s->latencies[k] = percentiles_of(values, n);
    }
    if (s->duration_s > 0) {
        s->requests_per_s = s->n_done / s->duration_s;
        s->goodput_per_s = s->n_good / s->duration_s;
        s->output_per_s = (double)s->n_output / s->duration_s;
    }
    free(values);
    return FL_OK;
}

void fl_serving_histogram(struct fl_serving_bin *bins, int n_bins,
                          const struct fl_serving_pass *passes, int n_passes)
{
    for (int i = 0; i < n_bins; i++)
        bins[i] = (struct fl_serving_bin){0};
    for (int i = 0; i < n_passes; i++) {
        if (passes[i].n_seqs < 1 || passes[i].n_seqs > n_bins)
            continue;
        struct fl_serving_bin *bin = &bins[passes[i].n_seqs - 1];
        bin->n_passes++;
        bin->n_rows += passes[i].n_rows;
        bin->time_s += passes[i].ends_s - passes[i].begins_s;
    }
}

/* Adds the values, which hold from begins to ends, to the slices they fall into. */
static void spread(struct fl_serving_slice *slices, int n, double width, double begins_s,
                   double ends_s, struct fl_serving_slice values)
{
    int i = (int)fmin(fmax((begins_s - slices[0].begins_s) / width, 0), n - 1);
    for (; i < n && slices[i].begins_s < ends_s; i++) {
        const double from = fmax(begins_s, slices[i].begins_s);
        const double to = fmin(ends_s, i + 1 < n ? slices[i + 1].begins_s : ends_s);
        const double part = to > from ? (to - from) / width : 0;
        slices[i].running += values.running * part;
        slices[i].queued += values.queued * part;
        slices[i].blocks += values.blocks * part;
    }
}

void fl_serving_timeline(struct fl_serving_slice *slices, int n, double begins_s, double ends_s,
                         const struct fl_serving_pass *passes, int n_passes)
{
    const double width = (ends_s - begins_s) / n;
    for (int i = 0; i < n; i++)
        slices[i] = (struct fl_serving_slice){.begins_s = begins_s + i * width};
    if (!(width > 0))
        return;
    for (int i = 0; i < n_passes; i++) {
        const struct fl_serving_pass *pass = &passes[i];
        const double until_s = i + 1 < n_passes ? passes[i + 1].ends_s : pass->ends_s;
        spread(slices, n, width, pass->begins_s, pass->ends_s,
               (struct fl_serving_slice){.running = pass->n_running, .queued = pass->n_queued});
        spread(slices, n, width, pass->ends_s, until_s,
               (struct fl_serving_slice){.blocks = pass->n_blocks});
    }
}
