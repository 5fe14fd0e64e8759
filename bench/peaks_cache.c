#include "bench/peaks_cache.h"

#include "base/file.h"

#include <cJSON.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 8 << 20, ROWS_MAX = 20000 };
static const double COUNT_MAX = 9007199254740992.0; /* 2^53: integers that JSON numbers keep */

/* FNV-1a, for a file's name; the key itself stands in the file. */
static uint64_t hash(const char *text)
{
    uint64_t value = UINT64_C(0xCBF29CE484222325);
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
    return value;
}

int fl_peaks_cache_path(char path[FL_PEAKS_PATH], const char *key, struct fl_error *error)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;
    /* the specification: a path that is not absolute is as good as none */
    if (cache && cache[0] == '/')
        n = snprintf(path, FL_PEAKS_PATH, "%s/flopledger/peaks-%016" PRIx64 ".json", cache,
                     hash(key));
    else if (home && home[0] == '/')
        n = snprintf(path, FL_PEAKS_PATH, "%s/.cache/flopledger/peaks-%016" PRIx64 ".json", home,
                     hash(key));
    else
        return fl_fail(error, "no place to keep ceilings in: expected XDG_CACHE_HOME or HOME to be "
                              "an absolute path");
    if (n < 0 || n >= FL_PEAKS_PATH)
        return fl_fail(error, "XDG_CACHE_HOME or HOME: the path is too long");
    return FL_OK;
}

/* ---- fields ---- */

enum field_kind { TEXT, INTEGER, FLAG, COUNT };

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset, size;
    double min;
};

#define FIELD(kind, member, min)                                                                   \
    {                                                                                              \
#member, kind, offsetof(struct fl_ceiling, member),                                        \
            sizeof(((struct fl_ceiling *)0)->member), min                                          \
    }
static const struct field FIELDS[] = {
    FIELD(TEXT, measured_at, 0),     FIELD(TEXT, unit, 0),  FIELD(TEXT, kernel, 0),
    FIELD(TEXT, level, 0),           FIELD(TEXT, dtype, 0), FIELD(TEXT, isa, 0),
    FIELD(INTEGER, n_threads, 1),    FIELD(FLAG, quick, 0), FIELD(COUNT, working_set_bytes, 0),
    FIELD(COUNT, capacity_bytes, 0), FIELD(TEXT, note, 0),  FIELD(COUNT, work, 1),
};
enum { N_FIELDS = sizeof FIELDS / sizeof *FIELDS };

static bool is_integer(const cJSON *item, double min, double max)
{
    return cJSON_IsNumber(item) && item->valuedouble >= min && item->valuedouble <= max &&
           item->valuedouble == floor(item->valuedouble);
}

static bool read_field(struct fl_ceiling *row, const struct field *field, const cJSON *item)
{
    char *at = (char *)row + field->offset;
    switch (field->kind) {
    case TEXT:
        if (!cJSON_IsString(item) || strlen(item->valuestring) >= field->size)
            return false;
        memcpy(at, item->valuestring, strlen(item->valuestring) + 1);
        return true;
    case INTEGER:
        if (!is_integer(item, field->min, INT_MAX))
            return false;
        *(int *)(void *)at = (int)item->valuedouble;
        return true;
    case FLAG:
        *(bool *)at = cJSON_IsTrue(item) != 0;
        return cJSON_IsBool(item) != 0;
    case COUNT:
        if (!is_integer(item, field->min, COUNT_MAX))
            return false;
        *(uint64_t *)(void *)at = (uint64_t)item->valuedouble;
        return true;
    }
    return false;
}

static void write_field(cJSON *object, const struct fl_ceiling *row, const struct field *field)
{
    const char *at = (const char *)row + field->offset;
    if (field->kind == TEXT)
        cJSON_AddStringToObject(object, field->name, at);
    else if (field->kind == INTEGER)
        cJSON_AddNumberToObject(object, field->name, *(const int *)(const void *)at);
    else if (field->kind == FLAG)
        cJSON_AddBoolToObject(object, field->name, *(const bool *)at);
    else
        cJSON_AddNumberToObject(object, field->name, (double)*(const uint64_t *)(const void *)at);
}

/* ---- reading ---- */

static bool read_samples(struct fl_ceiling *row, const cJSON *times)
{
    const cJSON *time;
    row->n_samples = 0;
    cJSON_ArrayForEach(time, times)
    {
        if (row->n_samples == FL_CEILING_SAMPLES_MAX || !is_integer(time, 1, COUNT_MAX))
            return false;
        row->time_ns[row->n_samples++] = (uint64_t)time->valuedouble;
    }
    return cJSON_IsArray(times) && row->n_samples > 0;
}

static bool is_same(const struct fl_ceiling *a, const struct fl_ceiling *b)
{
    return a->n_threads == b->n_threads && strcmp(a->unit, b->unit) == 0 &&
           strcmp(a->kernel, b->kernel) == 0 && strcmp(a->level, b->level) == 0 &&
           strcmp(a->dtype, b->dtype) == 0 && strcmp(a->isa, b->isa) == 0;
}

