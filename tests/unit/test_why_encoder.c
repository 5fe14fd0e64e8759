/* Encoder-decoders as other tools see them, against sums written down here by hand. */
#include "analyzers/why.h"
#include "model/presets.h"
#include "tests/unit/why_harness.h"

#include <criterion/criterion.h>
#include <string.h>

enum { S = 48, S_E = 200 };

static struct fl_why ask(const struct fl_config *config, const char *tool, int64_t n_past,
                         enum fl_unit unit)
{
    struct fl_why why;
    struct fl_error error;
    const struct fl_why_request request = {
        .tool = fl_tool_find(tool),
        .shape = {.batch = 1, .n_tokens = S, .n_past = n_past, .n_encoder_tokens = S_E},
        .unit = unit};
    cr_assert_not_null(request.tool, "%s", tool);
    cr_assert_eq(fl_why(&why, config, &request, &error), FL_OK, "%s", error.text);
    cr_expect(why.unexplained == 0, "%s", tool);
    return why;
}

/* What a PyTorch model of this shape calls: multiply-accumulates of its nn.Linear, those of the
 * products of attention, and the query-key pairs that go through a softmax, all heads. A step
 * behind p tokens runs the decoder only, and takes the keys and values of cross-attention from the
 * cache. */
struct calls {
    double linear, head, products, pairs;
};

static struct calls calls_of(const struct fl_config *c, double p)
{
    const double h = c->d_model, a = (double)c->n_heads * c->head_dim, n = c->n_heads, f = c->d_ff;
    const double ffn = (c->gated ? 3 : 2) * h * f, encoder = p > 0 ? 0 : c->n_encoder_layers;
    const double e = S_E, s = S, t = p + s;
    return (struct calls){
        .linear = encoder * e * (4 * h * a + ffn) +
                  c->n_layers * (s * (4 * h * a + 2 * h * a + ffn) + (p > 0 ? 0 : e * 2 * h * a)),
        .head = s * h * c->vocab_size,
        .products = 2 * a * (encoder * e * e + c->n_layers * (s * t + s * e)),
        .pairs = n * (encoder * e * e + c->n_layers * (s * t + s * e)),
    };
}

static void expect_calls(const struct fl_config *config, double p)
{
    const struct calls c = calls_of(config, p);
    const double macs = c.linear + c.head + c.products;
    const double tokens = p > 0 ? (double)config->n_layers * S
                                : (double)config->n_layers * S + config->n_encoder_layers * S_E;
    const double relu = config->activation == FL_ACT_RELU ? tokens * config->d_ff : 0;
    const struct {
        const char *tool;
        enum fl_unit unit;
        double figure;
    } cases[] = {
        {"calflops", FL_UNIT_MAC, macs},
        {"calflops", FL_UNIT_FLOP, 2 * macs + c.pairs + relu},
        {"calflops-sdpa", FL_UNIT_FLOP, 2 * (c.linear + c.head) + relu},
        {"deepspeed", FL_UNIT_FLOP, 2 * macs + c.pairs + relu},
        {"deepspeed-sdpa", FL_UNIT_FLOP, 2 * macs + relu},
        {"deepspeed-example", FL_UNIT_MAC, c.linear + c.head + c.pairs},
        {"fvcore", FL_UNIT_MAC, macs},
        {"fvcore-sdpa", FL_UNIT_MAC, c.linear + c.head},
        {"torch", FL_UNIT_FLOP, 2 * macs},
        {"thop", FL_UNIT_MAC, c.linear + c.head},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_why why = ask(config, cases[i].tool, (int64_t)p, cases[i].unit);
        cr_expect_eq((double)why.theirs, cases[i].figure, "%s, %s, p = %.0f: %.0f, not %.0f",
                     config->name, cases[i].tool, p, (double)why.theirs, cases[i].figure);
    }
}

/* ReLU and tied logits, and gates with a GELU that nobody sees; n_h*d_h = h in neither of the two
 * last. */
Test(why_encoder, traced_t5_by_hand)
{
    static const char *const NAMES[] = {"t5-small", "t5-3b", "t5-v1.1-small"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const struct fl_config *config = &fl_preset_find(NAMES[i])->config;
        expect_calls(config, 0);
        expect_calls(config, 500);
    }
}

/* torchinfo sees every module once a call: the shared embedding twice, a gain for each norm, and
 * the 32 buckets of the first layers' distances once a query. */
Test(why_encoder, torchinfo_by_hand)
{
    const struct fl_config *config = &fl_preset_find("t5-small")->config;
    const double h = 512, V = 32128, L = 6, n_h = 8;
    const struct calls c = calls_of(config, 0);
    const struct fl_why why = ask(config, "torchinfo", 0, FL_UNIT_MAC);
    const double norms = h * (3 * L + 1 + 2 * L + 1), distances = 32 * n_h * (S + S_E);
    cr_expect_eq((double)why.theirs, c.linear + c.head + 2 * V * h + norms + distances);
    cr_expect_eq(why_term(&why, "table of distances"), -2 * distances);
    cr_expect_eq(why_term(&why, "embedding table"), -4 * V * h);
    cr_expect_eq(why_term(&why, "attention products"),
                 2 * 2 * n_h * 64 * (L * S_E * S_E + L * S * (S + 1) / 2 + L * S * S_E));
}

