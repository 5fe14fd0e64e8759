/* The scheduler on an engine that computes nothing but remembers everything: every request gets
 * what it would get alone, whatever it shares its passes, its blocks and its beginning with. */
#include "engine/scheduler.h"
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_CTX = 64, N_SEQS_MAX = 12, N_REQUESTS_MAX = 24, N_IDS = 50, N_BLOCKS_MAX = 400 };

/* ---- an engine without a model ---- */

struct fake {
    int n_seqs, block_tokens, n_blocks, n_used, window;
    int gone[N_SEQS_MAX]; /* blocks at the beginning that the window has left */
    int ids[N_SEQS_MAX][N_CTX], lengths[N_SEQS_MAX];
    int blocks[N_SEQS_MAX][N_CTX]; /* of each sequence */
    int owners[N_BLOCKS_MAX];
    int n_passes, n_forks, max_rows;
};

/* "The model": the next token depends on every token before it. */
static int next_token(const int *ids, int n)
{
    uint64_t z = 17;
    for (int i = 0; i < n; i++)
        z = (z ^ (uint64_t)ids[i]) * UINT64_C(0x9e3779b97f4a7c15) + (z >> 29);
    return (int)(z >> 40) % N_IDS;
}

static int n_blocks_of(const struct fake *fake, int n)
{
    return (n + fake->block_tokens - 1) / fake->block_tokens;
}

static void take_block(struct fake *fake, int seq, int i)
{
    int block = 0;
    while (block < fake->n_blocks && fake->owners[block] > 0)
        block++;
    cr_assert_lt(block, fake->n_blocks, "the scheduler promised a block that is not there");
    fake->owners[block] = 1;
    fake->blocks[seq][i] = block;
    fake->n_used++;
}

static void leave_block(struct fake *fake, int seq, int i)
{
    const int block = fake->blocks[seq][i];
    cr_assert_gt(fake->owners[block], 0);
    if (--fake->owners[block] == 0)
        fake->n_used--;
}

static void fake_truncate(void *context, int seq, int n)
{
    struct fake *fake = context;
    cr_assert_leq(n, fake->lengths[seq]);
    cr_assert(n == 0 || fake->gone[seq] == 0, "went back to what was let go");
    for (int i = n_blocks_of(fake, n); i < n_blocks_of(fake, fake->lengths[seq]); i++)
        if (i >= fake->gone[seq])
            leave_block(fake, seq, i);
    fake->lengths[seq] = n;
    fake->gone[seq] = 0;
}

static void slide(struct fake *fake, int seq)
{
    const int first_seen = fake->lengths[seq] + 1 - fake->window;
    while (fake->window > 0 && (fake->gone[seq] + 1) * fake->block_tokens <= first_seen)
        leave_block(fake, seq, fake->gone[seq]++);
}

static int fake_fork(void *context, int to, int from, int n, struct fl_error *error)
{
    struct fake *fake = context;
    (void)error;
    cr_assert(to != from && n > 0 && n % fake->block_tokens == 0 && n <= fake->lengths[from]);
    cr_assert_eq(fake->lengths[to], 0, "forked onto a sequence in use");
    cr_assert_eq(fake->gone[from], 0, "forked from one that lacks its beginning");
    memcpy(fake->ids[to], fake->ids[from], (size_t)n * sizeof(int));
    for (int i = 0; i < n / fake->block_tokens; i++) {
        fake->blocks[to][i] = fake->blocks[from][i];
        fake->owners[fake->blocks[to][i]]++;
    }
    fake->lengths[to] = n;
    fake->n_forks++;
    return FL_OK;
}

static int fake_blocks_free(void *context)
{
    const struct fake *fake = context;
    return fake->n_blocks - fake->n_used;
}

