/* Traces served by real sessions over small random models: every request's text is what it would
 * get alone, and the shares of the passes add up, as integers. */
#include "bench/serve.h"
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_CTX = 40, N_REQUESTS = 7, N_OUTPUT_MAX = 12 };

struct specimen {
    struct fl_model model;
    struct harness_random random;
    struct fl_request requests[N_REQUESTS];
    int prompts[N_REQUESTS][N_CTX], lines[N_REQUESTS];
    struct fl_request_trace trace;
};

/* Prompts often begin as an earlier one does. */
static void draw_requests(struct specimen *s)
{
    double arrival_s = 0;
    for (int i = 0; i < N_REQUESTS; i++) {
        const int n_prompt = harness_pick(&s->random, 1, N_CTX - N_OUTPUT_MAX);
        const int like = i > 0 ? harness_pick(&s->random, 0, i - 1) : 0;
        const int n_like = i > 0 ? harness_pick(&s->random, 0, s->requests[like].n_prompt) : 0;
        for (int k = 0; k < n_prompt; k++)
            s->prompts[i][k] = k < n_like
                                   ? s->prompts[like][k]
                                   : harness_pick(&s->random, 0, s->model.config.vocab_size - 1);
        arrival_s += harness_pick(&s->random, 0, 1) * 1e-3;
        s->requests[i] = (struct fl_request){.arrival_s = arrival_s,
                                             .n_prompt = n_prompt,
                                             .n_output = harness_pick(&s->random, 1, N_OUTPUT_MAX),
                                             .prompt = s->prompts[i]};
        s->lines[i] = i + 2;
    }
    s->trace =
        (struct fl_request_trace){.requests = s->requests, .lines = s->lines, .n = N_REQUESTS};
}

static void specimen_open(struct specimen *s, uint64_t seed)
{
    struct fl_config config = harness_config(seed);
    struct fl_error error;
    if (seed % 3 == 2)
        config.sliding_window = 1 + (int)(seed / 3 % N_CTX);
    cr_assert(fl_model_random(&s->model, &config, seed, &error) == FL_OK, "%s", error.text);
    s->random = (struct harness_random){seed ^ 0x5e12e};
    draw_requests(s);
}

static struct fl_serve_options draw_options(struct harness_random *random)
{
    struct fl_serve_options options = {
        .schedule = {.max_seqs = harness_pick(random, 1, 5),
                     .policy = (enum fl_schedule_policy)harness_pick(random, 0, 1),
                     .prefix_cache = harness_pick(random, 0, 1)},
        .n_ctx = N_CTX,
        .block_tokens = harness_pick(random, 1, 8),
        .attention = (enum fl_attention)harness_pick(random, 0, 2),
        .kv_dtype = (enum fl_dtype)harness_pick(random, FL_F32, FL_BF16),
        .n_threads = 1,
        .clock = FL_SERVE_FLOPS,
        .flops_per_s = 1e8,
        .quiet = true,
    };
    const int full = (N_CTX + options.block_tokens - 1) / options.block_tokens;
    options.n_blocks = harness_pick(random, full, 3 * full);
    options.schedule.max_batch_tokens = options.schedule.max_seqs + harness_pick(random, 0, 30);
    return options;
}

static void expect_text(const struct specimen *s, struct fl_session *alone, int i, const int *got)
{
    int expected[N_OUTPUT_MAX];
    const struct fl_request *r = &s->requests[i];
    harness_greedy(alone, &s->model, r->prompt, r->n_prompt, r->n_output, -1, true, expected, NULL);
    cr_expect_arr_eq(got, expected, (size_t)r->n_output * sizeof *got,
                     "%s: request %d gets another text than alone", s->model.config.name, i);
}

static void expect_equal(const char *name, const char *what, fl_wide got, fl_wide expected)
{
    char a[FL_WIDE_DIGITS], b[FL_WIDE_DIGITS];
    cr_expect(got == expected, "%s: %s: %s, expected %s", name, what, fl_wide_text(got, a),
              fl_wide_text(expected, b));
}

