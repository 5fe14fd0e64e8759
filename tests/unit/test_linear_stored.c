/* Products with weights that are not f32: every format, instruction set and layout against the
 * expanded weights in double precision. */
#include "ops/convert.h"
#include "ops/embed.h"
#include "ops/linear.h"
#include "ops_check.h"

#include <omp.h>
#include <string.h>

/* Random weights in a format, and what they are as f32. What lies between rows is NaN. */
struct stored {
    struct fl_linear layer;
    char *bytes;
    float *expanded; /* like layer.weight */
    float *scale;    /* magnitude of what is added up for each weight */
};

/* For a q4_k number, |scale q| + |minimum|, both of which are rounded, is more than the number. */
static void add_minima(float *scale, const uint8_t *block)
{
    uint8_t scales[8], minima[8];
    fl_q4_k_scales(block + 4, scales, minima);
    for (int i = 0; i < 256; i++)
        scale[i] += 2 * fl_f16_to_f32((uint16_t)(block[2] | block[3] << 8)) * minima[i / 32];
}

static struct stored stored_make(enum fl_dtype dtype, int n_out, int n_in, int padding, bool in_out,
                                 bool bias, uint64_t seed)
{
    const int rows = in_out ? n_in : n_out, columns = in_out ? n_out : n_in;
    const int ld = columns + padding * fl_dtype_block(dtype);
    const size_t n = (size_t)rows * (size_t)ld, bytes = fl_dtype_bytes(dtype, n);
    float *values = random_floats(n, 1.0f, seed);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < ld; j++)
            values[i * ld + j] = j >= columns ? NAN : values[i * ld + j] + 0.3f;
    struct stored s = {
        .bytes = malloc(bytes + 1), .expanded = values, .scale = filled_floats(n, 0)};
    cr_assert_not_null(s.bytes);
    char *weight = s.bytes + (dtype == FL_F32 ? 0 : 1); /* only floats need an even address */
    fl_from_f32(weight, values, dtype, n);
    fl_to_f32(values, weight, dtype, n);
    for (size_t i = 0; i < n; i++)
        s.scale[i] = fabsf(values[i]);
    for (size_t i = 0; dtype == FL_Q4_K && i < n; i += 256)
        add_minima(s.scale + i, (const uint8_t *)weight + fl_dtype_bytes(dtype, i));
    s.layer = (struct fl_linear){.weight = weight,
                                 .dtype = dtype,
                                 .bias = bias ? random_floats((size_t)n_out, 1.0f, seed + 1) : NULL,
                                 .n_out = n_out,
                                 .n_in = n_in,
                                 .ld = ld,
                                 .in_out = in_out};
    return s;
}

static void stored_free(struct stored *s)
{
    free(s->bytes);
    free((void *)(uintptr_t)s->layer.bias);
    free(s->expanded);
    free(s->scale);
}

/* n products, a scale a block and the joining of the sums: fewer than 2n roundings beyond those of
 * a sum of n (ops_check.h). */
static struct bounded reference(const struct stored *s, const float *x, size_t j)
{
    const struct fl_linear *l = &s->layer;
    const size_t n = (size_t)l->n_in, ld = (size_t)l->ld;
    double sum = l->bias ? (double)l->bias[j] : 0, magnitude = fabs(sum);
    for (size_t k = 0; k < n; k++) {
        const size_t at = l->in_out ? k * ld + j : j * ld + k;
        sum += (double)x[k] * (double)s->expanded[at];
        magnitude += fabs((double)x[k]) * (double)s->scale[at];
    }
    return (struct bounded){sum, (double)(3 * n + 2) * ULP * magnitude};
}

static void check(enum fl_dtype dtype, int n_rows, int n_out, int n_in, int padding, bool in_out,
                  bool bias, const char *isa)
{
    struct stored s = stored_make(dtype, n_out, n_in, padding, in_out, bias, 31);
    const size_t n_y = (size_t)n_rows * (size_t)n_out;
    float *x = random_floats((size_t)n_rows * (size_t)n_in, 1.0f, 12);
    float *y = filled_floats(n_y + 1, NAN);
    y[n_y] = 77.0f;
    fl_linear(y, x, n_rows, &s.layer);
    for (size_t i = 0; i < n_y; i++)
        CHECK_CLOSE(y[i], reference(&s, x + i / (size_t)n_out * (size_t)n_in, i % (size_t)n_out),
                    "%s, %s, %d x %d%s: row %zu of %d, output %zu", isa, fl_dtype_names[dtype],
                    n_out, n_in, in_out ? ", in_out" : "", i / (size_t)n_out, n_rows,
                    i % (size_t)n_out);
    cr_assert(y[n_y] == 77.0f, "wrote beyond the last row");
    free(x);
    free(y);
    stored_free(&s);
}

