#include "reports/escape.h"
#include "reports/gnuplot.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char out[4096];

static const char *escaped(void (*escape)(FILE *, const char *), const char *text)
{
    FILE *stream = fmemopen(out, sizeof out, "w");
    cr_assert_not_null(stream);
    escape(stream, text);
    fclose(stream);
    return out;
}

Test(escape, html)
{
    cr_expect_str_eq(escaped(fl_escape_html, "a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&#39;c");
    cr_expect_str_eq(escaped(fl_escape_html, "中 é"), "中 é");
    cr_expect_str_eq(escaped(fl_escape_html, "x\xff y\x01"), "x\xef\xbf\xbd y ");
}

Test(escape, markdown_gives_nothing_a_meaning)
{
    const char *text = escaped(fl_escape_markdown, "# <b> [a](b) *x* `c` | _d_\n- e");
    cr_expect_not(strchr(text, '<'), "%s", text);
    cr_expect_not(strchr(text, '\n'), "%s", text);
    static const char SPECIAL[] = "[]*`|_#";
    for (const char *c = text; *c; c++)
        if (strchr(SPECIAL, *c))
            cr_expect(c > text && c[-1] == '\\', "%s", text);
}

Test(escape, gnuplot_strings_cannot_be_left)
{
    const char *text = escaped(fl_escape_gnuplot, "a\"b'c`id`$(x)@y\\z\n{/Bold q}");
    size_t length = strlen(text);
    cr_assert(length > 2 && text[0] == '"' && text[length - 1] == '"');
    for (size_t i = 1; i + 1 < length; i++) {
        cr_expect_not(strchr("\"'`$@\n{}", text[i]), "%s", text);
        if (text[i] == '\\')
            cr_expect(text[i + 1] >= '0' && text[i + 1] <= '3', "%s", text);
    }
}

/* A title that would run commands and open files, were it not text. */
Test(escape, gnuplot_draws_hostile_titles)
{
    static const char TITLE[] = "`touch hacked` \"; system(\"touch hacked\"); set output 'hacked' "
                                "$(touch hacked) @hacked {/Bold x} 中";
    struct fl_gnuplot plot;
    struct fl_error error;
    char *svg = NULL;
    cr_assert_eq(fl_gnuplot_open(&plot, "hostile", 300, 200, &error), FL_OK, "%s", error.text);
    fputs("set title ", plot.script);
    fl_escape_gnuplot(plot.script, TITLE);
    fputs("\nplot x\n", plot.script);
    cr_assert_eq(fl_gnuplot_run(&plot, &svg, &error), FL_OK, "%s", error.text);
    char path[1024];
    snprintf(path, sizeof path, "%s/hacked", plot.directory);
    cr_expect_not(fl_file_exists(path));
    cr_expect(strstr(svg, "touch hacked"), "the title is drawn as it is");
    cr_expect(strstr(svg, "中"));
    char directory[sizeof plot.directory];
    memcpy(directory, plot.directory, sizeof directory);
    fl_gnuplot_close(&plot);
    cr_expect_not(fl_file_exists(directory), "nothing is left in the temporary directory");
    free(svg);
}

Test(escape, gnuplot_mistakes_are_a_sentence)
{
    struct fl_gnuplot plot;
    struct fl_error error = {""};
    char *svg = NULL;
    cr_assert_eq(fl_gnuplot_open(&plot, "wrong", 300, 200, &error), FL_OK);
    fputs("plot nonsense(\n", plot.script);
    cr_expect_eq(fl_gnuplot_run(&plot, &svg, &error), FL_FAILED);
    cr_expect(strstr(error.text, "gnuplot: failed"), "%s", error.text);
    fl_gnuplot_close(&plot);
}
