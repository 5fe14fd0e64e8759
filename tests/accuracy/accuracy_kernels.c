/* accuracy_kernels - kernels to try counters on: short ones of known work, and those of libraries.
 *
 * usage: accuracy_kernels [--repeat N] CASE[, CASE]...
 *        accuracy_kernels [--repeat N] --list
 *   CASE      a micro-kernel, a group of them (scalar, sse, avx, fma, avx512, x87, memory, flow),
 * `all` of them, `nested`; or a library kernel with its sizes, as in accuracy_kernels sgemm 16 16
 * 16, sdot 100
 *   --repeat  of micro-kernels and library kernels; 100 and 1
 *   --list    micro-kernels as JSON, with what N repetitions of them do
 *
 * Under flopgrind, and alone, results go to standard output as JSON, one object a case; under the
 * oracle it is the oracle that prints. A library kernel runs once before it is counted, so that
 * tables are filled, buffers are there and functions are bound. */
#include "counters/flopgrind.h"
#include "ops/simd/simd.h"
#include "tests/accuracy/library_kernels.h"
#include "tests/accuracy/micro_kernels.h"
#include "tests/accuracy/op_counts.h"
#include "tests/accuracy/oracle_marks.h"

#include <cblas.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_WORDS = 1024, MICRO_REPEAT = 100, LIBRARY_REPEAT = 1 };

struct session {
    uint64_t repeat; /* 0: the default of each kind */
    bool flopgrind, oracle;
    void *memory;
    cJSON *kernels;
};

static uint64_t repeat_or(const struct session *session, uint64_t otherwise)
{
    return session->repeat ? session->repeat : otherwise;
}

/* ---- stretches ---- */

static void begin(const struct session *session, const char *name)
{
    if (session->oracle)
        oracle_begin(name);
    else
        FLOPGRIND_ENTER(name);
}

static void end(const struct session *session, struct flopgrind_counts *counts)
{
    if (session->oracle)
        oracle_end();
    else
        FLOPGRIND_LEAVE_INTO(counts);
}

static cJSON *add_result(struct session *session, const char *name)
{
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "name", name);
    cJSON_AddItemToArray(session->kernels, result);
    return result;
}

static void add_counts(struct session *session, cJSON *result,
                       const struct flopgrind_counts *counts)
{
    if (session->flopgrind)
        cJSON_AddItemToObject(result, "counts", op_counts_to_json(counts));
}

/* Processor time, because the machine may have other things to do: of all threads. */
static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- cases ---- */

static void run_micro(struct session *session, const struct micro_kernel *kernel)
{
    cJSON *result = add_result(session, kernel->name);
    if (!micro_supported(kernel)) {
        cJSON_AddStringToObject(result, "lacks", kernel->needs);
        return;
    }
    uint64_t n = repeat_or(session, MICRO_REPEAT);
    struct flopgrind_counts counts = {0};
    micro_reset(session->memory);
    double start = cpu_seconds();
    begin(session, kernel->name);
    kernel->run(n, session->memory);
    end(session, &counts);
    double seconds = cpu_seconds() - start;
    cJSON_AddNumberToObject(result, "cpu_seconds", seconds);
    add_counts(session, result, &counts);
}

/* A group's name, or a kernel's, or "all". The empty kernel belongs to every run. */
static bool run_micros(struct session *session, const char *word)
{
    bool found = false;
    for (const struct micro_kernel *kernel = micro_kernels; kernel->name; kernel++)
        found |= strcmp(word, "all") == 0 || strcmp(word, kernel->group) == 0 ||
                 strcmp(word, kernel->name) == 0;
    for (const struct micro_kernel *kernel = micro_kernels; found && kernel->name; kernel++) {
        bool wanted = kernel == micro_kernels || strcmp(word, "all") == 0 ||
                      strcmp(word, kernel->group) == 0 || strcmp(word, kernel->name) == 0;
        if (wanted && !(session->oracle && kernel->where == MICRO_BY_FLOPGRIND))
            run_micro(session, kernel);
    }
    return found;
}

/* Twice n additions outside, n multiplications inside, of four lanes twice each. */
static void run_nested(struct session *session)
{
    uint64_t n = repeat_or(session, MICRO_REPEAT);
    struct flopgrind_counts outer = {0}, inner = {0};
    const struct micro_kernel *add = micro_kernels, *multiply = micro_kernels;
    while (strcmp(add->name, "addps") != 0)
        add++;
    while (strcmp(multiply->name, "mulps") != 0)
        multiply++;
    micro_reset(session->memory);
    begin(session, "nested outer");
    add->run(n, session->memory);
    begin(session, "nested inner");
    multiply->run(n, session->memory);
    end(session, &inner);
    add->run(n, session->memory);
    end(session, &outer);
    add_counts(session, add_result(session, "nested inner"), &inner);
    add_counts(session, add_result(session, "nested outer"), &outer);
}

