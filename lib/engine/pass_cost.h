/* pass_cost.h - what one pass of the engine costs by formula: the model as it was opened, the
 * attention kernel and the logits it runs with. Equal to what the ledger counts for that pass. */
#ifndef FL_ENGINE_PASS_COST_H
#define FL_ENGINE_PASS_COST_H

#include "base/error.h"
#include "engine/session.h"
#include "ledger/analytic.h"

/* n_tokens new tokens of each of n_seqs sequences behind n_past: the total over all layers. */
int fl_pass_cost(struct fl_op_analytic *total, const struct fl_model *model,
                 enum fl_attention attention, int n_seqs, int n_tokens, int n_past,
                 enum fl_logits logits, struct fl_error *error);

#endif
