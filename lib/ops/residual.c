#include "ops/residual.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

enum { CHUNK = 4096 }; /* elements a thread takes at a time */

void fl_residual(float *out, const float *x, size_t n)
{
    const struct fl_simd *simd = fl_simd();
#pragma omp parallel for schedule(static) if (n >= FL_PARALLEL_MIN)
    for (size_t i = 0; i < n; i += CHUNK)
        simd->add(out + i, x + i, n - i < CHUNK ? n - i : CHUNK);
}

struct fl_cost fl_residual_cost(uint64_t n)
{
    return (struct fl_cost){
        .elementwise = n,
        .bytes_read = 2 * n * sizeof(float),
        .bytes_written = n * sizeof(float),
    };
}
