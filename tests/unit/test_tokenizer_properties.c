/* What holds for every tokenizer that has a token for each byte: any text comes back as it was, and
 * streams print what decoding says, character by character. */
#include "base/utf8.h"
#include "tests/unit/tokenizer_harness.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const FILES[] = {
    "bytes",
    REFERENCE "tokenizers/ggml-vocab-gpt-2.gguf",
    REFERENCE "tokenizers/ggml-vocab-phi-3.gguf",
    REFERENCE "tokenizers/encoder.json",
};
enum { N_FILES = sizeof FILES / sizeof *FILES };

/* xorshift64*: the same everywhere */
static uint64_t state = 88172645463325252u;

static uint32_t below(uint32_t n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 2685821657736338717u >> 33) % n);
}

static size_t put_character(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(((0xf00u >> n) & 0xff) | c);
    return n;
}

/* Where characters are drawn from: control characters, letters, marks that combine, CJK, emoji and
 * what joins them, private use, every plane. */
static const uint32_t RANGES[][2] = {{0, 0x20},          {' ', 0x7f},        {' ', ' ' + 1},
                                     {0x80, 0x100},      {0x300, 0x370},     {0x590, 0x700},
                                     {0x200b, 0x2010},   {0x2581, 0x2582},   {0x3040, 0x3100},
                                     {0x4e00, 0xa000},   {0xac00, 0xd7a4},   {0xe000, 0xf900},
                                     {0xfe00, 0xfe10},   {0x1f300, 0x1f700}, {0x1f3fb, 0x1f400},
                                     {0x20000, 0x2a6e0}, {0xe0000, 0xe0080}, {0x10000, 0x110000}};
enum { N_RANGES = sizeof RANGES / sizeof *RANGES };

static size_t random_text(char *out, size_t n_characters, bool broken)
{
    static const char *const WHOLE[] = {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80", /* emoji */
                                        "e\xcc\x81",
                                        "</s>",
                                        "<|endoftext|>",
                                        "<0x41>",
                                        "  "};
    size_t n = 0;
    for (size_t i = 0; i < n_characters; i++) {
        const uint32_t kind = below(N_RANGES + 4);
        if (kind < N_RANGES) {
            n += put_character(out + n, RANGES[kind][0] + below(RANGES[kind][1] - RANGES[kind][0]));
        } else if (kind == N_RANGES && broken) {
            out[n++] = (char)(0x80 + below(0x80));
        } else {
            const char *text = WHOLE[below(6)];
            memcpy(out + n, text, strlen(text));
            n += strlen(text);
        }
    }
    return n;
}

static void expect_round_trip(const struct fl_tokenizer *tokenizer, const char *text, size_t length)
{
    int *ids;
    char *back;
    size_t n, n_back;
    struct fl_error error;
    cr_assert_eq(fl_tokenizer_encode(tokenizer, text, length, true, &ids, &n, &error), FL_OK, "%s",
                 error.text);
    cr_assert_eq(fl_tokenizer_decode(tokenizer, ids, n, &back, &n_back, &error), FL_OK);
    cr_expect(n_back == length && memcmp(back, text, length) == 0, "'%.*s' became '%s'",
              (int)length, text, back);
    free(ids);
    free(back);
}

static void expect_round_trips(bool broken)
{
    char text[64 * 16];
    for (int i = 0; i < N_FILES; i++) {
        if (harness_absent(FILES[i]))
            continue;
        struct fl_tokenizer *tokenizer = harness_tokenizer(FILES[i]);
        for (int k = 0; k < 3000; k++)
            expect_round_trip(tokenizer, text, random_text(text, below(64), broken));
        expect_round_trip(tokenizer, "", 0);
        expect_round_trip(tokenizer, "a\0b\0", 4);
        fl_tokenizer_close(tokenizer);
    }
}

Test(tokenizer_properties, any_text_comes_back)
{
    expect_round_trips(false);
}

/* Bytes that are no characters have tokens, too. */
Test(tokenizer_properties, so_do_bytes_that_are_no_text)
{
    expect_round_trips(true);
}

/* Every character there is, once: as a text of its own where a tokenizer could treat it alone. */
Test(tokenizer_properties, every_character_comes_back)
{
    static char text[0x110000 * 4];
    size_t n = 0;
    for (uint32_t c = 0; c < 0x110000; c++)
        if (c < 0xd800 || c > 0xdfff)
            n += put_character(text + n, c);
    for (int i = 0; i < N_FILES; i++) {
        if (harness_absent(FILES[i]))
            continue;
        struct fl_tokenizer *tokenizer = harness_tokenizer(FILES[i]);
        expect_round_trip(tokenizer, text, n);
        fl_tokenizer_close(tokenizer);
    }
}

