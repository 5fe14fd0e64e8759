#include "ops/rope.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

#include <math.h>
#include <stddef.h>

static double frequency(int pair, int rotary_dim, const struct fl_rope_params *params)
{
    const double PI = 3.14159265358979323846;
    double plain = pow(params->theta, -2.0 * pair / rotary_dim);
    switch (params->scaling) {
    case FL_ROPE_PLAIN:
        break;
    case FL_ROPE_LINEAR:
        return plain / params->factor;
    case FL_ROPE_LLAMA3: {
        double turns = params->original_ctx * plain / (2.0 * PI);
        if (turns < params->low_freq_factor)
            return plain / params->factor;
        if (turns <= params->high_freq_factor) {
            double keep = (turns - params->low_freq_factor) /
                          (params->high_freq_factor - params->low_freq_factor);
            return keep * plain + (1.0 - keep) * plain / params->factor;
        }
        break;
    }
    }
    return plain;
}

void fl_rope_fill(float *cosine, float *sine, int n_ctx, int rotary_dim,
                  const struct fl_rope_params *params)
{
    int half = rotary_dim / 2;
    for (int i = 0; i < half; i++) {
        double freq = frequency(i, rotary_dim, params);
        for (int pos = 0; pos < n_ctx; pos++) {
            size_t at = (size_t)pos * (size_t)half + (size_t)i;
            cosine[at] = (float)cos(pos * freq);
            sine[at] = (float)sin(pos * freq);
        }
    }
}

static size_t rotated(const struct fl_rope_shape *shape)
{
    return (size_t)(shape->rotary_dim ? shape->rotary_dim : shape->head_dim);
}

struct job {
    float *q, *k;
    const int *positions;
    const float *cosine, *sine;
    const struct fl_rope_shape *shape;
    void (*rotate)(float *x, const float *cosine, const float *sine, size_t half);
};

static void rotate_token(const void *context, size_t i)
{
    const struct job *job = context;
    const struct fl_rope_shape *shape = job->shape;
    size_t d = (size_t)shape->head_dim, half = rotated(shape) / 2;
    size_t n_heads = (size_t)shape->n_heads, n_kv_heads = (size_t)shape->n_kv_heads;
    size_t position = (size_t)job->positions[i];
    const float *c = job->cosine + position * half, *s = job->sine + position * half;
    for (size_t head = 0; head < n_heads; head++)
        job->rotate(job->q + (i * n_heads + head) * d, c, s, half);
    for (size_t head = 0; head < n_kv_heads; head++)
        job->rotate(job->k + (i * n_kv_heads + head) * d, c, s, half);
}

void fl_rope(float *q, float *k, const int *positions, const float *cosine, const float *sine,
             const struct fl_rope_shape *shape)
{
    const struct fl_simd *simd = fl_simd();
    struct job job = {q,
                      k,
                      positions,
                      cosine,
                      sine,
                      shape,
                      shape->interleaved ? simd->rotate_pairs : simd->rotate_halves};
    size_t n_rows = (size_t)shape->n_rows;
    size_t n_heads = (size_t)shape->n_heads + (size_t)shape->n_kv_heads;
    fl_parallel_rows(n_rows, n_rows * n_heads * rotated(shape) >= FL_PARALLEL_MIN, rotate_token,
                     &job);
}

struct fl_cost fl_rope_cost(const struct fl_rope_shape *shape)
{
    uint64_t n = (uint64_t)shape->n_rows, d = (uint64_t)rotated(shape);
    uint64_t elements = n * ((uint64_t)shape->n_heads + (uint64_t)shape->n_kv_heads) * d;
    return (struct fl_cost){
        .elementwise = 3 * elements,
        .bytes_read = (elements + (uint64_t)shape->n_positions * d) * sizeof(float),
        .bytes_written = elements * sizeof(float),
    };
}
