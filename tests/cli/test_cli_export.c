/* export: JSON Lines against the file they come from, Markdown, and the views with the queries that
 * docs/results.md shows. */
#include "tests/cli/results.h"
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

static sqlite3 *open_db(void)
{
    sqlite3 *handle;
    cr_assert_eq(sqlite3_open_v2(db, &handle, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
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
    results_change(db, sql);
}

static long query(const char *sql)
{
    return results_query(db, sql);
}

/* ---- JSON Lines ---- */

/* Every column of a view's row is a member of the object, with the same value. */
static void expect_same(const cJSON *object, sqlite3_stmt *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const char *name = sqlite3_column_name(row, i);
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
        cr_assert_not_null(item, "%s is missing", name);
        if (sqlite3_column_type(row, i) == SQLITE_NULL) {
            cr_expect(cJSON_IsNull(item), "%s", name);
        } else if (sqlite3_column_type(row, i) == SQLITE_TEXT) {
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

/* Every line is a row of the view, found by its id, and of operators by op. */
static void expect_lines(const char *options, const char *view, const char *record, const char *id,
                         long n_expected)
{
    struct run_result r = run_flopledger("export %s --format jsonl %s", db, options);
    cr_assert_eq(r.status, 0, "%s", r.err);
    sqlite3 *handle = open_db();
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE %s = ?1 AND ?2 IN ('', %s)", view, id,
             strcmp(record, "operator") == 0 ? "op" : "''");
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
        sqlite3_bind_int(row, 1, cJSON_GetObjectItem(object, id)->valueint);
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
    expect_lines("", "samples_flat", "sample", "sample_id", query("SELECT count(*) FROM samples"));
    expect_lines("--ops", "ops_flat", "operator", "sample_id",
                 query("SELECT count(*) FROM sample_ops"));
}

/* ---- ceilings and conditions ---- */

/* 200 GFLOP in a second; 8 GB in 1, 2, 4, 5 and 10 s. */
static const char CEILINGS[] =
    "INSERT INTO ceilings SELECT 7, id, machine, '2026-01-02T03:04:05Z', 'flops', 'fma', '', "
    "'f32', 'avx2', 1, 0, 64, 0, '', 200000000000 FROM runs LIMIT 1;"
    "INSERT INTO ceilings SELECT 9, id, machine, '2026-01-02T03:04:06Z', 'bytes', 'read', 'DRAM', "
    "'f32', 'avx2', 1, 1, 1000, 0, 'a, \"b\"', 8000000000 FROM runs LIMIT 1;"
    "INSERT INTO ceiling_samples VALUES (7, 0, 1000000000), (9, 0, 4000000000), "
    "(9, 1, 1000000000), (9, 2, 10000000000), (9, 3, 2000000000), (9, 4, 5000000000)";

static double member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    cr_assert(cJSON_IsNumber(item), "%s", name);
    return item->valuedouble;
}

Test(cli_export, ceilings_are_rows_and_a_view)
{
    sweep();
    execute(CEILINGS);
    expect_lines("--ceilings", "ceilings_flat", "ceiling", "ceiling_id", 2);
    struct run_result r = run_flopledger("export %s --ceilings --format json", db);
    cJSON *rows = cJSON_Parse(r.out);
    cr_assert_eq(cJSON_GetArraySize(rows), 2, "%s", r.out);
    const cJSON *dram = cJSON_GetArrayItem(rows, 1);
    static const struct {
        const char *name;
        double gb_per_s;
    } RATES[] = {{"min_per_s", 0.8},
                 {"low_per_s", 1.6},
                 {"median_per_s", 2},
                 {"high_per_s", 4},
                 {"max_per_s", 8}};
    for (int i = 0; i < 5; i++)
        cr_expect_float_eq(member(dram, RATES[i].name), RATES[i].gb_per_s * 1e9, 1, "%s",
                           RATES[i].name);
    cr_expect_eq(member(dram, "quick"), 1);
    cr_expect_eq(member(dram, "n_samples"), 5);
    cJSON_Delete(rows);
    run_release(&r);
    r = run_flopledger("export %s --ceilings", db);
    cr_expect_eq(strncmp(r.out, "ceiling_id,run_id,host,cpu_model,machine,", 41), 0, "%s", r.out);
    cr_expect(strstr(r.out, ",read,DRAM,f32,avx2,1,1,1000,0,\"a, \"\"b\"\"\",8000000000,5,8"), "%s",
              r.out);
    run_release(&r);
    r = run_flopledger("export %s --ceilings --format md", db);
    cr_expect(strstr(r.out, "| DRAM | read | f32 | avx2 | 1 | 5 | GB/s | 2.00 | 1.60 | 4.00 |"),
              "%s", r.out);
    run_release(&r);
}

Test(cli_export, a_file_without_ceilings_says_so)
{
    sweep();
    struct run_result r = run_flopledger("export %s --ceilings --format json", db);
    cr_expect_eq(r.status, 0);
    cr_expect_str_eq(r.out, "[\n]\n");
    cr_expect(strstr(r.err, "holds no ceilings"), "%s", r.err);
    run_release(&r);
    r = run_flopledger("export %s --ceilings --ops", db);
    cr_expect_eq(r.status, 2);
    cr_expect(strstr(r.err, "--ops and --ceilings"), "%s", r.err);
    run_release(&r);
}

/* What was not recorded beside a sample is empty or null, never 0. */
Test(cli_export, conditions_stand_beside_samples)
{
    sweep();
    execute("DELETE FROM sample_conditions WHERE sample_id = 1;"
            "UPDATE sample_conditions SET window_ns = 50, n_interrupted = 1, other_ns = -7, "
            "stolen_ns = 5, loop_ns = 3000 + sample_id, load_milli = 1500");
    expect_lines("", "samples_flat", "sample", "sample_id", query("SELECT count(*) FROM samples"));
    cr_expect_eq(query("SELECT count(*) FROM samples_flat WHERE other_ns IS NULL"), 1);
    struct run_result r = run_flopledger("export %s", db);
    cr_expect(strstr(r.out, ",window_ns,n_interrupted,other_ns,stolen_ns,loop_ns,load_milli\r\n"));
    cr_expect(strstr(r.out, ",50,1,-7,5,3002,1500\r\n"), "%s", r.out);
    cr_expect(strstr(r.out, ",,,,,,\r\n"), "%s", r.out);
    run_release(&r);
    cr_expect_eq(query("SELECT n_samples FROM run_conditions"),
                 query("SELECT count(*) - 1 FROM samples"));
    cr_expect_eq(query("SELECT abs(other_cores + 0.14) < 1e-9 AND abs(stolen_share - 0.1) < 1e-9 "
                       "AND interrupted_share = 1 AND load_high = 1.5 AND clock_spread > 1 FROM "
                       "run_conditions"),
                 1);
}

/* ---- figures ---- */

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

static const char *const VIEWS[] = {"samples_flat",  "ops_flat",      "conventions",
                                    "op_shares",     "cache_savings", "kernel_ratios",
                                    "ceilings_flat", "run_conditions"};
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
    execute(CEILINGS);
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
    char *text = run_read("docs/results.md");
    sqlite3 *handle = open_db();
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
    cr_expect_geq(n, 14);
    sqlite3_close(handle);
    free(text);
}
