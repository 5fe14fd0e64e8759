#include "ops/qkv.h"

void fl_qkv(float *q, float *k, float *v, const float *x, int n_rows, const struct fl_linear *wq,
            const struct fl_linear *wk, const struct fl_linear *wv)
{
    fl_linear(q, x, n_rows, wq);
    fl_linear(k, x, n_rows, wk);
    fl_linear(v, x, n_rows, wv);
}

struct fl_cost fl_qkv_cost(int n_rows, const struct fl_linear *wq, const struct fl_linear *wk,
                           const struct fl_linear *wv)
{
    struct fl_cost cost = fl_cost_add(fl_linear_cost(wq, n_rows), fl_linear_cost(wk, n_rows));
    cost = fl_cost_add(cost, fl_linear_cost(wv, n_rows));
    cost.bytes_read -= 2 * (uint64_t)n_rows * (uint64_t)wq->n_in * sizeof(float);
    return cost;
}

struct fl_excess fl_qkv_excess(int n_rows, const struct fl_linear *wq, const struct fl_linear *wk,
                               const struct fl_linear *wv)
{
    struct fl_excess sum = fl_linear_excess(wq, n_rows);
    struct fl_excess k = fl_linear_excess(wk, n_rows), v = fl_linear_excess(wv, n_rows);
    fl_excess_add(&sum, &k);
    fl_excess_add(&sum, &v);
    return sum;
}

void fl_kv(float *k, float *v, const float *x, int n_rows, const struct fl_linear *wk,
           const struct fl_linear *wv)
{
    fl_linear(k, x, n_rows, wk);
    fl_linear(v, x, n_rows, wv);
}

struct fl_cost fl_kv_cost(int n_rows, const struct fl_linear *wk, const struct fl_linear *wv)
{
    struct fl_cost cost = fl_cost_add(fl_linear_cost(wk, n_rows), fl_linear_cost(wv, n_rows));
    cost.bytes_read -= (uint64_t)n_rows * (uint64_t)wk->n_in * sizeof(float);
    return cost;
}

struct fl_excess fl_kv_excess(int n_rows, const struct fl_linear *wk, const struct fl_linear *wv)
{
    struct fl_excess sum = fl_linear_excess(wk, n_rows), v = fl_linear_excess(wv, n_rows);
    fl_excess_add(&sum, &v);
    return sum;
}
