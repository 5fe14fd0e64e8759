/* What went on beside the samples: a row a sample, where it was recorded. */
#include "store/store_internal.h"

#include <stdio.h>

int fl_store_prepare_conditions(const struct fl_store *store, sqlite3_stmt **insert,
                                struct fl_error *error)
{
    return fl_store_prepare_insert(store, insert, &fl_store_conditions, "sample_id", error);
}

int fl_store_insert_conditions(const struct fl_store *store, sqlite3_stmt *insert,
                               int64_t sample_id, const struct fl_conditions *conditions,
                               struct fl_error *error)
{
    if (!conditions->known)
        return FL_OK;
    if (fl_store_bind_row(store, insert, &fl_store_conditions, conditions, error) != FL_OK)
        return FL_FAILED;
    sqlite3_bind_int64(insert, fl_store_conditions.n_columns + 1, sample_id);
    return fl_store_run_statement(store, insert, "cannot store the conditions of a sample", error);
}

int fl_store_load_conditions(const struct fl_store *store, struct fl_sample *samples, int n,
                             struct fl_error *error)
{
    char sql[512];
    int length = snprintf(sql, sizeof sql, "SELECT s.id");
    for (int i = 0; i < fl_store_conditions.n_columns; i++)
        length += snprintf(sql + length, sizeof sql - (size_t)length, ", c.%s",
                           fl_store_conditions.columns[i].name);
    snprintf(sql + length, sizeof sql - (size_t)length,
             " FROM samples s JOIN sample_conditions c ON c.sample_id = s.id "
             "ORDER BY s.point_id, s.rep, s.id");
    sqlite3_stmt *statement = NULL;
    int status = fl_store_prepare(store, &statement, sql, error);
    int step = SQLITE_DONE, at = 0;
    /* the samples come in the same order, so one walk places every row */
    while (status == FL_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        const int64_t id = sqlite3_column_int64(statement, 0);
        while (at < n && samples[at].id != id)
            at++;
        if (at == n) {
            status = fl_fail(error, "%s: sample_conditions.sample_id: expected a sample's id",
                             store->path);
            break;
        }
        status = fl_store_read_row(store, statement, 1, &fl_store_conditions,
                                   &samples[at].conditions, error);
        samples[at].conditions.known = true;
    }
    if (status == FL_OK && step != SQLITE_DONE)
        status = fl_store_fail(store, "cannot read the conditions of samples", error);
    sqlite3_finalize(statement);
    return status;
}
