#include "ops/embed.h"

#include "ops/parallel.h"
#include "ops/simd/simd.h"

#include <string.h>

struct job {
    float *out;
    const int *tokens;
    const float *token_table, *position_table;
    float scale;
    size_t n_tokens, n_past, d;
};

static void embed_row(const void *context, size_t i)
{
    const struct job *job = context;
    const struct fl_simd *simd = fl_simd();
    size_t d = job->d, position = job->n_past + i % job->n_tokens;
    float *row = job->out + i * d;
    memcpy(row, job->token_table + (size_t)job->tokens[i] * d, d * sizeof *row);
    if (job->scale != 1.0f)
        simd->scale(row, job->scale, d);
    if (job->position_table)
        simd->add(row, job->position_table + position * d, d);
}

void fl_embed(float *out, const int *tokens, int n_seqs, int n_tokens, int n_past,
              const float *token_table, const float *position_table, float scale, int d_model)
{
    struct job job = {out,   tokens,           token_table,    position_table,
                      scale, (size_t)n_tokens, (size_t)n_past, (size_t)d_model};
    size_t n_rows = (size_t)n_seqs * (size_t)n_tokens;
    fl_parallel_rows(n_rows, n_rows * job.d >= FL_PARALLEL_MIN, embed_row, &job);
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
