#include "text/unicode.h"

#include "text/charsmap.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef bool step(struct fl_text *out, const char *text, size_t length);

static bool to_nfc(struct fl_text *out, const char *text, size_t length)
{
    return fl_unicode_normalize(out, text, length, FL_NFC);
}

static bool to_nfd(struct fl_text *out, const char *text, size_t length)
{
    return fl_unicode_normalize(out, text, length, FL_NFD);
}

static bool to_nfkc(struct fl_text *out, const char *text, size_t length)
{
    return fl_unicode_normalize(out, text, length, FL_NFKC);
}

static bool to_nfkd(struct fl_text *out, const char *text, size_t length)
{
    return fl_unicode_normalize(out, text, length, FL_NFKD);
}

static void expect(step *by, const char *text, const char *wanted)
{
    struct fl_text out = {0};
    cr_assert(by(&out, text, strlen(text)));
    cr_expect(out.n == strlen(wanted) && (out.n == 0 || memcmp(out.bytes, wanted, out.n) == 0),
              "'%s' became '%.*s', expected '%s'", text, (int)out.n, out.bytes, wanted);
    fl_text_close(&out);
}

/* Examples of Unicode Standard Annex 15, and what surrounds them. */
Test(unicode, normal_forms)
{
    expect(to_nfc, "plain", "plain");
    expect(to_nfc, "", "");
    expect(to_nfc, "ae\xcc\x81z", "a\xc3\xa9z");
    expect(to_nfc, "e\xcc\x81", "\xc3\xa9");
    expect(to_nfd, "\xc3\xa9z", "e\xcc\x81z");
    /* U+212B, the unit of length, is the letter U+00C5 */
    expect(to_nfc, "\xe2\x84\xab", "\xc3\x85");
    expect(to_nfd, "\xe2\x84\xab", "A\xcc\x8a");
    /* marks are put in order: dot below (220) before dot above (230) */
    expect(to_nfd, "s\xcc\x87\xcc\xa3", "s\xcc\xa3\xcc\x87");
    expect(to_nfc, "s\xcc\x87\xcc\xa3", "\xe1\xb9\xa9");
    expect(to_nfc, "\xe1\xb8\x8b\xcc\xa3", "\xe1\xb8\x8d\xcc\x87");
    /* Hangul */
    expect(to_nfc, "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81");
    expect(to_nfd, "\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8");
    expect(to_nfc, "\xef\xac\x81", "\xef\xac\x81"); /* the ligature fi */
    expect(to_nfkc, "\xef\xac\x81", "fi");
    expect(to_nfkd, "\xe1\xba\x9b\xcc\xa3", "s\xcc\xa3\xcc\x87");
    expect(to_nfkc, "\xef\xbc\xa1\xe3\x8e\x8f", "Akg");
    /* bytes that are no characters stay and keep marks apart */
    expect(to_nfc, "e\xff\xcc\x81", "e\xff\xcc\x81");
    expect(to_nfc, "\xff", "\xff");
}

/* What is longer than any buffer, and marks in the wrong order a hundred thousand times. */
Test(unicode, long_runs_of_marks)
{
    enum { N = 100000 };
    char *text = malloc(4 * N);
    cr_assert_not_null(text);
    for (int i = 0; i < N; i++)
        memcpy(text + 4 * i, "\xcc\x87\xcc\xa3", 4);
    struct fl_text out = {0};
    cr_assert(fl_unicode_normalize(&out, text, 4 * N, FL_NFD));
    cr_assert_eq(out.n, 4 * N);
    int n_other = 0;
    for (int i = 0; i < 2 * N; i++)
        n_other += memcmp(out.bytes + 2 * i, i < N ? "\xcc\xa3" : "\xcc\x87", 2) != 0;
    cr_expect_eq(n_other, 0);
    fl_text_close(&out);
    free(text);
}

Test(unicode, case_and_marks)
{
    expect(fl_unicode_lowercase, "ABC \xc3\x84\xce\xa9\xff", "abc \xc3\xa4\xcf\x89\xff");
    expect(fl_unicode_lowercase, "\xc4\xb0", "i\xcc\x87");
    expect(fl_unicode_strip_marks, "e\xcc\x81\xe1\x84\x80\xff", "e\xe1\x84\x80\xff");
}

Test(unicode, classes)
{
    static const int32_t SPACES[] = {' ', '\t', '\n', '\r', 0x85, 0xa0, 0x2003, 0x2028, 0x3000};
    static const int32_t OTHERS[] = {'a', 0x200b, 0x180e, 0, -1};
    for (size_t i = 0; i < sizeof SPACES / sizeof *SPACES; i++)
        cr_expect(fl_unicode_is_space(SPACES[i]), "%x", (unsigned)SPACES[i]);
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        cr_expect_not(fl_unicode_is_space(OTHERS[i]), "%x", (unsigned)OTHERS[i]);
    cr_expect(fl_unicode_is_word('a') && fl_unicode_is_word('_') && fl_unicode_is_word(0x4e2d) &&
              fl_unicode_is_word('7'));
    cr_expect_not(fl_unicode_is_word('-') || fl_unicode_is_word(' ') || fl_unicode_is_word(-1));
}

/* A table with one replacement: a root, a child for 'a', and its leaf. */
static const unsigned char MAP[] = {12, 0, 0, 0, 0, 0x80, 1,   0,   'a', 0x0d,
                                    0,  0, 0, 0, 0, 0x80, 'b', 'c', 0};

Test(unicode, a_table_of_replacements)
{
    struct fl_charsmap map;
    struct fl_error error;
    const char *replacement;
    size_t length;
    cr_assert_eq(fl_charsmap_open(&map, MAP, sizeof MAP, "test", &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_charsmap_find(&map, "ab", 2, &replacement, &length), 1);
    cr_expect(length == 2 && memcmp(replacement, "bc", 2) == 0);
    cr_expect_eq(fl_charsmap_find(&map, "b", 1, &replacement, &length), 0);
    cr_expect_eq(fl_charsmap_find(&map, "", 0, &replacement, &length), 0);
    cr_expect_eq(fl_charsmap_find(&map, "\xff\0", 2, &replacement, &length), 0);
    fl_charsmap_close(&map);
}

Test(unicode, damaged_tables_of_replacements_are_refused)
{
    static const struct {
        size_t size;
        unsigned char trie_size, last;
        const char *sentence; /* NULL: good */
    } CASES[] = {
        {sizeof MAP, 12, 0, NULL},
        {3, 12, 0, "expected a table of replacements, it has 3 bytes"},
        {sizeof MAP, 0, 0, "size of the trie: expected 4 to"},
        {sizeof MAP, 13, 0, "a multiple of 4, not 13"},
        {sizeof MAP, 200, 0, "not 200"},
        {sizeof MAP, 12, 'z', "expected a NUL behind the last replacement"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        unsigned char bytes[sizeof MAP];
        struct fl_charsmap map;
        struct fl_error error = {""};
        memcpy(bytes, MAP, sizeof MAP);
        bytes[0] = CASES[i].trie_size;
        bytes[sizeof MAP - 1] = CASES[i].last;
        const int status = fl_charsmap_open(&map, bytes, CASES[i].size, "file: table", &error);
        cr_expect_eq(status, CASES[i].sentence ? FL_FAILED : FL_OK, "case %zu", i);
        if (CASES[i].sentence)
            cr_expect(strstr(error.text, CASES[i].sentence), "case %zu: %s", i, error.text);
        else
            fl_charsmap_close(&map);
    }
}
