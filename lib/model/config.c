#include "model/config.h"
#include "base/units.h"

#include <stddef.h>
#include <string.h>

enum { MAX_DIMENSION = 1 << 24, MAX_LAYERS = 4096, MAX_EXPERTS = 1 << 16 };

/* What a field of type int may hold. */
struct int_field {
    const char *name;
    size_t offset;
    int min, max;
};
#define INT_FIELD(field, min, max)                                                                 \
    {                                                                                              \
#field, offsetof(struct fl_config, field), min, max                                        \
    }

static const struct int_field INT_FIELDS[] = {
    INT_FIELD(d_model, 1, MAX_DIMENSION),
    INT_FIELD(d_ff, 1, MAX_DIMENSION),
    INT_FIELD(n_layers, 1, MAX_LAYERS),
    INT_FIELD(n_heads, 1, MAX_DIMENSION),
    INT_FIELD(n_kv_heads, 1, MAX_DIMENSION),
    INT_FIELD(head_dim, 1, MAX_DIMENSION),
    INT_FIELD(vocab_size, 1, MAX_DIMENSION),
    INT_FIELD(n_ctx_max, 1, MAX_DIMENSION),
    INT_FIELD(sliding_window, 0, MAX_DIMENSION),
    INT_FIELD(n_experts, 0, MAX_EXPERTS),
    INT_FIELD(n_experts_used, 0, MAX_EXPERTS),
    INT_FIELD(d_ff_shared, 0, MAX_DIMENSION),
    INT_FIELD(rotary_dim, 0, MAX_DIMENSION),
    INT_FIELD(n_encoder_layers, 0, MAX_LAYERS),
    INT_FIELD(bos_id, -1, MAX_DIMENSION),
    INT_FIELD(eos_id, -1, MAX_DIMENSION),
    INT_FIELD(source_vocab_size, 0, MAX_DIMENSION),
};

static int int_at(const struct fl_config *config, size_t offset)
{
    int value;
    memcpy(&value, (const char *)config + offset, sizeof value);
    return value;
}

/* ---- parameters ---- */

static fl_wide linear_params(fl_wide n_in, fl_wide n_out, bool bias)
{
    return n_in * n_out + (bias ? n_out : 0);
}

static fl_wide norm_params(const struct fl_config *config)
{
    return (fl_wide)config->d_model * (config->norm == FL_NORM_LAYERNORM ? 2 : 1);
}

static fl_wide attention_params(const struct fl_config *config)
{
    fl_wide d = config->d_model;
    fl_wide d_q = (fl_wide)config->n_heads * config->head_dim;
    fl_wide d_kv = (fl_wide)config->n_kv_heads * config->head_dim;
    return linear_params(d, d_q + 2 * d_kv, config->bias_qkv) +
           linear_params(d_q, d, config->bias_attn_out) + norm_params(config) +
           (config->qk_norm ? 2 * (fl_wide)config->head_dim : 0);
}

static fl_wide ffn_params(const struct fl_config *config)
{
    fl_wide d = config->d_model, f = config->d_ff;
    fl_wide one = linear_params(d, f, config->bias_ffn) * (config->gated ? 2 : 1) +
                  linear_params(f, d, config->bias_ffn);
    fl_wide all = config->n_experts ? one * config->n_experts + d * config->n_experts : one;
    if (config->d_ff_shared) /* and its gate */
        all += d * config->d_ff_shared * (config->gated ? 3 : 2) + d;
    return all + (fl_config_has_norm_ffn(config) ? norm_params(config) : 0);
}

