#include "engine/speculative.h"

#include "base/random.h"
#include "engine/kv_cache.h"
#include "engine/logits_processor.h"
#include "engine/pass_cost.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PREFILL_CHUNK = 64, N_DRAFT_MAX = 1024 };

const char *const fl_speculative_phase_names[] = {"prefill", "draft prefill", "draft", "verify",
                                                  NULL};

/* A round's passes follow from these numbers alone. */
struct round_record {
    int n_past;       /* of the target; the pending token comes behind them */
    int n_draft_past; /* of the draft: it catches up with what it lacks */
    int n_drafted, n_accepted;
};

/* Which experts passes hit, one pass behind the other: with them the account knows the bytes of a
 * mixture of experts. Empty for other models. */
struct hit_log {
    int *hits; /* [n, n_layers] */
    size_t n, capacity;
};

struct fl_speculative {
    const struct fl_model *target_model, *draft_model;
    struct fl_speculative_options options;
    struct fl_session *target, *draft;
    int n_ctx, draft_n_ctx, chunk, vocab_size;
    uint64_t state;
    int *history; /* [n_ctx + 1]: ids, then this round's proposals */
    double *p;    /* [vocab_size] */
    double *q;    /* [n_draft, vocab_size] */
    struct fl_ledger ledgers[FL_SPECULATIVE_N_PHASES];
    struct hit_log target_hits, draft_hits;
    int n_prompt;
    int n_rounds;
    int64_t n_drafted;
    struct round_record *rounds; /* [n_ctx]: a round emits at least one token */
};

/* ---- the rule ---- */

static double residual(const double *p, const double *q, int i)
{
    return p[i] > q[i] ? p[i] - q[i] : 0;
}

static int draw_residual(const double *p, const double *q, int n, uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += residual(p, q, i);
    if (sum <= 0) /* p is q: a rejection came of rounding */
        return fl_random_index(state, p, n, 1);
    double left = fl_random_uniform(state) * sum;
    int last = 0;
    for (int i = 0; i < n; i++) {
        const double weight = residual(p, q, i);
        if (weight <= 0)
            continue;
        last = i;
        if (left < weight)
            return i;
        left -= weight;
    }
    return last;
}

int fl_speculative_choose(const double *p, const double *q, int n, int x, uint64_t *state,
                          bool *accepted)
{
    *accepted = fl_random_uniform(state) * q[x] < p[x];
    return *accepted ? x : draw_residual(p, q, n, state);
}

/* ---- opening ---- */

