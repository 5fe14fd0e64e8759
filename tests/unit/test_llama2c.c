#include "model/llama2c.h"
#include "tests/unit/model_files.h"

#include <criterion/criterion.h>
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
TestSuite(llama2c, .init = set_up, .fini = tear_down);

static struct fl_model tiny(bool tied)
{
    struct fl_model model;
    struct fl_config config = tiny_config(FL_ARCH_LLAMA, tied);
    struct fl_error error = {""};
    cr_assert_eq(fl_model_random(&model, &config, 3, &error), FL_OK, "%s", error.text);
    return model;
}

Test(llama2c, what_was_written_is_read_back)
{
    for (int i = 0; i < 4; i++) {
        struct fl_model written = tiny(i & 1), read;
        struct fl_error error = {""};
        struct bytes bytes = write_llama2c(&written, i >> 1);
        const char *path = scratch_path(directory, "model.bin");
        bytes_write(&bytes, path);
        cr_assert_eq(fl_llama2c_model(&read, path, "tiny", &error), FL_OK, "%s", error.text);
        cr_expect(models_equal(&written, &read), "version %d, tied %d", i >> 1, i & 1);
        cr_expect_eq(read.config.tied, (bool)(i & 1));
        cr_expect(read.config.rope.interleaved);
        cr_expect_eq(read.logits.weight == read.token_embedding.weight, (bool)(i & 1));
        fl_model_close(&read);
        fl_model_close(&written);
        bytes_free(&bytes);
    }
}

/* Writes number `value` at `offset` of a good file, cuts it to `size` (0: does not), and expects a
 * refusal that contains `fragment`. */
static void expect_refused(int version, size_t offset, int32_t value, size_t size,
                           const char *fragment)
{
    struct fl_model model = tiny(true);
    struct fl_config config;
    struct fl_error error = {""};
    struct bytes bytes = write_llama2c(&model, version);
    fl_model_close(&model);
    memcpy(bytes.data + offset, &value, sizeof value);
    if (size)
        bytes.size = size;
    const char *path = scratch_path(directory, "model.bin");
    bytes_write(&bytes, path);
    cr_expect_eq(fl_llama2c_config(&config, path, "tiny", &error), FL_FAILED, "%s", fragment);
    cr_expect_not_null(strstr(error.text, fragment), "'%s' does not say '%s'", error.text,
                       fragment);
    cr_expect_eq(fl_llama2c_model(&model, path, "tiny", &error), FL_FAILED);
    bytes_free(&bytes);
}

Test(llama2c, false_headers_are_refused)
{
    expect_refused(0, 0, 8, 20, "at least 28 bytes");
    expect_refused(0, 0, 0, 0, "d_model");
    expect_refused(0, 0, 0x04034b50, 0, "ZIP archive");
    expect_refused(0, 4, 13, 0, "size: expected");
    expect_refused(0, 4, -12, 0, "d_ff");
    expect_refused(0, 8, 1 << 30, 0, "n_layers");
    expect_refused(0, 12, 3, 0, "n_heads");
    expect_refused(0, 12, 0, 0, "n_heads");
    expect_refused(0, 16, 0, 0, "n_kv_heads");
    expect_refused(0, 20, INT32_MIN, 0, "vocab_size");
    expect_refused(0, 20, -16, 0, "size: expected"); /* untied: a matrix more */
    expect_refused(0, 24, 9, 0, "size: expected");   /* rotary tables longer */
    expect_refused(1, 4, 2, 0, "version 2");
    expect_refused(1, 0, 0x616b3432, 100, "256 bytes");
    expect_refused(1, 36, 0, 0, "size: expected"); /* the flag of a shared embedding */
}
