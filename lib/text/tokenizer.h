/* tokenizer.h - text to token ids and back.
 *
 * Kinds: BPE, merged by score (SentencePiece-style) or in the order of a list (byte level, and
 * files of Hugging Face's), unigram, and bytes (id = byte value). docs/tokenizers.md says which
 * files are read, and what in them is refused. */
#ifndef FL_TEXT_TOKENIZER_H
#define FL_TEXT_TOKENIZER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct fl_tokenizer; /* opaque */

/* Which file holds it is found from the model's spec (see fl_model_open): the GGUF itself, a
 * tok*.bin or tokenizer.bin beside a .bin model, tokenizer.json, vocab.json or a sentencepiece
 * model in a model's folder, or bytes for presets and when `path` is "bytes". path may be NULL;
 * when not, it names the tokenizer file. vocab_size is the model's, INT_MAX when there is no model;
 * a tokenizer with more tokens than that is refused, and a tokenizer.bin with fewer. */
int fl_tokenizer_open(struct fl_tokenizer **tokenizer, const char *model_spec, const char *path,
                      int vocab_size, struct fl_error *error);
void fl_tokenizer_close(struct fl_tokenizer *tokenizer);

int fl_tokenizer_vocab_size(const struct fl_tokenizer *tokenizer);
int fl_tokenizer_bos(const struct fl_tokenizer *tokenizer); /* -1: none */
int fl_tokenizer_eos(const struct fl_tokenizer *tokenizer); /* -1: none */
bool fl_tokenizer_ends(const struct fl_tokenizer *tokenizer,
                       int id); /* eos, or the end of a turn */

/* The chat template that came with it (Jinja), or NULL: see text/chat.h. */
const char *fl_tokenizer_chat_template(const struct fl_tokenizer *tokenizer);

const char *fl_tokenizer_kind(const struct fl_tokenizer *tokenizer); /* "bytes", "bpe", ... */

/* ids: malloc'd array the caller frees. add_special puts the ids for the beginning and
 * the end around it that the tokenizer's file asks for. Any byte string is accepted; what the
 * vocabulary cannot express becomes byte tokens, or the unknown id where there are none (refused
 * when there is no such id either). With byte tokens, decoding gives the same bytes back. */
int fl_tokenizer_encode(const struct fl_tokenizer *tokenizer, const char *text, size_t length,
                        bool add_special, int **ids, size_t *n_ids, struct fl_error *error);

/* As fl_tokenizer_encode(). parse_special: tokens such as <|im_end|> or </s> that occur in the text
 * are what they mark, not text. Without it only those are found whole that are text themselves
 * (user-defined, or added without being special). */
int fl_tokenizer_encode_special(const struct fl_tokenizer *tokenizer, const char *text,
                                size_t length, bool add_special, bool parse_special, int **ids,
                                size_t *n_ids, struct fl_error *error);

/* text: malloc'd, NUL-terminated. */
int fl_tokenizer_decode(const struct fl_tokenizer *tokenizer, const int *ids, size_t n_ids,
                        char **text, size_t *length, struct fl_error *error);

/* The piece as the vocabulary writes it ("<s>", " the", "<0x41>"): for showing, not for text.
 * malloc'd. */
int fl_tokenizer_piece(const struct fl_tokenizer *tokenizer, int id, char **piece, size_t *length,
                       struct fl_error *error);

/* Streaming: feeds one id, returns bytes that are complete UTF-8 characters so far (the rest is
 * held back until it completes; fl_stream_flush gives what is left). The returned pointer is valid
 * until the next call. */
struct fl_stream {
    const struct fl_tokenizer *tokenizer;
    bool at_start;     /* of a stretch of text: SentencePiece's leading space is dropped */
    char pending[512]; /* bytes not yet complete */
    size_t n_pending;
    char ready[512];
};
void fl_stream_start(struct fl_stream *stream, const struct fl_tokenizer *tokenizer);
const char *fl_stream_push(struct fl_stream *stream, int id, size_t *length);
const char *fl_stream_flush(struct fl_stream *stream, size_t *length);

#endif
