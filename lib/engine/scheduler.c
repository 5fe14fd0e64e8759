#include "engine/scheduler.h"

#include "engine/kv_cache.h"
#include "engine/scheduler_state.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- a request's tokens ---- */

static int n_tokens_of(const struct fl_scheduler *s, int request)
{
    return s->requests[request].n_prompt + s->jobs[request].progress.n_generated;
}

static int token_of(const struct fl_scheduler *s, int request, int i)
{
    const struct fl_request *r = &s->requests[request];
    return i < r->n_prompt ? r->prompt[i] : s->jobs[request].output[i - r->n_prompt];
}

static const int *tokens_of(struct fl_scheduler *s, int request)
{
    const struct fl_request *r = &s->requests[request];
    memcpy(s->ids, r->prompt, (size_t)r->n_prompt * sizeof *s->ids);
    memcpy(s->ids + r->n_prompt, s->jobs[request].output,
           (size_t)s->jobs[request].progress.n_generated * sizeof *s->ids);
    return s->ids;
}

/* ---- blocks ---- */

static int blocks_for(const struct fl_scheduler *s, int n_tokens)
{
    return fl_kv_blocks(n_tokens, s->engine.block_tokens);
}

static int blocks_between(const struct fl_scheduler *s, int length, int n_tokens)
{
    return blocks_for(s, length + n_tokens) - blocks_for(s, length);
}

/* That a sequence of n_tokens cannot do without, run in pieces as small as it takes: all of them,
 * or those of a window. */
static int blocks_at_once(const struct fl_scheduler *s, int n_tokens)
{
    const int all = blocks_for(s, n_tokens);
    if (s->engine.window == 0)
        return all;
    const int window = fl_kv_window_blocks(s->engine.window, s->engine.block_tokens, 1);
    return all < window ? all : window;
}

/* What lies between the lengths, or under a window its blocks, which are then free again. */
static int blocks_to_find(const struct fl_scheduler *s, int length, int n_tokens)
{
    const int all = blocks_between(s, length, n_tokens);
    const int most = blocks_at_once(s, length + n_tokens);
    return all < most ? all : most;
}

/* A sequence of this length has let go of its beginning. */
static bool has_slid(const struct fl_scheduler *s, int length)
{
    return s->engine.window > 0 && length + 1 - s->engine.window >= s->engine.block_tokens;
}

/* Nobody's, and not yet spoken for by this pass. */
static int blocks_left(const struct fl_scheduler *s)
{
    return s->engine.blocks_free(s->engine.context) - s->n_promised;
}

static void vacate(struct fl_scheduler *s, int seq)
{
    s->engine.truncate(s->engine.context, seq, 0);
    if (s->options.prefix_cache)
        fl_prefix_cache_truncate(&s->prefixes, seq, 0);
    s->seats[seq] = (struct fl_scheduler_seat){.request = -1};
}

/* The kept beginning that was of no use for longest; -1 when nothing is kept. */
static int stalest(const struct fl_scheduler *s, int except)
{
    int found = -1;
    for (int seq = 0; seq < s->engine.n_seqs; seq++)
        if (seq != except && s->seats[seq].request < 0 && s->seats[seq].kept > 0 &&
            (found < 0 || s->seats[seq].used < s->seats[found].used))
            found = seq;
    return found;
}

/* Lets go of kept beginnings until n blocks are left; false when that was not enough. */
static bool find_blocks(struct fl_scheduler *s, int n, int except)
{
    while (blocks_left(s) < n) {
        const int seq = stalest(s, except);
        if (seq < 0)
            return false;
        vacate(s, seq);
    }
    return true;
}

/* ---- queue and running requests: ordered by age ---- */

static void insert(int *list, int *n, int request)
{
    int at = *n;
    for (; at > 0 && list[at - 1] > request; at--)
        list[at] = list[at - 1];
    list[at] = request;
    ++*n;
}

static void remove_at(int *list, int *n, int at)
{
    --*n;
    memmove(list + at, list + at + 1, (size_t)(*n - at) * sizeof *list);
}

/* The youngest running request gives its blocks back and queues again. */
static void preempt_youngest(struct fl_scheduler *s)
{
    const int request = s->running[s->n_running - 1];
    struct fl_scheduler_job *job = &s->jobs[request];
    vacate(s, job->seq);
    job->seq = -1;
    job->length = 0;
    job->progress.state = FL_REQUEST_QUEUED;
    job->progress.n_preempted++;
    s->n_running--;
    insert(s->queue, &s->n_queue, request);
}

