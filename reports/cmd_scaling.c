/* cmd_scaling.c - `flopledger scaling`: how FLOPs and time of stored results grow with the context,
 * as figures. */
#include "analyzers/growth.h"
#include "analyzers/sections.h"
#include "base/units.h"
#include "commands.h"
#include "reports/noise_words.h"
#include "reports/table.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FORMAT_TABLE, FORMAT_MARKDOWN, FORMAT_CSV, FORMAT_JSON, SCALING_SCHEMA = 1 };
static const char *const FORMAT_NAMES[] = {"table", "md", "csv", "json", NULL};

/* Where rows go: a table, or an array of JSON. */
struct sink {
    int format;
    struct fl_table table;
    cJSON *array;
};

static const char *phase_of(const struct fl_point *point)
{
    return point->phase == FL_PHASE_PREFILL ? "prefill"
           : point->cache                   ? "decode, cached"
                                            : "decode, uncached";
}

/* ---- JSON ---- */

/* null where there is none: JSON has no infinity. */
static void add_number(cJSON *object, const char *name, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}

static void add_bounded(cJSON *object, const char *name, const struct fl_bounded *bounded)
{
    cJSON *own = cJSON_AddObjectToObject(object, name);
    add_number(own, "value", bounded->value);
    add_number(own, "low", bounded->low);
    add_number(own, "high", bounded->high);
}

static cJSON *growth_json(const struct fl_section *section, const struct fl_line *line,
                          const struct fl_growth *growth)
{
    static const char *const TERMS[FL_FIT_TERMS] = {"a", "b", "c"};
    const struct fl_point *point = &line->points[0].point;
    cJSON *row = cJSON_CreateObject(), *flops, *time;
    cJSON_AddStringToObject(row, "model", section->model->name);
    cJSON_AddStringToObject(row, "machine", section->all.points->run->machine);
    cJSON_AddStringToObject(row, "phase", fl_phase_names[point->phase]);
    cJSON_AddBoolToObject(row, "cache", point->cache);
    cJSON_AddStringToObject(row, "attention", point->attention);
    cJSON_AddStringToObject(row, "logits", point->logits);
    cJSON_AddStringToObject(row, "dtype", point->dtype);
    cJSON_AddNumberToObject(row, "threads", point->n_threads);
    cJSON_AddNumberToObject(row, "batch", point->batch);
    cJSON_AddNumberToObject(row, "n_contexts", growth->n);
    add_number(row, "s_first", growth->first);
    add_number(row, "s_last", growth->last);
    flops = cJSON_AddObjectToObject(row, "flops");
    for (int i = 0; i < FL_FIT_TERMS; i++)
        add_number(flops, TERMS[i], growth->is_polynomial ? growth->flops[i] : NAN);
    add_number(flops, "exponent_first", growth->flops_exponent_first);
    add_number(flops, "exponent_last", growth->flops_exponent_last);
    add_number(flops, "crossover", growth->is_polynomial ? growth->flops_crossover : NAN);
    time = cJSON_AddObjectToObject(row, "time_ns");
    if (growth->n_fits > 0) {
        const struct fl_polynomial *fit = &growth->fits[growth->chosen];
        for (int i = 0; i < fit->n_terms; i++)
            add_bounded(time, TERMS[i], &fit->terms[i]);
        add_bounded(time, "exponent_last", &growth->local);
        add_number(time, "misfit", fit->misfit);
    }
    if (growth->has_law)
        add_bounded(time, "power_law", &growth->law.exponent);
    if (growth->has_crossover)
        add_bounded(time, "crossover", &growth->crossover);
    cJSON_AddStringToObject(row, "verdict", fl_growth_verdict_names[growth->verdict]);
    return row;
}

/* ---- tables ---- */

static const char *const COLUMNS[] = {
    "model",   "phase",          "attention",   "threads",    "b",          "FLOPs a",
    "FLOPs b", "FLOPs c",        "FLOPs cross", "time a, ns", "time b, ns", "time c, ns",
    "s^p",     "s^p at the end", "time cross",  "misses by",  "verdict"};
enum { N_COLUMNS = sizeof COLUMNS / sizeof *COLUMNS };

static char *bounded_text(const struct fl_bounded *bounded, char out[96])
{
    if (isinf(bounded->high))
        snprintf(out, 96, "beyond %.4g", bounded->low);
    else
        snprintf(out, 96, "%.4g [%.4g, %.4g]", bounded->value, bounded->low, bounded->high);
    return out;
}

