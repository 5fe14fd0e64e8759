#include "bench/labs/lab.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct fl_error error;

static const struct {
    const char *text;
    enum fl_lab_unit unit;
    double value;
} GOOD[] = {
    {"3.2 GFLOP", FL_LAB_FLOP, 3.2e9},
    {"3.2GFLOPs", FL_LAB_FLOP, 3.2e9},
    {"  838,860,800\n", FL_LAB_FLOP, 838860800},
    {"8.4e8", FL_LAB_FLOP, 8.4e8},
    {"8.39 亿次", FL_LAB_FLOP, 8.39e8},
    {"1.2 万亿", FL_LAB_FLOP, 1.2e12},
    {"838.9 M", FL_LAB_FLOP, 838.9e6},
    {"12x", FL_LAB_TIMES, 12},
    {"12 倍", FL_LAB_TIMES, 12},
    {".5", FL_LAB_TIMES, 0.5},
    {"4 ms", FL_LAB_TIME, 4e6},
    {"4", FL_LAB_TIME, 4e6},
    {"350us", FL_LAB_TIME, 350e3},
    {"0.25 秒", FL_LAB_TIME, 250e6},
    {"4 MiB", FL_LAB_BYTES, 4194304},
    {"32 KiB", FL_LAB_BYTES, 32768},
    {"100 MB", FL_LAB_BYTES, 100e6},
    {"4 千字节", FL_LAB_BYTES, NAN},
    {"4 字节", FL_LAB_BYTES, 4},
    {"25 %", FL_LAB_PERCENT, 25},
    {"25％", FL_LAB_PERCENT, 25},
    {"0.5 FLOP/byte", FL_LAB_FLOP_PER_BYTE, 0.5},
    {"3072", FL_LAB_TOKENS, 3072},
    {"3 k tokens", FL_LAB_TOKENS, 3000},
    {"20 GB/s", FL_LAB_BYTES_PER_S, 20e9},
    {"-2.5", FL_LAB_NUMBER, -2.5},
};

Test(lab_quantity, reads_figures_with_their_units)
{
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        double value = 0;
        int status =
            fl_lab_quantity_parse(&value, GOOD[i].text, GOOD[i].unit, FL_LAB_ENGLISH, &error);
        if (isnan(GOOD[i].value)) {
            cr_expect_eq(status, FL_FAILED, "%s", GOOD[i].text);
            continue;
        }
        cr_expect_eq(status, FL_OK, "%s: %s", GOOD[i].text, error.text);
        cr_expect(fabs(value - GOOD[i].value) <= 1e-12 * fabs(GOOD[i].value), "%s: %.17g",
                  GOOD[i].text, value);
    }
}

Test(lab_quantity, refuses_nonsense_with_an_example)
{
    static const struct {
        const char *text;
        enum fl_lab_unit unit;
        const char *example;
    } BAD[] = {
        {"many", FL_LAB_FLOP, "3.2 GFLOP"},  {"", FL_LAB_TIME, "4 ms"},
        {"12 apples", FL_LAB_TIMES, "12x"},  {"3 GFLOP", FL_LAB_TIME, "4 ms"},
        {"4 ms", FL_LAB_BYTES, "4 MiB"},     {"-3", FL_LAB_FLOP, "3.2 GFLOP"},
        {"1e999", FL_LAB_FLOP, "3.2 GFLOP"}, {"1..2", FL_LAB_TIMES, "12x"},
        {"nan", FL_LAB_FLOP, "3.2 GFLOP"},   {"0x10", FL_LAB_FLOP, "3.2 GFLOP"},
        {"inf", FL_LAB_TIME, "4 ms"},        {".", FL_LAB_TIMES, "12x"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        double value;
        cr_expect_eq(
            fl_lab_quantity_parse(&value, BAD[i].text, BAD[i].unit, FL_LAB_ENGLISH, &error),
            FL_FAILED, "'%s' was read", BAD[i].text);
        cr_expect(strstr(error.text, BAD[i].example), "'%s': %s", BAD[i].text, error.text);
    }
}

/* In Chinese, too, and without an English word but the figure's unit. */
Test(lab_quantity, refuses_in_the_language_of_the_lab)
{
    static const char *const BAD[][2] = {
        {"many", "预测：应输入如下形式的数值，例如 4 ms，而不是 'many'"},
        {"3 GFLOP", "预测：应输入如下形式的数值，例如 4 ms，单位不符： 'GFLOP'"},
    };
    double value;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        cr_expect_eq(fl_lab_quantity_parse(&value, BAD[i][0], FL_LAB_TIME, FL_LAB_CHINESE, &error),
                     FL_FAILED);
        cr_expect_str_eq(error.text, BAD[i][1]);
    }
}