static bool run_library(struct session *session, const char *const *words, int n_words)
{
    struct library_case lib;
    if (!library_open(&lib, words, n_words))
        return false;
    char name[128] = "";
    size_t used = 0;
    for (int i = 0; i < n_words && used < sizeof name; i++)
        used += (size_t)snprintf(name + used, sizeof name - used, "%s%s", i ? " " : "", words[i]);

    struct flopgrind_counts counts = {0};
    library_reset(&lib);
    library_run(&lib);
    library_reset(&lib);
    double start = cpu_seconds();
    begin(session, name);
    for (uint64_t i = repeat_or(session, LIBRARY_REPEAT); i > 0; i--)
        library_run(&lib);
    end(session, &counts);
    double seconds = cpu_seconds() - start;
    cJSON *result = add_result(session, name);
    cJSON_AddNumberToObject(result, "cpu_seconds", seconds);
    add_counts(session, result, &counts);
    library_close(&lib);
    return true;
}

static bool run_case(struct session *session, const char *const *words, int n_words)
{
    if (n_words == 1 && strcmp(words[0], "nested") == 0) {
        run_nested(session);
        return true;
    }
    if (n_words == 1 && run_micros(session, words[0]))
        return true;
    return run_library(session, words, n_words);
}

/* Cuts the arguments, joined by spaces, into words, and these into cases at the commas. */
static bool run_cases(struct session *session, char **arguments, int n_arguments)
{
    const char *words[MOST_WORDS];
    int n_words = 0;
    for (int i = 0; i < n_arguments; i++) {
        char *rest = arguments[i], *word;
        while ((word = strsep(&rest, " ")) != NULL) {
            size_t length = strlen(word);
            bool last = length > 0 && word[length - 1] == ',';
            if (last)
                word[--length] = '\0';
            if (length > 0 && n_words < MOST_WORDS)
                words[n_words++] = word;
            if (last && n_words > 0) {
                if (!run_case(session, words, n_words))
                    return false;
                n_words = 0;
            }
        }
    }
    return n_words == 0 || run_case(session, words, n_words);
}

/* ---- output ---- */

static void list(struct session *session)
{
    for (const struct micro_kernel *kernel = micro_kernels; kernel->name; kernel++) {
        struct flopgrind_counts counts = micro_expected(kernel, repeat_or(session, MICRO_REPEAT));
        cJSON *result = add_result(session, kernel->name);
        cJSON_AddStringToObject(result, "group", kernel->group);
        cJSON_AddItemToObject(result, "counts", op_counts_to_json(&counts));
        cJSON_AddBoolToObject(result, "knows_instructions", kernel->instructions >= 0);
        cJSON_AddBoolToObject(result, "knows_bytes", kernel->bytes_loaded >= 0);
        cJSON_AddNumberToObject(result, "where", kernel->where);
        cJSON_AddBoolToObject(result, "supported", micro_supported(kernel));
    }
}

static void print(const struct session *session)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "blas_core", openblas_get_corename());
    cJSON_AddItemReferenceToObject(root, "kernels", session->kernels);
    char *text = cJSON_Print(root);
    puts(text ? text : "");
    cJSON_free(text);
    cJSON_Delete(root);
}

static int usage(FILE *stream, int status)
{
    fprintf(stream,
            "usage: accuracy_kernels [--repeat N] CASE[, CASE]...\n"
            "       accuracy_kernels [--repeat N] --list\n\n"
            "cases: all, control, scalar, sse, avx, fma, avx512, x87, memory, flow, nested,\n"
            "a name that --list shows, or\n");
    library_usage(stream);
    return status;
}

static bool read_repeat(struct session *session, const char *text)
{
    char *rest;
    errno = 0;
    long long n = strtoll(text, &rest, 10);
    if (errno || *rest || rest == text || n < 1) {
        fprintf(stderr, "accuracy_kernels: --repeat %s: expected a number from 1\n", text);
        return false;
    }
    session->repeat = (uint64_t)n;
    return true;
}

static int run(struct session *session, char **arguments, int n_arguments)
{
    if (strcmp(arguments[0], "--list") == 0)
        list(session);
    else if (!run_cases(session, arguments, n_arguments))
        return 1;
    if (!session->oracle)
        print(session);
    return 0;
}

int main(int argc, char **argv)
{
    int next = 1;
    struct session session = {.oracle = oracle_traces()};
    if (argc > 2 && strcmp(argv[1], "--repeat") == 0) {
        if (!read_repeat(&session, argv[2]))
            return 2;
        next = 3;
    }
    if (next < argc && strcmp(argv[next], "--help") == 0)
        return usage(stdout, 0);
    if (next >= argc)
        return usage(stderr, 2);
    session.flopgrind = !session.oracle && FLOPGRIND_RUNNING();
    session.memory = aligned_alloc(4096, MICRO_MEMORY_BYTES);
    session.kernels = cJSON_CreateArray();
    fl_simd(); /* chooses now: searching the environment takes as long as there are variables in it
                */
    int status = 1;
    if (session.memory)
        status = run(&session, argv + next, argc - next);
    cJSON_Delete(session.kernels);
    free(session.memory);
    return status;
}
