#include "model/presets.h"

#include <strings.h>

/* A family's common fields; what varies are the macro's arguments. rope.interleaved is false: the
 * published weights pair feature i with i + head_dim / 2. */

#define GPT2(preset_name, width, layers, heads, ctx, vocab, end_id)                                \
    {                                                                                              \
        .name = preset_name, .arch = FL_ARCH_GPT2, .d_model = width, .d_ff = 4 * (width),          \
        .n_layers = layers, .n_heads = heads, .n_kv_heads = heads, .head_dim = (width) / (heads),  \
        .vocab_size = vocab, .n_ctx_max = ctx, .norm = FL_NORM_LAYERNORM,                          \
        .norm_position = FL_NORM_PRE, .norm_eps = 1e-5, .activation = FL_ACT_GELU_TANH,            \
        .positions = FL_POS_LEARNED, .bias_qkv = true, .bias_attn_out = true, .bias_ffn = true,    \
        .tied = true, .bos_id = end_id, .eos_id = end_id                                           \
    }

#define CLASSIC(preset_name, width, layers, heads, ctx, vocab)                                     \
    {                                                                                              \
        .name = preset_name, .arch = FL_ARCH_CLASSIC, .d_model = width, .d_ff = 4 * (width),       \
        .n_layers = layers, .n_heads = heads, .n_kv_heads = heads, .head_dim = (width) / (heads),  \
        .vocab_size = vocab, .n_ctx_max = ctx, .norm = FL_NORM_LAYERNORM,                          \
        .norm_position = FL_NORM_POST, .norm_eps = 1e-5, .activation = FL_ACT_RELU,                \
        .positions = FL_POS_SINUSOIDAL, .scale_embedding = true, .bias_ffn = true, .tied = true,   \
        .bos_id = -1, .eos_id = -1                                                                 \
    }

/* The last argument holds further designated fields, separated by commas; .bos_id and .eos_id
 * among them. */
#define LLAMA_LIKE(preset_name, width, ff, layers, heads, kv_heads, d_head, ctx, vocab, base, ...) \
    {                                                                                              \
        .name = preset_name, .d_model = width, .d_ff = ff, .n_layers = layers, .n_heads = heads,   \
        .n_kv_heads = kv_heads, .head_dim = d_head, .vocab_size = vocab, .n_ctx_max = ctx,         \
        .norm = FL_NORM_RMSNORM, .norm_position = FL_NORM_PRE, .activation = FL_ACT_SILU,          \
        .gated = true, .positions = FL_POS_ROPE, .rope.theta = base, __VA_ARGS__                   \
    }

#define LLAMA_IDS  .arch = FL_ARCH_LLAMA, .norm_eps = 1e-5, .bos_id = 1, .eos_id = 2
#define NO_IDS     .arch = FL_ARCH_LLAMA, .norm_eps = 1e-5, .bos_id = -1, .eos_id = -1
#define LLAMA3_IDS .arch = FL_ARCH_LLAMA, .norm_eps = 1e-5, .bos_id = 128000, .eos_id = 128001
#define LLAMA3_SCALING(times)                                                                      \
    .rope.scaling = FL_ROPE_LLAMA3, .rope.factor = times, .rope.low_freq_factor = 1,               \
    .rope.high_freq_factor = 4, .rope.original_ctx = 8192
#define QWEN2                                                                                      \
    .arch = FL_ARCH_QWEN2, .norm_eps = 1e-6, .bias_qkv = true, .bos_id = 151643, .eos_id = 151645
#define MIXTRAL                                                                                    \
    .arch = FL_ARCH_MIXTRAL, .norm_eps = 1e-5, .n_experts = 8, .n_experts_used = 2,                \
    .norm_topk = true, .bos_id = 1, .eos_id = 2

#define QWEN3                                                                                      \
    .arch = FL_ARCH_QWEN3, .norm_eps = 1e-6, .qk_norm = true, .bos_id = 151643, .eos_id = 151645
#define QWEN2_MOE(experts, chosen, shared)                                                         \
    .arch = FL_ARCH_QWEN2_MOE, .norm_eps = 1e-6, .bias_qkv = true, .n_experts = experts,           \
    .n_experts_used = chosen, .d_ff_shared = shared, .bos_id = 151643, .eos_id = 151643
#define QWEN3_MOE                                                                                  \
    .arch = FL_ARCH_QWEN3_MOE, .norm_eps = 1e-6, .qk_norm = true, .n_experts = 128,                \
    .n_experts_used = 8, .norm_topk = true, .bos_id = 151643, .eos_id = 151645

