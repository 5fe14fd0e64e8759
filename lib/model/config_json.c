#include "model/config_json.h"
#include "model/json_read.h"

#include <stddef.h>
#include <string.h>

/* ---- names of what enums stand for ---- */

static const char *const NORMS[] = {"layernorm", "rmsnorm", NULL};
static const char *const NORM_POSITIONS[] = {"pre", "post", NULL};
static const char *const BRANCHES[] = {"sequential", "parallel", "parallel_shared", NULL};
static const char *const ACTIVATIONS[] = {"relu", "gelu_erf", "gelu_tanh", "silu", NULL};
static const char *const POSITIONS[] = {"learned", "sinusoidal", "sinusoidal_halves",
                                        "rope",    "relative",   NULL};
static const char *const SCALINGS[] = {"none", "linear", "llama3", NULL};

enum kind { KIND_INT, KIND_REAL, KIND_BOOL, KIND_ENUM };

static const struct field {
    const char *name;
    size_t offset;
    enum kind kind;
    const char *const *choices; /* KIND_ENUM */
    bool later;                 /* files of earlier versions lack it: it is 0 then */
} FIELDS[] = {
#define FIELD(kind, member, choices)                                                               \
    {                                                                                              \
#member, offsetof(struct fl_config, member), kind, choices, false                          \
    }
#define LATER_FIELD(kind, member, choices)                                                         \
    {                                                                                              \
#member, offsetof(struct fl_config, member), kind, choices, true                           \
    }
    FIELD(KIND_ENUM, arch, fl_arch_names),
    FIELD(KIND_INT, d_model, NULL),
    FIELD(KIND_INT, d_ff, NULL),
    FIELD(KIND_INT, n_layers, NULL),
    FIELD(KIND_INT, n_heads, NULL),
    FIELD(KIND_INT, n_kv_heads, NULL),
    FIELD(KIND_INT, head_dim, NULL),
    FIELD(KIND_INT, vocab_size, NULL),
    FIELD(KIND_INT, n_ctx_max, NULL),
    FIELD(KIND_ENUM, norm, NORMS),
    FIELD(KIND_ENUM, norm_position, NORM_POSITIONS),
    LATER_FIELD(KIND_ENUM, branches, BRANCHES),
    FIELD(KIND_REAL, norm_eps, NULL),
    FIELD(KIND_ENUM, activation, ACTIVATIONS),
    FIELD(KIND_BOOL, gated, NULL),
    FIELD(KIND_ENUM, positions, POSITIONS),
    FIELD(KIND_BOOL, scale_embedding, NULL),
    FIELD(KIND_BOOL, bias_qkv, NULL),
    FIELD(KIND_BOOL, bias_attn_out, NULL),
    FIELD(KIND_BOOL, bias_ffn, NULL),
    LATER_FIELD(KIND_BOOL, qk_norm, NULL),
    LATER_FIELD(KIND_INT, rotary_dim, NULL),
    FIELD(KIND_BOOL, tied, NULL),
    FIELD(KIND_INT, sliding_window, NULL),
    FIELD(KIND_INT, n_experts, NULL),
    FIELD(KIND_INT, n_experts_used, NULL),
    LATER_FIELD(KIND_BOOL, norm_topk, NULL),
    LATER_FIELD(KIND_INT, d_ff_shared, NULL),
    FIELD(KIND_INT, n_encoder_layers, NULL),
    FIELD(KIND_INT, bos_id, NULL),
    FIELD(KIND_INT, eos_id, NULL),
    LATER_FIELD(KIND_INT, source_vocab_size, NULL),
    LATER_FIELD(KIND_INT, relative_max_distance, NULL),
    LATER_FIELD(KIND_BOOL, bias_logits, NULL),
};
enum { N_FIELDS = sizeof FIELDS / sizeof *FIELDS };

/* Under "rope", where positions are rotary. */
static const struct field ROPE_FIELDS[] = {
#define ROPE_FIELD(kind, member, choices)                                                          \
    {                                                                                              \
#member, offsetof(struct fl_config, rope.member), kind, choices, false                     \
    }
    ROPE_FIELD(KIND_REAL, theta, NULL),           ROPE_FIELD(KIND_BOOL, interleaved, NULL),
    ROPE_FIELD(KIND_ENUM, scaling, SCALINGS),     ROPE_FIELD(KIND_REAL, factor, NULL),
    ROPE_FIELD(KIND_REAL, low_freq_factor, NULL), ROPE_FIELD(KIND_REAL, high_freq_factor, NULL),
    ROPE_FIELD(KIND_INT, original_ctx, NULL),
};
enum { N_ROPE_FIELDS = sizeof ROPE_FIELDS / sizeof *ROPE_FIELDS };

