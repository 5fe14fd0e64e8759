#include "text/vocabulary_export.h"

#include "text/tokenizer_internal.h"

#include <string.h>

static bool contains(const int *ids, int n, int id)
{
    for (int i = 0; i < n; i++)
        if (ids[i] == id)
            return id >= 0;
    return false;
}

/* What GGUF's names cannot say. */
static int check(const struct fl_tokenizer *tokenizer, struct fl_error *error)
{
    if (tokenizer->model == FL_TEXT_BYTES)
        return fl_fail(error, "tokenizer: bytes as ids: expected a vocabulary, which GGUF needs");
    if (tokenizer->byte_level ? !tokenizer->pre : !tokenizer->has_spaces)
        return fl_fail(error,
                       "tokenizer: the way it cuts words has no name in GGUF: expected %s, or a "
                       "vocabulary that writes spaces as U+2581",
                       fl_byte_pattern_names());
    return FL_OK;
}

int fl_tokenizer_view(struct fl_tokenizer_view *view, const struct fl_tokenizer *tokenizer,
                      struct fl_error *error)
{
    const bool is_unigram = tokenizer->model == FL_TEXT_UNIGRAM;
    const struct fl_charsmap *charsmap = &tokenizer->normalizer.charsmap;
    *view = (struct fl_tokenizer_view){
        .tokenizer = tokenizer,
        .model = tokenizer->byte_level ? "gpt2"
                 : is_unigram          ? "t5"
                                       : "llama",
        .pre = tokenizer->byte_level ? tokenizer->pre : "default",
        .n_tokens = tokenizer->vocabulary.n_pieces,
        .n_merges = tokenizer->byte_level ? tokenizer->merges.n : 0,
        .has_scores = !tokenizer->byte_level,
        .bos = tokenizer->bos,
        .eos = tokenizer->eos,
        .unknown = tokenizer->unknown,
        .pad = tokenizer->pad,
        .add_bos = contains(tokenizer->before, tokenizer->n_before, tokenizer->bos),
        .add_eos = contains(tokenizer->behind, tokenizer->n_behind, tokenizer->eos),
        .add_space_prefix = tokenizer->space != FL_SPACE_NONE,
        .remove_extra_spaces = fl_normalizer_has(&tokenizer->normalizer, FL_NORMAL_COLLAPSE),
        .charsmap = is_unigram ? charsmap->bytes : NULL,
        .charsmap_size = is_unigram ? charsmap->size : 0,
        .chat_template = tokenizer->chat_template,
    };
    return check(tokenizer, error);
}

/* Spaces as U+2581. */
static size_t escape(const char *text, size_t length, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != ' ') {
            out[used++] = text[i];
            continue;
        }
        memcpy(out + used, FL_WRITTEN_SPACE, 3);
        used += 3;
    }
    return used;
}

static size_t spell(const struct fl_tokenizer_view *view, int id, char *out)
{
    size_t length;
    const struct fl_vocabulary *vocabulary = &view->tokenizer->vocabulary;
    const char *text = fl_vocabulary_text(vocabulary, id, &length);
    if (!view->tokenizer->byte_level)
        return escape(text, length, out);
    if (vocabulary->pieces[id].type == FL_PIECE_NORMAL)
        return fl_byte_level_spell(text, length, out);
    memcpy(out, text, length);
    return length;
}

void fl_tokenizer_view_token(struct fl_token_view *token, const struct fl_tokenizer_view *view,
                             int id)
{
    const struct fl_piece_entry *piece = &view->tokenizer->vocabulary.pieces[id];
    token->length = spell(view, id, token->text);
    token->score = piece->score;
    token->type = (enum fl_piece_type)piece->type;
}

void fl_tokenizer_view_merge(struct fl_merge_view *merge, const struct fl_tokenizer_view *view,
                             int rank)
{
    const struct fl_merge *pair = &view->tokenizer->merges.list[rank];
    merge->length = spell(view, pair->left, merge->text);
    merge->text[merge->length++] = ' ';
    merge->length += spell(view, pair->right, merge->text + merge->length);
}
