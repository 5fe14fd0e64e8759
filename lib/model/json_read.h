/* json_read.h - typed lookups in JSON objects that came from outside.
 *
 * Each getter refuses a value of another type, a key that occurs twice (readers disagree about
 * which one counts) and, if required, a missing key; null counts as missing. A missing key that is
 * not required leaves *value as it was. */
#ifndef FL_MODEL_JSON_READ_H
#define FL_MODEL_JSON_READ_H

#include "base/error.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct fl_json {
    const cJSON *object;
    const char *path; /* the file, for error sentences */
    struct fl_error *error;
};

enum fl_json_need { FL_JSON_OPTIONAL, FL_JSON_REQUIRED };

/* Parses one object and nothing behind it but white space. The caller frees it with
 * cJSON_Delete(). */
int fl_json_parse(cJSON **root, const char *text, size_t size, const char *path,
                  struct fl_error *error);

/* The same from a file of at most max_bytes. */
int fl_json_read(cJSON **root, const char *path, size_t max_bytes, struct fl_error *error);

/* *item is NULL when the key is missing or null. */
int fl_json_find(const struct fl_json *json, const char *key, const cJSON **item);

int fl_json_int(const struct fl_json *json, const char *key, enum fl_json_need need, int *value);
int fl_json_real(const struct fl_json *json, const char *key, enum fl_json_need need,
                 double *value);
int fl_json_bool(const struct fl_json *json, const char *key, enum fl_json_need need, bool *value);
int fl_json_string(const struct fl_json *json, const char *key, enum fl_json_need need,
                   const char **value);

/* Index of a string value in NULL-terminated names, which the sentence of a refusal lists. */
int fl_json_choice(const struct fl_json *json, const char *key, enum fl_json_need need,
                   const char *const *names, int *value);

#endif
