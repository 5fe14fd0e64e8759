/* ids.h - token ids as text: separated by commas or white space, `#` starts a comment. */
#ifndef FL_TEXT_IDS_H
#define FL_TEXT_IDS_H

#include "base/error.h"

#include <stddef.h>

/* source names the text in a refusal. A malloc'd list; ids are 0 .. limit - 1. An empty text gives
 * no ids and *ids = NULL. */
int fl_ids_parse(int **ids, size_t *n_ids, const char *text, size_t length, int limit,
                 const char *source, struct fl_error *error);

/* The text of an option, or a file ("-": standard input), the other being NULL. */
int fl_ids_read(int **ids, size_t *n_ids, const char *option, const char *text, const char *file,
                int limit, struct fl_error *error);

#endif
