/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counters/flopgrind/fg_cache.h"

#include "counters/flopgrind/fg_regions.h"

#include <pub_tool_libcassert.h>
#include <pub_tool_libcbase.h>
#include <pub_tool_libcprint.h>
#include <pub_tool_mallocfree.h>
#include <pub_tool_options.h>

struct way {
    Addr tag; /* line number + 1; 0: empty */
    Bool dirty;
};

/* The ways of a set stand in the order of their last use, the most recent first. */
struct cache {
    UInt ways, line_bits;
    Addr n_sets;
    struct way *entries; /* [n_sets][ways] */
};

static struct cache l1, ll;

/* ---- sizes ---- */

Bool fg_cache_parse(const HChar *option, const HChar *text, struct fg_cache_size *size)
{
    ULong values[3] = {0};
    const HChar *at = text;
    for (int i = 0; i < 3; i++) {
        HChar *end;
        values[i] = (ULong)VG_(strtoll10)(at, &end);
        if (end == at || *end != (i < 2 ? ',' : '\0')) {
            VG_(fmsg_bad_option)(option, "expected SIZE,WAYS,LINE in bytes, as 32768,8,64\n");
            return False;
        }
        at = end + 1;
    }
    const ULong line = values[2], ways = values[1], bytes = values[0];
    if (line < 16 || line > 4096 || (line & (line - 1)) || ways < 1 || ways > 1024 ||
        bytes < ways * line || bytes > (1ULL << 34) || bytes % (ways * line) != 0) {
        VG_(fmsg_bad_option)
        (option, "expected a line of 16 to 4096 bytes, a power of two, and a "
                 "size that is a multiple of ways times line\n");
        return False;
    }
    *size = (struct fg_cache_size){bytes, (UInt)ways, (UInt)line};
    return True;
}

static void cpuid(UInt leaf, UInt subleaf, UInt out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(subleaf));
}

/* Walks the deterministic cache parameters: leaf 4 of Intel, 0x8000001d of AMD, of one layout. */
static void host_sizes(UInt leaf, struct fg_cache_size *first, struct fg_cache_size *last)
{
    UInt highest = 0;
    for (UInt i = 0; i < 16; i++) {
        UInt r[4];
        cpuid(leaf, i, r);
        const UInt type = r[0] & 31, level = r[0] >> 5 & 7;
        if (type == 0)
            break;
        if (type == 2) /* instructions */
            continue;
        const UInt line = (r[1] & 0xfff) + 1, parts = (r[1] >> 12 & 0x3ff) + 1,
                   ways = (r[1] >> 22) + 1;
        const struct fg_cache_size size = {(ULong)ways * parts * line * (r[2] + 1), ways, line};
        if (level == 1)
            *first = size;
        if (level > highest) {
            highest = level;
            *last = size;
        }
    }
}

static void find_host_sizes(struct fg_cache_size *first, struct fg_cache_size *last)
{
    UInt r[4];
    cpuid(0, 0, r);
    if (r[0] >= 4)
        host_sizes(4, first, last);
    cpuid(0x80000000, 0, r);
    if (first->bytes == 0 && r[0] >= 0x8000001d)
        host_sizes(0x8000001d, first, last);
    if (first->bytes == 0)
        *first = (struct fg_cache_size){32 << 10, 8, 64};
    if (last->bytes == 0)
        *last = (struct fg_cache_size){8 << 20, 16, 64};
}

static void make(struct cache *cache, const struct fg_cache_size *size)
{
    cache->ways = size->ways;
    cache->line_bits = 0;
    while ((1u << cache->line_bits) < size->line)
        cache->line_bits++;
    cache->n_sets = size->bytes / size->ways / size->line;
    cache->entries = VG_(calloc)("fg.cache", cache->n_sets * cache->ways, sizeof(struct way));
}

void fg_cache_init(struct fg_cache_size *first, struct fg_cache_size *last)
{
    struct fg_cache_size host_first = {0}, host_last = {0};
    find_host_sizes(&host_first, &host_last);
    if (first->bytes == 0)
        *first = host_first;
    if (last->bytes == 0)
        *last = host_last;
    make(&l1, first);
    make(&ll, last);
}

/* ---- accesses ---- */

/* Looks the line up and makes it the most recent one of its set. True: it was there. Otherwise it
 * takes the place of the least recent one, which goes to *victim. */
static Bool look_up(struct cache *cache, Addr line, Bool dirty, struct way *victim)
{
    struct way *set = &cache->entries[line % cache->n_sets * cache->ways];
    const Addr tag = line + 1;
    UInt at = 0;
    while (at < cache->ways - 1 && set[at].tag != tag)
        at++;
    const Bool hit = set[at].tag == tag;
    struct way entry = {tag, dirty};
    if (hit)
        entry.dirty |= set[at].dirty;
    else
        *victim = set[at];
    for (; at > 0; at--)
        set[at] = set[at - 1];
    set[0] = entry;
    return hit;
}

static void access_last(Addr address, Bool write_back)
{
    struct way victim = {0};
    if (look_up(&ll, address >> ll.line_bits, write_back, &victim))
        return;
    if (!write_back) /* a line that comes back down need not be fetched */
        fg_totals.ll_misses++;
    if (victim.tag && victim.dirty)
        fg_totals.ll_writebacks++;
}

static void access_line(Addr line, Bool write)
{
    struct way victim = {0};
    if (look_up(&l1, line, write, &victim))
        return;
    fg_totals.l1_misses++;
    if (victim.tag && victim.dirty)
        access_last((victim.tag - 1) << l1.line_bits, True);
    access_last(line << l1.line_bits, False);
}

void fg_cache_access(Addr address, UInt size, Bool write)
{
    const Addr first = address >> l1.line_bits, last = (address + size - 1) >> l1.line_bits;
    for (Addr line = first; line <= last; line++)
        access_line(line, write);
}
