/* bpe.h - byte-pair encoding: characters are merged, best score first, until no two neighbours form
 * a piece; or, byte-level, bytes in the order of a list of merges.
 *
 * Source: Kudo and Richardson, 2018 (arXiv:1808.06226); Sennrich et al., 2016 (arXiv:1508.07909).
 * Of equal scores the leftmost pair goes first. A priority queue makes it O(n log n). */
#ifndef FL_TEXT_BPE_H
#define FL_TEXT_BPE_H

#include "text/byte_level.h"
#include "text/merges.h"
#include "text/vocabulary.h"

/* Growing list of ids. */
struct fl_ids {
    int *ids;
    size_t n, capacity;
};

/* False when memory runs out. */
bool fl_ids_push(struct fl_ids *ids, int id);

/* Appends the text's ids to out. A character that no piece covers becomes byte pieces; where those
 * are missing, a run of such characters becomes one unknown id, as in SentencePiece, and is refused
 * when that is -1 too. frozen_unknown: a character that is no piece never merges, as in llama2.c.
 */
int fl_bpe_encode(const struct fl_vocabulary *vocabulary, const char *text, size_t length,
                  int unknown_id, bool frozen_unknown, struct fl_ids *out, struct fl_error *error);

/* Words of the text one by one, as the byte level's pattern cuts them. Every byte that occurs must
 * be a piece; the first that is none is refused. */
int fl_bpe_encode_bytes(const struct fl_vocabulary *vocabulary,
                        const struct fl_byte_level *byte_level, const struct fl_merges *merges,
                        const char *text, size_t length, struct fl_ids *out,
                        struct fl_error *error);

#endif
