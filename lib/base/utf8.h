/* utf8.h - where characters end. Invalid bytes are characters of one byte. */
#ifndef FL_BASE_UTF8_H
#define FL_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character at the start of text, at least 1 (length > 0). Overlong forms,
 * surrogates and what lies beyond U+10FFFF are invalid. */
size_t fl_utf8_length(const char *text, size_t length);

/* Bytes at the start that are whole valid characters. */
size_t fl_utf8_valid(const char *text, size_t length);

/* How many of the bytes at the end may still become a character when more follow: 0 to 3. */
size_t fl_utf8_unfinished(const char *text, size_t length);

#endif
