#include "analyzers/why.h"
#include "model/presets.h"
#include "tests/unit/why_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct fl_why ask(const char *model, const char *tool, int64_t s, int64_t p,
                         enum fl_unit unit)
{
    struct fl_why why;
    struct fl_error error;
    const struct fl_why_request request = {.tool = fl_tool_find(tool),
                                           .shape = {.batch = 1, .n_tokens = s, .n_past = p},
                                           .unit = unit};
    cr_assert_not_null(request.tool, "%s", tool);
    cr_assert_eq(fl_why(&why, &fl_preset_find(model)->config, &request, &error), FL_OK, "%s",
                 error.text);
    return why;
}

/* The tool's formula and the walk over ours are written independently: for every model, tool,
 * shape, unit and goal nothing may be left over. */
static void expect_explained(const struct fl_config *config, const struct fl_why_request *request,
                             int *n_asked)
{
    struct fl_why why;
    struct fl_error error;
    if (fl_why(&why, config, request, &error) != FL_OK)
        return;
    fl_wide parts = 0;
    for (int i = 0; i < why.n_parts; i++)
        parts += why.parts[i].value;
    cr_assert(why.theirs == parts, "%s, %s", config->name, request->tool->name);
    cr_assert(why.unexplained == 0, "%s, %s, p = %d: %g left of %g", config->name,
              request->tool->name, (int)request->shape.n_past, (double)why.unexplained,
              (double)why.ours);
    ++*n_asked;
}

Test(why, nothing_is_unexplained)
{
    int n_presets, n_tools, n_asked = 0, n_pairs = 0;
    const struct fl_preset *presets = fl_presets(&n_presets);
    const struct fl_tool *tools = fl_tools(&n_tools);
    for (int i = 0; i < n_presets; i++) {
        for (int k = 0; k < n_tools; k++)
            n_pairs += presets[i].config.n_encoder_layers == 0 || !tools[k].one_stack;
        for (int k = 0; k < n_tools * 16; k++) {
            const struct fl_why_request request = {
                .tool = &tools[k / 16],
                .shape = {.batch = 3,
                          .n_tokens = k & 1 ? 1 : 5001,
                          .n_past = k & 1 ? 4999 : 0,
                          .n_encoder_tokens = 777},
                .unit = k & 2 ? FL_UNIT_MAC : FL_UNIT_FLOP,
                .headless = k & 4,
                .to_textbook = k & 8,
            };
            expect_explained(&presets[i].config, &request, &n_asked);
        }
    }
    /* every tool at least in its own unit, to both goals */
    cr_expect_geq(n_asked, n_pairs * 2, "%d", n_asked);
}

/* Llama 2 7B, s = 128: per layer 4h^2 + 3hf a token, logits hV, attention 2s^2h. */
Test(why, calflops_by_hand)
{
    const double h = 4096, f = 11008, V = 32000, L = 32, s = 128;
    const double macs = L * (s * (4 * h * h + 3 * h * f) + 2 * s * s * h) + s * h * V;
    struct fl_why why = ask("llama-2-7b", "calflops", 128, 0, FL_UNIT_MAC);
    cr_expect_eq((double)why.theirs, macs);
    cr_expect_eq(why_term(&why, "unit"), macs);
    cr_expect_eq(why_term(&why, "causal mask"), -4 * L * h * (s * s - s * (s + 1) / 2));
    cr_expect_eq(why_term(&why, "residuals"), 2 * L * s * h);

    why = ask("llama-2-7b", "calflops", 128, 0, FL_UNIT_FLOP);
    cr_expect_eq((double)why.theirs, 2 * macs + L * (32 * s * s + s * f));
    cr_expect_eq(why_term(&why, "unit"), 0, "the figure is in FLOPs already");
    cr_expect_eq(why_term(&why, "softmax"), L * 32 * (5 * s * (s + 1) / 2 + s - s * s));
}

