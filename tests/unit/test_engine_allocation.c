/* The decode loop allocates nothing: neither the engine nor the libraries below it. Every way to
 * get memory is interposed here and counted while `counting`; the sanitizers interpose them too,
 * so the test is skipped there. */
#include "engine_harness.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__

Test(engine_allocation, decode_loop_allocates_nothing)
{
    fprintf(stderr, "skipped: the address sanitizer has its own allocator\n");
    cr_skip("the address sanitizer has its own allocator");
}

#else

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc's own entry points, which stay reachable behind the interposed ones. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_bool counting;
static atomic_ulong n_allocations;

static void note(void)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed))
        atomic_fetch_add(&n_allocations, 1);
}

void *malloc(size_t size)
{
    note();
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    note();
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    note();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    note();
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    note();
    return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset); // NOLINT
}

static void forward(struct fl_session *session, const int *tokens, int n_tokens)
{
    struct fl_error error;
    cr_assert(fl_session_forward(session, tokens, n_tokens, FL_LOGITS_LAST, &error) == FL_OK, "%s",
              error.text);
}

/* The counter itself is tried first: an allocation must move it. */
Test(engine_allocation, counter_counts)
{
    atomic_store(&counting, true);
    void *volatile piece = malloc(100);
    free(piece);
    piece = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    atomic_store(&counting, false);
    cr_assert(piece != MAP_FAILED);
    munmap(piece, 4096);
    cr_expect_eq(atomic_load(&n_allocations), 2);
}

/* Large enough that OpenBLAS uses its buffers and both threads. */
static struct fl_config wide_config(enum fl_arch arch)
{
    struct fl_config config = harness_config(arch == FL_ARCH_GPT2 ? 1 : 2);
    cr_assert_eq(config.arch, arch);
    config.n_heads = config.n_kv_heads = 4;
    config.head_dim = 64;
    config.d_model = 256;
    config.d_ff = 1024;
    config.vocab_size = 2000;
    return config;
}

/* Of a few rounds of one prefill and some steps, the smallest number of allocations. The first
 * rounds are warm-up: OpenBLAS maps a work area when a thread first needs one at the same time as
 * another. What allocates at every step shows in every round. */
static unsigned long fewest_allocations(struct fl_session *session, const int *tokens, int n_prompt)
{
    enum { N_ROUNDS = 6, N_STEPS = 16 };
    unsigned long fewest = ULONG_MAX;
    for (int round = 0; round < N_ROUNDS; round++) {
        atomic_store(&n_allocations, 0);
        atomic_store(&counting, true);
        fl_session_truncate(session, 0);
        forward(session, tokens, n_prompt);
        for (int step = 0; step < N_STEPS; step++)
            forward(session, tokens, 1);
        atomic_store(&counting, false);
        const unsigned long n = atomic_load(&n_allocations);
        fewest = n < fewest ? n : fewest;
    }
    return fewest;
}

Test(engine_allocation, decode_loop_allocates_nothing)
{
    static const enum fl_arch ARCHS[] = {FL_ARCH_GPT2, FL_ARCH_LLAMA};
    enum { N_PROMPT = 12 };
    for (int i = 0; i < 2; i++)
        for (int n_threads = 1; n_threads <= 2; n_threads++) {
            const struct fl_config config = wide_config(ARCHS[i]);
            struct fl_model model;
            struct fl_error error;
            cr_assert(fl_model_random(&model, &config, 1, &error) == FL_OK, "%s", error.text);
            struct fl_session *session = harness_session(
                &model, &(struct fl_session_options){.n_seqs = 2,
                                                     .attention = FL_ATTENTION_CAUSAL,
                                                     .logits = FL_LOGITS_LAST,
                                                     .n_threads = n_threads});
            static const int TOKENS[2 * N_PROMPT];
            const unsigned long n = fewest_allocations(session, TOKENS, N_PROMPT);
            cr_expect_eq(n, 0, "%s, %d threads: %lu allocations", config.name, n_threads, n);
            fl_session_close(session);
            fl_model_close(&model);
        }
}

#endif
