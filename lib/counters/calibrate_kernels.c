#include "counters/calibrate_kernels.h"

#include <omp.h>
#include <stdint.h>

/* A register that the compiler must have up to date here, and may not look into: sums stay sums,
 * loops stay loops, whatever the optimisation. */
#if defined(__x86_64__)
#define KEEP(x) __asm__ volatile("" : "+x"(x))
#elif defined(__aarch64__)
#define KEEP(x) __asm__ volatile("" : "+w"(x))
#else
#define KEEP(x) __asm__ volatile("" : "+m"(x))
#endif
#define KEEP_INTEGER(x) __asm__ volatile("" : "+r"(x))

/* Loops are compiled alike in every build: without optimisation their variables would lie in
 * memory and be loaded and stored in every round. */
#if defined(__GNUC__) && !defined(__clang__)
#define LOOP __attribute__((noinline, optimize("O2", "no-unroll-loops", "no-tree-vectorize")))
#else
#define LOOP __attribute__((noinline))
#endif

typedef float float4 __attribute__((vector_size(16)));
typedef double double2 __attribute__((vector_size(16)));

LOOP static void empty(size_t n, char *buffer)
{
    (void)n;
    (void)buffer;
}

/* name: x = x OP y in every round */
#define ARITHMETIC(name, type, first, statement)                                                   \
    LOOP static void name(size_t n, char *buffer)                                                  \
    {                                                                                              \
        type x = first, y = first;                                                                 \
        (void)buffer;                                                                              \
        KEEP(y);                                                                                   \
        for (size_t i = 0; i < n; i++) {                                                           \
            KEEP(x);                                                                               \
            statement;                                                                             \
        }                                                                                          \
        KEEP(x);                                                                                   \
    }

ARITHMETIC(add_single, float, 1.0f, x = x + y)
ARITHMETIC(add_double, double, 1.0, x = x + y)
ARITHMETIC(multiply_single, float, 1.0f, x = x * y)
ARITHMETIC(multiply_double, double, 1.0, x = x * y)
ARITHMETIC(divide_single, float, 1.0f, x = x / y)
ARITHMETIC(divide_double, double, 1.0, x = x / y)
#define ONES4 ((float4){1.0f, 1.0f, 1.0f, 1.0f})
#define ONES2 ((double2){1.0, 1.0})
ARITHMETIC(add_4_singles, float4, ONES4, x = x + y)
ARITHMETIC(multiply_4_singles, float4, ONES4, x = x * y)
ARITHMETIC(add_2_doubles, double2, ONES2, x = x + y)
ARITHMETIC(divide_2_doubles, double2, ONES2, x = x / y)

/* Integers only. */
LOOP static void control(size_t n, char *buffer)
{
    uint64_t x = 1;
    (void)buffer;
    for (size_t i = 0; i < n; i++) {
        KEEP_INTEGER(x);
        x = x * 3 + 1;
    }
    KEEP_INTEGER(x);
}

/* A round is one line, eight words of eight bytes. */
enum { WORDS = 8 };

LOOP static void read_lines(size_t n, char *buffer)
{
    const volatile uint64_t *words = (const volatile uint64_t *)(void *)buffer;
    uint64_t sum = 0;
    for (size_t i = 0; i < n * WORDS; i++)
        sum += words[i];
    KEEP_INTEGER(sum);
}

LOOP static void write_lines(size_t n, char *buffer)
{
    volatile uint64_t *words = (volatile uint64_t *)(void *)buffer;
    for (size_t i = 0; i < n * WORDS; i++)
        words[i] = i;
}

/* Half of the rounds each. */
static void two_threads(size_t n, char *buffer)
{
#pragma omp parallel for num_threads(2) schedule(static, 1)
    for (int thread = 0; thread < 2; thread++)
        add_double(n / 2, buffer);
}

static bool has_two_threads(void)
{
    return omp_get_max_threads() >= 2;
}

#if defined(__x86_64__)
/* In the processor's own words: what the compiler makes of C is not certain here. */
LOOP static void root_double(size_t n, char *buffer)
{
    double x = 1.0;
    (void)buffer;
    for (size_t i = 0; i < n; i++)
        __asm__ volatile("sqrtsd %0, %0" : "+x"(x));
}

LOOP static void minimum_4_singles(size_t n, char *buffer)
{
    float4 x = ONES4;
    (void)buffer;
    for (size_t i = 0; i < n; i++)
        __asm__ volatile("minps %0, %0" : "+x"(x));
}

