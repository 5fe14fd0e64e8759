/* Which of the loops this processor has, and the work of their calls. */
#include "bench/peak_kernels.h"

#include "ops/simd/simd.h"

#include <string.h>

extern const struct fl_peak_kernels fl_peak_kernels_portable;
#if defined(__x86_64__)
extern const struct fl_peak_kernels fl_peak_kernels_avx2, fl_peak_kernels_avx512;
#endif

static const struct fl_peak_kernels *const SETS[] = {
    &fl_peak_kernels_portable,
#if defined(__x86_64__)
    &fl_peak_kernels_avx2,
    &fl_peak_kernels_avx512,
#endif
};

static const struct {
    int n_arrays;
    uint64_t flops; /* a float of the array that is walked */
} STREAMS[FL_N_STREAMS] = {
    [FL_STREAM_READ] = {1, 0},
    [FL_STREAM_WRITE] = {1, 0},
    [FL_STREAM_COPY] = {2, 0},
    [FL_STREAM_TRIAD] = {3, 2},
};

const char *const fl_stream_names[] = {"read", "write", "copy", "triad", NULL};

const struct fl_peak_kernels *fl_peak_kernels(const char *isa)
{
    for (size_t i = 0; i < sizeof SETS / sizeof *SETS; i++)
        if (strcmp(SETS[i]->name, isa) == 0)
            return fl_simd_has(isa) ? SETS[i] : NULL;
    return NULL;
}

int fl_stream_arrays(enum fl_stream stream)
{
    return STREAMS[stream].n_arrays;
}

uint64_t fl_peak_fma_flops(const struct fl_peak_kernels *kernels, size_t n_rounds)
{
    return 2 * (uint64_t)n_rounds * FL_PEAK_CHAINS * (uint64_t)kernels->n_lanes;
}

uint64_t fl_peak_stream_flops(enum fl_stream stream, size_t n, size_t n_passes)
{
    return STREAMS[stream].flops * n * n_passes;
}

uint64_t fl_peak_stream_bytes(enum fl_stream stream, size_t n, size_t n_passes)
{
    return sizeof(float) * (uint64_t)STREAMS[stream].n_arrays * n * n_passes;
}
