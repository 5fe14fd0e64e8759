/* The loops behind the ceilings, and the file they are kept in. */
#include "bench/peak_kernels.h"
#include "bench/peak_probes.h"
#include "bench/peaks.h"
#include "bench/peaks_cache.h"

#include "base/file.h"
#include "ops/simd/simd.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- kernels: they do what they say, in every instruction set ---- */

Test(peak_kernels, chains_multiply_and_add)
{
    for (int set = 0; fl_simd_names[set]; set++) {
        const struct fl_peak_kernels *kernels = fl_peak_kernels(fl_simd_names[set]);
        if (!kernels)
            continue;
        cr_expect_str_eq(kernels->name, fl_simd_names[set]);
        float sums[FL_PEAK_CHAINS * 16];
        const int n = FL_PEAK_CHAINS * kernels->n_lanes;
        for (int i = 0; i < n; i++)
            sums[i] = (float)i;
        kernels->fma(sums, 2.0f, 3.0f, 4);
        for (int i = 0; i < n; i++) /* x -> 2x + 3, four times: 16 x + 45; exact in f32 */
            cr_expect_eq(sums[i], 16.0f * (float)i + 45.0f, "%s: lane %d", kernels->name, i);
        cr_expect_eq(fl_peak_fma_flops(kernels, 4), (uint64_t)(2 * 4 * n));
    }
}

Test(peak_kernels, streams_do_what_stream_does)
{
    enum { N = 3 * FL_PEAK_STEP, EDGE = 16 };
    _Alignas(64) static float a[N + EDGE], b[N + EDGE], c[N + EDGE];
    for (int set = 0; fl_simd_names[set]; set++) {
        const struct fl_peak_kernels *kernels = fl_peak_kernels(fl_simd_names[set]);
        for (int stream = 0; kernels && stream < FL_N_STREAMS; stream++) {
            for (int i = 0; i < N + EDGE; i++) {
                a[i] = -7.0f;
                b[i] = (float)i;
                c[i] = (float)(2 * i);
            }
            kernels->streams[stream](a, b, c, N, 2);
            for (int i = 0; i < N + EDGE; i++) {
                const float expected[] = {-7.0f, 1.0f, (float)i, (float)(7 * i)};
                cr_assert_eq(a[i], i < N ? expected[stream] : -7.0f, "%s %s: %d: %f", kernels->name,
                             fl_stream_names[stream], i, (double)a[i]);
                cr_assert(b[i] == (float)i && c[i] == (float)(2 * i));
            }
        }
    }
}

Test(peak_kernels, bytes_are_those_of_stream)
{
    static const uint64_t BYTES[FL_N_STREAMS] = {4, 4, 8, 12};
    for (int stream = 0; stream < FL_N_STREAMS; stream++) {
        cr_expect_eq(fl_peak_stream_bytes((enum fl_stream)stream, 256, 3), 256 * 3 * BYTES[stream]);
        cr_expect_eq(fl_peak_stream_flops((enum fl_stream)stream, 256, 3),
                     stream == FL_STREAM_TRIAD ? 2 * 256 * 3 : 0);
        cr_expect_eq(fl_probe_stream_floats((enum fl_stream)stream, 1 << 20) % FL_PEAK_STEP, 0);
        cr_expect_eq(fl_probe_stream_floats((enum fl_stream)stream, 0), FL_PEAK_STEP);
    }
}

Test(peak_kernels, an_unknown_set_is_none)
{
    cr_expect_null(fl_peak_kernels("sse9"));
    cr_expect_not_null(fl_peak_kernels("portable"));
}

/* ---- probes: work grows with the rounds and the threads, and takes time ---- */

Test(peak_probes, know_their_work)
{
    enum { GEMM = FL_PROBE_INPUTS, KIB = 1024 };
    struct fl_error error;
    struct fl_probe_bench bench;
    const struct fl_peak_kernels *kernels = fl_peak_kernels("portable");
    cr_assert_eq(fl_probe_bench_open(&bench, 2, 64 * KIB, GEMM, &error), FL_OK, "%s", error.text);
    const struct {
        struct fl_probe probe;
        uint64_t work; /* of one round and both threads */
    } cases[] = {
        {{.kind = FL_PROBE_GEMM}, UINT64_C(2) * GEMM * GEMM * GEMM},
        {{.kind = FL_PROBE_FMA, .kernels = kernels}, UINT64_C(2) * 2 * 1024 * FL_PEAK_CHAINS * 4},
        {{.kind = FL_PROBE_LINEAR, .dtype = FL_Q8_0},
         UINT64_C(2) * FL_PROBE_ROWS * FL_PROBE_INPUTS * FL_PROBE_INPUTS},
        {{.kind = FL_PROBE_DOT, .dtype = FL_Q4_K},
         UINT64_C(2) * 2 * 16 * FL_PROBE_OUTPUTS * FL_PROBE_INPUTS},
        {{.kind = FL_PROBE_STREAM, .kernels = kernels, .stream = FL_STREAM_COPY, .n_floats = 1024},
         UINT64_C(2) * 8 * 1024},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(fl_probe_work(&bench, &cases[i].probe, 1), cases[i].work, "case %zu", i);
        cr_expect_eq(fl_probe_work(&bench, &cases[i].probe, 3), 3 * cases[i].work, "case %zu", i);
        const struct fl_probe_time time = fl_probe_run(&bench, &cases[i].probe, 1);
        cr_expect_gt(time.shortest_ns, 0, "case %zu", i);
        cr_expect_geq(time.whole_ns, time.shortest_ns, "case %zu", i);
    }
    fl_probe_bench_close(&bench);
}

