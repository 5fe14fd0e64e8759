/* What the processor executes, as flopgrind counts it, against cost and excess as the operators
 * declare them: whole forward passes through the command line, every operator to the last
 * operation. */
#include "counters/counter_flopgrind.h"
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void skip_without_flopgrind(void)
{
    const char *missing = fl_flopgrind_missing();
    if (missing)
        cr_skip_test("flopgrind: %s", missing);
}

static cJSON *audit(const char *arguments)
{
    struct run_result r =
        run_flopledger("audit --reps 1 --format json --counter flopgrind %s", arguments);
    cr_assert_eq(r.status, 0, "%s: %s", arguments, r.err);
    cJSON *json = cJSON_Parse(r.out);
    cr_assert_not_null(json, "%s", arguments);
    run_release(&r);
    return json;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    cr_assert(cJSON_IsNumber(item), "%s", name);
    return item->valuedouble;
}

static void expect_all_explained(const char *arguments)
{
    cJSON *json = audit(arguments);
    const cJSON *op;
    int n_ops = 0;
    cJSON_ArrayForEach(op, cJSON_GetObjectItem(json, "ops"))
    {
        const cJSON *measured = cJSON_GetObjectItem(op, "measured");
        n_ops++;
        cr_expect_eq(number(measured, "unexplained"), 0, "%s: %s: %.0f of %.0f FLOPs", arguments,
                     cJSON_GetObjectItem(op, "op")->valuestring, number(measured, "unexplained"),
                     number(measured, "flops"));
    }
    cr_expect_gt(n_ops, 20);
    const cJSON *counter = cJSON_GetObjectItem(json, "counter");
    cr_expect_gt(number(cJSON_GetObjectItem(counter, "whole"), "flops"), 100000);
    cr_expect_eq(number(counter, "unexplained"), 0, "%s", arguments);
    cr_expect_eq(number(counter, "between_operators"), 0, "%s", arguments);
    cJSON_Delete(json);
}

static void expect_over_lengths(const char *model, const char *core)
{
    static const int LENGTHS[] = {1, 16, 64, 100, 256};
    static const char *const PHASES[] = {"prefill", "decode"};
    skip_without_flopgrind();
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++)
        for (int phase = 0; phase < 2; phase++) {
            char arguments[512];
            snprintf(arguments, sizeof arguments,
                     "--footprint off --model %s -s %d --phase %s --blas-core %s --threads %d",
                     model, LENGTHS[i], PHASES[phase], core, 1 + (int)(i + (size_t)phase) % 2);
            expect_all_explained(arguments);
        }
}

Test(excess, classic_model)
{
    expect_over_lengths("classic-nano", "Sandybridge");
}

Test(excess, classic_model_with_fma)
{
    expect_over_lengths("classic-nano", "Haswell");
}

Test(excess, gpt2_model)
{
    expect_over_lengths("gpt2-nano", "Sandybridge");
}

Test(excess, llama_model)
{
    expect_over_lengths("llama-nano", "Sandybridge");
}

Test(excess, llama_model_with_fma)
{
    expect_over_lengths("llama-nano", "Haswell");
}

/* Nothing in them is a multiple of a vector. */
static const char GPT2_HEADS_OF_33[] =
    "{\"model_type\":\"gpt2\",\"n_embd\":99,\"n_head\":3,\"n_layer\":2,\"n_inner\":201,"
    "\"vocab_size\":301,\"n_positions\":512,\"layer_norm_epsilon\":1e-5,"
    "\"activation_function\":\"gelu_new\"}";
static const char LLAMA_HEADS_OF_10[] =
    "{\"model_type\":\"llama\",\"hidden_size\":70,\"intermediate_size\":111,"
    "\"num_hidden_layers\":2,\"num_attention_heads\":6,\"num_key_value_heads\":3,\"head_dim\":10,"
    "\"vocab_size\":301,\"max_position_embeddings\":512,\"rms_norm_eps\":1e-5,"
    "\"hidden_act\":\"silu\",\"tie_word_embeddings\":false}";

