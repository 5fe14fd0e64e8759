/* `flopledger peaks` as a user runs it. Measuring takes seconds, so few tests do. */
#include "tests/cli/run.h"

#include "store/store.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run_scratch scratch;

static void setup(void)
{
    run_scratch_make(&scratch);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_peaks, .init = setup, .fini = teardown);

static int count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

static void expect_json(const char *text)
{
    cJSON *root = cJSON_Parse(text);
    const cJSON *rows = cJSON_GetObjectItem(root, "ceilings"), *row;
    int n = 0;
    cr_assert(cJSON_IsArray(rows), "%.200s", text);
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *quartiles = cJSON_GetObjectItem(row, "quartiles_per_s");
        const double median = cJSON_GetNumberValue(cJSON_GetObjectItem(row, "median_per_s"));
        const double low = cJSON_GetNumberValue(cJSON_GetArrayItem(quartiles, 0));
        const double high = cJSON_GetNumberValue(cJSON_GetArrayItem(quartiles, 1));
        cr_expect(low > 0 && low <= high, "%g %g", low, high);
        cr_expect(median >= 0.5 * low && median <= 2 * high);
        cr_expect_geq(cJSON_GetArraySize(cJSON_GetObjectItem(row, "time_ns")), 3);
        n++;
    }
    cr_expect_geq(n, 1 + 1 + 6 + 7 + 8, "gemm, fma, linear, dot, streams of two levels at least");
    cJSON_Delete(root);
}

static void expect_stored(const char *path, int n_runs)
{
    struct fl_results results;
    struct fl_error error;
    int n;
    cr_assert_eq(fl_results_read(&results, path, &error), FL_OK, "%s", error.text);
    cr_assert_eq(results.n_runs, n_runs);
    cr_expect_not_null(fl_results_ceilings(&results, results.runs[0].machine, &n));
    cr_expect_eq(n, results.n_ceilings);
    cr_expect_eq(results.ceilings[0].n_threads, 1);
    cr_expect(results.ceilings[0].quick);
    fl_results_free(&results);
}

/* Nowhere to keep them: they are printed and stored all the same, and the command says that it
 * failed to keep them. Then a place: kept, and not measured again. */
Test(cli_peaks, measures_prints_stores_and_keeps)
{
    struct run_result r =
        run_shell("XDG_CACHE_HOME=/proc/none $FLOPLEDGER peaks --quick -t 1 --quiet --format json "
                  "-o %s/r.db",
                  scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "/proc/none"), "%s", r.err);
    cr_expect_eq(count(r.err, "\n"), 1, "%s", r.err);
    expect_json(r.out);
    run_release(&r);
    char path[96];
    snprintf(path, sizeof path, "%s/r.db", scratch.path);
    expect_stored(path, 1);

    r = run_shell("cd %s && export XDG_CACHE_HOME=$PWD && $FLOPLEDGER peaks --quick -t 1 && "
                  "$FLOPLEDGER peaks --quick -t 1 >again && $FLOPLEDGER peaks --show >shown && "
                  "cmp again shown && $FLOPLEDGER peaks --show -f md >md && "
                  "$FLOPLEDGER peaks --show -f csv",
                  scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_eq(count(r.err, " from "), 1, "the second came from the file: %s", r.err);
    cr_expect_eq(count(r.out, "unit,kernel,level,dtype,isa,n_threads,"), 1, "%s", r.out);
    cr_expect(strstr(r.out, "bytes,triad,DRAM,f32,"), "%s", r.out);
    cr_expect(strstr(r.out, "a line that is written to is first read"), "the convention");
    cr_expect(strstr(r.out, "Measured quickly"), "%s", r.out);
    run_release(&r);

    /* a sweep takes them along, once: the second one has nothing to add */
    static const char SWEEP[] = "$FLOPLEDGER sweep -m gpt2-nano -s 4 --reps 1 -t 1 -o s.db";
    r = run_shell("cd %s && export XDG_CACHE_HOME=$PWD && %s && %s", scratch.path, SWEEP, SWEEP);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_null(strstr(r.err, "no ceilings"), "%s", r.err);
    run_release(&r);
    snprintf(path, sizeof path, "%s/s.db", scratch.path);
    expect_stored(path, 1);

    /* and an audit holds its times against them */
    r = run_shell("cd %s && export XDG_CACHE_HOME=$PWD && $FLOPLEDGER audit gpt2-nano -s 8 -t 1",
                  scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "speed of light with 1 thread:"), "%s", r.out);
    cr_expect(strstr(r.out, "whole pass") && strstr(r.out, "MFU "), "%s", r.out);
    run_release(&r);

    /* a file cut short: --show refuses it by name */
    r = run_shell("cd %s && export XDG_CACHE_HOME=$PWD && truncate -s 999 flopledger/*.json && "
                  "$FLOPLEDGER peaks --show",
                  scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "expected a JSON object"), "%s", r.err);
    cr_expect_str_eq(r.out, "");
    run_release(&r);
}

Test(cli_peaks, shows_nothing_where_nothing_is_kept)
{
    struct run_result r = run_shell("XDG_CACHE_HOME=%s $FLOPLEDGER peaks --show", scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "not measured yet"), "%s", r.err);
    cr_expect_str_eq(r.out, "");
    run_release(&r);
    r = run_shell("unset XDG_CACHE_HOME HOME; $FLOPLEDGER peaks --show");
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "expected XDG_CACHE_HOME or HOME"), "%s", r.err);
    run_release(&r);
}

Test(cli_peaks, misuse_is_told)
{
    static const char *const CASES[][2] = {
        {"--threads 0", "--threads"},
        {"--threads 1,x", "--threads"},
        {"--show --refresh", "--show measures nothing"},
        {"--format xml", "--format"},
        {"more", "expected options only"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct run_result r =
            run_shell("XDG_CACHE_HOME=%s $FLOPLEDGER peaks %s", scratch.path, CASES[i][0]);
        cr_expect_eq(r.status, 2, "%s", CASES[i][0]);
        cr_expect(strstr(r.err, CASES[i][1]), "%s: %s", CASES[i][0], r.err);
        run_release(&r);
    }
}