/* The largest arrays of every stream fit into what was reserved for a thread. */
Test(peak_probes, streams_stay_within_their_thread)
{
    struct fl_error error;
    struct fl_probe_bench bench;
    static const uint64_t SIZES[] = {1, 4096, 24 << 10, 100003};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        cr_assert_eq(fl_probe_bench_open(&bench, 2, SIZES[i], FL_PROBE_INPUTS, &error), FL_OK);
        for (int stream = 0; stream < FL_N_STREAMS; stream++) {
            const struct fl_probe probe = {
                .kind = FL_PROBE_STREAM,
                .kernels = fl_peak_kernels("portable"),
                .stream = (enum fl_stream)stream,
                .n_floats = fl_probe_stream_floats((enum fl_stream)stream, SIZES[i])};
            cr_expect_gt(fl_probe_run(&bench, &probe, 1).whole_ns, 0); /* sanitizers watch */
            const size_t end = (size_t)fl_stream_arrays(probe.stream) * (probe.n_floats + 272);
            cr_expect_leq(end, bench.thread_floats, "%s of %zu bytes", fl_stream_names[stream],
                          (size_t)SIZES[i]);
        }
        fl_probe_bench_close(&bench);
    }
}

/* ---- the file ---- */

static char directory[48], path[128];
static struct fl_error error;

static void setup(void)
{
    strcpy(directory, "/tmp/fl-peaks-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a/b/peaks.json", directory);
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_expect_eq(system(command), 0);
}

TestSuite(peaks_cache, .init = setup, .fini = teardown);

static void add_sample(struct fl_peaks *peaks, const char *kernel, int n_threads)
{
    struct fl_ceiling *row = fl_peaks_add(peaks);
    cr_assert_not_null(row);
    *row = (struct fl_ceiling){.measured_at = "2026-01-02T03:04:05Z",
                               .unit = "flops",
                               .dtype = "f32",
                               .isa = "a \"quoted\" \\ name\n",
                               .n_threads = n_threads,
                               .quick = true,
                               .working_set_bytes = UINT64_C(1) << 40,
                               .note = "\xc3\xa4\xe4\xb8\xad",
                               .work = 123456789012345,
                               .time_ns = {3, 1, 2},
                               .n_samples = 3};
    strcpy(row->kernel, kernel);
}

static void write_sample(void)
{
    struct fl_peaks peaks = {.key = "this machine"};
    add_sample(&peaks, "gemm", 1);
    add_sample(&peaks, "fma", 2);
    cr_assert_eq(fl_peaks_cache_write(&peaks, path, &error), FL_OK, "%s", error.text);
    fl_peaks_free(&peaks);
}

Test(peaks_cache, comes_back_as_it_was)
{
    struct fl_peaks peaks, sent = {0};
    bool found;
    write_sample();
    cr_assert_eq(fl_peaks_cache_read(&peaks, &found, path, "this machine", &error), FL_OK, "%s",
                 error.text);
    cr_expect(found);
    cr_assert_eq(peaks.n, 2);
    add_sample(&sent, "gemm", 1);
    add_sample(&sent, "fma", 2);
    cr_expect_arr_eq(peaks.rows, sent.rows, 2 * sizeof *sent.rows);
    cr_expect(fl_peaks_have(&peaks, 1, false) && !fl_peaks_have(&peaks, 1, true), "quick ones");
    cr_expect(!fl_peaks_have(&peaks, 3, false));
    fl_peaks_free(&sent);
    fl_peaks_free(&peaks);
}

Test(peaks_cache, that_is_not_there_is_not_found)
{
    struct fl_peaks peaks;
    bool found = true;
    cr_expect_eq(fl_peaks_cache_read(&peaks, &found, path, "this machine", &error), FL_OK);
    cr_expect(!found);
    cr_expect_eq(peaks.n, 0);
}

static void expect_refused(const char *sentence)
{
    struct fl_peaks peaks;
    bool found;
    error.text[0] = '\0';
    cr_expect_eq(fl_peaks_cache_read(&peaks, &found, path, "this machine", &error), FL_FAILED,
                 "expected: %s", sentence);
    cr_expect(!found && peaks.n == 0);
    cr_expect(strstr(error.text, sentence) && strstr(error.text, path), "%s", error.text);
    fl_peaks_free(&peaks);
}

