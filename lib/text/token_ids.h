/* token_ids.h - a growing list of ids, and what is put into it for text without a piece. */
#ifndef FL_TEXT_TOKEN_IDS_H
#define FL_TEXT_TOKEN_IDS_H

#include "base/error.h"
#include "text/vocabulary.h"

#include <stdbool.h>

struct fl_ids {
    int *ids;
    size_t n, capacity;
};

/* False when memory runs out. */
bool fl_ids_push(struct fl_ids *ids, int id);

/* What becomes of a character that no piece covers: byte pieces where there are all it needs; else
 * the unknown id, one for a run of such characters if `fuse`; refused where there is no such id. */
struct fl_unknown {
    int id; /* -1: none */
    bool fuse;
};

/* *in_run: whether the id before was unknown; kept from call to call by whoever appends. */
int fl_ids_push_unknown(struct fl_ids *ids, const struct fl_vocabulary *vocabulary,
                        struct fl_unknown unknown, const char *text, size_t length, bool *in_run,
                        struct fl_error *error);

#endif
