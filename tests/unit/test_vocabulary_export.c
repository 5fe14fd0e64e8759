#include "model/gguf.h"
#include "tests/unit/tokenizer_harness.h"
#include "text/vocabulary_export.h"

#include <criterion/criterion.h>
#include <string.h>

/* What is written down is what was read. */
static void expect_what_the_file_says(const char *path, const char *model, const char *pre)
{
    if (harness_absent(path))
        return;
    struct fl_tokenizer *tokenizer = harness_tokenizer(path);
    struct fl_tokenizer_view view;
    struct fl_gguf *gguf;
    struct fl_error error;
    struct fl_gguf_array tokens, types, scores, merges;
    struct fl_gguf_string text;
    struct fl_token_view token;
    struct fl_merge_view merge;
    cr_assert_eq(fl_tokenizer_view(&view, tokenizer, &error), FL_OK);
    cr_assert_eq(fl_gguf_open(&gguf, path, &error), FL_OK);
    cr_expect_str_eq(view.model, model);
    cr_expect_str_eq(view.pre, pre);
    cr_assert_eq(fl_gguf_get_array(gguf, "tokenizer.ggml.tokens", FL_GGUF_STRINGS, &tokens, &error),
                 FL_OK);
    cr_assert_eq(fl_gguf_get_array(gguf, "tokenizer.ggml.token_type", FL_GGUF_INTS, &types, &error),
                 FL_OK);
    if (view.has_scores)
        cr_assert_eq(
            fl_gguf_get_array(gguf, "tokenizer.ggml.scores", FL_GGUF_REALS, &scores, &error),
            FL_OK);
    cr_assert_eq(tokens.n, (uint64_t)view.n_tokens);
    int n_other = 0;
    for (int id = 0; fl_gguf_next_string(&tokens, &text); id++) {
        int64_t type;
        double score = 0;
        fl_gguf_next_int(&types, &type);
        if (view.has_scores)
            fl_gguf_next_real(&scores, &score);
        fl_tokenizer_view_token(&token, &view, id);
        n_other += token.length != text.length || memcmp(token.text, text.data, text.length) != 0 ||
                   token.type != (enum fl_piece_type)type || token.score != (float)score;
    }
    cr_expect_eq(n_other, 0);
    if (fl_gguf_has(gguf, "tokenizer.ggml.merges")) {
        cr_assert_eq(
            fl_gguf_get_array(gguf, "tokenizer.ggml.merges", FL_GGUF_STRINGS, &merges, &error),
            FL_OK);
        cr_assert_eq(merges.n, (uint64_t)view.n_merges);
        for (int rank = 0; fl_gguf_next_string(&merges, &text); rank++) {
            fl_tokenizer_view_merge(&merge, &view, rank);
            n_other +=
                merge.length != text.length || memcmp(merge.text, text.data, text.length) != 0;
        }
        cr_expect_eq(n_other, 0);
    }
    fl_gguf_close(gguf);
    fl_tokenizer_close(tokenizer);
}

Test(vocabulary_export, says_what_was_read)
{
    expect_what_the_file_says(REFERENCE "tokenizers/ggml-vocab-gpt-2.gguf", "gpt2", "gpt-2");
    expect_what_the_file_says(REFERENCE "tokenizers/ggml-vocab-phi-3.gguf", "llama", "default");
    expect_what_the_file_says(REFERENCE "models/babyllama105/babyllama105-F32.gguf", "llama",
                              "default");
}

Test(vocabulary_export, bytes_are_no_vocabulary)
{
    struct fl_tokenizer *tokenizer = harness_tokenizer("bytes");
    struct fl_tokenizer_view view;
    struct fl_error error;
    cr_expect_eq(fl_tokenizer_view(&view, tokenizer, &error), FL_FAILED);
    cr_expect(strstr(error.text, "expected a vocabulary"), "%s", error.text);
    fl_tokenizer_close(tokenizer);
}
