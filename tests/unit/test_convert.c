/* fl_to_f32 and fl_from_f32: every bit pattern of the half formats, blocks written by hand, and the
 * error of quantising. */
#include "ops/convert.h"
#include "ops_check.h"

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ---- f16 and bf16 ---- */

/* The value by the definition of IEEE 754. */
static double f16_value(unsigned bits)
{
    const double sign = bits >> 15 ? -1 : 1;
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    return exponent ? sign * ldexp(1024 + fraction, exponent - 25) : sign * ldexp(fraction, -24);
}

Test(convert, every_f16_is_read_and_written_back)
{
    for (unsigned bits = 0; bits < 65536; bits++) {
        const float x = fl_f16_to_f32((uint16_t)bits);
        const double expected = f16_value(bits);
        if (isnan(expected)) {
            cr_assert(isnan(x));
            cr_assert_eq(fl_f32_to_f16(x), bits | 0x200, "NaN %04x", bits);
            continue;
        }
        cr_assert((double)x == expected && (signbit(x) != 0) == bits >> 15, "%04x: %g, not %g",
                  bits, (double)x, expected);
        cr_assert_eq(fl_f32_to_f16(x), bits, "%04x", bits);
    }
}

Test(convert, every_bf16_is_read_and_written_back)
{
    for (unsigned bits = 0; bits < 65536; bits++) {
        const float x = fl_bf16_to_f32((uint16_t)bits);
        const bool nan = (bits & 0x7fff) > 0x7f80;
        const unsigned expected = nan ? bits | 0x40 : bits;
        cr_assert_eq(bits_of(x), expected << 16);
        cr_assert_eq(fl_f32_to_bf16(x), expected);
    }
}

/* Between neighbours a and b of a half format: the midpoint goes to the even one, a step to either
 * side of it to the nearer one. */
static void check_between(uint16_t (*write)(float), float a, float b, unsigned bits)
{
    const float middle = (float)(((double)a + (double)b) / 2);
    const unsigned even = bits % 2 ? bits + 1 : bits;
    cr_assert_eq(write(middle), even, "middle above %04x", bits);
    cr_assert_eq(write(nextafterf(middle, a)), bits, "below the middle above %04x", bits);
    cr_assert_eq(write(nextafterf(middle, b)), bits + 1, "above the middle above %04x", bits);
}

Test(convert, rounding_is_to_nearest_even_everywhere)
{
    for (unsigned sign = 0; sign < 2; sign++) {
        for (unsigned bits = 0; bits < 0x7bff; bits++)
            check_between(fl_f32_to_f16, fl_f16_to_f32((uint16_t)(bits | sign << 15)),
                          fl_f16_to_f32((uint16_t)((bits + 1) | sign << 15)), bits | sign << 15);
        for (unsigned bits = 0x80; bits < 0x7f7f; bits++)
            check_between(fl_f32_to_bf16, fl_bf16_to_f32((uint16_t)(bits | sign << 15)),
                          fl_bf16_to_f32((uint16_t)((bits + 1) | sign << 15)), bits | sign << 15);
    }
}

Test(convert, too_large_a_half_is_infinite)
{
    cr_expect_eq(fl_f32_to_f16(65519.996f), 0x7bff);
    cr_expect_eq(fl_f32_to_f16(65520.0f), 0x7c00);
    cr_expect_eq(fl_f32_to_f16(-1e30f), 0xfc00);
    cr_expect_eq(fl_f32_to_f16(-INFINITY), 0xfc00);
    cr_expect_eq(fl_f32_to_bf16(3.4028235e38f), 0x7f80); /* beyond half way from 3.3895e38 */
    cr_expect_eq(fl_f32_to_bf16(-INFINITY), 0xff80);
    cr_expect_eq(fl_f32_to_f16(-1e-30f), 0x8000);
    /* a NaN whose payload lies in the bits that are cut off stays one */
    cr_expect_eq(fl_f32_to_f16(float_of(0x7f800001)), 0x7e00);
    cr_expect_eq(fl_f32_to_bf16(float_of(0xff800001)), 0xffc0);
}

/* ---- blocks by hand ---- */

