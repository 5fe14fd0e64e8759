#include "tests/accuracy/micro_kernels.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

/* Registers start from 1.25, so that no chance value makes an operation slow. */
#define PROLOGUE                                                                                   \
    "movaps xmm0, [rsi]; movaps xmm1, xmm0; movaps xmm2, xmm0; movaps xmm3, xmm0;"                 \
    "movaps xmm4, xmm0; movaps xmm5, xmm0; movaps xmm6, xmm0; movaps xmm7, xmm0\n"

/* The code. Whole functions in assembly, so that no compiler, sanitizer or coverage tool adds to
 * what is written; the loop around the body is the same for all, the empty one included. */
#define K(name, group, needs, body, instructions, loaded, stored, ...)                             \
    void kernel_##name(uint64_t n, void *memory);                                                  \
    __asm__(".pushsection .text\n"                                                                 \
            ".type kernel_" #name ", @function\n"                                                  \
            "kernel_" #name ":\n"                                                                  \
            ".intel_syntax noprefix\n" PROLOGUE "9:\n" body "\n"                                   \
            "dec rdi\n"                                                                            \
            "jnz 9b\n"                                                                             \
            "ret\n"                                                                                \
            ".att_syntax prefix\n"                                                                 \
            ".size kernel_" #name ", . - kernel_" #name "\n"                                       \
            ".popsection\n");
#define KL K
#define KO K
#include "tests/accuracy/micro_table.h"
#undef K
#undef KL
#undef KO

/* ---- what takes more than a loop ---- */

enum { N_WORKERS = 2 };

struct job {
    uint64_t n;
    void *memory;
};

static void *work(void *argument)
{
    const struct job *job = argument;
    kernel_mulps(job->n, job->memory);
    return NULL;
}

/* The workers multiply while the calling thread adds. */
static void run_threads(uint64_t n, void *memory)
{
    pthread_t workers[N_WORKERS];
    struct job job = {n, memory};
    int n_started = 0;
    while (n_started < N_WORKERS && pthread_create(&workers[n_started], NULL, work, &job) == 0)
        n_started++;
    kernel_addps(n, memory);
    for (int i = 0; i < n_started; i++)
        pthread_join(workers[i], NULL);
}

static void descend(int depth, void *memory)
{
    kernel_addsd(1, memory);
    if (depth > 1)
        descend(depth - 1, memory);
    kernel_mulsd(1, memory);
}

enum { DEPTH = 8 };

static void run_recursion(uint64_t n, void *memory)
{
    for (uint64_t i = 0; i < n; i++)
        descend(DEPTH, memory);
}

static void *handler_memory;

static void handle(int sig)
{
    (void)sig;
    kernel_mulss(1, handler_memory);
}

/* A handler computes between two computations of what it interrupts. */
static void run_signal(uint64_t n, void *memory)
{
    struct sigaction action = {.sa_handler = handle}, before;
    handler_memory = memory;
    sigaction(SIGUSR1, &action, &before);
    for (uint64_t i = 0; i < n; i++) {
        kernel_addss(1, memory);
        raise(SIGUSR1);
        kernel_addss(1, memory);
    }
    sigaction(SIGUSR1, &before, NULL);
}

__attribute__((noreturn, noinline)) static void leap(void *memory, jmp_buf home)
{
    kernel_addsd(DEPTH, memory);
    longjmp(home, 1);
}

static void run_longjmp(uint64_t n, void *memory)
{
    for (volatile uint64_t i = 0; i < n; i++) {
        jmp_buf home;
        if (setjmp(home) == 0)
            leap(memory, home);
        kernel_mulsd(1, memory);
    }
}

/* Insertion sort: much work, not one floating-point operation. */
static void run_sort(uint64_t n, void *memory)
{
    enum { N_SORTED = 12 };
    int *values = (int *)((char *)memory + 1024);
    for (uint64_t round = 0; round < n; round++) {
        for (int i = 0; i < N_SORTED; i++)
            values[i] = (int)((uint64_t)(i + 1) * (round + 7919) % 101);
        for (int i = 1; i < N_SORTED; i++)
            for (int j = i; j > 0 && values[j - 1] > values[j]; j--) {
                int other = values[j];
                values[j] = values[j - 1];
                values[j - 1] = other;
            }
    }
}

/* ---- what they do ---- */

#define N_OPS(op, precision, width, n)                                                             \
    {                                                                                              \
        FLOPGRIND_OP_##op, FLOPGRIND_##precision, FLOPGRIND_##width, n                             \
    }
#define H(op, width, n) N_OPS(op, HALF, width, n)
#define S(op, width, n) N_OPS(op, SINGLE, width, n)
#define D(op, width, n) N_OPS(op, DOUBLE, width, n)
#define X(op, n)        N_OPS(op, EXTENDED, SCALAR, n)
#define NONE                                                                                       \
    {                                                                                              \
        0                                                                                          \
    }
