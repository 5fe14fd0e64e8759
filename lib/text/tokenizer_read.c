#include "base/file.h"
#include "model/gguf.h"
#include "text/tokenizer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tokenizer.bin ---- */

struct reader {
    const unsigned char *at;
    size_t left;
};

static bool read_bytes(struct reader *reader, void *out, size_t n)
{
    if (reader->left < n)
        return false;
    memcpy(out, reader->at, n);
    reader->at += n;
    reader->left -= n;
    return true;
}

static int llama2c_type(int id, const char *text, size_t length)
{
    if (id == 0)
        return FL_PIECE_UNKNOWN;
    if (id <= 2)
        return FL_PIECE_CONTROL;
    return length == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>' ? FL_PIECE_BYTE
                                                                        : FL_PIECE_NORMAL;
}

static int read_llama2c_piece(struct fl_tokenizer *tokenizer, struct reader *reader,
                              int32_t longest, const char *path, struct fl_error *error)
{
    float score;
    int32_t length;
    int id = tokenizer->vocabulary.n_pieces;
    if (!read_bytes(reader, &score, sizeof score) || !read_bytes(reader, &length, sizeof length))
        return fl_fail(error, "%s: token %d: the file ends inside its score or length", path, id);
    if (length < 1 || length > longest)
        return fl_fail(error, "%s: token %d: length: expected 1 to max_token_length %d, not %d",
                       path, id, (int)longest, (int)length);
    if ((size_t)length > reader->left)
        return fl_fail(error, "%s: token %d: expected %d bytes, the file ends after %zu", path, id,
                       (int)length, reader->left);
    const char *text = (const char *)reader->at;
    reader->at += length;
    reader->left -= (size_t)length;
    return fl_vocabulary_add(&tokenizer->vocabulary, text, (size_t)length, score,
                             llama2c_type(id, text, (size_t)length), path, error);
}

int fl_tokenizer_read_llama2c(struct fl_tokenizer *tokenizer, const char *path,
                              struct fl_error *error)
{
    struct fl_mapping mapping;
    if (fl_file_map(&mapping, path, error) != FL_OK)
        return FL_FAILED;
    struct reader reader = {mapping.data, mapping.size};
    int32_t longest = 0;
    int status = FL_OK;
    if (!read_bytes(&reader, &longest, sizeof longest) || longest < 1 ||
        longest > FL_PIECE_BYTES_MAX)
        status = fl_fail(error,
                         "%s: max_token_length: expected 1 to %d in the first four bytes: is this "
                         "a llama2.c tokenizer?",
                         path, FL_PIECE_BYTES_MAX);
    while (status == FL_OK && reader.left > 0)
        status = read_llama2c_piece(tokenizer, &reader, longest, path, error);
    fl_file_unmap(&mapping);
    if (status == FL_OK && tokenizer->vocabulary.n_pieces < 4)
        status = fl_fail(error, "%s: expected tokens behind <unk>, <s> and </s>", path);
    if (status == FL_OK)
        status = fl_vocabulary_finish(&tokenizer->vocabulary, path, error);
    tokenizer->kind = "llama2.c";
    tokenizer->unknown = 0;
    tokenizer->bos = 1;
    tokenizer->eos = 2;
    tokenizer->add_bos = true;
    tokenizer->add_space = true;
    tokenizer->frozen_unknown = true;
    tokenizer->all_ids = true;
    return status;
}

/* ---- GGUF ---- */

/* Three arrays side by side; scores and types may be missing. */
struct piece_arrays {
    struct fl_gguf_array tokens, scores, types;
    bool has_scores, has_types;
};

static int open_arrays(struct piece_arrays *arrays, const struct fl_gguf *gguf, bool needs_scores,
                       const char *path, struct fl_error *error)
{
    if (fl_gguf_get_array(gguf, "tokenizer.ggml.tokens", FL_GGUF_STRINGS, &arrays->tokens, error) !=
        FL_OK)
        return FL_FAILED;
    arrays->has_scores = needs_scores || fl_gguf_has(gguf, "tokenizer.ggml.scores");
    if (arrays->has_scores && fl_gguf_get_array(gguf, "tokenizer.ggml.scores", FL_GGUF_REALS,
                                                &arrays->scores, error) != FL_OK)
        return FL_FAILED;
    arrays->has_types = fl_gguf_has(gguf, "tokenizer.ggml.token_type");
    if (arrays->has_types && fl_gguf_get_array(gguf, "tokenizer.ggml.token_type", FL_GGUF_INTS,
                                               &arrays->types, error) != FL_OK)
        return FL_FAILED;
    if ((arrays->has_scores && arrays->scores.n != arrays->tokens.n) ||
        (arrays->has_types && arrays->types.n != arrays->tokens.n))
        return fl_fail(error,
                       "%s: tokenizer.ggml: expected as many scores and token_types as the %llu "
                       "tokens",
                       path, (unsigned long long)arrays->tokens.n);
    if (arrays->tokens.n == 0)
        return fl_fail(error, "%s: tokenizer.ggml.tokens: expected at least one", path);
    return FL_OK;
}

