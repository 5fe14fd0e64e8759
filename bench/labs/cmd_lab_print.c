/* cmd_lab_print.c - a lab for a terminal. */
#include "bench/labs/cmd_lab_print.h"

#include "model/presets.h"
#include "reports/table.h"

#include <math.h>
#include <string.h>

#define T(id) fl_lab_text(view->language, FL_LAB_TEXT_##id)

char *fl_lab_label_text(enum fl_lab_language language, const struct fl_lab_label *label, char *out,
                        size_t size)
{
    const char *word = fl_lab_text(language, label->string);
    snprintf(out, size, "%s%s%s", word, *word && label->text[0] ? " " : "", label->text);
    return out;
}

static void print_heading(const char *text, FILE *out)
{
    fprintf(out, "\n%s\n", text);
    for (int i = 0; i < fl_text_width(text); i++)
        fputs("─", out);
    fputc('\n', out);
}

void fl_lab_print_list(enum fl_lab_language language, FILE *out)
{
    const char *const headings[] = {fl_lab_text(language, FL_LAB_TEXT_NUMBER),
                                    fl_lab_text(language, FL_LAB_TEXT_NAME),
                                    fl_lab_text(language, FL_LAB_TEXT_TITLE)};
    struct fl_table table;
    fprintf(out, "%s\n\n", fl_lab_text(language, FL_LAB_TEXT_LABS));
    fl_table_open(&table, "lll", headings);
    for (int i = 0; i < fl_lab_count(); i++) {
        const struct fl_lab *lab = fl_lab_at(i);
        fl_table_cell(&table, fl_lab_id(lab));
        fl_table_cell(&table, lab->name);
        fl_table_cell(&table, fl_lab_text(language, lab->title));
    }
    fl_table_print(&table, FL_TABLE_TEXT, out);
    fl_table_close(&table);
    fprintf(out, "\n%s\n", fl_lab_text(language, FL_LAB_TEXT_LABS_HINT));
}

/* ---- before the experiment ---- */

static void print_model(const struct fl_lab_view *view, FILE *out)
{
    const struct fl_lab *lab = view->run->lab;
    if (!lab->model)
        return;
    const struct fl_config *config = &fl_preset_find(lab->model)->config;
    fprintf(out, "\n%s%s%s, L = %d, h = %d, n_h = %d, d_h = %d, f = %d, V = %d, f32; %d %s\n",
            T(MODEL), T(COLON), config->name, config->n_layers, config->d_model, config->n_heads,
            config->head_dim, config->d_ff, config->vocab_size, view->run->n_threads, T(THREADS));
    fprintf(out, "%s\n", T(WEIGHTS_RANDOM));
}

void fl_lab_print_opening(const struct fl_lab_view *view, FILE *out)
{
    const struct fl_lab *lab = view->run->lab;
    const struct fl_lab_result *result = &view->run->result;
    char title[256];
    snprintf(title, sizeof title, "%s %s%s%s", T(LAB), fl_lab_id(lab), T(COLON),
             fl_lab_text(view->language, lab->title));
    print_heading(title, out);
    fl_lab_print_wrapped(fl_lab_text(view->language, lab->aim), 0, FL_LAB_WIDTH, out);
    print_model(view, out);
    for (int i = 0; i < result->n_settings; i++) {
        char label[256], value[FL_LAB_FIGURE];
        fprintf(out, "  %s%s%s\n",
                fl_lab_label_text(view->language, &result->settings[i].label, label, sizeof label),
                T(COLON),
                fl_lab_quantity_text(result->settings[i].value, result->settings[i].unit, value));
    }
}

void fl_lab_print_question(const struct fl_lab_view *view, int question, FILE *out)
{
    char number[64];
    snprintf(number, sizeof number, "%s %d", T(QUESTION), question + 1);
    fprintf(out, "\n%s\n", number);
    fl_lab_print_wrapped(fl_lab_text(view->language, view->run->lab->questions[question].text), 2,
                         FL_LAB_WIDTH, out);
}

/* ---- the questions and their figures ---- */

enum { LABEL_COLUMNS = 16 };

