#include "model/gguf_model.h"
#include "model/gguf.h"
#include "model/gguf_names.h"
#include "model/gguf_t5.h"
#include "model/weight_layout.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Llama's block, and what it and its epsilon are called. */
#define RMS_EPS     "attention.layer_norm_rms_epsilon"
#define LLAMA_NAMES fl_gguf_llama_names, RMS_EPS
#define RMS_BLOCK                                                                                  \
    .norm = FL_NORM_RMSNORM, .activation = FL_ACT_SILU, .gated = true, .positions = FL_POS_ROPE,   \
    .rope.theta = 10000

/* GPT-2's. */
#define GPT2_NAMES fl_gguf_gpt2_names, "attention.layer_norm_epsilon"
#define LAYERNORM_BLOCK                                                                            \
    .norm = FL_NORM_LAYERNORM, .bias_qkv = true, .bias_attn_out = true, .bias_ffn = true

/* What an architecture's name implies; the rest is read from keys. */
static const struct architecture {
    const char *name;
    const struct fl_weight_name *names;
    const char *eps_key;
    struct fl_config config;
} ARCHITECTURES[] = {
    {"llama", LLAMA_NAMES, {.arch = FL_ARCH_LLAMA, RMS_BLOCK, .rope.interleaved = true}},
    {"qwen2", LLAMA_NAMES, {.arch = FL_ARCH_QWEN2, RMS_BLOCK, .bias_qkv = true}},
    /* found as llama, and by the number of its experts */
    {"llama",
     LLAMA_NAMES,
     {.arch = FL_ARCH_MIXTRAL, RMS_BLOCK, .norm_topk = true, .rope.interleaved = true}},
    {"qwen3", LLAMA_NAMES, {.arch = FL_ARCH_QWEN3, RMS_BLOCK, .qk_norm = true}},
    {"qwen2moe", LLAMA_NAMES, {.arch = FL_ARCH_QWEN2_MOE, RMS_BLOCK, .bias_qkv = true}},
    {"qwen3moe",
     LLAMA_NAMES,
     {.arch = FL_ARCH_QWEN3_MOE, RMS_BLOCK, .qk_norm = true, .norm_topk = true}},
    {"gptneox",
     GPT2_NAMES,
     {.arch = FL_ARCH_NEOX,
      .activation = FL_ACT_GELU_ERF,
      .positions = FL_POS_ROPE,
      .rope.theta = 10000,
      .branches = FL_BRANCHES_PARALLEL,
      LAYERNORM_BLOCK}},
    {"gpt2",
     GPT2_NAMES,
     {.arch = FL_ARCH_GPT2,
      .activation = FL_ACT_GELU_TANH,
      .positions = FL_POS_LEARNED,
      LAYERNORM_BLOCK}},
    {"t5",
     fl_gguf_t5_names,
     RMS_EPS,
     {.arch = FL_ARCH_T5, .norm = FL_NORM_RMSNORM, .positions = FL_POS_RELATIVE}},
};
enum { N_ARCHITECTURES = sizeof ARCHITECTURES / sizeof *ARCHITECTURES };

bool fl_gguf_habits(struct fl_gguf_habits *habits, const struct fl_config *config)
{
    for (int i = 0; i < N_ARCHITECTURES; i++)
        if (ARCHITECTURES[i].config.arch == config->arch) {
            const struct architecture *arch = &ARCHITECTURES[i];
            *habits = (struct fl_gguf_habits){arch->name, arch->names, arch->eps_key,
                                              arch->config.rope.interleaved};
            return true;
        }
    return false;
}

const char *fl_gguf_architectures(char *out, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < N_ARCHITECTURES && used < size; i++)
        if (ARCHITECTURES[i].config.arch != FL_ARCH_MIXTRAL) /* llama, once more */
            used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                     ARCHITECTURES[i].name);
    return out;
}

struct reader {
    struct fl_gguf *gguf;
    const char *path;
    const struct architecture *arch;
    struct fl_error *error;
    char key[128];
};

/* The architecture's own key: "llama.block_count". */
static const char *own_key(struct reader *reader, const char *name)
{
    snprintf(reader->key, sizeof reader->key, "%s.%s", reader->arch->name, name);
    return reader->key;
}

