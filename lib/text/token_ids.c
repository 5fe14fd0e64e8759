#include "text/token_ids.h"

#include "base/checked.h"

#include <stdlib.h>

bool fl_ids_push(struct fl_ids *ids, int id)
{
    if (ids->n == ids->capacity) {
        size_t capacity = ids->capacity ? 2 * ids->capacity : 64, bytes;
        if (!fl_size_mul(capacity, sizeof *ids->ids, &bytes))
            return false;
        int *larger = realloc(ids->ids, bytes);
        if (!larger)
            return false;
        ids->ids = larger;
        ids->capacity = capacity;
    }
    ids->ids[ids->n++] = id;
    return true;
}

static bool has_bytes(const struct fl_vocabulary *vocabulary, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (vocabulary->byte_ids[(unsigned char)text[i]] < 0)
            return false;
    return true;
}

int fl_ids_push_unknown(struct fl_ids *ids, const struct fl_vocabulary *vocabulary,
                        struct fl_unknown unknown, const char *text, size_t length, bool *in_run,
                        struct fl_error *error)
{
    const bool as_bytes = has_bytes(vocabulary, text, length);
    bool good = true;
    if (as_bytes)
        for (size_t i = 0; good && i < length; i++)
            good = fl_ids_push(ids, vocabulary->byte_ids[(unsigned char)text[i]]);
    else if (unknown.id < 0)
        return fl_fail(error,
                       "text: the vocabulary has neither a token for '%.*s' nor one for what is "
                       "unknown",
                       (int)length, text);
    else if (!*in_run || !unknown.fuse)
        good = fl_ids_push(ids, unknown.id);
    *in_run = !as_bytes;
    return good ? FL_OK : fl_fail(error, "text: not enough memory for its ids");
}
