/* gguf_model.h - a model out of a GGUF file: Llama (and Mistral), Qwen2 and GPT-2 with tensors of
 * type F32. */
#ifndef FL_MODEL_GGUF_MODEL_H
#define FL_MODEL_GGUF_MODEL_H

#include "model/weights.h"

/* The header alone; reads no weights but the table of rotary factors, if there is one. */
int fl_gguf_config(struct fl_config *config, const char *path, const char *name,
                   struct fl_error *error);

int fl_gguf_model(struct fl_model *model, const char *path, const char *name,
                  struct fl_error *error);

#endif
