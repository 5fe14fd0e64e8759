#include "ops/simd/simd_work.h"

#include "ops/simd/simd.h"

static uint64_t n_lanes(void)
{
    return (uint64_t)fl_simd()->n_lanes;
}

uint64_t fl_simd_idle(uint64_t n)
{
    return (n_lanes() - n % n_lanes()) % n_lanes();
}

/* Halving down to four lanes, as lanes_fold() does: 8 + 4, 4, or nothing. */
static uint64_t fold(void)
{
    return n_lanes() - 4;
}

uint64_t fl_simd_join(void)
{
    return fold() + 3;
}

/* Fours have one vector of sums a row, single rows four. A row shorter than that has no vectors of
 * sums to join. */
static uint64_t joins_of(uint64_t fours, uint64_t ones, uint64_t n)
{
    uint64_t joins = 0;
    if (n >= n_lanes())
        joins += fours * (4 * fold() + 12);
    if (n >= 4 * n_lanes())
        joins += ones * (3 * n_lanes() + fl_simd_join());
    return joins;
}

uint64_t fl_simd_dot_joins(uint64_t n_rows, uint64_t n)
{
    const uint64_t fours = n < FL_SIMD_LONG_ROW ? n_rows / 4 : 0;
    return joins_of(fours, n_rows - 4 * fours, n);
}

uint64_t fl_simd_few_joins(uint64_t n_rows, uint64_t n)
{
    return joins_of(n_rows / 4, n_rows % 4, n);
}

uint64_t fl_simd_stored_joins(enum fl_dtype dtype, uint64_t n_rows, uint64_t n)
{
    if (fl_dtype_block(dtype) > 1) /* two vectors of sums */
        return n_rows * (n_lanes() + fl_simd_join());
    return n >= 4 * n_lanes() ? n_rows * (3 * n_lanes() + fl_simd_join()) : 0;
}

/* A sum of m products in vectors is 2m - n_lanes; with a scale it is multiplied and added to the
 * sum of the row, 2 n_lanes. So a group of one scale takes n_lanes more than its products; and in
 * the K formats one multiplication makes a scale. The minima of q4_k cost as much again: the sum of
 * x over the group, 32 - n_lanes, multiplied and added. */
uint64_t fl_simd_stored_scaling(enum fl_dtype dtype, uint64_t n)
{
    switch (dtype) {
    case FL_Q8_0:
    case FL_Q4_0:
        return n / 32 * n_lanes();
    case FL_Q4_K:
        return n / 32 * (n_lanes() + 1 + 32 + n_lanes() + 1);
    case FL_Q6_K:
        return n / 16 * (n_lanes() + 1);
    default:
        return 0;
    }
}

uint64_t fl_simd_expand_flops(enum fl_dtype dtype, uint64_t n)
{
    switch (dtype) {
    case FL_Q8_0:
    case FL_Q4_0:
        return n;
    case FL_Q4_K:
        return 2 * n + n / 32 * 2;
    case FL_Q6_K:
        return n + n / 16;
    default:
        return 0;
    }
}
