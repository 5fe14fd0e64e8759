/* weight_layout.h - which tensors a config calls for, and putting them in place. The loaders' side
 * of weights.h.
 *
 * A slot is one weight matrix or vector of the model. A loader walks the slots of a layer and says
 * for each where its numbers lie; fl_weights_bind() does so by name for formats that have names. */
#ifndef FL_MODEL_WEIGHT_LAYOUT_H
#define FL_MODEL_WEIGHT_LAYOUT_H

#include "base/arena.h"
#include "base/file.h"
#include "model/weights.h"

enum fl_weight_role {
    FL_WEIGHT_TOKEN_EMBEDDING,    /* [vocab_size, d_model] */
    FL_WEIGHT_POSITION_EMBEDDING, /* [n_ctx_max, d_model] */
    FL_WEIGHT_NORM_FINAL,         /* vectors [d_model] */
    FL_WEIGHT_NORM_FINAL_BIAS,
    FL_WEIGHT_LOGITS, /* [vocab_size, d_model] */
    FL_WEIGHT_LOGITS_BIAS,
    FL_WEIGHT_RELATIVE_BIAS,     /* [FL_T5_BUCKETS, n_heads] */
    FL_WEIGHT_ENCODER_EMBEDDING, /* [source_vocab_size, d_model] */
    FL_WEIGHT_ENCODER_RELATIVE_BIAS,
    FL_WEIGHT_ENCODER_NORM_FINAL,
    FL_WEIGHT_ENCODER_NORM_FINAL_BIAS,
    /* of each layer; matrices [n_out, n_in], biases [n_out] */
    FL_WEIGHT_NORM_ATTN,
    FL_WEIGHT_NORM_ATTN_BIAS,
    FL_WEIGHT_Q,
    FL_WEIGHT_K,
    FL_WEIGHT_V,
    FL_WEIGHT_Q_BIAS,
    FL_WEIGHT_K_BIAS,
    FL_WEIGHT_V_BIAS,
    FL_WEIGHT_Q_NORM, /* [head_dim] */
    FL_WEIGHT_K_NORM,
    FL_WEIGHT_ATTN_OUT,
    FL_WEIGHT_ATTN_OUT_BIAS,
    FL_WEIGHT_NORM_CROSS,
    FL_WEIGHT_NORM_CROSS_BIAS,
    FL_WEIGHT_CROSS_Q,
    FL_WEIGHT_CROSS_K,
    FL_WEIGHT_CROSS_V,
    FL_WEIGHT_CROSS_Q_BIAS,
    FL_WEIGHT_CROSS_K_BIAS,
    FL_WEIGHT_CROSS_V_BIAS,
    FL_WEIGHT_CROSS_OUT,
    FL_WEIGHT_CROSS_OUT_BIAS,
    FL_WEIGHT_NORM_FFN,
    FL_WEIGHT_NORM_FFN_BIAS,
    FL_WEIGHT_FFN_GATE,
    FL_WEIGHT_FFN_GATE_BIAS,
    FL_WEIGHT_FFN_UP,
    FL_WEIGHT_FFN_UP_BIAS,
    FL_WEIGHT_FFN_DOWN,
    FL_WEIGHT_FFN_DOWN_BIAS,
    FL_WEIGHT_ROUTER,
    FL_WEIGHT_SHARED_ROUTER,
    FL_WEIGHT_SHARED_GATE,
    FL_WEIGHT_SHARED_UP,
    FL_WEIGHT_SHARED_DOWN,
    /* of each expert of a layer */
    FL_WEIGHT_EXPERT_GATE,
    FL_WEIGHT_EXPERT_UP,
    FL_WEIGHT_EXPERT_DOWN,
    FL_N_WEIGHT_ROLES
};
enum { FL_GLOBAL_SLOTS = -1 }; /* in place of a layer's number */

/* Layers whose slots are numbered 0 .. n-1: the decoder's and, behind them, the encoder's. */
static inline int fl_n_slot_layers(const struct fl_config *config)
{
    return config->n_layers + config->n_encoder_layers;
}

