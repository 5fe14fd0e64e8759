#include "ops/embed.h"

#include "ops/convert.h"
#include "ops/parallel.h"
#include "ops/simd/simd.h"

struct job {
    float *out;
    const int *tokens;
    const struct fl_linear *token_table;
    const float *position_table;
    float scale;
    size_t n_tokens, n_past, d;
};

static void embed_row(const void *context, size_t i)
{
    const struct job *job = context;
    const struct fl_simd *simd = fl_simd();
    size_t d = job->d, position = job->n_past + i % job->n_tokens;
    float *row = job->out + i * d;
    const struct fl_linear *table = job->token_table;
    const uint64_t first = (uint64_t)job->tokens[i] * (uint64_t)table->ld;
    fl_to_f32(row, (const char *)table->weight + fl_dtype_bytes(table->dtype, first), table->dtype,
              d);
    if (job->scale != 1.0f)
        simd->scale(row, job->scale, d);
    if (job->position_table)
        simd->add(row, job->position_table + position * d, d);
}

void fl_embed(float *out, const int *tokens, int n_seqs, int n_tokens, int n_past,
              const struct fl_linear *token_table, const float *position_table, float scale)
{
    struct job job = {out,   tokens,           token_table,    position_table,
                      scale, (size_t)n_tokens, (size_t)n_past, (size_t)token_table->n_in};
    size_t n_rows = (size_t)n_seqs * (size_t)n_tokens;
    fl_parallel_rows(n_rows, n_rows * job.d >= FL_PARALLEL_MIN, embed_row, &job);
}

struct fl_cost fl_embed_cost(const struct fl_linear *token_table, int n_seqs, int n_tokens,
                             bool positions, bool scaled)
{
    uint64_t s = (uint64_t)n_tokens, n = (uint64_t)n_seqs * s, d = (uint64_t)token_table->n_in;
    return (struct fl_cost){
        .elementwise = n * d * (scaled ? 1 : 0) + n * d * (positions ? 1 : 0),
        .bytes_read = n * sizeof(int) + n * fl_dtype_bytes(token_table->dtype, d) +
                      (positions ? s * d : 0) * sizeof(float),
        .bytes_written = n * d * sizeof(float),
    };
}
