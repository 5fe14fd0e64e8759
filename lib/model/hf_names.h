/* hf_names.h - what Hugging Face checkpoints call the tensors of the decoder-only architectures. */
#ifndef FL_MODEL_HF_NAMES_H
#define FL_MODEL_HF_NAMES_H

#include "model/weight_layout.h"

/* [FL_N_WEIGHT_ROLES]; NULL where an architecture has no such checkpoints. */
const struct fl_weight_name *fl_hf_names(enum fl_arch arch);

#endif
