/* llama2c.h - a model out of a file of karpathy/llama2.c: the legacy layout and version 1, both of
 * 32-bit floats.
 *
 * Legacy: seven int32 (d_model, d_ff, n_layers, n_heads, n_kv_heads, vocab_size, n_ctx), a negative
 * vocab_size meaning that the logits have a matrix of their own; then the tensors, among them the
 * rotary tables, which are skipped. Version 1: magic "ak42" as an int32, version, the same seven, a
 * byte that is 1 when the embedding is shared, zeros up to byte 256; then the tensors in another
 * order. The size of the file follows from the header and must agree. */
#ifndef FL_MODEL_LLAMA2C_H
#define FL_MODEL_LLAMA2C_H

#include "model/weights.h"

int fl_llama2c_config(struct fl_config *config, const char *path, const char *name,
                      struct fl_error *error);

int fl_llama2c_model(struct fl_model *model, const char *path, const char *name,
                     struct fl_error *error);

#endif
