/* export_rows.c - samples, operators and ceilings as CSV, JSON and JSON Lines. The columns are a
 * table. */
#include "reports/export.h"

#include "analyzers/measured.h"
#include "analyzers/roofline.h"
#include "reports/json_text.h"
#include "reports/table.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/* What one row is made from: a ceiling with its run, or a sample with all the others. op is NULL
 * unless a row is an operator of a sample. */
struct row {
    const struct fl_run *run; /* the sample's, or the ceiling's */
    const struct fl_model_record *model;
    const struct fl_point *point;
    const struct fl_sample *sample;
    const struct fl_op_record *op;
    const struct fl_measured_point *measured; /* NULL: the point was not counted */
    const struct fl_ceiling *ceiling;
    struct fl_rate rate; /* the ceiling's */
};

enum source { RUN, MODEL, POINT, SAMPLE, CONDITIONS, OP, OBSERVED, CEILING, DERIVED };
enum kind {
    TEXT,
    INT,
    INT64,
    COUNT,
    FLAG,
    ON_OFF,
    PHASE,
    OPERATOR,
    GROUP,
    OP_TIME,
    RATE,
    PER_S,    /* offset: of a rate in struct row */
    MEASURED, /* which: enum fl_count */
    TERM,     /* which: enum fl_excess_term */
    FLOPS     /* offset: of a sum in struct fl_measured_op */
};

struct column {
    const char *name;
    enum source source;
    enum kind kind;
    size_t offset;
    double (*rate)(const struct row *row); /* RATE: the numerator, over the row's time in ns */
    int which;
};

static double sample_flops(const struct row *row)
{
    return (double)row->point->counted_flops;
}

static double sample_bytes(const struct row *row)
{
    return (double)row->point->bytes_read + (double)row->point->bytes_written;
}

/* New tokens: a decode step makes one a sequence however many it recomputes. Per second. */
static double sample_tokens(const struct row *row)
{
    int n = row->point->phase == FL_PHASE_DECODE ? 1 : row->point->n_tokens;
    return 1e9 * row->point->batch * n;
}

static double op_flops(const struct row *row)
{
    return (double)row->op->counted_flops;
}

static double op_bytes(const struct row *row)
{
    return (double)row->op->counted_bytes_read + (double)row->op->counted_bytes_written;
}

#define RUN_COLUMN(kind, member)                                                                   \
    {                                                                                              \
#member, RUN, kind, offsetof(struct fl_run, member), NULL, 0                               \
    }
#define MODEL_COLUMN(name, kind, member)                                                           \
    {                                                                                              \
        name, MODEL, kind, offsetof(struct fl_model_record, member), NULL, 0                       \
    }
#define CONFIG_COLUMN(member)                                                                      \
    {                                                                                              \
#member, MODEL, INT, offsetof(struct fl_model_record, config.member), NULL, 0              \
    }
#define POINT_COLUMN(kind, member)                                                                 \
    {                                                                                              \
#member, POINT, kind, offsetof(struct fl_point, member), NULL, 0                           \
    }
#define SAMPLE_COLUMN(name, kind, member)                                                          \
    {                                                                                              \
        name, SAMPLE, kind, offsetof(struct fl_sample, member), NULL, 0                            \
    }
#define OP_COLUMN(name, kind, member)                                                              \
    {                                                                                              \
        name, OP, kind, offsetof(struct fl_op_record, member), NULL, 0                             \
    }

