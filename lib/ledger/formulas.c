#include "ledger/formulas.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

/* ---- the tables ---- */

static const struct fl_textbook_row TEXTBOOK[] = {
    {FL_OP_QKV, 0, "6*b*s*h^2"},
    {FL_OP_SCORES, FL_HAS_STEPWISE_ATTENTION, "2*b*s*t*h"},
    {FL_OP_CONTEXT, FL_HAS_STEPWISE_ATTENTION, "2*b*s*t*h"},
    {FL_OP_ATTENTION, FL_HAS_FUSED_ATTENTION, "4*b*s*t*h"},
    {FL_OP_ATTN_OUT, 0, "2*b*s*h^2"},
    {FL_OP_FFN_UP, 0, "8*b*s*h^2"},
    {FL_OP_FFN_DOWN, 0, "8*b*s*h^2"},
    {FL_OP_LOGITS, 0, "2*b*s*h*V"},
};

/* clang-format off */
static const struct {
    enum fl_operator op;
    unsigned features;
    enum fl_piece_kind kind;
    const char *text;
} FLOPS[] = {
    {FL_OP_EMBED, FL_HAS_TOKENS | FL_HAS_SCALED_EMBEDDING, FL_PIECE_ELEMENTWISE, "b*s*h"},
    {FL_OP_EMBED, FL_HAS_TOKENS | FL_HAS_POSITION_TABLE,   FL_PIECE_ELEMENTWISE, "b*s*h"},

    {FL_OP_NORM_ATTN, FL_HAS_LAYERNORM, FL_PIECE_ELEMENTWISE, "b*s*(8*h + 5)"},
    {FL_OP_NORM_ATTN, FL_HAS_RMSNORM,   FL_PIECE_ELEMENTWISE, "b*s*(4*h + 4)"},
    {FL_OP_QKV,       0,                FL_PIECE_MATMUL,      "2*b*s*h*(n_h + 2*n_kv)*d_h"},
    {FL_OP_QKV,       FL_HAS_BIAS_QKV,  FL_PIECE_BIAS,        "b*s*(n_h + 2*n_kv)*d_h"},
    {FL_OP_QK_NORM,   FL_HAS_QK_NORM,   FL_PIECE_ELEMENTWISE, "b*s*(n_h + n_kv)*(4*d_h + 4)"},
    {FL_OP_ROPE,      FL_HAS_ROPE,      FL_PIECE_ELEMENTWISE, "3*b*s*(n_h + n_kv)*d_r"},
    {FL_OP_SCORES,    FL_HAS_STEPWISE_ATTENTION, FL_PIECE_MATMUL, "2*b*pairs*n_h*d_h"},
    {FL_OP_RELATIVE_BIAS, FL_HAS_RELATIVE_BIAS, FL_PIECE_ELEMENTWISE, "b*n_h*visible"},
    {FL_OP_SOFTMAX,   FL_HAS_STEPWISE_ATTENTION, FL_PIECE_ELEMENTWISE, "b*n_h*(5*visible + s)"},
    {FL_OP_CONTEXT,   FL_HAS_STEPWISE_ATTENTION, FL_PIECE_MATMUL, "2*b*pairs*n_h*d_h"},
    {FL_OP_ATTENTION, FL_HAS_FUSED_ATTENTION, FL_PIECE_MATMUL, "4*b*pairs*n_h*d_h"},
    {FL_OP_ATTENTION, FL_HAS_FUSED_ATTENTION, FL_PIECE_ELEMENTWISE,
     "b*n_h*(4*visible + rescales*(d_h + 5) + s*(d_h + 1))"},
    {FL_OP_ATTN_OUT,  0,                FL_PIECE_MATMUL,      "2*b*s*n_h*d_h*h"},
    {FL_OP_ATTN_OUT,  FL_HAS_BIAS_ATTN_OUT, FL_PIECE_BIAS,    "b*s*h"},

    {FL_OP_NORM_CROSS,    FL_HAS_CROSS | FL_HAS_LAYERNORM, FL_PIECE_ELEMENTWISE, "b*s*(8*h + 5)"},
    {FL_OP_NORM_CROSS,    FL_HAS_CROSS | FL_HAS_RMSNORM,   FL_PIECE_ELEMENTWISE, "b*s*(4*h + 4)"},
    {FL_OP_CROSS_Q,       FL_HAS_CROSS,    FL_PIECE_MATMUL,      "2*b*s*h*n_h*d_h"},
    {FL_OP_CROSS_KV,      FL_HAS_CROSS_KV, FL_PIECE_MATMUL,      "4*b*s_e*h*n_kv*d_h"},
    {FL_OP_CROSS_Q,       FL_HAS_CROSS | FL_HAS_BIAS_QKV,    FL_PIECE_BIAS, "b*s*n_h*d_h"},
    {FL_OP_CROSS_KV,      FL_HAS_CROSS_KV | FL_HAS_BIAS_QKV, FL_PIECE_BIAS, "2*b*s_e*n_kv*d_h"},
    {FL_OP_CROSS_SCORES,  FL_HAS_CROSS,    FL_PIECE_MATMUL,      "2*b*s*s_e*n_h*d_h"},
    {FL_OP_CROSS_SOFTMAX, FL_HAS_CROSS,    FL_PIECE_ELEMENTWISE, "b*n_h*(5*s*s_e + s)"},
    {FL_OP_CROSS_CONTEXT, FL_HAS_CROSS,    FL_PIECE_MATMUL,      "2*b*s*s_e*n_h*d_h"},
    {FL_OP_CROSS_OUT,     FL_HAS_CROSS,    FL_PIECE_MATMUL,      "2*b*s*n_h*d_h*h"},
    {FL_OP_CROSS_OUT,     FL_HAS_CROSS | FL_HAS_BIAS_ATTN_OUT, FL_PIECE_BIAS, "b*s*h"},

    {FL_OP_NORM_FFN, FL_HAS_NORM_FFN | FL_HAS_LAYERNORM, FL_PIECE_ELEMENTWISE, "b*s*(8*h + 5)"},
    {FL_OP_NORM_FFN, FL_HAS_NORM_FFN | FL_HAS_RMSNORM,   FL_PIECE_ELEMENTWISE, "b*s*(4*h + 4)"},
    {FL_OP_ROUTER,   FL_HAS_EXPERTS,   FL_PIECE_MATMUL,      "2*b*s*h*E"},
    {FL_OP_ROUTER,   FL_HAS_EXPERTS,   FL_PIECE_ELEMENTWISE, "b*s*(5*k_r + 1)"},
    {FL_OP_FFN_GATE, FL_HAS_DENSE_FFN | FL_HAS_GATE, FL_PIECE_MATMUL, "2*b*s*h*f"},
    {FL_OP_FFN_GATE, FL_HAS_EXPERTS | FL_HAS_GATE,   FL_PIECE_MATMUL, "2*b*s*k*h*f"},
    {FL_OP_SHARED_GATE, FL_HAS_SHARED_EXPERT | FL_HAS_GATE, FL_PIECE_MATMUL, "2*b*s*h*f_s"},
    {FL_OP_FFN_GATE, FL_HAS_DENSE_FFN | FL_HAS_GATE | FL_HAS_BIAS_FFN, FL_PIECE_BIAS, "b*s*f"},
    {FL_OP_FFN_UP,   FL_HAS_DENSE_FFN, FL_PIECE_MATMUL,      "2*b*s*h*f"},
    {FL_OP_FFN_UP,   FL_HAS_EXPERTS,   FL_PIECE_MATMUL,      "2*b*s*k*h*f"},
    {FL_OP_SHARED_UP, FL_HAS_SHARED_EXPERT, FL_PIECE_MATMUL,  "2*b*s*h*f_s"},
    {FL_OP_FFN_UP,   FL_HAS_DENSE_FFN | FL_HAS_BIAS_FFN, FL_PIECE_BIAS, "b*s*f"},
    /* ReLU is a comparison: no FLOP */
    {FL_OP_FFN_ACT,  FL_HAS_GELU_ERF,  FL_PIECE_ELEMENTWISE, "5*b*s*k*f"},
    {FL_OP_FFN_ACT,  FL_HAS_GELU_TANH, FL_PIECE_ELEMENTWISE, "9*b*s*k*f"},
    {FL_OP_FFN_ACT,  FL_HAS_SILU,      FL_PIECE_ELEMENTWISE, "3*b*s*k*f"},
    {FL_OP_FFN_ACT,  FL_HAS_GATE,      FL_PIECE_ELEMENTWISE, "b*s*k*f"},
    {FL_OP_SHARED_ACT, FL_HAS_SHARED_EXPERT | FL_HAS_GELU_ERF,  FL_PIECE_ELEMENTWISE, "5*b*s*f_s"},
    {FL_OP_SHARED_ACT, FL_HAS_SHARED_EXPERT | FL_HAS_GELU_TANH, FL_PIECE_ELEMENTWISE, "9*b*s*f_s"},
    {FL_OP_SHARED_ACT, FL_HAS_SHARED_EXPERT | FL_HAS_SILU,      FL_PIECE_ELEMENTWISE, "3*b*s*f_s"},
    {FL_OP_SHARED_ACT, FL_HAS_SHARED_EXPERT | FL_HAS_GATE,      FL_PIECE_ELEMENTWISE, "b*s*f_s"},
    {FL_OP_FFN_DOWN, FL_HAS_DENSE_FFN, FL_PIECE_MATMUL,      "2*b*s*f*h"},
    {FL_OP_FFN_DOWN, FL_HAS_EXPERTS,   FL_PIECE_MATMUL,      "2*b*s*k*f*h"},
    {FL_OP_SHARED_DOWN, FL_HAS_SHARED_EXPERT, FL_PIECE_MATMUL,  "2*b*s*f_s*h"},
    {FL_OP_FFN_DOWN, FL_HAS_DENSE_FFN | FL_HAS_BIAS_FFN, FL_PIECE_BIAS, "b*s*h"},
    {FL_OP_SHARED_SCALE, FL_HAS_SHARED_EXPERT, FL_PIECE_MATMUL,      "2*b*s*h"},
    {FL_OP_SHARED_SCALE, FL_HAS_SHARED_EXPERT, FL_PIECE_ELEMENTWISE, "b*s*(h + 11)"},
    {FL_OP_EXPERT_COMBINE, FL_HAS_EXPERTS, FL_PIECE_ELEMENTWISE, "2*b*s*k*h"},
    {FL_OP_RESIDUAL, 0,                FL_PIECE_ELEMENTWISE, "2*b*s*h"},
    {FL_OP_RESIDUAL, FL_HAS_CROSS,     FL_PIECE_ELEMENTWISE, "b*s*h"},

    {FL_OP_NORM_FINAL, FL_HAS_LOGITS | FL_HAS_FINAL_NORM | FL_HAS_LAYERNORM, FL_PIECE_ELEMENTWISE,
     "b*r*(8*h + 5)"},
    {FL_OP_NORM_FINAL, FL_HAS_LOGITS | FL_HAS_FINAL_NORM | FL_HAS_RMSNORM, FL_PIECE_ELEMENTWISE,
     "b*r*(4*h + 4)"},
    {FL_OP_NORM_FINAL, FL_HAS_ENCODER_NORM | FL_HAS_RMSNORM, FL_PIECE_ELEMENTWISE, "b*s*(4*h + 4)"},
    {FL_OP_NORM_FINAL, FL_HAS_ENCODER_NORM | FL_HAS_LAYERNORM, FL_PIECE_ELEMENTWISE,
     "b*s*(8*h + 5)"},
    {FL_OP_LOGITS, FL_HAS_LOGITS, FL_PIECE_MATMUL, "2*b*r*h*V"},
    {FL_OP_LOGITS, FL_HAS_LOGITS | FL_HAS_BIAS_LOGITS,   FL_PIECE_BIAS,        "b*r*V"},
    {FL_OP_LOGITS, FL_HAS_LOGITS | FL_HAS_SCALED_LOGITS, FL_PIECE_ELEMENTWISE, "b*r*h"},
};

