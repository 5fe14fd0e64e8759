/* llama2.c files, legacy and version 1. */
#include "model/llama2c.h"
#include "tests/fuzz/fuzz_model.h"
#include "tests/fuzz/mutate.h"

#include <string.h>

FUZZ_LIMIT_ALLOCATIONS

static void read_file(const unsigned char *data, size_t size)
{
    const char *path = fuzz_file(data, size, ".bin");
    struct fl_model model;
    struct fl_error error = {""};
    int status = fl_llama2c_model(&model, path, "fuzz", &error);
    fuzz_expect_sentence(status, &error);
    if (status == FL_OK) {
        fuzz_touch(&model);
        fl_model_close(&model);
    }
}

/* Once as it is. Then as long as its header asks for, if that is not much: else a header that is
 * off by a little never gets past the comparison with the file's size. */
static void read_llama2c(const unsigned char *data, size_t size)
{
    struct fl_error error = {""};
    struct fl_config config;
    static unsigned char resized[FUZZ_MAX_BYTES];
    read_file(data, size);
    const char *path = fuzz_file(data, size, ".bin");
    if (fl_llama2c_config(&config, path, "fuzz", &error) == FL_OK)
        return;
    const char *expected = strstr(error.text, "size: expected ");
    size_t wanted = expected ? strtoull(expected + strlen("size: expected "), NULL, 10) : 0;
    if (wanted == 0 || wanted > sizeof resized)
        return;
    memset(resized, 0, wanted);
    memcpy(resized, data, size < wanted ? size : wanted);
    read_file(resized, wanted);
}

int main(int argc, char **argv)
{
    struct bytes files[4];
    struct fuzz_seed seeds[5] = {0};
    for (int i = 0; i < 4; i++) {
        struct fl_model model = fuzz_tiny(FL_ARCH_LLAMA, i & 1);
        files[i] = write_llama2c(&model, i >> 1);
        fl_model_close(&model);
        seeds[i] = (struct fuzz_seed){files[i].data, files[i].size};
    }
    int status = fuzz_main(argc, argv, read_llama2c, seeds);
    for (int i = 0; i < 4; i++)
        bytes_free(&files[i]);
    return fuzz_finish(status);
}
