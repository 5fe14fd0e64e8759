#include "model/gguf_caveats.h"

#include <stddef.h>

static bool is_llama(const struct fl_config *config) /* by the name in the file */
{
    return config->arch == FL_ARCH_LLAMA || config->arch == FL_ARCH_MIXTRAL;
}

static bool is_qwen3(const struct fl_config *config)
{
    return config->arch == FL_ARCH_QWEN3 || config->arch == FL_ARCH_QWEN3_MOE;
}

/* ---- what it reads otherwise ---- */

static bool has_window(const struct fl_config *config)
{
    return config->sliding_window > 0;
}

static bool sums_to_one(const struct fl_config *config)
{
    return config->arch == FL_ARCH_QWEN2_MOE && config->norm_topk;
}

static bool sums_to_less(const struct fl_config *config)
{
    return config->arch == FL_ARCH_QWEN3_MOE && !config->norm_topk;
}

static bool has_erf(const struct fl_config *config)
{
    return config->arch == FL_ARCH_NEOX && config->activation == FL_ACT_GELU_ERF;
}

static bool scales_logits(const struct fl_config *config)
{
    return fl_config_scales_logits(config);
}

static bool has_other_distance(const struct fl_config *config)
{
    return config->arch == FL_ARCH_T5 && config->relative_max_distance != FL_T5_MAX_DISTANCE;
}

/* ---- what it does not load ---- */

static bool lacks_bias(const struct fl_config *config)
{
    return config->arch == FL_ARCH_NEOX && !config->bias_qkv;
}

static bool shares_embedding(const struct fl_config *config)
{
    return config->arch == FL_ARCH_NEOX && config->tied;
}

static bool has_extra_bias(const struct fl_config *config)
{
    return is_qwen3(config) && config->bias_qkv;
}

static bool lacks_shared_expert(const struct fl_config *config)
{
    return config->arch == FL_ARCH_QWEN2_MOE && config->d_ff_shared == 0;
}

static bool has_free_heads(const struct fl_config *config)
{
    return config->n_heads * config->head_dim != config->d_model && !is_llama(config) &&
           !is_qwen3(config) && config->arch != FL_ARCH_T5;
}

static bool has_llama3_scaling(const struct fl_config *config)
{
    return config->positions == FL_POS_ROPE && config->rope.scaling == FL_ROPE_LLAMA3 &&
           !is_llama(config);
}

static const struct {
    bool (*applies)(const struct fl_config *config);
    const char *sentence;
} CAVEATS[] = {
    {has_window, "attends to every token, where this model sees those of its sliding window"},
    {sums_to_one, "does not make the weights of the chosen experts sum to 1, as this model does"},
    {sums_to_less, "makes the weights of the chosen experts sum to 1, which this model does not"},
    {has_erf, "computes this model's GELU by the tanh form, not by the error function"},
    {scales_logits,
     "gives T5's tied logits sqrt(d_model) times as large: the same greedy text, other "
     "samples and beams"},
    {has_other_distance, "takes 128 for T5's largest relative distance, which this model does not"},
    {lacks_bias, "does not load a gptneox model whose attention has no biases"},
    {shares_embedding, "does not load a gptneox model whose logits share the embedding"},
    {has_extra_bias, "does not load a qwen3 or qwen3moe model whose attention has biases"},
    {lacks_shared_expert, "does not load a qwen2moe model without a shared expert"},
    {has_free_heads, "does not load this architecture where n_heads * head_dim is not d_model"},
    {has_llama3_scaling, "reads llama3's scaling of rotary positions in llama models only"},
};
enum { N_CAVEATS = sizeof CAVEATS / sizeof *CAVEATS };

const char *fl_gguf_caveat(const struct fl_config *config, int *next)
{
    while (*next < N_CAVEATS) {
        const int i = (*next)++;
        if (CAVEATS[i].applies(config))
            return CAVEATS[i].sentence;
    }
    return NULL;
}