/* An encoder-decoder's decoder layers attend twice: to themselves and to the encoder. */
static fl_wide wide_params(const struct fl_config *config)
{
    fl_wide d = config->d_model, embedding = d * config->vocab_size;
    int n_stacks = config->n_encoder_layers ? 2 : 1;
    fl_wide total = embedding * (config->tied ? 1 : 2) + d * config->source_vocab_size;
    if (config->bias_logits)
        total += config->vocab_size;
    if (config->positions == FL_POS_LEARNED)
        total += d * config->n_ctx_max;
    if (config->positions == FL_POS_RELATIVE)
        total += (fl_wide)n_stacks * FL_T5_BUCKETS * config->n_heads;
    total += config->n_layers * (n_stacks * attention_params(config) + ffn_params(config));
    total += config->n_encoder_layers * (attention_params(config) + ffn_params(config));
    if (config->norm_position == FL_NORM_PRE)
        total += n_stacks * norm_params(config);
    return total;
}

int fl_config_rotary_dim(const struct fl_config *config)
{
    if (config->positions != FL_POS_ROPE)
        return 0;
    return config->rotary_dim ? config->rotary_dim : config->head_dim;
}

uint64_t fl_config_n_params(const struct fl_config *config)
{
    return (uint64_t)wide_params(config);
}

/* ---- checks ---- */

static int check_heads(const struct fl_config *config, const char *source, struct fl_error *error)
{
    if ((int64_t)config->n_heads * config->head_dim > MAX_DIMENSION)
        return fl_fail(error, "%s: n_heads * head_dim: expected at most %d, not %lld", source,
                       MAX_DIMENSION, (long long)config->n_heads * config->head_dim);
    if (config->n_heads % config->n_kv_heads != 0)
        return fl_fail(error, "%s: n_kv_heads: expected a divisor of n_heads (%d), not %d", source,
                       config->n_heads, config->n_kv_heads);
    return FL_OK;
}

static bool within(double value, double min, double max)
{
    return value >= min && value <= max; /* false for NaN */
}

static int check_rope(const struct fl_config *config, const char *source, struct fl_error *error)
{
    const struct fl_rope_params *rope = &config->rope;
    if (config->positions != FL_POS_ROPE)
        return FL_OK;
    if (config->rotary_dim > config->head_dim)
        return fl_fail(error, "%s: rotary_dim: expected at most head_dim (%d), not %d", source,
                       config->head_dim, config->rotary_dim);
    if (fl_config_rotary_dim(config) % 2 != 0)
        return fl_fail(error, "%s: %s: expected an even number of rotated features, not %d", source,
                       config->rotary_dim ? "rotary_dim" : "head_dim",
                       fl_config_rotary_dim(config));
    if (!within(rope->theta, 1, 1e15))
        return fl_fail(error, "%s: rope.theta: expected a number from 1 to 1e15, not %g", source,
                       rope->theta);
    if (rope->scaling == FL_ROPE_PLAIN)
        return FL_OK;
    if (!within(rope->factor, 1e-3, 1e6))
        return fl_fail(error, "%s: rope.factor: expected a number from 0.001 to 1e6, not %g",
                       source, rope->factor);
    if (rope->scaling == FL_ROPE_LINEAR)
        return FL_OK;
    if (!within(rope->low_freq_factor, 1e-3, 1e6) || !within(rope->high_freq_factor, 1e-3, 1e6) ||
        rope->low_freq_factor >= rope->high_freq_factor)
        return fl_fail(error,
                       "%s: rope.low_freq_factor: expected a positive number below "
                       "rope.high_freq_factor (%g), not %g",
                       source, rope->high_freq_factor, rope->low_freq_factor);
    if (rope->original_ctx < 1 || rope->original_ctx > MAX_DIMENSION)
        return fl_fail(error, "%s: rope.original_ctx: expected a whole number from 1 to %d, not %d",
                       source, MAX_DIMENSION, rope->original_ctx);
    return FL_OK;
}

/* An encoder where the architecture has one, and what only goes with it. Half of the buckets are
 * exact, one each distance; the others share what lies between them and relative_max_distance. */
