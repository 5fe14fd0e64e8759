/* generate, as a user runs it: sampling, stops, batches, beams, JSON, and what contradicts itself.
 */
#include "base/file.h"
#include "tests/cli/run.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORIES "../shared/reference/models/stories260K/stories260K-F32.gguf"

static bool absent(void)
{
    if (fl_file_exists(STORIES))
        return false;
    fprintf(stderr, "SKIPPED: %s is not there\n", STORIES);
    return true;
}

/* The output of a run that must succeed; release with free(). */
static char *output(const char *arguments)
{
    struct run_result r = run_flopledger("generate %s", arguments);
    cr_assert_eq(r.status, 0, "%s: %s", arguments, r.err);
    char *out = strdup(r.out);
    run_release(&r);
    return out;
}

static cJSON *json(const char *arguments)
{
    char *text = output(arguments);
    cJSON *object = cJSON_Parse(text);
    cr_assert_not_null(object, "%s: no JSON: %s", arguments, text);
    free(text);
    return object;
}

static void expect_equal(const char *a, const char *b)
{
    char *x = output(a), *y = output(b);
    cr_expect_str_eq(x, y, "%s | %s", a, b);
    free(y);
    free(x);
}

Test(cli_generate, other_names_mean_the_same)
{
    expect_equal("-m llama-nano -p abc -q --ids -n 20 --temperature 0.9 --repetition-penalty 1.3",
                 "-m llama-nano -p abc -q --ids --max-new-tokens 20 --temp 0.9 "
                 "--repeat-penalty 1.3");
    expect_equal("-m llama-nano -p abc -q --ids -n 8 --num-beams 3",
                 "-m llama-nano -p abc -q --ids --n-predict 8 --beams 3");
    expect_equal("-m llama-nano -p abc -q --ids -n 20", "-m llama-nano -p abc -q --ids -n 20 "
                                                        "--top-k 1");
    expect_equal("-m llama-nano -p abc -q --ids -n 20 --do-sample --seed 4",
                 "-m llama-nano -p abc -q --ids -n 20 --temp 1 -s 4");
    expect_equal("-m llama-nano -p abc -q --ids -n 20",
                 "-m llama-nano -p abc -q --ids -n 20 --repeat-penalty 2 --repeat-last-n 0");
}

Test(cli_generate, contradictions_are_misuse)
{
    static const struct {
        int status;
        const char *arguments, *sentence;
    } CASES[] = {
        {2, "-p a --num-beams 2 --temp 1", "--num-beams: beam search draws nothing"},
        {2, "-p a --num-beams 2 --top-p 0.9", "--num-beams: beam search draws nothing"},
        {2, "-p a --num-beams 2 --cache off", "--num-beams: expected --cache on"},
        {2, "-p a --num-beams 2 --stop x", "--stop: expected no --num-beams"},
        {2, "-p a --length-penalty 1", "expected --num-beams of at least 2"},
        {2, "-p a --early-stopping", "expected --num-beams of at least 2"},
        {2, "-p a --do-sample --temperature 0", "--do-sample: expected a --temperature above 0"},
        {2, "-p a --min-new-tokens 70", "--min-new-tokens: expected at most --n-predict"},
        {2, "-p a --stop ''", "--stop: expected at least one character"},
        {2, "--prompt-ids 1,2 --ids --stop a", "--stop: expected text to search"},
        {2, "-p a --prompts-file x", "--prompt or --prompt-file"},
        {2, "-p a --top-p 1.5", "--top-p: expected a number from 0 to 1"},
        {2, "-p a --top-k -1", "--top-k: expected a whole number"},
        {1, "-p a -p ''", "prompt 2: expected at least one token"},
        {1, "--prompts-file /dev/null", "/dev/null: expected one prompt a line"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct run_result r = run_flopledger("generate -m gpt2-nano %s", CASES[i].arguments);
        cr_expect_eq(r.status, CASES[i].status, "%s: %s", CASES[i].arguments, r.err);
        cr_expect(strstr(r.err, CASES[i].sentence), "%s: %s", CASES[i].arguments, r.err);
        cr_expect_str_empty(r.out);
        run_release(&r);
    }
}

Test(cli_generate, a_context_that_ends_is_said_before)
{
    struct run_result r = run_shell("head -c 1000000 /dev/zero | tr '\\0' a | $FLOPLEDGER generate "
                                    "-m gpt2-nano --prompt-file -");
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "prompt: expected at most 512 tokens, the model's context, not "
                            "1000000"),
              "%s", r.err);
    run_release(&r);
    r = run_shell("head -c 508 /dev/zero | tr '\\0' a | $FLOPLEDGER generate -m gpt2-nano "
                  "--prompt-file - -n 10 --ids -q --ignore-eos | wc -l");
    cr_expect_str_eq(r.out, "5\n");
    cr_expect(strstr(r.err, "of 508 tokens leaves room for 5 of 10"), "%s", r.err);
    run_release(&r);
}

