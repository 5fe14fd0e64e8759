/* units.h - the one place that turns numbers into text for people, and exact integers into text
 * for machines. Every function writes into the caller's buffer and returns it. */
#ifndef FL_BASE_UNITS_H
#define FL_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Integers of 128 bits: whole generations of the largest models pass 2^64. */
__extension__ typedef __int128 fl_wide;

enum { FL_WIDE_DIGITS = 48, FL_WIDE_GROUPED = 64, FL_UNIT_TEXT = 32 };

/* All digits, no grouping: "291648307200". */
char *fl_wide_text(fl_wide value, char out[FL_WIDE_DIGITS]);

/* Four significant digits and an SI prefix: "291.6 G", "1.234 T", "0", "12". unit is appended
 * after the prefix: fl_si_text(x, "FLOP", out) gives "291.6 GFLOP". */
char *fl_si_text(double value, const char *unit, char out[FL_UNIT_TEXT]);

/* Binary prefixes: "285.2 MiB". */
char *fl_bytes_text(double bytes, char out[FL_UNIT_TEXT]);

/* All digits in groups of three: "291,648,307,200". */
char *fl_grouped_text(fl_wide value, char out[FL_WIDE_GROUPED]);

/* "1.23 ms", "45.6 s", "2 m 03 s". */
char *fl_time_text(double ns, char out[FL_UNIT_TEXT]);

#endif