Test(why, formulas_by_hand)
{
    const double h = 768, V = 50257, L = 12, s = 1024, n_ctx = 1024;
    const double layers = 24 * s * h * h + 4 * s * s * h, logits = 2 * s * h * V;
    const double N = (double)fl_config_n_params(&fl_preset_find("gpt2")->config);
    const struct {
        const char *tool;
        double flops;
    } cases[] = {
        {"textbook", L * layers + logits},
        {"nanogpt", L * layers + logits},
        {"palm", s * (6 * (N - n_ctx * h) + 12 * L * h * s)},
        {"6nd", 6 * N * s},
        {"kaplan", s * (2 * 12 * L * h * h + 2 * L * s * h)},
        {"chinchilla", L * (layers + 3 * 12 * s * s) + 2 * logits},
        {"megatron", 3 * (L * (24 * s * h * h + 2 * s * s * h) + logits)},
        {"megatron-paper", 96 * s * L * h * h * (1 + s / (6 * h) + V / (16 * L * h))},
        {"llm-analysis", L * layers + logits},
        {"torch", L * layers + logits},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_why why = ask("gpt2", cases[i].tool, 1024, 0, FL_UNIT_FLOP);
        /* exact in doubles but for the paper's fractions */
        cr_expect_float_eq((double)why.theirs, cases[i].flops, 1e-12 * cases[i].flops, "%s: %.0f",
                           cases[i].tool, (double)why.theirs);
    }
}

/* What is left out by thop in Hugging Face's GPT-2, and what torchinfo takes for a convolution. */
Test(why, conv1d_traps)
{
    const double h = 768, V = 50257, L = 12, s = 64;
    struct fl_why why = ask("gpt2", "thop", 64, 0, FL_UNIT_MAC);
    cr_expect_eq((double)why.theirs, s * h * V + 4 * s * h * (2 * L + 1));
    cr_expect_eq(why_term(&why, "Conv1D"), 24 * L * s * h * h);
    why = ask("gpt2", "torchinfo", 64, 0, FL_UNIT_MAC);
    const double conv =
        (h + 1) * 9 * h * h + (h + 1) * h * h + (h + 1) * 16 * h * h + (4 * h + 1) * h * h;
    cr_expect_eq((double)why.theirs, L * conv + s * h * V + V * h + 1024 * h + 2 * h * (2 * L + 1));
    cr_expect_eq(why_term(&why, "Conv1D"), 24 * L * s * h * h - 2 * L * conv);
}

/* GPT-2 as Hugging Face writes it: LayerNorm is a function, Conv1D an addmm whose bias is counted
 * once a call, gelu_new made of operators that nobody sees. */
Test(why, traced_layernorms_by_hand)
{
    const double h = 768, V = 50257, L = 12, s = 64;
    const double macs = L * (12 * s * h * h + 2 * s * s * h) + s * h * V;
    const double norms = s * h * (2 * L + 1), softmax = L * 12 * s * s, bias = L * 9 * h;
    const double products = L * 2 * s * s * h;
    const struct {
        const char *tool;
        enum fl_unit unit;
        double figure;
    } cases[] = {
        {"calflops", FL_UNIT_FLOP, 2 * macs + 5 * norms + softmax + bias},
        {"calflops", FL_UNIT_MAC, macs},
        {"calflops-sdpa", FL_UNIT_FLOP, 2 * (macs - products) + 5 * norms + bias},
        {"deepspeed", FL_UNIT_FLOP, 2 * macs + 5 * norms + softmax + bias},
        {"deepspeed-sdpa", FL_UNIT_FLOP, 2 * macs + 5 * norms + bias},
        {"fvcore", FL_UNIT_MAC, macs + 5 * norms},
        {"fvcore-sdpa", FL_UNIT_MAC, macs - products + 5 * norms},
        {"torch", FL_UNIT_FLOP, 2 * macs},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_why why = ask("gpt2", cases[i].tool, 64, 0, cases[i].unit);
        cr_expect_eq((double)why.theirs, cases[i].figure, "%s: %.0f, not %.0f", cases[i].tool,
                     (double)why.theirs, cases[i].figure);
    }
}

