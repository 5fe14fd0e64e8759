/* cmd_lab_json.c - a lab for programs: figures in base units, names that no language changes. */
#include "bench/labs/cmd_lab_print.h"

#include "reports/json_text.h"

#include <ctype.h>
#include <math.h>

/* A member's name and its colon. */
static void put_name(FILE *out, const char *name)
{
    fprintf(out, "\"%s\": ", name);
}

static void put_number(FILE *out, double value)
{
    if (!isfinite(value))
        fputs("null", out);
    else if (value == floor(value) && fabs(value) < 0x1p53)
        fprintf(out, "%.0f", value);
    else
        fprintf(out, "%.9g", value);
}

static void put_text(FILE *out, const char *name, const char *text)
{
    put_name(out, name);
    fl_json_text(out, text);
}

/* "BYTE_RATE" as "byte_rate". */
static void put_string_name(FILE *out, enum fl_lab_string string)
{
    fputc('"', out);
    for (const char *c = fl_lab_string_name(string); *c; c++)
        fputc(tolower((unsigned char)*c), out);
    fputc('"', out);
}

static void put_label(FILE *out, const struct fl_lab_view *view, const struct fl_lab_label *label)
{
    char text[256];
    put_text(out, "label", fl_lab_label_text(view->language, label, text, sizeof text));
}

static void put_question(FILE *out, const struct fl_lab_view *view, int i)
{
    const struct fl_lab_question *question = &view->run->lab->questions[i];
    const struct fl_lab_answer *answer = &view->run->result.answers[i];
    const struct fl_lab_slip *slip;
    const enum fl_lab_verdict verdict = fl_lab_judge(question, answer, view->predictions[i], &slip);
    fputs(i > 0 ? ",\n    {" : "\n    {", out);
    put_text(out, "key", question->key);
    fputs(", ", out);
    put_text(out, "text", fl_lab_text(view->language, question->text));
    fputs(",\n     ", out);
    put_text(out, "unit", fl_lab_unit_name(question->unit));
    fprintf(out, ", \"exact\": %s, \"prediction\": ", question->exact ? "true" : "false");
    put_number(out, view->predictions[i]);
    fputs(", \"expected\": ", out);
    put_number(out, answer->expected);
    fputs(", \"actual\": ", out);
    put_number(out, answer->actual);
    fprintf(out, ", \"verdict\": \"%s\", \"slip\": ", fl_lab_verdict_names[verdict]);
    if (slip)
        fl_json_text(out, fl_lab_text(view->language, slip->why));
    else
        fputs("null", out);
    fputs(",\n     ", out);
    put_text(out, "reasoning", fl_lab_text(view->language, question->rule));
    fputc('}', out);
}

static void put_table(FILE *out, const struct fl_lab_view *view, const struct fl_lab_table *table)
{
    put_text(out, "title", fl_lab_text(view->language, table->title));
    fputs(", \"columns\": [", out);
    for (int k = 0; k < table->n_columns; k++) {
        fputs(k > 0 ? ", {\"name\": " : "{\"name\": ", out);
        put_string_name(out, table->columns[k].heading);
        fputs(", ", out);
        put_text(out, "unit", fl_lab_unit_name(table->columns[k].unit));
        fputc('}', out);
    }
    fputs("],\n     \"rows\": [", out);
    for (int i = 0; i < table->n_rows; i++) {
        fputs(i > 0 ? ",\n      {" : "\n      {", out);
        put_label(out, view, &table->rows[i].label);
        fputs(", \"values\": [", out);
        for (int k = 0; k < table->n_columns; k++) {
            fputs(k > 0 ? ", " : "", out);
            put_number(out, table->rows[i].values[k]);
        }
        fputs("]}", out);
    }
    fputs("]", out);
}

/* A figure with its label and unit. */
static void put_figure(FILE *out, const struct fl_lab_view *view, const struct fl_lab_label *label,
                       double value, enum fl_lab_unit unit)
{
    put_label(out, view, label);
    fputs(", \"value\": ", out);
    put_number(out, value);
    fputs(", ", out);
    put_text(out, "unit", fl_lab_unit_name(unit));
}

static void put_account(FILE *out, const struct fl_lab_view *view,
                        const struct fl_lab_account *account)
{
    put_text(out, "title", fl_lab_text(view->language, account->title));
    fprintf(out, ", \"operation\": \"%s\", \"left_over\": ", account->product ? "product" : "sum");
    put_number(out, fl_lab_left_over(account));
    fputs(",\n     \"terms\": [", out);
    for (int i = 0; i < account->n_terms; i++) {
        fputs(i > 0 ? ",\n      {" : "\n      {", out);
        put_figure(out, view, &account->terms[i].label, account->terms[i].value,
                   account->terms[i].unit);
        fputc('}', out);
    }
    fputs("]", out);
}

static void put_settings(FILE *out, const struct fl_lab_view *view)
{
    const struct fl_lab_result *result = &view->run->result;
    fputs("  \"settings\": [", out);
    for (int i = 0; i < result->n_settings; i++) {
        fputs(i > 0 ? ", {" : "{", out);
        put_figure(out, view, &result->settings[i].label, result->settings[i].value,
                   result->settings[i].unit);
        fputc('}', out);
    }
    fputs("],\n", out);
}

void fl_lab_print_json(const struct fl_lab_view *view, FILE *out)
{
    const struct fl_lab *lab = view->run->lab;
    const struct fl_lab_result *result = &view->run->result;
    fputs("{\n  \"schema\": 1,\n  ", out);
    put_text(out, "lab", fl_lab_id(lab));
    fputs(", ", out);
    put_text(out, "name", lab->name);
    fputs(", ", out);
    put_text(out, "language", fl_lab_language_names[view->language]);
    fputs(",\n  ", out);
    put_text(out, "title", fl_lab_text(view->language, lab->title));
    fputs(",\n  ", out);
    put_name(out, "model");
    if (lab->model)
        fl_json_text(out, lab->model);
    else
        fputs("null", out);
    fputs(",\n", out);
    put_settings(out, view);
    fputs("  \"spread\": ", out);
    put_number(out, result->spread > 0 ? result->spread : NAN);
    fputs(",\n  \"questions\": [", out);
    for (int i = 0; i < lab->n_questions; i++)
        put_question(out, view, i);
    fputs("],\n  \"tables\": [", out);
    for (int i = 0; i < result->n_tables; i++) {
        fputs(i > 0 ? ",\n    {" : "\n    {", out);
        put_table(out, view, &result->tables[i]);
        fputc('}', out);
    }
    fputs("],\n  \"accounts\": [", out);
    for (int i = 0; i < result->n_accounts; i++) {
        fputs(i > 0 ? ",\n    {" : "\n    {", out);
        put_account(out, view, &result->accounts[i]);
        fputc('}', out);
    }
    fputs("],\n  ", out);
    put_text(out, "explanation", fl_lab_text(view->language, lab->explanation));
    fputs("\n}\n", out);
}

void fl_lab_print_list_json(enum fl_lab_language language, FILE *out)
{
    fputs("{\n  \"schema\": 1,\n  \"labs\": [", out);
    for (int i = 0; i < fl_lab_count(); i++) {
        const struct fl_lab *lab = fl_lab_at(i);
        fputs(i > 0 ? ",\n    {" : "\n    {", out);
        put_text(out, "lab", fl_lab_id(lab));
        fputs(", ", out);
        put_text(out, "name", lab->name);
        fputs(", ", out);
        put_text(out, "title", fl_lab_text(language, lab->title));
        fputc('}', out);
    }
    fputs("]\n}\n", out);
}
