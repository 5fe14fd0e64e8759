/* gguf_names.h - what GGUF files call the tensors, for gguf_model.c. */
#ifndef FL_MODEL_GGUF_NAMES_H
#define FL_MODEL_GGUF_NAMES_H

#include "model/weight_layout.h"

/* Of Llama, Qwen and the mixtures of experts among them. */
extern const struct fl_weight_name fl_gguf_llama_names[FL_N_WEIGHT_ROLES];
/* Of GPT-2 and GPT-NeoX: q, k and v in one tensor. */
extern const struct fl_weight_name fl_gguf_gpt2_names[FL_N_WEIGHT_ROLES];
extern const struct fl_weight_name fl_gguf_t5_names[FL_N_WEIGHT_ROLES];

#endif
