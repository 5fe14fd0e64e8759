/* peaks.h - measures what this machine can do at most: FLOPs per second of several kernels, and
 * bytes per second from each level of its memory.
 *
 *   gemm    cblas_sgemm of square matrices, as the engine's f32 products call it
 *   fma     chains of multiply-adds in registers, for every instruction set the processor has
 *   linear  the engine's product of many rows with weights of a stored format: expanded, then BLAS
 *   dot     the engine's product of one row with such weights, from the first-level cache
 *   read, write, copy, triad   streams over working sets in L1, L2, L3 and beyond (peak_kernels.h)
 *
 * A sample is a fixed number of rounds, long enough for the clock. Samples are taken until the
 * median is known to a hundredth, or time is up: half the width of its notch, 1.57 times the
 * interquartile range over the root of their number (McGill, Tukey and Larsen, 1978,
 * https://doi.org/10.2307/2683468). All ceilings are visited twice, so that a disturbance does not
 * spoil all samples of one of them.
 *
 * Threads are OpenMP's, as the engine's, and are placed as these are (OMP_PLACES, OMP_PROC_BIND);
 * each streams over memory of its own that it touched first. */
#ifndef FL_BENCH_PEAKS_H
#define FL_BENCH_PEAKS_H

#include "bench/cache_levels.h"
#include "store/store.h"

/* Raised when a kernel changes, so that ceilings kept by earlier programs are measured anew. */
enum { FL_PEAKS_REVISION = 1 };

enum { FL_PEAKS_KEY = 640 };

struct fl_peaks {
    char key[FL_PEAKS_KEY]; /* machine, caches and program that the ceilings are of */
    struct fl_ceiling *rows;
    int n, capacity;
};

struct fl_peaks_options {
    const int64_t *threads; /* numbers of threads, rising */
    int n_threads;
    bool quick; /* fewer and shorter samples, a smaller GEMM, half the memory */
    bool quiet;
};

/* What ceilings of this machine are kept by; run is from fl_hostinfo_fill(). */
void fl_peaks_name(char key[FL_PEAKS_KEY], const struct fl_run *run,
                   const struct fl_cache_levels *caches);

/* Adds the ceilings for each number of threads to *peaks, in place of those it has for the same
 * one. Progress, and what is left out and why, goes to stderr. */
int fl_peaks_measure(struct fl_peaks *peaks, const struct fl_run *run,
                     const struct fl_cache_levels *caches, const struct fl_peaks_options *options,
                     struct fl_error *error);

/* A new row at the end, all zeros; NULL: no memory. */
struct fl_ceiling *fl_peaks_add(struct fl_peaks *peaks);
void fl_peaks_free(struct fl_peaks *peaks);

/* Whether there are ceilings for this number of threads; thorough: that are not quick ones. */
bool fl_peaks_have(const struct fl_peaks *peaks, int n_threads, bool thorough);

#endif
