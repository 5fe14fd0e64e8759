/* linear_stored.h - products of several rows with weights that are not f32; a part of linear.c.
 *
 * A panel of the weights is expanded on the stack and multiplied by BLAS, then the next one takes
 * its place: the matrix is never f32 as a whole. A panel stays in the second-level cache, is read
 * by all rows of x and is wide enough for packing x again and again to cost little. */
#ifndef FL_OPS_LINEAR_STORED_H
#define FL_OPS_LINEAR_STORED_H

#include "ops/linear.h"

#include <stddef.h>

/* y[:, first .. first + n - 1] += x W^T for those outputs, on the calling thread. */
void fl_linear_stored(float *y, const float *x, int n_rows, const struct fl_linear *layer,
                      size_t first, size_t n);
struct fl_excess fl_linear_stored_excess(int n_rows, const struct fl_linear *layer, size_t n);

/* For a few rows of x: y[:, first .. first + n - 1] = bias + x W^T, W stored [n_out, n_in]. */
void fl_linear_stored_few(float *y, const float *x, int n_rows, const struct fl_linear *layer,
                          size_t first, size_t n);
struct fl_excess fl_linear_stored_few_excess(int n_rows, const struct fl_linear *layer, size_t n);

/* The weights from an element on. */
const void *fl_linear_at(const struct fl_linear *layer, size_t element);

#endif
