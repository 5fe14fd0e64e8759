/* text_buffer.h - a growing stretch of bytes. */
#ifndef FL_TEXT_TEXT_BUFFER_H
#define FL_TEXT_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct fl_text {
    char *bytes; /* NULL while nothing was ever added */
    size_t n, capacity;
};

/* Room for `more` bytes behind those there are; false when memory runs out. */
bool fl_text_reserve(struct fl_text *text, size_t more);
bool fl_text_add(struct fl_text *text, const char *bytes, size_t n);
bool fl_text_add_string(struct fl_text *text, const char *string);
void fl_text_close(struct fl_text *text);

#endif
