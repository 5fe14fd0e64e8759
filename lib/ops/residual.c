#include "ops/residual.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

enum { CHUNK = 4096 }; /* elements a thread takes at a time */

struct job {
    float *out;
    const float *x;
    size_t n;
};

static void add_chunk(const void *context, size_t index)
{
    const struct job *job = context;
    size_t i = index * CHUNK;
    fl_simd()->add(job->out + i, job->x + i, job->n - i < CHUNK ? job->n - i : CHUNK);
}

void fl_residual(float *out, const float *x, size_t n)
{
    struct job job = {out, x, n};
    fl_parallel_rows((n + CHUNK - 1) / CHUNK, n >= FL_PARALLEL_MIN, add_chunk, &job);
}

struct fl_cost fl_residual_cost(uint64_t n)
{
    return (struct fl_cost){
        .elementwise = n,
        .bytes_read = 2 * n * sizeof(float),
        .bytes_written = n * sizeof(float),
    };
}
