#include "reports/escape.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

static const char REPLACEMENT[] = "\xef\xbf\xbd";

/* Marks that turn the direction of what follows, whoever wrote it: Unicode Standard Annex 9,
 * section 2. Letters that run from right to left do so without them. */
static bool turns_direction(const char *at)
{
    static const char *const MARKS[] = {"\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c",
                                        "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++)
        if (strncmp(at, MARKS[i], strlen(MARKS[i])) == 0)
            return true;
    return false;
}

/* Calls put(out, character, length) for every character. */
static void each_character(FILE *out, const char *text,
                           void (*put)(FILE *out, const char *character, size_t length))
{
    size_t left = strlen(text);
    for (size_t n; left > 0; text += n, left -= n) {
        const unsigned char c = (unsigned char)*text;
        n = fl_utf8_length(text, left);
        if ((n == 1 && c >= 0x80) || turns_direction(text))
            put(out, REPLACEMENT, strlen(REPLACEMENT));
        else if (c < 0x20 || c == 0x7f)
            put(out, " ", 1);
        else
            put(out, text, n);
    }
}

static void put_html(FILE *out, const char *character, size_t length)
{
    static const struct {
        char c;
        const char *entity;
    } ENTITIES[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (size_t i = 0; i < sizeof ENTITIES / sizeof *ENTITIES; i++)
        if (length == 1 && *character == ENTITIES[i].c) {
            fputs(ENTITIES[i].entity, out);
            return;
        }
    fwrite(character, 1, length, out);
}

void fl_escape_html(FILE *out, const char *text)
{
    each_character(out, text, put_html);
}

static void put_markdown(FILE *out, const char *character, size_t length)
{
    /* '<', '>' and '&' as entities: a backslash does not stop every renderer's HTML */
    if (length == 1 && strchr("<>&", *character)) {
        put_html(out, character, length);
        return;
    }
    if (length == 1 && strchr("\\`*_{}[]#|~$@!", *character))
        fputc('\\', out);
    fwrite(character, 1, length, out);
}

void fl_escape_markdown(FILE *out, const char *text)
{
    each_character(out, text, put_markdown);
}

static void put_gnuplot(FILE *out, const char *character, size_t length)
{
    static const char PLAIN[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789 .,:;=+-/()";
    for (size_t i = 0; i < length; i++)
        if (strchr(PLAIN, character[i]))
            fputc(character[i], out);
        else
            fprintf(out, "\\%03o", (unsigned)(unsigned char)character[i]);
}

void fl_escape_gnuplot(FILE *out, const char *text)
{
    fputc('"', out);
    each_character(out, text, put_gnuplot);
    fputc('"', out);
}
