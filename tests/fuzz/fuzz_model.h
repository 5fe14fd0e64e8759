/* fuzz_model.h - what the fuzzers of model files share. */
#ifndef FL_TESTS_FUZZ_MODEL_H
#define FL_TESTS_FUZZ_MODEL_H

#include "base/file.h"
#include "model/gguf_convert.h"
#include "tests/fuzz/mutate.h"
#include "tests/unit/model_files.h"

#include <stdio.h>
#include <stdlib.h>

/* No reader of a file of at most a mebibyte needs more in one piece. */
#define FUZZ_LIMIT_ALLOCATIONS                                                                     \
    const char *__asan_default_options(void);                                                      \
    const char *__asan_default_options(void)                                                       \
    {                                                                                              \
        return "max_allocation_size_mb=128";                                                       \
    }

/* A refusal must say why. */
static inline void fuzz_expect_sentence(int status, const struct fl_error *error)
{
    if (status != FL_OK && (status != FL_FAILED || error->text[0] == '\0'))
        abort();
}

/* Inputs that loaded, the seeds among them. */
static long fuzz_n_loaded;

/* A run in which nothing loads tests little: its seeds are wrong. */
static inline int fuzz_finish(int status)
{
    printf("%ld inputs loaded\n", fuzz_n_loaded);
    return status == EXIT_SUCCESS && fuzz_n_loaded == 0 ? EXIT_FAILURE : status;
}

static inline bool fuzz_between(const void *data, size_t size, const void *base, size_t base_size)
{
    uintptr_t at = (uintptr_t)data, start = (uintptr_t)base;
    return at >= start && size <= base_size && at - start <= base_size - size;
}

/* A mapping ends with its page, not with the file, so no sanitizer sees a small overrun: compare
 * addresses. Copies are on the heap, which is watched. */
static inline void fuzz_expect_inside(const struct fl_model *model, const void *data, size_t size)
{
    const struct fl_weight_storage *storage = model->storage;
    bool inside =
        storage->n_copies > 0 || fuzz_between(data, size, storage->arena.base, storage->arena.size);
    for (int i = 0; i < storage->n_files; i++)
        inside = inside || fuzz_between(data, size, storage->files[i].data, storage->files[i].size);
    if (!inside)
        abort();
}

/* What was let through must pass the checks again and lie within the mapped file: reads both ends
 * of every tensor, through strides. */
static inline void fuzz_touch(struct fl_model *model)
{
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    volatile int sum = 0;
    fuzz_n_loaded++;
    if (fl_config_check(&model->config, "fuzz", NULL) != FL_OK)
        abort();
    for (int group = 0; group < fl_weight_n_groups(model); group++) {
        int n = fl_weight_group(model, group, slots);
        for (int i = 0; i < n; i++) {
            const unsigned char *data = fl_weight_slot_data(&slots[i]);
            const struct fl_linear *linear = slots[i].linear;
            size_t n_elements = fl_weight_slot_size(&slots[i]);
            if (linear && linear->in_out)
                n_elements =
                    (size_t)(linear->n_in - 1) * (size_t)linear->ld + (size_t)linear->n_out;
            size_t size = fl_dtype_bytes(fl_weight_slot_dtype(&slots[i]), n_elements);
            fuzz_expect_inside(model, data, size);
            sum = sum + data[0] + data[size - 1];
        }
    }
}

/* A seeded random model of model_files.h. */
static inline struct fl_model fuzz_tiny(enum fl_arch arch, bool tied)
{
    struct fl_model model;
    struct fl_config config = tiny_config(arch, tied);
    if (fl_model_random(&model, &config, 1, NULL) != FL_OK)
        abort();
    return model;
}

/* A random model of that config as a GGUF file in that format. */
static inline struct bytes fuzz_gguf_of(const struct fl_config *config, enum fl_dtype dtype)
{
    struct fl_model model;
    struct fl_gguf_plan plan;
    struct fl_gguf_writer *writer;
    const char *path = fuzz_file((const unsigned char *)"", 0, ".gguf");
    char *data;
    struct bytes bytes = {0};
    if (fl_model_random(&model, config, 2, NULL) != FL_OK ||
        fl_gguf_plan(&plan, &model, (int)dtype, NULL) != FL_OK ||
        fl_gguf_create(&writer, path, NULL) != FL_OK)
        abort();
    fl_gguf_put_config(writer, &plan);
    fl_gguf_put_file_type(writer, &plan);
    fl_gguf_declare_all(writer, &plan);
    int status = fl_gguf_begin_data(writer, NULL);
    for (int i = 0; i < plan.n_tensors && status == FL_OK; i++)
        status = fl_gguf_write_tensor(writer, &plan, i, NULL);
    if (status != FL_OK || fl_gguf_finish(writer, NULL) != FL_OK ||
        fl_gguf_commit(writer, NULL) != FL_OK ||
        fl_file_read(&data, &bytes.size, path, FUZZ_MAX_BYTES, NULL) != FL_OK)
        abort();
    bytes.data = (unsigned char *)data;
    fl_gguf_discard(writer);
    fl_gguf_plan_close(&plan);
    fl_model_close(&model);
    return bytes;
}

/* Blocks are up to 256 long: few rows of 256. */
static inline struct bytes fuzz_gguf(enum fl_dtype dtype, bool tied)
{
    struct fl_config config = tiny_config(FL_ARCH_LLAMA, tied);
    config.d_model = 256;
    config.d_ff = 4;
    return fuzz_gguf_of(&config, dtype);
}

#endif