static void refuse(struct fl_scheduler *s, int request)
{
    const struct fl_request *r = &s->requests[request];
    struct fl_request_progress *progress = &s->jobs[request].progress;
    const int n = fl_scheduler_n_at_end(r);
    if (n > s->engine.n_ctx)
        fl_fail(&progress->refused,
                "request %d: %d tokens of prompt and %d of output need a context of %d, expected "
                "at most %d",
                request, r->n_prompt, r->n_output, n, s->engine.n_ctx);
    else
        fl_fail(&progress->refused,
                "request %d: its %d tokens need %d blocks of %d, expected at most the %d there are",
                request, n, blocks_at_once(s, n), s->engine.block_tokens, s->engine.n_blocks);
    progress->state = FL_REQUEST_REFUSED;
    s->n_over++;
}

static void welcome(struct fl_scheduler *s, double now_s)
{
    for (; s->n_arrived < s->n_requests && s->requests[s->n_arrived].arrival_s <= now_s;
         s->n_arrived++) {
        const int n = fl_scheduler_n_at_end(&s->requests[s->n_arrived]);
        if (n > s->engine.n_ctx || blocks_at_once(s, n) > s->engine.n_blocks) {
            refuse(s, s->n_arrived);
            continue;
        }
        s->jobs[s->n_arrived].progress.state = FL_REQUEST_QUEUED;
        insert(s->queue, &s->n_queue, s->n_arrived);
    }
}

/* ---- spans ---- */

static void add_span(struct fl_scheduler *s, int request, int n_tokens, double now_s)
{
    struct fl_scheduler_job *job = &s->jobs[request];
    const int end = job->length + n_tokens;
    const int repeated = (end < job->n_run ? end : job->n_run) - job->length;
    s->spans[s->n_spans++] = (struct fl_schedule_span){
        .request = request,
        .seq = job->seq,
        .n_tokens = n_tokens,
        .n_past = job->length,
        .samples = end == n_tokens_of(s, request),
        .n_repeated = repeated > 0 ? repeated : 0,
    };
    for (int i = 0; i < n_tokens; i++)
        s->tokens[s->n_rows++] = token_of(s, request, job->length + i);
    s->n_promised += blocks_between(s, job->length, n_tokens);
    job->planned = s->n_passes;
    if (isnan(job->progress.started_s))
        job->progress.started_s = now_s;
}

static int n_lacking(const struct fl_scheduler *s, int request)
{
    return n_tokens_of(s, request) - s->jobs[request].length;
}

/* The requests before `running[i]` have their spans already; whoever is preempted is younger, or
 * the request itself. */
static void plan_decode(struct fl_scheduler *s, double now_s)
{
    for (int i = 0; i < s->n_running; i++) {
        const int request = s->running[i];
        if (n_lacking(s, request) != 1 || isnan(s->jobs[request].progress.started_s))
            continue;
        const int need = blocks_between(s, s->jobs[request].length, 1);
        while (i < s->n_running && !find_blocks(s, need, -1))
            preempt_youngest(s);
        if (i < s->n_running)
            add_span(s, request, 1, now_s);
    }
}

/* Most tokens behind `length` that the blocks allow. */
static int n_fitting(const struct fl_scheduler *s, int length, int n_blocks)
{
    const int block_tokens = s->engine.block_tokens;
    const int in_last = blocks_for(s, length) * block_tokens - length;
    return in_last + n_blocks * block_tokens;
}

static void plan_pieces(struct fl_scheduler *s, double now_s)
{
    for (int i = 0; i < s->n_running && s->n_rows < s->options.max_batch_tokens; i++) {
        const int request = s->running[i], length = s->jobs[request].length;
        int n = n_lacking(s, request);
        if (s->jobs[request].planned == s->n_passes)
            continue; /* decodes */
        if (n > s->options.max_batch_tokens - s->n_rows)
            n = s->options.max_batch_tokens - s->n_rows;
        find_blocks(s, blocks_between(s, length, n), -1);
        /* whoever is first must get on; the others can wait for those before them */
        while (s->n_spans == 0 && i < s->n_running - 1 && blocks_left(s) < 1 &&
               n_fitting(s, length, 0) < 1)
            preempt_youngest(s);
        const int left = blocks_left(s);
        const int fitting = n_fitting(s, length, left > 0 ? left : 0);
        if (n > fitting)
            n = fitting;
        if (n > 0)
            add_span(s, request, n, now_s);
    }
}

