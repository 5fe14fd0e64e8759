/* model_files_named.c - formats whose tensors have names: GGUF, safetensors. */
#include "ops/convert.h"
#include "tests/unit/model_files.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists of tensors ---- */

struct named {
    char name[96];
    int n_dims;
    uint64_t dims[2]; /* row-major */
    float *data;
};
struct named_list {
    struct named items[64];
    int n;
};

/* A slot under a name; transposed for Conv1D. */
static void add_named(struct named_list *list, struct fl_model *model, int layer,
                      enum fl_weight_role role, const char *pattern, bool transposed)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    int n = fl_weight_slots(model, layer, slots);
    for (int i = 0; i < n; i++) {
        if (slots[i].role != role)
            continue;
        struct named *item = &list->items[list->n++];
        size_t rows = (size_t)slots[i].n_rows, cols = (size_t)slots[i].n_cols;
        snprintf(item->name, sizeof item->name, pattern, layer);
        item->n_dims = cols ? 2 : 1;
        item->dims[0] = transposed ? cols : rows;
        item->dims[1] = transposed ? rows : cols;
        cols = cols ? cols : 1;
        item->data = calloc(rows * cols, sizeof *item->data);
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < cols; c++)
                item->data[transposed ? c * rows + r : r * cols + c] =
                    slot_element(&slots[i], r, c);
    }
}

/* The last three of the list, one behind the other: along the rows, or along the columns if they
 * are transposed. */
static void fuse_last_three(struct named_list *list, const char *pattern, int layer,
                            bool transposed)
{
    struct named *parts = &list->items[list->n - 3];
    struct named fused = {.n_dims = parts->n_dims};
    uint64_t total = 0, other = parts->n_dims == 1 ? 1 : parts->dims[transposed ? 0 : 1];
    for (int i = 0; i < 3; i++)
        total += parts[i].dims[transposed ? 1 : 0];
    snprintf(fused.name, sizeof fused.name, pattern, layer);
    fused.dims[0] = transposed ? other : total;
    fused.dims[1] = transposed ? total : other;
    fused.data = calloc(total * other, sizeof *fused.data);
    uint64_t before = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t own = parts[i].dims[transposed ? 1 : 0];
        for (uint64_t o = 0; o < own; o++)
            for (uint64_t j = 0; j < other; j++) {
                float value = parts[i].data[transposed ? j * own + o : o * other + j];
                fused.data[transposed ? j * total + before + o : (before + o) * other + j] = value;
            }
        before += own;
        free(parts[i].data);
    }
    list->n -= 2;
    list->items[list->n - 1] = fused;
}

static void free_named(struct named_list *list)
{
    for (int i = 0; i < list->n; i++)
        free(list->items[i].data);
}

struct row {
    enum fl_weight_role role;
    const char *pattern;
};