Test(linear_stored, equals_reference)
{
    static const int ROWS[] = {1, 2, 5, 33}, OUTS[] = {1, 7, 100}, BLOCKS[] = {1, 2, 3, 7};
    static const int ODD[] = {1, 7, 33, 100, 257, 600};
    FOR_EACH_SIMD(isa)
    for (int dtype = 0; dtype < FL_N_DTYPES; dtype++)
        for (int r = 0; r < 4; r++)
            for (int o = 0; o < 3; o++) {
                const int block = fl_dtype_block((enum fl_dtype)dtype);
                for (int b = 0; block > 1 && b < 4; b++)
                    check((enum fl_dtype)dtype, ROWS[r], OUTS[o], BLOCKS[b] * block, b % 2, false,
                          o % 2 == 1, isa);
                for (int k = 0; block == 1 && k < 6; k++)
                    for (int layout = 0; layout < 2; layout++)
                        check((enum fl_dtype)dtype, ROWS[r], OUTS[o], ODD[k], k % 2 * 3,
                              layout == 1, o % 2 == 0, isa);
            }
}

/* More outputs and inputs than a panel, and shares of several threads. */
Test(linear_stored, equals_reference_for_large_matrices)
{
    static const int THREADS[] = {1, 2, 3};
    for (int t = 0; t < 3; t++) {
        omp_set_num_threads(THREADS[t]);
        for (int dtype = 1; dtype < FL_N_DTYPES; dtype++)
            for (int rows = 1; rows < 4; rows += 2)
                check((enum fl_dtype)dtype, rows, 531, 768, 0, false, true, "any");
        for (int rows = 1; rows < 4; rows += 2) {
            check(FL_F16, rows, 531, 699, 0, true, true, "any");
            check(FL_F16, 4 * rows, 83, 2111, 0, false, true, "any");
            check(FL_BF16, rows, 4099, 83, 0, true, false, "any");
        }
    }
}

/* expand() is fl_to_f32() up to one rounding, for every f16 and bf16 to the bit. */
Test(linear_stored, expansion_equals_conversion)
{
    enum { N = 65536 };
    uint16_t *bits = malloc(N * sizeof *bits);
    float *got = filled_floats(N, NAN), *want = filled_floats(N, NAN);
    float *values = random_floats(N, 3.0f, 9);
    uint8_t *blocks = malloc(2 * N);
    cr_assert(bits && blocks);
    for (int i = 0; i < N; i++)
        bits[i] = (uint16_t)i;
    FOR_EACH_SIMD(isa)
    {
        for (int dtype = FL_F16; dtype <= FL_BF16; dtype++) {
            fl_simd()->expand(got, bits, (enum fl_dtype)dtype, N - 3);
            fl_to_f32(want, bits, (enum fl_dtype)dtype, N - 3);
            for (int i = 0; i < N - 3; i++)
                cr_assert(got[i] == want[i] || (isnan(got[i]) && isnan(want[i])), "%s, %s %04x: %g",
                          isa, fl_dtype_names[dtype], (unsigned)i, (double)got[i]);
        }
        for (int dtype = FL_Q8_0; dtype < FL_N_DTYPES; dtype++) {
            fl_from_f32(blocks, values, (enum fl_dtype)dtype, N);
            fl_simd()->expand(got, blocks, (enum fl_dtype)dtype, N);
            fl_to_f32(want, blocks, (enum fl_dtype)dtype, N);
            for (int i = 0; i < N; i++) /* q4_k's product, of at most 6, may not be rounded */
                cr_assert(fabsf(got[i] - want[i]) <= (dtype == FL_Q4_K ? 8 * (float)ULP : 0),
                          "%s, %s: number %d: %g, expected %g", isa, fl_dtype_names[dtype], i,
                          (double)got[i], (double)want[i]);
        }
    }
    free(bits);
    free(got);
    free(want);
    free(values);
    free(blocks);
}

Test(linear_stored, embedding_takes_rows_of_any_format)
{
    static const int TOKENS[] = {3, 0, 6}, POSITIONS[] = {0, 1, 2};
    float out[3 * 512];
    FOR_EACH_SIMD(isa)
    for (int dtype = 0; dtype < FL_N_DTYPES; dtype++) {
        struct stored s = stored_make((enum fl_dtype)dtype, 7, 512, 0, false, false, 5);
        fl_embed(out, TOKENS, POSITIONS, 3, &s.layer, NULL, 1.0f);
        for (int i = 0; i < 3 * 512; i++)
            cr_assert_float_eq((double)out[i], (double)s.expanded[TOKENS[i / 512] * 512 + i % 512],
                               4 * ULP, "%s %s", isa, fl_dtype_names[dtype]);
        const struct fl_cost cost = fl_embed_cost(&s.layer, 3, 0, false);
        cr_expect_eq(cost.bytes_read, 12 + fl_dtype_bytes((enum fl_dtype)dtype, 3 * 512));
        stored_free(&s);
    }
}

Test(linear_stored, cost_by_hand)
{
    const float bias[30] = {0};
    const struct fl_linear layer = {
        .dtype = FL_Q6_K, .bias = bias, .n_out = 30, .n_in = 512, .ld = 512};
    const struct fl_cost cost = fl_linear_cost(&layer, 2);
    cr_expect_eq(cost.macs, 2 * 30 * 512);
    cr_expect_eq(cost.elementwise, 60);
    cr_expect_eq(cost.bytes_read, 4 * (2 * 512 + 30) + 30 * 2 * 210);
    cr_expect_eq(cost.bytes_written, 4 * 60);
}
