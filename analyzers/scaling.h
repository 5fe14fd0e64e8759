/* scaling.h - how the prefill's cost grows: the part linear in the tokens and the part that is
 * quadratic, attention's scores, softmax and weighted sum of the values. */
#ifndef FL_ANALYZERS_SCALING_H
#define FL_ANALYZERS_SCALING_H

#include "analyzers/sections.h"

struct fl_split {
    double linear_flops, attention_flops; /* exact */
    double linear_ns, attention_ns;       /* medians; what no operator accounts for is linear */
};

/* True for operators whose work grows with the query-key pairs. */
bool fl_operator_is_quadratic(enum fl_operator op);

struct fl_split fl_split_point(const struct fl_result *result, const struct fl_timing *timing);

/* The smallest s at which the attention part exceeds the linear part of the point's prefill, by
 * formula; 0 when it does not up to 2^24 tokens. */
int fl_attention_overtakes(int64_t *context, const struct fl_result *prefill,
                           struct fl_error *error);

#endif
