/* qk_norm.h - query-key normalisation: RMSNorm over each head of q and of k, before positions are
 * applied, so that no score can outgrow the gains.
 *
 * q[i,j,:] = q[i,j,:] / sqrt(mean(q[i,j,:]^2) + eps) * q_gain, and k with k_gain; one gain for all
 * heads. Source: Henry et al., 2020 (arXiv:2010.04245), with RMSNorm as in Qwen3
 * (arXiv:2505.09388). */
#ifndef FL_OPS_QK_NORM_H
#define FL_OPS_QK_NORM_H

#include "base/cost.h"
#include "base/excess.h"

struct fl_qk_norm_shape {
    int n_rows, n_heads, n_kv_heads, head_dim;
};

/* In place on q [n_rows, n_heads * head_dim] and k [n_rows, n_kv_heads * head_dim]; gains
 * [head_dim]. */
void fl_qk_norm(float *q, float *k, const float *q_gain, const float *k_gain,
                const struct fl_qk_norm_shape *shape, float eps);

/* Work fl_qk_norm() executes: two fl_rmsnorm(), a row a head. Each gain is read once. */
struct fl_cost fl_qk_norm_cost(const struct fl_qk_norm_shape *shape);
struct fl_excess fl_qk_norm_excess(const struct fl_qk_norm_shape *shape);

#endif