static void expect_block(enum fl_dtype dtype, const uint8_t *block, int at, double expected)
{
    float out[256];
    fl_to_f32(out, block, dtype, (size_t)fl_dtype_block(dtype));
    cr_expect((double)out[at] == expected, "%s: number %d: %g, expected %g", fl_dtype_names[dtype],
              at, (double)out[at], expected);
}

Test(convert, q8_0_by_hand)
{
    uint8_t block[34] = {0x00, 0x38}; /* d = 0.5 */
    block[2] = 3;
    block[2 + 31] = (uint8_t)-127;
    expect_block(FL_Q8_0, block, 0, 1.5);
    expect_block(FL_Q8_0, block, 1, 0);
    expect_block(FL_Q8_0, block, 31, -63.5);
}

Test(convert, q4_0_by_hand)
{
    uint8_t block[18] = {0x00, 0xc0}; /* d = -2 */
    block[2] = 0xf0;                  /* numbers 0 and 16 */
    block[2 + 15] = 0x87;             /* numbers 15 and 31 */
    expect_block(FL_Q4_0, block, 0, 16);
    expect_block(FL_Q4_0, block, 16, -14);
    expect_block(FL_Q4_0, block, 15, 2);
    expect_block(FL_Q4_0, block, 31, 0);
    expect_block(FL_Q4_0, block, 1, 16);
}

Test(convert, q4_k_by_hand)
{
    uint8_t block[144] = {0x00, 0x3c, 0x00, 0x38}; /* d = 1, dmin = 0.5 */
    uint8_t *packed = block + 4, *q = block + 16;
    packed[0] = 5 | 2 << 6;     /* scale 0 = 5; high bits of scale 4 = 2 */
    packed[4] = 9 | 3 << 6;     /* minimum 0 = 9; high bits of minimum 4 = 3 */
    packed[8] = 0x7 | 0xb << 4; /* scale 4 = 32 + 7, minimum 4 = 48 + 11 */
    packed[3] = 63 | 1 << 6;    /* scale 3 = 63; high bits of scale 7 */
    packed[11] = 0x2;           /* scale 7 = 16 + 2, minimum 7 = 0 */
    q[1] = 0x4c;                /* numbers 1 and 33 */
    q[64] = 0xf3;               /* numbers 128 and 160 */
    q[127] = 0x90;              /* numbers 223 and 255 */
    q[32] = 0xa0;               /* numbers 64 and 96 */
    expect_block(FL_Q4_K, block, 1, 5 * 12 - 4.5);
    expect_block(FL_Q4_K, block, 0, -4.5);
    expect_block(FL_Q4_K, block, 33, 0); /* scale 1 and minimum 1 are 0 */
    expect_block(FL_Q4_K, block, 128, 39 * 3 - 29.5);
    expect_block(FL_Q4_K, block, 255, 18 * 9);
    expect_block(FL_Q4_K, block, 96, 63 * 10);
}

Test(convert, q6_k_by_hand)
{
    uint8_t block[210] = {0}, *high = block + 128, *scales = block + 192;
    block[209] = 0x40; /* d = 2 */
    for (int i = 0; i < 16; i++)
        scales[i] = (uint8_t)(i - 8);
    block[5] = 0x9a;       /* low bits of numbers 5 (10) and 69 (9) */
    high[5] = 0x81;        /* high bits of 5: 1, 37: 0, 69: 0, 101: 2 */
    block[64 + 63] = 0x70; /* of numbers 159 + 32 - 32: runs 1 and 3 of the second half */
    high[32 + 31] = 0xc0;
    expect_block(FL_Q6_K, block, 5, 2 * -8 * (16 + 10 - 32));
    expect_block(FL_Q6_K, block, 37, 2 * -6 * -32);
    expect_block(FL_Q6_K, block, 69, 2 * -4 * (9 - 32));
    expect_block(FL_Q6_K, block, 101, 2 * -2 * (32 - 32));
    expect_block(FL_Q6_K, block, 128 + 32 + 31, 2 * 3 * -32);
    expect_block(FL_Q6_K, block, 128 + 96 + 31, 2 * 7 * (48 + 7 - 32));
}

/* ---- quantising ---- */

