/* What holds for the program whatever the command: help, misuse, streams, exit statuses. */
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Calls check(name) for every command that `flopledger --help` lists; returns how many. */
static int each_command(void (*check)(const char *name))
{
    struct run_result help = run_flopledger("--help");
    cr_assert_eq(help.status, 0, "%s", help.err);
    char *line = strstr(help.out, "\ncommands:\n");
    cr_assert_not_null(line, "%s", help.out);
    int n = 0;
    char name[32];
    for (line += strlen("\ncommands:\n"); sscanf(line, "  %31s", name) == 1 && line[0] == ' ';
         n++) {
        check(name);
        line = strchr(line, '\n') + 1;
    }
    run_release(&help);
    return n;
}

Test(cli_program, help_goes_to_stdout)
{
    static const char *const WAYS[] = {"--help", "-h", "help"};
    for (int i = 0; i < 3; i++) {
        struct run_result r = run_flopledger("%s", WAYS[i]);
        cr_expect_eq(r.status, 0);
        cr_expect(strstr(r.out, "usage: flopledger COMMAND"), "%s", r.out);
        cr_expect_str_empty(r.err);
        run_release(&r);
    }
}

Test(cli_program, without_arguments_it_is_misuse)
{
    struct run_result r = run_flopledger("%s", "");
    cr_expect_eq(r.status, 2);
    cr_expect_str_empty(r.out);
    cr_expect(strstr(r.err, "usage: flopledger COMMAND"), "%s", r.err);
    run_release(&r);
}

Test(cli_program, unknown_command_is_misuse)
{
    struct run_result r = run_flopledger("coutn");
    cr_expect_eq(r.status, 2);
    cr_expect_str_empty(r.out);
    cr_expect_str_eq(r.err, "flopledger: no command 'coutn'; try 'flopledger --help'\n");
    run_release(&r);
}

Test(cli_program, version_is_one_line)
{
    struct run_result r = run_flopledger("--version");
    cr_expect_eq(r.status, 0);
    cr_expect_eq(strncmp(r.out, "flopledger ", 11), 0, "%s", r.out);
    cr_expect_eq(strchr(r.out, '\n'), r.out + r.out_size - 1, "%s", r.out);
    run_release(&r);
}

static void check_help(const char *name)
{
    struct run_result r = run_flopledger("%s --help", name);
    char usage[64];
    snprintf(usage, sizeof usage, "usage: flopledger %s ", name);
    cr_expect_eq(r.status, 0, "%s --help: status %d", name, r.status);
    cr_expect(strstr(r.out, usage), "%s --help: %s", name, r.out);
    cr_expect(strstr(r.out, "\nExamples:\n"), "%s --help shows no example", name);
    cr_expect(strstr(r.out, "-h, --help"), "%s --help: %s", name, r.out);
    cr_expect_str_empty(r.err, "%s --help wrote to stderr: %s", name, r.err);
    cr_expect(!strchr(r.out, '\t') && !strchr(r.out, '\033'), "%s --help: tabs or colours", name);
    run_release(&r);
}

static void check_unknown_option(const char *name)
{
    struct run_result r = run_flopledger("%s --no-such-option", name);
    char hint[64];
    snprintf(hint, sizeof hint, "try 'flopledger %s --help'\n", name);
    cr_expect_eq(r.status, 2, "%s: status %d", name, r.status);
    cr_expect_str_empty(r.out, "%s: %s", name, r.out);
    cr_expect(strstr(r.err, hint), "%s: %s", name, r.err);
    run_release(&r);
}

static void check_full_disk(const char *name)
{
    struct run_result r = run_flopledger("%s --help > /dev/full", name);
    cr_expect_eq(r.status, 1, "%s --help > /dev/full: status %d", name, r.status);
    cr_expect(strstr(r.err, "standard output: cannot write"), "%s: %s", name, r.err);
    run_release(&r);
}

Test(cli_program, every_command_has_help)
{
    cr_expect_gt(each_command(check_help), 0);
}

Test(cli_program, every_command_refuses_unknown_options)
{
    cr_expect_gt(each_command(check_unknown_option), 0);
}

