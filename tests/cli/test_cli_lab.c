/* The labs as a class runs them. One round each: what is tested is exact or follows from it. */
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { N_LABS = 2 };

static cJSON *parse(struct run_result *r)
{
    cr_assert_eq(r->status, 0, "%s", r->err);
    cJSON *json = cJSON_Parse(r->out);
    cr_assert_not_null(json, "%s", r->out);
    run_release(r);
    return json;
}

static cJSON *lab_json(const char *arguments)
{
    struct run_result r = run_flopledger("lab %s --format json --rounds 1 -q", arguments);
    return parse(&r);
}

static cJSON *count_json(const char *arguments)
{
    struct run_result r = run_flopledger("count -m gpt2-course %s --format json", arguments);
    return parse(&r);
}

static const char *text_of(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(json, name);
    cr_assert(cJSON_IsString(item), "%s", name);
    return item->valuestring;
}

static double number_of(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(json, name);
    cr_assert(cJSON_IsNumber(item), "%s", name);
    return item->valuedouble;
}

/* The element of an array whose member `name` is `value`. */
static const cJSON *find(const cJSON *array, const char *name, const char *value)
{
    const cJSON *item = array ? array->child : NULL;
    while (item && strcmp(text_of(item, name), value) != 0)
        item = item->next;
    cr_assert_not_null(item, "no %s '%s'", name, value);
    return item;
}

static const cJSON *question(const cJSON *lab, const char *key)
{
    return find(cJSON_GetObjectItem(lab, "questions"), "key", key);
}

static double exact_flops(const char *arguments)
{
    cJSON *count = count_json(arguments);
    const cJSON *exact = cJSON_GetObjectItem(cJSON_GetObjectItem(count, "totals"), "exact");
    const double flops = number_of(exact, "flops");
    cJSON_Delete(count);
    return flops;
}

/* ---- all of them ---- */

static void expect_complete(const cJSON *lab)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(lab, "questions"))
    {
        cr_expect(cJSON_IsNumber(cJSON_GetObjectItem(item, "actual")), "%s %s", text_of(lab, "lab"),
                  text_of(item, "key"));
        cr_expect_str_eq(text_of(item, "verdict"), "unasked");
    }
    cr_expect_gt(cJSON_GetArraySize(cJSON_GetObjectItem(lab, "tables")), 0);
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(lab, "accounts"))
    {
        /* of a product a ratio, of a sum the last term's units: rounding of doubles at the most */
        const cJSON *terms = cJSON_GetObjectItem(item, "terms");
        const cJSON *last = cJSON_GetArrayItem(terms, cJSON_GetArraySize(terms) - 1);
        const double whole =
            strcmp(text_of(item, "operation"), "product") == 0 ? 1 : number_of(last, "value");
        const double left_over = number_of(item, "left_over");
        cr_expect(left_over <= 1e-9 * whole && left_over >= -1e-9 * whole, "%s: %s leaves %g",
                  text_of(lab, "lab"), text_of(item, "title"), left_over);
    }
}

Test(cli_lab, every_lab_runs_in_both_languages)
{
    struct run_result r = run_flopledger("lab --list --format json");
    cJSON *list = parse(&r);
    const cJSON *item;
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(list, "labs")), N_LABS);
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(list, "labs"))
    {
        const char *id = text_of(item, "lab");
        cJSON *lab = lab_json(id);
        cr_expect_str_eq(text_of(lab, "lab"), id);
        cr_expect_str_eq(text_of(lab, "title"), text_of(item, "title"));
        expect_complete(lab);
        cJSON_Delete(lab);
        r = run_flopledger("lab %s --lang zh --rounds 1 -q", id);
        cr_expect_eq(r.status, 0, "%s: %s", id, r.err);
        cr_expect_str_empty(r.err, "%s: %s", id, r.err);
        cr_expect(strstr(r.out, "实验"), "%s", id);
        cr_expect(strstr(r.out, "预测与实测"), "%s", id);
        cr_expect_null(strstr(r.out, "Prediction"), "%s", id);
        run_release(&r);
    }
    cJSON_Delete(list);
}

Test(cli_lab, lists_the_labs)
{
    struct run_result r = run_flopledger("lab");
    cr_expect_eq(r.status, 0);
    cr_expect(strstr(r.out, "Prefill against decode"), "%s", r.out);
    cr_expect(strstr(r.out, "--answers"), "%s", r.out);
    run_release(&r);
    r = run_flopledger("lab --list --lang zh");
    cr_expect(strstr(r.out, "预填充与解码"), "%s", r.out);
    run_release(&r);
}