static void push_growth(struct fl_table *table, const struct fl_section *section,
                        const struct fl_line *line, const struct fl_growth *growth)
{
    const struct fl_point *point = &line->points[0].point;
    const struct fl_polynomial *fit = &growth->fits[growth->chosen];
    char text[96];
    fl_table_cell(table, section->model->name);
    fl_table_cell(table, phase_of(point));
    fl_table_cell(table, point->attention);
    fl_table_format(table, "%d", point->n_threads);
    fl_table_format(table, "%d", point->batch);
    for (int i = 0; i < FL_FIT_TERMS; i++)
        if (growth->is_polynomial)
            fl_table_format(table, "%.12g", growth->flops[i]);
        else
            fl_table_cell(table, "no polynomial");
    if (growth->is_polynomial && isfinite(growth->flops_crossover))
        fl_table_format(table, "%.0f", ceil(growth->flops_crossover));
    else
        fl_table_cell(table, growth->is_polynomial ? "never" : "");
    for (int i = 0; i < FL_FIT_TERMS; i++)
        fl_table_cell(table, growth->n_fits > 0 && i < fit->n_terms
                                 ? bounded_text(&fit->terms[i], text)
                                 : "");
    fl_table_cell(table, growth->has_law ? bounded_text(&growth->law.exponent, text) : "");
    fl_table_cell(table, growth->n_fits > 0 ? bounded_text(&growth->local, text) : "");
    fl_table_cell(table, growth->has_crossover ? bounded_text(&growth->crossover, text) : "");
    fl_table_format(table, "%.1f %%", 100 * fit->misfit);
    fl_table_cell(table, fl_growth_verdict_names[growth->verdict]);
}

/* ---- all of it ---- */

static int take_lines(struct sink *sink, const struct fl_section *section, struct fl_error *error)
{
    for (struct fl_line line = {0}; fl_section_next_line(section, &line);) {
        struct fl_growth growth;
        if (fl_growth_make(&growth, &line, error) != FL_OK)
            return FL_FAILED;
        if (sink->format == FORMAT_JSON)
            cJSON_AddItemToArray(sink->array, growth_json(section, &line, &growth));
        else
            push_growth(&sink->table, section, &line, &growth);
    }
    return FL_OK;
}

static void warn(const struct fl_section *section)
{
    char text[FL_NOISE_TEXT];
    for (int i = 0; fl_noise_text(FL_EN, &section->disturbance, i, text); i++)
        fprintf(stderr, "flopledger scaling: %s: %s\n", section->model->name, text);
}

static int print(struct sink *sink, cJSON *root, struct fl_error *error)
{
    static const enum fl_table_style STYLES[] = {FL_TABLE_TEXT, FL_TABLE_MARKDOWN, FL_TABLE_CSV};
    if (sink->format != FORMAT_JSON)
        return fl_table_print(&sink->table, STYLES[sink->format], stdout)
                   ? FL_OK
                   : fl_fail(error, "scaling: no memory for the table");
    char *text = cJSON_Print(root);
    if (!text)
        return fl_fail(error, "scaling: no memory for the JSON");
    printf("%s\n", text);
    cJSON_free(text);
    return FL_OK;
}

static int scaling(const struct fl_results *results, int format, bool quiet, struct fl_error *error)
{
    struct fl_sections sections;
    if (fl_sections_make(&sections, results, error) != FL_OK)
        return FL_FAILED;
    struct sink sink = {.format = format};
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema", SCALING_SCHEMA);
    sink.array = cJSON_AddArrayToObject(root, "lines");
    fl_table_open(&sink.table, "lllrrrrrrrrrrrrrl", COLUMNS);
    int status = FL_OK;
    for (int i = 0; i < sections.n && status == FL_OK; i++) {
        status = take_lines(&sink, &sections.rows[i], error);
        if (!quiet && status == FL_OK)
            warn(&sections.rows[i]);
    }
    if (status == FL_OK)
        status = print(&sink, root, error);
    fl_table_close(&sink.table);
    cJSON_Delete(root);
    fl_sections_free(&sections);
    return status;
}

static int run(int argc, char **argv)
{
    int format = FORMAT_TABLE, first;
    bool quiet = false;
    const struct fl_option options[] = {{"Output", "format", 'f', FL_OPTION_CHOICE, &format, NULL,
                                         "of what is printed", "table", 0, 0, FORMAT_NAMES},
                                        {NULL, "quiet", 'q', FL_OPTION_FLAG, &quiet, NULL,
                                         "no warnings of noise", NULL, 0, 0, NULL},
                                        {0}};
    const struct fl_command *self = &fl_command_scaling;
    enum fl_cli_outcome outcome = fl_cli_parse(self, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (argc - first != 1)
        return fl_cli_misuse(self, "expected one results file, got %d", argc - first);
    struct fl_store *store;
    struct fl_results results;
    struct fl_error error;
    if (fl_store_open(&store, argv[first], &error) != FL_OK)
        return fl_cli_failed(self, &error);
    int status = fl_store_load(store, &results, &error);
    fl_store_close(store);
    if (status == FL_OK) {
        status = scaling(&results, format, quiet, &error);
        fl_results_free(&results);
    }
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(self, &error);
}

const struct fl_command fl_command_scaling = {
    .name = "scaling",
    .summary = "how FLOPs and time grow with the context: O(s) or O(s^2)",
    .usage = "RESULTS.db [options]",
    .examples = "  flopledger sweep -m gpt2-small -s '16-1024*2' -o results.db\n"
                "  flopledger scaling results.db\n"
                "  flopledger scaling results.db --format json | jq '.lines[].verdict'\n"
                "\n"
                "FLOPs are a + b s + c s^2, exactly; times are fitted, with 95 % intervals.\n"
                "A verdict takes 5 contexts or more.\n",
    .run = run,
};
