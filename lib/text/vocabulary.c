#include "text/vocabulary.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int out_of_memory(const char *source, struct fl_error *error)
{
    return fl_fail(error, "%s: not enough memory for the vocabulary", source);
}

int fl_vocabulary_byte(const char *text, size_t length)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    if (length != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>')
        return -1;
    const char *high = memchr(DIGITS, text[3], 16), *low = memchr(DIGITS, text[4], 16);
    return high && low ? (int)(high - DIGITS) * 16 + (int)(low - DIGITS) : -1;
}

static bool reserve(struct fl_vocabulary *vocabulary, size_t length)
{
    if (vocabulary->n_pieces == vocabulary->capacity) {
        int capacity = vocabulary->capacity ? vocabulary->capacity * 2 : 1024;
        void *pieces = realloc(vocabulary->pieces, (size_t)capacity * sizeof *vocabulary->pieces);
        if (!pieces)
            return false;
        vocabulary->pieces = pieces;
        vocabulary->capacity = capacity;
    }
    if (vocabulary->text_capacity - vocabulary->text_used < length) {
        size_t capacity = vocabulary->text_capacity * 2 + FL_PIECE_BYTES_MAX;
        char *text = realloc(vocabulary->text, capacity);
        if (!text)
            return false;
        vocabulary->text = text;
        vocabulary->text_capacity = capacity;
    }
    return true;
}

int fl_vocabulary_add(struct fl_vocabulary *vocabulary, const char *text, size_t length,
                      float score, int type, const char *source, struct fl_error *error)
{
    int id = vocabulary->n_pieces;
    if (id == FL_VOCABULARY_MAX)
        return fl_fail(error, "%s: expected at most %d tokens", source, FL_VOCABULARY_MAX);
    if (length == 0 || length > FL_PIECE_BYTES_MAX)
        return fl_fail(error, "%s: token %d: expected 1 to %d bytes, not %zu", source, id,
                       FL_PIECE_BYTES_MAX, length);
    if (type < FL_PIECE_NORMAL || type > FL_PIECE_BYTE)
        return fl_fail(error, "%s: token %d: expected a type from 1 to 6, not %d", source, id,
                       type);
    if (!isfinite(score))
        return fl_fail(error, "%s: token %d: expected a finite number as its score", source, id);
    int byte = fl_vocabulary_byte(text, length);
    if (type == FL_PIECE_BYTE && byte < 0)
        return fl_fail(error, "%s: token %d: expected a byte token to be written <0xHH>", source,
                       id);
    if (!reserve(vocabulary, length))
        return out_of_memory(source, error);
    vocabulary->pieces[vocabulary->n_pieces++] = (struct fl_piece_entry){
        .offset = vocabulary->text_used,
        .length = (uint16_t)length,
        .type = (uint8_t)type,
        .byte = (uint8_t)(byte < 0 ? 0 : byte),
        .score = score,
    };
    memcpy(vocabulary->text + vocabulary->text_used, text, length);
    vocabulary->text_used += length;
    return FL_OK;
}

static uint64_t hash(const char *text, size_t length)
{
    uint64_t value = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        value = (value ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return value ^ value >> 32;
}

const char *fl_vocabulary_text(const struct fl_vocabulary *vocabulary, int id, size_t *length)
{
    *length = vocabulary->pieces[id].length;
    return vocabulary->text + vocabulary->pieces[id].offset;
}

/* The slot that holds the text, or the free one where it would go. */
static size_t find_slot(const struct fl_vocabulary *vocabulary, const char *text, size_t length)
{
    size_t slot = hash(text, length) & (vocabulary->n_slots - 1);
    for (; vocabulary->slots[slot]; slot = (slot + 1) & (vocabulary->n_slots - 1)) {
        size_t n;
        const char *held = fl_vocabulary_text(vocabulary, vocabulary->slots[slot] - 1, &n);
        if (n == length && memcmp(held, text, n) == 0)
            break;
    }
    return slot;
}

int fl_vocabulary_finish(struct fl_vocabulary *vocabulary, const char *source,
                         struct fl_error *error)
{
    vocabulary->n_slots = 16;
    while (vocabulary->n_slots < 2 * (size_t)vocabulary->n_pieces)
        vocabulary->n_slots *= 2;
    vocabulary->slots = calloc(vocabulary->n_slots, sizeof *vocabulary->slots);
    if (!vocabulary->slots)
        return out_of_memory(source, error);
    for (int byte = 0; byte < 256; byte++)
        vocabulary->byte_ids[byte] = -1;
    for (int id = 0; id < vocabulary->n_pieces; id++) {
        const struct fl_piece_entry *piece = &vocabulary->pieces[id];
        if (piece->type == FL_PIECE_BYTE && vocabulary->byte_ids[piece->byte] < 0)
            vocabulary->byte_ids[piece->byte] = id;
        if (piece->type != FL_PIECE_NORMAL && piece->type != FL_PIECE_USER_DEFINED)
            continue;
        size_t slot = find_slot(vocabulary, vocabulary->text + piece->offset, piece->length);
        if (!vocabulary->slots[slot])
            vocabulary->slots[slot] = id + 1;
    }
    return FL_OK;
}

void fl_vocabulary_close(struct fl_vocabulary *vocabulary)
{
    free(vocabulary->pieces);
    free(vocabulary->text);
    free(vocabulary->slots);
    *vocabulary = (struct fl_vocabulary){0};
}

int fl_vocabulary_find(const struct fl_vocabulary *vocabulary, const char *text, size_t length)
{
    if (length == 0 || length > FL_PIECE_BYTES_MAX)
        return -1;
    return vocabulary->slots[find_slot(vocabulary, text, length)] - 1;
}