static void expect_config_over_lengths(const char *text, const char *core)
{
    skip_without_flopgrind();
    struct run_scratch scratch;
    char path[128];
    run_scratch_make(&scratch);
    snprintf(path, sizeof path, "%s/odd.json", scratch.path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    expect_over_lengths(path, core);
    run_scratch_remove(&scratch);
}

Test(excess, odd_heads)
{
    expect_config_over_lengths(GPT2_HEADS_OF_33, "Sandybridge");
}

Test(excess, odd_heads_with_fma)
{
    expect_config_over_lengths(GPT2_HEADS_OF_33, "Haswell");
}

Test(excess, odd_grouped_heads)
{
    expect_config_over_lengths(LLAMA_HEADS_OF_10, "Haswell");
}

/* Both stacks, cross-attention and relative positions; tied logits scaled, and gated with a width
 * of heads that is not the model's. */
static const char T5_HEADS_OF_10[] =
    "{\"model_type\":\"t5\",\"d_model\":70,\"d_kv\":10,\"num_heads\":6,\"d_ff\":111,"
    "\"num_layers\":2,\"num_decoder_layers\":1,\"vocab_size\":301,"
    "\"feed_forward_proj\":\"relu\",\"decoder_start_token_id\":0}";
static const char T5_GATED_HEADS_OF_16[] =
    "{\"model_type\":\"t5\",\"d_model\":64,\"d_kv\":16,\"num_heads\":3,\"d_ff\":96,"
    "\"num_layers\":1,\"num_decoder_layers\":2,\"vocab_size\":256,\"tie_word_embeddings\":false,"
    "\"feed_forward_proj\":\"gated-gelu\",\"decoder_start_token_id\":0}";
static const char ENCDEC_HEADS_OF_4[] =
    "{\"architectures\":[\"ClassicEncoderDecoder\"],\"d_model\":32,\"n_encoder_layers\":2,"
    "\"n_decoder_layers\":5,\"n_heads\":8,\"d_ff\":128,\"source_vocab_size\":51,"
    "\"target_vocab_size\":43,\"norm\":\"pre\",\"positions\":\"sinusoidal\","
    "\"scale_embeddings\":true,\"activation\":\"relu\",\"bos_token_id\":1,\"eos_token_id\":2}";

Test(excess, t5_model)
{
    expect_config_over_lengths(T5_HEADS_OF_10, "Sandybridge");
}

Test(excess, t5_gated_model_with_fma)
{
    expect_config_over_lengths(T5_GATED_HEADS_OF_16, "Haswell");
}

Test(excess, classic_encoder_decoder)
{
    expect_config_over_lengths(ENCDEC_HEADS_OF_4, "Sandybridge");
}

Test(excess, classic_encoder_decoder_with_fma)
{
    expect_config_over_lengths(ENCDEC_HEADS_OF_4, "Haswell");
}

Test(excess, every_family)
{
    static const char *const MODELS[] = {"classic-nano", "gpt2-nano",    "llama-nano", "qwen3-nano",
                                         "mistral-nano", "mixtral-nano", "neox-nano",  "t5-nano"};
    static const char *const POINTS[] = {
        "-s 70 --threads 2", "-s 50 -b 3 --phase decode --threads 1 --blas-core Haswell"};
    skip_without_flopgrind();
    for (size_t i = 0; i < sizeof MODELS / sizeof *MODELS; i++)
        for (size_t j = 0; j < sizeof POINTS / sizeof *POINTS; j++) {
            char arguments[256];
            snprintf(arguments, sizeof arguments, "--footprint off -m %s %s", MODELS[i], POINTS[j]);
            expect_all_explained(arguments);
        }
}

Test(excess, other_kernels_and_shapes)
{
    static const char *const POINTS[] = {
        "-m gpt2-nano -s 40 -b 3 --attention naive --threads 1",
        "-m llama-nano -s 33 -b 2 --attention naive --threads 2 --blas-core Haswell",
        "-m llama-nano -s 20 -b 5 --phase decode --threads 2",
        "-m classic-nano -s 31 --phase decode --cache off --threads 1 --blas-core Haswell",
        "-m gpt2-nano -s 50 --logits last --threads 2",
        "-m stories15m -s 300 --phase decode --threads 2",
        "-m t5-small -s 9 --encoder-tokens 21 -b 2 --attention naive --threads 1",
        "-m t5-v1.1-small -s 30 --encoder-tokens 7 --phase decode --threads 1",
        "-m gpt2-nano -s 200 --attention flash --threads 1",
        "-m gpt2-nano -s 60 --kv-dtype f16 --threads 2",
        "-m llama-nano -s 100 --phase decode --kv-dtype bf16 --attention flash --threads 1",
        "-m llama-nano -s 333 -b 2 --attention flash --threads 2 --blas-core Haswell",
        "-m llama-nano -s 300 -b 3 --attention flash --phase decode --threads 2",
        "-m gpt2-nano -s 8 --threads 2",
        "-m gpt2-nano -s 40 -b 5 --phase decode --dtype bf16 --threads 1",
        "-m t5-small -s 5 --encoder-tokens 12 --dtype f16 --threads 2",
    };
    skip_without_flopgrind();
    for (size_t i = 0; i < sizeof POINTS / sizeof *POINTS; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "--footprint off %s", POINTS[i]);
        expect_all_explained(arguments);
    }
}