static bool has(struct reader *reader, const char *name)
{
    return fl_gguf_has(reader->gguf, own_key(reader, name));
}

static int get_int(struct reader *reader, const char *name, int *value)
{
    int64_t wide;
    if (fl_gguf_get_int(reader->gguf, own_key(reader, name), 0, INT_MAX, &wide, reader->error) !=
        FL_OK)
        return FL_FAILED;
    *value = (int)wide;
    return FL_OK;
}

/* Keeps *value when the key is absent. */
static int get_int_or(struct reader *reader, const char *name, int *value)
{
    return has(reader, name) ? get_int(reader, name, value) : FL_OK;
}

static int get_real_or(struct reader *reader, const char *name, double *value)
{
    return has(reader, name) ? fl_gguf_get_real(reader->gguf, reader->key, value, reader->error)
                             : FL_OK;
}

static int get_bool_or(struct reader *reader, const char *name, bool *value)
{
    return has(reader, name) ? fl_gguf_get_bool(reader->gguf, reader->key, value, reader->error)
                             : FL_OK;
}

static int find_architecture(struct reader *reader)
{
    struct fl_gguf_string name;
    if (fl_gguf_get_string(reader->gguf, "general.architecture", &name, reader->error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < N_ARCHITECTURES; i++) {
        const char *known = ARCHITECTURES[i].name;
        if (name.length == strlen(known) && memcmp(name.data, known, name.length) == 0) {
            reader->arch = &ARCHITECTURES[i];
            return FL_OK;
        }
    }
    char known[128];
    return fl_fail(reader->error, "%s: general.architecture: expected one of %s, not '%.*s'",
                   reader->path, fl_gguf_architectures(known, sizeof known),
                   name.length < 60 ? (int)name.length : 60, name.data);
}

/* ---- dimensions ---- */

static int read_vocab_size(struct reader *reader, struct fl_config *config)
{
    const struct fl_gguf_tensor *embedding = fl_gguf_find_tensor(reader->gguf, "token_embd.weight");
    struct fl_gguf_array tokens;
    if (embedding && embedding->n_dims == 2 && embedding->dims[1] <= INT_MAX) {
        config->vocab_size = (int)embedding->dims[1];
        return FL_OK;
    }
    if (has(reader, "vocab_size"))
        return get_int(reader, "vocab_size", &config->vocab_size);
    if (fl_gguf_get_array(reader->gguf, "tokenizer.ggml.tokens", FL_GGUF_STRINGS, &tokens,
                          reader->error) != FL_OK)
        return FL_FAILED;
    config->vocab_size = tokens.n <= INT_MAX ? (int)tokens.n : INT_MAX;
    return FL_OK;
}

/* An expert's switch that only one value of can be run; absent: that value. */
static int expect_int(struct reader *reader, const char *name, int expected)
{
    int value = expected;
    if (get_int_or(reader, name, &value) != FL_OK)
        return FL_FAILED;
    if (value != expected)
        return fl_fail(reader->error, "%s: %s: expected %d, not %d: others are not supported",
                       reader->path, own_key(reader, name), expected, value);
    return FL_OK;
}

static const struct architecture *architecture_of(enum fl_arch arch)
{
    int i = 0;
    while (ARCHITECTURES[i].config.arch != arch)
        i++;
    return &ARCHITECTURES[i];
}

/* Experts, in the architectures that have them. */
static int read_experts(struct reader *reader, struct fl_config *config)
{
    if (get_int_or(reader, "expert_count", &config->n_experts) != FL_OK ||
        get_int_or(reader, "expert_used_count", &config->n_experts_used) != FL_OK)
        return FL_FAILED;
    const bool named = config->arch == FL_ARCH_QWEN2_MOE || config->arch == FL_ARCH_QWEN3_MOE;
    if (config->n_experts == 0 && !named)
        return FL_OK;
    if (config->arch == FL_ARCH_LLAMA) {
        reader->arch = architecture_of(FL_ARCH_MIXTRAL);
        config->arch = FL_ARCH_MIXTRAL;
        config->norm_topk = reader->arch->config.norm_topk;
    } else if (!named) {
        return fl_fail(reader->error, "%s: %s: expected no experts in a %s model, not %d",
                       reader->path, own_key(reader, "expert_count"), reader->arch->name,
                       config->n_experts);
    }
    if (config->n_experts == 0)
        return fl_fail(reader->error, "%s: %s: expected at least 1", reader->path,
                       own_key(reader, "expert_count"));
    enum { SOFTMAX = 1 };
    const struct fl_gguf_tensor *shared =
        fl_gguf_find_tensor(reader->gguf, "blk.0.ffn_up_shexp.weight");
    if (shared && shared->n_dims == 2 && shared->dims[1] <= INT_MAX)
        config->d_ff_shared = (int)shared->dims[1];
    if (get_bool_or(reader, "expert_weights_norm", &config->norm_topk) != FL_OK ||
        get_int_or(reader, "expert_shared_feed_forward_length", &config->d_ff_shared) != FL_OK ||
        get_int_or(reader, "expert_feed_forward_length", &config->d_ff) != FL_OK ||
        expect_int(reader, "leading_dense_block_count", 0) != FL_OK ||
        expect_int(reader, "expert_group_count", 0) != FL_OK)
        return FL_FAILED;
    double scale = 1;
    if (get_real_or(reader, "expert_weights_scale", &scale) != FL_OK)
        return FL_FAILED;
    if (scale != 1.0)
        return fl_fail(reader->error, "%s: %s: expected 1, not %g: others are not supported",
                       reader->path, own_key(reader, "expert_weights_scale"), scale);
    return expect_int(reader, "expert_gating_func", SOFTMAX);
}

static int read_dimensions(struct reader *reader, struct fl_config *config)
{
    if (get_int(reader, "embedding_length", &config->d_model) != FL_OK ||
        get_int(reader, "feed_forward_length", &config->d_ff) != FL_OK ||
        get_int(reader, "block_count", &config->n_layers) != FL_OK ||
        get_int(reader, "context_length", &config->n_ctx_max) != FL_OK ||
        get_int(reader, "attention.head_count", &config->n_heads) != FL_OK)
        return FL_FAILED;
    config->n_kv_heads = config->n_heads;
    config->head_dim = config->n_heads > 0 ? config->d_model / config->n_heads : 0;
    int value_length;
    if (get_int_or(reader, "attention.head_count_kv", &config->n_kv_heads) != FL_OK ||
        get_int_or(reader, "attention.key_length", &config->head_dim) != FL_OK ||
        get_int_or(reader, "attention.sliding_window", &config->sliding_window) != FL_OK)
        return FL_FAILED;
    value_length = config->head_dim;
    if (get_int_or(reader, "attention.value_length", &value_length) != FL_OK)
        return FL_FAILED;
    if (value_length != config->head_dim)
        return fl_fail(reader->error, "%s: %s: expected the key length (%d), not %d", reader->path,
                       own_key(reader, "attention.value_length"), config->head_dim, value_length);
    if (has(reader, "attention.scale"))
        return fl_fail(reader->error,
                       "%s: %s: expected no such key, only scores scaled by "
                       "1/sqrt(head_dim) are supported",
                       reader->path, own_key(reader, "attention.scale"));
    if (fl_gguf_get_real(reader->gguf, own_key(reader, reader->arch->eps_key), &config->norm_eps,
                         reader->error) != FL_OK)
        return FL_FAILED;
    return read_vocab_size(reader, config);
}

static bool has_tensor(const struct reader *reader, const char *name)
{
    return fl_gguf_find_tensor(reader->gguf, name) != NULL;
}

/* Which optional tensors there are. Without any tensor, as in files of a tokenizer alone, the
 * architecture's habit stands. */
static void read_presence(struct reader *reader, struct fl_config *config)
{
    size_t n_tensors;
    fl_gguf_tensors(reader->gguf, &n_tensors);
    config->tied =
        !has_tensor(reader, "output.weight") && (n_tensors > 0 || config->arch == FL_ARCH_GPT2);
    if (n_tensors == 0)
        return;
    switch (config->arch) {
    case FL_ARCH_LLAMA:
    case FL_ARCH_MIXTRAL:
    case FL_ARCH_QWEN3:
    case FL_ARCH_QWEN3_MOE:
        config->bias_attn_out = has_tensor(reader, "blk.0.attn_output.bias");
        config->bias_ffn = has_tensor(reader, "blk.0.ffn_up.bias");
        config->bias_qkv = has_tensor(reader, "blk.0.attn_q.bias");
        break;
    case FL_ARCH_QWEN2_MOE:
        config->bias_qkv = has_tensor(reader, "blk.0.attn_q.bias");
        break;
    case FL_ARCH_NEOX:
        config->bias_qkv = config->bias_attn_out = has_tensor(reader, "blk.0.attn_qkv.bias");
        break;
    default:
        break;
    }
}

/* An id of the tokenizer; -1 when the key is absent. */
static int read_token_id(struct reader *reader, const char *key, int *id)
{
    int64_t wide = -1;
    if (fl_gguf_has(reader->gguf, key) &&
        fl_gguf_get_int(reader->gguf, key, 0, INT_MAX, &wide, reader->error) != FL_OK)
        return FL_FAILED;
    *id = (int)wide;
    return FL_OK;
}

/* ---- rotary positions ---- */

static int read_scaling(struct reader *reader, struct fl_rope_params *rope)
{
    struct fl_gguf_string type = {"none", 4};
    if (has(reader, "rope.scaling.type")) {
        if (fl_gguf_get_string(reader->gguf, reader->key, &type, reader->error) != FL_OK)
            return FL_FAILED;
    } else if (has(reader, "rope.scale_linear"))
        type = (struct fl_gguf_string){"linear", 6};
    if (type.length == 4 && memcmp(type.data, "none", 4) == 0)
        return FL_OK;
    if (type.length != 6 || memcmp(type.data, "linear", 6) != 0)
        return fl_fail(reader->error, "%s: %s: expected none or linear, not '%.*s'", reader->path,
                       own_key(reader, "rope.scaling.type"),
                       type.length < 60 ? (int)type.length : 60, type.data);
    rope->scaling = FL_ROPE_LINEAR;
    rope->factor = 1;
    if (get_real_or(reader, "rope.scale_linear", &rope->factor) != FL_OK)
        return FL_FAILED;
    return get_real_or(reader, "rope.scaling.factor", &rope->factor);
}

double fl_gguf_llama3_divisor(const struct fl_rope_params *rope, int i, int head_dim)
{
    const double two_pi = 6.283185307179586;
    double turns = rope->original_ctx * pow(rope->theta, -2.0 * i / head_dim) / two_pi;
    if (turns > rope->high_freq_factor)
        return 1;
    if (turns < rope->low_freq_factor)
        return rope->factor;
    double kept =
        (turns - rope->low_freq_factor) / (rope->high_freq_factor - rope->low_freq_factor);
    return 1 / (kept + (1 - kept) / rope->factor);
}

/* Files of Llama 3.1 and later hold the divisors of the frequencies as a table instead of the
 * parameters that make them. The last one is the factor; the others are the same in every such
 * model, or `flopledger convert` has written them beside it; the table says whether they are right.
 */
static int read_factors(struct reader *reader, struct fl_config *config)
{
    struct fl_gguf_tensor *tensor = fl_gguf_find_tensor(reader->gguf, "rope_freqs.weight");
    if (!tensor)
        return FL_OK;
    struct fl_gguf_numbers table;
    if (fl_gguf_data(reader->gguf, tensor, &table, reader->error) != FL_OK)
        return FL_FAILED;
    tensor->used = true;
    const size_t n = table.n;
    struct fl_rope_params rope = config->rope;
    rope.scaling = FL_ROPE_LLAMA3;
    rope.low_freq_factor = 1;
    rope.high_freq_factor = 4;
    rope.original_ctx = 8192;
    if (get_int_or(reader, "rope.scaling.original_context_length", &rope.original_ctx) != FL_OK ||
        get_real_or(reader, "rope.scaling.low_freq_factor", &rope.low_freq_factor) != FL_OK ||
        get_real_or(reader, "rope.scaling.high_freq_factor", &rope.high_freq_factor) != FL_OK)
        return FL_FAILED;
    bool same = table.dtype == FL_F32 && config->rope.scaling == FL_ROPE_PLAIN &&
                config->head_dim > 0 && n == (size_t)config->head_dim / 2 && n > 0;
    for (size_t i = n; same && i-- > 0;) {
        float divisor;
        memcpy(&divisor, (const char *)table.data + i * sizeof divisor, sizeof divisor);
        if (i == n - 1)
            rope.factor = (double)divisor;
        /* stored as f32 and computed in f32 by those who wrote the file */
        double expected = fl_gguf_llama3_divisor(&rope, (int)i, config->head_dim);
        same = fabs((double)divisor - expected) <= 1e-4 * expected;
    }
    if (!same)
        return fl_fail(reader->error,
                       "%s: rope_freqs.weight: expected the table of Llama 3.1 (low %g, high %g, "
                       "original context %d); other tables are not supported",
                       reader->path, rope.low_freq_factor, rope.high_freq_factor,
                       rope.original_ctx);
    config->rope = rope;
    return FL_OK;
}

static int read_rope(struct reader *reader, struct fl_config *config)
{
    if (config->positions != FL_POS_ROPE)
        return FL_OK;
    int rotated = config->head_dim;
    const bool partly = config->arch == FL_ARCH_NEOX;
    if (get_int_or(reader, "rope.dimension_count", &rotated) != FL_OK ||
        get_real_or(reader, "rope.freq_base", &config->rope.theta) != FL_OK)
        return FL_FAILED;
    if (partly && rotated > 0 && rotated < config->head_dim)
        config->rotary_dim = rotated;
    else if (rotated != config->head_dim)
        return fl_fail(reader->error,
                       "%s: %s: expected the head's width (%d), not %d: partly rotated heads are "
                       "supported in gptneox",
                       reader->path, own_key(reader, "rope.dimension_count"), config->head_dim,
                       rotated);
    if (read_scaling(reader, &config->rope) != FL_OK)
        return FL_FAILED;
    return read_factors(reader, config);
}

/* Sentences name fields as the file does. */
static void rename_fields(const struct reader *reader)
{
    static const struct fl_field_name KEYS[] = {
        {"d_model", "embedding_length"},
        {"d_ff", "feed_forward_length"},
        {"n_layers", "block_count"},
        {"n_ctx_max", "context_length"},
        {"n_heads", "attention.head_count"},
        {"n_kv_heads", "attention.head_count_kv"},
        {"head_dim", "attention.key_length"},
        {"sliding_window", "attention.sliding_window"},
        {"rotary_dim", "rope.dimension_count"},
        {"rope.theta", "rope.freq_base"},
        {"rope.factor", "rope.scaling.factor"},
        {"n_experts", "expert_count"},
        {"n_experts_used", "expert_used_count"},
        {"d_ff_shared", "expert_shared_feed_forward_length"},
    };
    enum { N_KEYS = sizeof KEYS / sizeof *KEYS };
    char keys[N_KEYS][64], eps_key[64];
    struct fl_field_name names[N_KEYS + 4] = {{"norm_eps", eps_key},
                                              {"bos_id", "tokenizer.ggml.bos_token_id"},
                                              {"eos_id", "tokenizer.ggml.eos_token_id"}};
    snprintf(eps_key, sizeof eps_key, "%s.%s", reader->arch->name, reader->arch->eps_key);
    for (int i = 0; i < N_KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "%s.%s", reader->arch->name, KEYS[i].key);
        names[3 + i] = (struct fl_field_name){KEYS[i].field, keys[i]};
    }
    fl_config_rename(reader->error, reader->path, names);
}

