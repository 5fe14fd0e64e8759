#include "base/error.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a terminal would obey, C1 included, and what is no UTF-8: a quotation cut within a
 * character, or bytes of a file. */
static void make_printable(char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0, n; i < length; i += n) {
        const unsigned char *bytes = (const unsigned char *)text + i;
        n = fl_utf8_length(text + i, length - i);
        if (n == 1 && (bytes[0] < ' ' || bytes[0] >= 127))
            text[i] = '?';
        else if (n == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0)
            memset(text + i, '?', n);
    }
}

int fl_fail(struct fl_error *error, const char *format, ...)
{
    if (!error)
        return FL_FAILED;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    make_printable(error->text);
    return FL_FAILED;
}
