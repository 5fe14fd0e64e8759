/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_regions.h - running totals, and the regions that take differences of them.
 *
 * The instrumented code knows nothing of regions. Entering a region settles and notes the totals,
 * leaving subtracts. There is one stack of regions for the whole process; Valgrind runs one
 * thread at a time, so nothing here is locked. */
#ifndef FG_REGIONS_H
#define FG_REGIONS_H

#include "counters/flopgrind.h"
#include <pub_tool_basics.h>

/* As of the last fg_signatures_settle(). */
extern struct flopgrind_counts fg_totals;

/* One passage through a region; level 0 is the whole process. Lines are counted per level while it
 * is open (fg_footprint.c), everything else by difference. */
struct fg_level {
    UInt start; /* fg_clock when it was entered */
    ULong lines_read, lines_written;
    struct fg_region *region;            /* NULL at level 0 */
    struct flopgrind_counts at_entry;    /* totals */
    struct flopgrind_counts in_children; /* what the levels above it counted */
};

extern struct fg_level *fg_levels;
extern UInt fg_top;   /* index of the innermost level */
extern UInt fg_clock; /* advances at each ENTER */

/* All passages through the regions of one name. */
struct fg_region {
    HChar *name;
    ULong n_entered;
    UInt n_open;                       /* recursion: only the outermost passage is inclusive */
    struct flopgrind_counts inclusive; /* with the regions inside */
    struct flopgrind_counts self;      /* without */
    struct fg_region *next;            /* in the order of first entry */
};

extern struct fg_region *fg_first_region;

void fg_regions_init(void);
void fg_region_enter(const HChar *name);

/* Fills counts (may be NULL) with those of this passage. False: no region is open. */
Bool fg_region_leave(struct flopgrind_counts *counts);

/* Since the process began. */
void fg_region_totals(struct flopgrind_counts *counts);

/* Closes what is still open; says so. */
void fg_regions_close(void);

/* FLOPs by the convention: add + mul + 2 fma + div + sqrt. */
ULong fg_flops(const struct flopgrind_counts *counts);

#endif
