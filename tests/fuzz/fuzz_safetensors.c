/* safetensors files beside a good config.json: of Llama, GPT-2 and the classic decoder, as the
 * names of the tensors tell. */
#include "model/hf_model.h"
#include "tests/fuzz/fuzz_model.h"
#include "tests/fuzz/mutate.h"

FUZZ_LIMIT_ALLOCATIONS

enum { N_ARCHS = 3, N_DTYPES = 3 };
static const enum fl_arch ARCHS[N_ARCHS] = {FL_ARCH_LLAMA, FL_ARCH_GPT2, FL_ARCH_CLASSIC};
static char directories[N_ARCHS][64];

static void read_weights(const unsigned char *data, size_t size)
{
    const char *path = fuzz_file(data, size, ".safetensors");
    for (int i = 0; i < N_ARCHS; i++) {
        struct fl_model model;
        struct fl_error error = {""};
        int status = fl_hf_model(&model, directories[i], path, "fuzz", &error);
        fuzz_expect_sentence(status, &error);
        if (status == FL_OK) {
            fuzz_touch(&model);
            fl_model_close(&model);
        }
    }
}

int main(int argc, char **argv)
{
    static const enum fl_dtype DTYPES[N_DTYPES] = {FL_F32, FL_F16, FL_BF16};
    struct bytes files[N_ARCHS * N_DTYPES];
    struct fuzz_seed seeds[N_ARCHS * N_DTYPES + 1] = {0};
    for (int i = 0; i < N_ARCHS; i++) {
        struct fl_model model = fuzz_tiny(ARCHS[i], true);
        struct bytes config = write_hf_config(&model.config);
        for (int j = 0; j < N_DTYPES; j++) {
            const int at = i * N_DTYPES + j;
            files[at] = write_safetensors_as(&model, "", DTYPES[j]);
            seeds[at] = (struct fuzz_seed){files[at].data, files[at].size};
        }
        scratch_open(directories[i]);
        bytes_write(&config, scratch_path(directories[i], "config.json"));
        bytes_free(&config);
        fl_model_close(&model);
    }
    int status = fuzz_main(argc, argv, read_weights, seeds);
    for (int i = 0; i < N_ARCHS; i++)
        scratch_close(directories[i]);
    for (int i = 0; i < N_ARCHS * N_DTYPES; i++)
        bytes_free(&files[i]);
    return fuzz_finish(status);
}
