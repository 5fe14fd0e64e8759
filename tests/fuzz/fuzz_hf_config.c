/* config.json, and the same bytes as the index of a sharded checkpoint and as a config out of the
 * results store. */
#include "model/config_json.h"
#include "model/hf_config.h"
#include "model/hf_model.h"
#include "model/json_read.h"
#include "model/presets.h"
#include "tests/fuzz/fuzz_model.h"
#include "tests/fuzz/mutate.h"

#include <string.h>

FUZZ_LIMIT_ALLOCATIONS

enum { MAX_PARAMS = 1 << 16 }; /* of a random model made of a mutated config */
static char directory[64];     /* a good checkpoint but for its index */

static void read_hf_config(const char *path)
{
    struct fl_config config;
    struct fl_model model;
    struct fl_error error = {""};
    int status = fl_hf_config(&config, path, "fuzz", &error);
    fuzz_expect_sentence(status, &error);
    if (status != FL_OK || fl_config_n_params(&config) > MAX_PARAMS)
        return;
    status = fl_model_random(&model, &config, 1, &error);
    fuzz_expect_sentence(status, &error);
    if (status == FL_OK) {
        fuzz_touch(&model);
        fl_model_close(&model);
    }
}

static void read_index(const unsigned char *data, size_t size)
{
    const struct bytes index = {(unsigned char *)(uintptr_t)data, size, size};
    struct fl_model model;
    struct fl_error error = {""};
    bytes_write(&index, scratch_path(directory, "model.safetensors.index.json"));
    int status = fl_hf_model(&model, directory, NULL, "fuzz", &error);
    fuzz_expect_sentence(status, &error);
    if (status == FL_OK) {
        fuzz_touch(&model);
        fl_model_close(&model);
    }
}

static void read_stored(const unsigned char *data, size_t size)
{
    cJSON *root;
    struct fl_config config;
    struct fl_error error = {""};
    int status = fl_json_parse(&root, (const char *)data, size, "fuzz", &error);
    fuzz_expect_sentence(status, &error);
    if (status == FL_OK) {
        status = fl_config_from_json(&config, root, "fuzz", &error);
        fuzz_expect_sentence(status, &error);
        cJSON_Delete(root);
    }
    if (status == FL_OK)
        cJSON_Delete(fl_config_to_json(&config));
}

static void read_json(const unsigned char *data, size_t size)
{
    read_hf_config(fuzz_file(data, size, ".json"));
    read_index(data, size);
    read_stored(data, size);
}