static int fake_run(void *context, const struct fl_schedule_pass *pass, struct fl_error *error)
{
    struct fake *fake = context;
    const int *tokens = pass->tokens;
    bool seen[N_SEQS_MAX] = {false};
    (void)error;
    for (int i = 0; i < pass->n_spans; i++) {
        const struct fl_schedule_span *span = &pass->spans[i];
        const int seq = span->seq, n = span->n_past + span->n_tokens;
        cr_assert(!seen[seq], "one sequence twice in a pass");
        seen[seq] = true;
        cr_assert_eq(span->n_past, fake->lengths[seq]);
        cr_assert(span->n_tokens > 0 && n <= N_CTX);
        for (int k = n_blocks_of(fake, span->n_past); k < n_blocks_of(fake, n); k++)
            take_block(fake, seq, k);
        memcpy(fake->ids[seq] + span->n_past, tokens, (size_t)span->n_tokens * sizeof(int));
        fake->lengths[seq] = n;
        tokens += span->n_tokens;
        pass->chosen[i] = span->samples ? next_token(fake->ids[seq], n) : -1;
    }
    cr_assert_eq(tokens - pass->tokens, pass->n_rows);
    for (int i = 0; i < pass->n_spans; i++)
        slide(fake, pass->spans[i].seq);
    if (pass->n_rows > fake->max_rows)
        fake->max_rows = pass->n_rows;
    fake->n_passes++;
    return FL_OK;
}

/* ---- a trace ---- */

struct trace {
    struct fl_request requests[N_REQUESTS_MAX];
    int prompts[N_REQUESTS_MAX][N_CTX];
    int n;
};

/* Prompts often begin as an earlier one does. */
static void draw_trace(struct trace *trace, struct harness_random *random)
{
    double arrival_s = 0;
    trace->n = harness_pick(random, 1, N_REQUESTS_MAX);
    for (int i = 0; i < trace->n; i++) {
        const int n_prompt = harness_pick(random, 1, 40);
        const int like = i > 0 ? harness_pick(random, 0, i - 1) : 0;
        const int n_like = i > 0 ? harness_pick(random, 0, trace->requests[like].n_prompt) : 0;
        for (int k = 0; k < n_prompt; k++)
            trace->prompts[i][k] =
                k < n_like ? trace->prompts[like][k] : harness_pick(random, 0, N_IDS - 1);
        arrival_s += harness_pick(random, 0, 3) == 0 ? harness_pick(random, 0, 20) : 0;
        trace->requests[i] = (struct fl_request){.arrival_s = arrival_s,
                                                 .n_prompt = n_prompt,
                                                 .n_output = harness_pick(random, 1, 30),
                                                 .prompt = trace->prompts[i]};
    }
}

static void expect_output(const struct fl_request *request, const struct fl_request_progress *got,
                          const char *where)
{
    int ids[2 * N_CTX];
    memcpy(ids, request->prompt, (size_t)request->n_prompt * sizeof *ids);
    cr_assert_eq(got->n_generated, request->n_output, "%s", where);
    for (int i = 0; i < request->n_output; i++) {
        ids[request->n_prompt + i] = next_token(ids, request->n_prompt + i);
        cr_assert_eq(got->output[i], ids[request->n_prompt + i], "%s: token %d", where, i);
    }
}

static struct fl_schedule_engine engine_of(struct fake *fake)
{
    return (struct fl_schedule_engine){.context = fake,
                                       .n_seqs = fake->n_seqs,
                                       .n_ctx = N_CTX,
                                       .block_tokens = fake->block_tokens,
                                       .n_blocks = fake->n_blocks,
                                       .window = fake->window,
                                       .run = fake_run,
                                       .fork = fake_fork,
                                       .truncate = fake_truncate,
                                       .blocks_free = fake_blocks_free};
}

