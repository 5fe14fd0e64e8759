/* bench_peaks.c - whether the ceilings of `flopledger peaks` are those that others find.
 *
 *   gemm     against a bare loop over cblas_sgemm of the same size
 *   streams  against a plain loop in C over memory of its own, of the same size
 *            or, with --likwid, against likwid-bench (https://github.com/RRZE-HPC/likwid): load,
 *            store, copy and stream, with as many threads, bytes and about as much time
 *
 * The two sides take turns, the first alternating, so that both see the same machine; compared are
 * the upper quartiles of their rates, as ceilings are (analyzers/roofline.h). Both count bytes as
 * STREAM does. likwid pins its threads, to the processors that this one may use: leave
 * OMP_PROC_BIND alone, and set OMP_WAIT_POLICY=passive, so that ours do not spin beside them. Our
 * memory asks for huge pages, and so, by glibc's tunable, does likwid's. */
#include "analyzers/roofline.h"
#include "analyzers/statistics.h"
#include "base/arena.h"
#include "base/cli.h"
#include "base/threads.h"
#include "bench/cache_levels.h"
#include "bench/peak_probes.h"
#include "ledger/ledger.h"
#include "ops/simd/simd.h"

#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPS_MAX = 200, GEMM_SIZE = 1024 };

struct settings {
    int64_t n_threads, n_reps, sample_ms;
    bool likwid, check;
    const char *only; /* names that begin with it; NULL: all */
};

/* What is compared: a probe, and the same done by others. rate: work per second of n_rounds. */
struct side {
    struct fl_probe_bench *bench;
    struct fl_probe probe;
    uint64_t n_rounds;
    float *arrays[3]; /* the plain loop's, of all threads */
    uint64_t bytes;   /* a pass of all threads moves */
};

static double ours(const struct side *side)
{
    const double work = (double)fl_probe_work(side->bench, &side->probe, side->n_rounds);
    return work / ((double)fl_probe_run(side->bench, &side->probe, side->n_rounds).whole_ns * 1e-9);
}

/* ---- the others ---- */

static double bare_gemm(const struct side *side)
{
    const int n = side->bench->gemm_size;
    const uint64_t started = fl_clock_ns();
    for (uint64_t i = 0; i < side->n_rounds; i++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, 1.0f, side->bench->a, n,
                    side->bench->b, n, 0.0f, side->bench->c, n);
    return 2.0 * n * n * n * (double)side->n_rounds / ((double)(fl_clock_ns() - started) * 1e-9);
}

/* For the widest vectors, but no memcpy(), whose stores pass the caches. */
#ifdef __x86_64__
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
__attribute__((optimize("O3", "no-tree-loop-distribute-patterns"))) static void
copy_plain(float *restrict a, const float *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] = b[i];
}

static double plain_copy(const struct side *side)
{
    const size_t n = side->probe.n_floats;
    const uint64_t started = fl_clock_ns();
#pragma omp parallel num_threads(side->bench->n_threads)
    {
        const size_t first = (size_t)omp_get_thread_num() * n;
        for (uint64_t i = 0; i < side->n_rounds; i++)
            copy_plain(side->arrays[0] + first, side->arrays[1] + first, n);
    }
    return (double)(side->bytes * side->n_rounds) / ((double)(fl_clock_ns() - started) * 1e-9);
}