_Static_assert(sizeof(enum fl_arch) == sizeof(int) && sizeof(enum fl_rope_scaling) == sizeof(int),
               "enums are read and written as int");

static cJSON *write_field(const struct fl_config *config, const struct field *field)
{
    const char *at = (const char *)config + field->offset;
    int whole;
    double real;
    bool flag;
    switch (field->kind) {
    case KIND_INT:
        memcpy(&whole, at, sizeof whole);
        return cJSON_CreateNumber(whole);
    case KIND_REAL:
        memcpy(&real, at, sizeof real);
        return cJSON_CreateNumber(real);
    case KIND_BOOL:
        memcpy(&flag, at, sizeof flag);
        return cJSON_CreateBool(flag);
    case KIND_ENUM:
        memcpy(&whole, at, sizeof whole);
        return cJSON_CreateString(field->choices[whole]);
    }
    return NULL;
}

static bool write_fields(cJSON *object, const struct fl_config *config, const struct field *fields,
                         int n)
{
    for (int i = 0; i < n; i++) {
        cJSON *item = write_field(config, &fields[i]);
        if (!cJSON_AddItemToObject(object, fields[i].name, item)) {
            cJSON_Delete(item);
            return false;
        }
    }
    return true;
}

cJSON *fl_config_to_json(const struct fl_config *config)
{
    cJSON *object = cJSON_CreateObject(), *rope = NULL;
    bool done = object && cJSON_AddStringToObject(object, "name", config->name) &&
                write_fields(object, config, FIELDS, N_FIELDS);
    if (done && config->positions == FL_POS_ROPE) {
        rope = cJSON_AddObjectToObject(object, "rope");
        done = rope && write_fields(rope, config, ROPE_FIELDS, N_ROPE_FIELDS);
    }
    done = done && cJSON_AddNumberToObject(object, "n_params", (double)fl_config_n_params(config));
    if (done)
        return object;
    cJSON_Delete(object);
    return NULL;
}

static int read_field(struct fl_config *config, const struct fl_json *json,
                      const struct field *field)
{
    void *at = (char *)config + field->offset;
    const enum fl_json_need need = field->later ? FL_JSON_OPTIONAL : FL_JSON_REQUIRED;
    switch (field->kind) {
    case KIND_INT:
        return fl_json_int(json, field->name, need, at);
    case KIND_REAL:
        return fl_json_real(json, field->name, need, at);
    case KIND_BOOL:
        return fl_json_bool(json, field->name, need, at);
    case KIND_ENUM:
        return fl_json_choice(json, field->name, need, field->choices, at);
    }
    return FL_FAILED;
}

int fl_config_from_json(struct fl_config *config, const cJSON *object, const char *source,
                        struct fl_error *error)
{
    struct fl_json json = {object, source, error};
    const char *name = NULL;
    *config = (struct fl_config){0};
    if (!cJSON_IsObject(object))
        return fl_fail(error, "%s: model: expected an object", source);
    if (fl_json_string(&json, "name", FL_JSON_REQUIRED, &name) != FL_OK)
        return FL_FAILED;
    fl_config_set_name(config, name);
    for (int i = 0; i < N_FIELDS; i++)
        if (read_field(config, &json, &FIELDS[i]) != FL_OK)
            return FL_FAILED;
    if (config->positions == FL_POS_ROPE) {
        const cJSON *rope;
        if (fl_json_find(&json, "rope", &rope) != FL_OK)
            return FL_FAILED;
        if (!cJSON_IsObject(rope))
            return fl_fail(error, "%s: rope: expected an object", source);
        json.object = rope;
        for (int i = 0; i < N_ROPE_FIELDS; i++)
            if (read_field(config, &json, &ROPE_FIELDS[i]) != FL_OK)
                return FL_FAILED;
    }
    if (config->positions == FL_POS_RELATIVE && config->relative_max_distance == 0)
        config->relative_max_distance = FL_T5_MAX_DISTANCE;
    return fl_config_check(config, source, error);
}
