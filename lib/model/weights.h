/* weights.h - a model in memory: its config and where each weight matrix lies.
 *
 * Matrices point into a read-only mapping of the file; what a file stores misaligned or in pieces
 * is copied once at load. Nothing here is ever written to after loading. */
#ifndef FL_MODEL_WEIGHTS_H
#define FL_MODEL_WEIGHTS_H

#include "base/error.h"
#include "model/config.h"
#include "ops/linear.h"

#include <stddef.h>
#include <stdint.h>

struct fl_norm_weights {
    const float *gain; /* [d_model] */
    const float *bias; /* [d_model], NULL for RMSNorm */
};

struct fl_layer_weights {
    struct fl_norm_weights norm_attn;
    struct fl_norm_weights norm_ffn; /* gain NULL: norm_attn serves both branches */
    struct fl_linear q, k, v, attn_out;
    struct fl_norm_weights norm_cross; /* of a decoder that attends to an encoder; NULL otherwise */
    struct fl_linear cross_q, cross_k, cross_v, cross_out;
    const float *q_norm, *k_norm; /* [head_dim]; NULL: none */
    struct fl_linear ffn_gate;    /* weight NULL unless gated; all three NULL with experts */
    struct fl_linear ffn_up, ffn_down;
    struct fl_linear router;                                 /* [n_experts, d_model] */
    struct fl_linear *expert_gate, *expert_up, *expert_down; /* [n_experts]; NULL: none */
    struct fl_linear shared_router; /* [1, d_model]: its sigmoid weighs the shared expert */
    struct fl_linear shared_gate, shared_up, shared_down; /* weights NULL: none */
};

struct fl_model {
    struct fl_config config;
    struct fl_linear token_embedding;  /* a table [vocab_size, d_model] */
    const float *position_embedding;   /* [n_ctx_max, d_model]; NULL unless learned */
    struct fl_norm_weights norm_final; /* gain NULL: none (post-LayerNorm) */
    struct fl_linear logits;           /* shares token_embedding when tied */
    struct fl_layer_weights *layers;   /* [n_layers] */
    struct fl_linear *experts;         /* [n_layers, 3, n_experts]; the layers point into it */
    const float *relative_bias;        /* [FL_T5_BUCKETS, n_heads], of every layer; or NULL */
    /* encoder-decoders */
    struct fl_linear encoder_embedding; /* token_embedding unless the vocabularies differ */
    const float *encoder_relative_bias;
    struct fl_norm_weights encoder_norm_final;
    struct fl_layer_weights *encoder_layers; /* [n_encoder_layers] */
    uint64_t weight_bytes;                   /* as stored and used, each tensor once */
    char format[24];                         /* "gguf", "safetensors", "llama2.c", "random" */
    struct fl_weight_storage *storage;       /* mappings and copies; the loader's own */
};

/* What --model accepts: a preset name (seeded random weights), a GGUF or llama2.c .bin file, a
 * safetensors file with config.json beside it, a directory holding those, or a config.json
 * (random weights). Refused when the weights would not fit into the memory that is available,
 * with the predicted size. */
int fl_model_open(struct fl_model *model, const char *spec, uint64_t seed, struct fl_error *error);

/* The same with random weights in this format (-1: f32); a file, which has formats of its own, is
 * refused when its matrices are of others. */
int fl_model_open_as(struct fl_model *model, const char *spec, int dtype, uint64_t seed,
                     struct fl_error *error);

/* The same without the weights of presets and configs, which are as fl_model_prepare() leaves them,
 * and without asking for memory: for the formats and sizes of what is stored. *stored tells whether
 * there is a file with weights. */
int fl_model_peek(struct fl_model *model, const char *spec, bool *stored, struct fl_error *error);

/* Seeded random weights for any runnable config; used by fl_model_open() and by tests. */
int fl_model_random(struct fl_model *model, const struct fl_config *config, uint64_t seed,
                    struct fl_error *error);

/* The same weights rounded to a format; matrices whose rows are no whole blocks of it get what
 * fl_dtype_fit() says. */
int fl_model_random_as(struct fl_model *model, const struct fl_config *config, enum fl_dtype dtype,
                       uint64_t seed, struct fl_error *error);

void fl_model_close(struct fl_model *model);

/* The file that fl_model_open() would read for a spec, or the config.json beside the weights; empty
 * for a preset. path: of at least 4096 bytes. */
int fl_model_file(char *path, size_t size, const char *spec, struct fl_error *error);

/* Only the shape, for `count`: accepts everything fl_model_open() does and reads headers only. */
int fl_config_open(struct fl_config *config, const char *spec, struct fl_error *error);

#endif
