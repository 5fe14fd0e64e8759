#include "model/safetensors.h"
#include "base/memory.h"
#include "model/json_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIZE_BYTES = 8,
    MAX_HEADER = 100000000, /* bytes; the format's own limit */
    MEMORY_PER_BYTE = 48    /* of the parsed header, at the worst: a list of one-digit numbers */
};

static const struct {
    const char *name;
    uint64_t bits;
} DTYPES[] = {
    {"F32", 32}, {"F16", 16}, {"BF16", 16},   {"F64", 64}, {"I64", 64},    {"I32", 32},
    {"I16", 16}, {"I8", 8},   {"U8", 8},      {"U16", 16}, {"U32", 32},    {"U64", 64},
    {"BOOL", 8}, {"C64", 64}, {"F8_E4M3", 8}, {"F4", 4},   {"F8_E5M2", 8}, {"F8_E8M0", 8},
};

/* Bits an element takes; 0 for a dtype that is not known. */
static uint64_t dtype_bits(const char *name)
{
    for (size_t i = 0; i < sizeof DTYPES / sizeof *DTYPES; i++)
        if (strcmp(DTYPES[i].name, name) == 0)
            return DTYPES[i].bits;
    return 0;
}

/* What the sentences about one tensor begin with. */
struct place {
    const char *path, *name;
    struct fl_error *error;
};

#define REFUSE(place, sentence, ...)                                                               \
    fl_fail((place)->error, "%s: %.120s: " sentence, (place)->path, (place)->name, __VA_ARGS__)

/* A whole number that a double holds exactly. */
static bool read_size(const cJSON *item, uint64_t *value)
{
    const double limit = 9007199254740992.0; /* 2^53 */
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= limit))
        return false;
    *value = (uint64_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

static int read_shape(struct fl_safetensors_tensor *tensor, const cJSON *shape,
                      const struct place *place)
{
    const cJSON *dim;
    if (!cJSON_IsArray(shape))
        return REFUSE(place, "expected %s: a list of dimensions", "shape");
    tensor->n_dims = 0;
    cJSON_ArrayForEach(dim, shape)
    {
        if (tensor->n_dims == FL_SAFETENSORS_MAX_DIMS)
            return REFUSE(place, "expected shape: at most %d dimensions", FL_SAFETENSORS_MAX_DIMS);
        if (!read_size(dim, &tensor->dims[tensor->n_dims++]))
            return REFUSE(place, "expected shape: a whole number for dimension %d",
                          tensor->n_dims - 1);
    }
    return FL_OK;
}

/* data_offsets [begin, end), counted from the end of the header. */
static int read_offsets(struct fl_safetensors_tensor *tensor, const cJSON *offsets,
                        const unsigned char *data, uint64_t data_size, const struct place *place)
{
    uint64_t begin, end;
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !read_size(offsets->child, &begin) || !read_size(offsets->child->next, &end))
        return REFUSE(place, "expected %s: two whole numbers", "data_offsets");
    if (begin > end || end > data_size)
        return REFUSE(place,
                      "data_offsets: expected a range within the file's %" PRIu64
                      " bytes of data, not %" PRIu64 " to %" PRIu64,
                      data_size, begin, end);
    tensor->data = data + begin;
    tensor->n_bytes = end - begin;
    return FL_OK;
}

static int check_size(const struct fl_safetensors_tensor *tensor, const struct place *place)
{
    uint64_t bits = dtype_bits(tensor->dtype);
    if (bits == 0)
        return REFUSE(place, "dtype: expected one that is known, not '%.20s'", tensor->dtype);
    bool fits = true;
    for (int i = 0; i < tensor->n_dims; i++)
        fits = fits && !__builtin_mul_overflow(bits, tensor->dims[i], &bits);
    if (!fits || (bits + 7) / 8 != tensor->n_bytes)
        return REFUSE(place,
                      "data_offsets: expected as many bytes as shape and dtype (%s) "
                      "say, not %" PRIu64,
                      tensor->dtype, tensor->n_bytes);
    return FL_OK;
}