static const enum fl_dtype QUANTISED[] = {FL_Q8_0, FL_Q4_0, FL_Q4_K, FL_Q6_K};
enum { N_QUANTISED = sizeof QUANTISED / sizeof *QUANTISED };

/* Quantises a block and reads it back; out lies between guards. */
static void through(float *out, const float *x, enum fl_dtype dtype)
{
    uint8_t block[2 + 210] = {0};
    const size_t n = (size_t)fl_dtype_block(dtype), bytes = (size_t)fl_dtype_block_bytes(dtype);
    block[0] = block[1 + bytes] = 0xa5;
    fl_from_f32(block + 1, x, dtype, n);
    cr_assert(block[0] == 0xa5 && block[1 + bytes] == 0xa5, "%s: wrote outside the block",
              fl_dtype_names[dtype]);
    fl_to_f32(out, block + 1, dtype, n);
}

/* Largest error that a number of a group of this range may have. d is rounded to f16, which moves
 * a number by 2^-11 of itself at most where d is neither too small nor too large for f16.
 *   q8_0  half a step of largest / 127
 *   q4_0  a step of largest / 8: the far end of the other sign is cut off there, others half of it
 *   q4_k  steps of range / 15, searched for, scales and minima of 6 bits: half a step of the scales
 *         is 1/126 of the block's largest, times 15, and the same of the minimum
 *   q6_k  steps of largest / 32; half a step of the scales is 1/256 of the block's largest, times
 * 32 */
static double bound(enum fl_dtype dtype, double largest)
{
    switch (dtype) {
    case FL_Q8_0:
        return largest * (0.5 / 127 + 0x1p-11);
    case FL_Q4_0:
        return largest * (1.0 / 8 + 0x1p-10);
    case FL_Q4_K:
        return largest * (2.0 / 15 + 2 * 15.0 / 15 / 126 * 2 + 0x1p-9);
    default:
        return largest * (1.0 / 32 + 1.0 / 256 * 1.25 + 0x1p-9);
    }
}

Test(convert, quantising_stays_within_the_bound)
{
    float *x = random_floats(256 * 500, 1.0f, 41), in[256], out[256];
    for (int which = 0; which < N_QUANTISED; which++) {
        const enum fl_dtype dtype = QUANTISED[which];
        const int n = fl_dtype_block(dtype);
        for (int block = 0; block < 500; block++) {
            float largest = 0;
            const float size = ldexpf(1.0f, block % 19);
            for (int i = 0; i < n; i++) {
                in[i] = x[256 * block + i];
                in[i] *= block % 3 == 0 ? size : block % 3 == 1 ? size * fabsf(in[i]) : 1.0f;
                largest = fmaxf(largest, fabsf(in[i]));
            }
            through(out, in, dtype);
            for (int i = 0; i < n; i++)
                cr_assert(fabs((double)out[i] - (double)in[i]) <= bound(dtype, (double)largest),
                          "%s: block %d, number %d: %g, expected %g", fl_dtype_names[dtype], block,
                          i, (double)out[i], (double)in[i]);
        }
    }
    free(x);
}

/* Root mean square error of quantised normal numbers, relative to theirs. What rounding to steps of
 * this size gives, and for the K formats what ggml's own search reaches (q4_k 0.070, q6_k 0.0180
 * were measured with this program's search; a search that fails gives far more). */
Test(convert, quantising_loses_little)
{
    static const double MOST[FL_N_DTYPES] = {
        [FL_Q8_0] = 0.0055, [FL_Q4_0] = 0.095, [FL_Q4_K] = 0.075, [FL_Q6_K] = 0.019};
    enum { N = 256 * 200 };
    float *u = random_floats(4 * N, 1.0f, 42), out[256];
    for (int i = 0; i < N; i++) /* the sum of four uniform numbers is near enough to normal */
        u[i] = u[4 * i] + u[4 * i + 1] + u[4 * i + 2] + u[4 * i + 3];
    for (int which = 0; which < N_QUANTISED; which++) {
        const enum fl_dtype dtype = QUANTISED[which];
        const int n = fl_dtype_block(dtype);
        double error = 0, energy = 0;
        for (int first = 0; first < N; first += n) {
            through(out, u + first, dtype);
            for (int i = 0; i < n; i++) {
                error += pow((double)out[i] - (double)u[first + i], 2);
                energy += pow((double)u[first + i], 2);
            }
        }
        const double relative = sqrt(error / energy);
        cr_expect_leq(relative, MOST[dtype], "%s: %g", fl_dtype_names[dtype], relative);
    }
    free(u);
}

