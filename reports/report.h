/* report.h - stored results as a document: findings in words, headline figures, plots, the gap,
 * how it was measured and on what. Nothing is said that the results do not hold; what they lack is
 * named. */
#ifndef FL_REPORTS_REPORT_H
#define FL_REPORTS_REPORT_H

#include "analyzers/sections.h"
#include "reports/document.h"

/* results hold at least one point. document is opened here and closed by the caller, also after a
 * failure. */
int fl_report_build(struct fl_document *document, const char *title,
                    const struct fl_results *results, const struct fl_sections *sections,
                    struct fl_error *error);

/* One row a point of the section's three lines: the figures of one execution. */
void fl_report_headline(struct fl_table *table, const struct fl_section *section);

/* report_findings.c: what the section's figures say, as FINDING and MISSING blocks. */
struct fl_contrast;
int fl_report_findings(struct fl_document *document, const struct fl_section *section,
                       const struct fl_contrast *contrast, struct fl_error *error);

#endif
