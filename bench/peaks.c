#include "bench/peaks.h"

#include "analyzers/roofline.h"
#include "analyzers/statistics.h"
#include "base/progress.h"
#include "base/version.h"
#include "bench/peak_probes.h"
#include "ledger/ledger.h"
#include "ops/simd/simd.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How thoroughly ceilings are measured. DRAM's working set is llc_times the last-level caches;
 * STREAM asks for 4 (an array of it for each). */
struct effort {
    int n_visits;
    int n_min, n_max;  /* samples of one ceiling; n_min are taken even when time is up */
    double sample_ns;  /* a sample takes at least this */
    double visit_ns;   /* time is up after this */
    double half_width; /* of the median's notch, relative: then it is known well enough */
    int gemm_size, llc_times;
};
static const struct effort THOROUGH = {2, 10, 40, 10e6, 1.2e9, 0.01, 2048, 4};
static const struct effort QUICK = {1, 3, 9, 3e6, 0.15e9, 0.02, 1024, 2};
_Static_assert(FL_CEILING_SAMPLES_MAX >= 40, "room for n_max samples");

/* Ceilings of one number of threads: instruction sets for fma, formats for linear and dot, and the
 * streams of each level. */
enum { MOST_PROBES = 1 + 3 + 2 * FL_N_DTYPES + FL_N_STREAMS * (FL_CACHE_LEVELS_MAX + 1) };

struct plan {
    const struct fl_run *run;
    const struct fl_cache_levels *caches;
    const struct effort *effort;
    int n_threads;
    struct fl_probe probes[MOST_PROBES];
    struct fl_ceiling rows[MOST_PROBES];
    uint64_t n_rounds[MOST_PROBES];
    int n;
    uint64_t most_bytes; /* of a thread's streams */
    bool quick;
};

/* ---- the set ---- */

void fl_peaks_name(char key[FL_PEAKS_KEY], const struct fl_run *run,
                   const struct fl_cache_levels *caches)
{
    char text[FL_CACHE_TEXT];
    snprintf(key, FL_PEAKS_KEY, "flopledger %s, kernels %d; %s; %s", FL_VERSION, FL_PEAKS_REVISION,
             run->machine, fl_cache_levels_text(caches, text));
}

struct fl_ceiling *fl_peaks_add(struct fl_peaks *peaks)
{
    if (peaks->n == peaks->capacity) {
        const int capacity = peaks->capacity ? 2 * peaks->capacity : 64;
        if (peaks->capacity > INT_MAX / 4)
            return NULL;
        struct fl_ceiling *larger = realloc(peaks->rows, (size_t)capacity * sizeof *larger);
        if (!larger)
            return NULL;
        peaks->rows = larger;
        peaks->capacity = capacity;
    }
    struct fl_ceiling *row = &peaks->rows[peaks->n++];
    *row = (struct fl_ceiling){0};
    return row;
}

void fl_peaks_free(struct fl_peaks *peaks)
{
    free(peaks->rows);
    *peaks = (struct fl_peaks){0};
}

bool fl_peaks_have(const struct fl_peaks *peaks, int n_threads, bool thorough)
{
    int n = 0;
    for (int i = 0; i < peaks->n; i++) {
        if (peaks->rows[i].n_threads != n_threads)
            continue;
        n++;
        if (thorough && peaks->rows[i].quick)
            return false;
    }
    return n > 0;
}

static void remove_threads(struct fl_peaks *peaks, int n_threads)
{
    int n = 0;
    for (int i = 0; i < peaks->n; i++)
        if (peaks->rows[i].n_threads != n_threads)
            peaks->rows[n++] = peaks->rows[i];
    peaks->n = n;
}

/* ---- what is measured ---- */

