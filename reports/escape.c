#include "reports/escape.h"

#include <stdbool.h>
#include <string.h>

static const char REPLACEMENT[] = "\xef\xbf\xbd";

/* Length of the well-formed UTF-8 sequence at `at`; 0 when there is none (RFC 3629, section 4). */
static int sequence_length(const unsigned char *at)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        int length;
    } FORMS[] = {
        {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        if (at[0] < FORMS[i].first_low || at[0] > FORMS[i].first_high)
            continue;
        if (FORMS[i].length == 1)
            return 1;
        if (at[1] < FORMS[i].second_low || at[1] > FORMS[i].second_high)
            return 0;
        for (int k = 2; k < FORMS[i].length; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return FORMS[i].length;
    }
    return 0;
}

/* Marks that turn the direction of what follows, whoever wrote it: Unicode Standard Annex 9,
 * section
 * 2. Letters that run from right to left do so without them. */
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
                           void (*put)(FILE *out, const char *character, int length))
{
    const char *at = text;
    while (*at) {
        int length = sequence_length((const unsigned char *)at);
        unsigned char c = (unsigned char)*at;
        if (length == 0 || turns_direction(at))
            put(out, REPLACEMENT, 3);
        else if (c < 0x20 || c == 0x7f)
            put(out, " ", 1);
        else
            put(out, at, length);
        at += length ? length : 1;
    }
}

static void put_html(FILE *out, const char *character, int length)
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
    fwrite(character, 1, (size_t)length, out);
}

void fl_escape_html(FILE *out, const char *text)
{
    each_character(out, text, put_html);
}

static void put_markdown(FILE *out, const char *character, int length)
{
    /* '<', '>' and '&' as entities: a backslash does not stop every renderer's HTML */
    if (length == 1 && strchr("<>&", *character)) {
        put_html(out, character, length);
        return;
    }
    if (length == 1 && strchr("\\`*_{}[]#|~$@!", *character))
        fputc('\\', out);
    fwrite(character, 1, (size_t)length, out);
}

void fl_escape_markdown(FILE *out, const char *text)
{
    each_character(out, text, put_markdown);
}

static void put_gnuplot(FILE *out, const char *character, int length)
{
    static const char PLAIN[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789 .,:;=+-/()";
    for (int i = 0; i < length; i++)
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
