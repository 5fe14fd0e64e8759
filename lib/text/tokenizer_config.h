/* tokenizer_config.h - Hugging Face's tokenizer_config.json, which lies beside a tokenizer: which
 * tokens begin and end a text, and the chat template. */
#ifndef FL_TEXT_TOKENIZER_CONFIG_H
#define FL_TEXT_TOKENIZER_CONFIG_H

#include "text/tokenizer_internal.h"

enum { FL_HF_FILE_MAX = 1 << 27, FL_HF_PATH_MAX = 4096 };

/* The name of another file in the directory of path. */
int fl_hf_beside(char out[FL_HF_PATH_MAX], const char *path, const char *name,
                 struct fl_error *error);

/* What tokenizer_config.json beside path says about a finished tokenizer; no file: nothing.
 * use_flags: add_bos_token and add_eos_token count, because the tokenizer's own format has no word
 * on that. */
int fl_tokenizer_read_config(struct fl_tokenizer *tokenizer, const char *path, bool use_flags,
                             struct fl_error *error);

#endif
