/* Which file --tokenizer may name, and what is said of others. */
#include "tests/unit/model_files.h"
#include "text/tokenizer.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char directory[64];

static void open_directory(void)
{
    scratch_open(directory);
}
static void close_directory(void)
{
    scratch_close(directory);
}
TestSuite(tokenizer_files, .init = open_directory, .fini = close_directory);

static const char *write_file(const char *name, const char *text)
{
    const char *path = scratch_path(directory, name);
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", path);
    return path;
}

Test(tokenizer_files, a_folder_stands_for_the_file_in_it)
{
    struct fl_tokenizer *tokenizer;
    struct fl_error error;
    int *ids;
    size_t n;
    write_file("merges.txt", "#version: 0.2\na b\n");
    write_file("vocab.json", "{\"a\":0,\"b\":1,\"ab\":2}");
    cr_assert_eq(fl_tokenizer_open(&tokenizer, directory, directory, INT_MAX, &error), FL_OK, "%s",
                 error.text);
    cr_assert_eq(fl_tokenizer_encode(tokenizer, "aba", 3, false, &ids, &n, &error), FL_OK, "%s",
                 error.text);
    cr_expect(n == 2 && ids[0] == 2 && ids[1] == 0);
    free(ids);
    fl_tokenizer_close(tokenizer);
}

Test(tokenizer_files, others_are_told_from_tokenizers)
{
    static const struct {
        const char *name, *sentence;
    } CASES[] = {
        {"merges.txt", "expected the vocabulary, vocab.json or encoder.json"},
        {"vocab.bpe", "expected the vocabulary, vocab.json or encoder.json"},
        {"model.safetensors", "expected a GGUF file, tokenizer.json, vocab.json, a sentencepiece"},
        {"tokenizer.bin", "is this a llama2.c tokenizer?"},
        {"tokenizer.model", "is this a sentencepiece model?"},
        {"tokenizer.json", "expected JSON"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_tokenizer *tokenizer;
        struct fl_error error = {""};
        const char *path = write_file(CASES[i].name, "#version: 0.2\na b\n");
        cr_expect_eq(fl_tokenizer_open(&tokenizer, path, path, INT_MAX, &error), FL_FAILED);
        cr_expect(strncmp(error.text, path, strlen(path)) == 0 &&
                      strstr(error.text, CASES[i].sentence),
                  "%s", error.text);
    }
}

/* An error's quotation is whole characters, or bytes by their numbers. */
Test(tokenizer_files, a_cut_character_is_named_by_its_bytes)
{
    struct fl_tokenizer *tokenizer;
    struct fl_error error = {""};
    int *ids;
    size_t n;
    write_file("merges.txt", "#version: 0.2\na b\n");
    const char *path = write_file("vocab.json", "{\"a\":0,\"b\":1,\"ab\":2}");
    cr_assert_eq(fl_tokenizer_open(&tokenizer, path, path, INT_MAX, &error), FL_OK, "%s",
                 error.text);
    cr_expect_eq(fl_tokenizer_encode(tokenizer, "a\xc3\xa9", 3, false, &ids, &n, &error),
                 FL_FAILED);
    cr_expect_str_eq(error.text, "text: the vocabulary has neither a token for '<0xC3>' nor one "
                                 "for what is unknown");
    fl_tokenizer_close(tokenizer);
}
