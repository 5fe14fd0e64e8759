#include "ops/softmax.h"

#include "ops/simd/simd.h"

void fl_softmax_row(float *x, size_t n, float scale)
{
    fl_simd()->softmax(x, n, scale);
}
