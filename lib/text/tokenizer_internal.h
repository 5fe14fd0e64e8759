/* tokenizer_internal.h - what the tokenizer's own files share. */
#ifndef FL_TEXT_TOKENIZER_INTERNAL_H
#define FL_TEXT_TOKENIZER_INTERNAL_H

#include "text/byte_level.h"
#include "text/merges.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

struct fl_tokenizer {
    const char *kind;
    struct fl_vocabulary vocabulary;  /* empty for bytes */
    struct fl_byte_level *byte_level; /* NULL: characters, merged by score */
    struct fl_merges merges;          /* at byte level */
    int n_ids;
    int bos, eos, unknown, pad; /* -1: none */
    bool add_bos, add_eos;      /* the file wants the beginning, the end marked */
    bool add_space;             /* a stretch of text begins with a space, which decoding drops */
    bool frozen_unknown;        /* see fl_bpe_encode() */
    bool all_ids; /* the format has no gaps: every id of the model must have a piece */
};

/* llama2.c's tokenizer.bin: int32 longest piece, then float32 score, int32 length and the bytes of
 * each. Ids 0, 1, 2 are unknown, begin and end. */
int fl_tokenizer_read_llama2c(struct fl_tokenizer *tokenizer, const char *path,
                              struct fl_error *error);

/* A GGUF file with tokenizer.ggml.model = "llama" (by score) or "gpt2" (byte level). Both readers
 * finish the vocabulary. */
int fl_tokenizer_read_gguf(struct fl_tokenizer *tokenizer, const char *path,
                           struct fl_error *error);

/* vocab.json, with merges.txt beside it; or encoder.json, with vocab.bpe. */
bool fl_tokenizer_is_hf(const char *path);
int fl_tokenizer_read_hf(struct fl_tokenizer *tokenizer, const char *path, struct fl_error *error);

/* Adds the merge "left right", tokens as byte level writes them, behind those before it. error says
 * what was expected, without the name of the file. */
int fl_tokenizer_add_merge(struct fl_tokenizer *tokenizer, const char *merge, size_t length,
                           struct fl_error *error);

/* The file that belongs to a model: path of at least 4096 bytes; empty: bytes. */
int fl_tokenizer_find(char *path, size_t size, const char *model_spec, struct fl_error *error);

#endif
