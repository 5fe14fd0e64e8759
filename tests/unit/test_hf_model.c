#include "model/hf_model.h"
#include "ops/convert.h"
#include "tests/unit/model_files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char directory[64];

static void set_up(void)
{
    scratch_open(directory);
}
static void tear_down(void)
{
    scratch_close(directory);
}
TestSuite(hf_model, .init = set_up, .fini = tear_down);

static struct fl_model tiny(enum fl_arch arch, bool tied)
{
    struct fl_model model;
    struct fl_config config = tiny_config(arch, tied);
    struct fl_error error = {""};
    config.rope.interleaved = false;
    cr_assert_eq(fl_model_random(&model, &config, 9, &error), FL_OK, "%s", error.text);
    return model;
}

static void write_config(const struct fl_config *config)
{
    struct bytes bytes = write_hf_config(config);
    bytes_write(&bytes, scratch_path(directory, "config.json"));
    bytes_free(&bytes);
}

static void write_weights(struct bytes *bytes)
{
    bytes_write(bytes, scratch_path(directory, "model.safetensors"));
}

static void expect_same(struct fl_model *written, const char *what)
{
    struct fl_model read;
    struct fl_error error = {""};
    cr_assert_eq(fl_hf_model(&read, directory, NULL, "tiny", &error), FL_OK, "%s: %s", what,
                 error.text);
    cr_expect(models_equal(written, &read), "%s", what);
    cr_expect(configs_equal(&written->config, &read.config), "%s", what);
    fl_model_close(&read);
}

Test(hf_model, what_was_written_is_read_back)
{
    static const enum fl_arch ARCHS[] = {FL_ARCH_CLASSIC, FL_ARCH_GPT2, FL_ARCH_LLAMA,
                                         FL_ARCH_QWEN2};
    for (int i = 0; i < 8; i++) {
        struct fl_model model = tiny(ARCHS[i / 2], i & 1);
        struct bytes bytes = write_safetensors(&model, "");
        write_config(&model.config);
        write_weights(&bytes);
        expect_same(&model, fl_arch_name(ARCHS[i / 2]));
        bytes_free(&bytes);
        fl_model_close(&model);
    }
}

Test(hf_model, gpt2_names_may_have_a_prefix)
{
    struct fl_model model = tiny(FL_ARCH_GPT2, false);
    struct bytes bytes = write_safetensors(&model, "transformer.");
    write_config(&model.config);
    write_weights(&bytes);
    expect_same(&model, "prefix");
    bytes_free(&bytes);
    fl_model_close(&model);
}

/* Matrices stay as they are stored, at any address; vectors become the same numbers in f32. */
Test(hf_model, sixteen_bits_are_kept_in_matrices)
{
    static const enum fl_dtype DTYPES[] = {FL_F16, FL_BF16};
    static const enum fl_arch ARCHS[] = {FL_ARCH_LLAMA, FL_ARCH_GPT2};
    for (int i = 0; i < 4; i++) {
        const enum fl_dtype dtype = DTYPES[i / 2];
        struct fl_model model = tiny(ARCHS[i % 2], true), read;
        struct fl_error error = {""};
        struct bytes bytes = write_safetensors_as(&model, "", dtype);
        write_config(&model.config);
        write_weights(&bytes);
        cr_assert_eq(fl_hf_model(&read, directory, NULL, "tiny", &error), FL_OK, "%s", error.text);
        cr_expect_eq(read.token_embedding.dtype, dtype);
        cr_expect_eq(read.layers[1].v.dtype, dtype);
        for (int j = 0; j < read.layers[1].v.n_out; j++) {
            const float gain = model.layers[1].norm_ffn.gain[j];
            const struct fl_linear *v = &read.layers[1].v, *of = &model.layers[1].v;
            const size_t at = (size_t)(v->in_out ? j : j * v->ld); /* row j, column 0; or 0, j */
            uint16_t bits;
            memcpy(&bits, (const char *)v->weight + at * sizeof bits, sizeof bits);
            const float weight = ((const float *)of->weight)[j * of->ld];
            cr_expect_eq(bits, dtype == FL_F16 ? fl_f32_to_f16(weight) : fl_f32_to_bf16(weight));
            cr_expect_eq(read.layers[1].norm_ffn.gain[j],
                         dtype == FL_F16 ? fl_f16_to_f32(fl_f32_to_f16(gain))
                                         : fl_bf16_to_f32(fl_f32_to_bf16(gain)));
        }
        fl_model_close(&read);
        fl_model_close(&model);
        bytes_free(&bytes);
    }
}

/* One blank more in the header moves all data by a byte. */
Test(hf_model, misaligned_data_is_copied)
{
    struct fl_model model = tiny(FL_ARCH_GPT2, true);
    struct bytes bytes = write_safetensors(&model, ""), moved = {0};
    uint64_t size;
    memcpy(&size, bytes.data, sizeof size);
    uint64_t larger = size + 1;
    bytes_add(&moved, &larger, sizeof larger);
    bytes_add(&moved, bytes.data + 8, size);
    bytes_add(&moved, " ", 1);
    bytes_add(&moved, bytes.data + 8 + size, bytes.size - 8 - size);
    write_config(&model.config);
    write_weights(&moved);
    expect_same(&model, "misaligned");
    bytes_free(&bytes);
    bytes_free(&moved);
    fl_model_close(&model);
}

