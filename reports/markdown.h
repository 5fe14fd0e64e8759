/* markdown.h - a document as Markdown (GitHub's flavour), its figures as files. */
#ifndef FL_REPORTS_MARKDOWN_H
#define FL_REPORTS_MARKDOWN_H

#include "reports/document.h"

#include <stdio.h>

/* Figures are referred to as plots/NAME.svg; folded tables are left out. */
/* other: the file name of the same text in the other language; NULL: there is none. Plots are the
 * files plots/NAME.svg, in Chinese plots/NAME.zh.svg. */
void fl_markdown_write(FILE *out, const struct fl_document *document, const char *other);

#endif
