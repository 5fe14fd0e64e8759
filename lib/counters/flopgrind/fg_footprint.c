/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counters/flopgrind/fg_footprint.h"

#include "counters/flopgrind/fg_regions.h"

#include <pub_tool_aspacemgr.h>
#include <pub_tool_libcassert.h>
#include <pub_tool_libcproc.h>
#include <pub_tool_mallocfree.h>

/* Stamps of the last touch; 0: never. */
struct line {
    UInt read, written;
};

/* A page of stamps covers 1 MiB of addresses, a directory 4 GiB, the root the 47 bits a process
 * has (a little more is let in; addresses beyond are not counted). */
enum { LINE_BITS = 6, PAGE_BITS = 20, DIRECTORY_BITS = 32, ADDRESS_BITS = 48 };
enum {
    PAGE_LINES = 1 << (PAGE_BITS - LINE_BITS),
    DIRECTORY_PAGES = 1 << (DIRECTORY_BITS - PAGE_BITS),
    ROOT_DIRECTORIES = 1 << (ADDRESS_BITS - DIRECTORY_BITS)
};

static struct line **root[ROOT_DIRECTORIES];
static struct line *recent; /* page of the last touch */
static Addr recent_number = ~(Addr)0;

static struct line *find_page(Addr number)
{
    const Addr at = number >> (DIRECTORY_BITS - PAGE_BITS);
    if (at >= ROOT_DIRECTORIES)
        return NULL;
    if (!root[at])
        root[at] = VG_(calloc)("fg.directory", DIRECTORY_PAGES, sizeof **root);
    struct line **page = &root[at][number % DIRECTORY_PAGES];
    if (!*page)
        *page = VG_(am_shadow_alloc)(PAGE_LINES * sizeof **page); /* zeros */
    tl_assert2(*page, "no memory for the footprint");
    recent = *page;
    recent_number = number;
    return *page;
}

/* The line was touched before the innermost region began. */
static void count_new(UInt stamp, Bool write)
{
    for (Int i = (Int)fg_top; i >= 0 && stamp < fg_levels[i].start; i--)
        if (write)
            fg_levels[i].lines_written++;
        else
            fg_levels[i].lines_read++;
}

static inline void touch_line(Addr line, Bool write)
{
    const Addr number = line >> (PAGE_BITS - LINE_BITS);
    struct line *page = number == recent_number ? recent : find_page(number);
    if (!page)
        return;
    UInt *stamp = write ? &page[line % PAGE_LINES].written : &page[line % PAGE_LINES].read;
    if (*stamp >= fg_levels[fg_top].start)
        return;
    count_new(*stamp, write);
    *stamp = fg_clock;
}

void fg_footprint_touch(Addr address, UInt size, Bool write)
{
    const Addr first = address >> LINE_BITS, last = (address + size - 1) >> LINE_BITS;
    for (Addr line = first; line <= last; line++)
        touch_line(line, write);
}