LOOP static void x87_add(size_t n, char *buffer)
{
    (void)buffer;
    __asm__ volatile("fld1" ::: "st");
    for (size_t i = 0; i < n; i++)
        __asm__ volatile("fadd %%st(0), %%st(0)\n\tfmuls %0" : : "m"(*(const float[]){0.5f}));
    __asm__ volatile("fstp %%st(0)" ::: "st");
}

LOOP __attribute__((target("avx"))) static void add_8_singles(size_t n, char *buffer)
{
    (void)buffer;
    __asm__ volatile("vxorps %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
    for (size_t i = 0; i < n; i++)
        __asm__ volatile("vaddps %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
    __asm__ volatile("vzeroupper" ::: "xmm0");
}

LOOP __attribute__((target("avx"))) static void fma_8_singles(size_t n, char *buffer)
{
    (void)buffer;
    __asm__ volatile("vxorps %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
    for (size_t i = 0; i < n; i++)
        __asm__ volatile("vfmadd231ps %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
    __asm__ volatile("vzeroupper" ::: "xmm0");
}

static bool has_avx(void)
{
    return __builtin_cpu_supports("avx");
}

static bool has_fma(void)
{
    return __builtin_cpu_supports("avx") && __builtin_cpu_supports("fma");
}
#endif

#define C(constant) FL_COUNT_##constant
enum { LINES = FL_CALIBRATE_BUFFER / 64, N = FL_CALIBRATE_ROUNDS };

/* clang-format off */
const struct fl_calibrate_kernel fl_calibrate_kernels[] = {
    {"empty", NULL, empty, 0, true, {{0}}},
    {"integers only", NULL, control, N, true, {{0}}},
    {"add, single", NULL, add_single, N, false,
     {{C(FLOPS), 1}, {C(ADD), 1}, {C(FLOPS_SINGLE), 1}, {C(FLOPS_SCALAR), 1}}},
    {"add, double", NULL, add_double, N, false,
     {{C(FLOPS), 1}, {C(ADD), 1}, {C(FLOPS_DOUBLE), 1}, {C(FLOPS_SCALAR), 1}}},
    {"multiply, single", NULL, multiply_single, N, false, {{C(FLOPS), 1}, {C(MUL), 1}}},
    {"multiply, double", NULL, multiply_double, N, false, {{C(FLOPS), 1}, {C(MUL), 1}}},
    {"divide, single", NULL, divide_single, N, false, {{C(FLOPS), 1}, {C(DIV), 1}}},
    {"divide, double", NULL, divide_double, N, false, {{C(FLOPS), 1}, {C(DIV), 1}}},
    {"add, 4 singles", NULL, add_4_singles, N, false,
     {{C(FLOPS), 4}, {C(ADD), 4}, {C(FLOPS_SINGLE), 4}, {C(FLOPS_128), 4}}},
    {"multiply, 4 singles", NULL, multiply_4_singles, N, false, {{C(FLOPS), 4}, {C(MUL), 4}}},
    {"add, 2 doubles", NULL, add_2_doubles, N, false,
     {{C(FLOPS), 2}, {C(ADD), 2}, {C(FLOPS_DOUBLE), 2}, {C(FLOPS_128), 2}}},
    {"divide, 2 doubles", NULL, divide_2_doubles, N, false, {{C(FLOPS), 2}, {C(DIV), 2}}},
#if defined(__x86_64__)
    {"square root, double", NULL, root_double, N, false, {{C(FLOPS), 1}, {C(SQRT), 1}}},
    {"add and multiply, x87", NULL, x87_add, N, false, {{C(FLOPS), 2}, {C(ADD), 1}, {C(MUL), 1}}},
    {"minimum, 4 singles", NULL, minimum_4_singles, N, true, {{C(MINMAX), 4}}},
    {"add, 8 singles", has_avx, add_8_singles, N, false,
     {{C(FLOPS), 8}, {C(ADD), 8}, {C(FLOPS_SINGLE), 8}, {C(FLOPS_256), 8}}},
    {"multiply-add, 8 singles", has_fma, fma_8_singles, N, false,
     {{C(FLOPS), 16}, {C(FMA), 8}, {C(FLOPS_SINGLE), 16}, {C(FLOPS_256), 16}}},
#endif
    {"add, double, two threads", has_two_threads, two_threads, N, false, {{C(FLOPS), 1}, {C(ADD), 1}}},
    {"read 1 MiB", NULL, read_lines, LINES, true, {{C(BYTES_LOADED), 64}, {C(LINES_READ), 1}}},
    {"write 1 MiB", NULL, write_lines, LINES, true, {{C(BYTES_STORED), 64}, {C(LINES_WRITTEN), 1}}},
};
/* clang-format on */
const int fl_calibrate_n_kernels = sizeof fl_calibrate_kernels / sizeof *fl_calibrate_kernels;