static int check_encoder(const struct fl_config *config, const char *source, struct fl_error *error)
{
    bool encoder = config->n_encoder_layers > 0;
    bool expected = config->arch == FL_ARCH_T5 || config->arch == FL_ARCH_ENCDEC;
    if (encoder != expected)
        return fl_fail(error, "%s: n_encoder_layers: expected %s for %s, not %d", source,
                       encoder ? "none" : "at least 1", fl_arch_name(config->arch),
                       config->n_encoder_layers);
    const bool t5 = config->arch == FL_ARCH_T5;
    if (t5 && config->norm_position != FL_NORM_PRE)
        return fl_fail(error, "%s: norm_position: expected pre for t5", source);
    if (t5 != (config->positions == FL_POS_RELATIVE))
        return fl_fail(error, "%s: positions: expected relative for t5, and for t5 only", source);
    if (config->arch == FL_ARCH_ENCDEC && config->positions != FL_POS_SINUSOIDAL &&
        config->positions != FL_POS_SINUSOIDAL_HALVES)
        return fl_fail(error, "%s: positions: expected sinusoids for encdec", source);
    if (encoder && config->n_experts > 0)
        return fl_fail(error, "%s: n_experts: expected none beside an encoder, not %d", source,
                       config->n_experts);
    if (!encoder && config->source_vocab_size > 0)
        return fl_fail(error, "%s: source_vocab_size: expected none without an encoder, not %d",
                       source, config->source_vocab_size);
    if (config->positions == FL_POS_RELATIVE &&
        (config->relative_max_distance <= FL_T5_BUCKETS / 2 ||
         config->relative_max_distance > MAX_DIMENSION))
        return fl_fail(error,
                       "%s: relative_max_distance: expected a whole number from %d to %d, not %d",
                       source, FL_T5_BUCKETS / 2 + 1, MAX_DIMENSION, config->relative_max_distance);
    return FL_OK;
}

static bool has_experts(enum fl_arch arch)
{
    return arch == FL_ARCH_MIXTRAL || arch == FL_ARCH_QWEN2_MOE || arch == FL_ARCH_QWEN3_MOE;
}

/* Fields that must agree with one another. */
static int check_structure(const struct fl_config *config, const char *source,
                           struct fl_error *error)
{
    bool halves = config->positions == FL_POS_SINUSOIDAL_HALVES;
    if (halves && config->d_model < 4)
        return fl_fail(error, "%s: d_model: expected at least 4 for sinusoids, not %d", source,
                       config->d_model);
    if ((halves || config->positions == FL_POS_SINUSOIDAL) && config->d_model % 2 != 0)
        return fl_fail(error, "%s: d_model: expected an even number for sinusoids, not %d", source,
                       config->d_model);
    if (!within(config->norm_eps, 1e-30, 1))
        return fl_fail(error, "%s: norm_eps: expected a number above 0 and up to 1, not %g", source,
                       config->norm_eps);
    if (has_experts(config->arch) && config->n_experts == 0)
        return fl_fail(error, "%s: n_experts: expected at least 1 in a %s model, not 0", source,
                       fl_arch_name(config->arch));
    if ((config->n_experts > 0) != (config->n_experts_used > 0) ||
        config->n_experts_used > config->n_experts)
        return fl_fail(error, "%s: n_experts_used: expected 1 to n_experts (%d), not %d", source,
                       config->n_experts, config->n_experts_used);
    if (config->d_ff_shared > 0 && config->n_experts == 0)
        return fl_fail(error, "%s: d_ff_shared: expected 0 in a model without experts, not %d",
                       source, config->d_ff_shared);
    if (config->bias_ffn && config->n_experts > 0)
        return fl_fail(error, "%s: bias_ffn: expected none in a model of experts", source);
    if (config->branches != FL_BRANCHES_SEQUENTIAL && config->norm_position == FL_NORM_POST)
        return fl_fail(error, "%s: norm_position: expected pre in a model of parallel blocks",
                       source);
    if (check_encoder(config, source, error) != FL_OK)
        return FL_FAILED;
    if (config->bos_id >= config->vocab_size || config->eos_id >= config->vocab_size)
        return fl_fail(error, "%s: %s: expected an id below vocab_size (%d), not %d", source,
                       config->bos_id >= config->vocab_size ? "bos_id" : "eos_id",
                       config->vocab_size,
                       config->bos_id >= config->vocab_size ? config->bos_id : config->eos_id);
    return FL_OK;
}