/* One pass takes one second. Returns when the last ended. */
static double serve(struct fl_scheduler *scheduler, const struct fl_scheduler_options *options)
{
    double now_s = 0;
    struct fl_error error;
    while (!fl_scheduler_done(scheduler)) {
        struct fl_schedule_pass pass;
        cr_assert(fl_scheduler_plan(scheduler, now_s, &pass, &error) == FL_OK, "%s", error.text);
        if (pass.n_spans == 0) {
            if (fl_scheduler_done(scheduler))
                break;
            cr_assert_gt(fl_scheduler_next_arrival_s(scheduler), now_s, "nothing goes on");
            now_s = fl_scheduler_next_arrival_s(scheduler);
            continue;
        }
        cr_assert(pass.n_rows <= options->max_batch_tokens && pass.n_spans <= options->max_seqs);
        cr_assert(fl_scheduler_run(scheduler, &pass, &error) == FL_OK, "%s", error.text);
        fl_scheduler_finish(scheduler, &pass, ++now_s);
        cr_assert_lt(now_s, 1e5, "does not end");
    }
    return now_s;
}

static struct fl_scheduler *scheduler_open(const struct fl_scheduler_options *options,
                                           struct fake *fake, const struct trace *trace)
{
    const struct fl_schedule_engine engine = engine_of(fake);
    struct fl_scheduler *scheduler;
    struct fl_error error;
    cr_assert(fl_scheduler_open(&scheduler, options, &engine, trace->requests, trace->n, &error) ==
                  FL_OK,
              "%s", error.text);
    return scheduler;
}

/* Sums over all requests. */
struct sums {
    int n_preempted, n_refused;
    int64_t n_reused, n_repeated;
};

static void check_request(const struct trace *trace, int i, const struct fake *fake,
                          const struct fl_request_progress *progress, struct sums *sums)
{
    const struct fl_request *request = &trace->requests[i];
    const int n = request->n_prompt + request->n_output - 1;
    const int in_window = (fake->window + fake->block_tokens - 2) / fake->block_tokens + 1;
    const int all = n_blocks_of(fake, n);
    const int least = fake->window > 0 && in_window < all ? in_window : all;
    const bool fits = n <= N_CTX && least <= fake->n_blocks;
    char where[64];
    snprintf(where, sizeof where, "request %d", i);
    sums->n_preempted += progress->n_preempted;
    sums->n_reused += progress->n_reused;
    sums->n_repeated += progress->n_repeated;
    sums->n_refused += !fits;
    if (!fits) {
        cr_assert_eq(progress->state, FL_REQUEST_REFUSED);
        cr_assert(strstr(progress->refused.text, where), "%s", progress->refused.text);
        return;
    }
    cr_assert_eq(progress->state, FL_REQUEST_DONE);
    cr_assert(request->arrival_s <= progress->started_s &&
              progress->started_s < progress->first_token_s &&
              progress->first_token_s <= progress->finished_s);
    expect_output(request, progress, where);
}

Test(scheduler, every_request_gets_what_it_would_get_alone)
{
    struct sums sums = {0};
    for (uint64_t seed = 0; seed < 1200; seed++) {
        struct harness_random random = {seed};
        struct trace trace;
        struct fake fake = {.n_seqs = harness_pick(&random, 1, N_SEQS_MAX),
                            .block_tokens = harness_pick(&random, 1, 9)};
        if (seed % 2)
            fake.window = harness_pick(&random, 1, N_CTX);
        const int least = n_blocks_of(&fake, seed % 4 == 3 ? 10 : 30);
        fake.n_blocks = harness_pick(&random, least, 4 * least);
        struct fl_scheduler_options options = {
            .max_seqs = harness_pick(&random, 1, fake.n_seqs),
            .policy = (enum fl_schedule_policy)harness_pick(&random, 0, 1),
            .prefix_cache = harness_pick(&random, 0, 1)};
        options.max_batch_tokens = options.max_seqs + harness_pick(&random, 0, 40);
        draw_trace(&trace, &random);
        struct fl_scheduler *scheduler = scheduler_open(&options, &fake, &trace);
        serve(scheduler, &options);
        double started_s = 0;
        for (int i = 0; i < trace.n; i++) {
            const struct fl_request_progress *progress = fl_scheduler_progress(scheduler, i);
            check_request(&trace, i, &fake, progress, &sums);
            if (progress->state == FL_REQUEST_REFUSED)
                continue;
            cr_assert_geq(progress->started_s, started_s, "request %d was overtaken", i);
            started_s = progress->started_s;
        }
        if (!options.prefix_cache)
            cr_assert_eq(fake.n_used, 0, "blocks were lost");
        fl_scheduler_close(scheduler);
    }
    cr_expect(sums.n_preempted > 100 && sums.n_refused > 100 && sums.n_reused > 1000 &&
                  sums.n_repeated > 100,
              "hardly any of it happened: %d preempted, %d refused, %lld reused, %lld repeated",
              sums.n_preempted, sums.n_refused, (long long)sums.n_reused,
              (long long)sums.n_repeated);
}

