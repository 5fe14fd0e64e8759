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

/* Short rows go by fours, each row with one vector of sums; long ones, and those behind the last
 * four, with four vectors. A row shorter than that has no vectors of sums to join. */
uint64_t fl_simd_dot_joins(uint64_t n_rows, uint64_t n)
{
    uint64_t fours = n < FL_SIMD_LONG_ROW ? n_rows / 4 : 0, ones = n_rows - 4 * fours;
    uint64_t joins = 0;
    if (n >= n_lanes())
        joins += fours * (4 * fold() + 12);
    if (n >= 4 * n_lanes())
        joins += ones * (3 * n_lanes() + fl_simd_join());
    return joins;
}
