/* softmax.h - exp(scale * x) / sum of the same, of one row. */
#ifndef FL_OPS_SOFTMAX_H
#define FL_OPS_SOFTMAX_H

#include "base/excess.h"

#include <stddef.h>
#include <stdint.h>

/* In place on x [n]; scale > 0. -inf becomes exactly 0; at least one element must be finite. The
 * maximum is subtracted first, so nothing overflows. */
void fl_softmax_row(float *x, size_t n, float scale);

/* Work it executes: a subtraction, scaling, exponential, sum and product an element, one division.
 * The operators that call it know what it reads and writes. */
uint64_t fl_softmax_row_flops(uint64_t n);
struct fl_excess fl_softmax_row_excess(uint64_t n);

#endif
