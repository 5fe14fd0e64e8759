/* session_state.h - the inside of a session, for session.c and for the benchmark that compares
 * forward passes built in different ways. Everyone else goes through session.h. */
#ifndef FL_ENGINE_SESSION_STATE_H
#define FL_ENGINE_SESSION_STATE_H

#include "base/arena.h"
#include "engine/forward.h"
#include "engine/session.h"

struct fl_session {
    const struct fl_model *model;
    struct fl_session_options options; /* defaults filled in */
    struct fl_arena arena;             /* holds everything in `work` */
    struct fl_workspace work;
    struct fl_ledger ledger;
    uint64_t kv_cache_bytes, activation_bytes;
    int n_past;
};

/* The pass that fl_session_forward() would run; tokens [n_seqs, n_tokens]. */
struct fl_pass fl_session_pass(struct fl_session *session, const int *tokens, int n_tokens,
                               enum fl_logits logits);

#endif
