/* transcendental.h - exp, tanh and erf as straight-line code that a compiler can vectorise.
 *
 * For elementwise.c only. Branches are selections, so every lane does the same work; special
 * values come out right without a special path. Coefficients are minimax fits of our own
 * (Chebyshev fit in 40 digits, rounded to float); beside each its largest relative error before
 * rounding. tests/unit/test_elementwise.c sweeps all three against libm in double. */
#ifndef FL_OPS_SIMD_TRANSCENDENTAL_H
#define FL_OPS_SIMD_TRANSCENDENTAL_H

#include <stdint.h>

static inline uint32_t float_bits(float x)
{
    union {
        float f;
        uint32_t u;
    } cast = {.f = x};
    return cast.u;
}

static inline float bits_float(uint32_t u)
{
    union {
        uint32_t u;
        float f;
    } cast = {.u = u};
    return cast.f;
}

/* exp(x) = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2, e^r = 1 + r + r^2 P(r), error 1.1e-8.
 * Beyond the limits the result is 0 or infinity in float anyway. 2^n is applied in two factors:
 * n runs from -150 to 129, and neither end is a float's exponent. NaN passes through r. */
static inline float exp_lane(float x)
{
    const float LOWEST = -104.0f, HIGHEST = 89.0f;
    const float MAGIC = 0x1.8p23f; /* adding it rounds to an integer, kept in the low bits */
    x = x < LOWEST ? LOWEST : x;
    x = x > HIGHEST ? HIGHEST : x;
    float rounded = x * 0x1.715476p+0f + MAGIC;
    float n = rounded - MAGIC;
    float r = x - n * 0x1.62e4p-1f; /* exact: the factor has 15 bits */
    r = r - n * 0x1.7f7d1cp-20f;
    float p = 0x1.6d117cp-10f;
    p = p * r + 0x1.120be2p-7f;
    p = p * r + 0x1.555518p-5f;
    p = p * r + 0x1.5554dcp-3f;
    p = p * r + 0.5f;
    p = (p * r) * r + r;
    p = p + 1.0f;
    int32_t exponent = (int32_t)(float_bits(rounded) - float_bits(MAGIC));
    int32_t half = exponent >> 1;
    float scale = bits_float((uint32_t)(half + 127) << 23);
    float rest = bits_float((uint32_t)(exponent - half + 127) << 23);
    return p * scale * rest;
}

/* Small |x|: odd polynomial, error 1.7e-8. Otherwise 1 - 2 / (e^2|x| + 1); e^2|x| may overflow,
 * the quotient is then 0. Setting the sign at the end also keeps -0. */
static inline float tanh_lane(float x)
{
    float a = bits_float(float_bits(x) & 0x7fffffffu);
    float z = x * x;
    float p = -0x1.8f8de4p-8f;
    p = p * z + 0x1.58048ep-6f;
    p = p * z - 0x1.b9258ap-5f;
    p = p * z + 0x1.110e1cp-3f;
    p = p * z - 0x1.555552p-2f;
    p = (p * z) * x + x;
    float q = 1.0f - 2.0f / (exp_lane(2.0f * a) + 1.0f);
    float result = a < 0.625f ? p : q;
    return bits_float(float_bits(result) | (float_bits(x) & 0x80000000u));
}

/* Small |x|: odd polynomial, error 1.5e-8. Otherwise 1 - e^-Q(|x|), Q fitted to -log(erfc) up to
 * 4, error 1.7e-8; beyond 4 erf is 1 in float. */
static inline float erf_lane(float x)
{
    float a = bits_float(float_bits(x) & 0x7fffffffu);
    float z = x * x;
    float p = -0x1.45d2cp-11f;
    p = p * z + 0x1.49eebap-8f;
    p = p * z - 0x1.b6f9c4p-6f;
    p = p * z + 0x1.ce218ep-4f;
    p = p * z - 0x1.81270ep-2f;
    p = p * z + 0x1.06eba6p-3f;
    p = p * x + x;
    float b = a > 4.0f ? 4.0f : a;
    float q = -0x1.b88886p-20f;
    q = q * b + 0x1.82e04ap-15f;
    q = q * b - 0x1.391452p-11f;
    q = q * b + 0x1.37f858p-8f;
    q = q * b - 0x1.b0dd94p-6f;
    q = q * b + 0x1.c2dab2p-4f;
    q = q * b + 0x1.4380dap-1f;
    q = q * b + 0x1.215606p+0f;
    q = q * b - 0x1.4a768cp-12f;
    q = 1.0f - exp_lane(-q);
    float result = a < 0.875f ? p : q;
    return bits_float(float_bits(result) | (float_bits(x) & 0x80000000u));
}

#endif
