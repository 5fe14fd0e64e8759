/* session.h - a model being run: KV cache, scratch memory, logits, ledger.
 *
 * All memory is reserved by fl_session_open(); fl_session_forward() allocates nothing. Sequences
 * of a batch have equal length. */
#ifndef FL_ENGINE_SESSION_H
#define FL_ENGINE_SESSION_H

#include "base/error.h"
#include "ledger/ledger.h"
#include "model/weights.h"

#include <stdbool.h>
#include <stdint.h>

enum fl_attention {
    FL_ATTENTION_NAIVE, /* every query against every key, masked afterwards: s*t pairs */
    FL_ATTENTION_CAUSAL /* only what a query may see: s*p + s(s+1)/2 pairs */
};
enum fl_logits { FL_LOGITS_NONE, FL_LOGITS_LAST, FL_LOGITS_ALL };

struct fl_session_options {
    int n_seqs;       /* batch, at least 1 */
    int n_ctx;        /* tokens a sequence may hold; 0: the model's own, within its window */
    int n_tokens_max; /* new tokens per sequence in one forward; 0: n_ctx */
    enum fl_attention attention;
    enum fl_logits logits; /* the most that will be asked for; decides the size of the buffer */
    int n_threads;         /* 0: all cores this process may use */
};

struct fl_session;

/* model must outlive the session. Refused, with the predicted size, when memory would not do.
 * n_ctx may pass the model's own n_ctx_max where positions are computed (rotary, sinusoidal): the
 * arithmetic is defined there, whatever the model learned. Learned positions end with their table,
 * and a model with a sliding window is refused beyond the window. */
int fl_session_open(struct fl_session **session, const struct fl_model *model,
                    const struct fl_session_options *options, struct fl_error *error);
void fl_session_close(struct fl_session *session);

/* Runs tokens [n_seqs, n_tokens] behind what the cache already holds.
 * Fails on an id outside the vocabulary or a context that would overflow; the cache is unchanged
 * then. */
int fl_session_forward(struct fl_session *session, const int *tokens, int n_tokens,
                       enum fl_logits logits, struct fl_error *error);

/* Of the last forward: [n_seqs * n_tokens, vocab] (all) or [n_seqs, vocab] (last). */
const float *fl_session_logits(const struct fl_session *session);

int fl_session_n_past(const struct fl_session *session);
int fl_session_n_ctx(const struct fl_session *session);
int fl_session_n_threads(const struct fl_session *session); /* as used, never 0 */

/* Forgets everything behind n_past tokens. */
void fl_session_truncate(struct fl_session *session, int n_past);

/* Pretends that n_past tokens are in the cache (their keys and values are whatever was there,
 * zeros at first): FLOPs do not depend on values, so a decode step at any depth can be measured. */
int fl_session_assume_past(struct fl_session *session, int n_past, struct fl_error *error);

/* Always there; what forward executes is added to it. */
struct fl_ledger *fl_session_ledger(struct fl_session *session);

/* Bytes reserved. */
uint64_t fl_session_kv_cache_bytes(const struct fl_session *session);
uint64_t fl_session_activation_bytes(const struct fl_session *session);

const char *fl_attention_name(enum fl_attention attention);
extern const char *const fl_attention_names[]; /* NULL-terminated, in the order of the enum */

#endif
