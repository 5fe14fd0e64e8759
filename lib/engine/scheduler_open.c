/* scheduler_open.c - the beginning and the end of scheduler.h. */
#include "engine/scheduler_state.h"

#include <math.h>
#include <stdlib.h>

const char *const fl_schedule_policy_names[] = {"static", "continuous", NULL};

static int check(const struct fl_scheduler_options *options,
                 const struct fl_schedule_engine *engine, const struct fl_request *requests,
                 int n_requests, struct fl_error *error)
{
    if (options->max_seqs < 1 || options->max_seqs > engine->n_seqs)
        return fl_fail(error, "max_seqs: expected 1 .. %d (the engine's sequences), got %d",
                       engine->n_seqs, options->max_seqs);
    if (options->max_batch_tokens < options->max_seqs)
        return fl_fail(error,
                       "max_batch_tokens: expected at least max_seqs, %d, so that every running "
                       "request can decode, got %d",
                       options->max_seqs, options->max_batch_tokens);
    for (int i = 0; i < n_requests; i++) {
        const struct fl_request *r = &requests[i];
        if (r->n_prompt < 1 || r->n_output < 1 || r->n_prompt > INT32_MAX / 2 ||
            r->n_output > INT32_MAX / 2)
            return fl_fail(error,
                           "request %d: expected at least one token of prompt and of output, got "
                           "%d and %d",
                           i, r->n_prompt, r->n_output);
        if (!isfinite(r->arrival_s) || (i > 0 && r->arrival_s < requests[i - 1].arrival_s))
            return fl_fail(error, "request %d: arrival: expected requests in order of arrival", i);
    }
    return FL_OK;
}

/* Outputs of requests that are refused are never written; they take no memory. */
static size_t n_outputs(const struct fl_scheduler *s)
{
    size_t n = 0;
    for (int i = 0; i < s->n_requests; i++)
        if (fl_scheduler_n_at_end(&s->requests[i]) <= s->engine.n_ctx)
            n += (size_t)s->requests[i].n_output;
    return n;
}

static void hand_out_outputs(struct fl_scheduler *s)
{
    size_t n = 0;
    for (int i = 0; i < s->n_requests; i++) {
        s->jobs[i] = (struct fl_scheduler_job){
            .seq = -1,
            .output = s->outputs + n,
            .progress = {.started_s = NAN, .first_token_s = NAN, .finished_s = NAN},
        };
        s->jobs[i].progress.output = s->jobs[i].output;
        if (fl_scheduler_n_at_end(&s->requests[i]) <= s->engine.n_ctx)
            n += (size_t)s->requests[i].n_output;
    }
}

static int reserve(struct fl_scheduler *s, struct fl_error *error)
{
    const size_t n_requests = (size_t)s->n_requests + 1, n_seqs = (size_t)s->engine.n_seqs;
    s->jobs = calloc(n_requests, sizeof *s->jobs);
    s->outputs = calloc(n_outputs(s) + 1, sizeof *s->outputs);
    s->seats = calloc(n_seqs, sizeof *s->seats);
    s->running = calloc(n_seqs, sizeof *s->running);
    s->queue = calloc(n_requests, sizeof *s->queue);
    s->ids = calloc((size_t)s->engine.n_ctx + 1, sizeof *s->ids);
    s->spans = calloc(n_seqs, sizeof *s->spans);
    s->chosen = calloc(n_seqs, sizeof *s->chosen);
    s->tokens = calloc((size_t)s->options.max_batch_tokens, sizeof *s->tokens);
    if (!s->jobs || !s->outputs || !s->seats || !s->running || !s->queue || !s->ids || !s->spans ||
        !s->chosen || !s->tokens)
        return fl_fail(error, "scheduler: not enough memory for %d requests", s->n_requests);
    if (s->options.prefix_cache)
        return fl_prefix_cache_open(&s->prefixes, s->engine.n_seqs, s->engine.n_ctx,
                                    s->engine.block_tokens, error);
    return FL_OK;
}

int fl_scheduler_open(struct fl_scheduler **scheduler, const struct fl_scheduler_options *options,
                      const struct fl_schedule_engine *engine, const struct fl_request *requests,
                      int n_requests, struct fl_error *error)
{
    *scheduler = NULL;
    if (check(options, engine, requests, n_requests, error) != FL_OK)
        return FL_FAILED;
    struct fl_scheduler *s = calloc(1, sizeof *s);
    if (!s)
        return fl_fail(error, "scheduler: not enough memory");
    s->options = *options;
    s->engine = *engine;
    s->requests = requests;
    s->n_requests = n_requests;
    if (reserve(s, error) != FL_OK) {
        fl_scheduler_close(s);
        return FL_FAILED;
    }
    hand_out_outputs(s);
    for (int seq = 0; seq < engine->n_seqs; seq++)
        s->seats[seq].request = -1;
    *scheduler = s;
    return FL_OK;
}

void fl_scheduler_close(struct fl_scheduler *s)
{
    if (!s)
        return;
    fl_prefix_cache_close(&s->prefixes);
    free(s->jobs);
    free(s->outputs);
    free(s->seats);
    free(s->running);
    free(s->queue);
    free(s->ids);
    free(s->spans);
    free(s->chosen);
    free(s->tokens);
    free(s);
}
