/* unigram.h - the most likely way to cut a text into pieces, each of which has a log-probability.
 *
 * Source: Kudo, 2018 (arXiv:1804.10959). Dynamic programming from left to right: O(n) times the
 * length of the longest piece. */
#ifndef FL_TEXT_UNIGRAM_H
#define FL_TEXT_UNIGRAM_H

#include "text/token_ids.h"
#include "text/trie.h"

struct fl_unigram {
    const struct fl_vocabulary *vocabulary;
    struct fl_trie trie;   /* the normal pieces */
    double unknown_score;  /* of a character that is no piece: 10 below the worst piece */
    bool single_precision; /* sums as sentencepiece makes them, so that ties fall the same way;
                              Hugging Face's tokenizers sum in double precision */
    struct fl_unknown unknown;
};

/* vocabulary must stay. False when memory runs out. */
bool fl_unigram_open(struct fl_unigram *unigram, const struct fl_vocabulary *vocabulary);
void fl_unigram_close(struct fl_unigram *unigram);

struct fl_unigram_work {
    struct fl_unigram_node *nodes; /* one behind each byte */
    size_t capacity;
};
void fl_unigram_work_close(struct fl_unigram_work *work);

/* Appends the word's ids to out. */
int fl_unigram_encode(const struct fl_unigram *unigram, struct fl_unigram_work *work,
                      const char *text, size_t length, struct fl_ids *out, struct fl_error *error);

#endif