/* 0: it could not be run. */
static double likwid(const struct side *side)
{
    static const char *const KERNELS[] = {"load", "store", "copy", "stream"};
    const char *isa = fl_simd_name();
    const char *suffix = strcmp(isa, "avx512") == 0 ? "_avx512"
                         : strcmp(isa, "avx2") == 0 ? "_avx"
                                                    : "_sse";
    const char *fused =
        side->probe.stream == FL_STREAM_TRIAD && strcmp(suffix, "_sse") != 0 ? "_fma" : "";
    char command[256], line[256];
    double rate = 0;
    snprintf(command, sizeof command, "likwid-bench -t %s%s%s -w S0:%lluB:%d -i %llu 2>/dev/null",
             KERNELS[side->probe.stream], suffix, fused, (unsigned long long)side->bytes,
             side->bench->n_threads, (unsigned long long)side->n_rounds);
    FILE *pipe = popen(command, "r"); /* nothing of it comes from outside */
    while (pipe && fgets(line, sizeof line, pipe))
        if (sscanf(line, "MByte/s: %lf", &rate) == 1)
            rate *= 1e6;
    if (pipe)
        pclose(pipe);
    return rate;
}

/* ---- comparing ---- */

static double upper_quartile(double *rates, size_t n)
{
    fl_sort(rates, n);
    return fl_quantile_sorted(rates, n, 0.75);
}

/* Prints a row; false when the ceilings differ by more than a twentieth. */
static bool compare(const char *name, const char *with, const char *unit, struct side *side,
                    double (*other)(const struct side *side), const struct settings *settings)
{
    static double a[REPS_MAX], b[REPS_MAX];
    const size_t n = (size_t)settings->n_reps;
    if (settings->only && strncmp(name, settings->only, strlen(settings->only)) != 0)
        return true;
    fl_probe_warm(side->bench, &side->probe);
    side->n_rounds = 1;
    double time_ns = (double)fl_probe_run(side->bench, &side->probe, 1).shortest_ns;
    while (time_ns < 1e6 * (double)settings->sample_ms) {
        const double more = 1e6 * (double)settings->sample_ms / time_ns;
        side->n_rounds = (uint64_t)((double)side->n_rounds * (more > 8 ? 8 : more)) + 1;
        time_ns = (double)fl_probe_run(side->bench, &side->probe, side->n_rounds).shortest_ns;
    }
    for (size_t i = 0; i < n; i++) {
        if (i % 2 == 0)
            a[i] = ours(side);
        b[i] = other(side);
        if (i % 2 != 0)
            a[i] = ours(side);
    }
    const double own = upper_quartile(a, n), others = upper_quartile(b, n);
    if (others <= 0) {
        printf("%-12s %-14s could not be run\n", name, with);
        return false;
    }
    const bool holds = own >= 0.95 * others && own <= 1.05 * others;
    printf("%-12s %-14s %9.2f %9.2f %-8s %7.3f   best %9.2f %9.2f  %7.3f   %s\n", name, with,
           own * 1e-9, others * 1e-9, unit, own / others, a[n - 1] * 1e-9, b[n - 1] * 1e-9,
           a[n - 1] / b[n - 1], holds ? "within 5 %" : "APART");
    fflush(stdout);
    return holds;
}

static bool compare_stream(struct fl_probe_bench *bench, const struct fl_cache_levels *caches,
                           int level, enum fl_stream stream, const struct settings *settings)
{
    const bool is_cache = level < caches->n_levels;
    const uint64_t bytes = fl_cache_working_set(caches, level, bench->n_threads, 2);
    struct side side = {.bench = bench,
                        .probe = {.kind = FL_PROBE_STREAM,
                                  .kernels = fl_peak_kernels(fl_simd_name()),
                                  .stream = stream,
                                  .n_floats = fl_probe_stream_floats(stream, bytes)}};
    char name[32];
    struct fl_arena arena = {0};
    struct fl_error error;
    side.bytes = fl_probe_work(bench, &side.probe, 1);
    if (bytes == 0)
        return true;
    snprintf(name, sizeof name, "%s %s", fl_memory_level_names[is_cache ? level : FL_LEVEL_DRAM],
             fl_stream_names[stream]);
    if (settings->likwid)
        return compare(name, "likwid-bench", "GB/s", &side, likwid, settings);
    if (stream != FL_STREAM_COPY)
        return true;
    const size_t n = side.probe.n_floats * (size_t)bench->n_threads;
    if (fl_arena_open(&arena, 2 * (n + 272) * sizeof(float), "the plain loop", &error) != FL_OK)
        return false;
    side.arrays[0] = fl_arena_floats(&arena, n + 272); /* apart as those of the probes */
    side.arrays[1] = fl_arena_floats(&arena, n);
    memset(arena.base, 0, arena.size);
    const bool holds = compare(name, "plain loop", "GB/s", &side, plain_copy, settings);
    fl_arena_close(&arena);
    return holds;
}

