/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_cache.h - a model of a first-level data cache and a last-level cache. Modelled, not measured:
 * one core's view, least recently used lines replaced, no prefetching, all threads in one cache. */
#ifndef FG_CACHE_H
#define FG_CACHE_H

#include <pub_tool_basics.h>

struct fg_cache_size {
    ULong bytes;
    UInt ways, line;
};

/* "32768,8,64"; False and one sentence when it is no cache. */
Bool fg_cache_parse(const HChar *option, const HChar *text, struct fg_cache_size *size);

/* Sizes left at zero are the host's, by CPUID. */
void fg_cache_init(struct fg_cache_size *l1, struct fg_cache_size *ll);

void fg_cache_access(Addr address, UInt size, Bool write);

#endif
