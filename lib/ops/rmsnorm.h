/* rmsnorm.h - root-mean-square normalisation over the features of each token.
 *
 * out[i,:] = x[i,:] / sqrt(mean(x[i,:]^2) + eps) * gain
 * Source: Zhang and Sennrich, 2019 (arXiv:1910.07467). */
#ifndef FL_OPS_RMSNORM_H
#define FL_OPS_RMSNORM_H

#include "base/cost.h"
#include "base/excess.h"

/* x, out [n_rows, d_model] row-major f32, may be the same; gain [d_model]. */
void fl_rmsnorm(float *out, const float *x, const float *gain, int n_rows, int d_model, float eps);

/* Work fl_rmsnorm() executes. FLOP a row: squares and their sum 2d; normalise and gain 2d; division
 * by d, + eps, square root, reciprocal 4. No rows, no work. */
struct fl_cost fl_rmsnorm_cost(int n_rows, int d_model);
struct fl_excess fl_rmsnorm_excess(int n_rows, int d_model);

#endif
