#include "ops/activation.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"

/* Elements a thread takes at a time: 16 KiB of each operand, half of a 32 KiB L1 for two. */
enum { CHUNK = 4096 }; /* and whole vectors of any set */

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

/* FLOPs an element: with each transcendental as one, and those of its polynomial. */
static const struct {
    uint64_t counted, transcendental;
} FLOPS[FL_N_ACTIVATIONS] = {[FL_ACT_RELU] = {0, 0},
                             [FL_ACT_GELU_ERF] = {5, FL_ERF_FLOPS},
                             [FL_ACT_GELU_TANH] = {9, FL_TANH_FLOPS},
                             [FL_ACT_SILU] = {3, FL_EXP_FLOPS}};

struct fl_cost fl_activate_cost(uint64_t n, bool gated, enum fl_activation kind)
{
    return (struct fl_cost){
        .elementwise = n * (FLOPS[kind].counted + (gated ? 1 : 0)),
        .bytes_read = n * (gated ? 2 : 1) * sizeof(float),
        .bytes_written = n * sizeof(float),
    };
}

/* Chunks are whole vectors; only the last of all may have idle lanes, which do what the others do.
 */
struct fl_excess fl_activate_excess(uint64_t n, bool gated, enum fl_activation kind)
{
    uint64_t expansion = FLOPS[kind].transcendental ? FLOPS[kind].transcendental - 1 : 0;
    uint64_t executed = FLOPS[kind].counted + expansion + (gated ? 1 : 0);
    return (struct fl_excess){.flops = {
                                  [FL_EXCESS_TRANSCENDENTAL] = (int64_t)(n * expansion),
                                  [FL_EXCESS_VECTOR_TAIL] = (int64_t)(fl_simd_idle(n) * executed),
                              }};
}
