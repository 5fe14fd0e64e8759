/* The matrix library that was found when the program started. */
#include <cblas.h>
#include <criterion/criterion.h>

/* Another build would bring its own threads beside OpenMP's, and both would fight for the cores. */
Test(blas, is_the_openmp_build)
{
    cr_expect_eq(openblas_get_parallel(), OPENBLAS_OPENMP, "found %s", openblas_get_config());
}