/* ---- admission ---- */

/* Blocks that requests admitted earlier still need for the tokens they have, spans planned for
 * this pass left out: those are promised already. */
static int blocks_awaited(const struct fl_scheduler *s)
{
    int n = 0;
    for (int i = 0; i < s->n_running; i++) {
        const int request = s->running[i];
        n += blocks_to_find(s, s->jobs[request].length, n_lacking(s, request));
    }
    return n - s->n_promised;
}

/* An unused sequence, else one that keeps a beginning; -1 when all are running. Where only `donor`
 * is left it is given itself. */
static int find_seat(struct fl_scheduler *s, int donor)
{
    for (int seq = 0; seq < s->engine.n_seqs; seq++)
        if (s->seats[seq].request < 0 && s->seats[seq].kept == 0)
            return seq;
    const int seq = stalest(s, donor);
    if (seq >= 0) {
        vacate(s, seq);
        return seq;
    }
    return donor >= 0 && s->seats[donor].request < 0 ? donor : -1;
}

/* Room for a request of which n_found tokens are in donor's cache. */
static bool has_room(struct fl_scheduler *s, int request, int n_found, int donor)
{
    const int need = blocks_to_find(s, n_found, n_tokens_of(s, request) - n_found);
    return find_blocks(s, need + blocks_awaited(s), donor);
}

/* Whole blocks of another request's cache with which this one begins. At least one token is left
 * to run: its logits are what comes next. */
static int find_prefix(struct fl_scheduler *s, int request, int *donor)
{
    *donor = -1;
    if (!s->options.prefix_cache)
        return 0;
    return fl_prefix_cache_find(&s->prefixes, tokens_of(s, request), n_tokens_of(s, request) - 1,
                                donor);
}

static int share(struct fl_scheduler *s, int request, int seq, int donor, int n_found,
                 struct fl_error *error)
{
    struct fl_scheduler_job *job = &s->jobs[request];
    if (seq == donor) {
        s->engine.truncate(s->engine.context, seq, n_found);
        fl_prefix_cache_truncate(&s->prefixes, seq, n_found);
    } else {
        if (s->engine.fork(s->engine.context, seq, donor, n_found, error) != FL_OK)
            return FL_FAILED;
        s->seats[donor].used = s->n_passes;
        fl_prefix_cache_note(&s->prefixes, seq, s->ids, n_found);
    }
    job->length = n_found;
    job->progress.n_reused += n_found;
    return FL_OK;
}

/* The oldest in the queue, when there is room; *admitted says so. */
static int admit_one(struct fl_scheduler *s, bool *admitted, struct fl_error *error)
{
    const int request = s->queue[0];
    int donor, n_found = find_prefix(s, request, &donor);
    *admitted = false;
    if (!has_room(s, request, n_found, donor)) {
        /* the donor's own blocks may be what is missing */
        if (donor < 0 || s->seats[donor].request >= 0)
            return FL_OK;
        donor = -1;
        n_found = 0;
        if (!has_room(s, request, 0, -1))
            return FL_OK;
    }
    const int seq = find_seat(s, donor);
    if (seq < 0)
        return FL_OK;
    struct fl_scheduler_job *job = &s->jobs[request];
    job->length = 0;
    if (n_found > 0 && share(s, request, seq, donor, n_found, error) != FL_OK)
        return FL_FAILED;
    job->seq = seq;
    job->progress.state = FL_REQUEST_RUNNING;
    s->seats[seq] = (struct fl_scheduler_seat){.request = request};
    remove_at(s->queue, &s->n_queue, 0);
    insert(s->running, &s->n_running, request);
    *admitted = true;
    return FL_OK;
}

