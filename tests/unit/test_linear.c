/* fl_linear and fl_qkv. */
#include "ops/linear.h"
#include "ops/qkv.h"
#include "ops_check.h"

#include <omp.h>

/* A layer with random weights; what lies between stored rows is NaN and must not be read. */
static struct fl_linear layer_make(int n_out, int n_in, int padding, bool in_out, bool bias,
                                   uint64_t seed)
{
    int rows = in_out ? n_in : n_out, columns = in_out ? n_out : n_in;
    int ld = columns + padding;
    float *weight = random_floats((size_t)rows * (size_t)ld, 1.0f, seed);
    for (int i = 0; i < rows; i++)
        for (int j = columns; j < ld; j++)
            weight[i * ld + j] = NAN;
    return (struct fl_linear){.weight = weight,
                              .bias = bias ? random_floats((size_t)n_out, 1.0f, seed + 1) : NULL,
                              .n_out = n_out,
                              .n_in = n_in,
                              .ld = ld,
                              .in_out = in_out};
}

static void layer_free(struct fl_linear *layer)
{
    free((void *)(uintptr_t)layer->weight);
    free((void *)(uintptr_t)layer->bias);
}

static void check_product(const float *y, const float *x, int n_rows, const struct fl_linear *layer)
{
    size_t n_out = (size_t)layer->n_out, n_in = (size_t)layer->n_in, ld = (size_t)layer->ld;
    for (size_t i = 0; i < (size_t)n_rows; i++)
        for (size_t j = 0; j < n_out; j++) {
            const float *w = (const float *)layer->weight + (layer->in_out ? j : j * ld);
            double start = layer->bias ? (double)layer->bias[j] : 0.0;
            CHECK_CLOSE(y[i * n_out + j],
                        dot_reference(x + i * n_in, 1, w, layer->in_out ? ld : 1, n_in, start),
                        "%d x %d, ld %d, %s%s: row %zu of %d, output %zu", layer->n_out,
                        layer->n_in, layer->ld, layer->in_out ? "in_out" : "out_in",
                        layer->bias ? ", bias" : "", i, n_rows, j);
        }
}

static void check(int n_rows, int n_out, int n_in, int padding, bool in_out, bool bias)
{
    struct fl_linear layer = layer_make(n_out, n_in, padding, in_out, bias, 11);
    size_t n_y = (size_t)n_rows * (size_t)n_out;
    float *x = random_floats((size_t)n_rows * (size_t)n_in, 1.0f, 12);
    float *y = filled_floats(n_y + 1, NAN); /* what was there must not matter */
    y[n_y] = 77.0f;
    fl_linear(y, x, n_rows, &layer);
    check_product(y, x, n_rows, &layer);
    cr_assert(y[n_y] == 77.0f, "wrote beyond the last row");
    free(x);
    free(y);
    layer_free(&layer);
}

Test(linear, equals_reference)
{
    const int sizes[] = SIZES;
    enum { N = sizeof sizes / sizeof *sizes };
    FOR_EACH_SIMD(isa)
    for (int layout = 0; layout < 2; layout++)
        for (int rows = 0; rows < 4; rows++)
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++)
                    check(sizes[rows], sizes[i], sizes[j], (i + j) % 2 * 5, layout == 1,
                          (i + rows) % 2 == 1);
}

/* A few rows of matrices large enough to be split over threads, and the first that go to BLAS. */
Test(linear, equals_reference_for_a_few_large_rows)
{
    FOR_EACH_SIMD(isa)
    for (int layout = 0; layout < 2; layout++) {
        for (int rows = 1; rows <= 17; rows += rows < 9 ? 1 : 4) {
            check(rows, 131, 517, 3, layout == 1, true);
            check(rows, 517, 131, 0, layout == 1, false);
        }
        for (int rows = 1; rows <= 4; rows += 3) {
            check(rows, 3, 100003, 0, layout == 1, true);
            check(rows, 100003, 3, 0, layout == 1, true);
        }
    }
}

