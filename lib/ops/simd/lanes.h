/* lanes.h - one vector register of floats, as wide as the instruction set that the including file
 * is compiled for (gcc's and clang's vector types; no intrinsics). For elementwise.c and
 * bench/peak_kernels.c only. */
#ifndef FL_OPS_SIMD_LANES_H
#define FL_OPS_SIMD_LANES_H

#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float lanes __attribute__((vector_size(LANES * 4)));
typedef float quad __attribute__((vector_size(16)));

/* x need not be aligned. */
static inline lanes lanes_load(const float *x)
{
    lanes v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline void lanes_store(float *x, lanes v)
{
    memcpy(x, &v, sizeof v);
}

/* Adds the lanes up to four. */
static inline quad lanes_fold(lanes v)
{
#if LANES == 16
    typedef float octet __attribute__((vector_size(32)));
    octet w = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
              __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(w, w, 0, 1, 2, 3) + __builtin_shufflevector(w, w, 4, 5, 6, 7);
#elif LANES == 8
    return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
#else
    return v;
#endif
}

static inline float quad_sum(quad v)
{
    return (v[0] + v[1]) + (v[2] + v[3]);
}

/* The sums of four quads, one a lane: cheaper than four times quad_sum(). */
static inline quad quad_sums(quad a, quad b, quad c, quad d)
{
    quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
    return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) +
           __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

#endif
