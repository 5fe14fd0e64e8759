#include "engine/generate_prompts.h"

#include "base/file.h"
#include "text/ids.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { PROMPT_MAX = 1 << 28 }; /* bytes */

int fl_prompt_source_kinds(const struct fl_prompt_source *source)
{
    return (source->texts.n > 0) + (source->ids.n > 0) + !!source->file + !!source->lines +
           !!source->ids_file;
}

bool fl_prompt_source_is_ids(const struct fl_prompt_source *source)
{
    return source->ids.n > 0 || source->ids_file;
}

/* Takes over a malloc'd list of ids. */
static int add(struct fl_prompts *prompts, int *ids, size_t n_ids, struct fl_error *error)
{
    struct fl_prompt *items = NULL;
    if (n_ids <= INT_MAX)
        items = realloc(prompts->items, ((size_t)prompts->n + 1) * sizeof *items);
    if (!items) {
        free(ids);
        return fl_fail(error, "prompt: not enough memory for %zu ids", n_ids);
    }
    prompts->items = items;
    prompts->items[prompts->n++] = (struct fl_prompt){ids, (int)n_ids};
    return FL_OK;
}

static int add_text(struct fl_prompts *prompts, const struct fl_prompt_source *source,
                    const struct fl_tokenizer *tokenizer, const char *text, size_t length,
                    struct fl_error *error)
{
    int *ids;
    size_t n_ids;
    const int status = prompts->chat
                           ? fl_chat_encode(prompts->chat, tokenizer, source->system, text, length,
                                            true, &ids, &n_ids, error)
                           : fl_tokenizer_encode_special(tokenizer, text, length, true,
                                                         source->special, &ids, &n_ids, error);
    return status == FL_OK ? add(prompts, ids, n_ids, error) : FL_FAILED;
}

static int add_ids(struct fl_prompts *prompts, const char *text, const char *file, int vocab_size,
                   struct fl_error *error)
{
    int *ids;
    size_t n_ids;
    if (fl_ids_read(&ids, &n_ids, "--prompt-ids", text, file, vocab_size, error) != FL_OK)
        return FL_FAILED;
    return add(prompts, ids, n_ids, error);
}

/* A file as one prompt, or line by line; a last line feed ends a line and begins none. */
static int add_file(struct fl_prompts *prompts, const struct fl_prompt_source *source,
                    const struct fl_tokenizer *tokenizer, const char *path, bool by_line,
                    struct fl_error *error)
{
    char *content;
    size_t length;
    if (fl_file_read(&content, &length, path, PROMPT_MAX, error) != FL_OK)
        return FL_FAILED;
    int status = FL_OK;
    if (!by_line)
        status = add_text(prompts, source, tokenizer, content, length, error);
    else if (length == 0)
        status = fl_fail(error, "%s: expected one prompt a line, the file is empty", path);
    for (size_t start = 0; by_line && status == FL_OK && start < length;) {
        const char *feed = memchr(content + start, '\n', length - start);
        const size_t end = feed ? (size_t)(feed - content) : length;
        status = add_text(prompts, source, tokenizer, content + start, end - start, error);
        start = end + 1;
    }
    free(content);
    return status;
}

int fl_prompts_read(struct fl_prompts *prompts, const struct fl_prompt_source *source,
                    const struct fl_tokenizer *tokenizer, int vocab_size, struct fl_error *error)
{
    int status = FL_OK;
    *prompts = (struct fl_prompts){0};
    if (source->chat)
        status = fl_chat_choose(&prompts->chat, source->chat, tokenizer, error);
    for (int i = 0; i < source->texts.n && status == FL_OK; i++)
        status = add_text(prompts, source, tokenizer, source->texts.items[i],
                          strlen(source->texts.items[i]), error);
    for (int i = 0; i < source->ids.n && status == FL_OK; i++)
        status = add_ids(prompts, source->ids.items[i], NULL, vocab_size, error);
    if (source->ids_file && status == FL_OK)
        status = add_ids(prompts, NULL, source->ids_file, vocab_size, error);
    if (source->file && status == FL_OK)
        status = add_file(prompts, source, tokenizer, source->file, false, error);
    if (source->lines && status == FL_OK)
        status = add_file(prompts, source, tokenizer, source->lines, true, error);
    if (status != FL_OK)
        fl_prompts_free(prompts);
    return status;
}

void fl_prompts_free(struct fl_prompts *prompts)
{
    for (int i = 0; i < prompts->n; i++)
        free((int *)prompts->items[i].ids);
    free(prompts->items);
    *prompts = (struct fl_prompts){0};
}
