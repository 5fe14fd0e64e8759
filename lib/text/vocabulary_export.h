/* vocabulary_export.h - a tokenizer as GGUF files write it down: a read-only view for whoever
 * stores one (tokenizer.ggml.*).
 *
 *     struct fl_tokenizer_view view;
 *     struct fl_token_view token;
 *     if (fl_tokenizer_view(&view, tokenizer, error) != FL_OK)
 *         return FL_FAILED;
 *     for (int id = 0; id < view.n_tokens; id++) {
 *         fl_tokenizer_view_token(&token, &view, id);
 *         use(token.text, token.length, token.score, token.type);
 *     }
 *     for (int rank = 0; rank < view.n_merges; rank++) {
 *         fl_tokenizer_view_merge(&merge, &view, rank);
 *         use(merge.text, merge.length);
 *     }
 *
 * Everything it points to belongs to the tokenizer and lives as long as that. */
#ifndef FL_TEXT_VOCABULARY_EXPORT_H
#define FL_TEXT_VOCABULARY_EXPORT_H

#include "text/tokenizer.h"
#include "text/vocabulary.h"

struct fl_tokenizer_view {
    const struct fl_tokenizer *tokenizer;
    const char *model;             /* tokenizer.ggml.model: "llama", "gpt2" or "t5" */
    const char *pre;               /* tokenizer.ggml.pre: "gpt-2", "llama-bpe", ...; "default" where
                                      there are no words */
    int n_tokens, n_merges;        /* merges: of gpt2 only */
    bool has_scores;               /* not at byte level */
    int bos, eos, unknown, pad;    /* ids, or -1 */
    bool add_bos, add_eos;         /* tokenizer.ggml.add_bos_token, add_eos_token */
    bool add_space_prefix;         /* of llama and t5 */
    bool remove_extra_spaces;      /* tokenizer.ggml.remove_extra_whitespaces, of t5 */
    const unsigned char *charsmap; /* tokenizer.ggml.precompiled_charsmap, of t5; or NULL */
    size_t charsmap_size;
    const char *chat_template; /* tokenizer.chat_template, or NULL */
};

/* A token in GGUF's spelling: a space is U+2581 in llama and t5, bytes are printable characters in
 * gpt2. Not NUL-terminated. */
struct fl_token_view {
    char text[FL_WRITTEN_MAX];
    size_t length;
    float score;
    enum fl_piece_type type;
};

/* "left right" in the same spelling. */
struct fl_merge_view {
    char text[4 * FL_PIECE_BYTES_MAX + 1];
    size_t length;
};

/* Refuses by a sentence what GGUF has no way to say, such as bytes as ids. */
int fl_tokenizer_view(struct fl_tokenizer_view *view, const struct fl_tokenizer *tokenizer,
                      struct fl_error *error);
void fl_tokenizer_view_token(struct fl_token_view *token, const struct fl_tokenizer_view *view,
                             int id);
void fl_tokenizer_view_merge(struct fl_merge_view *merge, const struct fl_tokenizer_view *view,
                             int rank);

#endif
