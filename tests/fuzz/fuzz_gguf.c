/* GGUF files: metadata, the config read from them, and whole models. */
#include "model/gguf.h"
#include "model/gguf_model.h"
#include "tests/fuzz/fuzz_model.h"
#include "tests/fuzz/mutate.h"

FUZZ_LIMIT_ALLOCATIONS

/* What the tokenizer reads. */
static void read_tokens(const char *path)
{
    struct fl_gguf *gguf;
    struct fl_error error = {""};
    struct fl_gguf_array array;
    struct fl_gguf_string text;
    volatile size_t sum = 0;
    int status = fl_gguf_open(&gguf, path, &error);
    fuzz_expect_sentence(status, &error);
    if (status != FL_OK)
        return;
    if (fl_gguf_get_array(gguf, "tokenizer.ggml.tokens", FL_GGUF_STRINGS, &array, &error) == FL_OK)
        while (fl_gguf_next_string(&array, &text))
            for (size_t i = 0; i < text.length; i++)
                sum = sum + (unsigned char)text.data[i];
    fl_gguf_close(gguf);
}

static void read_gguf(const unsigned char *data, size_t size)
{
    const char *path = fuzz_file(data, size, ".gguf");
    struct fl_config config;
    struct fl_model model;
    struct fl_error error = {""};
    read_tokens(path);
    fuzz_expect_sentence(fl_gguf_config(&config, path, "fuzz", &error), &error);
    error.text[0] = '\0';
    int status = fl_gguf_model(&model, path, "fuzz", &error);
    fuzz_expect_sentence(status, &error);
    if (status == FL_OK) {
        fuzz_touch(&model);
        fl_model_close(&model);
    }
}

/* Plain ones written by the tests; each format; and what has tensors or keys of its own. */
enum { N_PLAIN = 6, N_OTHERS = 7, N_SEEDS = N_PLAIN + FL_N_DTYPES + N_OTHERS };

static struct bytes write_other(int i)
{
    static const enum fl_arch ARCHS[N_OTHERS] = {
        FL_ARCH_MIXTRAL, FL_ARCH_QWEN2_MOE, FL_ARCH_QWEN3_MOE, FL_ARCH_QWEN3,
        FL_ARCH_NEOX,    FL_ARCH_T5,        FL_ARCH_T5};
    if (ARCHS[i] != FL_ARCH_T5) {
        const struct fl_config config = tiny_config(ARCHS[i], false);
        return fuzz_gguf_of(&config, i & 1 ? FL_F16 : FL_F32);
    }
    const bool gated = i & 1;
    const struct fl_config t5 = {.arch = FL_ARCH_T5,
                                 .name = "t5",
                                 .d_model = 8,
                                 .d_ff = 12,
                                 .n_layers = 1 + gated,
                                 .n_encoder_layers = 2,
                                 .n_heads = 2,
                                 .n_kv_heads = 2,
                                 .head_dim = 3,
                                 .vocab_size = 16,
                                 .n_ctx_max = 16,
                                 .norm = FL_NORM_RMSNORM,
                                 .norm_eps = 1e-6,
                                 .activation = gated ? FL_ACT_GELU_TANH : FL_ACT_RELU,
                                 .gated = gated,
                                 .positions = FL_POS_RELATIVE,
                                 .relative_max_distance = gated ? 20 : FL_T5_MAX_DISTANCE,
                                 .tied = !gated,
                                 .bos_id = 0,
                                 .eos_id = 1};
    return fuzz_gguf_of(&t5, FL_F32);
}

int main(int argc, char **argv)
{
    static const enum fl_arch ARCHS[] = {FL_ARCH_LLAMA, FL_ARCH_QWEN2, FL_ARCH_GPT2};
    struct bytes files[N_SEEDS];
    struct fuzz_seed seeds[N_SEEDS + 1] = {0};
    for (int i = 0; i < N_SEEDS; i++) {
        if (i < N_PLAIN) {
            struct fl_model model = fuzz_tiny(ARCHS[i / 2], i & 1);
            files[i] = write_gguf(&model, 2 + (uint32_t)(i & 1));
            fl_model_close(&model);
        } else if (i < N_PLAIN + FL_N_DTYPES)
            files[i] = fuzz_gguf((enum fl_dtype)(i - N_PLAIN), i & 1);
        else
            files[i] = write_other(i - N_PLAIN - FL_N_DTYPES);
        seeds[i] = (struct fuzz_seed){files[i].data, files[i].size};
    }
    int status = fuzz_main(argc, argv, read_gguf, seeds);
    for (int i = 0; i < N_SEEDS; i++)
        bytes_free(&files[i]);
    return fuzz_finish(status);
}
