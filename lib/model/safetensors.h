/* safetensors.h - reads the table of tensors of a safetensors file.
 *
 * Eight bytes of header size, little-endian; a JSON object {name: {dtype, shape, data_offsets}};
 * the data. Everything is checked when the file is opened: offsets within the file, no two tensors
 * sharing bytes, sizes as shape and dtype say.
 * Source: huggingface/safetensors, README, section Format. */
#ifndef FL_MODEL_SAFETENSORS_H
#define FL_MODEL_SAFETENSORS_H

#include "base/error.h"
#include "base/file.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FL_SAFETENSORS_MAX_DIMS = 8 };

struct fl_safetensors_tensor {
    const char *name;
    const char *dtype; /* "F32", "BF16", ... */
    int n_dims;
    uint64_t dims[FL_SAFETENSORS_MAX_DIMS]; /* row-major, the fastest last */
    const unsigned char *data;              /* at any alignment */
    uint64_t n_bytes;
    bool used; /* free for the caller to note */
};

struct fl_safetensors {
    struct fl_mapping mapping;
    cJSON *header;                         /* owns the names */
    struct fl_safetensors_tensor *tensors; /* sorted by name */
    size_t n_tensors;
};

int fl_safetensors_open(struct fl_safetensors *file, const char *path, struct fl_error *error);
void fl_safetensors_close(struct fl_safetensors *file);

/* NULL when there is none of that name. */
struct fl_safetensors_tensor *fl_safetensors_find(struct fl_safetensors *file, const char *name);

#endif