/* The textbook charges an encoder's layer as a decoder's, and knows no cross-attention. */
Test(why_encoder, textbook_by_hand)
{
    const struct fl_config *config = &fl_preset_find("t5-small")->config;
    const double h = 512, V = 32128, L = 6, a = 512, s = S, e = S_E;
    struct fl_why why = ask(config, "textbook", 0, FL_UNIT_FLOP);
    cr_expect_eq((double)why.theirs, L * (24 * s * h * h + 4 * s * s * h) +
                                         L * (24 * e * h * h + 4 * e * e * h) + 2 * s * h * V);
    cr_expect_eq(why_term(&why, "cross-attention"),
                 L * (4 * s * h * a + 4 * e * h * a + 4 * s * e * a));
    cr_expect_eq(why_term(&why, "causal mask"), -4 * L * a * (s * s - s * (s + 1) / 2),
                 "the encoder has no mask");
    cr_expect_eq(why_term(&why, "scaled logits"), s * h);
    cr_expect_eq(why_term(&why, "positions in attention"), L * 8 * (s * (s + 1) / 2 + e * e),
                 "a bias for each pair");
    why = ask(config, "textbook", 500, FL_UNIT_FLOP);
    cr_expect_eq((double)why.theirs, L * (24 * s * h * h + 4 * s * (500 + s) * h) + 2 * s * h * V,
                 "the encoder ran before");
    cr_expect_eq(why_term(&why, "cross-attention"), L * (4 * s * h * a + 4 * s * e * a));
}

/* LayerNorms, biases and a vocabulary of its own for the encoder: the classic kind. Two norms a
 * layer of the encoder and three of the decoder, 5 a feature. */
Test(why_encoder, classic_by_hand)
{
    struct fl_config config = fl_preset_find("classic-base")->config;
    struct fl_error error;
    strcpy(config.name, "classic encoder-decoder");
    config.arch = FL_ARCH_ENCDEC;
    config.n_encoder_layers = 4;
    config.source_vocab_size = 999;
    config.bias_qkv = config.bias_attn_out = config.bias_ffn = config.bias_logits = true;
    config.tied = false;
    cr_assert_eq(fl_config_check(&config, "test", &error), FL_OK, "%s", error.text);
    const double h = 512, f = 2048, V = 37000, L = 6, L_e = 4, s = S, e = S_E;
    const struct calls c = calls_of(&config, 0);
    const bool last = config.norm_position == FL_NORM_PRE;
    const double norms = h * (s * (3 * L + last) + e * (2 * L_e + last));
    struct fl_why why = ask(&config, "fvcore", 0, FL_UNIT_MAC);
    cr_expect_eq((double)why.theirs, c.linear + c.head + c.products + 5 * norms);
    why = ask(&config, "thop", 0, FL_UNIT_MAC);
    cr_expect_eq((double)why.theirs, c.linear + c.head + 4 * norms);
    why = ask(&config, "torchinfo", 0, FL_UNIT_MAC);
    const double biases = L_e * e * (4 * h + f + h) + L * (s * (4 * h + 2 * h + f + h) + e * 2 * h);
    cr_expect_eq((double)why.theirs, c.linear + c.head + biases + s * V + V * h + 999 * h +
                                         2 * h * (3 * L + last + 2 * L_e + last));
}

/* What has no figure says so in one sentence that names it, and so does every formula but ours. */
Test(why_encoder, formulas_of_one_stack_are_refused_by_name)
{
    int n, n_refused = 0;
    const struct fl_tool *tools = fl_tools(&n);
    const struct fl_config *config = &fl_preset_find("t5-small")->config;
    for (int i = 0; i < n; i++) {
        struct fl_why why;
        struct fl_error error = {""};
        const struct fl_why_request request = {
            .tool = &tools[i],
            .shape = {.batch = 1, .n_tokens = 8, .n_encoder_tokens = 8},
            .unit = tools[i].units == FL_TOOL_MAC ? FL_UNIT_MAC : FL_UNIT_FLOP};
        const char *reason = fl_why_refusal(&tools[i], config, &request.shape);
        const int status = fl_why(&why, config, &request, &error);
        cr_expect_eq(status, reason ? FL_FAILED : FL_OK, "%s: %s", tools[i].name, error.text);
        if (!reason)
            continue;
        n_refused++;
        cr_expect(strstr(error.text, tools[i].name) && strstr(error.text, reason), "%s",
                  error.text);
        cr_expect(!tools[i].traced || strcmp(tools[i].name, "calflops-bloom") == 0, "%s",
                  tools[i].name);
    }
    cr_expect_eq(n_refused, 10);
}

Test(why_encoder, no_input_is_refused)
{
    struct fl_why why;
    struct fl_error error;
    const struct fl_why_request request = {.tool = fl_tool_find("torch"),
                                           .shape = {.batch = 1, .n_tokens = 8}};
    const struct fl_config *config = &fl_preset_find("t5-small")->config;
    cr_expect_eq(fl_why(&why, config, &request, &error), FL_FAILED);
    cr_expect_str_eq(error.text, "t5-small: encoder tokens: expected 1 or more");
}
