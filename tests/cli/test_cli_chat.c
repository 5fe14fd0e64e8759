/* Special tokens and chat templates, as a user gives them. */
#include "tests/cli/run.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHI_3 "../shared/reference/tokenizers/ggml-vocab-phi-3.gguf"

static bool absent(void)
{
    if (fl_file_exists(PHI_3))
        return false;
    fprintf(stderr, "SKIPPED: " PHI_3 " is not there\n");
    return true;
}

static void expect_output(const char *arguments, int status, const char *out, const char *err)
{
    struct run_result r = run_flopledger("%s", arguments);
    cr_expect_eq(r.status, status, "%s: %s", arguments, r.err);
    if (out)
        cr_expect_str_eq(r.out, out, "%s: '%s'", arguments, r.out);
    if (err)
        cr_expect(strstr(r.err, err), "%s: '%s'", arguments, r.err);
    run_release(&r);
}

Test(cli_chat, special_tokens_are_parsed_when_asked_for)
{
    if (absent())
        return;
    expect_output("tokenize --tokenizer " PHI_3 " --no-bos --special '<|end|>'", 0, "32007\n",
                  NULL);
    struct run_result r = run_flopledger("tokenize --tokenizer " PHI_3 " --no-bos '<|end|>'");
    cr_expect_eq(r.status, 0);
    cr_expect(!strstr(r.out, "32007"), "%s", r.out);
    run_release(&r);
}

Test(cli_chat, templates_by_name_and_as_the_model_has_them)
{
    static const char TURN[] =
        "1\n32010\n29871\n13\n18567\n29991\n32007\n29871\n13\n32001\n29871\n13\n";
    if (absent())
        return;
    expect_output("tokenize --tokenizer " PHI_3 " --chat-template phi3 'Hi!'", 0, TURN,
                  "chat template phi3");
    expect_output("tokenize --tokenizer " PHI_3 " --chat-template auto 'Hi!'", 0, TURN,
                  "chat template phi3");
    expect_output("tokenize --tokenizer " PHI_3 " --chat-template else 'Hi!'", 1, "",
                  "chat template else: expected auto, qwen2.5");
}

Test(cli_chat, special_tokens_are_listed)
{
    if (absent())
        return;
    struct run_result r = run_flopledger("tokenize --tokenizer " PHI_3 " --show-special");
    cr_expect_eq(r.status, 0);
    cr_expect(strstr(r.out, "\n      1  control       bos "), "%s", r.out);
    cr_expect(strstr(r.out, "\n  32007  control       end "), "%s", r.out);
    run_release(&r);
}

Test(cli_chat, generate_takes_them_too)
{
    expect_output("generate -m gpt2-nano -p a -n 2 --chat-template vicuna --ids --quiet", 0, NULL,
                  "chat template vicuna");
    expect_output("generate -m gpt2-nano -p a -n 2 --chat-template auto", 1, NULL,
                  "the tokenizer comes with none");
}

Test(cli_chat, what_contradicts_is_misuse)
{
    expect_output("tokenize --tokenizer bytes --system x y", 2, NULL, "--system: expected");
    expect_output("tokenize --tokenizer bytes --show-special y", 2, NULL, "expected no text");
    expect_output("generate -m gpt2-nano -p a --system x", 2, NULL, "--system: expected");
    expect_output("generate -m gpt2-nano --prompt-ids 1 --special", 2, NULL,
                  "expected a prompt of text");
}
