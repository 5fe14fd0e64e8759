/* elementwise.c - the kernels of simd.h as plain loops that the compiler vectorises. The Makefile
 * compiles this file once per instruction set, with FL_ISA naming it. */
#include "ops/simd/rows.h"
#include "ops/simd/simd.h"
#include "ops/simd/stored_rows.h"
#include "ops/simd/transcendental.h"

#include <math.h>
#include <string.h>

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

/* Whole vectors, then the rest of the row padded to one more: the same code for every element, so
 * what is executed follows from n alone (simd_work.h) and no element takes a slow path. */
#define MAP_LANES(name, lane)                                                                      \
    static inline void name##_lanes(float *out, const float *x)                                    \
    {                                                                                              \
        _Pragma("omp simd") for (size_t i = 0; i < LANES; i++) out[i] = lane(x[i]);                \
    }
#define MAP_ROW(name)                                                                              \
    static void name(float *out, const float *x, size_t n)                                         \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES)                                                         \
            name##_lanes(out + i, x + i);                                                          \
        if (i < n) {                                                                               \
            float rest[LANES] = {0};                                                               \
            memcpy(rest, x + i, (n - i) * sizeof *x);                                              \
            name##_lanes(rest, rest);                                                              \
            memcpy(out + i, rest, (n - i) * sizeof *x);                                            \
        }                                                                                          \
    }
MAP_LANES(map_exp, exp_lane)
MAP_LANES(map_tanh, tanh_lane)
MAP_LANES(map_erf, erf_lane)
MAP_LANES(map_relu, relu_lane)
MAP_LANES(map_gelu_erf, gelu_erf_lane)
MAP_LANES(map_gelu_tanh, gelu_tanh_lane)

/* In two steps: in one, gcc 12 takes the limits of exp out as cases and divides for each. */
static inline void map_silu_lanes(float *out, const float *x)
{
    float e[LANES];
#pragma omp simd
    for (size_t i = 0; i < LANES; i++)
        e[i] = exp_lane(-x[i]);
#pragma omp simd
    for (size_t i = 0; i < LANES; i++)
        out[i] = x[i] / (1.0f + e[i]);
}

MAP_ROW(map_exp)
MAP_ROW(map_tanh)
MAP_ROW(map_erf)
MAP_ROW(map_relu)
MAP_ROW(map_gelu_erf)
MAP_ROW(map_gelu_tanh)
MAP_ROW(map_silu)

#define GATE_ROW(name, map)                                                                        \
    static inline void name##_lanes(float *out, const float *x, const float *up)                   \
    {                                                                                              \
        float mapped[LANES];                                                                       \
        map##_lanes(mapped, x);                                                                    \
        _Pragma("omp simd") for (size_t i = 0; i < LANES; i++) out[i] = mapped[i] * up[i];         \
    }                                                                                              \
    static void name(float *out, const float *x, const float *up, size_t n)                        \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES)                                                         \
            name##_lanes(out + i, x + i, up + i);                                                  \
        if (i < n) {                                                                               \
            float rest[LANES] = {0}, factor[LANES] = {0};                                          \
            memcpy(rest, x + i, (n - i) * sizeof *x);                                              \
            memcpy(factor, up + i, (n - i) * sizeof *x);                                           \
            name##_lanes(rest, rest, factor);                                                      \
            memcpy(out + i, rest, (n - i) * sizeof *x);                                            \
        }                                                                                          \
    }
GATE_ROW(gate_relu, map_relu)
GATE_ROW(gate_gelu_erf, map_gelu_erf)
GATE_ROW(gate_gelu_tanh, map_gelu_tanh)
GATE_ROW(gate_silu, map_silu)

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

/* The first n < LANES elements of x, the rest filled up. */
static inline lanes lanes_load_part(const float *x, size_t n, float fill)
{
    float padded[LANES];
    for (size_t i = 0; i < LANES; i++)
        padded[i] = i < n ? x[i] : fill;
    return lanes_load(padded);
}