/* The kernels for processors without AVX. */
Test(excess, portable_kernels)
{
    skip_without_flopgrind();
    setenv("FL_ISA", "portable", 1);
    expect_all_explained("--footprint off -m gpt2-nano -s 37 --threads 1");
    expect_all_explained("--footprint off -m llama-nano -s 37 --phase decode --threads 2");
    unsetenv("FL_ISA");
}

/* Weights in every format: rows of whole blocks of each. */
static const char LLAMA_OF_256[] =
    "{\"model_type\":\"llama\",\"hidden_size\":256,\"intermediate_size\":512,"
    "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":64,"
    "\"vocab_size\":301,\"max_position_embeddings\":512,\"rms_norm_eps\":1e-5,"
    "\"hidden_act\":\"silu\",\"tie_word_embeddings\":false}";

static void expect_formats(const char *text, const char *point)
{
    static const char *const FORMATS[] = {"f16", "bf16", "q8_0", "q4_0", "q4_k", "q6_k"};
    skip_without_flopgrind();
    struct run_scratch scratch;
    char path[128];
    run_scratch_make(&scratch);
    snprintf(path, sizeof path, "%s/config.json", scratch.path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, "--footprint off -m %s --dtype %s %s", path,
                 FORMATS[i], point);
        expect_all_explained(arguments);
    }
    run_scratch_remove(&scratch);
}

Test(excess, formats_in_prefill)
{
    expect_formats(LLAMA_OF_256, "-s 20 --threads 1");
}

Test(excess, formats_in_decode)
{
    expect_formats(LLAMA_OF_256, "-s 20 --phase decode --threads 2 --blas-core Haswell");
}

Test(excess, formats_of_a_few_rows)
{
    expect_formats(LLAMA_OF_256, "-s 9 --threads 2");
}

/* Rows that are no whole blocks, and no whole vectors either. */
Test(excess, formats_of_odd_rows)
{
    expect_formats(LLAMA_HEADS_OF_10, "-s 20 --phase decode --threads 1");
}

Test(excess, formats_without_avx)
{
    setenv("FL_ISA", "portable", 1);
    expect_formats(LLAMA_OF_256, "-s 9 --phase decode --threads 2");
    unsetenv("FL_ISA");
}

Test(excess, one_thread_counts_the_same_twice)
{
    static const char ARGUMENTS[] = "-m llama-nano -s 24 --threads 1 --cache-model on";
    skip_without_flopgrind();
    cJSON *json[2];
    for (int i = 0; i < 2; i++)
        json[i] = cJSON_DetachItemFromObject(audit(ARGUMENTS), "counter");
    char *first = cJSON_PrintUnformatted(json[0]), *second = cJSON_PrintUnformatted(json[1]);
    cr_expect_str_eq(first, second);
    cr_expect(strstr(first, "\"instructions\""));
    free(first);
    free(second);
    cJSON_Delete(json[0]);
    cJSON_Delete(json[1]);
}

/* A decode step of a model of half a gigabyte, more than any last-level cache: the lines it touches
 * are the bytes of the formulas. */
Test(footprint, decode_step_of_a_model_larger_than_the_caches)
{
    enum { LINE = 64, LARGE = 1 << 20 };
    skip_without_flopgrind();
    cJSON *json = audit("-m gpt2-small -s 512 --phase decode");
    const cJSON *op, *exact = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "totals"), "exact");
    const cJSON *whole = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "counter"), "whole");
    double bytes = number(exact, "bytes_read") + number(exact, "bytes_written");
    double touched = LINE * (number(whole, "lines_read") + number(whole, "lines_written"));
    cr_expect_lt(fabs(touched / bytes - 1), 0.01, "whole: %.0f of %.0f bytes", touched, bytes);

    /* summed over the layers */
    double by_op[2][32] = {{0}};
    const char *names[32];
    int n = 0;
    cJSON_ArrayForEach(op, cJSON_GetObjectItem(json, "ops"))
    {
        const char *name = cJSON_GetObjectItem(op, "op")->valuestring;
        int at = 0;
        while (at < n && strcmp(names[at], name) != 0)
            at++;
        if (at == n)
            names[n++] = name;
        exact = cJSON_GetObjectItem(op, "exact");
        const cJSON *measured = cJSON_GetObjectItem(op, "measured");
        by_op[0][at] += number(exact, "bytes_read") + number(exact, "bytes_written");
        by_op[1][at] += LINE * (number(measured, "lines_read") + number(measured, "lines_written"));
    }
    int n_large = 0;
    for (int i = 0; i < n; i++)
        if (by_op[0][i] > LARGE) {
            n_large++;
            cr_expect_lt(fabs(by_op[1][i] / by_op[0][i] - 1), 0.03, "%s: %.0f of %.0f bytes",
                         names[i], by_op[1][i], by_op[0][i]);
        }
    cr_expect_geq(n_large, 7);
    cJSON_Delete(json);
}
