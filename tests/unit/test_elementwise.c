/* exp, tanh and erf against libm in double: the exact result, rounded, and how many units in the
 * last place of a float the kernel is away from it. simd.h promises 2. */
#include "ops_check.h"

#include <string.h>

enum { N = 4096 };
static const double PROMISED = 2.0;

/* Distance in units of the float spacing around want (the subnormal spacing near 0). */
static double ulps(float got, double want)
{
    if (isnan(want))
        return isnan(got) ? 0.0 : INFINITY;
    /* Beyond the middle between the largest float and the next power of two, rounding gives
     * infinity; infinity is then the right result. */
    if (isinf(got) || fabs(want) >= 0x1.ffffffp127)
        return (double)got == (double)(float)want ? 0.0 : INFINITY;
    int exponent = want == 0.0 ? -126 : ilogb(want);
    if (exponent < -126)
        exponent = -126;
    return fabs((double)got - want) / ldexp(1.0, exponent - 23);
}

static void sweep(const char *isa, const char *what, void (*kernel)(float *, const float *, size_t),
                  double (*reference)(double))
{
    float x[N], y[N];
    size_t n = 0;
    double worst = 0.0;
    float worst_x = 0.0f;
    /* Every 4093rd bit pattern: all signs, exponents, subnormals, infinities and NaN. */
    for (uint64_t bits = 0; bits <= UINT32_MAX || n > 0;) {
        for (; n < N && bits <= UINT32_MAX; bits += 4093) {
            uint32_t pattern = (uint32_t)bits;
            memcpy(&x[n++], &pattern, sizeof pattern);
        }
        kernel(y, x, n);
        for (size_t i = 0; i < n; i++) {
            double error = ulps(y[i], reference((double)x[i]));
            if (error > worst) {
                worst = error;
                worst_x = x[i];
            }
        }
        n = 0;
    }
    cr_expect(worst <= PROMISED, "%s %s(%a): %.2f ulp off, promised %.1f", isa, what,
              (double)worst_x, worst, PROMISED);
}

Test(elementwise, transcendentals_keep_their_ulp)
{
    FOR_EACH_SIMD(isa)
    {
        sweep(isa, "exp", fl_simd()->exp, exp);
        sweep(isa, "tanh", fl_simd()->tanh, tanh);
        sweep(isa, "erf", fl_simd()->erf, erf);
    }
}

Test(elementwise, special_values)
{
    const float x[] = {-INFINITY, -1e30f, -200.0f, -0.0f, 0.0f, 200.0f, 1e30f, INFINITY};
    const float exp_want[] = {0, 0, 0, 1, 1, INFINITY, INFINITY, INFINITY};
    const float odd_want[] = {-1, -1, -1, -0.0f, 0, 1, 1, 1}; /* tanh and erf */
    float y[8];
    FOR_EACH_SIMD(isa)
    {
        fl_simd()->exp(y, x, 8);
        for (int i = 0; i < 8; i++)
            cr_expect(y[i] == exp_want[i], "%s exp(%g) = %g", isa, (double)x[i], (double)y[i]);
        fl_simd()->tanh(y, x, 8);
        for (int i = 0; i < 8; i++)
            cr_expect(y[i] == odd_want[i] && !signbit(y[i]) == !signbit(x[i]), "%s tanh(%g) = %g",
                      isa, (double)x[i], (double)y[i]);
        fl_simd()->erf(y, x, 8);
        for (int i = 0; i < 8; i++)
            cr_expect(y[i] == odd_want[i] && !signbit(y[i]) == !signbit(x[i]), "%s erf(%g) = %g",
                      isa, (double)x[i], (double)y[i]);
    }
}
