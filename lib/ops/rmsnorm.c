#include "ops/rmsnorm.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"

#include <stddef.h>

struct job {
    float *out;
    const float *x, *gain;
    size_t d;
    float eps;
};

static void normalise_row(const void *context, size_t i)
{
    const struct job *job = context;
    size_t d = job->d;
    fl_simd()->rmsnorm(job->out + i * d, job->x + i * d, job->gain, d, job->eps);
}

void fl_rmsnorm(float *out, const float *x, const float *gain, int n_rows, int d_model, float eps)
{
    struct job job = {out, x, gain, (size_t)d_model, eps};
    size_t n = (size_t)n_rows;
    fl_parallel_rows(n, n * job.d >= FL_PARALLEL_MIN, normalise_row, &job);
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

/* Idle lanes join the sum of squares. */
struct fl_excess fl_rmsnorm_excess(int n_rows, int d_model)
{
    uint64_t n = (uint64_t)n_rows, idle = fl_simd_idle((uint64_t)d_model);
    return (struct fl_excess){.flops = {
                                  [FL_EXCESS_VECTOR_TAIL] = (int64_t)(n * 2 * idle),
                                  [FL_EXCESS_REDUCTIONS] = (int64_t)(n * fl_simd_join()),
                              }};
}
