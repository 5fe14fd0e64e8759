/* Latencies, rates and means of records made by hand. */
#include "analyzers/serving.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Arrivals 0, 1, 2; the third is refused. */
static const struct fl_serving_request REQUESTS[] = {
    {.arrival_s = 1,
     .started_s = 2,
     .first_token_s = 3,
     .finished_s = 7,
     .n_prompt = 10,
     .n_output = 5,
     .flops = 100,
     .bytes = 10,
     .n_reused = 4,
     .flops_saved = 40},
    {.arrival_s = 2,
     .started_s = 2,
     .first_token_s = 5,
     .finished_s = 5,
     .n_prompt = 20,
     .n_output = 1,
     .flops = 50,
     .bytes = 5,
     .n_preempted = 1,
     .n_repeated = 2,
     .flops_repeated = 8},
    {.arrival_s = 3,
     .refusal = "too long",
     .started_s = NAN,
     .first_token_s = NAN,
     .finished_s = NAN,
     .n_prompt = 9,
     .n_output = 9},
};
static const struct fl_serving_pass PASSES[] = {
    {.begins_s = 2,
     .ends_s = 3,
     .n_seqs = 2,
     .n_rows = 6,
     .n_running = 2,
     .n_queued = 1,
     .n_blocks = 3,
     .flops = 90,
     .bytes = 9,
     .exact_flops = 90,
     .exact_bytes = 9},
    {.begins_s = 4,
     .ends_s = 7,
     .n_seqs = 1,
     .n_rows = 1,
     .n_running = 1,
     .n_queued = 0,
     .n_blocks = 1,
     .flops = 60,
     .bytes = 6,
     .exact_flops = 60,
     .exact_bytes = 6},
};

static struct fl_serving_summary summarise(double ttft_s, double tpot_s)
{
    const struct fl_serving_limits limits = {ttft_s, tpot_s};
    struct fl_serving_summary s;
    struct fl_error error;
    cr_assert(fl_serving_summarise(&s, REQUESTS, 3, PASSES, 2, &limits, &error) == FL_OK);
    return s;
}

Test(serving, latencies)
{
    cr_expect_eq(fl_serving_latency(&REQUESTS[0], FL_SERVING_QUEUE), 1);
    cr_expect_eq(fl_serving_latency(&REQUESTS[0], FL_SERVING_TTFT), 2);
    cr_expect_eq(fl_serving_latency(&REQUESTS[0], FL_SERVING_TPOT), 1);
    cr_expect_eq(fl_serving_latency(&REQUESTS[0], FL_SERVING_END_TO_END), 6);
    cr_expect(isnan(fl_serving_latency(&REQUESTS[1], FL_SERVING_TPOT)), "one token has no next");
}

Test(serving, summary)
{
    const struct fl_serving_summary s = summarise(INFINITY, INFINITY);
    cr_expect(s.n_requests == 3 && s.n_done == 2 && s.n_refused == 1 && s.n_passes == 2);
    cr_expect(s.n_prompt == 30 && s.n_output == 6);
    cr_expect_eq(s.duration_s, 6); /* 1 .. 7 */
    cr_expect_eq(s.busy_s, 4);
    cr_expect_eq(s.output_per_s, 1);
    cr_expect_float_eq(s.requests_per_s, 2.0 / 6, 1e-12);
    cr_expect(s.n_good == 2 && s.flops == 150 && s.counted_flops == 150 && s.bytes == 15 &&
              s.counted_bytes == 15 && s.exact_flops == 150);
    cr_expect(s.flops_saved == 40 && s.n_reused == 4 && s.flops_repeated == 8 &&
              s.n_repeated == 2 && s.n_preempted == 1);
    cr_expect(s.mean_seqs == 1.5 && s.mean_rows == 3.5 && s.peak_blocks == 3);
    /* 3 blocks from 3 to 7, none before: 12 block seconds in 6 */
    cr_expect_eq(s.mean_blocks, 2);
    const struct fl_serving_percentiles *ttft = &s.latencies[FL_SERVING_TTFT];
    cr_expect(ttft->n == 2 && ttft->p50 == 2.5 && ttft->most == 3 && ttft->mean == 2.5);
    cr_expect_float_eq(ttft->p90, 2.9, 1e-12);
    cr_expect_eq(s.latencies[FL_SERVING_TPOT].n, 1);
}

Test(serving, goodput_counts_what_kept_its_limits)
{
    cr_expect_eq(summarise(2, INFINITY).n_good, 1);
    cr_expect_eq(summarise(3, 0.5).n_good, 1, "the one with a single token has no TPOT to miss");
    cr_expect_eq(summarise(1, INFINITY).n_good, 0);
}

Test(serving, nothing_done)
{
    const struct fl_serving_limits any = {INFINITY, INFINITY};
    struct fl_serving_summary s;
    struct fl_error error;
    cr_assert(fl_serving_summarise(&s, &REQUESTS[2], 1, NULL, 0, &any, &error) == FL_OK);
    cr_expect(s.n_done == 0 && s.output_per_s == 0 && isnan(s.latencies[0].p99));
}

/* Served in part, then interrupted: it costs what it cost, and is not done. */
Test(serving, an_unfinished_request_costs_and_is_not_done)
{
    struct fl_serving_request requests[3];
    const struct fl_serving_limits any = {INFINITY, INFINITY};
    struct fl_serving_summary s;
    struct fl_error error;
    memcpy(requests, REQUESTS, sizeof requests);
    requests[1].finished_s = NAN;
    cr_assert(fl_serving_summarise(&s, requests, 3, PASSES, 2, &any, &error) == FL_OK);
    cr_expect(s.n_done == 1 && s.n_refused == 1 && s.n_unfinished == 1 && s.n_good == 1);
    cr_expect(s.n_prompt == REQUESTS[0].n_prompt && s.n_output == REQUESTS[0].n_output);
    cr_expect(s.flops == 150 && s.bytes == 15 && s.n_preempted == 1);
    cr_expect_eq(s.latencies[FL_SERVING_END_TO_END].n, 1);
    static const char *const STATES[] = {"done", "unfinished", "refused"};
    for (int i = 0; i < 3; i++)
        cr_expect_str_eq(fl_serving_state(&requests[i]), STATES[i]);
}

Test(serving, histogram)
{
    struct fl_serving_bin bins[3];
    fl_serving_histogram(bins, 3, PASSES, 2);
    cr_expect(bins[0].n_passes == 1 && bins[0].n_rows == 1 && bins[0].time_s == 3);
    cr_expect(bins[1].n_passes == 1 && bins[1].n_rows == 6 && bins[1].time_s == 1);
    cr_expect_eq(bins[2].n_passes, 0);
}

/* Slices of two seconds: 1-3, 3-5, 5-7. */
Test(serving, timeline)
{
    struct fl_serving_slice slices[3];
    fl_serving_timeline(slices, 3, 1, 7, PASSES, 2);
    static const double RUNNING[] = {1, 0.5, 1}, QUEUED[] = {0.5, 0, 0}, BLOCKS[] = {0, 3, 3};
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(slices[i].begins_s, 1 + 2 * i);
        cr_expect_float_eq(slices[i].running, RUNNING[i], 1e-12, "slice %d", i);
        cr_expect_float_eq(slices[i].queued, QUEUED[i], 1e-12, "slice %d", i);
        cr_expect_float_eq(slices[i].blocks, BLOCKS[i], 1e-12, "slice %d", i);
    }
}
