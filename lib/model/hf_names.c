#include "model/hf_names.h"

#define LAYER "model.layers.%d."

/* Llama's block but its feed-forward network; what a model has none of, no slot asks for. */
#define LLAMA_BLOCK                                                                                \
    [FL_WEIGHT_TOKEN_EMBEDDING] = {.pattern = "model.embed_tokens.weight"},                        \
    [FL_WEIGHT_NORM_FINAL] = {.pattern = "model.norm.weight"},                                     \
    [FL_WEIGHT_LOGITS] = {.pattern = "lm_head.weight"},                                            \
    [FL_WEIGHT_NORM_ATTN] = {.pattern = LAYER "input_layernorm.weight"},                           \
    [FL_WEIGHT_Q] = {.pattern = LAYER "self_attn.q_proj.weight"},                                  \
    [FL_WEIGHT_K] = {.pattern = LAYER "self_attn.k_proj.weight"},                                  \
    [FL_WEIGHT_V] = {.pattern = LAYER "self_attn.v_proj.weight"},                                  \
    [FL_WEIGHT_Q_BIAS] = {.pattern = LAYER "self_attn.q_proj.bias"},                               \
    [FL_WEIGHT_K_BIAS] = {.pattern = LAYER "self_attn.k_proj.bias"},                               \
    [FL_WEIGHT_V_BIAS] = {.pattern = LAYER "self_attn.v_proj.bias"},                               \
    [FL_WEIGHT_ATTN_OUT] = {.pattern = LAYER "self_attn.o_proj.weight"},                           \
    [FL_WEIGHT_ATTN_OUT_BIAS] = {.pattern = LAYER "self_attn.o_proj.bias"},                        \
    [FL_WEIGHT_NORM_FFN] = {.pattern = LAYER "post_attention_layernorm.weight"},                   \
    [FL_WEIGHT_Q_NORM] = {.pattern = LAYER "self_attn.q_norm.weight"},                             \
    [FL_WEIGHT_K_NORM] = {.pattern = LAYER "self_attn.k_norm.weight"}

static const struct fl_weight_name LLAMA_NAMES[FL_N_WEIGHT_ROLES] = {
    LLAMA_BLOCK,
    [FL_WEIGHT_FFN_GATE] = {.pattern = LAYER "mlp.gate_proj.weight"},
    [FL_WEIGHT_FFN_GATE_BIAS] = {.pattern = LAYER "mlp.gate_proj.bias"},
    [FL_WEIGHT_FFN_UP] = {.pattern = LAYER "mlp.up_proj.weight"},
    [FL_WEIGHT_FFN_UP_BIAS] = {.pattern = LAYER "mlp.up_proj.bias"},
    [FL_WEIGHT_FFN_DOWN] = {.pattern = LAYER "mlp.down_proj.weight"},
    [FL_WEIGHT_FFN_DOWN_BIAS] = {.pattern = LAYER "mlp.down_proj.bias"},
};

static const struct fl_weight_name MIXTRAL_NAMES[FL_N_WEIGHT_ROLES] = {
    LLAMA_BLOCK,
    [FL_WEIGHT_ROUTER] = {.pattern = LAYER "block_sparse_moe.gate.weight"},
    [FL_WEIGHT_EXPERT_GATE] = {.pattern = LAYER "block_sparse_moe.experts.%d.w1.weight"},
    [FL_WEIGHT_EXPERT_UP] = {.pattern = LAYER "block_sparse_moe.experts.%d.w3.weight"},
    [FL_WEIGHT_EXPERT_DOWN] = {.pattern = LAYER "block_sparse_moe.experts.%d.w2.weight"},
};

/* Qwen2-MoE and Qwen3-MoE */
static const struct fl_weight_name QWEN_MOE_NAMES[FL_N_WEIGHT_ROLES] = {
    LLAMA_BLOCK,
    [FL_WEIGHT_ROUTER] = {.pattern = LAYER "mlp.gate.weight"},
    [FL_WEIGHT_EXPERT_GATE] = {.pattern = LAYER "mlp.experts.%d.gate_proj.weight"},
    [FL_WEIGHT_EXPERT_UP] = {.pattern = LAYER "mlp.experts.%d.up_proj.weight"},
    [FL_WEIGHT_EXPERT_DOWN] = {.pattern = LAYER "mlp.experts.%d.down_proj.weight"},
    [FL_WEIGHT_SHARED_ROUTER] = {.pattern = LAYER "mlp.shared_expert_gate.weight"},
    [FL_WEIGHT_SHARED_GATE] = {.pattern = LAYER "mlp.shared_expert.gate_proj.weight"},
    [FL_WEIGHT_SHARED_UP] = {.pattern = LAYER "mlp.shared_expert.up_proj.weight"},
    [FL_WEIGHT_SHARED_DOWN] = {.pattern = LAYER "mlp.shared_expert.down_proj.weight"},
};

