#include "text/text_buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool fl_text_reserve(struct fl_text *text, size_t more)
{
    if (text->capacity - text->n >= more)
        return true;
    if (more > SIZE_MAX / 4 - text->n)
        return false;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity - text->n < more)
        capacity *= 2;
    char *larger = realloc(text->bytes, capacity);
    if (!larger)
        return false;
    text->bytes = larger;
    text->capacity = capacity;
    return true;
}

bool fl_text_add(struct fl_text *text, const char *bytes, size_t n)
{
    if (n == 0)
        return true;
    if (!fl_text_reserve(text, n))
        return false;
    memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
    return true;
}

bool fl_text_add_string(struct fl_text *text, const char *string)
{
    return fl_text_add(text, string, strlen(string));
}

void fl_text_close(struct fl_text *text)
{
    free(text->bytes);
    *text = (struct fl_text){0};
}
