#include "ops/linear.h"

#include "ops/blas_excess.h"
#include "ops/linear_stored.h"
#include "ops/parallel.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"

#include <cblas.h>
#include <omp.h>
#include <stddef.h>
#include <string.h>

/* Many rows go to BLAS, a share of the outputs a thread. A few are limited by the memory that the
 * weights come from, or nearly so, and sgemm would copy all weights to a place of its own first:
 * of 2048 x 2048, one thread of a Xeon with AVX-512 reads 13 GB/s for one row by the kernels below,
 * 11.8 for two and 8.6 for eight, by sgemm 5.5 and 5.0; at 24 rows both are equal. */
enum { FEW_OUT_IN = 16, FEW_IN_OUT = 8 };

static bool is_few(const struct fl_linear *layer, int n_rows)
{
    return n_rows <= (layer->in_out ? FEW_IN_OUT : FEW_OUT_IN);
}

struct job {
    float *y;
    const float *x;
    int n_rows;
    const struct fl_linear *layer;
    size_t share; /* outputs a thread takes */
};

/* y starts as the bias, or zero, and products are added to it (beta = 1). With beta = 0 OpenBLAS
 * would make the same pass to clear y, so the bias costs no pass over memory of its own. */
static void start(const struct job *job, size_t n_rows, size_t first, size_t n)
{
    size_t n_out = (size_t)job->layer->n_out;
    for (size_t i = 0; i < n_rows; i++) {
        float *row = job->y + i * n_out + first;
        if (job->layer->bias)
            memcpy(row, job->layer->bias + first, n * sizeof *row);
        else
            memset(row, 0, n * sizeof *row);
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum { LINE = 16 }; /* floats; threads share y by whole lines, so that none is written by two */

/* Worth several threads. */
static bool is_worth(const struct fl_linear *layer, int n_rows)
{
    return (size_t)layer->n_out * (size_t)layer->n_in * (size_t)n_rows >= FL_PARALLEL_MIN;
}

/* Outputs a thread takes. */
static size_t share_of(const struct fl_linear *layer, bool worth)
{
    size_t n_threads = worth ? (size_t)omp_get_max_threads() : 1;
    return ((size_t)layer->n_out + n_threads * LINE - 1) / (n_threads * LINE) * LINE;
}

/* Gives each thread one stretch of the outputs, in one call: body(job, number of the share). */
static void for_each_share(struct job *job, bool worth, void (*body)(const void *job, size_t i))
{
    job->share = share_of(job->layer, worth);
    fl_parallel_rows(((size_t)job->layer->n_out + job->share - 1) / job->share, worth, body, job);
}

/* Stored [n_out, n_in]: an output is the dot product of x and a row. Each thread reads one piece of
 * memory from its beginning to its end. Executes, besides the products, one addition a lane and
 * accumulator to join partial sums. */
static void few_share(const void *context, size_t i)
{
    const struct job *job = context;
    const struct fl_linear *layer = job->layer;
    const size_t first = i * job->share, n = smaller(job->share, (size_t)layer->n_out - first);
    const size_t ld = (size_t)layer->ld, n_in = (size_t)layer->n_in;
    const float *bias = layer->bias ? layer->bias + first : NULL;
    const void *weight = fl_linear_at(layer, first * ld);
    if (layer->dtype == FL_F32)
        fl_simd()->dot_few(&(struct fl_dot_few){.out = job->y + first,
                                                .ld_out = (size_t)layer->n_out,
                                                .start = bias,
                                                .x = job->x,
                                                .n_x = (size_t)job->n_rows,
                                                .ld_x = n_in,
                                                .k = weight,
                                                .n_rows = n,
                                                .ld = ld,
                                                .n = n_in});
    else if (job->n_rows == 1)
        fl_simd()->dot_stored(job->y + first, bias, job->x, weight, layer->dtype, n, ld, n_in);
    else
        fl_linear_stored_few(job->y, job->x, job->n_rows, layer, first, n);
}

/* Rows [n_out] of y, ld_y apart, += the sum of n stored rows from `first` on, weighted by the rows
 * of x, for n_columns outputs from `column` on. Goes by the groups that mix_rows() takes, so that
 * the rows of x share what was read. */
enum { GROUP = 16 };

static void mix(float *y, size_t ld_y, const struct job *job, size_t first, size_t n, size_t column,
                size_t n_columns)
{
    const struct fl_linear *layer = job->layer;
    const size_t ld = (size_t)layer->ld;
    for (size_t k = first; k<first + n; k += job->n_rows> 1 ? GROUP : n) {
        const size_t n_group = job->n_rows > 1 ? smaller(GROUP, first + n - k) : n;
        const void *weight = fl_linear_at(layer, k * ld + column);
        for (size_t i = 0; i < (size_t)job->n_rows; i++) {
            const float *x = job->x + i * (size_t)layer->n_in + k;
            if (layer->dtype == FL_F32)
                fl_simd()->mix_rows(y + i * ld_y, x, weight, n_group, ld, n_columns);
            else
                fl_simd()->mix_stored(y + i * ld_y, x, weight, layer->dtype, n_group, ld,
                                      n_columns);
        }
    }
}

/* This thread's share of the rows of [n_in, n_out], in whole groups, is added up on its stack, for
 * a block of columns at a time. */
static void mix_share(const struct job *job)
{
    enum { COLUMNS = 2048 };
    const struct fl_simd *simd = fl_simd();
    const struct fl_linear *layer = job->layer;
    size_t n_out = (size_t)layer->n_out, n_in = (size_t)layer->n_in, n_y = (size_t)job->n_rows;
    size_t n_threads = (size_t)omp_get_num_threads(), thread = (size_t)omp_get_thread_num();
    size_t n_groups = (n_in + GROUP - 1) / GROUP;
    size_t first = smaller(n_groups * thread / n_threads * GROUP, n_in);
    size_t end = smaller(n_groups * (thread + 1) / n_threads * GROUP, n_in);
    size_t n_blocks = (n_out + COLUMNS - 1) / COLUMNS;
    size_t width = ((n_out + n_blocks - 1) / n_blocks + LINE - 1) / LINE * LINE;
    _Alignas(64) float sums[FEW_IN_OUT * COLUMNS];
    for (size_t column = 0; column < n_out; column += width) {
        size_t n = smaller(width, n_out - column);
        for (size_t i = 0; i < n_y; i++)
            memset(sums + i * COLUMNS, 0, n * sizeof *sums);
        mix(sums, COLUMNS, job, first, end - first, column, n);
#pragma omp for ordered schedule(static, 1) nowait
        for (size_t i = 0; i < n_threads; i++) {
#pragma omp ordered
            for (size_t j = 0; j < n_y; j++)
                simd->add(job->y + j * n_out + column, sums + j * COLUMNS, n);
        }
    }
}

static bool shares_rows(bool worth)
{
    return worth && omp_get_max_threads() > 1 && !omp_in_parallel();
}

/* Stored [n_in, n_out]: y is the sum of rows weighted by x. Threads share the rows and not the
 * columns: pieces of a short row would be too short to prefetch (768 x 768, one row of x, two
 * threads of a Zen 4: 25 instead of 48 GB/s). The partial sums join y in the order of the threads,
 * so that the result is the same in every run. Executes n_out additions a thread and row besides
 * the products. */
static void few_in_out(const struct job *job, bool worth)
{
    const struct fl_linear *layer = job->layer;
    const size_t n_out = (size_t)layer->n_out;
    start(job, (size_t)job->n_rows, 0, n_out);
    if (!shares_rows(worth)) {
        mix(job->y, n_out, job, 0, (size_t)layer->n_in, 0, n_out);
        return;
    }
#pragma omp parallel
    mix_share(job);
}

/* Several rows, each share a BLAS call of its own, which inside a parallel region stays on its
 * thread. OpenBLAS 0.3.21 would share out too, but reserves and frees memory at every such call and
 * is slower: 512 x 768 x 768 by 3 to 10 %, four rows by a quarter to a half (2 threads, Zen 4). */
static void multiply_share(const void *context, size_t i)
{
    const struct job *job = context;
    const struct fl_linear *layer = job->layer;
    size_t first = i * job->share, n = smaller(job->share, (size_t)layer->n_out - first);
    start(job, (size_t)job->n_rows, first, n);
    if (layer->dtype != FL_F32) {
        fl_linear_stored(job->y, job->x, job->n_rows, layer, first, n);
        return;
    }
    const float *weight = fl_linear_at(layer, first * (layer->in_out ? 1 : (size_t)layer->ld));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, layer->in_out ? CblasNoTrans : CblasTrans, job->n_rows,
                (int)n, layer->n_in, 1.0f, job->x, layer->n_in, weight, layer->ld, 1.0f,
                job->y + first, layer->n_out);
}

void fl_linear(float *y, const float *x, int n_rows, const struct fl_linear *layer)
{
    if (n_rows == 0)
        return;
    struct job job = {y, x, n_rows, layer, 0};
    bool worth = is_worth(layer, n_rows);
    if (!is_few(layer, n_rows))
        for_each_share(&job, worth, multiply_share);
    else if (layer->in_out)
        few_in_out(&job, worth);
    else
        for_each_share(&job, worth, few_share);
}

struct fl_cost fl_linear_cost(const struct fl_linear *layer, int n_rows)
{
    uint64_t m = (uint64_t)n_rows, i = (uint64_t)layer->n_in, o = (uint64_t)layer->n_out;
    if (m == 0)
        return (struct fl_cost){0};
    return (struct fl_cost){
        .macs = m * i * o,
        .elementwise = layer->bias ? m * o : 0,
        .bias = layer->bias ? m * o : 0,
        .bytes_read =
            (m * i + (layer->bias ? o : 0)) * sizeof(float) + fl_dtype_bytes(layer->dtype, i * o),
        .bytes_written = m * o * sizeof(float),
    };
}

/* What one share executes beyond the products of its n outputs. */
static struct fl_excess share_excess(const struct fl_linear *layer, int n_rows, size_t n)
{
    const bool plain = layer->dtype == FL_F32;
    const uint64_t n_in = (uint64_t)layer->n_in;
    if (!is_few(layer, n_rows))
        return plain ? fl_sgemm_excess(n_rows, (int)n, layer->n_in)
                     : fl_linear_stored_excess(n_rows, layer, n);
    if (!plain && n_rows > 1)
        return fl_linear_stored_few_excess(n_rows, layer, n);
    const uint64_t joins = plain ? (uint64_t)n_rows * fl_simd_few_joins(n, n_in)
                                 : fl_simd_stored_joins(layer->dtype, n, n_in);
    return (struct fl_excess){
        .flops = {[FL_EXCESS_PARTIAL_SUMS] = (int64_t)joins,
                  [FL_EXCESS_DEQUANTISE] =
                      (int64_t)(n * fl_simd_stored_scaling(layer->dtype, n_in))}};
}

struct fl_excess fl_linear_excess(const struct fl_linear *layer, int n_rows)
{
    struct fl_excess sum = {0};
    const size_t n_out = (size_t)layer->n_out;
    const bool worth = is_worth(layer, n_rows), few = is_few(layer, n_rows);
    if (n_rows == 0)
        return sum;
    /* Where y starts as the bias, the addition that the cost counts is one of the sum's own. */
    if (layer->bias && (!few || layer->in_out))
        sum.flops[FL_EXCESS_BIAS_START] = -(int64_t)n_rows * layer->n_out;
    if (few && layer->in_out) {
        if (shares_rows(worth))
            sum.flops[FL_EXCESS_THREAD_SUMS] =
                (int64_t)omp_get_max_threads() * n_rows * layer->n_out;
        return sum;
    }
    const size_t share = share_of(layer, worth);
    for (size_t first = 0; first < n_out; first += share) {
        struct fl_excess one = share_excess(layer, n_rows, smaller(share, n_out - first));
        fl_excess_add(&sum, &one);
    }
    return sum;
}
