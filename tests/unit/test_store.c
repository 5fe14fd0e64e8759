#include "store/store.h"

#include "tests/unit/store_sample.h"
#include "tests/unit/store_version_1.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64], directory[48];
static struct fl_error error;

static void setup(void)
{
    strcpy(directory, "/tmp/fl-store-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/r.db", directory);
    error.text[0] = '\0';
}

static void teardown(void)
{
    char journal[80];
    snprintf(journal, sizeof journal, "%s-journal", path);
    unlink(journal);
    unlink(path);
    cr_expect_eq(rmdir(directory), 0, "the store left a file behind");
}

TestSuite(store, .init = setup, .fini = teardown);

/* A file with one run, one model and points of these contexts, each with samples 30, 10, 20 ns. */
static void fill(const int *contexts, int n)
{
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
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

static void load(struct fl_results *results)
{
    struct fl_store *store;
    cr_assert_eq(fl_store_open(&store, path, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_store_load(store, results, &error), FL_OK, "%s", error.text);
    fl_store_close(store);
}

/* Runs SQL on the file as any other program could. */
static void tamper(const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &message), SQLITE_OK, "%s", message);
    sqlite3_close(db);
}

static void expect_refused(const char *sentence)
{
    struct fl_store *store = NULL;
    struct fl_results results;
    int status = fl_store_open(&store, path, &error);
    if (status == FL_OK) {
        status = fl_store_load(store, &results, &error);
        fl_store_close(store);
    }
    cr_expect_eq(status, FL_FAILED, "expected a refusal: %s", sentence);
    cr_expect(strstr(error.text, sentence), "expected \"%s\", got \"%s\"", sentence, error.text);
    cr_expect_eq(strncmp(error.text, path, strlen(path)), 0, "%s", error.text);
}

Test(store, round_trip)
{
    fill((const int[]){16}, 1);
    struct fl_results results;
    load(&results);
    cr_assert_eq(results.n_points, 1);
    const struct fl_result *result = &results.points[0];

    struct fl_run run = sample_run("host");
    fl_run_name_machine(&run);
    run.id = result->run->id;
    cr_expect_arr_eq(result->run, &run, sizeof run);

    const struct fl_model_record model = sample_model("tiny");
    cr_expect_str_eq(result->model->name, model.name);
    cr_expect_str_eq(result->model->spec, model.spec);
    cr_expect_eq(result->model->n_params, model.n_params);
    cr_expect_eq(result->model->config.d_ff, 172);
    cr_expect_eq(result->model->config.rope.factor, 1.5);

    struct fl_point point = sample_point(result->model->id, 16);
    point.id = result->point.id;
    point.run_id = run.id;
    cr_expect_arr_eq(&result->point, &point, sizeof point);

    cr_assert_eq(result->n_ops, 2);
    cr_expect_eq(result->ops[0].op, FL_OP_QKV, "operators come in their own order");
    cr_expect_eq(result->ops[1].exact_flops, 600);
    cr_expect_eq(result->ops[1].counted_bytes_written, 11);

    cr_assert_eq(result->n_samples, 3);
    cr_expect_eq(result->samples[1].rep, 1);
    cr_expect_eq(result->samples[1].time_ns, 10);
    cr_expect_eq(result->samples[1].started_ns, 70);
    cr_expect_eq(result->samples[1].run_id, run.id);
    cr_expect_eq(result->samples[1].op_time_ns[FL_OP_QKV], 5);
    cr_expect_eq(result->samples[1].op_time_ns[FL_OP_EMBED], 0);
    cr_expect_eq(result->median_time_ns, 20);
    const struct fl_conditions *conditions = &result->samples[1].conditions;
    cr_expect(conditions->known && conditions->window_ns == 10 && conditions->n_interrupted == 3 &&
              conditions->other_ns == -5 && conditions->stolen_ns == 7 &&
              conditions->loop_ns == 11 && conditions->load_milli == 1250);
    fl_results_free(&results);
}

