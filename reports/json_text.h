/* json_text.h - one JSON string at a time, for output that is written as it goes. */
#ifndef FL_REPORTS_JSON_TEXT_H
#define FL_REPORTS_JSON_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* text in double quotes. What JSON forbids is escaped; bytes that are no UTF-8 become U+FFFD, so
 * that the output is valid whatever was stored. */
void fl_json_text(FILE *out, const char *text);

/* The same for text [length] that may have NULs in it, with one more behind it. */
void fl_json_bytes(FILE *out, const char *text, size_t length);

#endif
