/* ceiling.h - what one machine can do at most, as measured: a rate of FLOPs, or of bytes from one
 * level of its memory, with the samples behind it.
 *
 * A ceiling is identified by machine, unit, kernel, level, dtype, isa and n_threads. The work of a
 * sample is exact: FLOPs with a fused multiply-add as two, bytes as STREAM counts them (what the
 * loop reads and writes; lines that a store brings in before it changes them are not counted).
 * Source of the convention: McCalpin, STREAM, https://www.cs.virginia.edu/stream/ref.html */
#ifndef FL_STORE_CEILING_H
#define FL_STORE_CEILING_H

#include <stdbool.h>
#include <stdint.h>

enum { FL_CEILING_SAMPLES_MAX = 64, FL_CEILING_TIME = 32 };

struct fl_ceiling {
    int64_t id, run_id;                /* run_id: the run that brought it into the file */
    char machine[320];                 /* as struct fl_run's */
    char measured_at[FL_CEILING_TIME]; /* ISO 8601, UTC */
    char unit[8];                      /* of work: "flops" or "bytes" */
    char kernel[16]; /* flops: "gemm", "fma", "linear", "dot"; bytes: "read", "write", "copy",
                        "triad" */
    char level[8];   /* bytes: "L1", "L2", "L3", "DRAM"; flops: "" */
    char dtype[16];  /* of the weights; all arithmetic is in f32 */
    char isa[64];    /* "portable", "avx2", "avx512"; gemm: the core of the BLAS */
    int n_threads;
    bool quick;                 /* few and short samples */
    uint64_t working_set_bytes; /* of all threads together */
    uint64_t capacity_bytes;    /* bytes: what the caches of this level hold that these threads can
                                   use; DRAM and flops: 0 */
    char note[160];             /* what a reader must know of it; "" */
    uint64_t work;              /* of one sample, all threads together */
    uint64_t time_ns[FL_CEILING_SAMPLES_MAX];
    int n_samples; /* at least 1 */
};

#endif
