/* The GGUF writer, read back by the reader; and files that must not be left behind. */
#include "base/file.h"
#include "model/gguf.h"
#include "model/gguf_write.h"
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
TestSuite(gguf_write, .init = open_directory, .fini = close_directory);

static struct fl_gguf_writer *create(const char *path)
{
    struct fl_gguf_writer *writer;
    struct fl_error error = {""};
    cr_assert_eq(fl_gguf_create(&writer, path, &error), FL_OK, "%s", error.text);
    return writer;
}

static void expect_string(const struct fl_gguf_string *string, const char *text)
{
    cr_expect_eq(string->length, strlen(text), "%s", text);
    cr_expect_eq(memcmp(string->data, text, string->length), 0, "%s", text);
}

static void put_metadata(struct fl_gguf_writer *writer)
{
    fl_gguf_put_uint(writer, "an.int", 4000000000u);
    fl_gguf_put_real(writer, "a.real", 0.15625);
    fl_gguf_put_bool(writer, "a.bool", true);
    fl_gguf_put_string(writer, "a.string", "text", 4);
    fl_gguf_put_string(writer, "an.empty.string", "", 0);
    fl_gguf_put_raw(writer, "a.raw.u16", 9, 2, (unsigned char[]){0x34, 0x12}, 2);
    fl_gguf_put_bytes(writer, "bytes", (unsigned char[]){250, 0}, 2);
    fl_gguf_begin_strings(writer, "strings", 2);
    fl_gguf_add_string(writer, "one", 3);
    fl_gguf_add_string(writer, "", 0);
    fl_gguf_begin_reals(writer, "reals", 1);
    fl_gguf_add_real(writer, -1.5f);
    fl_gguf_begin_ints(writer, "ints", 2);
    fl_gguf_add_int(writer, -7);
    fl_gguf_add_int(writer, 7);
}

static void expect_metadata(const struct fl_gguf *gguf)
{
    int64_t whole;
    double real;
    bool flag;
    struct fl_gguf_string text;
    struct fl_gguf_array array;
    cr_assert_eq(fl_gguf_get_int(gguf, "an.int", 0, UINT32_MAX, &whole, NULL), FL_OK);
    cr_expect_eq(whole, 4000000000);
    cr_assert_eq(fl_gguf_get_int(gguf, "a.raw.u16", 0, UINT16_MAX, &whole, NULL), FL_OK);
    cr_expect_eq(whole, 0x1234);
    cr_assert_eq(fl_gguf_get_real(gguf, "a.real", &real, NULL), FL_OK);
    cr_expect_eq(real, 0.15625);
    cr_assert_eq(fl_gguf_get_bool(gguf, "a.bool", &flag, NULL), FL_OK);
    cr_expect(flag);
    cr_assert_eq(fl_gguf_get_string(gguf, "a.string", &text, NULL), FL_OK);
    expect_string(&text, "text");
    cr_assert_eq(fl_gguf_get_string(gguf, "an.empty.string", &text, NULL), FL_OK);
    expect_string(&text, "");
    cr_assert_eq(fl_gguf_get_array(gguf, "strings", FL_GGUF_STRINGS, &array, NULL), FL_OK);
    cr_expect(fl_gguf_next_string(&array, &text));
    expect_string(&text, "one");
    cr_expect(fl_gguf_next_string(&array, &text));
    expect_string(&text, "");
    cr_expect_not(fl_gguf_next_string(&array, &text));
    cr_assert_eq(fl_gguf_get_array(gguf, "reals", FL_GGUF_REALS, &array, NULL), FL_OK);
    cr_expect(fl_gguf_next_real(&array, &real));
    cr_expect_eq(real, -1.5);
    cr_assert_eq(fl_gguf_get_array(gguf, "bytes", FL_GGUF_INTS, &array, NULL), FL_OK);
    cr_expect_eq(array.n, 2u);
    cr_expect(fl_gguf_next_int(&array, &whole));
    cr_expect_eq(whole, 250);
    cr_assert_eq(fl_gguf_get_array(gguf, "ints", FL_GGUF_INTS, &array, NULL), FL_OK);
    cr_expect(fl_gguf_next_int(&array, &whole));
    cr_expect_eq(whole, -7);
}

/* 12, 34 and 4 bytes: each starts on a multiple of 32 all the same. */
static const struct {
    const char *name;
    int n_dims;
    uint64_t dims[2];
    enum fl_dtype dtype;
    uint64_t size;
} TENSORS[] = {
    {"three", 1, {3, 0}, FL_F32, 12},
    {"block", 2, {32, 1}, FL_Q8_0, 34},
    {"pair", 2, {1, 2}, FL_BF16, 4},
};
enum { N_TENSORS = sizeof TENSORS / sizeof *TENSORS };

