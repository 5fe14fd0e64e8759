#include "store/store_schema.h"

#include <stddef.h>

/* Tables are STRICT, so that a column holds the type it says. Names are those of store.h; times
 * are nanoseconds, counts are FLOPs (a fused multiply-add is two) and bytes. A file is compared
 * with this text when it is opened: what is to change is added as a new version, which takes a
 * file of the version before it there, and a new file goes the same way. */
static const char *const VERSION_1[] = {
    "CREATE TABLE runs (\n"
    "    id INTEGER PRIMARY KEY,\n"
    "    started_at TEXT NOT NULL,\n"
    "    host TEXT NOT NULL,\n"
    "    cpu_model TEXT NOT NULL,\n"
    "    governor TEXT NOT NULL,\n"
    "    kernel TEXT NOT NULL,\n"
    "    n_cores INTEGER NOT NULL,\n"
    "    blas_config TEXT NOT NULL,\n"
    "    blas_core TEXT NOT NULL,\n"
    "    isa TEXT NOT NULL,\n"
    "    counter TEXT NOT NULL,\n"
    "    counter_version TEXT NOT NULL,\n"
    "    version TEXT NOT NULL,\n"
    "    \"commit\" TEXT NOT NULL,\n"
    "    command_line TEXT NOT NULL,\n"
    "    seed INTEGER NOT NULL,\n"
    "    machine TEXT NOT NULL\n"
    ") STRICT",

    "CREATE TABLE models (\n"
    "    id INTEGER PRIMARY KEY,\n"
    "    name TEXT NOT NULL,\n"
    "    spec TEXT NOT NULL,\n"
    "    format TEXT NOT NULL,\n"
    "    n_params INTEGER NOT NULL,\n"
    "    weights_bytes INTEGER NOT NULL,\n"
    "    config TEXT NOT NULL,\n"
    "    UNIQUE (name, config, format, weights_bytes)\n"
    ") STRICT",

    "CREATE TABLE points (\n"
    "    id INTEGER PRIMARY KEY,\n"
    "    run_id INTEGER NOT NULL REFERENCES runs (id),\n"
    "    machine TEXT NOT NULL,\n"
    "    model_id INTEGER NOT NULL REFERENCES models (id),\n"
    "    phase TEXT NOT NULL CHECK (phase IN ('prefill', 'decode')),\n"
    "    cache INTEGER NOT NULL CHECK (cache IN (0, 1)),\n"
    "    attention TEXT NOT NULL,\n"
    "    logits TEXT NOT NULL,\n"
    "    batch INTEGER NOT NULL,\n"
    "    context INTEGER NOT NULL,\n"
    "    n_tokens INTEGER NOT NULL,\n"
    "    n_past INTEGER NOT NULL,\n"
    "    n_threads INTEGER NOT NULL,\n"
    "    dtype TEXT NOT NULL,\n"
    "    textbook_convention TEXT NOT NULL,\n"
    "    exact_convention TEXT NOT NULL,\n"
    "    textbook_flops INTEGER NOT NULL,\n"
    "    exact_flops INTEGER NOT NULL,\n"
    "    counted_flops INTEGER NOT NULL,\n"
    "    bytes_read INTEGER NOT NULL,\n"
    "    bytes_written INTEGER NOT NULL,\n"
    "    kv_cache_bytes INTEGER NOT NULL,\n"
    "    activation_bytes INTEGER NOT NULL,\n"
    "    weights_bytes INTEGER NOT NULL,\n"
    "    UNIQUE (machine, model_id, phase, cache, attention, logits, batch, context, n_threads,\n"
    "            dtype)\n"
    ") STRICT",

    "CREATE TABLE point_ops (\n"
    "    point_id INTEGER NOT NULL REFERENCES points (id),\n"
    "    op TEXT NOT NULL,\n"
    "    textbook_flops INTEGER NOT NULL,\n"
    "    exact_flops INTEGER NOT NULL,\n"
    "    exact_bytes_read INTEGER NOT NULL,\n"
    "    exact_bytes_written INTEGER NOT NULL,\n"
    "    counted_flops INTEGER NOT NULL,\n"
    "    counted_bytes_read INTEGER NOT NULL,\n"
    "    counted_bytes_written INTEGER NOT NULL,\n"
    "    PRIMARY KEY (point_id, op)\n"
    ") STRICT, WITHOUT ROWID",

    "CREATE TABLE samples (\n"
    "    id INTEGER PRIMARY KEY,\n"
    "    point_id INTEGER NOT NULL REFERENCES points (id),\n"
    "    run_id INTEGER NOT NULL REFERENCES runs (id),\n"
    "    rep INTEGER NOT NULL,\n"
    "    time_ns INTEGER NOT NULL,\n"
    "    started_ns INTEGER NOT NULL,\n"
    "    UNIQUE (point_id, rep)\n"
    ") STRICT",

    "CREATE TABLE sample_ops (\n"
    "    sample_id INTEGER NOT NULL REFERENCES samples (id),\n"
    "    op TEXT NOT NULL,\n"
    "    time_ns INTEGER NOT NULL,\n"
    "    PRIMARY KEY (sample_id, op)\n"
    ") STRICT, WITHOUT ROWID",

    /* One row a point; the median is the mean of the middle two when their number is even. */
    "CREATE VIEW points_summary AS\n"
    "WITH ranked AS (\n"
    "    SELECT point_id, time_ns,\n"
    "           row_number() OVER (PARTITION BY point_id ORDER BY time_ns, id) AS place,\n"
    "           count(*) OVER (PARTITION BY point_id) AS n\n"
    "    FROM samples\n"
    "), timed AS (\n"
    "    SELECT point_id, n AS n_samples, min(time_ns) AS min_time_ns,\n"
    "           avg(time_ns) FILTER (WHERE place IN ((n + 1) / 2, (n + 2) / 2))\n"
    "               AS median_time_ns,\n"
    "           max(time_ns) AS max_time_ns\n"
    "    FROM ranked GROUP BY point_id\n"
    ")\n"
    "SELECT p.id AS point_id, m.name AS model, p.machine, p.phase, p.cache, p.attention,\n"
    "       p.logits, p.dtype, p.n_threads, p.batch, p.context, p.n_tokens, p.n_past,\n"
    "       p.textbook_flops, p.exact_flops, p.counted_flops, p.bytes_read, p.bytes_written,\n"
    "       t.n_samples, t.min_time_ns, t.median_time_ns, t.max_time_ns,\n"
    "       1.0 * p.counted_flops / t.median_time_ns AS gflop_per_s,\n"
    "       1.0 * (p.bytes_read + p.bytes_written) / t.median_time_ns AS gbyte_per_s,\n"
    "       1e9 * p.batch * CASE p.phase WHEN 'decode' THEN 1 ELSE p.n_tokens END\n"
    "           / t.median_time_ns AS tokens_per_s\n"
    "FROM points p JOIN models m ON m.id = p.model_id JOIN timed t ON t.point_id = p.id",

    /* One row a point and operator, summed over layers. */
    "CREATE VIEW ops_summary AS\n"
    "WITH ranked AS (\n"
    "    SELECT s.point_id, o.op, o.time_ns,\n"
    "           row_number() OVER (PARTITION BY s.point_id, o.op ORDER BY o.time_ns, s.id)\n"
    "               AS place,\n"
    "           count(*) OVER (PARTITION BY s.point_id, o.op) AS n\n"
    "    FROM samples s JOIN sample_ops o ON o.sample_id = s.id\n"
    "), timed AS (\n"
    "    SELECT point_id, op,\n"
    "           avg(time_ns) FILTER (WHERE place IN ((n + 1) / 2, (n + 2) / 2))\n"
    "               AS median_time_ns\n"
    "    FROM ranked GROUP BY point_id, op\n"
    ")\n"
    "SELECT o.point_id, o.op, o.textbook_flops, o.exact_flops, o.counted_flops,\n"
    "       o.counted_bytes_read, o.counted_bytes_written, t.median_time_ns,\n"
    "       1.0 * o.counted_flops / t.median_time_ns AS gflop_per_s,\n"
    "       1.0 * (o.counted_bytes_read + o.counted_bytes_written) / t.median_time_ns\n"
    "           AS gbyte_per_s\n"
    "FROM point_ops o JOIN timed t ON t.point_id = o.point_id AND t.op = o.op",
    NULL};

