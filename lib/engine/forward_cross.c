/* forward_cross.c - what only encoder-decoders do: attention in both directions, to the encoder,
 * and relative positions. */
#include "engine/forward_parts.h"
#include "ops/attention_cross.h"
#include "ops/relative_bias.h"

float fl_pass_attention_scale(const struct fl_pass *pass)
{
    return pass->model->config.positions == FL_POS_RELATIVE ? 1.0f : 0.0f;
}

static struct fl_cross_shape shape_of(const struct fl_pass *pass,
                                      const struct fl_attention_rect *rects)
{
    const struct fl_config *config = &pass->model->config;
    return (struct fl_cross_shape){
        .rects = rects,
        .n_rects = pass->batch.n_spans,
        .n_heads = config->n_heads,
        .n_kv_heads = config->n_kv_heads,
        .head_dim = config->head_dim,
        .scale = fl_pass_attention_scale(pass),
    };
}

void fl_pass_relative_bias(const struct fl_pass *pass, int layer)
{
    const struct fl_relative_bias_shape shape = {
        .rects = pass->self,
        .n_rects = pass->batch.n_spans,
        .n_heads = pass->model->config.n_heads,
        .n_ctx = pass->relative_ctx,
        .causal = !pass->encoder && pass->attention != &fl_attention_naive,
    };
    if (pass->relative_bias)
        OPERATOR(pass, layer, FL_OP_RELATIVE_BIAS, fl_relative_bias_cost(&shape), NO_EXCESS,
                 fl_relative_bias(pass->work->scores, pass->relative_bias, &shape));
}

void fl_pass_attend_both_ways(const struct fl_pass *pass, int layer)
{
    const struct fl_workspace *work = pass->work;
    const struct fl_cross_shape shape = shape_of(pass, pass->self);
    OPERATOR(pass, layer, FL_OP_SCORES, fl_cross_scores_cost(&shape),
             fl_cross_scores_excess(&shape),
             fl_cross_scores(work->scores, work->q, work->k, &shape));
    fl_pass_relative_bias(pass, layer);
    OPERATOR(pass, layer, FL_OP_SOFTMAX, fl_cross_softmax_cost(&shape),
             fl_cross_softmax_excess(&shape), fl_cross_softmax(work->scores, &shape));
    OPERATOR(pass, layer, FL_OP_CONTEXT, fl_cross_context_cost(&shape),
             fl_cross_context_excess(&shape),
             fl_cross_context(work->context, work->scores, work->v, &shape));
}

void fl_pass_cross(const struct fl_pass *pass, int layer, const float *x)
{
    const struct fl_config *config = &pass->model->config;
    const struct fl_workspace *work = pass->work;
    const struct fl_layer_weights *weights = &pass->model->layers[layer];
    const struct fl_cross_shape shape = shape_of(pass, pass->cross);
    const size_t layer_floats =
        (size_t)pass->cross_rows * (size_t)config->n_kv_heads * (size_t)config->head_dim;
    const float *k = pass->cross_k + (size_t)layer * layer_floats;
    const float *v = pass->cross_v + (size_t)layer * layer_floats;

    fl_pass_linear(pass, layer, FL_OP_CROSS_Q, work->q, x, &weights->cross_q, pass->batch.n_rows);
    OPERATOR(pass, layer, FL_OP_CROSS_SCORES, fl_cross_scores_cost(&shape),
             fl_cross_scores_excess(&shape), fl_cross_scores(work->scores, work->q, k, &shape));
    OPERATOR(pass, layer, FL_OP_CROSS_SOFTMAX, fl_cross_softmax_cost(&shape),
             fl_cross_softmax_excess(&shape), fl_cross_softmax(work->scores, &shape));
    OPERATOR(pass, layer, FL_OP_CROSS_CONTEXT, fl_cross_context_cost(&shape),
             fl_cross_context_excess(&shape),
             fl_cross_context(work->context, work->scores, v, &shape));
    fl_pass_linear(pass, layer, FL_OP_CROSS_OUT, work->branch, work->context, &weights->cross_out,
                   pass->batch.n_rows);
}
