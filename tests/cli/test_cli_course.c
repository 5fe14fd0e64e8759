/* docs/course cannot rot: its commands are run as they are quoted, its exact figures are those that
 * the labs print, and both languages have the same headings, commands and figures. */
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_PAGES = 10, LINES_MAX = 64, LINE = 512 };

/* The same names in en/ and zh/; the plan first. */
static const struct {
    const char *english, *chinese;
} PAGES[N_PAGES] = {
    {"README.md", "README.zh-CN.md"},
    {"en/lab-1-formula.md", "zh/lab-1-formula.md"},
    {"en/lab-2-phases.md", "zh/lab-2-phases.md"},
    {"en/lab-3-kv-cache.md", "zh/lab-3-kv-cache.md"},
    {"en/lab-4-roofline.md", "zh/lab-4-roofline.md"},
    {"en/lab-5-attention.md", "zh/lab-5-attention.md"},
    {"en/lab-6-batching.md", "zh/lab-6-batching.md"},
    {"en/lab-7-quantisation.md", "zh/lab-7-quantisation.md"},
    {"en/lab-8-speculation.md", "zh/lab-8-speculation.md"},
    {"en/lab-slips.md", "zh/lab-slips.md"},
};

struct lines {
    char text[LINES_MAX][LINE];
    int n;
};

