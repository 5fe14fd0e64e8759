#include "tests/accuracy/library_kernels.h"

#include "base/random.h"
#include "bench/peak_kernels.h"
#include "ops/activation.h"
#include "ops/layernorm.h"
#include "ops/linear.h"
#include "ops/rmsnorm.h"
#include "ops/rope.h"
#include "ops/simd/simd.h"
#include "ops/softmax.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 16384 }; /* of sizes */

struct library_kernel {
    const char *name, *usage;
    int n_sizes; /* the first arguments are sizes, and required */
    void (*run)(const struct library_case *lib);
};

/* ---- arguments ---- */

/* Read when the case is opened: nothing but the kernel runs where it is counted. */
static double number(const struct library_case *lib, int i, double otherwise)
{
    return lib->words[i] ? lib->numbers[i] : otherwise;
}

static int size(const struct library_case *lib, int i)
{
    return lib->sizes[i];
}

/* Byte by byte: strcmp takes another way where a word lies at the end of a page, and where words of
 * the command line lie depends on the environment. */
static bool is_word(const struct library_case *lib, int i, const char *word)
{
    const char *given = lib->words[i];
    if (!given)
        return false;
    for (; *given && *given == *word; given++)
        word++;
    return *given == *word;
}

static enum CBLAS_TRANSPOSE transpose(const struct library_case *lib, int i)
{
    return is_word(lib, i, "t") ? CblasTrans : CblasNoTrans;
}

/* What it is seen to do is the price of looking. */
static void run_nothing(const struct library_case *lib)
{
    (void)lib;
}

/* ---- BLAS ---- */

static void run_sgemm(const struct library_case *lib)
{
    int m = size(lib, 0), n = size(lib, 1), k = size(lib, 2);
    enum CBLAS_TRANSPOSE ta = transpose(lib, 3), tb = transpose(lib, 4);
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, (float)number(lib, 5, 1), lib->x,
                ta == CblasTrans ? m : k, lib->y, tb == CblasTrans ? k : n,
                (float)number(lib, 6, 0), lib->z, n);
}

static void run_dgemm(const struct library_case *lib)
{
    int m = size(lib, 0), n = size(lib, 1), k = size(lib, 2);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, lib->dx, k, lib->dx, n, 0,
                lib->dy, n);
}

static void run_sgemv(const struct library_case *lib)
{
    int m = size(lib, 0), n = size(lib, 1);
    cblas_sgemv(CblasRowMajor, transpose(lib, 2), m, n, (float)number(lib, 3, 1), lib->x, n, lib->y,
                1, (float)number(lib, 4, 0), lib->z, 1);
}

static void run_sdot(const struct library_case *lib)
{
    lib->z[0] = cblas_sdot(size(lib, 0), lib->x, 1, lib->y, 1);
}

static void run_ddot(const struct library_case *lib)
{
    lib->dy[0] = cblas_ddot(size(lib, 0), lib->dx, 1, lib->dx, 1);
}

static void run_saxpy(const struct library_case *lib)
{
    cblas_saxpy(size(lib, 0), (float)number(lib, 1, 2), lib->x, 1, lib->y, 1);
}

static void run_sscal(const struct library_case *lib)
{
    cblas_sscal(size(lib, 0), 0.5f, lib->x, 1);
}

static void run_snrm2(const struct library_case *lib)
{
    lib->z[0] = cblas_snrm2(size(lib, 0), lib->x, 1);
}

/* ---- libm ---- */

#define LOOP(function, in, out)                                                                    \
    static void run_##function(const struct library_case *lib)                                     \
    {                                                                                              \
        for (int i = 0, n = size(lib, 0); i < n; i++)                                              \
            lib->out[i] = function(lib->in[i]);                                                    \
    }
LOOP(expf, x, z)
LOOP(sinf, x, z)
LOOP(tanhf, x, z)
LOOP(erff, x, z)
LOOP(log1pf, y, z)
LOOP(sqrtf, y, z)
LOOP(exp, dx, dy)
LOOP(sin, dx, dy)
#undef LOOP

/* ---- our own ---- */

static void run_linear(const struct library_case *lib)
{
    int n_rows = size(lib, 0), n_in = size(lib, 1), n_out = size(lib, 2);
    bool in_out = is_word(lib, 3, "in_out");
    struct fl_linear layer = {.weight = lib->x,
                              .bias = number(lib, 4, 0) != 0 ? lib->y : NULL,
                              .n_in = n_in,
                              .n_out = n_out,
                              .ld = in_out ? n_out : n_in,
                              .in_out = in_out};
    fl_linear(lib->z, lib->y, n_rows, &layer);
}

static void run_softmax(const struct library_case *lib)
{
    fl_softmax_row(lib->x, (size_t)size(lib, 0), 0.125f);
}

static void run_layernorm(const struct library_case *lib)
{
    fl_layernorm(lib->z, lib->x, lib->y, lib->y, size(lib, 0), size(lib, 1), 1e-5f);
}

