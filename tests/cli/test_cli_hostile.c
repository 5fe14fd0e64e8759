/* Titles, model names and metadata that try to be something else than text, in both languages: in
 * the page, in Markdown and in plots they must stay text. */
#include "tests/cli/results.h"
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run_scratch scratch;

/* So that every name of the schema has a row to be in. */
static const char COUNTED_AND_CEILINGS[] =
    "INSERT INTO observations SELECT id, id, run_id, 'papi', '7', '', 'Zen', 'avx2', 1 FROM points;"
    "INSERT INTO observation_counts SELECT point_id, op, 'flops', exact_flops + 9 FROM point_ops;"
    "INSERT INTO observation_counts SELECT point_id, 'forward', 'flops', sum(exact_flops) + 1000 "
    "FROM point_ops GROUP BY point_id;"
    "INSERT INTO observation_excess SELECT point_id, op, 'reductions', 7 FROM point_ops;"
    "INSERT INTO ceilings SELECT 1, id, machine, '2026', 'flops', 'fma', '', 'f32', 'avx2', 1, 0, "
    "0, 0, '', 40000000000 FROM runs;"
    "INSERT INTO ceilings SELECT 2, id, machine, '2026', 'bytes', 'read', 'DRAM', 'f32', 'avx2', "
    "1, 0, 0, 0, '', 9000000000 FROM runs;"
    "INSERT INTO ceiling_samples SELECT id, 0, 1000000000 FROM ceilings";