/* Activations are f32, and so are vectors (norm gains, biases) and tables of positions: 4 bytes. w is
 * that of the operator's matrices. */
static const struct {
    enum fl_operator op;
    unsigned features;
    const char *bytes_read, *bytes_written;
} BYTES[] = {
    {FL_OP_EMBED, FL_HAS_TOKENS,                         "4*b*s + w*b*s*h", "4*b*s*h"},
    {FL_OP_EMBED, FL_HAS_TOKENS | FL_HAS_POSITION_TABLE, "4*s*h", "0"},

    {FL_OP_NORM_ATTN, FL_HAS_LAYERNORM, "4*b*s*h + 8*h", "4*b*s*h"},
    {FL_OP_NORM_ATTN, FL_HAS_RMSNORM,   "4*b*s*h + 4*h", "4*b*s*h"},
    {FL_OP_QKV, 0, "4*b*s*h + w*h*(n_h + 2*n_kv)*d_h", "4*b*s*(n_h + 2*n_kv)*d_h"},
    {FL_OP_QKV, FL_HAS_BIAS_QKV, "4*(n_h + 2*n_kv)*d_h", "0"},
    {FL_OP_QK_NORM, FL_HAS_QK_NORM, "4*b*s*(n_h + n_kv)*d_h + 8*d_h", "4*b*s*(n_h + n_kv)*d_h"},
    {FL_OP_ROPE, FL_HAS_ROPE, "4*b*s*(n_h + n_kv)*d_r + 4*s*d_r", "4*b*s*(n_h + n_kv)*d_r"},
    {FL_OP_KV_COPY, FL_HAS_CACHE | FL_HAS_KV_COPY, "2*c*x*n_kv*d_h", "2*c*x*n_kv*d_h"},
    {FL_OP_KV_APPEND, FL_HAS_CACHE, "8*b*s*n_kv*d_h", "2*c*b*s*n_kv*d_h"},
    {FL_OP_SCORES, FL_HAS_STEPWISE_ATTENTION, "4*b*s*n_h*d_h + c*b*keys*n_kv*d_h", "4*b*n_h*visible"},
    /* the biases of distances 0 .. t - 1 back and, of a rectangle, 1 .. s - 1 ahead */
    {FL_OP_RELATIVE_BIAS, FL_HAS_RELATIVE_BIAS, "4*b*n_h*visible + 4*n_h*t", "4*b*n_h*visible"},
    {FL_OP_RELATIVE_BIAS, FL_HAS_RELATIVE_BIAS | FL_HAS_RECTANGLE, "4*n_h*(s - 1)", "0"},
    {FL_OP_SOFTMAX, FL_HAS_STEPWISE_ATTENTION, "4*b*n_h*visible", "4*b*n_h*visible"},
    {FL_OP_CONTEXT, FL_HAS_STEPWISE_ATTENTION, "4*b*n_h*visible + c*b*keys*n_kv*d_h",
     "4*b*s*n_h*d_h"},
    {FL_OP_ATTENTION, FL_HAS_FUSED_ATTENTION, "4*b*s*n_h*d_h + 2*c*b*keys*n_kv*d_h",
     "4*b*s*n_h*d_h"},
    {FL_OP_ATTN_OUT, 0, "4*b*s*n_h*d_h + w*n_h*d_h*h", "4*b*s*h"},
    {FL_OP_ATTN_OUT, FL_HAS_BIAS_ATTN_OUT, "4*h", "0"},

    {FL_OP_NORM_CROSS, FL_HAS_CROSS | FL_HAS_LAYERNORM, "4*b*s*h + 8*h", "4*b*s*h"},
    {FL_OP_NORM_CROSS, FL_HAS_CROSS | FL_HAS_RMSNORM,   "4*b*s*h + 4*h", "4*b*s*h"},
    {FL_OP_CROSS_Q, FL_HAS_CROSS, "4*b*s*h + w*h*n_h*d_h", "4*b*s*n_h*d_h"},
    {FL_OP_CROSS_KV, FL_HAS_CROSS_KV, "4*b*s_e*h + 2*w*h*n_kv*d_h", "2*c*b*s_e*n_kv*d_h"},
    {FL_OP_CROSS_Q, FL_HAS_CROSS | FL_HAS_BIAS_QKV, "4*n_h*d_h", "0"},
    {FL_OP_CROSS_KV, FL_HAS_CROSS_KV | FL_HAS_BIAS_QKV, "8*n_kv*d_h", "0"},
    {FL_OP_CROSS_SCORES, FL_HAS_CROSS, "4*b*s*n_h*d_h + c*b*s_e*n_kv*d_h", "4*b*n_h*s*s_e"},
    {FL_OP_CROSS_SOFTMAX, FL_HAS_CROSS, "4*b*n_h*s*s_e", "4*b*n_h*s*s_e"},
    {FL_OP_CROSS_CONTEXT, FL_HAS_CROSS, "4*b*n_h*s*s_e + c*b*s_e*n_kv*d_h", "4*b*s*n_h*d_h"},
    {FL_OP_CROSS_OUT, FL_HAS_CROSS, "4*b*s*n_h*d_h + w*n_h*d_h*h", "4*b*s*h"},
    {FL_OP_CROSS_OUT, FL_HAS_CROSS | FL_HAS_BIAS_ATTN_OUT, "4*h", "0"},

    {FL_OP_NORM_FFN, FL_HAS_NORM_FFN | FL_HAS_LAYERNORM, "4*b*s*h + 8*h", "4*b*s*h"},
    {FL_OP_NORM_FFN, FL_HAS_NORM_FFN | FL_HAS_RMSNORM,   "4*b*s*h + 4*h", "4*b*s*h"},
    {FL_OP_ROUTER, FL_HAS_EXPERTS, "4*b*s*h + w*h*E", "8*b*s*k"},
    {FL_OP_EXPERT_GATHER, FL_HAS_EXPERTS, "4*b*s*h + 4*b*s*k", "4*b*s*k*h + 4*b*s*k"},
    {FL_OP_FFN_GATE, FL_HAS_DENSE_FFN | FL_HAS_GATE, "4*b*s*h + w*h*f", "4*b*s*f"},
    {FL_OP_FFN_GATE, FL_HAS_EXPERTS | FL_HAS_GATE,   "4*b*s*k*h + w*e*h*f", "4*b*s*k*f"},
    {FL_OP_SHARED_GATE, FL_HAS_SHARED_EXPERT | FL_HAS_GATE, "4*b*s*h + w*h*f_s", "4*b*s*f_s"},
    {FL_OP_FFN_GATE, FL_HAS_DENSE_FFN | FL_HAS_GATE | FL_HAS_BIAS_FFN, "4*f", "0"},
    {FL_OP_FFN_UP, FL_HAS_DENSE_FFN, "4*b*s*h + w*h*f", "4*b*s*f"},
    {FL_OP_FFN_UP, FL_HAS_EXPERTS,   "4*b*s*k*h + w*e*h*f", "4*b*s*k*f"},
    {FL_OP_SHARED_UP, FL_HAS_SHARED_EXPERT, "4*b*s*h + w*h*f_s", "4*b*s*f_s"},
    {FL_OP_FFN_UP, FL_HAS_DENSE_FFN | FL_HAS_BIAS_FFN, "4*f", "0"},
    {FL_OP_FFN_ACT, 0, "4*b*s*k*f", "4*b*s*k*f"},
    {FL_OP_FFN_ACT, FL_HAS_GATE, "4*b*s*k*f", "0"},
    {FL_OP_SHARED_ACT, FL_HAS_SHARED_EXPERT, "4*b*s*f_s", "4*b*s*f_s"},
    {FL_OP_SHARED_ACT, FL_HAS_SHARED_EXPERT | FL_HAS_GATE, "4*b*s*f_s", "0"},
    {FL_OP_FFN_DOWN, FL_HAS_DENSE_FFN, "4*b*s*f + w*f*h", "4*b*s*h"},
    {FL_OP_FFN_DOWN, FL_HAS_EXPERTS,   "4*b*s*k*f + w*e*f*h", "4*b*s*k*h"},
    {FL_OP_SHARED_DOWN, FL_HAS_SHARED_EXPERT, "4*b*s*f_s + w*f_s*h", "4*b*s*h"},
    {FL_OP_FFN_DOWN, FL_HAS_DENSE_FFN | FL_HAS_BIAS_FFN, "4*h", "0"},
    {FL_OP_SHARED_SCALE, FL_HAS_SHARED_EXPERT, "8*b*s*h + w*h", "4*b*s*h"},
    {FL_OP_EXPERT_COMBINE, FL_HAS_EXPERTS, "4*b*s*k*h + 8*b*s*k", "4*b*s*h"},
    {FL_OP_EXPERT_COMBINE, FL_HAS_SHARED_EXPERT, "4*b*s*h", "0"},
    {FL_OP_RESIDUAL, 0, "16*b*s*h", "8*b*s*h"},
    {FL_OP_RESIDUAL, FL_HAS_CROSS, "8*b*s*h", "4*b*s*h"},

    {FL_OP_NORM_FINAL, FL_HAS_LOGITS | FL_HAS_FINAL_NORM | FL_HAS_LAYERNORM, "4*b*r*h + 8*h",
     "4*b*r*h"},
    {FL_OP_NORM_FINAL, FL_HAS_LOGITS | FL_HAS_FINAL_NORM | FL_HAS_RMSNORM, "4*b*r*h + 4*h",
     "4*b*r*h"},
    {FL_OP_NORM_FINAL, FL_HAS_ENCODER_NORM | FL_HAS_RMSNORM, "4*b*s*h + 4*h", "4*b*s*h"},
    {FL_OP_NORM_FINAL, FL_HAS_ENCODER_NORM | FL_HAS_LAYERNORM, "4*b*s*h + 8*h", "4*b*s*h"},
    {FL_OP_LOGITS, FL_HAS_LOGITS, "4*b*r*h + w*h*V", "4*b*r*V"},
    {FL_OP_LOGITS, FL_HAS_LOGITS | FL_HAS_BIAS_LOGITS, "4*V", "0"},
    {FL_OP_LOGITS, FL_HAS_LOGITS | FL_HAS_SCALED_LOGITS, "4*b*r*h", "4*b*r*h"},
};
/* clang-format on */

