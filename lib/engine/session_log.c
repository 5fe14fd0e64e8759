/* session_log.c - passes of a session as passes of the ledger's event log. */
#include "engine/session_state.h"

/* Bytes of the KV cache in use: of the tokens where every sequence lies in one piece, elsewhere of
 * the blocks, which several sequences may share. */
static uint64_t held_bytes(const struct fl_session *session, int64_t n_held)
{
    const uint64_t block_bytes = fl_session_block_bytes(session);
    const int block_tokens = session->options.block_tokens;
    if (block_tokens == session->options.n_ctx)
        return (uint64_t)n_held * (block_bytes / (uint64_t)block_tokens);
    return block_bytes * (uint64_t)(session->cache.n_blocks - session->cache.n_free);
}

void fl_session_log_begin(const struct fl_session *session, int n_seqs, int n_rows)
{
    struct fl_event_log *log = session->ledger.log;
    if (!log)
        return;
    struct fl_event_shape shape = {.n_seqs = n_seqs, .n_rows = n_rows};
    for (int seq = 0; seq < session->options.n_seqs; seq++)
        shape.n_held += session->cache.lengths[seq];
    shape.held_bytes = held_bytes(session, shape.n_held);
    fl_event_log_begin(log, &shape, fl_clock_ns());
}

void fl_session_log_end(const struct fl_session *session)
{
    if (session->ledger.log)
        fl_event_log_end(session->ledger.log, fl_clock_ns());
}
