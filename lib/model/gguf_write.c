#include "model/gguf_write.h"
#include "base/checked.h"
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Numbers of the value types that are written. */
enum {
    TYPE_UINT8 = 0,
    TYPE_UINT32 = 4,
    TYPE_INT32 = 5,
    TYPE_FLOAT32 = 6,
    TYPE_BOOL = 7,
    TYPE_STRING = 8,
    TYPE_ARRAY = 9
};

enum { VERSION = 3 };

/* Bytes that grow; `lost` once memory has run out. */
struct buffer {
    unsigned char *data;
    size_t size, capacity;
    bool lost;
};

struct fl_gguf_writer {
    struct fl_output output;
    struct buffer entries, tensors; /* as they will stand in the file */
    uint64_t n_entries, n_tensors;
    uint64_t *sizes;   /* bytes of each tensor */
    uint64_t at;       /* the tensor whose turn it is */
    uint64_t written;  /* bytes of it */
    uint64_t data_end; /* of the data section so far, padding included */
};

/* ---- bytes ---- */

static void add(struct buffer *buffer, const void *data, size_t size)
{
    size_t needed;
    if (size == 0 || buffer->lost)
        return;
    if (!fl_size_add(buffer->size, size, &needed) || needed > SIZE_MAX / 2) {
        buffer->lost = true;
        return;
    }
    if (needed > buffer->capacity) {
        unsigned char *larger = realloc(buffer->data, 2 * needed);
        if (!larger) {
            buffer->lost = true;
            return;
        }
        buffer->data = larger;
        buffer->capacity = 2 * needed;
    }
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size = needed;
}

static void add_u32(struct buffer *buffer, uint32_t value)
{
    add(buffer, &value, sizeof value);
}

static void add_u64(struct buffer *buffer, uint64_t value)
{
    add(buffer, &value, sizeof value);
}

static void add_string(struct buffer *buffer, const char *text, size_t length)
{
    add_u64(buffer, length);
    add(buffer, text, length);
}

static uint64_t padding(uint64_t size)
{
    return (FL_GGUF_ALIGNMENT - size % FL_GGUF_ALIGNMENT) % FL_GGUF_ALIGNMENT;
}

/* ---- metadata ---- */

void fl_gguf_put_raw(struct fl_gguf_writer *writer, const char *key, size_t key_length,
                     uint32_t type, const void *value, size_t size)
{
    add_string(&writer->entries, key, key_length);
    add_u32(&writer->entries, type);
    add(&writer->entries, value, size);
    writer->n_entries++;
}

void fl_gguf_put_uint(struct fl_gguf_writer *writer, const char *key, uint32_t value)
{
    fl_gguf_put_raw(writer, key, strlen(key), TYPE_UINT32, &value, sizeof value);
}

void fl_gguf_put_real(struct fl_gguf_writer *writer, const char *key, double value)
{
    float narrow = (float)value;
    fl_gguf_put_raw(writer, key, strlen(key), TYPE_FLOAT32, &narrow, sizeof narrow);
}

void fl_gguf_put_bool(struct fl_gguf_writer *writer, const char *key, bool value)
{
    unsigned char byte = value;
    fl_gguf_put_raw(writer, key, strlen(key), TYPE_BOOL, &byte, sizeof byte);
}

void fl_gguf_put_string(struct fl_gguf_writer *writer, const char *key, const char *text,
                        size_t length)
{
    fl_gguf_put_raw(writer, key, strlen(key), TYPE_STRING, NULL, 0);
    add_string(&writer->entries, text, length);
}

static void begin_array(struct fl_gguf_writer *writer, const char *key, uint32_t type, uint64_t n)
{
    fl_gguf_put_raw(writer, key, strlen(key), TYPE_ARRAY, &type, sizeof type);
    add_u64(&writer->entries, n);
}

void fl_gguf_put_bytes(struct fl_gguf_writer *writer, const char *key, const void *data,
                       size_t size)
{
    begin_array(writer, key, TYPE_UINT8, size);
    add(&writer->entries, data, size);
}

void fl_gguf_begin_strings(struct fl_gguf_writer *writer, const char *key, uint64_t n)
{
    begin_array(writer, key, TYPE_STRING, n);
}

void fl_gguf_begin_reals(struct fl_gguf_writer *writer, const char *key, uint64_t n)
{
    begin_array(writer, key, TYPE_FLOAT32, n);
}

void fl_gguf_begin_ints(struct fl_gguf_writer *writer, const char *key, uint64_t n)
{
    begin_array(writer, key, TYPE_INT32, n);
}

void fl_gguf_add_string(struct fl_gguf_writer *writer, const char *text, size_t length)
{
    add_string(&writer->entries, text, length);
}

void fl_gguf_add_real(struct fl_gguf_writer *writer, float value)
{
    add(&writer->entries, &value, sizeof value);
}

