/* peak_probes.h - one kernel at a time, on a number of threads, timed: what peaks.c samples. */
#ifndef FL_BENCH_PEAK_PROBES_H
#define FL_BENCH_PEAK_PROBES_H

#include "base/arena.h"
#include "base/dtype.h"
#include "base/error.h"
#include "bench/peak_kernels.h"

enum fl_probe_kind { FL_PROBE_GEMM, FL_PROBE_FMA, FL_PROBE_LINEAR, FL_PROBE_DOT, FL_PROBE_STREAM };
extern const char *const fl_probe_names[]; /* "gemm", "fma", "linear", "dot"; of a stream its own */

struct fl_probe {
    enum fl_probe_kind kind;
    const struct fl_peak_kernels *kernels; /* FMA, STREAM */
    enum fl_dtype dtype;                   /* LINEAR, DOT */
    enum fl_stream stream;                 /* STREAM */
    size_t n_floats; /* STREAM: of an array of a thread, a multiple of FL_PEAK_STEP */
};

/* Operands of all probes on one number of threads. */
struct fl_probe_bench {
    struct fl_arena streams, products;
    int n_threads;
    size_t thread_floats; /* of the streams' memory */
    int gemm_size;
    float *a, *b, *c; /* gemm, linear: [gemm_size, gemm_size] each */
    void *weights[FL_N_DTYPES];
};

/* Shapes of the engine's products: rows of LINEAR; inputs, which are also LINEAR's outputs; outputs
 * of DOT, few enough for the matrix to stay in a first-level cache of 32 KiB in any format. */
enum { FL_PROBE_ROWS = 256, FL_PROBE_INPUTS = 1024, FL_PROBE_OUTPUTS = 4 };

/* Sets the threads of OpenMP and OpenBLAS and fills all memory, each thread its own.
 * stream_bytes: the largest working set of a thread. gemm_size: at least FL_PROBE_INPUTS. */
int fl_probe_bench_open(struct fl_probe_bench *bench, int n_threads, uint64_t stream_bytes,
                        int gemm_size, struct fl_error *error);
void fl_probe_bench_close(struct fl_probe_bench *bench);

/* Floats of each array of a stream whose arrays together take about `bytes` of a thread. */
size_t fl_probe_stream_floats(enum fl_stream stream, uint64_t bytes);

/* Work of n_rounds rounds on all threads: FLOPs, of a stream bytes. */
uint64_t fl_probe_work(const struct fl_probe_bench *bench, const struct fl_probe *probe,
                       uint64_t n_rounds);

/* Writes all that a stream works on, so that it is in the caches that hold it: a third level that
 * takes what the second one gives up need not keep what was only read. */
void fl_probe_warm(const struct fl_probe_bench *bench, const struct fl_probe *probe);

/* Times of one run of n_rounds rounds. */
struct fl_probe_time {
    uint64_t whole_ns;    /* from the first thread's beginning to the last one's end */
    uint64_t shortest_ns; /* of a thread alone: what the others waited for is not in it */
};
struct fl_probe_time fl_probe_run(const struct fl_probe_bench *bench, const struct fl_probe *probe,
                                  uint64_t n_rounds);

#endif
