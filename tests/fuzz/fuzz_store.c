/* fuzz_store.c - damaged results files: opening one for reading and for writing, and reading all
 * of it, must end in a status with one sentence. */
#include "store/store.h"
#include "tests/fuzz/mutate.h"
#include "tests/unit/store_sample.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* A sound file takes about 10 MiB under sanitizers; a cell or row count that is believed without
 * a check takes more than this at once. */
static const long MOST_MEMORY_KIB = 1024 * 1024;

static long n_read, n_refused;

static void die(const char *sentence)
{
    fprintf(stderr, "fuzz_store: %s\n", sentence);
    abort();
}

/* Touches everything a report would, so that a bad pointer shows. */
static size_t walk(const struct fl_results *results)
{
    size_t sum = 0;
    for (int i = 0; i < results->n_points; i++) {
        const struct fl_result *result = &results->points[i];
        sum += strlen(result->run->machine) + strlen(result->model->name) +
               strlen(result->point.attention) + (size_t)result->point.batch;
        for (int j = 0; j < result->n_ops; j++)
            sum += strlen(fl_operator_name(result->ops[j].op)) + result->ops[j].counted_flops;
        for (int j = 0; j < result->n_samples; j++)
            sum += result->samples[j].time_ns +
                   strlen(fl_results_run(results, result->samples[j].run_id)->host);
        for (int j = 0; j < result->n_observed; j++)
            sum += strlen(result->observed[j].note) +
                   result->observed[j].ops[result->point.batch % FL_N_OPERATORS].reading.values[0] +
                   strlen(fl_results_run(results, result->observed[j].run_id)->calibration);
        sum += fl_observed_has(fl_result_observed(result), FL_COUNT_FLOPS);
    }
    for (int i = 0; i < results->n_ceilings; i++) {
        const struct fl_ceiling *ceiling = &results->ceilings[i];
        sum += strlen(ceiling->note) + strlen(fl_results_run(results, ceiling->run_id)->host) +
               ceiling->work / ceiling->time_ns[ceiling->n_samples - 1];
    }
    return sum;
}

static void read_results(const char *path)
{
    struct fl_error error = {""};
    struct fl_results results;
    static volatile size_t sink;
    int status = fl_results_read(&results, path, &error);
    if (status == FL_OK) {
        sink += walk(&results);
        fl_results_free(&results);
    }
    if (status != FL_OK && !error.text[0])
        die("refused without a sentence");
    *(status == FL_OK ? &n_read : &n_refused) += 1;
}

static const struct fl_ceiling CEILING = {
    .measured_at = "2026-01-02T03:04:05Z",
    .unit = "bytes",
    .kernel = "read",
    .level = "L2",
    .dtype = "f32",
    .isa = "avx2",
    .n_threads = 1,
    .working_set_bytes = 1 << 20,
    .capacity_bytes = 1 << 21,
    .work = 3000,
    .time_ns = {30, 10, 20},
    .n_samples = 3,
};

static void append_results(const char *path)
{
    struct fl_error error = {""};
    struct fl_store *store;
    int status = fl_store_create(&store, path, &error);
    if (status == FL_OK) {
        struct fl_run run = sample_run("host");
        struct fl_model_record model = sample_model("tiny");
        struct fl_sample sample = sample_sample(0, 5);
        status = fl_store_add_run(store, &run, &error);
        if (status == FL_OK)
            status = fl_store_add_model(store, &model, &error);
        struct fl_point point = sample_point(model.id, 99);
        int64_t id;
        int n_samples;
        if (status == FL_OK)
            status = fl_store_find_point(store, run.machine, &point, &id, &n_samples, &error);
        sample.rep = n_samples;
        if (status == FL_OK)
            status = id != 0 ? fl_store_add_samples(store, id, &sample, 1, &error)
                             : fl_store_add_point(store, &point, SAMPLE_OPS, SAMPLE_N_OPS, &sample,
                                                  1, &error);
        id = id != 0 ? id : point.id;
        bool found = false;
        struct fl_observed observed = sample_observed("Haswell");
        if (status == FL_OK)
            status = fl_store_find_observed(store, id, observed.counter, observed.blas_core, &found,
                                            &error);
        if (status == FL_OK && !found)
            status = fl_store_add_observed(store, id, &observed, &error);
        char measured_at[FL_CEILING_TIME];
        if (status == FL_OK)
            status = fl_store_find_ceilings(store, run.machine, measured_at, &error);
        if (status == FL_OK)
            status = fl_store_set_ceilings(store, &CEILING, 1, &error);
        fl_store_close(store);
    }
    if (status != FL_OK && !error.text[0])
        die("refused to write without a sentence");
}