static struct fl_ceiling *plan_probe(struct plan *plan, struct fl_probe probe, const char *kernel,
                                     const char *isa, const char *dtype)
{
    struct fl_ceiling *row = &plan->rows[plan->n];
    plan->probes[plan->n++] = probe;
    *row = (struct fl_ceiling){.n_threads = plan->n_threads, .quick = plan->quick};
    memcpy(row->machine, plan->run->machine, sizeof row->machine);
    memcpy(row->measured_at, plan->run->started_at, sizeof row->measured_at);
    snprintf(row->unit, sizeof row->unit, probe.kind == FL_PROBE_STREAM ? "bytes" : "flops");
    snprintf(row->kernel, sizeof row->kernel, "%s", kernel);
    snprintf(row->isa, sizeof row->isa, "%s", isa);
    snprintf(row->dtype, sizeof row->dtype, "%s", dtype);
    return row;
}

/* Every set up to the one that the engine uses here. */
static void plan_fma(struct plan *plan)
{
    for (int i = 0; fl_simd_names[i]; i++) {
        const struct fl_probe probe = {.kind = FL_PROBE_FMA,
                                       .kernels = fl_peak_kernels(fl_simd_names[i])};
        if (probe.kernels)
            plan_probe(plan, probe, "fma", fl_simd_names[i], "f32");
        if (strcmp(fl_simd_names[i], fl_simd_name()) == 0)
            break;
    }
}

static void plan_products(struct plan *plan, enum fl_probe_kind kind, int first)
{
    for (int i = first; i < FL_N_DTYPES; i++) {
        const struct fl_probe probe = {.kind = kind, .dtype = (enum fl_dtype)i};
        struct fl_ceiling *row =
            plan_probe(plan, probe, fl_probe_names[kind], fl_simd_name(), fl_dtype_names[i]);
        const uint64_t n_out = kind == FL_PROBE_DOT ? FL_PROBE_OUTPUTS : FL_PROBE_INPUTS;
        row->working_set_bytes = n_out * fl_dtype_bytes(probe.dtype, FL_PROBE_INPUTS);
    }
}

/* Memory that may be used for streams: a quarter of what is available, so that nothing is swapped
 * or killed; UINT64_MAX when Linux does not say. */
static uint64_t memory_to_spend(void)
{
    char line[256];
    uint64_t kib, least = UINT64_MAX;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            least = kib << 10;
    if (file)
        fclose(file);
    uint64_t limit;
    file = fopen("/sys/fs/cgroup/memory.max", "re"); /* a container's */
    if (file && fscanf(file, "%" SCNu64, &limit) == 1 && limit < least)
        least = limit;
    if (file)
        fclose(file);
    return least == UINT64_MAX ? least : least / 4;
}

/* A thread's working set of a level; 0: it is left out. */
static uint64_t working_set(const struct plan *plan, int level, char *note, size_t size)
{
    const struct fl_cache_levels *caches = plan->caches;
    uint64_t bytes = fl_cache_working_set(caches, level, plan->n_threads, plan->effort->llc_times);
    const uint64_t most = memory_to_spend() / (uint64_t)plan->n_threads;
    if (caches->assumed)
        snprintf(note, size, "cache sizes are assumed, the machine does not tell them");
    if (bytes > most) {
        bytes = most;
        snprintf(note, size, "working set cut to a quarter of the memory: %.1f times the caches",
                 (double)most * plan->n_threads /
                     (double)fl_cache_capacity(caches, caches->n_levels - 1, caches->n_cores));
    }
    return bytes;
}

