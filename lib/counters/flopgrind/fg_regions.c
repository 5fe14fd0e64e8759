/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counters/flopgrind/fg_regions.h"

#include "counters/flopgrind/fg_signatures.h"

#include <pub_tool_hashtable.h>
#include <pub_tool_libcassert.h>
#include <pub_tool_libcbase.h>
#include <pub_tool_libcprint.h>
#include <pub_tool_mallocfree.h>

struct flopgrind_counts fg_totals;
struct fg_level *fg_levels;
UInt fg_top, fg_clock;
struct fg_region *fg_first_region;

enum { LEVELS = 1024 };
static UInt n_beyond;    /* entered when all levels were taken */
static UInt n_inherited; /* levels that were open when this process was forked */
static const struct fg_region *last_left;
static VgHashTable *regions;
static struct fg_region **next_region = &fg_first_region;

void fg_regions_init(void)
{
    fg_levels = VG_(calloc)("fg.levels", LEVELS, sizeof *fg_levels);
    regions = VG_(HT_construct)("fg.regions");
    fg_clock = 1; /* a line of stamp 0 was never touched */
    fg_levels[0].start = fg_clock;
}

static Word differs(const void *a, const void *b)
{
    return VG_(strcmp)(((const struct fg_region *)a)->name, ((const struct fg_region *)b)->name);
}

/* FNV-1a */
static UWord hash_of(const HChar *name)
{
    UWord hash = 0xcbf29ce484222325UL;
    for (; *name; name++)
        hash = (hash ^ (UChar)*name) * 0x100000001b3UL;
    return hash;
}

static struct fg_region *find_region(const HChar *name)
{
    const struct fg_region wanted = {.hash = hash_of(name), .name = name};
    struct fg_region *region = VG_(HT_gen_lookup)(regions, &wanted, differs);
    if (region)
        return region;
    region = VG_(calloc)("fg.region", 1, sizeof *region);
    region->hash = wanted.hash;
    region->name = VG_(strdup)("fg.region.name", name);
    VG_(HT_add_node)(regions, region);
    *next_region = region;
    next_region = &region->next;
    return region;
}

Bool fg_region_enter(const HChar *name)
{
    if (fg_top + 1 == LEVELS) {
        n_beyond++;
        return False;
    }
    fg_signatures_settle(&fg_totals);
    struct fg_level *level = &fg_levels[++fg_top];
    VG_(memset)(level, 0, sizeof *level);
    level->start = ++fg_clock;
    tl_assert2(fg_clock != 0, "more regions were entered than the clock of 32 bits can tell apart");
    level->region = find_region(name);
    level->region->n_entered++;
    level->region->n_open++;
    level->at_entry = fg_totals;
    return True;
}

/* All members are 64-bit counts; the two flags are left as they are in `to`. */
static void accumulate(struct flopgrind_counts *to, const struct flopgrind_counts *from, int sign)
{
    const ULong has_footprint = to->has_footprint, has_cache = to->has_cache;
    ULong *sum = (ULong *)to;
    const ULong *more = (const ULong *)from;
    for (SizeT i = 0; i < sizeof *to / sizeof *sum; i++)
        sum[i] = sign > 0 ? sum[i] + more[i] : sum[i] - more[i];
    to->has_footprint = has_footprint;
    to->has_cache = has_cache;
}

Bool fg_region_leave(struct flopgrind_counts *counts)
{
    fg_signatures_settle(&fg_totals);
    if (n_beyond > 0) {
        n_beyond--;
        VG_(memset)(counts, 0, sizeof *counts);
        return True;
    }
    if (fg_top == 0)
        return False;
    struct fg_level *level = &fg_levels[fg_top];
    struct fg_region *region = level->region;
    struct flopgrind_counts passage = fg_totals;
    accumulate(&passage, &level->at_entry, -1);
    passage.lines_read = level->lines_read;
    passage.lines_written = level->lines_written;
    fg_top--;
    last_left = region;
    if (n_inherited > fg_top)
        n_inherited = fg_top;

    if (--region->n_open == 0)
        accumulate(&region->inclusive, &passage, +1);
    accumulate(&region->self, &passage, +1);
    accumulate(&region->self, &level->in_children, -1);
    accumulate(&fg_levels[fg_top].in_children, &passage, +1);
    *counts = passage;
    return True;
}

const HChar *fg_region_last_left(void)
{
    return last_left ? last_left->name : "";
}

void fg_region_totals(struct flopgrind_counts *counts)
{
    fg_signatures_settle(&fg_totals);
    *counts = fg_totals;
    counts->lines_read = fg_levels[0].lines_read;
    counts->lines_written = fg_levels[0].lines_written;
}

void fg_regions_close(void)
{
    struct flopgrind_counts ignored;
    n_beyond = 0;
    while (fg_top > 0) {
        if (fg_top > n_inherited)
            VG_(umsg)
        ("flopgrind: region \"%s\" was still open at the end\n", fg_levels[fg_top].region->name);
        fg_region_leave(&ignored);
    }
}

void fg_regions_forked(void)
{
    n_inherited = fg_top;
}

ULong fg_flops(const struct flopgrind_counts *counts)
{
    static const UInt per_op[FLOPGRIND_N_OPS] = {
        [FLOPGRIND_OP_ADD] = 1, [FLOPGRIND_OP_MUL] = 1,  [FLOPGRIND_OP_FMA] = 2,
        [FLOPGRIND_OP_DIV] = 1, [FLOPGRIND_OP_SQRT] = 1,
    };
    ULong flops = 0;
    for (int op = 0; op < FLOPGRIND_N_OPS; op++)
        for (int precision = 0; precision < FLOPGRIND_N_PRECISIONS; precision++)
            for (int width = 0; width < FLOPGRIND_N_WIDTHS; width++)
                flops += per_op[op] * counts->ops[op][precision][width];
    return flops;
}
