/* tokenizer_encode.c - a text's way through a tokenizer: added tokens, normal form, words, ids. */
#include "text/tokenizer_internal.h"

#include <stdlib.h>

/* What one call needs; the buffers serve one stretch after the other. */
struct encoding {
    const struct fl_tokenizer *tokenizer;
    bool parse_special;
    struct fl_bpe bpe;
    struct fl_bpe_work bpe_work;
    struct fl_unigram_work unigram_work;
    struct fl_matcher matcher;
    struct fl_text normal, scratch;
    struct fl_words words;
    struct fl_ids out;
    struct fl_error *error;
};

static int push(struct encoding *encoding, int id)
{
    return fl_ids_push(&encoding->out, id)
               ? FL_OK
               : fl_fail(encoding->error, "text: not enough memory for its ids");
}

static int encode_word(struct encoding *encoding, const char *text, size_t length)
{
    const struct fl_tokenizer *tokenizer = encoding->tokenizer;
    if (tokenizer->model == FL_TEXT_UNIGRAM)
        return fl_unigram_encode(&tokenizer->unigram, &encoding->unigram_work, text, length,
                                 &encoding->out, encoding->error);
    return fl_bpe_encode(&encoding->bpe, &encoding->bpe_work, text, length, &encoding->out,
                         encoding->error);
}

/* A stretch in its normal form, without added tokens. */
static int encode_normal(struct encoding *encoding, const char *text, size_t length, bool is_first)
{
    if (length == 0)
        return FL_OK;
    if (encoding->tokenizer->splitter.n_steps == 0)
        return encode_word(encoding, text, length);
    if (fl_splitter_run(&encoding->tokenizer->splitter, text, length, is_first, &encoding->matcher,
                        &encoding->words, encoding->error) != FL_OK)
        return FL_FAILED;
    const struct fl_words *words = &encoding->words;
    for (size_t i = 0; i < words->n; i++)
        if (encode_word(encoding, words->text.bytes + words->list[i].at, words->list[i].length) !=
            FL_OK)
            return FL_FAILED;
    return FL_OK;
}

/* A stretch of the text as it was given, without the added tokens that are found there. */
static int encode_stretch(struct encoding *encoding, const char *text, size_t length,
                          struct fl_stretch stretch)
{
    const struct fl_added_tokens *added = &encoding->tokenizer->added;
    if (fl_normalizer_run(&encoding->tokenizer->normalizer, text, length, stretch,
                          &encoding->matcher, &encoding->normal, &encoding->scratch,
                          encoding->error) != FL_OK)
        return FL_FAILED;
    const char *normal = encoding->normal.bytes;
    const size_t n = encoding->normal.n;
    size_t at = 0, start, end;
    const struct fl_added_token *token;
    while (at < n && (token = fl_added_tokens_find(added, true, encoding->parse_special, normal, n,
                                                   at, &start, &end))) {
        if (encode_normal(encoding, normal + at, start - at, stretch.is_start && at == 0) !=
                FL_OK ||
            push(encoding, token->id) != FL_OK)
            return FL_FAILED;
        at = end;
    }
    if (at >= n)
        return FL_OK;
    return encode_normal(encoding, normal + at, n - at, stretch.is_start && at == 0);
}

static int encode_text(struct encoding *encoding, const char *text, size_t length)
{
    const struct fl_added_tokens *added = &encoding->tokenizer->added;
    size_t at = 0, start, end;
    const struct fl_added_token *token;
    struct fl_stretch stretch = {.is_first = true};
    while (at < length && (token = fl_added_tokens_find(added, false, encoding->parse_special, text,
                                                        length, at, &start, &end))) {
        stretch.is_start = at == 0;
        if ((!token->special || start > at) &&
            encode_stretch(encoding, text + at, start - at, stretch) != FL_OK)
            return FL_FAILED;
        if (push(encoding, token->id) != FL_OK)
            return FL_FAILED;
        stretch.is_first = stretch.is_first && token->special && start == at;
        at = end;
    }
    stretch.is_start = at == 0;
    stretch.is_last = true;
    return encode_stretch(encoding, text + at, length - at, stretch);
}

static int encode_bytes(struct encoding *encoding, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (push(encoding, (unsigned char)text[i]) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

static int encode_all(struct encoding *encoding, const char *text, size_t length, bool add_special)
{
    const struct fl_tokenizer *tokenizer = encoding->tokenizer;
    if (fl_matcher_open(&encoding->matcher, encoding->error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; add_special && i < tokenizer->n_before; i++)
        if (push(encoding, tokenizer->before[i]) != FL_OK)
            return FL_FAILED;
    if ((tokenizer->model == FL_TEXT_BYTES ? encode_bytes : encode_text)(encoding, text, length) !=
        FL_OK)
        return FL_FAILED;
    for (int i = 0; add_special && i < tokenizer->n_behind; i++)
        if (push(encoding, tokenizer->behind[i]) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

int fl_tokenizer_encode_special(const struct fl_tokenizer *tokenizer, const char *text,
                                size_t length, bool add_special, bool parse_special, int **ids,
                                size_t *n_ids, struct fl_error *error)
{
    const struct fl_unknown unknown = {tokenizer->unknown, tokenizer->fuse_unknown};
    struct encoding encoding = {
        .tokenizer = tokenizer,
        .parse_special = parse_special,
        .bpe = {.vocabulary = &tokenizer->vocabulary,
                .merges = tokenizer->model == FL_TEXT_MERGES ? &tokenizer->merges : NULL,
                .bytes = tokenizer->byte_level,
                .whole_words = tokenizer->whole_words,
                .frozen_unknown = tokenizer->frozen_unknown,
                .unknown = unknown},
        .error = error,
    };
    const int status = encode_all(&encoding, text, length, add_special);
    fl_bpe_work_close(&encoding.bpe_work);
    fl_unigram_work_close(&encoding.unigram_work);
    fl_matcher_close(&encoding.matcher);
    fl_text_close(&encoding.normal);
    fl_text_close(&encoding.scratch);
    fl_words_close(&encoding.words);
    if (status != FL_OK)
        free(encoding.out.ids);
    *ids = status == FL_OK ? encoding.out.ids : NULL;
    *n_ids = status == FL_OK ? encoding.out.n : 0;
    return status;
}

int fl_tokenizer_encode(const struct fl_tokenizer *tokenizer, const char *text, size_t length,
                        bool add_special, int **ids, size_t *n_ids, struct fl_error *error)
{
    return fl_tokenizer_encode_special(tokenizer, text, length, add_special, false, ids, n_ids,
                                       error);
}
