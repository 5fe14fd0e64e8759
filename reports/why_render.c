#include "reports/why_render.h"

#include "reports/json_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_SCHEMA = 1 };

static const char *unit_name(const struct fl_why *why)
{
    return why->request.unit == FL_UNIT_MAC ? "MAC" : "FLOP";
}

static const char *goal_name(const struct fl_why *why)
{
    return why->request.to_textbook ? "textbook" : "exact";
}

/* ---- one tool ---- */

/* "t5-small, b = 1, s = 64, p = 0, s_e = 256" */
static void print_shape(const struct fl_config *config, const struct fl_shape *shape, FILE *out)
{
    fprintf(out, "%s, b = %lld, s = %lld, p = %lld", config->name, (long long)shape->batch,
            (long long)shape->n_tokens, (long long)shape->n_past);
    if (shape->n_encoder_tokens > 0)
        fprintf(out, ", s_e = %lld", (long long)shape->n_encoder_tokens);
}

static void print_heading(const struct fl_why *why, const struct fl_config *config, FILE *out)
{
    const struct fl_tool *tool = why->request.tool;
    fprintf(out, "%s: %s\n", tool->name, tool->title);
    fprintf(out, "version %s, %s\nmodel ", tool->version, tool->source);
    print_shape(config, &why->request.shape, out);
    fprintf(out, "%s\n\n", why->request.headless ? ", without its lm_head" : "");
}

static void print_signed(struct fl_table *table, fl_wide value)
{
    char digits[FL_WIDE_GROUPED];
    fl_table_format(table, "%s%s", value > 0 ? "+" : "", fl_grouped_text(value, digits));
}

static void print_figure(struct fl_table *table, fl_wide value)
{
    char digits[FL_WIDE_GROUPED];
    fl_table_cell(table, fl_grouped_text(value, digits));
}

static void print_row(struct fl_table *table, const char *term, const char *note)
{
    fl_table_cell(table, term);
    fl_table_cell(table, note);
}

static int print_parts(const struct fl_why *why, enum fl_table_style style, FILE *out,
                       struct fl_error *error)
{
    const char *const headings[] = {"what it counts", unit_name(why), "share"};
    char text[FL_UNIT_TEXT];
    struct fl_table table;
    fl_table_open(&table, "lrr", headings);
    for (int i = 0; i < why->n_parts; i++) {
        fl_table_cell(&table, why->parts[i].label);
        print_figure(&table, why->parts[i].value);
        fl_table_format(&table, "%.2f %%", 100 * (double)why->parts[i].value / (double)why->theirs);
    }
    fl_table_rule(&table);
    fl_table_cell(&table, "reported");
    print_figure(&table, why->theirs);
    fl_table_cell(&table, fl_si_text((double)why->theirs, unit_name(why), text));
    return fl_table_finish(&table, style, out, error);
}

int fl_why_print(const struct fl_why *why, const struct fl_config *config,
                 enum fl_table_style style, FILE *out, struct fl_error *error)
{
    const char *const name = why->request.tool->name;
    char how[96];
    snprintf(how, sizeof how, "how %s has it", name);
    const char *const headings[] = {"from there to ours", how, "FLOP", "figure"};
    fl_wide figure = why->theirs;
    struct fl_table table;

    print_heading(why, config, out);
    if (print_parts(why, style, out, error) != FL_OK)
        return FL_FAILED;
    fputc('\n', out);
    fl_table_open(&table, "llrr", headings);
    print_row(&table, name, "");
    fl_table_cell(&table, "");
    print_figure(&table, figure);
    for (int i = 0; i < why->n_terms; i++) {
        figure += why->terms[i].flops;
        print_row(&table, why->terms[i].term, why->terms[i].note);
        print_signed(&table, why->terms[i].flops);
        print_figure(&table, figure);
    }
    print_row(&table, "unexplained", "");
    print_signed(&table, why->unexplained);
    print_figure(&table, figure + why->unexplained);
    fl_table_rule(&table);
    print_row(&table, goal_name(why), "");
    fl_table_cell(&table, "");
    print_figure(&table, why->ours);
    return fl_table_finish(&table, style, out, error);
}

