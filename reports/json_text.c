#include "reports/json_text.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the UTF-8 character at s, 0 when there is none (RFC 3629: no overlong forms, no
 * surrogates, nothing beyond U+10FFFF). */
static int character_bytes(const unsigned char *s)
{
    static const struct {
        uint32_t smallest;
        unsigned char mask, lead;
    } FORMS[] = {{0, 0x80, 0x00}, {0x80, 0xE0, 0xC0}, {0x800, 0xF0, 0xE0}, {0x10000, 0xF8, 0xF0}};
    for (int n = 1; n <= 4; n++) {
        if ((s[0] & FORMS[n - 1].mask) != FORMS[n - 1].lead)
            continue;
        uint32_t code = s[0] & (unsigned char)~FORMS[n - 1].mask;
        for (int i = 1; i < n; i++) {
            if ((s[i] & 0xC0) != 0x80)
                return 0;
            code = code << 6 | (s[i] & 0x3F);
        }
        int surrogate = code >= 0xD800 && code <= 0xDFFF;
        return code >= FORMS[n - 1].smallest && code <= 0x10FFFF && !surrogate ? n : 0;
    }
    return 0;
}

void fl_json_bytes(FILE *out, const char *text, size_t length)
{
    fputc('"', out);
    const unsigned char *end = (const unsigned char *)text + length;
    for (const unsigned char *s = (const unsigned char *)text; s < end;) {
        int n = character_bytes(s);
        if (n == 0) {
            fputs("\\ufffd", out);
            s++;
            continue;
        }
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s == '\n')
            fputs("\\n", out);
        else if (*s < ' ' || *s == 127)
            fprintf(out, "\\u%04x", *s);
        else
            fwrite(s, 1, (size_t)n, out);
        s += n;
    }
    fputc('"', out);
}

void fl_json_text(FILE *out, const char *text)
{
    fl_json_bytes(out, text, strlen(text));
}