#define ANY -1
#define ROW(name, group, needs, ops, instructions, loaded, stored, read, written, where)           \
    {#name, group, needs, kernel_##name, ops, instructions, loaded, stored, read, written, where},
#define OPS(...)                                                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define K(name, group, needs, body, instructions, loaded, stored, ...)                             \
    ROW(name, group, needs, OPS(__VA_ARGS__), instructions, loaded, stored, 0, 0, MICRO_ANYWHERE)
#define KO(name, group, needs, body, instructions, loaded, stored, ...)                            \
    ROW(name, group, needs, OPS(__VA_ARGS__), instructions, loaded, stored, 0, 0,                  \
        MICRO_BYTES_BY_ORACLE)
#define KL(name, group, needs, body, instructions, loaded, stored, read, written)                  \
    ROW(name, group, needs, OPS(NONE), instructions, loaded, stored, read, written, MICRO_ANYWHERE)
/* C code: what it does besides its operations is the compiler's affair. */
#define C(name, where, ...)                                                                        \
    {                                                                                              \
#name, "flow", NULL, run_##name, {__VA_ARGS__ }, ANY, ANY, ANY, 0, 0, where                \
    }

const struct micro_kernel micro_kernels[] = {
#include "tests/accuracy/micro_table.h"
    C(threads, MICRO_BY_FLOPGRIND, S(ADD, 128, 8), S(MUL, 128, 8 * N_WORKERS)),
    C(recursion, MICRO_ANYWHERE, D(ADD, SCALAR, 2 * DEPTH), D(MUL, SCALAR, 2 * DEPTH)),
    C(signal, MICRO_ANYWHERE, S(ADD, SCALAR, 4), S(MUL, SCALAR, 2)),
    C(longjmp, MICRO_ANYWHERE, D(ADD, SCALAR, 2 * DEPTH), D(MUL, SCALAR, 2)),
    C(sort, MICRO_ANYWHERE, NONE),
    {.name = NULL},
};

bool micro_supported(const struct micro_kernel *kernel)
{
#define FEATURE(name) (strcmp(kernel->needs, name) == 0 && __builtin_cpu_supports(name))
    return !kernel->needs || FEATURE("sse3") || FEATURE("avx") || FEATURE("avx2") ||
           FEATURE("fma") || FEATURE("f16c") || FEATURE("avx512f") ||
           (strcmp(kernel->needs, "sse4_1") == 0 && __builtin_cpu_supports("sse4.1"));
#undef FEATURE
}

void micro_reset(void *memory)
{
    static const float SINGLE = 1.25f;
    static const double DOUBLE = 1.25;
    static const long double EXTENDED = 1.25L;
    static const int TABLE[5] = {1, 1, 1, 1, 0};
    static const int32_t MASKS[8] = {-1, 0, -1, 0, -1, -1, 0, 0};
    static const int64_t LONG_MASKS[4] = {-1, 0, -1, -1};
    static const int64_t TWO = 2;
    unsigned char *bytes = memory;
    memset(bytes, 0, MICRO_MEMORY_BYTES);
    for (size_t i = 0; i < 64; i++)
        memcpy(bytes + i * sizeof SINGLE, &SINGLE, sizeof SINGLE);
    for (size_t i = 0; i < 32; i++)
        memcpy(bytes + 256 + i * sizeof DOUBLE, &DOUBLE, sizeof DOUBLE);
    memcpy(bytes + 512, TABLE, sizeof TABLE);
    memcpy(bytes + 576, MASKS, sizeof MASKS);
    memcpy(bytes + 608, LONG_MASKS, sizeof LONG_MASKS);
    for (int32_t i = 0; i < 8; i++)
        memcpy(bytes + 640 + (size_t)i * sizeof i, &i, sizeof i);
    memcpy(bytes + 704, &EXTENDED, 10);
    memcpy(bytes + 720, &TWO, sizeof TWO);
}

struct flopgrind_counts micro_expected(const struct micro_kernel *kernel, uint64_t n)
{
    struct flopgrind_counts counts = {0};
    for (int i = 0; i < MICRO_OPS && kernel->ops[i].n; i++)
        counts.ops[kernel->ops[i].op][kernel->ops[i].precision][kernel->ops[i].width] +=
            n * (uint64_t)kernel->ops[i].n;
    if (kernel->instructions >= 0)
        counts.instructions = n * (uint64_t)kernel->instructions;
    if (kernel->bytes_loaded >= 0) {
        counts.bytes_loaded = n * (uint64_t)kernel->bytes_loaded;
        counts.bytes_stored = n * (uint64_t)kernel->bytes_stored;
    }
    counts.lines_read = (uint64_t)kernel->lines_read;
    counts.lines_written = (uint64_t)kernel->lines_written;
    return counts;
}
