#include "store/store_internal.h"

#include "model/config_json.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_TEXT = 2048 };

/* A growing array of rows. */
struct rows {
    char *data;
    int n, capacity;
    size_t size; /* bytes of a row */
};

static void *add_row(struct rows *rows)
{
    if (rows->n == rows->capacity) {
        int capacity = rows->capacity ? rows->capacity * 2 : 64;
        if (rows->capacity > INT_MAX / 2)
            return NULL;
        char *larger = realloc(rows->data, (size_t)capacity * rows->size);
        if (!larger)
            return NULL;
        rows->data = larger;
        rows->capacity = capacity;
    }
    void *row = rows->data + (size_t)rows->n++ * rows->size;
    memset(row, 0, rows->size);
    return row;
}

/* The operators of all points before they are sorted into place. */
struct stored_op {
    int64_t point_id;
    struct fl_op_record record;
};

/* Every row type begins with the id that is the query's first column. */
_Static_assert(offsetof(struct fl_run, id) == 0 && offsetof(struct fl_model_record, id) == 0 &&
                   offsetof(struct fl_result, point.id) == 0 &&
                   offsetof(struct fl_sample, id) == 0 && offsetof(struct fl_observed, id) == 0 &&
                   offsetof(struct fl_ceiling, id) == 0 &&
                   offsetof(struct stored_op, point_id) == 0,
               "rows begin with their id");

/* SELECT id_column, columns of the table, extra FROM table rest. The table's members start
 * `inner` bytes into a row. When extra is given, take_extra receives its text for each row. */
struct query {
    const struct fl_store_table *table;
    const char *id_column, *extra, *rest;
    size_t inner;
    int (*take_extra)(const struct fl_store *store, void *row, const char *text,
                      struct fl_error *error);
};

static int prepare_query(const struct fl_store *store, sqlite3_stmt **statement,
                         const struct query *query, struct fl_error *error)
{
    char sql[SQL_TEXT];
    const struct fl_store_table *table = query->table;
    int n = snprintf(sql, sizeof sql, "SELECT %s.%s", table->name, query->id_column);
    for (int i = 0; i < table->n_columns; i++) {
        const struct fl_store_column *column = &table->columns[i];
        n += column->since > store->version
                 ? snprintf(sql + n, sizeof sql - (size_t)n, ", ''")
                 : snprintf(sql + n, sizeof sql - (size_t)n, ", %s.%s", table->name, column->name);
    }
    n += snprintf(sql + n, sizeof sql - (size_t)n, "%s%s FROM %s %s", query->extra ? ", " : "",
                  query->extra ? query->extra : "", table->name, query->rest);
    assert(n < SQL_TEXT);
    return fl_store_prepare(store, statement, sql, error);
}

static int take_row(const struct fl_store *store, sqlite3_stmt *statement,
                    const struct query *query, struct rows *rows, struct fl_error *error)
{
    const struct fl_store_table *table = query->table;
    char *row = add_row(rows);
    if (!row)
        return fl_fail(error, "%s: no memory for %d rows of %s", store->path, rows->n, table->name);
    *(int64_t *)(void *)row = sqlite3_column_int64(statement, 0);
    if (fl_store_read_row(store, statement, 1, table, row + query->inner, error) != FL_OK)
        return FL_FAILED;
    if (!query->take_extra)
        return FL_OK;
    const char *text = (const char *)sqlite3_column_text(statement, table->n_columns + 1);
    return query->take_extra(store, row, text ? text : "", error);
}

static int load_rows(const struct fl_store *store, const struct query *query, struct rows *rows,
                     struct fl_error *error)
{
    sqlite3_stmt *statement = NULL;
    int status = prepare_query(store, &statement, query, error);
    int step = SQLITE_DONE;
    while (status == FL_OK && (step = sqlite3_step(statement)) == SQLITE_ROW)
        status = take_row(store, statement, query, rows, error);
    if (status == FL_OK && step != SQLITE_DONE)
        status = fl_store_fail(store, "cannot read the results", error);
    sqlite3_finalize(statement);
    return status;
}

static int take_config(const struct fl_store *store, void *row, const char *text,
                       struct fl_error *error)
{
    struct fl_model_record *model = row;
    char source[256];
    snprintf(source, sizeof source, "%.120s: model %.100s", store->path, model->name);
    cJSON *object = cJSON_Parse(text);
    int status = fl_config_from_json(&model->config, object, source, error);
    cJSON_Delete(object);
    return status;
}

