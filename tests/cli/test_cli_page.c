/* The page of a report in a browser: what it does, how it looks to a program that measures it, in
 * both languages, light and dark, at the widths of a screen, a telephone and a sheet of A4. */
#include "tests/cli/browser.h"
#include "tests/cli/results.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run_scratch scratch;

static const char SWEEP[] = "-s 4,8 -b 1,2 --phase prefill,decode --cache on,off "
                            "--attention naive,causal --threads 1";

/* A rate of FLOPs and one of bytes for each level, as if they had been measured. */
static void add_ceilings(void)
{
    static const char *const ROWS[] = {
        "'flops', 'fma', '', 'f32', 'avx2', 1, 0, 0, 0, '', 40000000000",
        "'flops', 'gemm', '', 'f32', 'Haswell', 1, 0, 0, 0, '', 35000000000",
        "'bytes', 'read', 'L2', '', 'avx2', 1, 0, 100000, 1000000, '', 60000000000",
        "'bytes', 'read', 'DRAM', '', 'avx2', 1, 0, 100000000, 0, '', 9000000000",
    };
    char path[256], sql[512];
    snprintf(path, sizeof path, "%s/r.db", scratch.path);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO ceilings SELECT NULL, id, machine, '2026-01-02T03:04:05Z', %s FROM "
                 "runs LIMIT 1; INSERT INTO ceiling_samples VALUES (last_insert_rowid(), 0, "
                 "1000000000)",
                 ROWS[i]);
        results_change(path, sql);
    }
}

/* Pages of two models, one of them in two formats, in both languages, where there is a browser to
 * look at them. */
static void setup(void)
{
    run_scratch_make(&scratch);
    if (!browser_chromium())
        return;
    static const char *const MODELS[] = {"gpt2-nano", "llama-nano", "llama-nano --dtype q8_0"};
    for (int i = 0; i < 3; i++) {
        struct run_result r = run_flopledger("sweep -m %s %s --reps 2 --quiet --out %s/r.db",
                                             MODELS[i], SWEEP, scratch.path);
        cr_assert_eq(r.status, 0, "%s", r.err);
        run_release(&r);
    }
    add_ceilings();
    struct run_result r =
        run_flopledger("report -q --lang both %s/r.db -o %s", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_page, .init = setup, .fini = teardown);

static char *read_scratch(const char *name)
{
    return run_read("%s/%s", scratch.path, name);
}

/* The page with the probe in its head as `copy`; on paper, what is said for print holds. */
static void add_probe(const char *name, const char *copy, bool paper)
{
    char path[256];
    char *page = read_scratch(name), *probe = run_read("tests/cli/page_probe.js");
    snprintf(path, sizeof path, "%s/%s", scratch.path, copy);
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out);
    char *head = strstr(page, "<head>");
    cr_assert_not_null(head);
    head += strlen("<head>");
    fprintf(out,
            "%.*s<script>window.probeErrors = []; window.probePaper = %s;\n"
            "window.onerror = function (m) { probeErrors.push(m); };\n"
            "console.error = console.warn = function (m) { probeErrors.push(m); };\n%s"
            "</script>",
            (int)(head - page), page, paper ? "true" : "false", probe);
    char *print = paper ? strstr(head, "@media print") : NULL;
    if (print) {
        memcpy(print, "@media all  ", strlen("@media all  "));
        char *sheet = strstr(print, "@page");
        cr_assert(sheet && strchr(sheet, '}'));
        memset(sheet, ' ', (size_t)(strchr(sheet, '}') + 1 - sheet));
    }
    fputs(head, out);
    fclose(out);
    free(page);
    free(probe);
}

static void expect_fine(const struct run_result *r, const char *what)
{
    const char *said = strstr(r->out, "<pre id=\"probe\">errors: ");
    cr_assert(said && strstr(said, "probe: done"), "%s: the probe did not run: %.1000s", what,
              r->err);
    for (const char *at = strstr(said, "FAILED"); at; at = strstr(at + 1, "FAILED")) {
        const char *line = at;
        while (line > said && line[-1] != '\n' && line[-1] != '>')
            line--;
        cr_expect_fail("%s: %.*s", what, (int)strcspn(line, "\n"), line);
    }
    cr_expect_null(strstr(r->err, "CONSOLE"), "%s: %s", what, strstr(r->err, "CONSOLE"));
}

static void probe(const char *page, int width, const char *options, bool paper)
{
    char copy[64], what[128];
    snprintf(copy, sizeof copy, "probe-%s", page);
    snprintf(what, sizeof what, "%s, %d wide%s", page, width, paper ? ", on paper" : "");
    add_probe(page, copy, paper);
    struct run_result r = browser_load(&scratch, copy, width, options);
    expect_fine(&r, what);
    run_release(&r);
}

/* Nothing in the page names a place that it could load from. */
static void expect_no_place(const char *name)
{
    static const char *const LOADS[] = {
        " src=", "<link", "@import", "http:", "https:", "fetch(", "XMLHttpRequest", "import("};
    char *page = read_scratch(name);
    for (size_t i = 0; i < sizeof LOADS / sizeof *LOADS; i++)
        cr_expect_null(strstr(page, LOADS[i]), "%s: %s", name, LOADS[i]);
    free(page);
}

/* A desk's screen, and a telephone's as far as Chromium's windows are narrow. */
Test(cli_page, on_screens)
{
    static const char *const PAGES[] = {"index.html", "index.zh.html"};
    if (!browser_chromium())
        browser_skip("the page on a screen");
    for (int i = 0; i < 2; i++) {
        expect_no_place(PAGES[i]);
        probe(PAGES[i], 1100, "", false);
        probe(PAGES[i], 500, "", false);
    }
}

/* As many sheets as the text needs, each A4: 595 x 842 points. */
static void expect_a4(const char *page)
{
    char options[128];
    snprintf(options, sizeof options, "--no-pdf-header-footer --print-to-pdf='%s/page.pdf'",
             scratch.path);
    struct run_result r = browser_load(&scratch, page, 1100, options);
    run_release(&r);
    r = run_shell("grep -a -c '/MediaBox' '%s/page.pdf'", scratch.path);
    cr_expect_geq(atoi(r.out), 4, "%s: %s pages", page, r.out);
    run_release(&r);
    r = run_shell("grep -a -o '/MediaBox *\\[[^]]*\\]' '%s/page.pdf' | sort -u", scratch.path);
    cr_expect(strstr(r.out, "[0 0 59") && strstr(r.out, " 84"), "%s: %s", page, r.out);
    run_release(&r);
}

/* 794 pixels less the margins of the sheet, with what is said for print. */
Test(cli_page, on_paper)
{
    if (!browser_chromium())
        browser_skip("the page on paper");
    probe("index.html", 696, "", true);
    probe("index.zh.html", 696, "", true);
    expect_a4("index.zh.html");
}
