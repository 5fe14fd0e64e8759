/* lab_quantity.h - figures as people write them: "3.2 GFLOP", "12x", "4 ms", "8.39 亿".
 *
 * A figure is a double in the unit's base: FLOP, bytes, nanoseconds, FLOP per byte, a ratio, per
 * cent. The labs stay below 2^53, so counts are exact. */
#ifndef FL_BENCH_LAB_QUANTITY_H
#define FL_BENCH_LAB_QUANTITY_H

#include "base/error.h"
#include "bench/labs/lab_text.h"

enum fl_lab_unit {
    FL_LAB_NUMBER,
    FL_LAB_FLOP,
    FL_LAB_BYTES,
    FL_LAB_TIME,    /* nanoseconds; a figure without a unit is in milliseconds */
    FL_LAB_TIMES,   /* a ratio: "12x" */
    FL_LAB_PERCENT, /* "4 %" is 4 */
    FL_LAB_FLOP_PER_BYTE,
    FL_LAB_FLOP_PER_S,
    FL_LAB_BYTES_PER_S,
    FL_LAB_TOKENS,
    FL_LAB_TOKENS_PER_S,
    FL_LAB_N_UNITS
};

enum { FL_LAB_FIGURE = 64 };

/* Prefixes k, M, G, T, P, for bytes also Ki, Mi, Gi, and 万, 亿. The unit may be left out; another
 * one than the question's is refused, in the language of the lab. Digits may be grouped by commas,
 * "838,860,800". */
int fl_lab_quantity_parse(double *value, const char *text, enum fl_lab_unit unit,
                          enum fl_lab_language language, struct fl_error *error);

/* Short, with a prefix: "838.9 MFLOP", "4.00 MiB", "12.3x". */
char *fl_lab_quantity_text(double value, enum fl_lab_unit unit, char out[FL_LAB_FIGURE]);

/* All digits where it is a whole number of FLOPs, bytes or things: "838,860,800"; otherwise short.
 */
char *fl_lab_quantity_digits(double value, enum fl_lab_unit unit, char out[FL_LAB_FIGURE]);

/* "flop", "bytes", "ns", ... of the figures in JSON. */
const char *fl_lab_unit_name(enum fl_lab_unit unit);

/* How an answer may look, for the prompt: "3.2 GFLOP". */
const char *fl_lab_unit_example(enum fl_lab_unit unit);

#endif
