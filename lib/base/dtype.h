/* dtype.h - number formats of stored weights and caches.
 *
 * A format stores elements in blocks: one number a block for the float formats, 32 or 256 numbers
 * with common scales for the quantised ones, which are ggml's (ops/convert.h has the layouts).
 * Computation is in f32 whatever is stored. */
#ifndef FL_BASE_DTYPE_H
#define FL_BASE_DTYPE_H

#include <stdint.h>

enum fl_dtype { FL_F32, FL_F16, FL_BF16, FL_Q8_0, FL_Q4_0, FL_Q4_K, FL_Q6_K, FL_N_DTYPES };

/* In the order of the enum, NULL-terminated: f32, f16, bf16, q8_0, q4_0, q4_k, q6_k. The second
 * list ends with the formats of one number a block, which come first. */
extern const char *const fl_dtype_names[];
extern const char *const fl_dtype_float_names[];

/* Elements of a block (1, 32 or 256), and its bytes. */
int fl_dtype_block(enum fl_dtype dtype);
int fl_dtype_block_bytes(enum fl_dtype dtype);

/* Bytes of n elements; n is a multiple of the block. The caller has checked that they fit. */
uint64_t fl_dtype_bytes(enum fl_dtype dtype, uint64_t n);

/* The format for rows of n elements where this one is asked for: itself when rows are whole blocks;
 * otherwise the next of its size with a shorter block (q6_k: q8_0, q4_k: q4_0), at last f16. */
enum fl_dtype fl_dtype_fit(enum fl_dtype dtype, uint64_t n);

#endif
