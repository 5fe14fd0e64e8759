/* added_tokens.h - tokens that are found in a text before it is cut into words, and never merged:
 * <|im_end|>, </s>, runs of spaces that were added to a vocabulary.
 *
 * Of those that begin at a place the longest counts, and the leftmost place comes first. */
#ifndef FL_TEXT_ADDED_TOKENS_H
#define FL_TEXT_ADDED_TOKENS_H

#include "text/trie.h"

#include <stdbool.h>
#include <stddef.h>

struct fl_added_token {
    int id;
    bool special;     /* marks begin, end, roles: found only when the caller asks for it */
    bool lstrip;      /* white space before it belongs to it */
    bool rstrip;      /* white space behind it, too */
    bool single_word; /* not inside a word */
    bool normalized;  /* looked for in the normalised text */
};

struct fl_added_tokens {
    struct fl_added_token *list;
    int n, capacity;
    struct fl_trie raw, normalized; /* values are indices of the list */
    bool raw_starts[256], normalized_starts[256];
};

/* False when memory runs out. Of equal texts the first stays. */
bool fl_added_tokens_add(struct fl_added_tokens *added, struct fl_added_token token,
                         const char *text, size_t length);
void fl_added_tokens_close(struct fl_added_tokens *added);

/* The next token in text[at .. length), normalised or not; NULL: none. *start and *end are what it
 * covers; *start is never before `at`. */
const struct fl_added_token *fl_added_tokens_find(const struct fl_added_tokens *added,
                                                  bool normalized, bool special, const char *text,
                                                  size_t length, size_t at, size_t *start,
                                                  size_t *end);

#endif
