#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
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

TestSuite(cli_predict, .init = setup, .fini = teardown);

Test(cli_predict, mistakes)
{
    run_expect_refused(2, "predict ", "--hardware: expected");
    run_expect_refused(2, "predict -w l4", "--model: expected");
    run_expect_refused(2, "predict -w l4 -m gpt2 and", "unexpected argument 'and'");
    run_expect_refused(2, "predict -w l4 -m gpt2 --machine l4", "--against");
    run_expect_refused(2, "predict -m gpt2 --against x.db", "leave --model out");
    run_expect_refused(2, "predict -w l4 -m gpt2 --memory-efficiency nan", "memory-efficiency");
    run_expect_refused(2, "predict -w l4 -m gpt2 --compute-efficiency 1.2", "compute-efficiency");
    run_expect_refused(2, "predict -w l4 -m gpt2 --compute fp4", "compute");
    run_expect_refused(1, "predict -w a100-40gb -m gpt2 --compute fp8", "has no figure for fp8");
    run_expect_refused(1, "predict -w b300 -m gpt2", "not 'b300'");
    run_expect_refused(1, "predict -w l4 -m no-such-model", "no-such-model");
    run_expect_refused(1, "predict -w l4 -m gpt2 -b 0", "batch");
    run_expect_refused(1, "predict --against /no/such.db", "/no/such.db");
}

static void expect_lines(const char *arguments, const char *const *lines)
{
    struct run_result r = run_flopledger("predict %s", arguments);
    cr_assert_eq(r.status, 0, "%s", r.err);
    for (; *lines; lines++)
        cr_expect(strstr(r.out, *lines), "%s: no '%s' in\n%s", arguments, *lines, r.out);
    run_release(&r);
}

Test(cli_predict, one_machine)
{
    static const char *const LINES[] = {
        "989.4 TFLOP/s (dense)", "https://", "with sparsity", "Beside the weights fit", "capacity",
        "last decode step",      NULL};
    expect_lines("-w h100-sxm -m llama-3-8b --dtype bf16", LINES);
    static const char *const TOO_LARGE[] = {"The weights do not fit", NULL};
    expect_lines("-w raspberry-pi-5 -m llama-3-8b --dtype bf16", TOO_LARGE);
    static const char *const AT_LEAST[] = {"no FLOP/s published", "≥ ", NULL};
    expect_lines("-w apple-m4-max -m llama-3-8b --dtype q4_0", AT_LEAST);
}

Test(cli_predict, list_has_figures_and_sources)
{
    static const char *const LINES[] = {"mi300x", "raspberry-pi-5",    "grace-superchip",
                                        "1307",   "sources and notes", NULL};
    expect_lines("--list", LINES);
}

static cJSON *predict_json(const char *arguments)
{
    struct run_result r = run_flopledger("predict --format json %s", arguments);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *json = cJSON_Parse(r.out);
    cr_assert_not_null(json, "%s", r.out);
    run_release(&r);
    return json;
}

static double at(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    cr_assert(cJSON_IsNumber(item), "%s", name);
    return item->valuedouble;
}

/* A file of one's own is as good as a row of the table, and slower memory means slower decoding. */
Test(cli_predict, own_file)
{
    char path[128], arguments[512];
    snprintf(path, sizeof path, "%s/own.json", scratch.path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs("{\"name\": \"own\", \"tflops\": {\"f32\": 30.3, \"f16\": 121}, "
          "\"bandwidth_gb_s\": 150, \"capacity_gb\": 24, \"cache_mb\": 48}",
          file);
    fclose(file);
    snprintf(arguments, sizeof arguments, "-w l4,%s -m qwen2.5-7b --dtype f16 -b 1,4", path);
    cJSON *json = predict_json(arguments);
    const cJSON *machines = cJSON_GetObjectItem(json, "machines");
    cr_assert_eq(cJSON_GetArraySize(machines), 2);
    for (int k = 0; k < 2; k++) {
        const cJSON *l4 =
            cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetArrayItem(machines, 0), "ideal"), k);
        const cJSON *own =
            cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetArrayItem(machines, 1), "ideal"), k);
        cr_expect_float_eq(at(own, "per_token_s") / at(l4, "per_token_s"), 2, 0.01);
        cr_expect_eq(at(cJSON_GetObjectItem(own, "memory"), "needed_bytes"),
                     at(cJSON_GetObjectItem(l4, "memory"), "needed_bytes"));
    }
    cJSON_Delete(json);
    file = fopen(path, "w");
    fputs("{\"name\": \"own\", \"tflops\": {\"f32\": -3}}", file);
    fclose(file);
    snprintf(arguments, sizeof arguments, "predict -w %s -m gpt2", path);
    run_expect_refused(1, arguments, "own.json: f32: expected a number above 0");
}

