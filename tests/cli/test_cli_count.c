#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(cli_count, misuse_is_two)
{
    run_expect_refused(2, "count", "--model: expected");
    run_expect_refused(2, "count -m gpt2 --prompt 5", "--prompt and --gen go together");
    run_expect_refused(2, "count -m gpt2 --prompt 5 --gen 5 -s 3", "describe a whole generation");
    run_expect_refused(2, "count -m gpt2 --explain --format json", "leave --format out");
    run_expect_refused(2, "count -m gpt2 -s 0", "tokens");
    run_expect_refused(2, "count -m gpt2 --causal most", "causal");
    run_expect_refused(2, "count -m gpt2 and more", "unexpected argument 'and'");
}

Test(cli_count, unknown_model_is_one_sentence)
{
    run_expect_refused(1, "count -m no-such-model", "no-such-model");
}

Test(cli_count, table_holds_the_course_figure)
{
    /* 24bsh^2 + 4bs^2h over 12 layers and 2bshV */
    struct run_result r = run_flopledger("count gpt2-small -s 1024 --causal full");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "291,648,307,200"), "%s", r.out);
    cr_expect(strstr(r.out, "nothing left over"), "%s", r.out);
    run_release(&r);
}

static cJSON *count_json(const char *arguments)
{
    struct run_result r = run_flopledger("count --format json %s", arguments);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *json = cJSON_Parse(r.out);
    cr_assert_not_null(json, "%s", r.out);
    run_release(&r);
    return json;
}

static double at(const cJSON *json, const char *a, const char *b, const char *c)
{
    const cJSON *item = cJSON_GetObjectItem(json, a);
    item = b ? cJSON_GetObjectItem(item, b) : item;
    item = c ? cJSON_GetObjectItem(item, c) : item;
    cr_assert(cJSON_IsNumber(item), "%s %s %s", a, b ? b : "", c ? c : "");
    return item->valuedouble;
}

Test(cli_count, json_has_what_the_schema_says)
{
    cJSON *json = count_json("-m llama-3-8b -s 64");
    static const char *const MEMBERS[] = {"schema", "convention", "model", "shape",
                                          "ops",    "totals",     "gap",   "memory"};
    for (int i = 0; i < 8; i++)
        cr_expect(cJSON_HasObjectItem(json, MEMBERS[i]), "%s", MEMBERS[i]);
    cr_expect_eq(at(json, "schema", NULL, NULL), 1);

    double sum = 0, gap = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "ops"))
    {
        sum += at(item, "exact", "flops", NULL);
        cr_expect(cJSON_IsNull(cJSON_GetObjectItem(item, "counted")));
        cr_expect(cJSON_IsNull(cJSON_GetObjectItem(item, "measured")));
    }
    cr_expect_eq(sum, at(json, "totals", "exact", "flops"));
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "gap")) gap += at(item, "flops", NULL, NULL);
    cr_expect_eq(at(json, "totals", "textbook", "flops") + gap, sum);
    cJSON_Delete(json);
}

/* Of a whole generation too the rows add up to the total and the gap to the difference. */
Test(cli_count, generation_adds_up)
{
    static const char *const CACHE[] = {"on", "off"};
    for (int i = 0; i < 2; i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments, "-m llama-3-8b --prompt 100 --gen 33 --cache %s",
                 CACHE[i]);
        cJSON *json = count_json(arguments);
        double sum = 0, gap = 0, decode = 0;
        const cJSON *item;
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "ops"))
        {
            double flops = at(item, "exact", "flops", NULL);
            sum += flops;
            if (strcmp(cJSON_GetObjectItem(item, "phase")->valuestring, "decode") == 0)
                decode += flops;
        }
        cJSON_ArrayForEach(
            item, cJSON_GetObjectItem(
                      json, "gap")) if (strcmp(cJSON_GetObjectItem(item, "from")->valuestring,
                                               "textbook") == 0) gap +=
            at(item, "flops", NULL, NULL);
        cr_expect_eq(sum, at(json, "totals", "exact", "flops"));
        cr_expect_eq(at(json, "totals", "textbook", "flops") + gap, sum);
        cr_expect_gt(decode, 0);
        cJSON_Delete(json);
    }
}