/* Pieces write a space as U+2581. Kept as a space, so that a text's own U+2581, which then is no
 * piece, goes through byte pieces and comes back as it was. */
static size_t unescape(const struct fl_gguf_string *token, char *out)
{
    static const char SPACE[] = "\xe2\x96\x81";
    size_t used = 0;
    for (size_t i = 0; i < token->length; used++) {
        bool is_space = token->length - i >= 3 && memcmp(token->data + i, SPACE, 3) == 0;
        out[used] = is_space ? ' ' : token->data[i];
        i += is_space ? 3 : 1;
    }
    return used;
}

/* Bytes at byte level are written as up to two. */
enum { WRITTEN_MAX = 2 * FL_PIECE_BYTES_MAX };

/* The text of a piece; -1: it is no token of its kind. Longer ones than FL_PIECE_BYTES_MAX are
 * refused by their length. Byte level: characters that stand for bytes; pieces that are no
 * text of the model's own, such as <|endoftext|>, are as they are written. */
static long piece_text(const struct fl_tokenizer *tokenizer, const struct fl_gguf_string *token,
                       int64_t type, char out[WRITTEN_MAX])
{
    if (token->length > WRITTEN_MAX)
        return (long)token->length;
    if (!tokenizer->byte_level)
        return (long)unescape(token, out);
    if (type == FL_PIECE_NORMAL)
        return fl_byte_level_bytes(token->data, token->length, out);
    memcpy(out, token->data, token->length);
    return (long)token->length;
}

