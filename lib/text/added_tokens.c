#include "text/added_tokens.h"

#include "text/unicode.h"

#include <stdlib.h>

bool fl_added_tokens_add(struct fl_added_tokens *added, struct fl_added_token token,
                         const char *text, size_t length)
{
    if (length == 0)
        return true;
    if (added->n == added->capacity) {
        const int capacity = added->capacity ? 2 * added->capacity : 16;
        struct fl_added_token *larger =
            realloc(added->list, (size_t)capacity * sizeof *added->list);
        if (!larger)
            return false;
        added->list = larger;
        added->capacity = capacity;
    }
    added->list[added->n] = token;
    (token.normalized ? added->normalized_starts : added->raw_starts)[(unsigned char)*text] = true;
    return fl_trie_add(token.normalized ? &added->normalized : &added->raw, text, length,
                       added->n++);
}

void fl_added_tokens_close(struct fl_added_tokens *added)
{
    free(added->list);
    fl_trie_close(&added->raw);
    fl_trie_close(&added->normalized);
    *added = (struct fl_added_tokens){0};
}

/* The character that ends at `end`, at least one byte behind `at`. */
static size_t before(const char *text, size_t at, size_t end, int32_t *character)
{
    size_t back = 1, n;
    while (back < 4 && end - back > at && ((unsigned char)text[end - back] & 0xc0) == 0x80)
        back++;
    *character = fl_unicode_at(text + end - back, back, &n);
    if (n == back)
        return back;
    *character = -1;
    return 1;
}

static bool is_inside_word(const char *text, size_t length, size_t start, size_t end)
{
    int32_t character;
    size_t n;
    if (start > 0) {
        before(text, 0, start, &character);
        if (fl_unicode_is_word(character))
            return true;
    }
    return end < length && fl_unicode_is_word(fl_unicode_at(text + end, length - end, &n));
}

static void widen(const struct fl_added_token *token, const char *text, size_t length, size_t at,
                  size_t *start, size_t *end)
{
    int32_t character;
    size_t n;
    while (token->lstrip && *start > at) {
        n = before(text, at, *start, &character);
        if (!fl_unicode_is_space(character))
            break;
        *start -= n;
    }
    while (token->rstrip && *end < length &&
           fl_unicode_is_space(fl_unicode_at(text + *end, length - *end, &n)))
        *end += n;
}

const struct fl_added_token *fl_added_tokens_find(const struct fl_added_tokens *added,
                                                  bool normalized, bool special, const char *text,
                                                  size_t length, size_t at, size_t *start,
                                                  size_t *end)
{
    const struct fl_trie *trie = normalized ? &added->normalized : &added->raw;
    const bool *starts = normalized ? added->normalized_starts : added->raw_starts;
    for (size_t from = at; trie->n_nodes > 0 && from < length; from++) {
        const struct fl_added_token *found = NULL;
        int64_t node = 0;
        if (!starts[(unsigned char)text[from]])
            continue;
        for (size_t i = from; i < length; i++) {
            node = fl_trie_step(trie, node, (unsigned char)text[i]);
            if (node < 0)
                break;
            const int index = trie->values[node];
            if (index < 0 || (added->list[index].special && !special))
                continue;
            found = &added->list[index];
            *end = i + 1;
        }
        if (!found || (found->single_word && is_inside_word(text, length, from, *end)))
            continue;
        *start = from;
        widen(found, text, length, at, start, end);
        return found;
    }
    return NULL;
}
