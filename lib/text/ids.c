#include "text/ids.h"
#include "base/file.h"
#include "text/bpe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { IDS_FILE_MAX = 1 << 28 };

static int bad(const char *source, const char *at, const char *end, int limit,
               struct fl_error *error)
{
    size_t n = 0;
    while (at + n < end && n < 20 && at[n] != ',' && !isspace((unsigned char)at[n]))
        n++;
    return fl_fail(error, "%s: expected token ids from 0 to %d, not '%.*s'", source, limit - 1,
                   (int)n, at);
}

int fl_ids_parse(int **ids, size_t *n_ids, const char *text, size_t length, int limit,
                 const char *source, struct fl_error *error)
{
    struct fl_ids out = {0};
    const char *end = text + length;
    int status = FL_OK;
    for (const char *at = text; at < end && status == FL_OK;) {
        if (*at == ',' || isspace((unsigned char)*at)) {
            at++;
        } else if (*at == '#') {
            while (at < end && *at != '\n')
                at++;
        } else {
            const char *start = at;
            int64_t id = 0;
            for (; at < end && isdigit((unsigned char)*at) && id < limit; at++)
                id = id * 10 + (*at - '0');
            bool whole = at > start &&
                         (at == end || *at == ',' || *at == '#' || isspace((unsigned char)*at));
            if (!whole || id >= limit)
                status = bad(source, start, end, limit, error);
            else if (!fl_ids_push(&out, (int)id))
                status = fl_fail(error, "%s: not enough memory for its ids", source);
        }
    }
    if (status != FL_OK) {
        free(out.ids);
        return FL_FAILED;
    }
    *ids = out.ids;
    *n_ids = out.n;
    return FL_OK;
}

int fl_ids_read(int **ids, size_t *n_ids, const char *option, const char *text, const char *file,
                int limit, struct fl_error *error)
{
    char *content;
    size_t size;
    if (text)
        return fl_ids_parse(ids, n_ids, text, strlen(text), limit, option, error);
    if (fl_file_read(&content, &size, file, IDS_FILE_MAX, error) != FL_OK)
        return FL_FAILED;
    int status = fl_ids_parse(ids, n_ids, content, size, limit, file, error);
    free(content);
    return status;
}
