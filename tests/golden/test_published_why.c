/* `flopledger why` reproduces what other tools published, the wrong figures included, and leaves
 * nothing unexplained on the way to ours. */
#include "tests/cli/run.h"
#include "tests/golden/published.h"

#include <criterion/criterion.h>

TestSuite(published_why, .init = published_open, .fini = published_close);

/* What the tool reports for the case's model and shape; its parts and terms must add up. */
static double reported(const cJSON *item, const char *tool, const char *extra)
{
    const cJSON *shape = cJSON_GetObjectItem(item, "shape"), *at;
    const char *path = published_config(cJSON_GetObjectItem(item, "model"));
    struct run_result r =
        run_flopledger("why -m %s --tool %s -b %.0f -s %.0f --past %.0f --format json %s", path,
                       tool, published_number(shape, "batch"), published_number(shape, "n_tokens"),
                       published_number(shape, "n_past"), extra);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *json = cJSON_Parse(r.out);
    const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "tools"), 0);
    const double figure = published_number(row, "reported");
    double parts = 0, terms = 0;
    cJSON_ArrayForEach(at, cJSON_GetObjectItem(row, "parts")) parts +=
        published_number(at, "value");
    cJSON_ArrayForEach(at, cJSON_GetObjectItem(row, "terms")) terms +=
        published_number(at, "flops");
    cr_expect_eq(parts, figure, "%s", tool);
    cr_expect_eq(figure + terms, published_number(row, "ours"), "%s", tool);
    cr_expect(cJSON_HasObjectItem(row, "unexplained"));
    cr_expect_eq(published_number(row, "unexplained"), 0, "%s", tool);
    cJSON_Delete(json);
    run_release(&r);
    return figure;
}

/* Each published figure, and how the tool was asked. MACs unless the unit is flop. */
Test(published_why, calflops_readme)
{
    static const struct {
        const char *id, *tool, *extra;
        double printed_g;
    } CASES[] = {
        {"calflops-llama-7b", "calflops", "--unit mac", 850.0},
        {"calflops-llama-7b", "calflops", "--unit flop", 1700.06},
        {"calflops-baichuan-7b", "calflops", "--unit mac", 866.78},
        {"calflops-baichuan-7b", "calflops", "--unit flop", 1733.62},
        {"calflops-chatglm2-6b", "calflops", "--unit mac", 768.8},
        {"calflops-pythia-1.4b", "calflops", "--unit mac --lm-head none", 156.23},
        {"calflops-bloom-1b7-trap", "calflops-bloom", "--unit mac --lm-head none", 155.42},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const cJSON *item = published_case(CASES[i].id);
        const cJSON *expect = cJSON_GetObjectItem(item, "expect");
        /* the file's own figure where it has one: the table above must not drift from it */
        if (cJSON_HasObjectItem(item, "published_g"))
            cr_expect_eq(published_number(item, "published_g"), CASES[i].printed_g);
        else if (CASES[i].extra[7] == 'm')
            cr_expect_eq(published_number(expect, "total_g"), CASES[i].printed_g);
        published_expect(reported(item, CASES[i].tool, CASES[i].extra) / 1e9, CASES[i].printed_g,
                         CASES[i].id);
    }
}

/* BLOOM's FLOPs in the same README: one LayerNorm more than our classic model has, behind the
 * embedding; its GELU is written in operators that are not seen, as GPT-2's. */
Test(published_why, calflops_bloom_flops)
{
    const cJSON *item = published_case("calflops-bloom-1b7-trap");
    const cJSON *shape = cJSON_GetObjectItem(item, "shape");
    const cJSON *model = cJSON_GetObjectItem(item, "model");
    const double h = published_number(model, "d_model"), s = published_number(shape, "n_tokens");
    const double gelu = published_number(model, "n_layers") * s * published_number(model, "d_ff");
    const double flops = reported(item, "calflops-bloom", "--unit flop --lm-head none");
    published_expect((flops - gelu + 5 * s * h) / 1e9, 310.92, "bloom-1b7");
}

Test(published_why, nanogpt_notebook)
{
    const cJSON *item = published_case("nanogpt-124m");
    cr_expect_eq(reported(item, "nanogpt", ""),
                 published_number(cJSON_GetObjectItem(item, "expect"), "total"));
}

Test(published_why, llm_analysis)
{
    const cJSON *item = published_case("llama-7b-12h2-s512");
    cr_expect_eq(reported(item, "llm-analysis", ""),
                 published_number(cJSON_GetObjectItem(item, "expect"), "total"));
    item = published_case("llama-7b-decode-trap");
    cr_expect_eq(reported(item, "llm-analysis", ""), published_number(item, "published"),
                 "the cached keys ignored");
}

Test(published_why, deepspeed_example)
{
    const cJSON *item = published_case("deepspeed-bert-large-trap");
    published_expect(reported(item, "deepspeed-example", "--lm-head none") / 1e9,
                     published_number(item, "published_g"), "as published");
    /* today's profiler sees the products: what the figure should have been */
    published_expect(reported(item, "deepspeed", "--lm-head none --unit mac") / 1e9,
                     published_number(cJSON_GetObjectItem(item, "expect"), "per_layer_g"),
                     "with attention");
}

/* nanoGPT's notebook has no biases and norms without an offset: a Llama block whose gated FFN is
 * two thirds as wide has the same number of parameters, 123551232 with the tied embedding. */
Test(published_why, palm_formula)
{
    const cJSON *expect = cJSON_GetObjectItem(published_case("palm-6n-12lhqt"), "expect");
    const char *path = published_config_text(
        "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\","
        "\"num_hidden_layers\":12,\"hidden_size\":768,\"num_attention_heads\":12,"
        "\"num_key_value_heads\":12,\"intermediate_size\":2048,\"vocab_size\":50257,"
        "\"max_position_embeddings\":1024,\"rms_norm_eps\":1e-5,\"hidden_act\":\"silu\","
        "\"tie_word_embeddings\":true}");
    struct run_result r = run_flopledger("why -m %s --tool palm -s 1024 --format json", path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *json = cJSON_Parse(r.out);
    const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "tools"), 0);
    cr_expect_eq(published_number(row, "reported"),
                 published_number(expect, "flops_per_iteration_s1024_gpt2_124m"));
    cr_expect_eq(published_number(row, "unexplained"), 0);
    cJSON_Delete(json);
    run_release(&r);
}