/* LLM-Viewer charges an ungated model for a gate, and its lm_head once. */
Test(why, llm_viewer_by_hand)
{
    const double h = 768, f = 3072, V = 50257, L = 12, s = 64;
    struct fl_why why = ask("gpt2", "llm-viewer", 64, 0, FL_UNIT_FLOP);
    cr_expect_eq((double)why.theirs, L * (8 * s * h * h + 6 * s * h * f + 4 * s * s * h +
                                          5 * 12 * s * s + 2 * 7 * s * h + 2 * s * h + 2 * s * h) +
                                         h * V);
    cr_expect_eq(why_term(&why, "gated FFN"), -2 * L * s * h * f);
    cr_expect_eq(why_term(&why, "unit of the lm_head"), h * V);
    cr_expect_eq(why_term(&why, "logits of fewer positions"), 2 * (s - 1) * h * V);
    cr_expect_eq(why_term(&why, "residuals"), 0, "counted as ours");
}

/* The cached keys that llm-analysis ignores: 511 of 512 in each layer's two products. */
Test(why, decode_trap)
{
    struct fl_why why = ask("llama-2-7b", "llm-analysis", 1, 511, FL_UNIT_FLOP);
    cr_expect_eq(why_term(&why, "cached keys"), 4.0 * 32 * 4096 * 511);
    cr_expect_eq(why_term(&why, "causal mask"), 0, "one query sees every key");
}

Test(why, large_mixtures_name_the_experts)
{
    struct fl_why why = ask("mixtral-8x7b", "6nd", 100, 0, FL_UNIT_FLOP);
    cr_expect_eq(why_term(&why, "experts not chosen"), -2.0 * 100 * 32 * 6 * 3 * 4096 * 14336);
    cr_expect_eq(why_term(&why, "embedding table"), -2.0 * 100 * 32000 * 4096);
}

static void expect_refused(const char *model, struct fl_why_request request, const char *sentence)
{
    struct fl_why why;
    struct fl_error error = {""};
    cr_expect_eq(fl_why(&why, &fl_preset_find(model)->config, &request, &error), FL_FAILED);
    cr_expect(strstr(error.text, sentence), "%s", error.text);
}

Test(why, refuses_what_a_tool_does_not_do)
{
    const struct fl_shape whole = {.batch = 1, .n_tokens = 8}, step = {1, 1, 8, .stored = NULL};
    const struct fl_tool *palm = fl_tool_find("palm"), *thop = fl_tool_find("thop");
    expect_refused("t5-small", (struct fl_why_request){.tool = palm, .shape = whole},
                   "decoder-only");
    expect_refused("gpt2", (struct fl_why_request){.tool = palm, .shape = step}, "no KV cache");
    expect_refused("gpt2", (struct fl_why_request){.tool = palm, .shape = whole, .headless = true},
                   "is a formula");
    expect_refused("gpt2",
                   (struct fl_why_request){.tool = palm, .shape = whole, .unit = FL_UNIT_MAC},
                   "FLOPs only");
    expect_refused("gpt2", (struct fl_why_request){.tool = thop, .shape = whole}, "MACs only");
    const struct fl_shape huge = {.batch = INT64_C(1) << 40, .n_tokens = INT64_C(1) << 40};
    expect_refused("llama-3.1-405b", (struct fl_why_request){.tool = palm, .shape = huge}, "127");
}

Test(why, tools_have_sources)
{
    int n;
    const struct fl_tool *tools = fl_tools(&n);
    for (int i = 0; i < n; i++) {
        cr_expect(strncmp(tools[i].source, "https://", 8) == 0, "%s", tools[i].name);
        cr_expect_str_not_empty(tools[i].version, "%s", tools[i].name);
        cr_expect_eq(fl_tool_find(tools[i].name), &tools[i], "names are unique");
    }
    cr_expect_null(fl_tool_find("no-such-tool"));
}
