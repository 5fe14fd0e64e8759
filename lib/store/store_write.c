#include "store/store_internal.h"

#include "model/config_json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { SQL_TEXT = 1024 };

int fl_store_prepare_insert(const struct fl_store *store, sqlite3_stmt **statement,
                            const struct fl_store_table *table, const char *extra,
                            struct fl_error *error)
{
    char names[SQL_TEXT] = "", values[SQL_TEXT] = "", sql[2 * SQL_TEXT + 64];
    int n_names = 0, n_values = 0, n = table->n_columns + (extra ? 1 : 0);
    for (int i = 0; i < n; i++) {
        const char *comma = i > 0 ? ", " : "";
        n_names += snprintf(names + n_names, sizeof names - (size_t)n_names, "%s%s", comma,
                            i < table->n_columns ? table->columns[i].name : extra);
        n_values +=
            snprintf(values + n_values, sizeof values - (size_t)n_values, "%s?%d", comma, i + 1);
        assert(n_names < SQL_TEXT && n_values < SQL_TEXT);
    }
    snprintf(sql, sizeof sql, "INSERT INTO %s (%s) VALUES (%s)", table->name, names, values);
    return fl_store_prepare(store, statement, sql, error);
}

void fl_run_name_machine(struct fl_run *run)
{
    snprintf(run->machine, sizeof run->machine, "%s, %d cores, BLAS core %s, %s", run->cpu_model,
             run->n_cores, run->blas_core, run->isa);
}

int fl_store_continue_run(struct fl_store *store, struct fl_run *run, int64_t id,
                          struct fl_error *error)
{
    struct fl_run *copy = malloc(sizeof *copy);
    if (!copy)
        return fl_fail(error, "%s: no memory for a run", store->path);
    fl_run_name_machine(run);
    run->id = id;
    *copy = *run;
    free(store->run);
    store->run = copy;
    return FL_OK;
}

int fl_store_add_run(struct fl_store *store, struct fl_run *run, struct fl_error *error)
{
    fl_run_name_machine(run);
    sqlite3_stmt *insert = NULL;
    int status = fl_store_prepare_insert(store, &insert, &fl_store_runs, NULL, error);
    if (status == FL_OK)
        status = fl_store_bind_row(store, insert, &fl_store_runs, run, error);
    if (status == FL_OK)
        status = fl_store_run_statement(store, insert, "cannot store the run", error);
    sqlite3_finalize(insert);
    if (status != FL_OK)
        return status;
    return fl_store_continue_run(store, run, sqlite3_last_insert_rowid(store->db), error);
}

