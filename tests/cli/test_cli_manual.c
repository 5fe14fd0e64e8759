/* Manual pages and completions: every command and option of --help is in them, and the programs
 * that read them have nothing to say. */
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MOST = 128 };

struct names {
    char items[NAMES_MOST][48];
    int n;
};

static void add(struct names *names, const char *text, size_t length)
{
    cr_assert_lt(names->n, NAMES_MOST);
    cr_assert_lt(length, sizeof names->items[0]);
    memcpy(names->items[names->n], text, length);
    names->items[names->n++][length] = '\0';
}

static void read_commands(struct names *commands)
{
    struct run_result r = run_flopledger("--help");
    const char *line = strstr(r.out, "\ncommands:\n");
    commands->n = 0;
    cr_assert_not_null(line, "%s", r.out);
    for (line += strlen("\ncommands:\n"); strncmp(line, "  ", 2) == 0;
         line = strchr(line, '\n') + 1)
        add(commands, line + 2, strcspn(line + 2, " "));
    cr_assert_gt(commands->n, 5);
    run_release(&r);
}

/* The long names at the beginning of --help's lines, and those said to be the same: "also --temp".
 */
static void read_options(struct names *options, const char *command)
{
    struct run_result r = run_flopledger("%s --help", command);
    options->n = 0;
    for (const char *line = r.out; *line; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        const char *dashes = line;
        if (strncmp(line, "  -", 3) == 0 || strncmp(line, "      --", 8) == 0) {
            dashes = strstr(line, "--");
            add(options, dashes, strcspn(dashes, " \n"));
        }
        while ((dashes = strstr(dashes, "; also --")) != NULL && dashes < end) {
            dashes += strlen("; also ");
            add(options, dashes, strcspn(dashes, ";\n"));
        }
    }
    cr_assert_gt(options->n, 1, "%s", r.out);
    run_release(&r);
}

/* A page in which "\-" is "-" again. */
static void plain(char *page)
{
    char *to = page;
    for (const char *from = page; *from; from++)
        if (from[0] != '\\' || from[1] != '-')
            *to++ = *from;
    *to = '\0';
}

/* The name stands there and ends there. */
static bool has_word(const char *text, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += n)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", at[n]) || !at[n])
            return true;
    return false;
}

Test(cli_manual, every_command_and_option_has_its_place_in_a_page)
{
    struct names commands, options;
    read_commands(&commands);
    struct run_result program = run_flopledger("help --man");
    cr_assert_eq(program.status, 0, "%s", program.err);
    plain(program.out);
    for (int i = 0; i < commands.n; i++) {
        char reference[64];
        snprintf(reference, sizeof reference, "flopledger-%s", commands.items[i]);
        cr_expect(has_word(program.out, reference), "%s", reference);
        struct run_result page = run_flopledger("help --man %s", commands.items[i]);
        cr_assert_eq(page.status, 0, "%s", page.err);
        plain(page.out);
        read_options(&options, commands.items[i]);
        for (int k = 0; k < options.n; k++)
            cr_expect(has_word(page.out, options.items[k]), "%s %s", commands.items[i],
                      options.items[k]);
        run_release(&page);
    }
    run_release(&program);
}

static bool there_is(const char *program)
{
    struct run_result r = run_shell("command -v %s", program);
    const bool there = r.status == 0;
    run_release(&r);
    return there;
}

/* Prints what the shell line says of every page. */
static void expect_silence(const char *reader)
{
    struct run_result r =
        run_shell("for command in '' $(\"$FLOPLEDGER\" --help | sed -n '/^commands/,/^$/s/^  "
                  "\\([a-z-]*\\).*/\\1/p')"
                  "; do \"$FLOPLEDGER\" help --man $command | %s || echo failed; done 2>&1",
                  reader);
    cr_expect_str_empty(r.out, "%s", r.out);
    run_release(&r);
}

Test(cli_manual, groff_has_no_warning)
{
    if (!there_is("groff"))
        cr_skip_test("no groff");
    expect_silence("groff -ww -man -Tutf8 -Kutf8 -z");
}

