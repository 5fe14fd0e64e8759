#include "ops/convert.h"

#include "ops/simd/half.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static uint16_t load16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static void store16(uint8_t *at, uint16_t bits)
{
    at[0] = (uint8_t)bits;
    at[1] = (uint8_t)(bits >> 8);
}

/* ---- the half formats ---- */

float fl_f16_to_f32(uint16_t bits)
{
    return half_f16(bits);
}

float fl_bf16_to_f32(uint16_t bits)
{
    return half_bf16(bits);
}

/* value / 2^shift, to nearest even */
static uint32_t shift_even(uint32_t value, int shift)
{
    return (value + (1u << (shift - 1)) - 1 + (value >> shift & 1)) >> shift;
}

uint16_t fl_f32_to_f16(float x)
{
    const uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
    if (rest > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (rest >> 13 & 0x3ff));
    if (rest >= 0x477ff000) /* 65520, half way from the largest to the next power of two */
        return (uint16_t)(sign | 0x7c00);
    if (rest >= 0x38800000) /* 2^-14, the smallest normal number */
        return (uint16_t)(sign | shift_even(rest - (112u << 23), 13));
    if (rest <= 0x33000000) /* 2^-25, half the smallest */
        return (uint16_t)sign;
    return (uint16_t)(sign | shift_even((rest & 0x7fffff) | 0x800000, 126 - (int)(rest >> 23)));
}

