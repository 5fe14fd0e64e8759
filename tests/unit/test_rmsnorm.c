#include "ops/rmsnorm.h"
#include "ops_check.h"

static const float EPS = 1e-6f;

/* The sum of squares errs by (d+1) ULP relative, all terms being positive; division, eps, root and
 * reciprocal round 4 times; the root halves what came before it; two products: below
 * (d/2 + 6) ULP. */
static void check(size_t n_rows, size_t d, const char *isa)
{
    float *x = random_floats(n_rows * d, 4.0f, d), *gain = random_floats(d, 2.0f, 8);
    float *out = filled_floats(n_rows * d, NAN);
    fl_rmsnorm(out, x, gain, (int)n_rows, (int)d, EPS);
    for (size_t row = 0; row < n_rows; row++) {
        const float *in = x + row * d;
        double squares = 0.0;
        for (size_t i = 0; i < d; i++)
            squares += (double)in[i] * (double)in[i];
        double inverse = 1.0 / sqrt(squares / (double)d + (double)EPS);
        for (size_t i = 0; i < d; i++) {
            double want = (double)in[i] * inverse * (double)gain[i];
            double tolerance = (0.5 * (double)d + 6.0) * ULP * fabs(want);
            CHECK_CLOSE(out[row * d + i], ((struct bounded){want, tolerance}),
                        "%s d=%zu row %zu feature %zu", isa, d, row, i);
        }
    }
    fl_rmsnorm(x, x, gain, (int)n_rows, (int)d, EPS);
    for (size_t i = 0; i < n_rows * d; i++)
        cr_assert(x[i] == out[i], "%s d=%zu: in place differs at %zu", isa, d, i);
    free(x);
    free(gain);
    free(out);
}

Test(rmsnorm, equals_reference)
{
    const size_t sizes[] = SIZES;
    FOR_EACH_SIMD(isa)
    {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check(3, sizes[i], isa);
        check(100, 257, isa); /* several threads */
    }
}

Test(rmsnorm, cost_by_hand)
{
    struct fl_cost cost = fl_rmsnorm_cost(3, 10);
    cr_expect_eq(cost.macs, 0);
    cr_expect_eq(cost.elementwise, 132); /* 3 * (40 + 4) */
    cr_expect_eq(cost.bytes_read, 4 * (30 + 10));
    cr_expect_eq(cost.bytes_written, 120);
    cost = fl_rmsnorm_cost(0, 10);
    cr_expect_eq(cost.elementwise + cost.bytes_read + cost.bytes_written, 0);
}
