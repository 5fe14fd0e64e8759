/* hf_model.h - a model out of a Hugging Face checkpoint: config.json beside model.safetensors, or
 * beside shards and model.safetensors.index.json. Tensors of type F32, F16 or
 * BF16. */
#ifndef FL_MODEL_HF_MODEL_H
#define FL_MODEL_HF_MODEL_H

#include "model/weights.h"

/* weights: the safetensors file, or the index of its shards; NULL: model.safetensors of the
 * directory, or its shards. */
int fl_hf_model(struct fl_model *model, const char *directory, const char *weights,
                const char *name, struct fl_error *error);

#endif
