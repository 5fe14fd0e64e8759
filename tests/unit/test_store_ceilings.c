/* Ceilings in a results file, and files of schema version 2, which has none. */
#include "tests/unit/store_file.h"
#include "tests/unit/store_sample.h"
#include "tests/unit/store_version_1.h"
#include "tests/unit/store_version_2.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fl_error error;

TestSuite(store_ceilings, .init = store_setup, .fini = store_teardown);

static struct fl_ceiling sample_ceiling(const char *kernel, int n_threads)
{
    struct fl_ceiling ceiling = {
        .machine = "another one",
        .measured_at = "2026-01-02T03:04:05Z",
        .unit = "bytes",
        .level = "L2",
        .dtype = "f32",
        .isa = "avx2",
        .n_threads = n_threads,
        .quick = n_threads == 1,
        .working_set_bytes = 1 << 20,
        .capacity_bytes = 1 << 21,
        .note = "a note",
        .work = 3000,
        .time_ns = {30, 10, 20},
        .n_samples = 3,
    };
    strcpy(ceiling.kernel, kernel);
    return ceiling;
}

static void fill(const char *host, const char *kernel, int n)
{
    struct fl_store *store;
    struct fl_ceiling ceilings[4];
    cr_assert_leq(n, 4);
    for (int i = 0; i < n; i++)
        ceilings[i] = sample_ceiling(kernel, n - i);
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    strcpy(run.cpu_model, host);
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_store_set_ceilings(store, ceilings, n, &error), FL_OK, "%s", error.text);
    fl_store_close(store);
}

Test(store_ceilings, come_back_as_they_were)
{
    struct fl_results results;
    fill("X", "read", 2);
    cr_assert_eq(fl_results_read(&results, store_path, &error), FL_OK, "%s", error.text);
    cr_assert_eq(results.n_ceilings, 2);
    for (int i = 0; i < 2; i++) {
        const struct fl_ceiling *got = &results.ceilings[i];
        const struct fl_ceiling sent = sample_ceiling("read", 2 - i);
        cr_expect_str_eq(got->machine, results.runs[0].machine, "the run's, not its own");
        cr_expect_eq(got->run_id, results.runs[0].id);
        cr_expect_str_eq(got->measured_at, sent.measured_at);
        cr_expect_str_eq(got->unit, sent.unit);
        cr_expect_str_eq(got->kernel, sent.kernel);
        cr_expect_str_eq(got->level, sent.level);
        cr_expect_str_eq(got->dtype, sent.dtype);
        cr_expect_str_eq(got->isa, sent.isa);
        cr_expect_eq(got->n_threads, sent.n_threads);
        cr_expect_eq(got->quick, sent.quick);
        cr_expect_eq(got->working_set_bytes, sent.working_set_bytes);
        cr_expect_eq(got->capacity_bytes, sent.capacity_bytes);
        cr_expect_str_eq(got->note, sent.note);
        cr_expect_eq(got->work, sent.work);
        cr_expect_eq(got->n_samples, 3);
        cr_expect_arr_eq(got->time_ns, sent.time_ns, sizeof sent.time_ns, "in order");
    }
    fl_results_free(&results);
}

Test(store_ceilings, of_one_machine_are_replaced_and_of_another_kept)
{
    struct fl_results results;
    struct fl_store *store;
    char measured_at[FL_CEILING_TIME];
    int n;
    fill("X", "read", 2);
    fill("Y", "copy", 1);
    fill("X", "triad", 1);
    cr_assert_eq(fl_results_read(&results, store_path, &error), FL_OK, "%s", error.text);
    cr_assert_eq(results.n_ceilings, 2);
    const struct fl_ceiling *x = fl_results_ceilings(&results, results.runs[0].machine, &n);
    cr_assert_eq(n, 1);
    cr_expect_str_eq(x->kernel, "triad");
    const struct fl_ceiling *y = fl_results_ceilings(&results, results.runs[1].machine, &n);
    cr_assert_eq(n, 1);
    cr_expect_str_eq(y->kernel, "copy");
    cr_expect_null(fl_results_ceilings(&results, "Z", &n));
    cr_expect_eq(n, 0);

    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_store_find_ceilings(store, results.runs[0].machine, measured_at, &error),
                 FL_OK);
    cr_expect_str_eq(measured_at, "2026-01-02T03:04:05Z");
    cr_assert_eq(fl_store_find_ceilings(store, "Z", measured_at, &error), FL_OK);
    cr_expect_str_eq(measured_at, "");
    fl_store_close(store);
    fl_results_free(&results);
}

Test(store_ceilings, twice_the_same_are_refused_and_leave_what_was_there)
{
    struct fl_store *store;
    struct fl_results results;
    fill("X", "read", 2);
    const struct fl_ceiling twice[] = {sample_ceiling("copy", 1), sample_ceiling("copy", 1)};
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    strcpy(run.cpu_model, "X");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    cr_expect_eq(fl_store_set_ceilings(store, twice, 2, &error), FL_FAILED);
    cr_expect(strstr(error.text, "cannot store the ceilings"), "%s", error.text);
    fl_store_close(store);
    cr_assert_eq(fl_results_read(&results, store_path, &error), FL_OK, "%s", error.text);
    cr_expect_eq(results.n_ceilings, 2);
    cr_expect_str_eq(results.ceilings[0].kernel, "read");
    fl_results_free(&results);
}