static const char KV_CACHE_BYTES[] = "2*L*b*t*n_kv*d_h*c";
/* with the encoder's keys and values for cross-attention */
static const char KV_CACHE_BYTES_CROSS[] = "2*L*b*(t + s_e)*n_kv*d_h*c";
/* residual stream, its norm and the operators' results; the scores; the logits */
static const char ACTIVATION_BYTES[] =
    "4*b*(s*(3*h + 2*n_h*d_h + 2*n_kv*d_h + 2*k*f) + n_h*s*t + r*V)";
/* without the scores */
static const char ACTIVATION_BYTES_FUSED[] = "4*b*(s*(3*h + 2*n_h*d_h + 2*n_kv*d_h + 2*k*f) + r*V)";

/* ---- parsed once ---- */

enum {
    N_TEXTBOOK = sizeof TEXTBOOK / sizeof *TEXTBOOK,
    N_FLOPS = sizeof FLOPS / sizeof *FLOPS,
    N_BYTES = sizeof BYTES / sizeof *BYTES
};

static struct fl_expression textbook[N_TEXTBOOK];
static struct fl_piece pieces[N_FLOPS];
static struct fl_bytes_piece bytes_pieces[N_BYTES];
static struct fl_expression kv_cache_bytes_formula, kv_cache_bytes_cross_formula,
    activation_bytes_formula, activation_bytes_fused_formula;

