/* scripts/check-strings: finds words that bypass the table of strings, and nothing else. */
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct run_scratch scratch;

static void setup(void)
{
    run_scratch_make(&scratch);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_strings, .init = setup, .fini = teardown);

/* The script's verdict on a file of reports/ that holds this line. */
static int verdict(const char *line)
{
    struct run_result r = run_shell("mkdir -p '%s/reports'", scratch.path);
    run_release(&r);
    char path[128];
    snprintf(path, sizeof path, "%s/reports/report_line.c", scratch.path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file, "#include \"reports/report.h\"\n/* words in a comment */\n%s\n", line);
    fclose(file);
    r = run_shell("scripts/check-strings '%s'", scratch.path);
    int status = r.status;
    cr_expect(status == 0 || strstr(r.err, "report_line.c:3"), "%s: %s", line, r.err);
    run_release(&r);
    return status;
}

Test(cli_strings, words_in_code_are_found)
{
    static const char *const WRONG[] = {
        "snprintf(caption, n, \"The gap of a prefill\");",
        "snprintf(caption, n, \"%d points\", i);",
        "fl_table_cell(&table, \"operator\");",
        "fl_document_heading(document, 2, \"runs\", \"Runs\");",
        "fputs(\"set xlabel 'prompt tokens'\\n\", plot->script);",
        "fprintf(plot->script, \"plot 'data' using 1:2 title 'measured'\\n\");",
        "fprintf(plot->script, \"set title \\\"Where\\\"\\n\");",
        "fputs(\"<p>Nothing was measured</p>\", out);",
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        cr_expect_eq(verdict(WRONG[i]), 1, "not found: %s", WRONG[i]);
}

Test(cli_strings, what_is_no_text_is_let_be)
{
    static const char *const RIGHT[] = {
        "return fl_fail(error, \"report: %s: there is no such plot\", name);",
        "fprintf(plot->script, \"plot 'data' index %d using 1:2 with lines lt 2 title %s\\n\", i, "
        "t);",
        "fputs(\"set ylabel 'FLOP'\\nset key outside right center\\n\", plot->script);",
        "fputs(\"<div class=\\\"warning\\\" role=\\\"note\\\">\", out);",
        "fputs(\"{\\\"name\\\": \", out);",
        "fl_table_format(&table, \"%.2f\", rate);",
        "fl_document_heading(document, 2, \"runs\", fl_text(language, FL_STR_H_RUNS));",
    };
    for (size_t i = 0; i < sizeof RIGHT / sizeof *RIGHT; i++)
        cr_expect_eq(verdict(RIGHT[i]), 0, "complained: %s", RIGHT[i]);
}

Test(cli_strings, rows_that_nothing_shows_are_found)
{
    struct run_result r =
        run_shell("mkdir -p '%s/reports' && cd '%s/reports' && "
                  "printf 'X(SHOWN, \"a\", \"b\")\\nX(PARTLY, \"a\",\\n  \"b\")\\nX(NEVER, \"c\", "
                  "\"d\")\\n' > strings_some.h && printf 'X(BY_TEXT, \"e\", \"f\")\\n' > "
                  "strings_words.h && printf 'f(FL_STR_SHOWN); g(out, PARTLY, 1, \"\");\\n' > "
                  "report_line.c",
                  scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    r = run_shell("scripts/check-strings '%s'", scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect_str_eq(r.err, "check-strings: NEVER: nothing shows this row of reports/strings_*.h\n",
                     "%s", r.err);
    run_release(&r);
}

Test(cli_strings, the_project_passes)
{
    struct run_result r = run_shell("scripts/check-strings");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "hold no words of reports"), "%s", r.out);
    run_release(&r);
}
