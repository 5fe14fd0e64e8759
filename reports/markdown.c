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

static void put_figure(FILE *out, const struct fl_block *block)
{
    put_line(out, "![", block->drawing.title, "]");
    fprintf(out, "(plots/%s.svg)\n\n", block->drawing.name);
    put_line(out, "*", block->text, "*\n\n");
}

static bool is_item(const struct fl_block *block)
{
    return block->kind == FL_BLOCK_FINDING || block->kind == FL_BLOCK_MISSING;
}

void fl_markdown_write(FILE *out, const struct fl_document *document)
{
    put_line(out, "# ", document->title, "\n\n");
    for (int i = 0; i < document->n_blocks; i++) {
        const struct fl_block *block = &document->blocks[i];
        switch (block->kind) {
        case FL_BLOCK_HEADING:
            put_line(out, block->level == 2 ? "## " : "### ", block->text, "\n\n");
            break;
        case FL_BLOCK_TEXT:
            put_line(out, "", block->text, "\n\n");
            break;
        case FL_BLOCK_WARNING:
            put_line(out, "> **Attention:** ", block->text, "\n\n");
            break;
        case FL_BLOCK_FINDING:
        case FL_BLOCK_MISSING:
            put_line(out, block->kind == FL_BLOCK_FINDING ? "- " : "- Missing: ", block->text,
                     "\n");
            if (i + 1 == document->n_blocks || !is_item(block + 1))
                fputc('\n', out);
            break;
        case FL_BLOCK_TABLE:
            if (!block->folded)
                put_table(out, block);
            break;
        case FL_BLOCK_FIGURE:
            put_figure(out, block);
            break;
        }
    }
}
