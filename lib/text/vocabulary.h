/* vocabulary.h - the pieces of a vocabulary, found by id or by text. */
#ifndef FL_TEXT_VOCABULARY_H
#define FL_TEXT_VOCABULARY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* GGUF's numbers (tokenizer.ggml.token_type). */
enum fl_piece_type {
    FL_PIECE_NORMAL = 1,
    FL_PIECE_UNKNOWN = 2,
    FL_PIECE_CONTROL = 3,      /* begin, end: no text of their own */
    FL_PIECE_USER_DEFINED = 4, /* matched whole before anything is merged, never merged */
    FL_PIECE_UNUSED = 5,
    FL_PIECE_BYTE = 6 /* "<0x41>": one byte */
};

/* Longest piece accepted; what real vocabularies hold stays below half of it. Files may write each
 * of its bytes as up to three: a space as U+2581. */
enum {
    FL_PIECE_BYTES_MAX = 256,
    FL_WRITTEN_MAX = 3 * FL_PIECE_BYTES_MAX,
    FL_VOCABULARY_MAX = 1 << 24
};
#define FL_WRITTEN_SPACE "\xe2\x96\x81"

struct fl_piece_entry {
    size_t offset; /* into text */
    uint16_t length;
    uint8_t type;
    uint8_t byte; /* of FL_PIECE_BYTE */
    float score;  /* merges with higher scores come first */
};

struct fl_vocabulary {
    struct fl_piece_entry *pieces;
    int n_pieces, capacity;
    char *text;
    size_t text_used, text_capacity;
    int *slots; /* open addressing: id + 1, or 0 */
    size_t n_slots;
    int byte_ids[256]; /* -1: no such piece */
};

/* "<0x41>" is byte 0x41; -1 for anything else. */
int fl_vocabulary_byte(const char *text, size_t length);

/* Appends a piece; source and its id name it in a refusal. */
int fl_vocabulary_add(struct fl_vocabulary *vocabulary, const char *text, size_t length,
                      float score, int type, const char *source, struct fl_error *error);

/* Call once after the last piece: builds the look-ups. Of equal texts the lowest id is found. */
int fl_vocabulary_finish(struct fl_vocabulary *vocabulary, const char *source,
                         struct fl_error *error);
void fl_vocabulary_close(struct fl_vocabulary *vocabulary);

/* -1 when there is no such normal or user-defined piece: merging never gives the other types. */
int fl_vocabulary_find(const struct fl_vocabulary *vocabulary, const char *text, size_t length);

const char *fl_vocabulary_text(const struct fl_vocabulary *vocabulary, int id, size_t *length);

#endif