Test(gguf_write, what_was_written_is_read_back)
{
    const char *path = scratch_path(directory, "out.gguf");
    struct fl_error error = {""};
    struct fl_gguf_writer *writer = create(path);
    unsigned char bytes[12 + 34 + 4];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i + 1);
    put_metadata(writer);
    for (int i = 0; i < N_TENSORS; i++)
        fl_gguf_declare(writer, TENSORS[i].name, TENSORS[i].n_dims, TENSORS[i].dims,
                        fl_gguf_type(TENSORS[i].dtype), TENSORS[i].size);
    cr_assert_eq(fl_gguf_begin_data(writer, &error), FL_OK);
    /* in pieces that do not end where tensors end */
    cr_assert_eq(fl_gguf_write(writer, bytes, 5, &error), FL_OK);
    cr_assert_eq(fl_gguf_write(writer, bytes + 5, sizeof bytes - 5, &error), FL_OK);
    cr_assert_eq(fl_gguf_finish(writer, &error), FL_OK);
    cr_expect_not(fl_file_exists(path), "before it is committed");
    cr_assert_eq(fl_gguf_commit(writer, &error), FL_OK);
    fl_gguf_discard(writer);

    struct fl_gguf *gguf;
    cr_assert_eq(fl_gguf_open(&gguf, path, &error), FL_OK, "%s", error.text);
    expect_metadata(gguf);
    size_t before = 0;
    for (int i = 0; i < N_TENSORS; i++) {
        const struct fl_gguf_tensor *tensor = fl_gguf_find_tensor(gguf, TENSORS[i].name);
        struct fl_gguf_numbers numbers;
        cr_assert_not_null(tensor);
        cr_assert_eq(fl_gguf_data(gguf, tensor, &numbers, &error), FL_OK, "%s", error.text);
        cr_expect_eq(numbers.dtype, TENSORS[i].dtype);
        cr_assert_eq(numbers.n_bytes, TENSORS[i].size);
        cr_expect_eq(memcmp(numbers.data, bytes + before, numbers.n_bytes), 0, "%s",
                     TENSORS[i].name);
        before += numbers.n_bytes;
    }
    cr_expect_eq(fl_gguf_mapping(gguf)->size % FL_GGUF_ALIGNMENT, 0u);
    fl_gguf_close(gguf);
}

Test(gguf_write, entries_are_copied_as_they_stand)
{
    char first[128], second[128];
    struct fl_error error = {""};
    struct fl_gguf *gguf;
    snprintf(first, sizeof first, "%s", scratch_path(directory, "first.gguf"));
    snprintf(second, sizeof second, "%s", scratch_path(directory, "second.gguf"));
    for (int copy = 0; copy < 2; copy++) {
        struct fl_gguf_writer *writer = create(copy ? second : first);
        if (!copy)
            put_metadata(writer);
        else {
            cr_assert_eq(fl_gguf_open(&gguf, first, &error), FL_OK, "%s", error.text);
            for (size_t i = 0; i < fl_gguf_n_entries(gguf); i++) {
                struct fl_gguf_entry entry = fl_gguf_entry(gguf, i);
                fl_gguf_put_raw(writer, entry.key.data, entry.key.length, entry.type, entry.value,
                                entry.size);
            }
            fl_gguf_close(gguf);
        }
        cr_assert_eq(fl_gguf_begin_data(writer, &error), FL_OK);
        cr_assert_eq(fl_gguf_finish(writer, &error), FL_OK);
        cr_assert_eq(fl_gguf_commit(writer, &error), FL_OK);
        fl_gguf_discard(writer);
    }
    cr_assert_eq(fl_gguf_open(&gguf, second, &error), FL_OK, "%s", error.text);
    expect_metadata(gguf);
    fl_gguf_close(gguf);
}

Test(gguf_write, what_is_not_committed_leaves_nothing)
{
    const char *path = scratch_path(directory, "out.gguf");
    struct fl_error error = {""};
    char partial[256];
    struct fl_gguf_writer *writer = create(path);
    snprintf(partial, sizeof partial, "%s", fl_gguf_partial(writer));
    fl_gguf_put_uint(writer, "an.int", 1);
    cr_assert_eq(fl_gguf_begin_data(writer, &error), FL_OK);
    cr_expect(fl_file_exists(partial));
    fl_gguf_discard(writer);
    cr_expect_not(fl_file_exists(partial));
    cr_expect_not(fl_file_exists(path));
}

Test(gguf_write, a_directory_that_is_not_there_is_refused)
{
    struct fl_gguf_writer *writer;
    struct fl_error error = {""};
    cr_expect_eq(fl_gguf_create(&writer, scratch_path(directory, "no/out.gguf"), &error),
                 FL_FAILED);
    cr_expect_not_null(strstr(error.text, "out.gguf"), "%s", error.text);
    cr_expect_null(writer);
}
