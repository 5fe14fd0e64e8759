#include "tests/unit/store_file.h"
#include "tests/unit/store_sample.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fl_error error;

TestSuite(store, .init = store_setup, .fini = store_teardown);

Test(store, round_trip)
{
    store_fill((const int[]){16}, 1);
    struct fl_results results;
    store_load(&results);
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
    store_fill((const int[]){64, 16, 32}, 3);
    struct fl_results results;
    store_load(&results);
    cr_assert_eq(results.n_points, 3);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(results.points[i].point.context, 16 << i);
        cr_expect_eq(results.points[i].samples[0].point_id, results.points[i].point.id);
    }
    fl_results_free(&results);
}

Test(store, identity_of_a_point)
{
    store_fill((const int[]){16}, 1);
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
    struct fl_run run = sample_run("another host");
    struct fl_model_record model = sample_model("tiny");
    strcpy(model.spec, "elsewhere/model.gguf"); /* the same model by another store_path */
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
    store_fill((const int[]){16}, 1);
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
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
    store_load(&results);
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
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
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
    store_load(&results);
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
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK, "%s", error.text);
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
    store_load(&results);
    cr_assert_eq(results.n_points, 1, "the refused point left nothing");
    cr_expect_eq(results.points[0].point.exact_flops, INT64_MAX);
    cr_expect_eq(results.samples[0].time_ns, INT64_MAX);
    fl_results_free(&results);
}

static void write_file(const char *bytes, size_t n)
{
    FILE *file = fopen(store_path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

Test(store, what_is_not_sqlite_is_refused)
{
    static char text[5000];
    memset(text, 'x', sizeof text);
    write_file(text, sizeof text);
    store_expect_not_written("not a database");
    store_expect_refused("not a database");
}

Test(store, another_programs_database_is_refused)
{
    store_tamper("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    store_expect_not_written("another program's SQLite database");
    store_expect_refused("another program's SQLite database");
}

Test(store, an_empty_file_is_filled_but_not_read)
{
    write_file("", 0);
    store_expect_refused("found an empty one");
    store_fill((const int[]){16}, 1);
}

Test(store, a_missing_file_or_directory_is_refused)
{
    store_expect_refused("expected a results file");
    struct fl_store *store;
    char below[128];
    snprintf(below, sizeof below, "%s/none/r.db", store_directory);
    cr_expect_eq(fl_store_create(&store, below, &error), FL_FAILED);
    cr_expect(strstr(error.text, below), "%s", error.text);
    cr_expect_eq(fl_store_create(&store, store_directory, &error), FL_FAILED);
}

Test(store, a_users_own_view_is_no_harm)
{
    store_fill((const int[]){16}, 1);
    store_tamper(
        "CREATE VIEW mine AS SELECT * FROM points; CREATE INDEX fast ON samples (time_ns)");
    struct fl_results results;
    store_load(&results);
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
        unlink(store_path);
        store_fill((const int[]){16}, 1);
        store_tamper(CASES[i][0]);
        store_expect_refused(CASES[i][1]);
    }
}

Test(store, a_truncated_file_is_refused)
{
    store_fill((const int[]){16, 32, 64}, 3);
    struct stat info;
    cr_assert_eq(stat(store_path, &info), 0);
    for (off_t size = info.st_size - 1; size > 0; size -= 1777) {
        cr_assert_eq(truncate(store_path, size), 0);
        store_expect_refused("");
    }
}

/* What a kill in the middle of a commit leaves: changed pages in the file, the old ones in the
 * journal beside it. */
Test(store, a_journal_left_by_a_kill_is_rolled_back)
{
    store_fill((const int[]){16}, 1);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        sqlite3 *db;
        if (sqlite3_open(store_path, &db) != SQLITE_OK ||
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
    snprintf(journal, sizeof journal, "%s-journal", store_path);
    cr_assert_eq(access(journal, F_OK), 0, "the journal must be there for this to test anything");
    struct fl_results results;
    store_load(&results);
    cr_expect_eq(results.points[0].median_time_ns, 20, "not 77");
    cr_expect_neq(access(journal, F_OK), 0);
    fl_results_free(&results);
}

/* A disk that fills up: the file may not grow, as on a full tmpfs. */
Test(store, a_full_disk_ends_in_one_sentence_and_loses_nothing)
{
    store_fill((const int[]){16}, 1);
    struct stat info;
    cr_assert_eq(stat(store_path, &info), 0);
    struct fl_store *store;
    cr_assert_eq(fl_store_create(&store, store_path, &error), FL_OK);
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
    store_load(&results);
    cr_expect_eq(results.n_points, 1 + n_stored);
    fl_results_free(&results);
}

Test(store, the_summary_view_gives_medians)
{
    store_fill((const int[]){16}, 1);
    sqlite3 *db;
    sqlite3_stmt *query;
    cr_assert_eq(sqlite3_open(store_path, &db), SQLITE_OK);
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
