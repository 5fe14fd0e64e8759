#include "model/hf_internal.h"

#include <string.h>

enum {
    NO_WINDOW = 0,
    MISTRAL_WINDOW = 4096,  /* when the key is absent; null means none */
    QWEN_WINDOW_LAYERS = 28 /* likewise, max_window_layers */
};

/* ---- parts ---- */

int fl_hf_read_activation(const struct fl_json *json, const char *key,
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

int fl_hf_read_token_id(const struct fl_json *json, const char *key, int *id)
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
static int set_rotated(struct fl_hf_reader *reader, const char *key, double part)
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

static int read_rotated(struct fl_hf_reader *reader, const struct fl_json *json)
{
    static const char KEY[] = "partial_rotary_factor";
    const cJSON *given;
    double part = 1;
    if (fl_json_find(json, KEY, &given) != FL_OK ||
        fl_json_real(json, KEY, FL_JSON_OPTIONAL, &part) != FL_OK)
        return FL_FAILED;
    return given ? set_rotated(reader, KEY, part) : FL_OK;
}

static int read_rope(struct fl_hf_reader *reader)
{
    static const char *const KEYS[] = {"rope_scaling", "rope_parameters"};
    const struct fl_json *json = &reader->json;
    struct fl_rope_params *rope = &reader->config->rope;
    if (fl_json_real(json, "rope_theta", FL_JSON_OPTIONAL, &rope->theta) != FL_OK ||
        read_rotated(reader, json) != FL_OK)
        return FL_FAILED;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        struct fl_json inner = *json;
        if (fl_json_find(json, KEYS[i], &inner.object) != FL_OK)
            return FL_FAILED;
        if (inner.object && !cJSON_IsObject(inner.object))
            return fl_fail(json->error, "%s: %s: expected an object or null", json->path, KEYS[i]);
        if (!inner.object)
            continue;
        if (read_scaling(&inner, rope) != FL_OK || read_rotated(reader, &inner) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

/* ---- architectures ---- */

int fl_hf_read_gpt2(struct fl_hf_reader *reader)
{
    struct fl_config *config = reader->config;
    if (config->d_ff == 0 && config->d_model <= (1 << 24))
        config->d_ff = 4 * config->d_model;
    return FL_OK;
}

int fl_hf_read_llama(struct fl_hf_reader *reader)
{
    bool bias = false;
    if (fl_json_bool(&reader->json, "attention_bias", FL_JSON_OPTIONAL, &bias) != FL_OK ||
        fl_json_bool(&reader->json, "mlp_bias", FL_JSON_OPTIONAL, &reader->config->bias_ffn) !=
            FL_OK)
        return FL_FAILED;
    reader->config->bias_qkv = reader->config->bias_attn_out = bias;
    return read_rope(reader);
}

int fl_hf_read_mistral(struct fl_hf_reader *reader)
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
int fl_hf_read_qwen2(struct fl_hf_reader *reader)
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

int fl_hf_read_qwen3(struct fl_hf_reader *reader)
{
    bool bias = false;
    if (fl_json_bool(&reader->json, "attention_bias", FL_JSON_OPTIONAL, &bias) != FL_OK)
        return FL_FAILED;
    reader->config->bias_qkv = reader->config->bias_attn_out = bias;
    return fl_hf_read_qwen2(reader);
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

int fl_hf_read_qwen_moe(struct fl_hf_reader *reader)
{
    struct fl_config *config = reader->config;
    if (check_all_sparse(&reader->json) != FL_OK ||
        fl_json_bool(&reader->json, "norm_topk_prob", FL_JSON_OPTIONAL, &config->norm_topk) !=
            FL_OK)
        return FL_FAILED;
    if (config->arch == FL_ARCH_QWEN3_MOE)
        return fl_hf_read_qwen3(reader);
    if (fl_json_bool(&reader->json, "qkv_bias", FL_JSON_OPTIONAL, &config->bias_qkv) != FL_OK)
        return FL_FAILED;
    return fl_hf_read_qwen2(reader);
}

int fl_hf_read_neox(struct fl_hf_reader *reader)
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

int fl_hf_read_classic(struct fl_hf_reader *reader)
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
int fl_hf_read_t5(struct fl_hf_reader *reader)
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
        fl_hf_read_token_id(&reader->json, "decoder_start_token_id", &config->bos_id) != FL_OK)
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
int fl_hf_read_encdec(struct fl_hf_reader *reader)
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
