#include "reports/html.h"

#include "reports/escape.h"

static const char STYLE[] =
    ":root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --soft: #59636e;\n"
    "  --line: #d1d9e0; --card: #f6f8fa; --mark: #0b62a3; --alarm: #b42318; --alarm-card: #fff1f0 "
    "}\n"
    "@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3;\n"
    "  --soft: #9aa4af; --line: #3d444d; --card: #161b22; --mark: #6cb6ff; --alarm: #ff938a;\n"
    "  --alarm-card: #2d1513 } }\n"
    "* { box-sizing: border-box }\n"
    "body { margin: 0 auto; max-width: 66rem; padding: 2rem 1.25rem 4rem; background: "
    "var(--paper);\n"
    "  color: var(--ink); font: 16px/1.55 system-ui, \"Segoe UI\", Roboto, \"Noto Sans\", "
    "sans-serif }\n"
    "h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem }\n"
    "h2 { font-size: 1.4rem; margin: 2.6rem 0 .8rem; padding-bottom: .3rem;\n"
    "  border-bottom: 1px solid var(--line) }\n"
    "h3 { font-size: 1.1rem; margin: 2rem 0 .6rem }\n"
    "h1, h2, p, li, figcaption, .warning { overflow-wrap: anywhere }\n"
    "p, ul { max-width: 46rem }\n"
    "li { margin: .45rem 0 }\n"
    "li.missing { color: var(--soft) }\n"
    ".warning { margin: 1rem 0; padding: .8rem 1rem; border-left: 4px solid var(--alarm);\n"
    "  background: var(--alarm-card); color: var(--alarm); font-weight: 600 }\n"
    "figure { margin: 1.6rem 0 }\n"
    "figure.drawing svg { display: block; width: 100%; height: auto }\n"
    "figcaption { color: var(--soft); font-size: .9rem; margin: .4rem 0 }\n"
    ".scroll { overflow-x: auto }\n"
    "table { border-collapse: collapse; font-size: .83rem; font-variant-numeric: tabular-nums }\n"
    "th, td { padding: .28rem .5rem; border-bottom: 1px solid var(--line); text-align: left;\n"
    "  vertical-align: top }\n"
    "th { font-weight: 600; vertical-align: bottom; background: var(--card) }\n"
    ".r { text-align: right; white-space: nowrap }\n"
    "td:first-child { white-space: nowrap }\n"
    "tr.rule td { border-top: 2px solid var(--line) }\n"
    "summary { cursor: pointer; color: var(--mark); margin: 1rem 0 }\n"
    "@media print { @page { size: A4; margin: 15mm 14mm }\n"
    "  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --card: #f3f3f3;\n"
    "    --alarm: #a00; --alarm-card: #fff }\n"
    "  body { max-width: none; padding: 0; font-size: 10pt }\n"
    "  table { font-size: 7.6pt } th, td { padding: .18rem .35rem }\n"
    "  h2, h3 { break-after: avoid } figure.drawing, tr, li { break-inside: avoid }\n"
    "  details { display: none } .scroll { overflow: visible } p, ul { max-width: none } }\n";

static void put_element(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    fl_escape_html(out, text);
    fputs(close, out);
}

static void put_cell(FILE *out, const struct fl_table *table, int i)
{
    int column = i % table->n_columns;
    const char *tag = i < table->n_columns ? "th" : "td";
    fprintf(out, "<%s%s>", tag, table->alignment[column] == 'r' ? " class=\"r\"" : "");
    fl_escape_html(out, table->cells[i]);
    fprintf(out, "</%s>", tag);
}

static void put_table(FILE *out, const struct fl_block *block)
{
    const struct fl_table *table = &block->table;
    int n = table->n_columns;
    if (block->folded)
        put_element(out, "<details><summary>", block->text, "</summary>\n");
    fputs("<figure>", out);
    if (!block->folded)
        put_element(out, "<figcaption>", block->text, "</figcaption>\n");
    fputs("<div class=\"scroll\"><table>\n", out);
    for (int i = 0; i < table->n_cells; i++) {
        if (i % n == 0)
            fputs(i == 0            ? "<thead><tr>"
                  : i == n          ? "<tbody>\n<tr>"
                  : table->rules[i] ? "<tr class=\"rule\">"
                                    : "<tr>",
                  out);
        put_cell(out, table, i);
        if (i % n == n - 1)
            fputs(i == n - 1 ? "</tr></thead>\n" : "</tr>\n", out);
    }
    fprintf(out, "%s</table></div></figure>%s\n", table->n_cells > n ? "</tbody>" : "",
            block->folded ? "</details>" : "");
}

static void put_figure(FILE *out, const struct fl_block *block)
{
    fprintf(out, "<figure class=\"drawing\" id=\"%s\">\n", block->drawing.name);
    fl_drawing_inline(out, &block->drawing);
    put_element(out, "<figcaption>", block->text, "</figcaption></figure>\n");
}

static bool is_item(const struct fl_block *block)
{
    return block->kind == FL_BLOCK_FINDING || block->kind == FL_BLOCK_MISSING;
}

static void put_item(FILE *out, const struct fl_document *document, int i)
{
    const struct fl_block *block = &document->blocks[i];
    if (i == 0 || !is_item(block - 1))
        fputs("<ul>\n", out);
    put_element(out, block->kind == FL_BLOCK_FINDING ? "<li>" : "<li class=\"missing\">Missing: ",
                block->text, "</li>\n");
    if (i + 1 == document->n_blocks || !is_item(block + 1))
        fputs("</ul>\n", out);
}

static void put_block(FILE *out, const struct fl_document *document, int i)
{
    const struct fl_block *block = &document->blocks[i];
    switch (block->kind) {
    case FL_BLOCK_HEADING:
        put_element(out, block->level == 2 ? "<h2>" : "<h3>", block->text,
                    block->level == 2 ? "</h2>\n" : "</h3>\n");
        break;
    case FL_BLOCK_TEXT:
        put_element(out, "<p>", block->text, "</p>\n");
        break;
    case FL_BLOCK_WARNING:
        put_element(out, "<div class=\"warning\" role=\"alert\">", block->text, "</div>\n");
        break;
    case FL_BLOCK_FINDING:
    case FL_BLOCK_MISSING:
        put_item(out, document, i);
        break;
    case FL_BLOCK_TABLE:
        put_table(out, block);
        break;
    case FL_BLOCK_FIGURE:
        put_figure(out, block);
        break;
    }
}

void fl_html_write(FILE *out, const struct fl_document *document)
{
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
          out);
    put_element(out, "<title>", document->title, "</title>\n<style>\n");
    fputs(STYLE, out);
    put_element(out, "</style>\n</head>\n<body>\n<h1>", document->title, "</h1>\n");
    for (int i = 0; i < document->n_blocks; i++)
        put_block(out, document, i);
    fputs("</body>\n</html>\n", out);
}
