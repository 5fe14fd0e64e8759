/* `flopledger peaks` as a user runs it. Measuring takes seconds, so few tests do. */
#include "tests/cli/run.h"

#include "store/store.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdbool.h>
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

/* ---- an audit beside them ---- */

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    cr_assert(cJSON_IsNumber(item), "%s", name);
    return item->valuedouble;
}

/* Attainable is the lower of the two roofs, the speed of light is that rate's time, and what was
 * reached is a share of it. */
static void expect_bound(const cJSON *roofline, double peak, double flops, double time_ns)
{
    const double intensity = number(roofline, "intensity"), ridge = number(roofline, "ridge");
    const double attainable = number(roofline, "attainable_flops_per_s");
    const double light_ns = number(roofline, "light_ns");
    const char *bound = cJSON_GetStringValue(cJSON_GetObjectItem(roofline, "bound"));
    const bool memory = intensity < ridge;
    cr_expect_float_eq(attainable, memory ? intensity / ridge * peak : peak, 1e-9 * peak);
    cr_expect_str_eq(bound, memory ? "memory" : "compute");
    cr_expect_eq(cJSON_IsNull(cJSON_GetObjectItem(roofline, "level")), !memory);
    if (flops > 0)
        cr_expect_float_eq(light_ns, 1e9 * flops / attainable, 1e-9 * light_ns);
    if (time_ns > 0)
        cr_expect_float_eq(number(roofline, "of_light"), light_ns / time_ns, 1e-9);
}

/* The upper quartile of the kept ceiling: what a roof is. */
static double kept_roof(const char *kernel, const char *level)
{
    char *text = run_read("%s/kept.json", scratch.path);
    cJSON *root = cJSON_Parse(text);
    const cJSON *row;
    double roof = 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(root, "ceilings"))
    {
        if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(row, "kernel")), kernel) == 0 &&
            strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(row, "level")), level) == 0 &&
            strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(row, "dtype")), "f32") == 0) {
            const double high = cJSON_GetNumberValue(
                cJSON_GetArrayItem(cJSON_GetObjectItem(row, "quartiles_per_s"), 1));
            roof = high > roof ? high : roof;
        }
    }
    cJSON_Delete(root);
    free(text);
    return roof;
}

static void expect_audit_json(const char *text)
{
    cJSON *root = cJSON_Parse(text);
    const cJSON *roofline = cJSON_GetObjectItem(root, "roofline"), *op;
    const cJSON *peak = cJSON_GetObjectItem(roofline, "peak");
    const cJSON *pass = cJSON_GetObjectItem(roofline, "whole_pass");
    const double flops_per_s = number(peak, "flops_per_s");
    const double roof = kept_roof(cJSON_GetStringValue(cJSON_GetObjectItem(peak, "kernel")), "");
    const double dram = number(cJSON_GetObjectItem(roofline, "read_bytes_per_s"), "DRAM");
    cr_expect_eq(number(root, "schema"), 1);
    cr_expect_eq(number(roofline, "n_threads"), 1);
    cr_expect_float_eq(flops_per_s, roof, 1e-8 * roof);
    cr_expect_float_eq(dram, kept_roof("read", "DRAM"), 1e-8 * dram);
    double light_ns = 0;
    cJSON_ArrayForEach(op, cJSON_GetObjectItem(root, "ops"))
    {
        const cJSON *own = cJSON_GetObjectItem(op, "roofline");
        expect_bound(own, flops_per_s, number(cJSON_GetObjectItem(op, "counted"), "flops"),
                     number(op, "time_ns"));
        light_ns += number(own, "light_ns");
    }
    const double flops =
        number(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "totals"), "counted"), "flops");
    const double time_ns = number(cJSON_GetObjectItem(root, "run"), "time_ns");
    expect_bound(pass, flops_per_s, flops, time_ns);
    cr_expect_float_eq(number(pass, "hfu"), flops / (time_ns * 1e-9) / flops_per_s, 1e-9);
    cr_expect_float_eq(number(pass, "mfu"),
                       number(pass, "model_flops") / (time_ns * 1e-9) / flops_per_s, 1e-9);
    cr_expect_leq(number(pass, "light_ns"), 1.000001 * light_ns,
                  "the sum runs one after the other");
    cJSON_Delete(root);
}

/* Nothing in these columns depends on the time, so that another run has the same. */
static void expect_audit_csv(const char *text, const char *json)
{
    cJSON *root = cJSON_Parse(json);
    const cJSON *op = cJSON_GetObjectItem(root, "ops")->child;
    cr_expect(strstr(text, ",roof_flops_per_s,roof_bytes_per_s,intensity,attainable_flops_per_s,"
                           "light_ns,of_light,bound,bound_level\r\n"),
              "%.400s", text);
    const char *line = strchr(text, '\n') + 1;
    for (; *line && op; line = strchr(line, '\n') + 1, op = op->next) {
        const cJSON *own = cJSON_GetObjectItem(op, "roofline");
        char expected[128];
        snprintf(expected, sizeof expected, ",%.9g,%.9g,%.9g,", number(own, "intensity"),
                 number(own, "attainable_flops_per_s"), number(own, "light_ns"));
        const char *at = strstr(line, expected);
        cr_expect(at && at < strchr(line, '\n'), "%s in %.300s", expected, line);
    }
    cr_expect(!*line && !op, "as many rows");
    cJSON_Delete(root);
}

static void expect_audits(void)
{
    static const char AUDIT[] = "$FLOPLEDGER audit llama-nano -s 8 -t 1 --reps 2";
    struct run_result r =
        run_shell("cd %s && export XDG_CACHE_HOME=$PWD && $FLOPLEDGER peaks --show -f json "
                  ">kept.json && %s",
                  scratch.path, AUDIT);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "speed of light with 1 thread:"), "%s", r.out);
    cr_expect(strstr(r.out, "whole pass") && strstr(r.out, "MFU "), "%s", r.out);
    run_release(&r);
    r = run_shell("cd %s && XDG_CACHE_HOME=$PWD %s -f json", scratch.path, AUDIT);
    expect_audit_json(r.out);
    struct run_result csv =
        run_shell("cd %s && XDG_CACHE_HOME=$PWD %s -f csv", scratch.path, AUDIT);
    expect_audit_csv(csv.out, r.out);
    cr_expect_str_empty(csv.err, "%s", csv.err);
    run_release(&csv);
    run_release(&r);
    /* none with as many threads */
    r = run_shell("cd %s && XDG_CACHE_HOME=$PWD $FLOPLEDGER audit llama-nano -s 8 -t 3 --reps 1 "
                  "-f json",
                  scratch.path);
    cr_expect(strstr(r.out, "no ceilings with 3 threads"), "%s", r.out);
    run_release(&r);
}

/* ---- tests ---- */

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
    cr_expect_eq(run_count(r.err, "\n"), 1, "%s", r.err);
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
    cr_expect_eq(run_count(r.err, " from "), 1, "the second came from the file: %s", r.err);
    cr_expect_eq(run_count(r.out, "unit,kernel,level,dtype,isa,n_threads,"), 1, "%s", r.out);
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
    expect_audits();

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
