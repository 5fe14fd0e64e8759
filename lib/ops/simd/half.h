/* half.h - one f16 or bf16 number as f32, by integer arithmetic: no FLOP, whatever the value. */
#ifndef FL_OPS_SIMD_HALF_H
#define FL_OPS_SIMD_HALF_H

#include <stdint.h>
#include <string.h>

static inline float half_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Subnormal numbers are whole units of 2^-24: the unit's power is taken off the exponent of the
 * whole number. A signalling NaN becomes quiet. */
static inline float half_f16(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16, rest = bits & 0x7fff;
    const float whole = (float)rest;
    uint32_t units;
    memcpy(&units, &whole, sizeof units);
    if (rest >= 0x7c00)
        return half_bits(sign | 0x7f800000 | rest << 13 | (rest > 0x7c00 ? 0x400000 : 0));
    if (rest >= 0x400)
        return half_bits(sign | ((rest << 13) + (112u << 23)));
    return half_bits(sign | (rest ? units - (24u << 23) : 0));
}

static inline float half_bf16(uint16_t bits)
{
    const uint32_t wide = (uint32_t)bits << 16;
    return half_bits((wide & 0x7fffffff) > 0x7f800000 ? wide | 0x400000 : wide);
}

#endif
