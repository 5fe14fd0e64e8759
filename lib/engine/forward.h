/* forward.h - one forward pass: the architecture, written down as operator calls.
 *
 * For every new token: its embedding enters the residual stream x; each layer adds what attention
 * and then what the feed-forward network computed from it; the logits are read off the end.
 *
 *   pre-norm    x = x + f(norm(x)), a final norm before the logits
 *   post-norm   x = norm(x + f(x)), none at the end
 *   parallel    x = x + attention(norm(x)) + ffn(norm(x)), a final norm before the logits
 *
 * An encoder-decoder's decoder attends to the encoder between the two; the encoder is a pass of its
 * own, over a model of its own (encoder.h).
 *
 * Every operator call stands inside a region of the ledger, with the cost its own _cost() gives. */
#ifndef FL_ENGINE_FORWARD_H
#define FL_ENGINE_FORWARD_H

#include "engine/forward_moe.h"
#include "engine/session.h"
#include "ledger/ledger.h"
#include "model/weights.h"
#include "ops/attention.h"
#include "ops/attention_cross.h"
#include "ops/kv_append.h"

/* Memory of a session, f32 but for the cache, each buffer sized for the largest pass the options
 * allow: n_rows and n_ctx are the decoder's or the encoder's, whichever is more; d_q = n_heads *
 * head_dim, d_kv = n_kv_heads * head_dim. NULL where the model has no use for it. */
struct fl_workspace {
    float *x;       /* [n_rows, d_model] residual stream */
    float *branch;  /* [n_rows, d_model] what a sublayer reads (pre-norm) and what it gives back */
    float *second;  /* [n_rows, d_model] what the other branch of a parallel block reads */
    float *q;       /* [n_rows, d_q] */
    float *k, *v;   /* [n_rows, d_kv] of the new tokens */
    float *scores;  /* [n_heads, n_rows, n_ctx] and, in place, probabilities */
    float *context; /* [n_rows, d_q] */
    float *gate, *up; /* [n_rows, d_ff]; with experts [n_rows, fl_moe_ffn_width()] */
    struct fl_moe_workspace moe;
    float *last;             /* [n_seqs, d_model] last row of each sequence */
    float *logits;           /* [n_rows or n_seqs, vocab_size] */
    void *k_cache, *v_cache; /* [n_layers][n_blocks, n_kv_heads, block_tokens, head_dim] */
    float *positions;        /* [n_ctx, d_model] sinusoids */
    float *cosine, *sine;    /* [n_ctx, rotary_dim / 2] of the rotation angles */
};

/* What one pass works on. Arguments are checked by fl_session_run(). */
struct fl_pass {
    const struct fl_model *model;
    const struct fl_workspace *work;
    const struct fl_attention_kernel *attention;
    struct fl_ledger *ledger; /* NULL: nothing is recorded */
    struct fl_batch batch;
    int n_blocks, block_tokens; /* of a layer's cache */
    enum fl_dtype kv_dtype;
    const struct fl_kv_copy *copies; /* that it begins with */
    int n_copies;
    const int *tokens; /* [batch.n_rows] */
    enum fl_logits logits;
    /* encoder-decoders */
    bool encoder;               /* every token sees all of its sequence; nothing is cached */
    const float *relative_bias; /* table of ops/relative_bias.h for relative_ctx; NULL: none */
    int relative_ctx;
    const struct fl_attention_rect *self, *cross; /* [batch.n_spans]; cross NULL: none */
    const float *cross_k, *cross_v;               /* [n_layers][cross_rows, d_kv] */
    int cross_rows;
};

/* Leaves the logits in work->logits and keys and values in the cache. Allocates nothing. */
void fl_forward(const struct fl_pass *pass);

#endif
