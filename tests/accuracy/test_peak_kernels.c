/* The loops that ceilings are measured with, under counters that know nothing of them: FLOPs and
 * bytes are those that bench/peak_kernels.h declares, and none is left over. */
#include "tests/accuracy/counted_run.h"

#include "bench/peak_kernels.h"
#include "ops/simd/simd.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 300, N = 4 * FL_PEAK_STEP, FEW = 3, MORE = 7 };
_Static_assert(FL_PEAK_CHAINS * 16 <= 2 * FL_PEAK_STEP, "room for the sums of the widest set");

static const enum fl_stream STREAMS[] = {FL_STREAM_READ, FL_STREAM_WRITE, FL_STREAM_COPY,
                                         FL_STREAM_TRIAD};

static char *fma_case(const char *isa, char out[64])
{
    snprintf(out, 64, "peak_fma %d %s", ROUNDS, isa);
    return out;
}

static char *stream_case(enum fl_stream stream, int n_passes, const char *isa, char out[64])
{
    snprintf(out, 64, "peak_stream %d %d %s %s", N, n_passes, fl_stream_names[stream], isa);
    return out;
}

static void check_fma(const cJSON *run, const struct fl_peak_kernels *kernels)
{
    char name[64];
    const struct flopgrind_counts counts = counted_of(run, fma_case(kernels->name, name), "counts");
    cr_expect_eq(op_counts_flops(&counts), fl_peak_fma_flops(kernels, ROUNDS), "%s: %lu, not %lu",
                 name, op_counts_flops(&counts), fl_peak_fma_flops(kernels, ROUNDS));
}

static uint64_t moved(const struct flopgrind_counts *counts)
{
    return counts->bytes_loaded + counts->bytes_stored;
}

/* Bytes of more passes without those of a few: what is left is the arrays' alone. */
static void check_stream(const cJSON *run, const struct fl_peak_kernels *kernels,
                         enum fl_stream stream)
{
    char name[64];
    const struct flopgrind_counts few =
        counted_of(run, stream_case(stream, FEW, kernels->name, name), "counts");
    const struct flopgrind_counts more =
        counted_of(run, stream_case(stream, MORE, kernels->name, name), "counts");
    const uint64_t flops = fl_peak_stream_flops(stream, N, MORE);
    const uint64_t bytes = fl_peak_stream_bytes(stream, N, MORE - FEW);
    cr_expect_eq(op_counts_flops(&more), flops, "%s: %lu FLOPs, not %lu", name,
                 op_counts_flops(&more), flops);
    cr_expect_eq(moved(&more) - moved(&few), bytes, "%s: %lu bytes, not %lu", name,
                 moved(&more) - moved(&few), bytes);
}

static void check_set(enum counted_by by, const char *isa)
{
    const struct fl_peak_kernels *kernels = fl_peak_kernels(isa);
    char cases[512], name[64];
    if (!kernels)
        counted_skip("this processor or this build has no %s", isa);
    size_t used = (size_t)snprintf(cases, sizeof cases, "%s", fma_case(isa, name));
    for (size_t i = 0; i < FL_N_STREAMS; i++)
        for (int n_passes = FEW; n_passes <= MORE; n_passes += MORE - FEW)
            used += (size_t)snprintf(cases + used, sizeof cases - used, ", %s",
                                     stream_case(STREAMS[i], n_passes, isa, name));
    cJSON *run = counted_run(by, "FL_ISA=", "", cases);
    check_fma(run, kernels);
    for (size_t i = 0; i < FL_N_STREAMS; i++)
        check_stream(run, kernels, STREAMS[i]);
    cJSON_Delete(run);
}

Test(accuracy_peaks, flopgrind_counts_the_portable_loops)
{
    check_set(BY_FLOPGRIND, "portable");
}

Test(accuracy_peaks, flopgrind_counts_the_avx2_loops)
{
    check_set(BY_FLOPGRIND, "avx2");
}

Test(accuracy_peaks, the_oracle_counts_the_avx2_loops)
{
    check_set(BY_ORACLE, "avx2");
}

Test(accuracy_peaks, the_oracle_counts_the_avx512_loops)
{
    check_set(BY_ORACLE, "avx512");
}