static inline void lanes_store_part(float *x, lanes v, size_t n)
{
    memcpy(x, &v, n * sizeof *x);
}

static float row_sum(const float *x, size_t n)
{
    lanes sum = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        sum += lanes_load(x + i);
    if (i < n)
        sum += lanes_load_part(x + i, n - i, 0.0f);
    return quad_sum(lanes_fold(sum));
}

/* Sum of (x - mean)^2. */
static float row_squares(const float *x, float mean, size_t n)
{
    lanes sum = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes d = lanes_load(x + i) - mean;
        sum += d * d;
    }
    if (i < n) {
        lanes d = lanes_load_part(x + i, n - i, mean) - mean;
        sum += d * d;
    }
    return quad_sum(lanes_fold(sum));
}

static void layernorm(float *out, const float *x, const float *gain, const float *bias, size_t n,
                      float eps)
{
    float mean = row_sum(x, n) / (float)n;
    /* The second pass over a row that is in cache by now costs little; the sum of squares minus
     * the square of the mean would cancel. */
    float inverse = 1.0f / sqrtf(row_squares(x, mean, n) / (float)n + eps);
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (x[i] - mean) * inverse * gain[i] + bias[i];
}

/* Sum of x^2. */
static float row_energy(const float *x, size_t n)
{
    lanes sum = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        sum += lanes_load(x + i) * lanes_load(x + i);
    if (i < n) {
        lanes rest = lanes_load_part(x + i, n - i, 0.0f);
        sum += rest * rest;
    }
    return quad_sum(lanes_fold(sum));
}

static void rmsnorm(float *out, const float *x, const float *gain, size_t n, float eps)
{
    float inverse = 1.0f / sqrtf(row_energy(x, n) / (float)n + eps);
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] * inverse * gain[i];
}

/* e^((x - maximum) factor) of one vector, in place; its lanes join the sum. */
static inline lanes softmax_lanes(float *x, float maximum, float factor)
{
#pragma omp simd
    for (size_t i = 0; i < LANES; i++)
        x[i] = exp_lane((x[i] - maximum) * factor);
    return lanes_load(x);
}

static void softmax(float *x, size_t n, float factor)
{
    float maximum = -INFINITY;
#pragma omp simd reduction(max : maximum)
    for (size_t i = 0; i < n; i++)
        maximum = x[i] > maximum ? x[i] : maximum;
    lanes sum = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        sum += softmax_lanes(x + i, maximum, factor);
    if (i < n) {
        float rest[LANES];
        lanes_store(rest, lanes_load_part(x + i, n - i, -INFINITY));
        lanes v = softmax_lanes(rest, maximum, factor);
        sum += v;
        lanes_store_part(x + i, v, n - i);
    }
    float inverse = 1.0f / quad_sum(lanes_fold(sum));
#pragma omp simd
    for (size_t k = 0; k < n; k++)
        x[k] *= inverse;
}

static float softmax_stretch(float *x, size_t n, float factor, float *maximum, float *sum)
{
    const float before = *maximum;
    float most = before;
#pragma omp simd reduction(max : most)
    for (size_t i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    lanes part = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        part += softmax_lanes(x + i, most, factor);
    if (i < n) {
        float rest[LANES];
        lanes_store(rest, lanes_load_part(x + i, n - i, -INFINITY));
        lanes v = softmax_lanes(rest, most, factor);
        part += v;
        lanes_store_part(x + i, v, n - i);
    }
    *maximum = most;
    const float total = quad_sum(lanes_fold(part));
    if (before == -INFINITY) {
        *sum = total;
        return 1.0f;
    }
    const float shrink = exp_lane((before - most) * factor);
    *sum = *sum * shrink + total;
    return shrink;
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
    .n_lanes = LANES,
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
    .softmax_stretch = softmax_stretch,
    .rotate_pairs = rotate_pairs,
    .rotate_halves = rotate_halves,
    .dot_rows = dot_rows,
    .dot_few = dot_few,
    .mix_rows = mix_rows,
    .dot_stored = dot_stored,
    .mix_stored = mix_stored,
    .expand = expand,
};
