/* gguf_model.h - a model out of a GGUF file, of any architecture that fl_gguf_architectures()
 * names, with tensors of the types that fl_dtype knows. */
#ifndef FL_MODEL_GGUF_MODEL_H
#define FL_MODEL_GGUF_MODEL_H

#include "model/weights.h"

struct fl_weight_name;

/* The header alone; reads no weights but the table of rotary factors, if there is one. */
int fl_gguf_config(struct fl_config *config, const char *path, const char *name,
                   struct fl_error *error);

/* What an architecture is called in GGUF files and how they hold it, for who writes them. */
struct fl_gguf_habits {
    const char *name;                   /* general.architecture */
    const struct fl_weight_name *names; /* [FL_N_WEIGHT_ROLES] */
    const char *eps_key;                /* without the architecture in front */
    bool interleaved;                   /* rotary pairs: (2i, 2i+1); else (i, i + d/2) */
};
/* False when GGUF has no such architecture that this version reads. */
bool fl_gguf_habits(struct fl_gguf_habits *habits, const struct fl_config *config);
/* "llama, qwen2, ...", as general.architecture has them, into out. */
const char *fl_gguf_architectures(char *out, size_t size);

/* By what llama3 scaling divides frequency i of a head. */
double fl_gguf_llama3_divisor(const struct fl_rope_params *rope, int i, int head_dim);

int fl_gguf_model(struct fl_model *model, const char *path, const char *name,
                  struct fl_error *error);

#endif
