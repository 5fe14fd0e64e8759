#include "ledger/expression.h"

#include <ctype.h>
#include <string.h>

static const struct {
    const char *name, *latex, *meaning;
} SYMBOLS[FL_N_SYMBOLS] = {
#define FL_SYMBOL_ROW(symbol, latex, meaning) {#symbol, latex, meaning},
    FL_SYMBOLS(FL_SYMBOL_ROW)
#undef FL_SYMBOL_ROW
};

const char *fl_symbol_name(enum fl_symbol symbol)
{
    return SYMBOLS[symbol].name;
}

const char *fl_symbol_latex(enum fl_symbol symbol)
{
    return SYMBOLS[symbol].latex;
}

const char *fl_symbol_meaning(enum fl_symbol symbol)
{
    return SYMBOLS[symbol].meaning;
}

/* ---- rationals ---- */

static fl_wide greatest_common_divisor(fl_wide a, fl_wide b)
{
    if (a < 0)
        a = -a;
    while (b) {
        fl_wide rest = a % b;
        a = b;
        b = rest;
    }
    return a ? a : 1;
}

static struct fl_rational lowest_terms(fl_wide num, fl_wide den)
{
    fl_wide divisor = greatest_common_divisor(num, den);
    return (struct fl_rational){num / divisor, den / divisor};
}

bool fl_rational_add(struct fl_rational a, struct fl_rational b, struct fl_rational *out)
{
    fl_wide left, right, num, den;
    if (__builtin_mul_overflow(a.num, b.den, &left) ||
        __builtin_mul_overflow(b.num, a.den, &right) || __builtin_add_overflow(left, right, &num) ||
        __builtin_mul_overflow(a.den, b.den, &den))
        return false;
    *out = lowest_terms(num, den);
    return true;
}

bool fl_rational_multiply(struct fl_rational a, struct fl_rational b, struct fl_rational *out)
{
    /* crosswise reduction keeps the intermediate products small */
    struct fl_rational x = lowest_terms(a.num, b.den), y = lowest_terms(b.num, a.den);
    fl_wide num, den;
    if (__builtin_mul_overflow(x.num, y.num, &num) || __builtin_mul_overflow(x.den, y.den, &den))
        return false;
    *out = (struct fl_rational){num, den};
    return true;
}

/* ---- parsing: recursive descent; every function returns a node's index, or -1 ---- */

struct parser {
    struct fl_expression *out;
    const char *at;
};

static int add_node(struct parser *parser, struct fl_expression_node node)
{
    if (parser->out->n_nodes >= FL_EXPRESSION_NODES)
        return -1;
    parser->out->nodes[parser->out->n_nodes] = node;
    return parser->out->n_nodes++;
}

static char peek(struct parser *parser)
{
    while (*parser->at == ' ')
        parser->at++;
    return *parser->at;
}

static int parse_sum(struct parser *parser);

static int parse_number(struct parser *parser)
{
    fl_wide value = 0;
    while (isdigit((unsigned char)*parser->at))
        value = value * 10 + (*parser->at++ - '0');
    return add_node(parser, (struct fl_expression_node){.kind = 'n', .number = value});
}

