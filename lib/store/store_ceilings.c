/* Ceilings of machines: a row each, and below it a row a sample. A file has one set a machine. */
#include "store/store_internal.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char WHAT[] = "cannot store the ceilings";

/* ---- writing ---- */

static int remove_ceilings(const struct fl_store *store, const char *machine,
                           struct fl_error *error)
{
    static const char *const SQL[] = {
        "DELETE FROM ceiling_samples WHERE ceiling_id IN "
        "(SELECT id FROM ceilings WHERE machine = ?1)",
        "DELETE FROM ceilings WHERE machine = ?1",
    };
    int status = FL_OK;
    for (size_t i = 0; i < sizeof SQL / sizeof *SQL && status == FL_OK; i++) {
        sqlite3_stmt *statement = NULL;
        status = fl_store_prepare(store, &statement, SQL[i], error);
        if (status == FL_OK) {
            sqlite3_bind_text(statement, 1, machine, -1, SQLITE_STATIC);
            status = fl_store_run_statement(store, statement, WHAT, error);
        }
        sqlite3_finalize(statement);
    }
    return status;
}

static int insert_samples(const struct fl_store *store, sqlite3_stmt *insert, int64_t id,
                          const struct fl_ceiling *ceiling, struct fl_error *error)
{
    int status = FL_OK;
    for (int rep = 0; rep < ceiling->n_samples && status == FL_OK; rep++) {
        if (ceiling->time_ns[rep] > INT64_MAX)
            return fl_fail(error, "%s: ceiling_samples.time_ns: expected a count up to 2^63 - 1",
                           store->path);
        sqlite3_bind_int64(insert, 1, id);
        sqlite3_bind_int(insert, 2, rep);
        sqlite3_bind_int64(insert, 3, (int64_t)ceiling->time_ns[rep]);
        status = fl_store_run_statement(store, insert, WHAT, error);
    }
    return status;
}

static int insert_ceilings(const struct fl_store *store, const struct fl_ceiling *ceilings, int n,
                           struct fl_error *error)
{
    sqlite3_stmt *row = NULL, *sample = NULL;
    int status = fl_store_prepare_insert(store, &row, &fl_store_ceilings, NULL, error);
    if (status == FL_OK)
        status = fl_store_prepare(store, &sample,
                                  "INSERT INTO ceiling_samples (ceiling_id, rep, time_ns) "
                                  "VALUES (?1, ?2, ?3)",
                                  error);
    for (int i = 0; i < n && status == FL_OK; i++) {
        struct fl_ceiling ceiling = ceilings[i];
        ceiling.run_id = store->run->id;
        memcpy(ceiling.machine, store->run->machine, sizeof ceiling.machine);
        status = fl_store_bind_row(store, row, &fl_store_ceilings, &ceiling, error);
        if (status == FL_OK)
            status = fl_store_run_statement(store, row, WHAT, error);
        if (status == FL_OK)
            status = insert_samples(store, sample, sqlite3_last_insert_rowid(store->db), &ceiling,
                                    error);
    }
    sqlite3_finalize(row);
    sqlite3_finalize(sample);
    return status;
}

int fl_store_set_ceilings(struct fl_store *store, const struct fl_ceiling *ceilings, int n,
                          struct fl_error *error)
{
    _Static_assert(sizeof ceilings->machine == sizeof store->run->machine, "the same text");
    assert(store->run);
    int status = fl_store_begin(store, error);
    if (status != FL_OK)
        return status;
    status = remove_ceilings(store, store->run->machine, error);
    if (status == FL_OK)
        status = insert_ceilings(store, ceilings, n, error);
    return fl_store_end(store, status, error);
}

int fl_store_find_ceilings(struct fl_store *store, const char *machine,
                           char measured_at[FL_CEILING_TIME], struct fl_error *error)
{
    sqlite3_stmt *find = NULL;
    measured_at[0] = '\0';
    if (fl_store_prepare(store, &find,
                         "SELECT coalesce(max(measured_at), '') FROM ceilings WHERE machine = ?1",
                         error) != FL_OK)
        return FL_FAILED;
    sqlite3_bind_text(find, 1, machine, -1, SQLITE_STATIC);
    int status = FL_OK;
    if (sqlite3_step(find) == SQLITE_ROW)
        snprintf(measured_at, FL_CEILING_TIME, "%s", (const char *)sqlite3_column_text(find, 0));
    else
        status = fl_store_fail(store, "cannot look for ceilings", error);
    sqlite3_finalize(find);
    return status;
}

/* ---- reading ---- */

static int take_sample(const struct fl_store *store, struct fl_ceiling *ceiling, int64_t rep,
                       int64_t time_ns, struct fl_error *error)
{
    if (rep != ceiling->n_samples || rep >= FL_CEILING_SAMPLES_MAX)
        return fl_fail(error, "%s: ceiling %lld: expected its samples as 0, 1, ... and at most %d",
                       store->path, (long long)ceiling->id, FL_CEILING_SAMPLES_MAX);
    if (time_ns < 1)
        return fl_fail(error, "%s: ceiling_samples.time_ns: expected a count from 1 to 2^63 - 1",
                       store->path);
    ceiling->time_ns[ceiling->n_samples++] = (uint64_t)time_ns;
    return FL_OK;
}

static int check_ceilings(const struct fl_store *store, const struct fl_ceiling *ceilings, int n,
                          struct fl_error *error)
{
    for (int i = 0; i < n; i++)
        if (ceilings[i].n_samples == 0 || ceilings[i].work == 0)
            return fl_fail(error, "%s: ceiling %lld: expected its %s in the file", store->path,
                           (long long)ceilings[i].id, ceilings[i].work == 0 ? "work" : "samples");
    return FL_OK;
}

/* Both orders are the same, so one walk places every sample. */
int fl_store_load_ceiling_samples(const struct fl_store *store, struct fl_ceiling *ceilings, int n,
                                  struct fl_error *error)
{
    sqlite3_stmt *statement = NULL;
    int status =
        fl_store_prepare(store, &statement,
                         "SELECT c.id, s.rep, s.time_ns FROM ceilings c JOIN ceiling_samples s "
                         "ON s.ceiling_id = c.id ORDER BY c.machine, c.id, s.rep",
                         error);
    int step = SQLITE_DONE, at = 0;
    while (status == FL_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);
        while (at < n && ceilings[at].id != id)
            at++;
        if (at == n)
            status = fl_fail(error, "%s: ceiling_samples.ceiling_id: expected a ceiling's id",
                             store->path);
        else
            status = take_sample(store, &ceilings[at], sqlite3_column_int64(statement, 1),
                                 sqlite3_column_int64(statement, 2), error);
    }
    if (status == FL_OK && step != SQLITE_DONE)
        status = fl_store_fail(store, "cannot read the results", error);
    sqlite3_finalize(statement);
    return status == FL_OK ? check_ceilings(store, ceilings, n, error) : status;
}

const struct fl_ceiling *fl_results_ceilings(const struct fl_results *results, const char *machine,
                                             int *n)
{
    const struct fl_ceiling *first = NULL;
    *n = 0;
    for (int i = 0; i < results->n_ceilings; i++)
        if (strcmp(results->ceilings[i].machine, machine) == 0) {
            first = first ? first : &results->ceilings[i];
            ++*n;
        }
    return first;
}