struct fl_weight_slot {
    enum fl_weight_role role;
    int layer;                /* of its stack, or FL_GLOBAL_SLOTS */
    bool encoder;             /* of a layer in the encoder */
    int expert;               /* -1: of none */
    int n_rows, n_cols;       /* n_cols 0: a vector of n_rows */
    const float **target;     /* where the address of a vector or of a table of positions belongs,
                                 which are f32; NULL for matrices */
    struct fl_linear *linear; /* the matrix, in any format: linear layers, token embedding; NULL for
                                 the others */
};

/* Where the memory behind a model comes from. */
struct fl_weight_storage {
    struct fl_mapping *files;
    int n_files;
    struct fl_arena arena; /* random weights */
    float **copies;        /* of what a file stores misaligned, or vectors in other than f32 */
    int n_copies;
};

/* An empty model for this checked, runnable config: storage, layers, and the dimensions of every
 * linear layer, stored [n_out, n_in] without gaps until a loader says otherwise. Whatever happens,
 * fl_model_close() cleans up. */
int fl_model_prepare(struct fl_model *model, const struct fl_config *config, const char *format,
                     struct fl_error *error);

/* Slots come in groups: those outside the layers; then for each layer its own, followed by a group
 * for each of its experts. Fills slots with those of a group; returns how many there are. */
int fl_weight_n_groups(const struct fl_model *model);
int fl_weight_group(struct fl_model *model, int group,
                    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES]);

/* The group of layer 0 .. fl_n_slot_layers() - 1 without its experts, or of FL_GLOBAL_SLOTS. */
int fl_weight_slots(struct fl_model *model, int layer,
                    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES]);

/* Refuses what memory would not hold, with the size. */
int fl_model_require(const struct fl_config *config, uint64_t bytes, struct fl_error *error);

/* Elements of a slot. */
size_t fl_weight_slot_size(const struct fl_weight_slot *slot);

/* Puts the numbers in place. What has no matrix takes f32 only. */
void fl_weight_slot_set(const struct fl_weight_slot *slot, const void *data, enum fl_dtype dtype);
const void *fl_weight_slot_data(const struct fl_weight_slot *slot);
enum fl_dtype fl_weight_slot_dtype(const struct fl_weight_slot *slot);

/* Every matrix is to be of this format, or of what fl_dtype_fit() puts in its place; before there
 * are weights. Returns the bytes that all weights will take. */
uint64_t fl_model_set_dtype(struct fl_model *model, enum fl_dtype dtype);

/* After every slot has been filled: logits share the embedding if tied, weight_bytes is summed. */
void fl_model_finish(struct fl_model *model);

/* Takes over a mapping; *mapping is emptied on success. */
int fl_model_own_file(struct fl_model *model, struct fl_mapping *mapping, struct fl_error *error);

/* ---- formats that name their tensors ---- */

struct fl_weight_name {
    const char *pattern; /* the first "%d" stands for the layer, the second one for the expert;
                            NULL: the format has no such tensor */
    bool in_out;         /* stored [n_in, n_out] */
    bool fused;          /* q, k and v (of cross-attention: k and v) in one tensor, one behind the
                            other along n_out */
    const char *encoder; /* the pattern of the encoder's layers */
    bool fused_by_head;  /* the same, but head by head: [n_heads, 3, head_dim] along n_out */
    bool stacked;        /* all experts in one tensor [n_experts, n_out, n_in] */
    bool flat;           /* a matrix of one row, stored as a vector [n_in] */
};

/* A tensor in a file; dims in row-major order, the fastest last. */
struct fl_weight_tensor {
    const void *data; /* at any alignment */
    enum fl_dtype dtype;
    int n_dims;
    uint64_t dims[4];
};

/* Finds a tensor by name and marks it as used. Fails with a sentence when it is not there or of a
 * type that is not read. */
typedef int fl_weight_find(void *file, const char *name, struct fl_weight_tensor *tensor,
                           struct fl_error *error);

/* Fills every slot by name, checking each shape; path begins the error sentences. Matrices keep
 * their type; vectors and the position table become f32. */
int fl_weights_bind(struct fl_model *model, const struct fl_weight_name names[FL_N_WEIGHT_ROLES],
                    fl_weight_find *find, void *file, const char *path, struct fl_error *error);

#endif
