#include "store/store_views.h"

#include "store/store_internal.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Behind "CREATE VIEW name AS\n"; it tells our views from those of others. */
#define MARK "/* flopledger */\n"

struct view {
    const char *name, *text;
};

/* One run's, model's and point's columns, as `flopledger export` has them. */
#define RUN                                                                                        \
    "       r.started_at, r.host, r.cpu_model, r.n_cores, r.governor, r.kernel, r.blas_config,\n"  \
    "       r.blas_core, r.isa, r.counter, r.counter_version, r.version, r.\"commit\", r.seed,\n"  \
    "       r.command_line,\n"
#define MODEL                                                                                      \
    "       m.name AS model, m.spec AS model_spec, m.format AS model_format, m.n_params,\n"        \
    "       m.config ->> '$.d_model' AS d_model, m.config ->> '$.d_ff' AS d_ff,\n"                 \
    "       m.config ->> '$.n_layers' AS n_layers, m.config ->> '$.n_heads' AS n_heads,\n"         \
    "       m.config ->> '$.n_kv_heads' AS n_kv_heads,\n"                                          \
    "       m.config ->> '$.head_dim' AS head_dim,\n"                                              \
    "       m.config ->> '$.vocab_size' AS vocab_size,\n"
#define POINT                                                                                      \
    "       p.phase, CASE p.cache WHEN 1 THEN 'on' ELSE 'off' END AS cache, p.attention,\n"        \
    "       p.logits, p.dtype, p.n_threads, p.batch, p.context, p.n_tokens, p.n_past,\n"           \
    "       p.textbook_convention, p.exact_convention,\n"

/* What went on beside a sample; NULL where it was not recorded. */
#define CONDITIONS                                                                                 \
    "       b.window_ns, b.n_interrupted, b.other_ns, b.stolen_ns, b.loop_ns, b.load_milli\n"
#define BESIDE "LEFT JOIN sample_conditions b ON b.sample_id = s.id"

/* The word behind "key=" in a convention. */
#define WORD(key)                                                                                  \
    "substr(text, instr(text, '" key "=') + length('" key "='),\n"                                 \
    "              instr(substr(text || ' ', instr(text, '" key "=') + length('" key               \
    "=')), ' ') - 1)"