static int read_tensor(struct fl_safetensors_tensor *tensor, const cJSON *item,
                       const unsigned char *data, uint64_t data_size, const struct place *place)
{
    char where[sizeof place->error->text];
    const struct fl_json json = {item, where, place->error};
    const cJSON *shape, *offsets;
    snprintf(where, sizeof where, "%s: %.120s", place->path, place->name);
    *tensor = (struct fl_safetensors_tensor){.name = place->name};
    if (!cJSON_IsObject(item))
        return REFUSE(place, "expected an object with %s, shape and data_offsets", "dtype");
    if (fl_json_string(&json, "dtype", FL_JSON_REQUIRED, &tensor->dtype) != FL_OK ||
        fl_json_find(&json, "shape", &shape) != FL_OK ||
        fl_json_find(&json, "data_offsets", &offsets) != FL_OK ||
        read_shape(tensor, shape, place) != FL_OK ||
        read_offsets(tensor, offsets, data, data_size, place) != FL_OK)
        return FL_FAILED;
    return check_size(tensor, place);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct fl_safetensors_tensor *)a)->name,
                  ((const struct fl_safetensors_tensor *)b)->name);
}

static int compare_data(const void *a, const void *b)
{
    const unsigned char *x = ((const struct fl_safetensors_tensor *)a)->data;
    const unsigned char *y = ((const struct fl_safetensors_tensor *)b)->data;
    return (x > y) - (x < y);
}

/* Leaves the tensors sorted by name. */
static int check_table(struct fl_safetensors *file, const char *path, struct fl_error *error)
{
    struct fl_safetensors_tensor *tensors = file->tensors;
    if (file->n_tensors == 0)
        return FL_OK;
    qsort(tensors, file->n_tensors, sizeof *tensors, compare_data);
    const unsigned char *end = tensors[0].data;
    for (size_t i = 0; i < file->n_tensors; i++) {
        if (tensors[i].n_bytes == 0)
            continue;
        if (tensors[i].data < end)
            return fl_fail(error, "%s: %.120s: expected its own bytes, it overlaps another tensor",
                           path, tensors[i].name);
        end = tensors[i].data + tensors[i].n_bytes;
    }
    qsort(tensors, file->n_tensors, sizeof *tensors, compare_names);
    for (size_t i = 1; i < file->n_tensors; i++)
        if (compare_names(&tensors[i - 1], &tensors[i]) == 0)
            return fl_fail(error, "%s: %.120s: expected once, the tensor occurs twice", path,
                           tensors[i].name);
    return FL_OK;
}

static int read_header(struct fl_safetensors *file, const char *path, struct fl_error *error)
{
    uint64_t size;
    if (file->mapping.size < SIZE_BYTES)
        return fl_fail(error, "%s: expected a safetensors file of at least %d bytes, not %zu", path,
                       SIZE_BYTES, file->mapping.size);
    memcpy(&size, file->mapping.data, sizeof size);
    if (size > file->mapping.size - SIZE_BYTES || size > MAX_HEADER)
        return fl_fail(error,
                       "%s: header size: expected at most %d bytes and within the file's %zu, not "
                       "%" PRIu64,
                       path, MAX_HEADER, file->mapping.size, size);
    char what[256];
    snprintf(what, sizeof what, "%.200s: its header", path);
    const char *text = (const char *)file->mapping.data + SIZE_BYTES;
    if (fl_memory_require(MEMORY_PER_BYTE * size, what, error) != FL_OK ||
        fl_json_parse(&file->header, text, size, path, error) != FL_OK)
        return FL_FAILED;

    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, file->header) n++;
    file->tensors = calloc(n + 1, sizeof *file->tensors);
    if (!file->tensors)
        return fl_fail(error, "%s: cannot hold the table of tensors in memory", path);
    cJSON_ArrayForEach(item, file->header)
    {
        if (strcmp(item->string, "__metadata__") == 0)
            continue;
        const struct place place = {path, item->string, error};
        if (read_tensor(&file->tensors[file->n_tensors++], item,
                        file->mapping.data + SIZE_BYTES + size,
                        file->mapping.size - SIZE_BYTES - size, &place) != FL_OK)
            return FL_FAILED;
    }
    return check_table(file, path, error);
}

int fl_safetensors_open(struct fl_safetensors *file, const char *path, struct fl_error *error)
{
    *file = (struct fl_safetensors){0};
    if (fl_file_map(&file->mapping, path, error) == FL_OK &&
        read_header(file, path, error) == FL_OK)
        return FL_OK;
    fl_safetensors_close(file);
    return FL_FAILED;
}

void fl_safetensors_close(struct fl_safetensors *file)
{
    fl_file_unmap(&file->mapping);
    cJSON_Delete(file->header);
    free(file->tensors);
    *file = (struct fl_safetensors){0};
}

struct fl_safetensors_tensor *fl_safetensors_find(struct fl_safetensors *file, const char *name)
{
    if (file->n_tensors == 0)
        return NULL;
    struct fl_safetensors_tensor wanted = {.name = name};
    return bsearch(&wanted, file->tensors, file->n_tensors, sizeof wanted, compare_names);
}
