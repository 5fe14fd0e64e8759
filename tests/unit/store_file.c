#include "tests/unit/store_file.h"

#include "tests/unit/store_sample.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char store_path[64], store_directory[48];
static struct fl_error error;

void store_setup(void)
{
    strcpy(store_directory, "/tmp/fl-store-XXXXXX");
    cr_assert_not_null(mkdtemp(store_directory));
    snprintf(store_path, sizeof store_path, "%s/r.db", store_directory);
}

void store_teardown(void)
{
    unlink(store_path);
    cr_expect_eq(rmdir(store_directory), 0, "the store left a file behind");
}

void store_fill(const int *contexts, int n)
{
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    struct fl_model_record model = sample_model("tiny");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_store_add_model(store, &model, &error), FL_OK, "%s", error.text);
    const struct fl_sample samples[] = {sample_sample(0, 30), sample_sample(1, 10),
                                        sample_sample(2, 20)};
    for (int i = 0; i < n; i++) {
        struct fl_point point = sample_point(model.id, contexts[i]);
        cr_assert_eq(
            fl_store_add_point(store, &point, SAMPLE_OPS, SAMPLE_N_OPS, samples, 3, &error), FL_OK,
            "%s", error.text);
    }
    fl_store_close(store);
}

void store_load(struct fl_results *results)
{
    cr_assert_eq(fl_results_read(results, store_path, &error), FL_OK, "%s", error.text);
}

void store_tamper(const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    cr_assert_eq(sqlite3_open(store_path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &message), SQLITE_OK, "%s: %s", sql, message);
    sqlite3_close(db);
}

void store_expect_refused(const char *sentence)
{
    struct fl_results results;
    cr_expect_eq(fl_results_read(&results, store_path, &error), FL_FAILED, "expected a refusal: %s",
                 sentence);
    cr_expect(strstr(error.text, sentence), "expected \"%s\", got \"%s\"", sentence, error.text);
    cr_expect_eq(strncmp(error.text, store_path, strlen(store_path)), 0, "%s", error.text);
}

void store_expect_not_written(const char *sentence)
{
    struct stat before, after;
    struct fl_store *store = NULL;
    cr_assert_eq(stat(store_path, &before), 0);
    cr_expect_eq(fl_store_create(&store, store_path, &error), FL_FAILED);
    cr_expect_null(store);
    cr_expect(strstr(error.text, sentence), "expected \"%s\", got \"%s\"", sentence, error.text);
    cr_assert_eq(stat(store_path, &after), 0);
    cr_expect_eq(before.st_size, after.st_size, "a refused file is left as it is");
    cr_expect_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

void store_schema_text(char out[STORE_SCHEMA_TEXT])
{
    sqlite3 *db;
    sqlite3_stmt *query;
    cr_assert_eq(sqlite3_open(store_path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db,
                                    "SELECT group_concat(name || type || sql) FROM (SELECT * FROM "
                                    "sqlite_schema ORDER BY name)",
                                    -1, &query, NULL),
                 SQLITE_OK);
    cr_assert_eq(sqlite3_step(query), SQLITE_ROW);
    cr_assert_lt(
        snprintf(out, STORE_SCHEMA_TEXT, "%s", (const char *)sqlite3_column_text(query, 0)),
        STORE_SCHEMA_TEXT);
    sqlite3_finalize(query);
    sqlite3_close(db);
}
