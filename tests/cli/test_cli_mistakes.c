/* What a user gets wrong: the exit status tells misuse (2) from failure (1), the sentence on
 * stderr names the option or the file, and stdout stays empty. */
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct mistake {
    const char *line; /* arguments; a %s is the scratch directory */
    int status;
    const char *sentence; /* part of what stderr must say */
};

static const struct mistake MISTAKES[] = {
    {"count", 2, "--model: expected"},
    {"count --model no-such-model", 1, "no-such-model: expected"},
    {"count --model gpt2-nano -s 0", 2, "--tokens: expected a whole number from 1"},
    {"count --model gpt2-nano -s 16x", 2, "--tokens: expected a whole number from 1"},
    {"count --model gpt2-nano -b -1", 2, "--batch: expected a whole number from 1"},
    {"count --model gpt2-nano --unit flops", 2, "--unit: expected flop or mac, not 'flops'"},
    {"count --model", 2, "--model: expected a value"},
    {"count --model %s/missing.json", 1, "missing.json"},
    {"count --model %s/empty.json", 1, "empty.json"},
    {"count --model %s/broken.json", 1, "broken.json"},
    {"count --model %s/empty.gguf", 1, "empty.gguf"},
    {"count --model %s/list.json", 1, "list.json"},
    {"audit --model gpt2-nano -s none", 2, "--context: expected a whole number from 1"},
    {"audit --model gpt2-nano -s 16 --reps 0", 2, "--reps: expected a whole number from 1"},
    {"audit --model %s/broken.json -s 16", 1, "broken.json"},
    {"generate", 2, "--model: expected"},
    {"generate --model gpt2-nano", 2, "--prompt or --prompt-file: expected"},
    {"generate --model gpt2-nano -p a -n 0x", 2, "--n-predict: expected a whole number from 1"},
    {"generate --model gpt2-nano --prompt-file %s/missing.txt", 1, "missing.txt"},
    {"generate --model %s/list.json -p a", 1, "list.json"},
    {"generate --model gpt2-nano -p a --tokenizer %s/empty.gguf", 1, "empty.gguf"},
    {"logits --model gpt2-nano", 2, "--ids or --ids-file: expected"},
    {"logits --model gpt2-nano --ids 1,x -o -", 1, "expected"},
    {"tokenize", 2, "--model or --tokenizer: expected"},
    {"tokenize --tokenizer bytes", 2, "expected a text or --text-file"},
    {"tokenize --tokenizer %s/missing.json a", 1, "missing.json: cannot open"},
    {"tokenize --tokenizer %s/empty.gguf a", 1, "empty.gguf"},
    {"detokenize --tokenizer bytes 1", 2, "unexpected argument"},
    {"export", 2, "expected"},
    {"export %s/missing.db", 1, "missing.db"},
    {"export %s/broken.json", 1, "broken.json"},
    {"sweep --model gpt2-nano", 2, "--out: expected"},
    {"sweep --out %s/r.db", 2, "--model: expected"},
    {"sweep --model gpt2-nano --out %s/r.db -s 16-64", 2, "expected a list such as 16,32,64"},
    {"sweep --model gpt2-nano --out %s/r.db --phase prefil", 2, "expected a list of prefill"},
    {"sweep --model gpt2-nano --out %s/no/such/r.db -s 16", 1, "no/such/r.db"},
    {"sweep --model gpt2-nano --out %s/broken.json -s 16", 1, "broken.json"},
};

static struct run_scratch scratch;

static void make_files(void)
{
    run_scratch_make(&scratch);
    struct run_result made = run_shell("cd %s && : > empty.json && : > empty.gguf &&"
                                       " echo '{\"model_type\": \"gpt2\", ' > broken.json &&"
                                       " echo '[1, 2]' > list.json",
                                       scratch.path);
    cr_assert_eq(made.status, 0, "%s", made.err);
    run_release(&made);
}

static void remove_files(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_mistakes, .init = make_files, .fini = remove_files);

/* line with its %s, if any, replaced by the scratch directory */
static void fill(char out[512], const char *line)
{
    const char *hole = strstr(line, "%s");
    int before = hole ? (int)(hole - line) : (int)strlen(line);
    snprintf(out, 512, "%.*s%s%s", before, line, hole ? scratch.path : "", hole ? hole + 2 : "");
}

Test(cli_mistakes, are_told_apart_and_named)
{
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        char line[512];
        fill(line, MISTAKES[i].line);
        struct run_result r = run_flopledger("%s", line);
        cr_expect_eq(r.status, MISTAKES[i].status, "%s: status %d, stderr: %s", line, r.status,
                     r.err);
        cr_expect(strstr(r.err, MISTAKES[i].sentence), "%s: stderr: %s", line, r.err);
        cr_expect_eq(strncmp(r.err, "flopledger ", 11), 0, "%s: stderr: %s", line, r.err);
        cr_expect_str_empty(r.out, "%s: stdout: %s", line, r.out);
        run_release(&r);
    }
}