static int parse_symbol(struct parser *parser)
{
    size_t length = strspn(parser->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    for (int i = 0; i < FL_N_SYMBOLS; i++)
        if (strlen(SYMBOLS[i].name) == length &&
            strncmp(SYMBOLS[i].name, parser->at, length) == 0) {
            parser->at += length;
            return add_node(parser,
                            (struct fl_expression_node){.kind = 's', .symbol = (enum fl_symbol)i});
        }
    return -1;
}

static int parse_factor(struct parser *parser)
{
    int node;
    char next = peek(parser);
    if (next == '(') {
        parser->at++;
        node = parse_sum(parser);
        if (peek(parser) != ')')
            return -1;
        parser->at++;
    } else if (isdigit((unsigned char)next)) {
        node = parse_number(parser);
    } else {
        node = parse_symbol(parser);
    }
    if (node < 0 || peek(parser) != '^')
        return node;
    parser->at++;
    if (!isdigit((unsigned char)peek(parser)))
        return -1;
    fl_wide power = *parser->at++ - '0';
    return add_node(parser,
                    (struct fl_expression_node){.kind = '^', .number = power, .left = node});
}

/* Left-associative chain of `operations`, operands by `operand`. */
static int parse_chain(struct parser *parser, const char *operations,
                       int (*operand)(struct parser *))
{
    int left = operand(parser);
    while (left >= 0 && peek(parser) && strchr(operations, *parser->at)) {
        char kind = *parser->at++;
        int right = operand(parser);
        if (right < 0)
            return -1;
        left = add_node(parser,
                        (struct fl_expression_node){.kind = kind, .left = left, .right = right});
    }
    return left;
}

static int parse_product(struct parser *parser)
{
    return parse_chain(parser, "*/", parse_factor);
}

static int parse_sum(struct parser *parser)
{
    return parse_chain(parser, "+-", parse_product);
}

bool fl_expression_parse(struct fl_expression *out, const char *text)
{
    *out = (struct fl_expression){0};
    struct parser parser = {out, text};
    out->root = parse_sum(&parser);
    return out->root >= 0 && peek(&parser) == '\0';
}

/* ---- evaluation ---- */

static bool evaluate(const struct fl_expression *expression, int index,
                     const struct fl_rational *values, struct fl_rational *out)
{
    const struct fl_expression_node *node = &expression->nodes[index];
    struct fl_rational left, right;
    if (node->kind == 'n') {
        *out = fl_rational_whole(node->number);
        return true;
    }
    if (node->kind == 's') {
        *out = values[node->symbol];
        return true;
    }
    if (!evaluate(expression, node->left, values, &left))
        return false;
    if (node->kind == '^') {
        *out = fl_rational_whole(1);
        for (fl_wide i = 0; i < node->number; i++)
            if (!fl_rational_multiply(*out, left, out))
                return false;
        return true;
    }
    if (!evaluate(expression, node->right, values, &right))
        return false;
    switch (node->kind) {
    case '-':
        right.num = -right.num;
        return fl_rational_add(left, right, out);
    case '+':
        return fl_rational_add(left, right, out);
    case '/':
        if (right.num == 0)
            return false;
        right = right.num > 0 ? (struct fl_rational){right.den, right.num}
                              : (struct fl_rational){-right.den, -right.num};
        return fl_rational_multiply(left, right, out);
    default:
        return fl_rational_multiply(left, right, out);
    }
}

bool fl_expression_evaluate(const struct fl_expression *expression,
                            const struct fl_rational *values, struct fl_rational *out)
{
    return evaluate(expression, expression->root, values, out);
}

unsigned fl_expression_symbols(const struct fl_expression *expression)
{
    unsigned set = 0;
    for (int i = 0; i < expression->n_nodes; i++)
        if (expression->nodes[i].kind == 's')
            set |= 1u << expression->nodes[i].symbol;
    return set;
}

/* ---- printing ---- */

struct printer {
    const struct fl_expression *expression;
    enum fl_notation notation;
    const struct fl_rational *values;
    char *out;
    size_t size, used;
};

static void put(struct printer *printer, const char *text)
{
    size_t length = strlen(text);
    if (printer->size == 0)
        return;
    if (length > printer->size - 1 - printer->used)
        length = printer->size - 1 - printer->used;
    memcpy(printer->out + printer->used, text, length);
    printer->used += length;
    printer->out[printer->used] = '\0';
}

static void put_value(struct printer *printer, struct fl_rational value)
{
    char digits[FL_WIDE_DIGITS];
    put(printer, fl_wide_text(value.num, digits));
    if (value.den != 1) {
        put(printer, "/");
        put(printer, fl_wide_text(value.den, digits));
    }
}

static void put_power(struct printer *printer, int power)
{
    static const char *const SUPERSCRIPTS[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char digits[FL_WIDE_DIGITS];
    if (printer->notation == FL_NOTATION_TEXT) {
        put(printer, SUPERSCRIPTS[power]);
        return;
    }
    put(printer, "^{");
    put(printer, fl_wide_text(power, digits));
    put(printer, "}");
}

static int precedence(char kind)
{
    switch (kind) {
    case '+':
    case '-':
        return 1;
    case '*':
    case '/':
        return 2;
    case '^':
        return 3;
    default:
        return 4;
    }
}

static void print_node(struct printer *printer, int index);

static void print_operand(struct printer *printer, int index, int least)
{
    bool parentheses = precedence(printer->expression->nodes[index].kind) < least;
    if (parentheses)
        put(printer, "(");
    print_node(printer, index);
    if (parentheses)
        put(printer, ")");
}

static void print_node(struct printer *printer, int index)
{
    const struct fl_expression_node *node = &printer->expression->nodes[index];
    bool latex = printer->notation == FL_NOTATION_LATEX;
    switch (node->kind) {
    case 'n':
        put_value(printer, fl_rational_whole(node->number));
        return;
    case 's':
        if (printer->values)
            put_value(printer, printer->values[node->symbol]);
        else
            put(printer, latex ? SYMBOLS[node->symbol].latex : SYMBOLS[node->symbol].name);
        return;
    case '^':
        print_operand(printer, node->left, 4);
        put_power(printer, (int)node->number);
        return;
    case '/':
        if (latex) {
            put(printer, "\\frac{");
            print_node(printer, node->left);
            put(printer, "}{");
            print_node(printer, node->right);
            put(printer, "}");
            return;
        }
        print_operand(printer, node->left, 2);
        put(printer, "/");
        print_operand(printer, node->right, 3);
        return;
    case '*':
        print_operand(printer, node->left, 2);
        put(printer, !latex ? "·" : printer->values ? " \\cdot " : "\\,");
        print_operand(printer, node->right, 3);
        return;
    default:
        print_operand(printer, node->left, 1);
        put(printer, node->kind == '+' ? " + " : " - ");
        print_operand(printer, node->right, 2);
    }
}

void fl_expression_print(const struct fl_expression *expression, enum fl_notation notation,
                         const struct fl_rational *values, char *out, size_t size)
{
    struct printer printer = {expression, notation, values, out, size, 0};
    if (size)
        out[0] = '\0';
    print_node(&printer, expression->root);
}
