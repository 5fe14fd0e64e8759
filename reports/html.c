#include "reports/html.h"

#include "reports/assets.h"
#include "reports/escape.h"

static const char *words(const struct fl_document *document, enum fl_string_id id)
{
    return fl_text(document->language, id);
}

static void put_element(FILE *out, const char *open, const char *text, const char *close)
{
    fputs(open, out);
    fl_escape_html(out, text);
    fputs(close, out);
}

/* ---- tables ---- */

static void put_cell(FILE *out, const struct fl_table *table, int i)
{
    int column = i % table->n_columns;
    bool right = table->alignment[column] == 'r', heading = i < table->n_columns;
    bool names_row = !heading && column == 0;
    const char *tag = heading || names_row ? "th" : "td";
    fprintf(out, "<%s%s%s>", tag,
            heading     ? " scope=\"col\""
            : names_row ? " scope=\"row\""
                        : "",
            right ? " class=\"r\"" : "");
    fl_escape_html(out, table->cells[i]);
    fprintf(out, "</%s>", tag);
}

/* Rows between rules are a body of their own: sorting keeps to it, so sums stay below. */
static void put_rows(FILE *out, const struct fl_table *table)
{
    int n = table->n_columns;
    for (int i = 0; i < table->n_cells; i++) {
        if (i == 0)
            fputs("<thead>", out);
        else if (i == n)
            fputs("<tbody>\n", out);
        else if (i % n == 0 && table->rules[i])
            fputs("</tbody><tbody>\n", out);
        if (i % n == 0)
            fputs("<tr>", out);
        put_cell(out, table, i);
        if (i % n == n - 1)
            fputs(i == n - 1 ? "</tr></thead>\n" : "</tr>\n", out);
    }
    if (table->n_cells > n)
        fputs("</tbody>", out);
}

static void put_table(FILE *out, const struct fl_block *block, int number)
{
    if (block->folded)
        put_element(out, "<details><summary>", block->text, "</summary>\n");
    fputs("<figure class=\"table\">", out);
    fprintf(out, "<figcaption id=\"table%d\"%s>", number, block->folded ? " class=\"said\"" : "");
    put_element(out, "", block->text, "</figcaption>\n");
    fprintf(out,
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"table%d\">"
            "<table>\n",
            number);
    put_rows(out, &block->table);
    fprintf(out, "</table></div></figure>%s\n", block->folded ? "</details>" : "");
}

/* ---- other blocks ---- */

static void put_figure(FILE *out, const struct fl_block *block)
{
    fprintf(out, "<figure class=\"drawing\" id=\"%s\">\n", block->drawing.name);
    fputs("<div class=\"paper\">", out);
    fl_drawing_inline(out, &block->drawing);
    put_element(out, "</div>\n<figcaption>", block->text, "</figcaption></figure>\n");
}

static void put_finding(FILE *out, const struct fl_block *block)
{
    fputs("<div class=\"finding\">", out);
    if (block->figure)
        put_element(out, "<strong>", block->figure, "</strong>");
    put_element(out, "<p>", block->text, "</p></div>\n");
}

static void put_missing(FILE *out, const struct fl_document *document, int i)
{
    const struct fl_block *block = &document->blocks[i];
    if (i == 0 || block[-1].kind != FL_BLOCK_MISSING)
        fputs("<ul class=\"missing\">\n", out);
    put_element(out, "<li>", words(document, FL_STR_MISSING), "");
    put_element(out, "", block->text, "</li>\n");
    if (i + 1 == document->n_blocks || block[1].kind != FL_BLOCK_MISSING)
        fputs("</ul>\n", out);
}

/* Sections nest as headings do; `open` is the level of the innermost one, 1: none. */
static int put_heading(FILE *out, const struct fl_block *block, int open)
{
    for (; open >= block->level; open--)
        fputs("</section>\n", out);
    fprintf(out, "<section id=\"%s\"><h%d>", block->figure ? block->figure : "", block->level);
    fl_escape_html(out, block->text);
    fprintf(out, "</h%d>\n", block->level);
    return block->level;
}

static void put_calculator(FILE *out, const struct fl_document *document, int i)
{
    fputs("<div id=\"calculator\"></div>\n<noscript>", out);
    put_element(out, "<p>", words(document, FL_STR_CALC_NEEDS_SCRIPT), "</p></noscript>\n");
    fputs("<script type=\"application/json\" id=\"ledger\">", out);
    fputs(document->blocks[i].text, out); /* made by calculator.c, which escapes '<' */
    fputs("</script>\n", out);
}

