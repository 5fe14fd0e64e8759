#include "ops/linear.h"

#include <cblas.h>
#include <stddef.h>
#include <string.h>

/* y starts as the bias, or zero, and the product is added to it (beta = 1). With beta = 0 OpenBLAS
 * would make the same pass to clear y, so the bias costs no pass over memory of its own. */
static void prefill(float *y, int n_rows, const struct fl_linear *layer)
{
    size_t row_bytes = (size_t)layer->n_out * sizeof *y;
    if (!layer->bias) {
        memset(y, 0, (size_t)n_rows * row_bytes);
        return;
    }
    for (int i = 0; i < n_rows; i++)
        memcpy(y + (size_t)i * (size_t)layer->n_out, layer->bias, row_bytes);
}

void fl_linear(float *y, const float *x, int n_rows, const struct fl_linear *layer)
{
    int n_out = layer->n_out, n_in = layer->n_in;
    if (n_rows == 0)
        return;
    prefill(y, n_rows, layer);
    if (n_rows == 1 && layer->in_out)
        cblas_sgemv(CblasRowMajor, CblasTrans, n_in, n_out, 1.0f, layer->weight, layer->ld, x, 1,
                    1.0f, y, 1);
    else if (n_rows == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n_out, n_in, 1.0f, layer->weight, layer->ld, x, 1,
                    1.0f, y, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, layer->in_out ? CblasNoTrans : CblasTrans, n_rows,
                    n_out, n_in, 1.0f, x, n_in, layer->weight, layer->ld, 1.0f, y, n_out);
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
        .bytes_read = (m * i + i * o + (layer->bias ? o : 0)) * sizeof(float),
        .bytes_written = m * o * sizeof(float),
    };
}
