#include "model/gguf.h"
#include "model/gguf_model.h"
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
TestSuite(gguf, .init = set_up, .fini = tear_down);

static struct fl_model tiny(enum fl_arch arch, bool tied)
{
    struct fl_model model;
    struct fl_config config = tiny_config(arch, tied);
    struct fl_error error = {""};
    cr_assert_eq(fl_model_random(&model, &config, 5, &error), FL_OK, "%s", error.text);
    return model;
}

static const char *write_tiny(enum fl_arch arch, bool tied)
{
    struct fl_model model = tiny(arch, tied);
    struct bytes bytes = write_gguf(&model, 3);
    const char *path = scratch_path(directory, "model.gguf");
    bytes_write(&bytes, path);
    bytes_free(&bytes);
    fl_model_close(&model);
    return path;
}

Test(gguf, what_was_written_is_read_back)
{
    static const enum fl_arch ARCHS[] = {FL_ARCH_LLAMA, FL_ARCH_QWEN2, FL_ARCH_GPT2};
    for (int i = 0; i < 12; i++) {
        struct fl_model written = tiny(ARCHS[i / 4], i & 1), read;
        struct fl_error error = {""};
        struct bytes bytes = write_gguf(&written, 2 + (uint32_t)(i >> 1 & 1));
        const char *path = scratch_path(directory, "model.gguf");
        bytes_write(&bytes, path);
        cr_assert_eq(fl_gguf_model(&read, path, "tiny", &error), FL_OK, "%s", error.text);
        cr_expect(models_equal(&written, &read), "%s", fl_arch_name(ARCHS[i / 4]));
        cr_expect(configs_equal(&read.config, &written.config), "%s", fl_arch_name(ARCHS[i / 4]));
        fl_model_close(&read);
        fl_model_close(&written);
        bytes_free(&bytes);
    }
}

/* Heads wide enough that a frequency is kept, one mixed and one divided; original_ctx is what the
 * table of divisors stands for, and another one is not recognised. */
Test(gguf, llama3_scaling_is_told_by_its_table)
{
    for (int i = 0; i < 2; i++) {
        struct fl_config config = tiny_config(FL_ARCH_LLAMA, true);
        struct fl_model written, read;
        struct fl_error error = {""};
        config.head_dim = 8;
        config.rope = (struct fl_rope_params){.theta = 500000,
                                              .interleaved = true,
                                              .scaling = FL_ROPE_LLAMA3,
                                              .factor = 32,
                                              .low_freq_factor = 1,
                                              .high_freq_factor = 4,
                                              .original_ctx = i ? 4096 : 8192};
        cr_assert_eq(fl_model_random(&written, &config, 5, &error), FL_OK, "%s", error.text);
        struct bytes bytes = write_gguf(&written, 3);
        const char *path = scratch_path(directory, "model.gguf");
        bytes_write(&bytes, path);
        int status = fl_gguf_model(&read, path, "tiny", &error);
        if (i) {
            cr_expect_eq(status, FL_FAILED);
            cr_expect_not_null(strstr(error.text, "rope_freqs.weight: expected the table"), "%s",
                               error.text);
        } else {
            cr_assert_eq(status, FL_OK, "%s", error.text);
            cr_expect(models_equal(&written, &read));
            cr_expect(configs_equal(&read.config, &config));
            fl_model_close(&read);
        }
        bytes_free(&bytes);
        fl_model_close(&written);
    }
}

Test(gguf, metadata_is_typed)
{
    struct fl_gguf *gguf;
    struct fl_error error = {""};
    int64_t number;
    double real;
    bool flag;
    struct fl_gguf_string text;
    struct fl_gguf_array array;
    const char *path = write_tiny(FL_ARCH_LLAMA, true);
    cr_assert(fl_gguf_is(path));
    cr_assert_eq(fl_gguf_open(&gguf, path, &error), FL_OK, "%s", error.text);
    cr_expect_eq(fl_gguf_get_int(gguf, "llama.block_count", 1, 10, &number, &error), FL_OK);
    cr_expect_eq(number, 2);
    cr_expect_eq(fl_gguf_get_int(gguf, "llama.block_count", 3, 10, &number, &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "llama.block_count: expected 3 to 10, not 2"));
    cr_expect_eq(fl_gguf_get_int(gguf, "llama.nothing", 0, 1, &number, &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "missing"));
    cr_expect_eq(fl_gguf_get_bool(gguf, "llama.block_count", &flag, &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "expected a bool, not a value of type uint32"));
    cr_expect_eq(fl_gguf_get_real(gguf, "llama.rope.freq_base", &real, &error), FL_OK);
    cr_expect_eq(real, 10000);
    cr_expect_eq(fl_gguf_get_string(gguf, "general.architecture", &text, &error), FL_OK);
    cr_expect(text.length == 5 && memcmp(text.data, "llama", 5) == 0);
    cr_expect_eq(fl_gguf_get_string(gguf, "tokenizer.ggml.tokens", &text, &error), FL_FAILED);
    cr_expect_eq(fl_gguf_get_array(gguf, "tokenizer.ggml.tokens", FL_GGUF_INTS, &array, &error),
                 FL_FAILED);
    cr_expect_eq(fl_gguf_get_array(gguf, "general.architecture", FL_GGUF_STRINGS, &array, &error),
                 FL_FAILED);
    cr_expect_eq(fl_gguf_get_array(gguf, "tokenizer.ggml.tokens", FL_GGUF_STRINGS, &array, &error),
                 FL_OK);
    cr_expect_eq(array.n, 3);
    size_t total = 0;
    while (fl_gguf_next_string(&array, &text))
        total += text.length;
    cr_expect_eq(total, strlen("<unk><s></s>"));
    cr_expect(!fl_gguf_next_string(&array, &text));
    fl_gguf_close(gguf);
}

