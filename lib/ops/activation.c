#include "ops/activation.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

/* Elements a thread takes at a time: 16 KiB of each operand, half of a 32 KiB L1 for two. */
enum { CHUNK = 4096 };

void fl_activate(float *out, const float *x, const float *up, size_t n, enum fl_activation kind)
{
    const struct fl_simd *simd = fl_simd();
#pragma omp parallel for schedule(static) if (n >= FL_PARALLEL_MIN)
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t m = n - i < CHUNK ? n - i : CHUNK;
        if (up)
            simd->gate[kind](out + i, x + i, up + i, m);
        else
            simd->activate[kind](out + i, x + i, m);
    }
}

struct fl_cost fl_activate_cost(uint64_t n, bool gated, enum fl_activation kind)
{
    static const uint64_t FLOPS[FL_N_ACTIVATIONS] = {
        [FL_ACT_RELU] = 0, [FL_ACT_GELU_ERF] = 5, [FL_ACT_GELU_TANH] = 9, [FL_ACT_SILU] = 3};
    return (struct fl_cost){
        .elementwise = n * (FLOPS[kind] + (gated ? 1 : 0)),
        .bytes_read = n * (gated ? 2 : 1) * sizeof(float),
        .bytes_written = n * sizeof(float),
    };
}