static void parse_all(void)
{
    bool good = fl_expression_parse(&kv_cache_bytes_formula, KV_CACHE_BYTES) &&
                fl_expression_parse(&kv_cache_bytes_cross_formula, KV_CACHE_BYTES_CROSS) &&
                fl_expression_parse(&activation_bytes_formula, ACTIVATION_BYTES) &&
                fl_expression_parse(&activation_bytes_fused_formula, ACTIVATION_BYTES_FUSED);
    for (int i = 0; i < N_TEXTBOOK; i++)
        good = good && fl_expression_parse(&textbook[i], TEXTBOOK[i].text);
    for (int i = 0; i < N_FLOPS; i++) {
        pieces[i] = (struct fl_piece){.op = FLOPS[i].op,
                                      .features = FLOPS[i].features,
                                      .kind = FLOPS[i].kind,
                                      .text = FLOPS[i].text};
        good = good && fl_expression_parse(&pieces[i].expression, FLOPS[i].text);
    }
    for (int i = 0; i < N_BYTES; i++) {
        bytes_pieces[i].op = BYTES[i].op;
        bytes_pieces[i].features = BYTES[i].features;
        bytes_pieces[i].read_text = BYTES[i].bytes_read;
        bytes_pieces[i].written_text = BYTES[i].bytes_written;
        good = good && fl_expression_parse(&bytes_pieces[i].bytes_read, BYTES[i].bytes_read) &&
               fl_expression_parse(&bytes_pieces[i].bytes_written, BYTES[i].bytes_written);
    }
    assert(good && "a formula does not parse");
    (void)good;
}

