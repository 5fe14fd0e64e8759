#include "base/units.h"

#include <criterion/criterion.h>
#include <math.h>

static void expect_text(const char *got, const char *expected)
{
    cr_expect_str_eq(got, expected, "got \"%s\", expected \"%s\"", got, expected);
}

Test(units, wide_shows_every_digit)
{
    char out[FL_WIDE_DIGITS];
    expect_text(fl_wide_text(0, out), "0");
    expect_text(fl_wide_text(291648307200, out), "291648307200");
    expect_text(fl_wide_text(-7, out), "-7");
    fl_wide max = (((fl_wide)1 << 126) - 1) * 2 + 1;
    expect_text(fl_wide_text(max, out), "170141183460469231731687303715884105727");
    expect_text(fl_wide_text(-max - 1, out), "-170141183460469231731687303715884105728");
}

Test(units, si_keeps_four_digits)
{
    static const struct {
        double value;
        const char *unit, *expected;
    } CASES[] = {
        {0, "", "0"},
        {12, "", "12"},
        {12, "FLOP", "12 FLOP"},
        {999, "", "999"},
        {0.5, "", "0.5"},
        {1000, "", "1.000 k"},
        {291648307200., "", "291.6 G"},
        {291648307200., "FLOP", "291.6 GFLOP"},
        {1.2344e12, "", "1.234 T"},
        {-1.2344e12, "", "-1.234 T"},
        {12.345e6, "B/s", "12.35 MB/s"},
        {1e24, "", "1.000 Y"},
        {9.9996e3, "", "10.00 k"}, /* rounding adds a digit before the point */
        {999.94e3, "", "999.9 k"},
        {999.96e3, "", "1.000 M"}, /* and here a prefix */
        {999.97, "", "1.000 k"},
        {1e30, "", "1e+06 Y"},
    };
    char out[FL_UNIT_TEXT];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        expect_text(fl_si_text(CASES[i].value, CASES[i].unit, out), CASES[i].expected);
    expect_text(fl_si_text(NAN, "FLOP", out), "nan FLOP");
    expect_text(fl_si_text(INFINITY, "", out), "inf");
}

Test(units, bytes_use_binary_prefixes)
{
    static const struct {
        double bytes;
        const char *expected;
    } CASES[] = {
        {0, "0 B"},
        {512, "512 B"},
        {1023, "1023 B"},
        {1024, "1.000 KiB"},
        {1536, "1.500 KiB"},
        {285.2 * 1048576, "285.2 MiB"},
        {1023 * 1024., "1023 KiB"},
        {1023.9 * 1024, "1.000 MiB"},
        {1.5 * 1099511627776, "1.500 TiB"},
    };
    char out[FL_UNIT_TEXT];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        expect_text(fl_bytes_text(CASES[i].bytes, out), CASES[i].expected);
}

Test(units, time_changes_unit_where_it_rounds)
{
    static const struct {
        double ns;
        const char *expected;
    } CASES[] = {
        {0, "0 s"},
        {0.25, "0.25 ns"},
        {1, "1 ns"},
        {999, "999 ns"},
        {999.7, "1.00 us"},
        {12345, "12.3 us"},
        {1.234e6, "1.23 ms"},
        {999.6e6, "1.00 s"},
        {45.6e9, "45.6 s"},
        {59.94e9, "59.9 s"},
        {59.96e9, "1 m 00 s"},
        {123e9, "2 m 03 s"},
        {3599.4e9, "59 m 59 s"},
        {3600e9, "1 h 00 m"},
        {3719e9, "1 h 02 m"},
        {90061e9, "25 h 01 m"},
    };
    char out[FL_UNIT_TEXT];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        expect_text(fl_time_text(CASES[i].ns, out), CASES[i].expected);
}
