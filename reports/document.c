#include "reports/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fl_document_open(struct fl_document *document, enum fl_language language, const char *title)
{
    *document = (struct fl_document){.language = language, .title = strdup(title)};
    document->failed = !document->title;
}

static void close_block(struct fl_block *block)
{
    free(block->text);
    free(block->figure);
    free(block->drawing.svg);
    fl_table_close(&block->table);
}

void fl_document_close(struct fl_document *document)
{
    for (int i = 0; i < document->n_blocks; i++)
        close_block(&document->blocks[i]);
    free(document->blocks);
    free(document->title);
    *document = (struct fl_document){0};
}

/* Takes text over. NULL when memory has run out. */
static struct fl_block *add_block(struct fl_document *document, enum fl_block_kind kind, char *text)
{
    if (document->n_blocks == document->capacity && text) {
        int capacity = document->capacity ? 2 * document->capacity : 64;
        struct fl_block *larger =
            realloc(document->blocks, (size_t)capacity * sizeof *document->blocks);
        if (larger) {
            document->blocks = larger;
            document->capacity = capacity;
        }
    }
    if (!text || document->n_blocks == document->capacity) {
        free(text);
        document->failed = true;
        return NULL;
    }
    struct fl_block *block = &document->blocks[document->n_blocks++];
    *block = (struct fl_block){.kind = kind, .level = 2, .text = text};
    return block;
}

static void add_figure_text(struct fl_document *document, struct fl_block *block,
                            const char *figure)
{
    if (!block || !figure)
        return;
    block->figure = strdup(figure);
    document->failed = document->failed || !block->figure;
}

void fl_document_text(struct fl_document *document, enum fl_block_kind kind, enum fl_string_id id)
{
    add_block(document, kind, strdup(fl_text(document->language, id)));
}

void fl_document_say_id(struct fl_document *document, enum fl_block_kind kind, const char *figure,
                        enum fl_string_id id, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, id);
    if (vasprintf(&text, fl_text(document->language, id), args) < 0)
        text = NULL;
    va_end(args);
    add_figure_text(document, add_block(document, kind, text), figure);
}

void fl_document_heading(struct fl_document *document, int level, const char *anchor,
                         const char *text)
{
    struct fl_block *block = add_block(document, FL_BLOCK_HEADING, strdup(text));
    if (block)
        block->level = level;
    add_figure_text(document, block, anchor);
}

void fl_document_open_table(const struct fl_document *document, struct fl_table *table,
                            const char *alignment, const enum fl_string_id *ids)
{
    enum { MOST_COLUMNS = 24 };
    const char *headings[MOST_COLUMNS];
    for (size_t i = 0; i < strlen(alignment) && i < MOST_COLUMNS; i++)
        headings[i] = fl_text(document->language, ids[i]);
    fl_table_open(table, alignment, headings);
}

struct fl_block *fl_document_add_table(struct fl_document *document, struct fl_table *table,
                                       const char *caption)
{
    struct fl_block *block = add_block(document, FL_BLOCK_TABLE, strdup(caption));
    document->failed = document->failed || table->failed;
    if (!block) {
        fl_table_close(table);
        return NULL;
    }
    block->table = *table;
    *table = (struct fl_table){0};
    return block;
}

void fl_document_add_figure(struct fl_document *document, const struct fl_drawing *drawing,
                            const char *caption)
{
    struct fl_block *block = add_block(document, FL_BLOCK_FIGURE, strdup(caption));
    if (block)
        block->drawing = *drawing;
    else
        free(drawing->svg);
}

void fl_document_add_calculator(struct fl_document *document, char *json)
{
    add_block(document, FL_BLOCK_WIDGET, json);
}

int fl_document_check(const struct fl_document *document, struct fl_error *error)
{
    return document->failed ? fl_fail(error, "report: no memory for its text") : FL_OK;
}
