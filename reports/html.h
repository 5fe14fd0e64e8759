/* html.h - a document as one self-contained page: styles and drawings inside, nothing loaded,
 * light or dark as the reader prefers, and fit for printing on A4. */
#ifndef FL_REPORTS_HTML_H
#define FL_REPORTS_HTML_H

#include "reports/document.h"

#include <stdio.h>

void fl_html_write(FILE *out, const struct fl_document *document);

#endif
