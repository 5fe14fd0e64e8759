#include "ops/scale.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

enum { CHUNK = 4096 }; /* elements a thread takes at a time */

struct job {
    float *x;
    float factor;
    size_t n;
};

static void scale_chunk(const void *context, size_t index)
{
    const struct job *job = context;
    const size_t i = index * CHUNK;
    fl_simd()->scale(job->x + i, job->factor, job->n - i < CHUNK ? job->n - i : CHUNK);
}

void fl_scale(float *x, float factor, size_t n)
{
    const struct job job = {x, factor, n};
    fl_parallel_rows((n + CHUNK - 1) / CHUNK, n >= FL_PARALLEL_MIN, scale_chunk, &job);
}

struct fl_cost fl_scale_cost(uint64_t n)
{
    return (struct fl_cost){
        .elementwise = n,
        .bytes_read = n * sizeof(float),
        .bytes_written = n * sizeof(float),
    };
}
