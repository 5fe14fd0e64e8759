/* Which struct member goes into which column: writing and reading walk the same tables. */
#include "store/store_internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

const char *const fl_phase_names[] = {"prefill", "decode", NULL};

#define COLUMN(type, kind, member, min, identity)                                                  \
    {                                                                                              \
#member, FL_STORE_COLUMN_##kind, offsetof(struct type, member),                            \
            sizeof(((struct type *)0)->member), min, identity, 1                                   \
    }
#define TABLE(rows) .columns = rows, .n_columns = sizeof rows / sizeof *rows

static const struct fl_store_column RUNS[] = {
    COLUMN(fl_run, TEXT, started_at, 0, false),
    COLUMN(fl_run, TEXT, host, 0, false),
    COLUMN(fl_run, TEXT, cpu_model, 0, false),
    COLUMN(fl_run, TEXT, governor, 0, false),
    COLUMN(fl_run, TEXT, kernel, 0, false),
    COLUMN(fl_run, INT, n_cores, 0, false),
    COLUMN(fl_run, TEXT, blas_config, 0, false),
    COLUMN(fl_run, TEXT, blas_core, 0, false),
    COLUMN(fl_run, TEXT, isa, 0, false),
    COLUMN(fl_run, TEXT, counter, 0, false),
    COLUMN(fl_run, TEXT, counter_version, 0, false),
    COLUMN(fl_run, TEXT, version, 0, false),
    {"\"commit\"", FL_STORE_COLUMN_TEXT, offsetof(struct fl_run, commit),
     sizeof(((struct fl_run *)0)->commit), 0, false, 1}, /* a word of SQL's own */
    COLUMN(fl_run, TEXT, command_line, 0, false),
    COLUMN(fl_run, INT64, seed, 0, false),
    COLUMN(fl_run, TEXT, machine, 0, false),
    {"calibration", FL_STORE_COLUMN_TEXT, offsetof(struct fl_run, calibration),
     sizeof(((struct fl_run *)0)->calibration), 0, false, 2},
};
const struct fl_store_table fl_store_runs = {.name = "runs", TABLE(RUNS)};

/* The config column is text made from config_json.h and handled beside this table. */
static const struct fl_store_column MODELS[] = {
    COLUMN(fl_model_record, TEXT, name, 0, false),
    COLUMN(fl_model_record, TEXT, spec, 0, false),
    COLUMN(fl_model_record, TEXT, format, 0, false),
    COLUMN(fl_model_record, COUNT, n_params, 0, false),
    COLUMN(fl_model_record, COUNT, weights_bytes, 0, false),
};
const struct fl_store_table fl_store_models = {.name = "models", TABLE(MODELS)};

/* The machine column is the current run's and handled beside this table. */
static const struct fl_store_column POINTS[] = {
    COLUMN(fl_point, INT64, run_id, 0, false),
    COLUMN(fl_point, INT64, model_id, 0, true),
    COLUMN(fl_point, PHASE, phase, 0, true),
    COLUMN(fl_point, BOOL, cache, 0, true),
    COLUMN(fl_point, TEXT, attention, 0, true),
    COLUMN(fl_point, TEXT, logits, 0, true),
    COLUMN(fl_point, INT, batch, 1, true),
    COLUMN(fl_point, INT, context, 0, true),
    COLUMN(fl_point, INT, n_tokens, 1, false),
    COLUMN(fl_point, INT, n_past, 0, false),
    COLUMN(fl_point, INT, n_threads, 1, true),
    COLUMN(fl_point, TEXT, dtype, 0, true),
    COLUMN(fl_point, TEXT, textbook_convention, 0, false),
    COLUMN(fl_point, TEXT, exact_convention, 0, false),
    COLUMN(fl_point, COUNT, textbook_flops, 0, false),
    COLUMN(fl_point, COUNT, exact_flops, 0, false),
    COLUMN(fl_point, COUNT, counted_flops, 0, false),
    COLUMN(fl_point, COUNT, bytes_read, 0, false),
    COLUMN(fl_point, COUNT, bytes_written, 0, false),
    COLUMN(fl_point, COUNT, kv_cache_bytes, 0, false),
    COLUMN(fl_point, COUNT, activation_bytes, 0, false),
    COLUMN(fl_point, COUNT, weights_bytes, 0, false),
};
const struct fl_store_table fl_store_points = {.name = "points", TABLE(POINTS)};

