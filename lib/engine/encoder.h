/* encoder.h - the encoder's side of a session: what the decoder attends to.
 *
 * An input is a sequence of tokens that the encoder has run over. Its keys and values for every
 * layer's cross-attention are computed once and stay until the next inputs come; any number of
 * sequences may attend to the same one. Inputs of unequal lengths lie one behind the other, row by
 * row, without padding. */
#ifndef FL_ENGINE_ENCODER_H
#define FL_ENGINE_ENCODER_H

#include "base/arena.h"
#include "engine/forward.h"

struct fl_encoder {
    struct fl_model view;  /* the encoder as a model: its layers, embedding, norm, relative bias */
    int n_ctx, n_rows_max; /* tokens of an input, and of all together */
    int n_inputs_max;
    int n_decoder_ctx;
    float *cross_k, *cross_v; /* [n_layers][n_rows_max, d_kv] */
    float *relative_bias;     /* tables of ops/relative_bias.h; NULL: none */
    float *decoder_bias;
    struct fl_batch_span *spans; /* [n_inputs_max] */
    int *positions;              /* [n_rows_max] */
    /* of the inputs that are encoded */
    int n_inputs;
    size_t *first_row; /* [n_inputs_max] */
    int *lengths;
    int *input_of;                   /* [n_seqs]; -1: none */
    const float *output;             /* of the last fl_session_encode(), until the next pass */
    struct fl_attention_rect *self;  /* [largest of n_seqs and n_inputs_max] of a pass */
    struct fl_attention_rect *cross; /* [n_seqs] */
};

/* What fl_session_open() was asked for, with defaults filled in. */
struct fl_encoder_options {
    int n_seqs, n_ctx; /* of the decoder */
    int n_inputs, n_encoder_ctx;
};

/* Takes memory from an arena, which may be measuring: first what counts as KV cache, then the
 * rest. */
void fl_encoder_plan_cache(struct fl_encoder *encoder, struct fl_arena *arena,
                           const struct fl_config *config,
                           const struct fl_encoder_options *options);
void fl_encoder_plan_rest(struct fl_encoder *encoder, struct fl_arena *arena,
                          const struct fl_config *config, const struct fl_encoder_options *options);

/* Once, behind the second plan: tables, and no inputs yet. */
void fl_encoder_prepare(struct fl_encoder *encoder, const struct fl_model *model,
                        const struct fl_encoder_options *options);

/* Runs the encoder over inputs of n_tokens [n_inputs], checked, and computes every decoder layer's
 * keys and values. `pass` describes the decoder: model, workspace, ledger. */
void fl_encoder_run(struct fl_encoder *encoder, const struct fl_pass *pass, const int *tokens,
                    const int *n_tokens, int n_inputs);

/* Completes a decoder's pass over these sequences: what each of its spans attends to. */
void fl_encoder_enter(struct fl_encoder *encoder, struct fl_pass *pass, const int *seqs);

#endif
