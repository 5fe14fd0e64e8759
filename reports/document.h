/* document.h - a report as a sequence of blocks, built once and rendered as HTML and Markdown.
 *
 * All text is plain UTF-8: the renderers escape it. Its own words are rows of the table of strings,
 * in the document's language; text that others chose comes through a row's %s. Running out of
 * memory is remembered and reported by fl_document_check(). */
#ifndef FL_REPORTS_DOCUMENT_H
#define FL_REPORTS_DOCUMENT_H

#include "base/error.h"
#include "reports/strings.h"
#include "reports/svg.h"
#include "reports/table.h"

#include <stdbool.h>

enum fl_block_kind {
    FL_BLOCK_HEADING, /* level 2 or 3; the title is level 1 */
    FL_BLOCK_TEXT,
    FL_BLOCK_FINDING, /* one sentence or two, with the figure that says it shortest */
    FL_BLOCK_MISSING, /* what the data does not contain; neighbours form a list */
    FL_BLOCK_NOTE,    /* how far the figures around it can be relied on */
    FL_BLOCK_WARNING, /* figures are wrong: must not be overlooked */
    FL_BLOCK_TABLE,   /* text is its caption */
    FL_BLOCK_FIGURE,  /* text is its caption */
    FL_BLOCK_WIDGET   /* something a page can do and a file of text cannot; text is JSON */
};

struct fl_block {
    enum fl_block_kind kind;
    int level;
    char *text;
    char *figure; /* FINDING: "12.3×"; HEADING: the anchor, letters, digits and '-' only. Or NULL */
    bool folded;  /* TABLE: shown on demand, not printed */
    struct fl_table table;
    struct fl_drawing drawing;
};

struct fl_document {
    enum fl_language language;
    char *title;
    struct fl_block *blocks;
    int n_blocks, capacity;
    bool failed;
};

void fl_document_open(struct fl_document *document, enum fl_language language, const char *title);
void fl_document_close(struct fl_document *document);

/* A row of the table of strings as TEXT, MISSING, NOTE or WARNING; fl_document_say: one with
 * directives, fl_document_say(document, FL_BLOCK_TEXT, CAPTION_RUN, i, n). */
void fl_document_text(struct fl_document *document, enum fl_block_kind kind, enum fl_string_id id);
#define fl_document_say(document, kind, id, ...)                                                   \
    (FL_CHECK_STRING(id, __VA_ARGS__),                                                             \
     fl_document_say_id(document, kind, NULL, FL_STR_##id, __VA_ARGS__))

/* A FINDING. figure: a few characters that say it shortest, "12.3×". */
#define fl_document_find(document, figure, id, ...)                                                \
    (FL_CHECK_STRING(id, __VA_ARGS__),                                                             \
     fl_document_say_id(document, FL_BLOCK_FINDING, figure, FL_STR_##id, __VA_ARGS__))
void fl_document_say_id(struct fl_document *document, enum fl_block_kind kind, const char *figure,
                        enum fl_string_id id, ...);

/* text as it is: a model's name, or a row. anchor: unique in the document. */
void fl_document_heading(struct fl_document *document, int level, const char *anchor,
                         const char *text);

/* Opens a table whose headings are rows; ids: one a letter of alignment. */
void fl_document_open_table(const struct fl_document *document, struct fl_table *table,
                            const char *alignment, const enum fl_string_id *ids);

/* Takes the table over. Returns the block, which moves when another is added. */
struct fl_block *fl_document_add_table(struct fl_document *document, struct fl_table *table,
                                       const char *caption);

/* Takes drawing->svg over; title must outlive the document. */
void fl_document_add_figure(struct fl_document *document, const struct fl_drawing *drawing,
                            const char *caption);

/* Takes json over: what the calculator works on. */
void fl_document_add_calculator(struct fl_document *document, char *json);

int fl_document_check(const struct fl_document *document, struct fl_error *error);

#endif
