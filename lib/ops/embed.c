#include "ops/embed.h"

#include "ops/linear_stored.h"
#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"

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
    simd->expand(row, fl_linear_at(table, (size_t)job->tokens[i] * (size_t)table->ld), table->dtype,
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

struct fl_excess fl_embed_excess(const struct fl_linear *token_table, int n_rows, bool scaled)
{
    const uint64_t one = fl_simd_expand_flops(token_table->dtype, (uint64_t)token_table->n_in);
    return (struct fl_excess){
        .flops = {[FL_EXCESS_DEQUANTISE] = (int64_t)(one * (uint64_t)n_rows),
                  [FL_EXCESS_CALL_SCALARS] = scaled ? 1 : 0}}; /* the square root of d_model */
}
