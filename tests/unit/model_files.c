#include "tests/unit/model_files.h"
#include "model/config_json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- bytes ---- */

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    if (size == 0)
        return;
    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = 2 * (bytes->size + size);
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (!bytes->data)
            abort();
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

void bytes_write(const struct bytes *bytes, const char *path)
{
    FILE *file = fopen(path, "wb");
    bool whole =
        file && (bytes->size == 0 || fwrite(bytes->data, 1, bytes->size, file) == bytes->size);
    if (!whole || fclose(file) != 0)
        abort();
}

void bytes_add_u32(struct bytes *bytes, uint32_t value)
{
    bytes_add(bytes, &value, sizeof value);
}

void bytes_add_u64(struct bytes *bytes, uint64_t value)
{
    bytes_add(bytes, &value, sizeof value);
}

void bytes_pad(struct bytes *bytes, size_t multiple)
{
    while (bytes->size % multiple)
        bytes_add(bytes, "", 1);
}

/* ---- scratch ---- */

void scratch_open(char directory[64])
{
    snprintf(directory, 64, "/tmp/fl-models-XXXXXX");
    if (!mkdtemp(directory))
        abort();
}

const char *scratch_path(const char *directory, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

void scratch_close(const char *directory)
{
    DIR *entries = opendir(directory);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (entry->d_name[0] != '.')
            unlink(scratch_path(directory, entry->d_name));
    if (entries)
        closedir(entries);
    rmdir(directory);
}

/* ---- models ---- */

struct fl_config tiny_config(enum fl_arch arch, bool tied)
{
    bool neox = arch == FL_ARCH_NEOX, gpt2 = arch == FL_ARCH_GPT2;
    bool llama = !neox && !gpt2 && arch != FL_ARCH_CLASSIC;
    bool mixtral = arch == FL_ARCH_MIXTRAL, qwen2_moe = arch == FL_ARCH_QWEN2_MOE;
    bool qwen3_moe = arch == FL_ARCH_QWEN3_MOE, experts = mixtral || qwen2_moe || qwen3_moe;
    return (struct fl_config){
        .name = "tiny",
        .arch = arch,
        .d_model = 8,
        .d_ff = 12,
        .n_layers = 2,
        .n_heads = 2,
        .n_kv_heads = llama ? 1 : 2,
        .head_dim = 4,
        .vocab_size = 16,
        .n_ctx_max = 8,
        .norm = llama ? FL_NORM_RMSNORM : FL_NORM_LAYERNORM,
        .norm_eps = 0.0009765625, /* exact in every format */
        .activation = llama  ? FL_ACT_SILU
                      : gpt2 ? FL_ACT_GELU_TANH
                      : neox ? FL_ACT_GELU_ERF
                             : FL_ACT_RELU,
        .branches = neox ? FL_BRANCHES_PARALLEL : FL_BRANCHES_SEQUENTIAL,
        .rotary_dim = neox ? 2 : 0,
        .qk_norm = arch == FL_ARCH_QWEN3 || qwen3_moe,
        .n_experts = experts ? 3 : 0,
        .n_experts_used = experts ? 2 : 0,
        .norm_topk = mixtral || qwen3_moe,
        .d_ff_shared = qwen2_moe ? 5 : 0,
        .gated = llama,
        .positions = llama || neox ? FL_POS_ROPE : FL_POS_LEARNED,
        .bias_qkv = !llama || arch == FL_ARCH_QWEN2 || qwen2_moe,
        .bias_attn_out = !llama,
        .bias_ffn = !llama,
        .tied = tied,
        .rope = {.theta = llama || neox ? 10000 : 0,
                 .interleaved = arch == FL_ARCH_LLAMA || mixtral},
        .bos_id = 1,
        .eos_id = 2,
    };
}

const float *slot_data(struct fl_model *model, int layer, enum fl_weight_role role, size_t *n)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    int n_slots = fl_weight_slots(model, layer, slots);
    for (int i = 0; i < n_slots; i++)
        if (slots[i].role == role) {
            *n = fl_weight_slot_size(&slots[i]);
            return fl_weight_slot_data(&slots[i]);
        }
    return NULL;
}

bool configs_equal(const struct fl_config *a, const struct fl_config *b)
{
    cJSON *x = fl_config_to_json(a), *y = fl_config_to_json(b);
    char *of_a = cJSON_PrintUnformatted(x), *of_b = cJSON_PrintUnformatted(y);
    bool equal = strcmp(of_a, of_b) == 0;
    free(of_a);
    free(of_b);
    cJSON_Delete(x);
    cJSON_Delete(y);
    return equal;
}

float slot_element(const struct fl_weight_slot *slot, size_t row, size_t column)
{
    const float *data = fl_weight_slot_data(slot);
    if (!slot->linear)
        return data[row * (size_t)(slot->n_cols ? slot->n_cols : 1) + column];
    size_t ld = (size_t)slot->linear->ld;
    return slot->linear->in_out ? data[column * ld + row] : data[row * ld + column];
}

