/* serve-trace, and generate with a draft or in pieces, as a user runs them. */
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE "bench/traces/chat.csv"
#define FIXED "--clock flops --gflops 2 -t 1 -q "

static void expect_in(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "'%s' is not in:\n%s", part, text);
}

Test(cli_serve, the_example_trace)
{
    struct run_result r = run_flopledger("serve-trace " TRACE " -m llama-nano " FIXED);
    cr_expect_eq(r.status, 0, "%s", r.err);
    expect_in(r.out, "32 done, 0 refused");
    expect_in(r.out, "requests = exact = counted  yes");
    expect_in(r.out, "time to first token");
    cr_expect_str_empty(r.err);
    run_release(&r);
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    cr_assert(cJSON_IsNumber(item), "%s is missing", key);
    return item->valuedouble;
}

static double sum_of(const cJSON *rows, const char *key)
{
    double sum = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) sum += number(row, key);
    return sum;
}

/* These figures are below 2^53: doubles hold them exactly. */
Test(cli_serve, json_adds_up)
{
    struct run_result r = run_flopledger("serve-trace " TRACE " -m llama-nano --kv-blocks 30 "
                                         "--max-batch-tokens 64 --format json " FIXED);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *root = cJSON_Parse(r.out);
    cr_assert_not_null(root, "no JSON");
    const cJSON *summary = cJSON_GetObjectItemCaseSensitive(root, "summary");
    const cJSON *requests = cJSON_GetObjectItemCaseSensitive(root, "requests");
    const cJSON *passes = cJSON_GetObjectItemCaseSensitive(root, "passes");
    cr_expect_eq(cJSON_GetArraySize(requests), 32);
    cr_expect_eq(cJSON_GetArraySize(passes), (int)number(summary, "passes"));
    cr_expect_eq(sum_of(requests, "flops"), number(summary, "flops_counted"));
    cr_expect_eq(sum_of(passes, "flops"), number(summary, "flops_exact"));
    cr_expect_eq(sum_of(requests, "bytes"), sum_of(passes, "bytes"));
    cr_expect_gt(number(summary, "flops_saved"), 0);
    cr_expect_gt(number(summary, "preemptions"), 0, "30 blocks are too few for eight requests");
    const cJSON *pass;
    cJSON_ArrayForEach(pass, passes)
    {
        cr_expect_leq(number(pass, "tokens"), 64);
        cr_expect_leq(number(pass, "kv_blocks"), 30);
    }
    cJSON_Delete(root);
    run_release(&r);
}

Test(cli_serve, csv_has_a_row_a_request_and_markdown_is_markdown)
{
    struct run_result r =
        run_shell("$FLOPLEDGER serve-trace " TRACE " -m gpt2-nano --format csv " FIXED
                  "| awk -F, 'NF != 16 { exit 1 } END { print NR }'");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_eq(r.out, "33\n");
    run_release(&r);
    r = run_flopledger("serve-trace " TRACE " -m gpt2-nano --format md " FIXED);
    expect_in(r.out, "# gpt2-nano serves");
    expect_in(r.out, "## Latencies");
    run_release(&r);
}

/* The flops clock: the lesson of continuous batching does not depend on the machine. */
Test(cli_serve, continuous_is_faster_than_static)
{
    double rates[2];
    for (int policy = 0; policy < 2; policy++) {
        struct run_result r =
            run_flopledger("serve-trace " TRACE " -m llama-nano --format json --gflops 1 --clock "
                           "flops -t 1 -q --policy %s --prefix-cache off",
                           policy ? "continuous" : "static");
        cr_assert_eq(r.status, 0, "%s", r.err);
        cJSON *root = cJSON_Parse(r.out);
        const cJSON *summary = cJSON_GetObjectItemCaseSensitive(root, "summary");
        rates[policy] = number(cJSON_GetObjectItemCaseSensitive(summary, "ttft_s"), "mean");
        cJSON_Delete(root);
        run_release(&r);
    }
    cr_expect_lt(rates[1], rates[0]);
}

static const struct {
    const char *line, *sentence;
    int status;
} MISTAKES[] = {
    {"serve-trace " TRACE, "--model: expected", 2},
    {"serve-trace -m llama-nano", "expected one trace file, got 0", 2},
    {"serve-trace " TRACE " -m llama-nano --max-seqs 9 --max-batch-tokens 8",
     "--max-batch-tokens: expected at least --max-seqs, 9, got 8", 2},
    {"serve-trace /nowhere/t.csv -m llama-nano", "/nowhere/t.csv", 1},
    {"serve-trace " TRACE " -m llama-nano --ctx 100", "chat.csv:8: prompt_tokens:", 1},
    {"serve-trace " TRACE " -m llama-nano --block-tokens 5000 -q", "block_tokens: expected 1 ..",
     1},
};

Test(cli_serve, mistakes_are_sentences)
{
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        struct run_result r = run_flopledger("%s", MISTAKES[i].line);
        cr_expect_eq(r.status, MISTAKES[i].status, "%s: %d", MISTAKES[i].line, r.status);
        expect_in(r.err, MISTAKES[i].sentence);
        cr_expect_str_empty(r.out);
        run_release(&r);
    }
}

