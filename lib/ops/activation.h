/* activation.h - the nonlinearity of the feed-forward network, plain or gated.
 *
 *   relu       max(x, 0)                           Vaswani et al., 2017 (arXiv:1706.03762)
 *   gelu_erf   x/2 (1 + erf(x / sqrt 2))           Hendrycks and Gimpel, 2016 (arXiv:1606.08415)
 *   gelu_tanh  x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))       ibid.: the approximation
 *   silu       x / (1 + exp(-x))                                   ibid.
 *   gated      act(x) * up                         Shazeer, 2020 (arXiv:2002.05202) */
#ifndef FL_OPS_ACTIVATION_H
#define FL_OPS_ACTIVATION_H

#include "base/cost.h"
#include "base/excess.h"

#include <stdbool.h>
#include <stddef.h>

enum fl_activation { FL_ACT_RELU, FL_ACT_GELU_ERF, FL_ACT_GELU_TANH, FL_ACT_SILU };

/* out[i] = act(x[i]), times up[i] unless up is NULL. out may be x or up. n elements f32. */
void fl_activate(float *out, const float *x, const float *up, size_t n, enum fl_activation kind);

/* Work fl_activate() executes. FLOP an element, each transcendental one: relu 0 (a comparison),
 * gelu_erf 5, gelu_tanh 9, silu 3; gated one more. */
struct fl_cost fl_activate_cost(uint64_t n, bool gated, enum fl_activation kind);
struct fl_excess fl_activate_excess(uint64_t n, bool gated, enum fl_activation kind);

#endif