/* ---- what the policies promise ---- */

static struct trace three_requests(void)
{
    struct trace trace = {.n = 3};
    static const int OUTPUTS[] = {2, 9, 2};
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 8; k++)
            trace.prompts[i][k] = (7 * k + i) % N_IDS;
        trace.requests[i] = (struct fl_request){.n_prompt = 4, .n_output = OUTPUTS[i]};
    }
    return trace;
}

/* Two places, three requests of 2, 9 and 2 tokens: the third takes the first one's place at once,
 * or waits for the second. */
Test(scheduler, continuous_fills_a_place_at_once)
{
    static const double FINISHED[2][3] = {
        [FL_SCHEDULE_STATIC] = {2, 9, 11},
        [FL_SCHEDULE_CONTINUOUS] = {2, 9, 4},
    };
    for (int policy = 0; policy < 2; policy++) {
        struct trace trace = three_requests();
        for (int i = 0; i < 3; i++)
            trace.requests[i].prompt = trace.prompts[i];
        struct fake fake = {.n_seqs = 2, .block_tokens = 4, .n_blocks = 16};
        const struct fl_scheduler_options options = {
            .max_seqs = 2, .max_batch_tokens = 16, .policy = (enum fl_schedule_policy)policy};
        struct fl_scheduler *scheduler = scheduler_open(&options, &fake, &trace);
        serve(scheduler, &options);
        for (int i = 0; i < 3; i++)
            cr_expect_eq(fl_scheduler_progress(scheduler, i)->finished_s, FINISHED[policy][i],
                         "policy %d, request %d", policy, i);
        fl_scheduler_close(scheduler);
    }
}

/* A prompt of 4 under a budget of 3 tokens a pass: 3, then the last one. */
Test(scheduler, prompts_run_in_pieces_within_the_budget)
{
    struct trace trace = three_requests();
    for (int i = 0; i < 3; i++)
        trace.requests[i].prompt = trace.prompts[i];
    struct fake fake = {.n_seqs = 3, .block_tokens = 4, .n_blocks = 16};
    const struct fl_scheduler_options options = {
        .max_seqs = 3, .max_batch_tokens = 3, .policy = FL_SCHEDULE_CONTINUOUS};
    struct fl_scheduler *scheduler = scheduler_open(&options, &fake, &trace);
    serve(scheduler, &options);
    cr_expect_eq(fake.max_rows, 3);
    cr_expect_eq(fl_scheduler_progress(scheduler, 0)->first_token_s, 2);
    fl_scheduler_close(scheduler);
}

/* 7 blocks of 2 tokens; both requests need 4 + 8 = 12 positions in the end: the younger one gives
 * way, and is finished later. */
