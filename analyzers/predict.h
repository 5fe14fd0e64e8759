/* predict.h - how fast a machine could be at most: a roofline over every operator, from the one
 * formula table and the machine's figures.
 *
 * An operator takes the longer of two times: its FLOPs at the machine's rate, and its bytes at the
 * bandwidth of where they come from. A step is the sum of its operators. Source: Williams,
 * Waterman and Patterson, 2009 (https://doi.org/10.1145/1498765.1498785).
 *
 *   FLOPs       matrix products at the rate of the chosen arithmetic, dense; the rest (norms,
 *               softmax, activations, biases) in f32
 *   weights     read once a step whatever the batch, in the stored format; from memory, or from the
 *               cache where its bandwidth is known and a step's weights and keys and values fit
 *               (fl_cache_holds())
 *   KV cache    all of it read in a decode step, the new tokens written
 *   activations two bytes an element where products are in 16 or 8 bits, else four; an operator
 *               whose activations fit into the last cache takes nothing from memory for them
 *
 * This is the speed of light for one device: nothing between the operators, every one at full rate.
 * What programs reach of it is an efficiency, 1 unless it is given. Tensor parallelism is not
 * modelled. */
#ifndef FL_ANALYZERS_PREDICT_H
#define FL_ANALYZERS_PREDICT_H

#include "analyzers/hardware.h"
#include "ledger/analytic.h"

enum fl_predicted_bound { FL_BOUND_COMPUTE, FL_BOUND_MEMORY, FL_BOUND_CAPACITY };
extern const char *const fl_predicted_bound_names[]; /* "compute", "memory", "capacity", NULL */

struct fl_efficiency {
    double compute, memory; /* of the machine's rates, above 0, at most 1 */
};

/* What an engine reaches of the roofline, operator by operator: ideal over real time, by what binds
 * the operator and whether it works on one row or more. 0: not known, then the efficiency counts.
 */
struct fl_shares {
    double of_op[FL_N_OPERATORS][2][2]; /* [op][enum fl_predicted_bound][rows > 1] */
    double outside;                     /* part of the time that is in no operator, below 1 */
};

/* What runs, and how it is stored and calculated. */
struct fl_workload {
    const struct fl_config *config;
    const struct fl_stored *stored;
    enum fl_dtype weight_dtype; /* of most weights: decides the measured rates */
    enum fl_dtype kv_dtype;
    enum fl_arith arith; /* of matrix products; fl_arith_for() */
    int64_t batch, n_prompt, n_output;
    struct fl_efficiency efficiency;
    const struct fl_shares *shares; /* NULL: none */
};

/* The arithmetic for weights of this format: their own; for quantised ones, which are expanded, f16
 * or bf16, whichever is faster. Where the machine has no figure for it, the other of the two, then
 * f32. */
enum fl_arith fl_arith_for(const struct fl_hardware *hardware, enum fl_dtype dtype);

/* The format that most of these weights are in. */
enum fl_dtype fl_stored_main_dtype(const struct fl_stored *stored);

enum { FL_PREDICT_GROUPS = 16 };

/* One operator group of a step, summed over layers. */
struct fl_predicted_group {
    const char *name;
    double flops, bytes;        /* bytes that are moved at all, activations in a cache left out */
    double compute_s, memory_s; /* each alone */
    double time_s;              /* sum of the longer ones */
    enum fl_predicted_bound bound;
};

struct fl_predicted_step {
    double flops, weight_bytes, kv_bytes, activation_bytes; /* activations from memory only */
    double compute_s, memory_s, time_s;
    enum fl_predicted_bound bound; /* of the operators that take more than half of the time */
    bool at_least;                 /* the machine publishes no FLOP/s: time by memory alone */
    struct fl_predicted_group groups[FL_PREDICT_GROUPS];
    int n_groups;
    /* by operator, all layers and stacks together */
    double op_time_s[FL_N_OPERATORS];
    enum fl_predicted_bound op_bound[FL_N_OPERATORS];
    bool op_many_rows[FL_N_OPERATORS];
};

/* One forward pass. The convention is that of the pass; fused attention where it is. */
int fl_predict_step(struct fl_predicted_step *step, const struct fl_hardware *hardware,
                    const struct fl_workload *workload, const struct fl_shape *shape,
                    const struct fl_convention *convention, struct fl_error *error);

/* What must be in memory: weights, keys and values of every sequence at its full length, and the
 * activations of the larger of one prompt's prefill and a decode step. */
struct fl_predicted_memory {
    double weights_bytes, kv_bytes_per_sequence, activation_bytes, needed_bytes;
    double max_sequences; /* beside the weights, whole ones; -1: capacity not known */
    double max_tokens;    /* of KV cache beside the weights; -1 likewise */
    bool fits;
};

struct fl_prediction {
    struct fl_workload workload;
    struct fl_predicted_step prefill, first_step, last_step; /* decode steps */
    struct fl_predicted_memory memory;
    double first_token_s;        /* time to first token: the prefill of all prompts together */
    double per_token_s;          /* mean time per output token behind it */
    double decode_tokens_per_s;  /* all sequences */
    double request_tokens_per_s; /* output tokens over the time of prefill and decoding */
    enum fl_predicted_bound decode_bound; /* of the mean step; capacity: it does not fit */
};

/* A batch of requests: prompts in, n_output tokens each out, flash attention, the last position's
 * logits. An encoder-decoder's prompt goes to the encoder. */
int fl_predict(struct fl_prediction *prediction, const struct fl_hardware *hardware,
               const struct fl_workload *workload, struct fl_error *error);

#endif