static const struct row GGUF_GLOBALS[] = {
    {FL_WEIGHT_TOKEN_EMBEDDING, "token_embd.weight"},
    {FL_WEIGHT_POSITION_EMBEDDING, "position_embd.weight"},
    {FL_WEIGHT_NORM_FINAL, "output_norm.weight"},
    {FL_WEIGHT_NORM_FINAL_BIAS, "output_norm.bias"},
    {FL_WEIGHT_LOGITS, "output.weight"},
};
/* q, k, v in a row, so that they can be fused */
static const struct row GGUF_LAYER[] = {
    {FL_WEIGHT_NORM_ATTN, "blk.%d.attn_norm.weight"},
    {FL_WEIGHT_NORM_ATTN_BIAS, "blk.%d.attn_norm.bias"},
    {FL_WEIGHT_Q, "blk.%d.attn_q.weight"},
    {FL_WEIGHT_K, "blk.%d.attn_k.weight"},
    {FL_WEIGHT_V, "blk.%d.attn_v.weight"},
    {FL_WEIGHT_Q_BIAS, "blk.%d.attn_q.bias"},
    {FL_WEIGHT_K_BIAS, "blk.%d.attn_k.bias"},
    {FL_WEIGHT_V_BIAS, "blk.%d.attn_v.bias"},
    {FL_WEIGHT_ATTN_OUT, "blk.%d.attn_output.weight"},
    {FL_WEIGHT_ATTN_OUT_BIAS, "blk.%d.attn_output.bias"},
    {FL_WEIGHT_NORM_FFN, "blk.%d.ffn_norm.weight"},
    {FL_WEIGHT_NORM_FFN_BIAS, "blk.%d.ffn_norm.bias"},
    {FL_WEIGHT_FFN_GATE, "blk.%d.ffn_gate.weight"},
    {FL_WEIGHT_FFN_UP, "blk.%d.ffn_up.weight"},
    {FL_WEIGHT_FFN_UP_BIAS, "blk.%d.ffn_up.bias"},
    {FL_WEIGHT_FFN_DOWN, "blk.%d.ffn_down.weight"},
    {FL_WEIGHT_FFN_DOWN_BIAS, "blk.%d.ffn_down.bias"},
};
static const char *const GGUF_FUSED[] = {"blk.%d.attn_qkv.weight", "blk.%d.attn_qkv.bias"};

/* Hugging Face: globals first, then the layer, in the order of the roles above. */
static const char *const GPT2_GLOBALS[] = {"wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias",
                                           "lm_head.weight"};
static const char *const GPT2_LAYER[] = {
    "h.%d.ln_1.weight",
    "h.%d.ln_1.bias",
    "q",
    "k",
    "v",
    "qb",
    "kb",
    "vb",
    "h.%d.attn.c_proj.weight",
    "h.%d.attn.c_proj.bias",
    "h.%d.ln_2.weight",
    "h.%d.ln_2.bias",
    "gate",
    "h.%d.mlp.c_fc.weight",
    "h.%d.mlp.c_fc.bias",
    "h.%d.mlp.c_proj.weight",
    "h.%d.mlp.c_proj.bias",
};
static const char *const GPT2_FUSED[] = {"h.%d.attn.c_attn.weight", "h.%d.attn.c_attn.bias"};
#define AT "model.layers.%d."
static const char *const LLAMA_GLOBALS[] = {"model.embed_tokens.weight", "none",
                                            "model.norm.weight", "none", "lm_head.weight"};
static const char *const LLAMA_LAYER[] = {
    AT "input_layernorm.weight",
    "none",
    AT "self_attn.q_proj.weight",
    AT "self_attn.k_proj.weight",
    AT "self_attn.v_proj.weight",
    AT "self_attn.q_proj.bias",
    AT "self_attn.k_proj.bias",
    AT "self_attn.v_proj.bias",
    AT "self_attn.o_proj.weight",
    AT "self_attn.o_proj.bias",
    AT "post_attention_layernorm.weight",
    "none",
    AT "mlp.gate_proj.weight",
    AT "mlp.up_proj.weight",
    "none",
    AT "mlp.down_proj.weight",
    "none",
};
static const char *const CLASSIC_GLOBALS[] = {
    "model.embed_tokens.weight", "model.embed_positions.weight", "model.final_norm.weight",
    "model.final_norm.bias", "lm_head.weight"};
static const char *const CLASSIC_LAYER[] = {
    AT "attn_norm.weight",
    AT "attn_norm.bias",
    AT "self_attn.q_proj.weight",
    AT "self_attn.k_proj.weight",
    AT "self_attn.v_proj.weight",
    AT "self_attn.q_proj.bias",
    AT "self_attn.k_proj.bias",
    AT "self_attn.v_proj.bias",
    AT "self_attn.o_proj.weight",
    AT "self_attn.o_proj.bias",
    AT "ffn_norm.weight",
    AT "ffn_norm.bias",
    "none",
    AT "ffn.up_proj.weight",
    AT "ffn.up_proj.bias",
    AT "ffn.down_proj.weight",
    AT "ffn.down_proj.bias",
};