void fl_gguf_add_int(struct fl_gguf_writer *writer, int32_t value)
{
    add(&writer->entries, &value, sizeof value);
}

/* ---- tensors ---- */

void fl_gguf_declare(struct fl_gguf_writer *writer, const char *name, int n_dims,
                     const uint64_t *dims, uint32_t type, uint64_t size)
{
    assert(strlen(name) <= FL_GGUF_NAME_MAX);
    uint64_t *sizes = realloc(writer->sizes, (size_t)(writer->n_tensors + 1) * sizeof *sizes);
    if (!sizes) {
        writer->tensors.lost = true;
        return;
    }
    writer->sizes = sizes;
    sizes[writer->n_tensors++] = size;
    add_string(&writer->tensors, name, strlen(name));
    add_u32(&writer->tensors, (uint32_t)n_dims);
    add(&writer->tensors, dims, (size_t)n_dims * sizeof *dims);
    add_u32(&writer->tensors, type);
    add_u64(&writer->tensors, writer->data_end);
    writer->data_end += size + padding(size);
}

/* ---- the file ---- */

int fl_gguf_create(struct fl_gguf_writer **writer, const char *path, struct fl_error *error)
{
    *writer = calloc(1, sizeof **writer);
    if (!*writer)
        return fl_fail(error, "%s: cannot reserve memory to write it", path);
    if (fl_output_open(&(*writer)->output, path, error) != FL_OK) {
        free(*writer);
        *writer = NULL;
        return FL_FAILED;
    }
    return FL_OK;
}

const char *fl_gguf_partial(const struct fl_gguf_writer *writer)
{
    return writer->output.partial;
}

static int put(struct fl_gguf_writer *writer, const void *data, size_t size, struct fl_error *error)
{
    if (size == 0 || fwrite(data, 1, size, writer->output.stream) == size)
        return FL_OK;
    return fl_fail(error, "%s: cannot write: %s", writer->output.path, strerror(errno));
}

static int pad(struct fl_gguf_writer *writer, uint64_t size, struct fl_error *error)
{
    static const unsigned char ZEROS[FL_GGUF_ALIGNMENT];
    return put(writer, ZEROS, (size_t)padding(size), error);
}

/* Past the tensors that are full: those of no bytes at once, the others with their padding. */
static int skip_full(struct fl_gguf_writer *writer, struct fl_error *error)
{
    while (writer->at < writer->n_tensors && writer->written == writer->sizes[writer->at]) {
        if (pad(writer, writer->written, error) != FL_OK)
            return FL_FAILED;
        writer->at++;
        writer->written = 0;
    }
    return FL_OK;
}

int fl_gguf_begin_data(struct fl_gguf_writer *writer, struct fl_error *error)
{
    struct buffer start = {0};
    add(&start, "GGUF", 4);
    add_u32(&start, VERSION);
    add_u64(&start, writer->n_tensors);
    add_u64(&start, writer->n_entries);
    int status = FL_FAILED;
    if (start.lost || writer->entries.lost || writer->tensors.lost)
        fl_fail(error, "%s: cannot hold its header in memory", writer->output.path);
    else if (put(writer, start.data, start.size, error) == FL_OK &&
             put(writer, writer->entries.data, writer->entries.size, error) == FL_OK &&
             put(writer, writer->tensors.data, writer->tensors.size, error) == FL_OK &&
             pad(writer, start.size + writer->entries.size + writer->tensors.size, error) == FL_OK)
        status = skip_full(writer, error);
    free(start.data);
    return status;
}

int fl_gguf_write(struct fl_gguf_writer *writer, const void *data, size_t size,
                  struct fl_error *error)
{
    const unsigned char *from = data;
    while (size > 0) {
        assert(writer->at < writer->n_tensors);
        uint64_t left = writer->sizes[writer->at] - writer->written;
        size_t n = size < left ? size : (size_t)left;
        if (put(writer, from, n, error) != FL_OK)
            return FL_FAILED;
        from += n;
        size -= n;
        writer->written += n;
        if (skip_full(writer, error) != FL_OK)
            return FL_FAILED;
    }
    return FL_OK;
}

int fl_gguf_finish(struct fl_gguf_writer *writer, struct fl_error *error)
{
    assert(writer->at == writer->n_tensors);
    if (fflush(writer->output.stream) != 0 || ferror(writer->output.stream) ||
        fsync(fileno(writer->output.stream)) != 0)
        return fl_fail(error, "%s: cannot write: %s", writer->output.path, strerror(errno));
    return FL_OK;
}

int fl_gguf_commit(struct fl_gguf_writer *writer, struct fl_error *error)
{
    return fl_output_commit(&writer->output, error);
}

void fl_gguf_discard(struct fl_gguf_writer *writer)
{
    if (!writer)
        return;
    fl_output_abandon(&writer->output);
    free(writer->entries.data);
    free(writer->tensors.data);
    free(writer->sizes);
    free(writer);
}
