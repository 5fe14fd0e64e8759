/* encdec_names.c - how checkpoints of encoder-decoders name their tensors. */
#include "model/encdec_names.h"

/* What T5 and T5 1.1, which is gated, have in common. */
#define T5_COMMON                                                                                  \
    [FL_WEIGHT_TOKEN_EMBEDDING] = {.pattern = "shared.weight"},                                    \
    [FL_WEIGHT_NORM_FINAL] = {.pattern = "decoder.final_layer_norm.weight"},                       \
    [FL_WEIGHT_LOGITS] = {.pattern = "lm_head.weight"},                                            \
    [FL_WEIGHT_RELATIVE_BIAS] = {.pattern = "decoder.block.0.layer.0.SelfAttention."               \
                                            "relative_attention_bias.weight"},                     \
    [FL_WEIGHT_ENCODER_RELATIVE_BIAS] = {.pattern = "encoder.block.0.layer.0.SelfAttention."       \
                                                    "relative_attention_bias.weight"},             \
    [FL_WEIGHT_ENCODER_NORM_FINAL] = {.pattern = "encoder.final_layer_norm.weight"},               \
    [FL_WEIGHT_NORM_ATTN] = {.pattern = "decoder.block.%d.layer.0.layer_norm.weight",              \
                             .encoder = "encoder.block.%d.layer.0.layer_norm.weight"},             \
    [FL_WEIGHT_Q] = {.pattern = "decoder.block.%d.layer.0.SelfAttention.q.weight",                 \
                     .encoder = "encoder.block.%d.layer.0.SelfAttention.q.weight"},                \
    [FL_WEIGHT_K] = {.pattern = "decoder.block.%d.layer.0.SelfAttention.k.weight",                 \
                     .encoder = "encoder.block.%d.layer.0.SelfAttention.k.weight"},                \
    [FL_WEIGHT_V] = {.pattern = "decoder.block.%d.layer.0.SelfAttention.v.weight",                 \
                     .encoder = "encoder.block.%d.layer.0.SelfAttention.v.weight"},                \
    [FL_WEIGHT_ATTN_OUT] = {.pattern = "decoder.block.%d.layer.0.SelfAttention.o.weight",          \
                            .encoder = "encoder.block.%d.layer.0.SelfAttention.o.weight"},         \
    [FL_WEIGHT_NORM_CROSS] = {.pattern = "decoder.block.%d.layer.1.layer_norm.weight"},            \
    [FL_WEIGHT_CROSS_Q] = {.pattern = "decoder.block.%d.layer.1.EncDecAttention.q.weight"},        \
    [FL_WEIGHT_CROSS_K] = {.pattern = "decoder.block.%d.layer.1.EncDecAttention.k.weight"},        \
    [FL_WEIGHT_CROSS_V] = {.pattern = "decoder.block.%d.layer.1.EncDecAttention.v.weight"},        \
    [FL_WEIGHT_CROSS_OUT] = {.pattern = "decoder.block.%d.layer.1.EncDecAttention.o.weight"},      \
    [FL_WEIGHT_NORM_FFN] = {.pattern = "decoder.block.%d.layer.2.layer_norm.weight",               \
                            .encoder = "encoder.block.%d.layer.1.layer_norm.weight"},              \
    [FL_WEIGHT_FFN_DOWN] = {.pattern = "decoder.block.%d.layer.2.DenseReluDense.wo.weight",        \
                            .encoder = "encoder.block.%d.layer.1.DenseReluDense.wo.weight"}

static const struct fl_weight_name T5_NAMES[FL_N_WEIGHT_ROLES] = {
    T5_COMMON,
    [FL_WEIGHT_FFN_UP] = {.pattern = "decoder.block.%d.layer.2.DenseReluDense.wi.weight",
                          .encoder = "encoder.block.%d.layer.1.DenseReluDense.wi.weight"},
};

static const struct fl_weight_name T5_GATED_NAMES[FL_N_WEIGHT_ROLES] = {
    T5_COMMON,
    [FL_WEIGHT_FFN_GATE] = {.pattern = "decoder.block.%d.layer.2.DenseReluDense.wi_0.weight",
                            .encoder = "encoder.block.%d.layer.1.DenseReluDense.wi_0.weight"},
    [FL_WEIGHT_FFN_UP] = {.pattern = "decoder.block.%d.layer.2.DenseReluDense.wi_1.weight",
                          .encoder = "encoder.block.%d.layer.1.DenseReluDense.wi_1.weight"},
};

