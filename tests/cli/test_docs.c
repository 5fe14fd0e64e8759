/* What the documentation shows is what the program prints: blocks of ```console hold commands
 * behind "$ " and, under each, lines of its output. */
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Where `line`, which may go on in the output, begins in the rest of the output; blanks at the
 * beginning and the end of a line do not count. NULL if it is not there. */
static const char *find_line(const char *output, const char *line)
{
    const size_t n = strlen(line);
    for (const char *at = output; at && *at;) {
        at += strspn(at, " ");
        if (strncmp(at, line, n) == 0)
            return at + n;
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    return NULL;
}

static void trim(char *line)
{
    size_t n = strlen(line);
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        line[--n] = '\0';
    memmove(line, line + strspn(line, " "), n + 1 - strspn(line, " "));
}

struct shown {
    struct run_result result;
    char *output;     /* of the last command, both streams */
    const char *rest; /* where the next line is looked for */
    int n_commands, n_lines;
};

static void run_command(struct shown *shown, const char *scratch, const char *command)
{
    if (shown->output)
        run_release(&shown->result);
    shown->result = run_shell("flopledger() { \"$FLOPLEDGER\" \"$@\"; }; cd '%s' && { %s; } 2>&1",
                              scratch, command);
    cr_expect_eq(shown->result.status, 0, "%s: status %d: %s", command, shown->result.status,
                 shown->result.out);
    shown->rest = shown->output = shown->result.out;
    shown->n_commands++;
}

static void expect_line(struct shown *shown, const char *path, const char *line)
{
    cr_assert_not_null(shown->output, "%s: '%s' has no command above it", path, line);
    const char *end = shown->rest ? find_line(shown->rest, line) : NULL;
    cr_expect_not_null(end, "%s: not printed, or not in this order: '%s'\nprinted:\n%s", path, line,
                       shown->output);
    shown->rest = end ? end : shown->rest;
    shown->n_lines++;
}

static void check_document(const char *path, int least_commands)
{
    struct run_scratch scratch;
    struct shown shown = {0};
    char line[1024];
    bool inside = false;
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s: run the tests in the project's directory", path);
    run_scratch_make(&scratch);
    while (fgets(line, sizeof line, file)) {
        trim(line);
        if (strncmp(line, "```", 3) == 0)
            inside = !inside && strcmp(line, "```console") == 0;
        else if (inside && strncmp(line, "$ ", 2) == 0)
            run_command(&shown, scratch.path, line + 2);
        else if (inside && *line && strcmp(line, "...") != 0)
            expect_line(&shown, path, line);
    }
    fclose(file);
    cr_expect_geq(shown.n_commands, least_commands, "%s: only %d commands", path, shown.n_commands);
    cr_expect_geq(shown.n_lines, least_commands, "%s: only %d lines", path, shown.n_lines);
    if (shown.output)
        run_release(&shown.result);
    run_scratch_remove(&scratch);
}

Test(docs, costs_are_what_the_ledger_prints)
{
    check_document("docs/costs.md", 16);
}
