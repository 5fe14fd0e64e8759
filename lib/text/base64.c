#include "text/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

unsigned char *fl_base64_decode(const char *text, size_t length, size_t *size)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    signed char values[256];
    memset(values, -1, sizeof values);
    for (int i = 0; i < 64; i++)
        values[(unsigned char)DIGITS[i]] = (signed char)i;
    if (length % 4 != 0)
        return NULL;
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    unsigned char *out = malloc(length / 4 * 3 + 1);
    size_t used = 0;
    uint32_t bits = 0;
    for (size_t i = 0; out && i < length; i++) {
        const int value = i < length - padding ? values[(unsigned char)text[i]] : 0;
        if (value < 0) {
            free(out);
            return NULL;
        }
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 3)
            continue;
        out[used++] = (unsigned char)(bits >> 16);
        out[used++] = (unsigned char)(bits >> 8);
        out[used++] = (unsigned char)bits;
    }
    *size = used - padding;
    return out;
}
