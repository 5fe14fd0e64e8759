/* convert, as a user runs it. */
#include "base/file.h"
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define MODELS "../shared/reference/models/"

static struct run_scratch scratch;

static void open_scratch(void)
{
    run_scratch_make(&scratch);
}
static void close_scratch(void)
{
    run_scratch_remove(&scratch);
}
TestSuite(cli_convert, .init = open_scratch, .fini = close_scratch);

static bool absent(void)
{
    if (fl_file_exists(MODELS))
        return false;
    fprintf(stderr, "SKIPPED: %s is not there\n", MODELS);
    return true;
}

static void expect_shell(const char *line, const char *model)
{
    struct run_result r =
        run_shell("cd %s && F=$FLOPLEDGER && M=%s && %s", scratch.path, model, line);
    cr_expect_eq(r.status, 0, "%s: %s%s", line, r.out, r.err);
    run_release(&r);
}

/* Text in, text out: shape, numbers and tokenizer have all arrived. */
Test(cli_convert, a_llama2c_model_writes_the_same_story)
{
    if (absent())
        return;
    expect_shell(
        "$F convert -m $M/stories260K.bin -o s.gguf -q && "
        "$F generate -m $M/stories260K.bin -p 'Once upon a time' -n 60 -q >a 2>/dev/null &&"
        "$F generate -m s.gguf -p 'Once upon a time' -n 60 -q >b 2>/dev/null && cmp a b && "
        "test -s a && $F logits -m s.gguf --ids 1,403,407 -o b.f32 -t 1 && "
        "$F logits -m $M/stories260K.bin --ids 1,403,407 -o a.f32 -t 1 && cmp a.f32 b.f32",
        "$OLDPWD/" MODELS "stories260K");
}

/* To f32 and back to what it was: the same file, so the same logits. */
Test(cli_convert, there_and_back_again)
{
    if (absent())
        return;
    for (int i = 0; i < 4; i++) {
        static const char *const NAMES[][2] = {
            {"F16", "f16"}, {"BF16", "bf16"}, {"Q8_0", "q8_0"}, {"Q4_0", "q4_0"}};
        char line[512];
        snprintf(line, sizeof line,
                 "$F convert -m $M/babyllama105-%s.gguf -o once.gguf -q --force && "
                 "$F convert -m once.gguf -o wide.gguf --dtype f32 -q --force && "
                 "$F convert -m wide.gguf -o again.gguf --dtype %s -q --force && cmp once.gguf "
                 "again.gguf",
                 NAMES[i][0], NAMES[i][1]);
        expect_shell(line, "$OLDPWD/" MODELS "babyllama105");
    }
}

