#include "bench/labs/lab_quantity.h"

#include "base/units.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct suffix {
    const char *name; /* any case where ASCII */
    double factor;
};

enum { N_SUFFIXES = 10 };

/* What each unit goes by. Longer names stand before their beginnings. */
static const struct unit {
    const char *name, *example;
    double bare; /* factor of a figure without a unit */
    bool prefixes;
    struct suffix suffixes[N_SUFFIXES];
} UNITS[FL_LAB_N_UNITS] = {
    [FL_LAB_NUMBER] = {"number", "12", 1, true, {{"", 1}}},
    [FL_LAB_FLOP] =
        {"flop", "3.2 GFLOP", 1, true, {{"FLOPs", 1}, {"FLOP", 1}, {"次浮点运算", 1}, {"次", 1}}},
    [FL_LAB_BYTES] =
        {"bytes", "4 MiB", 1, true, {{"bytes", 1}, {"byte", 1}, {"字节", 1}, {"B", 1}}},
    [FL_LAB_TIME] = {"ns",
                     "4 ms",
                     1e6,
                     false,
                     {{"ms", 1e6},
                      {"us", 1e3},
                      {"µs", 1e3},
                      {"ns", 1},
                      {"s", 1e9},
                      {"毫秒", 1e6},
                      {"微秒", 1e3},
                      {"秒", 1e9}}},
    [FL_LAB_TIMES] = {"ratio", "12x", 1, false, {{"times", 1}, {"x", 1}, {"×", 1}, {"倍", 1}}},
    [FL_LAB_PERCENT] = {"percent", "25 %", 1, false, {{"percent", 1}, {"%", 1}, {"％", 1}}},
    [FL_LAB_FLOP_PER_BYTE] =
        {"flop_per_byte",
         "0.5 FLOP/B",
         1,
         true,
         {{"FLOPs/byte", 1}, {"FLOP/byte", 1}, {"FLOP/B", 1}, {"FLOP/字节", 1}, {"次/字节", 1}}},
    [FL_LAB_FLOP_PER_S] =
        {"flop_per_s", "100 GFLOP/s", 1, true, {{"FLOP/s", 1}, {"FLOPS", 1}, {"次/秒", 1}}},
    [FL_LAB_BYTES_PER_S] = {"bytes_per_s", "20 GB/s", 1, true, {{"B/s", 1}, {"字节/秒", 1}}},
    [FL_LAB_TOKENS] =
        {"tokens", "64 tokens", 1, true, {{"tokens", 1}, {"token", 1}, {"个词元", 1}, {"词元", 1}}},
    [FL_LAB_TOKENS_PER_S] =
        {"tokens_per_s", "30 tokens/s", 1, true, {{"tokens/s", 1}, {"词元/秒", 1}}},
};

