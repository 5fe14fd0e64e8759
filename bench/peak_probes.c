#include "bench/peak_probes.h"

#include "ledger/ledger.h"
#include "ops/convert.h"
#include "ops/linear.h"
#include "ops/simd/simd.h"

#include <cblas.h>
#include <omp.h>
#include <string.h>

const char *const fl_probe_names[] = {"gemm", "fma", "linear", "dot", NULL};

enum {
    /* Between the arrays of a stream, in floats: 17 lines, so that loads and stores at the same
     * place of two arrays differ in their lowest 12 bits. Processors take stores for the source of
     * later loads by these bits alone. */
    PAD = 272,
    LINE = 16,
    FMA_ROUNDS = 1024, /* in a round of the probe: some microseconds */
    DOT_CALLS = 16
};

/* ---- memory ---- */

static size_t padded(size_t n)
{
    return (n + LINE - 1) / LINE * LINE;
}

/* Some ordinary numbers around zero. */
static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((int)(i * 37 % 101) - 50) * 0.01f;
}

static int open_streams(struct fl_probe_bench *bench, uint64_t stream_bytes, struct fl_error *error)
{
    const size_t n_threads = (size_t)bench->n_threads;
    bench->thread_floats =
        padded((size_t)stream_bytes / sizeof(float) + 3 * (PAD + (size_t)FL_PEAK_STEP));
    if (fl_arena_open(&bench->streams, n_threads * bench->thread_floats * sizeof(float),
                      "the streams", error) != FL_OK)
        return FL_FAILED;
    /* pages go to the node of the thread that first touches them */
    float *memory = fl_arena_floats(&bench->streams, n_threads * bench->thread_floats);
    int n_running = 1;
#pragma omp parallel num_threads(bench->n_threads)
    {
        float *own = memory + (size_t)omp_get_thread_num() * bench->thread_floats;
        for (size_t i = 0; i < bench->thread_floats; i++)
            own[i] = 1.0f;
#pragma omp master
        n_running = omp_get_num_threads();
    }
    if (n_running != bench->n_threads)
        return fl_fail(error, "--threads: expected OpenMP to start %d threads, it started %d",
                       bench->n_threads, n_running);
    return FL_OK;
}

/* One row is stored in each format, and all others are copies: quantising is slow. */
static void fill_weights(void *weights, enum fl_dtype dtype)
{
    const size_t row_bytes = (size_t)fl_dtype_bytes(dtype, FL_PROBE_INPUTS);
    float row[FL_PROBE_INPUTS];
    fill(row, FL_PROBE_INPUTS);
    fl_from_f32(weights, row, dtype, FL_PROBE_INPUTS);
    for (size_t i = 1; i < FL_PROBE_INPUTS; i++)
        memcpy((char *)weights + i * row_bytes, weights, row_bytes);
}

static void take_products(struct fl_probe_bench *bench)
{
    const size_t n = (size_t)bench->gemm_size * (size_t)bench->gemm_size;
    float **const matrices[] = {&bench->a, &bench->b, &bench->c};
    for (int i = 0; i < 3; i++)
        *matrices[i] = fl_arena_floats(&bench->products, n);
    for (int i = 0; i < FL_N_DTYPES; i++)
        bench->weights[i] =
            fl_arena_take(&bench->products, FL_PROBE_INPUTS,
                          (size_t)fl_dtype_bytes((enum fl_dtype)i, FL_PROBE_INPUTS));
}

static int open_products(struct fl_probe_bench *bench, struct fl_error *error)
{
    take_products(bench);
    const size_t size = bench->products.used, n = (size_t)bench->gemm_size;
    if (fl_arena_open(&bench->products, size, "the matrices", error) != FL_OK)
        return FL_FAILED;
    take_products(bench);
    fill(bench->a, n * n);
    fill(bench->b, n * n);
    fill(bench->c, n * n);
    for (int i = 0; i < FL_N_DTYPES; i++)
        fill_weights(bench->weights[i], (enum fl_dtype)i);
    return FL_OK;
}

int fl_probe_bench_open(struct fl_probe_bench *bench, int n_threads, uint64_t stream_bytes,
                        int gemm_size, struct fl_error *error)
{
    *bench = (struct fl_probe_bench){.n_threads = n_threads, .gemm_size = gemm_size};
    omp_set_num_threads(n_threads);
    openblas_set_num_threads(n_threads);
    if (open_streams(bench, stream_bytes, error) == FL_OK && open_products(bench, error) == FL_OK)
        return FL_OK;
    fl_probe_bench_close(bench);
    return FL_FAILED;
}

void fl_probe_bench_close(struct fl_probe_bench *bench)
{
    fl_arena_close(&bench->streams);
    fl_arena_close(&bench->products);
    *bench = (struct fl_probe_bench){0};
}

size_t fl_probe_stream_floats(enum fl_stream stream, uint64_t bytes)
{
    const size_t n = (size_t)bytes / sizeof(float) / (size_t)fl_stream_arrays(stream);
    return n < FL_PEAK_STEP ? FL_PEAK_STEP : n / FL_PEAK_STEP * FL_PEAK_STEP;
}

/* ---- what a thread does ---- */

typedef void thread_body(const struct fl_probe_bench *bench, const struct fl_probe *probe,
                         uint64_t n_rounds, float *own);

static void stream_body(const struct fl_probe_bench *bench, const struct fl_probe *probe,
                        uint64_t n_rounds, float *own)
{
    (void)bench;
    const size_t step = probe->n_floats + PAD;
    probe->kernels->streams[probe->stream](own, own + step, own + 2 * step, probe->n_floats,
                                           (size_t)n_rounds);
}

