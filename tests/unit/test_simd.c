#include "ops/simd/simd.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(simd, environment_lowers_the_choice)
{
    setenv("FL_ISA", "portable", 1);
    cr_assert(fl_simd_select(NULL));
    cr_expect_str_eq(fl_simd_name(), "portable");
    setenv("FL_ISA", "avx2", 1);
    cr_assert(fl_simd_select(NULL));
    cr_expect_str_neq(fl_simd_name(), "avx512");
}

Test(simd, unknown_names_change_nothing)
{
    unsetenv("FL_ISA");
    cr_assert(fl_simd_select(NULL));
    const char *widest = fl_simd_name();
    setenv("FL_ISA", "abacus", 1);
    cr_assert(fl_simd_select(NULL));
    cr_expect_str_eq(fl_simd_name(), widest);
    cr_expect_not(fl_simd_select("abacus"));
    cr_expect_str_eq(fl_simd_name(), widest);
}

Test(simd, portable_is_always_there)
{
    cr_assert(fl_simd_select("portable"));
    cr_expect_str_eq(fl_simd_name(), "portable");
    cr_expect_str_eq(fl_simd_names[0], "portable");
}
