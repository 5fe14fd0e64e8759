/* Figures that others published, reproduced by `flopledger count` to the printed precision under
 * the convention each of them silently used; and the ones that are wrong, beside the right one. */
#include "tests/cli/run.h"
#include "tests/golden/published.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(published, .init = published_open, .fini = published_close);

/* `count --format json` of a model, shape and convention; extra goes at the end of the line. */
static cJSON *count(const cJSON *model, const cJSON *shape, const cJSON *convention,
                    const char *extra)
{
    struct run_result r =
        run_flopledger("count -m %s -b %.0f -s %.0f --past %.0f --unit %s --causal %s --lm-head %s "
                       "--elementwise %s --format json %s",
                       published_config(model), published_number(shape, "batch"),
                       published_number(shape, "n_tokens"), published_number(shape, "n_past"),
                       published_string(convention, "unit", "flop"),
                       published_string(convention, "causal", "full"),
                       published_string(convention, "lm_head", "all"),
                       published_string(convention, "elementwise", "off"), extra);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *json = cJSON_Parse(r.out);
    cr_assert_not_null(json);
    run_release(&r);
    return json;
}

static cJSON *count_case(const cJSON *item)
{
    return count(cJSON_GetObjectItem(item, "model"), cJSON_GetObjectItem(item, "shape"),
                 cJSON_GetObjectItem(item, "convention"), "");
}

static double work(const cJSON *figures)
{
    const cJSON *exact = cJSON_GetObjectItem(figures, "exact");
    return cJSON_HasObjectItem(exact, "macs") ? published_number(exact, "macs")
                                              : published_number(exact, "flops");
}

static double total(const cJSON *json)
{
    return work(cJSON_GetObjectItem(json, "totals"));
}

/* Sum over layers of one operator; layer 0 alone when `one_layer`. */
static double operator_work(const cJSON *json, const char *op, bool one_layer)
{
    double sum = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "ops"))
    {
        bool wanted = strcmp(published_string(item, "op", ""), op) == 0;
        if (wanted && (!one_layer || published_number(item, "layer") == 0))
            sum += work(item);
    }
    return sum;
}

/* Every case with a model, a convention and a total: in FLOPs to the last digit, in units of 1e9
 * to the printed ones. */
Test(published, totals)
{
    int n_checked = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(published, "cases"))
    {
        const cJSON *expect = cJSON_GetObjectItem(item, "expect");
        const char *id = published_string(item, "id", "");
        if (!cJSON_HasObjectItem(expect, "total") && !cJSON_HasObjectItem(expect, "total_g"))
            continue;
        cJSON *json = count_case(item);
        if (cJSON_HasObjectItem(expect, "total"))
            cr_expect_eq(total(json), published_number(expect, "total"), "%s: %.0f", id,
                         total(json));
        else
            published_expect(total(json) / 1e9, published_number(expect, "total_g"), id);
        cJSON_Delete(json);
        n_checked++;
    }
    cr_expect(n_checked >= 7, "%d", n_checked);
}

Test(published, nanogpt_operators)
{
    const cJSON *item = published_case("nanogpt-124m"),
                *expect = cJSON_GetObjectItem(item, "expect");
    cJSON *json = count_case(item);
    double logits = operator_work(json, "logits", false);
    cr_expect_eq(logits, published_number(expect, "logits"));
    cr_expect_eq(total(json) - logits, published_number(expect, "blocks"));
    cr_expect_eq(operator_work(json, "qkv", true), published_number(expect, "qkv_per_layer"));
    cr_expect_eq(operator_work(json, "scores", true), published_number(expect, "scores_per_layer"));
    cJSON_Delete(json);
}

Test(published, kv_cache)
{
    static const char *const IDS[] = {"kv-llama-7b-544", "kv-llama-2-13b-8192"};
    for (int i = 0; i < 2; i++) {
        const cJSON *item = published_case(IDS[i]), *shape = cJSON_GetObjectItem(item, "shape");
        cJSON *full = cJSON_Duplicate(shape, true);
        cJSON_AddNumberToObject(full, "n_tokens", published_number(shape, "n_ctx"));
        char dtype[64];
        snprintf(dtype, sizeof dtype, "--kv-dtype %s", published_string(shape, "kv_dtype", ""));
        cJSON *json = count(cJSON_GetObjectItem(item, "model"), full, NULL, dtype);
        cr_expect_eq(published_number(cJSON_GetObjectItem(json, "memory"), "kv_cache_bytes"),
                     published_number(cJSON_GetObjectItem(item, "expect"), "kv_cache_bytes"), "%s",
                     IDS[i]);
        cJSON_Delete(json);
        cJSON_Delete(full);
    }
}

static cJSON *one_layer(double n_heads, double head_dim)
{
    cJSON *model = cJSON_CreateObject();
    cJSON_AddStringToObject(model, "arch", "classic");
    cJSON_AddNumberToObject(model, "n_layers", 1);
    cJSON_AddNumberToObject(model, "n_heads", n_heads);
    cJSON_AddNumberToObject(model, "d_model", n_heads * head_dim);
    cJSON_AddNumberToObject(model, "d_ff", 4 * n_heads * head_dim);
    cJSON_AddNumberToObject(model, "vocab_size", 256);
    return model;
}