static const struct suffix PREFIXES[] = {
    {"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}, {"k", 1e3},
    {"K", 1e3},     {"M", 1e6},        {"G", 1e9},           {"T", 1e12},
    {"P", 1e15},    {"万亿", 1e12},    {"万", 1e4},          {"亿", 1e8},
};

const char *fl_lab_unit_name(enum fl_lab_unit unit)
{
    return UNITS[unit].name;
}

const char *fl_lab_unit_example(enum fl_lab_unit unit)
{
    return UNITS[unit].example;
}

/* ---- reading ---- */

enum { NUMBER_TEXT = 64 };

/* The digits in front, without commas between groups of three; *rest is what follows them. */
static bool read_number(double *value, const char *text, const char **rest)
{
    char digits[NUMBER_TEXT];
    size_t n = 0;
    const char *at = text;
    if (*at == '+')
        at++;
    else if (*at == '-' && isdigit((unsigned char)at[1])) /* only a plain number may be negative */
        digits[n++] = *at++;
    for (; n + 1 < sizeof digits; at++) {
        const bool exponent = n > 0 && (*at == 'e' || *at == 'E') &&
                              (isdigit((unsigned char)at[1]) ||
                               ((at[1] == '+' || at[1] == '-') && isdigit((unsigned char)at[2])));
        const bool sign = n > 0 && (*at == '+' || *at == '-') && strchr("eE", digits[n - 1]);
        const bool grouping = n > 0 && *at == ',' && isdigit((unsigned char)at[1]) &&
                              isdigit((unsigned char)at[2]) && isdigit((unsigned char)at[3]) &&
                              !isdigit((unsigned char)at[4]);
        if (grouping)
            continue;
        if (!isdigit((unsigned char)*at) && *at != '.' && !exponent && !sign)
            break;
        digits[n++] = *at;
    }
    digits[n] = '\0';
    char *end;
    *value = strtod(digits, &end);
    *rest = at;
    return n > 0 && *end == '\0' && end != digits && isfinite(*value);
}

/* The factor of what stands behind the number; NaN when it is none of the unit's. */
static double read_suffix(const char *text, const struct unit *unit)
{
    if (*text == '\0')
        return unit->bare;
    for (int i = 0; i < N_SUFFIXES && unit->suffixes[i].name; i++)
        if (strcasecmp(text, unit->suffixes[i].name) == 0)
            return unit->suffixes[i].factor;
    for (size_t i = 0; unit->prefixes && i < sizeof PREFIXES / sizeof *PREFIXES; i++) {
        const size_t length = strlen(PREFIXES[i].name);
        if (strncmp(text, PREFIXES[i].name, length) != 0)
            continue;
        const char *behind = text + length;
        behind += strspn(behind, " ");
        if (*behind == '\0')
            return PREFIXES[i].factor;
        for (int k = 0; k < N_SUFFIXES && unit->suffixes[k].name; k++)
            if (strcasecmp(behind, unit->suffixes[k].name) == 0)
                return PREFIXES[i].factor * unit->suffixes[k].factor;
    }
    return NAN;
}

/* "prediction: expected a figure such as 4 ms, got 'many'"; what NULL: nothing to quote. */
static int refuse(enum fl_lab_unit unit, enum fl_lab_language language, enum fl_lab_string got,
                  const char *what, struct fl_error *error)
{
    const char *const expected = fl_lab_text(language, FL_LAB_TEXT_FIGURE_EXPECTED);
    if (!what)
        return fl_fail(error, "%s %s%s", expected, UNITS[unit].example, fl_lab_text(language, got));
    return fl_fail(error, "%s %s%s '%s'", expected, UNITS[unit].example, fl_lab_text(language, got),
                   what);
}

int fl_lab_quantity_parse(double *value, const char *text, enum fl_lab_unit unit,
                          enum fl_lab_language language, struct fl_error *error)
{
    char trimmed[NUMBER_TEXT + 32];
    const char *rest;
    const char *begin = text + strspn(text, " \t");
    size_t length = strcspn(begin, "\r\n");
    while (length > 0 && (begin[length - 1] == ' ' || begin[length - 1] == '\t'))
        length--;
    if (length >= sizeof trimmed)
        return refuse(unit, language, FL_LAB_TEXT_FIGURE_TOO_LONG, NULL, error);
    memcpy(trimmed, begin, length);
    trimmed[length] = '\0';
    if (!read_number(value, trimmed, &rest) || (*value < 0 && unit != FL_LAB_NUMBER))
        return refuse(unit, language, FL_LAB_TEXT_FIGURE_GOT, trimmed, error);
    rest += strspn(rest, " ");
    const double factor = read_suffix(rest, &UNITS[unit]);
    if (!isfinite(factor))
        return refuse(unit, language, FL_LAB_TEXT_FIGURE_GOT_UNIT, rest, error);
    *value *= factor;
    return FL_OK;
}

/* ---- writing ---- */

static bool is_whole(double value)
{
    return value == floor(value) && fabs(value) < 0x1p53;
}

static char *whole_text(double value, char out[FL_LAB_FIGURE])
{
    char digits[FL_WIDE_GROUPED];
    snprintf(out, FL_LAB_FIGURE, "%s", fl_grouped_text((fl_wide)value, digits));
    return out;
}

char *fl_lab_quantity_text(double value, enum fl_lab_unit unit, char out[FL_LAB_FIGURE])
{
    char text[FL_UNIT_TEXT];
    switch (unit) {
    case FL_LAB_FLOP:
        fl_si_text(value, "FLOP", text);
        break;
    case FL_LAB_BYTES:
        fl_bytes_text(value, text);
        break;
    case FL_LAB_TIME:
        fl_time_text(value, text);
        break;
    case FL_LAB_TIMES:
        snprintf(text, sizeof text,
                 fabs(value) < 0.995   ? "%.3gx"
                 : fabs(value) < 9.995 ? "%.2fx"
                                       : "%.1fx",
                 value);
        break;
    case FL_LAB_PERCENT:
        snprintf(text, sizeof text, "%.3g %%", value);
        break;
    case FL_LAB_FLOP_PER_BYTE:
        snprintf(text, sizeof text, "%.3g FLOP/B", value);
        break;
    case FL_LAB_FLOP_PER_S:
        fl_si_text(value, "FLOP/s", text);
        break;
    case FL_LAB_BYTES_PER_S:
        fl_si_text(value, "B/s", text);
        break;
    case FL_LAB_TOKENS_PER_S:
        snprintf(text, sizeof text, "%.3g tokens/s", value);
        break;
    default:
        if (is_whole(value))
            return whole_text(value, out);
        snprintf(text, sizeof text, "%.3g", value);
    }
    snprintf(out, FL_LAB_FIGURE, "%s", text);
    return out;
}

char *fl_lab_quantity_digits(double value, enum fl_lab_unit unit, char out[FL_LAB_FIGURE])
{
    const bool counts = unit == FL_LAB_NUMBER || unit == FL_LAB_FLOP || unit == FL_LAB_BYTES ||
                        unit == FL_LAB_TOKENS;
    return counts && is_whole(value) ? whole_text(value, out)
                                     : fl_lab_quantity_text(value, unit, out);
}
