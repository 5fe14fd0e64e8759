/* contrast.h - decoding with and without the KV cache, step by step and over a whole generation.
 *
 * A generation starts with a prompt of n_prompt tokens, whose prefill yields the first token
 * either way; then every step runs one token (cached) or the whole prefix (uncached). FLOPs are
 * exact, by formula. Times are measured medians, linear between the measured contexts. An
 * encoder's input is as long as the context at every step, as the points have it. */
#ifndef FL_ANALYZERS_CONTRAST_H
#define FL_ANALYZERS_CONTRAST_H

#include "analyzers/sections.h"

enum { FL_CACHED, FL_UNCACHED, FL_N_CACHES };

/* A decode step at a context that both lines have. */
struct fl_contrast_step {
    int context;
    double flops[FL_N_CACHES];
    double bytes[FL_N_CACHES];
    struct fl_estimate time_ns[FL_N_CACHES];
};

/* After n_tokens generated tokens; the first is the prefill's. */
struct fl_contrast_sum {
    int n_tokens;
    double flops[FL_N_CACHES];
    double time_ns[FL_N_CACHES];
};

struct fl_contrast {
    struct fl_contrast_step *steps;
    int n_steps;
    int n_prompt;       /* the smallest context of both lines */
    bool prefill_timed; /* its prefill was measured; otherwise the sums of time start at 0 */
    struct fl_contrast_sum *sums; /* n_tokens rising by one from 1 */
    int n_sums;
    /* The number of generated tokens from which on the cached generation has cost less, to the
     * end of the sums; 0: it never has. */
    int flops_crossing, time_crossing;
};

/* n_steps is 0 when the section has no context measured both ways. */
int fl_contrast_make(struct fl_contrast *contrast, const struct fl_section *section,
                     struct fl_error *error);
void fl_contrast_free(struct fl_contrast *contrast);

/* Time at a context between two measured ones; contexts outside give the nearest. */
double fl_line_time_at(const struct fl_line *line, int context);

#endif