static int admit(struct fl_scheduler *s, struct fl_error *error)
{
    if (s->options.policy == FL_SCHEDULE_STATIC && s->n_running > 0)
        return FL_OK;
    bool admitted = true;
    while (admitted && s->n_queue > 0 && s->n_running < s->options.max_seqs)
        if (admit_one(s, &admitted, error) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

/* ---- a pass ---- */

int fl_scheduler_plan(struct fl_scheduler *s, double now_s, struct fl_schedule_pass *pass,
                      struct fl_error *error)
{
    s->n_spans = s->n_rows = s->n_promised = 0;
    s->n_passes++;
    welcome(s, now_s);
    plan_decode(s, now_s);
    if (admit(s, error) != FL_OK)
        return FL_FAILED;
    plan_pieces(s, now_s);
    *pass = (struct fl_schedule_pass){.n_spans = s->n_spans,
                                      .n_rows = s->n_rows,
                                      .spans = s->spans,
                                      .tokens = s->tokens,
                                      .chosen = s->chosen};
    for (int i = 0; i < s->n_spans; i++)
        pass->samples = pass->samples || s->spans[i].samples;
    assert(s->n_spans > 0 || (s->n_running == 0 && s->n_queue == 0));
    return FL_OK;
}

int fl_scheduler_run(struct fl_scheduler *s, struct fl_schedule_pass *pass, struct fl_error *error)
{
    return pass->n_spans == 0 ? FL_OK : s->engine.run(s->engine.context, pass, error);
}

/* Of a finished request the whole blocks may serve others. */
static void keep_or_vacate(struct fl_scheduler *s, const struct fl_scheduler_job *job)
{
    const int kept = job->length / s->engine.block_tokens * s->engine.block_tokens;
    if (!s->options.prefix_cache || kept == 0 || has_slid(s, job->length)) {
        vacate(s, job->seq);
        return;
    }
    s->engine.truncate(s->engine.context, job->seq, kept);
    s->seats[job->seq] =
        (struct fl_scheduler_seat){.request = -1, .kept = kept, .used = s->n_passes};
}

static void end_request(struct fl_scheduler *s, int request, double now_s)
{
    struct fl_scheduler_job *job = &s->jobs[request];
    job->progress.state = FL_REQUEST_DONE;
    job->progress.finished_s = now_s;
    keep_or_vacate(s, job);
    job->seq = -1;
    int at = 0;
    while (s->running[at] != request)
        at++;
    remove_at(s->running, &s->n_running, at);
    s->n_over++;
}

/* Whole blocks that the span completed may be shared from now on, while the sequence has all of
 * them. */
static void note_prefix(struct fl_scheduler *s, const struct fl_schedule_span *span)
{
    const int length = span->n_past + span->n_tokens, block_tokens = s->engine.block_tokens;
    if (has_slid(s, length))
        fl_prefix_cache_truncate(&s->prefixes, span->seq, 0);
    else if (length / block_tokens > span->n_past / block_tokens)
        fl_prefix_cache_note(&s->prefixes, span->seq, tokens_of(s, span->request), length);
}

void fl_scheduler_finish(struct fl_scheduler *s, const struct fl_schedule_pass *pass, double now_s)
{
    for (int i = 0; i < pass->n_spans; i++) {
        const struct fl_schedule_span *span = &pass->spans[i];
        struct fl_scheduler_job *job = &s->jobs[span->request];
        struct fl_request_progress *progress = &job->progress;
        job->length += span->n_tokens;
        if (job->length > job->n_run)
            job->n_run = job->length;
        progress->n_repeated += span->n_repeated;
        if (s->options.prefix_cache)
            note_prefix(s, span);
        if (!span->samples)
            continue;
        if (progress->n_generated == 0)
            progress->first_token_s = now_s;
        job->output[progress->n_generated++] = pass->chosen[i];
        if (progress->n_generated == s->requests[span->request].n_output)
            end_request(s, span->request, now_s);
    }
}

/* ---- looking at it ---- */

double fl_scheduler_next_arrival_s(const struct fl_scheduler *s)
{
    return s->n_arrived < s->n_requests ? s->requests[s->n_arrived].arrival_s : (double)INFINITY;
}

bool fl_scheduler_done(const struct fl_scheduler *s)
{
    return s->n_over == s->n_requests;
}

int fl_scheduler_n_over(const struct fl_scheduler *s)
{
    return s->n_over;
}

int fl_scheduler_n_running(const struct fl_scheduler *s)
{
    return s->n_running;
}

int fl_scheduler_n_queued(const struct fl_scheduler *s)
{
    return s->n_queue;
}

const struct fl_request_progress *fl_scheduler_progress(const struct fl_scheduler *s, int request)
{
    return &s->jobs[request].progress;
}
