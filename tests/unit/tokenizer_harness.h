/* tokenizer_harness.h - opens tokenizers of the reference data and holds them to what other
 * programs say, for tests; what fails ends the test, but for ids, which are expected. */
#ifndef TOKENIZER_HARNESS_H
#define TOKENIZER_HARNESS_H

#include "text/tokenizer.h"

#include <cJSON.h>
#include <stdbool.h>

#define REFERENCE "../shared/reference/"

/* True, and a line on stderr says so, when the file is not there: the caller leaves it out. "bytes"
 * always is. */
bool harness_absent(const char *path);

/* The file as a NUL-terminated text. Release with free(). */
char *harness_text(const char *path);

/* The tokenizer of that file, or "bytes", for a model of any vocabulary. */
struct fl_tokenizer *harness_tokenizer(const char *path);

/* llama.cpp's texts (cases.inp) and the ids it gave them, a line each (cases.out). */
void harness_expect_cases(const struct fl_tokenizer *tokenizer, const char *cases);

/* Whether a text without anything put around it gives the ids of a list. */
bool harness_gives(const struct fl_tokenizer *tokenizer, const char *text, const cJSON *wanted);

#endif