/* NULL: fine; otherwise the name of the field that is not as expected. */
static const char *read_row(struct fl_peaks *peaks, const cJSON *object)
{
    struct fl_ceiling *row = fl_peaks_add(peaks);
    if (!row)
        return "memory";
    for (int i = 0; i < N_FIELDS; i++)
        if (!read_field(row, &FIELDS[i], cJSON_GetObjectItem(object, FIELDS[i].name)))
            return FIELDS[i].name;
    if (strcmp(row->unit, "flops") != 0 && strcmp(row->unit, "bytes") != 0)
        return "unit";
    if (!read_samples(row, cJSON_GetObjectItem(object, "time_ns")))
        return "time_ns";
    for (int i = 0; i < peaks->n - 1; i++)
        if (is_same(&peaks->rows[i], row))
            return "kernel (it is there twice)";
    return NULL;
}

static int read_json(struct fl_peaks *peaks, const cJSON *root, const char *path, const char *key,
                     struct fl_error *error)
{
    const cJSON *stored = cJSON_GetObjectItem(root, "key");
    const cJSON *rows = cJSON_GetObjectItem(root, "ceilings"), *row;
    if (!cJSON_IsString(stored) || strcmp(stored->valuestring, key) != 0)
        return fl_fail(error, "%s: key: expected ceilings of this machine and program", path);
    if (!cJSON_IsArray(rows) || !rows->child || cJSON_GetArraySize(rows) > ROWS_MAX)
        return fl_fail(error, "%s: ceilings: expected a list of ceilings", path);
    cJSON_ArrayForEach(row, rows)
    {
        const char *wrong = read_row(peaks, row);
        if (wrong)
            return fl_fail(error, "%s: ceiling %d: %s: expected what 'flopledger peaks' writes",
                           path, peaks->n, wrong);
    }
    return FL_OK;
}

int fl_peaks_cache_read(struct fl_peaks *peaks, bool *found, const char *path, const char *key,
                        struct fl_error *error)
{
    char *text = NULL;
    *peaks = (struct fl_peaks){0};
    *found = false;
    if (!fl_file_exists(path))
        return FL_OK;
    if (fl_file_read(&text, NULL, path, FILE_BYTES_MAX, error) != FL_OK)
        return FL_FAILED;
    cJSON *root = cJSON_Parse(text);
    free(text);
    int status = cJSON_IsObject(root) ? read_json(peaks, root, path, key, error)
                                      : fl_fail(error, "%s: expected a JSON object", path);
    cJSON_Delete(root);
    if (status == FL_OK) {
        snprintf(peaks->key, sizeof peaks->key, "%s", key);
        *found = true;
    } else {
        fl_peaks_free(peaks);
    }
    return status;
}

bool fl_peaks_of_host(struct fl_peaks *peaks, const struct fl_run *run, struct fl_error *why)
{
    struct fl_cache_levels caches;
    char key[FL_PEAKS_KEY], path[FL_PEAKS_PATH];
    bool found = false;
    *peaks = (struct fl_peaks){0};
    fl_cache_levels_read(&caches, "", run->n_cores);
    fl_peaks_name(key, run, &caches);
    if (fl_peaks_cache_path(path, key, why) != FL_OK ||
        fl_peaks_cache_read(peaks, &found, path, key, why) != FL_OK)
        return false;
    if (!found)
        fl_fail(why, "the ceilings of this machine are not measured yet");
    return found;
}

/* ---- writing ---- */

static cJSON *to_json(const struct fl_peaks *peaks)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "key", peaks->key);
    cJSON *rows = cJSON_AddArrayToObject(root, "ceilings");
    for (int i = 0; i < peaks->n; i++) {
        const struct fl_ceiling *row = &peaks->rows[i];
        cJSON *object = cJSON_CreateObject();
        for (int k = 0; k < N_FIELDS; k++)
            write_field(object, row, &FIELDS[k]);
        cJSON *times = cJSON_AddArrayToObject(object, "time_ns");
        for (int k = 0; k < row->n_samples; k++)
            cJSON_AddItemToArray(times, cJSON_CreateNumber((double)row->time_ns[k]));
        cJSON_AddItemToArray(rows, object);
    }
    return root;
}

int fl_peaks_cache_write(const struct fl_peaks *peaks, const char *path, struct fl_error *error)
{
    char directory[FL_PEAKS_PATH];
    struct fl_output output;
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    cJSON *root = to_json(peaks);
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (!text)
        return fl_fail(error, "%s: no memory to write it", path);
    int status = fl_directory_make(directory, error);
    if (status == FL_OK)
        status = fl_output_open(&output, path, error);
    if (status == FL_OK) {
        fputs(text, output.stream);
        fputc('\n', output.stream);
        status = fl_output_commit(&output, error);
    }
    free(text);
    return status;
}
