/* config.json and GGUF files whose shapes are nonsense: each is refused with a sentence that names
 * the file, the file's own word for the field and what was expected. */
#include "model/hf_config.h"
#include "tests/unit/model_files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define BODY                                                                                       \
    "\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"                         \
    "\"num_attention_heads\":4,\"vocab_size\":300,\"max_position_embeddings\":128"
#define LLAMA "{\"model_type\":\"llama\"," BODY
#define MIXTRAL(experts, used)                                                                     \
    "{\"model_type\":\"mixtral\",\"num_local_experts\":" experts ",\"num_experts_per_tok\":" used  \
    ",\"num_key_value_heads\":2," BODY
#define QWEN_MOE(experts, used)                                                                    \
    "{\"model_type\":\"qwen2_moe\",\"moe_intermediate_size\":32,\"num_experts\":" experts          \
    ",\"num_experts_per_tok\":" used "," BODY
#define NEOX     "{\"model_type\":\"gpt_neox\"," BODY
#define MISTRAL  "{\"model_type\":\"mistral\",\"num_key_value_heads\":2," BODY
#define T5       "{\"model_type\":\"t5\",\"d_model\":64,\"d_ff\":96,\"num_heads\":4,\"vocab_size\":300"
#define T5_WHOLE T5 ",\"d_kv\":16,\"num_layers\":2"

static const struct {
    const char *text, *sentence; /* behind "FILE: " */
} CASES[] = {
    {MIXTRAL("0", "0") "}", "num_local_experts: expected at least 1, not 0"},
    {MIXTRAL("-1", "2") "}", "num_local_experts: expected a whole number from 0 to 65536, not -1"},
    {MIXTRAL("4", "0") "}", "num_experts_per_tok: expected at least 1, not 0"},
    {MIXTRAL("4", "5") "}", "num_experts_per_tok: expected 1 to num_local_experts (4), not 5"},
    {MIXTRAL("1000000", "2") "}",
     "num_local_experts: expected a whole number from 0 to 65536, not 1000000"},
    {QWEN_MOE("0", "0") "}", "num_experts: expected at least 1, not 0"},
    {QWEN_MOE("4", "2") ",\"shared_expert_intermediate_size\":-5}",
     "shared_expert_intermediate_size: expected a whole number from 0 to 16777216, not -5"},
    {LLAMA ",\"head_dim\":7}", "head_dim: expected an even number of rotated features, not 7"},
    {LLAMA ",\"head_dim\":0}", "head_dim: expected at least 1, not 0"},
    {LLAMA ",\"num_key_value_heads\":0}", "num_key_value_heads: expected at least 1, not 0"},
    {LLAMA ",\"head_dim\":-8}", "head_dim: expected a whole number from 1 to 16777216, not -8"},
    {LLAMA ",\"head_dim\":16777216}",
     "num_attention_heads * head_dim: expected at most 16777216, not 67108864"},
    {LLAMA ",\"num_key_value_heads\":8}",
     "num_key_value_heads: expected a divisor of num_attention_heads (4), not 8"},
    {LLAMA ",\"rope_theta\":-1}", "rope_theta: expected a number from 1 to 1e15, not -1"},
    {LLAMA ",\"rms_norm_eps\":-1}", "rms_norm_eps: expected a number above 0 and up to 1, not -1"},
    {LLAMA ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0}}",
     "factor: expected a number from 0.001 to 1e6, not 0"},
    {LLAMA ",\"eos_token_id\":300}",
     "eos_token_id: expected an id below vocab_size (300), not 300"},
    {LLAMA ",\"num_key_value_heads\":4294967296}",
     "num_key_value_heads: expected a whole number of at most 2147483647, not 4.295e+09"},
    {NEOX ",\"rotary_pct\":0}", "rotary_pct: expected a number above 0 and up to 1, not 0"},
    {NEOX ",\"rotary_pct\":1.5}", "rotary_pct: expected a number above 0 and up to 1, not 1.5"},
    {NEOX ",\"rotary_pct\":0.2}", "rotary_pct: expected an even number of rotated features, not 3"},
    {NEOX ",\"rotary_pct\":0.01}", "rotary_pct: expected at least one rotated feature of 16"},
    {MISTRAL ",\"sliding_window\":-4}",
     "sliding_window: expected a whole number from 0 to 16777216, not -4"},
    {T5 ",\"d_kv\":0,\"num_layers\":2}", "d_kv: expected at least 1, not 0"},
    {T5 ",\"d_kv\":16,\"num_layers\":0}", "num_layers: expected at least 1, not 0"},
    {T5_WHOLE ",\"relative_attention_num_buckets\":0}",
     "relative_attention_num_buckets: expected 32, not 0"},
    {T5_WHOLE ",\"relative_attention_max_distance\":16}",
     "relative_attention_max_distance: expected a whole number from 17 to 16777216, not 16"},
    {"{\"model_type\":\"llama\",\"hidden_size\":63,\"intermediate_size\":96,"
     "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"vocab_size\":300,"
     "\"max_position_embeddings\":128}",
     "num_attention_heads: expected a divisor of hidden_size (63), not 4"},
    {"{\"model_type\":\"llama\",\"hidden_size\":16777216,\"intermediate_size\":16777216,"
     "\"num_hidden_layers\":4096,\"num_attention_heads\":1,\"vocab_size\":16777216,"
     "\"max_position_embeddings\":128}",
     "dimensions: expected fewer than 2^60 parameters in all"},
};

Test(nonsense_shapes, are_refused_in_the_words_of_the_file)
{
    char directory[64], sentence[512];
    scratch_open(directory);
    const char *path = scratch_path(directory, "config.json");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_config config;
        struct fl_error error = {""};
        FILE *file = fopen(path, "w");
        cr_assert(file && fputs(CASES[i].text, file) >= 0 && fclose(file) == 0);
        cr_expect_eq(fl_hf_config(&config, path, "model", &error), FL_FAILED, "%s", CASES[i].text);
        snprintf(sentence, sizeof sentence, "%s: %s", path, CASES[i].sentence);
        cr_expect_str_eq(error.text, sentence, "%s", error.text);
    }
    scratch_close(directory);
}