Test(cli_count, macs_are_not_called_flops)
{
    cJSON *flops = count_json("-m gpt2-small -s 100 --elementwise off");
    cJSON *macs = count_json("-m gpt2-small -s 100 --unit mac");
    cr_expect_eq(at(flops, "totals", "exact", "flops"), 2 * at(macs, "totals", "exact", "macs"));
    const cJSON *exact = cJSON_GetObjectItem(cJSON_GetObjectItem(macs, "totals"), "exact");
    cr_expect_not(cJSON_HasObjectItem(exact, "flops"));
    cJSON_Delete(flops);
    cJSON_Delete(macs);
}

/* Figures beyond 2^53 keep their last digit: 2^53 + 1 is no double. */
Test(cli_count, large_figures_are_exact)
{
    struct run_result r =
        run_flopledger("count -m llama-3.1-405b -s 100001 -b 3 --causal exact --format json");
    cr_assert_eq(r.status, 0, "%s", r.err);
    /* scores: 126 layers of 2 b (s(s+1)/2) n_h d_h = 2*3*5000150001*16384 = 491534745698304 each;
     * logits: 2*3*100001*16384*128256 = 1260820390477824 */
    cr_expect(strstr(r.out, "491534745698304"), "scores");
    cr_expect(strstr(r.out, "1260820390477824"), "logits");
    run_release(&r);
    r = run_flopledger("count -m llama-3.1-405b --prompt 100000 --gen 30000 -b 64 --cache off "
                       "--causal full --elementwise off --format csv");
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
}

/* A cached step and the uncached one it replaces; the whole prefix of t tokens for one token. */
Test(cli_count, decode_cached_and_uncached)
{
    cJSON *cached = count_json("-m gpt2-small --past 511 --elementwise off --causal full");
    cJSON *uncached =
        count_json("-m gpt2-small --past 511 --elementwise off --causal full --cache off");
    double h = 768, V = 50257, t = 512;
    cr_expect_eq(at(cached, "totals", "exact", "flops"), 12 * (24 * h * h + 4 * t * h) + 2 * h * V);
    cr_expect_eq(at(uncached, "totals", "exact", "flops"),
                 12 * (24 * t * h * h + 4 * t * t * h) + 2 * h * V);
    cJSON_Delete(cached);
    cJSON_Delete(uncached);
}

Test(cli_count, explain_shows_symbols_figures_and_value)
{
    struct run_result r = run_flopledger("count -m gpt2-small -s 512 --explain");
    cr_expect_eq(r.status, 0);
    cr_expect(strstr(r.out, "6·b·s·h²"));
    cr_expect(strstr(r.out, "6·1·512·768²"));
    cr_expect(strstr(r.out, "1,811,939,328"));
    cr_expect(strstr(r.out, "2·b·pairs·n_h·d_h"));
    cr_expect(strstr(r.out, "s·p + s·(s + 1)/2 = 131328"));
    run_release(&r);
    r = run_flopledger("count -m gpt2-small -s 512 --latex");
    cr_expect_eq(r.status, 0);
    cr_expect_eq(strncmp(r.out, "\\begin{align*}", 14), 0, "%.40s", r.out);
    cr_expect(strstr(r.out, "6\\,b\\,s\\,h^{2}"));
    run_release(&r);
}

Test(cli_count, csv_is_a_rectangle)
{
    struct run_result r = run_flopledger("count -m llama-nano -s 8 --format csv");
    cr_assert_eq(r.status, 0, "%s", r.err);
    int n_lines = 0;
    for (char *line = strtok(r.out, "\r\n"); line; line = strtok(NULL, "\r\n"), n_lines++) {
        int commas = 0;
        for (const char *c = line; *c; c++)
            commas += *c == ',';
        cr_expect_eq(commas, 17, "%s", line);
    }
    cr_expect_gt(n_lines, 40);
    run_release(&r);
}
