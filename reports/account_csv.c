/* account_csv.c - an account for spreadsheets: a row a layer and operator. */
#include "reports/account_render.h"

#include <string.h>

static const char *const HEADINGS[] = {
    "model",    "batch",       "n_tokens",   "n_past",        "unit",    "causal",
    "lm_head",  "elementwise", "phase",      "stack",         "layer",   "op",
    "textbook", "exact",       "bytes_read", "bytes_written", "counted", "time_ns"};

/* "measured_flops", ...; text of the program's lifetime. */
static const char *measured_heading(enum fl_count count)
{
    static const char *const NAMES[] = {
#define MEASURED_HEADING(constant, key, unit, name) "measured_" key,
        FL_COUNTS(MEASURED_HEADING)
#undef MEASURED_HEADING
    };
    return NAMES[count];
}

/* What the ceilings allow the row; empty where they are not known. */
static const char *const LIGHT_HEADINGS[] = {
    "roof_flops_per_s", "roof_bytes_per_s", "intensity", "attainable_flops_per_s",
    "light_ns",         "of_light",         "bound",     "bound_level"};
enum { N_LIGHT = sizeof LIGHT_HEADINGS / sizeof *LIGHT_HEADINGS };

static void push_light(struct fl_table *table, const struct fl_light *light, int i)
{
    if (!light->known) {
        for (int k = 0; k < N_LIGHT; k++)
            fl_table_cell(table, "");
        return;
    }
    const struct fl_bound bound = fl_roofline(&light->roofs, &light->rows[i]);
    fl_table_format(table, "%.9g", light->roofs.flops_per_s);
    fl_table_format(table, "%.9g", light->roofs.flops_per_s / bound.ridge);
    fl_table_format(table, "%.9g", bound.intensity);
    fl_table_format(table, "%.9g", bound.attainable_flops_per_s);
    fl_table_format(table, "%.9g", bound.light_ns);
    if (bound.of_light > 0)
        fl_table_format(table, "%.9g", bound.of_light);
    else
        fl_table_cell(table, "");
    fl_table_cell(table, bound.memory_bound ? "memory" : "compute");
    fl_table_cell(table, bound.memory_bound ? fl_memory_level_names[bound.level] : "");
}

enum {
    N_HEADINGS = sizeof HEADINGS / sizeof *HEADINGS,
    N_COLUMNS = N_HEADINGS + FL_N_COUNTS + 2 + N_LIGHT
};

/* What was measured, and what the ceilings allow, have columns where there can be figures. */
static void open_table(struct fl_table *table, char aligns[N_COLUMNS + 1],
                       const struct fl_account *account, const struct fl_light *light)
{
    const char *headings[N_COLUMNS];
    int n = N_HEADINGS;
    memcpy(headings, HEADINGS, sizeof HEADINGS);
    for (int count = 0; count < FL_N_COUNTS; count++)
        if (fl_account_has(account, (enum fl_count)count))
            headings[n++] = measured_heading((enum fl_count)count);
    if (fl_account_has(account, FL_COUNT_FLOPS)) {
        headings[n++] = "explained";
        headings[n++] = "unexplained";
    }
    for (int k = 0; light && k < N_LIGHT; k++)
        headings[n++] = LIGHT_HEADINGS[k];
    memset(aligns, 'l', (size_t)n);
    aligns[n] = '\0';
    fl_table_open(table, aligns, headings);
}

/* Up to op. */
static void push_identity(struct fl_table *table, const struct fl_account *account,
                          const struct fl_account_row *row)
{
    const struct fl_convention *convention = &account->convention;
    fl_table_cell(table, account->config.name);
    fl_table_format(table, "%lld", (long long)account->shape.batch);
    fl_table_format(table, "%lld", (long long)account->shape.n_tokens);
    fl_table_format(table, "%lld", (long long)account->shape.n_past);
    fl_table_cell(table, fl_unit_names[convention->unit]);
    fl_table_cell(table, fl_causal_names[convention->causal]);
    fl_table_cell(table, fl_lm_head_names[convention->lm_head]);
    fl_table_cell(table, convention->elementwise ? "on" : "off");
    fl_table_cell(table, row->phase);
    fl_table_cell(table, row->stack == FL_STACK_ENCODER ? "encoder" : "decoder");
    if (row->layer == FL_LAYER_GLOBAL)
        fl_table_cell(table, "");
    else
        fl_table_format(table, "%d", row->layer);
    fl_table_cell(table, fl_operator_name(row->op));
}

static void push_figures(struct fl_table *table, const struct fl_account *account,
                         const struct fl_account_row *row)
{
    char text[FL_WIDE_GROUPED];
    const fl_wide counted = (fl_wide)fl_cost_flops(row->counted);
    fl_table_cell(table, fl_account_figure(account, row->textbook, false, text));
    fl_table_cell(table, fl_account_figure(account, row->exact, false, text));
    fl_table_cell(table, fl_wide_text(row->bytes_read, text));
    fl_table_cell(table, fl_wide_text(row->bytes_written, text));
    if (account->has_counted) {
        fl_table_cell(table, fl_account_figure(account, counted, false, text));
        fl_table_format(table, "%llu", (unsigned long long)row->time_ns);
    } else {
        fl_table_cell(table, "");
        fl_table_cell(table, "");
    }
    for (int count = 0; count < FL_N_COUNTS; count++)
        if (fl_account_has(account, (enum fl_count)count))
            fl_table_format(table, "%llu", (unsigned long long)row->measured.reading.values[count]);
    if (fl_account_has(account, FL_COUNT_FLOPS)) {
        fl_table_format(table, "%lld", (long long)fl_excess_total(&row->measured.excess));
        fl_table_cell(table, fl_wide_text(fl_account_unexplained(row), text));
    }
}

int fl_account_print_csv(const struct fl_account *account, const struct fl_light *light, FILE *out,
                         struct fl_error *error)
{
    struct fl_table table;
    char aligns[N_COLUMNS + 1];
    open_table(&table, aligns, account, light);
    for (int i = 0; i < account->n_rows; i++) {
        push_identity(&table, account, &account->rows[i]);
        push_figures(&table, account, &account->rows[i]);
        if (light)
            push_light(&table, light, i);
    }
    return fl_table_finish(&table, FL_TABLE_CSV, out, error);
}
