/* hf_config.h - reads config.json as Hugging Face checkpoints have it.
 *
 * Architectures: those of the table in hf_architectures.c. Any other is refused by name, and so is
 * a setting that would change the computation and that the engine does not have. Absent keys have
 * the defaults of the transformers library. */
#ifndef FL_MODEL_HF_CONFIG_H
#define FL_MODEL_HF_CONFIG_H

#include "model/config.h"

/* name: what the config will be called. */
int fl_hf_config(struct fl_config *config, const char *path, const char *name,
                 struct fl_error *error);

#endif