static void read_file(const unsigned char *data, size_t size)
{
    char journal[512];
    const char *path = fuzz_file(data, size, ".db");
    read_results(path);
    append_results(path);
    snprintf(journal, sizeof journal, "%s-journal", path);
    unlink(journal);
}

/* ---- seeds ---- */

/* What another program might have put into a file that is sound for SQLite. */
static const char *const TAMPERINGS[] = {
    "",
    "UPDATE points SET batch = -1",
    "UPDATE samples SET time_ns = -9223372036854775807, point_id = 77 WHERE id = 1",
    "UPDATE models SET config = replace(config, '64', '1e308'), name = printf('%500d', 1)",
    "DELETE FROM sample_ops; DELETE FROM runs",
    "UPDATE point_ops SET op = op || 'x'; PRAGMA user_version = 2",
    "PRAGMA user_version = 1",
    "PRAGMA user_version = 2",
    "UPDATE ceilings SET work = 9223372036854775807, n_threads = 2147483648; UPDATE "
    "ceiling_samples SET rep = rep + 9223372036854775000, time_ns = -1",
    "DELETE FROM ceiling_samples WHERE rep = 0",
    "DROP VIEW points_summary; DROP TABLE samples; CREATE VIEW samples AS WITH RECURSIVE n(id) AS "
    "(SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, 1 AS point_id, 1 AS run_id, id AS rep, 1 "
    "AS time_ns, 1 AS started_ns FROM n",
    "UPDATE observation_counts SET value = 9223372036854775807; UPDATE observation_excess SET "
    "flops = "
    "-9223372036854775807 - 1; UPDATE observations SET n_threads = -3 WHERE id = 2",
    "DELETE FROM observation_counts WHERE key = 'flops' AND op = 'qkv'; DELETE FROM observations "
    "WHERE id = 1",
    "CREATE TRIGGER more AFTER INSERT ON runs BEGIN INSERT INTO runs SELECT * FROM runs; END",
};
enum { N_TAMPERINGS = sizeof TAMPERINGS / sizeof *TAMPERINGS, PAGE_BYTES = 512 };

static void make_file(const char *path, const char *tampering)
{
    struct fl_error error;
    struct fl_store *store;
    struct fl_run run = sample_run("host");
    struct fl_model_record model = sample_model("tiny");
    sqlite3 *db;
    /* small pages, so that a mutation meets structure rather than padding */
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA page_size = 512; VACUUM" /* PAGE_BYTES */, NULL, NULL, NULL) !=
            SQLITE_OK)
        die("cannot make a seed");
    sqlite3_close(db);
    if (fl_store_create(&store, path, &error) != FL_OK ||
        fl_store_add_run(store, &run, &error) != FL_OK ||
        fl_store_add_model(store, &model, &error) != FL_OK)
        die(error.text);
    for (int context = 16; context <= 64; context *= 2) {
        struct fl_point point = sample_point(model.id, context);
        const struct fl_sample samples[] = {sample_sample(0, 30), sample_sample(1, 10)};
        struct fl_observed observed = sample_observed("Sandybridge");
        if (fl_store_add_point(store, &point, SAMPLE_OPS, SAMPLE_N_OPS, samples, 2, &error) !=
                FL_OK ||
            fl_store_add_observed(store, point.id, &observed, &error) != FL_OK)
            die(error.text);
    }
    if (fl_store_set_ceilings(store, &CEILING, 1, &error) != FL_OK)
        die(error.text);
    fl_store_close(store);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, tampering, NULL, NULL, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
    sqlite3_close(db);
}

