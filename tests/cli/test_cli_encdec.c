/* Encoder-decoders through the command line. */
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCE "../shared/reference/"

static void skip_without_reference(void)
{
    FILE *file = fopen(REFERENCE "README.md", "r");
    if (!file)
        cr_skip_test("no reference data in " REFERENCE);
    fclose(file);
}

static cJSON *json_of(const char *arguments)
{
    struct run_result r = run_flopledger("%s", arguments);
    cr_assert_eq(r.status, 0, "%s: %s", arguments, r.err);
    cJSON *json = cJSON_Parse(r.out);
    cr_assert_not_null(json, "%s: %s", arguments, r.out);
    run_release(&r);
    return json;
}

static double member(const cJSON *json, const char *outer, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(cJSON_GetObjectItem(json, outer), name);
    cr_assert(cJSON_IsNumber(item), "%s.%s", outer, name);
    return item->valuedouble;
}

/* Rows of one stack, and the FLOPs of one operator in it. */
static int count_rows(const cJSON *json, const char *stack, const char *name, double *flops)
{
    const cJSON *op;
    int n = 0;
    *flops = 0;
    cJSON_ArrayForEach(op, cJSON_GetObjectItem(json, "ops"))
    {
        if (strcmp(cJSON_GetObjectItem(op, "stack")->valuestring, stack) != 0)
            continue;
        n++;
        if (strcmp(cJSON_GetObjectItem(op, "op")->valuestring, name) == 0)
            *flops += cJSON_GetObjectItem(cJSON_GetObjectItem(op, "exact"), "flops")->valuedouble;
    }
    return n;
}

/* The encoder and the projections for cross-attention once, however many steps follow. */
Test(cli_encdec, a_generation_encodes_once)
{
    static const char *const CACHES[] = {"on", "off"};
    for (int i = 0; i < 2; i++) {
        char arguments[128];
        double cross_kv, encoder_up, more;
        snprintf(arguments, sizeof arguments,
                 "count -m t5-small --encoder-tokens 64 --gen 20 --cache %s --format json",
                 CACHES[i]);
        cJSON *json = json_of(arguments);
        cr_expect_gt(count_rows(json, "encoder", "ffn_up", &encoder_up), 6 * 10);
        cr_expect_gt(count_rows(json, "decoder", "cross_kv", &cross_kv), 6 * 20);
        cr_expect_eq(encoder_up, 6.0 * 2 * 64 * 512 * 2048);
        cr_expect_eq(cross_kv, 6.0 * 2 * 2 * 64 * 512 * 512);
        cr_expect_eq(member(json, "generation", "n_encoder_tokens"), 64);
        cr_expect_eq(member(json, "generation", "n_prompt"), 1);
        count_rows(json, "decoder", "cross_scores", &more);
        /* 20 tokens are run with the cache, 1 + 2 + ... + 20 without it */
        cr_expect_eq(more, 6.0 * 2 * (i ? 210 : 20) * 64 * 512);
        cJSON_Delete(json);
    }
}

Test(cli_encdec, what_is_missing_is_asked_for)
{
    run_expect_refused(1, "count -m t5-small --gen 20", "--encoder-tokens and --gen go together");
    run_expect_refused(1, "count -m gpt2 --gen 20", "--prompt and --gen go together");
    run_expect_refused(1, "logits -m t5-small --ids 1 -o -",
                       "--decoder-ids: expected what the decoder");
    run_expect_refused(1, "logits -m gpt2-nano --ids 1 --decoder-ids 1 -o -", "has no encoder");
    run_expect_refused(1, "logits -m t5-small --ids 1 --decoder-ids 32128 -o -", "0 to 32127");
    run_expect_refused(1, "logits -m t5-small --ids 32128 --decoder-ids 0 -o -", "0 to 32127");
}

