#include "store/config_json.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const ARCHS[] = {"classic", "gpt2", "llama", "qwen2", "mixtral", "t5", NULL};
static const char *const NORMS[] = {"layernorm", "rmsnorm", NULL};
static const char *const NORM_POSITIONS[] = {"pre", "post", NULL};
static const char *const ACTIVATIONS[] = {"relu", "gelu_erf", "gelu_tanh", "silu", NULL};
static const char *const POSITIONS[] = {"learned", "sinusoidal", "rope", "relative", NULL};
static const char *const ROPE_SCALINGS[] = {"plain", "linear", "llama3", NULL};

enum field_kind { FIELD_TEXT, FIELD_INT, FIELD_REAL, FIELD_BOOL, FIELD_NAME };

static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    const char *const *names; /* FIELD_NAME: in the order of the enum */
} FIELDS[] = {
#define FIELD(key, kind, member, names)                                                            \
    {                                                                                              \
        key, FIELD_##kind, offsetof(struct fl_config, member), names                               \
    }
    FIELD("name", TEXT, name, NULL),
    FIELD("arch", NAME, arch, ARCHS),
    FIELD("d_model", INT, d_model, NULL),
    FIELD("d_ff", INT, d_ff, NULL),
    FIELD("n_layers", INT, n_layers, NULL),
    FIELD("n_heads", INT, n_heads, NULL),
    FIELD("n_kv_heads", INT, n_kv_heads, NULL),
    FIELD("head_dim", INT, head_dim, NULL),
    FIELD("vocab_size", INT, vocab_size, NULL),
    FIELD("n_ctx_max", INT, n_ctx_max, NULL),
    FIELD("norm", NAME, norm, NORMS),
    FIELD("norm_position", NAME, norm_position, NORM_POSITIONS),
    FIELD("norm_eps", REAL, norm_eps, NULL),
    FIELD("activation", NAME, activation, ACTIVATIONS),
    FIELD("gated", BOOL, gated, NULL),
    FIELD("positions", NAME, positions, POSITIONS),
    FIELD("scale_embedding", BOOL, scale_embedding, NULL),
    FIELD("bias_qkv", BOOL, bias_qkv, NULL),
    FIELD("bias_attn_out", BOOL, bias_attn_out, NULL),
    FIELD("bias_ffn", BOOL, bias_ffn, NULL),
    FIELD("tied", BOOL, tied, NULL),
    FIELD("rope_theta", REAL, rope.theta, NULL),
    FIELD("rope_interleaved", BOOL, rope.interleaved, NULL),
    FIELD("rope_scaling", NAME, rope.scaling, ROPE_SCALINGS),
    FIELD("rope_factor", REAL, rope.factor, NULL),
    FIELD("rope_low_freq_factor", REAL, rope.low_freq_factor, NULL),
    FIELD("rope_high_freq_factor", REAL, rope.high_freq_factor, NULL),
    FIELD("rope_original_ctx", INT, rope.original_ctx, NULL),
    FIELD("sliding_window", INT, sliding_window, NULL),
    FIELD("n_experts", INT, n_experts, NULL),
    FIELD("n_experts_used", INT, n_experts_used, NULL),
    FIELD("n_encoder_layers", INT, n_encoder_layers, NULL),
    FIELD("bos_id", INT, bos_id, NULL),
    FIELD("eos_id", INT, eos_id, NULL),
#undef FIELD
};
enum { N_FIELDS = sizeof FIELDS / sizeof *FIELDS };

static const char *const KIND_TEXT[] = {
    [FIELD_TEXT] = "a string",        [FIELD_INT] = "a 32-bit integer",
    [FIELD_REAL] = "a finite number", [FIELD_BOOL] = "true or false",
    [FIELD_NAME] = "a known name",
};

static int n_names(const char *const *names)
{
    int n = 0;
    while (names[n])
        n++;
    return n;
}

