/* tokenizer_internal.h - what the tokenizer's own files share. */
#ifndef FL_TEXT_TOKENIZER_INTERNAL_H
#define FL_TEXT_TOKENIZER_INTERNAL_H

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/normalizer.h"
#include "text/splitter.h"
#include "text/tokenizer.h"
#include "text/unigram.h"

/* How a word becomes ids. */
enum fl_text_model {
    FL_TEXT_BYTES,  /* an id a byte, no vocabulary */
    FL_TEXT_SCORES, /* BPE, the best score first */
    FL_TEXT_MERGES, /* BPE, in the order of a list */
    FL_TEXT_UNIGRAM
};

/* The first space of a text is one that encoding added: decoding drops it. */
enum fl_space { FL_SPACE_NONE, FL_SPACE_FIRST, FL_SPACE_EACH /* stretch between added tokens */ };

enum { FL_AROUND_MAX = 8, FL_ENDS_MAX = 16 };

/* A text goes through it from top to bottom. */
struct fl_tokenizer {
    const char *kind;
    int n_ids;
    struct fl_added_tokens added;
    struct fl_normalizer normalizer;
    struct fl_splitter splitter;
    enum fl_text_model model;
    bool byte_level; /* pieces are bytes, not characters */
    bool has_spaces; /* pieces write a space as U+2581 */
    bool whole_words, frozen_unknown, fuse_unknown, single_precision; /* see fl_bpe, fl_unigram */
    struct fl_vocabulary vocabulary;                                  /* empty for bytes */
    struct fl_merges merges;
    struct fl_unigram unigram;
    enum fl_space space;
    int bos, eos, unknown, pad;          /* -1: none */
    int before[FL_AROUND_MAX], n_before; /* ids that a text as a whole gets in front */
    int behind[FL_AROUND_MAX], n_behind;
    int ends[FL_ENDS_MAX], n_ends; /* ids that end what a model writes */
    const char *pre;     /* as tokenizer.ggml.pre names how words are cut; NULL: it has no name */
    char *chat_template; /* what the file says about it; NULL: nothing */
    bool all_added;      /* the reader has listed the added tokens itself */
    bool all_ids;        /* the format has no gaps: every id of the model must have a piece */
};

/* llama2.c's tokenizer.bin: int32 longest piece, then float32 score, int32 length and the bytes of
 * each. Ids 0, 1, 2 are unknown, begin and end. */
int fl_tokenizer_read_llama2c(struct fl_tokenizer *tokenizer, const char *path,
                              struct fl_error *error);

/* A GGUF file with tokenizer.ggml.model = "llama" (by score), "gpt2" (byte level) or "t5"
 * (unigram). All readers finish the vocabulary. */
int fl_tokenizer_read_gguf(struct fl_tokenizer *tokenizer, const char *path,
                           struct fl_error *error);

/* sentencepiece's tokenizer.model, spiece.model: BPE or unigram. */
int fl_tokenizer_read_sentencepiece(struct fl_tokenizer *tokenizer, const char *path,
                                    struct fl_error *error);

/* Hugging Face's tokenizer.json: BPE or unigram. */
int fl_tokenizer_read_json(struct fl_tokenizer *tokenizer, const char *path,
                           struct fl_error *error);

/* vocab.json, with merges.txt beside it; or encoder.json, with vocab.bpe. */
bool fl_tokenizer_is_hf(const char *path);
int fl_tokenizer_read_hf(struct fl_tokenizer *tokenizer, const char *path, struct fl_error *error);

/* ---- for readers ---- */

/* Text as vocabularies write it: U+2581 is a space. out has room for `length`; returns what it
 * holds then. */
size_t fl_tokenizer_unescape(const char *text, size_t length, char *out);

/* Adds the merge "left right", tokens as the file writes them, behind those before it. error says
 * what was expected, without the name of the file. */
int fl_tokenizer_add_merge(struct fl_tokenizer *tokenizer, const char *merge, size_t length,
                           struct fl_error *error);
int fl_tokenizer_add_pair(struct fl_tokenizer *tokenizer, const char *left, size_t left_length,
                          const char *right, size_t right_length, struct fl_error *error);

/* Words as a byte-level tokenizer of this name cuts them. */
int fl_tokenizer_use_pattern(struct fl_tokenizer *tokenizer, const char *name, size_t length,
                             const char *source, struct fl_error *error);

/* A space in front of a text, or of each stretch of it. */
int fl_tokenizer_use_space(struct fl_tokenizer *tokenizer, enum fl_space space, const char *source,
                           struct fl_error *error);

/* A text's own U+2581 is a space, too, unless the vocabulary has a byte piece for each of its
 * bytes: then these keep what was written. */
int fl_tokenizer_use_written_space(struct fl_tokenizer *tokenizer, const char *source,
                                   struct fl_error *error);

/* sentencepiece's table of replacements; a step of the normaliser. */
int fl_tokenizer_use_charsmap(struct fl_tokenizer *tokenizer, const unsigned char *bytes,
                              size_t size, const char *where, struct fl_error *error);

/* An id that ends what a model writes, beside eos; -1: none. */
void fl_tokenizer_add_end(struct fl_tokenizer *tokenizer, int id);

/* bos in front, eos behind, where there are such ids. */
void fl_tokenizer_use_ends(struct fl_tokenizer *tokenizer, bool add_bos, bool add_eos);

/* Call when the vocabulary is whole: looks up, tries, added tokens by type. */
int fl_tokenizer_finish(struct fl_tokenizer *tokenizer, const char *source, struct fl_error *error);

bool fl_tokenizer_ends_with(const char *text, const char *end);

/* The file that belongs to a model: path of at least 4096 bytes; empty: bytes. */
int fl_tokenizer_find(char *path, size_t size, const char *model_spec, struct fl_error *error);

#endif
