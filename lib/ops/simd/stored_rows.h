/* stored_rows.h - rows of stored formats (ops/convert.h has the layouts): products with a vector,
 * and expansion to f32. For elementwise.c only.
 *
 * x stays f32. A block's whole numbers are multiplied with x as they are, and the block's sum with
 * its scale: the weights are never written out, and what is executed beyond the products is a
 * multiplication and an addition a lane and block (simd_work.h). */
#ifndef FL_OPS_SIMD_STORED_ROWS_H
#define FL_OPS_SIMD_STORED_ROWS_H

#include "base/dtype.h"
#include "ops/convert.h"
#include "ops/simd/half.h"
#include "ops/simd/lanes.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

typedef uint8_t ubytes16 __attribute__((vector_size(16)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t uints __attribute__((vector_size(4 * LANES)));

/* ---- one vector ---- */

/* Widening by name: gcc 12 takes __builtin_convertvector() from narrow to wide lanes apart, number
 * by number. Without AVX2 bytes are copied to the top of their lane and shifted down. */
static inline ints load_whole(const int8_t *q)
{
#if LANES == 16
    __m128i few;
    memcpy(&few, q, sizeof few);
    return (ints)_mm512_cvtepi8_epi32(few);
#elif LANES == 8
    /* the lower half twice, though the upper one is not looked at: what _mm_loadl_epi64() becomes
     * where q is in a register, Valgrind 3.19 does not know */
    double few;
    memcpy(&few, q, sizeof few);
    return (ints)_mm256_cvtepi8_epi32(_mm_castpd_si128(_mm_loaddup_pd(&few)));
#elif defined(__SSE2__)
    int32_t four;
    memcpy(&four, q, sizeof four);
    const __m128i twice = _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), _mm_cvtsi32_si128(four));
    return (ints)_mm_srai_epi32(_mm_unpacklo_epi16(twice, twice), 24);
#else
    return (ints){q[0], q[1], q[2], q[3]};
#endif
}

static inline lanes lanes_of_bytes(const int8_t *q)
{
    return __builtin_convertvector(load_whole(q), lanes);
}

static inline uints load_halves(const uint8_t *at)
{
#if LANES == 16
    __m256i few;
    memcpy(&few, at, sizeof few);
    return (uints)_mm512_cvtepu16_epi32(few);
#elif LANES == 8
    __m128i few;
    memcpy(&few, at, sizeof few);
    return (uints)_mm256_cvtepu16_epi32(few);
#elif defined(__SSE2__)
    const __m128i few = _mm_loadl_epi64((const void *)at);
    return (uints)_mm_unpacklo_epi16(few, _mm_setzero_si128());
#else
    uint16_t few[4];
    memcpy(few, at, sizeof few);
    return (uints){few[0], few[1], few[2], few[3]};
#endif
}

static inline lanes lanes_f16(const uint8_t *at)
{
#if LANES == 16
    __m256i halves;
    memcpy(&halves, at, sizeof halves);
    return (lanes)_mm512_cvtph_ps(halves);
#elif LANES == 8 && defined(__F16C__)
    __m128i halves;
    memcpy(&halves, at, sizeof halves);
    return (lanes)_mm256_cvtph_ps(halves);
#else /* half_f16(), all cases at once */
    const uints bits = load_halves(at), rest = bits & 0x7fff;
    const uints units = (uints) __builtin_convertvector((ints)rest, lanes) - (24u << 23);
    const uints normal = (rest << 13) + (112u << 23);
    const uints special = 0x7f800000 | rest << 13;
    const uints is_nan = (uints)(rest > 0x7c00), is_special = (uints)(rest >= 0x7c00);
    const uints is_normal = (uints)(rest >= 0x400), is_zero = (uints)(rest == 0);
    uints value = (is_normal & normal) | (~is_normal & ~is_zero & units);
    value = (is_special & (special | (is_nan & 0x400000))) | (~is_special & value);
    return (lanes)(value | (bits & 0x8000) << 16);
#endif
}

static inline lanes lanes_bf16(const uint8_t *at)
{
    return (lanes)(load_halves(at) << 16);
}

static inline uint16_t load16(const uint8_t *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return bits;
}

static inline float scalar_f16(const uint8_t *at)
{
#ifdef __F16C__
    return _cvtsh_ss(load16(at));
#else
    return half_f16(load16(at));
#endif
}

static inline float scalar_bf16(const uint8_t *at)
{
    return half_bf16(load16(at));
}

/* ---- the whole numbers of a block ---- */

