/* fl_softmax_row; softmax over attention scores is tested with the attention kernels. */
#include "ops/softmax.h"
#include "ops_check.h"

Test(softmax, equals_reference)
{
    const size_t sizes[] = SIZES;
    FOR_EACH_SIMD(isa)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        const float scale = 0.7f;
        float *x = random_floats(n, 50.0f, n), *out = random_floats(n, 50.0f, n);
        double maximum = -INFINITY, sum = 0.0, total = 0.0;
        for (size_t i = 0; i < n; i++)
            maximum = fmax(maximum, (double)x[i]);
        for (size_t i = 0; i < n; i++)
            sum += exp(((double)x[i] - maximum) * (double)scale);
        fl_softmax_row(out, n, scale);
        for (size_t i = 0; i < n; i++) {
            /* the exponent z rounds twice (2 |z| ULP), exp is 2 ulp off, that is 4 ULP; the same
             * for the sum, at most n roundings more; reciprocal and product 2 */
            double z = ((double)x[i] - maximum) * (double)scale;
            double relative = (2.0 * fabs(z) + 2.0 * 70.0 + 8.0 + (double)n + 2.0) * ULP;
            double want = exp(z) / sum;
            CHECK_CLOSE(out[i], ((struct bounded){want, want * relative + 0x1p-149}),
                        "%s element %zu of %zu", isa, i, n);
            total += (double)out[i];
        }
        cr_expect_float_eq(total, 1.0, (double)(n + 8) * ULP);
        free(x);
        free(out);
    }
}

Test(softmax, minus_infinity_is_exactly_zero)
{
    FOR_EACH_SIMD(isa)
    for (size_t n = 2; n < 70; n++) {
        float *x = random_floats(n, 1e30f, n); /* extremes must not overflow */
        x[n / 2] = -INFINITY;
        fl_softmax_row(x, n, 1.0f);
        cr_expect(x[n / 2] == 0.0f, "%s n=%zu", isa, n);
        float sum = 0.0f;
        for (size_t i = 0; i < n; i++)
            sum += x[i];
        cr_expect(sum == 1.0f, "%s n=%zu: one element holds it all", isa, n);
        free(x);
    }
}
