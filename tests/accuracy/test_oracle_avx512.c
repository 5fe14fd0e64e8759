/* AVX-512, which Valgrind cannot run: the oracle alone, against plain formulas. */
#include "tests/accuracy/counted_run.h"

#include "ops/simd/simd.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { LANES = 16 };

/* What one case should do in single precision; other operations are not looked at. */
struct formula {
    const char *name;
    struct {
        int op, width, n;
    } terms[6]; /* up to n = 0 */
};

static void need_avx512(void)
{
    if (!fl_simd_select("avx512"))
        counted_skip("this processor or this build has no AVX-512");
}

static void compare(const char *settings, const struct formula *formulas, int n)
{
    char cases[1024] = "";
    size_t used = 0;
    for (int i = 0; i < n; i++)
        used += (size_t)snprintf(cases + used, sizeof cases - used, "%s%s", i ? ", " : "",
                                 formulas[i].name);
    cJSON *run = counted_run(BY_ORACLE, settings, "", cases);
    for (int i = 0; i < n; i++) {
        struct flopgrind_counts counts = counted_of(run, formulas[i].name, "counts");
        for (int k = 0; k < 6 && formulas[i].terms[k].n; k++) {
            int op = formulas[i].terms[k].op, width = formulas[i].terms[k].width;
            cr_expect_eq(counts.ops[op][FLOPGRIND_SINGLE][width], (uint64_t)formulas[i].terms[k].n,
                         "%s: %s, width %s: %lu, not %d", formulas[i].name, op_names[op],
                         width_names[width], counts.ops[op][FLOPGRIND_SINGLE][width],
                         formulas[i].terms[k].n);
        }
    }
    cJSON_Delete(run);
}

#define COMPARE(settings, formulas)                                                                \
    compare(settings, formulas, (int)(sizeof(formulas) / sizeof *(formulas)))

#define ADD FLOPGRIND_OP_ADD
#define MUL FLOPGRIND_OP_MUL
#define FMA FLOPGRIND_OP_FMA

/* At multiples of the lanes a kernel of ops/simd does what its source says. */
static const struct formula SIMD[] = {
    {"simd_add 160", {{ADD, FLOPGRIND_512, 160}}},
    {"simd_scale 160", {{MUL, FLOPGRIND_512, 160}}},
    /* a' = a cos - b sin, b' = a sin + b cos: one product of each is fused into the sum */
    {"simd_rotate 128", {{MUL, FLOPGRIND_512, 128}, {FMA, FLOPGRIND_512, 128}}},
    /* exp_lane: 8 steps of the form a b + c, 3 products, 2 sums */
    {"simd_exp 160",
     {{FMA, FLOPGRIND_512, 8 * 160}, {MUL, FLOPGRIND_512, 3 * 160}, {ADD, FLOPGRIND_512, 2 * 160}}},
    /* Long rows: four accumulators joined, folded to 8, to 4, and summed. */
    {"dot_rows 3 512",
     {{FMA, FLOPGRIND_512, 3 * 512},
      {ADD, FLOPGRIND_512, 3 * 3 * LANES},
      {ADD, FLOPGRIND_256, 3 * LANES / 2},
      {ADD, FLOPGRIND_128, 3 * LANES / 4},
      {ADD, FLOPGRIND_SCALAR, 3 * 3}}},
    /* Short rows: four folds, and the sums of four quads in three additions. */
    {"dot_rows 4 64",
     {{FMA, FLOPGRIND_512, 4 * 64},
      {ADD, FLOPGRIND_256, 4 * LANES / 2},
      {ADD, FLOPGRIND_128, 4 * LANES / 4 + 3 * 4}}},
    {"mix_rows 16 64", {{FMA, FLOPGRIND_512, 16 * 64}}},
    {"mix_rows 32 512", {{FMA, FLOPGRIND_512, 32 * 512}}},
};

Test(accuracy_avx512, our_kernels_do_what_their_source_says)
{
    need_avx512();
    COMPARE("FL_ISA=avx512", SIMD);
}

/* OpenBLAS with the SkylakeX core and whole vectors. A small product: mnk, and mn for alpha, which
 * beta makes fused; a larger one goes panel by panel, C += alpha AB fused. */
static const struct formula SKYLAKEX[] = {
    {"sgemm 64 64 64", {{FMA, FLOPGRIND_512, 64 * 64 * 64}, {MUL, FLOPGRIND_512, 64 * 64}}},
    {"sgemm 96 64 32", {{FMA, FLOPGRIND_512, 96 * 64 * 32}, {MUL, FLOPGRIND_512, 96 * 64}}},
    {"sgemm 64 64 64 n n 0.5 2",
     {{FMA, FLOPGRIND_512, 64 * 64 * 64 + 64 * 64}, {MUL, FLOPGRIND_512, 64 * 64}}},
    {"sgemm 128 128 96", {{FMA, FLOPGRIND_512, 128 * 128 * 96 + 128 * 128}}},
};

Test(accuracy_avx512, openblas_executes_its_multiplications)
{
    need_avx512();
    COMPARE("OPENBLAS_CORETYPE=SkylakeX", SKYLAKEX);
}

/* What a mask switches off is not work, but the full width is reported, too. */
Test(accuracy_avx512, masks_are_told_from_full_width)
{
    need_avx512();
    cJSON *run = counted_run(BY_ORACLE, "FL_ISA=", "", "--repeat 10 masked_512");
    struct flopgrind_counts active = counted_of(run, "masked_512", "counts");
    struct flopgrind_counts full = counted_of(run, "masked_512", "full_width");
    const struct {
        int op, width;
        uint64_t active, full;
    } EXPECTED[] = {
        {FLOPGRIND_OP_ADD, FLOPGRIND_512, 80, 160},
        {FLOPGRIND_OP_MUL, FLOPGRIND_512, 80, 160},
        {FLOPGRIND_OP_DIV, FLOPGRIND_512, 0, 160},
        {FLOPGRIND_OP_ADD, FLOPGRIND_SCALAR, 0, 10},
    };
    for (size_t i = 0; i < sizeof EXPECTED / sizeof *EXPECTED; i++) {
        int op = EXPECTED[i].op, width = EXPECTED[i].width;
        cr_expect_eq(active.ops[op][FLOPGRIND_SINGLE][width], EXPECTED[i].active);
        cr_expect_eq(full.ops[op][FLOPGRIND_SINGLE][width], EXPECTED[i].full);
    }
    cJSON_Delete(run);
}
