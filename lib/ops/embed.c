#include "ops/embed.h"

#include "ops/convert.h"
#include "ops/parallel.h"
#include "ops/simd/simd.h"

struct job {
    float *out;
    const int *tokens, *positions;
    const struct fl_linear *token_table;
    const float *position_table;
    float scale;
    size_t d;
};

static void embed_row(const void *context, size_t i)
{
    const struct job *job = context;
    const struct fl_simd *simd = fl_simd();
    size_t d = job->d;
    float *row = job->out + i * d;
    const struct fl_linear *table = job->token_table;
    const uint64_t first = (uint64_t)job->tokens[i] * (uint64_t)table->ld;
    fl_to_f32(row, (const char *)table->weight + fl_dtype_bytes(table->dtype, first), table->dtype,
              d);
    if (job->scale != 1.0f)
        simd->scale(row, job->scale, d);
    if (job->position_table)
        simd->add(row, job->position_table + (size_t)job->positions[i] * d, d);
}

void fl_embed(float *out, const int *tokens, const int *positions, int n_rows,
              const struct fl_linear *token_table, const float *position_table, float scale)
{
    struct job job = {
        out, tokens, positions, token_table, position_table, scale, (size_t)token_table->n_in};
    fl_parallel_rows((size_t)n_rows, (size_t)n_rows * job.d >= FL_PARALLEL_MIN, embed_row, &job);
}

struct fl_cost fl_embed_cost(const struct fl_linear *token_table, int n_rows, int n_positions,
                             bool scaled)
{
    uint64_t n = (uint64_t)n_rows, d = (uint64_t)token_table->n_in;
    return (struct fl_cost){
        .elementwise = n * d * (scaled ? 1 : 0) + n * d * (n_positions > 0 ? 1 : 0),
        .bytes_read = n * sizeof(int) + n * fl_dtype_bytes(token_table->dtype, d) +
                      (uint64_t)n_positions * d * sizeof(float),
        .bytes_written = n * d * sizeof(float),
    };
}
