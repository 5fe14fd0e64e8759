/* What counters saw of a point: a row of observations, and below it a row for every operator and
 * count, and for every operator and term of its excess. */
#include "store/store_internal.h"

#include <assert.h>
#include <string.h>

void fl_observed_sum(struct fl_observed *observed, const struct fl_observation *observation)
{
    *observed = (struct fl_observed){
        .n_threads = observation->n_threads,
        .available = observation->available,
        .whole = observation->whole,
    };
    memcpy(observed->counter, observation->counter, sizeof observed->counter);
    memcpy(observed->counter_version, observation->version, sizeof observed->counter_version);
    memcpy(observed->note, observation->note, sizeof observed->note);
    memcpy(observed->blas_core, observation->blas_core, sizeof observed->blas_core);
    memcpy(observed->isa, observation->isa, sizeof observed->isa);
    for (int op = 0; op < FL_N_OPERATORS; op++)
        observed->ops[op] = fl_observation_sum(observation, (enum fl_operator)op);
}

const struct fl_observed *fl_result_observed(const struct fl_result *result)
{
    for (int i = 0; i < result->n_observed; i++)
        if (fl_observed_has(&result->observed[i], FL_COUNT_FLOPS))
            return &result->observed[i];
    return result->n_observed > 0 ? result->observed : NULL;
}

/* ---- writing ---- */

static int insert_observation(const struct fl_store *store, struct fl_observed *observed,
                              struct fl_error *error)
{
    sqlite3_stmt *insert = NULL;
    int status = fl_store_prepare_insert(store, &insert, &fl_store_observations, NULL, error);
    if (status == FL_OK)
        status = fl_store_bind_row(store, insert, &fl_store_observations, observed, error);
    if (status == FL_OK)
        status = fl_store_run_statement(store, insert, "cannot store what was counted", error);
    sqlite3_finalize(insert);
    if (status == FL_OK)
        observed->id = sqlite3_last_insert_rowid(store->db);
    return status;
}