Test(store, points_come_in_the_promised_order)
{
    fill((const int[]){64, 16, 32}, 3);
    struct fl_results results;
    load(&results);
    cr_assert_eq(results.n_points, 3);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(results.points[i].point.context, 16 << i);
        cr_expect_eq(results.points[i].samples[0].point_id, results.points[i].point.id);
    }
    fl_results_free(&results);
}

Test(store, identity_of_a_point)
{
    fill((const int[]){16}, 1);
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("another host");
    struct fl_model_record model = sample_model("tiny");
    strcpy(model.spec, "elsewhere/model.gguf"); /* the same model by another path */
    cr_assert_eq(fl_store_add_model(store, &model, &error), FL_OK, "%s", error.text);
    fl_run_name_machine(&run);

    const struct fl_point same = sample_point(model.id, 16);
    struct fl_point others[8];
    for (int i = 0; i < 8; i++)
        others[i] = same;
    others[0].phase = FL_PHASE_PREFILL;
    others[1].cache = false;
    strcpy(others[2].attention, "naive");
    strcpy(others[3].logits, "all");
    others[4].batch = 3;
    others[5].context = 17;
    others[6].n_threads = 2;
    strcpy(others[7].dtype, "f16");
    int64_t id;
    int n_samples;
    cr_assert_eq(fl_store_find_point(store, run.machine, &same, &id, &n_samples, &error), FL_OK);
    cr_expect_neq(id, 0);
    cr_expect_eq(n_samples, 3);
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(fl_store_find_point(store, run.machine, &others[i], &id, &n_samples, &error),
                     FL_OK);
        cr_expect_eq(id, 0, "change %d makes another point", i);
    }
    run.n_cores++;
    fl_run_name_machine(&run);
    cr_assert_eq(fl_store_find_point(store, run.machine, &same, &id, &n_samples, &error), FL_OK);
    cr_expect_eq(id, 0, "another machine, another point");
    fl_store_close(store);
}

Test(store, samples_are_added_to_a_point_and_a_point_only_once)
{
    fill((const int[]){16}, 1);
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    struct fl_model_record model = sample_model("tiny");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK);
    cr_assert_eq(fl_store_add_model(store, &model, &error), FL_OK);
    struct fl_point point = sample_point(model.id, 16);
    struct fl_sample sample = sample_sample(0, 40);
    cr_expect_eq(fl_store_add_point(store, &point, SAMPLE_OPS, SAMPLE_N_OPS, &sample, 1, &error),
                 FL_FAILED);
    cr_expect(strstr(error.text, "it is there already"), "%s", error.text);

    int64_t id;
    int n_samples;
    fl_store_find_point(store, run.machine, &point, &id, &n_samples, &error);
    sample.rep = 2;
    cr_expect_eq(fl_store_add_samples(store, id, &sample, 1, &error), FL_FAILED, "rep 2 is taken");
    sample.rep = 3;
    cr_expect_eq(fl_store_add_samples(store, id, &sample, 1, &error), FL_OK, "%s", error.text);
    cr_expect_eq(fl_store_add_samples(store, id + 1, &sample, 1, &error), FL_FAILED, "no point");
    fl_store_close(store);

    struct fl_results results;
    load(&results);
    cr_expect_eq(results.n_points, 1);
    cr_expect_eq(results.n_samples, 4);
    cr_expect_eq(results.points[0].median_time_ns, 25, "mean of 20 and 30");
    cr_expect_neq(results.samples[3].run_id, results.samples[0].run_id);
    fl_results_free(&results);
}