Test(cli_lab, misuse_is_two)
{
    static const struct {
        const char *arguments, *sentence;
    } CASES[] = {
        {"9", "no lab '9'"},
        {"1 2", "unexpected argument '2'"},
        {"1 --lang fr", "lang"},
        {"1 --format csv", "format"},
        {"1 --rounds 0", "rounds"},
        {"1 --predict many", "expected a figure such as 3.2 GFLOP, got 'many'"},
        {"1 --predict '4 ms'", "got the unit 'ms'"},
        {"1 --predict 1,2,3,4", "lab 1 has 3 questions"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct run_result r = run_flopledger("lab %s", CASES[i].arguments);
        cr_expect_eq(r.status, 2, "%s: %d", CASES[i].arguments, r.status);
        cr_expect_str_empty(r.out, "%s", CASES[i].arguments);
        cr_expect(strstr(r.err, CASES[i].sentence), "%s: %s", CASES[i].arguments, r.err);
        run_release(&r);
    }
}

/* ---- predictions ---- */

Test(cli_lab, predictions_are_judged)
{
    cJSON *lab = lab_json("1 --predict '838.9 MFLOP,25 %,-'");
    const cJSON *flops = question(lab, "flops"), *share = question(lab, "attention_share");
    cr_expect_eq(number_of(flops, "prediction"), 838.9e6);
    cr_expect_str_eq(text_of(flops, "verdict"), "right");
    cr_expect(cJSON_IsNull(cJSON_GetObjectItem(flops, "slip")));
    cr_expect_str_eq(text_of(share, "verdict"), "off");
    cr_expect(strstr(text_of(share, "slip"), "24bsh²"), "%s", text_of(share, "slip"));
    cr_expect_str_eq(text_of(question(lab, "crossing"), "verdict"), "unasked");
    cJSON_Delete(lab);

    struct run_result r = run_flopledger("lab 1 -q --rounds 1 --predict 419430400");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "multiply-accumulates (MACs)"), "%s", r.out);
    cr_expect(strstr(r.out, "off by a factor of 2.01"), "%s", r.out);
    run_release(&r);
}

/* The lecturer's figures and explanation come before anything that was measured. */
Test(cli_lab, answers_come_first)
{
    struct run_result r = run_flopledger("lab 1 -q --rounds 1 --answers");
    cr_expect_eq(r.status, 0, "%s", r.err);
    const char *answers = strstr(r.out, "Answers, for the lecturer");
    const char *expected = strstr(r.out, "838,860,800"), *counted = strstr(r.out, "843,647,232");
    const char *explanation = strstr(r.out, "Every weight of a layer is used once");
    cr_assert(answers && expected && counted && explanation, "%s", r.out);
    cr_expect(answers < expected && expected < explanation && explanation < counted, "%s", r.out);
    run_release(&r);
}

Test(cli_lab, plots_its_figure)
{
    struct run_scratch scratch;
    run_scratch_make(&scratch);
    struct run_result r =
        run_flopledger("lab 1 -q --rounds 1 --lang zh --plot %s/layer.svg", scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    r = run_shell("cat %s/layer.svg", scratch.path);
    cr_expect(strstr(r.out, "</svg>"), "%.200s", r.out);
    cr_expect(strstr(r.out, "ffn_down"), "%.200s", r.out);
    run_release(&r);
    r = run_flopledger("lab 1 -q --rounds 1 --plot %s/no/such/file.svg", scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "no/such/file.svg"), "%s", r.err);
    run_release(&r);
    run_scratch_remove(&scratch);
}

/* ---- exact figures are those of `count` ---- */

Test(cli_lab, formula_counts_what_count_counts)
{
    cJSON *lab = lab_json("1"), *count = count_json("-s 128 --causal full");
    double exact = 0, textbook = 0;
    const cJSON *op;
    cJSON_ArrayForEach(op, cJSON_GetObjectItem(count, "ops"))
    {
        const cJSON *layer = cJSON_GetObjectItem(op, "layer");
        if (!cJSON_IsNumber(layer) || layer->valuedouble != 3)
            continue;
        exact += number_of(cJSON_GetObjectItem(op, "exact"), "flops");
        textbook += number_of(cJSON_GetObjectItem(op, "textbook"), "flops");
    }
    cr_expect_eq(textbook, 24. * 128 * 512 * 512 + 4. * 128 * 128 * 512);
    cr_expect_eq(number_of(question(lab, "flops"), "expected"), textbook);
    cr_expect_eq(number_of(question(lab, "flops"), "actual"), exact);
    cr_expect_eq(number_of(question(lab, "crossing"), "actual"), 6 * 512);
    cJSON_Delete(lab);
    cJSON_Delete(count);
}

Test(cli_lab, phases_counts_what_count_counts)
{
    cJSON *lab = lab_json("2");
    const double prefill = exact_flops("-s 256 --lm-head last");
    const double step = exact_flops("--past 255 --lm-head last");
    cr_expect_float_eq(number_of(question(lab, "flop_ratio"), "actual"), prefill / step, 1e-6);
    cJSON_Delete(lab);
}