static void parse_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, parse_all);
}

const struct fl_textbook_row *fl_formula_textbook_rows(int *n)
{
    *n = N_TEXTBOOK;
    return TEXTBOOK;
}

const struct fl_named_formula *fl_formula_memory_rows(int *n)
{
    static const struct fl_named_formula ROWS[] = {
        {"kv_cache", KV_CACHE_BYTES},
        {"activations", ACTIVATION_BYTES},
        {"activations_fused", ACTIVATION_BYTES_FUSED},
    };
    *n = sizeof ROWS / sizeof *ROWS;
    return ROWS;
}

const struct fl_piece *fl_formula_pieces(int *n)
{
    parse_once();
    *n = N_FLOPS;
    return pieces;
}

const struct fl_bytes_piece *fl_formula_bytes_pieces(int *n)
{
    parse_once();
    *n = N_BYTES;
    return bytes_pieces;
}

const struct fl_expression *fl_formula_kv_cache_bytes(const struct fl_environment *env)
{
    parse_once();
    return env->features & FL_HAS_CROSS ? &kv_cache_bytes_cross_formula : &kv_cache_bytes_formula;
}

const struct fl_expression *fl_formula_activation_bytes(const struct fl_environment *env)
{
    parse_once();
    return env->features & FL_HAS_FUSED_ATTENTION ? &activation_bytes_fused_formula
                                                  : &activation_bytes_formula;
}

