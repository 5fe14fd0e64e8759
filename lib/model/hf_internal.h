/* hf_internal.h - between the files that read config.json: what differs from architecture to
 * architecture is a table (hf_architectures.c), what no table can say a function (hf_parts.c). */
#ifndef FL_MODEL_HF_INTERNAL_H
#define FL_MODEL_HF_INTERNAL_H

#include "model/config.h"
#include "model/json_read.h"

#include <stdbool.h>
#include <stddef.h>

/* A key that holds a whole number, and the field of struct fl_config it goes to. */
struct fl_hf_int {
    const char *key;
    const char *field; /* its name */
    size_t offset;
    enum fl_json_need need;
    bool may_be_zero;
};

/* A switch that only one value of can be run. */
struct fl_hf_fixed {
    const char *key;
    bool value;
};

struct fl_hf_reader {
    struct fl_json json;
    struct fl_config *config;
    const struct fl_hf_architecture *arch;
};

struct fl_hf_architecture {
    const char *model_type;
    const char *classes[3];          /* of "architectures"; NULL-terminated */
    const struct fl_hf_int *ints;    /* ends with a key of NULL */
    const struct fl_hf_fixed *fixed; /* likewise */
    const char *eps_key;
    const char *activation_key;               /* NULL: the function reads it */
    int (*read)(struct fl_hf_reader *reader); /* what no table says */
    struct fl_config config;                  /* defaults */
};

extern const struct fl_hf_architecture fl_hf_architectures[];
extern const int fl_hf_n_architectures;

/* ---- parts ---- */

int fl_hf_read_activation(const struct fl_json *json, const char *key,
                          enum fl_activation *activation);

/* An id, or a list of several of which the first is taken; -1 when the key is absent. */
int fl_hf_read_token_id(const struct fl_json *json, const char *key, int *id);

/* ---- architectures; the dimensions have been read ---- */

int fl_hf_read_gpt2(struct fl_hf_reader *reader);
int fl_hf_read_llama(struct fl_hf_reader *reader);
int fl_hf_read_mistral(struct fl_hf_reader *reader);
int fl_hf_read_qwen2(struct fl_hf_reader *reader);
int fl_hf_read_qwen3(struct fl_hf_reader *reader);
int fl_hf_read_qwen_moe(struct fl_hf_reader *reader);
int fl_hf_read_neox(struct fl_hf_reader *reader);
int fl_hf_read_classic(struct fl_hf_reader *reader);
int fl_hf_read_t5(struct fl_hf_reader *reader);
int fl_hf_read_encdec(struct fl_hf_reader *reader);

#endif
