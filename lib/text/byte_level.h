/* byte_level.h - byte-level byte-pair encoding as GPT-2, Llama 3 and Qwen2 use it: a pattern cuts
 * the text into words, and files write each byte as one printable character.
 *
 * Source: Radford et al., 2019, and encoder.py of github.com/openai/gpt-2 (MIT), from where the
 * pattern "gpt-2" and the way to write bytes are; "llama-bpe" and "qwen2" are those of the models'
 * tokenizer.json. */
#ifndef FL_TEXT_BYTE_LEVEL_H
#define FL_TEXT_BYTE_LEVEL_H

#include <stdbool.h>
#include <stddef.h>

/* How words are cut, as tokenizer.ggml.pre names it. Every pattern finds each word whole, one after
 * the other, without gaps. */
struct fl_byte_pattern {
    const char *name;
    const char *patterns[3]; /* one after the other, each within the words of the one before */
    bool whole_words;        /* a word that is a token as a whole is not taken apart (Llama 3) */
    bool add_bos;            /* where the file does not say */
};

/* NULL: no such name. */
const struct fl_byte_pattern *fl_byte_pattern_find(const char *name, size_t length);

/* The first pattern of that text, alone. */
const struct fl_byte_pattern *fl_byte_pattern_of(const char *pattern);

/* "gpt-2, llama-bpe or qwen2" */
const char *fl_byte_pattern_names(void);

/* The bytes that a token as files write it stands for: each byte is one printable character. out
 * has room for `length` bytes. -1: a character that stands for no byte. */
long fl_byte_level_bytes(const char *token, size_t length, char *out);

/* The other way round: bytes as printable characters. out has room for 2 * length. */
size_t fl_byte_level_spell(const char *bytes, size_t length, char *out);

#endif
