/* why_tools.c - the tools and formulas that `why` knows, each as rows and departures (why_rules.h).
 *
 * What the tables say was read in the sources named in TOOLS, at the versions named there; the
 * reasons are in docs/other-counters.md. Tools that watch a PyTorch model run see what Hugging
 * Face's implementations call: F.linear, torch.matmul and F.softmax of eager attention, or one
 * F.scaled_dot_product_attention; operators like + and * are never seen by any of them. */
#include "analyzers/why_rules.h"

#include <string.h>

#define BIT(op)   (UINT64_C(1) << FL_OP_##op)
#define PRODUCTS  (BIT(SCORES) | BIT(CONTEXT) | BIT(CROSS_SCORES) | BIT(CROSS_CONTEXT))
#define IN_LAYERS (BIT(QKV) | BIT(ATTN_OUT) | BIT(FFN_UP) | BIT(FFN_DOWN))
#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

/* clang-format off */

/* ---- what several tools see of a running model ---- */

static const struct rule_row LINEAR[] = {
    {"linear", ROW_MATRIX, PER_LAYER, .mac = true, .text = "b*s*h*(n_h + 2*n_kv)*d_h + b*s*n_h*d_h*h"},
    {"linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_CROSS, .text = "2*b*s*h*n_h*d_h"},
    {"linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_CROSS_KV, .text = "2*b*s_e*h*n_kv*d_h"},
    {"linear", ROW_MATRIX, PER_LAYER, .mac = true, .unless = T_EXPERTS, .text = "2*b*s*h*f"},
    {"linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_GATE, .unless = T_EXPERTS,
     .text = "b*s*h*f"},
    {"linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_EXPERTS, .text = "b*s*h*E + 2*b*s*k*h*f"},
    {"linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_EXPERTS | T_GATE, .text = "b*s*k*h*f"},
    {"linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_SHARED, .text = "2*b*s*h*f_s + b*s*h"},
    {"linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_SHARED | T_GATE, .text = "b*s*h*f_s"},
    {"lm_head", ROW_MATRIX, ONCE, .mac = true, .when = T_HEAD, .text = "b*s*h*V"},
    END};

/* Modules of class Linear only: of GPT-2, the lm_head. */
static const struct rule_row LINEAR_MODULES[] = {
    {"Linear", ROW_MATRIX, PER_LAYER, .mac = true, .unless = T_CONV1D,
     .text = "b*s*h*(n_h + 2*n_kv)*d_h + b*s*n_h*d_h*h"},
    {"Linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_CROSS, .text = "2*b*s*h*n_h*d_h"},
    {"Linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_CROSS_KV, .text = "2*b*s_e*h*n_kv*d_h"},
    {"Linear", ROW_MATRIX, PER_LAYER, .mac = true, .unless = T_EXPERTS | T_CONV1D, .text = "2*b*s*h*f"},
    {"Linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_GATE, .unless = T_EXPERTS,
     .text = "b*s*h*f"},
    {"Linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_EXPERTS, .text = "b*s*h*E + 2*b*s*k*h*f"},
    {"Linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_EXPERTS | T_GATE, .text = "b*s*k*h*f"},
    {"Linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_SHARED, .text = "2*b*s*h*f_s + b*s*h"},
    {"Linear", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_SHARED | T_GATE, .text = "b*s*h*f_s"},
    {"Linear (lm_head)", ROW_MATRIX, ONCE, .mac = true, .when = T_HEAD, .text = "b*s*h*V"},
    END};

static const struct rule_row BOTH_PRODUCTS[] = {
    {"matmul", ROW_MATRIX, PER_LAYER, .mac = true, .text = "2*b*s*t*n_h*d_h"},
    {"matmul", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_CROSS, .text = "2*b*s*s_e*n_h*d_h"},
    END};
static const struct rule_row ONE_PRODUCT[] = {
    {"bmm", ROW_MATRIX, PER_LAYER, .mac = true, .text = "b*s*t*n_h*d_h"}, END};
static const struct rule_row SDPA[] = {
    {"scaled_dot_product_attention", ROW_MATRIX, PER_LAYER, .mac = true, .text = "2*b*s*t*n_h*d_h"},
    {"scaled_dot_product_attention", ROW_MATRIX, PER_LAYER, .mac = true, .when = T_CROSS,
     .text = "2*b*s*s_e*n_h*d_h"},
    END};

static const struct rule_row LAYER_NORM_5[] = {
    {"layer_norm", ROW_ELEMENTWISE, PER_LAYER, .when = T_LAYERNORM | T_FLOPS, .text = "5*b*s*h",
     .term = "norm", .note = "LayerNorm at 5 a feature"},
    {"layer_norm", ROW_ELEMENTWISE, PER_LAYER, .when = T_LAYERNORM | T_NORM_FFN | T_FLOPS,
     .text = "5*b*s*h", .term = "norm", .note = "LayerNorm at 5 a feature"},
    {"layer_norm", ROW_ELEMENTWISE, PER_LAYER, .when = T_LAYERNORM | T_CROSS | T_FLOPS,
     .text = "5*b*s*h", .term = "norm", .note = "LayerNorm at 5 a feature"},
    {"layer_norm", ROW_ELEMENTWISE, ONCE, .when = T_LAYERNORM | T_NORM_FINAL | T_FLOPS,
     .text = "5*b*s*h", .term = "norm", .note = "LayerNorm at 5 a feature"},
    END};

/* One operation an element of what goes in. */
static const struct rule_row FUNCTIONALS[] = {
    {"activation", ROW_ELEMENTWISE, PER_LAYER, .when = T_FUNCTIONAL | T_FLOPS, .text = "b*s*k*f",
     .term = "activation", .note = "1 an element; the gate's product not counted"},
    {"activation", ROW_ELEMENTWISE, PER_LAYER, .when = T_FUNCTIONAL | T_SHARED | T_FLOPS,
     .text = "b*s*f_s", .term = "activation", .note = "1 an element; the gate's product not counted"},
    {"softmax (router)", ROW_ELEMENTWISE, PER_LAYER, .when = T_EXPERTS | T_FLOPS, .text = "b*s*E",
     .term = "ffn", .note = "the router's softmax at 1 an expert"},
    /* addmm adds prod(bias.shape), which has no tokens */
    {"addmm", ROW_ELEMENTWISE, PER_LAYER, .when = T_CONV1D | T_FLOPS,
     .text = "(n_h + 2*n_kv)*d_h + f + 2*h", .term = "bias", .note = "once a call, not once a token"},
    END};
static const struct rule_row SOFTMAX_1[] = {
    {"softmax", ROW_ELEMENTWISE, PER_LAYER, .when = T_FLOPS, .text = "b*n_h*s*t", .term = "softmax",
     .note = "1 a query-key pair, masked ones too"},
    {"softmax", ROW_ELEMENTWISE, PER_LAYER, .when = T_CROSS | T_FLOPS, .text = "b*n_h*s*s_e",
     .term = "softmax", .note = "1 a query-key pair, masked ones too"},
    END};

static const struct rule_departure RECTANGLE[] = {
    {"causal mask", "all s·t query-key pairs", .symbol = FL_SYMBOL_pairs, .text = "s*t"}, END};
static const struct rule_departure HEADLESS[] = {
    {"logits of fewer positions", "the model was traced without its lm_head", .unless = T_HEAD,
     .omits = BIT(LOGITS)},
    END};
static const struct rule_departure NO_PRODUCTS[] = {
    {"attention products", "neither of the two matrix products is seen", .omits = PRODUCTS}, END};
static const struct rule_departure NO_SCORES[] = {
    {"attention products", "Q·Kᵀ is a tensor's own baddbmm, which is not patched",
     .omits = BIT(SCORES)},
    END};
static const struct rule_departure NO_CONV1D[] = {
    {"Conv1D", "Hugging Face's GPT-2 layers are no nn.Linear: not counted", .when = T_CONV1D,
     .omits = IN_LAYERS},
    END};

/* ---- thop, torchinfo, DeepSpeed's example ---- */

static const struct rule_row THOP_NORM[] = {
    {"LayerNorm", ROW_ELEMENTWISE, PER_LAYER, .when = T_LAYERNORM, .text = "4*b*s*h",
     .term = "norm", .note = "LayerNorm at 4 a feature, added to MACs"},
    {"LayerNorm", ROW_ELEMENTWISE, PER_LAYER, .when = T_LAYERNORM | T_NORM_FFN, .text = "4*b*s*h",
     .term = "norm", .note = "LayerNorm at 4 a feature, added to MACs"},
    {"LayerNorm", ROW_ELEMENTWISE, PER_LAYER, .when = T_LAYERNORM | T_CROSS, .text = "4*b*s*h",
     .term = "norm", .note = "LayerNorm at 4 a feature, added to MACs"},
    {"LayerNorm", ROW_ELEMENTWISE, ONCE, .when = T_LAYERNORM | T_NORM_FINAL, .text = "4*b*s*h",
     .term = "norm", .note = "LayerNorm at 4 a feature, added to MACs"},
    END};

#define BIAS_NOTE "a multiply-accumulate each"
#define GAIN_NOTE "its parameters once a sequence, not once a token"
static const struct rule_row TORCHINFO[] = {
    {"Linear (bias)", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_BIAS_QKV, .unless = T_CONV1D,
     .text = "b*s*(n_h + 2*n_kv)*d_h", .term = "bias", .note = BIAS_NOTE},
    {"Linear (bias)", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_BIAS_OUT, .unless = T_CONV1D,
     .text = "b*s*h", .term = "bias", .note = BIAS_NOTE},
    {"Linear (bias)", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_BIAS_QKV | T_CROSS,
     .text = "b*s*n_h*d_h", .term = "bias", .note = BIAS_NOTE},
    {"Linear (bias)", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_BIAS_QKV | T_CROSS_KV,
     .text = "2*b*s_e*n_kv*d_h", .term = "bias", .note = BIAS_NOTE},
    {"Linear (bias)", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_BIAS_OUT | T_CROSS,
     .text = "b*s*h", .term = "bias", .note = BIAS_NOTE},
    {"Linear (bias)", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_BIAS_FFN, .unless = T_CONV1D,
     .text = "b*s*(f + h)", .term = "bias", .note = BIAS_NOTE},
    {"Linear (bias)", ROW_ELEMENTWISE, ONCE, .mac = true, .when = T_BIAS_LOGITS | T_HEAD,
     .text = "b*s*V", .term = "bias", .note = BIAS_NOTE},
    {"Embedding", ROW_EXTRA, ONCE, .mac = true, .text = "b*V*h", .term = "embedding table",
     .note = "a lookup charged as the whole table, once a sequence"},
    {"Embedding (positions)", ROW_EXTRA, PER_POSITION, .mac = true, .when = T_POSITIONS, .text = "h",
     .term = "position table", .note = "a lookup charged as the whole table"},
    /* of T5's first layer in each stack: 32 buckets, [s, t, n_h] out, whose first size is s */
    {"Embedding (distances)", ROW_EXTRA, ONCE, .mac = true, .when = T_RELATIVE, .text = "32*s*n_h",
     .term = "table of distances", .note = "a lookup charged as the whole table, once a query"},
    {"Conv1D", ROW_EXTRA, PER_LAYER, .mac = true, .when = T_CONV1D,
     .text = "b*((n_h + 2*n_kv)*d_h)^2*(h + 1) + b*h^2*(n_h*d_h + 1) + b*f^2*(h + 1) + b*h^2*(f + 1)",
     .term = "Conv1D",
     .note = "taken for a convolution: parameters times output features, not tokens"},
    {"norm", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_LAYERNORM, .text = "2*b*h",
     .term = "norm", .note = GAIN_NOTE},
    {"norm", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_LAYERNORM | T_NORM_FFN,
     .text = "2*b*h", .term = "norm", .note = GAIN_NOTE},
    {"norm", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_LAYERNORM | T_CROSS,
     .text = "2*b*h", .term = "norm", .note = GAIN_NOTE},
    {"norm", ROW_ELEMENTWISE, ONCE, .mac = true, .when = T_LAYERNORM | T_NORM_FINAL, .text = "2*b*h",
     .term = "norm", .note = GAIN_NOTE},
    {"norm", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_RMSNORM, .text = "b*h",
     .term = "norm", .note = GAIN_NOTE},
    {"norm", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_RMSNORM | T_NORM_FFN, .text = "b*h",
     .term = "norm", .note = GAIN_NOTE},
    {"norm", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_RMSNORM | T_CROSS, .text = "b*h",
     .term = "norm", .note = GAIN_NOTE},
    {"norm", ROW_ELEMENTWISE, ONCE, .mac = true, .when = T_RMSNORM | T_NORM_FINAL, .text = "b*h",
     .term = "norm", .note = GAIN_NOTE},
    {"norm", ROW_ELEMENTWISE, PER_LAYER, .mac = true, .when = T_QK_NORM, .text = "2*b*d_h",
     .term = "norm", .note = GAIN_NOTE},
    END};

static const struct rule_row DEEPSPEED_EXAMPLE[] = {
    {"softmax", ROW_ELEMENTWISE, PER_LAYER, .text = "b*n_h*s*t", .term = "softmax",
     .note = "1 a query-key pair, added to MACs"},
    {"softmax", ROW_ELEMENTWISE, PER_LAYER, .when = T_CROSS, .text = "b*n_h*s*s_e",
     .term = "softmax", .note = "1 a query-key pair, added to MACs"},
    END};

/* ---- formulas ---- */

/* What a formula for dense, ungated, multi-head models does not know. */
static const struct rule_departure CLASSIC_LAYER[] = {
    {"shared expert", "not counted", .when = T_SHARED, .lacks = FL_HAS_SHARED_EXPERT},
    {"mixture of experts", "one FFN counted, no router", .when = T_EXPERTS, .lacks = FL_HAS_EXPERTS,
     .adds = FL_HAS_DENSE_FFN, .symbol = FL_SYMBOL_k, .text = "1"},
    {"gated FFN", "two matrices counted, the model has three", .when = T_GATE,
     .lacks = FL_HAS_GATE},
    END};
static const struct rule_departure NO_CROSS[] = {
    {"cross-attention", "not counted", .when = T_CROSS, .lacks = FL_HAS_CROSS | FL_HAS_CROSS_KV}, END};
static const struct rule_departure FOUR_H[] = {
    {"FFN width (f ≠ 4h)", "taken as 4h", .symbol = FL_SYMBOL_f, .text = "4*h"}, END};
static const struct rule_departure NO_GQA[] = {
    {"grouped-query attention", "as many key/value heads as heads", .symbol = FL_SYMBOL_n_kv,
     .text = "n_h"},
    END};
static const struct rule_departure HEADS_ARE_H[] = {
    {"attention width (n_h·d_h ≠ h)", "taken as h", .symbol = FL_SYMBOL_d_h, .text = "h/n_h"}, END};

static const struct rule_row TEXTBOOK[] = {
    {"layers: 24bsh² + 4bsth", ROW_MATRIX, PER_LAYER, .text = "24*b*s*h^2 + 4*b*s*t*h"},
    {"logits: 2bshV", ROW_MATRIX, ONCE, .when = T_HEAD, .text = "2*b*s*h*V"},
    END};
static const struct rule_row NANOGPT[] = {
    {"attention/kqv", ROW_MATRIX, PER_LAYER, .text = "6*b*s*h^2"},
    {"attention/scores", ROW_MATRIX, PER_LAYER, .text = "2*b*s^2*h"},
    {"attention/reduce", ROW_MATRIX, PER_LAYER, .text = "2*b*s^2*h"},
    {"attention/proj", ROW_MATRIX, PER_LAYER, .text = "2*b*s*h^2"},
    {"mlp", ROW_MATRIX, PER_LAYER, .text = "16*b*s*h^2"},
    {"dense", ROW_MATRIX, ONCE, .text = "2*b*s*h*V"},
    END};
static const struct rule_row LLM_ANALYSIS[] = {
    {"attention", ROW_MATRIX, PER_LAYER, .text = "4*b*s*h^2 + 4*b*s*h^2*n_kv/n_h + 4*b*s^2*h"},
    {"mlp", ROW_MATRIX, PER_LAYER, .text = "4*b*s*h*f"},
    {"mlp", ROW_MATRIX, PER_LAYER, .when = T_GATE, .text = "2*b*s*h*f"},
    {"logit layer", ROW_MATRIX, ONCE, .text = "2*b*s*h*V"},
    END};
static const struct rule_departure LLM_ANALYSIS_VIEW[] = {
    {"causal mask", "all s·t query-key pairs", .symbol = FL_SYMBOL_pairs, .text = "s*t"},
    {"cached keys", "attention to the step's own tokens only", .when = T_PAST,
     .symbol = FL_SYMBOL_pairs, .text = "s^2"},
    {"shared expert", "not counted", .when = T_SHARED, .lacks = FL_HAS_SHARED_EXPERT},
    {"mixture of experts", "one expert counted, no router", .when = T_EXPERTS,
     .lacks = FL_HAS_EXPERTS, .adds = FL_HAS_DENSE_FFN, .symbol = FL_SYMBOL_k, .text = "1"},
    END};
static const struct rule_row LLM_VIEWER[] = {
    {"q, k, v, out", ROW_MATRIX, PER_LAYER, .text = "4*b*s*h^2 + 4*b*s*h^2*n_kv/n_h"},
    {"gate, up, down", ROW_MATRIX, PER_LAYER, .text = "6*b*s*h*f"},
    {"qk, sv", ROW_MATRIX, PER_LAYER, .text = "4*b*s*t*h"},
    {"lm_head", ROW_MATRIX, ONCE, .text = "b*h*V"},
    {"lm_head", ROW_EXTRA, ONCE, .inside = true, .text = "0 - b*h*V", .term = "unit of the lm_head",
     .note = "one operation a multiply-accumulate, elsewhere two"},
    {"softmax", ROW_ELEMENTWISE, PER_LAYER, .text = "5*b*n_h*s*t", .term = "softmax",
     .note = "5 a query-key pair, masked ones too"},
    {"norm", ROW_ELEMENTWISE, PER_LAYER, .text = "14*b*s*h", .term = "norm",
     .note = "7 a feature, twice a layer"},
    {"add", ROW_ELEMENTWISE, PER_LAYER, .text = "2*b*s*h", .term = "residual", .note = "as ours"},
    {"mlp_act", ROW_ELEMENTWISE, PER_LAYER, .text = "2*b*s*h", .term = "activation",
     .note = "2 a feature of h; the FFN is f wide"},
    END};
static const struct rule_departure LLM_VIEWER_VIEW[] = {
    {"causal mask", "all s·t query-key pairs", .symbol = FL_SYMBOL_pairs, .text = "s*t"},
    {"logits of fewer positions", "the last position only", .symbol = FL_SYMBOL_r, .text = "1"},
    {"shared expert", "not counted", .when = T_SHARED, .lacks = FL_HAS_SHARED_EXPERT},
    {"mixture of experts", "one FFN counted, no router", .when = T_EXPERTS, .lacks = FL_HAS_EXPERTS,
     .adds = FL_HAS_DENSE_FFN, .symbol = FL_SYMBOL_k, .text = "1"},
    {"gated FFN", "a gate counted that the model does not have", .unless = T_GATE,
     .adds = FL_HAS_GATE},
    END};

static const struct rule_row KAPLAN[] = {
    {"2N: Q, K, V, project", ROW_MATRIX, PER_LAYER, .text = "8*b*s*h*n_h*d_h"},
    {"2N: feed-forward", ROW_MATRIX, PER_LAYER, .text = "4*b*s*h*f"},
    {"2·n_layer·n_ctx·d_attn", ROW_MATRIX, PER_LAYER, .text = "2*b*s^2*n_h*d_h"},
    END};
static const struct rule_departure KAPLAN_VIEW[] = {
    {"causal mask", "all s² query-key pairs", .symbol = FL_SYMBOL_pairs, .text = "s^2"},
    {"attention products", "one of the two counted", .omits = BIT(CONTEXT)},
    {"logits of fewer positions", "embedding and de-embedding left out", .omits = BIT(LOGITS)},
    END};
static const struct rule_row CHINCHILLA[] = {
    {"embeddings", ROW_EXTRA, ONCE, .text = "2*b*s*V*h", .term = "embedding table",
     .note = "a lookup charged as a matrix product"},
    {"attention projections", ROW_MATRIX, PER_LAYER, .text = "8*b*s*h*n_h*d_h"},
    {"key @ query, reduction", ROW_MATRIX, PER_LAYER, .text = "4*b*s^2*n_h*d_h"},
    {"softmax", ROW_ELEMENTWISE, PER_LAYER, .text = "3*b*n_h*s^2", .term = "softmax",
     .note = "3 a query-key pair, masked ones too"},
    {"dense block", ROW_MATRIX, PER_LAYER, .text = "4*b*s*h*f"},
    {"final logits", ROW_MATRIX, ONCE, .text = "2*b*s*h*V"},
    END};

/* Parameters: all of them, or those that are no table of positions; 2 FLOPs a token and pass. */
static const struct rule_row ALL_PARAMETERS[] = {
    {"6N", ROW_MATRIX, PER_PARAMETER, .text = "2*b*s"},
    {"position table", ROW_EXTRA, PER_POSITION, .inside = true, .when = T_POSITIONS,
     .text = "2*b*s*h", .term = "position table", .note = "its parameters counted as a matrix"},
    END};
static const struct rule_row NO_POSITIONS[] = {
    {"6N", ROW_MATRIX, PER_PARAMETER, .text = "2*b*s"},
    {"6N", ROW_MATRIX, PER_POSITION, .when = T_POSITIONS, .text = "0 - 2*b*s*h"},
    END};
#define GAINS "gains counted as a matrix"
#define BIASES "counted as a matrix: 2 each"
static const struct rule_row IN_PARAMETERS[] = {
    {"N", ROW_EXTRA, ONCE, .inside = true, .when = T_UNTIED, .text = "2*b*s*V*h",
     .term = "embedding table", .note = "a lookup charged as a matrix product"},
    {"N", ROW_ELEMENTWISE, PER_LAYER, .inside = true, .when = T_LAYERNORM, .text = "4*b*s*h",
     .term = "norm", .note = GAINS},
    {"N", ROW_ELEMENTWISE, PER_LAYER, .inside = true, .when = T_LAYERNORM | T_NORM_FFN,
     .text = "4*b*s*h", .term = "norm", .note = GAINS},
    {"N", ROW_ELEMENTWISE, ONCE, .inside = true, .when = T_LAYERNORM | T_NORM_FINAL,
     .text = "4*b*s*h", .term = "norm", .note = GAINS},
    {"N", ROW_ELEMENTWISE, PER_LAYER, .inside = true, .when = T_RMSNORM, .text = "2*b*s*h",
     .term = "norm", .note = GAINS},
    {"N", ROW_ELEMENTWISE, PER_LAYER, .inside = true, .when = T_RMSNORM | T_NORM_FFN,
     .text = "2*b*s*h", .term = "norm", .note = GAINS},
    {"N", ROW_ELEMENTWISE, ONCE, .inside = true, .when = T_RMSNORM | T_NORM_FINAL,
     .text = "2*b*s*h", .term = "norm", .note = GAINS},
    {"N", ROW_ELEMENTWISE, PER_LAYER, .inside = true, .when = T_QK_NORM, .text = "4*b*s*d_h",
     .term = "norm", .note = GAINS},
    {"N", ROW_ELEMENTWISE, PER_LAYER, .inside = true, .when = T_BIAS_QKV,
     .text = "2*b*s*(n_h + 2*n_kv)*d_h", .term = "bias", .note = BIASES},
    {"N", ROW_ELEMENTWISE, PER_LAYER, .inside = true, .when = T_BIAS_OUT, .text = "2*b*s*h",
     .term = "bias", .note = BIASES},
    {"N", ROW_ELEMENTWISE, PER_LAYER, .inside = true, .when = T_BIAS_FFN, .text = "2*b*s*(f + h)",
     .term = "bias", .note = BIASES},
    {"N", ROW_ELEMENTWISE, PER_LAYER, .inside = true, .when = T_BIAS_FFN | T_GATE,
     .text = "2*b*s*f", .term = "bias", .note = BIASES},
    {"N", ROW_ELEMENTWISE, ONCE, .inside = true, .when = T_BIAS_LOGITS, .text = "2*b*s*V",
     .term = "bias", .note = BIASES},
    {"N", ROW_EXTRA, PER_LAYER, .inside = true, .when = T_EXPERTS, .text = "4*b*s*(E - k)*h*f",
     .term = "experts not chosen", .note = "N counts every expert for every token"},
    {"N", ROW_EXTRA, PER_LAYER, .inside = true, .when = T_EXPERTS | T_GATE,
     .text = "2*b*s*(E - k)*h*f", .term = "experts not chosen",
     .note = "N counts every expert for every token"},
    END};
static const struct rule_row PALM_ATTENTION[] = {
    {"12LHQT", ROW_MATRIX, PER_LAYER, .text = "4*b*s^2*n_h*d_h"}, END};

static const struct rule_row MEGATRON[] = {
    {"attention linear", ROW_MATRIX, PER_LAYER,
     .text = "2*b*s*h*(n_h + 2*n_kv)*d_h + 2*b*s*n_h*d_h*h"},
    {"core attention", ROW_MATRIX, PER_LAYER, .text = "2*b*s^2*n_h*d_h"},
    {"mlp", ROW_MATRIX, PER_LAYER, .text = "4*b*s*k*h*f"},
    {"mlp", ROW_MATRIX, PER_LAYER, .when = T_GATE, .text = "2*b*s*k*h*f"},
    {"shared expert", ROW_MATRIX, PER_LAYER, .when = T_SHARED, .text = "4*b*s*h*f_s"},
    {"shared expert", ROW_MATRIX, PER_LAYER, .when = T_SHARED | T_GATE, .text = "2*b*s*h*f_s"},
    {"logits", ROW_MATRIX, ONCE, .text = "2*b*s*h*V"},
    END};
static const struct rule_departure MEGATRON_VIEW[] = {
    {"causal mask", "s²/2 query-key pairs", .symbol = FL_SYMBOL_pairs, .text = "s^2/2"},
    {"router", "not counted", .when = T_EXPERTS, .omits = BIT(ROUTER)},
    {"shared expert", "its sigmoid gate not counted", .when = T_SHARED, .omits = BIT(SHARED_SCALE)},
    END};

/* ---- each tool's tables ---- */

#define RULES(name, rows_, departures_)                                                            \
    static const struct fl_tool_rules name = {.rows = rows_, .departures = departures_}
#define LIST(...) {__VA_ARGS__}

RULES(TEXTBOOK_RULES, LIST(TEXTBOOK),
      LIST(RECTANGLE, NO_CROSS, CLASSIC_LAYER, FOUR_H, NO_GQA, HEADS_ARE_H));
RULES(NANOGPT_RULES, LIST(NANOGPT), LIST(RECTANGLE, CLASSIC_LAYER, FOUR_H, NO_GQA, HEADS_ARE_H));
RULES(PALM_RULES, LIST(NO_POSITIONS, IN_PARAMETERS, PALM_ATTENTION), LIST(RECTANGLE));
RULES(SIX_ND_RULES, LIST(ALL_PARAMETERS, IN_PARAMETERS), LIST(NO_PRODUCTS));
RULES(KAPLAN_RULES, LIST(KAPLAN), LIST(KAPLAN_VIEW, CLASSIC_LAYER, NO_GQA));
RULES(CHINCHILLA_RULES, LIST(CHINCHILLA), LIST(RECTANGLE, CLASSIC_LAYER, NO_GQA));
RULES(MEGATRON_RULES, LIST(MEGATRON), LIST(MEGATRON_VIEW));
RULES(LLM_ANALYSIS_RULES, LIST(LLM_ANALYSIS), LIST(LLM_ANALYSIS_VIEW, HEADS_ARE_H));
RULES(LLM_VIEWER_RULES, LIST(LLM_VIEWER), LIST(LLM_VIEWER_VIEW, HEADS_ARE_H));
RULES(CALFLOPS_RULES, LIST(LINEAR, BOTH_PRODUCTS, LAYER_NORM_5, SOFTMAX_1, FUNCTIONALS),
      LIST(RECTANGLE, HEADLESS));
RULES(CALFLOPS_SDPA_RULES, LIST(LINEAR, LAYER_NORM_5, FUNCTIONALS), LIST(NO_PRODUCTS, HEADLESS));
RULES(CALFLOPS_BLOOM_RULES, LIST(LINEAR, ONE_PRODUCT, LAYER_NORM_5, SOFTMAX_1, FUNCTIONALS),
      LIST(RECTANGLE, NO_SCORES, HEADLESS));
RULES(DEEPSPEED_SDPA_RULES, LIST(LINEAR, SDPA, LAYER_NORM_5, FUNCTIONALS),
      LIST(RECTANGLE, HEADLESS));
RULES(DEEPSPEED_EXAMPLE_RULES, LIST(LINEAR, DEEPSPEED_EXAMPLE), LIST(NO_PRODUCTS, HEADLESS));
RULES(FVCORE_RULES, LIST(LINEAR, BOTH_PRODUCTS, LAYER_NORM_5), LIST(RECTANGLE, HEADLESS));
RULES(FVCORE_SDPA_RULES, LIST(LINEAR, LAYER_NORM_5), LIST(NO_PRODUCTS, HEADLESS));
RULES(TORCH_RULES, LIST(LINEAR, SDPA), LIST(RECTANGLE, HEADLESS));
RULES(THOP_RULES, LIST(LINEAR_MODULES, THOP_NORM), LIST(NO_PRODUCTS, NO_CONV1D, HEADLESS));
RULES(TORCHINFO_RULES, LIST(LINEAR_MODULES, TORCHINFO), LIST(NO_PRODUCTS, NO_CONV1D, HEADLESS));

#define DEEPSPEED_URL "https://github.com/microsoft/DeepSpeed/tree/v0.16.5/deepspeed/profiling/flops_profiler"
#define CALFLOPS_URL  "https://github.com/MrYxJ/calculate-flops.pytorch"
#define FVCORE_URL    "https://github.com/facebookresearch/fvcore/blob/main/fvcore/nn/jit_handles.py"
#define ONE_LENGTH    "knows one stack of layers and one sequence length"
#define ALL_MEET_ALL  "charges every parameter for every token; here a token meets those of one stack"
#define MEGATRON_URL  "https://github.com/NVIDIA/Megatron-LM/blob/main/megatron/training/training.py"

static const struct fl_tool TOOLS[] = {
    {"textbook", "the course's closed form, 24bsh² + 4bsth a layer and 2bshV", "2021",
     "https://arxiv.org/abs/2104.04473", FL_TOOL_FLOP, 1, .cached = true, .rules = &TEXTBOOK_RULES},
    {"nanogpt", "nanoGPT's transformer_sizing notebook, forward pass", "3adf61e",
     "https://github.com/karpathy/nanoGPT/blob/master/transformer_sizing.ipynb", FL_TOOL_FLOP, 1,
     .rules = &NANOGPT_RULES,
     .one_stack = "writes out GPT-2's layers, which have no cross-attention"},
    {"palm", "6N + 12LHQT a token, training; N without a position table (PaLM, nanoGPT's MFU)",
     "2022", "https://arxiv.org/abs/2204.02311", FL_TOOL_FLOP, 3, .rules = &PALM_RULES,
     .one_stack = ALL_MEET_ALL},
    {"6nd", "C = 6ND, training; N all parameters", "2022", "https://arxiv.org/abs/2203.15556",
     FL_TOOL_FLOP, 3, .rules = &SIX_ND_RULES,
     .one_stack = ALL_MEET_ALL},
    {"kaplan", "2N + 2·n_layer·n_ctx·d_attn a token, forward; N without embeddings", "2020",
     "https://arxiv.org/abs/2001.08361", FL_TOOL_FLOP, 1, .rules = &KAPLAN_RULES,
     .one_stack = "counts the parameters of one stack of self-attention layers"},
    {"chinchilla", "Hoffmann et al., appendix F, forward pass", "2022",
     "https://arxiv.org/abs/2203.15556", FL_TOOL_FLOP, 1, .rules = &CHINCHILLA_RULES,
     .one_stack = "lists the operators of a decoder without cross-attention"},
    {"megatron", "Megatron-LM's num_floating_point_operations, training", "core 0.20",
     MEGATRON_URL, FL_TOOL_FLOP, 3, .rules = &MEGATRON_RULES,
     .one_stack = ONE_LENGTH},
    {"megatron-paper", "96Bslh²(1 + s/6h + V/16lh), training with recomputation", "2021",
     "https://arxiv.org/abs/2104.04473", FL_TOOL_FLOP, 3, .layers = true, .rules = &NANOGPT_RULES,
     .one_stack = ONE_LENGTH},
    {"llm-analysis", "llm-analysis, forward pass or decode step", "d841e40",
     "https://github.com/cli99/llm-analysis/blob/main/llm_analysis/analysis.py", FL_TOOL_FLOP, 1,
     .cached = true, .rules = &LLM_ANALYSIS_RULES,
     .one_stack = ONE_LENGTH},
    {"llm-viewer", "LLM-Viewer, prefill or decode step", "472f71f",
     "https://github.com/hahnyuan/LLM-Viewer/blob/main/model_analyzer.py", FL_TOOL_FLOP, 1,
     .cached = true, .rules = &LLM_VIEWER_RULES,
     .one_stack = "has no layer with cross-attention"},
    {"calflops", "calflops on a model with eager attention", "29ca584", CALFLOPS_URL, FL_TOOL_BOTH,
     1, .cached = true, .traced = true, .rules = &CALFLOPS_RULES},
    {"calflops-sdpa", "calflops on a model with fused (sdpa) attention", "29ca584", CALFLOPS_URL,
     FL_TOOL_BOTH, 1, .cached = true, .traced = true, .rules = &CALFLOPS_SDPA_RULES},
    {"calflops-bloom", "calflops on BLOOM's attention (alibi.baddbmm)", "29ca584", CALFLOPS_URL,
     FL_TOOL_BOTH, 1, .cached = true, .traced = true, .rules = &CALFLOPS_BLOOM_RULES,
     .one_stack = "counts as BLOOM's attention calls it; no encoder-decoder does"},
    {"deepspeed", "DeepSpeed's flops profiler on a model with eager attention", "0.16.5",
     DEEPSPEED_URL, FL_TOOL_BOTH, 1, .cached = true, .traced = true, .rules = &CALFLOPS_RULES},
    {"deepspeed-sdpa", "DeepSpeed's flops profiler on a model with fused (sdpa) attention",
     "0.16.5", DEEPSPEED_URL, FL_TOOL_BOTH, 1, .cached = true, .traced = true,
     .rules = &DEEPSPEED_SDPA_RULES},
    {"deepspeed-example", "the rules behind the BERT example in DeepSpeed's documentation", "docs",
     "https://www.deepspeed.ai/tutorials/flops-profiler/", FL_TOOL_MAC, 1, .cached = true,
     .traced = true, .rules = &DEEPSPEED_EXAMPLE_RULES},
    {"fvcore", "fvcore's FlopCountAnalysis on a model with eager attention", "0.1.6", FVCORE_URL,
     FL_TOOL_MAC, 1, .cached = true, .traced = true, .rules = &FVCORE_RULES},
    {"fvcore-sdpa", "fvcore's FlopCountAnalysis on a model with fused (sdpa) attention", "0.1.6",
     FVCORE_URL, FL_TOOL_MAC, 1, .cached = true, .traced = true, .rules = &FVCORE_SDPA_RULES},
    {"torch", "PyTorch's FlopCounterMode", "2.x",
     "https://github.com/pytorch/pytorch/blob/main/torch/utils/flop_counter.py", FL_TOOL_FLOP, 1,
     .cached = true, .traced = true, .rules = &TORCH_RULES},
    {"thop", "thop (pytorch-OpCounter)", "0.1.1",
     "https://github.com/Lyken17/pytorch-OpCounter/blob/master/thop/profile.py", FL_TOOL_MAC, 1,
     .cached = true, .traced = true, .rules = &THOP_RULES},
    {"torchinfo", "torchinfo's total mult-adds", "38ab72b",
     "https://github.com/TylerYep/torchinfo/blob/main/torchinfo/layer_info.py", FL_TOOL_MAC, 1,
     .cached = true, .traced = true, .rules = &TORCHINFO_RULES},
};
/* clang-format on */

enum { N_TOOLS = sizeof TOOLS / sizeof *TOOLS };

const struct fl_tool *fl_tools(int *n)
{
    *n = N_TOOLS;
    return TOOLS;
}

const struct fl_tool *fl_tool_find(const char *name)
{
    for (int i = 0; i < N_TOOLS; i++)
        if (strcmp(TOOLS[i].name, name) == 0)
            return &TOOLS[i];
    return NULL;
}