/* Pages have no date: what they say is what the program is, and that has a version. */
Test(cli_manual, mandoc_has_no_warning)
{
    if (!there_is("mandoc"))
        cr_skip_test("no mandoc");
    expect_silence("{ mandoc -Tlint -Wwarning | grep -v 'missing date'; true; }");
}

static void expect_all(const char *shell, const char *option_form)
{
    struct names commands, options;
    struct run_result r = run_flopledger("help --completions %s", shell);
    cr_assert_eq(r.status, 0, "%s", r.err);
    read_commands(&commands);
    for (int i = 0; i < commands.n; i++) {
        cr_expect(has_word(r.out, commands.items[i]), "%s: %s", shell, commands.items[i]);
        read_options(&options, commands.items[i]);
        for (int k = 0; k < options.n; k++) {
            char form[96];
            if (strcmp(options.items[k], "--help") == 0)
                continue;
            snprintf(form, sizeof form, option_form, options.items[k] + 2);
            cr_expect(has_word(r.out, form), "%s: %s %s", shell, commands.items[i], form);
        }
    }
    run_release(&r);
}

Test(cli_manual, every_option_is_completed)
{
    expect_all("bash", "--%s");
    expect_all("zsh", "--%s");
    expect_all("fish", "-l %s");
}

/* What bash offers for the last of these words. */
static void expect_completion(const char *line, const char *offered)
{
    struct run_result r =
        run_shell("\"$FLOPLEDGER\" help --completions bash > /dev/null && bash -c '"
                  "eval \"$(\"$FLOPLEDGER\" help --completions bash)\"; "
                  "IFS=+ read -ra COMP_WORDS <<< \"$1\"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
                  "[ \"${COMP_WORDS[COMP_CWORD]}\" != _ ] || COMP_WORDS[COMP_CWORD]=; "
                  "_flopledger; echo \"${COMPREPLY[*]}\"' bash '%s'",
                  line);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect_str_eq(r.out, offered, "%s: %s", line, r.out);
    cr_expect_str_empty(r.err, "%s", r.err);
    run_release(&r);
}

Test(cli_manual, bash_completes)
{
    if (!there_is("bash"))
        cr_skip_test("no bash");
    expect_completion("flopledger+aud", "audit\n");
    expect_completion("flopledger+count+--caus", "--causal\n");
    expect_completion("flopledger+count+--unit+_", "flop mac\n");
    expect_completion("flopledger+audit+--cache+o", "off on\n");
    expect_completion("flopledger+audit+-m+README.m", "README.md\n");
    expect_completion("flopledger+audit+-s+_", "\n");
    expect_completion("flopledger+help+--completions+z", "zsh\n");
    expect_completion("flopledger+help+sw", "sweep\n");
}

Test(cli_manual, shells_read_them)
{
    static const char *const SHELLS[] = {"bash", "zsh", "fish"};
    for (int i = 0; i < 3; i++) {
        if (!there_is(SHELLS[i])) {
            cr_log_info("no %s", SHELLS[i]);
            continue;
        }
        struct run_result r = run_shell(
            "\"$FLOPLEDGER\" help --completions %s > completions.$$ && %s -n completions.$$; "
            "status=$?; rm completions.$$; exit $status",
            SHELLS[i], SHELLS[i]);
        cr_expect_eq(r.status, 0, "%s: %s", SHELLS[i], r.err);
        cr_expect_str_empty(r.err);
        run_release(&r);
    }
}

Test(cli_manual, mistakes_are_misuse)
{
    static const char *const MISTAKES[] = {
        "help no-such-command", "help --completions tcsh", "help --man count audit",
        "help --man --completions bash", "help --completions bash count"};
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        struct run_result r = run_flopledger("%s", MISTAKES[i]);
        cr_expect_eq(r.status, 2, "%s", MISTAKES[i]);
        cr_expect_str_empty(r.out);
        run_release(&r);
    }
    struct run_result help = run_flopledger("help count"), option = run_flopledger("count --help");
    cr_expect_eq(help.status, 0);
    cr_expect_str_eq(help.out, option.out);
    run_release(&help);
    run_release(&option);
}
