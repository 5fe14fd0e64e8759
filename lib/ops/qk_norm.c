#include "ops/qk_norm.h"

#include "ops/rmsnorm.h"

void fl_qk_norm(float *q, float *k, const float *q_gain, const float *k_gain,
                const struct fl_qk_norm_shape *shape, float eps)
{
    fl_rmsnorm(q, q, q_gain, shape->n_rows * shape->n_heads, shape->head_dim, eps);
    fl_rmsnorm(k, k, k_gain, shape->n_rows * shape->n_kv_heads, shape->head_dim, eps);
}

struct fl_cost fl_qk_norm_cost(const struct fl_qk_norm_shape *shape)
{
    return fl_cost_add(fl_rmsnorm_cost(shape->n_rows * shape->n_heads, shape->head_dim),
                       fl_rmsnorm_cost(shape->n_rows * shape->n_kv_heads, shape->head_dim));
}

struct fl_excess fl_qk_norm_excess(const struct fl_qk_norm_shape *shape)
{
    struct fl_excess sum = fl_rmsnorm_excess(shape->n_rows * shape->n_heads, shape->head_dim);
    const struct fl_excess k =
        fl_rmsnorm_excess(shape->n_rows * shape->n_kv_heads, shape->head_dim);
    fl_excess_add(&sum, &k);
    return sum;
}
