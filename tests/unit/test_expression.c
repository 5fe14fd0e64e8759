#include "ledger/expression.h"

#include <criterion/criterion.h>
#include <string.h>

static struct fl_rational values[FL_N_SYMBOLS];

static void set(enum fl_symbol symbol, int64_t value)
{
    values[symbol] = fl_rational_whole(value);
}

static struct fl_rational evaluate(const char *text)
{
    struct fl_expression expression;
    struct fl_rational value = {0, 0};
    cr_assert(fl_expression_parse(&expression, text), "%s", text);
    cr_assert(fl_expression_evaluate(&expression, values, &value), "%s", text);
    return value;
}

Test(expression, evaluates_by_precedence)
{
    set(FL_SYMBOL_s, 5);
    set(FL_SYMBOL_p, 3);
    set(FL_SYMBOL_n_h, 12);
    const struct {
        const char *text;
        int64_t num, den;
    } cases[] = {
        {"2 + 3*4", 14, 1},    {"(2 + 3)*4", 20, 1}, {"s^2/2", 25, 2}, {"s*p + s*(s + 1)/2", 30, 1},
        {"20 - 8 - 2", 10, 1}, {"24/4/3", 2, 1},     {"2*s^2", 50, 1}, {"n_h*s", 60, 1},
        {"1/3 + 1/6", 1, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_rational value = evaluate(cases[i].text);
        cr_expect(value.num == cases[i].num && value.den == cases[i].den, "%s", cases[i].text);
    }
}

Test(expression, refuses_what_is_not_a_formula)
{
    static const char *const WRONG[] = {"", "2*", "(s", "s)", "s s", "q", "2**3", "s^", "n_hh"};
    struct fl_expression expression;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        cr_expect_not(fl_expression_parse(&expression, WRONG[i]), "%s", WRONG[i]);
}

Test(expression, reports_overflow_and_division_by_zero)
{
    struct fl_expression expression;
    struct fl_rational value;
    set(FL_SYMBOL_h, INT64_MAX);
    cr_assert(fl_expression_parse(&expression, "h^3"));
    cr_expect_not(fl_expression_evaluate(&expression, values, &value));
    set(FL_SYMBOL_s, 0);
    cr_assert(fl_expression_parse(&expression, "1/s"));
    cr_expect_not(fl_expression_evaluate(&expression, values, &value));
}

Test(expression, keeps_integers_beyond_64_bits)
{
    set(FL_SYMBOL_h, INT64_C(1) << 50);
    struct fl_rational value = evaluate("h^2 + 1");
    char digits[FL_WIDE_DIGITS];
    cr_expect_str_eq(fl_wide_text(value.num, digits), "1267650600228229401496703205377");
}

Test(expression, prints_what_it_evaluates)
{
    struct fl_expression expression;
    char out[256];
    set(FL_SYMBOL_b, 1);
    set(FL_SYMBOL_s, 512);
    set(FL_SYMBOL_h, 768);
    set(FL_SYMBOL_n_kv, 4);
    cr_assert(fl_expression_parse(&expression, "2*b*s*h^2*(n_kv + 1)/2"));
    fl_expression_print(&expression, FL_NOTATION_TEXT, NULL, out, sizeof out);
    cr_expect_str_eq(out, "2·b·s·h²·(n_kv + 1)/2");
    fl_expression_print(&expression, FL_NOTATION_TEXT, values, out, sizeof out);
    cr_expect_str_eq(out, "2·1·512·768²·(4 + 1)/2");
    fl_expression_print(&expression, FL_NOTATION_LATEX, NULL, out, sizeof out);
    cr_expect_str_eq(out, "\\frac{2\\,b\\,s\\,h^{2}\\,(n_{kv} + 1)}{2}");
    char small[8];
    fl_expression_print(&expression, FL_NOTATION_TEXT, NULL, small, sizeof small);
    cr_expect_lt(strlen(small), sizeof small);
}
