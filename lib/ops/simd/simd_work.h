/* simd_work.h - what the kernels of simd.h execute, where it is more than the mathematics.
 *
 * Vectors are of fl_simd()->n_lanes floats. Rows are worked on in whole vectors, the last one
 * filled up; sums are kept a lane, and joined at the end. */
#ifndef FL_OPS_SIMD_SIMD_WORK_H
#define FL_OPS_SIMD_SIMD_WORK_H

#include "base/dtype.h"

#include <stdint.h>

/* FLOPs of the polynomials in transcendental.h, a lane. */
enum { FL_EXP_FLOPS = 21, FL_TANH_FLOPS = 37, FL_ERF_FLOPS = 51 };

/* Idle lanes of the last vector of a row of n. */
uint64_t fl_simd_idle(uint64_t n);

/* Additions that join the lanes of one sum. */
uint64_t fl_simd_join(void);

/* Additions that join the partial sums of dot_rows() over n_rows rows of n. */
uint64_t fl_simd_dot_joins(uint64_t n_rows, uint64_t n);

/* The same of dot_few(), for each of its vectors. */
uint64_t fl_simd_few_joins(uint64_t n_rows, uint64_t n);

/* The same of dot_stored(), and what it does to scale one row of n to its format. */
uint64_t fl_simd_stored_joins(enum fl_dtype dtype, uint64_t n_rows, uint64_t n);
uint64_t fl_simd_stored_scaling(enum fl_dtype dtype, uint64_t n);

/* FLOPs of expand() over n numbers. */
uint64_t fl_simd_expand_flops(enum fl_dtype dtype, uint64_t n);

#endif
