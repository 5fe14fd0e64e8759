#include "bench/serve.h"

#include "base/progress.h"
#include "engine/kv_cache.h"
#include "engine/pass_cost.h"
#include "engine/serve_engine.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const fl_serve_clock_names[] = {"virtual", "real", "flops", NULL};

/* A trace being served. */
struct serving {
    const struct fl_model *model;
    const struct fl_request_trace *trace;
    const struct fl_serve_options *options;
    struct fl_serve_result *result;
    struct fl_serve_engine engine;
    struct fl_scheduler *scheduler;
    int *n_preempted; /* [n_requests] when a span of it was last seen; -1: never */
    struct fl_shape_span *spans;
    int capacity; /* of result->passes */
    double now_s;
    uint64_t started_ns;
    struct fl_progress progress;
};

/* ---- shares ---- */

static int span_cost(const struct serving *s, int n_seqs, int n_tokens, int n_past, bool samples,
                     struct fl_op_analytic *cost, struct fl_error *error)
{
    return fl_pass_cost(cost, s->model, s->options->attention, s->options->kv_dtype, n_seqs,
                        n_tokens, n_past, samples ? FL_LOGITS_LAST : FL_LOGITS_NONE,
                        fl_session_experts_hit(s->engine.session), error);
}

static fl_wide bytes_of(const struct fl_op_analytic *cost)
{
    return cost->bytes_read + cost->bytes_written;
}

/* FLOPs of the span, and what the bytes of a pass grow by with another sequence like it. */
static int own_share(const struct serving *s, const struct fl_schedule_span *span, bool samples,
                     fl_wide *flops, fl_wide *bytes, struct fl_error *error)
{
    struct fl_op_analytic one, two;
    if (span_cost(s, 1, span->n_tokens, span->n_past, samples, &one, error) != FL_OK ||
        span_cost(s, 2, span->n_tokens, span->n_past, samples, &two, error) != FL_OK)
        return FL_FAILED;
    *flops = one.exact;
    *bytes = bytes_of(&two) - bytes_of(&one);
    return FL_OK;
}

/* FLOPs that a shared beginning saved and that a preemption cost: no logits are computed there. */
static int note_detours(struct serving *s, const struct fl_schedule_span *span,
                        struct fl_error *error)
{
    struct fl_serving_request *r = &s->result->requests[span->request];
    const int n_preempted = fl_scheduler_progress(s->scheduler, span->request)->n_preempted;
    struct fl_op_analytic cost;
    if (s->n_preempted[span->request] != n_preempted && span->n_past > 0) {
        if (span_cost(s, 1, span->n_past, 0, false, &cost, error) != FL_OK)
            return FL_FAILED;
        r->flops_saved += cost.exact;
        r->n_reused += span->n_past;
    }
    s->n_preempted[span->request] = n_preempted;
    if (span->n_repeated > 0) {
        if (span_cost(s, 1, span->n_repeated, span->n_past, false, &cost, error) != FL_OK)
            return FL_FAILED;
        r->flops_repeated += cost.exact;
    }
    return FL_OK;
}

/* Divides the pass among its requests. */
static int share_out(struct serving *s, const struct fl_schedule_pass *pass,
                     const struct fl_serving_pass *record, struct fl_error *error)
{
    fl_wide common = (fl_wide)record->bytes;
    for (int i = 0; i < pass->n_spans; i++) {
        struct fl_serving_request *r = &s->result->requests[pass->spans[i].request];
        fl_wide flops, bytes;
        if (own_share(s, &pass->spans[i], pass->samples, &flops, &bytes, error) != FL_OK ||
            note_detours(s, &pass->spans[i], error) != FL_OK)
            return FL_FAILED;
        r->flops += flops;
        r->bytes += bytes;
        common -= bytes;
    }
    fl_wide given = 0, rows = 0;
    for (int i = 0; i < pass->n_spans; i++) {
        rows += pass->spans[i].n_tokens;
        const fl_wide until = common * rows / pass->n_rows;
        s->result->requests[pass->spans[i].request].bytes += until - given;
        given = until;
    }
    return FL_OK;
}

/* ---- one pass ---- */

static struct fl_serving_pass *new_pass(struct serving *s, struct fl_error *error)
{
    struct fl_serve_result *result = s->result;
    if (result->n_passes == s->capacity) {
        const int capacity = s->capacity > 0 ? 2 * s->capacity : 1024;
        struct fl_serving_pass *grown =
            realloc(result->passes, (size_t)capacity * sizeof *result->passes);
        if (!grown) {
            fl_fail(error, "not enough memory for the records of %d passes", capacity);
            return NULL;
        }
        result->passes = grown;
        s->capacity = capacity;
    }
    return &result->passes[result->n_passes++];
}

