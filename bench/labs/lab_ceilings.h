/* lab_ceilings.h - what this machine reaches at most, measured in about a second, for lab 4.
 *
 * FLOP rate: the best of several sgemm of PEAK_SIZE^3. Byte rate: the best of several sgemv over a
 * matrix as large as the model's weights, which reads every byte of it once, from where the weights
 * of that size would lie; n_bytes is that size. `flopledger peaks` knows the machine in more
 * detail, level by level. */
#ifndef FL_BENCH_LAB_CEILINGS_H
#define FL_BENCH_LAB_CEILINGS_H

#include "bench/labs/lab.h"

#include <stddef.h>

int fl_lab_ceilings_measure(struct fl_lab_ceilings *ceilings, size_t n_bytes, int n_threads,
                            struct fl_error *error);

#endif
