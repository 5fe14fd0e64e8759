/* sweep and export as a user runs them: resuming after every kind of end, full disks, rows. */
#include "store/store.h"
#include "tests/cli/results.h"
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
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

TestSuite(cli_sweep, .init = setup, .fini = teardown);

/* 3 of prefill, 6 of decode, both kernels: 18 points. */
static const char SMALL[] = "sweep -m llama-nano -s 8,16,32 --attention naive,causal -t 1 --reps 3";
enum { SMALL_POINTS = 18, SMALL_REPS = 3 };

/* The integer a query gives on the results file. */
static long query(const char *sql)
{
    return results_query(db, sql);
}

static void expect_sound(void)
{
    cr_expect_eq(query("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    cr_expect_eq(query("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

/* Every point once, every repetition once, every operator of every sample. */
static void expect_complete(long n_points, long n_reps)
{
    expect_sound();
    cr_expect_eq(query("SELECT count(*) FROM points"), n_points);
    cr_expect_eq(query("SELECT count(*) FROM (SELECT DISTINCT model_id, phase, cache, attention, "
                       "logits, batch, context, n_threads FROM points)"),
                 n_points);
    cr_expect_eq(query("SELECT count(*) FROM samples"), n_points * n_reps);
    cr_expect_eq(query("SELECT count(*) FROM (SELECT DISTINCT point_id, rep FROM samples)"),
                 n_points * n_reps);
    cr_expect_eq(query("SELECT max(rep) FROM samples"), n_reps - 1);
    cr_expect_eq(query("SELECT count(*) FROM sample_ops"),
                 query("SELECT count(*) FROM samples s JOIN point_ops o USING (point_id)"));
    cr_expect_eq(query("SELECT count(*) FROM points WHERE exact_flops <> counted_flops"), 0);
    cr_expect_eq(query("SELECT count(*) FROM points p WHERE exact_flops <> (SELECT "
                       "sum(counted_flops) FROM point_ops WHERE point_id = p.id)"),
                 0);
    cr_expect_eq(query("SELECT count(*) FROM points p WHERE textbook_flops <> (SELECT "
                       "sum(textbook_flops) FROM point_ops WHERE point_id = p.id)"),
                 0);
    cr_expect_eq(query("SELECT count(*) FROM samples WHERE time_ns <= (SELECT sum(time_ns) FROM "
                       "sample_ops WHERE sample_id = samples.id)"),
                 0, "operators take less than the whole");
}

static void sweep_small(const char *more)
{
    struct run_result r = run_flopledger("%s -o %s %s", SMALL, db, more);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect_str_empty(r.out, "%s", r.out);
    run_release(&r);
}

Test(cli_sweep, measures_every_point_once)
{
    sweep_small("");
    expect_complete(SMALL_POINTS, SMALL_REPS);
    cr_expect_eq(query("SELECT count(*) FROM runs"), 1);
}

Test(cli_sweep, the_same_command_takes_nothing_twice_and_more_reps_add_to_it)
{
    sweep_small("");
    sweep_small("");
    expect_complete(SMALL_POINTS, SMALL_REPS);
    cr_expect_eq(query("SELECT count(*) FROM runs"), 1, "a run that measures nothing is none");
    sweep_small("--reps 5 --quiet");
    expect_complete(SMALL_POINTS, 5);
    cr_expect_eq(query("SELECT count(*) FROM runs"), 2);
    cr_expect_eq(query("SELECT count(*) FROM samples WHERE run_id = 2"), 2 * SMALL_POINTS);
}

Test(cli_sweep, passes_visit_all_points_before_the_next_begins)
{
    sweep_small("--passes 3");
    cr_expect_eq(query("SELECT (SELECT max(started_ns) FROM samples WHERE rep = 0) < "
                       "(SELECT min(started_ns) FROM samples WHERE rep = 1)"),
                 1);
    cr_expect_eq(query("SELECT (SELECT max(started_ns) FROM samples WHERE rep = 1) < "
                       "(SELECT min(started_ns) FROM samples WHERE rep = 2)"),
                 1);
}

/* A sweep long enough to be met in flight: 48 points on files that take a moment each. */
static const char LONGER[] =
    "sweep -m llama-nano -s 16-496+32 -t 1 --reps 4 --phase prefill,decode";
enum { LONGER_POINTS = 3 * 16, LONGER_REPS = 4 };

/* Starts it in the background and sends the signal when the file has more than n_bytes, so that the
 * moment does not depend on how fast the machine is; gives the exit status. A shell starts
 * background programs with SIGINT ignored; env takes that back. */
static struct run_result interrupt_beyond(long n_bytes, const char *signal_name, const char *more)
{
    return run_shell("env --default-signal=INT \"$FLOPLEDGER\" %s %s -o %s & pid=$!; "
                     "while kill -0 $pid 2>/dev/null; do "
                     "[ \"$(stat -c %%s %s 2>/dev/null || echo -1)\" -gt %ld ] && break; "
                     "sleep 0.005; done; kill -%s $pid; wait $pid",
                     LONGER, more, db, db, n_bytes, signal_name);
}

/* Bytes of the file once its tables and views are there, whatever the schema has; with its first
 * samples it is larger. */
static long empty_tables(void)
{
    char path[128];
    struct fl_store *store;
    struct fl_error error;
    struct stat info;
    snprintf(path, sizeof path, "%s/empty.db", scratch.path);
    cr_assert_eq(fl_store_create(&store, path, &error), FL_OK, "%s", error.text);
    fl_store_close(store);
    cr_assert_eq(stat(path, &info), 0);
    return (long)info.st_size;
}

enum { FIRST_SAMPLES = 11000 }; /* beyond the empty tables */

Test(cli_sweep, killed_at_any_moment_it_goes_on)
{
    const long empty = empty_tables(), first = empty + FIRST_SAMPLES;
    const long MOMENTS[] = {-1, 0, empty, first, first + 15000, first + 30000};
    int n_in_flight = 0;
    for (size_t i = 0; i < sizeof MOMENTS / sizeof *MOMENTS; i++) {
        struct run_result r = interrupt_beyond(MOMENTS[i], "KILL", "-q");
        cr_expect(r.status == 137 || r.status == 0, "status %d: %s", r.status, r.err);
        bool killed = r.status == 137;
        run_release(&r);
        r = run_flopledger("export %s", db); /* reads what a kill left */
        if (r.status == 0) {
            expect_sound();
            long n = query("SELECT count(*) FROM samples");
            n_in_flight += killed && n > 0 && n < LONGER_POINTS * LONGER_REPS ? 1 : 0;
        } else {
            /* killed before the tables were there */
            cr_expect(strstr(r.err, "expected a flopledger results file") ||
                          strstr(r.err, "expected a results file"),
                      "%s", r.err);
        }
        run_release(&r);
    }
    cr_expect_gt(n_in_flight, 0, "no kill met the sweep in flight");
    struct run_result r = run_flopledger("%s -o %s", LONGER, db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    expect_complete(LONGER_POINTS, LONGER_REPS);
}

Test(cli_sweep, asked_to_stop_it_keeps_what_it_has_and_says_so)
{
    static const struct {
        const char *name;
        int status;
    } SIGNALS[] = {{"INT", 130}, {"TERM", 143}};
    const long first = empty_tables() + FIRST_SAMPLES;
    for (int i = 0; i < 2; i++) {
        struct run_result r = interrupt_beyond(first, SIGNALS[i].name, "--reps 2000");
        cr_expect_eq(r.status, SIGNALS[i].status, "status %d: %s", r.status, r.err);
        cr_expect(strstr(r.err, "stopped by a signal; what was measured is in"), "%s", r.err);
        cr_expect(strstr(r.err, "the same command goes on from there"), "%s", r.err);
        run_release(&r);
        expect_sound();
        cr_expect_gt(query("SELECT count(*) FROM samples"), 0);
        r = run_shell("rm %s", db);
        run_release(&r);
    }
}

Test(cli_sweep, stops_in_time_and_goes_on)
{
    struct run_result r = run_flopledger("%s --max-time 0.05 -o %s", LONGER, db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.err, "stopped by --max-time"), "%s", r.err);
    run_release(&r);
    cr_expect_lt(query("SELECT count(*) FROM samples"), LONGER_POINTS * LONGER_REPS);
    r = run_flopledger("%s -o %s", LONGER, db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    expect_complete(LONGER_POINTS, LONGER_REPS);
}

Test(cli_sweep, a_full_disk_is_one_sentence_and_the_file_stays_sound)
{
    struct run_result r =
        run_shell("ulimit -f 160; \"$FLOPLEDGER\" %s -q -o %s", LONGER, db); /* 80 KiB or 160 */
    cr_expect_eq(r.status, 1, "status %d", r.status);
    cr_expect(strstr(r.err, "the disk is full or the file may not grow"), "%s", r.err);
    cr_expect_eq(strchr(r.err, '\n'), r.err + r.err_size - 1, "one line: %s", r.err);
    run_release(&r);
    expect_sound();
    r = run_flopledger("%s -o %s", LONGER, db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    expect_complete(LONGER_POINTS, LONGER_REPS);
}

Test(cli_sweep, what_exceeds_the_context_or_the_memory_is_named_and_left_out)
{
    struct run_result r = run_flopledger("sweep -m llama-nano -s 16,512 --phase decode --cache on "
                                         "-t 1 --reps 1 -o %s",
                                         db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.err,
                     "left out decode at s=512 (1 point): needs 513 tokens, llama-nano has a "
                     "context of 512"),
              "%s", r.err);
    run_release(&r);
    expect_complete(1, 1);
    r = run_flopledger(
        "sweep -m gpt2-small -s 1000 -b 1,65536 --phase decode --cache on -t 1 --reps 1 "
        "-o %s2",
        db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_expect(
        strstr(r.err, "left out decode cache=on attention=causal logits=last b=65536 s=1000 "),
        "%s", r.err);
    cr_expect(strstr(r.err, "GiB of memory"), "%s", r.err);
    run_release(&r);
}

Test(cli_sweep, a_dry_run_lists_the_points_and_writes_nothing)
{
    struct run_result r = run_flopledger("%s --dry-run -o %s", SMALL, db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    int n_lines = 0;
    for (const char *c = r.out; *c; c++)
        n_lines += *c == '\n' ? 1 : 0;
    cr_expect_eq(n_lines, 1 + SMALL_POINTS, "%s", r.out);
    run_release(&r);
    r = run_shell("test -e %s", db);
    cr_expect_eq(r.status, 1);
    run_release(&r);
}

/* A counter that was asked for by name and is not there ends the sweep before it begins. */
Test(cli_sweep, a_counter_that_is_not_there_is_one_sentence)
{
    struct run_result r = run_shell("mkdir %s/bin && cp \"$FLOPLEDGER\" %s/bin/alone && "
                                    "%s/bin/alone sweep -m llama-nano -s 8 -t 1 -o %s "
                                    "--counter flopgrind; status=$?; ls %s; exit $status",
                                    scratch.path, scratch.path, scratch.path, db, scratch.path);
    cr_expect_eq(r.status, 1, "%s", r.err);
    cr_expect(strstr(r.err, "--counter flopgrind: unavailable: "), "%s", r.err);
    cr_expect_eq(strchr(r.err, '\n'), r.err + r.err_size - 1, "one line: %s", r.err);
    cr_expect_str_eq(r.out, "bin\n", "no results file");
    run_release(&r);
    r = run_flopledger("%s --counter flopgrind --dry-run", SMALL);
    cr_expect_eq(r.status, 0, "%s", r.err);
    run_release(&r);
}

/* flopgrind needs no processor in particular, but Valgrind and the tool. */
static bool can_count(void)
{
    struct run_result r = run_flopledger("sweep -m llama-nano -s 4 -t 1 --phase prefill --reps 1 "
                                         "-q --counter flopgrind -o %s",
                                         db);
    bool available = !strstr(r.err, "--counter flopgrind: unavailable");
    cr_expect_eq(r.status, available ? 0 : 1, "%s", r.err);
    if (!available)
        fprintf(stderr, "%s", r.err);
    run_release(&r);
    return available;
}

static const char COUNTED[] = "sweep -m llama-nano -s 4,8 --cache on -t 1 --reps 2";
enum { COUNTED_POINTS = 4 };

Test(cli_sweep, points_are_counted_once_beside_their_samples)
{
    if (!can_count())
        cr_skip_test("flopgrind is not available");
    struct run_result r = run_flopledger("%s -o %s", COUNTED, db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    cr_expect_eq(query("SELECT count(*) FROM observations"), 1);
    for (int i = 0; i < 2; i++) {
        r = run_flopledger("%s -o %s --counter flopgrind", COUNTED, db);
        cr_assert_eq(r.status, 0, "%s", r.err);
        cr_expect(strstr(r.err, i == 0 ? "3 points counted by flopgrind"
                                       : "0 points counted by flopgrind"),
                  "%s", r.err);
        run_release(&r);
    }
    expect_complete(COUNTED_POINTS, 2);
    cr_expect_eq(query("SELECT count(*) FROM runs"), 3);
    cr_expect_eq(query("SELECT count(*) FROM runs WHERE counter = 'none'"), 1);
    cr_expect_eq(query("SELECT count(*) FROM runs WHERE counter = 'flopgrind' AND "
                       "counter_version LIKE 'Valgrind %'"),
                 2);
    cr_expect_eq(query("SELECT count(DISTINCT point_id) FROM observations"), COUNTED_POINTS);
    cr_expect_eq(query("SELECT count(*) FROM ops_measured WHERE measured_flops IS NULL"), 0);
    cr_expect_eq(query("SELECT count(*) FROM ops_measured WHERE op IN ('qkv', 'ffn_up') AND "
                       "measured_flops NOT BETWEEN exact_flops AND 2 * exact_flops"),
                 0, "a matrix product executes about what it is");
    cr_expect_eq(query("SELECT count(*) FROM points_measured WHERE measured_flops <> exact_flops + "
                       "excess_flops + between_flops + unexplained_flops"),
                 0);
    cr_expect_eq(query("SELECT count(*) FROM points_measured WHERE measured_bytes_read IS NULL"),
                 0);
}

/* Asked to stop while a point is being counted: what is there stays, what is missing comes later.
 */
Test(cli_sweep, stopped_while_counting_it_goes_on)
{
    if (!can_count())
        cr_skip_test("flopgrind is not available");
    struct run_result r =
        run_shell("\"$FLOPLEDGER\" %s -o %s --counter flopgrind -q & pid=$!; "
                  "for i in $(seq 400); do "
                  "for child in $(cat /proc/$pid/task/*/children 2>/dev/null); do "
                  "tr '\\0' ' ' </proc/$child/cmdline | grep -q ' audit ' && break 2; "
                  "done; sleep 0.02; done; "
                  "kill -TERM $pid; wait $pid",
                  COUNTED, db);
    cr_expect_eq(r.status, 143, "status %d: %s", r.status, r.err);
    cr_expect(strstr(r.err, "stopped by a signal"), "%s", r.err);
    cr_expect_not(strstr(r.err, "could not count"), "%s", r.err);
    run_release(&r);
    expect_complete(COUNTED_POINTS, 2);
    cr_expect_lt(query("SELECT count(*) FROM observations"), COUNTED_POINTS);
    r = run_flopledger("%s -o %s --counter flopgrind", COUNTED, db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_release(&r);
    expect_complete(COUNTED_POINTS, 2);
    cr_expect_eq(query("SELECT count(*) FROM observations"), COUNTED_POINTS);
}

Test(cli_sweep, mistakes_are_misuse)
{
    static const char *const MISTAKES[][2] = {
        {"-o r.db", "--model: expected"},
        {"-m llama-nano", "--out: expected"},
        {"-m llama-nano -o r.db -s 0", "-s: expected whole numbers from 1"},
        {"-m llama-nano -o r.db -s 16-8*2", "-s: expected a list"},
        {"-m llama-nano -o r.db --phase prefil", "--phase: expected a list of prefill or decode"},
        {"-m llama-nano -o r.db --cache maybe", "--cache: expected a list of off or on"},
        {"-m llama-nano -o r.db --threads 0", "--threads: expected"},
        {"-m llama-nano -o r.db --reps 0", "--reps: expected"},
        {"-m llama-nano -o r.db --counter nonsense", "--counter: expected"},
        {"-m llama-nano -o r.db extra", "extra: expected options only"},
    };
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        struct run_result r =
            run_shell("cd %s && \"$FLOPLEDGER\" sweep %s", scratch.path, MISTAKES[i][0]);
        cr_expect_eq(r.status, 2, "%s: status %d", MISTAKES[i][0], r.status);
        cr_expect(strstr(r.err, MISTAKES[i][1]), "%s: %s", MISTAKES[i][0], r.err);
        run_release(&r);
    }
}

Test(cli_sweep, refuses_a_file_of_another_program)
{
    struct run_result r = run_shell("echo 'not a database, but somebody wants to keep it; long "
                                    "enough to be looked at: ........................... ' > %s; "
                                    "cp %s %s.copy; \"$FLOPLEDGER\" %s -o %s; "
                                    "status=$?; cmp %s %s.copy && exit $status",
                                    db, db, db, SMALL, db, db, db);
    cr_expect_eq(r.status, 1, "%s", r.err);
    cr_expect(strstr(r.err, "file is not a database"), "%s", r.err);
    run_release(&r);
}

Test(cli_sweep, export_gives_the_same_rows_in_every_format)
{
    sweep_small("-q");
    struct run_result csv = run_flopledger("export %s", db);
    struct run_result json = run_flopledger("export %s --format json", db);
    struct run_result lines = run_flopledger("export %s --format jsonl", db);
    cr_assert_eq(csv.status + json.status + lines.status, 0, "%s", csv.err);

    cJSON *array = cJSON_Parse(json.out);
    cr_assert_eq(cJSON_GetArraySize(array), SMALL_POINTS * SMALL_REPS);
    char *csv_row = strtok(csv.out, "\r\n"), *header = csv_row, *line = strtok(NULL, "\r\n");
    cr_expect_eq(strncmp(header, "sample_id,point_id,run_id,rep,started_at,host,", 46), 0);
    char *next_line = lines.out;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        char *end = strchr(next_line, '\n');
        cr_assert_not_null(end);
        *end = '\0';
        cJSON *alone = cJSON_Parse(next_line);
        cr_expect(cJSON_Compare(alone, item, true), "%s", next_line);
        next_line = end + 1;

        int id = cJSON_GetObjectItem(item, "sample_id")->valueint;
        cr_assert_not_null(line);
        cr_expect_eq(atoi(line), id);
        line = strtok(NULL, "\r\n");
        double flops = cJSON_GetObjectItem(item, "counted_flops")->valuedouble;
        double time_ns = cJSON_GetObjectItem(item, "time_ns")->valuedouble;
        double rate = cJSON_GetObjectItem(item, "gflop_per_s")->valuedouble;
        cr_expect_float_eq(rate, flops / time_ns, 1e-8 * rate);
        cJSON_Delete(alone);
    }
    cr_expect_null(line);
    cr_expect_str_empty(next_line);
    cJSON_Delete(array);
    run_release(&csv);
    run_release(&json);
    run_release(&lines);
}

Test(cli_sweep, export_by_operator_adds_up)
{
    sweep_small("-q --reps 1");
    struct run_result r = run_flopledger("export %s --ops --format json", db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *array = cJSON_Parse(r.out);
    double flops = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        flops += cJSON_GetObjectItem(item, "op_counted_flops")->valuedouble;
    }
    cr_expect_eq((long)flops, query("SELECT sum(counted_flops) FROM points"));
    cJSON_Delete(array);
    run_release(&r);
}

static double number(const cJSON *row, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(row, key);
    cr_assert(cJSON_IsNumber(item), "%s", key);
    return item->valuedouble;
}

/* What was not counted is null, never 0; what was adds up. */
Test(cli_sweep, export_has_what_was_measured)
{
    sweep_small("-q --reps 1");
    struct run_result r = run_flopledger("export %s --ops --format json", db);
    cJSON *array = cJSON_Parse(r.out);
    cr_expect(cJSON_IsNull(cJSON_GetObjectItem(array->child, "op_measured_flops")));
    cr_expect(cJSON_IsNull(cJSON_GetObjectItem(array->child, "measured_by")));
    cJSON_Delete(array);
    run_release(&r);

    results_change(db, "INSERT INTO observations SELECT id, id, run_id, 'papi', '7', '', "
                       "'Zen', 'avx2', 1 FROM points;"
                       "INSERT INTO observation_counts SELECT point_id, op, 'flops', "
                       "exact_flops + 9 FROM point_ops;"
                       "INSERT INTO observation_counts SELECT point_id, 'forward', 'flops', "
                       "sum(exact_flops) + 1000 FROM point_ops GROUP BY point_id;"
                       "INSERT INTO observation_excess SELECT point_id, op, 'reductions', 7 "
                       "FROM point_ops");
    r = run_flopledger("export %s --ops --format json", db);
    cr_assert_eq(r.status, 0, "%s", r.err);
    array = cJSON_Parse(r.out);
    const cJSON *row;
    cJSON_ArrayForEach(row, array)
    {
        cr_expect_eq(number(row, "op_measured_flops"), number(row, "op_exact_flops") + 9);
        cr_expect_eq(number(row, "op_excess_reductions"), 7);
        cr_expect_eq(number(row, "op_excess_transcendental"), 0);
        cr_expect_eq(number(row, "op_excess_flops"), 7);
        cr_expect_eq(number(row, "op_unexplained_flops"), 2);
        cr_expect(cJSON_IsNull(cJSON_GetObjectItem(row, "op_measured_lines_read")));
        cr_expect_str_eq(cJSON_GetObjectItem(row, "measured_by")->valuestring, "papi");
    }
    cJSON_Delete(array);
    run_release(&r);
    r = run_flopledger("export %s --format json", db);
    array = cJSON_Parse(r.out);
    cr_expect_eq(number(array->child, "measured_flops"),
                 number(array->child, "exact_flops") + 1000);
    cr_expect(cJSON_IsNull(cJSON_GetObjectItem(array->child, "measured_cycles")));
    cJSON_Delete(array);
    run_release(&r);
}

Test(cli_sweep, export_quotes_hostile_names)
{
    sweep_small("-q --reps 1");
    results_change(db, "UPDATE runs SET host = 'a \"b\", c' || char(10) || 'd', kernel = "
                       "CAST(x'ff4142' AS TEXT)");
    struct run_result r = run_flopledger("export %s", db);
    cr_expect(strstr(r.out, ",\"a \"\"b\"\", c\nd\","), "%s", r.out);
    run_release(&r);
    r = run_flopledger("export %s --format jsonl", db);
    cr_expect(strstr(r.out, "\"host\":\"a \\\"b\\\", c\\nd\""), "%s", r.out);
    cr_expect(strstr(r.out, "\"kernel\":\"\\ufffdAB\""), "%s", r.out);
    run_release(&r);
}

Test(cli_sweep, export_refuses_a_damaged_file_and_leaves_none)
{
    sweep_small("-q --reps 1");
    struct run_result r =
        run_shell("printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | dd of=%s bs=1 "
                  "seek=20480 conv=notrunc 2>/dev/null; \"$FLOPLEDGER\" export %s "
                  "-o %s.csv; status=$?; ls %s; exit $status",
                  db, db, db, scratch.path);
    cr_expect_eq(r.status, 1, "%s", r.err);
    cr_expect_eq(strncmp(r.err, "flopledger export: ", 19), 0, "%s", r.err);
    cr_expect_str_eq(r.out, "r.db\n");
    run_release(&r);
}

/* Where ceilings are kept, they go into the file: test_cli_peaks.c. */
Test(cli_sweep, says_how_to_get_ceilings)
{
    struct run_result r = run_flopledger("sweep -m gpt2-nano -s 4 --reps 1 -t 1 -o %s", db);
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(strstr(r.err, "no ceilings beside the results"), "%s", r.err);
    cr_expect_eq(query("SELECT count(*) FROM ceilings"), 0);
    run_release(&r);
}