Test(cli_serve, a_hostile_trace_is_refused_by_line_and_field)
{
    struct run_result r =
        run_shell("printf 'arrival_s,prompt_tokens,output_tokens\\n0,5,5\\nnan,5,5\\n' | "
                  "$FLOPLEDGER serve-trace - -m llama-nano");
    cr_expect_eq(r.status, 1);
    expect_in(r.err, "standard input:3: arrival_s: expected seconds");
    run_release(&r);
}

/* Requests shorter than a block of the default size. */
Test(cli_serve, a_short_trace_needs_no_option)
{
    struct run_result r = run_shell("printf 'arrival_s,output_tokens,prompt_tokens\\n0,2,5\\n' | "
                                    "$FLOPLEDGER serve-trace - -m llama-nano " FIXED);
    cr_expect_eq(r.status, 0, "%s", r.err);
    expect_in(r.out, "of 16 (6 tokens");
    run_release(&r);
}

/* One request that the blocks cannot hold is refused in words; the other runs. */
Test(cli_serve, too_few_blocks_refuse_a_request)
{
    struct run_result r =
        run_shell("printf 'arrival_s,prompt_tokens,output_tokens\\n0,5,5\\n0,90,5\\n' | "
                  "$FLOPLEDGER serve-trace - -m llama-nano --kv-blocks 2 " FIXED);
    cr_expect_eq(r.status, 0, "%s", r.err);
    expect_in(r.out, "1 done, 1 refused");
    expect_in(r.out, "need 6 blocks of 16");
    run_release(&r);
}

/* Ctrl-C while the second request is waited for: what was served is shown and adds up. */
Test(cli_serve, an_interrupt_shows_what_was_served)
{
    struct run_result r = run_shell(
        "printf 'arrival_s,prompt_tokens,output_tokens\\n0,5,5\\n1000,9,5\\n' | "
        "timeout --preserve-status -s INT 1 $FLOPLEDGER serve-trace - -m llama-nano --clock real "
        "-t 1 -q");
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.err);
    expect_in(r.out, "1 done, 0 refused, 1 unfinished");
    expect_in(r.out, "requests = exact = counted  yes");
    run_release(&r);
}

Test(cli_serve, help_has_examples)
{
    struct run_result r = run_flopledger("serve-trace --help");
    cr_expect_eq(r.status, 0);
    expect_in(r.out, "flopledger serve-trace bench/traces/chat.csv");
    expect_in(r.out, "--kv-blocks");
    run_release(&r);
}

/* ---- generate ---- */

Test(cli_serve, a_draft_or_pieces_give_the_same_tokens)
{
    static const char *const OPTIONS[] = {"--draft-model gpt2-nano --draft-n 3",
                                          "--draft-model llama-nano", "--prefill-chunk 4"};
    struct run_result plain = run_flopledger("generate -m llama-nano --ids -q -n 20 -t 1 "
                                             "--prompt-ids 5,6,7,8,9,10,11,12,13");
    cr_assert_eq(plain.status, 0, "%s", plain.err);
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++) {
        struct run_result r = run_flopledger("generate -m llama-nano --ids -q -n 20 -t 1 "
                                             "--prompt-ids 5,6,7,8,9,10,11,12,13 %s",
                                             OPTIONS[i]);
        cr_expect_eq(r.status, 0, "%s", r.err);
        cr_expect_str_eq(r.out, plain.out, "%s", OPTIONS[i]);
        run_release(&r);
    }
    run_release(&plain);
}

Test(cli_serve, a_draft_shows_what_it_cost)
{
    struct run_result r = run_flopledger("generate -m llama-nano -p Hello -n 20 -t 1 --ignore-eos "
                                         "--draft-model llama-nano");
    cr_expect_eq(r.status, 0, "%s", r.err);
    expect_in(r.err, "llama-nano proposed 16 tokens in 4 rounds, 16 accepted (100.0 %)");
    expect_in(r.err, "of it wasted");
    run_release(&r);
    r = run_flopledger("generate -m llama-nano -p Hello -n 20 -t 1 --ignore-eos --format json "
                       "--draft-model gpt2-nano");
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *root = cJSON_Parse(r.out);
    const cJSON *speculation = cJSON_GetObjectItemCaseSensitive(root, "speculation");
    const cJSON *phases = cJSON_GetObjectItemCaseSensitive(speculation, "phases");
    cr_expect_eq(cJSON_GetArraySize(phases), 4);
    cr_expect_eq(sum_of(phases, "exact_flops"), sum_of(phases, "flops"));
    cr_expect_gt(number(speculation, "verify_wasted_flops"), 0);
    cJSON_Delete(root);
    run_release(&r);
}

Test(cli_serve, a_draft_with_another_vocabulary_is_refused)
{
    struct run_result r =
        run_flopledger("generate -m llama-nano -p Hello --draft-model stories15m");
    cr_expect_eq(r.status, 1);
    expect_in(r.err, "vocab_size: a draft model has the target's vocabulary; expected 256");
    run_release(&r);
    r = run_flopledger("generate -m llama-nano -p a -p b --draft-model gpt2-nano");
    cr_expect_eq(r.status, 2);
    expect_in(r.err, "--draft-model: expected one prompt");
    run_release(&r);
}
