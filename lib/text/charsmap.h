/* charsmap.h - sentencepiece's precompiled table of replacements: what NFKC and its like do,
 * written out text by text.
 *
 * Layout (sentencepiece, src/normalizer.cc): u32 size of the trie in bytes, the trie, then the
 * replacements, each ended by a NUL. The trie is a double array of u32 units as Darts-clone
 * (github.com/s-yata/darts-clone) writes them; a text's value is the offset of its replacement. */
#ifndef FL_TEXT_CHARSMAP_H
#define FL_TEXT_CHARSMAP_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct fl_charsmap {
    unsigned char *bytes; /* the table as it was read */
    size_t size;
    uint32_t *units;
    size_t n_units;
    const char *replacements; /* NUL-terminated as a whole */
    size_t replacements_size;
};

/* Copies the table. where names the place in a file, for a refusal. */
int fl_charsmap_open(struct fl_charsmap *map, const unsigned char *bytes, size_t size,
                     const char *where, struct fl_error *error);
void fl_charsmap_close(struct fl_charsmap *map);

/* The longest text at the start of `text` that is replaced: its bytes, 0 when there is none. */
size_t fl_charsmap_find(const struct fl_charsmap *map, const char *text, size_t length,
                        const char **replacement, size_t *replacement_length);

#endif
