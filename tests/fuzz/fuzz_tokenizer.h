/* fuzz_tokenizer.h - what a tokenizer that opened must do: encode and decode any bytes, with and
 * without special tokens in the text, and stream what decoding says. */
#ifndef FL_TESTS_FUZZ_TOKENIZER_H
#define FL_TESTS_FUZZ_TOKENIZER_H

#include "tests/fuzz/mutate.h"
#include "text/tokenizer.h"
#include "text/vocabulary_export.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "max_allocation_size_mb=256";
}

static void check_stream(const struct fl_tokenizer *tokenizer, const int *ids, size_t n,
                         const char *text, size_t length)
{
    struct fl_stream stream;
    size_t at = 0, got;
    fl_stream_start(&stream, tokenizer);
    for (size_t i = 0; i <= n; i++) {
        const char *piece =
            i < n ? fl_stream_push(&stream, ids[i], &got) : fl_stream_flush(&stream, &got);
        if (at + got > length || memcmp(text + at, piece, got) != 0)
            abort();
        at += got;
    }
    if (at != length)
        abort();
}

static void use(const struct fl_tokenizer *tokenizer)
{
    static const char *const TEXTS[] = {"", "a", "Once upon a time", "  \xe2\x96\x81 \xff\xc3",
                                        "\xf0\x9f\x98\x80 caf\xc3\xa9 <s></s><0x41>"};
    struct fl_error error;
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        int *ids;
        char *text;
        size_t n, length;
        if (fl_tokenizer_encode_special(tokenizer, TEXTS[i], strlen(TEXTS[i]), true, i % 2 == 0,
                                        &ids, &n, &error) != FL_OK)
            continue;
        for (size_t k = 0; k < n; k++)
            if (ids[k] < 0 || ids[k] >= fl_tokenizer_vocab_size(tokenizer))
                abort();
        if (fl_tokenizer_decode(tokenizer, ids, n, &text, &length, &error) == FL_OK) {
            check_stream(tokenizer, ids, n, text, length);
            free(text);
        }
        free(ids);
    }
    struct fl_tokenizer_view view;
    struct fl_token_view token;
    struct fl_merge_view merge;
    if (fl_tokenizer_view(&view, tokenizer, &error) != FL_OK)
        return;
    for (int id = 0; id < view.n_tokens; id++)
        fl_tokenizer_view_token(&token, &view, id);
    for (int rank = 0; rank < view.n_merges; rank++)
        fl_tokenizer_view_merge(&merge, &view, rank);
}

/* A file of that extension: opened and used, or refused by a sentence. */
static void read_tokenizer(const unsigned char *data, size_t size, const char *extension)
{
    struct fl_tokenizer *tokenizer = NULL;
    struct fl_error error = {""};
    const char *path = fuzz_file(data, size, extension);
    if (fl_tokenizer_open(&tokenizer, path, path, INT_MAX, &error) == FL_OK)
        use(tokenizer);
    else if (error.text[0] == '\0')
        abort();
    fl_tokenizer_close(tokenizer);
}

#endif
