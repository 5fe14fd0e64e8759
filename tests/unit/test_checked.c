#include "base/checked.h"

#include <criterion/criterion.h>

Test(checked, reports_overflow)
{
    size_t out;
    cr_expect(fl_size_mul(3, 5, &out));
    cr_expect_eq(out, 15);
    cr_expect(fl_size_mul(SIZE_MAX / 2, 2, &out));
    cr_expect_not(fl_size_mul(SIZE_MAX / 2 + 1, 2, &out));
    cr_expect(fl_size_add(SIZE_MAX - 1, 1, &out));
    cr_expect_eq(out, SIZE_MAX);
    cr_expect_not(fl_size_add(SIZE_MAX, 1, &out));
}

Test(checked, product_of_many)
{
    size_t out;
    cr_expect(fl_size_product((const size_t[]){2, 3, 7}, 3, &out));
    cr_expect_eq(out, 42);
    cr_expect(fl_size_product(NULL, 0, &out));
    cr_expect_eq(out, 1);
    cr_expect_not(fl_size_product((const size_t[]){1u << 31, 1u << 31, 4}, 3, &out));
}
