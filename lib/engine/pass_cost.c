#include "engine/pass_cost.h"

struct fl_convention fl_executed_convention(enum fl_attention attention, enum fl_logits logits)
{
    static const enum fl_causal CAUSAL[] = {
        [FL_ATTENTION_NAIVE] = FL_CAUSAL_FULL,
        [FL_ATTENTION_CAUSAL] = FL_CAUSAL_EXACT,
        [FL_ATTENTION_FLASH] = FL_CAUSAL_EXACT,
    };
    static const enum fl_lm_head LM_HEAD[] = {
        [FL_LOGITS_NONE] = FL_LM_HEAD_NONE,
        [FL_LOGITS_LAST] = FL_LM_HEAD_LAST,
        [FL_LOGITS_ALL] = FL_LM_HEAD_ALL,
    };
    return (struct fl_convention){.unit = FL_UNIT_FLOP,
                                  .causal = CAUSAL[attention],
                                  .lm_head = LM_HEAD[logits],
                                  .elementwise = true,
                                  .fused = attention == FL_ATTENTION_FLASH};
}

static int total_of(struct fl_op_analytic *total, const struct fl_model *model,
                    enum fl_attention attention, const struct fl_shape *shape,
                    enum fl_logits logits, struct fl_error *error)
{
    struct fl_stored stored;
    struct fl_shape with_types = *shape;
    fl_stored_of_model(&stored, model);
    with_types.stored = &stored;
    const struct fl_convention convention = fl_executed_convention(attention, logits);
    struct fl_analytic analytic;
    if (fl_analytic(&analytic, &model->config, &with_types, &convention, error) != FL_OK)
        return FL_FAILED;
    *total = analytic.total;
    return FL_OK;
}

int fl_pass_cost(struct fl_op_analytic *total, const struct fl_model *model,
                 enum fl_attention attention, enum fl_dtype kv_dtype, int n_seqs, int n_tokens,
                 int n_past, enum fl_logits logits, const int *experts_hit, struct fl_error *error)
{
    const struct fl_shape shape = {.batch = n_seqs,
                                   .n_tokens = n_tokens,
                                   .n_past = n_past,
                                   .kv_dtype = kv_dtype,
                                   .experts_hit = experts_hit};
    return total_of(total, model, attention, &shape, logits, error);
}

int fl_pass_cost_spans(struct fl_op_analytic *total, const struct fl_model *model,
                       enum fl_attention attention, enum fl_dtype kv_dtype,
                       const struct fl_shape_span *spans, int n_spans, enum fl_logits logits,
                       const int *experts_hit, struct fl_error *error)
{
    const struct fl_shape shape = {.batch = 1,
                                   .n_tokens = 1,
                                   .spans = spans,
                                   .n_spans = n_spans,
                                   .kv_dtype = kv_dtype,
                                   .experts_hit = experts_hit};
    return total_of(total, model, attention, &shape, logits, error);
}

int fl_greedy_cost(struct fl_op_analytic *total, const struct fl_model *model,
                   enum fl_attention attention, enum fl_dtype kv_dtype, int n_encoder_tokens,
                   int n_prompt, int n_gen, struct fl_error *error)
{
    struct fl_stored stored;
    fl_stored_of_model(&stored, model);
    const struct fl_generation generation = {.batch = 1,
                                             .n_prompt = n_prompt,
                                             .n_gen = n_gen,
                                             .n_encoder_tokens = n_encoder_tokens,
                                             .cache = true,
                                             .kv_dtype = kv_dtype,
                                             .stored = &stored};
    const struct fl_convention convention = fl_executed_convention(attention, FL_LOGITS_LAST);
    struct fl_analytic phases[2];
    if (fl_analytic_generation(phases, &model->config, &generation, &convention, error) != FL_OK)
        return FL_FAILED;
    *total = phases[0].total;
    fl_op_analytic_add(total, &phases[1].total);
    return FL_OK;
}
