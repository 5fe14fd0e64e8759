/* html.h - a document as one self-contained page: styles, drawings and scripts inside, nothing
 * loaded from anywhere. Light or dark as the reader prefers or chooses, tables sorted by their
 * headings, fit for the keyboard and for printing on A4; all of the text is there without scripts,
 * but for the calculator. */
#ifndef FL_REPORTS_HTML_H
#define FL_REPORTS_HTML_H

#include "reports/document.h"

#include <stdio.h>

/* other: the file name of the same page in the other language, beside this one; NULL: there is
 * none. */
void fl_html_write(FILE *out, const struct fl_document *document, const char *other);

#endif
