/* scale.h - x *= factor. T5 scales what its shared embedding reads the logits from by d_model^-0.5:
 * Raffel et al., 2020 (arXiv:1910.10683), as published in the models' code. */
#ifndef FL_OPS_SCALE_H
#define FL_OPS_SCALE_H

#include "base/cost.h"

#include <stddef.h>

/* n elements f32. */
void fl_scale(float *x, float factor, size_t n);

/* Work fl_scale() executes. */
struct fl_cost fl_scale_cost(uint64_t n);

#endif
