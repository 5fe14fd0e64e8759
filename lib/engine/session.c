#include "engine/session.h"

#include "engine/session_state.h"

#include <assert.h>
#include <cblas.h>
#include <omp.h>

const struct fl_attention_kernel *const fl_session_kernels[FL_N_ATTENTIONS] = {
    [FL_ATTENTION_NAIVE] = &fl_attention_naive,
    [FL_ATTENTION_CAUSAL] = &fl_attention_causal,
    [FL_ATTENTION_FLASH] = &fl_attention_flash,
};

const char *const fl_attention_names[] = {"naive", "causal", "flash", NULL};
const char *const fl_logits_names[] = {"none", "last", "all", NULL};

const char *fl_attention_name(enum fl_attention attention)
{
    return fl_session_kernels[attention]->name;
}

void fl_session_use_threads(const struct fl_session *session)
{
    const int n_threads = session->options.n_threads;
    if (omp_get_max_threads() != n_threads)
        omp_set_num_threads(n_threads);
    if (openblas_get_num_threads() != n_threads)
        openblas_set_num_threads(n_threads);
}

/* Takes blocks for the new tokens of span number i. */
static void enter_span(struct fl_session *session, int i, int seq, int n_tokens)
{
    struct fl_kv_cache *cache = &session->cache;
    fl_kv_cache_extend(cache, seq, n_tokens);
    session->spans[i] = (struct fl_batch_span){.n_tokens = n_tokens,
                                               .n_past = cache->lengths[seq],
                                               .blocks = fl_kv_cache_blocks(cache, seq)};
    session->seqs[i] = seq;
    cache->lengths[seq] += n_tokens;
}

static struct fl_pass entered_pass(struct fl_session *session, int n_spans, const int *tokens,
                                   enum fl_logits logits)
{
    struct fl_pass pass = {
        .model = session->model,
        .work = &session->work,
        .attention = fl_session_kernels[session->options.attention],
        .ledger = &session->ledger,
        .batch = fl_batch_lay_out(session->spans, n_spans, session->positions,
                                  session->model->config.sliding_window),
        .n_blocks = session->options.n_blocks,
        .block_tokens = session->options.block_tokens,
        .kv_dtype = session->options.kv_dtype,
        .copies = session->cache.copies,
        .n_copies = session->cache.n_copies,
        .tokens = tokens,
        .logits = logits,
    };
    session->cache.n_copies = 0;
    if (session->model->config.n_encoder_layers > 0)
        fl_encoder_enter(&session->encoder, &pass, session->seqs);
    return pass;
}

struct fl_pass fl_session_pass(struct fl_session *session, const int *tokens, int n_tokens,
                               enum fl_logits logits)
{
    const int n_seqs = session->options.n_seqs;
    for (int seq = 0; seq < n_seqs; seq++)
        enter_span(session, seq, seq, n_tokens);
    return entered_pass(session, n_seqs, tokens, logits);
}

/* One sequence's part of a pass. */
static int check_span(const struct fl_session *session, int seq, int n_tokens,
                      struct fl_error *error)
{
    const char *name = session->model->config.name;
    const struct fl_session_options *options = &session->options;
    if (n_tokens < 1 || n_tokens > options->n_tokens_max)
        return fl_fail(error, "%s: n_tokens: expected 1 .. %d, got %d", name, options->n_tokens_max,
                       n_tokens);
    if (session->model->config.n_encoder_layers > 0 && session->encoder.input_of[seq] < 0)
        return fl_fail(error,
                       "%s: sequence %d: expected an encoded input to attend to, it has none", name,
                       seq);
    const int n_past = session->cache.lengths[seq];
    if (n_tokens > options->n_ctx - n_past)
        return fl_fail(error,
                       "%s: n_tokens: %d tokens behind %d would overflow the context of %d tokens",
                       name, n_tokens, n_past, options->n_ctx);
    return FL_OK;
}

/* What the spans ask for together. */
static int check_rows(const struct fl_session *session, int64_t n_rows, int64_t n_blocks,
                      const int *tokens, enum fl_logits logits, struct fl_error *error)
{
    const struct fl_config *config = &session->model->config;
    if (n_rows > session->options.n_rows_max)
        return fl_fail(error, "%s: n_rows: expected at most %d new tokens in all, got %lld",
                       config->name, session->options.n_rows_max, (long long)n_rows);
    if (n_blocks > session->cache.n_free)
        return fl_fail(error,
                       "%s: n_blocks: the KV cache has %d blocks of %d tokens free, %lld "
                       "would be taken",
                       config->name, session->cache.n_free, session->options.block_tokens,
                       (long long)n_blocks);
    if (logits > session->options.logits)
        return fl_fail(error, "%s: logits: the session was opened without room for them",
                       config->name);
    for (int64_t i = 0; i < n_rows; i++)
        if (tokens[i] < 0 || tokens[i] >= config->vocab_size)
            return fl_fail(error, "%s: token %lld: expected an id of 0 .. %d, got %d", config->name,
                           (long long)i, config->vocab_size - 1, tokens[i]);
    return FL_OK;
}

