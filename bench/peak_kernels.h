/* peak_kernels.h - loops of known work that show what a processor can do at most, once per
 * instruction set, chosen at run time as the kernels of ops/simd are.
 *
 * peak_kernels.c is compiled for each set of fl_simd_names. All loops run on the calling thread.
 * Which instructions they execute follows from the source: no FLOP and no byte beyond what is said
 * here, apart from the call itself. */
#ifndef FL_BENCH_PEAK_KERNELS_H
#define FL_BENCH_PEAK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Independent chains of multiply-adds: enough to keep two units busy through a latency of four
 * cycles each (8), with registers left over where there are 16. */
enum { FL_PEAK_CHAINS = 12 };

/* Streams work on whole steps of this many floats: 8 vectors of the widest set. */
enum { FL_PEAK_STEP = 128 };

enum fl_stream { FL_STREAM_READ, FL_STREAM_WRITE, FL_STREAM_COPY, FL_STREAM_TRIAD, FL_N_STREAMS };
extern const char *const fl_stream_names[]; /* "read", "write", "copy", "triad", NULL */

/* Arrays of a stream: 1, 1, 2, 3. */
int fl_stream_arrays(enum fl_stream stream);

struct fl_peak_kernels {
    const char *name; /* as fl_simd's: "portable", "avx2", "avx512" */
    int n_lanes;

    /* n_rounds times, each of FL_PEAK_CHAINS vectors is multiplied by factor and term is added: one
     * fused instruction where the set has one, otherwise two. sums [FL_PEAK_CHAINS * n_lanes]. */
    void (*fma)(float *sums, float factor, float term, size_t n_rounds);

    /* n_passes times over n floats, a multiple of FL_PEAK_STEP, from end to end: read a; a = 1;
     * a = b; a = b + 3 c. Arrays on 64-byte lines. Stores are ordinary ones, as the engine's are.
     */
    void (*streams[FL_N_STREAMS])(float *a, const float *b, const float *c, size_t n,
                                  size_t n_passes);
};

/* The kernels of this set; NULL: the processor or the build lacks it. */
const struct fl_peak_kernels *fl_peak_kernels(const char *isa);

/* FLOPs (a fused multiply-add is two) and bytes of one call. Bytes are counted as STREAM does:
 * what the loop says it reads and writes. */
uint64_t fl_peak_fma_flops(const struct fl_peak_kernels *kernels, size_t n_rounds);
uint64_t fl_peak_stream_flops(enum fl_stream stream, size_t n, size_t n_passes);
uint64_t fl_peak_stream_bytes(enum fl_stream stream, size_t n, size_t n_passes);

#endif
