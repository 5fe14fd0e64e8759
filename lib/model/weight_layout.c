#include "model/weight_layout.h"
#include "base/memory.h"
#include "ops/convert.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the model and its storage ---- */

static struct fl_linear linear(int n_out, int n_in)
{
    return (struct fl_linear){.n_out = n_out, .n_in = n_in, .ld = n_in};
}

static void prepare_layer(struct fl_layer_weights *layer, struct fl_linear *experts,
                          const struct fl_config *config, bool cross)
{
    int d = config->d_model, f = config->d_ff;
    int d_q = config->n_heads * config->head_dim, d_kv = config->n_kv_heads * config->head_dim;
    layer->q = linear(d_q, d);
    layer->k = linear(d_kv, d);
    layer->v = linear(d_kv, d);
    layer->attn_out = linear(d, d_q);
    if (cross) {
        layer->cross_q = linear(d_q, d);
        layer->cross_k = linear(d_kv, d);
        layer->cross_v = linear(d_kv, d);
        layer->cross_out = linear(d, d_q);
    }
    layer->ffn_gate = linear(f, d);
    layer->ffn_up = linear(f, d);
    layer->ffn_down = linear(d, f);
    layer->router = linear(config->n_experts, d);
    layer->shared_router = linear(1, d);
    layer->shared_gate = layer->shared_up = linear(config->d_ff_shared, d);
    layer->shared_down = linear(d, config->d_ff_shared);
    if (!experts)
        return;
    layer->expert_gate = experts;
    layer->expert_up = experts + config->n_experts;
    layer->expert_down = experts + 2 * (size_t)config->n_experts;
    for (int i = 0; i < config->n_experts; i++) {
        layer->expert_gate[i] = layer->expert_up[i] = linear(f, d);
        layer->expert_down[i] = linear(d, f);
    }
}

int fl_model_prepare(struct fl_model *model, const struct fl_config *config, const char *format,
                     struct fl_error *error)
{
    const size_t n_experts = 3 * (size_t)config->n_experts; /* linear layers of a layer */
    char what[sizeof config->name + 64];
    *model = (struct fl_model){.config = *config};
    snprintf(model->format, sizeof model->format, "%s", format);
    snprintf(what, sizeof what, "%s: the list of its matrices", config->name);
    /* a short file can ask for 800 million of them */
    if (fl_memory_require((uint64_t)config->n_layers * n_experts * sizeof *model->experts, what,
                          error) != FL_OK)
        return FL_FAILED;
    model->storage = calloc(1, sizeof *model->storage);
    model->layers = calloc((size_t)fl_n_slot_layers(config), sizeof *model->layers);
    if (n_experts > 0)
        model->experts = calloc((size_t)config->n_layers * n_experts, sizeof *model->experts);
    if (!model->storage || !model->layers || (n_experts > 0 && !model->experts))
        return fl_fail(error, "%s: cannot reserve memory for %d layers", config->name,
                       fl_n_slot_layers(config));
    if (config->n_encoder_layers > 0)
        model->encoder_layers = model->layers + config->n_layers;
    model->token_embedding = model->logits = linear(config->vocab_size, config->d_model);
    model->encoder_embedding = linear(config->source_vocab_size, config->d_model);
    for (int i = 0; i < fl_n_slot_layers(config); i++)
        prepare_layer(&model->layers[i],
                      n_experts > 0 ? model->experts + (size_t)i * n_experts : NULL, config,
                      config->n_encoder_layers > 0 && i < config->n_layers);
    return FL_OK;
}

int fl_model_require(const struct fl_config *config, uint64_t bytes, struct fl_error *error)
{
    char what[sizeof config->name + 64];
    snprintf(what, sizeof what, "%s: a model of %" PRIu64 " parameters", config->name,
             fl_config_n_params(config));
    return fl_memory_require(bytes, what, error);
}

