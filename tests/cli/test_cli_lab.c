/* The labs as a class runs them. One round each: what is tested is exact or follows from it. */
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_LABS = 9 };

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
    cr_expect(cJSON_IsNull(cJSON_GetObjectItem(lab, "spread")), "one round has no spread");
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
        {"1 --lang zh --predict 1,2,3,4", "实验 1 只有 3 个问题，给出的数值过多"},
        {"1 --lang zh --predict many", "例如 3.2 GFLOP，而不是 'many'"},
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

static const cJSON *row_of(const cJSON *lab, int table, const char *label)
{
    const cJSON *tables = cJSON_GetObjectItem(lab, "tables");
    return cJSON_GetObjectItem(
        find(cJSON_GetObjectItem(cJSON_GetArrayItem(tables, table), "rows"), "label", label),
        "values");
}

static double cell(const cJSON *lab, int table, const char *label, int column)
{
    const cJSON *value = cJSON_GetArrayItem(row_of(lab, table, label), column);
    cr_assert(cJSON_IsNumber(value), "%s %d", label, column);
    return value->valuedouble;
}

Test(cli_lab, kv_cache_counts_what_count_counts)
{
    cJSON *lab = lab_json("3");
    const double cached = exact_flops("--prompt 32 --gen 16 --lm-head last");
    const double uncached = exact_flops("--prompt 32 --gen 16 --lm-head last --cache off");
    cr_expect_eq(cell(lab, 0, "with the KV cache", 0), cached);
    cr_expect_eq(cell(lab, 0, "without", 0), uncached);
    cr_expect_eq(cell(lab, 0, "without", 2), 16, "the same tokens either way");
    cr_expect_eq(number_of(question(lab, "bytes_per_token"), "actual"), 2 * 8 * 512 * 4);
    cr_expect_eq(cell(lab, 1, "t = 1024", 0), exact_flops("--past 1023 --lm-head last"));
    /* a step that keeps K and V gives what a pass over everything gives, and no other one does;
     * logits are near 1, rounding is some 1e-6 */
    cr_expect_lt(cell(lab, 2, "K and V", 1), 1e-4);
    cr_expect_gt(cell(lab, 2, "K alone", 1), 0.1);
    cr_expect_gt(cell(lab, 2, "V alone", 1), 0.1);
    cr_expect_gt(cell(lab, 2, "neither", 1), 0.1);
    cJSON_Delete(lab);
}

static double exact_bytes(const char *arguments)
{
    cJSON *count = count_json(arguments);
    double bytes = 0;
    const cJSON *op;
    cJSON_ArrayForEach(op, cJSON_GetObjectItem(count, "ops"))
    {
        const cJSON *exact = cJSON_GetObjectItem(op, "exact");
        bytes += number_of(exact, "bytes_read") + number_of(exact, "bytes_written");
    }
    cJSON_Delete(count);
    return bytes;
}

Test(cli_lab, roofline_moves_what_count_moves)
{
    cJSON *lab = lab_json("4");
    const double flops = exact_flops("-s 1 --lm-head last"),
                 bytes = exact_bytes("-s 1 --lm-head last");
    cr_expect_float_eq(number_of(question(lab, "intensity"), "actual"), flops / bytes, 1e-6);
    cr_expect_eq(cell(lab, 0, "s = 1", 1), bytes);
    cr_expect_eq(cell(lab, 0, "s = 256", 1), exact_bytes("-s 256 --lm-head last"));
    cJSON_Delete(lab);
}

static double attention_flops(const char *arguments)
{
    cJSON *count = count_json(arguments);
    double flops = 0;
    const cJSON *op;
    cJSON_ArrayForEach(op, cJSON_GetObjectItem(count, "ops"))
    {
        const char *name = text_of(op, "op");
        if (strcmp(name, "scores") == 0 || strcmp(name, "softmax") == 0 ||
            strcmp(name, "context") == 0 || strcmp(name, "attention") == 0)
            flops += number_of(cJSON_GetObjectItem(op, "exact"), "flops");
    }
    cJSON_Delete(count);
    return flops;
}

Test(cli_lab, attention_counts_what_count_counts)
{
    cJSON *lab = lab_json("5");
    cr_expect_eq(cell(lab, 0, "naive", 0), attention_flops("-s 512 --causal full"));
    cr_expect_eq(cell(lab, 0, "causal", 0), attention_flops("-s 512"));
    cr_expect_eq(cell(lab, 0, "flash", 0), attention_flops("-s 512 --attention fused"));
    cr_expect_eq(cell(lab, 0, "naive", 1), 8. * 512 * 512 * 4);
    cr_expect_eq(cell(lab, 0, "flash", 1), 0);
    cr_expect_float_eq(number_of(question(lab, "pairs"), "actual"), 100 * 513. / 1024, 1e-6);
    cJSON_Delete(lab);
}

Test(cli_lab, batching_moves_what_count_moves)
{
    cJSON *lab = lab_json("6");
    const double one = exact_bytes("--past 127 --lm-head last");
    const double sixteen = exact_bytes("--past 127 -b 16 --lm-head last");
    cr_expect_eq(cell(lab, 0, "b = 16", 1), sixteen);
    cr_expect_float_eq(number_of(question(lab, "bytes_ratio"), "actual"), sixteen / one, 1e-6);
    cr_expect_eq(number_of(question(lab, "equal_batch"), "actual"), 24);
    cJSON_Delete(lab);
}