uint16_t fl_f32_to_bf16(float x)
{
    const uint32_t bits = bits_of(x);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* ---- what the quantisers share ---- */

enum { NAN16 = 0x7e00 };

static bool all_finite(const float *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

/* A scale as f16 holds it: too large a one stays at the largest. */
static uint16_t scale16(float scale)
{
    const float most = 65504.0f;
    return fl_f32_to_f16(scale > most ? most : scale < -most ? -most : scale);
}

/* 1/scale, or 0 where that would be infinite; of the stored scale where that was cut off. */
static float inverse(float scale)
{
    const float most = 65504.0f;
    if (fabsf(scale) > most)
        scale = copysignf(most, scale);
    const float result = 1.0f / scale;
    return isfinite(result) ? result : 0.0f;
}

static int clamp(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

/* The nearest whole number in [least, most], of at most 2^22, as a float; ties to even. Adding 1.5
 * * 2^23 leaves a float no bits below the point; no call of lrintf(), which would be most of the
 * time of a search. */
static inline float nearest_whole(float x, float least, float most)
{
    const float shift = 0x1.8p23f, cut = x > least ? x : least;
    return ((cut < most ? cut : most) + shift) - shift;
}

static int nearest(float x, int least, int most)
{
    return (int)nearest_whole(x, (float)least, (float)most);
}

/* ---- q8_0 ---- */

static void q8_0_read(float *out, const uint8_t *block)
{
    const float d = fl_f16_to_f32(load16(block));
    for (int i = 0; i < 32; i++)
        out[i] = d * (float)(int8_t)block[2 + i];
}

static void q8_0_write(uint8_t *block, const float *x)
{
    float largest = 0.0f;
    for (int i = 0; i < 32; i++)
        largest = fmaxf(largest, fabsf(x[i]));
    memset(block, 0, 34);
    if (!all_finite(x, 32)) {
        store16(block, NAN16);
        return;
    }
    const float d = largest / 127.0f, by = inverse(d);
    store16(block, scale16(d));
    for (int i = 0; i < 32; i++) /* roundf: ties away from zero, as ggml */
        block[2 + i] =
            (uint8_t)(int8_t)clamp((int)roundf(fmaxf(fminf(x[i] * by, 127), -127)), -127, 127);
}

/* ---- q4_0 ---- */

static void q4_0_read(float *out, const uint8_t *block)
{
    const float d = fl_f16_to_f32(load16(block));
    for (int i = 0; i < 16; i++) {
        out[i] = d * (float)((block[2 + i] & 15) - 8);
        out[i + 16] = d * (float)((block[2 + i] >> 4) - 8);
    }
}

/* The number of largest magnitude becomes -8 d, whatever its sign: of the 16 values that is the one
 * farthest out. */
static void q4_0_write(uint8_t *block, const float *x)
{
    float extreme = 0.0f;
    for (int i = 0; i < 32; i++)
        if (fabsf(x[i]) > fabsf(extreme))
            extreme = x[i];
    memset(block, 0, 18);
    if (!all_finite(x, 32)) {
        store16(block, NAN16);
        return;
    }
    const float d = extreme / -8.0f, by = inverse(d);
    store16(block, scale16(d));
    for (int i = 0; i < 16; i++) {
        const int low = (int)fmaxf(fminf(x[i] * by + 8.5f, 15.0f), 0.0f);
        const int high = (int)fmaxf(fminf(x[i + 16] * by + 8.5f, 15.0f), 0.0f);
        block[2 + i] = (uint8_t)(low | high << 4);
    }
}

/* ---- q4_k ---- */

static void q4_k_read(float *out, const uint8_t *block)
{
    const float d = fl_f16_to_f32(load16(block)), dmin = fl_f16_to_f32(load16(block + 2));
    uint8_t scales[8], minima[8];
    fl_q4_k_scales(block + 4, scales, minima);
    for (int group = 0; group < 8; group++) {
        const float scale = d * (float)scales[group], low = dmin * (float)minima[group];
        const uint8_t *q = block + 16 + group / 2 * 32;
        for (int i = 0; i < 32; i++)
            out[32 * group + i] = scale * (float)(group % 2 ? q[i] >> 4 : q[i] & 15) - low;
    }
}

/* x = scale q - low with low >= 0 and q in 0 .. 15. */
struct line {
    float scale, low;
};

static float line_error(const float *x, struct line line)
{
    const float by = inverse(line.scale);
    float error[4] = {0};
    for (int i = 0; i < 32; i++) {
        const float q = nearest_whole((x[i] + line.low) * by, 0, 15);
        const float off = line.scale * q - line.low - x[i];
        error[i % 4] += off * off;
    }
    return (error[0] + error[1]) + (error[2] + error[3]);
}

/* The line of least squares through the points that x rounds to with this scale and minimum. */
static struct line line_refit(const float *x, struct line line)
{
    const float by = inverse(line.scale);
    float q1 = 0, q2 = 0, x1 = 0, xq = 0;
    for (int i = 0; i < 32; i++) {
        const float q = nearest_whole((x[i] + line.low) * by, 0, 15);
        q1 += q;
        q2 += q * q;
        x1 += x[i];
        xq += q * x[i];
    }
    const float determinant = 32 * q2 - q1 * q1;
    if (determinant <= 0)
        return line;
    struct line fit = {(32 * xq - q1 * x1) / determinant, (q1 * xq - q2 * x1) / determinant};
    if (fit.low < 0 || fit.scale <= 0) {
        fit.low = 0;
        fit.scale = q2 > 0 ? xq / q2 : 0;
    }
    return fit.scale > 0 ? fit : line;
}

/* Tries steps somewhat finer and coarser than those that just span the group: leaving out the
 * extremes is often worth it. */
static struct line line_search(const float *x)
{
    float least = 0.0f, most = x[0];
    for (int i = 0; i < 32; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    if (!(most > least))
        return (struct line){0.0f, -least};
    struct line best = {(most - least) / 15.0f, -least};
    float best_error = line_error(x, best);
    for (int step = 0; step <= 8; step++) {
        const struct line line =
            line_refit(x, (struct line){(most - least) / (13.0f + 0.5f * (float)step), -least});
        const float error = line_error(x, line);
        if (error < best_error) {
            best_error = error;
            best = line;
        }
    }
    return best;
}

static void q4_k_pack(uint8_t packed[12], const uint8_t scales[8], const uint8_t minima[8])
{
    for (int j = 0; j < 4; j++) {
        packed[j] = (uint8_t)(scales[j] | scales[j + 4] >> 4 << 6);
        packed[j + 4] = (uint8_t)(minima[j] | minima[j + 4] >> 4 << 6);
        packed[j + 8] = (uint8_t)((scales[j + 4] & 15) | (minima[j + 4] & 15) << 4);
    }
}

static void q4_k_write(uint8_t *block, const float *x)
{
    struct line lines[8];
    float scale = 0.0f, low = 0.0f;
    uint8_t scales[8], minima[8];
    memset(block, 0, 144);
    if (!all_finite(x, 256)) {
        store16(block, NAN16);
        return;
    }
    for (int group = 0; group < 8; group++) {
        lines[group] = line_search(x + 32 * group);
        scale = fmaxf(scale, lines[group].scale);
        low = fmaxf(low, lines[group].low);
    }
    const uint16_t d16 = scale16(scale / 63.0f), dmin16 = scale16(low / 63.0f);
    const float d = fl_f16_to_f32(d16), dmin = fl_f16_to_f32(dmin16);
    store16(block, d16);
    store16(block + 2, dmin16);
    for (int group = 0; group < 8; group++) {
        scales[group] = (uint8_t)nearest(lines[group].scale * inverse(d), 0, 63);
        minima[group] = (uint8_t)nearest(lines[group].low * inverse(dmin), 0, 63);
    }
    q4_k_pack(block + 4, scales, minima);
    for (int group = 0; group < 8; group++) {
        const float by = inverse(d * (float)scales[group]), least = dmin * (float)minima[group];
        uint8_t *packed = block + 16 + group / 2 * 32;
        for (int i = 0; i < 32; i++) {
            const int q = nearest((x[32 * group + i] + least) * by, 0, 15);
            packed[i] |= (uint8_t)(group % 2 ? q << 4 : q);
        }
    }
}

/* ---- q6_k ---- */

/* Where number i of a block keeps its bits: byte of the low nibbles (high half: +4 bits), byte and
 * shift of the high bits. */
struct place {
    int low, low_shift, high, high_shift;
};

static struct place q6_k_place(int i)
{
    const int half = i / 128, run = i % 128 / 32, l = i % 32;
    return (struct place){64 * half + 32 * (run % 2) + l, run / 2 * 4, 128 + 32 * half + l,
                          2 * run};
}

static void q6_k_read(float *out, const uint8_t *block)
{
    const float d = fl_f16_to_f32(load16(block + 208));
    for (int i = 0; i < 256; i++) {
        const struct place at = q6_k_place(i);
        const int q = (block[at.low] >> at.low_shift & 15) | (block[at.high] >> at.high_shift & 3)
                                                                 << 4;
        out[i] = d * (float)(int8_t)block[192 + i / 16] * (float)(q - 32);
    }
}

/* The scale of least squared error for 16 numbers as whole multiples -32 .. 31. */
static float scale_search(const float *x)
{
    float extreme = 0.0f, best = 0.0f;
    double best_gain = 0;
    for (int i = 0; i < 16; i++)
        if (fabsf(x[i]) > fabsf(extreme))
            extreme = x[i];
    if (extreme == 0.0f)
        return 0.0f;
    for (int step = -6; step <= 6; step++) {
        const float by = inverse(extreme / -(32.0f + 0.15f * (float)step));
        float xq = 0, q2 = 0;
        for (int i = 0; i < 16; i++) {
            const float q = nearest_whole(x[i] * by, -32, 31);
            xq += x[i] * q;
            q2 += q * q;
        }
        /* with scale xq / q2 the squared error is sum x^2 - xq^2 / q2 */
        const double gain = q2 > 0 ? (double)xq * (double)xq / (double)q2 : 0;
        if (gain > best_gain) {
            best_gain = gain;
            best = xq / q2;
        }
    }
    return best;
}

static void q6_k_write(uint8_t *block, const float *x)
{
    float scales[16], extreme = 0.0f;
    memset(block, 0, 210);
    if (!all_finite(x, 256)) {
        store16(block + 208, NAN16);
        return;
    }
    for (int group = 0; group < 16; group++) {
        scales[group] = scale_search(x + 16 * group);
        if (fabsf(scales[group]) > fabsf(extreme))
            extreme = scales[group];
    }
    const uint16_t d16 = scale16(extreme / -128.0f);
    const float d = fl_f16_to_f32(d16);
    store16(block + 208, d16);
    for (int group = 0; group < 16; group++)
        block[192 + group] = (uint8_t)(int8_t)nearest(scales[group] * inverse(d), -128, 127);
    float by = 0.0f;
    for (int i = 0; i < 256; i++) {
        if (i % 16 == 0)
            by = inverse(d * (float)(int8_t)block[192 + i / 16]);
        const struct place at = q6_k_place(i);
        const int q = nearest(x[i] * by, -32, 31) + 32;
        block[at.low] |= (uint8_t)((q & 15) << at.low_shift);
        block[at.high] |= (uint8_t)(q >> 4 << at.high_shift);
    }
}

/* ---- any format ---- */

static const struct {
    void (*read)(float *out, const uint8_t *block);
    void (*write)(uint8_t *block, const float *x);
} BLOCKS[FL_N_DTYPES] = {
    [FL_Q8_0] = {q8_0_read, q8_0_write},
    [FL_Q4_0] = {q4_0_read, q4_0_write},
    [FL_Q4_K] = {q4_k_read, q4_k_write},
    [FL_Q6_K] = {q6_k_read, q6_k_write},
};

void fl_to_f32(float *out, const void *in, enum fl_dtype dtype, size_t n)
{
    const uint8_t *from = in;
    const size_t block = (size_t)fl_dtype_block(dtype), bytes = (size_t)fl_dtype_block_bytes(dtype);
    if (dtype == FL_F32)
        memcpy(out, in, n * sizeof *out);
    else if (dtype == FL_F16)
        for (size_t i = 0; i < n; i++)
            out[i] = fl_f16_to_f32(load16(from + 2 * i));
    else if (dtype == FL_BF16)
        for (size_t i = 0; i < n; i++)
            out[i] = fl_bf16_to_f32(load16(from + 2 * i));
    else
        for (size_t i = 0; i < n / block; i++)
            BLOCKS[dtype].read(out + i * block, from + i * bytes);
}

void fl_from_f32(void *out, const float *in, enum fl_dtype dtype, size_t n)
{
    uint8_t *to = out;
    const size_t block = (size_t)fl_dtype_block(dtype), bytes = (size_t)fl_dtype_block_bytes(dtype);
    if (dtype == FL_F32)
        memcpy(out, in, n * sizeof *in);
    else if (dtype == FL_F16)
        for (size_t i = 0; i < n; i++)
            store16(to + 2 * i, fl_f32_to_f16(in[i]));
    else if (dtype == FL_BF16)
        for (size_t i = 0; i < n; i++)
            store16(to + 2 * i, fl_f32_to_bf16(in[i]));
    else
        for (size_t i = 0; i < n / block; i++)
            BLOCKS[dtype].write(to + i * bytes, in + i * block);
}
