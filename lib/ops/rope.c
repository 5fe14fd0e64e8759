#include "ops/rope.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

#include <math.h>
#include <stddef.h>

static double frequency(int pair, int head_dim, const struct fl_rope_params *params)
{
    const double PI = 3.14159265358979323846;
    double plain = pow(params->theta, -2.0 * pair / head_dim);
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

void fl_rope_fill(float *cosine, float *sine, int n_ctx, int head_dim,
                  const struct fl_rope_params *params)
{
    int half = head_dim / 2;
    for (int i = 0; i < half; i++) {
        double freq = frequency(i, head_dim, params);
        for (int pos = 0; pos < n_ctx; pos++) {
            size_t at = (size_t)pos * (size_t)half + (size_t)i;
            cosine[at] = (float)cos(pos * freq);
            sine[at] = (float)sin(pos * freq);
        }
    }
}

void fl_rope(float *q, float *k, const float *cosine, const float *sine,
             const struct fl_rope_shape *shape)
{
    const struct fl_simd *simd = fl_simd();
    void (*rotate)(float *, const float *, const float *, size_t) =
        shape->interleaved ? simd->rotate_pairs : simd->rotate_halves;
    size_t d = (size_t)shape->head_dim, half = d / 2;
    size_t n_heads = (size_t)shape->n_heads, n_kv_heads = (size_t)shape->n_kv_heads;
    size_t n_tokens = (size_t)shape->n_tokens, n_rows = (size_t)shape->n_seqs * n_tokens;
#pragma omp parallel for schedule(static) if (n_rows * (n_heads + n_kv_heads) * d >=               \
                                              FL_PARALLEL_MIN)
    for (size_t i = 0; i < n_rows; i++) {
        size_t position = (size_t)shape->n_past + i % n_tokens;
        const float *c = cosine + position * half, *s = sine + position * half;
        for (size_t head = 0; head < n_heads; head++)
            rotate(q + (i * n_heads + head) * d, c, s, half);
        for (size_t head = 0; head < n_kv_heads; head++)
            rotate(k + (i * n_kv_heads + head) * d, c, s, half);
    }
}

struct fl_cost fl_rope_cost(const struct fl_rope_shape *shape)
{
    uint64_t s = (uint64_t)shape->n_tokens, n = (uint64_t)shape->n_seqs * s;
    uint64_t d = (uint64_t)shape->head_dim;
    uint64_t elements = n * ((uint64_t)shape->n_heads + (uint64_t)shape->n_kv_heads) * d;
    return (struct fl_cost){
        .elementwise = 3 * elements,
        .bytes_read = (elements + s * d) * sizeof(float),
        .bytes_written = elements * sizeof(float),
    };
}