static inline ubytes16 load_bytes(const uint8_t *at)
{
    ubytes16 bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

static inline void store_bytes(int8_t *to, ubytes16 bytes)
{
    memcpy(to, &bytes, sizeof bytes);
}

static inline const int8_t *whole_q8_0(int8_t *q, const uint8_t *block)
{
    (void)q;
    return (const int8_t *)block + 2;
}

static inline const int8_t *whole_q4_0(int8_t *q, const uint8_t *block)
{
    const ubytes16 bytes = load_bytes(block + 2);
    store_bytes(q, (bytes & 15) - 8);
    store_bytes(q + 16, (bytes >> 4) - 8);
    return q;
}

/* Groups 2 pair and 2 pair + 1. */
static inline void whole_q4_k(int8_t q[64], const uint8_t *block, size_t pair)
{
    for (size_t i = 0; i < 32; i += 16) {
        const ubytes16 bytes = load_bytes(block + 16 + 32 * pair + i);
        store_bytes(q + i, bytes & 15);
        store_bytes(q + 32 + i, bytes >> 4);
    }
}

/* 128 numbers of one half. */
static inline void whole_q6_k(int8_t q[128], const uint8_t *block, size_t half)
{
    const uint8_t *low = block + 64 * half, *high = block + 128 + 32 * half;
    for (size_t i = 0; i < 32; i += 16) {
        const ubytes16 a = load_bytes(low + i), b = load_bytes(low + 32 + i);
        const ubytes16 h = load_bytes(high + i);
        store_bytes(q + i, ((a & 15) | (h & 3) << 4) - 32);
        store_bytes(q + 32 + i, ((b & 15) | (h & 12) << 2) - 32);
        store_bytes(q + 64 + i, (a >> 4 | (h & 48)) - 32);
        store_bytes(q + 96 + i, (b >> 4 | (h >> 2 & 48)) - 32);
    }
}

/* d scale and dmin min of each group. */
static inline void scales_q4_k(float scales[8], float minima[8], const uint8_t *block)
{
    const float d = scalar_f16(block), dmin = scalar_f16(block + 2);
    uint8_t scale[8], low[8];
    fl_q4_k_scales(block + 4, scale, low);
    for (size_t i = 0; i < 8; i++) {
        scales[i] = d * (float)scale[i];
        minima[i] = dmin * (float)low[i];
    }
}

/* ---- products with x ---- */

/* n is a multiple of LANES, and known where this is inlined. */
static inline lanes dot_whole(const int8_t *q, const float *x, size_t n)
{
    lanes sum = lanes_of_bytes(q) * lanes_load(x);
#pragma GCC unroll 8
    for (size_t i = LANES; i < n; i += LANES)
        sum += lanes_of_bytes(q + i) * lanes_load(x + i);
    return sum;
}

/* Two sums, of even and of odd blocks. */
#define DOT_BLOCKS(name, whole, bytes)                                                             \
    static inline float name(const float *x, const uint8_t *row, size_t n)                         \
    {                                                                                              \
        lanes even = {0}, odd = {0};                                                               \
        size_t i = 0;                                                                              \
        for (; i + 64 <= n; i += 64, row += 2 * (bytes)) {                                         \
            int8_t q[2][32];                                                                       \
            even += scalar_f16(row) * dot_whole(whole(q[0], row), x + i, 32);                      \
            odd +=                                                                                 \
                scalar_f16(row + (bytes)) * dot_whole(whole(q[1], row + (bytes)), x + i + 32, 32); \
        }                                                                                          \
        if (i < n) {                                                                               \
            int8_t q[32];                                                                          \
            even += scalar_f16(row) * dot_whole(whole(q, row), x + i, 32);                         \
        }                                                                                          \
        return quad_sum(lanes_fold(even + odd));                                                   \
    }
DOT_BLOCKS(dot_q8_0, whole_q8_0, 34)
DOT_BLOCKS(dot_q4_0, whole_q4_0, 18)

static inline lanes sum_32(const float *x)
{
    lanes sum = lanes_load(x);
#pragma GCC unroll 8
    for (size_t i = LANES; i < 32; i += LANES)
        sum += lanes_load(x + i);
    return sum;
}

static inline float dot_q4_k(const float *x, const uint8_t *row, size_t n)
{
    lanes products = {0}, lows = {0};
    for (size_t i = 0; i < n; i += 256, row += 144) {
        float scales[8], minima[8];
        scales_q4_k(scales, minima, row);
        for (size_t pair = 0; pair < 4; pair++) {
            const float *at = x + i + 64 * pair;
            int8_t q[64];
            whole_q4_k(q, row, pair);
            products += scales[2 * pair] * dot_whole(q, at, 32);
            lows += minima[2 * pair] * sum_32(at);
            products += scales[2 * pair + 1] * dot_whole(q + 32, at + 32, 32);
            lows += minima[2 * pair + 1] * sum_32(at + 32);
        }
    }
    return quad_sum(lanes_fold(products - lows));
}

static inline float dot_q6_k(const float *x, const uint8_t *row, size_t n)
{
    lanes even = {0}, odd = {0};
    for (size_t i = 0; i < n; i += 256, row += 210) {
        const float d = scalar_f16(row + 208);
        for (size_t half = 0; half < 2; half++) {
            const float *at = x + i + 128 * half;
            const int8_t *scales = (const int8_t *)row + 192 + 8 * half;
            int8_t q[128];
            whole_q6_k(q, row, half);
            for (size_t group = 0; group < 8; group += 2) {
                even += d * (float)scales[group] * dot_whole(q + 16 * group, at + 16 * group, 16);
                odd += d * (float)scales[group + 1] *
                       dot_whole(q + 16 * group + 16, at + 16 * group + 16, 16);
            }
        }
    }
    return quad_sum(lanes_fold(even + odd));
}

/* As dot_long() of rows.h. */
#define DOT_HALVES(name, load, scalar)                                                             \
    static inline float name(const float *x, const uint8_t *row, size_t n)                         \
    {                                                                                              \
        float sum = 0.0f;                                                                          \
        size_t i = 0;                                                                              \
        if (n >= 4 * LANES) {                                                                      \
            lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                          \
            for (; i + 4 * LANES <= n; i += 4 * LANES) {                                           \
                s0 += lanes_load(x + i) * load(row + 2 * i);                                       \
                s1 += lanes_load(x + i + LANES) * load(row + 2 * (i + LANES));                     \
                s2 += lanes_load(x + i + 2 * LANES) * load(row + 2 * (i + 2 * LANES));             \
                s3 += lanes_load(x + i + 3 * LANES) * load(row + 2 * (i + 3 * LANES));             \
            }                                                                                      \
            sum = quad_sum(lanes_fold((s0 + s1) + (s2 + s3)));                                     \
        }                                                                                          \
        for (; i < n; i++)                                                                         \
            sum += x[i] * scalar(row + 2 * i);                                                     \
        return sum;                                                                                \
    }
DOT_HALVES(dot_f16, lanes_f16, scalar_f16)
DOT_HALVES(dot_bf16, lanes_bf16, scalar_bf16)

/* Asks for as many bytes as this row has, further on: rows lie one behind the other, and what is
 * done between loads is more than the processor's own prefetchers wait for. A decode step of 110 M
 * weights on two threads of a Xeon with AVX-512: q8_0 184 instead of 97 tokens/s, q4_0 200 instead
 * of 88, q4_k 148 instead of 77; 4 KiB ahead 165, 198 and 149. Of four sequences, whose rows are
 * expanded first, 7 to 9 % (one thread, the fastest of three). */
static inline void ask_ahead(const uint8_t *row, size_t bytes)
{
    enum { AHEAD_BYTES = 2048, LINE_BYTES = 64 };
    for (size_t i = 0; i < bytes; i += LINE_BYTES)
        __builtin_prefetch((const void *)((uintptr_t)row + AHEAD_BYTES + i));
}

#define DOT_ROWS(dot)                                                                              \
    for (size_t j = 0; j < n_rows; j++, row += bytes) {                                            \
        ask_ahead(row, bytes);                                                                     \
        const float sum = dot(x, row, n);                                                          \
        out[j] = start ? start[j] + sum : sum;                                                     \
    }                                                                                              \
    return

static void dot_stored(float *out, const float *start, const float *x, const void *k,
                       enum fl_dtype dtype, size_t n_rows, size_t ld, size_t n)
{
    const uint8_t *row = k;
    const size_t bytes = (size_t)fl_dtype_bytes(dtype, ld);
    switch (dtype) {
    case FL_F16:
        DOT_ROWS(dot_f16);
    case FL_BF16:
        DOT_ROWS(dot_bf16);
    case FL_Q8_0:
        DOT_ROWS(dot_q8_0);
    case FL_Q4_0:
        DOT_ROWS(dot_q4_0);
    case FL_Q4_K:
        DOT_ROWS(dot_q4_k);
    case FL_Q6_K:
        DOT_ROWS(dot_q6_k);
    default:
        assert(!"a format with its own kernel");
    }
}

/* ---- rows weighted and summed, f16 and bf16 only ---- */

enum { MIXED_HALVES = 8 };

/* n_rows is known where this is inlined. */
#define MIX_HALVES(name, load, scalar)                                                             \
    static inline void name##_piece(float *out, const float *p, const uint8_t *v, size_t n_rows,   \
                                    size_t ld, size_t n)                                           \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES) {                                                       \
            lanes sum = lanes_load(out + i);                                                       \
            for (size_t j = 0; j < n_rows; j++)                                                    \
                sum += p[j] * load(v + 2 * (j * ld + i));                                          \
            lanes_store(out + i, sum);                                                             \
        }                                                                                          \
        for (; i < n; i++)                                                                         \
            for (size_t j = 0; j < n_rows; j++)                                                    \
                out[i] += p[j] * scalar(v + 2 * (j * ld + i));                                     \
    }                                                                                              \
    static void name(float *out, const float *p, const uint8_t *v, size_t n_rows, size_t ld,       \
                     size_t n)                                                                     \
    {                                                                                              \
        size_t j = 0;                                                                              \
        for (; j + MIXED_HALVES <= n_rows; j += MIXED_HALVES)                                      \
            name##_piece(out, p + j, v + 2 * j * ld, MIXED_HALVES, ld, n);                         \
        for (; j < n_rows; j++)                                                                    \
            name##_piece(out, p + j, v + 2 * j * ld, 1, ld, n);                                    \
    }