static const struct query RUNS = {&fl_store_runs, "id", NULL, "ORDER BY id", 0, NULL};
static const struct query MODELS = {&fl_store_models, "id", "config",
                                    "ORDER BY id",    0,    take_config};
/* The order that store.h promises. */
static const struct query POINTS = {
    &fl_store_points,
    "id",
    NULL,
    "LEFT JOIN models m ON m.id = points.model_id ORDER BY points.machine, m.name, m.id, "
    "points.phase DESC, cache DESC, attention, logits, dtype, n_threads, batch, context, points.id",
    offsetof(struct fl_result, point),
    NULL};
static const struct query OPS = {
    &fl_store_point_ops, "point_id", NULL, "", offsetof(struct stored_op, record), NULL};
static const struct query SAMPLES = {
    &fl_store_samples, "id", NULL, "ORDER BY point_id, rep, id", 0, NULL};

static const struct query OBSERVATIONS = {&fl_store_observations,  "id", NULL,
                                          "ORDER BY point_id, id", 0,    NULL};

static const struct query CEILINGS = {&fl_store_ceilings,     "id", NULL,
                                      "ORDER BY machine, id", 0,    NULL};

static const char SAMPLE_OPS_SQL[] =
    "SELECT s.id, o.op, o.time_ns FROM samples s JOIN sample_ops o ON o.sample_id = s.id "
    "ORDER BY s.point_id, s.rep, s.id";

/* Both queries give the samples in the same order, so one walk places every time. */
static int load_sample_ops(const struct fl_store *store, struct rows *samples,
                           struct fl_error *error)
{
    sqlite3_stmt *statement = NULL;
    int status = fl_store_prepare(store, &statement, SAMPLE_OPS_SQL, error);
    int step = SQLITE_DONE, at = 0;
    struct fl_sample *sample = (struct fl_sample *)(void *)samples->data;
    while (status == FL_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t sample_id = sqlite3_column_int64(statement, 0);
        const char *name = (const char *)sqlite3_column_text(statement, 1);
        enum fl_operator op = name ? fl_operator_find(name) : FL_N_OPERATORS;
        int64_t time_ns = sqlite3_column_int64(statement, 2);
        while (at < samples->n && sample[at].id != sample_id)
            at++;
        if (op == FL_N_OPERATORS)
            status =
                fl_fail(error, "%s: sample_ops.op: expected the name of an operator", store->path);
        else if (time_ns < 0 || at == samples->n)
            status = fl_fail(error, "%s: sample_ops.%s: expected %s", store->path,
                             time_ns < 0 ? "time_ns" : "sample_id",
                             time_ns < 0 ? "a count from 0 to 2^63 - 1" : "a sample's id");
        else
            sample[at].op_time_ns[op] = (uint64_t)time_ns;
    }
    if (status == FL_OK && step != SQLITE_DONE)
        status = fl_store_fail(store, "cannot read the results", error);
    sqlite3_finalize(statement);
    return status;
}