/* What a format can hold is held: multiples of a scale that f16 has. */
Test(convert, what_fits_is_kept)
{
    float x[256], out[256];
    for (int which = 0; which < N_QUANTISED; which++) {
        const enum fl_dtype dtype = QUANTISED[which];
        const int n = fl_dtype_block(dtype);
        for (int i = 0; i < n; i++)
            x[i] = dtype == FL_Q8_0   ? (float)(i * 8 - 127) * 0.25f
                   : dtype == FL_Q4_0 ? (float)(i % 16 - 8) * 0.25f
                   : dtype == FL_Q4_K ? (float)(i % 16) * 63.0f
                                      : (float)(i % 64 - 32) * -128.0f;
        x[0] = dtype == FL_Q8_0 ? 127 * 0.25f : x[0];
        if (dtype == FL_Q6_K) /* every group reaches to its end */
            for (int i = 0; i < n; i += 16)
                x[i] = -32 * -128.0f;
        through(out, x, dtype);
        for (int i = 0; i < n; i++)
            cr_expect(out[i] == x[i], "%s: number %d: %g, expected %g", fl_dtype_names[dtype], i,
                      (double)out[i], (double)x[i]);
    }
}

Test(convert, extremes_are_defined)
{
    static const float FILLS[] = {0.0f, -0.0f, 1e-45f, -1e-40f, 3.4028235e38f, -3.4028235e38f};
    float x[256], out[256];
    for (int which = 0; which < N_QUANTISED; which++) {
        const enum fl_dtype dtype = QUANTISED[which];
        for (size_t fill = 0; fill < sizeof FILLS / sizeof *FILLS; fill++)
            for (int mixed = 0; mixed < 2; mixed++) {
                for (int i = 0; i < 256; i++)
                    x[i] = mixed && i % 5 ? 1e-3f * (float)i : FILLS[fill];
                through(out, x, dtype);
                for (int i = 0; i < fl_dtype_block(dtype); i++) {
                    cr_assert(isfinite(out[i]), "%s: fill %zu: %g", fl_dtype_names[dtype], fill,
                              (double)out[i]);
                    cr_assert(mixed || fill > 3 || fabsf(out[i]) < 1e-6f);
                    cr_assert(mixed || fill < 4 || fabsf(out[i]) > 1e5f, "%g", (double)out[i]);
                }
            }
        for (int bad = 0; bad < 3; bad++) {
            for (int i = 0; i < 256; i++)
                x[i] = 1.0f;
            x[7] = bad == 0 ? NAN : bad == 1 ? INFINITY : -INFINITY;
            through(out, x, dtype);
            for (int i = 0; i < fl_dtype_block(dtype); i++)
                cr_assert(isnan(out[i]), "%s: a block with %g", fl_dtype_names[dtype],
                          (double)x[7]);
        }
    }
}

Test(dtype, sizes_and_substitutes)
{
    cr_expect_eq(fl_dtype_bytes(FL_Q4_K, 512), 288);
    cr_expect_eq(fl_dtype_bytes(FL_Q8_0, UINT64_C(1) << 40), (UINT64_C(34) << 40) / 32);
    for (int i = 0; i < FL_N_DTYPES; i++)
        cr_expect_not_null(fl_dtype_names[i]);
    cr_expect_null(fl_dtype_names[FL_N_DTYPES]);
    cr_expect_eq(fl_dtype_fit(FL_Q6_K, 512), FL_Q6_K);
    cr_expect_eq(fl_dtype_fit(FL_Q6_K, 64), FL_Q8_0);
    cr_expect_eq(fl_dtype_fit(FL_Q4_K, 288), FL_Q4_0);
    cr_expect_eq(fl_dtype_fit(FL_Q4_K, 172), FL_F16);
    cr_expect_eq(fl_dtype_fit(FL_BF16, 7), FL_BF16);
}