#define NEOX "gpt_neox.layers.%d."

static const struct fl_weight_name NEOX_NAMES[FL_N_WEIGHT_ROLES] = {
    [FL_WEIGHT_TOKEN_EMBEDDING] = {.pattern = "gpt_neox.embed_in.weight"},
    [FL_WEIGHT_NORM_FINAL] = {.pattern = "gpt_neox.final_layer_norm.weight"},
    [FL_WEIGHT_NORM_FINAL_BIAS] = {.pattern = "gpt_neox.final_layer_norm.bias"},
    [FL_WEIGHT_LOGITS] = {.pattern = "embed_out.weight"},
    [FL_WEIGHT_NORM_ATTN] = {.pattern = NEOX "input_layernorm.weight"},
    [FL_WEIGHT_NORM_ATTN_BIAS] = {.pattern = NEOX "input_layernorm.bias"},
    [FL_WEIGHT_Q] = {.pattern = NEOX "attention.query_key_value.weight", .fused_by_head = true},
    [FL_WEIGHT_K] = {.pattern = NEOX "attention.query_key_value.weight", .fused_by_head = true},
    [FL_WEIGHT_V] = {.pattern = NEOX "attention.query_key_value.weight", .fused_by_head = true},
    [FL_WEIGHT_Q_BIAS] = {.pattern = NEOX "attention.query_key_value.bias", .fused_by_head = true},
    [FL_WEIGHT_K_BIAS] = {.pattern = NEOX "attention.query_key_value.bias", .fused_by_head = true},
    [FL_WEIGHT_V_BIAS] = {.pattern = NEOX "attention.query_key_value.bias", .fused_by_head = true},
    [FL_WEIGHT_ATTN_OUT] = {.pattern = NEOX "attention.dense.weight"},
    [FL_WEIGHT_ATTN_OUT_BIAS] = {.pattern = NEOX "attention.dense.bias"},
    [FL_WEIGHT_NORM_FFN] = {.pattern = NEOX "post_attention_layernorm.weight"},
    [FL_WEIGHT_NORM_FFN_BIAS] = {.pattern = NEOX "post_attention_layernorm.bias"},
    [FL_WEIGHT_FFN_UP] = {.pattern = NEOX "mlp.dense_h_to_4h.weight"},
    [FL_WEIGHT_FFN_UP_BIAS] = {.pattern = NEOX "mlp.dense_h_to_4h.bias"},
    [FL_WEIGHT_FFN_DOWN] = {.pattern = NEOX "mlp.dense_4h_to_h.weight"},
    [FL_WEIGHT_FFN_DOWN_BIAS] = {.pattern = NEOX "mlp.dense_4h_to_h.bias"},
};

static const struct fl_weight_name CLASSIC_NAMES[FL_N_WEIGHT_ROLES] = {
    [FL_WEIGHT_TOKEN_EMBEDDING] = {.pattern = "model.embed_tokens.weight"},
    [FL_WEIGHT_POSITION_EMBEDDING] = {.pattern = "model.embed_positions.weight"},
    [FL_WEIGHT_NORM_FINAL] = {.pattern = "model.final_norm.weight"},
    [FL_WEIGHT_NORM_FINAL_BIAS] = {.pattern = "model.final_norm.bias"},
    [FL_WEIGHT_LOGITS] = {.pattern = "lm_head.weight"},
    [FL_WEIGHT_NORM_ATTN] = {.pattern = LAYER "attn_norm.weight"},
    [FL_WEIGHT_NORM_ATTN_BIAS] = {.pattern = LAYER "attn_norm.bias"},
    [FL_WEIGHT_Q] = {.pattern = LAYER "self_attn.q_proj.weight"},
    [FL_WEIGHT_K] = {.pattern = LAYER "self_attn.k_proj.weight"},
    [FL_WEIGHT_V] = {.pattern = LAYER "self_attn.v_proj.weight"},
    [FL_WEIGHT_Q_BIAS] = {.pattern = LAYER "self_attn.q_proj.bias"},
    [FL_WEIGHT_K_BIAS] = {.pattern = LAYER "self_attn.k_proj.bias"},
    [FL_WEIGHT_V_BIAS] = {.pattern = LAYER "self_attn.v_proj.bias"},
    [FL_WEIGHT_ATTN_OUT] = {.pattern = LAYER "self_attn.o_proj.weight"},
    [FL_WEIGHT_ATTN_OUT_BIAS] = {.pattern = LAYER "self_attn.o_proj.bias"},
    [FL_WEIGHT_NORM_FFN] = {.pattern = LAYER "ffn_norm.weight"},
    [FL_WEIGHT_NORM_FFN_BIAS] = {.pattern = LAYER "ffn_norm.bias"},
    [FL_WEIGHT_FFN_UP] = {.pattern = LAYER "ffn.up_proj.weight"},
    [FL_WEIGHT_FFN_UP_BIAS] = {.pattern = LAYER "ffn.up_proj.bias"},
    [FL_WEIGHT_FFN_DOWN] = {.pattern = LAYER "ffn.down_proj.weight"},
    [FL_WEIGHT_FFN_DOWN_BIAS] = {.pattern = LAYER "ffn.down_proj.bias"},
};

