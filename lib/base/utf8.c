#include "base/utf8.h"

#include <stdbool.h>

/* Bytes a character with this first byte has; 1 for what cannot start a longer one. */
static size_t announced(unsigned char first)
{
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 1;
}

/* The second byte's range depends on the first: no overlong forms, surrogates or too large ones. */
static bool continues(const unsigned char *text, size_t i)
{
    unsigned char low = 0x80, high = 0xbf;
    if (i == 1) {
        low = text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : 0x80;
        high = text[0] == 0xed ? 0x9f : text[0] == 0xf4 ? 0x8f : 0xbf;
    }
    return text[i] >= low && text[i] <= high;
}

size_t fl_utf8_length(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t n = announced(bytes[0]);
    if (n > length)
        return 1;
    for (size_t i = 1; i < n; i++)
        if (!continues(bytes, i))
            return 1;
    return n;
}

size_t fl_utf8_valid(const char *text, size_t length)
{
    size_t valid = 0;
    while (valid < length) {
        const size_t n = fl_utf8_length(text + valid, length - valid);
        if (n == 1 && (unsigned char)text[valid] >= 0x80)
            break;
        valid += n;
    }
    return valid;
}

size_t fl_utf8_unfinished(const char *text, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        const unsigned char *bytes = (const unsigned char *)text + length - back;
        if (announced(bytes[0]) <= back)
            continue;
        for (size_t i = 1; i < back; i++)
            if (!continues(bytes, i))
                return 0;
        return back;
    }
    return 0;
}
