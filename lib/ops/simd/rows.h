/* rows.h - products of one vector with the rows of a matrix, either way round: what a
 * matrix-vector product and a few queries of attention consist of. For elementwise.c only. */
#ifndef FL_OPS_SIMD_ROWS_H
#define FL_OPS_SIMD_ROWS_H

#include "ops/simd/lanes.h"
#include "ops/simd/simd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Rows of FL_SIMD_LONG_ROW or more are worth several accumulators and one row at a time: a single
 * stream of addresses is what the prefetchers follow best. Shorter ones go four at a time, so that
 * the vector is loaded once for four and their final sums are shared. */
static void dot_rows(float *out, const float *q, const float *k, size_t n_rows, size_t ld, size_t n)
{
    size_t j = 0;
    for (; n < FL_SIMD_LONG_ROW && j + 4 <= n_rows; j += 4) {
        const quad sums = dot_four(q, k + j * ld, ld, n);
        memcpy(out + j, &sums, sizeof sums);
    }
    for (; j < n_rows; j++)
        out[j] = dot_long(q, k + j * ld, n);
}

/* Vectors that share the loads of four rows: as many as their sums fit in registers. */
enum { FEW = LANES == 16 ? 4 : 2 };

/* n_x vectors from v on against four rows from j on; n_x is known where this is inlined. The rows
 * behind these four are asked for meanwhile, unless rows are so long that the processor's own
 * prefetchers do it. */
static inline __attribute__((always_inline)) void dot_tile(const struct fl_dot_few *d, size_t v,
                                                           size_t j, size_t n_x)
{
    const float *x = d->x + v * d->ld_x, *k = d->k + j * d->ld;
    const size_t ld = d->ld, n = d->n;
    const bool prefetch = n < AHEAD;
    lanes s[FEW][4] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const lanes k0 = lanes_load(k + i), k1 = lanes_load(k + ld + i);
        const lanes k2 = lanes_load(k + 2 * ld + i), k3 = lanes_load(k + 3 * ld + i);
        for (size_t row = 4; prefetch && row < 8 && i % LINE_FLOATS == 0; row++)
            __builtin_prefetch((const void *)((uintptr_t)(k + i) + row * ld * sizeof *k));
#pragma GCC unroll 4
        for (size_t u = 0; u < n_x; u++) {
            const lanes a = lanes_load(x + u * d->ld_x + i);
            s[u][0] += a * k0;
            s[u][1] += a * k1;
            s[u][2] += a * k2;
            s[u][3] += a * k3;
        }
    }
#pragma GCC unroll 4
    for (size_t u = 0; u < n_x; u++) {
        quad sums = quad_sums(lanes_fold(s[u][0]), lanes_fold(s[u][1]), lanes_fold(s[u][2]),
                              lanes_fold(s[u][3]));
        for (size_t r = i; r < n; r++)
            sums += x[u * d->ld_x + r] * (quad){k[r], k[ld + r], k[2 * ld + r], k[3 * ld + r]};
        if (d->start) {
            quad first;
            memcpy(&first, d->start + (v + u) * d->ld_start + j, sizeof first);
            sums = first + sums;
        }
        memcpy(d->out + (v + u) * d->ld_out + j, &sums, sizeof sums);
    }
}

static void dot_few(const struct fl_dot_few *d)
{
    size_t j = 0;
    for (; j + 4 <= d->n_rows; j += 4) {
        size_t v = 0;
        for (; v + FEW <= d->n_x; v += FEW)
            dot_tile(d, v, j, FEW);
        for (; v < d->n_x; v++)
            dot_tile(d, v, j, 1);
    }
    for (; j < d->n_rows; j++)
        for (size_t v = 0; v < d->n_x; v++) {
            const float sum = dot_long(d->x + v * d->ld_x, d->k + j * d->ld, d->n);
            d->out[v * d->ld_out + j] = d->start ? d->start[v * d->ld_start + j] + sum : sum;
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
