#include "model/gguf.h"
#include "base/checked.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_DIMS = 4,
    MAX_ALIGNMENT = 1 << 20,
    DEFAULT_ALIGNMENT = 32,
    /* fewest bytes an entry takes: key length, type, a value of one byte */
    MIN_KEY_BYTES = 8 + 4 + 1,
    /* name length, number of dimensions, one of them, type, offset */
    MIN_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8
};

/* Numbers of the value types. */
enum {
    TYPE_UINT8,
    TYPE_INT8,
    TYPE_UINT16,
    TYPE_INT16,
    TYPE_UINT32,
    TYPE_INT32,
    TYPE_FLOAT32,
    TYPE_BOOL,
    TYPE_STRING,
    TYPE_ARRAY,
    TYPE_UINT64,
    TYPE_INT64,
    TYPE_FLOAT64,
    N_TYPES
};

static const struct {
    const char *name;
    size_t size; /* bytes; 0: varies */
    enum fl_gguf_class class;
} TYPES[N_TYPES] = {
    [TYPE_UINT8] = {"uint8", 1, FL_GGUF_INTS},      [TYPE_INT8] = {"int8", 1, FL_GGUF_INTS},
    [TYPE_UINT16] = {"uint16", 2, FL_GGUF_INTS},    [TYPE_INT16] = {"int16", 2, FL_GGUF_INTS},
    [TYPE_UINT32] = {"uint32", 4, FL_GGUF_INTS},    [TYPE_INT32] = {"int32", 4, FL_GGUF_INTS},
    [TYPE_FLOAT32] = {"float32", 4, FL_GGUF_REALS}, [TYPE_BOOL] = {"bool", 1, FL_GGUF_BOOLS},
    [TYPE_STRING] = {"string", 0, FL_GGUF_STRINGS}, [TYPE_ARRAY] = {"array", 0, FL_GGUF_INTS},
    [TYPE_UINT64] = {"uint64", 8, FL_GGUF_INTS},    [TYPE_INT64] = {"int64", 8, FL_GGUF_INTS},
    [TYPE_FLOAT64] = {"float64", 8, FL_GGUF_REALS},
};

static const char *const CLASS_NAMES[] = {
    [FL_GGUF_INTS] = "an integer",
    [FL_GGUF_REALS] = "a floating-point number",
    [FL_GGUF_BOOLS] = "a bool",
    [FL_GGUF_STRINGS] = "a string",
};

struct entry {
    struct fl_gguf_string key;
    uint32_t type;
    const unsigned char *value; /* its bytes; for strings and arrays the length comes first */
    size_t size;                /* of all of them */
};

struct fl_gguf {
    char path[4096];
    struct fl_mapping mapping;
    struct entry *entries; /* sorted by key */
    size_t n_entries;
    struct fl_gguf_tensor *tensors; /* sorted by name */
    size_t n_tensors;
    const unsigned char *data; /* start of the data section; may be the end of the file */
    size_t data_size;
};

/* ---- a cursor over the header ---- */

struct cursor {
    const unsigned char *next, *end;
};

static bool take(struct cursor *cursor, void *out, size_t size)
{
    if ((size_t)(cursor->end - cursor->next) < size)
        return false;
    memcpy(out, cursor->next, size);
    cursor->next += size;
    return true;
}

static bool skip(struct cursor *cursor, uint64_t size)
{
    if ((uint64_t)(cursor->end - cursor->next) < size)
        return false;
    cursor->next += size;
    return true;
}

static bool take_string(struct cursor *cursor, struct fl_gguf_string *out)
{
    uint64_t length;
    if (!take(cursor, &length, sizeof length))
        return false;
    *out = (struct fl_gguf_string){(const char *)cursor->next, (size_t)length};
    return skip(cursor, length);
}

/* The longest part of a name that an error sentence has room for. */
static int shown(struct fl_gguf_string text)
{
    return text.length < 100 ? (int)text.length : 100;
}