void fl_model_close(struct fl_model *model)
{
    struct fl_weight_storage *storage = model->storage;
    if (storage) {
        for (int i = 0; i < storage->n_files; i++)
            fl_file_unmap(&storage->files[i]);
        for (int i = 0; i < storage->n_copies; i++)
            free(storage->copies[i]);
        free(storage->files);
        free(storage->copies);
        fl_arena_close(&storage->arena);
    }
    free(storage);
    free(model->layers);
    free(model->experts);
    *model = (struct fl_model){0};
}

int fl_model_own_file(struct fl_model *model, struct fl_mapping *mapping, struct fl_error *error)
{
    struct fl_weight_storage *storage = model->storage;
    struct fl_mapping *files =
        realloc(storage->files, (size_t)(storage->n_files + 1) * sizeof *files);
    if (!files)
        return fl_fail(error, "%s: cannot reserve memory for the list of files",
                       model->config.name);
    storage->files = files;
    files[storage->n_files++] = *mapping;
    *mapping = (struct fl_mapping){0};
    return FL_OK;
}

/* Memory for n floats that lives as long as the model; NULL when there is none. */
static float *reserve(struct fl_model *model, size_t n)
{
    struct fl_weight_storage *storage = model->storage;
    float **copies = realloc(storage->copies, (size_t)(storage->n_copies + 1) * sizeof *copies);
    if (!copies)
        return NULL;
    storage->copies = copies;
    float *copy = malloc(n * sizeof *copy);
    if (!copy)
        return NULL;
    copies[storage->n_copies++] = copy;
    return copy;
}

/* An aligned copy in f32 of n numbers at data, which lies at any address; NULL when there is no
 * memory. */
static const float *copy_as_f32(struct fl_model *model, const void *data, enum fl_dtype dtype,
                                size_t n)
{
    float *copy = reserve(model, n);
    if (copy)
        fl_to_f32(copy, data, dtype, n);
    return copy;
}

/* ---- slots ---- */

struct slot_list {
    struct fl_weight_slot *slots;
    int n, layer, expert;
    bool encoder;
};

static void add(struct slot_list *list, enum fl_weight_role role, const float **target, int n_rows,
                int n_cols)
{
    list->slots[list->n++] = (struct fl_weight_slot){.role = role,
                                                     .layer = list->layer,
                                                     .encoder = list->encoder,
                                                     .expert = list->expert,
                                                     .n_rows = n_rows,
                                                     .n_cols = n_cols,
                                                     .target = target};
}

static void add_norm(struct slot_list *list, enum fl_weight_role role,
                     struct fl_norm_weights *weights, const struct fl_config *config)
{
    add(list, role, &weights->gain, config->d_model, 0);
    if (config->norm == FL_NORM_LAYERNORM)
        add(list, role + 1, &weights->bias, config->d_model, 0);
}

static void add_linear(struct slot_list *list, enum fl_weight_role role,
                       enum fl_weight_role bias_role, struct fl_linear *layer, bool bias)
{
    add(list, role, NULL, layer->n_out, layer->n_in);
    list->slots[list->n - 1].linear = layer;
    if (bias)
        add(list, bias_role, &layer->bias, layer->n_out, 0);
}

static void add_encoder_globals(struct slot_list *list, struct fl_model *model)
{
    const struct fl_config *config = &model->config;
    if (config->source_vocab_size > 0)
        add_linear(list, FL_WEIGHT_ENCODER_EMBEDDING, FL_N_WEIGHT_ROLES, &model->encoder_embedding,
                   false);
    if (config->positions == FL_POS_RELATIVE)
        add(list, FL_WEIGHT_ENCODER_RELATIVE_BIAS, &model->encoder_relative_bias, FL_T5_BUCKETS,
            config->n_heads);
    if (config->norm_position == FL_NORM_PRE)
        add_norm(list, FL_WEIGHT_ENCODER_NORM_FINAL, &model->encoder_norm_final, config);
}