static int read_config(struct reader *reader, struct fl_config *config, const char *name)
{
    if (find_architecture(reader) != FL_OK)
        return FL_FAILED;
    *config = reader->arch->config;
    fl_config_set_name(config, name);
    if (read_dimensions(reader, config) != FL_OK)
        return FL_FAILED;
    if (read_experts(reader, config) != FL_OK)
        return FL_FAILED;
    bool parallel = config->branches == FL_BRANCHES_PARALLEL;
    if (parallel && get_bool_or(reader, "use_parallel_residual", &parallel) != FL_OK)
        return FL_FAILED;
    config->branches = parallel ? FL_BRANCHES_PARALLEL : FL_BRANCHES_SEQUENTIAL;
    read_presence(reader, config);
    if (read_rope(reader, config) != FL_OK ||
        read_token_id(reader, "tokenizer.ggml.bos_token_id", &config->bos_id) != FL_OK ||
        read_token_id(reader, "tokenizer.ggml.eos_token_id", &config->eos_id) != FL_OK ||
        (config->arch == FL_ARCH_T5 &&
         fl_gguf_t5_read(config, reader->gguf, reader->path, reader->error) != FL_OK))
        return FL_FAILED;
    if (fl_config_check(config, reader->path, reader->error) == FL_OK)
        return FL_OK;
    rename_fields(reader);
    return FL_FAILED;
}

