/* analytic.h - what a forward pass costs by formula: textbook and exact, operator by operator.
 *
 * `textbook` is the course's closed form (24bsh^2 + 4bsth per classic decoder layer and 2bshV
 * for the logits), whatever the model. `exact` is what this engine executes for this
 * model under the convention; the formulas are in formulas.c, evaluated over rationals of 128-bit
 * integers, so nothing is rounded and an overflow is an error. */
#ifndef FL_LEDGER_ANALYTIC_H
#define FL_LEDGER_ANALYTIC_H

#include "base/dtype.h"
#include "base/error.h"
#include "base/units.h"
#include "ledger/operators.h"
#include "ledger/stored.h"
#include "model/config.h"

#include <stdbool.h>
#include <stdint.h>

/* How work is counted. `count` starts from flop, exact, all and elementwise on; a run is counted
 * by what its attention kernel and logits mode execute. */
enum fl_unit { FL_UNIT_FLOP, FL_UNIT_MAC };
enum fl_causal {
    FL_CAUSAL_FULL, /* s*t query-key pairs a head */
    FL_CAUSAL_HALF, /* s*p + s^2/2, in the matrix products only */
    FL_CAUSAL_EXACT /* s*p + s(s+1)/2 */
};
enum fl_lm_head { FL_LM_HEAD_ALL, FL_LM_HEAD_LAST, FL_LM_HEAD_NONE };

struct fl_convention {
    enum fl_unit unit;
    enum fl_causal causal;
    enum fl_lm_head lm_head;
    bool elementwise;
    bool fused; /* attention is one operator that stores no scores, as the flash kernel does it */
};

extern const char *const fl_unit_names[]; /* NULL-terminated, in the order of the enum */
extern const char *const fl_causal_names[];
extern const char *const fl_lm_head_names[];

/* One sequence of a pass whose sequences differ. */
struct fl_shape_span {
    int64_t n_tokens, n_past;
};

struct fl_shape {
    int64_t batch;                  /* b */
    int64_t n_tokens;               /* s: new tokens per sequence */
    int64_t n_past;                 /* p: tokens already in the cache */
    int64_t n_encoder_tokens;       /* encoder-decoder models: what the decoder attends to */
    bool encoded;                   /* the encoder ran before: it and the keys and values of
                                       cross-attention are no part of this step */
    const struct fl_stored *stored; /* the weights' formats; NULL: f32 */
    enum fl_dtype kv_dtype;
    int64_t n_copied; /* x: tokens copied out of shared cache blocks, all sequences together */
    /* Sequences that differ: in place of batch, n_tokens and n_past. The formulas then hold with
     * b = 1 and sums over the sequences for s, p, t, r and the pairs. */
    const struct fl_shape_span *spans;
    int n_spans;            /* 0: none */
    const int *experts_hit; /* [n_layers] experts of each layer whose weights a run read; NULL: not
                               run, min(E, b*s*k) are assumed, the most there can be */
};

/* FLOPs whatever the unit; where MACs are shown they are FLOPs / 2 and elementwise work is none. */
struct fl_op_analytic {
    bool present;
    fl_wide textbook; /* FLOPs */
    fl_wide exact;    /* FLOPs */
    fl_wide bytes_read, bytes_written;
    /* Elements of matrices in bytes_read; where layers store them in different formats, bytes_read
     * is that of the mean layer, rounded down. */
    fl_wide weights_read;
    fl_wide others_read; /* bytes_read without them */
    fl_wide expert_read; /* elements of one expert's matrices, which weights_read holds for every
                            expert that is hit; where the shape tells experts_hit, of layer 0 */
};

/* sum += more, as far as both are totals of passes that were run: their sums fit. */
static inline void fl_op_analytic_add(struct fl_op_analytic *sum, const struct fl_op_analytic *more)
{
    sum->present = sum->present || more->present;
    sum->textbook += more->textbook;
    sum->exact += more->exact;
    sum->bytes_read += more->bytes_read;
    sum->bytes_written += more->bytes_written;
}

struct fl_analytic {
    /* one layer's cost; for global operators (decoder stack) the whole */
    struct fl_op_analytic ops[FL_N_STACKS][FL_N_OPERATORS];
    int n_layers[FL_N_STACKS];
    struct fl_op_analytic total; /* all layers and global operators */
    fl_wide weights_bytes, kv_cache_bytes, activation_bytes;
    fl_wide n_params;
    const struct fl_stored *stored; /* the shape's, and so are the following */
    const int *experts_hit;
};

int fl_analytic(struct fl_analytic *out, const struct fl_config *config,
                const struct fl_shape *shape, const struct fl_convention *convention,
                struct fl_error *error);

/* How often the operator appears: n_layers of its stack, or 1 when global. */
int fl_analytic_copies(const struct fl_analytic *analytic, enum fl_stack stack,
                       enum fl_operator op);

/* Bytes read by one layer of an operator: exact, whatever is mixed. */
fl_wide fl_analytic_layer_bytes_read(const struct fl_analytic *analytic, enum fl_stack stack,
                                     enum fl_operator op, int layer);

/* The operator summed over every layer of both stacks; false when it appears in none. The totals
 * have been checked for overflow. */
bool fl_analytic_sum(const struct fl_analytic *analytic, enum fl_operator op,
                     struct fl_op_analytic *sum);

/* A whole generation: the prompt's prefill, which yields the first token, and n_gen - 1 decode
 * steps; with the cache a step runs one token behind what is cached, without it a step runs the
 * whole prefix again. An encoder runs once, in the prefill, and so do the keys and values of
 * cross-attention, with the cache and without. Of a decode step only the last position's logits are
 * computed (none under lm_head none); the prefill follows the convention.
 *
 * The closed form: every formula is a polynomial of at most second degree in the step's number i,
 * so over n steps sum f(i) = n f(0) + C(n,2) Df(0) + C(n,3) DDf(0) (Newton's forward
 * differences), piece by piece where a sliding window or a mixture of experts saturates. Fused
 * attention, whose cost jumps, is summed step by step. */
struct fl_generation {
    int64_t batch, n_prompt, n_gen;
    int64_t n_encoder_tokens; /* an encoder-decoder's input; the prompt is the decoder's */
    bool cache;
    const struct fl_stored *stored;
    enum fl_dtype kv_dtype;
};

/* The closed form as a weighted sum: over all decode steps, any cost is the sum of
 * weight * cost(step i). At most FL_GENERATION_SAMPLES of them. */
struct fl_generation_sample {
    int64_t step; /* 1 .. n_gen - 1 */
    fl_wide weight;
};
enum { FL_GENERATION_SAMPLES = 12 };

int fl_generation_samples(struct fl_generation_sample samples[FL_GENERATION_SAMPLES],
                          int *n_samples, const struct fl_config *config,
                          const struct fl_generation *generation, struct fl_error *error);

/* out[0] prefill, out[1] all decode steps together: `ops` and `total` are sums, memory is that of
 * the last step. */
int fl_analytic_generation(struct fl_analytic out[2], const struct fl_config *config,
                           const struct fl_generation *generation,
                           const struct fl_convention *convention, struct fl_error *error);

/* The same by evaluating every step: slow, to check the closed form against. */
int fl_analytic_generation_steps(struct fl_analytic out[2], const struct fl_config *config,
                                 const struct fl_generation *generation,
                                 const struct fl_convention *convention, struct fl_error *error);

/* The shape and convention of decode step i, 1 .. n_gen - 1. */
void fl_generation_step(const struct fl_generation *generation,
                        const struct fl_convention *convention, int64_t i, struct fl_shape *shape,
                        struct fl_convention *step_convention);

#endif
