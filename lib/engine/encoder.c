#include "engine/encoder.h"

#include "engine/forward_parts.h"
#include "ops/qkv.h"
#include "ops/relative_bias.h"

void fl_encoder_plan_cache(struct fl_encoder *encoder, struct fl_arena *arena,
                           const struct fl_config *config, const struct fl_encoder_options *options)
{
    const size_t n_layers = (size_t)config->n_layers;
    const size_t n_rows = (size_t)options->n_inputs * (size_t)options->n_encoder_ctx;
    const size_t d_kv = (size_t)config->n_kv_heads * (size_t)config->head_dim;
    encoder->cross_k = FL_ARENA_FLOATS(arena, n_layers, n_rows, d_kv);
    encoder->cross_v = FL_ARENA_FLOATS(arena, n_layers, n_rows, d_kv);
}

void fl_encoder_plan_rest(struct fl_encoder *encoder, struct fl_arena *arena,
                          const struct fl_config *config, const struct fl_encoder_options *options)
{
    const size_t n_seqs = (size_t)options->n_seqs, n_inputs = (size_t)options->n_inputs;
    const size_t n_heads = (size_t)config->n_heads;
    const size_t n_rows = n_inputs * (size_t)options->n_encoder_ctx;
    if (config->positions == FL_POS_RELATIVE) {
        encoder->relative_bias =
            FL_ARENA_FLOATS(arena, n_heads, 2 * (size_t)options->n_encoder_ctx - 1);
        encoder->decoder_bias = FL_ARENA_FLOATS(arena, n_heads, 2 * (size_t)options->n_ctx - 1);
    }
    encoder->spans = fl_arena_take(arena, n_inputs, sizeof *encoder->spans);
    encoder->positions = fl_arena_take(arena, n_rows, sizeof *encoder->positions);
    encoder->first_row = fl_arena_take(arena, n_inputs, sizeof *encoder->first_row);
    encoder->lengths = fl_arena_take(arena, n_inputs, sizeof *encoder->lengths);
    encoder->input_of = fl_arena_take(arena, n_seqs, sizeof *encoder->input_of);
    encoder->self =
        fl_arena_take(arena, n_seqs > n_inputs ? n_seqs : n_inputs, sizeof *encoder->self);
    encoder->cross = fl_arena_take(arena, n_seqs, sizeof *encoder->cross);
}

static void make_view(struct fl_model *view, const struct fl_model *model)
{
    *view = *model;
    view->config.n_layers = model->config.n_encoder_layers;
    view->config.n_encoder_layers = 0;
    view->layers = model->encoder_layers;
    view->token_embedding = model->encoder_embedding;
    view->norm_final = model->encoder_norm_final;
    view->relative_bias = model->encoder_relative_bias;
}

void fl_encoder_prepare(struct fl_encoder *encoder, const struct fl_model *model,
                        const struct fl_encoder_options *options)
{
    const struct fl_config *config = &model->config;
    make_view(&encoder->view, model);
    encoder->n_ctx = options->n_encoder_ctx;
    encoder->n_decoder_ctx = options->n_ctx;
    encoder->n_rows_max = options->n_inputs * options->n_encoder_ctx;
    encoder->n_inputs_max = options->n_inputs;
    encoder->n_inputs = 0;
    for (int seq = 0; seq < options->n_seqs; seq++)
        encoder->input_of[seq] = -1;
    if (config->positions != FL_POS_RELATIVE)
        return;
    fl_relative_bias_fill(encoder->relative_bias, model->encoder_relative_bias, config->n_heads,
                          options->n_encoder_ctx, true, FL_T5_BUCKETS,
                          config->relative_max_distance);
    fl_relative_bias_fill(encoder->decoder_bias, model->relative_bias, config->n_heads,
                          options->n_ctx, false, FL_T5_BUCKETS, config->relative_max_distance);
}

