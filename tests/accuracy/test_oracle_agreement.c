/* flopgrind and the oracle look at the same library kernels: one decodes what Valgrind translates,
 * the other what the processor steps through. They must agree to the last operation of each kind,
 * precision and width. */
#include "tests/accuracy/counted_run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Shapes odd and even, transposes, and every way alpha and beta are treated. */
static const char BLAS_CASES[] =
    "sgemm 16 16 16, sgemm 7 13 5, sgemm 33 17 29, sgemm 40 40 40, sgemm 1 32 48, "
    "sgemm 24 24 24 t n, sgemm 24 20 28 n t, sgemm 19 23 31 t t, sgemm 16 24 32 n n 0.5 0, "
    "sgemm 16 24 32 n n 1 1, sgemm 16 24 32 n n 0.5 2, dgemm 16 16 16, dgemm 9 11 13, "
    "sgemv 32 48, sgemv 33 47, sgemv 32 48 t, sgemv 33 47 t, sgemv 16 16 n 0.5 2, sdot 1, "
    "sdot 100, sdot 1023, ddot 257, saxpy 100, saxpy 1023, sscal 77, snrm2 50";
enum { N_BLAS_CASES = 26 };

static const char LIBM_CASES[] = "expf 100, sinf 100, tanhf 100, erff 100, log1pf 50, sqrtf 100, "
                                 "exp 60, sin 60";
enum { N_LIBM_CASES = 8 };

static const char OWN_CASES[] =
    "linear 1 64 48, linear 1 65 47 out_in 1, linear 1 64 48 in_out 1, linear 5 32 24, "
    "linear 5 32 24 in_out 1, softmax 100, softmax 7, layernorm 2 100, rmsnorm 2 100, "
    "rope 2 2 16, rope 2 2 16 1, activation 100 relu, activation 100 gelu_erf, "
    "activation 99 gelu_tanh gated, activation 100 silu gated, dot_rows 5 300, mix_rows 20 300";
enum { N_OWN_CASES = 17 };

/* Instructions and bytes of one kernel, without the price of looking. */
static struct flopgrind_counts traffic(const cJSON *run, const char *name)
{
    struct flopgrind_counts counts = counted_of(run, name, "counts");
    struct flopgrind_counts nothing = counted_of(run, "nothing", "counts");
    op_counts_subtract(&counts, &nothing);
    return counts;
}

/* Only of kernels that take no lock and leave copying to nobody else: docs/accuracy.md. */
static void expect_same_traffic(const cJSON *by_flopgrind, const cJSON *by_oracle)
{
    const cJSON *kernel;
    cJSON_ArrayForEach(kernel, cJSON_GetObjectItem(by_flopgrind, "kernels"))
    {
        const char *name = cJSON_GetObjectItem(kernel, "name")->valuestring;
        if (strstr(name, "gemm") || strstr(name, "linear"))
            continue;
        struct flopgrind_counts a = traffic(by_flopgrind, name), b = traffic(by_oracle, name);
        cr_expect_eq(a.instructions, b.instructions, "%s: %lu instructions, not %lu", name,
                     a.instructions, b.instructions);
        cr_expect_eq(a.bytes_loaded, b.bytes_loaded, "%s: %lu bytes loaded, not %lu", name,
                     a.bytes_loaded, b.bytes_loaded);
        cr_expect_eq(a.bytes_stored, b.bytes_stored, "%s: %lu bytes stored, not %lu", name,
                     a.bytes_stored, b.bytes_stored);
    }
}

static void compare(const char *settings, const char *cases, int n_cases)
{
    char all[2048];
    snprintf(all, sizeof all, "nothing, %s", cases);
    cJSON *by_flopgrind = counted_run(BY_FLOPGRIND, settings, "", all);
    cJSON *by_oracle = counted_run(BY_ORACLE, settings, "", all);
    counted_expect_same_ops(by_flopgrind, by_oracle, n_cases + 1);
    expect_same_traffic(by_flopgrind, by_oracle);
    cJSON_Delete(by_oracle);
    cJSON_Delete(by_flopgrind);
}

Test(accuracy_oracle, agrees_on_blas_with_the_sandybridge_core)
{
    compare("OPENBLAS_CORETYPE=Sandybridge FL_ISA=avx2", BLAS_CASES, N_BLAS_CASES);
}

Test(accuracy_oracle, agrees_on_blas_with_the_haswell_core)
{
    compare("OPENBLAS_CORETYPE=Haswell FL_ISA=avx2", BLAS_CASES, N_BLAS_CASES);
}

Test(accuracy_oracle, agrees_on_libm)
{
    compare("OPENBLAS_CORETYPE=Haswell", LIBM_CASES, N_LIBM_CASES);
}

Test(accuracy_oracle, agrees_on_our_portable_kernels)
{
    compare("OPENBLAS_CORETYPE=Haswell FL_ISA=portable", OWN_CASES, N_OWN_CASES);
}

Test(accuracy_oracle, agrees_on_our_avx2_kernels)
{
    compare("OPENBLAS_CORETYPE=Sandybridge FL_ISA=avx2", OWN_CASES, N_OWN_CASES);
}

/* OpenBLAS cuts this product in two for two threads. The fused multiply-adds stay, whoever does
 * them; the additions that join partial sums depend on the cut, but not on who was faster. */
Test(accuracy_oracle, two_threads_do_the_work_of_one)
{
    static const char CASE[] = "sgemm 128 128 128";
    static const char ONE[] = "OPENBLAS_CORETYPE=Haswell";
    static const char TWO[] = "OPENBLAS_CORETYPE=Haswell OMP_NUM_THREADS=2";
    cJSON *one = counted_run(BY_FLOPGRIND, ONE, "", CASE);
    cJSON *two = counted_run(BY_FLOPGRIND, TWO, "", CASE);
    cJSON *again = counted_run(BY_FLOPGRIND, TWO, "", CASE);
    struct flopgrind_counts by_one = counted_of(one, CASE, "counts");
    struct flopgrind_counts by_two = counted_of(two, CASE, "counts");
    uint64_t n_one = by_one.ops[FLOPGRIND_OP_FMA][FLOPGRIND_SINGLE][FLOPGRIND_256];
    uint64_t n_two = by_two.ops[FLOPGRIND_OP_FMA][FLOPGRIND_SINGLE][FLOPGRIND_256];
    cr_expect_eq(n_one, n_two, "%lu FMAs by one thread, %lu by two", n_one, n_two);
    cr_expect_geq(n_two, 128 * 128 * 128);
    counted_expect_same_ops(two, again, 1);
    cJSON_Delete(again);
    cJSON_Delete(two);
    cJSON_Delete(one);
}