/* ---- all tools ---- */

/* "term (+12 %), term (-3 %)": the two that weigh most, of ours. */
static void largest_reasons(const struct fl_why *why, char *out, size_t size)
{
    int first = -1, second = -1;
    for (int i = 0; i < why->n_terms; i++) {
        const double weight = fabs((double)why->terms[i].flops);
        if (first < 0 || weight > fabs((double)why->terms[first].flops)) {
            second = first;
            first = i;
        } else if (second < 0 || weight > fabs((double)why->terms[second].flops)) {
            second = i;
        }
    }
    const int which[] = {first, second};
    out[0] = '\0';
    for (int i = 0; i < 2 && which[i] >= 0; i++) {
        const struct fl_why_term *term = &why->terms[which[i]];
        const size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%s (%+.3g %%)", i ? ", " : "", term->term,
                 100 * (double)term->flops / (double)why->ours);
    }
}

int fl_why_print_overview(const struct fl_why *whys, int n, const struct fl_config *config,
                          enum fl_table_style style, FILE *out, struct fl_error *error)
{
    static const char *const HEADINGS[] = {"tool", "reports", "of ours", "unexplained",
                                           "the largest reasons (part of ours)"};
    struct fl_table table;
    char text[FL_UNIT_TEXT], reasons[192];
    fl_wide ours = 0;
    fl_table_open(&table, "lrrrl", HEADINGS);
    for (int i = 0; i < n; i++) {
        const struct fl_why *why = &whys[i];
        fl_table_cell(&table, why->request.tool->name);
        if (why->refused) {
            fl_table_cell(&table, "-");
            fl_table_cell(&table, "-");
            fl_table_cell(&table, "-");
            fl_table_cell(&table, why->refused);
            continue;
        }
        ours = why->ours;
        largest_reasons(why, reasons, sizeof reasons);
        fl_table_cell(&table, fl_si_text((double)why->theirs, unit_name(why), text));
        fl_table_format(&table, "%.4f", (double)why->theirs / (double)why->ours);
        print_figure(&table, why->unexplained);
        fl_table_cell(&table, why->n_terms ? reasons : "none: the same figure");
    }
    print_shape(config, &whys[0].request.shape, out);
    fprintf(out, "%s: %s is %s\n\n",
            whys[0].request.headless ? ", other tools without the lm_head" : "",
            goal_name(&whys[0]), fl_si_text((double)ours, "FLOP", text));
    return fl_table_finish(&table, style, out, error);
}

int fl_why_print_tools(FILE *out, struct fl_error *error)
{
    static const char *const HEADINGS[] = {"tool", "counts", "version", "what it is"};
    static const char *const UNITS[] = {
        [FL_TOOL_FLOP] = "FLOP", [FL_TOOL_MAC] = "MAC", [FL_TOOL_BOTH] = "FLOP, MAC"};
    int n;
    const struct fl_tool *tools = fl_tools(&n);
    struct fl_table table;
    fl_table_open(&table, "llll", HEADINGS);
    for (int i = 0; i < n; i++) {
        fl_table_cell(&table, tools[i].name);
        fl_table_cell(&table, UNITS[tools[i].units]);
        fl_table_cell(&table, tools[i].version);
        fl_table_cell(&table, tools[i].title);
    }
    return fl_table_finish(&table, FL_TABLE_TEXT, out, error);
}

/* ---- for programs ---- */

static void csv_row(struct fl_table *table, const struct fl_why *why, const char *kind,
                    const char *name, const char *note, const char *unit, fl_wide value)
{
    char digits[FL_WIDE_DIGITS];
    fl_table_cell(table, why->request.tool->name);
    fl_table_cell(table, kind);
    fl_table_cell(table, name);
    fl_table_cell(table, note);
    fl_table_cell(table, unit);
    fl_table_cell(table, fl_wide_text(value, digits));
}

