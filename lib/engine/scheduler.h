/* scheduler.h - which tokens of which requests run in the next pass: batching over time.
 *
 * Continuous batching works at the granularity of one pass, not one request: a request joins when
 * there is room and leaves when it is done, and the others never wait for it. Sources: Orca, Yu et
 * al., 2022 (OSDI); blocks, admission and preemption as in vLLM, Kwon et al., 2023
 * (arXiv:2309.06180); prompts in pieces beside decode steps as in Sarathi, Agrawal et al., 2023
 * (arXiv:2308.16369).
 *
 * Each pass is planned so:
 *  1. Requests that have arrived by now join the queue, in order of arrival. One that could never
 *     run (longer than the context, more blocks than there are) is refused with a sentence.
 *  2. Every running request whose cache is up to date decodes one token, the oldest first.
 *  3. The queue is admitted in order while there are sequences and free blocks for all the tokens
 *     the request has so far, beyond what requests admitted earlier still need for theirs. Nobody
 *     overtakes. Under the static policy only when nobody is running: a batch begins and ends
 *     together, but what is done does not run on.
 *  4. Running requests whose cache lacks tokens get pieces of them, the oldest first, up to the
 *     pass's budget of tokens.
 *
 * When a block is missing, caches of finished requests that were kept for their prefixes go first,
 * the one unused for longest before the others. Then the youngest running request is preempted: its
 * blocks are freed, what it has generated is kept, and it returns to its place in the queue to run
 * all its tokens again (recomputation). The oldest is never preempted for a younger one and always
 * fits alone, so every request ends. Under greedy decoding a request's output does not depend on
 * what it shares its passes with, up to rounding.
 *
 * Under a sliding window a sequence holds the window's blocks only, and what counts above is that
 * many. One that has let go of its beginning cannot lend it to others any more.
 *
 * The scheduler computes nothing itself: it drives an engine, which may be a session
 * (serve_engine.h) or a test's. Nothing is allocated behind fl_scheduler_open(). */
#ifndef FL_ENGINE_SCHEDULER_H
#define FL_ENGINE_SCHEDULER_H

#include "base/error.h"
#include "engine/prefix_cache.h"

#include <stdbool.h>
#include <stdint.h>

struct fl_request {
    double arrival_s;
    int n_prompt, n_output; /* both at least 1; exactly n_output tokens are generated */
    const int *prompt;      /* [n_prompt] */
};

enum fl_request_state {
    FL_REQUEST_EXPECTED, /* has not arrived */
    FL_REQUEST_QUEUED,
    FL_REQUEST_RUNNING,
    FL_REQUEST_DONE,
    FL_REQUEST_REFUSED
};

/* What became of a request; times on the clock of the traces. */
struct fl_request_progress {
    enum fl_request_state state;
    double started_s;     /* the first pass with a token of it begins */
    double first_token_s; /* the pass that gave the first token ends */
    double finished_s;
    const int *output; /* [n_generated] */
    int n_generated;
    int n_preempted;    /* times */
    int64_t n_reused;   /* tokens found in another request's cache, over all admissions */
    int64_t n_repeated; /* tokens run again behind a preemption */
    struct fl_error refused;
};

/* n_tokens tokens of a sequence behind the n_past its cache holds. */
struct fl_schedule_span {
    int request, seq;
    int n_tokens, n_past;
    bool samples;   /* its last row gives the request's next token; else a piece of a prompt */
    int n_repeated; /* of n_tokens, the first ones: run before, lost to a preemption */
};

struct fl_schedule_pass {
    int n_spans, n_rows;
    const struct fl_schedule_span *spans;
    const int *tokens; /* [n_rows], span by span */
    bool samples;      /* any span does */
    int *chosen;       /* [n_spans], filled by the engine */
};

/* What runs the passes. Sequences are 0 .. n_seqs-1, empty at first. A block holds block_tokens
 * tokens; sequences that share a beginning by fork() share its whole blocks. */
struct fl_schedule_engine {
    void *context;
    int n_seqs, n_ctx, block_tokens, n_blocks;
    int window; /* tokens a query sees: the engine frees the blocks behind them when a pass is over
                   (session.h, slides); 0: all */
    /* Runs the spans and writes the token chosen behind each that samples to pass->chosen. */
    int (*run)(void *context, const struct fl_schedule_pass *pass, struct fl_error *error);
    /* `to` becomes the first n tokens of `from`; n is a multiple of block_tokens. */
    int (*fork)(void *context, int to, int from, int n, struct fl_error *error);
    void (*truncate)(void *context, int seq, int n);
    int (*blocks_free)(void *context);
};

enum fl_schedule_policy { FL_SCHEDULE_STATIC, FL_SCHEDULE_CONTINUOUS };
extern const char *const fl_schedule_policy_names[]; /* NULL-terminated */

struct fl_scheduler_options {
    int max_seqs; /* running at once; at most the engine's n_seqs: the others keep prefixes */
    int max_batch_tokens; /* rows of a pass, at least max_seqs */
    enum fl_schedule_policy policy;
    bool prefix_cache;
};

struct fl_scheduler;

/* requests [n] in order of arrival; they, their prompts and the engine's context must outlive it.
 */
int fl_scheduler_open(struct fl_scheduler **scheduler, const struct fl_scheduler_options *options,
                      const struct fl_schedule_engine *engine, const struct fl_request *requests,
                      int n_requests, struct fl_error *error);
void fl_scheduler_close(struct fl_scheduler *scheduler);

/* Plans the pass that begins at now_s. An empty one (n_spans 0) means that nothing can run before
 * the next arrival. */
int fl_scheduler_plan(struct fl_scheduler *scheduler, double now_s, struct fl_schedule_pass *pass,
                      struct fl_error *error);

/* Runs it on the engine: the part worth timing. */
int fl_scheduler_run(struct fl_scheduler *scheduler, struct fl_schedule_pass *pass,
                     struct fl_error *error);

/* Takes its tokens, at the time it ended. */
void fl_scheduler_finish(struct fl_scheduler *scheduler, const struct fl_schedule_pass *pass,
                         double now_s);

/* When the next request arrives; INFINITY when all have. */
double fl_scheduler_next_arrival_s(const struct fl_scheduler *scheduler);
bool fl_scheduler_done(const struct fl_scheduler *scheduler);  /* every request done or refused */
int fl_scheduler_n_over(const struct fl_scheduler *scheduler); /* done or refused */

int fl_scheduler_n_running(const struct fl_scheduler *scheduler);
int fl_scheduler_n_queued(const struct fl_scheduler *scheduler);
const struct fl_request_progress *fl_scheduler_progress(const struct fl_scheduler *scheduler,
                                                        int request);

#endif
