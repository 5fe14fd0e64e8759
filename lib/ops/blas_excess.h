/* blas_excess.h - what OpenBLAS executes for a matrix product beyond its 2mnk FLOPs.
 *
 * OpenBLAS cuts k into panels; for each it forms the product of the panel, scales it by alpha and
 * adds it to the result, which is 2mn FLOPs a panel. Within a panel a kernel works on tiles, and
 * some tiles keep several partial accumulators that are joined at the end, or work on lanes that
 * hold nothing. How long a panel is and what the tiles do depends on the processor the kernels
 * were written for, which OpenBLAS calls the core.
 *
 * The panels follow driver/level3/level3.c of OpenBLAS 0.3.21, the tiles of the Haswell core
 * kernel/x86_64/sgemm_kernel_16x4_haswell.S; every figure was confirmed by counting
 * (tests/accuracy/test_excess.c), to the last operation. */
#ifndef FL_OPS_BLAS_EXCESS_H
#define FL_OPS_BLAS_EXCESS_H

#include "base/excess.h"

#include <stdbool.h>

/* True when the terms of this core are known. openblas_get_corename() gives the name. */
bool fl_blas_core_known(const char *core);

/* One call of cblas_sgemm on one thread, row-major, C [m, n] = A [m, k] B + beta C, alpha = 1, beta
 * 0 or 1, B transposed or not; on the core that runs. Nothing when the core is not known. */
struct fl_excess fl_sgemm_excess(int m, int n, int k);

#endif
