#include "engine/pass_cost.h"

static const enum fl_causal CAUSAL[] = {
    [FL_ATTENTION_NAIVE] = FL_CAUSAL_FULL,
    [FL_ATTENTION_CAUSAL] = FL_CAUSAL_EXACT,
};
static const enum fl_lm_head LM_HEAD[] = {
    [FL_LOGITS_NONE] = FL_LM_HEAD_NONE,
    [FL_LOGITS_LAST] = FL_LM_HEAD_LAST,
    [FL_LOGITS_ALL] = FL_LM_HEAD_ALL,
};

int fl_pass_cost(struct fl_op_analytic *total, const struct fl_model *model,
                 enum fl_attention attention, int n_seqs, int n_tokens, int n_past,
                 enum fl_logits logits, struct fl_error *error)
{
    struct fl_stored stored;
    fl_stored_of_model(&stored, model);
    const struct fl_shape shape = {
        .batch = n_seqs, .n_tokens = n_tokens, .n_past = n_past, .stored = &stored};
    const struct fl_convention convention = {.unit = FL_UNIT_FLOP,
                                             .causal = CAUSAL[attention],
                                             .lm_head = LM_HEAD[logits],
                                             .elementwise = true};
    struct fl_analytic analytic;
    if (fl_analytic(&analytic, &model->config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    *total = analytic.total;
    return FL_OK;
}
