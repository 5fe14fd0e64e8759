/* rows.h - products of one vector with the rows of a matrix, either way round: what a
 * matrix-vector product and a few queries of attention consist of. For elementwise.c only. */
#ifndef FL_OPS_SIMD_ROWS_H
#define FL_OPS_SIMD_ROWS_H

#include "ops/simd/lanes.h"
#include "ops/simd/simd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of FL_SIMD_LONG_ROW or more are worth several accumulators and one row at a time: a single
 * stream of addresses is what the prefetchers follow best. Shorter ones go four at a time, so that
 * the vector is loaded once for four and their final sums are shared. */
/* Floats to ask for ahead of the sum, and the row length from which the processor's own prefetchers
 * do as well: at the end of each shorter row they lose the lead. 8 KiB is the best of 1 to 64 on
 * Zen 4: 12 times 768 outputs from 768 inputs at 57 GB/s instead of 47, 50,257 at 60 instead of 51;
 * 3072 inputs 57 without, 54 with. A prefetch behind the end of the matrix faults nothing. */
enum { AHEAD = 2048, LINE_FLOATS = 16 };

static inline float dot_long(const float *a, const float *b, size_t n)
{
    lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    size_t i = 0;
    bool prefetch = n < AHEAD;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        for (size_t line = 0; prefetch && line < 4 * LANES; line += LINE_FLOATS)
            __builtin_prefetch((const void *)((uintptr_t)(b + i) + (line + AHEAD) * sizeof *b));
        s0 += lanes_load(a + i) * lanes_load(b + i);
        s1 += lanes_load(a + i + LANES) * lanes_load(b + i + LANES);
        s2 += lanes_load(a + i + 2 * LANES) * lanes_load(b + i + 2 * LANES);
        s3 += lanes_load(a + i + 3 * LANES) * lanes_load(b + i + 3 * LANES);
    }
    float sum = quad_sum(lanes_fold((s0 + s1) + (s2 + s3)));
    for (; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static inline quad dot_four(const float *q, const float *k, size_t ld, size_t n)
{
    const float *k0 = k, *k1 = k0 + ld, *k2 = k1 + ld, *k3 = k2 + ld;
    lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes x = lanes_load(q + i);
        s0 += x * lanes_load(k0 + i);
        s1 += x * lanes_load(k1 + i);
        s2 += x * lanes_load(k2 + i);
        s3 += x * lanes_load(k3 + i);
    }
    quad sums = quad_sums(lanes_fold(s0), lanes_fold(s1), lanes_fold(s2), lanes_fold(s3));
    for (; i < n; i++)
        sums += q[i] * (quad){k0[i], k1[i], k2[i], k3[i]};
    return sums;
}

static void dot_rows(float *out, const float *start, const float *q, const float *k, size_t n_rows,
                     size_t ld, size_t n)
{
    size_t j = 0;
    for (; n < FL_SIMD_LONG_ROW && j + 4 <= n_rows; j += 4) {
        quad sums = dot_four(q, k + j * ld, ld, n), first = {0};
        if (start)
            memcpy(&first, start + j, sizeof first);
        sums = start ? first + sums : sums;
        memcpy(out + j, &sums, sizeof sums);
    }
    for (; j < n_rows; j++) {
        float sum = dot_long(q, k + j * ld, n);
        out[j] = start ? start[j] + sum : sum;
    }
}

/* Short rows: a strip of out stays in four registers while all rows are added to it. */
static inline void mix_short(float *out, const float *p, const float *v, size_t n_rows, size_t ld,
                             size_t n)
{
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        lanes s0 = lanes_load(out + i), s1 = lanes_load(out + i + LANES);
        lanes s2 = lanes_load(out + i + 2 * LANES), s3 = lanes_load(out + i + 3 * LANES);
        for (size_t j = 0; j < n_rows; j++) {
            const float *row = v + j * ld + i;
            s0 += p[j] * lanes_load(row);
            s1 += p[j] * lanes_load(row + LANES);
            s2 += p[j] * lanes_load(row + 2 * LANES);
            s3 += p[j] * lanes_load(row + 3 * LANES);
        }
        lanes_store(out + i, s0);
        lanes_store(out + i + LANES, s1);
        lanes_store(out + i + 2 * LANES, s2);
        lanes_store(out + i + 3 * LANES, s3);
    }
    for (; i + LANES <= n; i += LANES) {
        lanes sum = lanes_load(out + i);
        for (size_t j = 0; j < n_rows; j++)
            sum += p[j] * lanes_load(v + j * ld + i);
        lanes_store(out + i, sum);
    }
    for (; i < n; i++)
        for (size_t j = 0; j < n_rows; j++)
            out[i] += p[j] * v[j * ld + i];
}

/* Long rows: strips would jump from row to row and leave the prefetchers behind, so whole rows are
 * read, sixteen at a time to load and store out seldom. */
enum { MIXED = 16 };

static inline void mix_long(float *restrict out, const float *restrict p, const float *restrict v,
                            size_t ld, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes sum = lanes_load(out + i);
#pragma GCC unroll 16
        for (size_t j = 0; j < MIXED; j++)
            sum += p[j] * lanes_load(v + j * ld + i);
        lanes_store(out + i, sum);
    }
    for (; i < n; i++)
        for (size_t j = 0; j < MIXED; j++)
            out[i] += p[j] * v[j * ld + i];
}

static void mix_rows(float *out, const float *p, const float *v, size_t n_rows, size_t ld, size_t n)
{
    size_t j = 0;
    for (; n >= FL_SIMD_LONG_ROW && j + MIXED <= n_rows; j += MIXED)
        mix_long(out, p + j, v + j * ld, ld, n);
    mix_short(out, p + j, v + j * ld, n_rows - j, ld, n);
}

#endif