Test(store, hostile_names_survive)
{
    static const char *const NAMES[] = {"a'; DROP TABLE points; --",
                                        "comma, \"quote\"",
                                        "line\nend\r\n",
                                        "\xff\xfe not UTF-8",
                                        "",
                                        "%s%n"};
    enum { N = sizeof NAMES / sizeof *NAMES };
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
    for (int i = 0; i < N; i++) {
        struct fl_run run = sample_run(NAMES[i]);
        struct fl_model_record model = sample_model("x");
        strcpy(model.name, NAMES[i]);
        cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
        cr_assert_eq(fl_store_add_model(store, &model, &error), FL_OK, "%s", error.text);
        struct fl_point point = sample_point(model.id, 16);
        const struct fl_sample sample = sample_sample(0, 5);
        cr_assert_eq(
            fl_store_add_point(store, &point, SAMPLE_OPS, SAMPLE_N_OPS, &sample, 1, &error), FL_OK,
            "%s", error.text);
    }
    fl_store_close(store);
    struct fl_results results;
    load(&results);
    cr_assert_eq(results.n_points, N);
    for (int i = 0; i < N; i++) {
        cr_expect_str_eq(results.runs[i].host, NAMES[i]);
        cr_expect_str_eq(results.models[i].name, NAMES[i]);
    }
    fl_results_free(&results);
}

Test(store, counts_up_to_the_largest_integer)
{
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    struct fl_model_record model = sample_model("tiny");
    fl_store_add_run(store, &run, &error);
    fl_store_add_model(store, &model, &error);
    const struct fl_sample sample = sample_sample(0, INT64_MAX);
    struct fl_point point = sample_point(model.id, 16);
    point.exact_flops = INT64_MAX;
    cr_expect_eq(fl_store_add_point(store, &point, SAMPLE_OPS, SAMPLE_N_OPS, &sample, 1, &error),
                 FL_OK, "%s", error.text);
    point.context = 17;
    point.exact_flops = (uint64_t)INT64_MAX + 1;
    cr_expect_eq(fl_store_add_point(store, &point, SAMPLE_OPS, SAMPLE_N_OPS, &sample, 1, &error),
                 FL_FAILED);
    cr_expect(strstr(error.text, "points.exact_flops: expected a count from 0 to 2^63 - 1"), "%s",
              error.text);
    fl_store_close(store);

    struct fl_results results;
    load(&results);
    cr_assert_eq(results.n_points, 1, "the refused point left nothing");
    cr_expect_eq(results.points[0].point.exact_flops, INT64_MAX);
    cr_expect_eq(results.samples[0].time_ns, INT64_MAX);
    fl_results_free(&results);
}

