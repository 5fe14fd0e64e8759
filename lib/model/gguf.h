/* gguf.h - reads GGUF files, versions 2 and 3: typed metadata and the table of tensors.
 * Source: the GGUF specification, ggml-org/ggml docs/gguf.md.
 *
 * The whole header is walked and checked once by fl_gguf_open(); keys, strings and arrays are then
 * views into the mapped file, valid until fl_gguf_close(). A key that must be there; a refusal
 * names file, key and what was expected:
 *
 *     int64_t n_layers;
 *     if (fl_gguf_get_int(gguf, "llama.block_count", 1, 4096, &n_layers, error) != FL_OK)
 *         return FL_FAILED;
 *
 * For one that may be absent ask fl_gguf_has() first. An array, of texts that are any bytes and not
 * NUL-terminated:
 *
 *     static const char KEY[] = "tokenizer.ggml.tokens";
 *     struct fl_gguf_array tokens;
 *     struct fl_gguf_string token;
 *     if (fl_gguf_get_array(gguf, KEY, FL_GGUF_STRINGS, &tokens, error) != FL_OK)
 *         return FL_FAILED;
 *     while (fl_gguf_next_string(&tokens, &token))
 *         use(token.data, token.length);
 */
#ifndef FL_MODEL_GGUF_H
#define FL_MODEL_GGUF_H

#include "base/dtype.h"
#include "base/error.h"
#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_gguf; /* opaque */

struct fl_gguf_string {
    const char *data;
    size_t length; /* bytes */
};

/* What an array's elements must be; integers of every width, signed or not, are one class, and so
 * are both widths of floats. */
enum fl_gguf_class { FL_GGUF_INTS, FL_GGUF_REALS, FL_GGUF_BOOLS, FL_GGUF_STRINGS };

struct fl_gguf_array {
    uint64_t n;    /* elements in all */
    uint64_t left; /* of which not yet read */
    const unsigned char *next;
    uint32_t type; /* the file's number for the element type */
};

/* True when the file starts with the magic bytes; false too when it cannot be read. */
bool fl_gguf_is(const char *path);

int fl_gguf_open(struct fl_gguf **gguf, const char *path, struct fl_error *error);
void fl_gguf_close(struct fl_gguf *gguf);

bool fl_gguf_has(const struct fl_gguf *gguf, const char *key);
int fl_gguf_get_int(const struct fl_gguf *gguf, const char *key, int64_t min, int64_t max,
                    int64_t *value, struct fl_error *error);
int fl_gguf_get_real(const struct fl_gguf *gguf, const char *key, double *value,
                     struct fl_error *error);
int fl_gguf_get_bool(const struct fl_gguf *gguf, const char *key, bool *value,
                     struct fl_error *error);
int fl_gguf_get_string(const struct fl_gguf *gguf, const char *key, struct fl_gguf_string *value,
                       struct fl_error *error);
int fl_gguf_get_array(const struct fl_gguf *gguf, const char *key, enum fl_gguf_class elements,
                      struct fl_gguf_array *array, struct fl_error *error);

/* The next element; false at the end. Only for arrays got as that class; bools as ints. */
bool fl_gguf_next_int(struct fl_gguf_array *array, int64_t *value);
bool fl_gguf_next_real(struct fl_gguf_array *array, double *value);
bool fl_gguf_next_string(struct fl_gguf_array *array, struct fl_gguf_string *value);

/* Every value as its bytes stand in the file, sorted by key: for copying them into another one. */
struct fl_gguf_entry {
    struct fl_gguf_string key;
    uint32_t type; /* the file's number */
    const void *value;
    size_t size;
};
size_t fl_gguf_n_entries(const struct fl_gguf *gguf);
struct fl_gguf_entry fl_gguf_entry(const struct fl_gguf *gguf, size_t i);

/* ---- tensors ---- */

struct fl_gguf_tensor {
    struct fl_gguf_string name;
    int n_dims;       /* 1 .. 4 */
    uint64_t dims[4]; /* as stored: the fastest first */
    uint32_t type;    /* the format's number, see fl_gguf_type() */
    uint64_t offset;  /* bytes from the start of the data section */
    bool used;        /* free for the caller to note */
};
/* The format's number of a tensor's type. */
uint32_t fl_gguf_type(enum fl_dtype dtype);

struct fl_gguf_tensor *fl_gguf_tensors(struct fl_gguf *gguf, size_t *n);
/* NULL when there is none of that name. */
struct fl_gguf_tensor *fl_gguf_find_tensor(struct fl_gguf *gguf, const char *name);

/* A tensor's numbers. */
struct fl_gguf_numbers {
    const void *data;
    enum fl_dtype dtype;
    size_t n;       /* elements */
    size_t n_bytes; /* of data */
};

/* Refused when they are of a type that is not read, not whole rows of blocks, or not wholly inside
 * the file. */
int fl_gguf_data(const struct fl_gguf *gguf, const struct fl_gguf_tensor *tensor,
                 struct fl_gguf_numbers *numbers, struct fl_error *error);

/* The mapping behind it all, for a model to take over: emptied then, and left alone by close. */
struct fl_mapping *fl_gguf_mapping(struct fl_gguf *gguf);

#endif
