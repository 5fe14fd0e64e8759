#include "model/hf_internal.h"

/* ---- keys ---- */

#define NEEDED(key, field)                                                                         \
    {                                                                                              \
        key, #field, offsetof(struct fl_config, field), FL_JSON_REQUIRED, false                    \
    }
#define MAY_BE(key, field)                                                                         \
    {                                                                                              \
        key, #field, offsetof(struct fl_config, field), FL_JSON_OPTIONAL, false                    \
    }

static const struct fl_hf_int GPT2_KEYS[] = {
    NEEDED("n_embd", d_model),
    MAY_BE("n_inner", d_ff),
    NEEDED("n_layer", n_layers),
    NEEDED("n_head", n_heads),
    NEEDED("vocab_size", vocab_size),
    NEEDED("n_positions", n_ctx_max),
    {0},
};
/* What most call the shape. */
#define SHAPE                                                                                      \
    NEEDED("hidden_size", d_model), NEEDED("num_hidden_layers", n_layers),                         \
        NEEDED("num_attention_heads", n_heads), NEEDED("vocab_size", vocab_size),                  \
        NEEDED("max_position_embeddings", n_ctx_max)
#define GROUPED_HEADS MAY_BE("num_key_value_heads", n_kv_heads), MAY_BE("head_dim", head_dim)

static const struct fl_hf_int LLAMA_KEYS[] = {
    SHAPE,
    GROUPED_HEADS,
    NEEDED("intermediate_size", d_ff),
    {0},
};
static const struct fl_hf_int MIXTRAL_KEYS[] = {
    SHAPE,
    GROUPED_HEADS,
    NEEDED("intermediate_size", d_ff),
    NEEDED("num_local_experts", n_experts),
    NEEDED("num_experts_per_tok", n_experts_used),
    {0},
};
static const struct fl_hf_int QWEN_MOE_KEYS[] = {
    SHAPE,
    GROUPED_HEADS,
    NEEDED("moe_intermediate_size", d_ff),
    {"shared_expert_intermediate_size", "d_ff_shared", offsetof(struct fl_config, d_ff_shared),
     FL_JSON_OPTIONAL, true},
    NEEDED("num_experts", n_experts),
    NEEDED("num_experts_per_tok", n_experts_used),
    {0},
};
static const struct fl_hf_int NEOX_KEYS[] = {
    SHAPE,
    NEEDED("intermediate_size", d_ff),
    {0},
};
static const struct fl_hf_int T5_KEYS[] = {
    NEEDED("d_model", d_model),
    NEEDED("d_ff", d_ff),
    NEEDED("num_layers", n_encoder_layers),
    MAY_BE("num_decoder_layers", n_layers),
    NEEDED("num_heads", n_heads),
    NEEDED("d_kv", head_dim),
    NEEDED("vocab_size", vocab_size),
    MAY_BE("n_positions", n_ctx_max),
    MAY_BE("relative_attention_max_distance", relative_max_distance),
    {0},
};
static const struct fl_hf_int ENCDEC_KEYS[] = {
    NEEDED("d_model", d_model),
    NEEDED("d_ff", d_ff),
    NEEDED("n_encoder_layers", n_encoder_layers),
    NEEDED("n_decoder_layers", n_layers),
    NEEDED("n_heads", n_heads),
    NEEDED("target_vocab_size", vocab_size),
    NEEDED("source_vocab_size", source_vocab_size),
    {0},
};

static const struct fl_hf_fixed GPT2_FIXED[] = {
    {"scale_attn_weights", true},
    {"scale_attn_by_inverse_layer_idx", false},
    {"add_cross_attention", false},
    {0},
};
static const struct fl_hf_fixed NONE_FIXED[] = {{0}};

/* ---- the table ---- */

#define RMS_BLOCK                                                                                  \
    .norm = FL_NORM_RMSNORM, .activation = FL_ACT_SILU, .gated = true, .positions = FL_POS_ROPE,   \
    .rope.theta = 10000
#define BIASES .bias_qkv = true, .bias_attn_out = true, .bias_ffn = true