static int exact_cost(const struct serving *s, const struct fl_schedule_pass *pass,
                      struct fl_op_analytic *cost, struct fl_error *error)
{
    for (int i = 0; i < pass->n_spans; i++)
        s->spans[i] = (struct fl_shape_span){pass->spans[i].n_tokens, pass->spans[i].n_past};
    return fl_pass_cost_spans(cost, s->model, s->options->attention, s->options->kv_dtype, s->spans,
                              pass->n_spans, pass->samples ? FL_LOGITS_LAST : FL_LOGITS_NONE,
                              fl_session_experts_hit(s->engine.session), error);
}

static int count_decoding(const struct serving *s, const struct fl_schedule_pass *pass)
{
    int n = 0;
    for (int i = 0; i < pass->n_spans; i++)
        n += pass->spans[i].n_tokens == 1 &&
             pass->spans[i].n_past >= s->trace->requests[pass->spans[i].request].n_prompt;
    return n;
}

static double seconds(uint64_t ns)
{
    return (double)ns * 1e-9;
}

/* How long the pass took on the trace's clock. */
static double pass_time_s(const struct serving *s, uint64_t measured_ns, uint64_t flops)
{
    if (s->options->clock == FL_SERVE_FLOPS)
        return (double)flops / s->options->flops_per_s;
    return seconds(measured_ns);
}

static int run_pass(struct serving *s, struct fl_schedule_pass *pass, struct fl_error *error)
{
    struct fl_ledger *ledger = fl_session_ledger(s->engine.session);
    struct fl_serving_pass *record = new_pass(s, error);
    struct fl_op_analytic exact;
    if (!record)
        return FL_FAILED;
    *record = (struct fl_serving_pass){
        .begins_s = s->now_s,
        .n_seqs = pass->n_spans,
        .n_rows = pass->n_rows,
        .n_decoding = count_decoding(s, pass),
        .n_running = fl_scheduler_n_running(s->scheduler),
        .n_queued = fl_scheduler_n_queued(s->scheduler),
    };
    fl_ledger_reset(ledger);
    const uint64_t start_ns = fl_clock_ns();
    if (fl_scheduler_run(s->scheduler, pass, error) != FL_OK)
        return FL_FAILED;
    const uint64_t took_ns = fl_clock_ns() - start_ns;
    const struct fl_cost counted = fl_ledger_total(ledger).counted;
    if (exact_cost(s, pass, &exact, error) != FL_OK)
        return FL_FAILED;
    record->flops = fl_cost_flops(counted);
    record->bytes = counted.bytes_read + counted.bytes_written;
    record->exact_flops = exact.exact;
    record->exact_bytes = bytes_of(&exact);
    s->now_s += pass_time_s(s, took_ns, record->flops);
    record->ends_s = s->now_s;
    if (share_out(s, pass, record, error) != FL_OK)
        return FL_FAILED;
    fl_scheduler_finish(s->scheduler, pass, s->now_s);
    record->n_blocks = s->engine.schedule.n_blocks - fl_session_blocks_free(s->engine.session);
    return FL_OK;
}

/* ---- the clock ---- */

static void wait_until(struct serving *s, double arrival_s)
{
    if (s->options->clock == FL_SERVE_REAL) {
        const double left_s = arrival_s - seconds(fl_clock_ns() - s->started_ns);
        if (left_s > 0) {
            struct timespec left = {.tv_sec = (time_t)left_s};
            left.tv_nsec = (long)((left_s - (double)left.tv_sec) * 1e9);
            nanosleep(&left, NULL);
        }
    }
    if (arrival_s > s->now_s)
        s->now_s = arrival_s;
}

/* The time between passes counts when the clock is real. */
static void look_at_clock(struct serving *s)
{
    if (s->options->clock == FL_SERVE_REAL)
        s->now_s = fmax(s->now_s, seconds(fl_clock_ns() - s->started_ns));
}

static bool interrupted(const struct serving *s)
{
    return s->options->interrupted && *s->options->interrupted;
}

static int serve_all(struct serving *s, struct fl_error *error)
{
    int n_over = 0;
    s->started_ns = fl_clock_ns();
    while (!fl_scheduler_done(s->scheduler) && !interrupted(s)) {
        struct fl_schedule_pass pass;
        look_at_clock(s);
        if (fl_scheduler_plan(s->scheduler, s->now_s, &pass, error) != FL_OK)
            return FL_FAILED;
        if (pass.n_spans > 0) {
            if (run_pass(s, &pass, error) != FL_OK)
                return FL_FAILED;
        } else if (!fl_scheduler_done(s->scheduler)) {
            wait_until(s, fl_scheduler_next_arrival_s(s->scheduler));
        }
        for (; n_over < fl_scheduler_n_over(s->scheduler); n_over++)
            fl_progress_step(&s->progress, 1, "");
    }
    return FL_OK;
}

/* ---- opening ---- */

static int longest(const struct fl_request_trace *trace)
{
    int most = 1;
    for (int i = 0; i < trace->n; i++) {
        const int n = trace->requests[i].n_prompt + trace->requests[i].n_output - 1;
        if (n > most)
            most = n;
    }
    return most;
}

