#include "model/hf_config.h"
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
TestSuite(hf_config, .init = set_up, .fini = tear_down);

static int read_text(struct fl_config *config, const char *text, struct fl_error *error)
{
    struct bytes bytes = {0};
    bytes_add(&bytes, text, strlen(text));
    const char *path = scratch_path(directory, "config.json");
    bytes_write(&bytes, path);
    bytes_free(&bytes);
    return fl_hf_config(config, path, "name", error);
}

static struct fl_config read_good(const char *text)
{
    struct fl_config config;
    struct fl_error error = {""};
    cr_assert_eq(read_text(&config, text, &error), FL_OK, "%s: %s", text, error.text);
    cr_expect_str_eq(config.name, "name");
    return config;
}

#define DIMENSIONS                                                                                 \
    "\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":3,"                         \
    "\"num_attention_heads\":4,\"vocab_size\":256,\"max_position_embeddings\":128"
#define LLAMA "{\"model_type\":\"llama\"," DIMENSIONS
#define GPT2                                                                                       \
    "{\"model_type\":\"gpt2\",\"n_embd\":64,\"n_layer\":3,\"n_head\":4,\"vocab_size\":256,"        \
    "\"n_positions\":128"

Test(hf_config, absent_keys_have_the_defaults_of_the_architecture)
{
    struct fl_config llama = read_good(LLAMA "}");
    cr_expect_eq(llama.n_kv_heads, 4);
    cr_expect_eq(llama.head_dim, 16);
    cr_expect_eq(llama.norm_eps, 1e-6);
    cr_expect_eq(llama.rope.theta, 10000);
    cr_expect(!llama.tied && !llama.bias_qkv && llama.gated && !llama.rope.interleaved);
    cr_expect_eq(llama.bos_id, -1);
    cr_expect_eq(llama.sliding_window, 0);

    struct fl_config gpt2 = read_good(GPT2 "}");
    cr_expect_eq(gpt2.d_ff, 256);
    cr_expect(gpt2.tied && gpt2.bias_qkv && gpt2.activation == FL_ACT_GELU_TANH);
    cr_expect_eq(gpt2.norm, FL_NORM_LAYERNORM);

    struct fl_config mistral =
        read_good("{\"model_type\":\"mistral\"," DIMENSIONS ",\"num_key_value_heads\":2}");
    cr_expect_eq(mistral.arch, FL_ARCH_LLAMA);
    cr_expect_eq(mistral.sliding_window, 4096);

    struct fl_config qwen2 = read_good("{\"model_type\":\"qwen2\"," DIMENSIONS "}");
    cr_expect(qwen2.bias_qkv && !qwen2.bias_attn_out && !qwen2.tied);
}

Test(hf_config, present_keys_win)
{
    struct fl_config config =
        read_good(LLAMA ",\"head_dim\":24,\"num_key_value_heads\":2,\"attention_bias\":true,"
                        "\"mlp_bias\":true,\"tie_word_embeddings\":true,\"rope_theta\":500000.0,"
                        "\"rms_norm_eps\":0.001,\"bos_token_id\":7,\"eos_token_id\":[9,8],"
                        "\"rope_scaling\":{\"type\":\"linear\",\"factor\":4}}");
    cr_expect(config.head_dim == 24 && config.n_kv_heads == 2 && config.bias_qkv &&
              config.bias_attn_out && config.bias_ffn && config.tied);
    cr_expect(config.bos_id == 7 && config.eos_id == 9);
    cr_expect(config.rope.theta == 500000.0 && config.norm_eps == 0.001);
    cr_expect(config.rope.scaling == FL_ROPE_LINEAR && config.rope.factor == 4);

    config = read_good(LLAMA ",\"rope_parameters\":{\"rope_type\":\"llama3\",\"rope_theta\":5e5,"
                             "\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4,"
                             "\"original_max_position_embeddings\":64}}");
    cr_expect(config.rope.scaling == FL_ROPE_LLAMA3 && config.rope.theta == 5e5 &&
              config.rope.original_ctx == 64 && config.rope.high_freq_factor == 4);

    config = read_good(GPT2 ",\"n_inner\":100,\"activation_function\":\"gelu\"}");
    cr_expect(config.d_ff == 100 && config.activation == FL_ACT_GELU_ERF);

    config = read_good("{\"model_type\":\"mistral\"," DIMENSIONS
                       ",\"num_key_value_heads\":2,\"sliding_window\":null}");
    cr_expect_eq(config.sliding_window, 0);

    config = read_good("{\"model_type\":\"qwen2\"," DIMENSIONS
                       ",\"use_sliding_window\":false,\"sliding_window\":99}");
    cr_expect_eq(config.sliding_window, 0);
}