/* globals and layers NULL: the names of GGUF. fused NULL: q, k and v apart. */
static void list_tensors(struct named_list *list, struct fl_model *model,
                         const char *const *globals, const char *const *layers,
                         const char *const *fused, bool transposed)
{
    for (size_t i = 0; i < sizeof GGUF_GLOBALS / sizeof *GGUF_GLOBALS; i++)
        add_named(list, model, FL_GLOBAL_SLOTS, GGUF_GLOBALS[i].role,
                  globals ? globals[i] : GGUF_GLOBALS[i].pattern, false);
    for (int layer = 0; layer < model->config.n_layers; layer++)
        for (size_t i = 0; i < sizeof GGUF_LAYER / sizeof *GGUF_LAYER; i++) {
            enum fl_weight_role role = GGUF_LAYER[i].role;
            add_named(list, model, layer, role, layers ? layers[i] : GGUF_LAYER[i].pattern,
                      transposed && strstr(GGUF_LAYER[i].pattern, "norm") == NULL &&
                          strstr(GGUF_LAYER[i].pattern, "bias") == NULL);
            if (fused && role == FL_WEIGHT_V)
                fuse_last_three(list, fused[0], layer, transposed);
            if (fused && role == FL_WEIGHT_V_BIAS)
                fuse_last_three(list, fused[1], layer, false);
        }
}

/* ---- GGUF ---- */

static void add_string(struct bytes *bytes, const char *text)
{
    bytes_add_u64(bytes, strlen(text));
    bytes_add(bytes, text, strlen(text));
}

static void add_key(struct bytes *bytes, const char *arch, const char *name, uint32_t type)
{
    char key[128];
    snprintf(key, sizeof key, "%s%s%s", arch, *arch ? "." : "", name);
    add_string(bytes, key);
    bytes_add_u32(bytes, type);
}

enum { GGUF_UINT32 = 4, GGUF_FLOAT32 = 6, GGUF_STRING = 8, GGUF_ARRAY = 9 };

static uint64_t add_metadata(struct bytes *bytes, const struct fl_config *config)
{
    const char *arch = fl_arch_name(config->arch);
    const struct {
        const char *name;
        int value;
    } INTS[] = {
        {"embedding_length", config->d_model},      {"feed_forward_length", config->d_ff},
        {"block_count", config->n_layers},          {"context_length", config->n_ctx_max},
        {"attention.head_count", config->n_heads},  {"attention.head_count_kv", config->n_kv_heads},
        {"attention.key_length", config->head_dim}, {"attention.value_length", config->head_dim},
    };
    uint64_t n = 1;
    add_key(bytes, "", "general.architecture", GGUF_STRING);
    add_string(bytes, arch);
    for (size_t i = 0; i < sizeof INTS / sizeof *INTS; i++, n++) {
        add_key(bytes, arch, INTS[i].name, GGUF_UINT32);
        bytes_add_u32(bytes, (uint32_t)INTS[i].value);
    }
    const float eps = (float)config->norm_eps, theta = (float)config->rope.theta;
    add_key(bytes, arch,
            config->norm == FL_NORM_RMSNORM ? "attention.layer_norm_rms_epsilon"
                                            : "attention.layer_norm_epsilon",
            GGUF_FLOAT32);
    bytes_add(bytes, &eps, sizeof eps);
    n++;
    if (config->positions == FL_POS_ROPE) {
        add_key(bytes, arch, "rope.freq_base", GGUF_FLOAT32);
        bytes_add(bytes, &theta, sizeof theta);
        n++;
    }
    add_key(bytes, "", "tokenizer.ggml.bos_token_id", GGUF_UINT32);
    bytes_add_u32(bytes, (uint32_t)config->bos_id);
    add_key(bytes, "", "tokenizer.ggml.eos_token_id", GGUF_UINT32);
    bytes_add_u32(bytes, (uint32_t)config->eos_id);
    add_key(bytes, "", "tokenizer.ggml.tokens", GGUF_ARRAY);
    bytes_add_u32(bytes, GGUF_STRING);
    bytes_add_u64(bytes, 3);
    add_string(bytes, "<unk>");
    add_string(bytes, "<s>");
    add_string(bytes, "</s>");
    return n + 3;
}