static char *read_page(const char *name)
{
    char path[LINE];
    snprintf(path, sizeof path, "docs/course/%s", name);
    FILE *file = fopen(path, "r");
    if (!file)
        cr_skip_test("docs/course is not here: the tests run in the repository");
    static const size_t MOST = 1 << 20;
    char *text = malloc(MOST);
    cr_assert_not_null(text);
    text[fread(text, 1, MOST - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void add(struct lines *lines, const char *text, size_t length)
{
    cr_assert(lines->n < LINES_MAX && length < LINE, "%.*s", (int)length, text);
    memcpy(lines->text[lines->n], text, length);
    lines->text[lines->n++][length] = '\0';
}

/* Lines that begin with this, without it. */
static void take_lines(struct lines *lines, const char *page, const char *beginning)
{
    lines->n = 0;
    for (const char *at = page; *at;) {
        const size_t length = strcspn(at, "\n"), skip = strlen(beginning);
        if (length > skip && strncmp(at, beginning, skip) == 0)
            add(lines, at + skip, length - skip);
        at += length + (at[length] == '\n');
    }
}

static void remove_text(char *line, const char *text)
{
    char *at = strstr(line, text);
    if (at)
        memmove(at, at + strlen(text), strlen(at + strlen(text)) + 1);
}

/* Figures with a group of three digits or a decimal point: "838,860,800", "50.1". */
static void take_figures(struct lines *figures, const char *page)
{
    figures->n = 0;
    for (const char *at = page; *at;) {
        if (!isdigit((unsigned char)*at)) {
            at++;
            continue;
        }
        size_t length = strspn(at, "0123456789.,");
        while (at[length - 1] == '.' || at[length - 1] == ',')
            length--;
        if (memchr(at, ',', length) || memchr(at, '.', length))
            add(figures, at, length);
        at += length;
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void expect_same(struct lines *a, struct lines *b, const char *page, const char *what)
{
    cr_expect_eq(a->n, b->n, "%s: %d and %d %s", page, a->n, b->n, what);
    for (int i = 0; i < a->n && i < b->n; i++)
        cr_expect_str_eq(a->text[i], b->text[i], "%s: %s: '%s' and '%s'", page, what, a->text[i],
                         b->text[i]);
}

Test(cli_course, both_languages_say_the_same)
{
    static struct lines a, b;
    for (int i = 0; i < N_PAGES; i++) {
        char *english = read_page(PAGES[i].english), *chinese = read_page(PAGES[i].chinese);
        take_lines(&a, english, "    ");
        take_lines(&b, chinese, "    ");
        for (int k = 0; k < b.n; k++)
            remove_text(b.text[k], " --lang zh");
        expect_same(&a, &b, PAGES[i].chinese, "commands");
        cr_expect_gt(a.n, 1);
        take_lines(&a, english, "## ");
        take_lines(&b, chinese, "## ");
        cr_expect_eq(a.n, b.n, "%s: %d and %d headings", PAGES[i].chinese, a.n, b.n);
        /* the pages of the labs have the same headings, all of them */
        cr_expect(i == 0 || a.n == 6, "%s: %d headings", PAGES[i].english, a.n);
        take_lines(&a, english, "| ");
        take_lines(&b, chinese, "| ");
        cr_expect_eq(a.n, b.n, "%s: %d and %d rows of tables", PAGES[i].chinese, a.n, b.n);
        take_figures(&a, english);
        take_figures(&b, chinese);
        qsort(a.text, (size_t)a.n, LINE, compare_lines);
        qsort(b.text, (size_t)b.n, LINE, compare_lines);
        expect_same(&a, &b, PAGES[i].chinese, "figures");
        free(english);
        free(chinese);
    }
}

/* Titles are the labs' own, in both languages. */
Test(cli_course, titles_are_those_of_the_labs)
{
    static struct lines title;
    for (int language = 0; language < 2; language++) {
        struct run_result r = run_flopledger("lab --list --lang %s", language ? "zh" : "en");
        for (int i = 1; i < N_PAGES; i++) {
            char *page = read_page(language ? PAGES[i].chinese : PAGES[i].english);
            take_lines(&title, page, "# ");
            cr_assert_eq(title.n, 1, "%s", PAGES[i].english);
            const char *colon = strstr(title.text[0], language ? "：" : ": ");
            cr_assert_not_null(colon, "%s", title.text[0]);
            cr_expect(strstr(r.out, colon + strlen(language ? "：" : ": ")), "%s", title.text[0]);
            free(page);
        }
        run_release(&r);
    }
}

/* Whole numbers in the text are printed by the lab, digit for digit. */
static void expect_figures(const char *page, const char *printed, const char *command)
{
    static struct lines figures;
    take_figures(&figures, page);
    for (int k = 0; k < figures.n; k++)
        if (strlen(figures.text[k]) > 6 && strchr(figures.text[k], ','))
            cr_expect(strstr(printed, figures.text[k]), "'%s' does not print %s", command,
                      figures.text[k]);
}

/* Each in an empty directory, with the program as `flopledger`; the lab's own is the page's first.
 */
static void run_commands(const char *page, struct lines *done, bool lab)
{
    static struct lines commands;
    struct run_scratch scratch;
    take_lines(&commands, page, "    ");
    run_scratch_make(&scratch);
    for (int i = 0; i < commands.n; i++) {
        const char *command = commands.text[i];
        bool known = false;
        for (int k = 0; k < done->n; k++)
            known = known || strcmp(done->text[k], command) == 0;
        if (known)
            continue;
        add(done, command, strlen(command));
        cr_expect_eq(strncmp(command, "flopledger ", 11), 0, "%s", command);
        struct run_result r = run_shell("cd %s && ln -sf \"$FLOPLEDGER\" flopledger && "
                                        "XDG_CACHE_HOME=%s PATH=.:$PATH && %s",
                                        scratch.path, scratch.path, command);
        cr_expect_eq(r.status, 0, "%s: %d: %s", command, r.status, r.err);
        cr_expect(r.out_size > 0, "%s printed nothing", command);
        if (lab && i == 0)
            expect_figures(page, r.out, command);
        run_release(&r);
    }
    run_scratch_remove(&scratch);
}

static void run_pages(int first, int last)
{
    static struct lines done;
    struct run_result found = run_flopledger("--version"); /* sets $FLOPLEDGER */
    run_release(&found);
    done.n = 0;
    for (int i = first; i <= last; i++) {
        char *english = read_page(PAGES[i].english), *chinese = read_page(PAGES[i].chinese);
        run_commands(english, &done, i > 0);
        run_commands(chinese, &done, i > 0);
        free(english);
        free(chinese);
    }
}

/* In parts, so that they run side by side. */
Test(cli_course, commands_of_the_plan_run)
{
    run_pages(0, 0);
}
Test(cli_course, commands_of_labs_1_and_2_run)
{
    run_pages(1, 2);
}
Test(cli_course, commands_of_labs_3_and_4_run)
{
    run_pages(3, 4);
}
Test(cli_course, commands_of_labs_5_and_6_run)
{
    run_pages(5, 6);
}
Test(cli_course, commands_of_labs_7_and_8_run)
{
    run_pages(7, 8);
}
Test(cli_course, commands_of_slips_run)
{
    run_pages(9, 9);
}
