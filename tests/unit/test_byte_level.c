#include "text/byte_level.h"
#include "text/splitter.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* words: the text cut at '|'. */
static void expect_words(const char *name, const char *words)
{
    const struct fl_byte_pattern *pattern = fl_byte_pattern_find(name, strlen(name));
    struct fl_splitter splitter = {0};
    struct fl_matcher matcher;
    struct fl_words all = {0};
    struct fl_error error;
    char text[256], cut[256] = "";
    size_t n = 0, used = 0;
    cr_assert_not_null(pattern);
    for (int i = 0; i < 3 && pattern->patterns[i]; i++) {
        struct fl_splitter_step step = {.split = FL_SPLIT_ISOLATED};
        cr_assert_eq(fl_pattern_open(&step.pattern, pattern->patterns[i],
                                     strlen(pattern->patterns[i]), "test", &error),
                     FL_OK, "%s", error.text);
        cr_assert_eq(fl_splitter_add(&splitter, step, "test", &error), FL_OK);
    }
    for (const char *at = words; *at; at++)
        if (*at != '|')
            text[n++] = *at;
    cr_assert_eq(fl_matcher_open(&matcher, &error), FL_OK);
    cr_assert_eq(fl_splitter_run(&splitter, text, n, true, &matcher, &all, &error), FL_OK);
    for (size_t i = 0; i < all.n; i++)
        used += (size_t)snprintf(cut + used, sizeof cut - used, "%s%.*s", used ? "|" : "",
                                 (int)all.list[i].length, all.text.bytes + all.list[i].at);
    cr_expect_str_eq(cut, words, "%s: '%s' became '%s'", name, words, cut);
    fl_words_close(&all);
    fl_matcher_close(&matcher);
    fl_splitter_close(&splitter);
}

Test(byte_level, words_of_each_pattern)
{
    expect_words("gpt-2", "Hello| world|!|  | 3| spaces|  | here");
    expect_words("gpt-2", "It|'s| 12345| o|'|clock|?!|\n|\n|next");
    expect_words("gpt-2", "IT|'|S| caf\xc3\xa9| \xe4\xb8\xad\xe6\x96\x87|\xe3\x80\x82");
    expect_words("llama-bpe", "It|'s| |123|45| o|'clock|?!\n\n|next|\r\n|  | end");
    expect_words("llama-bpe", "IT|'S|\tcaf\xc3\xa9|(|7|)");
    expect_words("qwen2", "It|'s| |1|2|3| (|abc|)\n|x");
    expect_words("gpt-4o", "don't| |202|4| Camel|Case|/x");
    expect_words("tekken", "don|'t| |2|0| Camel|Case");
    expect_words("starcoder", "a| |1|2|b| c");
}

Test(byte_level, broken_text_is_cut_into_bytes)
{
    expect_words("gpt-2", "a|\xff|\xfe| b|\xc3");
    expect_words("llama-bpe", "\xff|x");
}

Test(byte_level, patterns_are_found_by_name_and_by_text)
{
    cr_expect_null(fl_byte_pattern_find("rwkv", 4));
    cr_expect_null(fl_byte_pattern_of("a|b"));
    const struct fl_byte_pattern *pattern = fl_byte_pattern_find("llama3", 6);
    cr_assert_not_null(pattern);
    cr_expect_str_eq(fl_byte_pattern_of(pattern->patterns[0])->name, "llama-bpe");
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
