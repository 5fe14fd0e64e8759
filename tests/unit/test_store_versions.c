/* Files of other schemas than this program's: of its own first version, of a later one, of
 * nobody's. Version 2 is in test_store_ceilings.c. */
#include "tests/unit/store_file.h"
#include "tests/unit/store_sample.h"
#include "tests/unit/store_version_1.h"

#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fl_error error;

TestSuite(store_versions, .init = store_setup, .fini = store_teardown);

Test(store_versions, a_newer_schema_is_refused)
{
    store_fill((const int[]){16}, 1);
    store_tamper("PRAGMA user_version = 4");
    store_expect_not_written("schema version 4 is newer than this program's 3");
    store_expect_refused("schema version 4 is newer than this program's 3");
}

Test(store_versions, another_schema_under_our_name_is_refused)
{
    store_fill((const int[]){16}, 1);
    store_tamper("DROP VIEW ops_summary");
    store_expect_refused("view ops_summary: expected the definition of schema version 3");
    store_tamper(
        "CREATE VIEW ops_summary AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
        "FROM n) SELECT x FROM n");
    store_expect_refused("view ops_summary: expected the definition of schema version 3");
    store_expect_not_written("view ops_summary: expected the definition of schema version 3");
}

/* ---- files of schema version 1 ---- */

static void make_version_1(void)
{
    for (int i = 0; VERSION_1_SQL[i]; i++)
        store_tamper(VERSION_1_SQL[i]);
}

static void expect_version_1(const struct fl_results *results)
{
    cr_assert_eq(results->n_points, 1);
    const struct fl_result *result = &results->points[0];
    cr_expect_str_eq(result->run->counter, "clock");
    cr_expect_str_eq(result->run->calibration, "");
    cr_expect_str_eq(result->model->config.name, "tiny");
    cr_expect_eq(result->point.counted_flops, 900);
    cr_expect_eq(result->n_ops, 2);
    cr_expect_eq(result->n_samples, 2);
    cr_expect_eq(result->samples[0].op_time_ns[FL_OP_QKV], 15);
    cr_expect_eq(result->median_time_ns, 20);
}

Test(store_versions, a_file_of_version_1_is_read_and_left_alone)
{
    struct stat before, after;
    struct fl_results results;
    make_version_1();
    cr_assert_eq(stat(store_path, &before), 0);
    store_load(&results);
    expect_version_1(&results);
    cr_expect_eq(results.points[0].n_observed, 0);
    cr_expect_null(fl_result_observed(&results.points[0]));
    fl_results_free(&results);
    cr_assert_eq(stat(store_path, &after), 0);
    cr_expect_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

Test(store_versions, a_file_of_version_1_is_brought_up_to_date_by_a_writer)
{
    static char made[STORE_SCHEMA_TEXT], migrated[STORE_SCHEMA_TEXT];
    struct fl_store *store;
    struct fl_results results;
    store_fill((const int[]){16}, 1);
    store_schema_text(made);
    unlink(store_path);

    make_version_1();
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    struct fl_observed observed = sample_observed("Sandybridge");
    cr_expect_eq(fl_store_add_observed(store, 1, &observed, &error), FL_OK, "%s", error.text);
    fl_store_close(store);
    store_schema_text(migrated);
    cr_expect_str_eq(migrated, made, "the same tables, however a file got them");

    store_load(&results);
    expect_version_1(&results);
    cr_expect_eq(results.points[0].n_observed, 1);
    cr_expect_str_eq(results.runs[1].calibration, run.calibration);
    fl_results_free(&results);
}

Test(store_versions, a_migration_that_fails_leaves_the_file_as_it_was)
{
    struct fl_results results;
    make_version_1();
    store_tamper("CREATE TABLE observations (mine TEXT)");
    store_expect_not_written("cannot bring the file up to date: table observations already exists");
    store_load(&results);
    expect_version_1(&results);
    fl_results_free(&results);
}

Test(store_versions, another_schema_under_version_1_is_refused)
{
    make_version_1();
    store_tamper("DROP VIEW ops_summary");
    store_expect_refused("view ops_summary: expected the definition of schema version 1");
    store_expect_not_written("view ops_summary: expected the definition of schema version 1");
}
