/* layernorm.h - layer normalisation over the features of each token.
 *
 * out[i,:] = (x[i,:] - mean) / sqrt(var + eps) * gain + bias, mean and (biased) variance of x[i,:].
 * Each token is normalised over its features; normalising a feature over the tokens would let
 * earlier tokens see later ones.
 * Source: Ba, Kiros and Hinton, 2016 (arXiv:1607.06450). */
#ifndef FL_OPS_LAYERNORM_H
#define FL_OPS_LAYERNORM_H

#include "base/cost.h"
#include "base/excess.h"

/* x, out [n_rows, d_model] row-major f32, may be the same; gain, bias [d_model]. */
void fl_layernorm(float *out, const float *x, const float *gain, const float *bias, int n_rows,
                  int d_model, float eps);

/* Work fl_layernorm() executes. FLOP a row: sum d; x - mean, square, sum 3d; normalise, gain, bias
 * 4d; two divisions by d, + eps, square root, reciprocal 5. No rows, no work. */
struct fl_cost fl_layernorm_cost(int n_rows, int d_model);
struct fl_excess fl_layernorm_excess(int n_rows, int d_model);

#endif
