#include "reports/growth_render.h"

#include "analyzers/compare.h"
#include "analyzers/growth.h"
#include "reports/json_tree.h"

#include <math.h>

enum { SCALING_SCHEMA = 1 };

/* ---- JSON ---- */

/* What is not finite cJSON writes as null. */
static void add_bounded(cJSON *object, const char *name, const struct fl_bounded *bounded)
{
    cJSON *own = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(own, "value", bounded->value);
    cJSON_AddNumberToObject(own, "low", bounded->low);
    cJSON_AddNumberToObject(own, "high", bounded->high);
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
    cJSON_AddNumberToObject(row, "s_first", growth->first);
    cJSON_AddNumberToObject(row, "s_last", growth->last);
    flops = cJSON_AddObjectToObject(row, "flops");
    for (int i = 0; i < FL_FIT_TERMS; i++)
        cJSON_AddNumberToObject(flops, TERMS[i], growth->is_polynomial ? growth->flops[i] : NAN);
    cJSON_AddNumberToObject(flops, "exponent_first", growth->flops_exponent_first);
    cJSON_AddNumberToObject(flops, "exponent_last", growth->flops_exponent_last);
    cJSON_AddNumberToObject(flops, "crossover",
                            growth->is_polynomial ? growth->flops_crossover : NAN);
    time = cJSON_AddObjectToObject(row, "time_ns");
    if (growth->n_fits > 0) {
        const struct fl_polynomial *fit = &growth->fits[growth->chosen];
        for (int i = 0; i < fit->n_terms; i++)
            add_bounded(time, TERMS[i], &fit->terms[i]);
        add_bounded(time, "exponent_last", &growth->local);
        cJSON_AddNumberToObject(time, "misfit", fit->misfit);
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
    fl_table_cell(table, fl_point_phase(point));
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

/* ---- all lines ---- */

/* Every line of every section, into whichever of both is there. */
static int take_lines(struct fl_table *table, cJSON *array, const struct fl_sections *sections,
                      struct fl_error *error)
{
    for (int i = 0; i < sections->n; i++) {
        const struct fl_section *section = &sections->rows[i];
        for (struct fl_line line = {0}; fl_section_next_line(section, &line);) {
            struct fl_growth growth;
            if (fl_growth_make(&growth, &line, error) != FL_OK)
                return FL_FAILED;
            if (table)
                push_growth(table, section, &line, &growth);
            else
                cJSON_AddItemToArray(array, growth_json(section, &line, &growth));
        }
    }
    return FL_OK;
}

int fl_growth_print(const struct fl_sections *sections, enum fl_table_style style, FILE *out,
                    struct fl_error *error)
{
    struct fl_table table;
    fl_table_open(&table, "lllrrrrrrrrrrrrrl", COLUMNS);
    int status = take_lines(&table, NULL, sections, error);
    if (status == FL_OK)
        return fl_table_finish(&table, style, out, error);
    fl_table_close(&table);
    return status;
}

int fl_growth_print_json(const struct fl_sections *sections, FILE *out, struct fl_error *error)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema", SCALING_SCHEMA);
    int status = take_lines(NULL, cJSON_AddArrayToObject(root, "lines"), sections, error);
    if (status == FL_OK)
        return fl_json_print(root, out, error);
    cJSON_Delete(root);
    return status;
}
