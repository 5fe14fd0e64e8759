#include "reports/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void fl_table_open(struct fl_table *table, const char *alignment, const char *const *headings)
{
    *table = (struct fl_table){.alignment = alignment, .n_columns = (int)strlen(alignment)};
    for (int i = 0; i < table->n_columns; i++)
        fl_table_cell(table, headings[i]);
}

void fl_table_close(struct fl_table *table)
{
    for (int i = 0; i < table->n_cells; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table->rules);
    *table = (struct fl_table){0};
}

static bool grow(struct fl_table *table)
{
    if (table->n_cells < table->capacity)
        return true;
    int capacity = table->capacity ? 2 * table->capacity : 64;
    char **cells = realloc(table->cells, (size_t)capacity * sizeof *cells);
    if (cells)
        table->cells = cells;
    bool *rules = realloc(table->rules, (size_t)capacity * sizeof *rules);
    if (rules)
        table->rules = rules;
    if (!cells || !rules)
        return false;
    memset(rules + table->capacity, 0, (size_t)(capacity - table->capacity) * sizeof *rules);
    table->capacity = capacity;
    return true;
}

void fl_table_cell(struct fl_table *table, const char *text)
{
    char *copy = strdup(text);
    if (!copy || !grow(table)) {
        free(copy);
        table->failed = true;
        return;
    }
    table->cells[table->n_cells++] = copy;
}

void fl_table_format(struct fl_table *table, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fl_table_cell(table, text);
}

void fl_table_rule(struct fl_table *table)
{
    if (grow(table))
        table->rules[table->n_cells] = true;
}

/* ---- width ---- */

static bool is_wide(unsigned long c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
           (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

int fl_text_width(const char *text)
{
    int width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        unsigned long c = *at++;
        int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
        if (more)
            c &= 0x3fu >> more;
        for (; more > 0 && (*at & 0xc0) == 0x80; more--)
            c = c << 6 | (*at++ & 0x3fu);
        width += is_wide(c) ? 2 : 1;
    }
    return width;
}

/* ---- the three styles ---- */

static void put_spaces(FILE *out, int n)
{
    for (int i = 0; i < n; i++)
        fputc(' ', out);
}

static void print_text(const struct fl_table *table, const int *widths, FILE *out)
{
    int n = table->n_columns, total = 2 * (n - 1);
    for (int column = 0; column < n; column++)
        total += widths[column];
    for (int i = 0; i < table->n_cells; i++) {
        int column = i % n;
        if (column == 0 && (i == n || table->rules[i])) {
            for (int k = 0; k < total; k++)
                fputs("─", out);
            fputc('\n', out);
        }
        int pad = widths[column] - fl_text_width(table->cells[i]);
        bool right = table->alignment[column] == 'r', last = column == n - 1;
        put_spaces(out, right ? pad : 0);
        for (const char *c = table->cells[i]; *c; c++) /* a terminal obeys control characters */
            fputc((unsigned char)*c < ' ' || *c == 127 ? ' ' : *c, out);
        if (!last)
            put_spaces(out, (right ? 0 : pad) + 2);
        else
            fputc('\n', out);
    }
}

static void print_markdown(const struct fl_table *table, FILE *out)
{
    int n = table->n_columns;
    for (int i = 0; i < table->n_cells; i++) {
        fputs(i % n == 0 ? "| " : " | ", out);
        for (const char *c = table->cells[i]; *c; c++) {
            if (*c == '|' || *c == '\\' || *c == '[')
                fputc('\\', out);
            if (*c == '<')
                fputs("&lt;", out);
            else
                fputc(*c == '\n' ? ' ' : *c, out);
        }
        if (i % n != n - 1)
            continue;
        fputs(" |\n", out);
        if (i == n - 1) {
            for (int k = 0; k < n; k++)
                fputs(table->alignment[k] == 'r' ? "|---:" : "|---", out);
            fputs("|\n", out);
        }
    }
}

void fl_csv_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_csv(const struct fl_table *table, FILE *out)
{
    for (int i = 0; i < table->n_cells; i++) {
        fl_csv_text(out, table->cells[i]);
        fputs(i % table->n_columns == table->n_columns - 1 ? "\r\n" : ",", out);
    }
}

bool fl_table_print(const struct fl_table *table, enum fl_table_style style, FILE *out)
{
    int *widths = calloc((size_t)table->n_columns, sizeof *widths);
    bool good = widths && !table->failed;
    for (int i = 0; good && i < table->n_cells; i++) {
        int width = fl_text_width(table->cells[i]);
        if (width > widths[i % table->n_columns])
            widths[i % table->n_columns] = width;
    }
    if (good && style == FL_TABLE_TEXT)
        print_text(table, widths, out);
    else if (good && style == FL_TABLE_MARKDOWN)
        print_markdown(table, out);
    else if (good)
        print_csv(table, out);
    free(widths);
    return good;
}

int fl_table_finish(struct fl_table *table, enum fl_table_style style, FILE *out,
                    struct fl_error *error)
{
    const bool good = fl_table_print(table, style, out);
    fl_table_close(table);
    return good ? FL_OK : fl_fail(error, "not enough memory for the table");
}