/* Replaces text in the header of a good Llama model. */
static void expect_refused(const char *text, const char *replacement, const char *fragment)
{
    struct fl_model model = tiny(FL_ARCH_LLAMA, true);
    struct fl_error error = {""};
    struct bytes bytes = write_safetensors(&model, "");
    write_config(&model.config);
    fl_model_close(&model);
    unsigned char *at = memmem(bytes.data, bytes.size, text, strlen(text));
    cr_assert_not_null(at);
    memcpy(at, replacement, strlen(replacement));
    write_weights(&bytes);
    cr_expect_eq(fl_hf_model(&model, directory, NULL, "tiny", &error), FL_FAILED, "%s", fragment);
    cr_expect_not_null(strstr(error.text, fragment), "'%s' does not say '%s'", error.text,
                       fragment);
    bytes_free(&bytes);
}

Test(hf_model, tensors_that_do_not_fit_the_config_are_refused)
{
    expect_refused("layers.1.mlp.up_proj.weight", "layers.1.mlp.xp_proj.weight",
                   "layers.1.mlp.up_proj.weight: expected this tensor, it is missing");
    expect_refused("layers.1.mlp.up_proj.weight\":{\"dtype\":\"F32\",\"shape\":[12,8]",
                   "layers.1.mlp.up_proj.weight\":{\"dtype\":\"F32\",\"shape\":[8,12]",
                   "expected shape [12, 8], not [8, 12]");
    expect_refused("model.norm.weight\":{\"dtype\":\"F32\",\"shape\":[8]",
                   "model.norm.weight\":{\"dtype\":\"F16\",\"shape\":[16", "malformed");
    expect_refused("model.norm.weight\":{\"dtype\":\"F32\"",
                   "model.norm.weight\":{\"dtype\":\"I32\"",
                   "model.norm.weight: expected F32, F16 or BF16, not I32");
}

Test(hf_model, a_tensor_that_nothing_uses_is_refused)
{
    struct fl_model model = tiny(FL_ARCH_QWEN2, true); /* has biases */
    struct fl_error error = {""};
    struct fl_config config = tiny_config(FL_ARCH_LLAMA, true);
    struct bytes bytes = write_safetensors(&model, "");
    fl_model_close(&model);
    write_config(&config);
    write_weights(&bytes);
    cr_expect_eq(fl_hf_model(&model, directory, NULL, "tiny", &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "_proj.bias: expected no such tensor"), "%s", error.text);
    bytes_free(&bytes);
}

/* The whole model is the only shard. */
static int open_index(const char *index, struct fl_model *read, struct fl_error *error)
{
    struct fl_model model = tiny(FL_ARCH_LLAMA, true);
    struct bytes bytes = write_safetensors(&model, ""), text = {0};
    write_config(&model.config);
    bytes_write(&bytes, scratch_path(directory, "part-1.safetensors"));
    bytes_add(&text, index, strlen(index));
    bytes_write(&text, scratch_path(directory, "model.safetensors.index.json"));
    bytes_free(&bytes);
    bytes_free(&text);
    int status = fl_hf_model(read, directory, NULL, "tiny", error);
    if (status == FL_OK)
        cr_expect(models_equal(&model, read));
    fl_model_close(&model);
    return status;
}

Test(hf_model, shards_are_found_through_the_index)
{
    struct fl_model read;
    struct fl_error error = {""};
    cr_assert_eq(open_index("{\"weight_map\":{\"model.norm.weight\":\"part-1.safetensors\","
                            "\"model.embed_tokens.weight\":\"part-1.safetensors\"}}",
                            &read, &error),
                 FL_OK, "%s", error.text);
    fl_model_close(&read);
}

Test(hf_model, false_indices_are_refused)
{
    static const struct {
        const char *index, *fragment;
    } CASES[] = {
        {"{\"weight_map\":{\"a\":\"../part-1.safetensors\"}}", "same directory"},
        {"{\"weight_map\":{\"a\":\"/tmp/part-1.safetensors\"}}", "same directory"},
        {"{\"weight_map\":{\"a\":\"..\"}}", "same directory"},
        {"{\"weight_map\":{\"a\":\".\"}}", "same directory"},
        {"{\"weight_map\":{\"a\":\"\"}}", "same directory"},
        {"{\"weight_map\":{\"a\":null}}", "same directory"},
        {"{\"weight_map\":{\"a\":\"part-1.safetensors\"}}",
         "part-1.safetensors: a: expected this tensor, which"},
        {"{\"weight_map\":\"part-1.safetensors\"}", "weight_map: expected an object"},
        {"{\"weight_map\":{\"a\":3}}", "same directory"},
        {"{\"weight_map\":{\"a\":\"part-2.safetensors\"}}", "part-2.safetensors: cannot open"},
        {"{\"weight_map\":[]}", "weight_map: expected an object"},
        {"{\"weight_map\":{}}", "expected this tensor, it is missing"},
        {"{}", "weight_map: expected an object"},
        {"{", "malformed"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_model read;
        struct fl_error error = {""};
        cr_expect_eq(open_index(CASES[i].index, &read, &error), FL_FAILED, "%s", CASES[i].index);
        cr_expect_not_null(strstr(error.text, CASES[i].fragment), "%s", error.text);
    }
}

/* A tensor in two shards: which one counts would be a guess. */
Test(hf_model, a_tensor_in_two_shards_is_refused)
{
    struct fl_model model = tiny(FL_ARCH_LLAMA, true), read;
    struct fl_error error = {""};
    struct bytes bytes = write_safetensors(&model, "");
    bytes_write(&bytes, scratch_path(directory, "part-2.safetensors"));
    bytes_free(&bytes);
    fl_model_close(&model);
    cr_expect_eq(open_index("{\"weight_map\":{\"model.norm.weight\":\"part-1.safetensors\","
                            "\"model.embed_tokens.weight\":\"part-2.safetensors\"}}",
                            &read, &error),
                 FL_FAILED);
    cr_expect_not_null(strstr(error.text, "occurs twice"), "%s", error.text);
}
