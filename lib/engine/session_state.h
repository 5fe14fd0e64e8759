/* session_state.h - the inside of a session, for session*.c and for the benchmark that compares
 * forward passes built in different ways. Everyone else goes through session.h. */
#ifndef FL_ENGINE_SESSION_STATE_H
#define FL_ENGINE_SESSION_STATE_H

#include "base/arena.h"
#include "engine/encoder.h"
#include "engine/forward.h"
#include "engine/kv_cache.h"
#include "engine/session.h"

enum { FL_N_ATTENTIONS = FL_ATTENTION_FLASH + 1 };
extern const struct fl_attention_kernel *const fl_session_kernels[FL_N_ATTENTIONS];

struct fl_session {
    const struct fl_model *model;
    struct fl_session_options options; /* defaults filled in */
    struct fl_arena arena;             /* holds everything in `work` */
    struct fl_workspace work;
    struct fl_ledger ledger;
    struct fl_kv_cache cache;
    struct fl_encoder encoder;   /* when the model has one */
    int *seqs;                   /* [n_seqs] of the pass being run, beside `spans` */
    struct fl_batch_span *spans; /* [n_seqs] of the pass being run */
    struct fl_span *alike;       /* [n_seqs] what fl_session_forward() asks for */
    int *positions;              /* [n_rows_max] */
    uint64_t kv_cache_bytes, activation_bytes;
};

/* One pool serves OpenBLAS and our own loops; asked for before every pass, since sessions of
 * different widths may take turns. */
void fl_session_use_threads(const struct fl_session *session);

int fl_session_check_seq(const struct fl_session *session, int seq, struct fl_error *error);

/* Around every pass, for the ledger's event log; nothing without one. The cache counts the pass's
 * tokens as its own already. */
void fl_session_log_begin(const struct fl_session *session, int n_seqs, int n_rows);
void fl_session_log_end(const struct fl_session *session);

/* The pass that fl_session_forward() would run; tokens [n_seqs, n_tokens], checked. The cache
 * counts them as its own from here on. */
struct fl_pass fl_session_pass(struct fl_session *session, const int *tokens, int n_tokens,
                               enum fl_logits logits);

#endif