/* Written by hand: what the tiny configs do not have. */
static const char *const TEXTS[] = {
    "{\"weight_map\":{\"a\":\"part-1.safetensors\",\"b\":\"part-1.safetensors\"}}",
    "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"],\"hidden_size\":8,"
    "\"intermediate_size\":12,\"num_hidden_layers\":1,\"num_attention_heads\":2,\"head_dim\":4,"
    "\"vocab_size\":16,\"max_position_embeddings\":64,\"rms_norm_eps\":1e-5,\"rope_scaling\":"
    "{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
    "\"original_max_position_embeddings\":32},\"eos_token_id\":[2,3],\"attention_bias\":true}",
    "{\"model_type\":\"mixtral\",\"hidden_size\":8,\"intermediate_size\":12,"
    "\"num_hidden_layers\":1,\"num_attention_heads\":8,\"vocab_size\":16,"
    "\"max_position_embeddings\":64,\"num_local_experts\":4,\"num_experts_per_tok\":2}",
    "{\"model_type\":\"qwen2_moe\",\"hidden_size\":8,\"moe_intermediate_size\":4,"
    "\"shared_expert_intermediate_size\":6,\"num_hidden_layers\":1,\"num_attention_heads\":2,"
    "\"num_key_value_heads\":1,\"vocab_size\":16,\"max_position_embeddings\":64,"
    "\"num_experts\":4,\"num_experts_per_tok\":2,\"norm_topk_prob\":false,\"qkv_bias\":true,"
    "\"decoder_sparse_step\":1,\"mlp_only_layers\":[],\"use_sliding_window\":true,"
    "\"max_window_layers\":0,\"sliding_window\":4}",
    "{\"model_type\":\"qwen3_moe\",\"hidden_size\":8,\"moe_intermediate_size\":4,"
    "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"head_dim\":6,\"vocab_size\":16,"
    "\"max_position_embeddings\":64,\"num_experts\":4,\"num_experts_per_tok\":1,"
    "\"norm_topk_prob\":true,\"attention_bias\":true}",
    "{\"model_type\":\"gpt_neox\",\"hidden_size\":16,\"intermediate_size\":12,"
    "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"vocab_size\":16,"
    "\"max_position_embeddings\":64,\"rotary_pct\":0.25,\"rotary_emb_base\":10000,"
    "\"use_parallel_residual\":true,\"attention_bias\":true,\"hidden_act\":\"gelu\"}",
    "{\"model_type\":\"mistral\",\"hidden_size\":8,\"intermediate_size\":12,"
    "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"num_key_value_heads\":1,"
    "\"vocab_size\":16,\"max_position_embeddings\":64,\"sliding_window\":3,"
    "\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":2.0,\"rope_theta\":5000}}",
    "{\"model_type\":\"t5\",\"d_model\":8,\"d_ff\":12,\"num_layers\":2,\"num_heads\":2,\"d_kv\":4,"
    "\"vocab_size\":16,\"feed_forward_proj\":\"gated-gelu\",\"decoder_start_token_id\":0}",
    "{\"model_type\":\"t5\",\"d_model\":8,\"d_ff\":12,\"num_layers\":1,\"num_decoder_layers\":3,"
    "\"num_heads\":2,\"d_kv\":3,\"vocab_size\":16,\"feed_forward_proj\":\"relu\","
    "\"relative_attention_num_buckets\":32,\"relative_attention_max_distance\":20,"
    "\"tie_word_embeddings\":true,\"decoder_start_token_id\":0,\"eos_token_id\":1}",
    "{\"architectures\":[\"ClassicEncoderDecoder\"],\"d_model\":8,\"n_encoder_layers\":2,"
    "\"n_decoder_layers\":1,\"n_heads\":2,\"d_ff\":12,\"source_vocab_size\":9,"
    "\"target_vocab_size\":11,\"norm\":\"pre\",\"positions\":\"sinusoidal\","
    "\"scale_embeddings\":true,\"activation\":\"relu\",\"layer_norm_eps\":1e-5,"
    "\"bos_token_id\":1,\"eos_token_id\":2}",
    "{\"model_type\":\"llama\",\"model_type\":\"gpt2\",\"hidden_size\":8,\"hidden_size\":9}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
};
enum { N_TEXTS = sizeof TEXTS / sizeof *TEXTS, N_ARCHS = 4, N_SEEDS = N_TEXTS + N_ARCHS + 1 };

int main(int argc, char **argv)
{
    static const enum fl_arch ARCHS[N_ARCHS] = {FL_ARCH_LLAMA, FL_ARCH_GPT2, FL_ARCH_CLASSIC,
                                                FL_ARCH_QWEN2};
    struct bytes files[N_ARCHS];
    struct fuzz_seed seeds[N_SEEDS + 1] = {0};
    int n = 0;
    struct fl_model model = fuzz_tiny(FL_ARCH_LLAMA, true);
    struct bytes shard = write_safetensors(&model, ""), config = write_hf_config(&model.config);
    scratch_open(directory);
    bytes_write(&shard, scratch_path(directory, "part-1.safetensors"));
    bytes_write(&config, scratch_path(directory, "config.json"));
    bytes_free(&shard);
    bytes_free(&config);
    fl_model_close(&model);

    for (int i = 0; i < N_TEXTS; i++)
        seeds[n++] = (struct fuzz_seed){TEXTS[i], strlen(TEXTS[i])};
    for (int i = 0; i < N_ARCHS; i++) {
        struct fl_config tiny = tiny_config(ARCHS[i], true);
        files[i] = write_hf_config(&tiny);
        seeds[n++] = (struct fuzz_seed){files[i].data, files[i].size};
    }
    cJSON *object = fl_config_to_json(&fl_preset_find("llama-3.1-8b")->config);
    char *stored = cJSON_PrintUnformatted(object);
    seeds[n++] = (struct fuzz_seed){stored, strlen(stored)};
    int status = fuzz_main(argc, argv, read_json, seeds);
    for (int i = 0; i < N_ARCHS; i++)
        bytes_free(&files[i]);
    cJSON_Delete(object);
    free(stored);
    scratch_close(directory);
    return fuzz_finish(status);
}
