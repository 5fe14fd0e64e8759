#include "model/hf_config.h"
#include "model/hf_internal.h"

#include <stdio.h>
#include <string.h>

enum { MAX_CONFIG_BYTES = 16 << 20 };

static int find_architecture(struct fl_hf_reader *reader)
{
    const char *type = NULL;
    const cJSON *classes;
    if (fl_json_string(&reader->json, "model_type", FL_JSON_OPTIONAL, &type) != FL_OK ||
        fl_json_find(&reader->json, "architectures", &classes) != FL_OK)
        return FL_FAILED;
    const char *class = cJSON_IsArray(classes) && cJSON_IsString(classes->child)
                            ? classes->child->valuestring
                            : NULL;
    for (int i = 0; i < fl_hf_n_architectures; i++) {
        const struct fl_hf_architecture *arch = &fl_hf_architectures[i];
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
    for (int i = 0; i < fl_hf_n_architectures && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 fl_hf_architectures[i].model_type);
    return fl_fail(reader->json.error,
                   "%s: architecture: '%.60s' (model_type '%.40s') is not supported; expected one "
                   "of %s, with a language-model head",
                   reader->json.path, class ? class : "?", type ? type : "?", known);
}

static int read_ints(struct fl_hf_reader *reader)
{
    struct fl_config *config = reader->config;
    for (const struct fl_hf_int *row = reader->arch->ints; row->key; row++) {
        void *field = (char *)config + row->offset;
        const cJSON *given;
        if (fl_json_int(&reader->json, row->key, row->need, field) != FL_OK ||
            fl_json_find(&reader->json, row->key, &given) != FL_OK)
            return FL_FAILED;
        if (given && given->valuedouble == 0 && !row->may_be_zero)
            return fl_fail(reader->json.error, "%s: %s: expected at least 1, not 0",
                           reader->json.path, row->key);
    }
    if (config->n_kv_heads == 0 || config->arch == FL_ARCH_CLASSIC)
        config->n_kv_heads = config->n_heads;
    if (config->head_dim == 0 && config->n_heads > 0) {
        if (config->d_model % config->n_heads != 0)
            return fl_fail(reader->json.error,
                           "%s: n_heads: expected a divisor of d_model (%d), not %d",
                           reader->json.path, config->d_model, config->n_heads);
        config->head_dim = config->d_model / config->n_heads;
    }
    return FL_OK;
}

static int check_fixed(const struct fl_hf_reader *reader)
{
    for (const struct fl_hf_fixed *row = reader->arch->fixed; row->key; row++) {
        bool value = row->value;
        if (fl_json_bool(&reader->json, row->key, FL_JSON_OPTIONAL, &value) != FL_OK)
            return FL_FAILED;
        if (value != row->value)
            return fl_fail(reader->json.error, "%s: %s: expected %s, the other is not supported",
                           reader->json.path, row->key, row->value ? "true" : "false");
    }
    return FL_OK;
}

static int read_config(struct fl_hf_reader *reader, const char *name)
{
    struct fl_config *config = reader->config;
    const struct fl_json *json = &reader->json;
    if (find_architecture(reader) != FL_OK)
        return FL_FAILED;
    const struct fl_hf_architecture *arch = reader->arch;
    *config = arch->config;
    fl_config_set_name(config, name);
    if (read_ints(reader) != FL_OK || check_fixed(reader) != FL_OK ||
        fl_json_real(json, arch->eps_key, FL_JSON_OPTIONAL, &config->norm_eps) != FL_OK ||
        (arch->activation_key &&
         fl_hf_read_activation(json, arch->activation_key, &config->activation) != FL_OK) ||
        fl_json_bool(json, "tie_word_embeddings", FL_JSON_OPTIONAL, &config->tied) != FL_OK ||
        fl_hf_read_token_id(json, "bos_token_id", &config->bos_id) != FL_OK ||
        fl_hf_read_token_id(json, "eos_token_id", &config->eos_id) != FL_OK ||
        arch->read(reader) != FL_OK)
        return FL_FAILED;
    return fl_config_check(config, json->path, json->error);
}

/* Sentences name fields as the file does. */
static void rename_fields(const struct fl_hf_reader *reader)
{
    const bool is_t5 = reader->arch->config.arch == FL_ARCH_T5;
    const struct fl_field_name REST[] = {
        {"rope.theta", "rope_theta"},
        {"rope.factor", "factor"},
        {"rope.low_freq_factor", "low_freq_factor"},
        {"rope.high_freq_factor", "high_freq_factor"},
        {"rope.original_ctx", "original_max_position_embeddings"},
        {"bos_id", is_t5 ? "decoder_start_token_id" : "bos_token_id"},
        {"eos_id", "eos_token_id"},
        {"n_kv_heads", "num_key_value_heads"},
        {"n_layers", "num_layers"}, /* of T5, whose decoder has as many */
        {"rotary_dim", "rotary_pct"},
    };
    enum { N_REST = sizeof REST / sizeof *REST, MOST = 32 };
    struct fl_field_name names[MOST] = {{NULL, NULL}};
    int n = 0;
    for (const struct fl_hf_int *row = reader->arch->ints; row->key && n < MOST - N_REST - 2; row++)
        names[n++] = (struct fl_field_name){row->field, row->key};
    names[n++] = (struct fl_field_name){"norm_eps", reader->arch->eps_key};
    for (int i = 0; i < N_REST; i++)
        names[n++] = REST[i];
    fl_config_rename(reader->json.error, reader->json.path, names);
}

int fl_hf_config(struct fl_config *config, const char *path, const char *name,
                 struct fl_error *error)
{
    cJSON *root;
    if (fl_json_read(&root, path, MAX_CONFIG_BYTES, error) != FL_OK)
        return FL_FAILED;
    struct fl_hf_reader reader = {.json = {root, path, error}, .config = config};
    const int status = read_config(&reader, name);
    if (status != FL_OK && reader.arch)
        rename_fields(&reader);
    cJSON_Delete(root);
    return status;
}