MIX_HALVES(mix_f16, lanes_f16, scalar_f16)
MIX_HALVES(mix_bf16, lanes_bf16, scalar_bf16)

static void mix_stored(float *out, const float *p, const void *v, enum fl_dtype dtype,
                       size_t n_rows, size_t ld, size_t n)
{
    assert(dtype == FL_F16 || dtype == FL_BF16);
    if (dtype == FL_F16)
        mix_f16(out, p, v, n_rows, ld, n);
    else
        mix_bf16(out, p, v, n_rows, ld, n);
}

/* ---- expansion ---- */

/* out = factor q */
static inline void expand_whole(float *out, const int8_t *q, float factor, size_t n)
{
    for (size_t i = 0; i < n; i += LANES)
        lanes_store(out + i, factor * lanes_of_bytes(q + i));
}

static inline void expand_q4_k(float *out, const uint8_t *block)
{
    float scales[8], minima[8];
    scales_q4_k(scales, minima, block);
    for (size_t pair = 0; pair < 4; pair++) {
        int8_t q[64];
        whole_q4_k(q, block, pair);
        for (size_t i = 0; i < 64; i += LANES)
            lanes_store(out + 64 * pair + i, scales[2 * pair + i / 32] * lanes_of_bytes(q + i) -
                                                 minima[2 * pair + i / 32]);
    }
}

