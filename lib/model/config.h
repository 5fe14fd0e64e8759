/* config.h - the shape of a transformer: everything the engine and the formulas need to know.
 *
 * Loaders translate other projects' names into these. A config is valid only after
 * fl_config_check(), which every loader calls last. */
#ifndef FL_MODEL_CONFIG_H
#define FL_MODEL_CONFIG_H

#include "base/error.h"
#include "ops/activation.h"
#include "ops/rope.h"

#include <stdbool.h>
#include <stdint.h>

enum fl_arch {
    FL_ARCH_CLASSIC, /* the original Transformer's decoder, without cross-attention */
    FL_ARCH_GPT2,
    FL_ARCH_LLAMA, /* and Mistral: the same block */
    FL_ARCH_QWEN2,
    FL_ARCH_QWEN3, /* with query-key norm */
    FL_ARCH_MIXTRAL,
    FL_ARCH_QWEN2_MOE, /* experts beside a shared one */
    FL_ARCH_QWEN3_MOE,
    FL_ARCH_NEOX, /* GPT-NeoX, Pythia: parallel blocks, partly rotated heads */
    FL_ARCH_T5,
    FL_ARCH_ENCDEC, /* the original Transformer, encoder and decoder */
    FL_N_ARCHS
};
enum fl_norm_kind { FL_NORM_LAYERNORM, FL_NORM_RMSNORM };
enum fl_norm_position { FL_NORM_PRE, FL_NORM_POST };
/* How a pre-norm layer's two branches join the residual stream x. */
enum fl_branches {
    FL_BRANCHES_SEQUENTIAL,     /* x = x + attention(norm(x)), x = x + ffn(norm(x)) */
    FL_BRANCHES_PARALLEL,       /* x = x + attention(norm_attn(x)) + ffn(norm_ffn(x)) */
    FL_BRANCHES_PARALLEL_SHARED /* the same with one norm for both */
};
enum fl_positions {
    FL_POS_LEARNED,
    FL_POS_SINUSOIDAL,        /* feature 2i: sin(pos / 10000^(2i/h)), 2i+1: cos */
    FL_POS_SINUSOIDAL_HALVES, /* all sines, then all cosines; positions from 1 (ops/positions.h) */
    FL_POS_ROPE,
    FL_POS_RELATIVE /* T5's bucketed bias */
};

enum {
    FL_T5_BUCKETS = 32,      /* of relative positions, a bias each and head; the same in every T5 */
    FL_T5_MAX_DISTANCE = 128 /* where the config does not say */
};

struct fl_config {
    char name[128]; /* as the user knows it: preset name or file stem; printable */
    enum fl_arch arch;
    int d_model, d_ff, n_layers;
    int n_heads, n_kv_heads, head_dim; /* n_heads * head_dim need not equal d_model */
    int vocab_size;
    int n_ctx_max; /* positions the model was made for */
    enum fl_norm_kind norm;
    enum fl_norm_position norm_position;
    enum fl_branches branches;
    double norm_eps;
    enum fl_activation activation;
    bool gated; /* FFN is down(act(gate x) * (up x)) */
    enum fl_positions positions;
    bool scale_embedding;                   /* token embeddings times sqrt(d_model) */
    bool bias_qkv, bias_attn_out, bias_ffn; /* which linear layers carry a bias vector */
    bool tied;                              /* logits use the token embedding matrix */
    bool qk_norm; /* RMSNorm over each head of q and k, before positions; gains [head_dim] */
    struct fl_rope_params rope;
    int rotary_dim;                /* rotated features of each head, the first ones; 0: all */
    int sliding_window;            /* 0: none. Counted only; runs are refused when s > window */
    int n_experts, n_experts_used; /* 0: dense FFN; d_ff is the width of one expert */
    bool norm_topk;  /* the weights of the chosen experts sum to 1; else softmax over all experts */
    int d_ff_shared; /* 0: no shared expert beside the chosen ones, behind its sigmoid gate */
    int n_encoder_layers;      /* 0: decoder only */
    int source_vocab_size;     /* of the encoder; 0: it shares the decoder's embedding */
    int relative_max_distance; /* relative positions: farther ones share the last bucket */
    bool bias_logits;          /* the output projection carries a bias vector */
    int bos_id, eos_id;        /* -1: none; an encoder-decoder's decoder starts with bos_id */
};

/* Refuses nonsense with a sentence that starts with `source` (a file or preset name), names the
 * field and says what was expected. Limits: every dimension 1 .. 2^24, layers 1 .. 4096, and all
 * derived products (n_heads * head_dim within a dimension, parameters in bytes) fit in 62 bits. */
int fl_config_check(const struct fl_config *config, const char *source, struct fl_error *error);

/* What a file calls a field of struct fl_config. */
struct fl_field_name {
    const char *field, *key; /* "d_model", "hidden_size" */
};

/* Puts the file's words for fields into a sentence "SOURCE: FIELD: ..."; names end with a field of
 * NULL, and the first one of a field counts. */
void fl_config_rename(struct fl_error *error, const char *source,
                      const struct fl_field_name *names);

/* Refuses by name an architecture the engine cannot run (it may still be counted). */
int fl_config_runnable(const struct fl_config *config, struct fl_error *error);

/* True when logits are those of x * d_model^-0.5: T5 where it shares its embedding. */
static inline bool fl_config_scales_logits(const struct fl_config *config)
{
    return config->arch == FL_ARCH_T5 && config->tied;
}

/* Ids the encoder knows, or, without one, the decoder: those of a prompt. */
static inline int fl_config_prompt_vocab_size(const struct fl_config *config)
{
    return config->source_vocab_size > 0 ? config->source_vocab_size : config->vocab_size;
}

/* Features of each head that are rotated: rotary_dim, or all; 0 without rotary positions. */
int fl_config_rotary_dim(const struct fl_config *config);

/* True when the feed-forward network has a norm of its own. */
static inline bool fl_config_has_norm_ffn(const struct fl_config *config)
{
    return config->branches != FL_BRANCHES_PARALLEL_SHARED;
}

/* Number of trained parameters. */
uint64_t fl_config_n_params(const struct fl_config *config);

/* The name users see; what is not printable ASCII becomes '?', what is too long is cut. */
void fl_config_set_name(struct fl_config *config, const char *text);

/* "llama", "gpt2", ...; the list is in the order of the enum and ends with NULL. */
extern const char *const fl_arch_names[];
const char *fl_arch_name(enum fl_arch arch);

#endif