/* What llama3 scaling divides each frequency by, as converters write it: by wavelengths, in f32. */
static void add_factors(struct named_list *list, const struct fl_config *config)
{
    const struct fl_rope_params *rope = &config->rope;
    struct named *item = &list->items[list->n++];
    int n = config->head_dim / 2;
    *item = (struct named){"rope_freqs.weight", 1, {(uint64_t)n}, calloc((size_t)n, 4)};
    for (int i = 0; i < n; i++) {
        double frequency = pow(rope->theta, -2.0 * i / config->head_dim);
        double wavelength = 2 * 3.14159265358979 / frequency, original = rope->original_ctx;
        double smooth = (original / wavelength - rope->low_freq_factor) /
                        (rope->high_freq_factor - rope->low_freq_factor);
        if (wavelength < original / rope->high_freq_factor)
            item->data[i] = 1;
        else if (wavelength > original / rope->low_freq_factor)
            item->data[i] = (float)rope->factor;
        else
            item->data[i] = (float)(1 / ((1 - smooth) / rope->factor + smooth));
    }
}

struct bytes write_gguf(struct fl_model *model, uint32_t version)
{
    enum { ALIGNMENT = 32 };
    struct bytes bytes = {0};
    enum fl_arch arch = model->config.arch;
    if (arch == FL_ARCH_CLASSIC)
        return bytes;
    struct named_list list = {0};
    list_tensors(&list, model, NULL, NULL, arch == FL_ARCH_GPT2 ? GGUF_FUSED : NULL, false);
    if (model->config.rope.scaling == FL_ROPE_LLAMA3)
        add_factors(&list, &model->config);

