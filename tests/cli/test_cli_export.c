/* export: JSON Lines against the file they come from, Markdown, and the views with the queries that
 * docs/results.md shows. */
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct run_scratch scratch;
static char db[96];

static void setup(void)
{
    run_scratch_make(&scratch);
    snprintf(db, sizeof db, "%s/r.db", scratch.path);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_export, .init = setup, .fini = teardown);

static void expect_status(int status, const char *line)
{
    struct run_result r = run_shell("%s", line);
    cr_assert_eq(r.status, status, "%s: %s", line, r.err);
    run_release(&r);
}

static void sweep(void)
{
    char line[256];
    snprintf(
        line, sizeof line,
        "\"$FLOPLEDGER\" sweep -m llama-nano -s 8,16 --attention naive,causal -t 1 --reps 3 -q "
        "-o %s",
        db);
    expect_status(0, line);
}

static sqlite3 *open_db(int flags)
{
    sqlite3 *handle;
    cr_assert_eq(sqlite3_open_v2(db, &handle, flags, NULL), SQLITE_OK);
    return handle;
}

static sqlite3_stmt *prepare(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement;
    cr_assert_eq(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(handle));
    return statement;
}

static void execute(const char *sql)
{
    sqlite3 *handle = open_db(SQLITE_OPEN_READWRITE);
    cr_assert_eq(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(handle));
    sqlite3_close(handle);
}

static long query(const char *sql)
{
    sqlite3 *handle = open_db(SQLITE_OPEN_READONLY);
    sqlite3_stmt *statement = prepare(handle, sql);
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "%s", sql);
    const long value = (long)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return value;
}

/* ---- JSON Lines ---- */

/* Every column of a view's row is a member of the object, with the same value. */
static void expect_same(const cJSON *object, sqlite3_stmt *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const char *name = sqlite3_column_name(row, i);
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
        cr_assert_not_null(item, "%s is missing", name);
        if (sqlite3_column_type(row, i) == SQLITE_TEXT) {
            cr_assert(cJSON_IsString(item), "%s", name);
            cr_expect_str_eq(item->valuestring, (const char *)sqlite3_column_text(row, i), "%s",
                             name);
        } else {
            const double value = sqlite3_column_double(row, i);
            cr_assert(cJSON_IsNumber(item), "%s", name);
            cr_expect(fabs(item->valuedouble - value) <= 1e-8 * fabs(value), "%s: %.17g, not %.17g",
                      name, item->valuedouble, value);
        }
    }
}

static void expect_lines(const char *options, const char *view, const char *record, long n_expected)
{
    struct run_result r = run_flopledger("export %s --format jsonl %s", db, options);
    cr_assert_eq(r.status, 0, "%s", r.err);
    sqlite3 *handle = open_db(SQLITE_OPEN_READONLY);
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE sample_id = ?1 AND ?2 IN ('', %s)", view,
             *options ? "op" : "''");
    sqlite3_stmt *row = prepare(handle, sql);
    long n = 0;
    for (char *line = r.out, *end; *line; line = end + 1, n++) {
        end = strchr(line, '\n');
        cr_assert_not_null(end);
        *end = '\0';
        cJSON *object = cJSON_ParseWithOpts(line, NULL, true);
        cr_assert_not_null(object, "%s", line);
        cr_expect_str_eq(cJSON_GetObjectItem(object, "record")->valuestring, record);
        cr_expect_eq(cJSON_GetObjectItem(object, "schema")->valueint, 1);
        const cJSON *op = cJSON_GetObjectItemCaseSensitive(object, "op");
        sqlite3_bind_int(row, 1, cJSON_GetObjectItem(object, "sample_id")->valueint);
        sqlite3_bind_text(row, 2, op ? op->valuestring : "", -1, SQLITE_TRANSIENT);
        cr_assert_eq(sqlite3_step(row), SQLITE_ROW, "%s", line);
        expect_same(object, row);
        cr_expect_eq(sqlite3_step(row), SQLITE_DONE);
        sqlite3_reset(row);
        cJSON_Delete(object);
    }
    cr_expect_eq(n, n_expected);
    sqlite3_finalize(row);
    sqlite3_close(handle);
    run_release(&r);
}