Test(peaks_cache, of_another_machine_is_not_believed)
{
    write_sample();
    struct fl_peaks peaks;
    bool found;
    cr_expect_eq(fl_peaks_cache_read(&peaks, &found, path, "another", &error), FL_FAILED);
    cr_expect(strstr(error.text, "key: expected ceilings of this machine"), "%s", error.text);
}

static char *read_text(size_t *size)
{
    char *text;
    cr_assert_eq(fl_file_read(&text, size, path, 1 << 20, &error), FL_OK);
    return text;
}

static void write_text(const char *text, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(text, 1, size, file), size);
    fclose(file);
}

Test(peaks_cache, cut_short_is_refused_at_every_byte)
{
    size_t size;
    write_sample();
    char *text = read_text(&size);
    for (size_t n = 0; n < size - 2; n++) { /* the last two are "}\n" */
        write_text(text, n);
        expect_refused("");
    }
    free(text);
}

static void replace(const char *from, const char *to, const char *sentence)
{
    size_t size;
    write_sample();
    char *text = read_text(&size), changed[8192];
    const char *at = strstr(text, from);
    cr_assert_not_null(at, "%s", from);
    int n = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to,
                     at + strlen(from));
    write_text(changed, (size_t)n);
    free(text);
    expect_refused(sentence);
}

Test(peaks_cache, hostile_fields_are_refused_by_name)
{
    static const char *const CASES[][3] = {
        {"\"n_threads\":1", "\"n_threads\":0", "ceiling 1: n_threads"},
        {"\"n_threads\":1", "\"n_threads\":1e300", "ceiling 1: n_threads"},
        {"\"n_threads\":1", "\"n_threads\":1.5", "ceiling 1: n_threads"},
        {"\"n_threads\":1", "\"n_threads\":\"1\"", "ceiling 1: n_threads"},
        {"\"kernel\":\"gemm\"", "\"kernel\":\"a name of far more bytes\"", "ceiling 1: kernel"},
        {"\"kernel\":\"gemm\"", "\"kernel\":null", "ceiling 1: kernel"},
        {"\"unit\":\"flops\"", "\"unit\":\"other\"", "ceiling 1: unit"},
        {"\"quick\":true", "\"quick\":1", "ceiling 1: quick"},
        {"\"work\":123456789012345", "\"work\":0", "ceiling 1: work"},
        {"\"work\":123456789012345", "\"work\":-1", "ceiling 1: work"},
        {"\"time_ns\":[3,1,2]", "\"time_ns\":[]", "ceiling 1: time_ns"},
        {"\"time_ns\":[3,1,2]", "\"time_ns\":[3,0]", "ceiling 1: time_ns"},
        {"\"time_ns\":[3,1,2]", "\"time_ns\":{\"a\":3}", "ceiling 1: time_ns"},
        {"\"time_ns\":[3,1,2]", "\"time_ns\":7", "ceiling 1: time_ns"},
        {"\"time_ns\":[3,1,2]",
         "\"time_ns\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
         "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
         "ceiling 1: time_ns"},
        {"\"kernel\":\"fma\",\"level\":\"\",\"dtype\":\"f32\",",
         "\"kernel\":\"fma\",\"level\":\"\",\"dtype\":7,", "ceiling 2: dtype"},
        {"\"ceilings\":[{", "\"ceilings\":[7,{", "ceiling 1: measured_at"},
        {"\"key\":\"this machine\"", "\"key\":7", "key: expected"},
        {"\"ceilings\":", "\"other\":", "ceilings: expected a list"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        replace(CASES[i][0], CASES[i][1], CASES[i][2]);
}

Test(peaks_cache, twice_the_same_is_refused)
{
    struct fl_peaks peaks = {.key = "this machine"};
    add_sample(&peaks, "gemm", 1);
    add_sample(&peaks, "gemm", 1);
    cr_assert_eq(fl_peaks_cache_write(&peaks, path, &error), FL_OK);
    fl_peaks_free(&peaks);
    expect_refused("ceiling 2: kernel (it is there twice)");
}

Test(peaks_cache, lies_where_the_environment_says)
{
    char a[FL_PEAKS_PATH], b[FL_PEAKS_PATH];
    setenv("XDG_CACHE_HOME", "/x", 1);
    setenv("HOME", "/h", 1);
    cr_assert_eq(fl_peaks_cache_path(a, "key", &error), FL_OK);
    cr_expect_eq(strncmp(a, "/x/flopledger/peaks-", 20), 0, "%s", a);
    cr_assert_eq(fl_peaks_cache_path(b, "kez", &error), FL_OK);
    cr_expect_str_neq(a, b);
    setenv("XDG_CACHE_HOME", "relative", 1);
    cr_assert_eq(fl_peaks_cache_path(a, "key", &error), FL_OK);
    cr_expect_eq(strncmp(a, "/h/.cache/flopledger/peaks-", 27), 0, "%s", a);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    cr_expect_eq(fl_peaks_cache_path(a, "key", &error), FL_FAILED);
    cr_expect(strstr(error.text, "XDG_CACHE_HOME or HOME"), "%s", error.text);
}