Test(store_ceilings, the_summary_view_gives_rates)
{
    sqlite3 *db;
    sqlite3_stmt *query;
    fill("X", "read", 1);
    cr_assert_eq(sqlite3_open(store_path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(
                     db,
                     "SELECT n_samples, min_per_s, median_per_s, max_per_s FROM ceilings_summary",
                     -1, &query, NULL),
                 SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(query), SQLITE_ROW);
    cr_expect_eq(sqlite3_column_int(query, 0), 3);
    cr_expect_eq(sqlite3_column_double(query, 1), 1e11, "3000 bytes in 30 ns");
    cr_expect_eq(sqlite3_column_double(query, 2), 1.5e11);
    cr_expect_eq(sqlite3_column_double(query, 3), 3e11);
    sqlite3_finalize(query);
    sqlite3_close(db);
}

Test(store_ceilings, values_out_of_range_are_refused_by_name)
{
    static const char *const CASES[][2] = {
        {"UPDATE ceilings SET n_threads = 0", "ceilings.n_threads: expected an integer from 1"},
        {"UPDATE ceilings SET work = 0", "ceiling 1: expected its work"},
        {"UPDATE ceilings SET work = -1", "ceilings.work: expected a count"},
        {"UPDATE ceilings SET quick = 1, level = '0123456789'", "ceilings.level: expected text"},
        {"UPDATE ceilings SET note = note || char(0) || 'x'", "ceilings.note: expected text"},
        {"DELETE FROM ceiling_samples", "ceiling 1: expected its samples"},
        {"DELETE FROM ceiling_samples WHERE rep = 1", "expected its samples as 0, 1, ..."},
        {"UPDATE ceiling_samples SET time_ns = 0", "ceiling_samples.time_ns: expected a count"},
        {"UPDATE ceiling_samples SET rep = rep + 70", "expected its samples as 0, 1, ..."},
        {"UPDATE ceilings SET run_id = 99", "ceiling 1: expected its run"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_results results;
        unlink(store_path);
        fill("X", "read", 1);
        store_tamper(CASES[i][0]);
        if (fl_results_read(&results, store_path, &error) == FL_OK) {
            fl_results_free(&results);
            cr_expect_fail("%s was read", CASES[i][0]);
            continue;
        }
        cr_expect(strstr(error.text, CASES[i][1]), "%s: %s", CASES[i][0], error.text);
        cr_expect(strstr(error.text, store_path), "%s", error.text);
    }
}

/* ---- files of schema version 2 ---- */

static void make_version_2(void)
{
    for (int i = 0; VERSION_1_SQL[i]; i++)
        store_tamper(VERSION_1_SQL[i]);
    for (int i = 0; VERSION_2_SQL[i]; i++)
        store_tamper(VERSION_2_SQL[i]);
}

static void expect_version_2(const struct fl_results *results)
{
    cr_assert_eq(results->n_points, 1);
    cr_expect_eq(results->points[0].n_samples, 2);
    cr_assert_eq(results->points[0].n_observed, 1);
    cr_expect_eq(results->points[0].observed->whole.values[FL_COUNT_FLOPS], 950);
    cr_expect_str_eq(results->points[0].observed->blas_core, "Sandybridge");
}

Test(store_ceilings, a_file_of_version_2_is_read_and_left_alone)
{
    struct stat before, after;
    struct fl_results results;
    make_version_2();
    cr_assert_eq(stat(store_path, &before), 0);
    cr_assert_eq(fl_results_read(&results, store_path, &error), FL_OK, "%s", error.text);
    expect_version_2(&results);
    cr_expect_eq(results.n_ceilings, 0);
    fl_results_free(&results);
    cr_assert_eq(stat(store_path, &after), 0);
    cr_expect_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

Test(store_ceilings, a_file_of_version_2_is_brought_up_to_date_by_a_writer)
{
    static char made[STORE_SCHEMA_TEXT], migrated[STORE_SCHEMA_TEXT];
    struct fl_results results;
    fill("X", "read", 1);
    store_schema_text(made);
    unlink(store_path);
    make_version_2();
    fill("X", "read", 2);
    store_schema_text(migrated);
    cr_expect_str_eq(migrated, made, "the same tables, however a file got them");
    cr_assert_eq(fl_results_read(&results, store_path, &error), FL_OK, "%s", error.text);
    expect_version_2(&results);
    cr_expect_eq(results.n_ceilings, 2);
    fl_results_free(&results);
}

Test(store_ceilings, a_migration_that_fails_leaves_the_file_as_it_was)
{
    struct fl_store *store;
    struct fl_results results;
    make_version_2();
    store_tamper("CREATE TABLE ceilings (mine TEXT)");
    cr_expect_eq(fl_store_create(&store, store_path, &error), FL_FAILED);
    cr_expect(strstr(error.text, "cannot bring the file up to date: table ceilings already exists"),
              "%s", error.text);
    cr_assert_eq(fl_results_read(&results, store_path, &error), FL_OK, "%s", error.text);
    expect_version_2(&results);
    fl_results_free(&results);
}