/* However many threads share one row; and twice the same bits, in whichever order they finish. */
Test(linear, a_few_rows_on_any_number_of_threads)
{
    enum { N_OUT = 4100, N_IN = 83, N_ROWS = 3 };
    float *x = random_floats(N_ROWS * N_IN, 1.0f, 5), *y = filled_floats(N_ROWS * N_OUT, NAN);
    float *again = filled_floats(N_ROWS * N_OUT, NAN);
    for (int layout = 0; layout < 2; layout++) {
        struct fl_linear layer = layer_make(N_OUT, N_IN, 0, layout == 1, true, 6);
        for (int n_threads = 1; n_threads <= 7; n_threads++) {
            const int n_rows = 1 + (n_threads - 1) % N_ROWS;
            omp_set_num_threads(n_threads);
            fl_linear(y, x, n_rows, &layer);
            check_product(y, x, n_rows, &layer);
            for (int round = 0; round < 10; round++) {
                fl_linear(again, x, n_rows, &layer);
                for (int i = 0; i < n_rows * N_OUT; i++)
                    cr_assert(again[i] == y[i], "%d threads, output %d", n_threads, i);
            }
        }
        layer_free(&layer);
    }
    free(x);
    free(y);
    free(again);
}

Test(linear, no_rows_touch_nothing)
{
    struct fl_linear layer = layer_make(7, 5, 0, false, true, 3);
    float y[7] = {1.0f};
    fl_linear(y, y, 0, &layer);
    cr_expect(y[0] == 1.0f);
    layer_free(&layer);
}

Test(linear, cost_by_hand)
{
    struct fl_linear layer = {.n_out = 30, .n_in = 10, .ld = 16};
    struct fl_cost cost = fl_linear_cost(&layer, 2);
    cr_expect_eq(cost.macs, 600);
    cr_expect_eq(cost.elementwise, 0);
    cr_expect_eq(cost.bytes_read, 4 * (20 + 300)); /* not what lies between rows */
    cr_expect_eq(cost.bytes_written, 4 * 60);
    const float bias[30] = {0};
    layer.bias = bias;
    cost = fl_linear_cost(&layer, 2);
    cr_expect_eq(cost.macs, 600);
    cr_expect_eq(cost.elementwise, 60);
    cr_expect_eq(cost.bias, 60);
    cr_expect_eq(cost.bytes_read, 4 * (20 + 300 + 30));
    cost = fl_linear_cost(&layer, 0);
    cr_expect_eq(fl_cost_flops(cost) + cost.bytes_read + cost.bytes_written, 0);
}

Test(linear, cost_of_large_shapes_does_not_overflow)
{
    struct fl_linear layer = {.n_out = 1 << 20, .n_in = 1 << 16, .ld = 1 << 16};
    cr_expect_eq(fl_linear_cost(&layer, 1 << 16).macs, UINT64_C(1) << 52);
}

Test(qkv, equals_three_linear_layers)
{
    enum { ROWS = 7, D = 33, D_Q = 40, D_KV = 20 };
    struct fl_linear wq = layer_make(D_Q, D, 0, false, true, 20);
    struct fl_linear wk = layer_make(D_KV, D, 2, false, true, 22);
    struct fl_linear wv = layer_make(D_KV, D, 0, true, false, 24);
    float *x = random_floats(ROWS * D, 1.0f, 26), *q = filled_floats(ROWS * D_Q, NAN);
    float *k = filled_floats(ROWS * D_KV, NAN), *v = filled_floats(ROWS * D_KV, NAN);
    for (int n_rows = 1; n_rows <= ROWS; n_rows += ROWS - 1) {
        fl_qkv(q, k, v, x, n_rows, &wq, &wk, &wv);
        check_product(q, x, n_rows, &wq);
        check_product(k, x, n_rows, &wk);
        check_product(v, x, n_rows, &wv);
    }
    struct fl_cost cost = fl_qkv_cost(ROWS, &wq, &wk, &wv);
    cr_expect_eq(cost.macs, 7 * 33 * 80);
    cr_expect_eq(cost.elementwise, 7 * 60);
    cr_expect_eq(cost.bias, 7 * 60);
    cr_expect_eq(cost.bytes_read, 4 * (7 * 33 + 33 * 80 + 60)); /* x once */
    cr_expect_eq(cost.bytes_written, 4 * 7 * 80);
    free(x);
    free(q);
    free(k);
    free(v);
    layer_free(&wq);
    layer_free(&wk);
    layer_free(&wv);
}
