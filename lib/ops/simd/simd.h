/* simd.h - element-wise kernels, once per instruction set, chosen at run time.
 *
 * elementwise.c is compiled three times: for the baseline of the architecture (portable), for
 * AVX2 with FMA and for AVX-512; each object defines one table of functions. The program as a
 * whole stays a baseline build, so that it runs on old processors and under Valgrind, which shows
 * a processor without AVX-512.
 *
 * All kernels work on one row on the calling thread and know nothing of threads. Results differ
 * between the sets by rounding only: sums are taken in a different order. */
#ifndef FL_OPS_SIMD_SIMD_H
#define FL_OPS_SIMD_SIMD_H

#include "base/dtype.h"
#include "ops/activation.h"

#include <stdbool.h>
#include <stddef.h>

enum { FL_N_ACTIVATIONS = FL_ACT_SILU + 1 };

/* out[v,j] = start[v,j] + x[v,:] . k[j,:] for n_x vectors and n_rows rows of n floats; ld_*: floats
 * from one row to the next, ld_start 0: the same start for all vectors. start NULL: zero; it may be
 * out. */
struct fl_dot_few {
    float *out;
    const float *start, *x, *k;
    size_t n_x, n_rows, n;
    size_t ld_out, ld_start, ld_x, ld;
};

struct fl_simd {
    const char *name; /* "portable", "avx2", "avx512" */
    int n_lanes;      /* floats in a vector: 4, 8, 16 */

    /* out[i] = f(x[i]); out may be x. At most 2 ulp off over all floats, infinities, subnormal
     * results and NaN included. */
    void (*exp)(float *out, const float *x, size_t n);
    void (*tanh)(float *out, const float *x, size_t n);
    void (*erf)(float *out, const float *x, size_t n);

    /* out[i] = act(x[i]), and act(x[i]) * up[i]. out may be x or up. */
    void (*activate[FL_N_ACTIVATIONS])(float *out, const float *x, size_t n);
    void (*gate[FL_N_ACTIVATIONS])(float *out, const float *x, const float *up, size_t n);

    /* out[i] += x[i]; out[i] *= factor */
    void (*add)(float *out, const float *x, size_t n);
    void (*scale)(float *out, float factor, size_t n);

    void (*layernorm)(float *out, const float *x, const float *gain, const float *bias, size_t n,
                      float eps);
    void (*rmsnorm)(float *out, const float *x, const float *gain, size_t n, float eps);
    void (*softmax)(float *x, size_t n, float factor);

    /* A row's softmax stretch by stretch: x[i] becomes e^((x[i] - m) factor), m being the largest
     * so far. *maximum starts as -infinity; *sum is that of all stretches. Returns what earlier
     * stretches must be multiplied by, their maximum having been smaller; of the first, 1.
     * Source: Milakov and Gimelshein, 2018 (arXiv:1805.02867). */
    float (*softmax_stretch)(float *x, size_t n, float factor, float *maximum, float *sum);

    /* Rotates one head x [2 * half] by the angles whose cosine and sine [half] are given. */
    void (*rotate_pairs)(float *x, const float *cosine, const float *sine, size_t half);
    void (*rotate_halves)(float *x, const float *cosine, const float *sine, size_t half);

    /* Rows of n floats, ld apart. out[j] = q . k[j,:]; out[:] += sum over j of p[j] v[j,:]. */
    void (*dot_rows)(float *out, const float *q, const float *k, size_t n_rows, size_t ld,
                     size_t n);
    void (*mix_rows)(float *out, const float *p, const float *v, size_t n_rows, size_t ld,
                     size_t n);

    /* A few vectors against the same rows, which are read once. */
    void (*dot_few)(const struct fl_dot_few *d);

    /* The same with matrices in other formats than f32; ld elements, whole blocks. dot_stored:
     * out[j] = start[j] + q . k[j,:], start NULL: zero, and n is whole blocks too; mix_stored: f16
     * and bf16 only. */
    void (*dot_stored)(float *out, const float *start, const float *q, const void *k,
                       enum fl_dtype dtype, size_t n_rows, size_t ld, size_t n);
    void (*mix_stored)(float *out, const float *p, const void *v, enum fl_dtype dtype,
                       size_t n_rows, size_t ld, size_t n);

    /* out[i] = in[i], n whole blocks of any format; as fl_to_f32(), but that q4_k may round once
     * instead of twice. */
    void (*expand)(float *out, const void *in, enum fl_dtype dtype, size_t n);
};

/* dot_rows() and mix_rows() take rows from this length on one way, shorter ones another. */
enum { FL_SIMD_LONG_ROW = 256 };

/* The widest set this processor has. The environment variable FL_ISA=portable|avx2|avx512, read at
 * the first call, lowers it; a set the processor lacks or an unknown name changes nothing. */
const struct fl_simd *fl_simd(void);
const char *fl_simd_name(void);

/* Uses the set of this name from now on; NULL: chooses again. False, and nothing changes, when the
 * processor or the build lacks it. For tests and comparisons, not while kernels run. */
bool fl_simd_select(const char *name);

/* Whether this processor and build have the set of this name, whatever FL_ISA says. */
bool fl_simd_has(const char *name);

/* Names of all sets, narrowest first, NULL-terminated, whether this processor has them or not. */
extern const char *const fl_simd_names[];

#endif