static void run_rmsnorm(const struct library_case *lib)
{
    fl_rmsnorm(lib->z, lib->x, lib->y, size(lib, 0), size(lib, 1), 1e-5f);
}

static void run_rope(const struct library_case *lib)
{
    enum { ROWS_MAX = 4096 };
    static int positions[ROWS_MAX];
    struct fl_rope_shape shape = {.n_rows = size(lib, 0),
                                  .n_positions = size(lib, 0),
                                  .n_heads = size(lib, 1),
                                  .n_kv_heads = size(lib, 1),
                                  .head_dim = size(lib, 2),
                                  .interleaved = number(lib, 3, 0) != 0};
    for (int i = 0; i < shape.n_rows && i < ROWS_MAX; i++)
        positions[i] = i;
    fl_rope(lib->x, lib->z, positions, lib->y, lib->y, &shape);
}

static const char *const ACTIVATIONS[FL_N_ACTIVATIONS] = {[FL_ACT_RELU] = "relu",
                                                          [FL_ACT_GELU_ERF] = "gelu_erf",
                                                          [FL_ACT_GELU_TANH] = "gelu_tanh",
                                                          [FL_ACT_SILU] = "silu"};

static void run_activation(const struct library_case *lib)
{
    enum fl_activation kind = FL_ACT_RELU;
    for (int i = 0; i < FL_N_ACTIVATIONS; i++)
        if (is_word(lib, 1, ACTIVATIONS[i]))
            kind = (enum fl_activation)i;
    const float *up = is_word(lib, 2, "gated") ? lib->y : NULL;
    fl_activate(lib->z, lib->x, up, (size_t)size(lib, 0), kind);
}

/* The kernels of ops/simd themselves. */
static void run_simd_add(const struct library_case *lib)
{
    fl_simd()->add(lib->z, lib->x, (size_t)size(lib, 0));
}

static void run_simd_scale(const struct library_case *lib)
{
    fl_simd()->scale(lib->z, 1.5f, (size_t)size(lib, 0));
}

static void run_simd_exp(const struct library_case *lib)
{
    fl_simd()->exp(lib->z, lib->x, (size_t)size(lib, 0));
}

static void run_simd_rotate(const struct library_case *lib)
{
    fl_simd()->rotate_halves(lib->x, lib->y, lib->y, (size_t)size(lib, 0) / 2);
}

static void run_dot_rows(const struct library_case *lib)
{
    size_t n_rows = (size_t)size(lib, 0), n = (size_t)size(lib, 1);
    fl_simd()->dot_rows(lib->z, lib->y, lib->x, n_rows, n, n);
}

static void run_mix_rows(const struct library_case *lib)
{
    size_t n_rows = (size_t)size(lib, 0), n = (size_t)size(lib, 1);
    fl_simd()->mix_rows(lib->z, lib->y, lib->x, n_rows, n, n);
}

/* ---- loops that ceilings are measured with ---- */

static const struct fl_peak_kernels *peak_kernels(const struct library_case *lib, int i)
{
    const struct fl_peak_kernels *kernels =
        fl_peak_kernels(lib->words[i] ? lib->words[i] : "portable");
    if (!kernels) {
        fprintf(stderr, "accuracy_kernels: %s: this processor lacks it\n", lib->words[i]);
        exit(1);
    }
    return kernels;
}

static void run_peak_fma(const struct library_case *lib)
{
    peak_kernels(lib, 1)->fma(lib->x, 0.5f, 1.0f, (size_t)size(lib, 0));
}

/* N is a multiple of FL_PEAK_STEP. */
static void run_peak_stream(const struct library_case *lib)
{
    for (int i = 0; i < FL_N_STREAMS; i++)
        if (is_word(lib, 2, fl_stream_names[i]))
            peak_kernels(lib, 3)->streams[i](lib->x, lib->y, lib->z, (size_t)size(lib, 0),
                                             (size_t)size(lib, 1));
}