/* What tells samples apart: the same for both row formats. */
static const struct column IDENTITY[] = {
    SAMPLE_COLUMN("sample_id", INT64, id),
    SAMPLE_COLUMN("point_id", INT64, point_id),
    SAMPLE_COLUMN("run_id", INT64, run_id),
    SAMPLE_COLUMN("rep", INT, rep),
    RUN_COLUMN(TEXT, started_at),
    RUN_COLUMN(TEXT, host),
    RUN_COLUMN(TEXT, cpu_model),
    RUN_COLUMN(INT, n_cores),
    RUN_COLUMN(TEXT, governor),
    RUN_COLUMN(TEXT, kernel),
    RUN_COLUMN(TEXT, blas_config),
    RUN_COLUMN(TEXT, blas_core),
    RUN_COLUMN(TEXT, isa),
    RUN_COLUMN(TEXT, counter),
    RUN_COLUMN(TEXT, counter_version),
    RUN_COLUMN(TEXT, version),
    RUN_COLUMN(TEXT, commit),
    RUN_COLUMN(INT64, seed),
    RUN_COLUMN(TEXT, command_line),
    MODEL_COLUMN("model", TEXT, name),
    MODEL_COLUMN("model_spec", TEXT, spec),
    MODEL_COLUMN("model_format", TEXT, format),
    MODEL_COLUMN("n_params", COUNT, n_params),
    CONFIG_COLUMN(d_model),
    CONFIG_COLUMN(d_ff),
    CONFIG_COLUMN(n_layers),
    CONFIG_COLUMN(n_heads),
    CONFIG_COLUMN(n_kv_heads),
    CONFIG_COLUMN(head_dim),
    CONFIG_COLUMN(vocab_size),
    POINT_COLUMN(PHASE, phase),
    POINT_COLUMN(ON_OFF, cache),
    POINT_COLUMN(TEXT, attention),
    POINT_COLUMN(TEXT, logits),
    POINT_COLUMN(TEXT, dtype),
    POINT_COLUMN(INT, n_threads),
    POINT_COLUMN(INT, batch),
    POINT_COLUMN(INT, context),
    POINT_COLUMN(INT, n_tokens),
    POINT_COLUMN(INT, n_past),
    POINT_COLUMN(TEXT, textbook_convention),
    POINT_COLUMN(TEXT, exact_convention),
};

static const struct column SAMPLE_FIGURES[] = {
    POINT_COLUMN(COUNT, textbook_flops),
    POINT_COLUMN(COUNT, exact_flops),
    POINT_COLUMN(COUNT, counted_flops),
    POINT_COLUMN(COUNT, bytes_read),
    POINT_COLUMN(COUNT, bytes_written),
    POINT_COLUMN(COUNT, weights_bytes),
    POINT_COLUMN(COUNT, kv_cache_bytes),
    POINT_COLUMN(COUNT, activation_bytes),
    SAMPLE_COLUMN("started_ns", COUNT, started_ns),
    SAMPLE_COLUMN("time_ns", COUNT, time_ns),
    {"gflop_per_s", DERIVED, RATE, 0, sample_flops, 0},
    {"gbyte_per_s", DERIVED, RATE, 0, sample_bytes, 0},
    {"tokens_per_s", DERIVED, RATE, 0, sample_tokens, 0},
};

static const struct column OP_FIGURES[] = {
    OP_COLUMN("op", OPERATOR, op),
    OP_COLUMN("op_group", GROUP, op),
    OP_COLUMN("op_textbook_flops", COUNT, textbook_flops),
    OP_COLUMN("op_exact_flops", COUNT, exact_flops),
    OP_COLUMN("op_counted_flops", COUNT, counted_flops),
    OP_COLUMN("op_bytes_read", COUNT, counted_bytes_read),
    OP_COLUMN("op_bytes_written", COUNT, counted_bytes_written),
    {"op_time_ns", DERIVED, OP_TIME, 0, NULL, 0},
    {"op_gflop_per_s", DERIVED, RATE, 0, op_flops, 0},
    {"op_gbyte_per_s", DERIVED, RATE, 0, op_bytes, 0},
};

/* What a counter saw of the point, not of this sample: the same in all its rows. Empty or null
 * where nothing was counted. */
#define OBSERVED_COLUMN(name, member)                                                              \
    {                                                                                              \
        name, OBSERVED, TEXT, offsetof(struct fl_observed, member), NULL, 0                        \
    }
#define FLOPS_COLUMN(name, member)                                                                 \
    {                                                                                              \
        name, OBSERVED, FLOPS, offsetof(struct fl_measured_op, member), NULL, 0                    \
    }