static void run(struct fl_session *session, const struct fl_pass *pass)
{
    fl_session_use_threads(session);
    fl_session_log_begin(session, pass->batch.n_spans, pass->batch.n_rows);
    fl_forward(pass);
    fl_session_log_end(session);
    for (int i = 0; i < pass->batch.n_spans; i++)
        fl_kv_cache_slide(&session->cache, session->seqs[i]);
}

int fl_session_check_seq(const struct fl_session *session, int seq, struct fl_error *error)
{
    if (seq < 0 || seq >= session->options.n_seqs)
        return fl_fail(error, "%s: seq: expected 0 .. %d, got %d", session->model->config.name,
                       session->options.n_seqs - 1, seq);
    return FL_OK;
}

static bool is_repeated(const struct fl_span *spans, int n)
{
    for (int i = 0; i < n; i++)
        if (spans[i].seq == spans[n].seq)
            return true;
    return false;
}

int fl_session_run(struct fl_session *session, const struct fl_span *spans, int n_spans,
                   const int *tokens, enum fl_logits logits, struct fl_error *error)
{
    const char *name = session->model->config.name;
    int64_t n_rows = 0, n_blocks = 0;
    int highest = -1; /* so far: mostly they rise, and no one has to look for repetitions */
    if (n_spans < 1 || n_spans > session->options.n_seqs)
        return fl_fail(error, "%s: n_spans: expected 1 .. %d, got %d", name,
                       session->options.n_seqs, n_spans);
    for (int i = 0; i < n_spans; i++) {
        if (fl_session_check_seq(session, spans[i].seq, error) != FL_OK ||
            check_span(session, spans[i].seq, spans[i].n_tokens, error) != FL_OK)
            return FL_FAILED;
        if (spans[i].seq <= highest && is_repeated(spans, i))
            return fl_fail(error, "%s: span %d: sequence %d has tokens in this pass already", name,
                           i, spans[i].seq);
        highest = spans[i].seq > highest ? spans[i].seq : highest;
        n_rows += spans[i].n_tokens;
    }
    for (int i = 0; i < n_spans; i++) {
        n_blocks += fl_kv_cache_need(&session->cache, spans[i].seq, spans[i].n_tokens);
        fl_kv_cache_leave(&session->cache, spans[i].seq);
    }
    for (int i = 0; i < n_spans; i++)
        fl_kv_cache_join(&session->cache, spans[i].seq);
    if (check_rows(session, n_rows, n_blocks, tokens, logits, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < n_spans; i++)
        enter_span(session, i, spans[i].seq, spans[i].n_tokens);
    const struct fl_pass pass = entered_pass(session, n_spans, tokens, logits);
    run(session, &pass);
    return FL_OK;
}

int fl_session_forward(struct fl_session *session, const int *tokens, int n_tokens,
                       enum fl_logits logits, struct fl_error *error)
{
    const int n_seqs = session->options.n_seqs;
    for (int seq = 0; seq < n_seqs; seq++)
        session->alike[seq] = (struct fl_span){seq, n_tokens};
    return fl_session_run(session, session->alike, n_seqs, tokens, logits, error);
}

const float *fl_session_logits(const struct fl_session *session)
{
    return session->work.logits;
}

int fl_session_n_past(const struct fl_session *session)
{
    return session->cache.lengths[0];
}

int fl_session_length(const struct fl_session *session, int seq)
{
    assert(seq >= 0 && seq < session->options.n_seqs);
    return session->cache.lengths[seq];
}

int fl_session_n_ctx(const struct fl_session *session)
{
    return session->options.n_ctx;
}

int fl_session_n_threads(const struct fl_session *session)
{
    return session->options.n_threads;
}

void fl_session_truncate(struct fl_session *session, int n_past)
{
    for (int seq = 0; seq < session->options.n_seqs; seq++)
        fl_session_truncate_seq(session, seq, n_past);
}

void fl_session_truncate_seq(struct fl_session *session, int seq, int n_past)
{
    assert(n_past >= 0 && seq >= 0 && seq < session->options.n_seqs);
    assert(fl_kv_cache_holds(&session->cache, seq, n_past));
    fl_kv_cache_truncate(&session->cache, seq, n_past);
}

int fl_session_fork(struct fl_session *session, int to, int from, int n_past,
                    struct fl_error *error)
{
    if (fl_session_check_seq(session, to, error) != FL_OK ||
        fl_session_check_seq(session, from, error) != FL_OK)
        return FL_FAILED;
    if (n_past < 0 || n_past > session->cache.lengths[from])
        return fl_fail(error, "%s: n_past: expected 0 .. %d, what sequence %d holds, got %d",
                       session->model->config.name, session->cache.lengths[from], from, n_past);
    if (!fl_kv_cache_holds(&session->cache, from, n_past))
        return fl_fail(error,
                       "%s: n_past: sequence %d has let go of what its sliding window has left, "
                       "expected at least %d, got %d",
                       session->model->config.name, from,
                       session->cache.lengths[from] - session->options.n_rewind, n_past);
    fl_kv_cache_fork(&session->cache, to, from, n_past);
    if (session->model->config.n_encoder_layers > 0)
        session->encoder.input_of[to] = session->encoder.input_of[from];
    return FL_OK;
}

int fl_session_blocks_free(const struct fl_session *session)
{
    return session->cache.n_free;
}

int fl_session_n_blocks(const struct fl_session *session)
{
    return session->options.n_blocks;
}

/* Makes the cache's memory real. What was never written to is one and the same page of zeros, which
 * stays in the first-level cache: a step that reads it would be timed without its memory traffic.
 */
static void occupy_cache(struct fl_session *session)
{
    enum { PAGE_FLOATS = 1024 };                   /* 4096 bytes, the smallest page there is */
    volatile float *cache = session->work.k_cache; /* the values follow the keys */
    const size_t n = session->kv_cache_bytes / sizeof *cache;
    for (size_t i = 0; i < n; i += PAGE_FLOATS)
        cache[i] = cache[i]; /* cppcheck-suppress selfAssignment */
}

int fl_session_assume_past(struct fl_session *session, int n_past, struct fl_error *error)
{
    const int n_ctx = session->options.n_ctx, n_seqs = session->options.n_seqs;
    struct fl_kv_cache *cache = &session->cache;
    if (n_past < 0 || n_past > n_ctx)
        return fl_fail(error, "%s: n_past: expected 0 .. %d (n_ctx), got %d",
                       session->model->config.name, n_ctx, n_past);
    if (n_past > cache->lengths[0])
        occupy_cache(session);
    fl_session_truncate(session, 0);
    for (int seq = 0; seq < n_seqs; seq++) {
        if (fl_kv_cache_need_assumed(cache, n_past) > cache->n_free)
            return fl_fail(error,
                           "%s: n_past: %d blocks of %d tokens cannot hold %d sequences of "
                           "%d tokens",
                           session->model->config.name, cache->n_blocks, cache->block_tokens,
                           n_seqs, n_past);
        fl_kv_cache_assume(cache, seq, n_past);
    }
    return FL_OK;
}

struct fl_ledger *fl_session_ledger(struct fl_session *session)
{
    return &session->ledger;
}

uint64_t fl_session_block_bytes(const struct fl_session *session)
{
    const struct fl_config *config = &session->model->config;
    return 2 * (uint64_t)config->n_layers * (uint64_t)session->options.block_tokens *
           (uint64_t)config->n_kv_heads * (uint64_t)config->head_dim *
           fl_dtype_bytes(session->options.kv_dtype, 1);
}

struct fl_kv_size fl_session_kv_size(const struct fl_session *session)
{
    const struct fl_config *config = &session->model->config;
    const struct fl_session_options *options = &session->options;
    const uint64_t block_bytes = fl_session_block_bytes(session);
    return (struct fl_kv_size){
        .n_blocks = options->n_blocks,
        .block_tokens = options->block_tokens,
        .block_bytes = block_bytes,
        .bytes = (uint64_t)options->n_blocks * block_bytes,
        .cross_bytes = 2 * (uint64_t)config->n_layers * (uint64_t)options->n_inputs *
                       (uint64_t)options->n_encoder_ctx * (uint64_t)config->n_kv_heads *
                       (uint64_t)config->head_dim * sizeof(float),
    };
}

const int *fl_session_experts_hit(const struct fl_session *session)
{
    return session->work.moe.n_hit;
}

uint64_t fl_session_kv_cache_bytes(const struct fl_session *session)
{
    return session->kv_cache_bytes;
}

uint64_t fl_session_activation_bytes(const struct fl_session *session)
{
    return session->activation_bytes;
}