/* The keys and values every decoder layer's cross-attention reads, all from the same rows. */
static void project_output(const struct fl_encoder *encoder, const struct fl_pass *decoder,
                           int n_rows)
{
    const struct fl_config *config = &decoder->model->config;
    const size_t layer_floats =
        (size_t)encoder->n_rows_max * (size_t)config->n_kv_heads * (size_t)config->head_dim;
    for (int layer = 0; layer < config->n_layers; layer++) {
        const struct fl_layer_weights *weights = &decoder->model->layers[layer];
        float *k = encoder->cross_k + (size_t)layer * layer_floats;
        float *v = encoder->cross_v + (size_t)layer * layer_floats;
        OPERATOR(decoder, layer, FL_OP_CROSS_KV,
                 fl_kv_cost(n_rows, &weights->cross_k, &weights->cross_v),
                 fl_kv_excess(n_rows, &weights->cross_k, &weights->cross_v),
                 fl_kv(k, v, encoder->output, n_rows, &weights->cross_k, &weights->cross_v));
    }
}

void fl_encoder_run(struct fl_encoder *encoder, const struct fl_pass *pass, const int *tokens,
                    const int *n_tokens, int n_inputs)
{
    struct fl_ledger ledger = fl_ledger_of_encoder(pass->ledger);
    for (int i = 0; i < n_inputs; i++)
        encoder->spans[i] = (struct fl_batch_span){.n_tokens = n_tokens[i]};
    struct fl_pass encoding = *pass;
    encoding.model = &encoder->view;
    encoding.ledger = &ledger;
    encoding.batch = fl_batch_lay_out(encoder->spans, n_inputs, encoder->positions, 0);
    encoding.copies = NULL;
    encoding.n_copies = 0;
    encoding.tokens = tokens;
    encoding.logits = FL_LOGITS_NONE;
    encoding.encoder = true;
    encoding.self = encoder->self;
    encoding.relative_bias = encoder->relative_bias;
    encoding.relative_ctx = encoder->n_ctx;
    for (int i = 0; i < n_inputs; i++) {
        const size_t first_row = encoder->spans[i].first_row;
        encoder->first_row[i] = first_row;
        encoder->lengths[i] = n_tokens[i];
        encoder->self[i] = (struct fl_attention_rect){.query_row = first_row,
                                                      .key_row = first_row,
                                                      .n_tokens = n_tokens[i],
                                                      .n_keys = n_tokens[i]};
    }
    fl_cross_place(encoder->self, n_inputs, pass->model->config.n_heads);
    encoder->n_inputs = n_inputs;
    fl_forward(&encoding);
    encoder->output = encoder->view.norm_final.gain ? pass->work->branch : pass->work->x;
    project_output(encoder, pass, encoding.batch.n_rows);
}

void fl_encoder_enter(struct fl_encoder *encoder, struct fl_pass *pass, const int *seqs)
{
    const struct fl_config *config = &pass->model->config;
    for (int i = 0; i < pass->batch.n_spans; i++) {
        const struct fl_batch_span *span = &pass->batch.spans[i];
        const int input = encoder->input_of[seqs[i]];
        encoder->self[i] = (struct fl_attention_rect){.query_row = span->first_row,
                                                      .n_tokens = span->n_tokens,
                                                      .n_keys = span->n_past + span->n_tokens};
        encoder->cross[i] = (struct fl_attention_rect){.query_row = span->first_row,
                                                       .key_row = encoder->first_row[input],
                                                       .n_tokens = span->n_tokens,
                                                       .n_keys = encoder->lengths[input]};
    }
    fl_cross_place(encoder->self, pass->batch.n_spans, config->n_heads);
    fl_cross_place(encoder->cross, pass->batch.n_spans, config->n_heads);
    pass->self = encoder->self;
    pass->cross = encoder->cross;
    pass->cross_k = encoder->cross_k;
    pass->cross_v = encoder->cross_v;
    pass->cross_rows = encoder->n_rows_max;
    pass->relative_bias = encoder->decoder_bias;
    pass->relative_ctx = encoder->n_decoder_ctx;
}