#define COUNT_COLUMN(constant, key, unit, name)                                                    \
    {"measured_" key, OBSERVED, MEASURED, 0, NULL, FL_COUNT_##constant},
#define OP_COUNT_COLUMN(constant, key, unit, name)                                                 \
    {"op_measured_" key, OBSERVED, MEASURED, 0, NULL, FL_COUNT_##constant},
#define OP_TERM_COLUMN(constant, key, name)                                                        \
    {"op_excess_" key, OBSERVED, TERM, 0, NULL, FL_EXCESS_##constant},
#define COUNTER_COLUMNS                                                                            \
    OBSERVED_COLUMN("measured_by", counter),                                                       \
        OBSERVED_COLUMN("measured_by_version", counter_version),                                   \
        OBSERVED_COLUMN("measured_blas_core", blas_core), OBSERVED_COLUMN("measured_isa", isa)

static const struct column SAMPLE_MEASURED[] = {
    RUN_COLUMN(TEXT, calibration),
    COUNTER_COLUMNS,
    FL_COUNTS(COUNT_COLUMN) /* of the whole pass */
    FLOPS_COLUMN("excess_flops", explained),
    FLOPS_COLUMN("unexplained_flops", unexplained),
};

static const struct column OP_MEASURED[] = {
    RUN_COLUMN(TEXT, calibration),
    COUNTER_COLUMNS,
    FL_COUNTS(OP_COUNT_COLUMN) FL_EXCESS_TERMS(OP_TERM_COLUMN)
        FLOPS_COLUMN("op_excess_flops", explained),
    FLOPS_COLUMN("op_unexplained_flops", unexplained),
};

/* What went on beside the sample; empty or null where it was not recorded. */
#define BESIDE_COLUMN(kind, member)                                                                \
    {                                                                                              \
#member, CONDITIONS, kind, offsetof(struct fl_conditions, member), NULL, 0                 \
    }
static const struct column SAMPLE_CONDITIONS[] = {
    BESIDE_COLUMN(COUNT, window_ns), BESIDE_COLUMN(COUNT, n_interrupted),
    BESIDE_COLUMN(INT64, other_ns),  BESIDE_COLUMN(COUNT, stolen_ns),
    BESIDE_COLUMN(COUNT, loop_ns),   BESIDE_COLUMN(COUNT, load_milli),
};

#define CEILING_COLUMN(name, kind, member)                                                         \
    {                                                                                              \
        name, CEILING, kind, offsetof(struct fl_ceiling, member), NULL, 0                          \
    }
#define PER_S_COLUMN(name, member)                                                                 \
    {                                                                                              \
        name, DERIVED, PER_S, offsetof(struct row, rate.member), NULL, 0                           \
    }
static const struct column CEILINGS[] = {
    CEILING_COLUMN("ceiling_id", INT64, id),
    CEILING_COLUMN("run_id", INT64, run_id),
    RUN_COLUMN(TEXT, host),
    RUN_COLUMN(TEXT, cpu_model),
    CEILING_COLUMN("machine", TEXT, machine),
    CEILING_COLUMN("measured_at", TEXT, measured_at),
    CEILING_COLUMN("unit", TEXT, unit),
    CEILING_COLUMN("kernel", TEXT, kernel),
    CEILING_COLUMN("level", TEXT, level),
    CEILING_COLUMN("dtype", TEXT, dtype),
    CEILING_COLUMN("isa", TEXT, isa),
    CEILING_COLUMN("n_threads", INT, n_threads),
    CEILING_COLUMN("quick", FLAG, quick),
    CEILING_COLUMN("working_set_bytes", COUNT, working_set_bytes),
    CEILING_COLUMN("capacity_bytes", COUNT, capacity_bytes),
    CEILING_COLUMN("note", TEXT, note),
    CEILING_COLUMN("work", COUNT, work),
    CEILING_COLUMN("n_samples", INT, n_samples),
    PER_S_COLUMN("min_per_s", least),
    PER_S_COLUMN("low_per_s", low),
    PER_S_COLUMN("median_per_s", median),
    PER_S_COLUMN("high_per_s", high),
    PER_S_COLUMN("max_per_s", most),
};

enum { N_PARTS = 4 };
struct layout {
    const char *record; /* what a row is, where rows say so */
    struct {
        const struct column *columns;
        size_t n;
    } parts[N_PARTS];
};
#define PART(columns)                                                                              \
    {                                                                                              \
        columns, sizeof columns / sizeof *columns                                                  \
    }
static const struct layout LAYOUTS[] = {
    [FL_EXPORT_SAMPLES] = {"sample",
                           {PART(IDENTITY), PART(SAMPLE_FIGURES), PART(SAMPLE_MEASURED),
                            PART(SAMPLE_CONDITIONS)}},
    [FL_EXPORT_OPS] = {"operator",
                       {PART(IDENTITY), PART(OP_FIGURES), PART(OP_MEASURED),
                        PART(SAMPLE_CONDITIONS)}},
    [FL_EXPORT_CEILINGS] = {"ceiling", {PART(CEILINGS)}},
};

struct writer {
    FILE *out;
    enum fl_export_format format;
    const struct layout *layout;
    int64_t n_rows;
};

static void write_text(const struct writer *writer, const char *text)
{
    if (writer->format == FL_EXPORT_CSV)
        fl_csv_text(writer->out, text);
    else
        fl_json_text(writer->out, text);
}

/* What nobody measured is an empty field or null, never 0. */
static void write_nothing(const struct writer *writer)
{
    if (writer->format != FL_EXPORT_CSV)
        fputs("null", writer->out);
}

static void write_rate(const struct writer *writer, double numerator, uint64_t time_ns)
{
    if (time_ns > 0)
        fprintf(writer->out, "%.9g", numerator / (double)time_ns);
    else
        write_nothing(writer);
}

static void write_wide(const struct writer *writer, fl_wide value)
{
    char text[FL_WIDE_DIGITS];
    fputs(fl_wide_text(value, text), writer->out);
}

/* The row's operator, or all of them. */
static const struct fl_measured_op *measured_op(const struct row *row)
{
    const struct fl_measured_point *measured = row->measured;
    if (!row->op)
        return &measured->total;
    int i = 0;
    while (measured->ops[i].op != row->op->op)
        i++;
    return &measured->ops[i];
}

static void write_measured(const struct writer *writer, const struct column *column,
                           const struct row *row)
{
    const struct fl_measured_point *measured = row->measured;
    if (column->kind == TEXT && measured) {
        write_text(writer, (const char *)measured->observed + column->offset);
        return;
    }
    bool has = measured && (column->kind == MEASURED
                                ? fl_observed_has(measured->observed, (enum fl_count)column->which)
                                : measured->has_flops);
    if (!has) {
        write_nothing(writer);
        return;
    }
    const struct fl_observed *observed = measured->observed;
    const struct fl_reading *reading =
        row->op ? &observed->ops[row->op->op].reading : &observed->whole;
    const struct fl_measured_op *op = measured_op(row);
    if (column->kind == MEASURED)
        write_wide(writer, (fl_wide)reading->values[column->which]);
    else if (column->kind == TERM)
        write_wide(writer, op->terms[column->which]);
    else
        write_wide(writer, *(const fl_wide *)(const void *)((const char *)op + column->offset));
}

static const void *source_of(const struct row *row, enum source source)
{
    switch (source) {
    case RUN:
        return row->run;
    case MODEL:
        return row->model;
    case POINT:
        return row->point;
    case SAMPLE:
        return row->sample;
    case CONDITIONS:
        return &row->sample->conditions;
    case OP:
        return row->op;
    case CEILING:
        return row->ceiling;
    case OBSERVED:
    case DERIVED:
        break;
    }
    return row;
}

static uint64_t row_time_ns(const struct row *row)
{
    return row->op ? row->sample->op_time_ns[row->op->op] : row->sample->time_ns;
}

static void write_cell(const struct writer *writer, const struct column *column,
                       const struct row *row)
{
    const char *at = (const char *)source_of(row, column->source) + column->offset;
    FILE *out = writer->out;
    if (column->source == OBSERVED) {
        write_measured(writer, column, row);
        return;
    }
    if (column->source == CONDITIONS && !row->sample->conditions.known) {
        write_nothing(writer);
        return;
    }
    switch (column->kind) {
    case TEXT:
        write_text(writer, at);
        break;
    case INT:
        fprintf(out, "%d", *(const int *)(const void *)at);
        break;
    case INT64:
        fprintf(out, "%" PRId64, *(const int64_t *)(const void *)at);
        break;
    case COUNT:
        fprintf(out, "%" PRIu64, *(const uint64_t *)(const void *)at);
        break;
    case FLAG:
        fputs(*(const bool *)at ? "1" : "0", out);
        break;
    case ON_OFF:
        write_text(writer, *(const bool *)at ? "on" : "off");
        break;
    case PHASE:
        write_text(writer, fl_phase_names[*(const enum fl_phase *)(const void *)at]);
        break;
    case OPERATOR:
        write_text(writer, fl_operator_name(row->op->op));
        break;
    case GROUP:
        write_text(writer, fl_operator_group(row->op->op));
        break;
    case OP_TIME:
        fprintf(out, "%" PRIu64, row_time_ns(row));
        break;
    case RATE:
        write_rate(writer, column->rate(row), row_time_ns(row));
        break;
    case PER_S:
        fprintf(out, "%.9g", *(const double *)(const void *)at);
        break;
    case MEASURED:
    case TERM:
    case FLOPS:
        break; /* of an observation */
    }
}

/* One row; NULL writes the names of the columns (CSV only). */
static void write_row(struct writer *writer, const struct row *row)
{
    FILE *out = writer->out;
    if (writer->format != FL_EXPORT_CSV)
        fputs(writer->format == FL_EXPORT_JSON && writer->n_rows > 0 ? ",\n{" : "{", out);
    int n_written = 0;
    if (writer->format != FL_EXPORT_CSV) {
        fprintf(out, "\"record\":\"%s\",\"schema\":%d", writer->layout->record, FL_EXPORT_SCHEMA);
        n_written++;
    }
    for (int part = 0; part < N_PARTS; part++)
        for (size_t i = 0; i < writer->layout->parts[part].n; i++) {
            const struct column *column = &writer->layout->parts[part].columns[i];
            if (n_written++ > 0)
                fputc(',', out);
            if (writer->format != FL_EXPORT_CSV)
                fprintf(out, "\"%s\":", column->name);
            if (row)
                write_cell(writer, column, row);
            else
                fputs(column->name, out);
        }
    fputs(writer->format == FL_EXPORT_CSV     ? "\r\n"
          : writer->format == FL_EXPORT_JSONL ? "}\n"
                                              : "}",
          out);
    writer->n_rows += row ? 1 : 0;
}

static void write_ceilings(struct writer *writer, const struct fl_results *results)
{
    for (int i = 0; i < results->n_ceilings; i++) {
        const struct fl_ceiling *ceiling = &results->ceilings[i];
        const struct row row = {.run = fl_results_run(results, ceiling->run_id),
                                .ceiling = ceiling,
                                .rate = fl_ceiling_rate(ceiling)};
        write_row(writer, &row);
    }
}

static void write_samples(struct writer *writer, const struct fl_results *results, bool by_op)
{
    for (int i = 0; i < results->n_points; i++) {
        const struct fl_result *result = &results->points[i];
        const struct fl_observed *observed = fl_result_observed(result);
        struct fl_measured_point measured;
        if (observed)
            fl_measured_point_make(&measured, result, observed);
        for (int j = 0; j < result->n_samples; j++) {
            const struct fl_sample *sample = &result->samples[j];
            struct row row = {.run = fl_results_run(results, sample->run_id),
                              .model = result->model,
                              .point = &result->point,
                              .sample = sample,
                              .measured = observed ? &measured : NULL};
            if (!by_op)
                write_row(writer, &row);
            for (int k = 0; by_op && k < result->n_ops; k++) {
                row.op = &result->ops[k];
                write_row(writer, &row);
            }
        }
    }
}

void fl_export_rows(FILE *out, const struct fl_results *results, enum fl_export_format format,
                    enum fl_export_what what)
{
    struct writer writer = {.out = out, .format = format, .layout = &LAYOUTS[what]};
    if (format == FL_EXPORT_CSV)
        write_row(&writer, NULL);
    if (format == FL_EXPORT_JSON)
        fputs("[\n", out);
    if (what == FL_EXPORT_CEILINGS)
        write_ceilings(&writer, results);
    else
        write_samples(&writer, results, what == FL_EXPORT_OPS);
    if (format == FL_EXPORT_JSON)
        fputs(writer.n_rows > 0 ? "\n]\n" : "]\n", out);
}