static void plan_level(struct plan *plan, int level)
{
    const struct fl_cache_levels *caches = plan->caches;
    const bool is_cache = level < caches->n_levels;
    const char *name = fl_memory_level_names[is_cache ? level : FL_LEVEL_DRAM];
    char note[sizeof plan->rows->note] = "";
    const uint64_t bytes = working_set(plan, level, note, sizeof note);
    if (bytes == 0) {
        fprintf(stderr,
                "flopledger peaks: %s with %d threads left out: a thread's share of it is no "
                "larger than what it has closer by\n",
                name, plan->n_threads);
        return;
    }
    for (int i = 0; i < FL_N_STREAMS; i++) {
        const enum fl_stream stream = (enum fl_stream)i;
        const struct fl_probe probe = {.kind = FL_PROBE_STREAM,
                                       .kernels = fl_peak_kernels(fl_simd_name()),
                                       .stream = stream,
                                       .n_floats = fl_probe_stream_floats(stream, bytes)};
        struct fl_ceiling *row = plan_probe(plan, probe, fl_stream_names[i], fl_simd_name(), "f32");
        snprintf(row->level, sizeof row->level, "%s", name);
        memcpy(row->note, note, sizeof row->note);
        row->working_set_bytes = sizeof(float) * (uint64_t)fl_stream_arrays(stream) *
                                 probe.n_floats * (uint64_t)plan->n_threads;
        row->capacity_bytes = is_cache ? fl_cache_capacity(caches, level, plan->n_threads) : 0;
    }
    plan->most_bytes = bytes > plan->most_bytes ? bytes : plan->most_bytes;
}

static void make_plan(struct plan *plan)
{
    const uint64_t n = (uint64_t)plan->effort->gemm_size;
    const struct fl_probe gemm = {.kind = FL_PROBE_GEMM};
    plan_probe(plan, gemm, "gemm", plan->run->blas_core, "f32")->working_set_bytes =
        3 * n * n * sizeof(float);
    plan_fma(plan);
    plan_products(plan, FL_PROBE_LINEAR, FL_F32 + 1);
    plan_products(plan, FL_PROBE_DOT, FL_F32);
    for (int level = 0; level <= plan->caches->n_levels; level++)
        plan_level(plan, level);
}

/* ---- sampling ---- */

/* The shortest of three, of one thread: on a busy machine threads wait for one another many times
 * longer than a short run takes. */
static double undisturbed_ns(const struct fl_probe_bench *bench, const struct fl_probe *probe,
                             uint64_t n_rounds, double target_ns)
{
    double least = (double)fl_probe_run(bench, probe, n_rounds).shortest_ns;
    for (int i = 0; i < 2 && least < 8 * target_ns; i++) {
        const double time_ns = (double)fl_probe_run(bench, probe, n_rounds).shortest_ns;
        least = time_ns < least ? time_ns : least;
    }
    return least;
}

/* Finds how many rounds a sample takes, which also warms up. */
static void calibrate(struct plan *plan, const struct fl_probe_bench *bench, int i)
{
    const struct fl_probe *probe = &plan->probes[i];
    const double target_ns = plan->effort->sample_ns;
    uint64_t n_rounds = 1;
    double time_ns = undisturbed_ns(bench, probe, n_rounds, target_ns);
    while (time_ns < target_ns && n_rounds < UINT64_C(1) << 40) {
        const double more = time_ns > 0 ? 1.2 * target_ns / time_ns : 16;
        n_rounds = (uint64_t)((double)n_rounds * (more > 16 ? 16 : more)) + 1;
        time_ns = undisturbed_ns(bench, probe, n_rounds, target_ns);
    }
    plan->n_rounds[i] = n_rounds;
    plan->rows[i].work = fl_probe_work(bench, probe, n_rounds);
}

static bool is_known(const struct fl_ceiling *row, double half_width)
{
    double times[FL_CEILING_SAMPLES_MAX];
    const size_t n = (size_t)row->n_samples;
    for (size_t i = 0; i < n; i++)
        times[i] = (double)row->time_ns[i];
    fl_sort(times, n);
    const double range = fl_quantile_sorted(times, n, 0.75) - fl_quantile_sorted(times, n, 0.25);
    return 1.57 * range <= half_width * fl_median_sorted(times, n) * sqrt((double)n);
}

/* One visit: the samples fall due in equal parts; the last visit goes on until the median is known
 * or time is up. */