static void print_figure_line(const char *label, double value, enum fl_lab_unit unit, FILE *out)
{
    char digits[FL_LAB_FIGURE], text[FL_LAB_FIGURE];
    if (isnan(value))
        return;
    fputs("    ", out);
    fl_lab_print_padded(label, LABEL_COLUMNS, out);
    fl_lab_quantity_digits(value, unit, digits);
    fl_lab_quantity_text(value, unit, text);
    if (strcmp(digits, text) == 0)
        fprintf(out, "%s\n", text);
    else
        fprintf(out, "%s (%s)\n", digits, text);
}

static void print_verdict(const struct fl_lab_view *view, int question, FILE *out)
{
    const struct fl_lab_slip *slip;
    const struct fl_lab_answer *answer = &view->run->result.answers[question];
    const double prediction = view->predictions[question];
    const enum fl_lab_verdict verdict =
        fl_lab_judge(&view->run->lab->questions[question], answer, prediction, &slip);
    if (verdict == FL_LAB_UNASKED)
        return;
    fputs("    ", out);
    fl_lab_print_padded(T(VERDICT), LABEL_COLUMNS, out);
    if (verdict == FL_LAB_RIGHT)
        fprintf(out, "%s\n", T(RIGHT));
    else if (verdict == FL_LAB_CLOSE)
        fprintf(out, "%s\n", T(CLOSE));
    else if (prediction * answer->actual > 0) {
        const double ratio = prediction / answer->actual;
        fprintf(out, "%s %.3g\n", T(OFF), ratio >= 1 ? ratio : 1 / ratio);
    } else
        fprintf(out, "%s\n", T(WRONG));
    if (slip)
        fl_lab_print_wrapped(fl_lab_text(view->language, slip->why), 4 + LABEL_COLUMNS,
                             FL_LAB_WIDTH, out);
}

static void print_rule(const struct fl_lab_view *view, const struct fl_lab_question *question,
                       FILE *out)
{
    fputs("    ", out);
    fl_lab_print_padded(T(RULE), LABEL_COLUMNS, out);
    fprintf(out, "%s\n", fl_lab_text(view->language, question->rule));
}

/* The lecturer's: what to expect, before anything that was measured. */
static void print_answers(const struct fl_lab_view *view, FILE *out)
{
    const struct fl_lab *lab = view->run->lab;
    print_heading(T(ANSWERS), out);
    for (int i = 0; i < lab->n_questions; i++) {
        fl_lab_print_question(view, i, out);
        print_figure_line(T(EXPECTED), view->run->result.answers[i].expected,
                          lab->questions[i].unit, out);
        print_rule(view, &lab->questions[i], out);
    }
    fputc('\n', out);
    fl_lab_print_wrapped(fl_lab_text(view->language, lab->explanation), 0, FL_LAB_WIDTH, out);
}

static void print_predictions(const struct fl_lab_view *view, FILE *out)
{
    const struct fl_lab *lab = view->run->lab;
    print_heading(T(PREDICTION_AND_MEASUREMENT), out);
    for (int i = 0; i < lab->n_questions; i++) {
        const struct fl_lab_question *question = &lab->questions[i];
        const struct fl_lab_answer *answer = &view->run->result.answers[i];
        fl_lab_print_question(view, i, out);
        print_figure_line(T(YOU), view->predictions[i], question->unit, out);
        print_figure_line(T(EXPECTED), answer->expected, question->unit, out);
        print_figure_line(question->exact ? T(COUNTED_HERE) : T(MEASURED_HERE), answer->actual,
                          question->unit, out);
        print_rule(view, question, out);
        print_verdict(view, i, out);
    }
}

/* ---- tables and accounts ---- */

static void put_row(struct fl_table *out, const struct fl_lab_table *table,
                    const struct fl_lab_row *row, enum fl_lab_language language)
{
    char text[256];
    if (row->label.string == FL_LAB_TEXT_SUM)
        fl_table_rule(out);
    fl_table_cell(out, fl_lab_label_text(language, &row->label, text, sizeof text));
    for (int k = 0; k < table->n_columns; k++) {
        char value[FL_LAB_FIGURE] = "";
        const struct fl_lab_column *column = &table->columns[k];
        if (!isnan(row->values[k]) && column->digits)
            fl_lab_quantity_digits(row->values[k], column->unit, value);
        else if (!isnan(row->values[k]))
            fl_lab_quantity_text(row->values[k], column->unit, value);
        fl_table_cell(out, value);
    }
}

