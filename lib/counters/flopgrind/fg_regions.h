/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_regions.h - totals, and the regions that take differences of them.
 *
 * The instrumented code knows nothing of regions. Entering one settles what ran (fg_signatures.h)
 * and notes the totals, leaving subtracts. There is one stack of regions for the whole process;
 * Valgrind runs one thread at a time, so nothing here is locked. */
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
    struct fg_region *next_in_table; /* this and the next are the hash table's */
    UWord hash;
    const HChar *name;
    ULong n_entered;
    UInt n_open;                       /* recursion: only the outermost passage is inclusive */
    struct flopgrind_counts inclusive; /* with the regions inside */
    struct flopgrind_counts self;      /* without */
    struct fg_region *next;            /* in the order of first entry */
};

extern struct fg_region *fg_first_region;

void fg_regions_init(void);

/* name: copied. False: there are too many levels; the region is not counted. */
Bool fg_region_enter(const HChar *name);

/* Fills counts with those of this passage. False: no region is open. */
Bool fg_region_leave(struct flopgrind_counts *counts);

/* The name of the region that was left last; "": none was. */
const HChar *fg_region_last_left(void);

/* Since the process began. */
void fg_region_totals(struct flopgrind_counts *counts);

/* Closes what is still open; says so, unless it was opened before this process was forked. */
void fg_regions_close(void);

/* This process is a child: its regions are open in its parent, too. */
void fg_regions_forked(void);

/* FLOPs by the convention: add + mul + 2 fma + div + sqrt. */
ULong fg_flops(const struct flopgrind_counts *counts);

#endif
