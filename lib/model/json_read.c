#include "model/json_read.h"
#include "base/file.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fl_json_parse(cJSON **root, const char *text, size_t size, const char *path,
                  struct fl_error *error)
{
    const char *end = text;
    *root = cJSON_ParseWithLengthOpts(text, size, &end, 0);
    if (!*root)
        return fl_fail(error, "%s: expected JSON, it is malformed near byte %zu", path,
                       (size_t)(end - text));
    while (end < text + size && *end && strchr(" \t\r\n", *end))
        end++;
    bool whole = end == text + size;
    if (whole && cJSON_IsObject(*root))
        return FL_OK;
    cJSON_Delete(*root);
    *root = NULL;
    return fl_fail(error, "%s: expected one JSON object%s", path,
                   whole ? "" : " and nothing behind it");
}

int fl_json_read(cJSON **root, const char *path, size_t max_bytes, struct fl_error *error)
{
    char *text;
    size_t size;
    *root = NULL;
    if (fl_file_read(&text, &size, path, max_bytes, error) != FL_OK)
        return FL_FAILED;
    const int status = fl_json_parse(root, text, size, path, error);
    free(text);
    return status;
}

int fl_json_find(const struct fl_json *json, const char *key, const cJSON **item)
{
    const cJSON *child;
    *item = NULL;
    cJSON_ArrayForEach(child, json->object)
    {
        if (strcmp(child->string, key) != 0)
            continue;
        if (*item)
            return fl_fail(json->error, "%s: %s: expected once, the key occurs twice", json->path,
                           key);
        *item = child;
    }
    if (*item && cJSON_IsNull(*item))
        *item = NULL;
    return FL_OK;
}

/* As fl_json_find(); refuses what is missing, though required. */
static int find(const struct fl_json *json, const char *key, enum fl_json_need need,
                const char *expected, const cJSON **item)
{
    if (fl_json_find(json, key, item) != FL_OK)
        return FL_FAILED;
    if (!*item && need == FL_JSON_REQUIRED)
        return fl_fail(json->error, "%s: %s: expected %s, it is missing", json->path, key,
                       expected);
    return FL_OK;
}

int fl_json_int(const struct fl_json *json, const char *key, enum fl_json_need need, int *value)
{
    static const char EXPECTED[] = "a whole number";
    const cJSON *item;
    if (find(json, key, need, EXPECTED, &item) != FL_OK)
        return FL_FAILED;
    if (!item)
        return FL_OK;
    double number = item->valuedouble;
    if (cJSON_IsNumber(item) && fabs(number) > INT_MAX && number == trunc(number))
        return fl_fail(json->error, "%s: %s: expected %s of at most %d, not %.4g", json->path, key,
                       EXPECTED, INT_MAX, number);
    if (!cJSON_IsNumber(item) || !(number >= INT_MIN && number <= INT_MAX) ||
        number != (double)(int)number)
        return fl_fail(json->error, "%s: %s: expected %s", json->path, key, EXPECTED);
    *value = (int)number;
    return FL_OK;
}

int fl_json_real(const struct fl_json *json, const char *key, enum fl_json_need need, double *value)
{
    static const char EXPECTED[] = "a number";
    const cJSON *item;
    if (find(json, key, need, EXPECTED, &item) != FL_OK)
        return FL_FAILED;
    if (!item)
        return FL_OK;
    if (!cJSON_IsNumber(item))
        return fl_fail(json->error, "%s: %s: expected %s", json->path, key, EXPECTED);
    *value = item->valuedouble;
    return FL_OK;
}

int fl_json_bool(const struct fl_json *json, const char *key, enum fl_json_need need, bool *value)
{
    static const char EXPECTED[] = "true or false";
    const cJSON *item;
    if (find(json, key, need, EXPECTED, &item) != FL_OK)
        return FL_FAILED;
    if (!item)
        return FL_OK;
    if (!cJSON_IsBool(item))
        return fl_fail(json->error, "%s: %s: expected %s", json->path, key, EXPECTED);
    *value = cJSON_IsTrue(item);
    return FL_OK;
}

int fl_json_string(const struct fl_json *json, const char *key, enum fl_json_need need,
                   const char **value)
{
    static const char EXPECTED[] = "a string";
    const cJSON *item;
    if (find(json, key, need, EXPECTED, &item) != FL_OK)
        return FL_FAILED;
    if (!item)
        return FL_OK;
    if (!cJSON_IsString(item))
        return fl_fail(json->error, "%s: %s: expected %s", json->path, key, EXPECTED);
    *value = item->valuestring;
    return FL_OK;
}

/* "a, b or c" */
static void list_names(const char *const *names, char out[256])
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; names[i] && used < 256; i++) {
        const char *joint = i == 0 ? "" : names[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(out + used, 256 - used, "%s%s", joint, names[i]);
    }
}

int fl_json_choice(const struct fl_json *json, const char *key, enum fl_json_need need,
                   const char *const *names, int *value)
{
    const char *text = NULL;
    if (fl_json_string(json, key, need, &text) != FL_OK)
        return FL_FAILED;
    if (!text)
        return FL_OK;
    for (int i = 0; names[i]; i++)
        if (strcmp(text, names[i]) == 0) {
            *value = i;
            return FL_OK;
        }
    char known[256];
    list_names(names, known);
    return fl_fail(json->error, "%s: %s: expected %s, not '%.60s'", json->path, key, known, text);
}