static const struct fl_store_column POINT_OPS[] = {
    COLUMN(fl_op_record, OP, op, 0, false),
    COLUMN(fl_op_record, COUNT, textbook_flops, 0, false),
    COLUMN(fl_op_record, COUNT, exact_flops, 0, false),
    COLUMN(fl_op_record, COUNT, exact_bytes_read, 0, false),
    COLUMN(fl_op_record, COUNT, exact_bytes_written, 0, false),
    COLUMN(fl_op_record, COUNT, counted_flops, 0, false),
    COLUMN(fl_op_record, COUNT, counted_bytes_read, 0, false),
    COLUMN(fl_op_record, COUNT, counted_bytes_written, 0, false),
};
const struct fl_store_table fl_store_point_ops = {.name = "point_ops", TABLE(POINT_OPS)};

static const struct fl_store_column SAMPLES[] = {
    COLUMN(fl_sample, INT64, point_id, 0, false),   COLUMN(fl_sample, INT64, run_id, 0, false),
    COLUMN(fl_sample, INT, rep, 0, false),          COLUMN(fl_sample, COUNT, time_ns, 0, false),
    COLUMN(fl_sample, COUNT, started_ns, 0, false),
};
const struct fl_store_table fl_store_samples = {.name = "samples", TABLE(SAMPLES)};

/* Counts and excess are in tables of their own and handled beside this one. */
static const struct fl_store_column OBSERVATIONS[] = {
    COLUMN(fl_observed, INT64, point_id, 0, false),
    COLUMN(fl_observed, INT64, run_id, 0, false),
    COLUMN(fl_observed, TEXT, counter, 0, false),
    COLUMN(fl_observed, TEXT, counter_version, 0, false),
    COLUMN(fl_observed, TEXT, note, 0, false),
    COLUMN(fl_observed, TEXT, blas_core, 0, false),
    COLUMN(fl_observed, TEXT, isa, 0, false),
    COLUMN(fl_observed, INT, n_threads, 1, false),
};
const struct fl_store_table fl_store_observations = {.name = "observations", TABLE(OBSERVATIONS)};

/* Samples are in a table of their own and handled beside this one. */
static const struct fl_store_column CEILINGS[] = {
    COLUMN(fl_ceiling, INT64, run_id, 0, false),
    COLUMN(fl_ceiling, TEXT, machine, 0, false),
    COLUMN(fl_ceiling, TEXT, measured_at, 0, false),
    COLUMN(fl_ceiling, TEXT, unit, 0, false),
    COLUMN(fl_ceiling, TEXT, kernel, 0, false),
    COLUMN(fl_ceiling, TEXT, level, 0, false),
    COLUMN(fl_ceiling, TEXT, dtype, 0, false),
    COLUMN(fl_ceiling, TEXT, isa, 0, false),
    COLUMN(fl_ceiling, INT, n_threads, 1, false),
    COLUMN(fl_ceiling, BOOL, quick, 0, false),
    COLUMN(fl_ceiling, COUNT, working_set_bytes, 0, false),
    COLUMN(fl_ceiling, COUNT, capacity_bytes, 0, false),
    COLUMN(fl_ceiling, TEXT, note, 0, false),
    COLUMN(fl_ceiling, COUNT, work, 0, false),
};
const struct fl_store_table fl_store_ceilings = {.name = "ceilings", TABLE(CEILINGS)};

/* The sample's id is handled beside this table. */
static const struct fl_store_column CONDITIONS[] = {
    COLUMN(fl_conditions, COUNT, window_ns, 0, false),
    COLUMN(fl_conditions, COUNT, n_interrupted, 0, false),
    COLUMN(fl_conditions, INT64, other_ns, 0, false),
    COLUMN(fl_conditions, COUNT, stolen_ns, 0, false),
    COLUMN(fl_conditions, COUNT, loop_ns, 0, false),
    COLUMN(fl_conditions, COUNT, load_milli, 0, false),
};
const struct fl_store_table fl_store_conditions = {.name = "sample_conditions", TABLE(CONDITIONS)};

const char fl_store_forward[] = "forward";

/* ---- writing ---- */

/* False: the value does not fit into the column. SQLite's own errors show at the next step. */
static bool bind_value(sqlite3_stmt *statement, int parameter, const struct fl_store_column *column,
                       const void *row)
{
    const char *at = (const char *)row + column->offset;
    switch (column->kind) {
    case FL_STORE_COLUMN_TEXT:
        sqlite3_bind_text(statement, parameter, at, -1, SQLITE_TRANSIENT);
        return memchr(at, '\0', column->size) != NULL;
    case FL_STORE_COLUMN_INT:
        sqlite3_bind_int(statement, parameter, *(const int *)at);
        return *(const int *)at >= column->min;
    case FL_STORE_COLUMN_INT64:
        sqlite3_bind_int64(statement, parameter, *(const int64_t *)at);
        return true;
    case FL_STORE_COLUMN_COUNT:
        sqlite3_bind_int64(statement, parameter, (int64_t) * (const uint64_t *)at);
        return *(const uint64_t *)at <= INT64_MAX;
    case FL_STORE_COLUMN_BOOL:
        sqlite3_bind_int(statement, parameter, *(const bool *)at ? 1 : 0);
        return true;
    case FL_STORE_COLUMN_PHASE:
        sqlite3_bind_text(statement, parameter, fl_phase_names[*(const enum fl_phase *)at], -1,
                          SQLITE_STATIC);
        return true;
    case FL_STORE_COLUMN_OP:
        sqlite3_bind_text(statement, parameter, fl_operator_name(*(const enum fl_operator *)at), -1,
                          SQLITE_STATIC);
        return *(const enum fl_operator *)at < FL_N_OPERATORS;
    }
    return false;
}

