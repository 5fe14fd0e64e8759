/* fl_embed and the sinusoidal position table. */
#include "ops/embed.h"
#include "ops/positions.h"
#include "ops_check.h"

static void check(int n_seqs, int n_tokens, int n_past, bool positions, float scale, int d_model,
                  const char *isa)
{
    enum { VOCAB = 50 };
    size_t d = (size_t)d_model, n = (size_t)n_seqs * (size_t)n_tokens;
    float *table = random_floats(VOCAB * d, 1.0f, 1);
    float *position = random_floats((size_t)(n_past + n_tokens) * d, 1.0f, 2);
    float *out = filled_floats(n * d, NAN);
    int *tokens = malloc(2 * n * sizeof *tokens), *at = tokens + n;
    cr_assert_not_null(tokens);
    for (size_t i = 0; i < n; i++) {
        tokens[i] = (int)(i * 7 % VOCAB);
        at[i] = n_past + (int)(i % (size_t)n_tokens);
    }
    const struct fl_linear typed = {
        .weight = table, .n_out = VOCAB, .n_in = d_model, .ld = d_model};
    fl_embed(out, tokens, at, (int)n, &typed, positions ? position : NULL, scale);
    for (size_t i = 0; i < n * d; i++) {
        size_t row = i / d, pos = (size_t)at[row];
        float want = table[(size_t)tokens[row] * d + i % d] * scale;
        if (positions)
            want += position[pos * d + i % d];
        cr_assert(out[i] == want, "%s row %zu feature %zu: %g, expected %g", isa, row, i % d,
                  (double)out[i], (double)want);
    }
    free(table);
    free(position);
    free(out);
    free(tokens);
}

Test(embed, equals_reference)
{
    const int sizes[] = SIZES;
    FOR_EACH_SIMD(isa)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int variant = 0; variant < 4; variant++)
            check(2, 77, 5, variant & 1, variant & 2 ? 11.3f : 1.0f, sizes[i], isa);
}

Test(embed, cost_by_hand)
{
    const struct fl_linear table = {.n_out = 50, .n_in = 10, .ld = 10};
    struct fl_cost cost = fl_embed_cost(&table, 6, 0, false);
    cr_expect_eq(fl_cost_flops(cost), 0);
    cr_expect_eq(cost.bytes_read, 4 * (6 + 60));
    cr_expect_eq(cost.bytes_written, 240);
    cost = fl_embed_cost(&table, 6, 3, true);
    cr_expect_eq(cost.elementwise, 120);
    cr_expect_eq(cost.bytes_read, 4 * (6 + 60 + 30));
    cr_expect_eq(cost.bytes_written, 240);
}

Test(positions, sine_and_cosine_alternate)
{
    enum { N_CTX = 300, D = 34 };
    float *table = filled_floats(N_CTX * D, NAN);
    fl_positions_sinusoidal(table, N_CTX, D);
    for (int pos = 0; pos < N_CTX; pos++)
        for (int i = 0; i < D / 2; i++) {
            double angle = pos / pow(10000.0, 2.0 * i / D);
            cr_assert_float_eq((double)table[pos * D + 2 * i], sin(angle), ULP);
            cr_assert_float_eq((double)table[pos * D + 2 * i + 1], cos(angle), ULP);
        }
    free(table);
}

Test(positions, odd_width_ends_in_a_sine)
{
    float table[2 * 3 + 1] = {0, 0, 0, 0, 0, 0, 55.0f};
    fl_positions_sinusoidal(table, 2, 3);
    cr_expect_float_eq((double)table[5], sin(pow(10000.0, -2.0 / 3.0)), ULP);
    cr_expect(table[6] == 55.0f);
}