Test(hf_config, counted_architectures_are_read)
{
    struct fl_config mixtral = read_good("{\"model_type\":\"mixtral\"," DIMENSIONS
                                         ",\"num_key_value_heads\":2,\"num_local_experts\":4,"
                                         "\"num_experts_per_tok\":2}");
    cr_expect(mixtral.arch == FL_ARCH_MIXTRAL && mixtral.n_experts == 4 &&
              mixtral.n_experts_used == 2);
    struct fl_config t5 =
        read_good("{\"architectures\":[\"T5ForConditionalGeneration\"],\"d_model\":64,\"d_ff\":96,"
                  "\"num_layers\":3,\"num_decoder_layers\":2,\"num_heads\":3,\"d_kv\":16,"
                  "\"vocab_size\":256,\"feed_forward_proj\":\"gated-gelu\","
                  "\"tie_word_embeddings\":false,\"decoder_start_token_id\":0}");
    cr_expect(t5.n_encoder_layers == 3 && t5.n_layers == 2 && t5.gated && !t5.tied &&
              t5.activation == FL_ACT_GELU_TANH && t5.bos_id == 0 && t5.head_dim == 16);
}

Test(hf_config, what_the_engine_does_not_do_is_refused_by_name)
{
    static const struct {
        const char *text, *fragment;
    } CASES[] = {
        {"{\"model_type\":\"gemma2\"," DIMENSIONS "}", "'gemma2'"},
        {"{\"model_type\":\"llama\",\"architectures\":[\"LlamaForSequenceClassification\"]"
         "," DIMENSIONS "}",
         "LlamaForSequenceClassification"},
        {"{\"architectures\":[\"BertForMaskedLM\"]," DIMENSIONS "}", "BertForMaskedLM"},
        {"{" DIMENSIONS "}", "model_type: expected a string, it is missing"},
        {LLAMA ",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4}}", "'yarn'"},
        {LLAMA ",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":4}}", "'dynamic'"},
        {LLAMA ",\"rope_scaling\":{\"type\":\"linear\"}}",
         "factor: expected a number, it is missing"},
        {LLAMA ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":-1}}",
         "factor: expected a number from"},
        {LLAMA ",\"rope_scaling\":3}", "rope_scaling: expected an object or null"},
        {LLAMA ",\"partial_rotary_factor\":0.5}", "partial_rotary_factor"},
        {LLAMA ",\"hidden_act\":\"mish\"}", "hidden_act: expected"},
        {LLAMA ",\"head_dim\":15}", "head_dim"},
        {LLAMA ",\"num_key_value_heads\":3}",
         "num_key_value_heads: expected a divisor of num_attention_heads"},
        {LLAMA ",\"num_key_value_heads\":1e20}", "num_key_value_heads: expected a whole number"},
        {LLAMA ",\"num_key_value_heads\":1.5}", "num_key_value_heads: expected a whole number"},
        {LLAMA ",\"num_key_value_heads\":\"4\"}", "num_key_value_heads: expected a whole number"},
        {LLAMA ",\"hidden_size\":64}", "hidden_size: expected once"},
        {LLAMA ",\"rms_norm_eps\":0}", "rms_norm_eps: expected"},
        {LLAMA ",\"eos_token_id\":256}", "eos_token_id: expected an id below vocab_size"},
        {LLAMA ",\"eos_token_id\":[]}", "eos_token_id"},
        {LLAMA ",\"tie_word_embeddings\":1}", "tie_word_embeddings: expected true or false"},
        {GPT2 ",\"scale_attn_by_inverse_layer_idx\":true}", "scale_attn_by_inverse_layer_idx"},
        {GPT2 ",\"scale_attn_weights\":false}", "scale_attn_weights"},
        {GPT2 ",\"n_embd\":0}", "n_embd: expected once"},
        {"{\"model_type\":\"gpt2\",\"n_layer\":3}",
         "n_embd: expected a whole number, it is missing"},
        {"{\"model_type\":\"classic_decoder\"," DIMENSIONS ",\"norm_position\":\"both\"}",
         "norm_position: expected pre or post, not 'both'"},
        {"", "malformed"},
        {"{", "malformed"},
        {"[]", "one JSON object"},
        {LLAMA "} x", "nothing behind it"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_config config;
        struct fl_error error = {""};
        cr_expect_eq(read_text(&config, CASES[i].text, &error), FL_FAILED, "%s", CASES[i].text);
        cr_expect_not_null(strstr(error.text, CASES[i].fragment), "%s: '%s' does not say '%s'",
                           CASES[i].text, error.text, CASES[i].fragment);
    }
}

/* cJSON's own limit on nesting must hold: a stack is not endless. */
Test(hf_config, deep_nesting_and_large_files_are_refused)
{
    struct bytes bytes = {0};
    struct fl_config config;
    struct fl_error error = {""};
    const char *path = scratch_path(directory, "config.json");
    for (int i = 0; i < 100000; i++)
        bytes_add(&bytes, "[", 1);
    bytes_write(&bytes, path);
    cr_expect_eq(fl_hf_config(&config, path, "name", &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "malformed"), "%s", error.text);
    while (bytes.size <= 16 << 20)
        bytes_add(&bytes, "                                                                ", 64);
    bytes_write(&bytes, path);
    cr_expect_eq(fl_hf_config(&config, path, "name", &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "at most 16777216 bytes"), "%s", error.text);
    bytes_free(&bytes);
}