/* The run itself holds exact against counted, operator by operator, and fails when they differ. */
Test(cli_encdec, audits_count_what_the_formulas_say)
{
    static const char *const RUNS[] = {
        "-m t5-small -s 5 --encoder-tokens 19 -b 2",
        "-m t5-small -s 9 --encoder-tokens 4 --attention naive",
        "-m t5-small -s 7 --phase decode",
        "-m flan-t5-small -s 6 --encoder-tokens 11 --phase decode --cache off",
        "-m flan-t5-small -s 3 --logits last",
    };
    for (size_t i = 0; i < sizeof RUNS / sizeof *RUNS; i++) {
        char arguments[256];
        double flops;
        snprintf(arguments, sizeof arguments, "audit --reps 1 --threads 1 --format json %s",
                 RUNS[i]);
        cJSON *json = json_of(arguments);
        const bool decode = strstr(RUNS[i], "decode") != NULL;
        const int n_encoder = count_rows(json, "encoder", "scores", &flops);
        cr_expect_eq(n_encoder == 0, decode, "%s: %d rows of an encoder", RUNS[i], n_encoder);
        cr_expect_gt(count_rows(json, "decoder", "cross_scores", &flops), 100);
        cr_expect_gt(flops, 0);
        const cJSON *totals = cJSON_GetObjectItem(json, "totals");
        cr_expect_eq(member(totals, "exact", "flops"), member(totals, "counted", "flops"));
        cJSON_Delete(json);
    }
}

/* Logits at once and token by token, against the reference. */
Test(cli_encdec, logits_are_those_of_the_reference)
{
    enum { N = 256 };
    static const char *const CACHES[] = {"off", "on"};
    skip_without_reference();
    float expected[N], got[N];
    FILE *file = fopen(REFERENCE "tiny/t5-v1_1-tiny/expected/full_enc1_dec1.logits.f32", "rb");
    cr_assert_not_null(file);
    cr_assert_eq(fread(expected, sizeof *expected, N, file), N);
    fclose(file);
    struct run_result cat = run_shell("cat " REFERENCE "tiny/t5-v1_1-tiny/expected.json");
    cJSON *json = cJSON_Parse(cat.out);
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "full"), 0);
    const int source = cJSON_GetObjectItem(first, "input_ids")->child->valueint;
    for (int i = 0; i < 2; i++) {
        struct run_scratch scratch;
        char path[160];
        run_scratch_make(&scratch);
        snprintf(path, sizeof path, "%s/logits.f32", scratch.path);
        struct run_result r =
            run_flopledger("logits -m " REFERENCE "tiny/t5-v1_1-tiny --ids %d --decoder-ids 0 "
                           "--cache %s -o %s",
                           source, CACHES[i], path);
        cr_assert_eq(r.status, 0, "%s", r.err);
        run_release(&r);
        file = fopen(path, "rb");
        cr_assert_not_null(file);
        cr_assert_eq(fread(got, sizeof *got, N, file), N);
        fclose(file);
        for (int k = 0; k < N; k++)
            cr_assert_lt(fabs((double)got[k] - (double)expected[k]), 5e-4, "logit %d", k);
        run_scratch_remove(&scratch);
    }
    cJSON_Delete(json);
    run_release(&cat);
}

Test(cli_encdec, a_word_is_transliterated)
{
    static const char *const CACHES[] = {"on", "off"};
    skip_without_reference();
    for (int i = 0; i < 2; i++) {
        struct run_result r = run_flopledger("generate -m " REFERENCE
                                             "models/aren --prompt-ids 31,10,19,13,5,7 --ids -n 30 "
                                             "-q --cache %s",
                                             CACHES[i]);
        cr_expect_eq(r.status, 0, "%s", r.err);
        cr_expect_str_eq(r.out, "3\n11\n23\n13\n8\n7\n", "cache %s: %s", CACHES[i], r.out);
        run_release(&r);
    }
}

Test(cli_encdec, a_sweep_stores_both_phases)
{
    struct run_scratch scratch;
    run_scratch_make(&scratch);
    struct run_result r = run_flopledger("sweep -m t5-small -s 4,6 --phase prefill,decode --cache "
                                         "on,off --reps 1 --threads 1 -q --out %s/t5.db",
                                         scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    r = run_flopledger("export --format csv %s/t5.db", scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    int n_lines = 0;
    for (const char *at = r.out; (at = strchr(at, '\n')); at++)
        n_lines++;
    /* a heading; naive and causal, two lengths: prefill, cached and uncached decode */
    cr_expect_geq(n_lines, 1 + 2 * 3, "%s", r.out);
    run_release(&r);
    run_scratch_remove(&scratch);
}
