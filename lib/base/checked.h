/* checked.h - arithmetic on sizes that come from outside. Each returns false on overflow and
 * leaves *out unspecified. */
#ifndef FL_BASE_CHECKED_H
#define FL_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool fl_size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool fl_size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* Product of n factors. */
static inline bool fl_size_product(const size_t *factors, int n, size_t *out)
{
    size_t product = 1;
    for (int i = 0; i < n; i++)
        if (!fl_size_mul(product, factors[i], &product))
            return false;
    *out = product;
    return true;
}

#endif