/* A line longer than any figure neither overruns nor is cut into one that makes sense. */
Test(lab_quantity, refuses_what_is_too_long)
{
    char text[4096];
    double value;
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    cr_expect_eq(fl_lab_quantity_parse(&value, text, FL_LAB_FLOP, FL_LAB_ENGLISH, &error),
                 FL_FAILED);
    memset(text, ' ', 2000);
    text[2080] = '\0';
    cr_expect_eq(fl_lab_quantity_parse(&value, text, FL_LAB_FLOP, FL_LAB_ENGLISH, &error),
                 FL_FAILED);
}

/* What is printed reads back as what it was, to the digits shown. */
Test(lab_quantity, reads_what_it_writes)
{
    static const double VALUES[] = {1, 7, 12, 999, 1234, 838860800, 3.3e11};
    for (int unit = 0; unit < FL_LAB_N_UNITS; unit++)
        for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
            char text[FL_LAB_FIGURE];
            double value;
            if (unit == FL_LAB_TIME && VALUES[i] > 1e10)
                continue; /* "5 m 30 s" is for people */
            fl_lab_quantity_text(VALUES[i], (enum fl_lab_unit)unit, text);
            cr_expect_eq(
                fl_lab_quantity_parse(&value, text, (enum fl_lab_unit)unit, FL_LAB_ENGLISH, &error),
                FL_OK, "%s: %s", text, error.text);
            cr_expect(fabs(value - VALUES[i]) <= 0.006 * VALUES[i], "%s: %g", text, VALUES[i]);
        }
}

/* ---- judging ---- */

static enum fl_lab_verdict judge(bool exact, double prediction, const struct fl_lab_slip **slip)
{
    const struct fl_lab_question question = {.unit = FL_LAB_FLOP, .exact = exact};
    static const struct fl_lab_answer ANSWER = {
        .expected = 1000, .actual = 1100, .slips = {{500, FL_LAB_TEXT_SLIP_MACS}}, .n_slips = 1};
    return fl_lab_judge(&question, &ANSWER, prediction, slip);
}

Test(lab_quantity, judges_by_rule_measurement_and_slip)
{
    const struct fl_lab_slip *slip;
    cr_expect_eq(judge(true, NAN, &slip), FL_LAB_UNASKED);
    cr_expect_eq(judge(true, 1000, &slip), FL_LAB_RIGHT);  /* by the rule */
    cr_expect_eq(judge(true, 1101, &slip), FL_LAB_RIGHT);  /* as counted */
    cr_expect_eq(judge(true, 1300, &slip), FL_LAB_CLOSE);  /* exact figures are held to exactness */
    cr_expect_eq(judge(false, 1300, &slip), FL_LAB_RIGHT); /* measured ones are not */
    cr_expect_eq(judge(true, 11000, &slip), FL_LAB_OFF);
    cr_expect_null(slip);
    cr_expect_eq(judge(true, 500, &slip), FL_LAB_OFF);
    cr_assert_not_null(slip);
    cr_expect_eq(slip->why, FL_LAB_TEXT_SLIP_MACS);
}

/* ---- accounts and words ---- */

Test(lab_quantity, an_account_tells_what_it_leaves_over)
{
    struct fl_lab_account sum = {.n_terms = 3,
                                 .terms = {{.value = 10}, {.value = -3}, {.value = 8}}};
    struct fl_lab_account product = {
        .product = true, .n_terms = 3, .terms = {{.value = 10}, {.value = 0.5}, {.value = 5}}};
    cr_expect_eq(fl_lab_left_over(&sum), 1);
    cr_expect_eq(fl_lab_left_over(&product), 0);
}

static bool has_chinese(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0xe4 &&
            (unsigned char)*text <= 0xef) /* full-width marks, too */
            return true;
    return false;
}

/* No row is left in one language only, and none in the wrong column. */
Test(lab_quantity, every_word_is_there_in_both_languages)
{
    for (int i = 1; i < FL_LAB_N_STRINGS; i++) {
        const enum fl_lab_string string = (enum fl_lab_string)i;
        const char *english = fl_lab_text(FL_LAB_ENGLISH, string);
        const char *chinese = fl_lab_text(FL_LAB_CHINESE, string);
        cr_expect(*english && !has_chinese(english), "%s: '%s'", fl_lab_string_name(string),
                  english);
        cr_expect(*chinese, "%s", fl_lab_string_name(string));
        /* a formula alone is the same in both */
        cr_expect(has_chinese(chinese) || strcmp(english, chinese) == 0, "%s: '%s'",
                  fl_lab_string_name(string), chinese);
    }
}

Test(lab_quantity, labs_are_found_by_number_and_name)
{
    for (int i = 0; i < fl_lab_count(); i++) {
        const struct fl_lab *lab = fl_lab_at(i);
        cr_expect_eq(fl_lab_find(fl_lab_id(lab)), lab);
        cr_expect_eq(fl_lab_find(lab->name), lab);
        cr_expect_gt(lab->n_questions, 0);
    }
    cr_expect_null(fl_lab_find("0"));
    cr_expect_null(fl_lab_find("9"));
    cr_expect_null(fl_lab_find(""));
}
