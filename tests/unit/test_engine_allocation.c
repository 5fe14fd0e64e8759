/* The decode loop allocates nothing: neither the engine nor the libraries below it. Every way to
 * get memory is interposed here and counted while `counting`; the sanitizers interpose them too,
 * so the test is skipped there. */
#include "engine/generation.h"
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

/* Counts from the third token to the last but one; what the loop does between two tokens is all
 * there. */
static void count_tokens(void *context, int prompt, int id)
{
    int *n_tokens = context;
    (void)prompt;
    (void)id;
    ++*n_tokens;
    if (*n_tokens == 3)
        atomic_store(&counting, true);
    else if (*n_tokens == 30)
        atomic_store(&counting, false);
}

static void ignore_text(void *context, int prompt, const char *text, size_t length)
{
    (void)context;
    (void)prompt;
    (void)text;
    (void)length;
}

/* Every step of the logits, text and stop texts, and two sequences that differ in length. */
Test(engine_allocation, sampling_and_stops_allocate_nothing)
{
    static const char *const STOPS[] = {"never", "\n\n\n\n\n\n"};
    static const int IDS[] = {1, 2, 3, 4, 5};
    const struct fl_prompt prompts[] = {{IDS, 5}, {IDS, 2}};
    struct fl_model model;
    struct fl_tokenizer *tokenizer;
    struct fl_error error;
    harness_model(&model, "llama-nano");
    cr_assert_eq(fl_tokenizer_open(&tokenizer, "llama-nano", NULL, 256, &error), FL_OK);
    unsigned long fewest = ULONG_MAX;
    for (int round = 0; round < 4; round++) {
        int n_tokens = 0;
        const struct fl_generator_options options = {
            .sampling = {0.9, 50, 0.95, 0.01, 1.1, 0.1, 0.1, 0, 3, 7},
            .n_new_max = 20,
            .stop_texts = STOPS,
            .n_stop_texts = 2,
            .n_threads = 1,
            .tokenizer = tokenizer,
            .sink = {&n_tokens, count_tokens, ignore_text},
        };
        struct fl_generator *generator;
        cr_assert(fl_generator_open(&generator, &model, prompts, 2, &options, &error) == FL_OK,
                  "%s", error.text);
        atomic_store(&n_allocations, 0);
        cr_assert(fl_generator_run(generator, &error) == FL_OK, "%s", error.text);
        atomic_store(&counting, false);
        cr_assert_geq(n_tokens, 30);
        const unsigned long n = atomic_load(&n_allocations);
        fewest = n < fewest ? n : fewest;
        fl_generator_close(generator);
    }
    cr_expect_eq(fewest, 0, "%lu allocations", fewest);
    fl_tokenizer_close(tokenizer);
    fl_model_close(&model);
}

/* The whole run of a search, forks included; what opening reserves comes before. */
Test(engine_allocation, beam_search_allocates_nothing)
{
    static const int IDS[] = {1, 2, 3, 4, 5};
    const struct fl_prompt prompt = {IDS, 5};
    struct fl_model model;
    struct fl_error error;
    harness_model(&model, "gpt2-nano");
    unsigned long fewest = ULONG_MAX;
    for (int round = 0; round < 4; round++) {
        const struct fl_generator_options options = {
            .sampling = fl_sampling_default, .n_new_max = 20, .n_beams = 4, .n_threads = 1};
        struct fl_generator *generator;
        cr_assert(fl_generator_open(&generator, &model, &prompt, 1, &options, &error) == FL_OK,
                  "%s", error.text);
        atomic_store(&n_allocations, 0);
        atomic_store(&counting, true);
        const int status = fl_generator_run(generator, &error);
        atomic_store(&counting, false);
        cr_assert(status == FL_OK, "%s", error.text);
        const unsigned long n = atomic_load(&n_allocations);
        fewest = n < fewest ? n : fewest;
        fl_generator_close(generator);
    }
    cr_expect_eq(fewest, 0, "%lu allocations", fewest);
    fl_model_close(&model);
}

#endif
