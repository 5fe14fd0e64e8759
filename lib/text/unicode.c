#include "text/unicode.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

int32_t fl_unicode_at(const char *text, size_t length, size_t *n_bytes)
{
    const unsigned char *bytes = (const unsigned char *)text;
    *n_bytes = fl_utf8_length(text, length);
    if (*n_bytes == 1)
        return bytes[0] < 0x80 ? bytes[0] : -1;
    int32_t character = bytes[0] & (0xff >> (*n_bytes + 1));
    for (size_t i = 1; i < *n_bytes; i++)
        character = character << 6 | (bytes[i] & 0x3f);
    return character;
}

bool fl_unicode_is_space(int32_t character)
{
    if (character < 0x80)
        return character == ' ' || (character >= '\t' && character <= '\r');
    const utf8proc_category_t category = utf8proc_category(character);
    return character == 0x85 || category == UTF8PROC_CATEGORY_ZS ||
           category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool fl_unicode_is_word(int32_t character)
{
    if (character < 0)
        return false;
    switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        return false;
    }
}

static bool add_character(struct fl_text *out, int32_t character)
{
    utf8proc_uint8_t bytes[4];
    const utf8proc_ssize_t n = utf8proc_encode_char(character, bytes);
    return n > 0 && fl_text_add(out, (const char *)bytes, (size_t)n);
}

/* ---- normal forms ---- */

/* A character, its class and its place: what sorting by class without changing the order within one
 * needs. */
struct mark {
    int32_t character;
    int combining_class, place;
};

struct characters {
    struct mark *list;
    size_t n, capacity;
};

static bool add_decomposed(struct characters *all, int32_t character, bool compatible)
{
    enum { LONGEST = 32 }; /* U+FDFA, the longest, becomes 18 */
    int32_t parts[LONGEST];
    int boundary = 0;
    const utf8proc_option_t options =
        compatible ? (utf8proc_option_t)(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT) : UTF8PROC_DECOMPOSE;
    utf8proc_ssize_t n = utf8proc_decompose_char(character, parts, LONGEST, options, &boundary);
    if (n < 0 || n > LONGEST) {
        parts[0] = character;
        n = 1;
    }
    if (all->capacity - all->n < LONGEST) {
        const size_t capacity = all->capacity ? 2 * all->capacity : 256;
        struct mark *larger = realloc(all->list, capacity * sizeof *larger);
        if (!larger)
            return false;
        all->list = larger;
        all->capacity = capacity;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        const int combining_class = utf8proc_get_property(parts[i])->combining_class;
        all->list[all->n++] = (struct mark){parts[i], combining_class, 0};
    }
    return true;
}

static int by_class(const void *a, const void *b)
{
    const struct mark *first = a, *second = b;
    if (first->combining_class != second->combining_class)
        return first->combining_class < second->combining_class ? -1 : 1;
    return first->place < second->place ? -1 : 1;
}

/* utf8proc orders marks by neighbours' exchange, which is quadratic in the length of a run of
 * marks: here each run is sorted instead. */
static void order_marks(struct characters *all)
{
    for (size_t start = 0; start < all->n;) {
        size_t end = start;
        for (; end < all->n && all->list[end].combining_class != 0; end++)
            all->list[end].place = (int)(end - start);
        if (end - start > 1)
            qsort(all->list + start, end - start, sizeof *all->list, by_class);
        start = end + 1;
    }
}

static bool add_in_form(struct fl_text *out, const struct characters *all, bool compose)
{
    int32_t *characters = malloc((all->n + 1) * sizeof *characters);
    if (!characters)
        return false;
    for (size_t i = 0; i < all->n; i++)
        characters[i] = all->list[i].character;
    utf8proc_ssize_t n = (utf8proc_ssize_t)all->n;
    if (compose)
        n = utf8proc_normalize_utf32(characters, n,
                                     (utf8proc_option_t)(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    bool good = n >= 0;
    for (utf8proc_ssize_t i = 0; good && i < n; i++)
        good = add_character(out, characters[i]);
    free(characters);
    return good;
}

/* Bytes of ASCII at the start whose next character is one, too, or that end the text: nothing
 * combines with them. */
static size_t plain_ascii(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && (unsigned char)text[n] < 0x80)
        n++;
    return n == length || n == 0 ? n : n - 1;
}

bool fl_unicode_normalize(struct fl_text *out, const char *text, size_t length,
                          enum fl_unicode_form form)
{
    const bool compatible = form == FL_NFKC || form == FL_NFKD;
    const bool compose = form == FL_NFC || form == FL_NFKC;
    struct characters all = {0};
    bool good = true;
    for (size_t at = 0, n; good && at < length; at += n) {
        n = plain_ascii(text + at, length - at);
        if (n > 0) {
            good = fl_text_add(out, text + at, n);
            continue;
        }
        all.n = 0;
        /* up to the next plain ASCII */
        while (good && at + n < length) {
            size_t n_bytes;
            const int32_t character = fl_unicode_at(text + at + n, length - at - n, &n_bytes);
            if (character < 0 || (n > 0 && plain_ascii(text + at + n, length - at - n) > 0))
                break;
            good = add_decomposed(&all, character, compatible);
            n += n_bytes;
        }
        order_marks(&all);
        good = good && add_in_form(out, &all, compose);
        if (good && n == 0) /* a byte that is no part of a character */
            good = fl_text_add(out, text + at, n = 1);
    }
    free(all.list);
    return good;
}

/* ---- case and marks ---- */

bool fl_unicode_lowercase(struct fl_text *out, const char *text, size_t length)
{
    bool good = true;
    for (size_t at = 0, n; good && at < length; at += n) {
        const int32_t character = fl_unicode_at(text + at, length - at, &n);
        if (character < 0)
            good = fl_text_add(out, text + at, n);
        else if (character == 0x130) /* the only one that becomes two: i and a dot above */
            good = fl_text_add(out, "i\xcc\x87", 3);
        else
            good = add_character(out, utf8proc_tolower(character));
    }
    return good;
}

bool fl_unicode_strip_marks(struct fl_text *out, const char *text, size_t length)
{
    bool good = true;
    for (size_t at = 0, n; good && at < length; at += n) {
        const int32_t character = fl_unicode_at(text + at, length - at, &n);
        if (character < 0 || utf8proc_category(character) != UTF8PROC_CATEGORY_MN)
            good = fl_text_add(out, text + at, n);
    }
    return good;
}
