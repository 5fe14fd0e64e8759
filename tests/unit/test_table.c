#include "reports/table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char out[4096];

static const char *printed(const struct fl_table *table, enum fl_table_style style)
{
    FILE *stream = fmemopen(out, sizeof out, "w");
    cr_assert_not_null(stream);
    cr_assert(fl_table_print(table, style, stream));
    fclose(stream);
    return out;
}

static struct fl_table sample(void)
{
    static const char *const HEADINGS[] = {"name", "value"};
    struct fl_table table;
    fl_table_open(&table, "lr", HEADINGS);
    fl_table_cell(&table, "a|b");
    fl_table_cell(&table, "1,000");
    fl_table_rule(&table);
    fl_table_cell(&table, "中é\"");
    fl_table_format(&table, "%d", 7);
    return table;
}

Test(table, text_aligns_wide_characters)
{
    struct fl_table table = sample();
    cr_expect_str_eq(printed(&table, FL_TABLE_TEXT), "name  value\n"
                                                     "───────────\n"
                                                     "a|b   1,000\n"
                                                     "───────────\n"
                                                     "中é\"      7\n");
    fl_table_close(&table);
}

Test(table, markdown_escapes_its_bars)
{
    struct fl_table table = sample();
    cr_expect_str_eq(printed(&table, FL_TABLE_MARKDOWN), "| name | value |\n"
                                                         "|---|---:|\n"
                                                         "| a\\|b | 1,000 |\n"
                                                         "| 中é\" | 7 |\n");
    fl_table_close(&table);
}

Test(table, csv_follows_rfc_4180)
{
    struct fl_table table = sample();
    cr_expect_str_eq(printed(&table, FL_TABLE_CSV), "name,value\r\n"
                                                    "a|b,\"1,000\"\r\n"
                                                    "\"中é\"\"\",7\r\n");
    fl_table_close(&table);
}

Test(table, grows_beyond_its_first_rows)
{
    struct fl_table table = sample();
    for (int i = 0; i < 1000; i++)
        fl_table_format(&table, "%d", i);
    cr_expect_eq(table.n_cells, 1006);
    cr_expect(strstr(printed(&table, FL_TABLE_TEXT), "name"));
    fl_table_close(&table);
}

Test(table, widths)
{
    cr_expect_eq(fl_text_width("abc"), 3);
    cr_expect_eq(fl_text_width("é≠·"), 3);
    cr_expect_eq(fl_text_width("中文"), 4);
    cr_expect_eq(fl_text_width(""), 0);
}
