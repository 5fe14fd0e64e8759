/* pattern.h - regular expressions over UTF-8, bounded: one that would take for ever is given up.
 *
 * The syntax is PCRE2's with Unicode properties, of which that of Hugging Face's tokenizers
 * (Oniguruma) is a subset where tokenizers use it. */
#ifndef FL_TEXT_PATTERN_H
#define FL_TEXT_PATTERN_H

#include "base/error.h"

#include <stddef.h>

struct fl_pattern; /* opaque */

/* where names the place in a file, for a refusal. */
int fl_pattern_open(struct fl_pattern **pattern, const char *text, size_t length, const char *where,
                    struct fl_error *error);
void fl_pattern_close(struct fl_pattern *pattern); /* NULL: nothing */

/* What a search needs beside the pattern; serves any pattern, one thread at a time. */
struct fl_matcher {
    void *match, *context, *stack;
};

/* Returns FL_FAILED when memory runs out. */
int fl_matcher_open(struct fl_matcher *matcher, struct fl_error *error);
void fl_matcher_close(struct fl_matcher *matcher);

/* The first match that is not empty in text[at .. length), valid UTF-8; what lies before `at` is
 * seen by what looks behind. *start = *end = length when there is none. Fails when the search takes
 * too many steps. */
int fl_pattern_find(const struct fl_pattern *pattern, const struct fl_matcher *matcher,
                    const char *text, size_t length, size_t at, size_t *start, size_t *end,
                    struct fl_error *error);

#endif