/* ids, whatever they are, cut after n of them. */
static void expect_stream(const struct fl_tokenizer *tokenizer, const int *ids, size_t n)
{
    struct fl_stream stream;
    struct fl_error error;
    char *text;
    size_t length, at = 0, got, whole = 0; /* characters of the text end at whole */
    cr_assert_eq(fl_tokenizer_decode(tokenizer, ids, n, &text, &length, &error), FL_OK);
    fl_stream_start(&stream, tokenizer);
    for (size_t i = 0; i <= n; i++) {
        const char *piece =
            i < n ? fl_stream_push(&stream, ids[i], &got) : fl_stream_flush(&stream, &got);
        cr_assert(at + got <= length && memcmp(text + at, piece, got) == 0);
        at += got;
        while (whole < at)
            whole += fl_utf8_length(text + whole, length - whole);
        cr_assert_eq(whole, at, "half a character");
    }
    cr_expect_eq(at, length);
    free(text);
}

Test(tokenizer_properties, streams_say_what_decoding_says)
{
    static const char *const MORE[] = {REFERENCE "tokenizers/sp_test_model.model",
                                       REFERENCE "models/stories260K/tok512.bin"};
    int ids[64];
    for (int i = 0; i < N_FILES + 2; i++) {
        const char *path = i < N_FILES ? FILES[i] : MORE[i - N_FILES];
        if (harness_absent(path))
            continue;
        struct fl_tokenizer *tokenizer = harness_tokenizer(path);
        const uint32_t n_ids = (uint32_t)fl_tokenizer_vocab_size(tokenizer);
        for (int k = 0; k < 3000; k++) {
            /* half of them small ids, where byte pieces and marks are */
            for (int j = 0; j < 64; j++)
                ids[j] = (int)below(j % 2 && n_ids > 300 ? 300 : n_ids);
            expect_stream(tokenizer, ids, below(65));
        }
        fl_tokenizer_close(tokenizer);
    }
}

/* A text's ids, taken character by character, print each character as soon as its last byte is
 * there. */
Test(tokenizer_properties, streams_hold_nothing_back_at_the_end_of_a_text)
{
    char text[64 * 16];
    for (int i = 0; i < N_FILES; i++) {
        if (harness_absent(FILES[i]))
            continue;
        struct fl_tokenizer *tokenizer = harness_tokenizer(FILES[i]);
        for (int k = 0; k < 300; k++) {
            const size_t length = random_text(text, below(64), false);
            struct fl_stream stream;
            struct fl_error error;
            int *ids;
            size_t n, got = 0;
            cr_assert_eq(fl_tokenizer_encode(tokenizer, text, length, true, &ids, &n, &error),
                         FL_OK);
            fl_stream_start(&stream, tokenizer);
            for (size_t j = 0; j < n; j++)
                fl_stream_push(&stream, ids[j], &got);
            fl_stream_flush(&stream, &got);
            cr_expect_eq(got, 0);
            free(ids);
        }
        fl_tokenizer_close(tokenizer);
    }
}

/* A million bytes of everything that could make an encoder quadratic. The bound is ten times what
 * it takes and a thousand times less than squares would. */
Test(tokenizer_properties, a_million_bytes_in_a_moment)
{
    static const char *const UNITS[] = {"a",
                                        " ",
                                        "\n",
                                        "<",
                                        "<|",
                                        "1",
                                        "ab",
                                        " \r\n",
                                        "\xff",
                                        "e\xcc\x81\xcc\xa3",
                                        "'",
                                        "\xe6\x97\xa5",
                                        "Once upon a time, "};
    static const char *const MORE[] = {REFERENCE "tokenizers/sp_test_model.model",
                                       REFERENCE "models/babyllama105/tok105.model"};
    enum { LENGTH = 1000000, SECONDS = 10 };
    char *text = malloc(LENGTH);
    cr_assert_not_null(text);
    for (int i = 0; i < N_FILES + 2; i++) {
        const char *path = i < N_FILES ? FILES[i] : MORE[i - N_FILES];
        if (harness_absent(path))
            continue;
        struct fl_tokenizer *tokenizer = harness_tokenizer(path);
        for (size_t k = 0; k < sizeof UNITS / sizeof *UNITS; k++) {
            const size_t n_unit = strlen(UNITS[k]);
            struct fl_error error;
            int *ids;
            size_t n;
            for (size_t at = 0; at < LENGTH; at++)
                text[at] = UNITS[k][at % n_unit];
            const clock_t start = clock();
            cr_assert_eq(fl_tokenizer_encode(tokenizer, text, LENGTH, true, &ids, &n, &error),
                         FL_OK, "%s", error.text);
            const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
            cr_expect_lt(seconds, SECONDS, "%s: unit %zu: %.1f s", path, k, seconds);
            free(ids);
        }
        fl_tokenizer_close(tokenizer);
    }
    free(text);
}
