/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_decode.h - what floating-point work one x86-64 instruction does.
 *
 * Needs nothing of Valgrind, so that it can be tested natively. Source of the encodings: Intel 64
 * and IA-32 Architectures Software Developer's Manual, volume 2, appendix A and the FMA, F16C and
 * x87 instructions' pages. Instructions that Valgrind cannot run (EVEX, FMA4, XOP) are none of
 * its business.
 *
 * One count a lane. addsub and horizontal additions are additions, a lane of the result each; dpps
 * multiplies four and adds three times in each 128 bits, dppd multiplies twice and adds once. A
 * conversion has the precision of its floating-point source, or of its result when the source is
 * an integer. */
#ifndef FG_DECODE_H
#define FG_DECODE_H

#include "counters/flopgrind.h"

struct fg_work {
    enum flopgrind_op op;
    enum flopgrind_precision precision;
    enum flopgrind_width width;
    unsigned lanes;
};

enum { FG_WORK_MAX = 2, FG_LONGEST_INSTRUCTION = 15 };

/* Decodes the instruction at code, of `size` bytes. Returns how many kinds of work it does, 0 for
 * most instructions. */
int fg_decode(const unsigned char *code, unsigned size, struct fg_work work[FG_WORK_MAX]);

/* True for string instructions with a repeat prefix. */
int fg_is_repeated(const unsigned char *code, unsigned size);

/* Whether it loads each lane from an address of its own, those that a mask selects. */
int fg_is_gather(const unsigned char *code, unsigned size);

#endif