Test(cli_convert, random_weights_of_a_preset)
{
    struct run_result r =
        run_flopledger("convert -m gpt2-nano -o %s/n.gguf --dtype q4_k --seed 5", scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_empty(r.out);
    cr_expect_not_null(strstr(r.err, "rows that are not whole blocks"), "%s", r.err);
    cr_expect_not_null(strstr(r.err, "n.gguf: gpt2, "), "%s", r.err);
    run_release(&r);
    r = run_flopledger("logits -m %s/n.gguf --ids 1,2 -o -", scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    run_release(&r);
}

/* The same ids from the file that was written as from the tokenizer's own, for every text that
 * llama.cpp's tests have; the vocabulary is padded to the model's. */
Test(cli_convert, tokenizers_come_along)
{
    static const struct {
        const char *tokenizer;
        int vocab_size;
    } CASES[] = {
        {"encoder.json", 50257},
        {"sp_test_model.model", 1003},
        {"ggml-vocab-phi-3.gguf", 32064},
        {"ggml-vocab-gpt-2.gguf", 50260},
    };
    if (absent())
        return;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char line[1024];
        snprintf(line, sizeof line,
                 "echo '{\"model_type\":\"llama\",\"hidden_size\":8,\"intermediate_size\":8,"
                 "\"num_hidden_layers\":1,\"num_attention_heads\":1,\"vocab_size\":%d,"
                 "\"max_position_embeddings\":64,\"rms_norm_eps\":1e-5,\"hidden_act\":"
                 "\"silu\"}' >config.json && T=$M/%s && "
                 "$F convert -m config.json -o t.gguf -q --force --tokenizer $T && "
                 "$F tokenize --tokenizer $T --text-file $M/ggml-vocab-gpt-2.gguf.inp >a && "
                 "$F tokenize -m t.gguf --text-file $M/ggml-vocab-gpt-2.gguf.inp >b && "
                 "test -s a && cmp a b",
                 CASES[i].vocab_size, CASES[i].tokenizer);
        expect_shell(line, "$OLDPWD/../shared/reference/tokenizers");
    }
}

/* Figures of all operators, exact and counted. */
static int count_unequal(const cJSON *ops, int *n)
{
    static const char *const FIGURES[] = {"flops", "bytes_read", "bytes_written"};
    const cJSON *op;
    int n_unequal = 0;
    cJSON_ArrayForEach(op, ops) for (int i = 0; i < 3; i++, (*n)++)
    {
        const cJSON *exact = cJSON_GetObjectItem(cJSON_GetObjectItem(op, "exact"), FIGURES[i]);
        const cJSON *counted = cJSON_GetObjectItem(cJSON_GetObjectItem(op, "counted"), FIGURES[i]);
        cr_assert(cJSON_IsNumber(exact) && cJSON_IsNumber(counted));
        n_unequal += exact->valuedouble != counted->valuedouble;
    }
    return n_unequal;
}

/* Rows of 256 and of 288, so that one file holds several formats. */
Test(cli_convert, audits_of_converted_files_count_what_is_exact)
{
    static const char *const DTYPES[] = {"f16", "bf16", "q8_0", "q4_0", "q4_k", "q6_k"};
    struct run_result r = run_shell(
        "cd %s && echo '{\"model_type\":\"llama\",\"hidden_size\":256,\"intermediate_size\":288,"
        "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":2,"
        "\"vocab_size\":300,\"max_position_embeddings\":64,\"rms_norm_eps\":1e-5,"
        "\"hidden_act\":\"silu\",\"tie_word_embeddings\":false}' >config.json",
        scratch.path);
    run_release(&r);
    for (size_t i = 0; i < sizeof DTYPES / sizeof *DTYPES; i++)
        for (int decode = 0; decode < 2; decode++) {
            r = run_shell("cd %s && $FLOPLEDGER convert -m config.json -o m.gguf --dtype %s -q "
                          "--force && $FLOPLEDGER audit -m m.gguf -s 7 --phase %s --reps 1 -f json",
                          scratch.path, DTYPES[i], decode ? "decode" : "prefill");
            cr_assert_eq(r.status, 0, "%s: %s", DTYPES[i], r.err);
            cJSON *audit = cJSON_Parse(r.out);
            int n = 0;
            cr_expect_eq(count_unequal(cJSON_GetObjectItem(audit, "ops"), &n), 0, "%s", DTYPES[i]);
            cr_expect_geq(n, 3 * 2 * 14, "%s: %d figures", DTYPES[i], n);
            cJSON_Delete(audit);
            run_release(&r);
        }
}

Test(cli_convert, an_existing_file_is_kept)
{
    struct run_result r = run_shell("echo keep >%s/n.gguf; $FLOPLEDGER convert -m gpt2-nano -o "
                                    "%s/n.gguf",
                                    scratch.path, scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect_not_null(strstr(r.err, "n.gguf: the file exists; --force replaces it"), "%s", r.err);
    run_release(&r);
    r = run_shell("cat %s/n.gguf && $FLOPLEDGER convert -m gpt2-nano -q --force -o %s/n.gguf && "
                  "head -c4 %s/n.gguf",
                  scratch.path, scratch.path, scratch.path);
    cr_expect_str_eq(r.out, "keep\nGGUF", "%s", r.err);
    run_release(&r);
}

/* As on a full disk: the sentence says why, what was there stays, nothing half written remains. */
Test(cli_convert, a_file_that_may_not_grow)
{
    struct run_result r =
        run_shell("cd %s && echo keep >n.gguf; (ulimit -f 64; $FLOPLEDGER convert -m gpt2-nano -q "
                  "--force -o n.gguf); echo $?; cat n.gguf; ls",
                  scratch.path);
    cr_expect_str_eq(r.out, "1\nkeep\nn.gguf\n", "%s", r.err);
    cr_expect_not_null(strstr(r.err, "n.gguf: cannot write: File too large"), "%s", r.err);
    run_release(&r);
}

Test(cli_convert, mistakes_are_named)
{
    static const struct {
        const char *arguments, *sentence;
        int status;
    } CASES[] = {
        {"-o x.gguf", "--model: expected a preset or a model file", 2},
        {"-m gpt2-nano", "--output: expected the name of a file", 2},
        {"-m gpt2-nano -o -", "--output: expected the name of a file", 2},
        {"-m gpt2-nano -o x.gguf --dtype q5_0", "q4_k", 2},
        {"-m gpt2-nano -o .", "this is a directory", 1},
        {"-m gpt2-nano -o no/such/x.gguf", "no/such/x.gguf", 1},
        {"-m gpt2-nano -o x.gguf --tokenizer bytes", "bytes as ids", 1},
        {"-m no-such.gguf -o x.gguf", "no-such.gguf", 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct run_result r =
            run_shell("cd %s && $FLOPLEDGER convert %s", scratch.path, CASES[i].arguments);
        cr_expect_eq(r.status, CASES[i].status, "%s: %s", CASES[i].arguments, r.err);
        cr_expect_not_null(strstr(r.err, CASES[i].sentence), "%s: %s", CASES[i].arguments, r.err);
        run_release(&r);
        r = run_shell("ls %s", scratch.path);
        cr_expect_str_empty(r.out, "%s", CASES[i].arguments);
        run_release(&r);
    }
}
