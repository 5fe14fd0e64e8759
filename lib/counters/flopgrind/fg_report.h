/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_report.h - what is printed when the process ends, and the JSON file. */
#ifndef FG_REPORT_H
#define FG_REPORT_H

#include "counters/flopgrind/fg_cache.h"
#include "counters/flopgrind/fg_regions.h"

struct fg_report {
    const HChar *json; /* file to write, with %p and %q{} as in --log-file; NULL: none */
    const struct fg_cache_size *l1, *ll;
};

/* The table of totals and regions, by VG_(umsg). */
void fg_report_print(const struct fg_report *report);

/* Whether the file of --json can be written. */
Bool fg_report_can_write(const HChar *json);

/* Complains by VG_(umsg) when the file cannot be written; never leaves half a file. */
void fg_report_write_json(const struct fg_report *report);

#endif
