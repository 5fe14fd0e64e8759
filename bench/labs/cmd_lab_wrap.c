/* cmd_lab_wrap.c - running text for a terminal, in English and Chinese. */
#include "bench/labs/cmd_lab_print.h"

#include "reports/table.h"

#include <stdlib.h>
#include <string.h>

void fl_lab_print_padded(const char *text, int width, FILE *out)
{
    const int pad = abs(width) - fl_text_width(text);
    for (int i = 0; width < 0 && i < pad; i++)
        fputc(' ', out);
    fputs(text, out);
    for (int i = 0; width > 0 && i < pad; i++)
        fputc(' ', out);
}

/* Bytes of the UTF-8 character at text. */
static size_t character_bytes(const char *text)
{
    const unsigned char c = (unsigned char)*text;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    for (size_t i = 1; i < n; i++)
        if (text[i] == '\0')
            return i;
    return n;
}

static int columns(const char *text, size_t bytes)
{
    char character[5] = "";
    memcpy(character, text, bytes < 4 ? bytes : 4);
    return fl_text_width(character);
}

static bool is_one_of(const char *text, size_t bytes, const char *const *list)
{
    for (int i = 0; list[i]; i++)
        if (strlen(list[i]) == bytes && memcmp(text, list[i], bytes) == 0)
            return true;
    return false;
}

/* Whether a line may end between the character that ends at `at` and the one that begins there. */
static bool may_break(const char *before, size_t before_bytes, const char *at)
{
    static const char *const CLOSING[] = {"，", "。", "、", "；", "：", "？", "！", "）", "》", "”",
                                          "·",  "％", ",",  ".",  ";",  ":",  "?",  ")",  NULL};
    static const char *const OPENING[] = {"（", "《", "“", "(", "·", NULL};
    const size_t bytes = character_bytes(at);
    if (*before == ' ')
        return *at != ' ';
    if (*at == ' ' || is_one_of(at, bytes, CLOSING) || is_one_of(before, before_bytes, OPENING))
        return false;
    return columns(before, before_bytes) == 2 || columns(at, bytes) == 2;
}

/* The bytes of `text` that fit into a line: up to the last place where it may break. */
static size_t line_bytes(const char *text, int width)
{
    size_t at = 0, end = 0, last = 0;
    int used = 0;
    while (text[at] && text[at] != '\n') {
        const size_t bytes = character_bytes(text + at);
        if (at > 0 && may_break(text + last, at - last, text + at))
            end = at;
        used += columns(text + at, bytes);
        /* a space at the end of a line takes no room */
        if (used > width && text[at] != ' ')
            return end > 0 ? end : at > 0 ? at : bytes;
        last = at;
        at += bytes;
    }
    return at;
}

void fl_lab_print_wrapped(const char *text, int indent, int width, FILE *out)
{
    while (*text) {
        const size_t bytes = line_bytes(text, width - indent);
        size_t shown = bytes;
        while (shown > 0 && text[shown - 1] == ' ')
            shown--;
        fprintf(out, "%*s%.*s\n", indent, "", (int)shown, text);
        text += bytes;
        if (*text == '\n')
            text++;
    }
}
