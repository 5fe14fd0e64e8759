#include "reports/json_text.h"

#include "base/utf8.h"

#include <string.h>

void fl_json_bytes(FILE *out, const char *text, size_t length)
{
    fputc('"', out);
    for (size_t n; length > 0; text += n, length -= n) {
        const unsigned char c = (unsigned char)*text;
        n = fl_utf8_length(text, length);
        if (n == 1 && c >= 0x80)
            fputs("\\ufffd", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", out);
        else if (c < ' ' || c == 127)
            fprintf(out, "\\u%04x", c);
        else
            fwrite(text, 1, n, out);
    }
    fputc('"', out);
}

void fl_json_text(FILE *out, const char *text)
{
    fl_json_bytes(out, text, strlen(text));
}