static void write_file(const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

static void expect_not_written(const char *sentence)
{
    struct stat before, after;
    struct fl_store *store = NULL;
    cr_assert_eq(stat(path, &before), 0);
    cr_expect_eq(fl_store_create(&store, path, &error), FL_FAILED);
    cr_expect_null(store);
    cr_expect(strstr(error.text, sentence), "expected \"%s\", got \"%s\"", sentence, error.text);
    cr_assert_eq(stat(path, &after), 0);
    cr_expect_eq(before.st_size, after.st_size, "a refused file is left as it is");
    cr_expect_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

Test(store, what_is_not_sqlite_is_refused)
{
    static char text[5000];
    memset(text, 'x', sizeof text);
    write_file(text, sizeof text);
    expect_not_written("not a database");
    expect_refused("not a database");
}

Test(store, another_programs_database_is_refused)
{
    tamper("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    expect_not_written("another program's SQLite database");
    expect_refused("another program's SQLite database");
}

Test(store, an_empty_file_is_filled_but_not_read)
{
    write_file("", 0);
    expect_refused("found an empty one");
    fill((const int[]){16}, 1);
}

Test(store, a_missing_file_or_directory_is_refused)
{
    expect_refused("expected a results file");
    struct fl_store *store;
    char below[128];
    snprintf(below, sizeof below, "%s/none/r.db", directory);
    cr_expect_eq(fl_store_create(&store, below, &error), FL_FAILED);
    cr_expect(strstr(error.text, below), "%s", error.text);
    cr_expect_eq(fl_store_create(&store, directory, &error), FL_FAILED);
}

Test(store, a_newer_schema_is_refused)
{
    fill((const int[]){16}, 1);
    tamper("PRAGMA user_version = 4");
    expect_not_written("schema version 4 is newer than this program's 3");
    expect_refused("schema version 4 is newer than this program's 3");
}

Test(store, another_schema_under_our_name_is_refused)
{
    fill((const int[]){16}, 1);
    tamper("DROP VIEW ops_summary");
    expect_refused("view ops_summary: expected the definition of schema version 3");
    tamper("CREATE VIEW ops_summary AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
           "FROM n) SELECT x FROM n");
    expect_refused("view ops_summary: expected the definition of schema version 3");
    expect_not_written("view ops_summary: expected the definition of schema version 3");
}

/* ---- files of schema version 1 ---- */

static void make_version_1(void)
{
    for (int i = 0; VERSION_1_SQL[i]; i++)
        tamper(VERSION_1_SQL[i]);
}

/* What the whole schema of the file says, in one text. */
static void schema_text(char out[32768])
{
    sqlite3 *db;
    sqlite3_stmt *query;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db,
                                    "SELECT group_concat(name || type || sql) FROM (SELECT * FROM "
                                    "sqlite_schema ORDER BY name)",
                                    -1, &query, NULL),
                 SQLITE_OK);
    cr_assert_eq(sqlite3_step(query), SQLITE_ROW);
    cr_assert_lt(snprintf(out, 32768, "%s", (const char *)sqlite3_column_text(query, 0)), 32768);
    sqlite3_finalize(query);
    sqlite3_close(db);
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

Test(store, a_file_of_version_1_is_read_and_left_alone)
{
    struct stat before, after;
    struct fl_results results;
    make_version_1();
    cr_assert_eq(stat(path, &before), 0);
    load(&results);
    expect_version_1(&results);
    cr_expect_eq(results.points[0].n_observed, 0);
    cr_expect_null(fl_result_observed(&results.points[0]));
    fl_results_free(&results);
    cr_assert_eq(stat(path, &after), 0);
    cr_expect_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

Test(store, a_file_of_version_1_is_brought_up_to_date_by_a_writer)
{
    static char made[32768], migrated[32768];
    struct fl_store *store;
    struct fl_results results;
    fill((const int[]){16}, 1);
    schema_text(made);
    unlink(path);

    make_version_1();
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    struct fl_observed observed = sample_observed("Sandybridge");
    cr_expect_eq(fl_store_add_observed(store, 1, &observed, &error), FL_OK, "%s", error.text);
    fl_store_close(store);
    schema_text(migrated);
    cr_expect_str_eq(migrated, made, "the same tables, however a file got them");

    load(&results);
    expect_version_1(&results);
    cr_expect_eq(results.points[0].n_observed, 1);
    cr_expect_str_eq(results.runs[1].calibration, run.calibration);
    fl_results_free(&results);
}

Test(store, a_migration_that_fails_leaves_the_file_as_it_was)
{
    struct fl_results results;
    make_version_1();
    tamper("CREATE TABLE observations (mine TEXT)");
    expect_not_written("cannot bring the file up to date: table observations already exists");
    load(&results);
    expect_version_1(&results);
    fl_results_free(&results);
}

Test(store, another_schema_under_version_1_is_refused)
{
    make_version_1();
    tamper("DROP VIEW ops_summary");
    expect_refused("view ops_summary: expected the definition of schema version 1");
    expect_not_written("view ops_summary: expected the definition of schema version 1");
}

/* ---- what counters saw ---- */

/* fill() and one observation of each point, ids 1 ... n. */
static void fill_observed(const int *contexts, int n)
{
    struct fl_store *store;
    fill(contexts, n);
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    for (int i = n; i > 0; i--) { /* not in the order of the points */
        struct fl_observed observed = sample_observed("Sandybridge");
        observed.whole.values[FL_COUNT_FLOPS] += (uint64_t)contexts[i - 1];
        cr_assert_eq(fl_store_add_observed(store, i, &observed, &error), FL_OK, "%s", error.text);
    }
    fl_store_close(store);
}

Test(store, an_observation_comes_back_as_it_was)
{
    struct fl_results results;
    fill_observed((const int[]){16, 32, 64}, 3);
    load(&results);
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

Test(store, a_point_is_counted_once_by_a_counter_with_the_same_kernels)
{
    struct fl_store *store;
    struct fl_results results;
    bool found;
    fill_observed((const int[]){16}, 1);
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
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

    load(&results);
    cr_expect_eq(results.points[0].n_observed, 2);
    cr_expect_str_eq(fl_result_observed(&results.points[0])->blas_core, "Sandybridge");
    fl_results_free(&results);
}

Test(store, a_count_that_cannot_be_stored_leaves_no_half_observation)
{
    struct fl_store *store;
    struct fl_results results;
    fill((const int[]){16}, 1);
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("host");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK, "%s", error.text);
    struct fl_observed observed = sample_observed("Haswell");
    observed.ops[FL_OP_LOGITS].reading.values[FL_COUNT_FLOPS] = UINT64_MAX;
    cr_expect_eq(fl_store_add_observed(store, 1, &observed, &error), FL_FAILED);
    cr_expect(strstr(error.text, "observation_counts.value: expected a count"), "%s", error.text);
    fl_store_close(store);
    load(&results);
    cr_expect_eq(results.n_observed, 0);
    fl_results_free(&results);
}

/* The integer a query gives on the file. */
static int64_t query_integer(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *query;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(query), SQLITE_ROW, "%s", sql);
    cr_expect_neq(sqlite3_column_type(query, 0), SQLITE_NULL, "%s", sql);
    int64_t value = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    sqlite3_close(db);
    return value;
}

Test(store, views_of_what_was_measured_add_up)
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

Test(store, observations_out_of_range_are_refused_by_name)
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
        unlink(path);
        fill_observed((const int[]){16}, 1);
        tamper(CASES[i][0]);
        expect_refused(CASES[i][1]);
    }
}

