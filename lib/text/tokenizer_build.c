/* tokenizer_build.c - what the readers of all formats have in common. */
#include "text/tokenizer_internal.h"

#include <string.h>

/* Kept as a space, so that a text's own U+2581, which then is no piece, goes through byte pieces
 * and comes back as it was. */
size_t fl_tokenizer_unescape(const char *text, size_t length, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < length; used++) {
        const bool is_space = length - i >= 3 && memcmp(text + i, FL_WRITTEN_SPACE, 3) == 0;
        out[used] = is_space ? ' ' : text[i];
        i += is_space ? 3 : 1;
    }
    return used;
}

/* ---- merges ---- */

/* The text of a token as merges write it; -1: it is none. out has room for `length`. */
static long spelled(const struct fl_tokenizer *tokenizer, const char *text, size_t length,
                    char *out)
{
    if (tokenizer->byte_level)
        return fl_byte_level_bytes(text, length, out);
    if (tokenizer->has_spaces)
        return (long)fl_tokenizer_unescape(text, length, out);
    memcpy(out, text, length);
    return (long)length;
}

int fl_tokenizer_add_pair(struct fl_tokenizer *tokenizer, const char *left, size_t left_length,
                          const char *right, size_t right_length, struct fl_error *error)
{
    const struct fl_vocabulary *vocabulary = &tokenizer->vocabulary;
    char text[2 * FL_WRITTEN_MAX];
    long n = -1, m = -1;
    if (left_length <= FL_WRITTEN_MAX && right_length <= FL_WRITTEN_MAX) {
        n = spelled(tokenizer, left, left_length, text);
        m = n > 0 ? spelled(tokenizer, right, right_length, text + n) : -1;
    }
    if (m < 1)
        return fl_fail(error, "expected two tokens and a blank between them");
    const int a = fl_vocabulary_find(vocabulary, text, (size_t)n);
    const int b = fl_vocabulary_find(vocabulary, text + n, (size_t)m);
    const int merged = fl_vocabulary_find(vocabulary, text, (size_t)(n + m));
    if (a < 0 || b < 0 || merged < 0)
        return fl_fail(error, "expected tokens of the vocabulary that become one");
    if (!fl_merges_add(&tokenizer->merges, a, b, merged))
        return fl_fail(error, "not enough memory");
    return FL_OK;
}

int fl_tokenizer_add_merge(struct fl_tokenizer *tokenizer, const char *merge, size_t length,
                           struct fl_error *error)
{
    const char *blank = length > 1 ? memchr(merge + 1, ' ', length - 1) : NULL;
    const size_t n = blank ? (size_t)(blank - merge) : 0;
    return fl_tokenizer_add_pair(tokenizer, merge, n, blank ? blank + 1 : merge,
                                 blank ? length - n - 1 : 0, error);
}

/* ---- steps ---- */

