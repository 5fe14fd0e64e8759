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

/* One row a point of the section's three lines: the figures of one execution, measured FLOPs among
 * them where any point has them. */
void fl_report_headline(struct fl_table *table, const struct fl_section *section);

/* report_measured.c: what counters saw, in tables and, as FINDING or MISSING blocks, in words. */
void fl_report_measured(struct fl_document *document, const struct fl_section *section);
void fl_report_find_measured(struct fl_document *document, const struct fl_section *section);

/* Whether any point of the section was counted, and why not where none was. */
bool fl_report_is_measured(const struct fl_section *section);
const char *fl_report_unmeasured(const struct fl_section *section);

/* report_findings.c: what the section's figures say, as FINDING and MISSING blocks. */
struct fl_contrast;
int fl_report_findings(struct fl_document *document, const struct fl_section *section,
                       const struct fl_contrast *contrast, struct fl_error *error);

#endif
