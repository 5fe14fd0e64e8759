/* Opening and checking a results file, and the statements' common handling.
 *
 * Journal: DELETE with synchronous=FULL. A commit is on the disk before the next point starts, and
 * between transactions the results are one file that can be copied, unlike with WAL, which keeps
 * two more files beside it and does not work on network file systems, where clusters put results.
 * The price, a few milliseconds a commit, falls between points and never into a timed sample. */
#include "store/store_internal.h"

#include "store/store_schema.h"
#include "store/store_views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUSY_TIMEOUT_MS = 30000, LONGEST_CELL_BYTES = 1 << 20 };

int fl_store_fail(const struct fl_store *store, const char *what, struct fl_error *error)
{
    int code = sqlite3_errcode(store->db), cause = sqlite3_system_errno(store->db);
    if (cause == 0) /* forgotten by the connection, but not by the file */
        sqlite3_file_control(store->db, "main", SQLITE_FCNTL_LAST_ERRNO, &cause);
    if (code == SQLITE_FULL || (code == SQLITE_IOERR && (cause == EFBIG || cause == EDQUOT)))
        return fl_fail(error, "%s: %s: the disk is full or the file may not grow", store->path,
                       what);
    if (sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_UNIQUE)
        return fl_fail(error, "%s: %s: it is there already; does another sweep write to this file?",
                       store->path, what);
    if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && cause != 0)
        return fl_fail(error, "%s: %s: %s", store->path, what, strerror(cause));
    return fl_fail(error, "%s: %s: %s", store->path, what, sqlite3_errmsg(store->db));
}

int fl_store_prepare(const struct fl_store *store, sqlite3_stmt **statement, const char *sql,
                     struct fl_error *error)
{
    if (sqlite3_prepare_v2(store->db, sql, -1, statement, NULL) != SQLITE_OK)
        return fl_store_fail(store, "cannot read the results", error);
    return FL_OK;
}

int fl_store_execute(const struct fl_store *store, const char *sql, const char *what,
                     struct fl_error *error)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fl_store_fail(store, what, error);
    return FL_OK;
}

