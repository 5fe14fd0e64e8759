#include "ops/residual.h"
#include "ops_check.h"

Test(residual, adds_with_one_rounding)
{
    const size_t sizes[] = {1, 7, 33, 100, 257, 40001}; /* the last: several threads */
    FOR_EACH_SIMD(isa)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        float *out = random_floats(n, 1.0f, 1), *before = random_floats(n, 1.0f, 1);
        float *x = random_floats(n, 1.0f, 2);
        fl_residual(out, x, n);
        for (size_t i = 0; i < n; i++)
            cr_assert(out[i] == (float)((double)before[i] + (double)x[i]), "%s element %zu of %zu",
                      isa, i, n);
        free(out);
        free(before);
        free(x);
    }
}

Test(residual, cost_by_hand)
{
    struct fl_cost cost = fl_residual_cost(100);
    cr_expect_eq(cost.macs, 0);
    cr_expect_eq(cost.elementwise, 100);
    cr_expect_eq(cost.bytes_read, 800);
    cr_expect_eq(cost.bytes_written, 400);
}