static struct fuzz_seed take_file(const char *path)
{
    struct fuzz_seed seed = {NULL, 0};
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        die("cannot read a seed");
    seed.size = (size_t)ftell(file);
    rewind(file);
    unsigned char *data = malloc(seed.size);
    if (!data || fread(data, 1, seed.size, file) != seed.size)
        die("cannot read a seed");
    fclose(file);
    seed.data = data;
    return seed;
}

/* Most mutants end at SQLite's own checks, since their size or first page is wrong. So each is also
 * taken as instructions for changing a sound file in place, mostly within its rows: a few bytes,
 * a run of zeros, one page written over another. */
static struct fuzz_seed seeds[N_TAMPERINGS + 1];

static void change_in_place(unsigned char *file, size_t size, uint64_t random)
{
    /* the schema's text fills about the first half */
    size_t first = (random >> 12 & 3) == 0 ? 0 : size / 2;
    size_t from = first + (size_t)(random >> 16) % (size - first);
    size_t to = (size_t)(random >> 40) % size;
    size_t page = from / PAGE_BYTES * PAGE_BYTES, other = to / PAGE_BYTES * PAGE_BYTES;
    size_t n = (random & 255) % 16 + 1;
    switch (random >> 8 & 7) {
    case 0:
        memcpy(file + page, file + other, PAGE_BYTES);
        break;
    case 1:
        memset(file + from, 0, from + n < size ? n : 1);
        break;
    case 2:
        file[from] = 0xFF;
        break;
    default:
        file[from] = (unsigned char)random;
    }
}

static void read_it(const unsigned char *data, size_t size)
{
    read_file(data, size);
    uint64_t random = UINT64_C(0xCBF29CE484222325); /* FNV-1a of the mutant */
    for (size_t i = 0; i < size; i++)
        random = (random ^ data[i]) * UINT64_C(0x100000001B3);
    /* half of the time the one nobody tampered with */
    const struct fuzz_seed *sound = &seeds[random & 8 ? 0 : random % N_TAMPERINGS];
    unsigned char *copy = malloc(sound->size);
    if (!copy)
        die("no memory");
    memcpy(copy, sound->data, sound->size);
    for (uint64_t n = random % 5 + 1; n > 0; n--) {
        random ^= random >> 12; /* xorshift64* */
        random ^= random << 25;
        random ^= random >> 27;
        change_in_place(copy, sound->size, random * UINT64_C(2685821657736338717));
    }
    read_file(copy, sound->size);
    free(copy);
}

int main(int argc, char **argv)
{
    char path[] = "/tmp/fuzz-store-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        die("cannot make a temporary file");
    close(fd);
    for (int i = 0; i < N_TAMPERINGS; i++) {
        if (truncate(path, 0) != 0)
            die("cannot empty a temporary file");
        make_file(path, TAMPERINGS[i]);
        seeds[i] = take_file(path);
    }
    unlink(path);

    int status = fuzz_main(argc, argv, read_it, seeds);
    for (int i = 0; i < N_TAMPERINGS; i++)
        free((void *)(uintptr_t)seeds[i].data);
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        printf("fuzz_store: %ld files read, %ld refused, at most %ld MiB of memory\n", n_read,
               n_refused, usage.ru_maxrss / 1024);
        if (usage.ru_maxrss > MOST_MEMORY_KIB)
            die("a damaged file took far too much memory");
    }
    return status;
}