static const struct view VIEWS[] = {
    {"samples_flat",
     "SELECT s.id AS sample_id, s.point_id, s.run_id, s.rep,\n" RUN MODEL POINT
     "       p.textbook_flops, p.exact_flops, p.counted_flops, p.bytes_read, p.bytes_written,\n"
     "       p.weights_bytes, p.kv_cache_bytes, p.activation_bytes, s.started_ns, s.time_ns,\n"
     "       1.0 * p.counted_flops / s.time_ns AS gflop_per_s,\n"
     "       1.0 * (p.bytes_read + p.bytes_written) / s.time_ns AS gbyte_per_s,\n"
     "       1e9 * p.batch * CASE p.phase WHEN 'decode' THEN 1 ELSE p.n_tokens END / s.time_ns\n"
     "           AS tokens_per_s,\n" CONDITIONS
     "FROM samples s JOIN points p ON p.id = s.point_id JOIN runs r ON r.id = s.run_id\n"
     "JOIN models m ON m.id = p.model_id " BESIDE},

    {"ops_flat",
     "SELECT s.id AS sample_id, s.point_id, s.run_id, s.rep,\n" RUN MODEL POINT
     "       o.op, o.textbook_flops AS op_textbook_flops, o.exact_flops AS op_exact_flops,\n"
     "       o.counted_flops AS op_counted_flops, o.counted_bytes_read AS op_bytes_read,\n"
     "       o.counted_bytes_written AS op_bytes_written, t.time_ns AS op_time_ns,\n"
     "       1.0 * o.counted_flops / t.time_ns AS op_gflop_per_s,\n"
     "       1.0 * (o.counted_bytes_read + o.counted_bytes_written) / t.time_ns\n"
     "           AS op_gbyte_per_s,\n" CONDITIONS
     "FROM samples s JOIN points p ON p.id = s.point_id JOIN runs r ON r.id = s.run_id\n"
     "JOIN models m ON m.id = p.model_id JOIN point_ops o ON o.point_id = p.id\n"
     "JOIN sample_ops t ON t.sample_id = s.id AND t.op = o.op " BESIDE},

    {"conventions",
     "SELECT point_id, figure, " WORD(
         "unit") " AS unit,\n"
                 "       " WORD(
                     "causal") " AS causal,\n"
                               "       " WORD(
                                   "lm_head") " AS lm_head,\n"
                                              "       " WORD(
                                                  "elementwise") " AS elementwise\n"
                                                                 "FROM (SELECT id AS point_id, "
                                                                 "'textbook' AS figure, "
                                                                 "textbook_convention AS text FROM "
                                                                 "points\n"
                                                                 "      UNION ALL\n"
                                                                 "      SELECT id, 'exact', "
                                                                 "exact_convention FROM points)"},

    {"op_shares",
     "SELECT p.point_id, p.model, p.phase, p.cache, p.attention, p.dtype, p.n_threads, p.batch,\n"
     "       p.context, o.op, o.counted_flops, o.median_time_ns,\n"
     "       1.0 * o.counted_flops / p.counted_flops AS share_of_flops,\n"
     "       1.0 * o.median_time_ns / p.median_time_ns AS share_of_time,\n"
     "       1.0 * (o.counted_bytes_read + o.counted_bytes_written)\n"
     "           / (p.bytes_read + p.bytes_written) AS share_of_bytes\n"
     "FROM ops_summary o JOIN points_summary p ON p.point_id = o.point_id"},

    {"cache_savings",
     "SELECT a.model, a.machine, a.attention, a.dtype, a.n_threads, a.batch, a.context,\n"
     "       a.point_id AS cached_point_id, b.point_id AS uncached_point_id,\n"
     "       a.counted_flops AS cached_flops, b.counted_flops AS uncached_flops,\n"
     "       a.median_time_ns AS cached_time_ns, b.median_time_ns AS uncached_time_ns,\n"
     "       1.0 * b.counted_flops / a.counted_flops AS times_fewer_flops,\n"
     "       b.median_time_ns / a.median_time_ns AS times_faster\n"
     "FROM points_summary a JOIN points_summary b ON b.machine = a.machine\n"
     "     AND b.attention = a.attention AND b.logits = a.logits AND b.dtype = a.dtype\n"
     "     AND b.n_threads = a.n_threads AND b.batch = a.batch AND b.context = a.context\n"
     "     AND b.phase = a.phase\n"
     "WHERE a.phase = 'decode' AND a.cache = 1 AND b.cache = 0\n"
     "      AND (SELECT model_id FROM points WHERE id = a.point_id)\n"
     "        = (SELECT model_id FROM points WHERE id = b.point_id)"},

    {"kernel_ratios",
     "SELECT a.model, a.machine, a.phase, a.cache, a.dtype, a.n_threads, a.batch, a.context,\n"
     "       b.attention, a.point_id AS naive_point_id, b.point_id,\n"
     "       1.0 * a.counted_flops / b.counted_flops AS times_fewer_flops,\n"
     "       a.median_time_ns / b.median_time_ns AS times_faster\n"
     "FROM points_summary a JOIN points_summary b ON b.machine = a.machine\n"
     "     AND b.phase = a.phase AND b.cache = a.cache AND b.logits = a.logits\n"
     "     AND b.dtype = a.dtype AND b.n_threads = a.n_threads AND b.batch = a.batch\n"
     "     AND b.context = a.context\n"
     "WHERE a.attention = 'naive' AND b.attention <> 'naive'\n"
     "      AND (SELECT model_id FROM points WHERE id = a.point_id)\n"
     "        = (SELECT model_id FROM points WHERE id = b.point_id)"},

    /* Quartiles as fl_quantile_sorted() has them: between the neighbours of place p (n - 1). */
    {"ceilings_flat",
     "WITH rates AS (\n"
     "    SELECT t.ceiling_id, 1e9 * c.work / t.time_ns AS rate,\n"
     "           row_number() OVER (PARTITION BY c.id ORDER BY t.time_ns DESC) - 1 AS place,\n"
     "           count(*) OVER (PARTITION BY c.id) - 1 AS highest\n"
     "    FROM ceiling_samples t JOIN ceilings c ON c.id = t.ceiling_id\n"
     "), quartiles AS (\n"
     "    SELECT ceiling_id, sum(rate * max(0, 1 - abs(place - 0.25 * highest))) AS low,\n"
     "           sum(rate * max(0, 1 - abs(place - 0.75 * highest))) AS high\n"
     "    FROM rates GROUP BY ceiling_id\n"
     ")\n"
     "SELECT c.id AS ceiling_id, c.run_id, r.host, r.cpu_model, c.machine, c.measured_at, c.unit,\n"
     "       c.kernel, c.level, c.dtype, c.isa, c.n_threads, c.quick, c.working_set_bytes,\n"
     "       c.capacity_bytes, c.note, c.work, s.n_samples, s.min_per_s, q.low AS low_per_s,\n"
     "       s.median_per_s, q.high AS high_per_s, s.max_per_s\n"
     "FROM ceilings c JOIN runs r ON r.id = c.run_id\n"
     "JOIN ceilings_summary s ON s.ceiling_id = c.id JOIN quartiles q ON q.ceiling_id = c.id"},

    {"run_conditions",
     "SELECT r.id AS run_id, r.host, r.machine, r.started_at, count(*) AS n_samples,\n"
     "       1.0 * sum(b.other_ns) / sum(b.window_ns) AS other_cores,\n"
     "       avg(b.n_interrupted > 0) AS interrupted_share,\n"
     "       1.0 * sum(b.stolen_ns) / sum(b.window_ns) AS stolen_share,\n"
     "       1.0 * max(b.loop_ns) / min(b.loop_ns) AS clock_spread,\n"
     "       1e-3 * max(b.load_milli) AS load_high\n"
     "FROM sample_conditions b JOIN samples s ON s.id = b.sample_id\n"
     "JOIN runs r ON r.id = s.run_id GROUP BY r.id"},
};
enum { N_VIEWS = sizeof VIEWS / sizeof *VIEWS, STATEMENT_BYTES = 8192 };

