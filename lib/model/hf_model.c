#include "model/hf_model.h"
#include "model/encdec_names.h"
#include "model/hf_config.h"
#include "model/hf_names.h"
#include "model/json_read.h"
#include "model/safetensors.h"
#include "model/weight_layout.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_PATH = 4096,
    MAX_INDEX_BYTES = 64 << 20, /* the largest published ones have 14 MB */
    MAX_SHARDS = 1024           /* the largest published checkpoints have a few hundred */
};

/* Ends of names of tensors that are no parameters: causal masks, tables of rotary frequencies. */
static const char *const BUFFERS[] = {".attn.bias", ".attn.masked_bias", ".attention.bias",
                                      ".attention.masked_bias", ".rotary_emb.inv_freq"};

/* The embedding under the names of those who use it, the same numbers again; and a table that the
 * first T5 checkpoints carry and no layer reads. */
static const char *const T5_UNUSED[] = {
    "encoder.embed_tokens.weight", "decoder.embed_tokens.weight",
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"};
enum {
    N_BUFFERS = sizeof BUFFERS / sizeof *BUFFERS,
    N_T5_UNUSED = sizeof T5_UNUSED / sizeof *T5_UNUSED
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* ---- the files of a checkpoint ---- */

struct checkpoint {
    const char *directory;
    struct fl_safetensors *files;
    char (*paths)[MAX_PATH];
    int n_files;
};

static int add_file(struct checkpoint *checkpoint, const char *path, struct fl_error *error)
{
    size_t n = (size_t)checkpoint->n_files + 1;
    void *files = realloc(checkpoint->files, n * sizeof *checkpoint->files);
    if (files)
        checkpoint->files = files;
    void *paths = realloc(checkpoint->paths, n * sizeof *checkpoint->paths);
    if (paths)
        checkpoint->paths = paths;
    if (!files || !paths)
        return fl_fail(error, "%s: cannot reserve memory for %zu files", path, n);
    if (fl_safetensors_open(&checkpoint->files[n - 1], path, error) != FL_OK)
        return FL_FAILED;
    snprintf(checkpoint->paths[n - 1], MAX_PATH, "%s", path);
    checkpoint->n_files++;
    return FL_OK;
}

static void close_files(struct checkpoint *checkpoint)
{
    for (int i = 0; i < checkpoint->n_files; i++)
        fl_safetensors_close(&checkpoint->files[i]);
    free(checkpoint->files);
    free(checkpoint->paths);
}

/* Opens the shard that an entry of the index says a tensor lies in, unless it is open. */
static int add_shard(struct checkpoint *checkpoint, const cJSON *entry, const char *index,
                     struct fl_error *error)
{
    char path[MAX_PATH];
    const char *file = entry->valuestring;
    if (!cJSON_IsString(entry) || !*file || file[0] == '.' || strchr(file, '/'))
        return fl_fail(error, "%s: %.120s: expected the name of a file in the same directory",
                       index, entry->string);
    if (fl_path_join(path, sizeof path, checkpoint->directory, file, error) != FL_OK)
        return FL_FAILED;
    int i = checkpoint->n_files - 1;
    while (i >= 0 && strcmp(checkpoint->paths[i], path) != 0)
        i--;
    if (i < 0 && checkpoint->n_files == MAX_SHARDS)
        return fl_fail(error, "%s: weight_map: expected at most %d files", index, MAX_SHARDS);
    if (i < 0 && add_file(checkpoint, path, error) != FL_OK)
        return FL_FAILED;
    struct fl_safetensors *shard = &checkpoint->files[i < 0 ? checkpoint->n_files - 1 : i];
    if (!fl_safetensors_find(shard, entry->string))
        return fl_fail(error, "%s: %.120s: expected this tensor, which %s says is there", path,
                       entry->string, index);
    return FL_OK;
}

static int open_shards(struct checkpoint *checkpoint, const char *index, struct fl_error *error)
{
    cJSON *root;
    const cJSON *map, *entry;
    if (fl_json_read(&root, index, MAX_INDEX_BYTES, error) != FL_OK)
        return FL_FAILED;
    const struct fl_json json = {root, index, error};
    int status = fl_json_find(&json, "weight_map", &map);
    if (status == FL_OK && !cJSON_IsObject(map))
        status =
            fl_fail(error, "%s: weight_map: expected an object of tensor names and files", index);
    if (status == FL_OK)
        cJSON_ArrayForEach(entry, map)
        {
            status = add_shard(checkpoint, entry, index, error);
            if (status != FL_OK)
                break;
        }
    cJSON_Delete(root);
    return status;
}

/* The directory's only file of that type, whatever its name; "" when there is none, or several. */
static void find_only_safetensors(const char *directory, char found[256])
{
    int n = 0;
    found[0] = '\0';
    DIR *listing = opendir(directory);
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        if (ends_with(entry->d_name, ".safetensors") && ++n == 1)
            snprintf(found, 256, "%s", entry->d_name);
    if (listing)
        closedir(listing);
    if (n != 1)
        found[0] = '\0';
}

static int open_checkpoint(struct checkpoint *checkpoint, const char *weights,
                           struct fl_error *error)
{
    char path[MAX_PATH];
    if (weights)
        return ends_with(weights, ".index.json") ? open_shards(checkpoint, weights, error)
                                                 : add_file(checkpoint, weights, error);
    if (fl_path_join(path, sizeof path, checkpoint->directory, "model.safetensors", error) != FL_OK)
        return FL_FAILED;
    if (fl_file_exists(path))
        return add_file(checkpoint, path, error);
    if (fl_path_join(path, sizeof path, checkpoint->directory, "model.safetensors.index.json",
                     error) != FL_OK)
        return FL_FAILED;
    if (fl_file_exists(path))
        return open_shards(checkpoint, path, error);
    char only[256];
    find_only_safetensors(checkpoint->directory, only);
    if (!only[0])
        return fl_fail(error,
                       "%s: expected model.safetensors, model.safetensors.index.json and its "
                       "shards, or one .safetensors file",
                       checkpoint->directory);
    if (fl_path_join(path, sizeof path, checkpoint->directory, only, error) != FL_OK)
        return FL_FAILED;
    return add_file(checkpoint, path, error);
}

/* ---- tensors ---- */

/* The tensor of that name, with "transformer." in front if need be; in one file only. */
static int find_tensor(struct checkpoint *checkpoint, const char *name, const char **path,
                       struct fl_safetensors_tensor **found, struct fl_error *error)
{
    char prefixed[160] = "transformer.";
    strncat(prefixed, name, sizeof prefixed - strlen(prefixed) - 1);
    *found = NULL;
    for (int i = 0; i < checkpoint->n_files; i++) {
        struct fl_safetensors *file = &checkpoint->files[i];
        struct fl_safetensors_tensor *plain = fl_safetensors_find(file, name);
        struct fl_safetensors_tensor *other = fl_safetensors_find(file, prefixed);
        if ((plain && other) || ((plain || other) && *found))
            return fl_fail(error, "%s: %s: expected once, the tensor occurs twice",
                           checkpoint->paths[i], name);
        if (plain || other) {
            *found = plain ? plain : other;
            *path = checkpoint->paths[i];
        }
    }
    if (!*found)
        return fl_fail(error, "%s: %s: expected this tensor, it is missing",
                       checkpoint->n_files == 1 ? checkpoint->paths[0] : checkpoint->directory,
                       name);
    return FL_OK;
}

static bool find_dtype(enum fl_dtype *dtype, const char *name)
{
    static const struct {
        const char *name;
        enum fl_dtype dtype;
    } TYPES[] = {{"F32", FL_F32}, {"F16", FL_F16}, {"BF16", FL_BF16}};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(name, TYPES[i].name) == 0) {
            *dtype = TYPES[i].dtype;
            return true;
        }
    return false;
}

static int find_weight(void *file, const char *name, struct fl_weight_tensor *out,
                       struct fl_error *error)
{
    struct fl_safetensors_tensor *tensor;
    const char *path = NULL;
    if (find_tensor(file, name, &path, &tensor, error) != FL_OK)
        return FL_FAILED;
    if (!find_dtype(&out->dtype, tensor->dtype))
        return fl_fail(error, "%s: %s: expected F32, F16 or BF16, not %s", path, name,
                       tensor->dtype);
    if (tensor->n_dims > 4)
        return fl_fail(error, "%s: %s: expected at most 4 dimensions, not %d", path, name,
                       tensor->n_dims);
    tensor->used = true;
    out->data = tensor->data;
    out->n_dims = tensor->n_dims;
    memcpy(out->dims, tensor->dims, (size_t)tensor->n_dims * sizeof *out->dims);
    return FL_OK;
}

/* A tensor that nothing uses would be a part of the model left out, unless it is no parameter or
 * the second copy of a tied embedding. */
static int check_unused(const struct checkpoint *checkpoint, const struct fl_config *config,
                        struct fl_error *error)
{
    for (int i = 0; i < checkpoint->n_files; i++)
        for (size_t j = 0; j < checkpoint->files[i].n_tensors; j++) {
            const struct fl_safetensors_tensor *tensor = &checkpoint->files[i].tensors[j];
            bool known =
                tensor->used || (config->tied && (strcmp(tensor->name, "lm_head.weight") == 0 ||
                                                  strcmp(tensor->name, "embed_out.weight") == 0));
            for (size_t k = 0; !known && config->arch == FL_ARCH_T5 && k < N_T5_UNUSED; k++)
                known = strcmp(tensor->name, T5_UNUSED[k]) == 0;
            for (size_t k = 0; !known && k < N_BUFFERS; k++)
                known = ends_with(tensor->name, BUFFERS[k]);
            if (!known)
                return fl_fail(error,
                               "%s: %.120s: expected no such tensor in a %s model of this "
                               "config.json",
                               checkpoint->paths[i], tensor->name, fl_arch_name(config->arch));
        }
    return FL_OK;
}

static int bind(struct fl_model *model, struct checkpoint *checkpoint, struct fl_error *error)
{
    const struct fl_config *config = &model->config;
    const char *path = checkpoint->n_files == 1 ? checkpoint->paths[0] : checkpoint->directory;
    const struct fl_weight_name *names =
        config->n_encoder_layers > 0 ? fl_encdec_names(config) : fl_hf_names(config->arch);
    if (fl_weights_bind(model, names, find_weight, checkpoint, path, error) != FL_OK ||
        check_unused(checkpoint, config, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < checkpoint->n_files; i++)
        if (fl_model_own_file(model, &checkpoint->files[i].mapping, error) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

int fl_hf_model(struct fl_model *model, const char *directory, const char *weights,
                const char *name, struct fl_error *error)
{
    struct checkpoint checkpoint = {.directory = directory};
    struct fl_config config;
    char path[MAX_PATH];
    *model = (struct fl_model){0};
    int status = FL_FAILED;
    if (fl_path_join(path, sizeof path, directory, "config.json", error) == FL_OK &&
        fl_hf_config(&config, path, name, error) == FL_OK &&
        fl_config_runnable(&config, error) == FL_OK &&
        open_checkpoint(&checkpoint, weights, error) == FL_OK &&
        fl_model_prepare(model, &config, "safetensors", error) == FL_OK)
        status = bind(model, &checkpoint, error);
    if (status != FL_OK)
        fl_model_close(model);
    close_files(&checkpoint);
    return status;
}