/* As in the published checkpoints; others put "transformer." in front of all but lm_head. */
static const struct fl_weight_name GPT2_NAMES[FL_N_WEIGHT_ROLES] = {
    [FL_WEIGHT_TOKEN_EMBEDDING] = {.pattern = "wte.weight"},
    [FL_WEIGHT_POSITION_EMBEDDING] = {.pattern = "wpe.weight"},
    [FL_WEIGHT_NORM_FINAL] = {.pattern = "ln_f.weight"},
    [FL_WEIGHT_NORM_FINAL_BIAS] = {.pattern = "ln_f.bias"},
    [FL_WEIGHT_LOGITS] = {.pattern = "lm_head.weight"},
    [FL_WEIGHT_NORM_ATTN] = {.pattern = "h.%d.ln_1.weight"},
    [FL_WEIGHT_NORM_ATTN_BIAS] = {.pattern = "h.%d.ln_1.bias"},
    [FL_WEIGHT_Q] = {.pattern = "h.%d.attn.c_attn.weight", .in_out = true, .fused = true},
    [FL_WEIGHT_K] = {.pattern = "h.%d.attn.c_attn.weight", .in_out = true, .fused = true},
    [FL_WEIGHT_V] = {.pattern = "h.%d.attn.c_attn.weight", .in_out = true, .fused = true},
    [FL_WEIGHT_Q_BIAS] = {.pattern = "h.%d.attn.c_attn.bias", .fused = true},
    [FL_WEIGHT_K_BIAS] = {.pattern = "h.%d.attn.c_attn.bias", .fused = true},
    [FL_WEIGHT_V_BIAS] = {.pattern = "h.%d.attn.c_attn.bias", .fused = true},
    [FL_WEIGHT_ATTN_OUT] = {.pattern = "h.%d.attn.c_proj.weight", .in_out = true},
    [FL_WEIGHT_ATTN_OUT_BIAS] = {.pattern = "h.%d.attn.c_proj.bias"},
    [FL_WEIGHT_NORM_FFN] = {.pattern = "h.%d.ln_2.weight"},
    [FL_WEIGHT_NORM_FFN_BIAS] = {.pattern = "h.%d.ln_2.bias"},
    [FL_WEIGHT_FFN_UP] = {.pattern = "h.%d.mlp.c_fc.weight", .in_out = true},
    [FL_WEIGHT_FFN_UP_BIAS] = {.pattern = "h.%d.mlp.c_fc.bias"},
    [FL_WEIGHT_FFN_DOWN] = {.pattern = "h.%d.mlp.c_proj.weight", .in_out = true},
    [FL_WEIGHT_FFN_DOWN_BIAS] = {.pattern = "h.%d.mlp.c_proj.bias"},
};

static const struct fl_weight_name *const NAMES[FL_N_ARCHS] = {
    [FL_ARCH_CLASSIC] = CLASSIC_NAMES,    [FL_ARCH_GPT2] = GPT2_NAMES,
    [FL_ARCH_LLAMA] = LLAMA_NAMES,        [FL_ARCH_QWEN2] = LLAMA_NAMES,
    [FL_ARCH_QWEN3] = LLAMA_NAMES,        [FL_ARCH_MIXTRAL] = MIXTRAL_NAMES,
    [FL_ARCH_QWEN2_MOE] = QWEN_MOE_NAMES, [FL_ARCH_QWEN3_MOE] = QWEN_MOE_NAMES,
    [FL_ARCH_NEOX] = NEOX_NAMES,
};

const struct fl_weight_name *fl_hf_names(enum fl_arch arch)
{
    return NAMES[arch];
}
