#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(cli_audit, four_columns_side_by_side)
{
    struct run_result r = run_flopledger("audit gpt2-nano -s 32 --reps 2 --threads 1");
    cr_expect_eq(r.status, 0, "%s", r.err);
    static const char *const HEADINGS[] = {"textbook", "exact", "counted", "measured", "GFLOP/s"};
    for (int i = 0; i < 5; i++)
        cr_expect(strstr(r.out, HEADINGS[i]), "%s", HEADINGS[i]);
    cr_expect(strstr(r.out, "measured: unavailable: "), "%s", r.out);
    run_release(&r);
}

static cJSON *audit_json(const char *arguments)
{
    struct run_result r = run_flopledger("audit --reps 1 --format json %s", arguments);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *json = cJSON_Parse(r.out);
    cr_assert_not_null(json);
    run_release(&r);
    return json;
}

static double flops(const cJSON *figures, const char *column)
{
    return cJSON_GetObjectItem(cJSON_GetObjectItem(figures, column), "flops")->valuedouble;
}

/* Every phase, cache mode, kernel and logits mode: what ran is what the formulas say, and what
 * `count` says of the same shape. */
Test(cli_audit, counted_equals_exact)
{
    static const char *const POINTS[] = {
        "-m gpt2-nano -s 33 -b 2",
        "-m gpt2-nano -s 33 --attention naive --logits last",
        "-m llama-nano -s 40 --phase decode",
        "-m llama-nano -s 40 --phase decode --cache off",
        "-m llama-nano -s 40 --phase decode -b 3 --attention naive",
        "-m classic-nano -s 17 --logits none",
    };
    for (size_t i = 0; i < sizeof POINTS / sizeof *POINTS; i++) {
        cJSON *json = audit_json(POINTS[i]);
        const cJSON *item;
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "ops"))
            cr_expect_eq(flops(item, "exact"), flops(item, "counted"), "%s", POINTS[i]);
        const cJSON *totals = cJSON_GetObjectItem(json, "totals");
        cr_expect_gt(flops(totals, "counted"), 0);
        const cJSON *measured = cJSON_GetObjectItem(totals, "measured");
        cr_expect_str_eq(cJSON_GetObjectItem(measured, "status")->valuestring, "unavailable");
        cJSON_Delete(json);
    }
}

Test(cli_audit, refuses_what_cannot_run)
{
    const struct {
        int status;
        const char *arguments, *sentence;
    } cases[] = {
        {2, "audit", "--model: expected"},
        {2, "audit -m gpt2-nano -s -3", "context"},
        {1, "audit -m gpt2-nano -s 100000", "expected at most"},
        {1, "audit -m mixtral-8x7b -s 4", "mixtral"},
        {1, "audit -m llama-3.1-405b -s 4", "memory"},
        {1, "audit -m /dev/null -s 4", "/dev/null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run_result r = run_flopledger("%s", cases[i].arguments);
        cr_expect_eq(r.status, cases[i].status, "%s: %s", cases[i].arguments, r.err);
        cr_expect_str_empty(r.out);
        cr_expect(strstr(r.err, cases[i].sentence), "%s: %s", cases[i].arguments, r.err);
        run_release(&r);
    }
}

/* Without ceilings of this machine every format says so, and leaves the figures out. */
Test(cli_audit, ceilings_that_are_missing_are_said)
{
    cJSON *json = audit_json("-m gpt2-nano -s 8");
    const cJSON *roofline = cJSON_GetObjectItem(json, "roofline"), *op;
    cr_expect_str_eq(cJSON_GetObjectItem(roofline, "status")->valuestring, "unavailable");
    cr_expect(strstr(cJSON_GetObjectItem(roofline, "reason")->valuestring, "flopledger peaks"));
    cr_expect_eq(cJSON_GetArraySize(roofline), 2);
    cJSON_ArrayForEach(op, cJSON_GetObjectItem(json, "ops"))
        cr_expect(cJSON_IsNull(cJSON_GetObjectItem(op, "roofline")));
    cJSON_Delete(json);
    struct run_result r = run_flopledger("audit -m gpt2-nano -s 8 --reps 1 --format csv");
    cr_expect(strstr(r.out, ",light_ns,of_light,bound,bound_level\r\n"), "%s", r.out);
    cr_expect(strstr(r.out, ",,,,,,,,\r\n"), "empty fields: %s", r.out);
    cr_expect(strstr(r.err, "speed of light: unavailable: "), "%s", r.err);
    run_release(&r);
    r = run_flopledger("audit -m gpt2-nano -s 8 --reps 1");
    cr_expect(strstr(r.out, "speed of light: unavailable: "), "%s", r.out);
    run_release(&r);
    /* nothing ran, so nothing is to be held against ceilings */
    r = run_flopledger("count -m gpt2-nano -s 8 --format csv");
    cr_expect_null(strstr(r.out, "light_ns"), "%s", r.out);
    run_release(&r);
}

Test(cli_audit, says_how_weights_are_stored)
{
    cJSON *json = audit_json("-m llama-nano -s 8 --dtype q8_0 --kv-dtype f16");
    const cJSON *shape = cJSON_GetObjectItem(json, "shape");
    cr_expect_str_eq(cJSON_GetObjectItem(shape, "weight_dtype")->valuestring, "q8_0");
    cr_expect_str_eq(cJSON_GetObjectItem(shape, "kv_dtype")->valuestring, "f16");
    cJSON_Delete(json);
}

/* A file's name with quotes in it and bytes that are no UTF-8, which models' names never have. */
Test(cli_audit, hostile_names_stay_text)
{
    struct run_scratch scratch;
    run_scratch_make(&scratch);
    struct run_result r = run_shell("cd %s && $FLOPLEDGER convert -m llama-nano --quiet -o "
                                    "\"$(printf '\\377\"\\\\<b>`xy\\344.gguf')\"",
                                    scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char arguments[128];
    snprintf(arguments, sizeof arguments, "-m %s/*.gguf -s 4", scratch.path);
    cJSON *json = audit_json(arguments);
    cr_expect_str_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "model"), "name")->valuestring,
                     "?\"\\<b>`xy?");
    cJSON_Delete(json);
    run_scratch_remove(&scratch);
}
