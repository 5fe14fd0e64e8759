/* tokenize, detokenize, generate and logits, as a user runs them. */
#include "base/file.h"
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODELS "../shared/reference/models/"

static bool absent(void)
{
    if (fl_file_exists(MODELS))
        return false;
    fprintf(stderr, "SKIPPED: %s is not there\n", MODELS);
    return true;
}

Test(cli_text, tokenize_and_back)
{
    struct run_result r =
        run_shell("printf 'h\\303\\251 !' | $FLOPLEDGER tokenize -m gpt2-nano --text-file - | "
                  "$FLOPLEDGER detokenize -m gpt2-nano");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_eq(r.out, "h\303\251 !");
    run_release(&r);
}

Test(cli_text, a_dash_is_standard_input)
{
    struct run_result r = run_shell("printf ab | $FLOPLEDGER tokenize -m gpt2-nano -");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_eq(r.out, "97\n98\n");
    run_release(&r);
}

/* Random weights choose any bytes; what reaches the terminal is text all the same. */
Test(cli_text, generated_text_is_whole_characters)
{
    struct run_result r = run_shell("$FLOPLEDGER generate -m gpt2-nano -p x -n 40 --temperature 1 "
                                    "-q | tr -d '\\000' | iconv -f UTF-8 -t UTF-8 | grep -c .");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_empty(r.err);
    run_release(&r);
}

/* Without a tokenizer that this version reads: ids in, ids out. */
Test(cli_text, generate_from_ids)
{
    if (absent())
        return;
    for (int cache = 0; cache < 2; cache++) {
        struct run_result r = run_shell(
            "f=" MODELS "slm4096/expected/what.ids.txt; "
            "grep -v '^#' $f | head -19 | $FLOPLEDGER generate -m " MODELS
            "slm4096 --prompt-ids-file - "
            "-n 109 --ids -q --cache %s >/tmp/fl-ids-$$ && grep -v '^#' $f | tail -n +20 | "
            "cmp - /tmp/fl-ids-$$; s=$?; rm -f /tmp/fl-ids-$$; exit $s",
            cache ? "on" : "off");
        cr_expect_eq(r.status, 0, "%s%s", r.out, r.err);
        run_release(&r);
    }
}

Test(cli_text, misuse_is_two_and_bad_input_one)
{
    static const struct {
        int status;
        const char *arguments, *sentence;
    } CASES[] = {
        {2, "tokenize -m gpt2-nano", "expected a text or --text-file"},
        {2, "tokenize hello", "expected one of them"},
        {2, "generate -m gpt2-nano", "--prompt or --prompt-file"},
        {2, "generate -m gpt2-nano -p x --prompt-ids 1", "--prompt or --prompt-file"},
        {1, "generate -m gpt2-nano --prompt-ids 256", "from 0 to 255"},
        {2, "logits -m gpt2-nano --ids 1", "--output"},
        {2, "logits -m gpt2-nano -o /dev/null", "--ids or --ids-file"},
        {1, "logits -m gpt2-nano --ids 1,256 -o /dev/null", "from 0 to 255"},
        {1, "logits -m gpt2-nano --ids '' -o /dev/null", "at least one"},
        {1, "generate -m gpt2-nano -p ''", "at least one token"},
        {1, "generate -m gpt2-nano --prompt-file /nonexistent", "/nonexistent"},
        {1, "tokenize --tokenizer /dev/null x", "/dev/null"},
        {1, "logits -m gpt2-nano --ids 1 -o /proc/none/x", "/proc/none/x"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct run_result r = run_flopledger("%s", CASES[i].arguments);
        cr_expect_eq(r.status, CASES[i].status, "%s: %s", CASES[i].arguments, r.err);
        cr_expect(strstr(r.err, CASES[i].sentence), "%s: %s", CASES[i].arguments, r.err);
        run_release(&r);
    }
}

Test(cli_text, logits_cached_and_uncached_agree)
{
    struct run_scratch scratch;
    run_scratch_make(&scratch);
    static const char *const CACHE[] = {"on", "off"};
    float *values[2];
    const size_t n = 5 * 256;
    for (int i = 0; i < 2; i++) {
        struct run_result r = run_flopledger("logits -m llama-nano --ids 5,6,7,8,9 --cache %s "
                                             "-o %s/%s.f32",
                                             CACHE[i], scratch.path, CACHE[i]);
        cr_assert_eq(r.status, 0, "%s", r.err);
        run_release(&r);
        char path[256];
        size_t size;
        struct fl_error error;
        snprintf(path, sizeof path, "%s/%s.f32", scratch.path, CACHE[i]);
        cr_assert_eq(fl_file_read((char **)&values[i], &size, path, 1 << 20, &error), FL_OK);
        cr_assert_eq(size, n * sizeof(float));
    }
    for (size_t i = 0; i < n; i++)
        cr_expect_float_eq(values[0][i], values[1][i], 1e-4, "logit %zu", i);
    free(values[0]);
    free(values[1]);
    run_scratch_remove(&scratch);
}

/* Ctrl-C when the file has been begun, which takes seconds to fill: half of it would pass for all
 * of it. A shell starts background programs with SIGINT ignored; env takes that back. */
Test(cli_text, interrupted_logits_leave_no_file)
{
    struct run_scratch scratch;
    run_scratch_make(&scratch);
    struct run_result r = run_shell(
        "cd %s; env --default-signal=INT \"$FLOPLEDGER\" logits -m stories15m -t 1 --cache on "
        "--ids $(seq -s, 1 256) -o out.f32 & pid=$!; "
        "while kill -0 $pid 2>/dev/null && [ ! -e out.f32.partial ]; do sleep 0.005; done; "
        "kill -INT $pid; wait $pid; status=$?; ls; exit $status",
        scratch.path);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.err);
    cr_expect(strstr(r.err, "interrupted behind"), "%s", r.err);
    cr_expect_str_empty(r.out, "%s", r.out);
    run_release(&r);
    run_scratch_remove(&scratch);
}

