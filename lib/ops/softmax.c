#include "ops/softmax.h"

#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"

void fl_softmax_row(float *x, size_t n, float scale)
{
    fl_simd()->softmax(x, n, scale);
}

uint64_t fl_softmax_row_flops(uint64_t n)
{
    return 5 * n + 1;
}

/* The exponential counts as one; idle lanes do all but the last product. */
struct fl_excess fl_softmax_row_excess(uint64_t n)
{
    return (struct fl_excess){
        .flops = {
            [FL_EXCESS_TRANSCENDENTAL] = (int64_t)(n * (FL_EXP_FLOPS - 1)),
            [FL_EXCESS_VECTOR_TAIL] = (int64_t)(fl_simd_idle(n) * (FL_EXP_FLOPS + 3)),
            [FL_EXCESS_REDUCTIONS] = (int64_t)fl_simd_join(),
        }};
}
