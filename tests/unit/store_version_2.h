/* store_version_2.h - what a results file of schema version 2 has beyond store_version_1.h, as SQL
 * text. Files like it are out there, so this text never changes. */
#ifndef FL_TESTS_STORE_VERSION_2_H
#define FL_TESTS_STORE_VERSION_2_H

#include <stddef.h>

static const char *const VERSION_2_SQL[] = {
    "PRAGMA user_version = 2", "ALTER TABLE runs ADD COLUMN calibration TEXT NOT NULL DEFAULT ''",

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
    /* what a counter saw */
    "INSERT INTO observations VALUES (1, 1, 1, 'flopgrind', 'Valgrind 3.19', 'exact', "
    "'Sandybridge', 'avx2', 1)",
    "INSERT INTO observation_counts VALUES (1, 'forward', 'flops', 950), (1, 'qkv', 'flops', 310), "
    "(1, 'logits', 'flops', 620)",
    NULL};

#endif