Test(cli_lab, quantisation_moves_what_count_moves)
{
    cJSON *lab = lab_json("7");
    static const char *const FORMATS[] = {"f32", "bf16", "q8_0", "q4_0"};
    for (int i = 0; i < 4; i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments, "--past 127 --lm-head last --dtype %s", FORMATS[i]);
        cr_expect_eq(cell(lab, 0, FORMATS[i], 1), exact_bytes(arguments), "%s", FORMATS[i]);
        cr_expect_eq(cell(lab, 0, FORMATS[i], 2), exact_flops(arguments), "%s", FORMATS[i]);
    }
    cr_expect_eq(number_of(question(lab, "flop_ratio"), "actual"), 1);
    cr_expect_eq(cell(lab, 0, "f32", 6), 0);
    cr_expect_lt(cell(lab, 0, "bf16", 6), cell(lab, 0, "q4_0", 6));
    cJSON_Delete(lab);
}

Test(cli_lab, speculation_changes_no_token)
{
    cJSON *lab = lab_json("8");
    for (int way = 0; way < 3; way++) {
        static const char *const WAYS[] = {"plain decoding", "draft in q8_0", "draft in q4_0"};
        cr_expect_eq(cell(lab, 0, WAYS[way], 5), 48, "%s", WAYS[way]);
    }
    cr_expect_eq(cell(lab, 0, "plain decoding", 0), 47);
    cr_expect_leq(cell(lab, 1, "draft in q4_0", 1), cell(lab, 1, "draft in q8_0", 1));
    /* 47 steps behind a prompt of 16 */
    cr_expect_eq(cell(lab, 0, "plain decoding", 2) * 47,
                 exact_flops("--prompt 16 --gen 48 --lm-head last") -
                     exact_flops("-s 16 --lm-head last"));
    cJSON_Delete(lab);
}

Test(cli_lab, slips_are_shown_by_figures)
{
    cJSON *lab = lab_json("slips --predict '3,-1.6,1,22.63,262144'");
    static const struct {
        const char *key;
        double actual;
    } CASES[] = {
        {"layernorm", 0}, {"repetition_penalty", -2.5}, {"decode_cost", 8}, {"macs", 524288}};
    for (int i = 0; i < 4; i++) {
        const cJSON *item = question(lab, CASES[i].key);
        cr_expect_eq(number_of(item, "actual"), CASES[i].actual, "%s", CASES[i].key);
        cr_expect_str_eq(text_of(item, "verdict"), "off", "%s", CASES[i].key);
        cr_expect(cJSON_IsString(cJSON_GetObjectItem(item, "slip")), "%s", CASES[i].key);
    }
    /* 16384 dot products: their deviation is known to within 1 % (3 standard errors: 1.7 %) */
    cr_expect_float_eq(number_of(question(lab, "score_scale"), "actual"), 8, 8 * 0.017);
    cr_expect(cJSON_IsString(cJSON_GetObjectItem(question(lab, "score_scale"), "slip")));
    cJSON_Delete(lab);
}

/* ---- on a terminal ---- */

/* The program with a terminal of its own, which types `typed` and keeps what is shown. */
static int run_on_terminal(const char *arguments, const char *typed, char *shown, size_t size)
{
    struct run_result found = run_shell("printf %%s \"$FLOPLEDGER\""); /* sets the variable, too */
    run_release(&found);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    char line[512];
    snprintf(line, sizeof line, "exec \"$FLOPLEDGER\" lab %s", arguments);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        setsid();
        int side = open(ptsname(terminal), O_RDWR);
        for (int i = 0; i < 3; i++)
            dup2(side, i);
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    cr_assert_eq(write(terminal, typed, strlen(typed)), (ssize_t)strlen(typed));
    size_t used = 0;
    for (ssize_t n; used + 1 < size && (n = read(terminal, shown + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    shown[used] = '\0';
    int status;
    waitpid(child, &status, 0);
    close(terminal);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

Test(cli_lab, a_terminal_is_asked_before_anything_is_shown)
{
    static char shown[1 << 16];
    int status = run_on_terminal("slips --quiet", "none\n0\n\n8 x\nq\n", shown, sizeof shown);
    cr_expect_eq(status, 0, "%s", shown);
    const char *asked = strstr(shown, "Predict first"), *again = strstr(shown, "Once more");
    const char *table = strstr(shown, "over the tokens (wrong)");
    const char *verdict = strstr(shown, "verdict");
    cr_assert(asked && again && table && verdict, "%s", shown);
    cr_expect(asked < again && again < table && table < verdict, "%s", shown);
    cr_expect(strstr(shown, "got 'none'"), "%s", shown);
    /* the first and the third were answered, both rightly; the rest was skipped */
    int n_right = 0;
    for (const char *at = shown; (at = strstr(at, "verdict")); at++)
        n_right++;
    cr_expect_eq(n_right, 2, "%s", shown);

    status = run_on_terminal("slips --quiet --answers", "", shown, sizeof shown);
    cr_expect_eq(status, 0);
    cr_expect_null(strstr(shown, "Predict first"));
}
