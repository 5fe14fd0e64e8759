#include "text/token_ids.h"

#include "base/checked.h"
#include "base/utf8.h"

#include <stdio.h>
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

/* Where a character is not printable, or cut by a vocabulary that knows bytes, its bytes tell. */
static int fail_unknown(const char *text, size_t length, struct fl_error *error)
{
    enum { MOST = 8 };
    const bool whole = fl_utf8_valid(text, length) == length && (unsigned char)*text > ' ' &&
                       *text != '\x7f' && length <= MOST;
    char bytes[MOST * sizeof "<0x00>"] = "";
    size_t used = 0;
    for (size_t i = 0; !whole && i < length && i < MOST; i++)
        used += (size_t)snprintf(bytes + used, sizeof bytes - used, "<0x%02X>",
                                 (unsigned)(unsigned char)text[i]);
    return fl_fail(
        error, "text: the vocabulary has neither a token for '%.*s' nor one for what is unknown",
        whole ? (int)length : (int)used, whole ? text : bytes);
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
        return fail_unknown(text, length, error);
    else if (!*in_run || !unknown.fuse)
        good = fl_ids_push(ids, unknown.id);
    *in_run = !as_bytes;
    return good ? FL_OK : fl_fail(error, "text: not enough memory for its ids");
}
