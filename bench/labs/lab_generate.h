/* lab_generate.h - a whole generation on the engine, counted and timed: with the KV cache, without
 * it, or with a draft model. Random prompt, greedy. */
#ifndef FL_BENCH_LAB_GENERATE_H
#define FL_BENCH_LAB_GENERATE_H

#include "base/error.h"
#include "model/weights.h"

#include <stdbool.h>
#include <stdint.h>

enum { FL_LAB_NEW_MAX = 128 };

struct fl_lab_job {
    const struct fl_model *model;
    const struct fl_model *draft; /* NULL: none */
    int n_prompt, n_new;          /* n_new at most FL_LAB_NEW_MAX */
    int n_draft;                  /* proposals a round */
    bool cache;
    int n_threads;
    uint64_t seed;
};

struct fl_lab_generation {
    int ids[FL_LAB_NEW_MAX];
    int n_ids;
    double prefill_ns, decode_ns;
    double prefill_flops, decode_flops; /* counted; the draft's are in decode */
    double decode_bytes;                /* read and written */
    /* with a draft */
    double n_rounds, n_drafted, n_accepted;
    double draft_flops, verify_flops; /* of decoding */
};

/* Fails when what was counted differs from the formulas. */
int fl_lab_generate(struct fl_lab_generation *out, const struct fl_lab_job *job,
                    struct fl_error *error);

#endif