static int find_model(const struct fl_store *store, const struct fl_model_record *model,
                      const char *config, int64_t *id, struct fl_error *error)
{
    *id = 0;
    sqlite3_stmt *find = NULL;
    if (fl_store_prepare(store, &find,
                         "SELECT id FROM models WHERE name = ?1 AND config = ?2 AND format = ?3 "
                         "AND weights_bytes = ?4",
                         error) != FL_OK)
        return FL_FAILED;
    sqlite3_bind_text(find, 1, model->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(find, 2, config, -1, SQLITE_STATIC);
    sqlite3_bind_text(find, 3, model->format, -1, SQLITE_STATIC);
    sqlite3_bind_int64(find, 4, (int64_t)model->weights_bytes);
    int status = FL_OK, step = sqlite3_step(find);
    if (step == SQLITE_ROW)
        *id = sqlite3_column_int64(find, 0);
    else if (step != SQLITE_DONE)
        status = fl_store_fail(store, "cannot look for the model", error);
    sqlite3_finalize(find);
    return status;
}

static int insert_model(const struct fl_store *store, struct fl_model_record *model,
                        const char *config, struct fl_error *error)
{
    sqlite3_stmt *insert = NULL;
    int status = fl_store_prepare_insert(store, &insert, &fl_store_models, "config", error);
    if (status == FL_OK)
        status = fl_store_bind_row(store, insert, &fl_store_models, model, error);
    if (status == FL_OK) {
        sqlite3_bind_text(insert, fl_store_models.n_columns + 1, config, -1, SQLITE_STATIC);
        status = fl_store_run_statement(store, insert, "cannot store the model", error);
    }
    sqlite3_finalize(insert);
    if (status == FL_OK)
        model->id = sqlite3_last_insert_rowid(store->db);
    return status;
}

int fl_store_add_model(struct fl_store *store, struct fl_model_record *model,
                       struct fl_error *error)
{
    cJSON *object = fl_config_to_json(&model->config);
    char *config = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    if (!config)
        return fl_fail(error, "%s: no memory for the config of %s", store->path, model->name);
    int status = fl_store_begin(store, error);
    if (status == FL_OK) {
        status = find_model(store, model, config, &model->id, error);
        if (status == FL_OK && model->id == 0)
            status = insert_model(store, model, config, error);
        status = fl_store_end(store, status, error);
    }
    free(config);
    return status;
}

int fl_store_find_point(struct fl_store *store, const char *machine, const struct fl_point *point,
                        int64_t *id, int *n_samples, struct fl_error *error)
{
    *id = 0;
    *n_samples = 0;
    char sql[SQL_TEXT];
    const struct fl_store_table *table = &fl_store_points;
    int n = snprintf(sql, sizeof sql,
                     "SELECT id, (SELECT count(*) FROM samples WHERE point_id = points.id) "
                     "FROM points WHERE machine = ?%d",
                     table->n_columns + 1);
    for (int i = 0; i < table->n_columns; i++)
        if (table->columns[i].identity)
            n += snprintf(sql + n, sizeof sql - (size_t)n, " AND %s = ?%d", table->columns[i].name,
                          i + 1);
    assert(n < SQL_TEXT);

    sqlite3_stmt *find = NULL;
    int status = fl_store_prepare(store, &find, sql, error);
    if (status == FL_OK)
        status = fl_store_bind_row(store, find, table, point, error);
    if (status == FL_OK) {
        sqlite3_bind_text(find, table->n_columns + 1, machine, -1, SQLITE_STATIC);
        int step = sqlite3_step(find);
        if (step == SQLITE_ROW) {
            *id = sqlite3_column_int64(find, 0);
            *n_samples = sqlite3_column_int(find, 1);
        } else if (step != SQLITE_DONE) {
            status = fl_store_fail(store, "cannot look for the point", error);
        }
    }
    sqlite3_finalize(find);
    return status;
}

static int insert_point(const struct fl_store *store, struct fl_point *point,
                        struct fl_error *error)
{
    sqlite3_stmt *insert = NULL;
    int status = fl_store_prepare_insert(store, &insert, &fl_store_points, "machine", error);
    if (status == FL_OK)
        status = fl_store_bind_row(store, insert, &fl_store_points, point, error);
    if (status == FL_OK) {
        sqlite3_bind_text(insert, fl_store_points.n_columns + 1, store->run->machine, -1,
                          SQLITE_STATIC);
        status = fl_store_run_statement(store, insert, "cannot store the point", error);
    }
    sqlite3_finalize(insert);
    if (status == FL_OK)
        point->id = sqlite3_last_insert_rowid(store->db);
    return status;
}

static int insert_ops(const struct fl_store *store, int64_t point_id,
                      const struct fl_op_record *ops, int n_ops, struct fl_error *error)
{
    sqlite3_stmt *insert = NULL;
    int status = fl_store_prepare_insert(store, &insert, &fl_store_point_ops, "point_id", error);
    for (int i = 0; i < n_ops && status == FL_OK; i++) {
        status = fl_store_bind_row(store, insert, &fl_store_point_ops, &ops[i], error);
        if (status != FL_OK)
            break;
        sqlite3_bind_int64(insert, fl_store_point_ops.n_columns + 1, point_id);
        status = fl_store_run_statement(store, insert, "cannot store an operator's cost", error);
    }
    sqlite3_finalize(insert);
    return status;
}

/* The operators of the point have a row each, those with no time included. */
static const char SAMPLE_OPS_SQL[] =
    "INSERT INTO sample_ops (sample_id, op, time_ns) SELECT ?1, op, ?2 FROM point_ops "
    "WHERE point_id = ?3 AND op = ?4";

static int insert_sample_ops(const struct fl_store *store, sqlite3_stmt *insert, int64_t sample_id,
                             const struct fl_sample *sample, struct fl_error *error)
{
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        if (sample->op_time_ns[op] > INT64_MAX)
            return fl_fail(error, "%s: sample_ops.time_ns: expected a count from 0 to 2^63 - 1",
                           store->path);
        sqlite3_bind_int64(insert, 1, sample_id);
        sqlite3_bind_int64(insert, 2, (int64_t)sample->op_time_ns[op]);
        sqlite3_bind_int64(insert, 3, sample->point_id);
        sqlite3_bind_text(insert, 4, fl_operator_name((enum fl_operator)op), -1, SQLITE_STATIC);
        if (fl_store_run_statement(store, insert, "cannot store a sample", error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static int insert_samples(const struct fl_store *store, int64_t point_id,
                          const struct fl_sample *samples, int n_samples, struct fl_error *error)
{
    sqlite3_stmt *insert = NULL, *insert_op = NULL, *insert_conditions = NULL;
    int status = fl_store_prepare_insert(store, &insert, &fl_store_samples, NULL, error);
    if (status == FL_OK)
        status = fl_store_prepare_conditions(store, &insert_conditions, error);
    if (status == FL_OK)
        status = fl_store_prepare(store, &insert_op, SAMPLE_OPS_SQL, error);
    for (int i = 0; i < n_samples && status == FL_OK; i++) {
        struct fl_sample sample = samples[i];
        sample.point_id = point_id;
        sample.run_id = store->run->id;
        status = fl_store_bind_row(store, insert, &fl_store_samples, &sample, error);
        if (status == FL_OK)
            status = fl_store_run_statement(store, insert, "cannot store a sample", error);
        const int64_t sample_id = sqlite3_last_insert_rowid(store->db);
        if (status == FL_OK)
            status = insert_sample_ops(store, insert_op, sample_id, &sample, error);
        if (status == FL_OK)
            status = fl_store_insert_conditions(store, insert_conditions, sample_id,
                                                &sample.conditions, error);
    }
    sqlite3_finalize(insert);
    sqlite3_finalize(insert_op);
    sqlite3_finalize(insert_conditions);
    return status;
}

int fl_store_add_point(struct fl_store *store, struct fl_point *point,
                       const struct fl_op_record *ops, int n_ops, const struct fl_sample *samples,
                       int n_samples, struct fl_error *error)
{
    assert(store->run);
    point->run_id = store->run->id;
    int status = fl_store_begin(store, error);
    if (status != FL_OK)
        return status;
    status = insert_point(store, point, error);
    if (status == FL_OK)
        status = insert_ops(store, point->id, ops, n_ops, error);
    if (status == FL_OK)
        status = insert_samples(store, point->id, samples, n_samples, error);
    return fl_store_end(store, status, error);
}

int fl_store_add_samples(struct fl_store *store, int64_t point_id, const struct fl_sample *samples,
                         int n_samples, struct fl_error *error)
{
    assert(store->run);
    int status = fl_store_begin(store, error);
    if (status != FL_OK)
        return status;
    status = insert_samples(store, point_id, samples, n_samples, error);
    return fl_store_end(store, status, error);
}