int fl_tokenizer_use_pattern(struct fl_tokenizer *tokenizer, const char *name, size_t length,
                             const char *source, struct fl_error *error)
{
    const struct fl_byte_pattern *found = fl_byte_pattern_find(name, length);
    if (!found)
        return fl_fail(error,
                       "%s: pre-tokenizer %.*s: expected %s; give --tokenizer bytes, or token ids",
                       source, length < 40 ? (int)length : 40, name, fl_byte_pattern_names());
    tokenizer->byte_level = true;
    tokenizer->pre = found->name;
    tokenizer->whole_words = found->whole_words;
    for (int i = 0; i < 3 && found->patterns[i]; i++) {
        struct fl_splitter_step step = {.split = FL_SPLIT_ISOLATED};
        if (fl_pattern_open(&step.pattern, found->patterns[i], strlen(found->patterns[i]), source,
                            error) != FL_OK ||
            fl_splitter_add(&tokenizer->splitter, step, source, error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static int add_texts(struct fl_tokenizer *tokenizer, enum fl_normal_kind kind, const char *text,
                     const char *content, const char *source, struct fl_error *error)
{
    struct fl_normal_step step = {.kind = kind};
    if (!fl_normal_step_texts(&step, text, strlen(text), content, strlen(content))) {
        fl_normal_step_close(&step);
        return fl_fail(error, "%s: not enough memory for the normalizer", source);
    }
    return fl_normalizer_add(&tokenizer->normalizer, step, source, error);
}

int fl_tokenizer_use_written_space(struct fl_tokenizer *tokenizer, const char *source,
                                   struct fl_error *error)
{
    bool has_bytes[256] = {false};
    for (int id = 0; id < tokenizer->vocabulary.n_pieces; id++)
        if (tokenizer->vocabulary.pieces[id].type == FL_PIECE_BYTE)
            has_bytes[tokenizer->vocabulary.pieces[id].byte] = true;
    for (const char *byte = FL_WRITTEN_SPACE; *byte; byte++)
        if (!has_bytes[(unsigned char)*byte])
            return add_texts(tokenizer, FL_NORMAL_REPLACE, FL_WRITTEN_SPACE, " ", source, error);
    return FL_OK;
}

int fl_tokenizer_use_space(struct fl_tokenizer *tokenizer, enum fl_space space, const char *source,
                           struct fl_error *error)
{
    tokenizer->space = space;
    if (space == FL_SPACE_NONE)
        return FL_OK;
    return add_texts(tokenizer,
                     space == FL_SPACE_EACH ? FL_NORMAL_PREPEND : FL_NORMAL_PREPEND_FIRST, " ", "",
                     source, error);
}

int fl_tokenizer_use_charsmap(struct fl_tokenizer *tokenizer, const unsigned char *bytes,
                              size_t size, const char *where, struct fl_error *error)
{
    struct fl_normalizer *normalizer = &tokenizer->normalizer;
    if (normalizer->charsmap.units)
        return fl_fail(error, "%s: expected one table of replacements", where);
    if (fl_charsmap_open(&normalizer->charsmap, bytes, size, where, error) != FL_OK)
        return FL_FAILED;
    return fl_normalizer_add(normalizer, (struct fl_normal_step){.kind = FL_NORMAL_CHARSMAP}, where,
                             error);
}

/* ---- ids ---- */

void fl_tokenizer_use_ends(struct fl_tokenizer *tokenizer, bool add_bos, bool add_eos)
{
    tokenizer->n_before = tokenizer->n_behind = 0;
    if (add_bos && tokenizer->bos >= 0)
        tokenizer->before[tokenizer->n_before++] = tokenizer->bos;
    if (add_eos && tokenizer->eos >= 0)
        tokenizer->behind[tokenizer->n_behind++] = tokenizer->eos;
}

void fl_tokenizer_add_end(struct fl_tokenizer *tokenizer, int id)
{
    if (id >= 0 && tokenizer->n_ends < FL_ENDS_MAX)
        tokenizer->ends[tokenizer->n_ends++] = id;
}

/* Tokens that end a turn or a text in the families that have them. */
static bool is_end(const char *text, size_t length)
{
    static const char *const ENDS[] = {"<|eot_id|>",      "<|eom_id|>",           "<|im_end|>",
                                       "<|end|>",         "<end_of_turn>",        "<|endoftext|>",
                                       "<|end_of_text|>", "<|END_OF_TURN_TOKEN|>"};
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++)
        if (strlen(ENDS[i]) == length && memcmp(text, ENDS[i], length) == 0)
            return true;
    return false;
}

/* Types decide which tokens are found in a text as a whole; formats that say more have added theirs
 * already, and the first stays. */
static bool add_added(struct fl_tokenizer *tokenizer)
{
    const struct fl_vocabulary *vocabulary = &tokenizer->vocabulary;
    for (int id = 0; id < vocabulary->n_pieces; id++) {
        const int type = vocabulary->pieces[id].type;
        size_t length;
        const char *text = fl_vocabulary_text(vocabulary, id, &length);
        const bool special = type == FL_PIECE_CONTROL || type == FL_PIECE_UNKNOWN;
        if (!special && type != FL_PIECE_USER_DEFINED)
            continue;
        if (is_end(text, length))
            fl_tokenizer_add_end(tokenizer, id);
        if (!tokenizer->all_added &&
            !fl_added_tokens_add(&tokenizer->added,
                                 (struct fl_added_token){.id = id, .special = special}, text,
                                 length))
            return false;
    }
    return true;
}

int fl_tokenizer_finish(struct fl_tokenizer *tokenizer, const char *source, struct fl_error *error)
{
    if (fl_vocabulary_finish(&tokenizer->vocabulary, source, error) != FL_OK)
        return FL_FAILED;
    tokenizer->n_ids = tokenizer->vocabulary.n_pieces;
    if (!add_added(tokenizer))
        return fl_fail(error, "%s: not enough memory for the added tokens", source);
    if (tokenizer->model != FL_TEXT_UNIGRAM)
        return FL_OK;
    tokenizer->unigram.unknown = (struct fl_unknown){tokenizer->unknown, tokenizer->fuse_unknown};
    tokenizer->unigram.single_precision = tokenizer->single_precision;
    return fl_unigram_open(&tokenizer->unigram, &tokenizer->vocabulary)
               ? FL_OK
               : fl_fail(error, "%s: not enough memory for the pieces", source);
}