const struct fl_expression *fl_formula_textbook(enum fl_operator op)
{
    parse_once();
    for (int i = 0; i < N_TEXTBOOK; i++)
        if (TEXTBOOK[i].op == op)
            return &textbook[i];
    return NULL;
}

/* ---- evaluation ---- */

static bool applies(const struct fl_environment *env, unsigned features)
{
    return (env->features & features) == features;
}

static int too_large(enum fl_operator op, struct fl_error *error)
{
    return fl_fail(error, "%s: the figure for this shape does not fit in 127 bits",
                   fl_operator_name(op));
}

static bool add_value(const struct fl_expression *expression, const struct fl_environment *env,
                      struct fl_rational *sum)
{
    struct fl_rational value;
    return fl_expression_evaluate(expression, env->values, &value) &&
           fl_rational_add(*sum, value, sum);
}

int fl_formula_flops(const struct fl_environment *env, enum fl_operator op, struct fl_rational *out,
                     struct fl_error *error)
{
    parse_once();
    *out = fl_rational_whole(0);
    for (int i = 0; i < N_FLOPS; i++)
        if (pieces[i].op == op && (env->kinds & pieces[i].kind) &&
            applies(env, pieces[i].features) && !add_value(&pieces[i].expression, env, out))
            return too_large(op, error);
    return FL_OK;
}

