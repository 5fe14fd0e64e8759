/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counters/flopgrind/fg_signatures.h"

#include <pub_tool_libcassert.h>
#include <pub_tool_libcbase.h>
#include <pub_tool_mallocfree.h>

struct signature {
    struct signature *next; /* of the same bucket */
    ULong *count;
    UInt n;
    struct fg_addend addends[];
};

enum { BUCKETS = 1 << 14, PAGE_COUNTERS = 512 };

/* Counters lie side by side, so that settling skips those that did not run at the price of one
 * load. Pages never move. */
struct page {
    ULong counts[PAGE_COUNTERS];
    struct signature *signatures[PAGE_COUNTERS];
    UInt used;
    struct page *next;
};

static struct signature **buckets;
static struct page *pages;

void fg_signatures_init(void)
{
    buckets = VG_(calloc)("fg.buckets", BUCKETS, sizeof *buckets);
}

static UInt hash(const struct fg_addend *addends, UInt n)
{
    UInt value = 2166136261u;
    for (UInt i = 0; i < n; i++) {
        value = (value ^ addends[i].counter) * 16777619u;
        value = (value ^ addends[i].amount) * 16777619u;
    }
    return (value ^ value >> 15) % BUCKETS;
}

static ULong *new_counter(struct signature *signature)
{
    if (!pages || pages->used == PAGE_COUNTERS) {
        struct page *page = VG_(calloc)("fg.page", 1, sizeof *page);
        page->next = pages;
        pages = page;
    }
    pages->signatures[pages->used] = signature;
    return &pages->counts[pages->used++];
}

ULong *fg_signature(const struct fg_addend *addends, UInt n)
{
    struct signature **bucket = &buckets[hash(addends, n)];
    const SizeT size = n * sizeof *addends;
    for (struct signature *at = *bucket; at; at = at->next)
        if (at->n == n && VG_(memcmp)(at->addends, addends, size) == 0)
            return at->count;
    struct signature *signature = VG_(malloc)("fg.signature", sizeof *signature + size);
    signature->n = n;
    VG_(memcpy)(signature->addends, addends, size);
    signature->count = new_counter(signature);
    signature->next = *bucket;
    *bucket = signature;
    return signature->count;
}

void fg_signatures_settle(struct flopgrind_counts *totals)
{
    uint64_t *sums = (uint64_t *)totals;
    for (struct page *page = pages; page; page = page->next)
        for (UInt i = 0; i < page->used; i++) {
            const ULong count = page->counts[i];
            if (count == 0)
                continue;
            const struct signature *signature = page->signatures[i];
            for (UInt k = 0; k < signature->n; k++)
                sums[signature->addends[k].counter] += count * signature->addends[k].amount;
            page->counts[i] = 0;
        }
}
