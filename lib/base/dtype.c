#include "base/dtype.h"

#include <assert.h>
#include <stddef.h>

static const struct {
    int block, bytes;
    enum fl_dtype shorter; /* for rows that are not whole blocks */
} FORMATS[FL_N_DTYPES] = {
    [FL_F32] = {1, 4, FL_F32},       [FL_F16] = {1, 2, FL_F16},    [FL_BF16] = {1, 2, FL_BF16},
    [FL_Q8_0] = {32, 34, FL_F16},    [FL_Q4_0] = {32, 18, FL_F16}, [FL_Q4_K] = {256, 144, FL_Q4_0},
    [FL_Q6_K] = {256, 210, FL_Q8_0},
};

const char *const fl_dtype_names[] = {"f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "q6_k", NULL};
const char *const fl_dtype_float_names[] = {"f32", "f16", "bf16", NULL};

int fl_dtype_block(enum fl_dtype dtype)
{
    return FORMATS[dtype].block;
}

int fl_dtype_block_bytes(enum fl_dtype dtype)
{
    return FORMATS[dtype].bytes;
}

uint64_t fl_dtype_bytes(enum fl_dtype dtype, uint64_t n)
{
    uint64_t block = (uint64_t)FORMATS[dtype].block;
    assert(n % block == 0);
    return n / block * (uint64_t)FORMATS[dtype].bytes;
}

enum fl_dtype fl_dtype_fit(enum fl_dtype dtype, uint64_t n)
{
    while (n % (uint64_t)FORMATS[dtype].block != 0)
        dtype = FORMATS[dtype].shorter;
    return dtype;
}