static void add_globals(struct slot_list *list, struct fl_model *model)
{
    const struct fl_config *config = &model->config;
    add_linear(list, FL_WEIGHT_TOKEN_EMBEDDING, FL_N_WEIGHT_ROLES, &model->token_embedding, false);
    if (config->positions == FL_POS_LEARNED)
        add(list, FL_WEIGHT_POSITION_EMBEDDING, &model->position_embedding, config->n_ctx_max,
            config->d_model);
    if (config->norm_position == FL_NORM_PRE)
        add_norm(list, FL_WEIGHT_NORM_FINAL, &model->norm_final, config);
    if (!config->tied)
        add_linear(list, FL_WEIGHT_LOGITS, FL_WEIGHT_LOGITS_BIAS, &model->logits,
                   config->bias_logits);
    else if (config->bias_logits)
        add(list, FL_WEIGHT_LOGITS_BIAS, &model->logits.bias, config->vocab_size, 0);
    if (config->positions == FL_POS_RELATIVE)
        add(list, FL_WEIGHT_RELATIVE_BIAS, &model->relative_bias, FL_T5_BUCKETS, config->n_heads);
    if (config->n_encoder_layers > 0)
        add_encoder_globals(list, model);
}

static void add_cross(struct slot_list *list, struct fl_layer_weights *layer,
                      const struct fl_config *config)
{
    add_norm(list, FL_WEIGHT_NORM_CROSS, &layer->norm_cross, config);
    add_linear(list, FL_WEIGHT_CROSS_Q, FL_WEIGHT_CROSS_Q_BIAS, &layer->cross_q, config->bias_qkv);
    add_linear(list, FL_WEIGHT_CROSS_K, FL_WEIGHT_CROSS_K_BIAS, &layer->cross_k, config->bias_qkv);
    add_linear(list, FL_WEIGHT_CROSS_V, FL_WEIGHT_CROSS_V_BIAS, &layer->cross_v, config->bias_qkv);
    add_linear(list, FL_WEIGHT_CROSS_OUT, FL_WEIGHT_CROSS_OUT_BIAS, &layer->cross_out,
               config->bias_attn_out);
}

static void add_expert(struct slot_list *list, struct fl_layer_weights *layer, bool gated)
{
    const int i = list->expert;
    if (gated)
        add_linear(list, FL_WEIGHT_EXPERT_GATE, FL_N_WEIGHT_ROLES, &layer->expert_gate[i], false);
    add_linear(list, FL_WEIGHT_EXPERT_UP, FL_N_WEIGHT_ROLES, &layer->expert_up[i], false);
    add_linear(list, FL_WEIGHT_EXPERT_DOWN, FL_N_WEIGHT_ROLES, &layer->expert_down[i], false);
}

static void add_dense(struct slot_list *list, struct fl_layer_weights *layer, bool gated, bool bias)
{
    if (gated)
        add_linear(list, FL_WEIGHT_FFN_GATE, FL_WEIGHT_FFN_GATE_BIAS, &layer->ffn_gate, bias);
    add_linear(list, FL_WEIGHT_FFN_UP, FL_WEIGHT_FFN_UP_BIAS, &layer->ffn_up, bias);
    add_linear(list, FL_WEIGHT_FFN_DOWN, FL_WEIGHT_FFN_DOWN_BIAS, &layer->ffn_down, bias);
}

/* What a layer of experts has besides them. */
static void add_moe(struct slot_list *list, struct fl_layer_weights *layer,
                    const struct fl_config *config)
{
    add_linear(list, FL_WEIGHT_ROUTER, FL_N_WEIGHT_ROLES, &layer->router, false);
    if (config->d_ff_shared == 0)
        return;
    add_linear(list, FL_WEIGHT_SHARED_ROUTER, FL_N_WEIGHT_ROLES, &layer->shared_router, false);
    if (config->gated)
        add_linear(list, FL_WEIGHT_SHARED_GATE, FL_N_WEIGHT_ROLES, &layer->shared_gate, false);
    add_linear(list, FL_WEIGHT_SHARED_UP, FL_N_WEIGHT_ROLES, &layer->shared_up, false);
    add_linear(list, FL_WEIGHT_SHARED_DOWN, FL_N_WEIGHT_ROLES, &layer->shared_down, false);
}