int fl_formula_textbook_flops(const struct fl_environment *env, enum fl_operator op,
                              struct fl_rational *out, struct fl_error *error)
{
    parse_once();
    *out = fl_rational_whole(0);
    for (int i = 0; i < N_TEXTBOOK; i++)
        if (TEXTBOOK[i].op == op && applies(env, TEXTBOOK[i].features) &&
            !fl_expression_evaluate(&textbook[i], env->values, out))
            return too_large(op, error);
    return FL_OK;
}

int fl_formula_bytes(const struct fl_environment *env, enum fl_operator op,
                     struct fl_rational *bytes_read, struct fl_rational *bytes_written,
                     struct fl_error *error)
{
    parse_once();
    struct fl_environment own = *env;
    fl_environment_enter(&own, op);
    *bytes_read = *bytes_written = fl_rational_whole(0);
    for (int i = 0; i < N_BYTES; i++) {
        const struct fl_bytes_piece *piece = &bytes_pieces[i];
        if (piece->op == op && applies(env, piece->features) &&
            (!add_value(&piece->bytes_read, &own, bytes_read) ||
             !add_value(&piece->bytes_written, &own, bytes_written)))
            return too_large(op, error);
    }
    return FL_OK;
}

bool fl_formula_present(const struct fl_environment *env, enum fl_operator op)
{
    for (int i = 0; i < N_BYTES; i++)
        if (BYTES[i].op == op && applies(env, BYTES[i].features))
            return true;
    return false;
}

int fl_formula_memory(const struct fl_environment *env, struct fl_rational *kv_cache_bytes,
                      struct fl_rational *activation_bytes, struct fl_error *error)
{
    parse_once();
    if (!fl_expression_evaluate(fl_formula_kv_cache_bytes(env), env->values, kv_cache_bytes) ||
        !fl_expression_evaluate(fl_formula_activation_bytes(env), env->values, activation_bytes))
        return fl_fail(error, "memory: the figure for this shape does not fit in 127 bits");
    return FL_OK;
}
