/* ops_check.h - what the operators' tests share: seeded input, comparison, a loop over the
 * instruction sets this machine has. */
#ifndef TESTS_UNIT_OPS_CHECK_H
#define TESTS_UNIT_OPS_CHECK_H

#include "ops/simd/simd.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Half the distance between 1 and the next float: the largest relative error of one rounding. */
#define ULP (0x1p-24)

#define SIZES                                                                                      \
    {                                                                                              \
        1, 7, 33, 100, 257                                                                         \
    }

/* For every set this processor has, with kernels switched to it. */
#define FOR_EACH_SIMD(name)                                                                        \
    for (const char *const *next_ = fl_simd_names, *name; (name = *next_) != NULL; next_++)        \
        if (fl_simd_select(name))

/* n floats uniform in [-scale, scale], the same for the same seed; the caller frees. */
static inline float *random_floats(size_t n, float scale, uint64_t seed)
{
    float *x = malloc(n * sizeof *x);
    cr_assert_not_null(x);
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = scale * ((float)(state >> 40) * 0x1p-23f - 1.0f);
    }
    return x;
}

static inline float *filled_floats(size_t n, float value)
{
    float *x = malloc(n * sizeof *x);
    cr_assert_not_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = value;
    return x;
}

/* A result in double with the error that float arithmetic may add to it. */
struct bounded {
    double value, tolerance;
};

/* Sum of a[i * a_step] * b[i * b_step] + start: summing n products in any order errs by at most
 * n roundings of the sum of magnitudes (Higham, Accuracy and Stability, section 3.1), one more for
 * start and one for the product itself. */
static inline struct bounded dot_reference(const float *a, size_t a_step, const float *b,
                                           size_t b_step, size_t n, double start)
{
    double sum = start, magnitude = fabs(start);
    for (size_t i = 0; i < n; i++) {
        double product = (double)a[i * a_step] * (double)b[i * b_step];
        sum += product;
        magnitude += fabs(product);
    }
    return (struct bounded){sum, (double)(n + 2) * ULP * magnitude};
}

/* NaN is never close. */
static inline bool is_close(float got, struct bounded want)
{
    return fabs((double)got - want.value) <= want.tolerance;
}

#define CHECK_CLOSE(got, want, ...)                                                                \
    do {                                                                                           \
        float got_ = (got);                                                                        \
        struct bounded want_ = (want);                                                             \
        if (!is_close(got_, want_)) {                                                              \
            char where_[256];                                                                      \
            snprintf(where_, sizeof where_, __VA_ARGS__);                                          \
            cr_assert(false, "%s: got %.9g, expected %.9g within %.3g", where_, (double)got_,      \
                      want_.value, want_.tolerance);                                               \
        }                                                                                          \
    } while (0)

#endif
