/* tokenizer_gguf.c - the vocabularies that GGUF files hold (tokenizer.ggml.*). */
#include "model/gguf.h"
#include "text/tokenizer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The text of a piece; -1: it is no token of its kind. Longer ones than FL_PIECE_BYTES_MAX are
 * refused by their length. Byte level: characters that stand for bytes; pieces that are no
 * text of the model's own, such as <|endoftext|>, are as they are written. */
static long piece_text(const struct fl_tokenizer *tokenizer, const struct fl_gguf_string *token,
                       int64_t type, char out[FL_WRITTEN_MAX])
{
    if (token->length > FL_WRITTEN_MAX)
        return (long)token->length;
    if (!tokenizer->byte_level)
        return (long)fl_tokenizer_unescape(token->data, token->length, out);
    if (type == FL_PIECE_NORMAL)
        return fl_byte_level_bytes(token->data, token->length, out);
    memcpy(out, token->data, token->length);
    return (long)token->length;
}

static int read_pieces(struct fl_tokenizer *tokenizer, struct piece_arrays *arrays,
                       const char *path, struct fl_error *error)
{
    struct fl_gguf_string token;
    char text[FL_WRITTEN_MAX];
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

/* A whole number and a truth value of the file, where it has them. */
static int read_id(int *id, const struct fl_gguf *gguf, const char *key, int n,
                   struct fl_error *error)
{
    int64_t value;
    if (!fl_gguf_has(gguf, key))
        return FL_OK;
    if (fl_gguf_get_int(gguf, key, 0, n - 1, &value, error) != FL_OK)
        return FL_FAILED;
    *id = (int)value;
    return FL_OK;
}

static int read_flag(bool *flag, const struct fl_gguf *gguf, const char *key,
                     struct fl_error *error)
{
    return fl_gguf_has(gguf, key) ? fl_gguf_get_bool(gguf, key, flag, error) : FL_OK;
}

static int read_special_ids(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf,
                            struct fl_error *error)
{
    int eot = -1, eom = -1;
    const struct {
        const char *key;
        int *id;
    } table[] = {
        {"tokenizer.ggml.bos_token_id", &tokenizer->bos},
        {"tokenizer.ggml.eos_token_id", &tokenizer->eos},
        {"tokenizer.ggml.unknown_token_id", &tokenizer->unknown},
        {"tokenizer.ggml.padding_token_id", &tokenizer->pad},
        {"tokenizer.ggml.eot_token_id", &eot},
        {"tokenizer.ggml.eom_token_id", &eom},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (read_id(table[i].id, gguf, table[i].key, tokenizer->vocabulary.n_pieces, error) !=
            FL_OK)
            return FL_FAILED;
    fl_tokenizer_add_end(tokenizer, eot);
    fl_tokenizer_add_end(tokenizer, eom);
    return FL_OK;
}

/* What is done around a text, and in front of it; defaults are llama.cpp's. */
static int read_flags(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf, const char *path,
                      struct fl_error *error)
{
    const bool is_unigram = tokenizer->model == FL_TEXT_UNIGRAM;
    const struct fl_byte_pattern *pattern =
        tokenizer->byte_level ? fl_byte_pattern_find(tokenizer->pre, strlen(tokenizer->pre)) : NULL;
    bool add_bos = pattern ? pattern->add_bos : !is_unigram, add_eos = is_unigram;
    bool space = !tokenizer->byte_level, collapse = false;
    if (read_flag(&add_bos, gguf, "tokenizer.ggml.add_bos_token", error) != FL_OK ||
        read_flag(&add_eos, gguf, "tokenizer.ggml.add_eos_token", error) != FL_OK ||
        read_flag(&space, gguf, "tokenizer.ggml.add_space_prefix", error) != FL_OK ||
        read_flag(&collapse, gguf, "tokenizer.ggml.remove_extra_whitespaces", error) != FL_OK)
        return FL_FAILED;
    fl_tokenizer_use_ends(tokenizer, add_bos, add_eos);
    if (is_unigram && collapse &&
        fl_normalizer_add(&tokenizer->normalizer,
                          (struct fl_normal_step){.kind = FL_NORMAL_COLLAPSE}, path,
                          error) != FL_OK)
        return FL_FAILED;
    if (tokenizer->has_spaces && fl_tokenizer_use_written_space(tokenizer, path, error) != FL_OK)
        return FL_FAILED;
    const enum fl_space kind = !space ? FL_SPACE_NONE : is_unigram ? FL_SPACE_FIRST : FL_SPACE_EACH;
    return fl_tokenizer_use_space(tokenizer, kind, path, error);
}

/* tokenizer.ggml.precompiled_charsmap: an array of bytes. */
static int read_charsmap(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf,
                         const char *path, struct fl_error *error)
{
    enum { CHARSMAP_MAX = 1 << 26 };
    static const char KEY[] = "tokenizer.ggml.precompiled_charsmap";
    struct fl_gguf_array array;
    char where[300];
    if (!fl_gguf_has(gguf, KEY))
        return FL_OK;
    if (fl_gguf_get_array(gguf, KEY, FL_GGUF_INTS, &array, error) != FL_OK)
        return FL_FAILED;
    if (array.n == 0)
        return FL_OK;
    snprintf(where, sizeof where, "%.200s: %s", path, KEY);
    unsigned char *bytes = array.n <= CHARSMAP_MAX ? malloc((size_t)array.n) : NULL;
    if (!bytes)
        return fl_fail(error, "%s: expected at most %d bytes", where, CHARSMAP_MAX);
    int64_t value;
    for (size_t i = 0; i < array.n && fl_gguf_next_int(&array, &value); i++)
        bytes[i] = (unsigned char)value;
    const int status = fl_tokenizer_use_charsmap(tokenizer, bytes, (size_t)array.n, where, error);
    free(bytes);
    return status;
}

static int read_chat_template(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf,
                              struct fl_error *error)
{
    static const char KEY[] = "tokenizer.chat_template";
    struct fl_gguf_string text;
    if (!fl_gguf_has(gguf, KEY))
        return FL_OK;
    if (fl_gguf_get_string(gguf, KEY, &text, error) != FL_OK)
        return FL_FAILED;
    tokenizer->chat_template = strndup(text.data, text.length);
    return tokenizer->chat_template ? FL_OK : fl_fail(error, "%s: not enough memory", KEY);
}

static bool string_is(const struct fl_gguf_string *string, const char *text)
{
    return string->length == strlen(text) && memcmp(string->data, text, string->length) == 0;
}

static int open_byte_level(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf,
                           const char *path, struct fl_error *error)
{
    struct fl_gguf_string pre = {.data = "gpt-2", .length = 5};
    if (fl_gguf_has(gguf, "tokenizer.ggml.pre") &&
        fl_gguf_get_string(gguf, "tokenizer.ggml.pre", &pre, error) != FL_OK)
        return FL_FAILED;
    return fl_tokenizer_use_pattern(tokenizer, pre.data, pre.length, path, error);
}

static int open_model(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf, const char *path,
                      struct fl_error *error)
{
    static const struct {
        const char *name, *kind;
        enum fl_text_model model;
    } MODELS[] = {{"llama", "bpe", FL_TEXT_SCORES},
                  {"t5", "unigram", FL_TEXT_UNIGRAM},
                  {"gpt2", "byte-level bpe", FL_TEXT_MERGES}};
    struct fl_gguf_string model;
    if (!fl_gguf_has(gguf, "tokenizer.ggml.model"))
        return fl_fail(error,
                       "%s: it holds no tokenizer (tokenizer.ggml.model); give one with "
                       "--tokenizer, or token ids",
                       path);
    if (fl_gguf_get_string(gguf, "tokenizer.ggml.model", &model, error) != FL_OK)
        return FL_FAILED;
    for (size_t i = 0; i < sizeof MODELS / sizeof *MODELS; i++) {
        if (!string_is(&model, MODELS[i].name))
            continue;
        tokenizer->kind = MODELS[i].kind;
        tokenizer->model = MODELS[i].model;
        tokenizer->has_spaces = tokenizer->model != FL_TEXT_MERGES;
        tokenizer->fuse_unknown = true;
        tokenizer->single_precision = true;
        return tokenizer->has_spaces ? FL_OK : open_byte_level(tokenizer, gguf, path, error);
    }
    return fl_fail(error,
                   "%s: tokenizer.ggml.model: expected llama (SentencePiece-style BPE), t5 "
                   "(unigram) or gpt2 (byte-level BPE), not %.*s; give --tokenizer bytes, or token "
                   "ids",
                   path, model.length < 40 ? (int)model.length : 40, model.data);
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

/* From one key to the next, each needs what the ones before found. */
static int read_all(struct fl_tokenizer *tokenizer, const struct fl_gguf *gguf, const char *path,
                    struct fl_error *error)
{
    struct piece_arrays arrays;
    if (open_model(tokenizer, gguf, path, error) != FL_OK ||
        open_arrays(&arrays, gguf, !tokenizer->byte_level, path, error) != FL_OK ||
        read_pieces(tokenizer, &arrays, path, error) != FL_OK ||
        read_special_ids(tokenizer, gguf, error) != FL_OK ||
        read_charsmap(tokenizer, gguf, path, error) != FL_OK ||
        read_flags(tokenizer, gguf, path, error) != FL_OK ||
        read_chat_template(tokenizer, gguf, error) != FL_OK ||
        fl_tokenizer_finish(tokenizer, path, error) != FL_OK)
        return FL_FAILED;
    return tokenizer->byte_level ? read_merges(tokenizer, gguf, path, error) : FL_OK;
}

int fl_tokenizer_read_gguf(struct fl_tokenizer *tokenizer, const char *path, struct fl_error *error)
{
    struct fl_gguf *gguf = NULL;
    if (fl_gguf_open(&gguf, path, error) != FL_OK)
        return FL_FAILED;
    const int status = read_all(tokenizer, gguf, path, error);
    fl_gguf_close(gguf);
    return status;
}
