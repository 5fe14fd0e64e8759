#include "text/vocabulary_export.h"

#include "text/tokenizer_internal.h"

#include <string.h>

int fl_tokenizer_view(struct fl_tokenizer_view *view, const struct fl_tokenizer *tokenizer,
                      struct fl_error *error)
{
    const bool at_byte_level = tokenizer->byte_level != NULL;
    *view = (struct fl_tokenizer_view){
        .tokenizer = tokenizer,
        .model = at_byte_level ? "gpt2" : "llama",
        .pre = at_byte_level ? fl_byte_level_name(tokenizer->byte_level) : "default",
        .n_tokens = tokenizer->vocabulary.n_pieces,
        .n_merges = tokenizer->merges.n,
        .has_scores = !at_byte_level,
        .bos = tokenizer->bos,
        .eos = tokenizer->eos,
        .unknown = tokenizer->unknown,
        .pad = tokenizer->pad,
        .add_bos = tokenizer->add_bos,
        .add_eos = tokenizer->add_eos,
        .add_space_prefix = tokenizer->add_space,
    };
    if (view->n_tokens == 0)
        return fl_fail(error, "tokenizer: bytes as ids: expected a vocabulary, which GGUF needs");
    return FL_OK;
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
        memcpy(out + used, "\xe2\x96\x81", 3);
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