int fl_config_check(const struct fl_config *config, const char *source, struct fl_error *error)
{
    for (size_t i = 0; i < sizeof INT_FIELDS / sizeof *INT_FIELDS; i++) {
        const struct int_field *field = &INT_FIELDS[i];
        int value = int_at(config, field->offset);
        if (value < field->min || value > field->max)
            return fl_fail(error, "%s: %s: expected a whole number from %d to %d, not %d", source,
                           field->name, field->min, field->max, value);
    }
    if (check_heads(config, source, error) != FL_OK || check_rope(config, source, error) != FL_OK ||
        check_structure(config, source, error) != FL_OK)
        return FL_FAILED;
    /* 4 bytes each must fit in 62 bits as well */
    if (wide_params(config) >> 60 != 0)
        return fl_fail(error, "%s: dimensions: expected fewer than 2^60 parameters in all", source);
    return FL_OK;
}

/* ---- names ---- */

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static const char *key_of(const struct fl_field_name *names, const char *word, size_t length)
{
    for (; names->field; names++)
        if (strlen(names->field) == length && memcmp(names->field, word, length) == 0)
            return names->key;
    return NULL;
}

void fl_config_rename(struct fl_error *error, const char *source, const struct fl_field_name *names)
{
    struct fl_error renamed;
    const size_t size = sizeof renamed.text, start = strlen(source);
    if (strncmp(error->text, source, start) != 0)
        return;
    memcpy(renamed.text, error->text, start);
    size_t used = start;
    for (const char *at = error->text + start; *at && used + 1 < size;) {
        size_t length = 0;
        while (in_word(at[length]))
            length++;
        const char *key = length > 0 ? key_of(names, at, length) : NULL;
        if (length == 0)
            length = 1;
        const size_t n = key ? strlen(key) : length, rest = size - 1 - used;
        memcpy(renamed.text + used, key ? key : at, n < rest ? n : rest);
        used += n < rest ? n : rest;
        at += length;
    }
    renamed.text[used] = '\0';
    *error = renamed;
}

const char *const fl_arch_names[FL_N_ARCHS + 1] = {
    [FL_ARCH_CLASSIC] = "classic",     [FL_ARCH_GPT2] = "gpt2",
    [FL_ARCH_LLAMA] = "llama",         [FL_ARCH_QWEN2] = "qwen2",
    [FL_ARCH_QWEN3] = "qwen3",         [FL_ARCH_MIXTRAL] = "mixtral",
    [FL_ARCH_QWEN2_MOE] = "qwen2_moe", [FL_ARCH_QWEN3_MOE] = "qwen3_moe",
    [FL_ARCH_NEOX] = "gpt_neox",       [FL_ARCH_T5] = "t5",
    [FL_ARCH_ENCDEC] = "encdec",
};

const char *fl_arch_name(enum fl_arch arch)
{
    return (unsigned)arch < FL_N_ARCHS ? fl_arch_names[arch] : "?";
}

void fl_config_set_name(struct fl_config *config, const char *text)
{
    size_t n = 0;
    for (; n < sizeof config->name - 1 && text[n]; n++)
        config->name[n] = (char)(text[n] >= ' ' && text[n] <= '~' ? text[n] : '?');
    config->name[n] = '\0';
}

int fl_config_runnable(const struct fl_config *config, struct fl_error *error)
{
    if (config->positions == FL_POS_RELATIVE && config->n_encoder_layers == 0)
        return fl_fail(error,
                       "%s: relative positions without an encoder can be counted but not run",
                       config->name);
    return FL_OK;
}
