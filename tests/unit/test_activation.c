#include "ops/activation.h"
#include "ops_check.h"

static const char *const NAMES[] = {"relu", "gelu_erf", "gelu_tanh", "silu"};

/* The exact function, and what float arithmetic may add: the transcendental is 2 ulp (4 ULP) off,
 * its argument a few roundings, which its slope turns into an absolute error. erf and tanh are
 * added to 1, so their absolute error counts: the slope times the argument is at most 0.5 for both,
 * that is 4 ULP with the roundings of gelu_tanh's argument (7 of them: 4 ULP); sum and products 4.
 * exp(-x) carries 4 ULP plus none for the exact negation; sum and quotient 2. */
static struct bounded reference(enum fl_activation kind, double x)
{
    double value = 0.0, tolerance = 0.0;
    switch (kind) {
    case FL_ACT_RELU:
        value = fmax(x, 0.0);
        break;
    case FL_ACT_GELU_ERF:
        value = 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
        tolerance = 12.0 * ULP * fabs(x);
        break;
    case FL_ACT_GELU_TANH:
        value = 0.5 * x * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
        tolerance = 12.0 * ULP * fabs(x);
        break;
    case FL_ACT_SILU:
        value = x / (1.0 + exp(-x));
        tolerance = 6.0 * ULP * fabs(value) + 0x1p-149;
        break;
    }
    return (struct bounded){value, tolerance};
}

static void check(enum fl_activation kind, size_t n, float scale, const char *isa)
{
    float *x = random_floats(n, scale, n), *up = random_floats(n, 3.0f, n + 1);
    float *out = filled_floats(n, NAN);
    fl_activate(out, x, NULL, n, kind);
    for (size_t i = 0; i < n; i++)
        CHECK_CLOSE(out[i], reference(kind, (double)x[i]), "%s %s(%a)", isa, NAMES[kind],
                    (double)x[i]);
    fl_activate(out, x, up, n, kind);
    for (size_t i = 0; i < n; i++) {
        struct bounded want = reference(kind, (double)x[i]);
        double factor = (double)up[i];
        want.value *= factor;
        want.tolerance = fabs(factor) * want.tolerance + ULP * fabs(want.value) + 0x1p-149;
        CHECK_CLOSE(out[i], want, "%s %s(%a) * %a", isa, NAMES[kind], (double)x[i], factor);
    }
    /* in place on either operand gives the same bits */
    fl_activate(up, x, up, n, kind);
    for (size_t i = 0; i < n; i++)
        cr_assert(up[i] == out[i], "%s %s in place on up, element %zu", isa, NAMES[kind], i);
    fl_activate(out, x, NULL, n, kind);
    fl_activate(x, x, NULL, n, kind);
    for (size_t i = 0; i < n; i++)
        cr_assert(x[i] == out[i], "%s %s in place, element %zu", isa, NAMES[kind], i);
    free(x);
    free(up);
    free(out);
}

Test(activation, equals_reference)
{
    /* the last size runs on several threads and ends in a partial chunk */
    const size_t sizes[] = {1, 7, 33, 100, 257, 40001};
    const float scales[] = {0.5f, 6.0f, 60.0f};
    FOR_EACH_SIMD(isa)
    for (int kind = 0; kind < FL_N_ACTIVATIONS; kind++)
        for (int i = 0; i < 6; i++)
            for (int j = 0; j < 3; j++)
                check((enum fl_activation)kind, sizes[i], scales[j], isa);
}

Test(activation, large_arguments)
{
    const float x[] = {-INFINITY, -1e30f, -100.0f, 100.0f, 1e30f, INFINITY};
    FOR_EACH_SIMD(isa)
    for (int kind = 0; kind < FL_N_ACTIVATIONS; kind++) {
        float out[6];
        fl_activate(out, x, NULL, 6, (enum fl_activation)kind);
        /* minus infinity is a limit of 0 that arithmetic gives as NaN: not asked for */
        for (int i = 1; i < 3; i++)
            cr_expect(fabsf(out[i]) < 1e-37f, "%s %s(%g) = %g", isa, NAMES[kind], (double)x[i],
                      (double)out[i]);
        for (int i = 3; i < 6; i++)
            cr_expect(out[i] == x[i], "%s %s(%g) = %g", isa, NAMES[kind], (double)x[i],
                      (double)out[i]);
    }
}

Test(activation, cost_by_hand)
{
    const uint64_t flops[] = {0, 5, 9, 3};
    for (int kind = 0; kind < FL_N_ACTIVATIONS; kind++) {
        struct fl_cost plain = fl_activate_cost(1000, false, (enum fl_activation)kind);
        struct fl_cost gated = fl_activate_cost(1000, true, (enum fl_activation)kind);
        cr_expect_eq(plain.macs, 0);
        cr_expect_eq(plain.elementwise, 1000 * flops[kind]);
        cr_expect_eq(gated.elementwise, 1000 * flops[kind] + 1000);
        cr_expect_eq(plain.bytes_read, 4000);
        cr_expect_eq(gated.bytes_read, 8000);
        cr_expect_eq(plain.bytes_written, 4000);
        cr_expect_eq(gated.bytes_written, 4000);
    }
}