int fl_store_run_statement(const struct fl_store *store, sqlite3_stmt *statement, const char *what,
                           struct fl_error *error)
{
    int status = FL_OK;
    if (sqlite3_step(statement) != SQLITE_DONE)
        status = fl_store_fail(store, what, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

int fl_store_begin(const struct fl_store *store, struct fl_error *error)
{
    return fl_store_execute(store, "BEGIN IMMEDIATE", "cannot begin to write", error);
}

int fl_store_end(const struct fl_store *store, int status, struct fl_error *error)
{
    if (status == FL_OK)
        status = fl_store_execute(store, "COMMIT", "cannot store the results", error);
    /* After some errors, a full disk among them, SQLite has rolled back already. */
    if (status != FL_OK && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* The single integer a query gives. */
static int query_integer(const struct fl_store *store, const char *sql, int64_t *value,
                         struct fl_error *error)
{
    sqlite3_stmt *statement = NULL;
    if (fl_store_prepare(store, &statement, sql, error) != FL_OK)
        return FL_FAILED;
    int status = FL_OK;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    else
        status = fl_store_fail(store, "cannot read the results", error);
    sqlite3_finalize(statement);
    return status;
}

/* Takes a database of version `from` to version `to`. Returns SQLite's code. */
static int change_schema(sqlite3 *db, int from, int to)
{
    int code = SQLITE_OK;
    for (int version = from; version < to; version++)
        for (int i = 0; fl_store_schema[version][i] && code == SQLITE_OK; i++)
            code = sqlite3_exec(db, fl_store_schema[version][i], NULL, NULL, NULL);
    return code;
}

/* Every object of the file's version must stand in the file with exactly our text; a table that
 * only has the right name could be a view that never ends. Indexes and views a user added are let
 * be. */
static int check_schema(const struct fl_store *store, struct fl_error *error)
{
    sqlite3 *model = NULL;
    sqlite3_stmt *expected = NULL, *found = NULL;
    int status = FL_OK;
    if (sqlite3_open(":memory:", &model) != SQLITE_OK ||
        change_schema(model, 0, store->version) != SQLITE_OK ||
        sqlite3_prepare_v2(model, "SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL",
                           -1, &expected, NULL) != SQLITE_OK) {
        status = fl_fail(error, "%s: cannot check its schema: %s", store->path,
                         model ? sqlite3_errmsg(model) : "no memory");
        goto done;
    }
    status = fl_store_prepare(
        store, &found,
        "SELECT count(*) FROM sqlite_schema WHERE name = ?1 AND type = ?2 AND sql = ?3", error);
    while (status == FL_OK && sqlite3_step(expected) == SQLITE_ROW) {
        for (int i = 0; i < 3; i++)
            sqlite3_bind_value(found, i + 1, sqlite3_column_value(expected, i));
        if (sqlite3_step(found) != SQLITE_ROW)
            status = fl_store_fail(store, "cannot read its schema", error);
        else if (sqlite3_column_int64(found, 0) != 1)
            status = fl_fail(error, "%s: %s %s: expected the definition of schema version %d",
                             store->path, (const char *)sqlite3_column_text(expected, 1),
                             (const char *)sqlite3_column_text(expected, 0), store->version);
        sqlite3_reset(found);
    }
done:
    sqlite3_finalize(expected);
    sqlite3_finalize(found);
    sqlite3_close(model);
    return status;
}

/* Sets store->version: 0 for an empty file. */
static int check_identity(struct fl_store *store, struct fl_error *error)
{
    int64_t application = 0, version = 0, objects = 0;
    if (query_integer(store, "PRAGMA application_id", &application, error) != FL_OK ||
        query_integer(store, "PRAGMA user_version", &version, error) != FL_OK ||
        query_integer(store, "SELECT count(*) FROM sqlite_schema", &objects, error) != FL_OK)
        return FL_FAILED;
    store->version = 0;
    if (application == 0 && version == 0 && objects == 0)
        return FL_OK;
    if (application != FL_STORE_APPLICATION_ID)
        return fl_fail(error,
                       "%s: expected a flopledger results file, found another program's "
                       "SQLite database",
                       store->path);
    if (version > FL_STORE_SCHEMA)
        return fl_fail(error,
                       "%s: schema version %lld is newer than this program's %d; use a newer "
                       "flopledger",
                       store->path, (long long)version, FL_STORE_SCHEMA);
    if (version < 1)
        return fl_fail(error, "%s: schema version %lld: expected 1 to %d", store->path,
                       (long long)version, FL_STORE_SCHEMA);
    store->version = (int)version;
    return check_schema(store, error);
}

/* SQLite reads what is missing of the last page as zeros. A writer only makes the file longer
 * between both looks. */
static int check_length(const struct fl_store *store, struct fl_error *error)
{
    int64_t n_pages, page_bytes;
    struct stat info;
    if (query_integer(store, "PRAGMA page_count", &n_pages, error) != FL_OK ||
        query_integer(store, "PRAGMA page_size", &page_bytes, error) != FL_OK)
        return FL_FAILED;
    if (stat(store->path, &info) == 0 && info.st_size < n_pages * page_bytes)
        return fl_fail(error, "%s: the file is cut short: expected %lld bytes, got %lld",
                       store->path, (long long)(n_pages * page_bytes), (long long)info.st_size);
    return FL_OK;
}

/* B-trees, freelist and record formats; index contents are not compared. */
static int check_structure(const struct fl_store *store, struct fl_error *error)
{
    sqlite3_stmt *statement = NULL;
    if (fl_store_prepare(store, &statement, "PRAGMA quick_check(1)", error) != FL_OK)
        return FL_FAILED;
    int status = FL_OK;
    if (sqlite3_step(statement) != SQLITE_ROW)
        status = fl_store_fail(store, "cannot check the file", error);
    else {
        const char *finding = (const char *)sqlite3_column_text(statement, 0);
        const char *second_line = finding ? strchr(finding, '\n') : NULL; /* behind a heading */
        if (!finding || strcmp(finding, "ok") != 0)
            status = fl_fail(error, "%s: the file is damaged: %s", store->path,
                             second_line ? second_line + 1
                             : finding   ? finding
                                         : "no memory");
    }
    sqlite3_finalize(statement);
    return status;
}

static int connect(struct fl_store **out, const char *path, int flags, struct fl_error *error)
{
    struct fl_store *store = calloc(1, sizeof *store);
    if (!store || !(store->path = strdup(path))) {
        free(store);
        return fl_fail(error, "%s: no memory to open it", path);
    }
    *out = store;
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK)
        return store->db ? fl_store_fail(store, "cannot open", error)
                         : fl_fail(error, "%s: no memory to open it", path);
    sqlite3_extended_result_codes(store->db, 0);
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    /* The file may come from anywhere: no SQL in it may do more than describe tables, and no
     * cell may ask for more memory than the largest we write. */
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, LONGEST_CELL_BYTES);
    return FL_OK;
}

/* Creates the tables of an empty file, or those that a file of an older version lacks. */
static int write_schema(struct fl_store *store, struct fl_error *error)
{
    const char *what =
        store->version == 0 ? "cannot create the tables" : "cannot bring the file up to date";
    if (fl_store_begin(store, error) != FL_OK)
        return FL_FAILED;
    int status = check_identity(store, error); /* another process may have been faster */
    if (status == FL_OK && store->version < FL_STORE_SCHEMA) {
        char pragmas[96];
        sqlite3_snprintf(sizeof pragmas, pragmas,
                         "PRAGMA application_id=%d; PRAGMA user_version=%d",
                         FL_STORE_APPLICATION_ID, FL_STORE_SCHEMA);
        if (change_schema(store->db, store->version, FL_STORE_SCHEMA) != SQLITE_OK)
            status = fl_store_fail(store, what, error);
        else
            status = fl_store_execute(store, pragmas, what, error);
    }
    status = fl_store_end(store, status, error);
    if (status == FL_OK)
        store->version = FL_STORE_SCHEMA;
    return status;
}

int fl_store_create(struct fl_store **out, const char *path, struct fl_error *error)
{
    *out = NULL;
    struct fl_store *store = NULL;
    int status = connect(&store, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
    if (status == FL_OK)
        status = check_identity(store, error);
    if (status == FL_OK)
        status = fl_store_execute(store,
                                  "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;"
                                  "PRAGMA foreign_keys=ON",
                                  "cannot set up the journal", error);
    if (status == FL_OK && store->version < FL_STORE_SCHEMA)
        status = write_schema(store, error);
    const char *taken;
    if (status == FL_OK)
        status = fl_store_add_views(store, &taken, error);
    if (status != FL_OK) {
        fl_store_close(store);
        return status;
    }
    *out = store;
    return FL_OK;
}

/* A sweep killed while it wrote leaves a journal that must be rolled back before anybody can
 * read, which takes a connection that may write. */
static int roll_back_journal(const char *path, struct fl_error *error)
{
    struct fl_store *store = NULL;
    int64_t version;
    int status = connect(&store, path, SQLITE_OPEN_READWRITE, error);
    if (status == FL_OK)
        status = query_integer(store, "PRAGMA user_version", &version, error);
    fl_store_close(store);
    return status;
}

static int open_reader(struct fl_store **store, const char *path, int *code, struct fl_error *error)
{
    int status = connect(store, path, SQLITE_OPEN_READONLY, error);
    if (status == FL_OK)
        status = check_identity(*store, error);
    *code = *store && (*store)->db ? sqlite3_errcode((*store)->db) : SQLITE_OK;
    if (status == FL_OK && (*store)->version == 0)
        status = fl_fail(error, "%s: expected a flopledger results file, found an empty one", path);
    return status;
}

int fl_store_open(struct fl_store **out, const char *path, struct fl_error *error)
{
    *out = NULL;
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return fl_fail(error, "%s: expected a results file, as 'flopledger sweep --out' writes it",
                       path);
    struct fl_store *store = NULL;
    int code;
    int status = open_reader(&store, path, &code, error);
    if (status != FL_OK && (code == SQLITE_READONLY || code == SQLITE_CANTOPEN)) {
        fl_store_close(store);
        store = NULL;
        status = roll_back_journal(path, error);
        if (status == FL_OK)
            status = open_reader(&store, path, &code, error);
    }
    if (status == FL_OK)
        status = check_length(store, error);
    if (status == FL_OK)
        status = check_structure(store, error);
    if (status != FL_OK) {
        fl_store_close(store);
        return status;
    }
    *out = store;
    return FL_OK;
}

void fl_store_close(struct fl_store *store)
{
    if (!store)
        return;
    sqlite3_close(store->db);
    free(store->run);
    free(store->path);
    free(store);
}