static void take_samples(struct plan *plan, const struct fl_probe_bench *bench, int i, int visit)
{
    const struct effort *effort = plan->effort;
    struct fl_ceiling *row = &plan->rows[i];
    const int due = effort->n_min * (visit + 1) / effort->n_visits;
    const bool is_last = visit == effort->n_visits - 1;
    const uint64_t started = fl_clock_ns();
    fl_probe_warm(bench, &plan->probes[i]);
    if (visit == 0)
        calibrate(plan, bench, i);
    while (row->n_samples < effort->n_max) {
        const uint64_t time_ns = fl_probe_run(bench, &plan->probes[i], plan->n_rounds[i]).whole_ns;
        row->time_ns[row->n_samples++] = time_ns > 0 ? time_ns : 1;
        if (row->n_samples < due)
            continue;
        if (!is_last || is_known(row, effort->half_width) ||
            (double)(fl_clock_ns() - started) > effort->visit_ns)
            break;
    }
}

static void run_plan(struct plan *plan, const struct fl_probe_bench *bench,
                     struct fl_progress *progress)
{
    for (int visit = 0; visit < plan->effort->n_visits; visit++)
        for (int i = 0; i < plan->n; i++) {
            const struct fl_ceiling *row = &plan->rows[i];
            char label[128];
            take_samples(plan, bench, i, visit);
            snprintf(label, sizeof label, "%s %s, %d thread%s", row->kernel,
                     *row->level ? row->level : row->dtype, row->n_threads,
                     row->n_threads == 1 ? "" : "s");
            fl_progress_step(progress, 0, label);
        }
}

static int keep_rows(struct fl_peaks *peaks, const struct plan *plan, struct fl_error *error)
{
    remove_threads(peaks, plan->n_threads);
    for (int i = 0; i < plan->n; i++) {
        struct fl_ceiling *row = fl_peaks_add(peaks);
        if (!row)
            return fl_fail(error, "peaks: no memory for %d ceilings", peaks->n);
        *row = plan->rows[i];
    }
    return FL_OK;
}

static int measure_threads(struct fl_peaks *peaks, struct plan *plan, struct fl_progress *progress,
                           struct fl_error *error)
{
    struct fl_probe_bench bench;
    if (fl_probe_bench_open(&bench, plan->n_threads, plan->most_bytes, plan->effort->gemm_size,
                            error) != FL_OK)
        return FL_FAILED;
    run_plan(plan, &bench, progress);
    fl_probe_bench_close(&bench);
    return keep_rows(peaks, plan, error);
}

static int by_threads(const void *left, const void *right)
{
    const struct fl_ceiling *a = left, *b = right;
    if (a->n_threads != b->n_threads)
        return a->n_threads - b->n_threads;
    return (int)(a->id - b->id);
}

int fl_peaks_measure(struct fl_peaks *peaks, const struct fl_run *run,
                     const struct fl_cache_levels *caches, const struct fl_peaks_options *options,
                     struct fl_error *error)
{
    const struct effort *effort = options->quick ? &QUICK : &THOROUGH;
    struct fl_progress progress;
    struct plan *plans = calloc((size_t)options->n_threads, sizeof *plans);
    if (!plans)
        return fl_fail(error, "peaks: no memory for %d numbers of threads", options->n_threads);
    int64_t n_steps = 0;
    for (int i = 0; i < options->n_threads; i++) {
        plans[i].run = run;
        plans[i].caches = caches;
        plans[i].effort = effort;
        plans[i].quick = options->quick;
        plans[i].n_threads = (int)options->threads[i];
        make_plan(&plans[i]);
        n_steps += (int64_t)plans[i].n * effort->n_visits;
    }
    int status = FL_OK;
    fl_progress_start(&progress, "peaks", n_steps, 0, options->quiet);
    for (int i = 0; i < options->n_threads && status == FL_OK; i++)
        status = measure_threads(peaks, &plans[i], &progress, error);
    fl_progress_finish(&progress);
    free(plans);
    for (int i = 0; i < peaks->n; i++) /* the order within a number of threads stays */
        peaks->rows[i].id = i;
    if (peaks->n > 1)
        qsort(peaks->rows, (size_t)peaks->n, sizeof *peaks->rows, by_threads);
    return status;
}
