#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(cli_why, mistakes)
{
    run_expect_refused(2, "why ", "--model: expected");
    run_expect_refused(2, "why -m gpt2 --tool nothing", "not 'nothing'");
    run_expect_refused(2, "why -m gpt2 and more", "unexpected argument 'and'");
    run_expect_refused(2, "why -m gpt2 -s 0", "tokens");
    run_expect_refused(1, "why -m no-such-model", "no-such-model");
    run_expect_refused(1, "why -m gpt2 --tool palm --past 7", "knows no KV cache");
    run_expect_refused(1, "why -m gpt2 --tool fvcore --unit flop", "MACs only");
    run_expect_refused(1, "why -m t5-small --tool palm", "decoder-only");
}

static void expect_lines(const char *arguments, const char *const *lines)
{
    struct run_result r = run_flopledger("why %s", arguments);
    cr_assert_eq(r.status, 0, "%s", r.err);
    for (; *lines; lines++)
        cr_expect(strstr(r.out, *lines), "%s: no '%s' in\n%s", arguments, *lines, r.out);
    run_release(&r);
}

Test(cli_why, one_tool_says_everything)
{
    static const char *const LINES[] = {"1,700,063,608,832", /* calflops' README: 1700.06 G */
                                        "causal mask",         "all s·t query-key pairs",
                                        "unexplained",         "1,696,233,652,736",
                                        "https://github.com/", NULL};
    expect_lines("-m llama-2-7b -s 128 -t calflops", LINES);
}

Test(cli_why, overview_has_every_tool)
{
    static const char *const LINES[] = {"textbook", "deepspeed-example", "torchinfo", NULL};
    expect_lines("gpt2-small", LINES);
    expect_lines("gpt2-small --format md", LINES);
    expect_lines("--list", LINES);
    static const char *const BEHIND[] = {"counts whole sequences only", "cached keys", NULL};
    expect_lines("gpt2-small --past 100", BEHIND);
}

/* Both inputs; torch's 2 FLOPs for each of t5-nano's multiply-accumulates: h = 96, a = 96, f = 384,
 * three layers a stack. What cannot says why, as text and as JSON. */
Test(cli_why, encoder_decoders)
{
    static const char *const LINES[] = {"t5-nano, b = 1, s = 8, p = 0, s_e = 32",
                                        "charges every parameter for every token", "torchinfo",
                                        NULL};
    expect_lines("t5-nano -s 8 --encoder-tokens 32", LINES);
    const double h = 96, f = 384, s = 8, e = 32, layer = 4 * h * h + 2 * h * f;
    const double macs = 3 * (e * layer + 2 * h * e * e) + s * h * 256 +
                        3 * (s * layer + 2 * s * h * h + 2 * e * h * h + 2 * h * (s * s + s * e));
    struct run_result r = run_flopledger("why t5-nano -s 8 --encoder-tokens 32 --format json");
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *json = cJSON_Parse(r.out);
    cr_expect_eq(cJSON_GetObjectItem(json, "n_encoder_tokens")->valuedouble, 32);
    const cJSON *tool;
    cJSON_ArrayForEach(tool, cJSON_GetObjectItem(json, "tools"))
    {
        const char *name = cJSON_GetObjectItem(tool, "tool")->valuestring;
        const cJSON *reported = cJSON_GetObjectItem(tool, "reported");
        cr_expect_eq(cJSON_IsNull(reported), cJSON_HasObjectItem(tool, "reason"), "%s", name);
        if (strcmp(name, "torch") == 0)
            cr_expect_eq(reported->valuedouble, 2 * macs);
    }
    cJSON_Delete(json);
    run_release(&r);
}

Test(cli_why, csv_and_json_agree)
{
    struct run_result csv = run_flopledger("why gpt2-small -s 100 --tool thop --format csv");
    struct run_result r = run_flopledger("why gpt2-small -s 100 --tool thop --format json");
    cr_assert_eq(csv.status + r.status, 0);
    cJSON *json = cJSON_Parse(r.out);
    const cJSON *tool = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "tools"), 0);
    char line[64];
    snprintf(line, sizeof line, ",MAC,%.0f\r\n",
             cJSON_GetObjectItem(tool, "reported")->valuedouble);
    cr_expect(strstr(csv.out, line), "%s in %s", line, csv.out);
    cr_expect_str_eq(cJSON_GetObjectItem(tool, "unit")->valuestring, "mac");
    cJSON_Delete(json);
    run_release(&csv);
    run_release(&r);
}

/* The textbook bridged to itself needs no term. */
Test(cli_why, textbook_to_itself)
{
    struct run_result r =
        run_flopledger("why llama-3-8b -s 64 --tool textbook --to textbook --format json");
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *json = cJSON_Parse(r.out);
    const cJSON *tool = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "tools"), 0);
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(tool, "terms")), 0);
    cr_expect_eq(cJSON_GetObjectItem(tool, "reported")->valuedouble,
                 cJSON_GetObjectItem(tool, "ours")->valuedouble);
    cJSON_Delete(json);
    run_release(&r);
}