static void put_blocks(FILE *out, const struct fl_document *document)
{
    int open = 1;
    for (int i = 0; i < document->n_blocks; i++) {
        const struct fl_block *block = &document->blocks[i];
        switch (block->kind) {
        case FL_BLOCK_HEADING:
            open = put_heading(out, block, open);
            break;
        case FL_BLOCK_TEXT:
            put_element(out, "<p>", block->text, "</p>\n");
            break;
        case FL_BLOCK_NOTE:
            put_element(out, "<p class=\"remark\" role=\"note\">", block->text, "</p>\n");
            break;
        case FL_BLOCK_WARNING:
            put_element(out, "<div class=\"warning\" role=\"note\">", block->text, "</div>\n");
            break;
        case FL_BLOCK_FINDING:
            put_finding(out, block);
            break;
        case FL_BLOCK_MISSING:
            put_missing(out, document, i);
            break;
        case FL_BLOCK_TABLE:
            put_table(out, block, i);
            break;
        case FL_BLOCK_FIGURE:
            put_figure(out, block);
            break;
        case FL_BLOCK_WIDGET:
            put_calculator(out, document, i);
            break;
        }
    }
    for (; open > 1; open--)
        fputs("</section>\n", out);
}

/* ---- the page around them ---- */

/* The first finding of a section, which stands beside its heading in the contents. */
static const char *figure_of(const struct fl_document *document, int heading)
{
    for (int i = heading + 1; i < document->n_blocks; i++) {
        const struct fl_block *block = &document->blocks[i];
        if (block->kind == FL_BLOCK_HEADING)
            return NULL;
        if (block->kind == FL_BLOCK_FINDING)
            return block->figure;
    }
    return NULL;
}

static void put_contents(FILE *out, const struct fl_document *document)
{
    int open = 1;
    fprintf(out, "<nav aria-label=\"");
    put_element(out, "", words(document, FL_STR_CONTENTS), "\">\n");
    for (int i = 0; i < document->n_blocks; i++) {
        const struct fl_block *block = &document->blocks[i];
        if (block->kind != FL_BLOCK_HEADING || !block->figure)
            continue;
        for (; open < block->level; open++)
            fputs("<ul>", out);
        for (; open > block->level; open--)
            fputs("</ul>", out);
        fprintf(out, "<li><a href=\"#%s\">", block->figure);
        put_element(out, "", block->text, "</a>");
        if (figure_of(document, i))
            put_element(out, " <b>", figure_of(document, i), "</b>");
        fputs("</li>\n", out);
    }
    for (; open > 1; open--)
        fputs("</ul>", out);
    fputs("</nav>\n", out);
}

/* Words that the scripts show; they carry none of their own. */
static void put_button(FILE *out, const char *attributes, const char *text)
{
    fprintf(out, "<button type=\"button\" hidden %s>", attributes);
    put_element(out, "", text, "</button>\n");
}

static void put_header(FILE *out, const struct fl_document *document, const char *other)
{
    static const enum fl_string_id THEMES[] = {FL_STR_THEME_SYSTEM, FL_STR_THEME_LIGHT,
                                               FL_STR_THEME_DARK};
    enum fl_language switched = document->language == FL_EN ? FL_ZH : FL_EN;
    put_element(out, "<a class=\"skip\" href=\"#content\">",
                words(document, FL_STR_SKIP_TO_CONTENT), "</a>\n<header>\n");
    put_element(out, "<h1>", document->title, "</h1>\n<div class=\"controls\">\n");
    if (other) {
        fprintf(out, "<a id=\"language\" hreflang=\"%s\" lang=\"%s\" href=\"%s\">",
                fl_language_names[switched], fl_language_names[switched], other);
        put_element(out, "", fl_text(switched, FL_STR_LANGUAGE_NAME), "</a>\n");
    }
    fputs("<button type=\"button\" hidden id=\"theme\"", out);
    for (int i = 0; i < 3; i++) {
        fprintf(out, " data-%d=\"", i);
        put_element(out, "", words(document, THEMES[i]), "\"");
    }
    put_element(out, ">", words(document, FL_STR_THEME_SYSTEM), "</button>\n");
    put_button(out, "id=\"print\"", words(document, FL_STR_PRINT));
    fputs("</div>\n</header>\n", out);
}

void fl_html_write(FILE *out, const struct fl_document *document, const char *other)
{
    fprintf(out,
            "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n",
            document->language == FL_ZH ? "zh-Hans" : fl_language_names[document->language]);
    put_element(out, "<title>", document->title, "</title>\n<style>\n");
    fprintf(out, "%s</style>\n</head>\n<body>\n", fl_asset_page_css);
    put_header(out, document, other);
    put_contents(out, document);
    fputs("<main id=\"content\" tabindex=\"-1\">\n", out);
    put_element(out, "<p class=\"said\" id=\"sort-hint\">", words(document, FL_STR_SORT_HINT),
                "</p>\n");
    put_blocks(out, document);
    fprintf(out, "</main>\n<script>\n%s</script>\n", fl_asset_page_js);
    fprintf(out, "<script>\n%s</script>\n</body>\n</html>\n", fl_asset_calculator_js);
}