/* The sums go towards 2 and stay finite. */
static void fma_body(const struct fl_probe_bench *bench, const struct fl_probe *probe,
                     uint64_t n_rounds, float *own)
{
    (void)bench;
    probe->kernels->fma(own, 0.5f, 1.0f, (size_t)n_rounds * FMA_ROUNDS);
}

static void dot_body(const struct fl_probe_bench *bench, const struct fl_probe *probe,
                     uint64_t n_rounds, float *own)
{
    const struct fl_simd *simd = fl_simd();
    const void *weights = bench->weights[probe->dtype];
    for (uint64_t i = 0; i < n_rounds * DOT_CALLS; i++)
        if (probe->dtype == FL_F32)
            simd->dot_rows(own, bench->a, weights, FL_PROBE_OUTPUTS, FL_PROBE_INPUTS,
                           FL_PROBE_INPUTS);
        else
            simd->dot_stored(own, NULL, bench->a, weights, probe->dtype, FL_PROBE_OUTPUTS,
                             FL_PROBE_INPUTS, FL_PROBE_INPUTS);
}

void fl_probe_warm(const struct fl_probe_bench *bench, const struct fl_probe *probe)
{
    float *memory = (float *)(void *)bench->streams.base;
    const size_t n = (size_t)fl_stream_arrays(probe->stream) * (probe->n_floats + PAD);
    if (probe->kind != FL_PROBE_STREAM)
        return;
#pragma omp parallel num_threads(bench->n_threads)
    {
        float *own = memory + (size_t)omp_get_thread_num() * bench->thread_floats;
        for (size_t i = 0; i < n; i++)
            own[i] = 1.0f;
    }
}

static struct fl_probe_time time_threads(const struct fl_probe_bench *bench,
                                         const struct fl_probe *probe, uint64_t n_rounds,
                                         thread_body *body)
{
    uint64_t first = UINT64_MAX, last = 0, shortest = UINT64_MAX;
    float *memory = (float *)(void *)bench->streams.base;
#pragma omp parallel num_threads(bench->n_threads) reduction(min                                   \
                                                             : first, shortest) reduction(max      \
                                                                                          : last)
    {
        float *own = memory + (size_t)omp_get_thread_num() * bench->thread_floats;
#pragma omp barrier
        first = fl_clock_ns();
        body(bench, probe, n_rounds, own);
        last = fl_clock_ns();
        shortest = last - first;
    }
    return (struct fl_probe_time){last - first, shortest};
}

/* ---- what all threads do together ---- */

static void gemm(const struct fl_probe_bench *bench)
{
    const int n = bench->gemm_size;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, 1.0f, bench->a, n, bench->b, n,
                0.0f, bench->c, n);
}

static void linear(const struct fl_probe_bench *bench, const struct fl_probe *probe)
{
    const struct fl_linear layer = {.weight = bench->weights[probe->dtype],
                                    .dtype = probe->dtype,
                                    .n_out = FL_PROBE_INPUTS,
                                    .n_in = FL_PROBE_INPUTS,
                                    .ld = FL_PROBE_INPUTS};
    fl_linear(bench->c, bench->a, FL_PROBE_ROWS, &layer);
}

static struct fl_probe_time time_together(const struct fl_probe_bench *bench,
                                          const struct fl_probe *probe, uint64_t n_rounds)
{
    const uint64_t started = fl_clock_ns();
    for (uint64_t i = 0; i < n_rounds; i++)
        if (probe->kind == FL_PROBE_GEMM)
            gemm(bench);
        else
            linear(bench, probe);
    const uint64_t time_ns = fl_clock_ns() - started;
    return (struct fl_probe_time){time_ns, time_ns};
}

struct fl_probe_time fl_probe_run(const struct fl_probe_bench *bench, const struct fl_probe *probe,
                                  uint64_t n_rounds)
{
    static thread_body *const BODIES[] = {
        [FL_PROBE_FMA] = fma_body, [FL_PROBE_DOT] = dot_body, [FL_PROBE_STREAM] = stream_body};
    if (probe->kind == FL_PROBE_GEMM || probe->kind == FL_PROBE_LINEAR)
        return time_together(bench, probe, n_rounds);
    return time_threads(bench, probe, n_rounds, BODIES[probe->kind]);
}

/* ---- work ---- */

uint64_t fl_probe_work(const struct fl_probe_bench *bench, const struct fl_probe *probe,
                       uint64_t n_rounds)
{
    const uint64_t n = (uint64_t)bench->gemm_size, inputs = FL_PROBE_INPUTS;
    const uint64_t n_threads = (uint64_t)bench->n_threads;
    switch (probe->kind) {
    case FL_PROBE_GEMM:
        return 2 * n * n * n * n_rounds;
    case FL_PROBE_LINEAR:
        return 2 * FL_PROBE_ROWS * inputs * inputs * n_rounds;
    case FL_PROBE_DOT:
        return 2 * FL_PROBE_OUTPUTS * inputs * DOT_CALLS * n_rounds * n_threads;
    case FL_PROBE_FMA:
        return fl_peak_fma_flops(probe->kernels, (size_t)n_rounds * FMA_ROUNDS) * n_threads;
    case FL_PROBE_STREAM:
        return fl_peak_stream_bytes(probe->stream, probe->n_floats, (size_t)n_rounds) * n_threads;
    }
    return 0;
}