    bytes_add(&bytes, "GGUF", 4);
    bytes_add_u32(&bytes, version);
    bytes_add_u64(&bytes, (uint64_t)list.n);
    size_t count_at = bytes.size;
    bytes_add_u64(&bytes, 0);
    uint64_t n_keys = add_metadata(&bytes, &model->config);
    memcpy(bytes.data + count_at, &n_keys, sizeof n_keys);
    uint64_t offset = 0;
    for (int i = 0; i < list.n; i++) {
        const struct named *item = &list.items[i];
        uint64_t n = item->dims[0] * (item->n_dims == 2 ? item->dims[1] : 1);
        add_string(&bytes, item->name);
        bytes_add_u32(&bytes, (uint32_t)item->n_dims);
        for (int j = item->n_dims; j-- > 0;)
            bytes_add_u64(&bytes, item->dims[j]);
        bytes_add_u32(&bytes, 0); /* F32 */
        bytes_add_u64(&bytes, offset);
        offset += (4 * n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    for (int i = 0; i < list.n; i++) {
        const struct named *item = &list.items[i];
        bytes_pad(&bytes, ALIGNMENT);
        bytes_add(&bytes, item->data, 4 * item->dims[0] * (item->n_dims == 2 ? item->dims[1] : 1));
    }
    free_named(&list);
    return bytes;
}

/* ---- Hugging Face ---- */

static void add_text(struct bytes *bytes, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    bytes_add(bytes, text, strlen(text));
}

/* All numbers of a tensor in a format of one number a block. */
static uint64_t named_bytes(const struct named *item, enum fl_dtype dtype)
{
    return fl_dtype_bytes(dtype, item->dims[0] * (item->n_dims == 2 ? item->dims[1] : 1));
}

static void add_numbers(struct bytes *bytes, const struct named *item, enum fl_dtype dtype)
{
    const uint64_t size = named_bytes(item, dtype);
    unsigned char *numbers = malloc(size);
    if (!numbers)
        abort();
    fl_from_f32(numbers, item->data, dtype, named_bytes(item, FL_F32) / 4);
    bytes_add(bytes, numbers, size);
    free(numbers);
}

struct bytes write_safetensors(struct fl_model *model, const char *prefix)
{
    return write_safetensors_as(model, prefix, FL_F32);
}

struct bytes write_safetensors_as(struct fl_model *model, const char *prefix, enum fl_dtype dtype)
{
    static const char *const DTYPES[] = {"F32", "F16", "BF16"};
    struct named_list list = {0};
    struct bytes header = {0}, bytes = {0};
    switch (model->config.arch) {
    case FL_ARCH_GPT2:
        list_tensors(&list, model, GPT2_GLOBALS, GPT2_LAYER, GPT2_FUSED, true);
        break;
    case FL_ARCH_CLASSIC:
        list_tensors(&list, model, CLASSIC_GLOBALS, CLASSIC_LAYER, NULL, false);
        break;
    default:
        list_tensors(&list, model, LLAMA_GLOBALS, LLAMA_LAYER, NULL, false);
    }
    add_text(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
    uint64_t offset = 0;
    for (int i = 0; i < list.n; i++) {
        const struct named *item = &list.items[i];
        uint64_t size = named_bytes(item, dtype);
        bool head = strcmp(item->name, "lm_head.weight") == 0;
        add_text(&header, ",\"%s%s\":{\"dtype\":\"%s\",\"shape\":[%d", head ? "" : prefix,
                 item->name, DTYPES[dtype], (int)item->dims[0]);
        if (item->n_dims == 2)
            add_text(&header, ",%d", (int)item->dims[1]);
        add_text(&header, "],\"data_offsets\":[%d,%d]}", (int)offset, (int)(offset + size));
        offset += size;
    }
    add_text(&header, "}");
    while (header.size % 8)
        add_text(&header, " ");
    bytes_add_u64(&bytes, header.size);
    bytes_add(&bytes, header.data, header.size);
    for (int i = 0; i < list.n; i++)
        add_numbers(&bytes, &list.items[i], dtype);
    bytes_free(&header);
    free_named(&list);
    return bytes;
}

struct bytes write_hf_config(const struct fl_config *config)
{
    struct bytes bytes = {0};
    bool gpt2 = config->arch == FL_ARCH_GPT2;
    const char *type =
        config->arch == FL_ARCH_CLASSIC ? "classic_decoder" : fl_arch_name(config->arch);
    add_text(&bytes, "{\"model_type\":\"%s\",\"vocab_size\":%d,\"tie_word_embeddings\":%s,", type,
             config->vocab_size, config->tied ? "true" : "false");
    add_text(&bytes, "\"bos_token_id\":%d,\"eos_token_id\":%d,", config->bos_id, config->eos_id);
    if (gpt2)
        add_text(&bytes,
                 "\"n_embd\":%d,\"n_inner\":%d,\"n_layer\":%d,\"n_head\":%d,\"n_positions\":%d,"
                 "\"layer_norm_epsilon\":%.17g}",
                 config->d_model, config->d_ff, config->n_layers, config->n_heads,
                 config->n_ctx_max, config->norm_eps);
    else
        add_text(&bytes,
                 "\"hidden_size\":%d,\"intermediate_size\":%d,\"num_hidden_layers\":%d,"
                 "\"num_attention_heads\":%d,\"num_key_value_heads\":%d,"
                 "\"max_position_embeddings\":%d,\"rope_scaling\":null,",
                 config->d_model, config->d_ff, config->n_layers, config->n_heads,
                 config->n_kv_heads, config->n_ctx_max);
    if (config->arch == FL_ARCH_CLASSIC)
        add_text(&bytes,
                 "\"layer_norm_eps\":%.17g,\"norm_position\":\"pre\",\"hidden_act\":\"relu\","
                 "\"position_embedding_type\":\"learned\"}",
                 config->norm_eps);
    else if (!gpt2)
        add_text(&bytes, "\"rms_norm_eps\":%.17g}", config->norm_eps);
    return bytes;
}