/* What counters saw of a point. The rows of op 'forward' are the whole pass, and say by their keys
 * what the counter can count: a count without a row was not made, one of 0 was. */
static const char *const VERSION_2[] = {
    "ALTER TABLE runs ADD COLUMN calibration TEXT NOT NULL DEFAULT ''",

    "CREATE TABLE observations (\n"
    "    id INTEGER PRIMARY KEY,\n"
    "    point_id INTEGER NOT NULL REFERENCES points (id),\n"
    "    run_id INTEGER NOT NULL REFERENCES runs (id),\n"
    "    counter TEXT NOT NULL,\n"
    "    counter_version TEXT NOT NULL,\n"
    "    note TEXT NOT NULL,\n"
    "    blas_core TEXT NOT NULL,\n"
    "    isa TEXT NOT NULL,\n"
    "    n_threads INTEGER NOT NULL,\n"
    "    UNIQUE (point_id, counter, blas_core, isa)\n"
    ") STRICT",

    "CREATE TABLE observation_counts (\n"
    "    observation_id INTEGER NOT NULL REFERENCES observations (id),\n"
    "    op TEXT NOT NULL,\n"
    "    key TEXT NOT NULL,\n"
    "    value INTEGER NOT NULL,\n"
    "    PRIMARY KEY (observation_id, op, key)\n"
    ") STRICT, WITHOUT ROWID",

    "CREATE TABLE observation_excess (\n"
    "    observation_id INTEGER NOT NULL REFERENCES observations (id),\n"
    "    op TEXT NOT NULL,\n"
    "    term TEXT NOT NULL,\n"
    "    flops INTEGER NOT NULL,\n"
    "    PRIMARY KEY (observation_id, op, term)\n"
    ") STRICT, WITHOUT ROWID",

    /* One row an observation and operator; NULL where the counter does not count. */
    "CREATE VIEW ops_measured AS\n"
    "WITH counted AS (\n"
    "    SELECT observation_id, op,\n"
    "           max(value) FILTER (WHERE key = 'flops') AS flops,\n"
    "           64 * max(value) FILTER (WHERE key = 'lines_read') AS bytes_read,\n"
    "           64 * max(value) FILTER (WHERE key = 'lines_written') AS bytes_written\n"
    "    FROM observation_counts GROUP BY observation_id, op\n"
    "), excess AS (\n"
    "    SELECT observation_id, op, sum(flops) AS flops\n"
    "    FROM observation_excess GROUP BY observation_id, op\n"
    ")\n"
    "SELECT v.point_id, v.id AS observation_id, v.counter, v.blas_core, v.isa, p.op,\n"
    "       p.exact_flops, c.flops AS measured_flops, coalesce(e.flops, 0) AS excess_flops,\n"
    "       c.flops - p.exact_flops - coalesce(e.flops, 0) AS unexplained_flops,\n"
    "       p.exact_bytes_read, c.bytes_read AS measured_bytes_read,\n"
    "       p.exact_bytes_written, c.bytes_written AS measured_bytes_written\n"
    "FROM observations v JOIN point_ops p ON p.point_id = v.point_id\n"
    "LEFT JOIN counted c ON c.observation_id = v.id AND c.op = p.op\n"
    "LEFT JOIN excess e ON e.observation_id = v.id AND e.op = p.op",

    /* One row an observation: the whole pass, and how much of it ran in no operator. */
    "CREATE VIEW points_measured AS\n"
    "WITH counted AS (\n"
    "    SELECT observation_id,\n"
    "           max(value) FILTER (WHERE key = 'flops') AS flops,\n"
    "           64 * max(value) FILTER (WHERE key = 'lines_read') AS bytes_read,\n"
    "           64 * max(value) FILTER (WHERE key = 'lines_written') AS bytes_written\n"
    "    FROM observation_counts WHERE op = 'forward' GROUP BY observation_id\n"
    "), ops AS (\n"
    "    SELECT observation_id, sum(measured_flops) AS measured_flops,\n"
    "           sum(excess_flops) AS excess_flops, sum(unexplained_flops) AS unexplained_flops\n"
    "    FROM ops_measured GROUP BY observation_id\n"
    ")\n"
    "SELECT v.point_id, v.id AS observation_id, m.name AS model, p.phase, p.cache, p.attention,\n"
    "       p.logits, p.n_threads, p.batch, p.context, v.counter, v.blas_core, v.isa,\n"
    "       p.exact_flops, c.flops AS measured_flops, o.excess_flops,\n"
    "       c.flops - o.measured_flops AS between_flops, o.unexplained_flops,\n"
    "       p.bytes_read AS exact_bytes_read, c.bytes_read AS measured_bytes_read,\n"
    "       p.bytes_written AS exact_bytes_written, c.bytes_written AS measured_bytes_written\n"
    "FROM observations v JOIN points p ON p.id = v.point_id JOIN models m ON m.id = p.model_id\n"
    "JOIN counted c ON c.observation_id = v.id JOIN ops o ON o.observation_id = v.id",
    NULL};

