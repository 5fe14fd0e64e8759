/* residual.h - out += x: what a sublayer computed joins the residual stream.
 * Source: He et al., 2015 (arXiv:1512.03385). */
#ifndef FL_OPS_RESIDUAL_H
#define FL_OPS_RESIDUAL_H

#include "base/cost.h"

#include <stddef.h>

/* n elements f32. */
void fl_residual(float *out, const float *x, size_t n);

/* Work fl_residual() executes. */
struct fl_cost fl_residual_cost(uint64_t n);

#endif
