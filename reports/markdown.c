#include "reports/markdown.h"

#include "reports/escape.h"

static void put_line(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    fl_escape_markdown(out, text);
    fputs(after, out);
}

static void put_table(FILE *out, const struct fl_block *block)
{
    const struct fl_table *table = &block->table;
    int n = table->n_columns;
    put_line(out, "", block->text, "\n\n");
    for (int i = 0; i < table->n_cells; i++) {
        put_line(out, i % n == 0 ? "| " : " | ", table->cells[i], "");
        if (i % n == n - 1)
            fputs(" |\n", out);
        for (int k = 0; i == n - 1 && k < n; k++)
            fprintf(out, "%s%s", table->alignment[k] == 'r' ? "|---:" : "|---",
                    k == n - 1 ? "|\n" : "");
    }
    fputc('\n', out);
}

static void put_figure(FILE *out, const struct fl_document *document, const struct fl_block *block)
{
    put_line(out, "![", block->drawing.title, "]");
    fprintf(out, "(plots/%s%s.svg)\n\n", block->drawing.name,
            document->language == FL_ZH ? ".zh" : "");
    put_line(out, "*", block->text, "*\n\n");
}

static void put_warning(FILE *out, const struct fl_document *document, const char *text)
{
    fprintf(out, "> **%s** ", fl_text(document->language, FL_STR_ATTENTION));
    put_line(out, "", text, "\n\n");
}

static bool is_item(const struct fl_block *block)
{
    return block->kind == FL_BLOCK_FINDING || block->kind == FL_BLOCK_MISSING;
}

static void put_item(FILE *out, const struct fl_document *document, int i)
{
    const struct fl_block *block = &document->blocks[i];
    fputs("- ", out);
    if (block->kind == FL_BLOCK_MISSING)
        put_line(out, "", fl_text(document->language, FL_STR_MISSING), "");
    else if (block->figure)
        put_line(out, "**", block->figure, "** — ");
    put_line(out, "", block->text, "\n");
    if (i + 1 == document->n_blocks || !is_item(block + 1))
        fputc('\n', out);
}

void fl_markdown_write(FILE *out, const struct fl_document *document, const char *other)
{
    enum fl_language switched = document->language == FL_EN ? FL_ZH : FL_EN;
    put_line(out, "# ", document->title, "\n\n");
    if (other)
        fprintf(out, "[%s](%s)\n\n", fl_text(switched, FL_STR_LANGUAGE_NAME), other);
    for (int i = 0; i < document->n_blocks; i++) {
        const struct fl_block *block = &document->blocks[i];
        switch (block->kind) {
        case FL_BLOCK_HEADING:
            put_line(out, block->level == 2 ? "## " : "### ", block->text, "\n\n");
            break;
        case FL_BLOCK_TEXT:
            put_line(out, "", block->text, "\n\n");
            break;
        case FL_BLOCK_NOTE:
            put_line(out, "> ", block->text, "\n\n");
            break;
        case FL_BLOCK_WARNING:
            put_warning(out, document, block->text);
            break;
        case FL_BLOCK_FINDING:
        case FL_BLOCK_MISSING:
            put_item(out, document, i);
            break;
        case FL_BLOCK_TABLE:
            if (!block->folded)
                put_table(out, block);
            break;
        case FL_BLOCK_FIGURE:
            put_figure(out, document, block);
            break;
        case FL_BLOCK_WIDGET:
            fprintf(out, "%s\n\n", fl_text(document->language, FL_STR_CALC_ON_PAGE));
            break;
        }
    }
}