/* CTranslate2's names: query, key and value stacked, in cross-attention key and value. */
static const struct fl_weight_name ENCDEC_NAMES[FL_N_WEIGHT_ROLES] = {
    [FL_WEIGHT_TOKEN_EMBEDDING] = {.pattern = "decoder/embeddings/weight"},
    [FL_WEIGHT_NORM_FINAL] = {.pattern = "decoder/layer_norm/gamma"},
    [FL_WEIGHT_NORM_FINAL_BIAS] = {.pattern = "decoder/layer_norm/beta"},
    [FL_WEIGHT_LOGITS] = {.pattern = "decoder/projection/weight"},
    [FL_WEIGHT_LOGITS_BIAS] = {.pattern = "decoder/projection/bias"},
    [FL_WEIGHT_ENCODER_EMBEDDING] = {.pattern = "encoder/embeddings/weight"},
    [FL_WEIGHT_ENCODER_NORM_FINAL] = {.pattern = "encoder/layer_norm/gamma"},
    [FL_WEIGHT_ENCODER_NORM_FINAL_BIAS] = {.pattern = "encoder/layer_norm/beta"},
    [FL_WEIGHT_NORM_ATTN] = {.pattern = "decoder/layer_%d/self_attention/layer_norm/gamma",
                             .encoder = "encoder/layer_%d/self_attention/layer_norm/gamma"},
    [FL_WEIGHT_NORM_ATTN_BIAS] = {.pattern = "decoder/layer_%d/self_attention/layer_norm/beta",
                                  .encoder = "encoder/layer_%d/self_attention/layer_norm/beta"},
    [FL_WEIGHT_Q] = {.pattern = "decoder/layer_%d/self_attention/linear_0/weight",
                     .encoder = "encoder/layer_%d/self_attention/linear_0/weight",
                     .fused = true},
    [FL_WEIGHT_K] = {.pattern = "decoder/layer_%d/self_attention/linear_0/weight",
                     .encoder = "encoder/layer_%d/self_attention/linear_0/weight",
                     .fused = true},
    [FL_WEIGHT_V] = {.pattern = "decoder/layer_%d/self_attention/linear_0/weight",
                     .encoder = "encoder/layer_%d/self_attention/linear_0/weight",
                     .fused = true},
    [FL_WEIGHT_Q_BIAS] = {.pattern = "decoder/layer_%d/self_attention/linear_0/bias",
                          .encoder = "encoder/layer_%d/self_attention/linear_0/bias",
                          .fused = true},
    [FL_WEIGHT_K_BIAS] = {.pattern = "decoder/layer_%d/self_attention/linear_0/bias",
                          .encoder = "encoder/layer_%d/self_attention/linear_0/bias",
                          .fused = true},
    [FL_WEIGHT_V_BIAS] = {.pattern = "decoder/layer_%d/self_attention/linear_0/bias",
                          .encoder = "encoder/layer_%d/self_attention/linear_0/bias",
                          .fused = true},
    [FL_WEIGHT_ATTN_OUT] = {.pattern = "decoder/layer_%d/self_attention/linear_1/weight",
                            .encoder = "encoder/layer_%d/self_attention/linear_1/weight"},
    [FL_WEIGHT_ATTN_OUT_BIAS] = {.pattern = "decoder/layer_%d/self_attention/linear_1/bias",
                                 .encoder = "encoder/layer_%d/self_attention/linear_1/bias"},
    [FL_WEIGHT_NORM_CROSS] = {.pattern = "decoder/layer_%d/attention/layer_norm/gamma"},
    [FL_WEIGHT_NORM_CROSS_BIAS] = {.pattern = "decoder/layer_%d/attention/layer_norm/beta"},
    [FL_WEIGHT_CROSS_Q] = {.pattern = "decoder/layer_%d/attention/linear_0/weight"},
    [FL_WEIGHT_CROSS_Q_BIAS] = {.pattern = "decoder/layer_%d/attention/linear_0/bias"},
    [FL_WEIGHT_CROSS_K] = {.pattern = "decoder/layer_%d/attention/linear_1/weight", .fused = true},
    [FL_WEIGHT_CROSS_V] = {.pattern = "decoder/layer_%d/attention/linear_1/weight", .fused = true},
    [FL_WEIGHT_CROSS_K_BIAS] = {.pattern = "decoder/layer_%d/attention/linear_1/bias",
                                .fused = true},
    [FL_WEIGHT_CROSS_V_BIAS] = {.pattern = "decoder/layer_%d/attention/linear_1/bias",
                                .fused = true},
    [FL_WEIGHT_CROSS_OUT] = {.pattern = "decoder/layer_%d/attention/linear_2/weight"},
    [FL_WEIGHT_CROSS_OUT_BIAS] = {.pattern = "decoder/layer_%d/attention/linear_2/bias"},
    [FL_WEIGHT_NORM_FFN] = {.pattern = "decoder/layer_%d/ffn/layer_norm/gamma",
                            .encoder = "encoder/layer_%d/ffn/layer_norm/gamma"},
    [FL_WEIGHT_NORM_FFN_BIAS] = {.pattern = "decoder/layer_%d/ffn/layer_norm/beta",
                                 .encoder = "encoder/layer_%d/ffn/layer_norm/beta"},
    [FL_WEIGHT_FFN_UP] = {.pattern = "decoder/layer_%d/ffn/linear_0/weight",
                          .encoder = "encoder/layer_%d/ffn/linear_0/weight"},
    [FL_WEIGHT_FFN_UP_BIAS] = {.pattern = "decoder/layer_%d/ffn/linear_0/bias",
                               .encoder = "encoder/layer_%d/ffn/linear_0/bias"},
    [FL_WEIGHT_FFN_DOWN] = {.pattern = "decoder/layer_%d/ffn/linear_1/weight",
                            .encoder = "encoder/layer_%d/ffn/linear_1/weight"},
    [FL_WEIGHT_FFN_DOWN_BIAS] = {.pattern = "decoder/layer_%d/ffn/linear_1/bias",
                                 .encoder = "encoder/layer_%d/ffn/linear_1/bias"},
};

const struct fl_weight_name *fl_encdec_names(const struct fl_config *config)
{
    if (config->arch == FL_ARCH_ENCDEC)
        return ENCDEC_NAMES;
    return config->gated ? T5_GATED_NAMES : T5_NAMES;
}
