#include "ops/rmsnorm.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

#include <stddef.h>

void fl_rmsnorm(float *out, const float *x, const float *gain, int n_rows, int d_model, float eps)
{
    const struct fl_simd *simd = fl_simd();
    size_t d = (size_t)d_model;
#pragma omp parallel for schedule(static) if ((size_t)n_rows * d >= FL_PARALLEL_MIN)
    for (int i = 0; i < n_rows; i++)
        simd->rmsnorm(out + (size_t)i * d, x + (size_t)i * d, gain, d, eps);
}

struct fl_cost fl_rmsnorm_cost(int n_rows, int d_model)
{
    uint64_t n = (uint64_t)n_rows, d = (uint64_t)d_model;
    if (n == 0)
        return (struct fl_cost){0};
    return (struct fl_cost){
        .elementwise = n * (4 * d + 4),
        .bytes_read = (n * d + d) * sizeof(float),
        .bytes_written = n * d * sizeof(float),
    };
}