static void setup(void)
{
    run_scratch_make(&scratch);
    struct run_result r = run_flopledger(
        "sweep -m gpt2-nano -s 4,8 --phase prefill,decode --cache on,off --threads 1 "
        "--reps 2 --quiet --out %s/r.db",
        scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    char path[128];
    snprintf(path, sizeof path, "%s/r.db", scratch.path);
    results_change(path, COUNTED_AND_CEILINGS);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_hostile, .init = setup, .fini = teardown);

/* What each tries: to end an attribute or an element; Markdown's links, code and tables; gnuplot's
 * strings, backquotes, macros and enhanced text; SQL; lines of their own; another direction. */
static const char *const NAMES[] = {
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "\"' onmouseover='alert(3)' \"",
    "</title></style></script><b>bold</b>",
    "`touch hacked` $(touch hacked) ${HOME}",
    "'; system(\"touch hacked\"); set output 'hacked",
    "@hacked {/Bold=40 big} a_b^c&{wide} %s%n%d \\n \\\"",
    "[link](javascript:alert(4)) ![x](y) | a | **b** # c <!-- d -->",
    "first\nset title 'second'\r\n\tthird\x01\x1b[31m",
    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xae"
    "drawkcab \xe2\x81\xa6isolate",
    "'); DROP TABLE points; --",
    "\xff\xfe not UTF-8 \xc0\x80 \xed\xa0\x80",
};
enum { N_NAMES = sizeof NAMES / sizeof *NAMES };

/* Puts the text in place of every name that the file holds, cut to what the column takes, wherever
 * that is. */
static void rename_all(const char *name)
{
    static const struct {
        const char *table, *column;
        int size;
    } COLUMNS[] = {
        {"models", "name", 127},         {"models", "spec", 1023},
        {"models", "format", 23},        {"runs", "host", 127},
        {"runs", "cpu_model", 127},      {"runs", "governor", 63},
        {"runs", "kernel", 127},         {"runs", "blas_config", 255},
        {"runs", "command_line", 2047},  {"runs", "\"commit\"", 63},
        {"runs", "version", 63},         {"runs", "isa", 31},
        {"runs", "counter", 31},         {"runs", "machine", 319},
        {"runs", "calibration", 2047},   {"points", "dtype", 47},
        {"observations", "counter", 31}, {"observations", "counter_version", 63},
        {"observations", "note", 255},   {"observations", "blas_core", 63},
        {"observations", "isa", 31},     {"ceilings", "machine", 319},
        {"ceilings", "measured_at", 31}, {"ceilings", "isa", 63},
        {"ceilings", "note", 159},
    };
    char path[256], sql[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/r.db", scratch.path);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof COLUMNS / sizeof *COLUMNS; i++) {
        sqlite3_stmt *statement;
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = ?1", COLUMNS[i].table, COLUMNS[i].column);
        cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK, "%s",
                     sqlite3_errmsg(db));
        int length = (int)strlen(name);
        sqlite3_bind_text(statement, 1, name, length < COLUMNS[i].size ? length : COLUMNS[i].size,
                          SQLITE_STATIC);
        cr_assert_eq(sqlite3_step(statement), SQLITE_DONE, "%s", sqlite3_errmsg(db));
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
}

static char *read_text(const char *name)
{
    return run_read("%s/out/%s", scratch.path, name);
}

/* The report with the text as its title, too; by the environment, which no shell reads again. */
static void write_report(const char *title)
{
    cr_assert_eq(setenv("HOSTILE", title, 1), 0);
    struct run_result r = run_flopledger(
        "report -q --lang both %s/r.db -o %s/out --title \"$HOSTILE\"", scratch.path, scratch.path);
    cr_assert_eq(r.status, 0, "%s: %s", title, r.err);
    run_release(&r);
}

/* Elements that a page of plain names has: as many as that, whatever the names are. */
static const char *const TAGS[] = {
    "<script",       "</script>",    "<img",         "<b>",  "<style", "</title>", " onerror=",
    " onmouseover=", "\xe2\x80\xae", "\xe2\x81\xa6", "\x1b", "<tr>",   "<section"};
enum { N_TAGS = sizeof TAGS / sizeof *TAGS };

static const char *const FILES[] = {
    "index.html",        "index.zh.html",        "report.md",          "report.zh.md",
    "plots/prefill.svg", "plots/prefill.zh.svg", "plots/roofline.svg", "plots/measured.svg"};
enum { N_FILES = sizeof FILES / sizeof *FILES };

/* Attributes as they would be: what is escaped has no bare quotes around it. */
static void count_tags(int counts[N_FILES][N_TAGS])
{
    for (int f = 0; f < N_FILES; f++) {
        char *text = read_text(FILES[f]);
        for (int t = 0; t < N_TAGS; t++)
            counts[f][t] = TAGS[t][0] == ' ' ? 0 : run_count(text, TAGS[t]);
        free(text);
    }
}

static void expect_text(const char *name, int plain[N_FILES][N_TAGS])
{
    int counts[N_FILES][N_TAGS];
    rename_all(name);
    write_report(name);
    count_tags(counts);
    for (int f = 0; f < N_FILES; f++)
        for (int t = 0; t < N_TAGS; t++)
            cr_expect_eq(counts[f][t], plain[f][t], "%s: '%s' %d times instead of %d: %.60s",
                         FILES[f], TAGS[t], counts[f][t], plain[f][t], name);
    struct run_result r = run_shell("find '%s' . -maxdepth 3 -name 'hacked*'", scratch.path);
    cr_expect_str_empty(r.out, "%.60s", name);
    run_release(&r);
}

Test(cli_hostile, names_stay_names)
{
    int plain[N_FILES][N_TAGS];
    rename_all("plain");
    write_report("plain");
    count_tags(plain);
    for (int i = 0; i < N_NAMES; i++)
        expect_text(NAMES[i], plain);
}

/* 4 KB: cut where there is no room, never in the middle of a character, and never a failure. */
Test(cli_hostile, long_names_are_cut)
{
    char name[4097] = "";
    while (strlen(name) < sizeof name - 8)
        strcat(name, "<\xe9\x95\xbf&\"");
    int plain[N_FILES][N_TAGS];
    rename_all("plain");
    write_report("plain");
    count_tags(plain);
    expect_text(name, plain);
    for (int f = 0; f < N_FILES; f++) {
        struct run_result r =
            run_shell("iconv -f UTF-8 -t UTF-8 '%s/out/%s' >/dev/null", scratch.path, FILES[f]);
        cr_expect_eq(r.status, 0, "%s: %s", FILES[f], r.err);
        run_release(&r);
    }
}

/* Markdown: neither a link, a picture, code nor a column more. */
Test(cli_hostile, markdown_stays_markdown)
{
    rename_all(NAMES[6]);
    write_report(NAMES[6]);
    char *text = read_text("report.zh.md");
    for (const char *at = strstr(text, "](javascript"); at; at = strstr(at + 1, "](javascript"))
        cr_expect_eq(at[-1], '\\', "%.40s", at - 8);
    cr_expect_null(strstr(text, "![x]"));
    cr_expect_null(strstr(text, "<!--"));
    cr_expect(
        strstr(text, "\\[link\\](javascript:alert(4)) \\!\\[x\\](y) \\| a \\| \\*\\*b\\*\\*"));
    free(text);
}
