/* intensity.h - arithmetic intensity and rates of a point: FLOPs per byte of compulsory traffic,
 * FLOPs and bytes per second of the median time. */
#ifndef FL_ANALYZERS_INTENSITY_H
#define FL_ANALYZERS_INTENSITY_H

#include "analyzers/sections.h"

struct fl_rates {
    double flops_per_byte;
    double flops_per_s, bytes_per_s; /* 0 when no time was measured */
    double tokens_per_s;             /* new tokens: batch * s in prefill, batch in decode */
};

/* From what was counted, and the bytes that go with it. */
struct fl_rates fl_point_rates(const struct fl_point *point, const struct fl_timing *timing);

/* Tokens a point brings forward: batch * s in prefill, batch in decode. */
double fl_point_new_tokens(const struct fl_point *point);

#endif