/* Where `text` stands in the bytes. */
static size_t find_text(const struct bytes *bytes, const char *text)
{
    unsigned char *at = memmem(bytes->data, bytes->size, text, strlen(text));
    cr_assert_not_null(at, "%s", text);
    return (size_t)(at - bytes->data);
}

/* Replaces the bytes that lie `skip` behind the end of `text` in a good file. */
static void expect_refused(const char *text, ptrdiff_t skip, const void *replacement, size_t n,
                           const char *fragment)
{
    struct fl_model model = tiny(FL_ARCH_LLAMA, true);
    struct fl_error error = {""};
    struct bytes bytes = write_gguf(&model, 3);
    fl_model_close(&model);
    memcpy(bytes.data + find_text(&bytes, text) + strlen(text) + skip, replacement, n);
    const char *path = scratch_path(directory, "model.gguf");
    bytes_write(&bytes, path);
    cr_expect_eq(fl_gguf_model(&model, path, "tiny", &error), FL_FAILED, "%s", fragment);
    cr_expect_not_null(strstr(error.text, fragment), "'%s' does not say '%s'", error.text,
                       fragment);
    bytes_free(&bytes);
}

static void expect_number_refused(const char *text, ptrdiff_t skip, uint64_t value, size_t n,
                                  const char *fragment)
{
    expect_refused(text, skip, &value, n, fragment); /* little-endian */
}

Test(gguf, false_headers_are_refused)
{
    expect_refused("", 0, "GGML", 4, "first four bytes");
    expect_number_refused("GGUF", 0, 1, 4, "version 2 or 3");
    expect_number_refused("GGUF", 0, 0x03000000, 4, "version 2 or 3"); /* big-endian */
    expect_number_refused("GGUF", 4, UINT64_MAX, 8, "too short");
    expect_number_refused("GGUF", 12, UINT64_MAX, 8, "too short");
    expect_number_refused("general.architecture", 0, 77, 4, "value type");
    expect_number_refused("general.architecture", 4, UINT64_MAX, 8, "the file ends");
    expect_refused("general.architecture", 12, "gemma", 5, "qwen3moe, gptneox, gpt2, t5, not ");
    expect_number_refused("tokenizer.ggml.tokens", 4, 9, 4, "array of a simple type");
    expect_number_refused("tokenizer.ggml.tokens", 8, UINT64_MAX, 8, "the file ends");
}

Test(gguf, false_tensors_are_refused)
{
    /* behind a name: n_dims u32, dims u64 each, type u32, offset u64 */
    expect_number_refused("blk.1.attn_q.weight", 0, 5, 4, "1 to 4 dimensions");
    expect_number_refused("blk.1.attn_q.weight", 0, 0, 4, "1 to 4 dimensions");
    expect_number_refused("blk.1.attn_q.weight", 4, 9, 8, "expected shape [8, 8], not [8, 9]");
    expect_number_refused("blk.1.attn_q.weight", 4, 1ull << 62, 8, "ends before them");
    expect_number_refused("blk.1.attn_q.weight", 4, UINT64_MAX, 8, "ends before them");
    expect_number_refused(
        "blk.1.attn_q.weight", 20, 20, 4,
        "expected F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K, not IQ4_NL (type 20)");
    expect_number_refused("blk.1.attn_q.weight", 20, 4, 4, "not unknown (type 4)");
    expect_number_refused("blk.1.attn_q.weight", 20, UINT32_MAX, 4,
                          "not unknown (type 4294967295)");
    expect_number_refused("blk.1.attn_q.weight", 20, 8, 4,
                          "blk.1.attn_q.weight: expected rows that are a multiple of 32 long, as "
                          "Q8_0 needs, not 8");
    expect_number_refused("blk.1.attn_q.weight", 20, 14, 4, "multiple of 256 long, as Q6_K");
    expect_number_refused("blk.1.attn_q.weight", 24, UINT64_MAX - 31, 8, "ends before them");
    expect_number_refused("blk.1.attn_q.weight", 24, 3, 8, "multiple of 32");
    expect_number_refused("blk.1.attn_q.weight", 24, 1ull << 40, 8, "ends before them");
    expect_number_refused("blk.1.attn_q.weight", 24, 0, 8, "overlaps");
    expect_refused("blk.1.attn_q.wei", 0, "gho", 3, "blk.1.attn_q.weight: expected this tensor");
    expect_refused("blk.1.attn_v", -1, "k", 1, "occurs twice");
}

Test(gguf, every_truncation_is_refused)
{
    struct fl_model model = tiny(FL_ARCH_GPT2, false), read;
    struct bytes bytes = write_gguf(&model, 3);
    fl_model_close(&model);
    const char *path = scratch_path(directory, "model.gguf");
    for (size_t whole = bytes.size, size = 0; size < whole; size += 7) {
        struct fl_error error = {""};
        bytes.size = size;
        bytes_write(&bytes, path);
        cr_assert_eq(fl_gguf_model(&read, path, "tiny", &error), FL_FAILED, "%zu bytes", size);
        cr_assert_neq(error.text[0], '\0');
    }
    bytes_free(&bytes);
}
