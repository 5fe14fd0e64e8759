/* encdec_names.h - how checkpoints of encoder-decoders name their tensors. */
#ifndef FL_MODEL_ENCDEC_NAMES_H
#define FL_MODEL_ENCDEC_NAMES_H

#include "model/weight_layout.h"

/* Names for fl_weights_bind(); config->arch is FL_ARCH_T5 or FL_ARCH_ENCDEC. */
const struct fl_weight_name *fl_encdec_names(const struct fl_config *config);

#endif
