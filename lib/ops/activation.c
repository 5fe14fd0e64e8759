#include "ops/activation.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

/* Elements a thread takes at a time: 16 KiB of each operand, half of a 32 KiB L1 for two. */
enum { CHUNK = 4096 };

struct job {
    float *out;
    const float *x, *up;
    size_t n;
    enum fl_activation kind;
};

static void activate_chunk(const void *context, size_t index)
{
    const struct job *job = context;
    const struct fl_simd *simd = fl_simd();
    size_t i = index * CHUNK, m = job->n - i < CHUNK ? job->n - i : CHUNK;
    if (job->up)
        simd->gate[job->kind](job->out + i, job->x + i, job->up + i, m);
    else
        simd->activate[job->kind](job->out + i, job->x + i, m);
}

void fl_activate(float *out, const float *x, const float *up, size_t n, enum fl_activation kind)
{
    struct job job = {out, x, up, n, kind};
    fl_parallel_rows((n + CHUNK - 1) / CHUNK, n >= FL_PARALLEL_MIN, activate_chunk, &job);
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
