/* linear.h - a linear layer: y[i,:] = W x[i,:] + bias. */
#ifndef FL_OPS_LINEAR_H
#define FL_OPS_LINEAR_H

#include "base/cost.h"
#include "base/dtype.h"
#include "base/excess.h"

#include <stdbool.h>

struct fl_linear {
    const void *weight;
    enum fl_dtype dtype; /* of the weights; f32 lies at multiples of 4, others anywhere */
    const float *bias;   /* [n_out], or NULL */
    int n_out, n_in;
    int ld;      /* elements from one stored row to the next, whole blocks of the format */
    bool in_out; /* stored [n_in, n_out] (GPT-2's Conv1D); otherwise [n_out, n_in] */
};

/* y [n_rows, n_out], x [n_rows, n_in], row-major f32, distinct. No allocation of its own. */
void fl_linear(float *y, const float *x, int n_rows, const struct fl_linear *layer);

/* Work fl_linear() executes; reads x, W and bias once, writes y once. No rows, no work. */
struct fl_cost fl_linear_cost(const struct fl_linear *layer, int n_rows);

/* Beyond the cost, with the number of threads that fl_linear() would use now. */
struct fl_excess fl_linear_excess(const struct fl_linear *layer, int n_rows);

#endif
