/* store_internal.h - shared by the store's own files: the handle, statements, column tables. */
#ifndef FL_STORE_STORE_INTERNAL_H
#define FL_STORE_STORE_INTERNAL_H

#include "store/store.h"

#include <sqlite3.h>

struct fl_store {
    sqlite3 *db;
    char *path;         /* as given; starts every sentence */
    int version;        /* of the file's schema */
    struct fl_run *run; /* the current one; NULL before fl_store_add_run() */
};

/* How a struct member is stored in a column. */
enum fl_store_column_kind {
    FL_STORE_COLUMN_TEXT,  /* char[size], NUL-terminated */
    FL_STORE_COLUMN_INT,   /* int, at least min */
    FL_STORE_COLUMN_INT64, /* int64_t */
    FL_STORE_COLUMN_COUNT, /* uint64_t up to 2^63 - 1 */
    FL_STORE_COLUMN_BOOL,  /* bool as 0 or 1 */
    FL_STORE_COLUMN_PHASE, /* enum fl_phase by name */
    FL_STORE_COLUMN_OP     /* enum fl_operator by name */
};

struct fl_store_column {
    const char *name;
    enum fl_store_column_kind kind;
    size_t offset, size;
    int min;       /* INT: smallest value a file may hold */
    bool identity; /* points: part of what tells two points apart */
    int since;     /* first schema that has the column; TEXT reads as "" in files before */
};

struct fl_store_table {
    const char *name;
    const struct fl_store_column
        *columns; /* without the id, which is the statement's own business */
    int n_columns;
};

extern const struct fl_store_table fl_store_runs, fl_store_models, fl_store_points,
    fl_store_point_ops, fl_store_samples, fl_store_observations, fl_store_ceilings,
    fl_store_conditions;

/* observation_counts.op of the whole pass. */
extern const char fl_store_forward[];

/* The sentence for what SQLite just reported: "PATH: WHAT: reason". */
int fl_store_fail(const struct fl_store *store, const char *what, struct fl_error *error);

int fl_store_prepare(const struct fl_store *store, sqlite3_stmt **statement, const char *sql,
                     struct fl_error *error);

/* "INSERT INTO table (columns..., extra) VALUES (?1, ...)" prepared; extra may be NULL. */
int fl_store_prepare_insert(const struct fl_store *store, sqlite3_stmt **statement,
                            const struct fl_store_table *table, const char *extra,
                            struct fl_error *error);

/* Binds the members of *row to parameters 1 .. n_columns. */
int fl_store_bind_row(const struct fl_store *store, sqlite3_stmt *statement,
                      const struct fl_store_table *table, const void *row, struct fl_error *error);

/* Reads result columns first .. first + n_columns - 1 into the members of *row; a value of
 * another type, too long or out of range is refused by name. */
int fl_store_read_row(const struct fl_store *store, sqlite3_stmt *statement, int first,
                      const struct fl_store_table *table, void *row, struct fl_error *error);

/* Fills counts and excess of all observations of the file [n], which are ordered by point and id.
 */
int fl_store_load_counts(const struct fl_store *store, struct fl_observed *observed, int n,
                         struct fl_error *error);

/* Fills the samples of all ceilings of the file [n], which are ordered by machine and id, and
 * checks that each has some and work to divide by them. */
int fl_store_load_ceiling_samples(const struct fl_store *store, struct fl_ceiling *ceilings, int n,
                                  struct fl_error *error);

enum { FL_STORE_CONDITIONS_SINCE = 3 }; /* schema */

/* Rows of sample_conditions: prepared, one written where they are known, all read into samples [n],
 * which are ordered by point and rep. */
int fl_store_prepare_conditions(const struct fl_store *store, sqlite3_stmt **insert,
                                struct fl_error *error);
int fl_store_insert_conditions(const struct fl_store *store, sqlite3_stmt *insert,
                               int64_t sample_id, const struct fl_conditions *conditions,
                               struct fl_error *error);
int fl_store_load_conditions(const struct fl_store *store, struct fl_sample *samples, int n,
                             struct fl_error *error);

/* One step of a statement that returns no row, then a reset so that it can be bound again. */
int fl_store_run_statement(const struct fl_store *store, sqlite3_stmt *statement, const char *what,
                           struct fl_error *error);

int fl_store_execute(const struct fl_store *store, const char *sql, const char *what,
                     struct fl_error *error);

/* IMMEDIATE: the lock is taken at once. end commits when status is FL_OK, otherwise rolls back,
 * and returns the status that holds then. */
int fl_store_begin(const struct fl_store *store, struct fl_error *error);
int fl_store_end(const struct fl_store *store, int status, struct fl_error *error);

#endif
