/* generate_ledger.h - the tables that `flopledger generate` closes with. */
#ifndef FL_ENGINE_GENERATE_LEDGER_H
#define FL_ENGINE_GENERATE_LEDGER_H

#include "base/units.h"
#include "engine/generation.h"

#include <stdio.h>

/* What a search cost beside greedy decoding of as many tokens. `kept`: of the best hypotheses,
 * ends included. Greedy's figures are formulas. */
struct fl_search_cost {
    int64_t kept;
    fl_wide flops, bytes;               /* of the search, counted */
    fl_wide greedy_flops, greedy_bytes; /* prompt by prompt, a batch of one */
};

/* Only where beams were searched. */
int fl_generate_search_cost(struct fl_search_cost *cost, const struct fl_generator *generator,
                            const struct fl_model *model,
                            const struct fl_generator_options *options, int n_prompts,
                            struct fl_error *error);

/* Phases, operators, bytes of the KV cache; beams against greedy, or what a draft cost. */
int fl_generate_ledger(FILE *out, const struct fl_generator *generator,
                       const struct fl_model *model, const struct fl_generator_options *options,
                       int n_prompts, struct fl_error *error);

#endif