/* Pass by pass exact is counted; over all, the requests' shares are what was counted. */
static void expect_shares(const struct specimen *s, const struct fl_serve_result *result)
{
    const char *name = s->model.config.name;
    fl_wide flops = 0, bytes = 0;
    for (int i = 0; i < result->n_passes; i++) {
        const struct fl_serving_pass *pass = &result->passes[i];
        expect_equal(name, "exact FLOPs of a pass", pass->exact_flops, (fl_wide)pass->flops);
        expect_equal(name, "exact bytes of a pass", pass->exact_bytes, (fl_wide)pass->bytes);
        flops += (fl_wide)pass->flops;
        bytes += (fl_wide)pass->bytes;
    }
    for (int i = 0; i < result->n_requests; i++) {
        const struct fl_serving_request *r = &result->requests[i];
        cr_expect(r->flops > 0 && r->bytes > 0 && r->flops_repeated < r->flops);
        cr_expect_eq(r->flops_saved > 0, r->n_reused > 0);
        cr_expect_eq(r->flops_repeated > 0, r->n_repeated > 0);
        flops -= r->flops;
        bytes -= r->bytes;
    }
    expect_equal(name, "FLOPs of no request", flops, 0);
    expect_equal(name, "bytes of no request", bytes, 0);
}

Test(serve, every_request_gets_its_own_text)
{
    enum { N_SEEDS = 500 };
    int64_t n_reused = 0, n_repeated = 0;
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        static struct specimen s;
        struct fl_serve_result result;
        struct fl_error error;
        specimen_open(&s, seed);
        const struct fl_serve_options options = draw_options(&s.random);
        cr_assert(fl_serve(&result, &s.model, &s.trace, &options, &error) == FL_OK, "%s",
                  error.text);
        struct fl_session *alone =
            harness_session(&s.model, &(struct fl_session_options){.n_seqs = 1,
                                                                   .n_ctx = N_CTX,
                                                                   .attention = options.attention,
                                                                   .kv_dtype = options.kv_dtype,
                                                                   .logits = FL_LOGITS_LAST,
                                                                   .n_threads = 1});
        for (int i = 0; i < N_REQUESTS; i++) {
            cr_assert_null(result.requests[i].refusal);
            expect_text(&s, alone, i, result.outputs[i]);
            n_reused += result.requests[i].n_reused;
            n_repeated += result.requests[i].n_repeated;
        }
        expect_shares(&s, &result);
        fl_session_close(alone);
        fl_serve_close(&result);
        fl_model_close(&s.model);
    }
    cr_expect(n_reused > 1000 && n_repeated > 500, "reused %lld, repeated %lld: too few",
              (long long)n_reused, (long long)n_repeated);
}

/* ---- what sharing and batching cost ---- */

static struct fl_serving_summary serve_summary(const struct specimen *s,
                                               const struct fl_serve_options *options)
{
    const struct fl_serving_limits any = {(double)INFINITY, (double)INFINITY};
    struct fl_serve_result result;
    struct fl_serving_summary summary;
    struct fl_error error;
    cr_assert(fl_serve(&result, &s->model, &s->trace, options, &error) == FL_OK, "%s", error.text);
    cr_assert(fl_serving_summarise(&summary, result.requests, result.n_requests, result.passes,
                                   result.n_passes, &any, &error) == FL_OK);
    fl_serve_close(&result);
    return summary;
}

/* One request at a time and in whole prompts, so that nothing else differs. What is saved is what
 * the other run executes more. */
Test(serve, what_is_saved_is_what_is_not_executed)
{
    int n_saved = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        static struct specimen s;
        specimen_open(&s, seed);
        struct fl_serve_options options = {.schedule = {.max_seqs = 1,
                                                        .max_batch_tokens = N_CTX,
                                                        .policy = FL_SCHEDULE_CONTINUOUS},
                                           .n_ctx = N_CTX,
                                           .block_tokens = 3,
                                           .attention = FL_ATTENTION_CAUSAL,
                                           .n_threads = 1,
                                           .clock = FL_SERVE_FLOPS,
                                           .flops_per_s = 1e9,
                                           .quiet = true};
        const struct fl_serving_summary off = serve_summary(&s, &options);
        options.schedule.prefix_cache = true;
        const struct fl_serving_summary on = serve_summary(&s, &options);
        expect_equal(s.model.config.name, "FLOPs with and without sharing",
                     on.flops + on.flops_saved, off.flops);
        n_saved += on.flops_saved > 0;
        fl_model_close(&s.model);
    }
    cr_expect_gt(n_saved, 20);
}

/* Without preemption the same work is done in fewer passes: FLOPs do not change, but for the rows
 * of logits that pieces of prompts get; bytes do, since weights are read once a pass. */
