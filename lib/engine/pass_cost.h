/* pass_cost.h - what one pass of the engine costs by formula: the model as it was opened, the
 * attention kernel and the logits it runs with. Equal to what the ledger counts for that pass, but
 * for the bytes of a mixture of experts: they assume that as many experts are hit as can be. */
#ifndef FL_ENGINE_PASS_COST_H
#define FL_ENGINE_PASS_COST_H

#include "base/error.h"
#include "engine/session.h"
#include "ledger/analytic.h"

/* How a pass of this kernel with these logits is counted: what it executes. */
struct fl_convention fl_executed_convention(enum fl_attention attention, enum fl_logits logits);

/* n_tokens new tokens of each of n_seqs sequences behind n_past: the total over all layers.
 * experts_hit [n_layers]: of a mixture of experts, as fl_session_experts_hit() gives them behind
 * the pass; NULL: no such thing, or only FLOPs matter, which do not depend on them. */
int fl_pass_cost(struct fl_op_analytic *total, const struct fl_model *model,
                 enum fl_attention attention, enum fl_dtype kv_dtype, int n_seqs, int n_tokens,
                 int n_past, enum fl_logits logits, const int *experts_hit, struct fl_error *error);

/* A pass of fl_session_run(), over sequences that differ; nothing is copied out of shared blocks.
 */
int fl_pass_cost_spans(struct fl_op_analytic *total, const struct fl_model *model,
                       enum fl_attention attention, enum fl_dtype kv_dtype,
                       const struct fl_shape_span *spans, int n_spans, enum fl_logits logits,
                       const int *experts_hit, struct fl_error *error);

/* Greedy decoding of n_gen tokens behind n_prompt, one sequence, with the cache: the prefill, which
 * gives the first token, and n_gen - 1 steps; logits of the last position only. n_encoder_tokens: 0
 * without an encoder; the prompt is then the decoder's. */
int fl_greedy_cost(struct fl_op_analytic *total, const struct fl_model *model,
                   enum fl_attention attention, enum fl_dtype kv_dtype, int n_encoder_tokens,
                   int n_prompt, int n_gen, struct fl_error *error);

#endif