static void add_layer(struct slot_list *list, struct fl_layer_weights *layer,
                      const struct fl_config *config)
{
    add_norm(list, FL_WEIGHT_NORM_ATTN, &layer->norm_attn, config);
    add_linear(list, FL_WEIGHT_Q, FL_WEIGHT_Q_BIAS, &layer->q, config->bias_qkv);
    add_linear(list, FL_WEIGHT_K, FL_WEIGHT_K_BIAS, &layer->k, config->bias_qkv);
    add_linear(list, FL_WEIGHT_V, FL_WEIGHT_V_BIAS, &layer->v, config->bias_qkv);
    add_linear(list, FL_WEIGHT_ATTN_OUT, FL_WEIGHT_ATTN_OUT_BIAS, &layer->attn_out,
               config->bias_attn_out);
    if (config->qk_norm) {
        add(list, FL_WEIGHT_Q_NORM, &layer->q_norm, config->head_dim, 0);
        add(list, FL_WEIGHT_K_NORM, &layer->k_norm, config->head_dim, 0);
    }
    if (config->n_encoder_layers > 0 && !list->encoder)
        add_cross(list, layer, config);
    if (fl_config_has_norm_ffn(config))
        add_norm(list, FL_WEIGHT_NORM_FFN, &layer->norm_ffn, config);
    if (config->n_experts == 0)
        add_dense(list, layer, config->gated, config->bias_ffn);
    else
        add_moe(list, layer, config);
}

int fl_weight_slots(struct fl_model *model, int layer,
                    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES])
{
    const int n_layers = model->config.n_layers;
    struct slot_list list = {slots, 0, layer, -1, layer >= n_layers};
    if (list.encoder)
        list.layer -= n_layers;
    if (layer == FL_GLOBAL_SLOTS)
        add_globals(&list, model);
    else
        add_layer(&list, &model->layers[layer], &model->config);
    return list.n;
}

int fl_weight_n_groups(const struct fl_model *model)
{
    return 1 + fl_n_slot_layers(&model->config) * (1 + model->config.n_experts);
}

int fl_weight_group(struct fl_model *model, int group,
                    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES])
{
    const struct fl_config *config = &model->config;
    if (group == 0)
        return fl_weight_slots(model, FL_GLOBAL_SLOTS, slots);
    const int layer = (group - 1) / (1 + config->n_experts);
    const int expert = (group - 1) % (1 + config->n_experts) - 1;
    if (expert < 0)
        return fl_weight_slots(model, layer, slots);
    struct slot_list list = {slots, 0, layer, expert, false};
    add_expert(&list, &model->layers[layer], config->gated);
    return list.n;
}

size_t fl_weight_slot_size(const struct fl_weight_slot *slot)
{
    return (size_t)slot->n_rows * (size_t)(slot->n_cols ? slot->n_cols : 1);
}

void fl_weight_slot_set(const struct fl_weight_slot *slot, const void *data, enum fl_dtype dtype)
{
    if (slot->linear) {
        slot->linear->weight = data;
        slot->linear->dtype = dtype;
    } else {
        assert(dtype == FL_F32);
        *slot->target = data;
    }
}

const void *fl_weight_slot_data(const struct fl_weight_slot *slot)
{
    return slot->linear ? slot->linear->weight : *slot->target;
}

enum fl_dtype fl_weight_slot_dtype(const struct fl_weight_slot *slot)
{
    return slot->linear ? slot->linear->dtype : FL_F32;
}

uint64_t fl_model_set_dtype(struct fl_model *model, enum fl_dtype dtype)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    uint64_t bytes = 0;
    for (int group = 0; group < fl_weight_n_groups(model); group++) {
        int n = fl_weight_group(model, group, slots);
        for (int i = 0; i < n; i++) {
            struct fl_linear *matrix = slots[i].linear;
            if (matrix)
                matrix->dtype = fl_dtype_fit(dtype, (uint64_t)matrix->n_in);
            bytes +=
                fl_dtype_bytes(fl_weight_slot_dtype(&slots[i]), fl_weight_slot_size(&slots[i]));
        }
    }
    return bytes;
}