/* As sqlite_schema keeps it. */
static void statement_of(const struct view *view, char out[STATEMENT_BYTES])
{
    snprintf(out, STATEMENT_BYTES, "CREATE VIEW %s AS\n" MARK "%s", view->name, view->text);
}

enum found { FOUND_NONE, FOUND_SAME, FOUND_OLDER, FOUND_OTHER };

/* What the file has under the view's name. */
static int look(const struct fl_store *store, const struct view *view, const char *statement,
                enum found *found, struct fl_error *error)
{
    char beginning[96];
    sqlite3_stmt *query = NULL;
    if (fl_store_prepare(store, &query, "SELECT type, sql FROM sqlite_schema WHERE name = ?1",
                         error) != FL_OK)
        return FL_FAILED;
    int status = FL_OK;
    *found = FOUND_NONE;
    snprintf(beginning, sizeof beginning, "CREATE VIEW %s AS\n" MARK, view->name);
    sqlite3_bind_text(query, 1, view->name, -1, SQLITE_STATIC);
    const int code = sqlite3_step(query);
    if (code == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(query, 0);
        const char *sql = (const char *)sqlite3_column_text(query, 1);
        if (!type || !sql || strcmp(type, "view") != 0 ||
            strncmp(sql, beginning, strlen(beginning)) != 0)
            *found = FOUND_OTHER;
        else
            *found = strcmp(sql, statement) == 0 ? FOUND_SAME : FOUND_OLDER;
    } else if (code != SQLITE_DONE) {
        status = fl_store_fail(store, "cannot read its views", error);
    }
    sqlite3_finalize(query);
    return status;
}

static int put(const struct fl_store *store, const struct view *view, const char *statement,
               enum found found, struct fl_error *error)
{
    char drop[96];
    snprintf(drop, sizeof drop, "DROP VIEW %s", view->name);
    if (found == FOUND_OLDER &&
        fl_store_execute(store, drop, "cannot replace a view", error) != FL_OK)
        return FL_FAILED;
    return fl_store_execute(store, statement, "cannot create a view", error);
}

int fl_store_add_views(struct fl_store *store, const char **taken, struct fl_error *error)
{
    enum found found[N_VIEWS];
    char statement[STATEMENT_BYTES];
    bool complete = true;
    *taken = NULL;
    for (int i = 0; i < N_VIEWS; i++) {
        statement_of(&VIEWS[i], statement);
        if (look(store, &VIEWS[i], statement, &found[i], error) != FL_OK)
            return FL_FAILED;
        if (found[i] == FOUND_OTHER && !*taken)
            *taken = VIEWS[i].name;
        complete = complete && (found[i] == FOUND_SAME || found[i] == FOUND_OTHER);
    }
    if (complete)
        return FL_OK;
    int status = fl_store_begin(store, error);
    if (status != FL_OK)
        return status;
    for (int i = 0; i < N_VIEWS && status == FL_OK; i++) {
        statement_of(&VIEWS[i], statement);
        /* again, under the lock: another process may have been faster */
        status = look(store, &VIEWS[i], statement, &found[i], error);
        if (status == FL_OK && (found[i] == FOUND_NONE || found[i] == FOUND_OLDER))
            status = put(store, &VIEWS[i], statement, found[i], error);
    }
    return fl_store_end(store, status, error);
}
