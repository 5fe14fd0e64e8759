/* softmax.h - exp(scale * x) / sum of the same, of one row. */
#ifndef FL_OPS_SOFTMAX_H
#define FL_OPS_SOFTMAX_H

#include <stddef.h>

/* In place on x [n]; scale > 0. -inf becomes exactly 0; at least one element must be finite. The
 * maximum is subtracted first, so nothing overflows. */
void fl_softmax_row(float *x, size_t n, float scale);

#endif