static int read_pieces(struct fl_tokenizer *tokenizer, struct piece_arrays *arrays,
                       const char *path, struct fl_error *error)
{
    struct fl_gguf_string token;
    char text[WRITTEN_MAX];
    while (fl_gguf_next_string(&arrays->tokens, &token)) {
        double score = 0;
        int64_t type = FL_PIECE_NORMAL;
        if (arrays->has_scores)
            fl_gguf_next_real(&arrays->scores, &score);
        if (arrays->has_types)
            fl_gguf_next_int(&arrays->types, &type);
        if (type < FL_PIECE_NORMAL || type > FL_PIECE_BYTE)
            type = 0; /* refused by the vocabulary, with the token's number */
        long length = piece_text(tokenizer, &token, type, text);
        if (length < 0)
            return fl_fail(error,
                           "%s: tokenizer.ggml.tokens: token %d: expected characters that "
                           "stand for bytes",
                           path, tokenizer->vocabulary.n_pieces);
        if (fl_vocabulary_add(&tokenizer->vocabulary, text, (size_t)length, (float)score, (int)type,
                              path, error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static int read_special_ids(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf,
                            struct fl_error *error)
{
    const struct {
        const char *key;
        int *id;
    } table[] = {
        {"tokenizer.ggml.bos_token_id", &tokenizer->bos},
        {"tokenizer.ggml.eos_token_id", &tokenizer->eos},
        {"tokenizer.ggml.unknown_token_id", &tokenizer->unknown},
        {"tokenizer.ggml.padding_token_id", &tokenizer->pad},
    };
    const struct {
        const char *key;
        bool *flag;
    } flags[] = {
        {"tokenizer.ggml.add_bos_token", &tokenizer->add_bos},
        {"tokenizer.ggml.add_eos_token", &tokenizer->add_eos},
        {"tokenizer.ggml.add_space_prefix", &tokenizer->add_space},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t id;
        if (!fl_gguf_has(gguf, table[i].key))
            continue;
        if (fl_gguf_get_int(gguf, table[i].key, 0, tokenizer->vocabulary.n_pieces - 1, &id,
                            error) != FL_OK)
            return FL_FAILED;
        *table[i].id = (int)id;
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (fl_gguf_has(gguf, flags[i].key) &&
            fl_gguf_get_bool(gguf, flags[i].key, flags[i].flag, error) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

static bool string_is(const struct fl_gguf_string *string, const char *text)
{
    return string->length == strlen(text) && memcmp(string->data, text, string->length) == 0;
}

/* Opens the byte level where the model is of that kind. */
static int open_model(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf, const char *path,
                      struct fl_error *error)
{
    struct fl_gguf_string model, pre = {.data = "gpt-2", .length = 5};
    if (!fl_gguf_has(gguf, "tokenizer.ggml.model"))
        return fl_fail(error,
                       "%s: it holds no tokenizer (tokenizer.ggml.model); give one with "
                       "--tokenizer, or token ids",
                       path);
    if (fl_gguf_get_string(gguf, "tokenizer.ggml.model", &model, error) != FL_OK)
        return FL_FAILED;
    if (string_is(&model, "llama"))
        return FL_OK;
    if (!string_is(&model, "gpt2"))
        return fl_fail(error,
                       "%s: tokenizer.ggml.model: expected llama (SentencePiece-style BPE) or gpt2 "
                       "(byte-level BPE), not %.*s; give --tokenizer bytes, or token ids",
                       path, model.length < 40 ? (int)model.length : 40, model.data);
    if (fl_gguf_has(gguf, "tokenizer.ggml.pre") &&
        fl_gguf_get_string(gguf, "tokenizer.ggml.pre", &pre, error) != FL_OK)
        return FL_FAILED;
    return fl_byte_level_open(&tokenizer->byte_level, pre.data, pre.length, path, error);
}

int fl_tokenizer_add_merge(struct fl_tokenizer *tokenizer, const char *merge, size_t length,
                           struct fl_error *error)
{
    const struct fl_vocabulary *vocabulary = &tokenizer->vocabulary;
    char text[WRITTEN_MAX + 1];
    const char *blank = length > 1 ? memchr(merge + 1, ' ', length - 1) : NULL;
    size_t n = blank ? (size_t)(blank - merge) : 0;
    long left = -1, right = -1;
    if (blank && length <= sizeof text) {
        left = fl_byte_level_bytes(merge, n, text);
        if (left > 0)
            right = fl_byte_level_bytes(blank + 1, length - n - 1, text + left);
    }
    if (right < 1)
        return fl_fail(error, "expected two tokens and a blank between them");
    int a = fl_vocabulary_find(vocabulary, text, (size_t)left);
    int b = fl_vocabulary_find(vocabulary, text + left, (size_t)right);
    int merged = fl_vocabulary_find(vocabulary, text, (size_t)(left + right));
    if (a < 0 || b < 0 || merged < 0)
        return fl_fail(error, "expected tokens of the vocabulary that become one");
    if (!fl_merges_add(&tokenizer->merges, a, b, merged))
        return fl_fail(error, "not enough memory");
    return FL_OK;
}

static int read_merges(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf, const char *path,
                       struct fl_error *error)
{
    struct fl_gguf_array merges;
    struct fl_gguf_string merge;
    if (fl_gguf_get_array(gguf, "tokenizer.ggml.merges", FL_GGUF_STRINGS, &merges, error) != FL_OK)
        return FL_FAILED;
    if (merges.n > FL_VOCABULARY_MAX)
        return fl_fail(error, "%s: tokenizer.ggml.merges: expected at most %d", path,
                       FL_VOCABULARY_MAX);
    for (int i = 0; fl_gguf_next_string(&merges, &merge); i++)
        if (fl_tokenizer_add_merge(tokenizer, merge.data, merge.length, error) != FL_OK) {
            struct fl_error cause = *error;
            return fl_fail(error, "%s: tokenizer.ggml.merges: merge %d: %.300s", path, i,
                           cause.text);
        }
    return FL_OK;
}

int fl_tokenizer_read_gguf(struct fl_tokenizer *tokenizer, const char *path, struct fl_error *error)
{
    struct fl_gguf *gguf = NULL;
    struct piece_arrays arrays;
    if (fl_gguf_open(&gguf, path, error) != FL_OK)
        return FL_FAILED;
    int status = open_model(tokenizer, gguf, path, error);
    const bool by_score = !tokenizer->byte_level;
    tokenizer->kind = by_score ? "bpe" : "byte-level bpe";
    tokenizer->add_bos = by_score;
    tokenizer->add_space = by_score;
    if (status == FL_OK)
        status = open_arrays(&arrays, gguf, by_score, path, error);
    if (status == FL_OK)
        status = read_pieces(tokenizer, &arrays, path, error);
    if (status == FL_OK)
        status = read_special_ids(tokenizer, gguf, error);
    if (status == FL_OK)
        status = fl_vocabulary_finish(&tokenizer->vocabulary, path, error);
    if (status == FL_OK && !by_score)
        status = read_merges(tokenizer, gguf, path, error);
    fl_gguf_close(gguf);
    return status;
}