void fl_model_finish(struct fl_model *model)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    model->weight_bytes = 0;
    for (int group = 0; group < fl_weight_n_groups(model); group++) {
        int n = fl_weight_group(model, group, slots);
        for (int i = 0; i < n; i++) {
            assert(fl_weight_slot_data(&slots[i]));
            model->weight_bytes +=
                fl_dtype_bytes(fl_weight_slot_dtype(&slots[i]), fl_weight_slot_size(&slots[i]));
        }
    }
    if (model->config.tied) {
        const float *bias = model->logits.bias;
        model->logits = model->token_embedding;
        model->logits.bias = bias;
    }
    if (model->config.n_encoder_layers > 0 && model->config.source_vocab_size == 0)
        model->encoder_embedding = model->token_embedding;
}

/* ---- binding by name ---- */

struct binding {
    struct fl_model *model;
    const struct fl_weight_name *names;
    fl_weight_find *find;
    void *file;
    const char *path;
};

/* Columns (or elements of the bias) of a fused q, k, v tensor that lie before this role's. */
static int fused_offset(enum fl_weight_role role, const struct fl_layer_weights *layer)
{
    switch (role) {
    case FL_WEIGHT_K:
    case FL_WEIGHT_K_BIAS:
        return layer->q.n_out;
    case FL_WEIGHT_V:
    case FL_WEIGHT_V_BIAS:
        return layer->q.n_out + layer->k.n_out;
    case FL_WEIGHT_CROSS_V:
    case FL_WEIGHT_CROSS_V_BIAS:
        return layer->cross_k.n_out;
    default:
        return 0;
    }
}

/* Columns (or elements of the bias) of the fused tensor this role is a part of. */
static int fused_width(enum fl_weight_role role, const struct fl_layer_weights *layer)
{
    const bool cross = role == FL_WEIGHT_CROSS_K || role == FL_WEIGHT_CROSS_K_BIAS ||
                       role == FL_WEIGHT_CROSS_V || role == FL_WEIGHT_CROSS_V_BIAS;
    return cross ? layer->cross_k.n_out + layer->cross_v.n_out
                 : layer->q.n_out + layer->k.n_out + layer->v.n_out;
}

static void shape_text(int n_dims, const uint64_t *dims, char out[96])
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < n_dims && used < 96; i++)
        used += (size_t)snprintf(out + used, 96 - used, "%s%" PRIu64, i ? ", " : "", dims[i]);
}

static int check_shape(const struct fl_weight_tensor *tensor, int n_dims, const uint64_t *dims,
                       const char *path, const char *name, struct fl_error *error)
{
    bool equal = tensor->n_dims == n_dims;
    for (int i = 0; equal && i < n_dims; i++)
        equal = tensor->dims[i] == dims[i];
    if (equal)
        return FL_OK;
    char found[96], expected[96];
    shape_text(tensor->n_dims, tensor->dims, found);
    shape_text(n_dims, dims, expected);
    return fl_fail(error, "%s: %s: expected shape [%s], not [%s]", path, name, expected, found);
}

/* The rows of q, k or v (which: 0, 1, 2), gathered from a tensor in which each head has those of
 * all three in a row. There are as many key/value heads as heads. */
static const void *copy_heads(struct fl_model *model, struct fl_weight_tensor *tensor,
                              const struct fl_weight_slot *slot, size_t which)
{
    const size_t n_heads = (size_t)model->config.n_heads;
    const size_t n_cols = (size_t)(slot->n_cols ? slot->n_cols : 1);
    const size_t part = (size_t)model->config.head_dim * n_cols;
    const size_t bytes = fl_dtype_bytes(tensor->dtype, part);
    const size_t size = n_heads * (slot->linear ? bytes : part * sizeof(float));
    float *copy = reserve(model, (size + sizeof(float) - 1) / sizeof(float));
    for (size_t head = 0; copy && head < n_heads; head++) {
        const char *from = (const char *)tensor->data + (3 * head + which) * bytes;
        if (slot->linear)
            memcpy((char *)copy + head * bytes, from, bytes);
        else
            fl_to_f32(copy + head * part, from, tensor->dtype, part);
    }
    if (!slot->linear)
        tensor->dtype = FL_F32;
    return copy;
}