Test(cli_generate, several_prompts_are_labelled_and_give_what_each_gives_alone)
{
    if (absent())
        return;
    char *batch = output("-m " STORIES " -p 'Once upon a time' -p 'Lily' -n 30 -q");
    char *first = output("-m " STORIES " -p 'Once upon a time' -n 30 -q");
    char *second = output("-m " STORIES " -p 'Lily' -n 30 -q");
    char expected[4096];
    snprintf(expected, sizeof expected, "==> prompt 1 <==\n%s\n==> prompt 2 <==\n%s", first,
             second);
    cr_expect_str_eq(batch, expected);
    struct run_result r = run_shell("printf 'Once upon a time\\nLily\\n' | $FLOPLEDGER generate -m "
                                    "%s --prompts-file - -n 30 -q",
                                    STORIES);
    cr_expect_str_eq(r.out, expected, "%s", r.err);
    run_release(&r);
    free(second);
    free(first);
    free(batch);
}

Test(cli_generate, stop_texts_are_not_printed)
{
    if (absent())
        return;
    char *text = output("-m " STORIES " -p 'Once upon a time' -n 60 -q --stop 'zzz' --stop "
                        "'the park'");
    cr_expect_str_eq(text, ", there was a little girl named Lily. She loved to play outside in \n");
    free(text);
}

Test(cli_generate, beams_are_set_against_greedy)
{
    if (absent())
        return;
    struct run_result r = run_flopledger("generate -m " STORIES " -p 'Once upon a time' -n 20 "
                                         "--num-beams 4 --length-penalty 0.6");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.err, "4 beams") && strstr(r.err, "\ngreedy ") && strstr(r.err, "kv_copy"),
              "%s", r.err);
    run_release(&r);
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    cr_assert(cJSON_IsNumber(item), "no number \"%s\"", name);
    return item->valuedouble;
}

Test(cli_generate, json_has_texts_ids_settings_and_ledger)
{
    if (absent())
        return;
    cJSON *object = json("-m " STORIES " -p 'Once upon a time' -n 20 --temp 0.5 --top-k 10 "
                         "--seed 9 --format json --stop XYZ");
    char *text = output("-m " STORIES " -p 'Once upon a time' -n 20 --temp 0.5 --top-k 10 "
                        "--seed 9 -q");
    char *ids = output("-m " STORIES " -p 'Once upon a time' -n 20 --temp 0.5 --top-k 10 "
                       "--seed 9 -q --ids");
    const cJSON *settings = cJSON_GetObjectItem(object, "settings");
    cr_expect_eq(number(settings, "seed"), 9);
    cr_expect_eq(number(settings, "temperature"), 0.5);
    cr_expect_eq(number(settings, "top_k"), 10);
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(object, "outputs"), 0);
    const char *shown = cJSON_GetStringValue(cJSON_GetObjectItem(first, "text"));
    cr_assert_not_null(shown);
    cr_expect(strlen(text) == strlen(shown) + 1 && strncmp(text, shown, strlen(shown)) == 0, "%s",
              shown);
    cr_expect_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(first, "stop_reason")), "length");
    const char *rest = ids;
    const cJSON *id;
    cJSON_ArrayForEach(id, cJSON_GetObjectItem(first, "ids"))
    {
        char *end;
        cr_expect_eq(strtol(rest, &end, 10), id->valueint);
        rest = end;
    }
    cr_expect_str_eq(rest, "\n");

    const cJSON *phase;
    cJSON_ArrayForEach(phase, cJSON_GetObjectItem(object, "phases"))
    {
        double flops = 0;
        const cJSON *op;
        cJSON_ArrayForEach(op, cJSON_GetObjectItem(phase, "operators"))
        {
            flops += number(op, "flops");
        }
        cr_expect_gt(flops, 0);
        cr_expect_eq(flops, number(phase, "flops"));
    }
    free(ids);
    free(text);
    cJSON_Delete(object);
}

/* Random bytes, NUL among them, and beams: still one object. */
Test(cli_generate, json_is_valid_whatever_is_generated)
{
    cJSON *object = json("-m gpt2-nano -p x -p yy -n 200 --temp 1 --format json");
    const cJSON *outputs = cJSON_GetObjectItem(object, "outputs");
    cr_expect_eq(cJSON_GetArraySize(outputs), 2);
    cJSON_Delete(object);
    object = json("-m gpt2-nano --prompt-ids 1,2 --prompt-ids 3 -n 10 --num-beams 3 --ids --format "
                  "json");
    outputs = cJSON_GetObjectItem(object, "outputs");
    const cJSON *beams = cJSON_GetObjectItem(cJSON_GetArrayItem(outputs, 1), "beams");
    cr_expect_eq(cJSON_GetArraySize(beams), 3);
    cr_expect_gt(number(cJSON_GetObjectItem(object, "search"), "flops"), 0);
    cr_expect_null(cJSON_GetObjectItem(cJSON_GetArrayItem(outputs, 0), "text"));
    cJSON_Delete(object);
}

/* Ctrl-C in the middle of a batch that takes many seconds: the texts so far, the ledger of what
 * ran, and the status that shells give. */
Test(cli_generate, an_interrupt_prints_what_there_is)
{
    struct run_result r = run_shell(
        "timeout --preserve-status -s INT 1 $FLOPLEDGER generate -m llama-nano --cache off "
        "-p Once -p Lily -n 500 --ignore-eos --attention naive -t 1 --ids");
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.err);
    cr_expect(strstr(r.out, "==> prompt 2 <=="), "%s", r.out);
    cr_expect(strstr(r.err, "interrupted") && strstr(r.err, "decode"), "%s", r.err);
    run_release(&r);
}
