/* lab_ceilings.h - what this machine reaches at most, for lab 4: as `flopledger peaks` has kept it,
 * or else measured in about a second.
 *
 * Kept: the fastest f32 kernel, and reading from the closest level of the memory that holds
 * n_bytes, the weights (analyzers/roofline.h). Measured: the best of several sgemm of PEAK_SIZE^3,
 * and of several sgemv over a matrix of n_bytes, which reads every byte of it once. */
#ifndef FL_BENCH_LAB_CEILINGS_H
#define FL_BENCH_LAB_CEILINGS_H

#include "bench/labs/lab.h"

#include <stddef.h>

int fl_lab_ceilings_find(struct fl_lab_ceilings *ceilings, size_t n_bytes, int n_threads,
                         struct fl_error *error);

#endif