static const char *expectation(const struct fl_store_column *column, char out[64])
{
    switch (column->kind) {
    case FL_STORE_COLUMN_TEXT:
        snprintf(out, 64, "text of at most %zu bytes", column->size - 1);
        break;
    case FL_STORE_COLUMN_INT:
        snprintf(out, 64, "an integer from %d to %d", column->min, INT_MAX);
        break;
    case FL_STORE_COLUMN_INT64:
        snprintf(out, 64, "an integer");
        break;
    case FL_STORE_COLUMN_COUNT:
        snprintf(out, 64, "a count from 0 to 2^63 - 1");
        break;
    case FL_STORE_COLUMN_BOOL:
        snprintf(out, 64, "0 or 1");
        break;
    case FL_STORE_COLUMN_PHASE:
        snprintf(out, 64, "prefill or decode");
        break;
    case FL_STORE_COLUMN_OP:
        snprintf(out, 64, "the name of an operator");
        break;
    }
    return out;
}

static int refuse(const struct fl_store *store, const struct fl_store_table *table,
                  const struct fl_store_column *column, struct fl_error *error)
{
    char expected[64];
    return fl_fail(error, "%s: %s.%s: expected %s", store->path, table->name, column->name,
                   expectation(column, expected));
}

int fl_store_bind_row(const struct fl_store *store, sqlite3_stmt *statement,
                      const struct fl_store_table *table, const void *row, struct fl_error *error)
{
    for (int i = 0; i < table->n_columns; i++)
        if (!bind_value(statement, i + 1, &table->columns[i], row))
            return refuse(store, table, &table->columns[i], error);
    return FL_OK;
}

/* ---- reading ---- */

static bool read_value(sqlite3_stmt *statement, int index, const struct fl_store_column *column,
                       void *row)
{
    char *at = (char *)row + column->offset;
    bool is_text = column->kind == FL_STORE_COLUMN_TEXT || column->kind == FL_STORE_COLUMN_PHASE ||
                   column->kind == FL_STORE_COLUMN_OP;
    if (sqlite3_column_type(statement, index) != (is_text ? SQLITE_TEXT : SQLITE_INTEGER))
        return false;
    const char *text = is_text ? (const char *)sqlite3_column_text(statement, index) : NULL;
    size_t length = is_text ? (size_t)sqlite3_column_bytes(statement, index) : 0;
    int64_t integer = is_text ? 0 : sqlite3_column_int64(statement, index);
    if (is_text && (!text || memchr(text, '\0', length)))
        return false;

    switch (column->kind) {
    case FL_STORE_COLUMN_TEXT:
        if (length >= column->size)
            return false;
        memcpy(at, text, length + 1);
        return true;
    case FL_STORE_COLUMN_INT:
        *(int *)at = (int)integer;
        return integer >= column->min && integer <= INT_MAX;
    case FL_STORE_COLUMN_INT64:
        *(int64_t *)at = integer;
        return true;
    case FL_STORE_COLUMN_COUNT:
        *(uint64_t *)at = (uint64_t)integer;
        return integer >= 0;
    case FL_STORE_COLUMN_BOOL:
        *(bool *)at = integer == 1;
        return integer == 0 || integer == 1;
    case FL_STORE_COLUMN_PHASE:
        for (int phase = 0; fl_phase_names[phase]; phase++)
            if (strcmp(text, fl_phase_names[phase]) == 0) {
                *(enum fl_phase *)at = (enum fl_phase)phase;
                return true;
            }
        return false;
    case FL_STORE_COLUMN_OP:
        *(enum fl_operator *)at = fl_operator_find(text);
        return *(enum fl_operator *)at != FL_N_OPERATORS;
    }
    return false;
}

int fl_store_read_row(const struct fl_store *store, sqlite3_stmt *statement, int first,
                      const struct fl_store_table *table, void *row, struct fl_error *error)
{
    for (int i = 0; i < table->n_columns; i++)
        if (!read_value(statement, first + i, &table->columns[i], row))
            return refuse(store, table, &table->columns[i], error);
    return FL_OK;
}