static bool print_table(const struct fl_lab_view *view, const struct fl_lab_table *table, FILE *out)
{
    static const char ALIGNMENT[] = "lrrrrrrrr";
    const char *headings[FL_LAB_COLUMNS_MAX + 1];
    char alignment[FL_LAB_COLUMNS_MAX + 2];
    struct fl_table text;
    headings[0] = fl_lab_text(view->language, table->labels);
    for (int k = 0; k < table->n_columns; k++)
        headings[k + 1] = fl_lab_text(view->language, table->columns[k].heading);
    snprintf(alignment, sizeof alignment, "%.*s", table->n_columns + 1, ALIGNMENT);
    print_heading(fl_lab_text(view->language, table->title), out);
    fl_table_open(&text, alignment, headings);
    for (int i = 0; i < table->n_rows; i++)
        put_row(&text, table, &table->rows[i], view->language);
    const bool good = fl_table_print(&text, FL_TABLE_TEXT, out);
    fl_table_close(&text);
    return good;
}

/* Small against what the terms are about: rounding of doubles. */
static bool is_nothing(double left_over, double whole)
{
    return fabs(left_over) <= 1e-9 * fabs(whole);
}

static void print_account(const struct fl_lab_view *view, const struct fl_lab_account *account,
                          FILE *out)
{
    char label[256], value[FL_LAB_FIGURE];
    const int last = account->n_terms - 1;
    print_heading(fl_lab_text(view->language, account->title), out);
    for (int i = 0; i <= last; i++) {
        const struct fl_lab_term *term = &account->terms[i];
        const double shown =
            i > 0 && i < last && !account->product ? fabs(term->value) : term->value;
        const char *sign = i == 0             ? " "
                           : i == last        ? "="
                           : account->product ? "×"
                           : term->value < 0  ? "-"
                                              : "+";
        fprintf(out, "  %s ", sign);
        fl_lab_print_padded(fl_lab_quantity_digits(shown, term->unit, value), -18, out);
        fprintf(out, "  %s\n",
                fl_lab_label_text(view->language, &term->label, label, sizeof label));
    }
    const double left_over = fl_lab_left_over(account);
    const double whole = account->product ? 1 : account->terms[last].value;
    if (is_nothing(left_over, whole))
        fprintf(out, "    %s\n", T(NOTHING_LEFT_OVER));
    else
        fprintf(out, "    %s%s%s\n", T(LEFT_OVER), T(COLON),
                account->product
                    ? fl_lab_quantity_text(100 * left_over, FL_LAB_PERCENT, value)
                    : fl_lab_quantity_digits(left_over, account->terms[last].unit, value));
}

/* ---- the whole ---- */

static void print_commands(const struct fl_lab_view *view, FILE *out)
{
    print_heading(T(GO_ON), out);
    for (const char *line = view->run->lab->commands; *line;) {
        const size_t length = strcspn(line, "\n");
        fprintf(out, "  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* Rounds that differ by more than this: the times are of the machine's other work, too. */
static const double SPREAD_OF_A_BUSY_MACHINE = 1.5;

static void print_spread(const struct fl_lab_view *view, FILE *out)
{
    const struct fl_lab_result *result = &view->run->result;
    char spread[FL_LAB_FIGURE];
    if (result->spread > SPREAD_OF_A_BUSY_MACHINE)
        fprintf(out, "\n%s%s%s\n", T(BUSY), T(COLON),
                fl_lab_quantity_text(result->spread, FL_LAB_TIMES, spread));
    else if (result->cut_short)
        fprintf(out, "\n%s\n", T(CUT_SHORT));
    else
        return;
    fprintf(out, "%s\n", T(BUSY_HINT));
}

bool fl_lab_print_outcome(const struct fl_lab_view *view, FILE *out)
{
    const struct fl_lab_result *result = &view->run->result;
    bool good = true;
    if (view->answers)
        print_answers(view, out);
    for (int i = 0; i < result->n_tables; i++)
        good = print_table(view, &result->tables[i], out) && good;
    print_heading(fl_lab_text(view->language, result->figure.title), out);
    fl_lab_print_figure(view, out);
    print_spread(view, out);
    print_predictions(view, out);
    for (int i = 0; i < result->n_accounts; i++)
        print_account(view, &result->accounts[i], out);
    if (!view->answers) {
        print_heading(T(WHY), out);
        fl_lab_print_wrapped(fl_lab_text(view->language, view->run->lab->explanation), 0,
                             FL_LAB_WIDTH, out);
    }
    print_commands(view, out);
    return good;
}