/* A quarter of each head is rotated; tables are padded to whole multiples of 128 ids. */
#define PYTHIA(preset_name, width, layers, heads, vocab, act)                                      \
    {                                                                                              \
        .name = preset_name, .arch = FL_ARCH_NEOX, .d_model = width, .d_ff = 4 * (width),          \
        .n_layers = layers, .n_heads = heads, .n_kv_heads = heads, .head_dim = (width) / (heads),  \
        .rotary_dim = (width) / (heads) / 4, .vocab_size = vocab, .n_ctx_max = 2048,               \
        .norm = FL_NORM_LAYERNORM, .norm_position = FL_NORM_PRE, .norm_eps = 1e-5,                 \
        .branches = FL_BRANCHES_PARALLEL, .activation = FL_ACT_GELU_ERF, .positions = FL_POS_ROPE, \
        .rope.theta = 1e4, .bias_qkv = true, .bias_attn_out = true, .bias_ffn = true, .bos_id = 0, \
        .eos_id = 0                                                                                \
    }

/* Positions are relative, so any length will do; 512 is what the models were trained with. */
#define T5(preset_name, width, ff, layers, heads, d_head, vocab, ...)                              \
    {                                                                                              \
        .name = preset_name, .arch = FL_ARCH_T5, .d_model = width, .d_ff = ff, .n_layers = layers, \
        .n_encoder_layers = layers, .n_heads = heads, .n_kv_heads = heads, .head_dim = d_head,     \
        .vocab_size = vocab, .n_ctx_max = 512, .norm = FL_NORM_RMSNORM,                            \
        .norm_position = FL_NORM_PRE, .norm_eps = 1e-6, .positions = FL_POS_RELATIVE,              \
        .relative_max_distance = FL_T5_MAX_DISTANCE, .bos_id = 0, .eos_id = 1, __VA_ARGS__         \
    }
#define T5_FIRST .activation = FL_ACT_RELU, .tied = true
#define T5_V1_1  .activation = FL_ACT_GELU_TANH, .gated = true

#define SOURCE_CLASSIC   "Vaswani et al., 2017 (arXiv:1706.03762), table 3, base: the decoder alone"
#define SOURCE_GPT2      "Radford et al., 2019, table 2; openai/gpt-2 hparams.json"
#define SOURCE_LLAMA2    "Touvron et al., 2023 (arXiv:2307.09288); meta-llama/Llama-2 config.json"
#define SOURCE_LLAMA3    "Llama 3 model card and params.json (meta-llama/llama3)"
#define SOURCE_LLAMA31   "Dubey et al., 2024 (arXiv:2407.21783), table 3; meta-llama config.json"
#define SOURCE_LLAMA32   "Llama 3.2 model card; meta-llama/Llama-3.2 config.json"
#define SOURCE_LLAMA2C   "karpathy/llama2.c README: table of the TinyStories models"
#define SOURCE_QWEN25    "Qwen2.5 technical report (arXiv:2412.15115); Qwen2.5-Instruct config.json"
#define SOURCE_MISTRAL   "Jiang et al., 2023 (arXiv:2310.06825), table 1"
#define SOURCE_MISTRAL3  "mistralai/Mistral-7B-v0.3 config.json"
#define SOURCE_MIXTRAL   "Jiang et al., 2024 (arXiv:2401.04088), table 1"
#define SOURCE_MIXTRAL22 "mistralai/Mixtral-8x22B-v0.1 config.json"
#define SOURCE_QWEN3     "Qwen3 technical report (arXiv:2505.09388), tables 1 and 2; Qwen3 config.json"
#define SOURCE_QWEN15MOE "Qwen/Qwen1.5-MoE-A2.7B config.json"
#define SOURCE_PYTHIA                                                                              \
    "Biderman et al., 2023 (arXiv:2304.01373), table 1; EleutherAI/pythia config.json"
#define SOURCE_NEOX                                                                                \
    "Black et al., 2022 (arXiv:2204.06745), section 2; EleutherAI/gpt-neox-20b config.json"
#define SOURCE_T5      "Raffel et al., 2020 (arXiv:1910.10683), section 3.7; google-t5 config.json"
#define SOURCE_T5_V1_1 "t5x released checkpoints: T5 1.1; google/t5-v1_1 config.json"
#define SOURCE_OWN     "flopledger: a small shape for measuring, bytes as vocabulary"
#define SOURCE_COURSE                                                                              \
    "flopledger: the labs' shape (docs/course), round figures, bytes as vocabulary"
