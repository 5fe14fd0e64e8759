/* gguf_t5.h - what GGUF files of T5 say beyond those of decoders: a second stack, relative
 * positions, the id that decoding starts with. */
#ifndef FL_MODEL_GGUF_T5_H
#define FL_MODEL_GGUF_T5_H

#include "model/config.h"
#include "model/gguf.h"
#include "model/gguf_write.h"

/* config: as the keys of decoders have filled it in; n_layers becomes the decoder's. The network is
 * ReLU, or with gates the tanh form of GELU: the file has no word for it. */
int fl_gguf_t5_read(struct fl_config *config, struct fl_gguf *gguf, const char *path,
                    struct fl_error *error);

/* The keys that it reads, but for block_count, which is the encoder's. */
void fl_gguf_t5_put(struct fl_gguf_writer *writer, const struct fl_config *config);

#endif
