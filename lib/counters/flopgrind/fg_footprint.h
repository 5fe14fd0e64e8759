/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_footprint.h - distinct 64-byte lines read and written in every open region.
 *
 * Each line remembers when it was last read and last written, on a clock that advances as regions
 * are entered. A line last touched before a region began is new to it, so a touch is compared with
 * the innermost region's beginning, and only when it is older with those further out. Nothing is
 * cleared when a region begins or ends. */
#ifndef FG_FOOTPRINT_H
#define FG_FOOTPRINT_H

#include <pub_tool_basics.h>

void fg_footprint_touch(Addr address, UInt size, Bool write);

#endif
