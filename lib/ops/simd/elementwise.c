/* elementwise.c - the kernels of simd.h as plain loops that the compiler vectorises. The Makefile
 * compiles this file once per instruction set, with FL_ISA naming it. */
#include "ops/simd/rows.h"
#include "ops/simd/simd.h"
#include "ops/simd/transcendental.h"

#include <math.h>

#ifndef FL_ISA
#define FL_ISA portable
#endif
#define PASTE(a, b)       a##b
#define TABLE_NAME(isa)   PASTE(fl_simd_, isa)
#define TEXT(a)           #a
#define TABLE_STRING(isa) TEXT(isa)

static inline float relu_lane(float x)
{
    return x < 0.0f ? 0.0f : x; /* NaN stays NaN */
}

static inline float gelu_erf_lane(float x)
{
    return 0.5f * x * (1.0f + erf_lane(x * 0x1.6a09e6p-1f)); /* 1 / sqrt 2 */
}

static inline float gelu_tanh_lane(float x)
{
    float u = 0x1.988454p-1f * (x + 0.044715f * (x * x * x)); /* sqrt(2 / pi) */
    return 0.5f * x * (1.0f + tanh_lane(u));
}

static inline float silu_lane(float x)
{
    return x / (1.0f + exp_lane(-x));
}

#define MAP(name, lane)                                                                            \
    static void name(float *out, const float *x, size_t n)                                         \
    {                                                                                              \
        _Pragma("omp simd") for (size_t i = 0; i < n; i++) out[i] = lane(x[i]);                    \
    }
MAP(map_exp, exp_lane)
MAP(map_tanh, tanh_lane)
MAP(map_erf, erf_lane)
MAP(map_relu, relu_lane)
MAP(map_gelu_erf, gelu_erf_lane)
MAP(map_gelu_tanh, gelu_tanh_lane)
MAP(map_silu, silu_lane)

#define GATE(name, lane)                                                                           \
    static void name(float *out, const float *x, const float *up, size_t n)                        \
    {                                                                                              \
        _Pragma("omp simd") for (size_t i = 0; i < n; i++) out[i] = lane(x[i]) * up[i];            \
    }
GATE(gate_relu, relu_lane)
GATE(gate_gelu_erf, gelu_erf_lane)
GATE(gate_gelu_tanh, gelu_tanh_lane)
GATE(gate_silu, silu_lane)

static void add(float *out, const float *x, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] += x[i];
}

static void scale(float *out, float factor, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] *= factor;
}

static void layernorm(float *out, const float *x, const float *gain, const float *bias, size_t n,
                      float eps)
{
    float sum = 0.0f, squares = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    float mean = sum / (float)n;
    /* The second pass over a row that is in cache by now costs little; the sum of squares minus
     * the square of the mean would cancel. */
#pragma omp simd reduction(+ : squares)
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    float inverse = 1.0f / sqrtf(squares / (float)n + eps);
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (x[i] - mean) * inverse * gain[i] + bias[i];
}

static void rmsnorm(float *out, const float *x, const float *gain, size_t n, float eps)
{
    float squares = 0.0f;
#pragma omp simd reduction(+ : squares)
    for (size_t i = 0; i < n; i++)
        squares += x[i] * x[i];
    float inverse = 1.0f / sqrtf(squares / (float)n + eps);
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] * inverse * gain[i];
}

static void softmax(float *x, size_t n, float factor)
{
    float maximum = -INFINITY, sum = 0.0f;
#pragma omp simd reduction(max : maximum)
    for (size_t i = 0; i < n; i++)
        maximum = x[i] > maximum ? x[i] : maximum;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) {
        x[i] = exp_lane((x[i] - maximum) * factor);
        sum += x[i];
    }
    float inverse = 1.0f / sum;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        x[i] *= inverse;
}

static void rotate_pairs(float *x, const float *cosine, const float *sine, size_t half)
{
#pragma omp simd
    for (size_t i = 0; i < half; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cosine[i] - b * sine[i];
        x[2 * i + 1] = a * sine[i] + b * cosine[i];
    }
}

static void rotate_halves(float *x, const float *cosine, const float *sine, size_t half)
{
#pragma omp simd
    for (size_t i = 0; i < half; i++) {
        float a = x[i], b = x[i + half];
        x[i] = a * cosine[i] - b * sine[i];
        x[i + half] = a * sine[i] + b * cosine[i];
    }
}

extern const struct fl_simd TABLE_NAME(FL_ISA);
const struct fl_simd TABLE_NAME(FL_ISA) = {
    .name = TABLE_STRING(FL_ISA),
    .exp = map_exp,
    .tanh = map_tanh,
    .erf = map_erf,
    .activate = {[FL_ACT_RELU] = map_relu,
                 [FL_ACT_GELU_ERF] = map_gelu_erf,
                 [FL_ACT_GELU_TANH] = map_gelu_tanh,
                 [FL_ACT_SILU] = map_silu},
    .gate = {[FL_ACT_RELU] = gate_relu,
             [FL_ACT_GELU_ERF] = gate_gelu_erf,
             [FL_ACT_GELU_TANH] = gate_gelu_tanh,
             [FL_ACT_SILU] = gate_silu},
    .add = add,
    .scale = scale,
    .layernorm = layernorm,
    .rmsnorm = rmsnorm,
    .softmax = softmax,
    .rotate_pairs = rotate_pairs,
    .rotate_halves = rotate_halves,
    .dot_rows = dot_rows,
    .mix_rows = mix_rows,
};