Test(cli_predict, csv_has_a_row_a_machine_and_batch)
{
    struct run_result r = run_flopledger("predict -w all -m gpt2 -b 1,2 --format csv");
    cr_assert_eq(r.status, 0, "%s", r.err);
    int lines = 0;
    for (const char *c = r.out; (c = strchr(c, '\n')); c++)
        lines++;
    struct run_result list = run_shell("$FLOPLEDGER predict --list | grep -c https://");
    int machines = 0;
    sscanf(list.out, "%d", &machines);
    cr_expect_eq(lines, 1 + 2 * machines, "%d lines, %d machines", lines, machines);
    run_release(&r);
    run_release(&list);
}

/* Ceilings that are kept of this machine: a fresh cache has none. */
Test(cli_predict, this_machine)
{
    struct run_result r =
        run_shell("XDG_CACHE_HOME=%s $FLOPLEDGER predict -w here -m llama-nano", scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "run 'flopledger peaks'"), "%s", r.err);
    run_release(&r);
}

Test(cli_predict, small_models_stay_in_a_cache)
{
    static const char *const LINES[] = {"would stay in the last cache (384.0 MB)", NULL};
    expect_lines("-w epyc-9654 -m stories15m -b 1", LINES);
}

/* A sweep of one's own, held against a machine from a file: a table, an error, and other machines
 * scaled by what was reached. */
Test(cli_predict, against_a_sweep)
{
    struct run_result r = run_flopledger(
        "sweep -m llama-nano -s 16,32 -b 1 -t 1 --reps 2 --quiet --out %s/r.db", scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char arguments[512];
    snprintf(arguments, sizeof arguments, "predict --against %s/r.db", scratch.path);
    run_expect_refused(1, arguments, "flopledger peaks");
    snprintf(arguments, sizeof arguments, "--against %s/r.db --machine epyc-9654", scratch.path);
    static const char *const LINES[] = {"measured", "roofline", "median error",
                                        "worst",    "reached",  NULL};
    expect_lines(arguments, LINES);

    snprintf(arguments, sizeof arguments,
             "-w raspberry-pi-5 -m llama-nano -b 1 --against %s/r.db --machine epyc-9654",
             scratch.path);
    cJSON *json = predict_json(arguments);
    const cJSON *against = cJSON_GetObjectItem(json, "against");
    const cJSON *point = cJSON_GetArrayItem(cJSON_GetObjectItem(against, "points"), 0);
    cr_expect_gt(at(point, "measured_s"), at(point, "ideal_s"), "nobody beats 96 cores on one");
    const cJSON *machine = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "machines"), 0);
    const cJSON *ideal = cJSON_GetArrayItem(cJSON_GetObjectItem(machine, "ideal"), 0);
    const cJSON *reached = cJSON_GetArrayItem(cJSON_GetObjectItem(machine, "reached"), 0);
    cr_expect_eq(at(reached, "efficiency_memory"), at(against, "efficiency_memory"));
    cr_expect_gt(at(reached, "per_token_s"), at(ideal, "per_token_s"));
    cJSON_Delete(json);
}
