#include "text/byte_level.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct fl_byte_level *open_pattern(const char *name)
{
    struct fl_byte_level *byte_level;
    struct fl_error error;
    cr_assert_eq(fl_byte_level_open(&byte_level, name, strlen(name), "test", &error), FL_OK, "%s",
                 error.text);
    return byte_level;
}

/* words: the text cut at '|'. */
static void expect_words(const char *pattern, const char *words)
{
    struct fl_byte_level *byte_level = open_pattern(pattern);
    char text[256], cut[256] = "";
    size_t n = 0, used = 0;
    for (const char *at = words; *at; at++)
        if (*at != '|')
            text[n++] = *at;
    struct fl_words all;
    size_t length;
    const char *word;
    cr_assert(fl_words_open(&all, byte_level, text, n));
    while ((word = fl_words_next(&all, &length))) {
        used += (size_t)snprintf(cut + used, sizeof cut - used, "%s%.*s", used ? "|" : "",
                                 (int)length, word);
    }
    cr_expect_str_eq(cut, words, "%s: '%s' became '%s'", pattern, words, cut);
    fl_words_close(&all);
    fl_byte_level_close(byte_level);
}

Test(byte_level, words_of_each_pattern)
{
    expect_words("gpt-2", "Hello| world|!|  | 3| spaces|  | here");
    expect_words("gpt-2", "It|'s| 12345| o|'|clock|?!|\n|\n|next");
    expect_words("gpt-2", "IT|'|S| caf\xc3\xa9| \xe4\xb8\xad\xe6\x96\x87|\xe3\x80\x82");
    expect_words("llama-bpe", "It|'s| |123|45| o|'clock|?!\n\n|next|\r\n|  | end");
    expect_words("llama-bpe", "IT|'S|\tcaf\xc3\xa9|(|7|)");
    expect_words("qwen2", "It|'s| |1|2|3| (|abc|)\n|x");
}

Test(byte_level, broken_text_is_cut_into_bytes)
{
    expect_words("gpt-2", "a|\xff|\xfe| b|\xc3");
    expect_words("llama-bpe", "\xff|x");
}

Test(byte_level, unknown_patterns_are_refused_by_name)
{
    struct fl_byte_level *byte_level;
    struct fl_error error;
    cr_expect_eq(fl_byte_level_open(&byte_level, "tekken", 6, "model.gguf", &error), FL_FAILED);
    cr_expect(strstr(error.text, "model.gguf: pre-tokenizer tekken: expected gpt-2"), "%s",
              error.text);
    cr_expect_null(byte_level);
}

Test(byte_level, tokens_stand_for_bytes)
{
    static const struct {
        const char *token, *bytes;
    } CASES[] = {
        {"abc", "abc"},       {"\xc4\xa0the", " the"}, /* U+0120: blank */
        {"\xc4\x8a", "\n"},                            /* U+010A: line feed */
        {"\xc3\xa9", "\xe9"},                          /* U+00E9: the byte, not the letter */
        {"\xc5\x82", "\xa0"},                          /* U+0142 */
        {"\xc5\x83", "\xad"},                          /* U+0143, the last */
    };
    char out[16];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        long n = fl_byte_level_bytes(CASES[i].token, strlen(CASES[i].token), out);
        cr_expect_eq(n, (long)strlen(CASES[i].bytes), "%zu", i);
        cr_expect(n > 0 && memcmp(out, CASES[i].bytes, (size_t)n) == 0, "%zu", i);
    }
    char bytes[256], spelled[512], again[512];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    size_t n_spelled = fl_byte_level_spell(bytes, sizeof bytes, spelled);
    cr_expect_eq(fl_byte_level_bytes(spelled, n_spelled, again), 256);
    cr_expect_eq(memcmp(again, bytes, sizeof bytes), 0);
    static const char *const NONE[] = {" ", "\xc5\x84", "\xe4\xb8\xad", "\xc4", "\n", "\xff"};
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
        cr_expect_eq(fl_byte_level_bytes(NONE[i], strlen(NONE[i]), out), -1, "%zu", i);
}
