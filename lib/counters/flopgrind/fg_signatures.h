/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_signatures.h - what stretches of straight code add to the totals, and how often they ran.
 *
 * A program has tens of thousands of stretches, but only a few thousand different sums of work:
 * all stretches of "three instructions, 32 bytes loaded, eight multiplications" share a signature.
 * Running one then costs one addition to its signature's counter, whatever it holds; the totals are
 * settled when somebody asks for them. */
#ifndef FG_SIGNATURES_H
#define FG_SIGNATURES_H

#include "counters/flopgrind.h"

#include <pub_tool_basics.h>

struct fg_addend {
    UInt counter; /* index of a 64-bit count in struct flopgrind_counts */
    UInt amount;
};

void fg_signatures_init(void);

/* The counter of the stretches that add this, in this order; its address holds for good. */
ULong *fg_signature(const struct fg_addend *addends, UInt n);

/* Adds to the totals what ran since the last time. */
void fg_signatures_settle(struct flopgrind_counts *totals);

#endif