Test(serve, batching_saves_bytes_not_flops)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        static struct specimen s;
        specimen_open(&s, seed);
        for (int i = 0; i < N_REQUESTS; i++)
            s.requests[i].arrival_s = 0;
        struct fl_serve_options options = {
            .schedule = {.max_seqs = 1, .max_batch_tokens = N_REQUESTS * N_CTX},
            .n_ctx = N_CTX,
            .block_tokens = 4,
            .attention = FL_ATTENTION_CAUSAL,
            .n_threads = 1,
            .clock = FL_SERVE_FLOPS,
            .flops_per_s = 1e9,
            .quiet = true};
        const struct fl_serving_summary one = serve_summary(&s, &options);
        options.schedule.max_seqs = N_REQUESTS;
        const struct fl_serving_summary all = serve_summary(&s, &options);
        expect_equal(s.model.config.name, "FLOPs of a batch", all.flops, one.flops);
        cr_expect_lt(all.bytes, one.bytes, "%s: no byte saved", s.model.config.name);
        cr_expect_lt(all.n_passes, one.n_passes);
        fl_model_close(&s.model);
    }
}

/* The clock `flops` is the same everywhere: so is all that follows from it. */
Test(serve, the_same_trace_gives_the_same_schedule)
{
    static struct specimen s;
    specimen_open(&s, 3);
    struct harness_random random = {9};
    const struct fl_serve_options options = draw_options(&random);
    const struct fl_serving_summary a = serve_summary(&s, &options);
    const struct fl_serving_summary b = serve_summary(&s, &options);
    cr_expect_eq(a.duration_s, b.duration_s);
    cr_expect_eq(a.n_passes, b.n_passes);
    cr_expect_eq(a.latencies[FL_SERVING_TTFT].p99, b.latencies[FL_SERVING_TTFT].p99);
    fl_model_close(&s.model);
}

/* The real clock waits; the virtual one does not. */
Test(serve, clocks)
{
    static struct specimen s;
    specimen_open(&s, 5);
    s.trace.n = 2;
    s.requests[0].arrival_s = 0;
    s.requests[1].arrival_s = 0.15;
    struct fl_serve_options options = {.schedule = {.max_seqs = 2, .max_batch_tokens = 2 * N_CTX},
                                       .n_ctx = N_CTX,
                                       .block_tokens = 4,
                                       .n_threads = 1,
                                       .clock = FL_SERVE_REAL,
                                       .quiet = true};
    uint64_t start = fl_clock_ns();
    struct fl_serving_summary real = serve_summary(&s, &options);
    cr_expect_geq((double)(fl_clock_ns() - start) * 1e-9, 0.15);
    cr_expect_geq(real.duration_s, 0.15);
    options.clock = FL_SERVE_VIRTUAL;
    s.requests[1].arrival_s = 3600;
    start = fl_clock_ns();
    struct fl_serving_summary virtual = serve_summary(&s, &options);
    cr_expect_lt((double)(fl_clock_ns() - start) * 1e-9, 60);
    cr_expect(virtual.duration_s >= 3600 && virtual.busy_s < 60);
    fl_model_close(&s.model);
}

Test(serve, a_request_that_cannot_fit_is_refused_and_the_others_run)
{
    static struct specimen s;
    specimen_open(&s, 6);
    const struct fl_serve_options options = {.schedule = {.max_seqs = 2, .max_batch_tokens = 64},
                                             .n_ctx = N_CTX,
                                             .block_tokens = 4,
                                             .n_blocks = 3,
                                             .n_threads = 1,
                                             .clock = FL_SERVE_FLOPS,
                                             .flops_per_s = 1e9,
                                             .quiet = true};
    struct fl_serve_result result;
    struct fl_error error;
    int n_refused = 0;
    cr_assert(fl_serve(&result, &s.model, &s.trace, &options, &error) == FL_OK, "%s", error.text);
    for (int i = 0; i < N_REQUESTS; i++) {
        const bool fits = s.requests[i].n_prompt + s.requests[i].n_output - 1 <= 12;
        n_refused += !fits;
        cr_expect_eq(result.requests[i].refusal == NULL, fits);
        if (!fits)
            cr_expect(strstr(result.requests[i].refusal, "at most the 3 there are"), "%s",
                      result.requests[i].refusal);
    }
    cr_expect(n_refused > 0 && n_refused < N_REQUESTS);
    fl_serve_close(&result);
    fl_model_close(&s.model);
}
