/* convert.h - between stored formats and f32.
 *
 * Everything is little-endian, and a block may lie at any address. f16 is IEEE 754 binary16, bf16
 * the upper half of a binary32. The quantised blocks are those of ggml (ggml-common.h,
 * ggml-quants.c); d, dmin are f16, a nibble is half a byte, low half first:
 *
 *   q8_0   34 bytes, 32 numbers: d, 32 signed bytes q.                         x = d q
 *   q4_0   18 bytes, 32 numbers: d, 16 bytes; the low nibbles are numbers 0 to 15, the high
 *          ones 16 to 31.                                                      x = d (q - 8)
 *   q4_k  144 bytes, 256 numbers in 8 groups of 32: d, dmin, 12 bytes holding a 6-bit scale and a
 *          6-bit minimum a group, 128 bytes; 32 bytes hold two groups, the first in the low
 *          nibbles.                                                x = (d scale) q - (dmin min)
 *          Scale and minimum of group j < 4: low 6 bits of bytes j and j + 4; of group j + 4:
 *          the low and the high nibble of byte j + 8, above them the high 2 bits of bytes j and
 *          j + 4.
 *   q6_k  210 bytes, 256 numbers in 16 groups of 16: 128 bytes with the low 4 bits, 64 bytes
 *          with the high 2 bits, 16 signed bytes of scales, d. Each half of 128 numbers is four
 *          runs of 32: low bits of runs 0 and 1 are the low nibbles of 64 bytes, those of runs 2
 *          and 3 their high nibbles; a byte of high bits holds number l of runs 0, 1, 2, 3, lowest
 *          bits first.                                                x = (d scale) (q - 32)
 */
#ifndef FL_OPS_CONVERT_H
#define FL_OPS_CONVERT_H

#include "base/dtype.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* out[i] = in[i], n a multiple of the block. Exact for f16 and bf16 (a signalling NaN becomes
 * quiet); quantised formats are multiplied out as written above, left to right, in f32. */
void fl_to_f32(float *out, const void *in, enum fl_dtype dtype, size_t n);

/* The nearest in each format, n a multiple of the block. f16 and bf16 round to nearest even, with
 * subnormals; what is too large becomes infinite, NaN stays NaN. q8_0 and q4_0 are what ggml's
 * reference gives: the largest magnitude fixes d. q4_k and q6_k search the scales, and for q4_k the
 * minima, of least squared error. A quantised block with a NaN or an infinity in it reads back as
 * NaN throughout, so that it is noticed; magnitudes beyond what d can hold (some 8 million in q8_0)
 * are cut off there. */
void fl_from_f32(void *out, const float *in, enum fl_dtype dtype, size_t n);

/* One number of a half format, as its bits. */
float fl_f16_to_f32(uint16_t bits);
float fl_bf16_to_f32(uint16_t bits);
uint16_t fl_f32_to_f16(float x);
uint16_t fl_f32_to_bf16(float x);

/* The 6-bit scales and minima of a q4_k block, from its 12 packed bytes; four at a time, whatever
 * the order of bytes in a word. */
static inline void fl_q4_k_scales(const uint8_t packed[12], uint8_t scales[8], uint8_t minima[8])
{
    const uint32_t low6 = 0x3f3f3f3f, low4 = 0x0f0f0f0f, low2 = 0x03030303;
    uint32_t words[3];
    memcpy(words, packed, sizeof words);
    const uint32_t s[2] = {words[0] & low6, (words[2] & low4) | (words[0] >> 6 & low2) << 4};
    const uint32_t m[2] = {words[1] & low6, (words[2] >> 4 & low4) | (words[1] >> 6 & low2) << 4};
    memcpy(scales, s, sizeof s);
    memcpy(minima, m, sizeof m);
}

#endif