Test(cli_export, json_lines_are_what_the_file_holds)
{
    sweep();
    expect_lines("", "samples_flat", "sample", query("SELECT count(*) FROM samples"));
    expect_lines("--ops", "ops_flat", "operator", query("SELECT count(*) FROM sample_ops"));
}

/* Doubles would round it. */
Test(cli_export, large_counts_keep_all_their_digits)
{
    sweep();
    execute("UPDATE points SET textbook_flops = 9223372036854775807");
    struct run_result r = run_flopledger("export %s --format jsonl", db);
    cr_expect(strstr(r.out, "\"textbook_flops\":9223372036854775807,"), "%.2000s", r.out);
    run_release(&r);
}

/* Conventions as text and as columns. */
Test(cli_export, every_row_says_how_it_counts)
{
    sweep();
    struct run_result r = run_flopledger("export %s --format jsonl --ops", db);
    for (const char *line = r.out; *line; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        const char *textbook = strstr(line, "\"textbook_convention\":\"unit=flop causal=full ");
        const char *exact = strstr(line, "\"exact_convention\":\"unit=flop causal=");
        cr_expect(textbook && textbook < end && exact && exact < end, "%.*s", (int)(end - line),
                  line);
    }
    run_release(&r);
    cr_expect_eq(query("SELECT count(*) FROM conventions"),
                 2 * query("SELECT count(*) FROM points"));
    cr_expect_eq(query("SELECT count(*) FROM conventions WHERE 'unit=' || unit || ' causal=' || "
                       "causal || ' lm_head=' || lm_head || ' elementwise=' || elementwise <> "
                       "(SELECT CASE figure WHEN 'exact' THEN exact_convention ELSE "
                       "textbook_convention END FROM points WHERE id = point_id)"),
                 0);
    cr_expect_eq(
        query("SELECT count(*) FROM conventions WHERE figure = 'textbook' AND unit = 'flop' "
              "AND causal = 'full' AND elementwise = 'off'"),
        query("SELECT count(*) FROM points"));
}

/* ---- Markdown ---- */

Test(cli_export, markdown_is_a_table_to_read)
{
    sweep();
    execute("UPDATE models SET name = 'a|b<script>[x](y)'");
    struct run_result r = run_flopledger("export %s --format md", db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    long n_rows = 0;
    for (const char *at = r.out; (at = strstr(at, "\n| ")) != NULL; at++)
        n_rows++;
    cr_expect_eq(n_rows, 1 + query("SELECT count(*) FROM points"));
    cr_expect(strstr(r.out, "- textbook: unit=flop causal=full"), "%s", r.out);
    cr_expect(strstr(r.out, "| a\\|b&lt;script>\\[x](y) | prefill | on | naive |"), "%s", r.out);
    run_release(&r);
    r = run_flopledger("export %s --format md --ops", db);
    cr_expect(strstr(r.out, "| ffn_down |"), "%s", r.out);
    run_release(&r);
}

/* ---- views ---- */

static const char *const VIEWS[] = {"samples_flat", "ops_flat",      "conventions",
                                    "op_shares",    "cache_savings", "kernel_ratios"};
enum { N_VIEWS = sizeof VIEWS / sizeof *VIEWS };

static long n_views(void)
{
    long n = 0;
    for (int i = 0; i < N_VIEWS; i++) {
        char sql[128];
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM sqlite_schema WHERE type = 'view' AND name = '%s'",
                 VIEWS[i]);
        n += query(sql);
    }
    return n;
}

static void drop_views(void)
{
    for (int i = 0; i < N_VIEWS; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DROP VIEW %s", VIEWS[i]);
        execute(sql);
    }
}

Test(cli_export, views_come_with_writing_and_on_demand)
{
    char line[256];
    sweep();
    cr_expect_eq(n_views(), N_VIEWS);
    for (int i = 0; i < N_VIEWS; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", VIEWS[i]);
        cr_expect_gt(query(sql), 0, "%s is empty", VIEWS[i]);
    }
    cr_expect_eq(query("SELECT count(*) FROM (SELECT point_id FROM op_shares GROUP BY point_id "
                       "HAVING abs(sum(share_of_flops) - 1) > 1e-9)"),
                 0);
    drop_views();
    snprintf(line, sizeof line, "\"$FLOPLEDGER\" export %s --views", db);
    expect_status(0, line);
    cr_expect_eq(n_views(), N_VIEWS);
}

