/* session.h - a model being run: KV cache, scratch memory, logits, ledger.
 *
 * A session holds n_seqs sequences, each with tokens of its own in the cache. A pass runs new
 * tokens of some of them: of all of them alike (fl_session_forward), or of any in any number
 * (fl_session_run). All memory is reserved by fl_session_open(); a pass allocates nothing. */
#ifndef FL_ENGINE_SESSION_H
#define FL_ENGINE_SESSION_H

#include "base/error.h"
#include "ledger/ledger.h"
#include "model/weights.h"

#include <stdbool.h>
#include <stdint.h>

enum fl_attention {
    FL_ATTENTION_NAIVE,  /* every query against every key, masked afterwards: s*t pairs */
    FL_ATTENTION_CAUSAL, /* only what a query may see: s*p + s(s+1)/2 pairs */
    FL_ATTENTION_FLASH   /* the same pairs, a few keys at a time: no memory for scores */
};
enum fl_logits { FL_LOGITS_NONE, FL_LOGITS_LAST, FL_LOGITS_ALL };

struct fl_session_options {
    int n_seqs;             /* batch, at least 1 */
    int n_ctx;              /* tokens a sequence may hold; 0: the model's own */
    int n_tokens_max;       /* new tokens per sequence in one pass; 0: n_ctx */
    int n_rows_max;         /* new tokens of all sequences in one pass; 0: n_seqs * n_tokens_max */
    int block_tokens;       /* of the KV cache; 0: n_ctx, a sequence lies in one piece */
    int n_blocks;           /* of the KV cache; 0: enough for all sequences to be full */
    bool slides;            /* blocks that the model's sliding window has left are freed behind a
                               pass: a sequence then holds no more than the window, whatever its
                               length, and n_blocks 0 is enough for that */
    int n_rewind;           /* with it: tokens that may be truncated and run again. Truncating to
                               0 always may be */
    int n_inputs;           /* encoder-decoders: inputs held at a time; 0: n_seqs */
    int n_encoder_ctx;      /* and tokens of each; 0: the model's own n_ctx_max */
    enum fl_dtype kv_dtype; /* f32, f16 or bf16 */
    enum fl_attention attention;
    enum fl_logits logits; /* the most that will be asked for; decides the size of the buffer */
    int n_threads;         /* 0: fl_default_threads() */
};

struct fl_session;

/* model must outlive the session. Refused, with the predicted size, when memory would not do.
 * n_ctx may pass the model's own n_ctx_max where positions are computed (rotary, sinusoidal): the
 * arithmetic is defined there, whatever the model learned. Learned positions end with their table.
 */
int fl_session_open(struct fl_session **session, const struct fl_model *model,
                    const struct fl_session_options *options, struct fl_error *error);
void fl_session_close(struct fl_session *session);

/* Runs tokens [n_seqs, n_tokens] behind what the cache already holds.
 * Fails on an id outside the vocabulary or a context that would overflow; the cache is unchanged
 * then. */
int fl_session_forward(struct fl_session *session, const int *tokens, int n_tokens,
                       enum fl_logits logits, struct fl_error *error);

/* n_tokens new tokens of one sequence. */
struct fl_span {
    int seq, n_tokens;
};

/* Runs the tokens of each span, one span behind the other in `tokens`, behind what the cache holds
 * of its sequence; a sequence has one span at most. Fails as fl_session_forward() does, and when
 * too few blocks are free. */
int fl_session_run(struct fl_session *session, const struct fl_span *spans, int n_spans,
                   const int *tokens, enum fl_logits logits, struct fl_error *error);

/* Encoder-decoders: runs the encoder over n_inputs inputs of n_tokens [n_inputs] tokens each, one
 * behind the other in `tokens`, and keeps what cross-attention reads of them. They take the place
 * of earlier ones, and every sequence is emptied. Sequence i attends to input i; all of them attend
 * to a single one. A pass fails for a sequence that attends to none. */
int fl_session_encode(struct fl_session *session, const int *tokens, const int *n_tokens,
                      int n_inputs, struct fl_error *error);

/* The sequence attends to this input from here on, and is emptied. A fork attends to what the
 * sequence attends to that it was forked from. */
int fl_session_attend(struct fl_session *session, int seq, int input, struct fl_error *error);

/* What the encoder gave, [sum of n_tokens, d_model]; valid until the next pass. */
const float *fl_session_encoded(const struct fl_session *session);

/* Tokens of an input, and how many inputs there are. */
int fl_session_input_length(const struct fl_session *session, int input);
int fl_session_n_inputs(const struct fl_session *session);

/* Of the last pass: [n_rows, vocab] (all), or a row for each sequence that had tokens, in their
 * order (last). */
const float *fl_session_logits(const struct fl_session *session);

/* Tokens of the first sequence, and of any. */
int fl_session_n_past(const struct fl_session *session);
int fl_session_length(const struct fl_session *session, int seq);
int fl_session_n_ctx(const struct fl_session *session);
int fl_session_n_threads(const struct fl_session *session); /* as used, never 0 */

/* Forgets everything behind n_past tokens, of all sequences or of one. Where the window slides
 * (options.slides) n_past is 0 or at most n_rewind tokens back. */
void fl_session_truncate(struct fl_session *session, int n_past);
void fl_session_truncate_seq(struct fl_session *session, int seq, int n_past);

/* `to` forgets what it held and begins with the first n_past tokens of `from`. They share blocks;
 * where one of them goes on writing into a block that both have, it gets a copy of it first, in
 * that pass (operator kv_copy). */
int fl_session_fork(struct fl_session *session, int to, int from, int n_past,
                    struct fl_error *error);

/* Blocks of the KV cache: free ones, and all. */
int fl_session_blocks_free(const struct fl_session *session);
int fl_session_n_blocks(const struct fl_session *session);

/* Pretends that n_past tokens are in the cache (their keys and values are whatever was there,
 * zeros at first): FLOPs do not depend on values, so a decode step at any depth can be measured. */
int fl_session_assume_past(struct fl_session *session, int n_past, struct fl_error *error);

/* Always there; what a pass executes is added to it. */
struct fl_ledger *fl_session_ledger(struct fl_session *session);

/* Of the last forward: [n_layers] experts of each layer that any token was sent to; NULL in a model
 * without experts. */
const int *fl_session_experts_hit(const struct fl_session *session);

/* The KV cache as it is reserved. */
struct fl_kv_size {
    int n_blocks, block_tokens;
    uint64_t block_bytes; /* of all layers: 2 L block_tokens n_kv d_h c */
    uint64_t bytes;       /* n_blocks of them */
    uint64_t cross_bytes; /* keys and values of an encoder's output; 0 without one */
};
struct fl_kv_size fl_session_kv_size(const struct fl_session *session);

/* Bytes reserved; of a block, in all layers. kv_cache_bytes: all of the cache, with what aligns it.
 */
uint64_t fl_session_block_bytes(const struct fl_session *session);
uint64_t fl_session_kv_cache_bytes(const struct fl_session *session);
uint64_t fl_session_activation_bytes(const struct fl_session *session);

const char *fl_attention_name(enum fl_attention attention);
extern const char *const fl_attention_names[]; /* NULL-terminated, in the order of the enum */
extern const char *const fl_logits_names[];    /* as well: "none", "last", "all" */

#endif
