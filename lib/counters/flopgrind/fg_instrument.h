/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_instrument.h - adds counting to the program's code as it is translated.
 *
 * Every instruction is decoded from the program's own bytes where Valgrind's intermediate code
 * marks it; the intermediate code itself is no guide to floating-point work, since it is optimised
 * and splits some instructions. Loads and stores are taken from it. What a stretch of straight
 * code does is counted at its end or before a branch out of it. */
#ifndef FG_INSTRUMENT_H
#define FG_INSTRUMENT_H

#include <pub_tool_basics.h>
#include <pub_tool_tooliface.h>

/* What is done with each address, beside counting bytes. Set before anything is translated. */
struct fg_traffic {
    Bool footprint, cache_model;
};
extern struct fg_traffic fg_traffic;

IRSB *fg_instrument(VgCallbackClosure *closure, IRSB *in, const VexGuestLayout *layout,
                    const VexGuestExtents *extents, const VexArchInfo *host, IRType guest_word,
                    IRType host_word);

#endif
