#include "ops/layernorm.h"
#include "ops_check.h"

static const float EPS = 1e-5f;

/* One row in double, and the error of float: the mean errs by (d+1) ULP of the mean magnitude m;
 * each deviation by that and a rounding of its own; the sum of squares by (d+3) ULP relative plus
 * twice the deviations' relative error; half of it reaches the reciprocal root, with 4 roundings;
 * products and bias 4 more. Deviations are taken relative to the row's root mean square r >=
 * standard deviation: errors divided by the standard deviation. */
static void reference(struct bounded *want, const float *x, const float *gain, const float *bias,
                      size_t d)
{
    double mean = 0.0, magnitude = 0.0, variance = 0.0;
    for (size_t i = 0; i < d; i++) {
        mean += (double)x[i] / (double)d;
        magnitude += fabs((double)x[i]) / (double)d;
    }
    for (size_t i = 0; i < d; i++)
        variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)d;
    double inverse = 1.0 / sqrt(variance + (double)EPS);
    double mean_error = (double)(d + 1) * ULP * magnitude;
    double relative = (double)(d + 10) * ULP + (mean_error + ULP * magnitude) * inverse;
    for (size_t i = 0; i < d; i++) {
        double deviation = (double)x[i] - mean, g = (double)gain[i], b = (double)bias[i];
        want[i].value = deviation * inverse * g + b;
        want[i].tolerance = fabs(g) * inverse * (fabs(deviation) * relative + mean_error) +
                            2.0 * ULP * (fabs(want[i].value) + fabs(b));
    }
}

static void check(size_t n_rows, size_t d, const char *isa)
{
    float *x = random_floats(n_rows * d, 4.0f, d), *gain = random_floats(d, 2.0f, 8);
    float *bias = random_floats(d, 2.0f, 9), *out = filled_floats(n_rows * d, NAN);
    struct bounded *want = malloc(d * sizeof *want);
    cr_assert_not_null(want);
    for (size_t i = 0; i < n_rows * d; i++)
        x[i] += 1.0f; /* a mean that is not near 0 */
    fl_layernorm(out, x, gain, bias, (int)n_rows, (int)d, EPS);
    for (size_t row = 0; row < n_rows; row++) {
        reference(want, x + row * d, gain, bias, d);
        for (size_t i = 0; i < d; i++)
            CHECK_CLOSE(out[row * d + i], want[i], "%s d=%zu row %zu feature %zu", isa, d, row, i);
    }
    fl_layernorm(x, x, gain, bias, (int)n_rows, (int)d, EPS);
    for (size_t i = 0; i < n_rows * d; i++)
        cr_assert(x[i] == out[i], "%s d=%zu: in place differs at %zu", isa, d, i);
    free(x);
    free(gain);
    free(bias);
    free(out);
    free(want);
}

Test(layernorm, equals_reference)
{
    const size_t sizes[] = SIZES;
    FOR_EACH_SIMD(isa)
    {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check(3, sizes[i], isa);
        check(100, 257, isa); /* several threads */
    }
}

/* Tokens are normalised one by one: changing the last leaves the others as they are. */
Test(layernorm, normalises_features_not_tokens)
{
    enum { ROWS = 4, D = 33 };
    float *x = random_floats(ROWS * D, 1.0f, 5), *gain = filled_floats(D, 1.0f);
    float *bias = filled_floats(D, 0.0f), *before = filled_floats(ROWS * D, 0.0f);
    float *after = filled_floats(ROWS * D, 0.0f);
    fl_layernorm(before, x, gain, bias, ROWS, D, EPS);
    x[ROWS * D - 1] += 10.0f;
    fl_layernorm(after, x, gain, bias, ROWS, D, EPS);
    for (int i = 0; i < (ROWS - 1) * D; i++)
        cr_assert(before[i] == after[i]);
    cr_expect(before[ROWS * D - 2] != after[ROWS * D - 2]);
    free(x);
    free(gain);
    free(bias);
    free(before);
    free(after);
}

Test(layernorm, cost_by_hand)
{
    struct fl_cost cost = fl_layernorm_cost(3, 10);
    cr_expect_eq(cost.macs, 0);
    cr_expect_eq(cost.elementwise, 255); /* 3 * (80 + 5) */
    cr_expect_eq(cost.bias, 0);
    cr_expect_eq(cost.bytes_read, 4 * (30 + 20));
    cr_expect_eq(cost.bytes_written, 120);
    cost = fl_layernorm_cost(0, 10);
    cr_expect_eq(cost.elementwise + cost.bytes_read + cost.bytes_written, 0);
}
