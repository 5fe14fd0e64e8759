/* base64.h - bytes as RFC 4648 writes them in text. */
#ifndef FL_TEXT_BASE64_H
#define FL_TEXT_BASE64_H

#include <stddef.h>

/* malloc'd; NULL when the text is no base64 (with its padding), or memory runs out. */
unsigned char *fl_base64_decode(const char *text, size_t length, size_t *size);

#endif
