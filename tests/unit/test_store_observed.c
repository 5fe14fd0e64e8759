/* What counters saw, in a results file. */
#include "tests/unit/store_file.h"
#include "tests/unit/store_sample.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static struct fl_error error;

TestSuite(store_observed, .init = store_setup, .fini = store_teardown);

/* store_fill() and one observation of each point, ids 1 ... n. */
static void fill_observed(const int *contexts, int n)
{
    struct fl_store *store;
    store_fill(contexts, n);
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    for (int i = n; i > 0; i--) { /* not in the order of the points */
        struct fl_observed observed = sample_observed("Sandybridge");
        observed.whole.values[FL_COUNT_FLOPS] += (uint64_t)contexts[i - 1];
        cr_assert_eq(fl_store_add_observed(store, i, &observed, &error), FL_OK, "%s", error.text);
    }
    fl_store_close(store);
}

Test(store_observed, an_observation_comes_back_as_it_was)
{
    struct fl_results results;
    fill_observed((const int[]){16, 32, 64}, 3);
    store_load(&results);
    cr_assert_eq(results.n_observed, 3);
    for (int i = 0; i < 3; i++) {
        const struct fl_result *result = &results.points[i];
        cr_assert_eq(result->n_observed, 1);
        struct fl_observed expected = sample_observed("Sandybridge");
        expected.id = result->observed->id;
        expected.point_id = result->point.id;
        expected.run_id = 2;
        expected.whole.values[FL_COUNT_FLOPS] += (uint64_t)result->point.context;
        cr_expect_arr_eq(result->observed, &expected, sizeof expected);
        cr_expect(fl_observed_has(result->observed, FL_COUNT_FLOPS_DOUBLE), "counted as zero");
        cr_expect_not(fl_observed_has(result->observed, FL_COUNT_CYCLES), "not counted");
    }
    fl_results_free(&results);
}

Test(store_observed, a_point_is_counted_once_by_a_counter_with_the_same_kernels)
{
    struct fl_store *store;
    struct fl_results results;
    bool found;
    fill_observed((const int[]){16}, 1);
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    struct fl_observed same = sample_observed("Sandybridge"), other = sample_observed("Haswell");
    cr_expect_eq(fl_store_add_observed(store, 1, &same, &error), FL_FAILED);
    cr_expect(strstr(error.text, "it is there already"), "%s", error.text);
    cr_expect_eq(fl_store_add_observed(store, 7, &other, &error), FL_FAILED, "no such point");

    fl_store_find_observed(store, 1, "flopgrind", "SANDYBRIDGE", &found, &error);
    cr_expect(found, "however it is spelt");
    fl_store_find_observed(store, 1, "papi", "Sandybridge", &found, &error);
    cr_expect_not(found);
    fl_store_find_observed(store, 1, "flopgrind", "Haswell", &found, &error);
    cr_expect_not(found);
    other.available = FL_COUNT_BIT(CYCLES);
    cr_expect_eq(fl_store_add_observed(store, 1, &other, &error), FL_OK, "%s", error.text);
    fl_store_close(store);

    store_load(&results);
    cr_expect_eq(results.points[0].n_observed, 2);
    cr_expect_str_eq(fl_result_observed(&results.points[0])->blas_core, "Sandybridge");
    fl_results_free(&results);
}

Test(store_observed, a_count_that_cannot_be_stored_leaves_no_half_observation)
{
    struct fl_store *store;
    struct fl_results results;
    store_fill((const int[]){16}, 1);
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    struct fl_observed observed = sample_observed("Haswell");
    observed.ops[FL_OP_LOGITS].reading.values[FL_COUNT_FLOPS] = UINT64_MAX;
    cr_expect_eq(fl_store_add_observed(store, 1, &observed, &error), FL_FAILED);
    cr_expect(strstr(error.text, "observation_counts.value: expected a count"), "%s", error.text);
    fl_store_close(store);
    store_load(&results);
    cr_expect_eq(results.n_observed, 0);
    fl_results_free(&results);
}

/* The integer a query gives on the file. */
static int64_t query_integer(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *query;
    cr_assert_eq(sqlite3_open(store_path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(query), SQLITE_ROW, "%s", sql);
    cr_expect_neq(sqlite3_column_type(query, 0), SQLITE_NULL, "%s", sql);
    int64_t value = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    sqlite3_close(db);
    return value;
}

Test(store_observed, views_of_what_was_measured_add_up)
{
    fill_observed((const int[]){16}, 1);
    static const char OP[] = "FROM ops_measured WHERE op = 'logits'";
    const struct {
        const char *column, *from;
        int64_t value;
    } cases[] = {
        {"measured_flops", OP, 620},
        {"excess_flops", OP, 20},
        {"unexplained_flops", OP, 0},
        {"measured_bytes_read", OP, 64 * 5},
        {"measured_bytes_written IS NULL", OP, 1},
        {"measured_flops", "FROM points_measured", 966},
        {"excess_flops", "FROM points_measured", 28},
        {"between_flops", "FROM points_measured", 36},
        {"unexplained_flops", "FROM points_measured", 2},
        {"measured_bytes_read", "FROM points_measured", 64 * 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s %s", cases[i].column, cases[i].from);
        cr_expect_eq(query_integer(sql), cases[i].value, "%s", sql);
    }
}

Test(store_observed, observations_out_of_range_are_refused_by_name)
{
    static const char *const CASES[][2] = {
        {"UPDATE observations SET run_id = 99", "expected its run"},
        {"UPDATE observations SET n_threads = 0", "observations.n_threads: expected an integer"},
        {"UPDATE observations SET note = printf('%300d', 1)", "observations.note: expected text"},
        {"UPDATE observation_counts SET value = -1", "observation_counts.value: expected a count"},
        {"UPDATE observation_counts SET key = 'x' WHERE key = 'flops'",
         "observation_counts.key: expected the key of a count"},
        {"UPDATE observation_counts SET op = 'x' WHERE op = 'qkv'",
         "observation_counts.op: expected the name"},
        {"DELETE FROM observation_counts WHERE op = 'qkv' AND key = 'flops'",
         "observation 1: expected its count flops of qkv"},
        {"UPDATE observation_excess SET term = 'x' WHERE op = 'qkv'",
         "observation_excess.term: expected the key of a term"},
        {"UPDATE observation_excess SET op = 'forward' WHERE op = 'qkv'",
         "observation_excess.op: expected the name"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        unlink(store_path);
        fill_observed((const int[]){16}, 1);
        store_tamper(CASES[i][0]);
        store_expect_refused(CASES[i][1]);
    }
}