Test(scheduler, the_younger_one_gives_way)
{
    struct trace trace = three_requests();
    trace.n = 2;
    for (int i = 0; i < 2; i++) {
        trace.requests[i].prompt = trace.prompts[i];
        trace.requests[i].n_output = 9;
    }
    struct fake fake = {.n_seqs = 2, .block_tokens = 2, .n_blocks = 7};
    const struct fl_scheduler_options options = {
        .max_seqs = 2, .max_batch_tokens = 16, .policy = FL_SCHEDULE_CONTINUOUS};
    struct fl_scheduler *scheduler = scheduler_open(&options, &fake, &trace);
    serve(scheduler, &options);
    const struct fl_request_progress *first = fl_scheduler_progress(scheduler, 0);
    const struct fl_request_progress *second = fl_scheduler_progress(scheduler, 1);
    cr_expect(first->n_preempted == 0 && first->n_repeated == 0 && first->finished_s == 9);
    cr_expect(second->n_preempted == 1 && second->finished_s > 9);
    /* it had run 6 tokens when the 7th asked for a block that was not there */
    cr_expect_eq(second->n_repeated, 6, "%d", (int)second->n_repeated);
    fl_scheduler_close(scheduler);
}

/* The second request begins as the first: its first 4 tokens are found, its 5th is run. */
Test(scheduler, a_known_beginning_is_not_run_again)
{
    struct trace trace = three_requests();
    trace.n = 2;
    memcpy(trace.prompts[1], trace.prompts[0], sizeof trace.prompts[0]);
    for (int i = 0; i < 2; i++)
        trace.requests[i] = (struct fl_request){
            .arrival_s = 10 * i, .prompt = trace.prompts[i], .n_prompt = 5, .n_output = 3};
    struct fake fake = {.n_seqs = 2, .block_tokens = 2, .n_blocks = 16};
    const struct fl_scheduler_options options = {.max_seqs = 1,
                                                 .max_batch_tokens = 2,
                                                 .policy = FL_SCHEDULE_CONTINUOUS,
                                                 .prefix_cache = true};
    struct fl_scheduler *scheduler = scheduler_open(&options, &fake, &trace);
    serve(scheduler, &options);
    cr_expect_eq(fake.n_forks, 1);
    cr_expect_eq(fl_scheduler_progress(scheduler, 0)->n_reused, 0);
    cr_expect_eq(fl_scheduler_progress(scheduler, 1)->n_reused, 4);
    cr_expect_eq(fl_scheduler_progress(scheduler, 1)->first_token_s, 11);
    fl_scheduler_close(scheduler);
}

Test(scheduler, refuses_what_cannot_be_scheduled)
{
    struct trace trace = three_requests();
    struct fake fake = {.n_seqs = 2, .block_tokens = 2, .n_blocks = 7};
    const struct fl_schedule_engine engine = engine_of(&fake);
    struct fl_scheduler *scheduler;
    struct fl_error error;
    struct fl_scheduler_options options = {.max_seqs = 3, .max_batch_tokens = 16};
    cr_expect(fl_scheduler_open(&scheduler, &options, &engine, trace.requests, 3, &error) ==
              FL_FAILED);
    cr_expect(strstr(error.text, "max_seqs: expected 1 .. 2"), "%s", error.text);
    options = (struct fl_scheduler_options){.max_seqs = 2, .max_batch_tokens = 1};
    cr_expect(fl_scheduler_open(&scheduler, &options, &engine, trace.requests, 3, &error) ==
              FL_FAILED);
    cr_expect(strstr(error.text, "max_batch_tokens"), "%s", error.text);
    options.max_batch_tokens = 2;
    trace.requests[1].arrival_s = -1;
    cr_expect(fl_scheduler_open(&scheduler, &options, &engine, trace.requests, 3, &error) ==
              FL_FAILED);
    cr_expect(strstr(error.text, "request 1: arrival"), "%s", error.text);
    trace.requests[1] = (struct fl_request){.n_prompt = 0, .n_output = 1};
    cr_expect(fl_scheduler_open(&scheduler, &options, &engine, trace.requests, 3, &error) ==
              FL_FAILED);
    cr_expect(strstr(error.text, "at least one token"), "%s", error.text);
    cr_expect_null(scheduler);
}
