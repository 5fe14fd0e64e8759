/* README.md and README.zh-CN.md: they name every command, show the same runs, and what they show is
 * what the program prints. */
#include "counters/counter_flopgrind.h"
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const READMES[] = {"README.md", "README.zh-CN.md"};
static const char PROMPT[] = "    $ ";

Test(cli_readme, every_command_is_named)
{
    struct run_result help = run_flopledger("--help");
    for (int i = 0; i < 2; i++) {
        char *text = run_read("%s", READMES[i]);
        const char *line = strstr(help.out, "\ncommands:\n") + strlen("\ncommands:\n");
        for (char name[32], quoted[40]; sscanf(line, "  %31s", name) == 1 && *line == ' ';
             line = strchr(line, '\n') + 1) {
            snprintf(quoted, sizeof quoted, "`%s`", name);
            const char *row = strstr(text, quoted);
            cr_expect(row, "%s: %s", READMES[i], quoted);
            snprintf(quoted, sizeof quoted, "\n| `%s` |", name);
            row = strstr(text, quoted);
            cr_expect_not(row && strstr(row + 1, quoted), "%s: two rows%s", READMES[i], quoted);
        }
        free(text);
    }
    run_release(&help);
}

/* The lines that begin with a prompt, and what follows them indented, one behind the other. */
static char *runs_of(const char *path)
{
    char *text = run_read("%s", path), *to = text;
    bool shown = false;
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n") + 1;
        const bool indented = strncmp(line, "    ", 4) == 0;
        shown = indented && (shown || strncmp(line, PROMPT, strlen(PROMPT)) == 0);
        if (shown) {
            memmove(to, line, length);
            to += length;
        }
        line += length;
    }
    *to = '\0';
    return text;
}

Test(cli_readme, both_languages_show_the_same)
{
    char *english = runs_of(READMES[0]), *chinese = runs_of(READMES[1]);
    for (char *at; (at = strstr(chinese, " --lang zh")) != NULL;)
        memmove(at, at + strlen(" --lang zh"), strlen(at + strlen(" --lang zh")) + 1);
    cr_expect_str_eq(chinese, english);
    free(english);
    free(chinese);
}

/* Every line that is shown behind the command is in what it prints, as far as `width` bytes. */
static void expect_shown(const char *command, size_t width)
{
    char *runs = runs_of(READMES[0]), prompted[128];
    snprintf(prompted, sizeof prompted, "%sflopledger %s\n", PROMPT, command);
    const char *line = strstr(runs, prompted);
    cr_assert_not_null(line, "%s", prompted);
    struct run_result r = run_flopledger("%s", command);
    cr_assert_eq(r.status, 0, "%s", r.err);
    int n = 0;
    for (line += strlen(prompted); *line && strncmp(line, PROMPT, strlen(PROMPT)) != 0; n++) {
        char part[512];
        const size_t length = strcspn(line, "\n");
        snprintf(part, sizeof part, "%.*s", (int)(length - 4 < width ? length - 4 : width),
                 line + 4);
        if (strcmp(part, "[...]") != 0)
            cr_expect(strstr(r.out, part), "%s: no '%s'", command, part);
        line += length + 1;
    }
    cr_expect_gt(n, 3);
    run_release(&r);
    free(runs);
}

Test(cli_readme, what_it_shows_is_what_comes)
{
    expect_shown("count -m gpt2-small -s 1024", 512);
    expect_shown("count -m gpt2-small -s 1024 --explain", 512);
}

/* But for the times. */
Test(cli_readme, its_table_is_of_a_real_run)
{
    if (fl_flopgrind_missing())
        cr_skip_test("%s", fl_flopgrind_missing());
    expect_shown("audit -m gpt2-nano -s 256 -t 1 --counter flopgrind", 78);
}