/* Enumerations have the size of int here; this reads and writes them and ints alike. */
_Static_assert(sizeof(enum fl_arch) == sizeof(int), "enumerations are stored as int");

static cJSON *field_to_json(const struct field *field, const char *at)
{
    int integer;
    double real;
    bool flag;
    switch (field->kind) {
    case FIELD_TEXT:
        return cJSON_CreateString(at);
    case FIELD_INT:
        memcpy(&integer, at, sizeof integer);
        return cJSON_CreateNumber(integer);
    case FIELD_REAL:
        memcpy(&real, at, sizeof real);
        return isfinite(real) ? cJSON_CreateNumber(real) : NULL;
    case FIELD_BOOL:
        memcpy(&flag, at, sizeof flag);
        return cJSON_CreateBool(flag);
    case FIELD_NAME:
        memcpy(&integer, at, sizeof integer);
        if (integer < 0 || integer >= n_names(field->names))
            return NULL;
        return cJSON_CreateString(field->names[integer]);
    }
    return NULL;
}

static bool field_from_json(const struct field *field, const cJSON *item, char *at)
{
    int integer = -1;
    switch (field->kind) {
    case FIELD_TEXT:
        if (!cJSON_IsString(item) ||
            strlen(item->valuestring) >= sizeof((struct fl_config *)0)->name)
            return false;
        memcpy(at, item->valuestring, strlen(item->valuestring) + 1);
        return true;
    case FIELD_INT:
        if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) < 2147483647.0) ||
            item->valuedouble != floor(item->valuedouble))
            return false;
        integer = (int)item->valuedouble;
        memcpy(at, &integer, sizeof integer);
        return true;
    case FIELD_REAL:
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
            return false;
        memcpy(at, &item->valuedouble, sizeof item->valuedouble);
        return true;
    case FIELD_BOOL:
        if (!cJSON_IsBool(item))
            return false;
        *(bool *)at = cJSON_IsTrue(item);
        return true;
    case FIELD_NAME:
        if (!cJSON_IsString(item))
            return false;
        for (int i = 0; field->names[i]; i++)
            if (strcmp(field->names[i], item->valuestring) == 0)
                integer = i;
        memcpy(at, &integer, sizeof integer);
        return integer >= 0;
    }
    return false;
}

int fl_config_json_write(char **text, const struct fl_config *config, struct fl_error *error)
{
    *text = NULL;
    cJSON *root = cJSON_CreateObject();
    if (!root)
        return fl_fail(error, "%s: no memory to write its config", config->name);
    int status = FL_OK;
    for (int i = 0; i < N_FIELDS && status == FL_OK; i++) {
        cJSON *item = field_to_json(&FIELDS[i], (const char *)config + FIELDS[i].offset);
        if (!item || !cJSON_AddItemToObject(root, FIELDS[i].name, item)) {
            cJSON_Delete(item);
            status = fl_fail(error, "%s: %s: expected %s", config->name, FIELDS[i].name,
                             KIND_TEXT[FIELDS[i].kind]);
        }
    }
    if (status == FL_OK && !(*text = cJSON_PrintUnformatted(root)))
        status = fl_fail(error, "%s: no memory to write its config", config->name);
    cJSON_Delete(root);
    return status;
}

int fl_config_json_read(struct fl_config *config, const char *text, const char *source,
                        struct fl_error *error)
{
    *config = (struct fl_config){0};
    cJSON *root = cJSON_Parse(text);
    int status = FL_OK;
    if (!cJSON_IsObject(root))
        status = fl_fail(error, "%s: config: expected a JSON object", source);
    for (int i = 0; i < N_FIELDS && status == FL_OK; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, FIELDS[i].name);
        if (!item || !field_from_json(&FIELDS[i], item, (char *)config + FIELDS[i].offset))
            status = fl_fail(error, "%s: config: %s: expected %s", source, FIELDS[i].name,
                             KIND_TEXT[FIELDS[i].kind]);
    }
    cJSON_Delete(root);
    return status;
}