static bool slots_equal(const struct fl_weight_slot *a, const struct fl_weight_slot *b)
{
    if (a->role != b->role || a->n_rows != b->n_rows || a->n_cols != b->n_cols)
        return false;
    for (size_t row = 0; row < (size_t)a->n_rows; row++)
        for (size_t column = 0; column < (size_t)(a->n_cols ? a->n_cols : 1); column++) {
            float x = slot_element(a, row, column), y = slot_element(b, row, column);
            if (memcmp(&x, &y, sizeof x) != 0)
                return false;
        }
    return true;
}

bool models_equal(struct fl_model *a, struct fl_model *b)
{
    struct fl_weight_slot of_a[FL_N_WEIGHT_ROLES], of_b[FL_N_WEIGHT_ROLES];
    if (a->config.n_layers != b->config.n_layers || a->weight_bytes != b->weight_bytes)
        return false;
    if (fl_weight_n_groups(a) != fl_weight_n_groups(b))
        return false;
    for (int group = 0; group < fl_weight_n_groups(a); group++) {
        int n = fl_weight_group(a, group, of_a);
        if (fl_weight_group(b, group, of_b) != n)
            return false;
        for (int i = 0; i < n; i++)
            if (!slots_equal(&of_a[i], &of_b[i]))
                return false;
    }
    return true;
}

/* ---- llama2.c ---- */

static void add_slot(struct bytes *bytes, struct fl_model *model, int layer,
                     enum fl_weight_role role)
{
    size_t n;
    const float *data = slot_data(model, layer, role, &n);
    if (data)
        bytes_add(bytes, data, n * sizeof *data);
}

static void add_layers(struct bytes *bytes, struct fl_model *model, enum fl_weight_role role)
{
    for (int layer = 0; layer < model->config.n_layers; layer++)
        add_slot(bytes, model, layer, role);
}

static void add_matrices(struct bytes *bytes, struct fl_model *model)
{
    add_layers(bytes, model, FL_WEIGHT_Q);
    add_layers(bytes, model, FL_WEIGHT_K);
    add_layers(bytes, model, FL_WEIGHT_V);
    add_layers(bytes, model, FL_WEIGHT_ATTN_OUT);
}

static void add_ffn(struct bytes *bytes, struct fl_model *model)
{
    add_layers(bytes, model, FL_WEIGHT_FFN_GATE);
    add_layers(bytes, model, FL_WEIGHT_FFN_DOWN);
    add_layers(bytes, model, FL_WEIGHT_FFN_UP);
}

struct bytes write_llama2c(struct fl_model *model, int version)
{
    const struct fl_config *config = &model->config;
    struct bytes bytes = {0};
    if (config->arch != FL_ARCH_LLAMA)
        return bytes;
    bool legacy = version == 0;
    if (!legacy) {
        bytes_add_u32(&bytes, 0x616b3432);
        bytes_add_u32(&bytes, (uint32_t)version);
    }
    int vocab = legacy && !config->tied ? -config->vocab_size : config->vocab_size;
    const int header[] = {config->d_model,    config->d_ff, config->n_layers, config->n_heads,
                          config->n_kv_heads, vocab,        config->n_ctx_max};
    bytes_add(&bytes, header, sizeof header);
    if (legacy) {
        add_slot(&bytes, model, FL_GLOBAL_SLOTS, FL_WEIGHT_TOKEN_EMBEDDING);
        add_layers(&bytes, model, FL_WEIGHT_NORM_ATTN);
        add_matrices(&bytes, model);
        add_layers(&bytes, model, FL_WEIGHT_NORM_FFN);
        add_ffn(&bytes, model);
        add_slot(&bytes, model, FL_GLOBAL_SLOTS, FL_WEIGHT_NORM_FINAL);
        for (int i = 0; i < config->n_ctx_max * config->head_dim; i++)
            bytes_add_u32(&bytes, 0x7fc00000); /* rotary tables, not to be used: NaN */
    } else {
        bytes_add(&bytes, &config->tied, 1);
        bytes_pad(&bytes, 256);
        add_layers(&bytes, model, FL_WEIGHT_NORM_ATTN);
        add_layers(&bytes, model, FL_WEIGHT_NORM_FFN);
        add_slot(&bytes, model, FL_GLOBAL_SLOTS, FL_WEIGHT_NORM_FINAL);
        add_slot(&bytes, model, FL_GLOBAL_SLOTS, FL_WEIGHT_TOKEN_EMBEDDING);
        add_matrices(&bytes, model);
        add_ffn(&bytes, model);
    }
    add_slot(&bytes, model, FL_GLOBAL_SLOTS, FL_WEIGHT_LOGITS);
    return bytes;
}