static int insert_reading(const struct fl_store *store, sqlite3_stmt *insert,
                          const struct fl_observed *observed, const char *op,
                          const struct fl_reading *reading, struct fl_error *error)
{
    for (int count = 0; count < FL_N_COUNTS; count++) {
        uint64_t value = reading->values[count];
        if (!fl_observed_has(observed, (enum fl_count)count))
            continue;
        if (value > INT64_MAX)
            return fl_fail(error,
                           "%s: observation_counts.value: expected a count from 0 to 2^63 - 1",
                           store->path);
        sqlite3_bind_int64(insert, 1, observed->id);
        sqlite3_bind_text(insert, 2, op, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 3, fl_count_key((enum fl_count)count), -1, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 4, (int64_t)value);
        if (fl_store_run_statement(store, insert, "cannot store what was counted", error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

static int insert_terms(const struct fl_store *store, sqlite3_stmt *insert,
                        const struct fl_observed *observed, const char *op,
                        const struct fl_excess *excess, struct fl_error *error)
{
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++) {
        if (excess->flops[term] == 0)
            continue;
        sqlite3_bind_int64(insert, 1, observed->id);
        sqlite3_bind_text(insert, 2, op, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 3, fl_excess_key((enum fl_excess_term)term), -1, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 4, excess->flops[term]);
        if (fl_store_run_statement(store, insert, "cannot store what was counted", error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

/* The operators of the point, as bits of enum fl_operator. */
static int find_ops(const struct fl_store *store, int64_t point_id, uint64_t *ops,
                    struct fl_error *error)
{
    _Static_assert(FL_N_OPERATORS < 64, "an operator is a bit");
    sqlite3_stmt *find = NULL;
    *ops = 0;
    int status =
        fl_store_prepare(store, &find, "SELECT op FROM point_ops WHERE point_id = ?1", error);
    int step = SQLITE_DONE;
    sqlite3_bind_int64(find, 1, point_id);
    while (status == FL_OK && (step = sqlite3_step(find)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(find, 0);
        enum fl_operator op = name ? fl_operator_find(name) : FL_N_OPERATORS;
        if (op != FL_N_OPERATORS)
            *ops |= UINT64_C(1) << op;
    }
    if (status == FL_OK && step != SQLITE_DONE)
        status = fl_store_fail(store, "cannot look for the point's operators", error);
    sqlite3_finalize(find);
    return status;
}

static int insert_counts(const struct fl_store *store, const struct fl_observed *observed,
                         struct fl_error *error)
{
    sqlite3_stmt *count = NULL, *term = NULL;
    uint64_t ops;
    int status = find_ops(store, observed->point_id, &ops, error);
    if (status == FL_OK)
        status = fl_store_prepare(store, &count,
                                  "INSERT INTO observation_counts (observation_id, op, key, value) "
                                  "VALUES (?1, ?2, ?3, ?4)",
                                  error);
    if (status == FL_OK)
        status = fl_store_prepare(store, &term,
                                  "INSERT INTO observation_excess (observation_id, op, term, "
                                  "flops) VALUES (?1, ?2, ?3, ?4)",
                                  error);
    if (status == FL_OK)
        status = insert_reading(store, count, observed, fl_store_forward, &observed->whole, error);
    for (int op = 0; op < FL_N_OPERATORS && status == FL_OK; op++) {
        const char *name = fl_operator_name((enum fl_operator)op);
        const struct fl_measured *measured = &observed->ops[op];
        if (!(ops >> op & 1))
            continue;
        status = insert_reading(store, count, observed, name, &measured->reading, error);
        if (status == FL_OK)
            status = insert_terms(store, term, observed, name, &measured->excess, error);
    }
    sqlite3_finalize(count);
    sqlite3_finalize(term);
    return status;
}

int fl_store_add_observed(struct fl_store *store, int64_t point_id, struct fl_observed *observed,
                          struct fl_error *error)
{
    assert(store->run);
    observed->point_id = point_id;
    observed->run_id = store->run->id;
    int status = fl_store_begin(store, error);
    if (status != FL_OK)
        return status;
    status = insert_observation(store, observed, error);
    if (status == FL_OK)
        status = insert_counts(store, observed, error);
    return fl_store_end(store, status, error);
}

int fl_store_find_observed(struct fl_store *store, int64_t point_id, const char *counter,
                           const char *blas_core, bool *found, struct fl_error *error)
{
    sqlite3_stmt *find = NULL;
    *found = false;
    if (fl_store_prepare(store, &find,
                         "SELECT count(*) FROM observations WHERE point_id = ?1 AND counter = ?2 "
                         "AND blas_core = ?3 COLLATE NOCASE",
                         error) != FL_OK)
        return FL_FAILED;
    sqlite3_bind_int64(find, 1, point_id);
    sqlite3_bind_text(find, 2, counter, -1, SQLITE_STATIC);
    sqlite3_bind_text(find, 3, blas_core, -1, SQLITE_STATIC);
    int status = FL_OK;
    if (sqlite3_step(find) == SQLITE_ROW)
        *found = sqlite3_column_int64(find, 0) > 0;
    else
        status = fl_store_fail(store, "cannot look for what was counted", error);
    sqlite3_finalize(find);
    return status;
}

/* ---- reading ---- */

/* One row of either table: where it goes, what it is called, its figure. */
struct cell {
    struct fl_observed *observed;
    enum fl_operator op; /* FL_N_OPERATORS: the whole pass */
    const char *key;
    int64_t value;
};

static int take_count(const struct fl_store *store, const struct cell *cell, struct fl_error *error)
{
    enum fl_count count = fl_count_find(cell->key);
    if (count == FL_N_COUNTS)
        return fl_fail(error, "%s: observation_counts.key: expected the key of a count",
                       store->path);
    if (cell->value < 0)
        return fl_fail(error, "%s: observation_counts.value: expected a count from 0 to 2^63 - 1",
                       store->path);
    struct fl_observed *observed = cell->observed;
    if (cell->op == FL_N_OPERATORS) {
        observed->available |= UINT64_C(1) << count;
        observed->whole.values[count] = (uint64_t)cell->value;
    } else {
        observed->ops[cell->op].reading.values[count] = (uint64_t)cell->value;
    }
    return FL_OK;
}

static int take_term(const struct fl_store *store, const struct cell *cell, struct fl_error *error)
{
    enum fl_excess_term term = fl_excess_find(cell->key);
    if (term == FL_N_EXCESS_TERMS)
        return fl_fail(error, "%s: observation_excess.term: expected the key of a term",
                       store->path);
    if (cell->op == FL_N_OPERATORS)
        return fl_fail(error, "%s: observation_excess.op: expected the name of an operator",
                       store->path);
    cell->observed->ops[cell->op].excess.flops[term] = cell->value;
    return FL_OK;
}

static const struct {
    const char *name, *sql;
    int (*take)(const struct fl_store *store, const struct cell *cell, struct fl_error *error);
} TABLES[] = {
    {"observation_counts",
     "SELECT o.id, c.op, c.key, c.value FROM observations o JOIN observation_counts c "
     "ON c.observation_id = o.id ORDER BY o.point_id, o.id",
     take_count},
    {"observation_excess",
     "SELECT o.id, e.op, e.term, e.flops FROM observations o JOIN observation_excess e "
     "ON e.observation_id = o.id ORDER BY o.point_id, o.id",
     take_term},
};
enum { N_TABLES = sizeof TABLES / sizeof *TABLES };

/* Both orders are the same, so one walk places every row. */
static int load_table(const struct fl_store *store, int table, struct fl_observed *observed, int n,
                      struct fl_error *error)
{
    sqlite3_stmt *statement = NULL;
    int status = fl_store_prepare(store, &statement, TABLES[table].sql, error);
    int step = SQLITE_DONE, at = 0;
    while (status == FL_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);
        const char *op = (const char *)sqlite3_column_text(statement, 1);
        const char *key = (const char *)sqlite3_column_text(statement, 2);
        while (at < n && observed[at].id != id)
            at++;
        struct cell cell = {&observed[at], op ? fl_operator_find(op) : FL_N_OPERATORS, key,
                            sqlite3_column_int64(statement, 3)};
        if (at == n || !key)
            status = fl_fail(error, "%s: %s: expected an observation's id and a key", store->path,
                             TABLES[table].name);
        else if (cell.op == FL_N_OPERATORS && (!op || strcmp(op, fl_store_forward) != 0))
            status = fl_fail(error, "%s: %s.op: expected the name of an operator", store->path,
                             TABLES[table].name);
        else
            status = TABLES[table].take(store, &cell, error);
    }
    if (status == FL_OK && step != SQLITE_DONE)
        status = fl_store_fail(store, "cannot read the results", error);
    sqlite3_finalize(statement);
    return status;
}

/* What the whole pass was counted in, every operator of the point must have: a count that is not
 * there would read as zero. */
static const char INCOMPLETE_SQL[] =
    "SELECT o.id, p.op, f.key FROM observations o "
    "JOIN point_ops p ON p.point_id = o.point_id "
    "JOIN observation_counts f ON f.observation_id = o.id AND f.op = ?1 "
    "LEFT JOIN observation_counts c ON c.observation_id = o.id AND c.op = p.op AND c.key = f.key "
    "WHERE c.value IS NULL LIMIT 1";

static int check_complete(const struct fl_store *store, struct fl_error *error)
{
    sqlite3_stmt *find = NULL;
    int status = fl_store_prepare(store, &find, INCOMPLETE_SQL, error);
    if (status == FL_OK) {
        sqlite3_bind_text(find, 1, fl_store_forward, -1, SQLITE_STATIC);
        int step = sqlite3_step(find);
        if (step == SQLITE_ROW)
            status = fl_fail(error, "%s: observation %lld: expected its count %.32s of %.32s",
                             store->path, (long long)sqlite3_column_int64(find, 0),
                             (const char *)sqlite3_column_text(find, 2),
                             (const char *)sqlite3_column_text(find, 1));
        else if (step != SQLITE_DONE)
            status = fl_store_fail(store, "cannot read the results", error);
    }
    sqlite3_finalize(find);
    return status;
}

int fl_store_load_counts(const struct fl_store *store, struct fl_observed *observed, int n,
                         struct fl_error *error)
{
    int status = FL_OK;
    for (int table = 0; table < N_TABLES && status == FL_OK; table++)
        status = load_table(store, table, observed, n, error);
    return status == FL_OK ? check_complete(store, error) : status;
}