/* Every file format, cached and not: the ids that other programs and the float64 reference give. */
Test(cli_text, real_models_generate_the_expected_ids)
{
    static const struct {
        const char *model, *folder, *name;
        int n_gen;
    } CASES[] = {
        {"stories260K/stories260K.bin --cache on", "stories260K", "once", 150},
        {"stories260K/stories260K_v1.bin --cache on", "stories260K", "park", 150},
        {"stories260K/stories260K-F32.gguf --cache on", "stories260K", "once", 150},
        {"stories260K/stories260K-F32.gguf --cache off", "stories260K", "park", 100},
        {"babyllama105/model5000.bin --cache on", "babyllama105", "once", 150},
        {"babyllama105/babyllama105-F32.gguf --attention naive", "babyllama105", "park", 150},
    };
    if (absent())
        return;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct run_result r = run_flopledger(
            "generate -m " MODELS "%s --prompt-file " MODELS "%s/expected/%s.prompt.txt -n %d "
            "--ids --quiet --ignore-eos",
            CASES[i].model, CASES[i].folder, CASES[i].name, CASES[i].n_gen);
        cr_assert_eq(r.status, 0, "%s: %s", CASES[i].model, r.err);
        char path[256], *expected;
        struct fl_error error;
        snprintf(path, sizeof path, MODELS "%s/expected/%s.l2c.ids.txt", CASES[i].folder,
                 CASES[i].name);
        cr_assert_eq(fl_file_read(&expected, NULL, path, 1 << 20, &error), FL_OK);
        int n_prompt = 0;
        cr_assert_eq(sscanf(expected, "# n_prompt %d", &n_prompt), 1);
        char *line = expected;
        for (int k = 0; k <= n_prompt; k++)
            line = strchr(line, '\n') + 1;
        size_t n = strlen(r.out), n_expected = strlen(line);
        size_t shorter = n < n_expected ? n : n_expected;
        cr_expect_gt(shorter, 100);
        cr_expect_eq(memcmp(r.out, line, shorter), 0, "%s", CASES[i].model);
        free(expected);
        run_release(&r);
    }
}

Test(cli_text, real_models_write_readable_text)
{
    if (absent())
        return;
    struct run_result r = run_flopledger("generate -m " MODELS "stories260K/stories260K-F32.gguf "
                                         "-p 'Once upon a time' -n 40");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_eq(strncmp(r.out, ", there was a little girl named Lily.", 37), 0, "%s", r.out);
    cr_expect(strstr(r.err, "prefill") && strstr(r.err, "decode") && strstr(r.err, "ffn_down"),
              "%s", r.err);
    run_release(&r);
}

Test(cli_text, a_seed_repeats_and_the_context_ends)
{
    struct run_result a = run_flopledger("generate -m gpt2-nano -p x -n 5 --temperature 1 --seed 3 "
                                         "--ids -q");
    struct run_result b = run_flopledger("generate -m gpt2-nano -p x -n 5 --temperature 1 --seed 3 "
                                         "--ids -q");
    cr_expect_eq(a.status, 0, "%s", a.err);
    cr_expect_str_eq(a.out, b.out);
    run_release(&a);
    run_release(&b);
    a = run_flopledger("generate -m gpt2-nano -p x -n 100000 --ids -q");
    cr_expect_eq(a.status, 0);
    cr_expect(strstr(a.err, "leaves room for 512 of 100000 new ones"), "%s", a.err);
    run_release(&a);
}
