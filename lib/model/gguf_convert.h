/* gguf_convert.h - a model as a GGUF file that llama.cpp reads: its tensors under llama.cpp's
 * names, in the formats asked for, and the keys of its shape.
 *
 *     struct fl_gguf_plan plan;
 *     fl_gguf_plan(&plan, model, FL_Q8_0, error);      what will be written, before anything is
 *     fl_gguf_put_config(writer, &plan);
 *     fl_gguf_put_file_type(writer, &plan);
 *     fl_gguf_declare_all(writer, &plan);
 *     fl_gguf_begin_data(writer, error);
 *     for (int i = 0; i < plan.n_tensors; i++)
 *         fl_gguf_write_tensor(writer, &plan, i, error);
 *     fl_gguf_finish(writer, error);
 *     fl_gguf_check_config(&model->config, fl_gguf_partial(writer), error);
 *     fl_gguf_plan_close(&plan);
 *
 * Formats follow llama.cpp's quantiser: vectors, position embeddings and the router of experts are
 * f32; with q4_0 and q4_k the matrix of the logits (the embedding, when tied) is q6_k; a matrix
 * whose rows are not whole blocks takes the next format with shorter ones, at last f16. */
#ifndef FL_MODEL_GGUF_CONVERT_H
#define FL_MODEL_GGUF_CONVERT_H

#include "base/dtype.h"
#include "model/gguf_write.h"
#include "model/weight_layout.h"

/* A tensor of the file, made of one slot, or of several one behind the other along the rows. */
struct fl_gguf_planned {
    char name[FL_GGUF_NAME_MAX + 1];
    int n_dims;
    uint64_t dims[4]; /* the fastest first */
    enum fl_dtype dtype;
    uint64_t n_bytes;
    struct fl_weight_slot *parts;
    int n_parts;
};

struct fl_gguf_plan {
    const char *architecture, *eps_key; /* GGUF's names */
    struct fl_gguf_planned *tensors;
    int n_tensors;
    uint64_t n_bytes;               /* of all tensors */
    int n_matrices[FL_N_DTYPES];    /* by the format they get */
    int n_fallen_back[FL_N_DTYPES]; /* of these, because the format asked for has longer blocks */
    bool to_interleaved, to_halves; /* how the rows of q and k are reordered, if they are */
    const struct fl_config *config; /* of the model */
    float *rope_factors;            /* [head_dim / 2]; NULL: no such tensor */
};

enum { FL_GGUF_DTYPE_KEEP = -1 };

/* dtype: of the matrices, or FL_GGUF_DTYPE_KEEP. Refuses by name an architecture that GGUF does not
 * know. Points into the model. */
int fl_gguf_plan(struct fl_gguf_plan *plan, struct fl_model *model, int dtype,
                 struct fl_error *error);
void fl_gguf_plan_close(struct fl_gguf_plan *plan);

/* The keys that describe the shape. */
void fl_gguf_put_config(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan);

/* general.file_type, quantization_version and alignment, which belong to the tensors; and whether a
 * key is one of these, for who copies the others. */
void fl_gguf_put_file_type(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan);
bool fl_gguf_is_file_type_key(const char *key, size_t length);

void fl_gguf_declare_all(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan);

/* Tensor i; in order. */
int fl_gguf_write_tensor(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan, int i,
                         struct fl_error *error);

/* Reads the shape back from a file that was written and refuses what became another. */
int fl_gguf_check_config(const struct fl_config *config, const char *path, struct fl_error *error);

#endif