#define SOURCE_160M "huggingface.co/JackFram/llama-160m config.json"

static const struct fl_preset PRESETS[] = {
    {SOURCE_OWN, CLASSIC("classic-nano", 96, 3, 4, 512, 256)},
    {SOURCE_CLASSIC, CLASSIC("classic-base", 512, 6, 8, 1024, 37000)},

    {SOURCE_OWN, GPT2("gpt2-nano", 96, 3, 4, 512, 256, -1)},
    {SOURCE_COURSE, GPT2("gpt2-course", 512, 8, 8, 1024, 256, -1)},
    {SOURCE_GPT2, GPT2("gpt2-small", 768, 12, 12, 1024, 50257, 50256)},
    {SOURCE_GPT2, GPT2("gpt2-medium", 1024, 24, 16, 1024, 50257, 50256)},
    {SOURCE_GPT2, GPT2("gpt2-large", 1280, 36, 20, 1024, 50257, 50256)},
    {SOURCE_GPT2, GPT2("gpt2-xl", 1600, 48, 25, 1024, 50257, 50256)},

    {SOURCE_OWN,
     LLAMA_LIKE("llama-nano", 96, 256, 4, 6, 2, 16, 512, 256, 1e4, NO_IDS, .tied = true)},
    {SOURCE_LLAMA2C,
     LLAMA_LIKE("stories15m", 288, 768, 6, 6, 6, 48, 256, 32000, 1e4, LLAMA_IDS, .tied = true)},
    {SOURCE_LLAMA2C,
     LLAMA_LIKE("stories42m", 512, 1376, 8, 8, 8, 64, 1024, 32000, 1e4, LLAMA_IDS, .tied = true)},
    {SOURCE_LLAMA2C, LLAMA_LIKE("stories110m", 768, 2048, 12, 12, 12, 64, 1024, 32000, 1e4,
                                LLAMA_IDS, .tied = true)},
    {SOURCE_160M, LLAMA_LIKE("llama-160m", 768, 3072, 12, 12, 12, 64, 2048, 32000, 1e4,
                             .arch = FL_ARCH_LLAMA, .norm_eps = 1e-6, .bos_id = 1, .eos_id = 2)},
    {SOURCE_LLAMA2,
     LLAMA_LIKE("llama-2-7b", 4096, 11008, 32, 32, 32, 128, 4096, 32000, 1e4, LLAMA_IDS)},
    {SOURCE_LLAMA2,
     LLAMA_LIKE("llama-2-13b", 5120, 13824, 40, 40, 40, 128, 4096, 32000, 1e4, LLAMA_IDS)},
    {SOURCE_LLAMA2,
     LLAMA_LIKE("llama-2-70b", 8192, 28672, 80, 64, 8, 128, 4096, 32000, 1e4, LLAMA_IDS)},
    {SOURCE_LLAMA3,
     LLAMA_LIKE("llama-3-8b", 4096, 14336, 32, 32, 8, 128, 8192, 128256, 5e5, LLAMA3_IDS)},
    {SOURCE_LLAMA3,
     LLAMA_LIKE("llama-3-70b", 8192, 28672, 80, 64, 8, 128, 8192, 128256, 5e5, LLAMA3_IDS)},
    {SOURCE_LLAMA31, LLAMA_LIKE("llama-3.1-8b", 4096, 14336, 32, 32, 8, 128, 131072, 128256, 5e5,
                                LLAMA3_IDS, LLAMA3_SCALING(8))},
    {SOURCE_LLAMA31, LLAMA_LIKE("llama-3.1-70b", 8192, 28672, 80, 64, 8, 128, 131072, 128256, 5e5,
                                LLAMA3_IDS, LLAMA3_SCALING(8))},
    {SOURCE_LLAMA31, LLAMA_LIKE("llama-3.1-405b", 16384, 53248, 126, 128, 8, 128, 131072, 128256,
                                5e5, LLAMA3_IDS, LLAMA3_SCALING(8))},
    {SOURCE_LLAMA32, LLAMA_LIKE("llama-3.2-1b", 2048, 8192, 16, 32, 8, 64, 131072, 128256, 5e5,
                                LLAMA3_IDS, LLAMA3_SCALING(32), .tied = true)},
    {SOURCE_LLAMA32, LLAMA_LIKE("llama-3.2-3b", 3072, 8192, 28, 24, 8, 128, 131072, 128256, 5e5,
                                LLAMA3_IDS, LLAMA3_SCALING(32), .tied = true)},

    {SOURCE_OWN, LLAMA_LIKE("mistral-nano", 96, 256, 4, 6, 2, 16, 512, 256, 1e4, NO_IDS,
                            .tied = true, .sliding_window = 32)},
    {SOURCE_MISTRAL, LLAMA_LIKE("mistral-7b-v0.1", 4096, 14336, 32, 32, 8, 128, 32768, 32000, 1e4,
                                LLAMA_IDS, .sliding_window = 4096)},
    {SOURCE_MISTRAL3,
     LLAMA_LIKE("mistral-7b-v0.3", 4096, 14336, 32, 32, 8, 128, 32768, 32768, 1e6, LLAMA_IDS)},
    {SOURCE_OWN,
     LLAMA_LIKE("mixtral-nano", 96, 128, 4, 6, 2, 16, 512, 256, 1e4, .arch = FL_ARCH_MIXTRAL,
                .norm_eps = 1e-5, .n_experts = 8, .n_experts_used = 2, .norm_topk = true,
                .bos_id = -1, .eos_id = -1, .tied = true)},
    {SOURCE_MIXTRAL,
     LLAMA_LIKE("mixtral-8x7b", 4096, 14336, 32, 32, 8, 128, 32768, 32000, 1e6, MIXTRAL)},
    {SOURCE_MIXTRAL22,
     LLAMA_LIKE("mixtral-8x22b", 6144, 16384, 56, 48, 8, 128, 65536, 32000, 1e6, MIXTRAL)},

    {SOURCE_QWEN25,
     LLAMA_LIKE("qwen2.5-0.5b", 896, 4864, 24, 14, 2, 64, 32768, 151936, 1e6, QWEN2, .tied = true)},
    {SOURCE_QWEN25, LLAMA_LIKE("qwen2.5-1.5b", 1536, 8960, 28, 12, 2, 128, 32768, 151936, 1e6,
                               QWEN2, .tied = true)},
    {SOURCE_QWEN25, LLAMA_LIKE("qwen2.5-3b", 2048, 11008, 36, 16, 2, 128, 32768, 151936, 1e6, QWEN2,
                               .tied = true)},
    {SOURCE_QWEN25,
     LLAMA_LIKE("qwen2.5-7b", 3584, 18944, 28, 28, 4, 128, 32768, 152064, 1e6, QWEN2)},
    {SOURCE_QWEN25,
     LLAMA_LIKE("qwen2.5-14b", 5120, 13824, 48, 40, 8, 128, 32768, 152064, 1e6, QWEN2)},
    {SOURCE_QWEN25,
     LLAMA_LIKE("qwen2.5-32b", 5120, 27648, 64, 40, 8, 128, 32768, 152064, 1e6, QWEN2)},
    {SOURCE_QWEN25,
     LLAMA_LIKE("qwen2.5-72b", 8192, 29568, 80, 64, 8, 128, 32768, 152064, 1e6, QWEN2)},

    {SOURCE_QWEN15MOE, LLAMA_LIKE("qwen1.5-moe-a2.7b", 2048, 1408, 24, 16, 16, 128, 8192, 151936,
                                  1e6, QWEN2_MOE(60, 4, 5632))},
    {SOURCE_OWN,
     LLAMA_LIKE("qwen3-nano", 96, 256, 4, 6, 2, 16, 512, 256, 1e4, .arch = FL_ARCH_QWEN3,
                .norm_eps = 1e-6, .qk_norm = true, .bos_id = -1, .eos_id = -1, .tied = true)},
    {SOURCE_QWEN3,
     LLAMA_LIKE("qwen3-0.6b", 1024, 3072, 28, 16, 8, 128, 40960, 151936, 1e6, QWEN3, .tied = true)},
    {SOURCE_QWEN3,
     LLAMA_LIKE("qwen3-1.7b", 2048, 6144, 28, 16, 8, 128, 40960, 151936, 1e6, QWEN3, .tied = true)},
    {SOURCE_QWEN3,
     LLAMA_LIKE("qwen3-4b", 2560, 9728, 36, 32, 8, 128, 40960, 151936, 1e6, QWEN3, .tied = true)},
    {SOURCE_QWEN3, LLAMA_LIKE("qwen3-8b", 4096, 12288, 36, 32, 8, 128, 40960, 151936, 1e6, QWEN3)},
    {SOURCE_QWEN3, LLAMA_LIKE("qwen3-14b", 5120, 17408, 40, 40, 8, 128, 40960, 151936, 1e6, QWEN3)},
    {SOURCE_QWEN3, LLAMA_LIKE("qwen3-32b", 5120, 25600, 64, 64, 8, 128, 40960, 151936, 1e6, QWEN3)},
    {SOURCE_QWEN3,
     LLAMA_LIKE("qwen3-30b-a3b", 2048, 768, 48, 32, 4, 128, 40960, 151936, 1e6, QWEN3_MOE)},

    {SOURCE_OWN, PYTHIA("neox-nano", 96, 3, 4, 256, FL_ACT_GELU_ERF)},
    {SOURCE_PYTHIA, PYTHIA("pythia-70m", 512, 6, 8, 50304, FL_ACT_GELU_ERF)},
    {SOURCE_PYTHIA, PYTHIA("pythia-160m", 768, 12, 12, 50304, FL_ACT_GELU_ERF)},
    {SOURCE_PYTHIA, PYTHIA("pythia-410m", 1024, 24, 16, 50304, FL_ACT_GELU_ERF)},
    {SOURCE_PYTHIA, PYTHIA("pythia-1b", 2048, 16, 8, 50304, FL_ACT_GELU_ERF)},
    {SOURCE_PYTHIA, PYTHIA("pythia-1.4b", 2048, 24, 16, 50304, FL_ACT_GELU_ERF)},
    {SOURCE_PYTHIA, PYTHIA("pythia-2.8b", 2560, 32, 32, 50304, FL_ACT_GELU_ERF)},
    {SOURCE_PYTHIA, PYTHIA("pythia-6.9b", 4096, 32, 32, 50432, FL_ACT_GELU_ERF)},
    {SOURCE_PYTHIA, PYTHIA("pythia-12b", 5120, 36, 40, 50688, FL_ACT_GELU_ERF)},
    {SOURCE_NEOX, PYTHIA("gpt-neox-20b", 6144, 44, 64, 50432, FL_ACT_GELU_TANH)},

    {SOURCE_OWN, T5("t5-nano", 96, 384, 3, 4, 24, 256, T5_FIRST)},
    {SOURCE_T5, T5("t5-small", 512, 2048, 6, 8, 64, 32128, T5_FIRST)},
    {SOURCE_T5, T5("t5-base", 768, 3072, 12, 12, 64, 32128, T5_FIRST)},
    {SOURCE_T5, T5("t5-large", 1024, 4096, 24, 16, 64, 32128, T5_FIRST)},
    {SOURCE_T5, T5("t5-3b", 1024, 16384, 24, 32, 128, 32128, T5_FIRST)},
    {SOURCE_T5, T5("t5-11b", 1024, 65536, 24, 128, 128, 32128, T5_FIRST)},
    {SOURCE_T5_V1_1, T5("t5-v1.1-small", 512, 1024, 8, 6, 64, 32128, T5_V1_1)},
    {SOURCE_T5_V1_1, T5("t5-v1.1-base", 768, 2048, 12, 12, 64, 32128, T5_V1_1)},
    {SOURCE_T5_V1_1, T5("t5-v1.1-large", 1024, 2816, 24, 16, 64, 32128, T5_V1_1)},
    {SOURCE_T5_V1_1, T5("t5-v1.1-xl", 2048, 5120, 24, 32, 64, 32128, T5_V1_1)},
    {SOURCE_T5_V1_1, T5("t5-v1.1-xxl", 4096, 10240, 24, 64, 64, 32128, T5_V1_1)},
};

enum { N_PRESETS = sizeof PRESETS / sizeof *PRESETS };

/* Other names people use. Flan-T5 has the shapes of T5 1.1. */
static const struct {
    const char *name, *preset;
} ALIASES[] = {
    {"gpt2", "gpt2-small"},           {"mistral-7b", "mistral-7b-v0.1"},
    {"llama-tiny-15m", "stories15m"}, {"flan-t5-small", "t5-v1.1-small"},
    {"flan-t5-base", "t5-v1.1-base"}, {"flan-t5-large", "t5-v1.1-large"},
    {"flan-t5-xl", "t5-v1.1-xl"},     {"flan-t5-xxl", "t5-v1.1-xxl"},
};

const struct fl_preset *fl_preset_find(const char *name)
{
    for (size_t i = 0; i < sizeof ALIASES / sizeof *ALIASES; i++)
        if (strcasecmp(name, ALIASES[i].name) == 0)
            name = ALIASES[i].preset;
    for (int i = 0; i < N_PRESETS; i++)
        if (strcasecmp(name, PRESETS[i].config.name) == 0)
            return &PRESETS[i];
    return NULL;
}

const struct fl_preset *fl_presets(int *n)
{
    *n = N_PRESETS;
    return PRESETS;
}