/* With shared beginnings, as many sequences again keep those of finished requests. */
static int open_engine(struct serving *s, struct fl_error *error)
{
    const struct fl_serve_options *o = s->options;
    const int n_ctx = o->n_ctx > 0 ? o->n_ctx : longest(s->trace);
    const struct fl_serve_engine_options options = {
        .n_seqs = o->schedule.max_seqs * (o->schedule.prefix_cache ? 2 : 1),
        .n_ctx = n_ctx,
        .max_batch_tokens = o->schedule.max_batch_tokens,
        .block_tokens = o->block_tokens > 0 ? o->block_tokens : fl_kv_block_tokens(n_ctx),
        .n_blocks = o->n_blocks,
        .attention = o->attention,
        .kv_dtype = o->kv_dtype,
        .n_threads = o->n_threads,
        .log = o->log,
    };
    if (fl_serve_engine_open(&s->engine, s->model, &options, error) != FL_OK)
        return FL_FAILED;
    struct fl_serve_result *result = s->result;
    result->n_ctx = options.n_ctx;
    result->block_tokens = options.block_tokens;
    result->n_blocks = s->engine.schedule.n_blocks;
    result->n_threads = fl_session_n_threads(s->engine.session);
    result->block_bytes = fl_session_block_bytes(s->engine.session);
    result->kv_cache_bytes = fl_session_kv_cache_bytes(s->engine.session);
    return fl_scheduler_open(&s->scheduler, &o->schedule, &s->engine.schedule, s->trace->requests,
                             s->trace->n, error);
}

static int reserve(struct serving *s, struct fl_error *error)
{
    const size_t n = (size_t)s->trace->n;
    s->result->n_requests = s->trace->n;
    s->result->requests = calloc(n, sizeof *s->result->requests);
    s->result->outputs = calloc(n, sizeof *s->result->outputs);
    s->result->refusals = calloc(n, sizeof *s->result->refusals);
    s->n_preempted = calloc(n, sizeof *s->n_preempted);
    s->spans = calloc((size_t)s->options->schedule.max_seqs, sizeof *s->spans);
    if (!s->result->requests || !s->result->outputs || !s->result->refusals || !s->n_preempted ||
        !s->spans)
        return fl_fail(error, "not enough memory for the records of %zu requests", n);
    memset(s->n_preempted, -1, n * sizeof *s->n_preempted);
    return FL_OK;
}

/* What the scheduler knows of a request joins its record. */
static int collect(struct serving *s, int i, struct fl_error *error)
{
    const struct fl_request *request = &s->trace->requests[i];
    const struct fl_request_progress *progress = fl_scheduler_progress(s->scheduler, i);
    struct fl_serving_request *r = &s->result->requests[i];
    r->line = s->trace->lines[i];
    r->arrival_s = request->arrival_s;
    r->started_s = progress->started_s;
    r->first_token_s = progress->first_token_s;
    r->finished_s = progress->finished_s;
    r->n_prompt = request->n_prompt;
    r->n_output = request->n_output;
    r->n_preempted = progress->n_preempted;
    r->n_repeated = progress->n_repeated;
    if (progress->state == FL_REQUEST_REFUSED) {
        s->result->refusals[i] = progress->refused;
        r->refusal = s->result->refusals[i].text;
    }
    if (progress->state != FL_REQUEST_DONE)
        return FL_OK;
    const size_t size = (size_t)request->n_output * sizeof(int);
    s->result->outputs[i] = malloc(size);
    if (!s->result->outputs[i])
        return fl_fail(error, "not enough memory for the output of request %d", i);
    memcpy(s->result->outputs[i], progress->output, size);
    return FL_OK;
}

int fl_serve(struct fl_serve_result *result, const struct fl_model *model,
             const struct fl_request_trace *trace, const struct fl_serve_options *options,
             struct fl_error *error)
{
    struct serving s = {.model = model, .trace = trace, .options = options, .result = result};
    *result = (struct fl_serve_result){0};
    assert(trace->n > 0 && options->schedule.max_seqs > 0);
    int status = reserve(&s, error);
    if (status == FL_OK)
        status = open_engine(&s, error);
    if (status == FL_OK) {
        fl_progress_start(&s.progress, "requests", trace->n, 0, options->quiet);
        status = serve_all(&s, error);
        fl_progress_finish(&s.progress);
    }
    for (int i = 0; i < trace->n && status == FL_OK; i++)
        status = collect(&s, i, error);
    fl_scheduler_close(s.scheduler);
    fl_serve_engine_close(&s.engine);
    free(s.n_preempted);
    free(s.spans);
    if (status != FL_OK)
        fl_serve_close(result);
    return status;
}

void fl_serve_close(struct fl_serve_result *result)
{
    for (int i = 0; result->outputs && i < result->n_requests; i++)
        free(result->outputs[i]);
    free(result->outputs);
    free(result->requests);
    free(result->passes);
    free(result->refusals);
    *result = (struct fl_serve_result){0};
}