Test(store, a_users_own_view_is_no_harm)
{
    fill((const int[]){16}, 1);
    tamper("CREATE VIEW mine AS SELECT * FROM points; CREATE INDEX fast ON samples (time_ns)");
    struct fl_results results;
    load(&results);
    fl_results_free(&results);
}

Test(store, values_out_of_range_are_refused_by_name)
{
    static const char *const CASES[][2] = {
        {"UPDATE points SET batch = -1", "points.batch: expected an integer from 1"},
        {"UPDATE points SET context = 4294967296", "points.context: expected an integer from 0"},
        {"UPDATE points SET exact_flops = -1", "points.exact_flops: expected a count"},
        {"UPDATE points SET attention = '0123456789abcdef'", "points.attention: expected text"},
        {"UPDATE points SET run_id = 99", "expected its run"},
        {"UPDATE points SET model_id = 99", "expected its model"},
        {"UPDATE samples SET run_id = 99", "expected its run"},
        {"UPDATE samples SET time_ns = -5", "samples.time_ns: expected a count"},
        {"DELETE FROM samples; DELETE FROM sample_ops", "expected its sample"},
        {"UPDATE point_ops SET op = 'nonsense' WHERE op = 'qkv'",
         "point_ops.op: expected the name"},
        {"UPDATE sample_ops SET time_ns = -1", "sample_ops.time_ns: expected a count"},
        {"UPDATE models SET config = '{}'", "model tiny: name: expected"},
        {"UPDATE models SET config = replace(config, ':64,', ':1e99,')",
         "model tiny: d_model: expected"},
        {"UPDATE runs SET host = host || char(0) || 'x'", "runs.host: expected text"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        unlink(path);
        fill((const int[]){16}, 1);
        tamper(CASES[i][0]);
        expect_refused(CASES[i][1]);
    }
}

Test(store, a_truncated_file_is_refused)
{
    fill((const int[]){16, 32, 64}, 3);
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    for (off_t size = info.st_size - 1; size > 0; size -= 1777) {
        cr_assert_eq(truncate(path, size), 0);
        expect_refused("");
    }
}

/* What a kill in the middle of a commit leaves: changed pages in the file, the old ones in the
 * journal beside it. */
Test(store, a_journal_left_by_a_kill_is_rolled_back)
{
    fill((const int[]){16}, 1);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        sqlite3 *db;
        if (sqlite3_open(path, &db) != SQLITE_OK ||
            sqlite3_exec(db, "BEGIN IMMEDIATE; UPDATE samples SET time_ns = 77", NULL, NULL,
                         NULL) != SQLITE_OK ||
            sqlite3_db_cacheflush(db) != SQLITE_OK)
            _exit(1);
        _exit(0);
    }
    int ended;
    cr_assert_eq(waitpid(child, &ended, 0), child);
    cr_assert_eq(ended, 0);
    char journal[80];
    snprintf(journal, sizeof journal, "%s-journal", path);
    cr_assert_eq(access(journal, F_OK), 0, "the journal must be there for this to test anything");
    struct fl_results results;
    load(&results);
    cr_expect_eq(results.points[0].median_time_ns, 20, "not 77");
    cr_expect_neq(access(journal, F_OK), 0);
    fl_results_free(&results);
}