static int compare_ids(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_ops(const void *left, const void *right)
{
    const struct stored_op *a = left, *b = right;
    int order = compare_ids(a->point_id, b->point_id);
    return order ? order : (int)a->record.op - (int)b->record.op;
}

static int compare_run(const void *key, const void *row)
{
    return compare_ids(*(const int64_t *)key, ((const struct fl_run *)row)->id);
}

static int compare_model(const void *key, const void *row)
{
    return compare_ids(*(const int64_t *)key, ((const struct fl_model_record *)row)->id);
}

const struct fl_run *fl_results_run(const struct fl_results *results, int64_t id)
{
    if (results->n_runs == 0)
        return NULL;
    return bsearch(&id, results->runs, (size_t)results->n_runs, sizeof *results->runs, compare_run);
}

/* First of n rows sorted by an int64_t at `offset` whose value is not below key. */
static int lower_bound(const void *data, int n, size_t size, size_t offset, int64_t key)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        int64_t value;
        memcpy(&value, (const char *)data + (size_t)middle * size + offset, sizeof value);
        if (value < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int lower_sample(const struct fl_results *results, int64_t point_id)
{
    return lower_bound(results->samples, results->n_samples, sizeof *results->samples,
                       offsetof(struct fl_sample, point_id), point_id);
}

static int lower_observed(const struct fl_results *results, int64_t point_id)
{
    return lower_bound(results->observed, results->n_observed, sizeof *results->observed,
                       offsetof(struct fl_observed, point_id), point_id);
}

static int lower_op(const struct rows *stored_ops, int64_t point_id)
{
    return lower_bound(stored_ops->data, stored_ops->n, stored_ops->size,
                       offsetof(struct stored_op, point_id), point_id);
}

static void connect_observed(struct fl_results *results, struct fl_result *result)
{
    int first = lower_observed(results, result->point.id);
    while (first + result->n_observed < results->n_observed &&
           results->observed[first + result->n_observed].point_id == result->point.id)
        result->n_observed++;
    result->observed = results->observed ? results->observed + first : NULL;
}

/* Samples, observations and ceilings carry the run they came with. */
static int check_runs(const struct fl_store *store, const struct fl_results *results,
                      struct fl_error *error)
{
    for (int i = 0; i < results->n_samples; i++)
        if (!fl_results_run(results, results->samples[i].run_id))
            return fl_fail(error, "%s: sample %lld: expected its run in the file", store->path,
                           (long long)results->samples[i].id);
    for (int i = 0; i < results->n_observed; i++)
        if (!fl_results_run(results, results->observed[i].run_id))
            return fl_fail(error, "%s: observation %lld: expected its run in the file", store->path,
                           (long long)results->observed[i].id);
    for (int i = 0; i < results->n_ceilings; i++)
        if (!fl_results_run(results, results->ceilings[i].run_id))
            return fl_fail(error, "%s: ceiling %lld: expected its run in the file", store->path,
                           (long long)results->ceilings[i].id);
    return FL_OK;
}

/* Points each result to its run, model, operators, samples and observations. */
static int connect_points(const struct fl_store *store, struct fl_results *results,
                          const struct rows *stored_ops, struct fl_error *error)
{
    for (int i = 0; i < results->n_points; i++) {
        struct fl_result *result = &results->points[i];
        int64_t id = result->point.id;
        const char *missing = NULL;
        result->run = fl_results_run(results, result->point.run_id);
        if (!result->run)
            missing = "run";
        result->model = results->n_models == 0 ? NULL
                                               : bsearch(&result->point.model_id, results->models,
                                                         (size_t)results->n_models,
                                                         sizeof *results->models, compare_model);
        if (!result->model)
            missing = "model";
        int first_op = lower_op(stored_ops, id);
        while (first_op + result->n_ops < stored_ops->n &&
               ((struct stored_op *)(void *)stored_ops->data)[first_op + result->n_ops].point_id ==
                   id)
            result->n_ops++;
        result->ops = results->ops ? results->ops + first_op : NULL;
        int first = lower_sample(results, id);
        while (first + result->n_samples < results->n_samples &&
               results->samples[first + result->n_samples].point_id == id)
            result->n_samples++;
        result->samples = results->samples ? results->samples + first : NULL;
        if (result->n_samples == 0)
            missing = "sample";
        connect_observed(results, result);
        if (missing)
            return fl_fail(error, "%s: point %lld: expected its %s in the file", store->path,
                           (long long)id, missing);
    }
    return check_runs(store, results, error);
}

static int compare_times(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static int find_medians(const struct fl_store *store, struct fl_results *results,
                        struct fl_error *error)
{
    if (results->n_samples == 0)
        return FL_OK;
    uint64_t *times = malloc((size_t)results->n_samples * sizeof *times);
    if (!times)
        return fl_fail(error, "%s: no memory for %d samples", store->path, results->n_samples);
    for (int i = 0; i < results->n_points; i++) {
        struct fl_result *result = &results->points[i];
        int n = result->n_samples;
        for (int j = 0; j < n; j++)
            times[j] = result->samples[j].time_ns;
        qsort(times, (size_t)n, sizeof *times, compare_times);
        result->median_time_ns = ((double)times[(n - 1) / 2] + (double)times[n / 2]) / 2.0;
    }
    free(times);
    return FL_OK;
}

static int copy_ops(const struct fl_store *store, struct fl_results *results, struct rows *stored,
                    struct fl_error *error)
{
    if (stored->n == 0)
        return FL_OK;
    struct stored_op *from = (struct stored_op *)(void *)stored->data;
    qsort(from, (size_t)stored->n, sizeof *from, compare_ops);
    results->ops = malloc((size_t)stored->n * sizeof *results->ops);
    if (!results->ops)
        return fl_fail(error, "%s: no memory for %d operators", store->path, stored->n);
    for (int i = 0; i < stored->n; i++) {
        if (i > 0 && compare_ops(&from[i - 1], &from[i]) == 0)
            return fl_fail(error, "%s: point %lld: expected one row of %s", store->path,
                           (long long)from[i].point_id, fl_operator_name(from[i].record.op));
        results->ops[i] = from[i].record;
    }
    return FL_OK;
}

int fl_store_load(struct fl_store *store, struct fl_results *results, struct fl_error *error)
{
    *results = (struct fl_results){0};
    struct rows runs = {.size = sizeof(struct fl_run)};
    struct rows models = {.size = sizeof(struct fl_model_record)};
    struct rows points = {.size = sizeof(struct fl_result)};
    struct rows ops = {.size = sizeof(struct stored_op)};
    struct rows samples = {.size = sizeof(struct fl_sample)};
    struct rows observed = {.size = sizeof(struct fl_observed)};
    struct rows ceilings = {.size = sizeof(struct fl_ceiling)};
    const struct {
        const struct query *query;
        struct rows *rows;
        int since; /* schema */
    } loads[] = {{&RUNS, &runs, 1},        {&MODELS, &models, 1},   {&POINTS, &points, 1},
                 {&OPS, &ops, 1},          {&SAMPLES, &samples, 1}, {&OBSERVATIONS, &observed, 2},
                 {&CEILINGS, &ceilings, 3}};

    /* One transaction: a sweep that writes meanwhile does not show half a point. */
    int status = fl_store_execute(store, "BEGIN", "cannot begin to read", error);
    for (size_t i = 0; i < sizeof loads / sizeof *loads && status == FL_OK; i++)
        if (store->version >= loads[i].since)
            status = load_rows(store, loads[i].query, loads[i].rows, error);
    if (status == FL_OK)
        status = load_sample_ops(store, &samples, error);
    if (status == FL_OK && store->version >= FL_STORE_CONDITIONS_SINCE)
        status = fl_store_load_conditions(store, (struct fl_sample *)(void *)samples.data,
                                          samples.n, error);
    if (status == FL_OK && observed.n > 0)
        status = fl_store_load_counts(store, (struct fl_observed *)(void *)observed.data,
                                      observed.n, error);
    if (status == FL_OK && ceilings.n > 0)
        status = fl_store_load_ceiling_samples(store, (struct fl_ceiling *)(void *)ceilings.data,
                                               ceilings.n, error);
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);

    results->runs = (struct fl_run *)(void *)runs.data;
    results->n_runs = runs.n;
    results->models = (struct fl_model_record *)(void *)models.data;
    results->n_models = models.n;
    results->points = (struct fl_result *)(void *)points.data;
    results->n_points = points.n;
    results->samples = (struct fl_sample *)(void *)samples.data;
    results->n_samples = samples.n;
    results->observed = (struct fl_observed *)(void *)observed.data;
    results->n_observed = observed.n;
    results->ceilings = (struct fl_ceiling *)(void *)ceilings.data;
    results->n_ceilings = ceilings.n;
    if (status == FL_OK)
        status = copy_ops(store, results, &ops, error);
    if (status == FL_OK)
        status = connect_points(store, results, &ops, error);
    if (status == FL_OK)
        status = find_medians(store, results, error);
    free(ops.data);
    if (status != FL_OK)
        fl_results_free(results);
    return status;
}

int fl_results_read(struct fl_results *results, const char *path, struct fl_error *error)
{
    struct fl_store *store;
    *results = (struct fl_results){0};
    if (fl_store_open(&store, path, error) != FL_OK)
        return FL_FAILED;
    int status = fl_store_load(store, results, error);
    fl_store_close(store);
    return status;
}

void fl_results_free(struct fl_results *results)
{
    free(results->runs);
    free(results->models);
    free(results->points);
    free(results->ops);
    free(results->samples);
    free(results->observed);
    free(results->ceilings);
    *results = (struct fl_results){0};
}
