#include "counters/counter_flopgrind.h"
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <string.h>

/* Columns of a line in UTF-8 that has no wide characters. */
static int width(const char *line, size_t n)
{
    int columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += ((unsigned char)line[i] & 0xc0) != 0x80;
    return columns;
}

Test(cli_doctor, fits_a_screen)
{
    struct run_result r = run_flopledger("doctor");
    cr_expect_eq(r.status, 0, "%s", r.err);
    int n_lines = 0;
    for (const char *line = r.out; *line; n_lines++) {
        size_t n = strcspn(line, "\n");
        cr_expect_leq(width(line, n), 80, "%.*s", (int)n, line);
        line += n + (line[n] == '\n');
    }
    cr_expect_leq(n_lines, 30, "%s", r.out);
    static const char *const LABELS[] = {"machine ", "kernels ", "clock ", "flopgrind ", "papi "};
    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++)
        cr_expect(strstr(r.out, LABELS[i]), "%s: %s", LABELS[i], r.out);
    run_release(&r);
}

static cJSON *doctor_json(const char *options)
{
    struct run_result r = run_flopledger("doctor --format json %s", options);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *json = cJSON_Parse(r.out);
    cr_assert_not_null(json, "%s", r.out);
    run_release(&r);
    return json;
}

Test(cli_doctor, json_gives_reasons_for_what_is_not_there)
{
    cJSON *json = doctor_json("");
    const cJSON *counters = cJSON_GetObjectItem(json, "counters"), *counter;
    static const char *const NAMES[] = {"flopgrind", "papi"};
    for (int i = 0; i < 2; i++) {
        counter = cJSON_GetObjectItem(counters, NAMES[i]);
        cr_assert_not_null(counter);
        if (cJSON_IsFalse(cJSON_GetObjectItem(counter, "available")))
            cr_expect_gt(strlen(cJSON_GetObjectItem(counter, "reason")->valuestring), 10);
    }
    const char *missing = fl_flopgrind_missing();
    counter = cJSON_GetObjectItem(counters, "flopgrind");
    cr_expect_eq(cJSON_IsTrue(cJSON_GetObjectItem(counter, "available")), !missing);
    cJSON_Delete(json);
}

Test(cli_doctor, flopgrind_measures_what_is_known)
{
    const char *missing = fl_flopgrind_missing();
    if (missing)
        cr_skip_test("flopgrind: %s", missing);
    cJSON *json = doctor_json("--calibrate");
    const cJSON *flopgrind =
        cJSON_GetObjectItem(cJSON_GetObjectItem(json, "counters"), "flopgrind");
    const cJSON *kernel, *kernels = cJSON_GetObjectItem(flopgrind, "calibration");
    cr_expect_gt(cJSON_GetArraySize(kernels), 40);
    cJSON_ArrayForEach(kernel, kernels)
        cr_expect_eq(cJSON_GetObjectItem(kernel, "measured")->valuedouble,
                     cJSON_GetObjectItem(kernel, "known")->valuedouble, "%s, %s",
                     cJSON_GetObjectItem(kernel, "kernel")->valuestring,
                     cJSON_GetObjectItem(kernel, "count")->valuestring);
    const cJSON *slowdown = cJSON_GetObjectItem(flopgrind, "slowdown");
    cr_expect_gt(cJSON_GetObjectItem(slowdown, "gemm")->valuedouble, 1);
    cJSON_Delete(json);

    struct run_result r = run_flopledger("doctor --calibrate");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "measures what is known, to the last one"), "%s", r.out);
    cr_expect_not(strstr(r.out, "differs"), "%s", r.out);
    run_release(&r);
}

Test(cli_doctor, a_sweep_keeps_the_calibration)
{
    const char *missing = fl_flopgrind_missing();
    if (missing)
        cr_skip_test("flopgrind: %s", missing);
    struct run_scratch scratch;
    run_scratch_make(&scratch);
    struct run_result r =
        run_flopledger("sweep -m gpt2-nano -s 4 --phase prefill --reps 1 --quiet --footprint off "
                       "--counter flopgrind -o %s/results.db",
                       scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    r = run_flopledger("export %s/results.db --format json", scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "\\\"exact\\\": true"), "%s", r.out);
    run_release(&r);
    run_scratch_remove(&scratch);
}

Test(cli_doctor, misuse)
{
    struct run_result r = run_flopledger("doctor everything");
    cr_expect_eq(r.status, 2);
    run_release(&r);
    r = run_flopledger("doctor --help");
    cr_expect_eq(r.status, 0);
    cr_expect(strstr(r.out, "--calibrate"));
    run_release(&r);
}
