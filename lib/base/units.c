#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

char *fl_wide_text(fl_wide value, char out[FL_WIDE_DIGITS])
{
    char *c = out + FL_WIDE_DIGITS - 1;
    bool negative = value < 0;
    *c = '\0';
    do {
        int digit = (int)(value % 10); /* keeps the sign, so the smallest value needs no negation */
        *--c = (char)('0' + (digit < 0 ? -digit : digit));
        value /= 10;
    } while (value != 0);
    if (negative)
        *--c = '-';
    int n = 0;
    while ((out[n] = c[n]))
        n++;
    return out;
}

/* Decimals that leave `digits` significant ones of x, once it is rounded to them. */
static int decimals_for(double x, int digits)
{
    int decimals = digits - 1;
    double limit = 10, half = 0.5 * pow(10, -decimals);
    for (; decimals > 0 && fabs(x) >= limit - half; decimals--) {
        limit *= 10;
        half *= 10;
    }
    return decimals;
}

/* prefixes[0] stands for no prefix. A value that would round to `step` takes the next one. */
static char *scaled_text(double value, double step, double carry, const char *const *prefixes,
                         int n_prefixes, const char *unit, char *out)
{
    int prefix = 0;
    for (; prefix < n_prefixes - 1 && isfinite(value) && fabs(value) >= carry; prefix++)
        value /= step;
    const char *gap = prefixes[prefix][0] || unit[0] ? " " : "";
    if (!isfinite(value) || fabs(value) >= 1e6)
        snprintf(out, FL_UNIT_TEXT, "%.4g%s%s%s", value, gap, prefixes[prefix], unit);
    else if (prefix == 0)
        snprintf(out, FL_UNIT_TEXT, "%.4g%s%s", value, gap, unit);
    else
        snprintf(out, FL_UNIT_TEXT, "%.*f%s%s%s", decimals_for(value, 4), value, gap,
                 prefixes[prefix], unit);
    return out;
}

char *fl_si_text(double value, const char *unit, char out[FL_UNIT_TEXT])
{
    static const char *const PREFIXES[] = {"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
    return scaled_text(value, 1000, 999.95, PREFIXES, sizeof PREFIXES / sizeof *PREFIXES, unit,
                       out);
}

char *fl_bytes_text(double bytes, char out[FL_UNIT_TEXT])
{
    static const char *const PREFIXES[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
    return scaled_text(bytes, 1024, 1023.5, PREFIXES, sizeof PREFIXES / sizeof *PREFIXES, "B", out);
}

char *fl_time_text(double ns, char out[FL_UNIT_TEXT])
{
    /* a value that rounds to `below` at three digits belongs to the next row */
    static const struct {
        double ns_each, below;
        const char *unit;
    } UNITS[] = {{1, 999.5, "ns"}, {1e3, 999.5, "us"}, {1e6, 999.5, "ms"}, {1e9, 59.95, "s"}};

    if (ns == 0)
        snprintf(out, FL_UNIT_TEXT, "0 s");
    else if (ns < 1 || !isfinite(ns))
        snprintf(out, FL_UNIT_TEXT, "%.3g ns", ns);
    else {
        for (int i = 0; i < (int)(sizeof UNITS / sizeof *UNITS); i++) {
            double value = ns / UNITS[i].ns_each;
            if (value < UNITS[i].below) {
                snprintf(out, FL_UNIT_TEXT, "%.*f %s", i ? decimals_for(value, 3) : 0, value,
                         UNITS[i].unit);
                return out;
            }
        }
        double seconds = round(ns / 1e9), minutes = floor(seconds / 60);
        if (seconds < 3600)
            snprintf(out, FL_UNIT_TEXT, "%.0f m %02.0f s", minutes, seconds - 60 * minutes);
        else {
            minutes = round(seconds / 60);
            snprintf(out, FL_UNIT_TEXT, "%.0f h %02.0f m", floor(minutes / 60), fmod(minutes, 60));
        }
    }
    return out;
}

char *fl_grouped_text(fl_wide value, char out[FL_WIDE_GROUPED])
{
    char digits[FL_WIDE_DIGITS];
    fl_wide_text(value, digits);
    size_t length = strlen(digits), used = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && digits[i - 1] != '-' && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}
