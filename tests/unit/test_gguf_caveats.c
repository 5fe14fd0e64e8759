#include "model/gguf_caveats.h"

#include "tests/unit/model_files.h"

#include <criterion/criterion.h>
#include <string.h>

static int n_caveats(const struct fl_config *config, const char *fragment)
{
    const char *sentence;
    int n = 0;
    for (int next = 0; (sentence = fl_gguf_caveat(config, &next)) != NULL;) {
        cr_expect(strstr(sentence, fragment), "%s", sentence);
        n++;
    }
    return n;
}

Test(gguf_caveats, none_where_llama_cpp_gives_the_same_logits)
{
    static const enum fl_arch ARCHS[] = {FL_ARCH_LLAMA, FL_ARCH_QWEN2, FL_ARCH_MIXTRAL,
                                         FL_ARCH_GPT2};
    for (size_t i = 0; i < sizeof ARCHS / sizeof *ARCHS; i++) {
        const struct fl_config config = tiny_config(ARCHS[i], false);
        cr_expect_eq(n_caveats(&config, ""), 0, "%s", fl_arch_name(ARCHS[i]));
    }
}

Test(gguf_caveats, what_it_reads_otherwise)
{
    struct fl_config config = tiny_config(FL_ARCH_LLAMA, false);
    config.sliding_window = 4;
    cr_expect_eq(n_caveats(&config, "sliding window"), 1);
    config = tiny_config(FL_ARCH_QWEN2_MOE, false);
    config.norm_topk = true;
    config.d_ff_shared = 8;
    cr_expect_eq(n_caveats(&config, "does not make the weights"), 1);
    config = tiny_config(FL_ARCH_QWEN3_MOE, false);
    config.norm_topk = false;
    config.bias_qkv = false;
    cr_expect_eq(n_caveats(&config, "makes the weights"), 1);
}

Test(gguf_caveats, what_it_does_not_load)
{
    struct fl_config config = tiny_config(FL_ARCH_QWEN3, false);
    config.bias_qkv = true;
    cr_expect_eq(n_caveats(&config, "attention has biases"), 1);
    config = tiny_config(FL_ARCH_QWEN2, false);
    config.head_dim = 6;
    cr_expect_eq(n_caveats(&config, "n_heads * head_dim"), 1);
    config = tiny_config(FL_ARCH_QWEN2, false);
    config.rope.scaling = FL_ROPE_LLAMA3;
    cr_expect_eq(n_caveats(&config, "llama3's scaling"), 1);
    config = tiny_config(FL_ARCH_NEOX, true);
    config.activation = FL_ACT_GELU_TANH;
    cr_expect_eq(n_caveats(&config, "share the embedding"), 1);
    config.tied = false;
    config.bias_qkv = false;
    cr_expect_eq(n_caveats(&config, "no biases"), 1);
}