/* What an older program made is replaced; what somebody else made is not. */
Test(cli_export, views_of_others_stay)
{
    sweep();
    execute("DROP VIEW op_shares; CREATE VIEW op_shares AS\n/* flopledger */\nSELECT 1 AS old;"
            "DROP VIEW cache_savings; CREATE VIEW cache_savings AS SELECT 2 AS mine");
    struct run_result r = run_flopledger("export %s --views", db);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "view cache_savings: something else has this name"), "%s", r.err);
    run_release(&r);
    cr_expect_eq(query("SELECT mine FROM cache_savings"), 2);
    cr_expect_gt(query("SELECT count(share_of_time) FROM op_shares"), 0);
    r = run_flopledger("export %s", db);
    cr_expect_eq(r.status, 0, "%s", r.err);
    run_release(&r);
}

/* Reading never writes, whoever reads; a read-only file is refused by the one thing that writes. */
Test(cli_export, a_file_that_is_read_stays_as_it_is)
{
    sweep();
    drop_views();
    struct run_result r =
        run_shell("chmod 444 %s; before=$(sha256sum %s; stat -c %%Y %s); "
                  "for format in csv json jsonl md; do \"$FLOPLEDGER\" export %s --format $format "
                  "> /dev/null "
                  "|| exit 9; done; \"$FLOPLEDGER\" export %s --views; echo $?; "
                  "[ \"$before\" = \"$(sha256sum %s; stat -c %%Y %s)\" ] && echo same; ls %s",
                  db, db, db, db, db, db, db, scratch.path);
    cr_expect_str_eq(r.out, "1\nsame\nr.db\n", "%s%s", r.out, r.err);
    cr_expect(strstr(r.err, "the file is read-only and was left as it is"), "%s", r.err);
    run_release(&r);
    r = run_flopledger("export %s/none.db --views", scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect(strstr(r.err, "there is none"), "%s", r.err);
    run_release(&r);
    struct stat info;
    char none[128];
    snprintf(none, sizeof none, "%s/none.db", scratch.path);
    cr_expect_neq(stat(none, &info), 0, "a file was made");
}

/* ---- the manual's queries ---- */

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *text = calloc((size_t)size + 1, 1);
    cr_assert_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return text;
}

/* Every block of SQL in docs/results.md gives rows on a real file, one with observations and a
 * ceiling. */
Test(cli_export, every_query_of_the_manual_runs)
{
    sweep();
    execute(
        "INSERT INTO observations SELECT id, id, run_id, 'papi', '7', '', 'Zen', 'avx2', 1 FROM "
        "points; INSERT INTO observation_counts SELECT point_id, op, 'flops', exact_flops + 9 "
        "FROM point_ops; INSERT INTO observation_counts SELECT point_id, 'forward', 'flops', "
        "sum(exact_flops) + 1000 FROM point_ops GROUP BY point_id; INSERT INTO "
        "observation_excess SELECT point_id, op, 'reductions', 7 FROM point_ops;"
        "INSERT INTO ceilings SELECT id, run_id, machine, '2026', 'bytes', 'read', 'DRAM', 'f32',"
        " 'avx2', n_threads, 1, 1, 1, '', 1000000 FROM points LIMIT 1;"
        "INSERT INTO ceiling_samples SELECT id, 0, 1000 FROM ceilings");
    char *text = read_text("docs/results.md");
    sqlite3 *handle = open_db(SQLITE_OPEN_READONLY);
    int n = 0;
    for (char *block = text; (block = strstr(block, "```sql\n")) != NULL; n++) {
        char *end = strstr(block += strlen("```sql\n"), "```");
        cr_assert_not_null(end);
        *end = '\0';
        sqlite3_stmt *statement = prepare(handle, block);
        cr_expect_eq(sqlite3_step(statement), SQLITE_ROW, "no row: %s", block);
        sqlite3_finalize(statement);
        block = end + 1;
    }
    cr_expect_geq(n, 12);
    sqlite3_close(handle);
    free(text);
}
