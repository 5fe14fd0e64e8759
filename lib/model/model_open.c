#include "base/file.h"
#include "model/gguf.h"
#include "model/gguf_model.h"
#include "model/hf_config.h"
#include "model/hf_model.h"
#include "model/llama2c.h"
#include "model/presets.h"
#include "model/weight_layout.h"
#include "model/weights.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_PATH = 4096 };

/* ---- what a spec means ---- */

enum kind {
    KIND_PRESET,
    KIND_CONFIG,      /* a config.json alone */
    KIND_CHECKPOINT,  /* a directory with config.json and the usual names beside it */
    KIND_SAFETENSORS, /* a certain safetensors file, config.json beside it */
    KIND_GGUF,
    KIND_LLAMA2C
};

struct source {
    enum kind kind;
    const struct fl_preset *preset;
    char path[MAX_PATH];      /* the file to read */
    char directory[MAX_PATH]; /* where it lies */
    char name[128];           /* for the config */
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcasecmp(text + n - m, end) == 0;
}

static bool has_model_extension(const char *path)
{
    static const char *const EXTENSIONS[] = {".gguf", ".bin", ".json", ".safetensors"};
    for (size_t i = 0; i < sizeof EXTENSIONS / sizeof *EXTENSIONS; i++)
        if (ends_with(path, EXTENSIONS[i]))
            return true;
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* path's directory, "." if it names none. */
static void directory_of(const char *path, char out[MAX_PATH])
{
    size_t length = (size_t)(base_name(path) - path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length == 0)
        snprintf(out, MAX_PATH, ".");
    else
        snprintf(out, MAX_PATH, "%.*s", (int)length, path);
}

/* The last part of a path without its extension; of a directory's file, the directory's name when
 * the file's says nothing ("model.safetensors", "config.json"). */
static void name_source(struct source *source, const char *spec)
{
    char directory[MAX_PATH];
    const char *base = base_name(spec);
    if (source->kind == KIND_CONFIG || source->kind == KIND_SAFETENSORS ||
        (source->kind == KIND_CHECKPOINT && ends_with(base, ".json"))) {
        directory_of(spec, directory);
        const char *parent = base_name(directory);
        if (*parent && strcmp(parent, ".") != 0 && strcmp(parent, "..") != 0 &&
            (strcmp(base, "config.json") == 0 || strncmp(base, "model", 5) == 0))
            base = parent;
    }
    size_t length = strlen(base);
    const char *dot = strrchr(base, '.');
    bool extension =
        dot && dot > base && source->kind != KIND_CHECKPOINT && has_model_extension(base);
    if (extension)
        length = (size_t)(dot - base);
    snprintf(source->name, sizeof source->name, "%.*s", (int)(length < 127 ? length : 127), base);
}

/* Letters to insert, remove or replace to turn a into b; more than they have in common for words
 * that are too long to be a slip of the pen. Source: Wagner and Fischer, 1974. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t row[LONGEST + 1], n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            bool equal = strncasecmp(&a[i - 1], &b[j - 1], 1) == 0;
            size_t best = diagonal + !equal;
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

/* Presets of the same family, by the letters spec starts with, or a slip or two away from it. */
static void list_similar(const char *spec, char out[256])
{
    size_t used = 0, prefix = strcspn(spec, "-_0123456789./");
    int n, n_listed = 0;
    const struct fl_preset *presets = fl_presets(&n);
    out[0] = '\0';
    for (int i = 0; i < n && n_listed < 8; i++) {
        const char *name = presets[i].config.name;
        bool family = prefix >= 2 && strncasecmp(name, spec, prefix) == 0;
        size_t stem = strcspn(name, "-"); /* "gpt2" of "gpt2-small" */
        char start[64];
        snprintf(start, sizeof start, "%.*s", (int)stem, name);
        bool slip = strlen(spec) >= 4 && /* any two letters are two edits from any other two */
                    (edit_distance(spec, name) <= 2 || edit_distance(spec, start) <= 2);
        if (family || slip)
            used += (size_t)snprintf(out + used, 256 - used, "%s%s", n_listed++ ? ", " : "", name);
    }
}

static int unknown(const char *spec, struct fl_error *error)
{
    char similar[256];
    if (strchr(spec, '/') || has_model_extension(spec))
        return fl_fail(
            error, "%.200s: expected a preset or an existing file, there is no such file", spec);
    list_similar(spec, similar);
    if (similar[0])
        return fl_fail(error,
                       "%.60s: expected a preset or an existing file; similar presets: %s "
                       "('flopledger count --list' shows all)",
                       spec, similar);
    return fl_fail(error,
                   "%.60s: expected a preset or an existing file; 'flopledger count --list' shows "
                   "the presets",
                   spec);
}

/* The only file with one of the extensions in a directory that has no config.json. */
static int find_only_file(struct source *source, const char *spec, struct fl_error *error)
{
    char found[MAX_PATH] = "";
    int n_found = 0;
    DIR *directory = opendir(spec);
    if (!directory)
        return fl_fail(error, "%s: cannot read the directory", spec);
    for (struct dirent *entry; (entry = readdir(directory));) {
        bool model = ends_with(entry->d_name, ".gguf") ||
                     (ends_with(entry->d_name, ".bin") && strncmp(entry->d_name, "tok", 3) != 0);
        if (model && n_found++ == 0)
            snprintf(found, sizeof found, "%s", entry->d_name);
    }
    closedir(directory);
    if (n_found != 1)
        return fl_fail(error,
                       "%s: expected config.json, or exactly one .gguf or .bin file, in this "
                       "directory, not %d",
                       spec, n_found);
    source->kind = ends_with(found, ".gguf") ? KIND_GGUF : KIND_LLAMA2C;
    if (fl_path_join(source->path, sizeof source->path, spec, found, error) != FL_OK)
        return FL_FAILED;
    name_source(source, source->path);
    return FL_OK;
}

static int resolve_directory(struct source *source, const char *spec, struct fl_error *error)
{
    size_t length = strlen(spec);
    while (length > 1 && spec[length - 1] == '/')
        length--;
    snprintf(source->directory, sizeof source->directory, "%.*s", (int)length, spec);
    if (fl_path_join(source->path, sizeof source->path, source->directory, "config.json", error) !=
        FL_OK)
        return FL_FAILED;
    if (!fl_file_exists(source->path))
        return find_only_file(source, source->directory, error);
    source->kind = KIND_CHECKPOINT;
    name_source(source, source->directory);
    return FL_OK;
}

static int resolve_file(struct source *source, const char *spec, struct fl_error *error)
{
    snprintf(source->path, sizeof source->path, "%s", spec);
    directory_of(spec, source->directory);
    if (fl_gguf_is(spec))
        source->kind = KIND_GGUF;
    else if (ends_with(spec, ".index.json"))
        source->kind = KIND_CHECKPOINT;
    else if (ends_with(spec, ".json"))
        source->kind = KIND_CONFIG;
    else if (ends_with(spec, ".safetensors"))
        source->kind = KIND_SAFETENSORS;
    else if (ends_with(spec, ".bin"))
        source->kind = KIND_LLAMA2C;
    else
        return fl_fail(error,
                       "%s: expected a GGUF file, a .safetensors file, a llama2.c .bin file, a "
                       "config.json or a directory of these",
                       spec);
    name_source(source, spec);
    return FL_OK;
}

static int resolve(struct source *source, const char *spec, struct fl_error *error)
{
    *source = (struct source){.preset = fl_preset_find(spec)};
    if (source->preset)
        return FL_OK;
    if (!fl_file_exists(spec))
        return unknown(spec, error);
    if (strlen(spec) >= MAX_PATH - 32) /* room for a name behind it */
        return fl_fail(error, "%.120s...: the path is too long", spec);
    return fl_file_is_directory(spec) ? resolve_directory(source, spec, error)
                                      : resolve_file(source, spec, error);
}

/* ---- opening ---- */

/* config.json beside a safetensors file, or the path itself. */
static int hf_config(struct fl_config *config, const struct source *source, struct fl_error *error)
{
    char path[MAX_PATH];
    if (source->kind == KIND_CONFIG)
        return fl_hf_config(config, source->path, source->name, error);
    if (fl_path_join(path, sizeof path, source->directory, "config.json", error) != FL_OK)
        return FL_FAILED;
    return fl_hf_config(config, path, source->name, error);
}

static int open_config(struct fl_config *config, const struct source *source,
                       struct fl_error *error)
{
    switch (source->kind) {
    case KIND_PRESET:
        *config = source->preset->config;
        return FL_OK;
    case KIND_CONFIG:
    case KIND_CHECKPOINT:
    case KIND_SAFETENSORS:
        return hf_config(config, source, error);
    case KIND_GGUF:
        return fl_gguf_config(config, source->path, source->name, error);
    case KIND_LLAMA2C:
        return fl_llama2c_config(config, source->path, source->name, error);
    }
    return FL_FAILED;
}

int fl_config_open(struct fl_config *config, const char *spec, struct fl_error *error)
{
    struct source source;
    if (resolve(&source, spec, error) != FL_OK)
        return FL_FAILED;
    return open_config(config, &source, error);
}

int fl_model_file(char *path, size_t size, const char *spec, struct fl_error *error)
{
    struct source source;
    if (resolve(&source, spec, error) != FL_OK)
        return FL_FAILED;
    snprintf(path, size, "%s", source.path);
    return FL_OK;
}

static bool has_weights(const struct source *source)
{
    return source->kind != KIND_PRESET && source->kind != KIND_CONFIG;
}

static int open_weights(struct fl_model *model, const struct source *source, struct fl_error *error)
{
    switch (source->kind) {
    case KIND_CHECKPOINT:
        return fl_hf_model(model, source->directory,
                           ends_with(source->path, ".index.json") ? source->path : NULL,
                           source->name, error);
    case KIND_SAFETENSORS:
        return fl_hf_model(model, source->directory, source->path, source->name, error);
    case KIND_GGUF:
        return fl_gguf_model(model, source->path, source->name, error);
    default:
        return fl_llama2c_model(model, source->path, source->name, error);
    }
}

static int check_dtype(const struct fl_model *model, enum fl_dtype dtype, const char *spec,
                       struct fl_error *error)
{
    struct fl_model view = *model; /* slots point into a model that may be written to */
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    for (int group = 0; group < fl_weight_n_groups(model); group++) {
        int n = fl_weight_group(&view, group, slots);
        for (int i = 0; i < n; i++)
            if (slots[i].linear && slots[i].linear->dtype != dtype)
                return fl_fail(error,
                               "%s: the file has weights in %s; expected %s throughout, as asked "
                               "for; a file is not converted when it is opened",
                               spec, fl_dtype_names[slots[i].linear->dtype], fl_dtype_names[dtype]);
    }
    return FL_OK;
}

int fl_model_open_as(struct fl_model *model, const char *spec, int dtype, uint64_t seed,
                     struct fl_error *error)
{
    struct source source;
    struct fl_config config;
    *model = (struct fl_model){0};
    if (resolve(&source, spec, error) != FL_OK)
        return FL_FAILED;
    if (!has_weights(&source)) {
        if (open_config(&config, &source, error) != FL_OK)
            return FL_FAILED;
        return fl_model_random_as(model, &config, dtype >= 0 ? (enum fl_dtype)dtype : FL_F32, seed,
                                  error);
    }
    if (open_weights(model, &source, error) != FL_OK)
        return FL_FAILED;
    int status = dtype >= 0 ? check_dtype(model, (enum fl_dtype)dtype, spec, error) : FL_OK;
    if (status == FL_OK)
        status = fl_model_require(&model->config, model->weight_bytes, error);
    if (status != FL_OK)
        fl_model_close(model);
    return status;
}

int fl_model_open(struct fl_model *model, const char *spec, uint64_t seed, struct fl_error *error)
{
    return fl_model_open_as(model, spec, -1, seed, error);
}

int fl_model_peek(struct fl_model *model, const char *spec, bool *stored, struct fl_error *error)
{
    struct source source;
    struct fl_config config;
    *model = (struct fl_model){0};
    if (resolve(&source, spec, error) != FL_OK)
        return FL_FAILED;
    *stored = has_weights(&source);
    if (*stored)
        return open_weights(model, &source, error);
    if (open_config(&config, &source, error) != FL_OK)
        return FL_FAILED;
    int status = fl_model_prepare(model, &config, "none", error);
    if (status != FL_OK)
        fl_model_close(model);
    return status;
}