/* What the machines can do at most. */
static const char *const VERSION_3[] = {
    "CREATE TABLE ceilings (\n"
    "    id INTEGER PRIMARY KEY,\n"
    "    run_id INTEGER NOT NULL REFERENCES runs (id),\n"
    "    machine TEXT NOT NULL,\n"
    "    measured_at TEXT NOT NULL,\n"
    "    unit TEXT NOT NULL CHECK (unit IN ('flops', 'bytes')),\n"
    "    kernel TEXT NOT NULL,\n"
    "    level TEXT NOT NULL,\n"
    "    dtype TEXT NOT NULL,\n"
    "    isa TEXT NOT NULL,\n"
    "    n_threads INTEGER NOT NULL,\n"
    "    quick INTEGER NOT NULL CHECK (quick IN (0, 1)),\n"
    "    working_set_bytes INTEGER NOT NULL,\n"
    "    capacity_bytes INTEGER NOT NULL,\n"
    "    note TEXT NOT NULL,\n"
    "    work INTEGER NOT NULL,\n"
    "    UNIQUE (machine, unit, kernel, level, dtype, isa, n_threads)\n"
    ") STRICT",

    "CREATE TABLE ceiling_samples (\n"
    "    ceiling_id INTEGER NOT NULL REFERENCES ceilings (id),\n"
    "    rep INTEGER NOT NULL,\n"
    "    time_ns INTEGER NOT NULL,\n"
    "    PRIMARY KEY (ceiling_id, rep)\n"
    ") STRICT, WITHOUT ROWID",

    /* One row a ceiling; rates are work per second. */
    "CREATE VIEW ceilings_summary AS\n"
    "WITH ranked AS (\n"
    "    SELECT ceiling_id, time_ns,\n"
    "           row_number() OVER (PARTITION BY ceiling_id ORDER BY time_ns, rep) AS place,\n"
    "           count(*) OVER (PARTITION BY ceiling_id) AS n\n"
    "    FROM ceiling_samples\n"
    "), timed AS (\n"
    "    SELECT ceiling_id, n AS n_samples, min(time_ns) AS min_time_ns,\n"
    "           avg(time_ns) FILTER (WHERE place IN ((n + 1) / 2, (n + 2) / 2))\n"
    "               AS median_time_ns,\n"
    "           max(time_ns) AS max_time_ns\n"
    "    FROM ranked GROUP BY ceiling_id\n"
    ")\n"
    "SELECT c.id AS ceiling_id, c.machine, c.measured_at, c.unit, c.kernel, c.level, c.dtype,\n"
    "       c.isa, c.n_threads, c.quick, c.working_set_bytes, c.capacity_bytes, c.work,\n"
    "       t.n_samples, 1e9 * c.work / t.max_time_ns AS min_per_s,\n"
    "       1e9 * c.work / t.median_time_ns AS median_per_s,\n"
    "       1e9 * c.work / t.min_time_ns AS max_per_s\n"
    "FROM ceilings c JOIN timed t ON t.ceiling_id = c.id",

    /* What went on beside a sample; samples of files before have no row. */
    "CREATE TABLE sample_conditions (\n"
    "    sample_id INTEGER PRIMARY KEY REFERENCES samples (id),\n"
    "    window_ns INTEGER NOT NULL,\n"
    "    n_interrupted INTEGER NOT NULL,\n"
    "    other_ns INTEGER NOT NULL,\n"
    "    stolen_ns INTEGER NOT NULL,\n"
    "    loop_ns INTEGER NOT NULL,\n"
    "    load_milli INTEGER NOT NULL\n"
    ") STRICT",
    NULL};

const char *const *const fl_store_schema[FL_STORE_SCHEMA] = {VERSION_1, VERSION_2, VERSION_3};
