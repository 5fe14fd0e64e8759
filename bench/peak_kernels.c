/* The loops, for the instruction set that this object is compiled for (FL_ISA). */
#include "bench/peak_kernels.h"

#include "ops/simd/lanes.h"

#ifndef FL_ISA
#define FL_ISA portable
#endif
#define JOIN(a, b)        a##b
#define TABLE_NAME(isa)   JOIN(fl_peak_kernels_, isa)
#define STRING(x)         #x
#define TABLE_STRING(isa) STRING(isa)

/* TAKE wants a vector in a register and does nothing with it: a load that must take place, and no
 * instruction more. Where the name of the registers is not known it is added up, which costs FLOPs
 * that nobody counts. HOLD keeps a constant in its register, from where it would be loaded again
 * and again. */
#if defined(__AVX512F__)
#define REGISTER "v"
#elif defined(__x86_64__) || defined(__i386__)
#define REGISTER "x"
#elif defined(__aarch64__)
#define REGISTER "w"
#endif
#ifdef REGISTER
#define TAKE(v) __asm__ volatile("" : : REGISTER(v))
#define HOLD(v) __asm__ volatile("" : "+" REGISTER(v))
#else
static volatile float sink;
#define TAKE(v) (sink = quad_sum(lanes_fold(v)))
#define HOLD(v) ((void)(v))
#endif

/* Keeps the compiler from seeing a pass, or two steps, as one: it would call memcpy() and memset(),
 * which store past the caches when there is much to store. */
#define FENCE() __asm__ volatile("" : : : "memory")

enum { VECTORS = 8, STEP = VECTORS * LANES };
_Static_assert(FL_PEAK_STEP % STEP == 0, "whole steps of any set");

/* Subtracting zero changes no number, so nothing is subtracted. */
static inline lanes broadcast(float x)
{
    return x - (lanes){0};
}

static void fma_chains(float *sums, float factor, float term, size_t n_rounds)
{
    lanes s[FL_PEAK_CHAINS];
    const lanes x = broadcast(factor), y = broadcast(term);
#pragma GCC unroll 16
    for (int k = 0; k < FL_PEAK_CHAINS; k++)
        s[k] = lanes_load(sums + k * LANES);
    for (size_t i = 0; i < n_rounds; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < FL_PEAK_CHAINS; k++)
            s[k] = s[k] * x + y;
    }
#pragma GCC unroll 16
    for (int k = 0; k < FL_PEAK_CHAINS; k++)
        lanes_store(sums + k * LANES, s[k]);
}

/* statement: what is done with the vector at [i]. */
#define STREAM(name, statement)                                                                    \
    static void name(float *a, const float *b, const float *c, size_t n, size_t n_passes)          \
    {                                                                                              \
        lanes one = broadcast(1.0f), three = broadcast(3.0f);                                      \
        (void)b, (void)c;                                                                          \
        HOLD(one);                                                                                 \
        HOLD(three);                                                                               \
        for (size_t pass = 0; pass < n_passes; pass++)                                             \
            for (size_t step = 0; step < n / STEP; step++) {                                       \
                _Pragma("GCC unroll 8") for (size_t k = 0; k < VECTORS; k++)                       \
                {                                                                                  \
                    const size_t i = step * STEP + k * LANES;                                      \
                    statement;                                                                     \
                }                                                                                  \
                FENCE();                                                                           \
            }                                                                                      \
    }

STREAM(stream_read, TAKE(lanes_load(a + i)))
STREAM(stream_write, lanes_store(a + i, one))
STREAM(stream_copy, lanes_store(a + i, lanes_load(b + i)))
STREAM(stream_triad, lanes_store(a + i, lanes_load(b + i) + three * lanes_load(c + i)))

extern const struct fl_peak_kernels TABLE_NAME(FL_ISA);
const struct fl_peak_kernels TABLE_NAME(FL_ISA) = {
    .name = TABLE_STRING(FL_ISA),
    .n_lanes = LANES,
    .fma = fma_chains,
    .streams = {[FL_STREAM_READ] = stream_read,
                [FL_STREAM_WRITE] = stream_write,
                [FL_STREAM_COPY] = stream_copy,
                [FL_STREAM_TRIAD] = stream_triad},
};