static int check(const struct fl_model *target, const struct fl_model *draft,
                 const struct fl_speculative_options *options, struct fl_error *error)
{
    if (target->config.n_encoder_layers > 0 || draft->config.n_encoder_layers > 0)
        return fl_fail(error, "%s: speculative decoding: expected a decoder-only model",
                       target->config.n_encoder_layers > 0 ? target->config.name
                                                           : draft->config.name);
    if (target->config.vocab_size != draft->config.vocab_size)
        return fl_fail(error,
                       "%s: vocab_size: a draft model has the target's vocabulary; expected %d, "
                       "as %s has, got %d",
                       draft->config.name, target->config.vocab_size, target->config.name,
                       draft->config.vocab_size);
    if (options->n_draft < 1 || options->n_draft > N_DRAFT_MAX)
        return fl_fail(error, "%s: n_draft: expected 1 .. %d proposals a round, got %d",
                       draft->config.name, N_DRAFT_MAX, options->n_draft);
    if (options->prefill_chunk < 0)
        return fl_fail(error, "%s: prefill_chunk: expected at least 1 token, or 0, got %d",
                       target->config.name, options->prefill_chunk);
    return FL_OK;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Under a window the cache lies in blocks, so that those behind it are freed. */
static void let_slide(struct fl_session_options *options, const struct fl_model *model, int n_draft)
{
    const int window = model->config.sliding_window;
    options->slides = window > 0 && window < options->n_ctx;
    options->block_tokens = options->slides ? fl_kv_block_tokens(options->n_ctx) : 0;
    options->n_rewind = least(n_draft, options->n_ctx);
}

static int open_sessions(struct fl_speculative *s, struct fl_error *error)
{
    const struct fl_speculative_options *o = &s->options;
    const int n_ctx = o->n_ctx > 0 ? o->n_ctx : s->target_model->config.n_ctx_max;
    const int widest = s->chunk > o->n_draft + 1 ? s->chunk : o->n_draft + 1;
    struct fl_session_options options = {
        .n_seqs = 1,
        .n_ctx = n_ctx,
        .n_tokens_max = least(widest, n_ctx),
        .kv_dtype = o->kv_dtype,
        .attention = o->attention,
        .logits = FL_LOGITS_ALL,
        .n_threads = o->n_threads,
    };
    let_slide(&options, s->target_model, o->n_draft);
    if (fl_session_open(&s->target, s->target_model, &options, error) != FL_OK)
        return FL_FAILED;
    s->n_ctx = fl_session_n_ctx(s->target);
    s->draft_n_ctx = least(s->n_ctx, s->draft_model->config.n_ctx_max);
    options.n_ctx = s->draft_n_ctx;
    options.n_tokens_max = least(s->chunk, s->draft_n_ctx);
    options.logits = FL_LOGITS_LAST;
    let_slide(&options, s->draft_model, o->n_draft);
    return fl_session_open(&s->draft, s->draft_model, &options, error);
}

static int reserve(struct fl_speculative *s, struct fl_error *error)
{
    const size_t vocab_size = (size_t)s->vocab_size, n_ctx = (size_t)s->n_ctx;
    s->history = calloc(n_ctx + 1, sizeof *s->history);
    s->rounds = calloc(n_ctx, sizeof *s->rounds);
    if (s->options.distribution.of) {
        s->p = calloc(vocab_size, sizeof *s->p);
        s->q = calloc((size_t)s->options.n_draft * vocab_size, sizeof *s->q);
    }
    if (!s->history || !s->rounds || (s->options.distribution.of && (!s->p || !s->q)))
        return fl_fail(error, "%s: not enough memory for %d proposals over %d ids",
                       s->target_model->config.name, s->options.n_draft, s->vocab_size);
    return FL_OK;
}

static bool is_targets(int phase)
{
    return phase == FL_SPECULATIVE_PREFILL || phase == FL_SPECULATIVE_VERIFY;
}

int fl_speculative_open(struct fl_speculative **speculative, const struct fl_model *target,
                        const struct fl_model *draft, const struct fl_speculative_options *options,
                        struct fl_error *error)
{
    *speculative = NULL;
    if (check(target, draft, options, error) != FL_OK)
        return FL_FAILED;
    struct fl_speculative *s = calloc(1, sizeof *s);
    if (!s)
        return fl_fail(error, "%s: not enough memory", target->config.name);
    s->target_model = target;
    s->draft_model = draft;
    s->options = *options;
    s->vocab_size = target->config.vocab_size;
    s->chunk = options->prefill_chunk > 0 ? options->prefill_chunk : PREFILL_CHUNK;
    s->state = options->seed;
    int status = open_sessions(s, error);
    if (status == FL_OK) {
        fl_session_ledger(s->target)->log = options->log;
        fl_session_ledger(s->draft)->log = options->draft_log;
        status = reserve(s, error);
    }
    for (int i = 0; status == FL_OK && i < FL_SPECULATIVE_N_PHASES; i++)
        status =
            fl_ledger_open(&s->ledgers[i],
                           is_targets(i) ? target->config.n_layers : draft->config.n_layers, error);
    if (status != FL_OK) {
        fl_speculative_close(s);
        return FL_FAILED;
    }
    *speculative = s;
    return FL_OK;
}

void fl_speculative_close(struct fl_speculative *speculative)
{
    if (!speculative)
        return;
    for (int i = 0; i < FL_SPECULATIVE_N_PHASES; i++)
        fl_ledger_close(&speculative->ledgers[i]);
    fl_session_close(speculative->target);
    fl_session_close(speculative->draft);
    free(speculative->target_hits.hits);
    free(speculative->draft_hits.hits);
    free(speculative->history);
    free(speculative->rounds);
    free(speculative->p);
    free(speculative->q);
    free(speculative);
}

/* ---- running ---- */

static int log_hits(struct hit_log *log, const struct fl_session *session, int n_layers,
                    struct fl_error *error)
{
    const int *hits = fl_session_experts_hit(session);
    const size_t n = (size_t)n_layers;
    if (!hits)
        return FL_OK;
    if (log->n == log->capacity) {
        const size_t capacity = log->capacity > 0 ? 2 * log->capacity : 1024;
        int *grown = realloc(log->hits, capacity * n * sizeof *grown);
        if (!grown)
            return fl_fail(error, "not enough memory for the experts of %zu passes", capacity);
        log->hits = grown;
        log->capacity = capacity;
    }
    memcpy(log->hits + log->n++ * n, hits, n * sizeof *hits);
    return FL_OK;
}

static int run(struct fl_speculative *s, enum fl_speculative_phase phase, const int *tokens, int n,
               enum fl_logits logits, struct fl_error *error)
{
    struct fl_session *session = is_targets((int)phase) ? s->target : s->draft;
    fl_ledger_reset(fl_session_ledger(session));
    fl_event_log_phase(fl_session_ledger(session)->log, fl_speculative_phase_names[phase]);
    if (fl_session_forward(session, tokens, n, logits, error) != FL_OK)
        return FL_FAILED;
    fl_ledger_add(&s->ledgers[phase], fl_session_ledger(session));
    return log_hits(session == s->target ? &s->target_hits : &s->draft_hits, session,
                    s->ledgers[phase].n_layers, error);
}

/* Runs tokens from..to-1 in pieces, without logits. */
static int run_pieces(struct fl_speculative *s, enum fl_speculative_phase phase, const int *tokens,
                      int from, int to, struct fl_error *error)
{
    for (int n; from < to; from += n) {
        n = least(s->chunk, to - from);
        if (run(s, phase, tokens + from, n, FL_LOGITS_NONE, error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

int fl_speculative_prefill(struct fl_speculative *s, const int *ids, int n_ids,
                           struct fl_error *error)
{
    if (n_ids < 1 || n_ids > s->n_ctx)
        return fl_fail(error, "%s: prompt: expected 1 .. %d tokens (the context), got %d",
                       s->target_model->config.name, s->n_ctx, n_ids);
    fl_session_truncate(s->target, 0);
    fl_session_truncate(s->draft, 0);
    for (int i = 0; i < FL_SPECULATIVE_N_PHASES; i++)
        fl_ledger_reset(&s->ledgers[i]);
    s->n_rounds = 0;
    s->n_drafted = 0;
    s->target_hits.n = s->draft_hits.n = 0;
    s->n_prompt = n_ids;
    if (run_pieces(s, FL_SPECULATIVE_PREFILL, ids, 0, n_ids - 1, error) != FL_OK)
        return FL_FAILED;
    return run_pieces(s, FL_SPECULATIVE_DRAFT_PREFILL, ids, 0, least(n_ids - 1, s->draft_n_ctx),
                      error);
}

/* The token behind history [n] for this row of logits, which gives distribution p; -1: none. */
static int pick(struct fl_speculative *s, double *p, const float *logits, int n)
{
    const struct fl_distribution *distribution = &s->options.distribution;
    if (!distribution->of)
        return fl_logits_largest(logits, s->vocab_size);
    distribution->of(distribution->context, p, logits, s->vocab_size, s->history, n);
    return fl_random_index(&s->state, p, s->vocab_size, 1);
}

static double *q_row(const struct fl_speculative *s, int i)
{
    return s->q ? s->q + (size_t)i * (size_t)s->vocab_size : NULL;
}

/* A proposal. Where the draft has nothing left to choose any id is as good as another: the rule
 * holds for every q that the proposal is drawn from. */
static int pick_proposal(struct fl_speculative *s, double *q, const float *logits, int n)
{
    const int x = pick(s, q, logits, n);
    if (x >= 0)
        return x;
    if (q)
        q[0] = 1;
    return 0;
}

/* Appends n proposals to history [n_ids]. */
static int propose(struct fl_speculative *s, int n_ids, int n, struct fl_error *error)
{
    const int n_past = fl_session_n_past(s->draft);
    for (int i = 0; i < n; i++) {
        const int end = n_ids + i;
        int from = i == 0 ? n_past : end - 1;
        for (; end - from > s->chunk; from += s->chunk)
            if (run(s, FL_SPECULATIVE_DRAFT, s->history + from, s->chunk, FL_LOGITS_NONE, error) !=
                FL_OK)
                return FL_FAILED;
        if (run(s, FL_SPECULATIVE_DRAFT, s->history + from, end - from, FL_LOGITS_LAST, error) !=
            FL_OK)
            return FL_FAILED;
        s->history[end] = pick_proposal(s, q_row(s, i), fl_session_logits(s->draft), end);
    }
    return FL_OK;
}

/* The target's word on proposal x = history[end] by this row of logits: x, or what replaces it. */
static int judge(struct fl_speculative *s, const float *logits, int i, int end, bool *accepted)
{
    const int x = s->history[end];
    const struct fl_distribution *distribution = &s->options.distribution;
    if (!distribution->of) {
        const int best = fl_logits_largest(logits, s->vocab_size);
        *accepted = best == x;
        return best;
    }
    distribution->of(distribution->context, s->p, logits, s->vocab_size, s->history, end);
    return fl_speculative_choose(s->p, q_row(s, i), s->vocab_size, x, &s->state, accepted);
}

/* Goes through the n proposals behind history [n_ids] until one is not accepted; history then ends
 * with a token of the target's own. Returns how many were accepted. */
static int verify(struct fl_speculative *s, int n_ids, int n)
{
    const float *logits = fl_session_logits(s->target);
    const size_t vocab_size = (size_t)s->vocab_size;
    for (int i = 0; i < n; i++) {
        bool accepted;
        s->history[n_ids + i] = judge(s, logits + (size_t)i * vocab_size, i, n_ids + i, &accepted);
        if (!accepted)
            return i;
    }
    s->history[n_ids + n] = pick(s, s->p, logits + (size_t)n * vocab_size, n_ids + n);
    return n;
}

/* Proposals that can be of use: the last of the new tokens is the target's own; the target's pass
 * ends within its context, the draft's last one within the draft's. */
static int n_proposals(const struct fl_speculative *s, int n_ids, int n_new_max)
{
    int n = least(s->options.n_draft, n_new_max - 1);
    n = least(n, s->n_ctx - n_ids);
    n = least(n, s->draft_n_ctx - n_ids + 1);
    return n > 0 ? n : 0;
}

static int check_round(const struct fl_speculative *s, int n_ids, int n_new_max,
                       struct fl_error *error)
{
    const char *name = s->target_model->config.name;
    if (n_ids < 1 || n_ids > s->n_ctx || n_new_max < 1)
        return fl_fail(error, "%s: round: %d tokens fill the context of %d tokens", name, n_ids,
                       s->n_ctx);
    if (fl_session_n_past(s->target) != n_ids - 1)
        return fl_fail(error,
                       "%s: round: expected the prompt and what was emitted, %d tokens, got %d",
                       name, fl_session_n_past(s->target) + 1, n_ids);
    return FL_OK;
}

int fl_speculative_round(struct fl_speculative *s, const int *ids, int n_ids, int n_new_max,
                         int *out, int *n_out, struct fl_error *error)
{
    if (check_round(s, n_ids, n_new_max, error) != FL_OK)
        return FL_FAILED;
    const int n = n_proposals(s, n_ids, n_new_max);
    memcpy(s->history, ids, (size_t)n_ids * sizeof *ids);
    struct round_record record = {
        .n_past = n_ids - 1, .n_draft_past = fl_session_n_past(s->draft), .n_drafted = n};
    if (propose(s, n_ids, n, error) != FL_OK ||
        run(s, FL_SPECULATIVE_VERIFY, s->history + n_ids - 1, n + 1, FL_LOGITS_ALL, error) != FL_OK)
        return FL_FAILED;
    record.n_accepted = verify(s, n_ids, n);
    *n_out = record.n_accepted + 1;
    memcpy(out, s->history + n_ids, (size_t)*n_out * sizeof *out);
    fl_session_truncate(s->target, n_ids + record.n_accepted);
    fl_session_truncate(s->draft, n_ids + record.n_accepted);
    assert(s->n_rounds < s->n_ctx);
    s->rounds[s->n_rounds++] = record;
    s->n_drafted += n;
    return FL_OK;
}

/* ---- the account ---- */

/* Passes of each model that the account has gone through, in the order in which they ran. */
struct replay {
    const struct fl_speculative *s;
    struct fl_speculative_account *account;
    size_t n_target, n_draft;
};

static const int *next_hits(struct replay *r, enum fl_speculative_phase phase)
{
    const bool target = is_targets((int)phase);
    const struct hit_log *log = target ? &r->s->target_hits : &r->s->draft_hits;
    size_t *n = target ? &r->n_target : &r->n_draft;
    return *n < log->n ? log->hits + (*n)++ * (size_t)r->s->ledgers[phase].n_layers : NULL;
}

static int add_pass(struct replay *r, enum fl_speculative_phase phase, int n_tokens, int n_past,
                    enum fl_logits logits, fl_wide *flops, struct fl_error *error)
{
    const struct fl_speculative *s = r->s;
    struct fl_op_analytic cost;
    const struct fl_model *model = is_targets((int)phase) ? s->target_model : s->draft_model;
    if (fl_pass_cost(&cost, model, s->options.attention, s->options.kv_dtype, 1, n_tokens, n_past,
                     logits, next_hits(r, phase), error) != FL_OK)
        return FL_FAILED;
    struct fl_op_analytic *sum = &r->account->phases[phase];
    fl_op_analytic_add(sum, &cost);
    *flops = cost.exact;
    return FL_OK;
}

static int account_pieces(struct replay *replay, enum fl_speculative_phase phase, int from, int to,
                          struct fl_error *error)
{
    fl_wide flops;
    for (int n; from < to; from += n) {
        n = least(replay->s->chunk, to - from);
        if (add_pass(replay, phase, n, from, FL_LOGITS_NONE, &flops, error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static int account_draft(struct replay *replay, const struct round_record *r,
                         struct fl_error *error)
{
    const int chunk = replay->s->chunk;
    for (int i = 0; i < r->n_drafted; i++) {
        const int end = r->n_past + 1 + i;
        int from = i == 0 ? r->n_draft_past : end - 1;
        fl_wide flops;
        for (; end - from > chunk; from += chunk)
            if (add_pass(replay, FL_SPECULATIVE_DRAFT, chunk, from, FL_LOGITS_NONE, &flops,
                         error) != FL_OK)
                return FL_FAILED;
        if (add_pass(replay, FL_SPECULATIVE_DRAFT, end - from, from, FL_LOGITS_LAST, &flops,
                     error) != FL_OK)
            return FL_FAILED;
        if (i >= r->n_accepted)
            replay->account->draft_wasted += flops;
    }
    return FL_OK;
}

static int account_verify(struct replay *replay, const struct round_record *r,
                          struct fl_error *error)
{
    const struct fl_speculative *s = replay->s;
    fl_wide flops;
    struct fl_op_analytic kept;
    if (add_pass(replay, FL_SPECULATIVE_VERIFY, r->n_drafted + 1, r->n_past, FL_LOGITS_ALL, &flops,
                 error) != FL_OK ||
        fl_pass_cost(&kept, s->target_model, s->options.attention, s->options.kv_dtype, 1,
                     r->n_accepted + 1, r->n_past, FL_LOGITS_ALL, NULL, error) != FL_OK)
        return FL_FAILED;
    replay->account->verify_wasted += flops - kept.exact;
    return FL_OK;
}

int fl_speculative_account(const struct fl_speculative *s, struct fl_speculative_account *account,
                           struct fl_error *error)
{
    *account = (struct fl_speculative_account){.n_rounds = s->n_rounds};
    struct replay replay = {.s = s, .account = account};
    const int n_prefill = s->n_prompt - 1;
    if (account_pieces(&replay, FL_SPECULATIVE_PREFILL, 0, n_prefill, error) != FL_OK ||
        account_pieces(&replay, FL_SPECULATIVE_DRAFT_PREFILL, 0, least(n_prefill, s->draft_n_ctx),
                       error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < s->n_rounds; i++) {
        const struct round_record *r = &s->rounds[i];
        account->n_drafted += r->n_drafted;
        account->n_accepted += r->n_accepted;
        if (account_draft(&replay, r, error) != FL_OK || account_verify(&replay, r, error) != FL_OK)
            return FL_FAILED;
    }
    account->n_emitted = account->n_accepted + account->n_rounds;
    return FL_OK;
}

const struct fl_ledger *fl_speculative_ledger(const struct fl_speculative *speculative,
                                              enum fl_speculative_phase phase)
{
    return &speculative->ledgers[phase];
}

struct fl_kv_size fl_speculative_kv_size(const struct fl_speculative *speculative, bool draft)
{
    return fl_session_kv_size(draft ? speculative->draft : speculative->target);
}

int fl_speculative_n_threads(const struct fl_speculative *speculative)
{
    return fl_session_n_threads(speculative->target);
}

int fl_speculative_prefill_chunk(const struct fl_speculative *speculative)
{
    return speculative->chunk;
}

int64_t fl_speculative_n_drafted(const struct fl_speculative *speculative)
{
    return speculative->n_drafted;
}
