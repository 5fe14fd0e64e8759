/* Models written as GGUF and read back: the same numbers, in every format, whatever layout they
 * came from. */
#include "model/gguf_convert.h"
#include "model/gguf_model.h"
#include "model/hf_model.h"
#include "ops/convert.h"
#include "tests/unit/model_files.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char directory[64];

static void open_directory(void)
{
    scratch_open(directory);
}
static void close_directory(void)
{
    scratch_close(directory);
}
TestSuite(gguf_convert, .init = open_directory, .fini = close_directory);

static struct fl_model random_model(const struct fl_config *config)
{
    struct fl_model model;
    struct fl_error error = {""};
    cr_assert_eq(fl_model_random(&model, config, 3, &error), FL_OK, "%s", error.text);
    return model;
}

static void write_plan(struct fl_gguf_writer *writer, const struct fl_gguf_plan *plan)
{
    struct fl_error error = {""};
    fl_gguf_put_config(writer, plan);
    fl_gguf_put_file_type(writer, plan);
    fl_gguf_put_uint(writer, "tokenizer.ggml.bos_token_id", 1);
    fl_gguf_put_uint(writer, "tokenizer.ggml.eos_token_id", 2);
    fl_gguf_declare_all(writer, plan);
    cr_assert_eq(fl_gguf_begin_data(writer, &error), FL_OK, "%s", error.text);
    for (int i = 0; i < plan->n_tensors; i++)
        cr_assert_eq(fl_gguf_write_tensor(writer, plan, i, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_gguf_finish(writer, &error), FL_OK, "%s", error.text);
    cr_expect_eq(fl_gguf_check_config(plan->config, fl_gguf_partial(writer), &error), FL_OK, "%s",
                 error.text);
    cr_assert_eq(fl_gguf_commit(writer, &error), FL_OK, "%s", error.text);
}

/* The model as it comes back from a file of that format. */
static struct fl_model through_file(struct fl_model *model, int dtype)
{
    struct fl_gguf_plan plan;
    struct fl_gguf_writer *writer;
    struct fl_model read;
    struct fl_error error = {""};
    const char *path = scratch_path(directory, "out.gguf");
    cr_assert_eq(fl_gguf_plan(&plan, model, dtype, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_gguf_create(&writer, path, &error), FL_OK, "%s", error.text);
    write_plan(writer, &plan);
    fl_gguf_discard(writer);
    fl_gguf_plan_close(&plan);
    cr_assert_eq(fl_gguf_model(&read, path, "tiny", &error), FL_OK, "%s", error.text);
    return read;
}

Test(gguf_convert, f32_is_the_same_model)
{
    static const enum fl_arch ARCHS[] = {FL_ARCH_LLAMA,     FL_ARCH_QWEN2,   FL_ARCH_GPT2,
                                         FL_ARCH_QWEN3,     FL_ARCH_MIXTRAL, FL_ARCH_QWEN2_MOE,
                                         FL_ARCH_QWEN3_MOE, FL_ARCH_NEOX};
    for (int i = 0; i < 2 * (int)(sizeof ARCHS / sizeof *ARCHS); i++) {
        struct fl_config config = tiny_config(ARCHS[i / 2], i & 1);
        struct fl_model model = random_model(&config);
        struct fl_model read = through_file(&model, FL_F32);
        cr_expect(models_equal(&model, &read), "%s", fl_arch_name(config.arch));
        cr_expect(configs_equal(&model.config, &read.config), "%s", fl_arch_name(config.arch));
        fl_model_close(&read);
        fl_model_close(&model);
    }
}

/* Conv1D's transposed matrices, q, k and v in one: the same file as from separate ones. */
Test(gguf_convert, transposed_and_fused_matrices)
{
    struct fl_config config = tiny_config(FL_ARCH_GPT2, true);
    struct fl_model model = random_model(&config), stored;
    struct fl_error error = {""};
    struct bytes bytes = write_safetensors(&model, ""), text = write_hf_config(&config);
    bytes_write(&bytes, scratch_path(directory, "model.safetensors"));
    bytes_write(&text, scratch_path(directory, "config.json"));
    cr_assert_eq(fl_hf_model(&stored, directory, NULL, "tiny", &error), FL_OK, "%s", error.text);
    cr_assert(stored.layers[0].q.in_out);
    struct fl_model read = through_file(&stored, FL_GGUF_DTYPE_KEEP);
    cr_expect_not(read.layers[0].q.in_out);
    cr_expect(models_equal(&model, &read));
    fl_model_close(&read);
    fl_model_close(&stored);
    fl_model_close(&model);
    bytes_free(&bytes);
    bytes_free(&text);
}

/* GGUF's llama turns neighbours (2i, 2i + 1), a checkpoint's halves (i, i + d/2): row 2i of a head
 * is the checkpoint's i, row 2i + 1 its i + d/2. */
static void expect_interleaved(const struct fl_linear *written, const struct fl_linear *stored,
                               int head_dim)
{
    const float *got = written->weight, *from = stored->weight;
    const size_t n = (size_t)stored->n_in;
    for (int head = 0; head < stored->n_out / head_dim; head++)
        for (int i = 0; i < head_dim / 2; i++)
            for (int half = 0; half < 2; half++) {
                const size_t to = (size_t)(head * head_dim + 2 * i + half);
                const size_t row = (size_t)(head * head_dim + i + half * head_dim / 2);
                cr_expect_eq(memcmp(got + to * n, from + row * n, n * sizeof *got), 0, "row %zu",
                             to);
            }
}

Test(gguf_convert, rows_of_q_and_k_are_interleaved_for_llama)
{
    struct fl_config config = tiny_config(FL_ARCH_LLAMA, true);
    config.head_dim = 6;
    config.rope.interleaved = false;
    config.bias_qkv = true;
    struct fl_model model = random_model(&config), read = through_file(&model, FL_F32);
    for (int layer = 0; layer < config.n_layers; layer++) {
        const struct fl_layer_weights *a = &read.layers[layer], *b = &model.layers[layer];
        expect_interleaved(&a->q, &b->q, config.head_dim);
        expect_interleaved(&a->k, &b->k, config.head_dim);
        cr_expect_eq(memcmp(a->v.weight, b->v.weight, 6 * 8 * sizeof(float)), 0);
        cr_expect_eq(a->q.bias[1], b->q.bias[3]);
        cr_expect_eq(a->q.bias[6 + 4], b->q.bias[6 + 2]);
        cr_expect_eq(a->k.bias[5], b->k.bias[5]);
        cr_expect_eq(a->v.bias[1], b->v.bias[1]);
    }
    cr_expect(read.config.rope.interleaved);
    fl_model_close(&read);
    fl_model_close(&model);
}

Test(gguf_convert, rotary_scaling_comes_back)
{
    static const struct fl_rope_params ROPES[] = {
        {.theta = 500000, .scaling = FL_ROPE_LINEAR, .factor = 4},
        {.theta = 500000,
         .scaling = FL_ROPE_LLAMA3,
         .factor = 8,
         .low_freq_factor = 1,
         .high_freq_factor = 4,
         .original_ctx = 8192},
        {.theta = 10000,
         .scaling = FL_ROPE_LLAMA3,
         .factor = 2,
         .low_freq_factor = 1.5,
         .high_freq_factor = 3,
         .original_ctx = 64},
    };
    for (size_t i = 0; i < sizeof ROPES / sizeof *ROPES; i++) {
        struct fl_config config = tiny_config(FL_ARCH_LLAMA, true);
        config.head_dim = 32;
        config.rope = ROPES[i];
        config.rope.interleaved = true;
        struct fl_model model = random_model(&config), read = through_file(&model, FL_F32);
        cr_expect(configs_equal(&model.config, &read.config), "row %zu", i);
        cr_expect(models_equal(&model, &read), "row %zu", i);
        fl_model_close(&read);
        fl_model_close(&model);
    }
}

/* d_model 256, d_ff 288 (whole blocks of 32 alone), heads that make rows of 40. */
static struct fl_config wide_config(bool tied)
{
    struct fl_config config = tiny_config(FL_ARCH_LLAMA, tied);
    config.d_model = 256;
    config.d_ff = 288;
    config.n_heads = 5;
    config.head_dim = 8;
    return config;
}

Test(gguf_convert, formats_follow_the_rows)
{
    static const struct {
        enum fl_dtype asked, q, ffn_down, attn_out, embedding, logits;
    } CASES[] = {
        {FL_F16, FL_F16, FL_F16, FL_F16, FL_F16, FL_F16},
        {FL_BF16, FL_BF16, FL_BF16, FL_BF16, FL_BF16, FL_BF16},
        {FL_Q8_0, FL_Q8_0, FL_Q8_0, FL_F16, FL_Q8_0, FL_Q8_0},
        {FL_Q4_0, FL_Q4_0, FL_Q4_0, FL_F16, FL_Q4_0, FL_Q6_K},
        {FL_Q6_K, FL_Q6_K, FL_Q8_0, FL_F16, FL_Q6_K, FL_Q6_K},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct fl_config config = wide_config(false);
        struct fl_model model = random_model(&config);
        struct fl_model read = through_file(&model, (int)CASES[i].asked);
        const char *asked = fl_dtype_names[CASES[i].asked];
        cr_expect_eq(read.layers[1].q.dtype, CASES[i].q, "%s", asked);
        cr_expect_eq(read.layers[1].ffn_down.dtype, CASES[i].ffn_down, "%s", asked);
        cr_expect_eq(read.layers[1].attn_out.dtype, CASES[i].attn_out, "%s", asked);
        cr_expect_eq(read.token_embedding.dtype, CASES[i].embedding, "%s", asked);
        cr_expect_eq(read.logits.dtype, CASES[i].logits, "%s", asked);
        cr_expect_eq(memcmp(read.norm_final.gain, model.norm_final.gain, 256 * sizeof(float)), 0);
        fl_model_close(&read);
        fl_model_close(&model);
    }
}

/* A tied embedding makes the logits. */
Test(gguf_convert, a_tied_embedding_is_kept_finer)
{
    const struct fl_config config = wide_config(true);
    struct fl_model model = random_model(&config), read = through_file(&model, FL_Q4_K);
    cr_expect_eq(read.token_embedding.dtype, FL_Q6_K);
    cr_expect_eq(read.logits.weight, read.token_embedding.weight);
    cr_expect_eq(read.layers[0].q.dtype, FL_Q4_K);
    fl_model_close(&read);
    fl_model_close(&model);
}

/* Whatever is asked for, the file holds fl_from_f32() of the model, row by row, and weight_bytes is
 * what is stored. */
Test(gguf_convert, rows_are_converted_one_by_one)
{
    const struct fl_config config = wide_config(false);
    struct fl_model model = random_model(&config);
    for (int dtype = 0; dtype < FL_N_DTYPES; dtype++) {
        struct fl_model read = through_file(&model, dtype);
        const struct fl_linear *got = &read.layers[1].ffn_up, *from = &model.layers[1].ffn_up;
        const size_t size = (size_t)fl_dtype_bytes(got->dtype, 288 * 256);
        void *expected = malloc(size);
        cr_assert_not_null(expected);
        fl_from_f32(expected, from->weight, got->dtype, 288 * 256);
        cr_expect_eq(got->dtype, dtype);
        cr_expect_eq(memcmp(got->weight, expected, size), 0, "%s", fl_dtype_names[dtype]);
        free(expected);
        if (dtype == FL_Q8_0) /* 2 vectors a layer, the last norm; attn_out's rows of 40 in f16 */
            cr_expect_eq(read.weight_bytes, 5 * 256 * 4 + 2 * 16 * 256 / 32 * 34 +
                                                2 * ((40 + 8 + 8) * 256 / 32 * 34 + 256 * 40 * 2 +
                                                     3 * 256 * 288 / 32 * 34));
        fl_model_close(&read);
    }
    fl_model_close(&model);
}

/* To f32 and back: every quantised number is what it was. */
Test(gguf_convert, quantised_blocks_come_back)
{
    static const enum fl_dtype DTYPES[] = {FL_F16, FL_BF16, FL_Q8_0, FL_Q4_0};
    const struct fl_config config = wide_config(false);
    struct fl_model model = random_model(&config);
    for (size_t i = 0; i < sizeof DTYPES / sizeof *DTYPES; i++) {
        struct fl_model once = through_file(&model, (int)DTYPES[i]);
        struct fl_model wide = through_file(&once, FL_F32);
        struct fl_model again = through_file(&wide, (int)DTYPES[i]);
        const struct fl_linear *a = &once.layers[0].ffn_gate, *b = &again.layers[0].ffn_gate;
        cr_expect_eq(wide.layers[0].ffn_gate.dtype, FL_F32);
        cr_expect_eq(memcmp(a->weight, b->weight, fl_dtype_bytes(a->dtype, 288 * 256)), 0, "%s",
                     fl_dtype_names[DTYPES[i]]);
        fl_model_close(&again);
        fl_model_close(&wide);
        fl_model_close(&once);
    }
    fl_model_close(&model);
}

Test(gguf_convert, an_architecture_without_a_name_is_refused)
{
    struct fl_config config = tiny_config(FL_ARCH_CLASSIC, true);
    struct fl_model model = random_model(&config);
    struct fl_gguf_plan plan;
    struct fl_error error = {""};
    cr_expect_eq(fl_gguf_plan(&plan, &model, FL_F32, &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "not classic"), "%s", error.text);
    fl_model_close(&model);
}

Test(gguf_convert, a_tensor_without_a_name_is_refused)
{
    struct fl_config config = tiny_config(FL_ARCH_LLAMA, true);
    struct fl_gguf_plan plan;
    struct fl_error error = {""};
    config.bias_logits = true;
    struct fl_model model = random_model(&config);
    cr_expect_eq(fl_gguf_plan(&plan, &model, FL_F32, &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "have no name there"), "%s", error.text);
    fl_model_close(&model);
}

Test(gguf_convert, a_config_that_became_another_is_refused)
{
    struct fl_config config = tiny_config(FL_ARCH_LLAMA, true);
    struct fl_model model = random_model(&config), read = through_file(&model, FL_F32);
    struct fl_error error = {""};
    const char *path = scratch_path(directory, "out.gguf");
    cr_expect_eq(fl_gguf_check_config(&config, path, &error), FL_OK, "%s", error.text);
    config.rope.theta = 20000;
    cr_expect_eq(fl_gguf_check_config(&config, path, &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "theta"), "%s", error.text);
    fl_model_close(&read);
    fl_model_close(&model);
}
