#include "text/tokenizer_config.h"

#include "base/file.h"
#include "model/json_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fl_hf_beside(char out[FL_HF_PATH_MAX], const char *path, const char *name,
                 struct fl_error *error)
{
    const char *slash = strrchr(path, '/');
    const int n =
        snprintf(out, FL_HF_PATH_MAX, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
    return n < FL_HF_PATH_MAX ? FL_OK : fl_fail(error, "%.200s: path too long", path);
}

/* A token's text, or an object with it as "content"; an unknown token is passed over, because such
 * files often name some that their vocabulary lacks. */
static int read_token(struct fl_tokenizer *tokenizer, const struct fl_json *json, const char *key,
                      int *id)
{
    const cJSON *item;
    if (fl_json_find(json, key, &item) != FL_OK)
        return FL_FAILED;
    if (cJSON_IsObject(item))
        item = cJSON_GetObjectItemCaseSensitive(item, "content");
    if (!cJSON_IsString(item))
        return FL_OK;
    const struct fl_vocabulary *vocabulary = &tokenizer->vocabulary;
    const size_t n = strlen(item->valuestring);
    for (int i = 0; i < vocabulary->n_pieces; i++) {
        size_t length;
        const char *text = fl_vocabulary_text(vocabulary, i, &length);
        if (length == n && memcmp(text, item->valuestring, n) == 0) {
            *id = i;
            return FL_OK;
        }
    }
    return FL_OK;
}

static int keep_template(struct fl_tokenizer *tokenizer, const char *text, const char *path,
                         struct fl_error *error)
{
    free(tokenizer->chat_template);
    tokenizer->chat_template = strdup(text);
    return tokenizer->chat_template ? FL_OK : fl_fail(error, "%s: not enough memory", path);
}

/* A text, or a list of {"name", "template"} of which "default" counts. */
static int read_template(struct fl_tokenizer *tokenizer, const struct fl_json *json)
{
    const cJSON *item, *row;
    if (fl_json_find(json, "chat_template", &item) != FL_OK)
        return FL_FAILED;
    if (cJSON_IsString(item))
        return keep_template(tokenizer, item->valuestring, json->path, json->error);
    if (!cJSON_IsArray(item))
        return FL_OK;
    cJSON_ArrayForEach(row, item)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(row, "name");
        const cJSON *text = cJSON_GetObjectItemCaseSensitive(row, "template");
        if (cJSON_IsString(name) && cJSON_IsString(text) &&
            strcmp(name->valuestring, "default") == 0)
            return keep_template(tokenizer, text->valuestring, json->path, json->error);
    }
    return FL_OK;
}

static int read_flags(struct fl_tokenizer *tokenizer, const struct fl_json *json)
{
    bool add_bos = tokenizer->n_before > 0, add_eos = tokenizer->n_behind > 0;
    if (fl_json_bool(json, "add_bos_token", FL_JSON_OPTIONAL, &add_bos) != FL_OK ||
        fl_json_bool(json, "add_eos_token", FL_JSON_OPTIONAL, &add_eos) != FL_OK)
        return FL_FAILED;
    fl_tokenizer_use_ends(tokenizer, add_bos, add_eos);
    return FL_OK;
}

static int read_fields(struct fl_tokenizer *tokenizer, const struct fl_json *json, bool use_flags)
{
    const struct {
        const char *key;
        int *id;
    } table[] = {{"bos_token", &tokenizer->bos},
                 {"eos_token", &tokenizer->eos},
                 {"pad_token", &tokenizer->pad}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (read_token(tokenizer, json, table[i].key, table[i].id) != FL_OK)
            return FL_FAILED;
    if (use_flags && read_flags(tokenizer, json) != FL_OK)
        return FL_FAILED;
    return read_template(tokenizer, json);
}

int fl_tokenizer_read_config(struct fl_tokenizer *tokenizer, const char *path, bool use_flags,
                             struct fl_error *error)
{
    char config[FL_HF_PATH_MAX];
    cJSON *root;
    if (fl_hf_beside(config, path, "tokenizer_config.json", error) != FL_OK)
        return FL_FAILED;
    if (!fl_file_exists(config))
        return FL_OK;
    if (fl_json_read(&root, config, FL_HF_FILE_MAX, error) != FL_OK)
        return FL_FAILED;
    const struct fl_json json = {root, config, error};
    const int status = read_fields(tokenizer, &json, use_flags);
    cJSON_Delete(root);
    return status;
}