static int compare_strings(struct fl_gguf_string a, struct fl_gguf_string b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.data, b.data, shorter);
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_entries(const void *a, const void *b)
{
    return compare_strings(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static int compare_tensors(const void *a, const void *b)
{
    return compare_strings(((const struct fl_gguf_tensor *)a)->name,
                           ((const struct fl_gguf_tensor *)b)->name);
}

/* Room for one more row; grows by doubling, so that a false count in the header costs nothing. */
static void *grown(void *rows, size_t n, size_t size)
{
    if (n != 0 && (n < 64 || (n & (n - 1)) != 0))
        return rows;
    size_t capacity = n == 0 ? 64 : 2 * n, bytes;
    return fl_size_mul(capacity, size, &bytes) ? realloc(rows, bytes) : NULL;
}

/* ---- the header ---- */

static int cut_short(const struct fl_gguf *gguf, const char *where, struct fl_error *error)
{
    return fl_fail(error, "%s: %s: expected more bytes, the file ends", gguf->path, where);
}

static int skip_array(const struct fl_gguf *gguf, struct cursor *cursor, struct fl_gguf_string key,
                      struct fl_error *error)
{
    uint32_t type;
    uint64_t n;
    if (!take(cursor, &type, sizeof type) || !take(cursor, &n, sizeof n))
        return cut_short(gguf, "metadata", error);
    if (type >= N_TYPES || type == TYPE_ARRAY)
        return fl_fail(error, "%s: %.*s: expected an array of a simple type, not of type %" PRIu32,
                       gguf->path, shown(key), key.data, type);
    if (TYPES[type].size) {
        uint64_t bytes;
        if (__builtin_mul_overflow(n, (uint64_t)TYPES[type].size, &bytes) || !skip(cursor, bytes))
            return cut_short(gguf, "metadata", error);
        return FL_OK;
    }
    struct fl_gguf_string text;
    for (uint64_t i = 0; i < n; i++)
        if (!take_string(cursor, &text))
            return cut_short(gguf, "metadata", error);
    return FL_OK;
}

static int read_entry(const struct fl_gguf *gguf, struct cursor *cursor, struct entry *entry,
                      struct fl_error *error)
{
    if (!take_string(cursor, &entry->key) || !take(cursor, &entry->type, sizeof entry->type))
        return cut_short(gguf, "metadata", error);
    if (entry->type >= N_TYPES)
        return fl_fail(error, "%s: %.*s: expected a value type from 0 to %d, not %" PRIu32,
                       gguf->path, shown(entry->key), entry->key.data, N_TYPES - 1, entry->type);
    entry->value = cursor->next;
    struct fl_gguf_string text;
    int status = FL_OK;
    if (entry->type == TYPE_ARRAY)
        status = skip_array(gguf, cursor, entry->key, error);
    else if (entry->type == TYPE_STRING ? !take_string(cursor, &text)
                                        : !skip(cursor, TYPES[entry->type].size))
        status = cut_short(gguf, "metadata", error);
    entry->size = (size_t)(cursor->next - entry->value);
    return status;
}

static int read_entries(struct fl_gguf *gguf, struct cursor *cursor, uint64_t n,
                        struct fl_error *error)
{
    for (uint64_t i = 0; i < n; i++) {
        struct entry *rows = grown(gguf->entries, gguf->n_entries, sizeof *rows);
        if (!rows)
            return fl_fail(error, "%s: cannot hold the metadata in memory", gguf->path);
        gguf->entries = rows;
        if (read_entry(gguf, cursor, &rows[i], error) != FL_OK)
            return FL_FAILED;
        gguf->n_entries++;
    }
    if (n)
        qsort(gguf->entries, n, sizeof *gguf->entries, compare_entries);
    for (uint64_t i = 1; i < n; i++)
        if (compare_entries(&gguf->entries[i - 1], &gguf->entries[i]) == 0)
            return fl_fail(error, "%s: %.*s: expected once, the key occurs twice", gguf->path,
                           shown(gguf->entries[i].key), gguf->entries[i].key.data);
    return FL_OK;
}

static int read_tensor(const struct fl_gguf *gguf, struct cursor *cursor,
                       struct fl_gguf_tensor *tensor, struct fl_error *error)
{
    uint32_t n_dims;
    *tensor = (struct fl_gguf_tensor){0};
    if (!take_string(cursor, &tensor->name) || !take(cursor, &n_dims, sizeof n_dims))
        return cut_short(gguf, "table of tensors", error);
    if (n_dims < 1 || n_dims > MAX_DIMS)
        return fl_fail(error, "%s: %.*s: expected 1 to %d dimensions, not %" PRIu32, gguf->path,
                       shown(tensor->name), tensor->name.data, MAX_DIMS, n_dims);
    tensor->n_dims = (int)n_dims;
    if (!take(cursor, tensor->dims, n_dims * sizeof *tensor->dims) ||
        !take(cursor, &tensor->type, sizeof tensor->type) ||
        !take(cursor, &tensor->offset, sizeof tensor->offset))
        return cut_short(gguf, "table of tensors", error);
    return FL_OK;
}

static int read_tensors(struct fl_gguf *gguf, struct cursor *cursor, uint64_t n,
                        struct fl_error *error)
{
    for (uint64_t i = 0; i < n; i++) {
        struct fl_gguf_tensor *rows = grown(gguf->tensors, gguf->n_tensors, sizeof *rows);
        if (!rows)
            return fl_fail(error, "%s: cannot hold the table of tensors in memory", gguf->path);
        gguf->tensors = rows;
        if (read_tensor(gguf, cursor, &rows[i], error) != FL_OK)
            return FL_FAILED;
        gguf->n_tensors++;
    }
    if (n)
        qsort(gguf->tensors, n, sizeof *gguf->tensors, compare_tensors);
    for (uint64_t i = 1; i < n; i++)
        if (compare_tensors(&gguf->tensors[i - 1], &gguf->tensors[i]) == 0)
            return fl_fail(error, "%s: %.*s: expected once, the tensor occurs twice", gguf->path,
                           shown(gguf->tensors[i].name), gguf->tensors[i].name.data);
    return FL_OK;
}

/* The data section starts at the next multiple of the alignment. A file with no tensors may end
 * before it. */
static int find_data(struct fl_gguf *gguf, const struct cursor *cursor, struct fl_error *error)
{
    static const char KEY[] = "general.alignment";
    int64_t alignment = DEFAULT_ALIGNMENT;
    if (fl_gguf_has(gguf, KEY) &&
        fl_gguf_get_int(gguf, KEY, 1, MAX_ALIGNMENT, &alignment, error) != FL_OK)
        return FL_FAILED;
    if ((alignment & (alignment - 1)) != 0)
        return fl_fail(error, "%s: %s: expected a power of two, not %" PRId64, gguf->path, KEY,
                       alignment);
    size_t start = (size_t)(cursor->next - gguf->mapping.data), step = (size_t)alignment;
    start = (start + step - 1) / step * step;
    if (start > gguf->mapping.size)
        start = gguf->mapping.size;
    gguf->data = gguf->mapping.data + start;
    gguf->data_size = gguf->mapping.size - start;
    for (size_t i = 0; i < gguf->n_tensors; i++) {
        const struct fl_gguf_tensor *tensor = &gguf->tensors[i];
        if (tensor->offset % step != 0)
            return fl_fail(error,
                           "%s: %.*s: expected an offset that is a multiple of %zu, not "
                           "%" PRIu64,
                           gguf->path, shown(tensor->name), tensor->name.data, step,
                           tensor->offset);
    }
    return FL_OK;
}

static int read_header(struct fl_gguf *gguf, struct fl_error *error)
{
    if (gguf->mapping.size < 4 || memcmp(gguf->mapping.data, "GGUF", 4) != 0)
        return fl_fail(error, "%s: expected a GGUF file, its first four bytes are not 'GGUF'",
                       gguf->path);
    struct cursor cursor = {gguf->mapping.data + 4, gguf->mapping.data + gguf->mapping.size};
    uint32_t version;
    uint64_t n_tensors, n_entries;
    if (!take(&cursor, &version, sizeof version))
        return cut_short(gguf, "header", error);
    if (version != 2 && version != 3)
        return fl_fail(error, "%s: expected GGUF version 2 or 3 (little-endian), not %" PRIu32,
                       gguf->path, version);
    if (!take(&cursor, &n_tensors, sizeof n_tensors) ||
        !take(&cursor, &n_entries, sizeof n_entries))
        return cut_short(gguf, "header", error);
    if (n_entries > gguf->mapping.size / MIN_KEY_BYTES ||
        n_tensors > gguf->mapping.size / MIN_TENSOR_BYTES)
        return fl_fail(error,
                       "%s: header: expected fewer keys (%" PRIu64 ") and tensors (%" PRIu64
                       "), the file is too short for them",
                       gguf->path, n_entries, n_tensors);
    if (read_entries(gguf, &cursor, n_entries, error) != FL_OK ||
        read_tensors(gguf, &cursor, n_tensors, error) != FL_OK)
        return FL_FAILED;
    return find_data(gguf, &cursor, error);
}

int fl_gguf_open(struct fl_gguf **out, const char *path, struct fl_error *error)
{
    *out = NULL;
    struct fl_gguf *gguf = calloc(1, sizeof *gguf);
    if (!gguf)
        return fl_fail(error, "%s: cannot reserve memory to read it", path);
    snprintf(gguf->path, sizeof gguf->path, "%s", path);
    if (fl_file_map(&gguf->mapping, path, error) != FL_OK || read_header(gguf, error) != FL_OK) {
        fl_gguf_close(gguf);
        return FL_FAILED;
    }
    *out = gguf;
    return FL_OK;
}

void fl_gguf_close(struct fl_gguf *gguf)
{
    if (!gguf)
        return;
    fl_file_unmap(&gguf->mapping);
    free(gguf->entries);
    free(gguf->tensors);
    free(gguf);
}

bool fl_gguf_is(const char *path)
{
    char magic[4] = "";
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    size_t n = fread(magic, 1, sizeof magic, file);
    fclose(file);
    return n == sizeof magic && memcmp(magic, "GGUF", sizeof magic) == 0;
}

/* ---- values ---- */

size_t fl_gguf_n_entries(const struct fl_gguf *gguf)
{
    return gguf->n_entries;
}

struct fl_gguf_entry fl_gguf_entry(const struct fl_gguf *gguf, size_t i)
{
    const struct entry *entry = &gguf->entries[i];
    return (struct fl_gguf_entry){entry->key, entry->type, entry->value, entry->size};
}

static const struct entry *find(const struct fl_gguf *gguf, const char *key)
{
    if (gguf->n_entries == 0)
        return NULL;
    struct entry wanted = {.key = {key, strlen(key)}};
    return bsearch(&wanted, gguf->entries, gguf->n_entries, sizeof wanted, compare_entries);
}

bool fl_gguf_has(const struct fl_gguf *gguf, const char *key)
{
    return find(gguf, key) != NULL;
}

/* The entry of that key, if it holds one value of that class. */
static const struct entry *find_value(const struct fl_gguf *gguf, const char *key,
                                      enum fl_gguf_class class, struct fl_error *error)
{
    const struct entry *entry = find(gguf, key);
    if (!entry)
        fl_fail(error, "%s: %s: expected %s, the key is missing", gguf->path, key,
                CLASS_NAMES[class]);
    else if (entry->type == TYPE_ARRAY || TYPES[entry->type].class != class) {
        fl_fail(error, "%s: %s: expected %s, not a value of type %s", gguf->path, key,
                CLASS_NAMES[class], TYPES[entry->type].name);
        entry = NULL;
    }
    return entry;
}

/* An integer of any width as int64; what is larger than that saturates. */
static int64_t int_at(const unsigned char *at, uint32_t type)
{
    int64_t value = 0;
    memcpy(&value, at, TYPES[type].size); /* little-endian: zero-extended */
    switch (type) {
    case TYPE_INT8:
        return (int8_t)value;
    case TYPE_INT16:
        return (int16_t)value;
    case TYPE_INT32:
        return (int32_t)value;
    case TYPE_UINT64:
        return value < 0 ? INT64_MAX : value;
    default:
        return value;
    }
}

static double real_at(const unsigned char *at, uint32_t type)
{
    if (type == TYPE_FLOAT64) {
        double value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    float value;
    memcpy(&value, at, sizeof value);
    return (double)value;
}

int fl_gguf_get_int(const struct fl_gguf *gguf, const char *key, int64_t min, int64_t max,
                    int64_t *value, struct fl_error *error)
{
    const struct entry *entry = find_value(gguf, key, FL_GGUF_INTS, error);
    if (!entry)
        return FL_FAILED;
    *value = int_at(entry->value, entry->type);
    if (*value < min || *value > max)
        return fl_fail(error, "%s: %s: expected %" PRId64 " to %" PRId64 ", not %" PRId64,
                       gguf->path, key, min, max, *value);
    return FL_OK;
}

int fl_gguf_get_real(const struct fl_gguf *gguf, const char *key, double *value,
                     struct fl_error *error)
{
    const struct entry *entry = find_value(gguf, key, FL_GGUF_REALS, error);
    if (!entry)
        return FL_FAILED;
    *value = real_at(entry->value, entry->type);
    return FL_OK;
}

int fl_gguf_get_bool(const struct fl_gguf *gguf, const char *key, bool *value,
                     struct fl_error *error)
{
    const struct entry *entry = find_value(gguf, key, FL_GGUF_BOOLS, error);
    if (!entry)
        return FL_FAILED;
    *value = entry->value[0] != 0;
    return FL_OK;
}

int fl_gguf_get_string(const struct fl_gguf *gguf, const char *key, struct fl_gguf_string *value,
                       struct fl_error *error)
{
    const struct entry *entry = find_value(gguf, key, FL_GGUF_STRINGS, error);
    if (!entry)
        return FL_FAILED;
    struct cursor cursor = {entry->value, gguf->mapping.data + gguf->mapping.size};
    take_string(&cursor, value);
    return FL_OK;
}

int fl_gguf_get_array(const struct fl_gguf *gguf, const char *key, enum fl_gguf_class elements,
                      struct fl_gguf_array *array, struct fl_error *error)
{
    const struct entry *entry = find(gguf, key);
    if (!entry || entry->type != TYPE_ARRAY)
        return fl_fail(error, "%s: %s: expected an array, %s", gguf->path, key,
                       entry ? "not a single value" : "the key is missing");
    memcpy(&array->type, entry->value, sizeof array->type);
    memcpy(&array->n, entry->value + sizeof array->type, sizeof array->n);
    array->left = array->n;
    array->next = entry->value + sizeof array->type + sizeof array->n;
    if (TYPES[array->type].class != elements)
        return fl_fail(error, "%s: %s: expected every element to be %s, not of type %s", gguf->path,
                       key, CLASS_NAMES[elements], TYPES[array->type].name);
    return FL_OK;
}

bool fl_gguf_next_int(struct fl_gguf_array *array, int64_t *value)
{
    if (array->left == 0)
        return false;
    *value = int_at(array->next, array->type);
    array->next += TYPES[array->type].size;
    array->left--;
    return true;
}

bool fl_gguf_next_real(struct fl_gguf_array *array, double *value)
{
    if (array->left == 0)
        return false;
    *value = real_at(array->next, array->type);
    array->next += TYPES[array->type].size;
    array->left--;
    return true;
}

bool fl_gguf_next_string(struct fl_gguf_array *array, struct fl_gguf_string *value)
{
    if (array->left == 0)
        return false;
    uint64_t length; /* checked when the file was opened */
    memcpy(&length, array->next, sizeof length);
    *value = (struct fl_gguf_string){(const char *)array->next + sizeof length, (size_t)length};
    array->next += sizeof length + length;
    array->left--;
    return true;
}

/* ---- tensors ---- */

/* For sentences, with those that are not read. */
static const char *type_name(uint32_t type)
{
    static const char *const NAMES[] = {
        [0] = "F32",     [1] = "F16",      [2] = "Q4_0",   [3] = "Q4_1",    [6] = "Q5_0",
        [7] = "Q5_1",    [8] = "Q8_0",     [9] = "Q8_1",   [10] = "Q2_K",   [11] = "Q3_K",
        [12] = "Q4_K",   [13] = "Q5_K",    [14] = "Q6_K",  [15] = "Q8_K",   [16] = "IQ2_XXS",
        [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S", [20] = "IQ4_NL", [21] = "IQ3_S",
        [22] = "IQ2_S",  [23] = "IQ4_XS",  [24] = "I8",    [25] = "I16",    [26] = "I32",
        [27] = "I64",    [28] = "F64",     [29] = "IQ1_M", [30] = "BF16",   [34] = "TQ1_0",
        [35] = "TQ2_0",
    };
    const char *name = type < sizeof NAMES / sizeof *NAMES ? NAMES[type] : NULL;
    return name ? name : "unknown";
}

struct fl_gguf_tensor *fl_gguf_tensors(struct fl_gguf *gguf, size_t *n)
{
    *n = gguf->n_tensors;
    return gguf->tensors;
}

struct fl_gguf_tensor *fl_gguf_find_tensor(struct fl_gguf *gguf, const char *name)
{
    if (gguf->n_tensors == 0)
        return NULL;
    struct fl_gguf_tensor wanted = {.name = {name, strlen(name)}};
    return bsearch(&wanted, gguf->tensors, gguf->n_tensors, sizeof wanted, compare_tensors);
}

static const uint32_t DTYPES[FL_N_DTYPES] = {
    [FL_F32] = 0,  [FL_F16] = 1,   [FL_BF16] = 30, [FL_Q8_0] = 8,
    [FL_Q4_0] = 2, [FL_Q4_K] = 12, [FL_Q6_K] = 14,
};

uint32_t fl_gguf_type(enum fl_dtype dtype)
{
    return DTYPES[dtype];
}

/* False when the type is none that is read. */
static bool find_dtype(enum fl_dtype *dtype, uint32_t type)
{
    for (int i = 0; i < FL_N_DTYPES; i++)
        if (DTYPES[i] == type) {
            *dtype = (enum fl_dtype)i;
            return true;
        }
    return false;
}

int fl_gguf_data(const struct fl_gguf *gguf, const struct fl_gguf_tensor *tensor,
                 struct fl_gguf_numbers *numbers, struct fl_error *error)
{
    enum fl_dtype dtype;
    if (!find_dtype(&dtype, tensor->type))
        return fl_fail(error,
                       "%s: %.*s: expected F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K, not %s (type "
                       "%" PRIu32 ")",
                       gguf->path, shown(tensor->name), tensor->name.data, type_name(tensor->type),
                       tensor->type);
    const size_t block = (size_t)fl_dtype_block(dtype);
    if (tensor->dims[0] % block != 0)
        return fl_fail(error,
                       "%s: %.*s: expected rows that are a multiple of %zu long, as %s needs, not "
                       "%" PRIu64,
                       gguf->path, shown(tensor->name), tensor->name.data, block,
                       type_name(tensor->type), tensor->dims[0]);
    size_t n = 1, bytes;
    bool fits = true;
    for (int i = 0; i < tensor->n_dims; i++)
        fits = fits && fl_size_mul(n, (size_t)tensor->dims[i], &n);
    fits = fits && fl_size_mul(n / block, (size_t)fl_dtype_block_bytes(dtype), &bytes);
    if (!fits || tensor->offset > gguf->data_size || bytes > gguf->data_size - tensor->offset)
        return fl_fail(error, "%s: %.*s: expected its data within the file, it ends before them",
                       gguf->path, shown(tensor->name), tensor->name.data);
    *numbers = (struct fl_gguf_numbers){gguf->data + tensor->offset, dtype, n, bytes};
    return FL_OK;
}

struct fl_mapping *fl_gguf_mapping(struct fl_gguf *gguf)
{
    return &gguf->mapping;
}