Test(cli_program, every_command_notices_a_full_disk)
{
    cr_expect_gt(each_command(check_full_disk), 0);
}

Test(cli_program, full_disk_without_a_command)
{
    static const char *const WAYS[] = {"--help", "--version"};
    for (int i = 0; i < 2; i++) {
        struct run_result r = run_flopledger("%s > /dev/full", WAYS[i]);
        cr_expect_eq(r.status, 1, "%s: status %d", WAYS[i], r.status);
        cr_expect(strstr(r.err, "flopledger: standard output: cannot write"), "%s", r.err);
        run_release(&r);
    }
}

static const char *const PRINTING[] = {
    "count --model gpt2 -s 16",
    "count --model gpt2 -s 16 --format json",
    "audit --model gpt2-nano -s 8 --reps 1",
};

Test(cli_program, results_that_do_not_fit_the_disk_are_a_failure)
{
    for (size_t i = 0; i < sizeof PRINTING / sizeof *PRINTING; i++) {
        struct run_result r = run_flopledger("%s > /dev/full", PRINTING[i]);
        cr_expect_eq(r.status, 1, "%s: status %d", PRINTING[i], r.status);
        cr_expect(strstr(r.err, "standard output: cannot write"), "%s: %s", PRINTING[i], r.err);
        run_release(&r);
    }
}

Test(cli_program, a_reader_that_leaves_early_is_no_reason_to_talk)
{
    struct run_result r = run_flopledger("count --list | head -n 1");
    cr_expect_eq(r.status, 0);
    cr_expect_str_empty(r.err, "%s", r.err);
    run_release(&r);
}

Test(cli_program, what_is_not_a_terminal_gets_no_escape_sequences)
{
    for (size_t i = 0; i < sizeof PRINTING / sizeof *PRINTING; i++) {
        struct run_result r = run_flopledger("%s", PRINTING[i]);
        cr_expect_eq(r.status, 0, "%s: %s", PRINTING[i], r.err);
        cr_expect_gt(r.out_size, 0);
        cr_expect(!strchr(r.out, '\033') && !strchr(r.err, '\033'), "%s", PRINTING[i]);
        run_release(&r);
    }
}

/* script(1) gives the program a terminal, where there are any. */
static void need_terminal(void)
{
    struct run_result r = run_shell("script -qec true /dev/null");
    int status = r.status;
    run_release(&r);
    if (status != 0)
        cr_skip_test("script(1) cannot make a terminal here");
}

Test(cli_program, no_color_holds_on_a_terminal)
{
    need_terminal();
    for (size_t i = 0; i < sizeof PRINTING / sizeof *PRINTING; i++) {
        struct run_result r =
            run_shell("NO_COLOR=1 script -qec '$FLOPLEDGER %s' /dev/null", PRINTING[i]);
        cr_expect_eq(r.status, 0, "%s: %s", PRINTING[i], r.out);
        cr_expect_gt(r.out_size, 0);
        /* colours are ESC [ ... m; a progress bar may still clear its line */
        for (const char *at = r.out; (at = strstr(at, "\033[")); at += 2) {
            const char *end = at + 2 + strspn(at + 2, "0123456789;");
            cr_expect_neq(*end, 'm', "%s: colour on a terminal with NO_COLOR", PRINTING[i]);
        }
        run_release(&r);
    }
}

Test(cli_program, a_terminal_gets_a_bar_unless_quiet)
{
    static const struct {
        const char *option;
        bool bar;
    } CASES[] = {{"", true}, {"--quiet", false}};
    struct run_scratch scratch;
    need_terminal();
    run_scratch_make(&scratch);
    for (int i = 0; i < 2; i++) {
        struct run_result r =
            run_shell("script -qec '$FLOPLEDGER sweep -m gpt2-nano -s 16 --reps 1 -t 1 %s "
                      "-o %s/%d.db' /dev/null",
                      CASES[i].option, scratch.path, i);
        cr_expect_eq(r.status, 0, "%s", r.out);
        cr_expect_eq(strstr(r.out, "\rsweep [") != NULL, CASES[i].bar, "%s: %s", CASES[i].option,
                     r.out);
        run_release(&r);
    }
    run_scratch_remove(&scratch);
}