Test(published, attention_alone)
{
    const cJSON *item = published_case("sdpa-64"), *shape = cJSON_GetObjectItem(item, "shape");
    cJSON *model =
        one_layer(published_number(shape, "n_heads"), published_number(shape, "head_dim"));
    cJSON *json = count(model, shape, cJSON_GetObjectItem(item, "convention"), "");
    cr_expect_eq(operator_work(json, "scores", false) + operator_work(json, "context", false),
                 published_number(cJSON_GetObjectItem(item, "expect"), "attention"));
    cJSON_Delete(json);
    cJSON_Delete(model);
}

/* Two prompts are two triangles, not one of twice the length. */
Test(published, query_key_pairs_of_two_prompts)
{
    const cJSON *item = published_case("prefill-2x100-pairs");
    cJSON *model = one_layer(1, 64), *shape = cJSON_CreateObject();
    cJSON_AddNumberToObject(shape, "batch", 2);
    cJSON_AddNumberToObject(shape, "n_tokens", 100);
    cJSON *json = count(model, shape, cJSON_GetObjectItem(item, "convention"), "");
    double pairs = operator_work(json, "scores", false) / (2 * 64);
    cr_expect_eq(pairs, published_number(cJSON_GetObjectItem(item, "expect"), "query_key_pairs"));
    cJSON_Delete(json);
    cJSON_ReplaceItemInObject(shape, "batch", cJSON_CreateNumber(1));
    cJSON_ReplaceItemInObject(shape, "n_tokens", cJSON_CreateNumber(200));
    json = count(model, shape, cJSON_GetObjectItem(item, "convention"), "");
    cr_expect_eq(operator_work(json, "scores", false) / (2 * 64), 20100, "the wrong triangle");
    cJSON_Delete(json);
    cJSON_Delete(shape);
    cJSON_Delete(model);
}

/* PaLM's 6N + 12LHQT per token with N all parameters but the position table (matrices and norm
 * gains here: that model has no biases), against three times the forward pass. */
Test(published, palm_formula)
{
    const cJSON *expect = cJSON_GetObjectItem(published_case("palm-6n-12lhqt"), "expect");
    cJSON *json = count_case(published_case("nanogpt-124m"));
    double s = 1024, layers = 12, h = 768;
    double attention = operator_work(json, "scores", false) + operator_work(json, "context", false);
    double n_params = (total(json) - attention) / (2 * s) + (2 * layers + 1) * h;
    cr_expect_eq(6 * n_params * s + 3 * attention,
                 published_number(expect, "flops_per_iteration_s1024_gpt2_124m"));
    cr_expect_eq(3 * total(json), 874944921600.0, "forward and backward counted by hand");
    cJSON_Delete(json);
}

/* Trap: attention charged for one key, the 511 cached ones ignored. */
Test(published, trap_decode_ignores_the_cache)
{
    const cJSON *item = published_case("llama-7b-decode-trap");
    cJSON *json = count_case(item);
    cr_expect_eq(total(json), published_number(cJSON_GetObjectItem(item, "expect"), "total"),
                 "right");
    cJSON *alone = cJSON_Duplicate(cJSON_GetObjectItem(item, "shape"), true);
    cJSON_ReplaceItemInObject(alone, "n_past", cJSON_CreateNumber(0));
    cJSON *wrong = count(cJSON_GetObjectItem(item, "model"), alone,
                         cJSON_GetObjectItem(item, "convention"), "");
    cr_expect_eq(total(wrong), published_number(item, "published"),
                 "as published: no key but its own");
    cJSON_Delete(alone);
    cJSON_Delete(wrong);
    cJSON_Delete(json);
}

/* Trap: lm_head and one of the two attention products left out. */
Test(published, trap_one_attention_product)
{
    const cJSON *item = published_case("calflops-bloom-1b7-trap");
    cJSON *json = count_case(item);
    published_expect(total(json) / 1e9, 156.23, "both products");
    published_expect((total(json) - operator_work(json, "context", false)) / 1e9,
                     published_number(item, "published_g"), "one product, as published");
    cJSON_Delete(json);
}

/* Trap: both attention products left out. What the published figure has beyond the other matrix
 * products is b*n_h*s^2 to the printed digit: a MAC a query-key pair for the softmax. (2bsh is the
 * same number in this model; the example's own rows put it into BertSelfAttention, 32.23 against
 * three times 10.74, and have none for the norms.) */
Test(published, trap_no_attention_product)
{
    const cJSON *item = published_case("deepspeed-bert-large-trap");
    const cJSON *shape = cJSON_GetObjectItem(item, "shape");
    cJSON *json = count_case(item);
    double attention = operator_work(json, "scores", false) + operator_work(json, "context", false);
    const double s = published_number(shape, "n_tokens");
    double softmax = published_number(shape, "batch") * s * s *
                     published_number(cJSON_GetObjectItem(item, "model"), "n_heads");
    published_expect(total(json) / 1e9,
                     published_number(cJSON_GetObjectItem(item, "expect"), "per_layer_g"),
                     "with attention");
    published_expect((total(json) - attention + softmax) / 1e9,
                     published_number(item, "published_g"), "as published");
    cJSON_Delete(json);
}
