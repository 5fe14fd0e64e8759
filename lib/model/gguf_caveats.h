/* gguf_caveats.h - what llama.cpp makes of a model's GGUF file that this engine does not: the files
 * keep everything, but llama.cpp does not read everything.
 *
 * Seen with release 0.5.0 of llama.cpp, by comparing logits (docs/formats.md); most of it is older
 * than its GGUF format. */
#ifndef FL_MODEL_GGUF_CAVEATS_H
#define FL_MODEL_GGUF_CAVEATS_H

#include "model/config.h"

/* The first sentence from *next on that is true of such a model; NULL when there is none left.
 * Start with *next = 0. */
const char *fl_gguf_caveat(const struct fl_config *config, int *next);

#endif