static inline void expand_q6_k(float *out, const uint8_t *block)
{
    const float d = scalar_f16(block + 208);
    for (size_t half = 0; half < 2; half++) {
        int8_t q[128];
        whole_q6_k(q, block, half);
        for (size_t group = 0; group < 8; group++)
            expand_whole(out + 128 * half + 16 * group, q + 16 * group,
                         d * (float)(int8_t)block[192 + 8 * half + group], 16);
    }
}

#define EXPAND_HALVES(load, scalar)                                                                \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES)                                                         \
            lanes_store(out + i, load(from + 2 * i));                                              \
        for (; i < n; i++)                                                                         \
            out[i] = scalar(from + 2 * i);                                                         \
    }

static void expand(float *out, const void *in, enum fl_dtype dtype, size_t n)
{
    const uint8_t *from = in;
    int8_t q[32];
    ask_ahead(from, (size_t)fl_dtype_bytes(dtype, n));
    switch (dtype) {
    case FL_F32:
        memcpy(out, in, n * sizeof *out);
        break;
    case FL_F16:
        EXPAND_HALVES(lanes_f16, scalar_f16)
        break;
    case FL_BF16:
        EXPAND_HALVES(lanes_bf16, scalar_bf16)
        break;
    case FL_Q8_0:
        for (size_t i = 0; i < n; i += 32, from += 34)
            expand_whole(out + i, whole_q8_0(q, from), scalar_f16(from), 32);
        break;
    case FL_Q4_0:
        for (size_t i = 0; i < n; i += 32, from += 18)
            expand_whole(out + i, whole_q4_0(q, from), scalar_f16(from), 32);
        break;
    case FL_Q4_K:
        for (size_t i = 0; i < n; i += 256, from += 144)
            expand_q4_k(out + i, from);
        break;
    case FL_Q6_K:
        for (size_t i = 0; i < n; i += 256, from += 210)
            expand_q6_k(out + i, from);
        break;
    default:
        break;
    }
}

#endif
