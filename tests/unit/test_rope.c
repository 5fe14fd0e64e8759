#include "ops/rope.h"
#include "ops_check.h"

static const double TURN = 6.28318530717958647692;

static void check(const struct fl_rope_shape *shape, const char *isa)
{
    const struct fl_rope_params params = {.theta = 10000.0, .interleaved = shape->interleaved};
    enum { N_CTX = 400 };
    size_t d = (size_t)shape->head_dim, n = (size_t)shape->n_rows, n_ctx = N_CTX;
    size_t turned = (size_t)(shape->rotary_dim ? shape->rotary_dim : shape->head_dim);
    size_t half = turned / 2;
    int positions[N_CTX];
    for (size_t row = 0; row < n; row++)
        positions[row] = (int)(row * 37 % N_CTX);
    float *cosine = filled_floats(n_ctx * half, NAN), *sine = filled_floats(n_ctx * half, NAN);
    fl_rope_fill(cosine, sine, (int)n_ctx, (int)turned, &params);
    size_t widths[2] = {(size_t)shape->n_heads * d, (size_t)shape->n_kv_heads * d};
    float *x[2] = {random_floats(n * widths[0], 1.0f, 1), random_floats(n * widths[1], 1.0f, 2)};
    float *in[2] = {random_floats(n * widths[0], 1.0f, 1), random_floats(n * widths[1], 1.0f, 2)};
    fl_rope(x[0], x[1], positions, cosine, sine, shape);
    for (int part = 0; part < 2; part++)
        for (size_t row = 0; row < n; row++)
            for (size_t at = 0; at < widths[part]; at++) {
                size_t i = at % d, base = row * widths[part] + at - i;
                if (i >= turned) {
                    cr_expect(x[part][base + i] == in[part][base + i]);
                    continue;
                }
                size_t pair = shape->interleaved ? i / 2 : i % half;
                bool second = shape->interleaved ? i % 2 == 1 : i >= half;
                double a = (double)in[part][base + (shape->interleaved ? 2 * pair : pair)];
                double b =
                    (double)in[part][base + (shape->interleaved ? 2 * pair + 1 : pair + half)];
                double angle =
                    (double)positions[row] * pow(10000.0, -2.0 * (double)pair / (double)turned);
                double want =
                    second ? a * sin(angle) + b * cos(angle) : a * cos(angle) - b * sin(angle);
                /* tables, products and sum each round once: 3 ULP of each product */
                CHECK_CLOSE(x[part][base + i],
                            ((struct bounded){want, 3.0 * ULP * (fabs(a) + fabs(b))}),
                            "%s %s row %zu feature %zu of %zu", isa,
                            shape->interleaved ? "pairs" : "halves", row, i, d);
            }
    for (int part = 0; part < 2; part++) {
        free(x[part]);
        free(in[part]);
    }
    free(cosine);
    free(sine);
}

Test(rope, equals_reference)
{
    FOR_EACH_SIMD(isa)
    for (int layout = 0; layout < 2; layout++) {
        check(&(struct fl_rope_shape){1, 1, 1, 1, 2, layout == 1, 0}, isa);
        check(&(struct fl_rope_shape){14, 14, 4, 2, 14, layout == 1, 0}, isa);
        check(&(struct fl_rope_shape){66, 66, 6, 1, 64, layout == 1, 64}, isa);
        check(&(struct fl_rope_shape){257, 257, 8, 8, 66, layout == 1, 0}, isa);
        check(&(struct fl_rope_shape){66, 66, 3, 3, 20, layout == 1, 6}, isa);
        check(&(struct fl_rope_shape){9, 9, 4, 2, 80, layout == 1, 20}, isa);
    }
}

/* cos and sin of position 1 are those of the frequency itself. */
static double frequency(const struct fl_rope_params *params, int head_dim, int pair)
{
    float cosine[128], sine[128];
    cr_assert_leq(head_dim, 128);
    fl_rope_fill(cosine, sine, 2, head_dim, params);
    int at = head_dim / 2 + pair;
    cr_expect(cosine[pair] == 1.0f && sine[pair] == 0.0f, "position 0 must not turn");
    return atan2((double)sine[at], (double)cosine[at]);
}

Test(rope, frequencies_of_each_scaling)
{
    struct fl_rope_params params = {.theta = 10000.0,
                                    .factor = 8.0,
                                    .low_freq_factor = 1.0,
                                    .high_freq_factor = 4.0,
                                    .original_ctx = 1024};
    const int d = 64;
    for (int pair = 0; pair < d / 2; pair++) {
        double plain = pow(10000.0, -2.0 * pair / d), turns = 1024.0 * plain / TURN;
        double mix = fmin(fmax((turns - 1.0) / 3.0, 0.0), 1.0);
        params.scaling = FL_ROPE_PLAIN;
        cr_expect_float_eq(frequency(&params, d, pair), plain, 2 * ULP);
        params.scaling = FL_ROPE_LINEAR;
        cr_expect_float_eq(frequency(&params, d, pair), plain / 8.0, 2 * ULP);
        params.scaling = FL_ROPE_LLAMA3;
        cr_expect_float_eq(frequency(&params, d, pair), plain * (mix + (1.0 - mix) / 8.0), 2 * ULP);
    }
}

Test(rope, far_positions_stay_exact)
{
    enum { N_CTX = 100001, D = 4 };
    float *cosine = filled_floats(N_CTX * D / 2, 0), *sine = filled_floats(N_CTX * D / 2, 0);
    fl_rope_fill(cosine, sine, N_CTX, D, &(struct fl_rope_params){.theta = 10000.0});
    cr_expect_float_eq((double)cosine[(N_CTX - 1) * 2], cos(100000.0), ULP);
    cr_expect_float_eq((double)sine[(N_CTX - 1) * 2 + 1], sin(100000.0 * pow(1e4, -0.5)), ULP);
    free(cosine);
    free(sine);
}

Test(rope, cost_by_hand)
{
    /* 2 sequences of 3 tokens; 4 and 2 heads of 8 */
    struct fl_cost cost = fl_rope_cost(&(struct fl_rope_shape){6, 3, 4, 2, 8, true, 0});
    cr_expect_eq(cost.macs, 0);
    cr_expect_eq(cost.elementwise, 3 * 6 * 48);
    cr_expect_eq(cost.bytes_read, 4 * (6 * 48 + 3 * 8));
    cr_expect_eq(cost.bytes_written, 4 * 6 * 48);
    /* a quarter of each head */
    cost = fl_rope_cost(&(struct fl_rope_shape){6, 3, 4, 2, 8, true, 2});
    cr_expect_eq(cost.elementwise, 3 * 6 * 12);
    cr_expect_eq(cost.bytes_read, 4 * (6 * 12 + 3 * 2));
    cr_expect_eq(cost.bytes_written, 4 * 6 * 12);
}
