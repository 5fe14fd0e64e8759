/* byte_level.h - byte-level byte-pair encoding as GPT-2, Llama 3 and Qwen2 use it: a pattern cuts
 * the text into words, and within a word bytes are merged pair by pair in the order in which
 * training found them.
 *
 * Source: Radford et al., 2019, and encoder.py of github.com/openai/gpt-2 (MIT), from where the
 * pattern "gpt-2" and the way to write bytes as printable characters are; "llama-bpe" and "qwen2"
 * are those of the models' tokenizer.json. */
#ifndef FL_TEXT_BYTE_LEVEL_H
#define FL_TEXT_BYTE_LEVEL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct fl_byte_level; /* opaque: the pattern */

/* pattern: a name as tokenizer.ggml.pre gives it, "gpt-2", "llama-bpe", "qwen2". */
int fl_byte_level_open(struct fl_byte_level **byte_level, const char *pattern, size_t length,
                       const char *source, struct fl_error *error);
void fl_byte_level_close(struct fl_byte_level *byte_level); /* NULL: nothing */

const char *fl_byte_level_name(const struct fl_byte_level *byte_level);

/* A word that is a token as a whole is not taken apart (Llama 3). */
bool fl_byte_level_whole_words(const struct fl_byte_level *byte_level);

/* The bytes that a token as files write it stands for: each byte is one printable character. out
 * has room for `length` bytes. -1: a character that stands for no byte. */
long fl_byte_level_bytes(const char *token, size_t length, char *out);

/* The other way round: bytes as printable characters. out has room for 2 * length. */
size_t fl_byte_level_spell(const char *bytes, size_t length, char *out);

/* The words of a text, one after the other. Any bytes are accepted: those that are no UTF-8 are
 * words of one byte. */
struct fl_words {
    const struct fl_byte_level *byte_level;
    const char *text;
    size_t length, at, run_end; /* of the stretch of valid UTF-8 that `at` is in */
    void *match;
};
bool fl_words_open(struct fl_words *words, const struct fl_byte_level *byte_level, const char *text,
                   size_t length);
const char *fl_words_next(struct fl_words *words, size_t *length); /* NULL: no more */
void fl_words_close(struct fl_words *words);

#endif
