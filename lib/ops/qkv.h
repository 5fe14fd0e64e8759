/* qkv.h - query, key and value projections of the same rows, as one operator.
 *
 * q = Wq x + bq, k = Wk x + bk, v = Wv x + bv. Source: Vaswani et al., 2017 (arXiv:1706.03762). */
#ifndef FL_OPS_QKV_H
#define FL_OPS_QKV_H

#include "ops/linear.h"

/* x [n_rows, d_model]; q [n_rows, wq->n_out], k [n_rows, wk->n_out], v [n_rows, wv->n_out]. */
void fl_qkv(float *q, float *k, float *v, const float *x, int n_rows, const struct fl_linear *wq,
            const struct fl_linear *wk, const struct fl_linear *wv);

/* Work fl_qkv() executes; x, which all three share, is read once. */
struct fl_cost fl_qkv_cost(int n_rows, const struct fl_linear *wq, const struct fl_linear *wk,
                           const struct fl_linear *wv);
struct fl_excess fl_qkv_excess(int n_rows, const struct fl_linear *wq, const struct fl_linear *wk,
                               const struct fl_linear *wv);

/* Key and value projections alone: of what an encoder gives, for cross-attention. */
void fl_kv(float *k, float *v, const float *x, int n_rows, const struct fl_linear *wk,
           const struct fl_linear *wv);
struct fl_cost fl_kv_cost(int n_rows, const struct fl_linear *wk, const struct fl_linear *wv);
struct fl_excess fl_kv_excess(int n_rows, const struct fl_linear *wk, const struct fl_linear *wv);

#endif