int fl_why_print_csv(const struct fl_why *whys, int n, FILE *out, struct fl_error *error)
{
    static const char *const HEADINGS[] = {"tool", "kind", "name", "note", "unit", "value"};
    struct fl_table table;
    fl_table_open(&table, "lllllr", HEADINGS);
    for (int i = 0; i < n; i++) {
        const struct fl_why *why = &whys[i];
        if (why->refused)
            continue;
        for (int k = 0; k < why->n_parts; k++)
            csv_row(&table, why, "part", why->parts[k].label, "", unit_name(why),
                    why->parts[k].value);
        csv_row(&table, why, "reported", why->request.tool->name, "", unit_name(why), why->theirs);
        for (int k = 0; k < why->n_terms; k++)
            csv_row(&table, why, "term", why->terms[k].term, why->terms[k].note, "FLOP",
                    why->terms[k].flops);
        csv_row(&table, why, "unexplained", "unexplained", "", "FLOP", why->unexplained);
        csv_row(&table, why, "ours", goal_name(why), "", "FLOP", why->ours);
    }
    return fl_table_finish(&table, FL_TABLE_CSV, out, error);
}

static void add_tool(cJSON *item, const struct fl_why *why)
{
    const struct fl_tool *tool = why->request.tool;
    cJSON_AddStringToObject(item, "tool", tool->name);
    cJSON_AddStringToObject(item, "version", tool->version);
    cJSON_AddStringToObject(item, "source", tool->source);
    if (why->refused) {
        cJSON_AddNullToObject(item, "reported");
        cJSON_AddStringToObject(item, "reason", why->refused);
        return;
    }
    cJSON_AddStringToObject(item, "unit", why->request.unit == FL_UNIT_MAC ? "mac" : "flop");
    fl_json_add_wide(item, "reported", why->theirs);
    cJSON *parts = cJSON_AddArrayToObject(item, "parts");
    for (int i = 0; i < why->n_parts; i++) {
        cJSON *part = fl_json_append_object(parts);
        cJSON_AddStringToObject(part, "label", why->parts[i].label);
        fl_json_add_wide(part, "value", why->parts[i].value);
    }
    cJSON *terms = cJSON_AddArrayToObject(item, "terms");
    for (int i = 0; i < why->n_terms; i++) {
        cJSON *term = fl_json_append_object(terms);
        cJSON_AddStringToObject(term, "term", why->terms[i].term);
        cJSON_AddStringToObject(term, "note", why->terms[i].note);
        fl_json_add_wide(term, "flops", why->terms[i].flops);
    }
    fl_json_add_wide(item, "unexplained", why->unexplained);
    cJSON_AddStringToObject(item, "goal", goal_name(why));
    fl_json_add_wide(item, "ours", why->ours);
}

int fl_why_print_json(const struct fl_why *whys, int n, const struct fl_config *config, FILE *out,
                      struct fl_error *error)
{
    const struct fl_shape *shape = &whys[0].request.shape;
    cJSON *root = cJSON_CreateObject();
    fl_json_add_wide(root, "schema", WHY_SCHEMA);
    cJSON_AddStringToObject(root, "model", config->name);
    fl_json_add_wide(root, "batch", shape->batch);
    fl_json_add_wide(root, "n_tokens", shape->n_tokens);
    fl_json_add_wide(root, "n_past", shape->n_past);
    if (shape->n_encoder_tokens > 0)
        fl_json_add_wide(root, "n_encoder_tokens", shape->n_encoder_tokens);
    cJSON_AddBoolToObject(root, "headless", whys[0].request.headless);
    cJSON *tools = cJSON_AddArrayToObject(root, "tools");
    for (int i = 0; i < n; i++)
        add_tool(fl_json_append_object(tools), &whys[i]);
    return fl_json_print(root, out, error);
}
