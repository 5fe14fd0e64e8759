#include "model/hf_config.h"
#include "base/file.h"
#include "model/json_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_CONFIG_BYTES = 16 << 20,
    NO_WINDOW = 0,
    MISTRAL_WINDOW = 4096,  /* when the key is absent; null means none */
    QWEN_WINDOW_LAYERS = 28 /* likewise, max_window_layers */
};

/* ---- what differs from architecture to architecture ---- */

/* A key that holds a whole number, and the field it goes to. */
struct int_key {
    const char *key;
    size_t offset;
    enum fl_json_need need;
};
#define NEEDED(key, field)                                                                         \
    {                                                                                              \
        key, offsetof(struct fl_config, field), FL_JSON_REQUIRED                                   \
    }
#define MAY_BE(key, field)                                                                         \
    {                                                                                              \
        key, offsetof(struct fl_config, field), FL_JSON_OPTIONAL                                   \
    }

static const struct int_key GPT2_KEYS[] = {
    NEEDED("n_embd", d_model),
    MAY_BE("n_inner", d_ff),
    NEEDED("n_layer", n_layers),
    NEEDED("n_head", n_heads),
    NEEDED("vocab_size", vocab_size),
    NEEDED("n_positions", n_ctx_max),
    {0},
};
static const struct int_key LLAMA_KEYS[] = {
    NEEDED("hidden_size", d_model),
    NEEDED("intermediate_size", d_ff),
    NEEDED("num_hidden_layers", n_layers),
    NEEDED("num_attention_heads", n_heads),
    MAY_BE("num_key_value_heads", n_kv_heads),
    MAY_BE("head_dim", head_dim),
    NEEDED("vocab_size", vocab_size),
    NEEDED("max_position_embeddings", n_ctx_max),
    {0},
};
static const struct int_key MIXTRAL_KEYS[] = {
    NEEDED("hidden_size", d_model),
    NEEDED("intermediate_size", d_ff),
    NEEDED("num_hidden_layers", n_layers),
    NEEDED("num_attention_heads", n_heads),
    MAY_BE("num_key_value_heads", n_kv_heads),
    MAY_BE("head_dim", head_dim),
    NEEDED("vocab_size", vocab_size),
    NEEDED("max_position_embeddings", n_ctx_max),
    NEEDED("num_local_experts", n_experts),
    NEEDED("num_experts_per_tok", n_experts_used),
    {0},
};
static const struct int_key QWEN_MOE_KEYS[] = {
    NEEDED("hidden_size", d_model),
    NEEDED("moe_intermediate_size", d_ff),
    MAY_BE("shared_expert_intermediate_size", d_ff_shared),
    NEEDED("num_hidden_layers", n_layers),
    NEEDED("num_attention_heads", n_heads),
    MAY_BE("num_key_value_heads", n_kv_heads),
    MAY_BE("head_dim", head_dim),
    NEEDED("vocab_size", vocab_size),
    NEEDED("max_position_embeddings", n_ctx_max),
    NEEDED("num_experts", n_experts),
    NEEDED("num_experts_per_tok", n_experts_used),
    {0},
};
static const struct int_key NEOX_KEYS[] = {
    NEEDED("hidden_size", d_model),
    NEEDED("intermediate_size", d_ff),
    NEEDED("num_hidden_layers", n_layers),
    NEEDED("num_attention_heads", n_heads),
    NEEDED("vocab_size", vocab_size),
    NEEDED("max_position_embeddings", n_ctx_max),
    {0},
};
static const struct int_key T5_KEYS[] = {
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
static const struct int_key ENCDEC_KEYS[] = {
    NEEDED("d_model", d_model),
    NEEDED("d_ff", d_ff),
    NEEDED("n_encoder_layers", n_encoder_layers),
    NEEDED("n_decoder_layers", n_layers),
    NEEDED("n_heads", n_heads),
    NEEDED("target_vocab_size", vocab_size),
    NEEDED("source_vocab_size", source_vocab_size),
    {0},
};

/* A switch that only one value of can be run. */
struct fixed_bool {
    const char *key;
    bool value;
};
static const struct fixed_bool GPT2_FIXED[] = {
    {"scale_attn_weights", true},
    {"scale_attn_by_inverse_layer_idx", false},
    {"add_cross_attention", false},
    {0},
};
static const struct fixed_bool NONE_FIXED[] = {{0}};

struct reader;
static int read_gpt2(struct reader *reader);
static int read_llama(struct reader *reader);
static int read_mistral(struct reader *reader);
static int read_qwen2(struct reader *reader);
static int read_qwen3(struct reader *reader);
static int read_qwen_moe(struct reader *reader);
static int read_neox(struct reader *reader);
static int read_classic(struct reader *reader);
static int read_t5(struct reader *reader);
static int read_encdec(struct reader *reader);

#define RMS_BLOCK                                                                                  \
    .norm = FL_NORM_RMSNORM, .activation = FL_ACT_SILU, .gated = true, .positions = FL_POS_ROPE,   \
    .rope.theta = 10000

static const struct architecture {
    const char *model_type;
    const char *classes[3]; /* of "architectures"; NULL-terminated */
    const struct int_key *ints;
    const struct fixed_bool *fixed;
    const char *eps_key, *activation_key;
    int (*read)(struct reader *reader); /* what no table says */
    struct fl_config config;            /* defaults */
} ARCHITECTURES[] = {
    {"gpt2",
     {"GPT2LMHeadModel"},
     GPT2_KEYS,
     GPT2_FIXED,
     "layer_norm_epsilon",
     "activation_function",
     read_gpt2,
     {.arch = FL_ARCH_GPT2,
      .norm_eps = 1e-5,
      .activation = FL_ACT_GELU_TANH,
      .tied = true,
      .positions = FL_POS_LEARNED,
      .bias_qkv = true,
      .bias_attn_out = true,
      .bias_ffn = true}},
    {"llama",
     {"LlamaForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     read_llama,
     {.arch = FL_ARCH_LLAMA, .norm_eps = 1e-6, RMS_BLOCK}},
    {"mistral",
     {"MistralForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     read_mistral,
     {.arch = FL_ARCH_LLAMA, .norm_eps = 1e-6, .n_kv_heads = 8, RMS_BLOCK}},
    {"qwen2",
     {"Qwen2ForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     read_qwen2,
     {.arch = FL_ARCH_QWEN2, .norm_eps = 1e-6, .bias_qkv = true, RMS_BLOCK}},
    {"mixtral",
     {"MixtralForCausalLM"},
     MIXTRAL_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     read_mistral,
     {.arch = FL_ARCH_MIXTRAL, .norm_eps = 1e-5, .n_kv_heads = 8, .norm_topk = true, RMS_BLOCK}},
    {"qwen3",
     {"Qwen3ForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     read_qwen3,
     {.arch = FL_ARCH_QWEN3, .norm_eps = 1e-6, .head_dim = 128, .qk_norm = true, RMS_BLOCK}},
    {"qwen2_moe",
     {"Qwen2MoeForCausalLM"},
     QWEN_MOE_KEYS,
     NONE_FIXED,
     "rms_norm_eps",
     "hidden_act",
     read_qwen_moe,
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
     read_qwen_moe,
     {.arch = FL_ARCH_QWEN3_MOE, .norm_eps = 1e-6, .qk_norm = true, RMS_BLOCK}},
    {"gpt_neox",
     {"GPTNeoXForCausalLM"},
     NEOX_KEYS,
     NONE_FIXED,
     "layer_norm_eps",
     "hidden_act",
     read_neox,
     {.arch = FL_ARCH_NEOX,
      .norm_eps = 1e-5,
      .activation = FL_ACT_GELU_ERF,
      .positions = FL_POS_ROPE,
      .rope.theta = 10000,
      .branches = FL_BRANCHES_PARALLEL,
      .bias_qkv = true,
      .bias_attn_out = true,
      .bias_ffn = true}},
    {"classic_decoder",
     {"ClassicDecoderForCausalLM"},
     LLAMA_KEYS,
     NONE_FIXED,
     "layer_norm_eps",
     "hidden_act",
     read_classic,
     {.arch = FL_ARCH_CLASSIC,
      .norm_eps = 1e-5,
      .activation = FL_ACT_RELU,
      .tied = true,
      .bias_qkv = true,
      .bias_attn_out = true,
      .bias_ffn = true}},
    {"t5",
     {"T5ForConditionalGeneration", "T5WithLMHeadModel"},
     T5_KEYS,
     NONE_FIXED,
     "layer_norm_epsilon",
     NULL,
     read_t5,
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
     read_encdec,
     {.arch = FL_ARCH_ENCDEC,
      .norm_eps = 1e-5,
      .n_ctx_max = 512, /* positions are computed, so any length will do */
      .positions = FL_POS_SINUSOIDAL_HALVES,
      .bias_qkv = true,
      .bias_attn_out = true,
      .bias_ffn = true,
      .bias_logits = true}},
};
enum { N_ARCHITECTURES = sizeof ARCHITECTURES / sizeof *ARCHITECTURES };

struct reader {
    struct fl_json json;
    struct fl_config *config;
    const struct architecture *arch;
};

/* ---- parts ---- */

static int find_architecture(struct reader *reader)
{
    const char *type = NULL;
    const cJSON *classes;
    if (fl_json_string(&reader->json, "model_type", FL_JSON_OPTIONAL, &type) != FL_OK ||
        fl_json_find(&reader->json, "architectures", &classes) != FL_OK)
        return FL_FAILED;
    const char *class = cJSON_IsArray(classes) && cJSON_IsString(classes->child)
                            ? classes->child->valuestring
                            : NULL;
    for (int i = 0; i < N_ARCHITECTURES; i++) {
        const struct architecture *arch = &ARCHITECTURES[i];
        if (type && strcmp(type, arch->model_type) != 0)
            continue;
        if (type && !class)
            reader->arch = arch;
        for (int j = 0; class && arch->classes[j]; j++)
            if (strcmp(class, arch->classes[j]) == 0)
                reader->arch = arch;
    }
    if (reader->arch)
        return FL_OK;
    if (!type && !class)
        return fl_fail(reader->json.error, "%s: model_type: expected a string, it is missing",
                       reader->json.path);
    char known[256];
    size_t used = 0;
    for (int i = 0; i < N_ARCHITECTURES && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 ARCHITECTURES[i].model_type);
    return fl_fail(reader->json.error,
                   "%s: architecture: '%.60s' (model_type '%.40s') is not supported; expected one "
                   "of %s, with a language-model head",
                   reader->json.path, class ? class : "?", type ? type : "?", known);
}

static int read_activation(const struct fl_json *json, const char *key,
                           enum fl_activation *activation)
{
    static const char *const NAMES[] = {
        "silu", "swish", "gelu", "gelu_new", "relu", "gelu_pytorch_tanh", "gelu_fast", NULL};
    static const enum fl_activation KINDS[] = {FL_ACT_SILU,      FL_ACT_SILU, FL_ACT_GELU_ERF,
                                               FL_ACT_GELU_TANH, FL_ACT_RELU, FL_ACT_GELU_TANH,
                                               FL_ACT_GELU_TANH};
    int choice = -1;
    if (fl_json_choice(json, key, FL_JSON_OPTIONAL, NAMES, &choice) != FL_OK)
        return FL_FAILED;
    if (choice >= 0)
        *activation = KINDS[choice];
    return FL_OK;
}

/* An id, or a list of several of which the first is taken; -1 when the key is absent. */
static int read_token_id(const struct fl_json *json, const char *key, int *id)
{
    const cJSON *item;
    *id = -1;
    if (fl_json_find(json, key, &item) != FL_OK)
        return FL_FAILED;
    if (!cJSON_IsArray(item))
        return fl_json_int(json, key, FL_JSON_OPTIONAL, id);
    if (!cJSON_IsNumber(item->child) || !(item->child->valuedouble >= 0) ||
        item->child->valuedouble > (1 << 24))
        return fl_fail(json->error, "%s: %s: expected an id or a list of ids", json->path, key);
    *id = (int)item->child->valuedouble;
    return FL_OK;
}

/* One table for rope_scaling (null: plain) and for rope_parameters, which also holds the base. */
static int read_scaling(const struct fl_json *json, struct fl_rope_params *rope)
{
    static const char *const TYPES[] = {"default", "linear", "llama3", NULL};
    int type = FL_ROPE_PLAIN;
    const cJSON *modern;
    if (fl_json_find(json, "rope_type", &modern) != FL_OK ||
        fl_json_choice(json, modern ? "rope_type" : "type", FL_JSON_OPTIONAL, TYPES, &type) !=
            FL_OK ||
        fl_json_real(json, "rope_theta", FL_JSON_OPTIONAL, &rope->theta) != FL_OK)
        return FL_FAILED;
    rope->scaling = (enum fl_rope_scaling)type;
    if (rope->scaling != FL_ROPE_PLAIN &&
        fl_json_real(json, "factor", FL_JSON_REQUIRED, &rope->factor) != FL_OK)
        return FL_FAILED;
    if (rope->scaling != FL_ROPE_LLAMA3)
        return FL_OK;
    if (fl_json_real(json, "low_freq_factor", FL_JSON_REQUIRED, &rope->low_freq_factor) != FL_OK ||
        fl_json_real(json, "high_freq_factor", FL_JSON_REQUIRED, &rope->high_freq_factor) != FL_OK)
        return FL_FAILED;
    return fl_json_int(json, "original_max_position_embeddings", FL_JSON_REQUIRED,
                       &rope->original_ctx);
}

/* Heads of GPT-NeoX are rotated in part, those of the others whole. */
static int set_rotated(struct reader *reader, const char *key, double part)
{
    struct fl_config *config = reader->config;
    if (config->arch != FL_ARCH_NEOX && part != 1.0)
        return fl_fail(reader->json.error,
                       "%s: %s: expected 1, not %g: partly rotated heads are supported in gpt_neox",
                       reader->json.path, key, part);
    if (!(part > 0 && part <= 1))
        return fl_fail(reader->json.error, "%s: %s: expected a number above 0 and up to 1, not %g",
                       reader->json.path, key, part);
    config->rotary_dim = part < 1 ? (int)(config->head_dim * part) : 0;
    if (part < 1 && config->rotary_dim == 0)
        return fl_fail(reader->json.error, "%s: %s: expected at least one rotated feature of %d",
                       reader->json.path, key, config->head_dim);
    return FL_OK;
}

static int read_rope(struct reader *reader)
{
    static const char *const KEYS[] = {"rope_scaling", "rope_parameters"};
    const struct fl_json *json = &reader->json;
    struct fl_rope_params *rope = &reader->config->rope;
    double rotated = 1;
    if (fl_json_real(json, "rope_theta", FL_JSON_OPTIONAL, &rope->theta) != FL_OK ||
        fl_json_real(json, "partial_rotary_factor", FL_JSON_OPTIONAL, &rotated) != FL_OK)
        return FL_FAILED;
    if (cJSON_GetObjectItemCaseSensitive(json->object, "partial_rotary_factor") &&
        set_rotated(reader, "partial_rotary_factor", rotated) != FL_OK)
        return FL_FAILED;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        struct fl_json inner = *json;
        if (fl_json_find(json, KEYS[i], &inner.object) != FL_OK)
            return FL_FAILED;
        if (inner.object && !cJSON_IsObject(inner.object))
            return fl_fail(json->error, "%s: %s: expected an object or null", json->path, KEYS[i]);
        if (!inner.object)
            continue;
        if (read_scaling(&inner, rope) != FL_OK ||
            fl_json_real(&inner, "partial_rotary_factor", FL_JSON_OPTIONAL, &rotated) != FL_OK)
            return FL_FAILED;
        if (cJSON_GetObjectItemCaseSensitive(inner.object, "partial_rotary_factor") &&
            set_rotated(reader, "partial_rotary_factor", rotated) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

/* ---- architectures ---- */

static int read_gpt2(struct reader *reader)
{
    struct fl_config *config = reader->config;
    if (config->d_ff == 0 && config->d_model <= (1 << 24))
        config->d_ff = 4 * config->d_model;
    return FL_OK;
}

static int read_llama(struct reader *reader)
{
    bool bias = false;
    if (fl_json_bool(&reader->json, "attention_bias", FL_JSON_OPTIONAL, &bias) != FL_OK ||
        fl_json_bool(&reader->json, "mlp_bias", FL_JSON_OPTIONAL, &reader->config->bias_ffn) !=
            FL_OK)
        return FL_FAILED;
    reader->config->bias_qkv = reader->config->bias_attn_out = bias;
    return read_rope(reader);
}

static int read_mistral(struct reader *reader)
{
    struct fl_config *config = reader->config;
    bool absent = !cJSON_GetObjectItemCaseSensitive(reader->json.object, "sliding_window");
    config->sliding_window = absent && config->arch == FL_ARCH_LLAMA ? MISTRAL_WINDOW : NO_WINDOW;
    if (fl_json_int(&reader->json, "sliding_window", FL_JSON_OPTIONAL, &config->sliding_window) !=
        FL_OK)
        return FL_FAILED;
    return read_rope(reader);
}

/* Layers from max_window_layers on attend through the window: all, or none. */
static int read_qwen2(struct reader *reader)
{
    struct fl_config *config = reader->config;
    bool window = false;
    int n_full = QWEN_WINDOW_LAYERS;
    if (fl_json_bool(&reader->json, "use_sliding_window", FL_JSON_OPTIONAL, &window) != FL_OK ||
        fl_json_int(&reader->json, "max_window_layers", FL_JSON_OPTIONAL, &n_full) != FL_OK)
        return FL_FAILED;
    if (window && n_full < config->n_layers) {
        if (n_full > 0)
            return fl_fail(reader->json.error,
                           "%s: max_window_layers: expected 0 or at least num_hidden_layers (%d), "
                           "not %d: a window in some layers only is not supported",
                           reader->json.path, config->n_layers, n_full);
        if (fl_json_int(&reader->json, "sliding_window", FL_JSON_REQUIRED,
                        &config->sliding_window) != FL_OK)
            return FL_FAILED;
    }
    return read_rope(reader);
}

static int read_qwen3(struct reader *reader)
{
    bool bias = false;
    if (fl_json_bool(&reader->json, "attention_bias", FL_JSON_OPTIONAL, &bias) != FL_OK)
        return FL_FAILED;
    reader->config->bias_qkv = reader->config->bias_attn_out = bias;
    return read_qwen2(reader);
}

/* Every layer must be one of experts. */
static int check_all_sparse(const struct fl_json *json)
{
    int step = 1;
    const cJSON *dense;
    if (fl_json_int(json, "decoder_sparse_step", FL_JSON_OPTIONAL, &step) != FL_OK ||
        fl_json_find(json, "mlp_only_layers", &dense) != FL_OK)
        return FL_FAILED;
    if (step != 1)
        return fl_fail(json->error,
                       "%s: decoder_sparse_step: expected 1, not %d: layers without experts "
                       "between those with them are not supported",
                       json->path, step);
    if (dense && (!cJSON_IsArray(dense) || dense->child))
        return fl_fail(json->error,
                       "%s: mlp_only_layers: expected an empty list: layers without experts "
                       "between those with them are not supported",
                       json->path);
    return FL_OK;
}

static int read_qwen_moe(struct reader *reader)
{
    struct fl_config *config = reader->config;
    if (check_all_sparse(&reader->json) != FL_OK ||
        fl_json_bool(&reader->json, "norm_topk_prob", FL_JSON_OPTIONAL, &config->norm_topk) !=
            FL_OK)
        return FL_FAILED;
    if (config->arch == FL_ARCH_QWEN3_MOE)
        return read_qwen3(reader);
    if (fl_json_bool(&reader->json, "qkv_bias", FL_JSON_OPTIONAL, &config->bias_qkv) != FL_OK)
        return FL_FAILED;
    return read_qwen2(reader);
}

static int read_neox(struct reader *reader)
{
    struct fl_config *config = reader->config;
    const struct fl_json *json = &reader->json;
    double part = 0.25;
    bool parallel = true, bias = true;
    if (fl_json_real(json, "rotary_pct", FL_JSON_OPTIONAL, &part) != FL_OK ||
        fl_json_real(json, "rotary_emb_base", FL_JSON_OPTIONAL, &config->rope.theta) != FL_OK ||
        fl_json_bool(json, "use_parallel_residual", FL_JSON_OPTIONAL, &parallel) != FL_OK ||
        fl_json_bool(json, "attention_bias", FL_JSON_OPTIONAL, &bias) != FL_OK ||
        set_rotated(reader, "rotary_pct", part) != FL_OK)
        return FL_FAILED;
    config->branches = parallel ? FL_BRANCHES_PARALLEL : FL_BRANCHES_SEQUENTIAL;
    config->bias_qkv = config->bias_attn_out = bias;
    return read_rope(reader);
}

static int read_classic(struct reader *reader)
{
    static const char *const NORMS[] = {"pre", "post", NULL};
    static const char *const POSITIONS[] = {"learned", "sinusoidal", NULL};
    int norm = FL_NORM_POST, positions = FL_POS_SINUSOIDAL;
    if (fl_json_choice(&reader->json, "norm_position", FL_JSON_REQUIRED, NORMS, &norm) != FL_OK ||
        fl_json_choice(&reader->json, "position_embedding_type", FL_JSON_REQUIRED, POSITIONS,
                       &positions) != FL_OK)
        return FL_FAILED;
    reader->config->norm_position = (enum fl_norm_position)norm;
    reader->config->positions = (enum fl_positions)positions;
    return fl_json_bool(&reader->json, "scale_embedding", FL_JSON_OPTIONAL,
                        &reader->config->scale_embedding);
}

/* The start of decoding takes the place of a beginning-of-sequence id. */
static int read_t5(struct reader *reader)
{
    static const char *const NAMES[] = {"relu",       "gated-gelu", "gated-silu",
                                        "gated-relu", "gelu",       NULL};
    static const enum fl_activation KINDS[] = {FL_ACT_RELU, FL_ACT_GELU_TANH, FL_ACT_SILU,
                                               FL_ACT_RELU, FL_ACT_GELU_ERF};
    struct fl_config *config = reader->config;
    int n_buckets = FL_T5_BUCKETS, kind = 0;
    if (fl_json_choice(&reader->json, "feed_forward_proj", FL_JSON_OPTIONAL, NAMES, &kind) !=
            FL_OK ||
        fl_json_int(&reader->json, "relative_attention_num_buckets", FL_JSON_OPTIONAL,
                    &n_buckets) != FL_OK ||
        read_token_id(&reader->json, "decoder_start_token_id", &config->bos_id) != FL_OK)
        return FL_FAILED;
    if (n_buckets != FL_T5_BUCKETS)
        return fl_fail(reader->json.error,
                       "%s: relative_attention_num_buckets: expected %d, not %d", reader->json.path,
                       FL_T5_BUCKETS, n_buckets);
    config->activation = KINDS[kind];
    config->gated = strncmp(NAMES[kind], "gated-", 6) == 0;
    if (config->n_layers == 0)
        config->n_layers = config->n_encoder_layers;
    return FL_OK;
}

/* CTranslate2's layout of the original Transformer. */
static int read_encdec(struct reader *reader)
{
    static const char *const NORMS[] = {"pre", "post", NULL};
    static const char *const POSITIONS[] = {"sinusoidal", NULL};
    int norm = FL_NORM_PRE, positions;
    if (fl_json_choice(&reader->json, "norm", FL_JSON_REQUIRED, NORMS, &norm) != FL_OK ||
        fl_json_choice(&reader->json, "positions", FL_JSON_REQUIRED, POSITIONS, &positions) !=
            FL_OK)
        return FL_FAILED;
    if (reader->config->source_vocab_size < 1)
        return fl_fail(reader->json.error, "%s: source_vocab_size: expected at least 1, not %d",
                       reader->json.path, reader->config->source_vocab_size);
    reader->config->norm_position = (enum fl_norm_position)norm;
    return fl_json_bool(&reader->json, "scale_embeddings", FL_JSON_OPTIONAL,
                        &reader->config->scale_embedding);
}

/* ---- the whole ---- */

static int read_ints(struct reader *reader)
{
    struct fl_config *config = reader->config;
    for (const struct int_key *row = reader->arch->ints; row->key; row++) {
        void *field = (char *)config + row->offset;
        if (fl_json_int(&reader->json, row->key, row->need, field) != FL_OK)
            return FL_FAILED;
    }
    if (config->n_kv_heads == 0 || config->arch == FL_ARCH_CLASSIC)
        config->n_kv_heads = config->n_heads;
    if (config->head_dim == 0 && config->n_heads > 0) {
        if (config->d_model % config->n_heads != 0)
            return fl_fail(reader->json.error,
                           "%s: number of heads: expected a divisor of the width (%d), not %d",
                           reader->json.path, config->d_model, config->n_heads);
        config->head_dim = config->d_model / config->n_heads;
    }
    return FL_OK;
}

static int check_fixed(const struct reader *reader)
{
    for (const struct fixed_bool *row = reader->arch->fixed; row->key; row++) {
        bool value = row->value;
        if (fl_json_bool(&reader->json, row->key, FL_JSON_OPTIONAL, &value) != FL_OK)
            return FL_FAILED;
        if (value != row->value)
            return fl_fail(reader->json.error, "%s: %s: expected %s, the other is not supported",
                           reader->json.path, row->key, row->value ? "true" : "false");
    }
    return FL_OK;
}

static int read_config(struct reader *reader, const char *name)
{
    struct fl_config *config = reader->config;
    const struct fl_json *json = &reader->json;
    if (find_architecture(reader) != FL_OK)
        return FL_FAILED;
    const struct architecture *arch = reader->arch;
    *config = arch->config;
    fl_config_set_name(config, name);
    if (read_ints(reader) != FL_OK || check_fixed(reader) != FL_OK ||
        fl_json_real(json, arch->eps_key, FL_JSON_OPTIONAL, &config->norm_eps) != FL_OK ||
        (arch->activation_key &&
         read_activation(json, arch->activation_key, &config->activation) != FL_OK) ||
        fl_json_bool(json, "tie_word_embeddings", FL_JSON_OPTIONAL, &config->tied) != FL_OK ||
        read_token_id(json, "bos_token_id", &config->bos_id) != FL_OK ||
        read_token_id(json, "eos_token_id", &config->eos_id) != FL_OK ||
        arch->read(reader) != FL_OK)
        return FL_FAILED;
    return fl_config_check(config, json->path, json->error);
}

int fl_hf_config(struct fl_config *config, const char *path, const char *name,
                 struct fl_error *error)
{
    char *text = NULL;
    size_t size;
    cJSON *root = NULL;
    if (fl_file_read(&text, &size, path, MAX_CONFIG_BYTES, error) != FL_OK)
        return FL_FAILED;
    int status = fl_json_parse(&root, text, size, path, error);
    if (status == FL_OK) {
        struct reader reader = {.json = {root, path, error}, .config = config};
        status = read_config(&reader, name);
    }
    cJSON_Delete(root);
    free(text);
    return status;
}