static const struct library_kernel KERNELS[] = {
    {"nothing", "", 0, run_nothing},
    {"sgemm", "M N K [n|t n|t [ALPHA [BETA]]]", 3, run_sgemm},
    {"dgemm", "M N K", 3, run_dgemm},
    {"sgemv", "M N [n|t [ALPHA [BETA]]]", 2, run_sgemv},
    {"sdot", "N", 1, run_sdot},
    {"ddot", "N", 1, run_ddot},
    {"saxpy", "N [ALPHA]", 1, run_saxpy},
    {"sscal", "N", 1, run_sscal},
    {"snrm2", "N", 1, run_snrm2},
    {"expf", "N", 1, run_expf},
    {"sinf", "N", 1, run_sinf},
    {"tanhf", "N", 1, run_tanhf},
    {"erff", "N", 1, run_erff},
    {"log1pf", "N", 1, run_log1pf},
    {"sqrtf", "N", 1, run_sqrtf},
    {"exp", "N", 1, run_exp},
    {"sin", "N", 1, run_sin},
    {"linear", "ROWS IN OUT [out_in|in_out [BIAS]]", 3, run_linear},
    {"softmax", "N", 1, run_softmax},
    {"layernorm", "ROWS WIDTH", 2, run_layernorm},
    {"rmsnorm", "ROWS WIDTH", 2, run_rmsnorm},
    {"rope", "TOKENS HEADS HEAD_DIM [INTERLEAVED]", 3, run_rope},
    {"activation", "N [relu|gelu_erf|gelu_tanh|silu [gated]]", 1, run_activation},
    {"simd_add", "N", 1, run_simd_add},
    {"simd_scale", "N", 1, run_simd_scale},
    {"simd_exp", "N", 1, run_simd_exp},
    {"simd_rotate", "N", 1, run_simd_rotate},
    {"dot_rows", "ROWS WIDTH", 2, run_dot_rows},
    {"mix_rows", "ROWS WIDTH", 2, run_mix_rows},
    {"peak_fma", "ROUNDS [portable|avx2|avx512]", 1, run_peak_fma},
    {"peak_stream", "N PASSES read|write|copy|triad [portable|avx2|avx512]", 2, run_peak_stream},
};
enum { N_KERNELS = sizeof KERNELS / sizeof *KERNELS };

void library_usage(FILE *stream)
{
    for (int i = 0; i < N_KERNELS; i++)
        fprintf(stream, "  %-10s %s\n", KERNELS[i].name, KERNELS[i].usage);
}

static void read_word(struct library_case *lib, int i, const char *word)
{
    lib->words[i] = word;
    lib->numbers[i] = atof(word);
    if (fabs(lib->numbers[i]) <= LARGEST)
        lib->sizes[i] = (int)lib->numbers[i];
}

static bool read_words(struct library_case *lib, const char *const *words, int n_words)
{
    for (int i = 0; i < N_KERNELS; i++)
        if (strcmp(words[0], KERNELS[i].name) == 0)
            lib->kernel = &KERNELS[i];
    if (!lib->kernel) {
        fprintf(stderr, "accuracy_kernels: '%s': no such kernel; see --help\n", words[0]);
        return false;
    }
    for (int i = 1; i < n_words && i <= LIBRARY_ARGUMENTS; i++)
        read_word(lib, i - 1, words[i]);
    for (int i = 0; i < lib->kernel->n_sizes; i++)
        if (size(lib, i) < 1) {
            fprintf(stderr, "accuracy_kernels: %s %s: expected sizes from 1 to %d\n", words[0],
                    lib->kernel->usage, LARGEST);
            return false;
        }
    return true;
}

/* Any operand holds at most the product of all sizes, or of two of three. */
static size_t largest_operand(const struct library_case *lib)
{
    size_t largest = 1;
    int n = lib->kernel->n_sizes;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            size_t product = (size_t)size(lib, i) * (size_t)(i == j ? 1 : size(lib, j));
            largest = product > largest ? product : largest;
        }
    if (lib->kernel->run == run_rope) /* the one that has all three in one operand */
        largest *= (size_t)size(lib, 2);
    if (lib->kernel->run == run_peak_fma) /* sums of the widest set, however many rounds */
        largest = largest > FL_PEAK_STEP * 2 ? largest : FL_PEAK_STEP * 2;
    return largest;
}

bool library_open(struct library_case *lib, const char *const *words, int n_words)
{
    enum { SLACK = 64, LINE = 64 };
    *lib = (struct library_case){0};
    if (!read_words(lib, words, n_words))
        return false;
    lib->size = (largest_operand(lib) + SLACK - 1) / SLACK * SLACK;
    float **const singles[] = {&lib->x, &lib->y, &lib->z};
    double **const doubles[] = {&lib->dx, &lib->dy};
    bool complete = true;
    for (int i = 0; i < 3; i++)
        complete &= (*singles[i] = aligned_alloc(LINE, lib->size * sizeof(float))) != NULL;
    for (int i = 0; i < 2; i++)
        complete &= (*doubles[i] = aligned_alloc(LINE, lib->size * sizeof(double))) != NULL;
    if (complete)
        return true;
    fprintf(stderr, "accuracy_kernels: out of memory\n");
    library_close(lib);
    return false;
}

/* x in [-4, 4): both branches of most functions; y in [0, 1). */
void library_reset(struct library_case *lib)
{
    uint64_t state = 1;
    for (size_t i = 0; i < lib->size; i++) {
        double value = fl_random_uniform(&state);
        lib->dx[i] = 8.0 * value - 4.0;
        lib->dy[i] = value;
        lib->x[i] = (float)lib->dx[i];
        lib->y[i] = (float)value;
        lib->z[i] = 0.5f;
    }
}

void library_run(const struct library_case *lib)
{
    lib->kernel->run(lib);
}

void library_close(struct library_case *lib)
{
    free(lib->x);
    free(lib->y);
    free(lib->z);
    free(lib->dx);
    free(lib->dy);
    *lib = (struct library_case){0};
}
