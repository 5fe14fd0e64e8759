/* bpe.h - byte-pair encoding: characters are merged, best score first, until no two neighbours form
 * a piece; or characters or bytes in the order of a list of merges.
 *
 * Source: Kudo and Richardson, 2018 (arXiv:1808.06226); Sennrich et al., 2016 (arXiv:1508.07909).
 * Of equal scores the leftmost pair goes first. A priority queue makes it O(n log n). */
#ifndef FL_TEXT_BPE_H
#define FL_TEXT_BPE_H

#include "text/merges.h"
#include "text/token_ids.h"
#include "text/vocabulary.h"

struct fl_bpe {
    const struct fl_vocabulary *vocabulary;
    const struct fl_merges *merges; /* NULL: by score, any pair that is a piece */
    bool bytes;                     /* the smallest pieces are bytes, not characters */
    bool whole_words;               /* a word that is a piece is not taken apart (Llama 3) */
    bool frozen_unknown;            /* a character that is no piece never merges (llama2.c) */
    struct fl_unknown unknown;
};

/* What encoding needs beside the pieces, to be used again for the next word. */
struct fl_bpe_work {
    struct fl_bpe_symbol *symbols;
    size_t n_symbols, symbol_capacity;
    struct fl_bpe_candidate *heap;
    size_t n_heap, heap_capacity;
};
void fl_bpe_work_close(struct fl_bpe_work *work);

/* Appends the word's ids to out. */
int fl_bpe_encode(const struct fl_bpe *bpe, struct fl_bpe_work *work, const char *text,
                  size_t length, struct fl_ids *out, struct fl_error *error);

#endif