/* A disk that fills up: the file may not grow, as on a full tmpfs. */
Test(store, a_full_disk_ends_in_one_sentence_and_loses_nothing)
{
    fill((const int[]){16}, 1);
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK);
    struct fl_run run = sample_run("host");
    struct fl_model_record model = sample_model("tiny");
    cr_assert_eq(fl_store_add_run(store, &run, &error), FL_OK);
    cr_assert_eq(fl_store_add_model(store, &model, &error), FL_OK);

    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {(rlim_t)info.st_size + 8192, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int n_stored = 0, status = FL_OK;
    for (int context = 100; status == FL_OK && context < 1000; context++) {
        struct fl_point point = sample_point(model.id, context);
        const struct fl_sample sample = sample_sample(0, 5);
        status = fl_store_add_point(store, &point, SAMPLE_OPS, SAMPLE_N_OPS, &sample, 1, &error);
        n_stored += status == FL_OK ? 1 : 0;
    }
    fl_store_close(store);
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &none);
    cr_expect_eq(status, FL_FAILED, "the limit must have been met");
    cr_expect(strstr(error.text, "the disk is full or the file may not grow"), "%s", error.text);

    struct fl_results results;
    load(&results);
    cr_expect_eq(results.n_points, 1 + n_stored);
    fl_results_free(&results);
}

Test(store, the_summary_view_gives_medians)
{
    fill((const int[]){16}, 1);
    sqlite3 *db;
    sqlite3_stmt *query;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db,
                                    "SELECT n_samples, median_time_ns, gflop_per_s, tokens_per_s "
                                    "FROM points_summary",
                                    -1, &query, NULL),
                 SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(query), SQLITE_ROW);
    cr_expect_eq(sqlite3_column_int(query, 0), 3);
    cr_expect_eq(sqlite3_column_double(query, 1), 20.0);
    cr_expect_eq(sqlite3_column_double(query, 2), 45.0, "900 FLOPs in 20 ns");
    cr_expect_eq(sqlite3_column_double(query, 3), 1e8, "2 sequences, one token each, in 20 ns");
    sqlite3_finalize(query);
    cr_assert_eq(sqlite3_prepare_v2(
                     db, "SELECT median_time_ns, gflop_per_s FROM ops_summary WHERE op = 'qkv'", -1,
                     &query, NULL),
                 SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(query), SQLITE_ROW);
    cr_expect_eq(sqlite3_column_double(query, 0), 10.0);
    cr_expect_eq(sqlite3_column_double(query, 1), 30.0, "300 FLOPs in 10 ns");
    sqlite3_finalize(query);
    sqlite3_close(db);
}
