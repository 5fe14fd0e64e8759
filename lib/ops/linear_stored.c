#include "ops/linear_stored.h"

#include "ops/blas_excess.h"
#include "ops/simd/simd.h"
#include "ops/simd/simd_work.h"

#include <cblas.h>

/* Outputs and inputs of a panel: 256 KiB, and whole blocks of every format. */
enum { PANEL_OUT = 256, PANEL_IN = 256 };

/* The same for a few rows, without BLAS: 64 KiB, long enough to be worth fetching. */
enum { FEW_OUT = 16, FEW_IN = 1024 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

const void *fl_linear_at(const struct fl_linear *layer, size_t element)
{
    return (const unsigned char *)layer->weight + fl_dtype_bytes(layer->dtype, element);
}

/* Stored rows first_row .. n_rows - 1, each from column on, one behind the other. */
static void expand_panel(float *panel, const struct fl_linear *layer, size_t first_row,
                         size_t n_rows, size_t column, size_t n)
{
    for (size_t i = 0; i < n_rows; i++)
        fl_simd()->expand(panel + i * n,
                          fl_linear_at(layer, (first_row + i) * (size_t)layer->ld + column),
                          layer->dtype, n);
}

void fl_linear_stored(float *y, const float *x, int n_rows, const struct fl_linear *layer,
                      size_t first, size_t n)
{
    const size_t n_in = (size_t)layer->n_in;
    _Alignas(64) float panel[PANEL_OUT * PANEL_IN];
    for (size_t j = first; j < first + n; j += PANEL_OUT) {
        const size_t n_out = smaller(PANEL_OUT, first + n - j);
        for (size_t k = 0; k < n_in; k += PANEL_IN) {
            const size_t depth = smaller(PANEL_IN, n_in - k);
            if (layer->in_out)
                expand_panel(panel, layer, k, depth, j, n_out);
            else
                expand_panel(panel, layer, j, n_out, k, depth);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, layer->in_out ? CblasNoTrans : CblasTrans,
                        n_rows, (int)n_out, (int)depth, 1.0f, x + k, layer->n_in, panel,
                        (int)(layer->in_out ? n_out : depth), 1.0f, y + j, layer->n_out);
        }
    }
}

void fl_linear_stored_few(float *y, const float *x, int n_rows, const struct fl_linear *layer,
                          size_t first, size_t n)
{
    const size_t n_in = (size_t)layer->n_in, ld_y = (size_t)layer->n_out;
    _Alignas(64) float panel[FEW_OUT * FEW_IN];
    for (size_t j = first; j < first + n; j += FEW_OUT)
        for (size_t k = 0; k < n_in; k += FEW_IN) {
            const size_t n_out = smaller(FEW_OUT, first + n - j), depth = smaller(FEW_IN, n_in - k);
            const float *bias = layer->bias ? layer->bias + j : NULL;
            expand_panel(panel, layer, j, n_out, k, depth);
            fl_simd()->dot_few(&(struct fl_dot_few){.out = y + j,
                                                    .ld_out = ld_y,
                                                    .start = k > 0 ? y + j : bias,
                                                    .ld_start = k > 0 ? ld_y : 0,
                                                    .x = x + k,
                                                    .n_x = (size_t)n_rows,
                                                    .ld_x = n_in,
                                                    .k = panel,
                                                    .n_rows = n_out,
                                                    .ld = depth,
                                                    .n = depth});
        }
}

struct fl_excess fl_linear_stored_few_excess(int n_rows, const struct fl_linear *layer, size_t n)
{
    const size_t n_in = (size_t)layer->n_in;
    uint64_t joins = n * ((n_in + FEW_IN - 1) / FEW_IN - 1); /* panel to panel */
    for (size_t j = 0; j < n; j += FEW_OUT)
        for (size_t k = 0; k < n_in; k += FEW_IN)
            joins += fl_simd_few_joins(smaller(FEW_OUT, n - j), smaller(FEW_IN, n_in - k));
    return (struct fl_excess){
        .flops = {[FL_EXCESS_PARTIAL_SUMS] = (int64_t)((uint64_t)n_rows * joins),
                  [FL_EXCESS_DEQUANTISE] =
                      (int64_t)(n * fl_simd_expand_flops(layer->dtype, n_in))}};
}

struct fl_excess fl_linear_stored_excess(int n_rows, const struct fl_linear *layer, size_t n)
{
    const size_t n_in = (size_t)layer->n_in;
    struct fl_excess sum = {.flops[FL_EXCESS_DEQUANTISE] =
                                (int64_t)(n * fl_simd_expand_flops(layer->dtype, n_in))};
    for (size_t j = 0; j < n; j += PANEL_OUT)
        for (size_t k = 0; k < n_in; k += PANEL_IN) {
            const struct fl_excess one = fl_sgemm_excess(n_rows, (int)smaller(PANEL_OUT, n - j),
                                                         (int)smaller(PANEL_IN, n_in - k));
            fl_excess_add(&sum, &one);
        }
    return sum;
}
