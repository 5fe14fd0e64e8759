#include "ops/embed.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

#include <string.h>

void fl_embed(float *out, const int *tokens, int n_seqs, int n_tokens, int n_past,
              const float *token_table, const float *position_table, float scale, int d_model)
{
    const struct fl_simd *simd = fl_simd();
    size_t d = (size_t)d_model, n_rows = (size_t)n_seqs * (size_t)n_tokens;
#pragma omp parallel for schedule(static) if (n_rows * d >= FL_PARALLEL_MIN)
    for (size_t i = 0; i < n_rows; i++) {
        float *row = out + i * d;
        memcpy(row, token_table + (size_t)tokens[i] * d, d * sizeof *row);
        if (scale != 1.0f)
            simd->scale(row, scale, d);
        if (position_table) {
            size_t position = (size_t)n_past + i % (size_t)n_tokens;
            simd->add(row, position_table + position * d, d);
        }
    }
}

struct fl_cost fl_embed_cost(int n_seqs, int n_tokens, bool positions, bool scaled, int d_model)
{
    uint64_t s = (uint64_t)n_tokens, n = (uint64_t)n_seqs * s, d = (uint64_t)d_model;
    return (struct fl_cost){
        .elementwise = n * d * (scaled ? 1 : 0) + n * d * (positions ? 1 : 0),
        .bytes_read = n * sizeof(int) + (n * d + (positions ? s * d : 0)) * sizeof(float),
        .bytes_written = n * d * sizeof(float),
    };
}