int fl_gguf_config(struct fl_config *config, const char *path, const char *name,
                   struct fl_error *error)
{
    struct reader reader = {.path = path, .error = error};
    if (fl_gguf_open(&reader.gguf, path, error) != FL_OK)
        return FL_FAILED;
    int status = read_config(&reader, config, name);
    fl_gguf_close(reader.gguf);
    return status;
}

/* ---- weights ---- */

static int find_weight(void *file, const char *name, struct fl_weight_tensor *out,
                       struct fl_error *error)
{
    struct reader *reader = file;
    struct fl_gguf_tensor *tensor = fl_gguf_find_tensor(reader->gguf, name);
    if (!tensor)
        return fl_fail(error, "%s: %s: expected this tensor, it is missing", reader->path, name);
    struct fl_gguf_numbers numbers;
    if (fl_gguf_data(reader->gguf, tensor, &numbers, error) != FL_OK)
        return FL_FAILED;
    tensor->used = true;
    out->data = numbers.data;
    out->dtype = numbers.dtype;
    out->n_dims = tensor->n_dims;
    for (int i = 0; i < out->n_dims; i++)
        out->dims[i] = tensor->dims[out->n_dims - 1 - i];
    return FL_OK;
}

static int compare_offsets(const void *a, const void *b)
{
    const struct fl_gguf_tensor *x = *(struct fl_gguf_tensor *const *)a;
    const struct fl_gguf_tensor *y = *(struct fl_gguf_tensor *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Every tensor has been bound, so none changes the result unseen, and no two share bytes. */
static int check_tensors(struct reader *reader)
{
    size_t n;
    struct fl_gguf_tensor *tensors = fl_gguf_tensors(reader->gguf, &n);
    const struct fl_gguf_tensor **order = malloc(n * sizeof *order);
    if (!order)
        return fl_fail(reader->error, "%s: cannot reserve memory for %zu tensors", reader->path, n);
    int status = FL_OK;
    for (size_t i = 0; i < n && status == FL_OK; i++) {
        order[i] = &tensors[i];
        if (!tensors[i].used)
            status = fl_fail(reader->error, "%s: %.*s: expected no such tensor in a %s model",
                             reader->path,
                             tensors[i].name.length < 100 ? (int)tensors[i].name.length : 100,
                             tensors[i].name.data, reader->arch->name);
    }
    if (status == FL_OK)
        qsort(order, n, sizeof *order, compare_offsets);
    const unsigned char *end = NULL;
    for (size_t i = 0; i < n && status == FL_OK; i++) {
        struct fl_gguf_numbers numbers;
        status = fl_gguf_data(reader->gguf, order[i], &numbers, reader->error);
        if (status == FL_OK && end && (const unsigned char *)numbers.data < end)
            status = fl_fail(reader->error, "%s: %.*s: expected its own bytes, it overlaps another",
                             reader->path,
                             order[i]->name.length < 100 ? (int)order[i]->name.length : 100,
                             order[i]->name.data);
        if (status == FL_OK)
            end = (const unsigned char *)numbers.data + numbers.n_bytes;
    }
    free(order);
    return status;
}

int fl_gguf_model(struct fl_model *model, const char *path, const char *name,
                  struct fl_error *error)
{
    struct reader reader = {.path = path, .error = error};
    struct fl_config config;
    *model = (struct fl_model){0};
    if (fl_gguf_open(&reader.gguf, path, error) != FL_OK)
        return FL_FAILED;
    int status = FL_FAILED;
    if (read_config(&reader, &config, name) == FL_OK &&
        fl_config_runnable(&config, error) == FL_OK &&
        fl_model_prepare(model, &config, "gguf", error) == FL_OK &&
        fl_weights_bind(model, reader.arch->names, find_weight, &reader, path, error) == FL_OK &&
        check_tensors(&reader) == FL_OK)
        status = fl_model_own_file(model, fl_gguf_mapping(reader.gguf), error);
    if (status != FL_OK)
        fl_model_close(model);
    fl_gguf_close(reader.gguf);
    return status;
}
