/* model_files.h - writes tiny models in the formats the loaders read, for their tests and fuzzers.
 *
 * Written from the formats' descriptions, apart from the loaders: a model written and read back
 * must be the same model. */
#ifndef FL_TESTS_MODEL_FILES_H
#define FL_TESTS_MODEL_FILES_H

#include "model/weight_layout.h"

struct bytes {
    unsigned char *data;
    size_t size, capacity;
};

void bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_add_u32(struct bytes *bytes, uint32_t value);
void bytes_add_u64(struct bytes *bytes, uint64_t value);
void bytes_pad(struct bytes *bytes, size_t multiple); /* with zeros */
void bytes_free(struct bytes *bytes);
void bytes_write(const struct bytes *bytes, const char *path);

/* A new directory for the files of one test, and its removal with all they wrote there. */
void scratch_open(char directory[64]);
void scratch_close(const char *directory);
/* directory/name, valid until the next call. */
const char *scratch_path(const char *directory, const char *name);

/* d_model 8, 2 layers, 2 heads (1 key/value head but for gpt2 and classic), d_ff 12, vocabulary 16,
 * context 8; rotary pairs interleaved in llama and mixtral; 3 experts. Any decoder-only arch. */
struct fl_config tiny_config(enum fl_arch arch, bool tied);

/* Each gives an empty `bytes` when the format does not know the architecture. */
struct bytes write_llama2c(struct fl_model *model, int version);
struct bytes write_gguf(struct fl_model *model, uint32_t version);
struct bytes write_safetensors(struct fl_model *model, const char *prefix);
/* Every tensor, vectors too, as F32, F16 or BF16. */
struct bytes write_safetensors_as(struct fl_model *model, const char *prefix, enum fl_dtype dtype);
struct bytes write_hf_config(const struct fl_config *config);

/* One tensor of the model as the engine sees it; NULL when the config has no such slot. */
const float *slot_data(struct fl_model *model, int layer, enum fl_weight_role role, size_t *n);

/* Element [row, column] of a slot in f32, wherever it is stored. */
float slot_element(const struct fl_weight_slot *slot, size_t row, size_t column);

/* True when every field is the same. */
bool configs_equal(const struct fl_config *a, const struct fl_config *b);

/* True when both have the same slots with the same numbers, read through ld and in_out. */
bool models_equal(struct fl_model *a, struct fl_model *b);

#endif