static int run(const struct settings *settings, struct fl_error *error)
{
    struct fl_cache_levels caches;
    struct fl_probe_bench bench;
    fl_cache_levels_read(&caches, "", fl_usable_cores());
    const int n_threads = (int)settings->n_threads;
    if (fl_probe_bench_open(&bench, n_threads,
                            fl_cache_working_set(&caches, caches.n_levels, n_threads, 2), GEMM_SIZE,
                            error) != FL_OK)
        return FL_FAILED;
    printf("%d threads, %s, OpenBLAS %s; upper quartiles of %d\n\n%-12s %-14s %9s %9s %-8s %7s\n",
           n_threads, fl_simd_name(), openblas_get_corename(), (int)settings->n_reps, "what",
           "against", "peaks", "other", "", "ratio");
    struct side gemm = {.bench = &bench, .probe = {.kind = FL_PROBE_GEMM}};
    bool holds = compare("gemm f32", "cblas_sgemm", "GFLOP/s", &gemm, bare_gemm, settings);
    for (int level = 0; level <= caches.n_levels; level++)
        for (int stream = 0; stream < FL_N_STREAMS; stream++)
            holds =
                compare_stream(&bench, &caches, level, (enum fl_stream)stream, settings) && holds;
    fl_probe_bench_close(&bench);
    return holds || !settings->check
               ? FL_OK
               : fl_fail(error, "ceilings differ from the others by more than 5 %%");
}

static const struct fl_command COMMAND = {
    .name = "bench_peaks",
    .summary = "hold the ceilings of `flopledger peaks` against those that others find",
    .usage = "[options]",
    .examples = "  bench_peaks\n"
                "  OMP_WAIT_POLICY=passive bench_peaks --likwid\n",
};

int main(int argc, char **argv)
{
    struct settings settings = {.n_threads = fl_default_threads(), .n_reps = 31, .sample_ms = 200};
    const struct fl_option options[] = {
        {NULL, "threads", 't', FL_OPTION_INT, &settings.n_threads, "N", "threads",
         "$OMP_NUM_THREADS, else all cores", 1, 1024, NULL},
        {NULL, "reps", 'r', FL_OPTION_INT, &settings.n_reps, "N", "samples of each side", "31", 1,
         REPS_MAX, NULL},
        {NULL, "sample", 0, FL_OPTION_INT, &settings.sample_ms, "MS",
         "least time of a sample; short ones see likwid's caches still cold", "200", 1, 10000,
         NULL},
        {NULL, "likwid", 0, FL_OPTION_FLAG, &settings.likwid, NULL,
         "streams against likwid-bench (Debian: likwid)", NULL, 0, 0, NULL},
        {NULL, "only", 0, FL_OPTION_STRING, &settings.only, "NAME",
         "what begins with this: gemm, L1, 'L2 read'", NULL, 0, 0, NULL},
        {NULL, "check", 0, FL_OPTION_FLAG, &settings.check, NULL,
         "exit with 1 where they differ by more than 5 %", NULL, 0, 0, NULL},
        {.name = NULL},
    };
    int first;
    struct fl_error error;
    const enum fl_cli_outcome outcome = fl_cli_parse(&COMMAND, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1); /* for likwid: see above */
    if (run(&settings, &error) != FL_OK)
        return fl_cli_failed(&COMMAND, &error);
    return fl_cli_finish(&COMMAND, FL_EXIT_DONE);
}
