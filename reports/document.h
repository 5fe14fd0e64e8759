/* document.h - a report as a sequence of blocks, built once and rendered as HTML and Markdown.
 *
 * All text is plain UTF-8: the renderers escape it. Running out of memory is remembered and
 * reported by fl_document_check(). */
#ifndef FL_REPORTS_DOCUMENT_H
#define FL_REPORTS_DOCUMENT_H

#include "base/error.h"
#include "reports/svg.h"
#include "reports/table.h"

#include <stdbool.h>

enum fl_block_kind {
    FL_BLOCK_HEADING, /* level 2 or 3; the title is level 1 */
    FL_BLOCK_TEXT,
    FL_BLOCK_FINDING, /* one sentence or two; neighbours form a list */
    FL_BLOCK_MISSING, /* what the data does not contain; in the same list */
    FL_BLOCK_WARNING, /* must not be overlooked */
    FL_BLOCK_TABLE,   /* text is its caption */
    FL_BLOCK_FIGURE   /* text is its caption */
};

struct fl_block {
    enum fl_block_kind kind;
    int level;
    char *text;
    bool folded; /* TABLE: shown on demand, not printed */
    struct fl_table table;
    struct fl_drawing drawing;
};

struct fl_document {
    char *title;
    struct fl_block *blocks;
    int n_blocks, capacity;
    bool failed;
};

void fl_document_open(struct fl_document *document, const char *title);
void fl_document_close(struct fl_document *document);

/* HEADING (level 2; fl_document_subheading: 3), TEXT, FINDING, MISSING or WARNING. */
void fl_document_add(struct fl_document *document, enum fl_block_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fl_document_subheading(struct fl_document *document, const char *text);

/* Takes the table over. Returns the block, which moves when another is added. */
struct fl_block *fl_document_add_table(struct fl_document *document, struct fl_table *table,
                                       const char *caption);

/* Takes drawing->svg over; title must outlive the document. */
void fl_document_add_figure(struct fl_document *document, const struct fl_drawing *drawing,
                            const char *caption);

int fl_document_check(const struct fl_document *document, struct fl_error *error);

#endif
