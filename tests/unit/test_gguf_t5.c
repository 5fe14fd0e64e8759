/* T5 written as GGUF and read back: the same numbers and the same shape. */
#include "encdec_harness.h"
#include "model/gguf_convert.h"
#include "model/gguf_model.h"
#include "tests/unit/model_files.h"

#include <criterion/criterion.h>
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
TestSuite(gguf_t5, .init = open_directory, .fini = close_directory);

/* A whole number more among the keys; NULL: none. */
struct other_key {
    const char *key;
    uint32_t value;
};

static int through_file(struct fl_model *read, struct fl_model *model, struct other_key other,
                        struct fl_error *error)
{
    struct fl_gguf_plan plan;
    struct fl_gguf_writer *writer;
    const char *path = scratch_path(directory, "t5.gguf");
    cr_assert_eq(fl_gguf_plan(&plan, model, FL_F32, error), FL_OK, "%s", error->text);
    cr_assert_eq(fl_gguf_create(&writer, path, error), FL_OK, "%s", error->text);
    fl_gguf_put_config(writer, &plan);
    if (other.key)
        fl_gguf_put_uint(writer, other.key, other.value);
    fl_gguf_put_uint(writer, "tokenizer.ggml.eos_token_id", (uint32_t)model->config.eos_id);
    fl_gguf_declare_all(writer, &plan);
    cr_assert_eq(fl_gguf_begin_data(writer, error), FL_OK, "%s", error->text);
    for (int i = 0; i < plan.n_tensors; i++)
        cr_assert_eq(fl_gguf_write_tensor(writer, &plan, i, error), FL_OK, "%s", error->text);
    cr_assert_eq(fl_gguf_finish(writer, error), FL_OK, "%s", error->text);
    cr_assert_eq(fl_gguf_commit(writer, error), FL_OK, "%s", error->text);
    fl_gguf_discard(writer);
    fl_gguf_plan_close(&plan);
    return fl_gguf_model(read, path, model->config.name, error);
}

/* What GGUF has words for: ReLU, or gates with the tanh form of GELU. */
static struct fl_config t5_config(uint64_t seed)
{
    struct fl_config config = encdec_config(2 * seed); /* the odd ones are the classic kind */
    cr_assert_eq(config.arch, FL_ARCH_T5);
    config.norm_eps = 0x1p-17; /* files keep it in f32 */
    config.activation = config.gated ? FL_ACT_GELU_TANH : FL_ACT_RELU;
    return config;
}

Test(gguf_t5, comes_back_the_same)
{
    int n_gated = 0, n_tied = 0, n_unequal = 0;
    for (uint64_t seed = 0; seed < 24; seed++) {
        const struct fl_config config = t5_config(seed);
        struct fl_model model, read;
        struct fl_error error = {""};
        cr_assert_eq(fl_model_random(&model, &config, seed, &error), FL_OK, "%s", error.text);
        const int status = through_file(&read, &model, (struct other_key){.key = NULL}, &error);
        cr_assert_eq(status, FL_OK, "%s", error.text);
        cr_expect(models_equal(&model, &read), "%s", config.name);
        cr_expect(configs_equal(&model.config, &read.config), "%s", config.name);
        n_gated += config.gated;
        n_tied += config.tied;
        n_unequal += config.n_layers != config.n_encoder_layers;
        fl_model_close(&read);
        fl_model_close(&model);
    }
    cr_expect(n_gated > 0 && n_gated < 24 && n_tied > 0 && n_tied < 24 && n_unequal > 0);
}

Test(gguf_t5, what_is_nonsense_is_refused)
{
    const struct fl_config config = t5_config(1);
    struct fl_config silu = config;
    struct fl_model model, read;
    struct fl_error error = {""};
    cr_assert_eq(fl_model_random(&model, &config, 1, &error), FL_OK, "%s", error.text);
    cr_expect_eq(through_file(&read, &model,
                              (struct other_key){"t5.attention.sliding_window", 1u << 30}, &error),
                 FL_FAILED);
    cr_expect_not_null(strstr(error.text, "t5.attention.sliding_window: expected"), "%s",
                       error.text);

    /* an activation that a file cannot name becomes another model, which is refused */
    silu.activation = FL_ACT_SILU;
    cr_expect_eq(fl_gguf_check_config(&silu, scratch_path(directory, "t5.gguf"), &error),
                 FL_FAILED);
    fl_model_close(&model);
}
