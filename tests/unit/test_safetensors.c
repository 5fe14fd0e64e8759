#include "model/safetensors.h"
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
TestSuite(safetensors, .init = set_up, .fini = tear_down);

/* A file with that header and 64 bytes of data; size 0: the header's own. */
static int open_header(struct fl_safetensors *file, const char *header, uint64_t size,
                       struct fl_error *error)
{
    struct bytes bytes = {0};
    static const unsigned char DATA[64];
    if (size == 0)
        size = strlen(header);
    bytes_add(&bytes, &size, sizeof size);
    bytes_add(&bytes, header, strlen(header));
    bytes_add(&bytes, DATA, sizeof DATA);
    const char *path = scratch_path(directory, "x.safetensors");
    bytes_write(&bytes, path);
    bytes_free(&bytes);
    return fl_safetensors_open(file, path, error);
}

#define F32(name, shape, begin, end)                                                               \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

Test(safetensors, tensors_are_found_by_name)
{
    struct fl_safetensors file;
    struct fl_error error = {""};
    cr_assert_eq(
        open_header(&file,
                    "{" F32("b", "[2,3]", "8", "32") "," F32("a", "[2]", "0", "8") "," F32(
                        "empty", "[0]", "8", "8") "," F32("scalar", "[]", "32", "36") "}   ",
                    0, &error),
        FL_OK, "%s", error.text);
    cr_expect_eq(file.n_tensors, 4);
    const struct fl_safetensors_tensor *b = fl_safetensors_find(&file, "b");
    cr_assert_not_null(b);
    cr_expect(b->n_dims == 2 && b->dims[0] == 2 && b->dims[1] == 3 && b->n_bytes == 24);
    cr_expect_eq(b->data - fl_safetensors_find(&file, "a")->data, 8);
    cr_expect_eq(fl_safetensors_find(&file, "scalar")->n_dims, 0);
    cr_expect_null(fl_safetensors_find(&file, "c"));
    fl_safetensors_close(&file);
}

Test(safetensors, false_headers_are_refused)
{
    static const struct {
        const char *header;
        uint64_t size;
        const char *fragment;
    } CASES[] = {
        {"{}", 1000, "header size"},
        {"{}", UINT64_MAX, "header size"},
        {"{}", UINT64_MAX - 7, "header size"},
        {"{} {}", 0, "nothing behind it"},
        {"[]", 0, "one JSON object"},
        {"{\"a\":", 0, "malformed"},
        {"{\"a\":3}", 0, "a: expected an object"},
        {"{" F32("a", "[2]", "0", "8") "," F32("a", "[2]", "8", "16") "}", 0, "occurs twice"},
        {"{" F32("a", "[2]", "0", "8") "," F32("b", "[2]", "4", "12") "}", 0, "overlaps"},
        {"{" F32("a", "[2]", "0", "8") "," F32("b", "[2]", "0", "8") "}", 0, "overlaps"},
        {"{" F32("a", "[2]", "60", "68") "}", 0, "within the file's 64 bytes"},
        {"{" F32("a", "[2]", "8", "0") "}", 0, "within the file's 64 bytes"},
        {"{" F32("a", "[3]", "0", "8") "}", 0, "as many bytes as shape and dtype"},
        {"{" F32("a", "[4611686018427387905]", "0", "4") "}", 0, "a whole number"},
        {"{" F32("a", "[4294967296,4294967296,2]", "0", "8") "}", 0, "as many bytes as shape"},
        {"{" F32("a", "[-2]", "0", "8") "}", 0, "a whole number"},
        {"{" F32("a", "[1.5]", "0", "8") "}", 0, "a whole number"},
        {"{" F32("a", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 0, "at most 8"},
        {"{" F32("a", "2", "0", "8") "}", 0, "a list of dimensions"},
        {"{" F32("a", "[2]", "0.5", "8") "}", 0, "two whole numbers"},
        {"{" F32("a", "[2]", "0", "8,9") "}", 0, "two whole numbers"},
        {"{" F32("a", "[2]", "0", "1e300") "}", 0, "two whole numbers"},
        {"{\"a\":{\"dtype\":\"F31\",\"shape\":[2],\"data_offsets\":[0,8]}}", 0, "known"},
        {"{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}", 0,
         "a: dtype: expected a string"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 0, "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]}}", 0,
         "a: shape: expected once"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_safetensors file;
        struct fl_error error = {""};
        cr_expect_eq(open_header(&file, CASES[i].header, CASES[i].size, &error), FL_FAILED, "%s",
                     CASES[i].header);
        cr_expect_not_null(strstr(error.text, CASES[i].fragment), "%s: '%s' does not say '%s'",
                           CASES[i].header, error.text, CASES[i].fragment);
    }
}
