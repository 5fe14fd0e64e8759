/* gguf_write.h - writes a GGUF file, version 3: typed metadata, the table of tensors, their bytes.
 * Source: the GGUF specification, ggml-org/ggml docs/gguf.md.
 *
 *     struct fl_gguf_writer *writer;
 *     fl_gguf_create(&writer, "out.gguf", error);         writes to out.gguf.partial
 *     fl_gguf_put_string(writer, "general.architecture", "llama", 5);
 *     fl_gguf_declare(writer, "token_embd.weight", 2, (uint64_t[]){d_model, vocab}, type, size);
 *     fl_gguf_begin_data(writer, error);                  the header is complete
 *     fl_gguf_write(writer, data, size, error);           once or more, each tensor in its turn
 *     fl_gguf_finish(writer, error);                      everything is on the disk
 *     fl_gguf_commit(writer, error);                      and now called out.gguf
 *
 * The put and declare functions cannot fail; when memory has run out fl_gguf_begin_data() says so.
 * Whatever happens, fl_gguf_discard() comes last: it removes the file unless it was committed. */
#ifndef FL_MODEL_GGUF_WRITE_H
#define FL_MODEL_GGUF_WRITE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_gguf_writer; /* opaque */

enum { FL_GGUF_NAME_MAX = 63, FL_GGUF_ALIGNMENT = 32 };

int fl_gguf_create(struct fl_gguf_writer **writer, const char *path, struct fl_error *error);

/* The file's name until it is committed. */
const char *fl_gguf_partial(const struct fl_gguf_writer *writer);

/* ---- metadata; each key once ---- */

void fl_gguf_put_uint(struct fl_gguf_writer *writer, const char *key, uint32_t value);
void fl_gguf_put_real(struct fl_gguf_writer *writer, const char *key, double value); /* as f32 */
void fl_gguf_put_bool(struct fl_gguf_writer *writer, const char *key, bool value);
void fl_gguf_put_string(struct fl_gguf_writer *writer, const char *key, const char *text,
                        size_t length);

/* An array of uint8. */
void fl_gguf_put_bytes(struct fl_gguf_writer *writer, const char *key, const void *data,
                       size_t size);

/* A value as it stands in another file, see fl_gguf_entry(). */
void fl_gguf_put_raw(struct fl_gguf_writer *writer, const char *key, size_t key_length,
                     uint32_t type, const void *value, size_t size);

/* An array: announced with its length, then that many elements of its kind. */
void fl_gguf_begin_strings(struct fl_gguf_writer *writer, const char *key, uint64_t n);
void fl_gguf_begin_reals(struct fl_gguf_writer *writer, const char *key, uint64_t n); /* f32 */
void fl_gguf_begin_ints(struct fl_gguf_writer *writer, const char *key, uint64_t n);  /* int32 */
void fl_gguf_add_string(struct fl_gguf_writer *writer, const char *text, size_t length);
void fl_gguf_add_real(struct fl_gguf_writer *writer, float value);
void fl_gguf_add_int(struct fl_gguf_writer *writer, int32_t value);

/* ---- tensors ---- */

/* dims as GGUF stores them, the fastest first; type is GGUF's number; size in bytes. Offsets
 * follow from the sizes, in the order of the calls. */
void fl_gguf_declare(struct fl_gguf_writer *writer, const char *name, int n_dims,
                     const uint64_t *dims, uint32_t type, uint64_t size);

int fl_gguf_begin_data(struct fl_gguf_writer *writer, struct fl_error *error);
/* Bytes of the tensor whose turn it is; when it is full, the next one's. */
int fl_gguf_write(struct fl_gguf_writer *writer, const void *data, size_t size,
                  struct fl_error *error);

/* Every tensor must be full. */
int fl_gguf_finish(struct fl_gguf_writer *writer, struct fl_error *error);
int fl_gguf_commit(struct fl_gguf_writer *writer, struct fl_error *error);
void fl_gguf_discard(struct fl_gguf_writer *writer); /* NULL: nothing */

#endif
