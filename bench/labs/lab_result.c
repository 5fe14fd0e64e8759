/* lab_result.c - building a lab's result, and judging predictions by it. */
#include "bench/labs/lab.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct fl_lab_label fl_lab_word(enum fl_lab_string string)
{
    return (struct fl_lab_label){.string = string};
}

struct fl_lab_label fl_lab_label(enum fl_lab_string string, const char *format, ...)
{
    struct fl_lab_label label = {.string = string};
    va_list args;
    va_start(args, format);
    vsnprintf(label.text, sizeof label.text, format, args);
    va_end(args);
    return label;
}

void fl_lab_set(struct fl_lab_result *result, struct fl_lab_label label, double value,
                enum fl_lab_unit unit)
{
    assert(result->n_settings < FL_LAB_SETTINGS_MAX);
    result->settings[result->n_settings++] = (struct fl_lab_setting){label, value, unit};
}

void fl_lab_note_spread(struct fl_lab_result *result, double fastest, double slowest)
{
    if (fastest > 0 && slowest / fastest > result->spread)
        result->spread = slowest / fastest;
}

void fl_lab_answer(struct fl_lab_result *result, int question, double expected, double actual)
{
    result->answers[question].expected = expected;
    result->answers[question].actual = actual;
}

void fl_lab_slip(struct fl_lab_result *result, int question, double value, enum fl_lab_string why)
{
    struct fl_lab_answer *answer = &result->answers[question];
    assert(answer->n_slips < FL_LAB_SLIPS_MAX);
    answer->slips[answer->n_slips++] = (struct fl_lab_slip){value, why};
}

struct fl_lab_table *fl_lab_add_table(struct fl_lab_result *result, enum fl_lab_string title,
                                      enum fl_lab_string labels,
                                      const struct fl_lab_column *columns, int n)
{
    assert(result->n_tables < FL_LAB_TABLES_MAX && n <= FL_LAB_COLUMNS_MAX);
    struct fl_lab_table *table = &result->tables[result->n_tables++];
    *table = (struct fl_lab_table){.title = title, .labels = labels, .n_columns = n};
    memcpy(table->columns, columns, (size_t)n * sizeof *columns);
    return table;
}

void fl_lab_add_row(struct fl_lab_table *table, struct fl_lab_label label, const double *values)
{
    assert(table->n_rows < FL_LAB_ROWS_MAX);
    struct fl_lab_row *row = &table->rows[table->n_rows++];
    row->label = label;
    memcpy(row->values, values, (size_t)table->n_columns * sizeof *values);
}

struct fl_lab_account *fl_lab_add_account(struct fl_lab_result *result, enum fl_lab_string title,
                                          bool product)
{
    assert(result->n_accounts < FL_LAB_ACCOUNTS_MAX);
    struct fl_lab_account *account = &result->accounts[result->n_accounts++];
    *account = (struct fl_lab_account){.title = title, .product = product};
    return account;
}

void fl_lab_add_term(struct fl_lab_account *account, struct fl_lab_label label, double value,
                     enum fl_lab_unit unit)
{
    assert(account->n_terms < FL_LAB_TERMS_MAX);
    account->terms[account->n_terms++] = (struct fl_lab_term){label, value, unit};
}

double fl_lab_left_over(const struct fl_lab_account *account)
{
    const int last = account->n_terms - 1;
    double value = account->terms[0].value;
    for (int i = 1; i < last; i++)
        value =
            account->product ? value * account->terms[i].value : value + account->terms[i].value;
    return account->product ? account->terms[last].value / value - 1
                            : account->terms[last].value - value;
}

/* ---- judging ---- */

const char *const fl_lab_verdict_names[] = {"unasked", "right", "close", "off"};

static const double WITHIN_COUNTED = 0.01, WITHIN_MEASURED = 0.25, WITHIN_SLIP = 0.01;

static bool is_near(double x, double y, double tolerance)
{
    return fabs(x - y) <= tolerance * fabs(y) || x == y;
}

enum fl_lab_verdict fl_lab_judge(const struct fl_lab_question *question,
                                 const struct fl_lab_answer *answer, double prediction,
                                 const struct fl_lab_slip **slip)
{
    *slip = NULL;
    if (isnan(prediction))
        return FL_LAB_UNASKED;
    const double tolerance = question->exact ? WITHIN_COUNTED : WITHIN_MEASURED;
    if (is_near(prediction, answer->actual, tolerance) ||
        is_near(prediction, answer->expected, WITHIN_COUNTED))
        return FL_LAB_RIGHT;
    for (int i = 0; i < answer->n_slips && !*slip; i++)
        if (is_near(prediction, answer->slips[i].value, WITHIN_SLIP))
            *slip = &answer->slips[i];
    const double ratio = prediction / answer->actual;
    return ratio >= 0.5 && ratio <= 2 && !*slip ? FL_LAB_CLOSE : FL_LAB_OFF;
}
