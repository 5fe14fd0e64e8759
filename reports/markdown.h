/* markdown.h - a document as Markdown (GitHub's flavour), its figures as files. */
#ifndef FL_REPORTS_MARKDOWN_H
#define FL_REPORTS_MARKDOWN_H

#include "reports/document.h"

#include <stdio.h>

/* Figures are referred to as plots/NAME.svg; folded tables are left out. */
void fl_markdown_write(FILE *out, const struct fl_document *document);

#endif
