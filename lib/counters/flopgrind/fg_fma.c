/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fg_fma.c - fused multiply-adds by the processor instead of by software.
 *
 * Valgrind takes every FMA apart into lanes and calls these two functions for each; its own are
 * software and the slowest part of running a matrix product. Defined here they come before the
 * library's in linking. Those stay reachable under another name, which flopgrind.mk gives them,
 * for processors without FMA. */
#include <pub_tool_basics.h>

void h_generic_calc_MAddF32(Float *result, Float *x, Float *y, Float *z);
void h_generic_calc_MAddF64(Double *result, Double *x, Double *y, Double *z);
void fg_software_MAddF32(Float *result, Float *x, Float *y, Float *z);
void fg_software_MAddF64(Double *result, Double *x, Double *y, Double *z);

/* FMA, and an operating system that saves the registers it works in. */
static Bool has_fma(void)
{
    static Int known; /* 0: not asked yet, 1: no, 2: yes */
    if (known == 0) {
        UInt a = 1, b, c = 0, d, low, high;
        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        const UInt needed = 1u << 12 | 1u << 27 | 1u << 28; /* FMA, OSXSAVE, AVX */
        known = 1;
        if ((c & needed) == needed) {
            __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
            if ((low & 6) == 6)
                known = 2;
        }
    }
    return known == 2;
}

void h_generic_calc_MAddF32(Float *result, Float *x, Float *y, Float *z)
{
    if (!has_fma()) {
        fg_software_MAddF32(result, x, y, z);
        return;
    }
    Float product = *x;
    __asm__("vfmadd213ss %2, %1, %0" : "+x"(product) : "x"(*y), "x"(*z));
    *result = product;
}

void h_generic_calc_MAddF64(Double *result, Double *x, Double *y, Double *z)
{
    if (!has_fma()) {
        fg_software_MAddF64(result, x, y, z);
        return;
    }
    Double product = *x;
    __asm__("vfmadd213sd %2, %1, %0" : "+x"(product) : "x"(*y), "x"(*z));
    *result = product;
}
