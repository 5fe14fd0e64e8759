/* report, as a user runs it: a small sweep, then the page, the Markdown and the plots. */
#include "base/excess.h"
#include "tests/cli/results.h"
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
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

TestSuite(cli_report, .init = setup, .fini = teardown);

static char *read_text(const char *name)
{
    return run_read("%s/%s", scratch.path, name);
}

static void sweep(const char *model, const char *axes)
{
    struct run_result r =
        run_flopledger("sweep -m %s %s --reps 2 --quiet --out %s/r.db", model, axes, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
}

static const char FULL[] = "-s 4,8 -b 1,2 --phase prefill,decode --cache on,off "
                           "--attention naive,causal --threads 1";

static void change_results(const char *sql)
{
    char path[512];
    snprintf(path, sizeof path, "%s/r.db", scratch.path);
    results_change(path, sql);
}

/* Every tag that opens closes, in order: enough of XML's rules for what gnuplot and we write. */
static bool is_well_formed(const char *text)
{
    const char *open[64];
    size_t lengths[64];
    int depth = 0;
    for (const char *at = strchr(text, '<'); at; at = strchr(at, '<')) {
        const char *end = strchr(at, '>');
        if (!end)
            return false;
        if (strncmp(at, "<!--", 4) == 0) {
            end = strstr(at, "-->");
            if (!end)
                return false;
        } else if (at[1] == '/') {
            size_t length = (size_t)(end - at) - 2;
            if (depth == 0 || lengths[depth - 1] != length ||
                strncmp(open[depth - 1], at + 2, length) != 0)
                return false;
            depth--;
        } else if (at[1] != '?' && at[1] != '!' && end[-1] != '/') {
            if (depth == 64)
                return false;
            open[depth] = at + 1;
            lengths[depth++] = strcspn(at + 1, " \t\n>");
        }
        at = end;
    }
    return depth == 0;
}

static const char *const PLOTS[] = {"operators", "prefill",   "contrast", "memory",
                                    "time",      "intensity", "attention"};
enum { N_PLOTS = sizeof PLOTS / sizeof *PLOTS };

Test(cli_report, page_plots_and_markdown)
{
    sweep("gpt2-nano", FULL);
    struct run_result r = run_flopledger("report %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "prefill") && strstr(r.out, "/out/index.html"), "%s", r.out);
    run_release(&r);

    char *page = read_text("out/index.html"), *markdown = read_text("out/report.md");
    for (int i = 0; i < N_PLOTS; i++) {
        char name[128], id[128];
        snprintf(name, sizeof name, "out/plots/%s.svg", PLOTS[i]);
        snprintf(id, sizeof id, "id=\"%s\"", PLOTS[i]);
        char *drawing = read_text(name);
        cr_expect(is_well_formed(drawing), "%s", name);
        cr_expect(strstr(page, id), "%s", id);
        cr_expect(strstr(markdown, name + strlen("out/")), "%s", name);
        free(drawing);
    }
    static const char *const FINDINGS[] = {"to the last FLOP and byte",
                                           "by the textbook and",
                                           "the square of the prompt",
                                           "an uncached decode step",
                                           "FLOP per byte",
                                           "The KV cache takes",
                                           "unavailable"};
    for (size_t i = 0; i < sizeof FINDINGS / sizeof *FINDINGS; i++) {
        cr_expect(strstr(page, FINDINGS[i]), "page: %s", FINDINGS[i]);
        cr_expect(strstr(markdown, FINDINGS[i]), "markdown: %s", FINDINGS[i]);
    }
    free(page);
    free(markdown);
}

/* One file, nothing loaded from anywhere. */
Test(cli_report, page_is_self_contained)
{
    sweep("llama-nano", FULL);
    struct run_result r = run_flopledger("report -q %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect_str_empty(r.out);
    run_release(&r);
    char *page = read_text("out/index.html");
    static const char *const LOADS[] = {"src=", "url(", "<link", "@import", "http"};
    for (size_t i = 0; i < sizeof LOADS / sizeof *LOADS; i++)
        for (const char *at = strstr(page, LOADS[i]); at; at = strstr(at + 1, LOADS[i]))
            cr_expect(strncmp(at, "url(#", 5) == 0, "%.60s", at);
    for (const char *at = strstr(page, "href="); at; at = strstr(at + 1, "href="))
        cr_expect(at[6] == '#', "%.60s", at);
    free(page);
}

Test(cli_report, several_models_have_a_section_each)
{
    sweep("llama-nano", "-s 4 --phase prefill --threads 1");
    sweep("gpt2-nano", "-s 4 --phase prefill --threads 1");
    struct run_result r = run_flopledger("report -q %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char *page = read_text("out/index.html");
    cr_expect(strstr(page, "<h2>gpt2-nano</h2>") && strstr(page, "<h2>llama-nano</h2>"));
    cr_expect(strstr(page, "Missing: "), "what was not measured is named");
    free(page);
}

/* Titles and names are text, whatever they look like. */
Test(cli_report, hostile_text_stays_text)
{
    static const char HOSTILE[] = "<script>alert(1)</script> `id` $(id) \"x\" {/Bold b} @a_b^c";
    struct run_result r = run_shell("mkdir -p '%s/<b>`id`$(id)' && cp "
                                    "../shared/reference/models/stories260K/stories260K-F32.gguf "
                                    "'%s/<b>`id`$(id)/<i>x_^@.gguf'",
                                    scratch.path, scratch.path);
    bool have_model = r.status == 0;
    run_release(&r);
    char model[256];
    snprintf(model, sizeof model, "'%s/<b>`id`$(id)/<i>x_^@.gguf'", scratch.path);
    if (!have_model)
        fprintf(stderr, "SKIPPED: hostile model name, ../shared/reference is not there\n");
    sweep(have_model ? model : "gpt2-nano", FULL);
    r = run_flopledger("report -q %s/r.db -o %s/out --title '%s'", scratch.path, scratch.path,
                       HOSTILE);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char *page = read_text("out/index.html"), *markdown = read_text("out/report.md");
    cr_expect(strstr(page, "&lt;script&gt;alert(1)"));
    cr_expect_not(strstr(page, "<script>alert"), "in the page");
    cr_expect_not(strstr(page, "<i>x"), "in the page");
    cr_expect_not(strstr(markdown, "<script"), "in the Markdown");
    cr_expect_not(strstr(page, "uid="), "a command was run");
    free(page);
    free(markdown);
}

/* The encoder's tokens are part of the shape whose gap is named. */
Test(cli_report, the_gap_of_an_encoder_decoder_adds_up)
{
    sweep("t5-nano", "-s 8 --phase prefill --threads 1");
    struct run_result r = run_flopledger("report -q %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char *markdown = read_text("out/report.md"), path[128];
    static const char ROW[] = "\n| textbook | exact | ";
    long sum = 0;
    int n = 0;
    for (const char *at = markdown; (at = strstr(at, ROW)) != NULL; n++) {
        at = strchr(at + strlen(ROW), '|') + 2;
        long value = 0;
        for (const char *c = at + 1; *c != ' '; c++)
            value = *c == ',' ? value : 10 * value + (*c - '0');
        sum += *at == '-' ? -value : value;
    }
    snprintf(path, sizeof path, "%s/r.db", scratch.path);
    cr_expect_gt(n, 3);
    cr_expect_eq(sum, results_query(path, "SELECT exact_flops - textbook_flops FROM points"));
    free(markdown);
}

/* One FLOP that no formula explains: the page says so and nowhere claims agreement. */
Test(cli_report, a_wrong_count_is_said_loudly)
{
    sweep("gpt2-nano", "-s 4 --phase prefill --threads 1");
    change_results("UPDATE point_ops SET counted_flops = counted_flops + 1 WHERE op = 'qkv'");
    struct run_result r = run_flopledger("report -q %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char *page = read_text("out/index.html"), *markdown = read_text("out/report.md");
    cr_expect(strstr(page, "class=\"warning\"") && strstr(page, "cannot be trusted"));
    cr_expect(strstr(markdown, "cannot be trusted"));
    cr_expect_not(strstr(page, "to the last FLOP and byte"));
    cr_expect_not(strstr(markdown, "to the last FLOP and byte"));
    free(page);
    free(markdown);
}

/* Every point as a counter might have seen it: one FLOP in a hundred more than the formulas say,
 * all but three a point explained by one term, and 30 of no operator. */
static const char COUNT_ALL[] =
    "INSERT INTO observations SELECT id, id, run_id, 'flopgrind', 'Valgrind 3.19', 'a note', "
    "'Sandybridge', 'avx2', n_threads FROM points;"
    "INSERT INTO observation_counts SELECT point_id, op, 'flops', exact_flops + exact_flops / 100 "
    "+ "
    "CASE op WHEN 'qkv' THEN 3 ELSE 0 END FROM point_ops;"
    "INSERT INTO observation_counts SELECT observation_id, 'forward', 'flops', sum(value) + 30 "
    "FROM observation_counts GROUP BY observation_id;"
    "INSERT INTO observation_excess SELECT point_id, op, 'gemm_alpha', exact_flops / 100 "
    "FROM point_ops;"
    "UPDATE runs SET counter = 'flopgrind', calibration = '{\"exact\": true, \"n_rows\": 3}'";

static void expect_in_both(const char *page, const char *markdown, const char *text)
{
    cr_expect(strstr(page, text), "page: %s", text);
    cr_expect(strstr(markdown, text), "markdown: %s", text);
}

Test(cli_report, what_was_measured_has_a_section)
{
    sweep("gpt2-nano", "-s 4,8 --cache on --threads 1");
    change_results(COUNT_ALL);
    struct run_result r = run_flopledger("report %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, " measured "), "%s", r.out);
    cr_expect_not(strstr(r.out, "unavailable"), "%s", r.out);
    run_release(&r);
    char *page = read_text("out/index.html"), *markdown = read_text("out/report.md");
    char *drawing = read_text("out/plots/measured.svg");
    cr_expect(is_well_formed(drawing));
    cr_expect(strstr(page, "id=\"measured\""));
    const char *const TEXTS[] = {
        "What the processor did",
        "Counted: Sandybridge kernels of OpenBLAS and avx2 of our own, by flopgrind",
        "as flopgrind counted: 1.00 % more than the exact figure",
        fl_excess_name(FL_EXCESS_GEMM_ALPHA),
        "between the operators",
        "unexplained",
        "a note",
        "3 counts of known work: all exact",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        expect_in_both(page, markdown, TEXTS[i]);
    cr_expect(strstr(markdown, "| between the operators | +30 |"), "%s", markdown);
    cr_expect(strstr(markdown, "| unexplained | +3 |"));
    cr_expect(strstr(page, "unavailable: flopgrind counted no memory lines"));
    free(page);
    free(markdown);
    free(drawing);
}

Test(cli_report, what_was_not_measured_says_why)
{
    char *page;
    sweep("gpt2-nano", "-s 4 --phase prefill --threads 1");
    for (int i = 0; i < 2; i++) {
        if (i == 1)
            change_results("UPDATE runs SET counter = 'flopgrind'");
        struct run_result r =
            run_flopledger("report %s/r.db -o %s/out", scratch.path, scratch.path);
        cr_assert_eq(r.status, 0, "%s", r.err);
        const char *why = i == 0 ? "unavailable: no counter was asked for"
                                 : "unavailable: the sweep ended before any of these points";
        cr_expect(strstr(r.out, why), "%s", r.out);
        run_release(&r);
        page = read_text("out/index.html");
        cr_expect(strstr(page, why));
        cr_expect_not(strstr(page, "id=\"measured\""));
        free(page);
    }
}

/* Times that jump by a factor of a hundred are said to, behind the finding and without alarm. */
Test(cli_report, a_noisy_machine_is_said_calmly)
{
    sweep("gpt2-nano", "-s 4 --phase prefill --threads 1");
    change_results("UPDATE samples SET time_ns = 100 * time_ns WHERE rep = 1");
    struct run_result r = run_flopledger("report -q %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char *page = read_text("out/index.html");
    const char *note =
        strstr(page, "<p class=\"remark\" role=\"note\">At 1 of 1 points the interval");
    const char *finding = strstr(page, "class=\"finding\"");
    cr_expect(note && finding && finding < note, "the finding comes first");
    cr_expect_not(strstr(page, "class=\"warning\""), "nothing is wrong");
    cr_expect(strstr(page, "samples for a 95 % interval at 1 of 1 points"));
    free(page);
}

Test(cli_report, results_without_points_are_refused)
{
    sweep("gpt2-nano", "-s 4 --phase prefill --threads 1");
    change_results("DELETE FROM sample_ops; DELETE FROM samples; DELETE FROM point_ops; "
                   "DELETE FROM points");
    struct run_result r = run_flopledger("report %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "/r.db: holds no points yet"), "%s", r.err);
    run_release(&r);
}

static void expect_refused(const char *arguments, const char *sentence)
{
    struct run_result r = run_shell("%s", arguments);
    cr_expect_eq(r.status, 1, "%s: %d", arguments, r.status);
    cr_expect(strstr(r.err, sentence), "%s: %s", arguments, r.err);
    cr_expect_str_empty(r.out);
    char *newline = strchr(r.err, '\n');
    cr_expect(newline && newline[1] == '\0', "one sentence: %s", r.err);
    run_release(&r);
}

Test(cli_report, refusals_are_one_sentence_and_leave_nothing)
{
    char command[1024];
    const char *p = scratch.path;
    sweep("gpt2-nano", "-s 4 --phase prefill --threads 1");
    snprintf(command, sizeof command, "$FLOPLEDGER report %s/none.db -o %s/out", p, p);
    expect_refused(command, "none.db");
    snprintf(command, sizeof command,
             "head -c 5000 %s/r.db > %s/cut.db; $FLOPLEDGER report %s/cut.db -o %s/out", p, p, p,
             p);
    expect_refused(command, "cut.db");
    snprintf(command, sizeof command, "touch %s/file; $FLOPLEDGER report %s/r.db -o %s/file", p, p,
             p);
    expect_refused(command, "file");
    snprintf(command, sizeof command,
             "mkdir %s/bin; PATH=%s/bin $FLOPLEDGER report %s/r.db -o %s/out", p, p, p, p);
    expect_refused(command, "gnuplot");
    struct run_result r = run_shell("find %s -name '*.partial' -o -name out", p);
    cr_expect_str_empty(r.out, "left behind: %s", r.out);
    run_release(&r);
}

Test(cli_report, misuse_is_two)
{
    static const char *const WRONG[] = {"report", "report a.db", "report a.db b.db -o x"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        struct run_result r = run_flopledger("%s", WRONG[i]);
        cr_expect_eq(r.status, 2, "%s", WRONG[i]);
        run_release(&r);
    }
}

/* ---- languages ---- */

Test(cli_report, both_languages_name_one_another)
{
    sweep("gpt2-nano", FULL);
    struct run_result r =
        run_flopledger("report -q --lang both %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char *english = read_text("out/index.html"), *chinese = read_text("out/index.zh.html");
    char *markdown = read_text("out/report.zh.md"), *drawing = read_text("out/plots/memory.zh.svg");
    cr_expect(strstr(english, "<html lang=\"en\">") && strstr(chinese, "<html lang=\"zh-Hans\">"));
    cr_expect(strstr(english, "href=\"index.zh.html\"") && strstr(chinese, "href=\"index.html\""));
    cr_expect(strstr(markdown, "[English](report.md)") && strstr(markdown, "plots/memory.zh.svg"));
    cr_expect(strstr(chinese, "精确到最后一次浮点运算") && strstr(markdown, "因果掩码"));
    cr_expect(is_well_formed(drawing) && strstr(drawing, "键值缓存") && strstr(drawing, "权重"));
    cr_expect(strstr(drawing, "font-family") && strstr(drawing, "Noto Sans CJK SC"));
    cr_expect_null(strstr(chinese, "The KV cache takes"));
    free(english);
    free(chinese);
    free(markdown);
    free(drawing);
}

/* Alone, a page has no link to one that was not written; the headline follows the language. */
Test(cli_report, one_language_alone)
{
    sweep("gpt2-nano", "-s 4 --phase prefill --threads 1");
    struct run_result r =
        run_flopledger("report --lang zh %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.out, "教科书") && strstr(r.out, "/out/index.zh.html"), "%s", r.out);
    run_release(&r);
    char *page = read_text("out/index.zh.html");
    cr_expect_null(strstr(page, "index.html"));
    free(page);
    r = run_shell("ls %s/out/index.html %s/out/report.md", scratch.path, scratch.path);
    cr_expect_neq(r.status, 0);
    run_release(&r);
    r = run_flopledger("report --lang fr %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_expect_eq(r.status, 2);
    cr_expect(strstr(r.err, "en") && strstr(r.err, "zh"), "%s", r.err);
    run_release(&r);
}

/* Where no font shows Chinese the report is written all the same, and says so. */
Test(cli_report, a_missing_font_is_named)
{
    sweep("gpt2-nano", "-s 4 --phase prefill --threads 1");
    struct run_result r =
        run_shell("printf '#!/bin/sh\\n' >%s/fc-list; chmod +x %s/fc-list; PATH=%s:$PATH "
                  "\"$FLOPLEDGER\" report -q --lang zh %s/r.db -o %s/out",
                  scratch.path, scratch.path, scratch.path, scratch.path, scratch.path);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.err, "no font that shows Chinese"), "%s", r.err);
    run_release(&r);
    char *drawing = read_text("out/plots/memory.zh.svg");
    cr_expect(strstr(drawing, "键值缓存"));
    free(drawing);
}

/* The same points in several formats: one topic compares them, and each has its section. */
Test(cli_report, formats_are_compared)
{
    static const char *const DTYPES[] = {"f32", "q8_0"};
    for (int i = 0; i < 2; i++) {
        char axes[96];
        snprintf(axes, sizeof axes, "-s 4,8 --phase prefill,decode --threads 1 --dtype %s",
                 DTYPES[i]);
        sweep("llama-nano", axes);
    }
    struct run_result r = run_flopledger("report -q %s/r.db -o %s/out", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char *page = read_text("out/index.html"), *drawing = read_text("out/plots/formats.svg");
    cr_expect(strstr(page, "<h2>llama-nano, f32</h2>") &&
              strstr(page, "<h2>llama-nano, q8_0</h2>"));
    cr_expect(strstr(page, "id=\"formats\"") && strstr(page, "id=\"model2-memory\""));
    cr_expect_null(strstr(page, "id=\"model2-formats\""), "once is enough");
    cr_expect(strstr(drawing, "q8_0") && strstr(drawing, "f32"));
    free(page);
    free(drawing);
}