static int bind_slot(const struct binding *binding, const struct fl_weight_slot *slot,
                     struct fl_error *error)
{
    const struct fl_weight_name none = {0};
    const struct fl_weight_name *row = binding->names ? &binding->names[slot->role] : &none;
    const char *pattern = slot->encoder ? row->encoder : row->pattern;
    char name[128];
    if (!pattern)
        return fl_fail(error,
                       "%s: expected no %s model in a file of this format, or not with what "
                       "its config asks for: a tensor of it has no name there",
                       binding->path, fl_arch_name(binding->model->config.arch));
    /* the patterns are constants of the loaders, with at most two %d */
    snprintf(name, sizeof name, pattern, slot->layer, slot->expert);

    size_t n_rows = (size_t)slot->n_rows, n_cols = (size_t)slot->n_cols, skipped = 0;
    if (row->fused || row->fused_by_head) {
        const struct fl_model *model = binding->model;
        const struct fl_layer_weights *layer =
            (slot->encoder ? model->encoder_layers : model->layers) + slot->layer;
        n_rows = (size_t)fused_width(slot->role, layer);
        skipped = (size_t)fused_offset(slot->role, layer);
    }
    struct fl_weight_tensor tensor;
    const uint64_t dims[3] = {(uint64_t)binding->model->config.n_experts,
                              row->in_out ? n_cols : n_rows, row->in_out ? n_rows : n_cols};
    if (binding->find(binding->file, name, &tensor, error) != FL_OK ||
        check_shape(&tensor, (n_cols && !row->flat ? 2 : 1) + row->stacked,
                    row->stacked ? dims : &dims[row->flat ? 2 : 1], binding->path, name,
                    error) != FL_OK)
        return FL_FAILED;

    const size_t size = n_rows * (n_cols ? n_cols : 1);
    const unsigned char *data = tensor.data;
    if (row->stacked)
        data += fl_dtype_bytes(tensor.dtype, (uint64_t)slot->expert * size);
    if (row->fused_by_head) {
        data = copy_heads(binding->model, &tensor, slot, skipped / (size_t)slot->n_rows);
        skipped = 0;
    } else if ((tensor.dtype == FL_F32 && (uintptr_t)data % sizeof(float) != 0) ||
               (tensor.dtype != FL_F32 && !slot->linear)) {
        data = (const void *)copy_as_f32(binding->model, data, tensor.dtype, size);
        tensor.dtype = FL_F32;
    }
    if (!data)
        return fl_fail(error, "%s: %s: cannot hold a copy in memory", binding->path, name);
    skipped *= n_cols && !row->in_out ? n_cols : 1;
    fl_weight_slot_set(slot, data + fl_dtype_bytes(tensor.dtype, skipped), tensor.dtype);
    if (slot->linear) {
        slot->linear->in_out = row->in_out;
        slot->linear->ld = row->in_out ? (int)n_rows : (int)n_cols;
    }
    return FL_OK;
}

int fl_weights_bind(struct fl_model *model, const struct fl_weight_name names[FL_N_WEIGHT_ROLES],
                    fl_weight_find *find, void *file, const char *path, struct fl_error *error)
{
    struct binding binding = {model, names, find, file, path};
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    for (int group = 0; group < fl_weight_n_groups(model); group++) {
        int n = fl_weight_group(model, group, slots);
        for (int i = 0; i < n; i++)
            if (bind_slot(&binding, &slots[i], error) != FL_OK)
                return FL_FAILED;
    }
    fl_model_finish(model);
    return FL_OK;
}
