/* unicode.h - the parts of Unicode that tokenizers ask for: normal forms, case, classes. The tables
 * are utf8proc's. */
#ifndef FL_TEXT_UNICODE_H
#define FL_TEXT_UNICODE_H

#include "text/text_buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fl_unicode_form { FL_NFC, FL_NFD, FL_NFKC, FL_NFKD };

/* The character at the start of text (length > 0), and its bytes; -1 and 1 for a byte that is no
 * part of a character. */
int32_t fl_unicode_at(const char *text, size_t length, size_t *n_bytes);

bool fl_unicode_is_space(int32_t character); /* White_Space */
bool fl_unicode_is_word(int32_t character);  /* a letter, mark, number or connector */

/* Append the text in a normal form; in lower case (character by character, Unicode's full mapping);
 * without the marks that take no room of their own (Mn). Bytes that are no characters stay as they
 * are and end what may combine. O(n log n) for any text. False when memory runs out. */
bool fl_unicode_normalize(struct fl_text *out, const char *text, size_t length,
                          enum fl_unicode_form form);
bool fl_unicode_lowercase(struct fl_text *out, const char *text, size_t length);
bool fl_unicode_strip_marks(struct fl_text *out, const char *text, size_t length);

#endif
