/* escape.h - text that others chose (titles, model names, command lines) on its way into a page,
 * a Markdown file or a gnuplot script, where it must stay text. Bytes that are not UTF-8, and
 * marks that turn the direction of writing, become U+FFFD, control characters a space. */
#ifndef FL_REPORTS_ESCAPE_H
#define FL_REPORTS_ESCAPE_H

#include <stdio.h>

/* Between tags and inside quoted attributes. */
void fl_escape_html(FILE *out, const char *text);

/* Everything that Markdown or embedded HTML gives a meaning to is escaped; one line. */
void fl_escape_markdown(FILE *out, const char *text);

/* A gnuplot string with its quotes: whatever is no letter, digit, space or plain punctuation is
 * written as an octal escape, so neither quotes, backquotes nor macros can be spelled. */
void fl_escape_gnuplot(FILE *out, const char *text);

#endif