const struct fl_hf_architecture fl_hf_architectures[] = {
    {"gpt2",
     {"GPT2LMHeadModel"},
     GPT2_KEYS,
     GPT2_FIXED,
     "layer_norm_epsilon",
     "activation_function",
     fl_hf_read_gpt2,
     {.arch = FL_ARCH_GPT2,
      .norm_eps = 1e-5,
      .activation = FL_ACT_GELU_TANH,
      .tied = true,
      .positions = FL_POS_LEARNED,
      BIASES}},
    {"llama",
     {"LlamaForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     fl_hf_read_llama,
     {.arch = FL_ARCH_LLAMA, .norm_eps = 1e-6, RMS_BLOCK}},
    {"mistral",
     {"MistralForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     fl_hf_read_mistral,
     {.arch = FL_ARCH_LLAMA, .norm_eps = 1e-6, .n_kv_heads = 8, RMS_BLOCK}},
    {"qwen2",
     {"Qwen2ForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     fl_hf_read_qwen2,
     {.arch = FL_ARCH_QWEN2, .norm_eps = 1e-6, .bias_qkv = true, RMS_BLOCK}},
    {"mixtral",
     {"MixtralForCausalLM"},
     MIXTRAL_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     fl_hf_read_mistral,
     {.arch = FL_ARCH_MIXTRAL, .norm_eps = 1e-5, .n_kv_heads = 8, .norm_topk = true, RMS_BLOCK}},
    {"qwen3",
     {"Qwen3ForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     fl_hf_read_qwen3,
     {.arch = FL_ARCH_QWEN3, .norm_eps = 1e-6, .head_dim = 128, .qk_norm = true, RMS_BLOCK}},
    {"qwen2_moe",
     {"Qwen2MoeForCausalLM"},
     QWEN_MOE_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     fl_hf_read_qwen_moe,
     {.arch = FL_ARCH_QWEN2_MOE,
      .norm_eps = 1e-6,
      .bias_qkv = true,
      .d_ff_shared = 5632,
      RMS_BLOCK}},
    {"qwen3_moe",
     {"Qwen3MoeForCausalLM"},
     QWEN_MOE_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     fl_hf_read_qwen_moe,
     {.arch = FL_ARCH_QWEN3_MOE, .norm_eps = 1e-6, .qk_norm = true, RMS_BLOCK}},
    {"gpt_neox",
     {"GPTNeoXForCausalLM"},
     NEOX_KEYS,
     NONE_FIXED,
     "layer_norm_eps",
     "hidden_act",
     fl_hf_read_neox,
     {.arch = FL_ARCH_NEOX,
      .norm_eps = 1e-5,
      .activation = FL_ACT_GELU_ERF,
      .positions = FL_POS_ROPE,
      .rope.theta = 10000,
      .branches = FL_BRANCHES_PARALLEL,
      BIASES}},
    {"classic_decoder",
     {"ClassicDecoderForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "layer_norm_eps",
     "hidden_act",
     fl_hf_read_classic,
     {.arch = FL_ARCH_CLASSIC, .norm_eps = 1e-5, .activation = FL_ACT_RELU, .tied = true, BIASES}},
    {"t5",
     {"T5ForConditionalGeneration", "T5WithLMHeadModel"},
     T5_KEYS,
     NONE_FIXED,
     "layer_norm_epsilon",
     NULL,
     fl_hf_read_t5,
     {.arch = FL_ARCH_T5,
      .norm = FL_NORM_RMSNORM,
      .norm_eps = 1e-6,
      .n_ctx_max = 512,
      .positions = FL_POS_RELATIVE,
      .relative_max_distance = FL_T5_MAX_DISTANCE,
      .tied = true}},
    {"classic_encoder_decoder",
     {"ClassicEncoderDecoder"},
     ENCDEC_KEYS,
     NONE_FIXED,
     "layer_norm_eps",
     "activation",
     fl_hf_read_encdec,
     {.arch = FL_ARCH_ENCDEC,
      .norm_eps = 1e-5,
      .n_ctx_max = 512, /* positions are computed, so any length will do */
      .positions = FL_POS_SINUSOIDAL_HALVES,
      BIASES,
      .bias_logits = true}},
};
const int fl_hf_n_architectures = sizeof fl_hf_architectures / sizeof *fl_hf_architectures;
