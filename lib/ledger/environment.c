/* environment.c - from a model, a shape and a convention to the symbols' values and the features
 * that decide which formulas apply. */
#include "ledger/formulas.h"

#include <string.h>

const char *const fl_unit_names[] = {"flop", "mac", NULL};
const char *const fl_causal_names[] = {"full", "half", "exact", NULL};
const char *const fl_lm_head_names[] = {"all", "last", "none", NULL};

static void set(struct fl_environment *env, enum fl_symbol symbol, int64_t value)
{
    env->values[symbol] = fl_rational_whole(value);
}

static unsigned activation_feature(enum fl_activation activation)
{
    switch (activation) {
    case FL_ACT_RELU:
        return 0; /* comparisons: no FLOP, and so no formula asks for it */
    case FL_ACT_GELU_ERF:
        return FL_HAS_GELU_ERF;
    case FL_ACT_GELU_TANH:
        return FL_HAS_GELU_TANH;
    case FL_ACT_SILU:
        return FL_HAS_SILU;
    }
    return 0;
}

static unsigned features_of(const struct fl_config *config)
{
    const struct {
        bool has;
        unsigned feature;
    } table[] = {
        {config->norm == FL_NORM_LAYERNORM, FL_HAS_LAYERNORM},
        {config->norm == FL_NORM_RMSNORM, FL_HAS_RMSNORM},
        {config->norm_position == FL_NORM_PRE, FL_HAS_FINAL_NORM},
        {config->positions == FL_POS_ROPE, FL_HAS_ROPE},
        {config->positions == FL_POS_LEARNED || config->positions == FL_POS_SINUSOIDAL ||
             config->positions == FL_POS_SINUSOIDAL_HALVES,
         FL_HAS_POSITION_TABLE},
        {config->positions == FL_POS_RELATIVE, FL_HAS_RELATIVE_BIAS},
        {config->bias_logits, FL_HAS_BIAS_LOGITS},
        {fl_config_scales_logits(config), FL_HAS_SCALED_LOGITS},
        {config->scale_embedding, FL_HAS_SCALED_EMBEDDING},
        {config->bias_qkv, FL_HAS_BIAS_QKV},
        {config->bias_attn_out, FL_HAS_BIAS_ATTN_OUT},
        {config->bias_ffn, FL_HAS_BIAS_FFN},
        {config->gated, FL_HAS_GATE},
        {config->qk_norm, FL_HAS_QK_NORM},
        {fl_config_has_norm_ffn(config), FL_HAS_NORM_FFN},
        {config->n_experts == 0, FL_HAS_DENSE_FFN},
        {config->n_experts > 0, FL_HAS_EXPERTS},
        {config->d_ff_shared > 0, FL_HAS_SHARED_EXPERT},
    };
    unsigned features = activation_feature(config->activation) | FL_HAS_CACHE | FL_HAS_TOKENS;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].has)
            features |= table[i].feature;
    return features;
}

/* Query-key pairs of one head. `full` is the rectangle of all queries and the keys that any of them
 * sees. Exactly, all queries of a step together see, in this order of cases: no window, or one that
 * none of them has outgrown; one that some have; one that all have. */
static const char FULL[] = "s*t", FULL_WINDOW[] = "s*(s + W - 1)";
static const char HALF[] = "s*p + s^2/2";
static const char EXACT[] = "s*p + s*(s + 1)/2", EXACT_WINDOW[] = "s*W";
static const char KEYS[] = "t", KEYS_WINDOW[] = "s + W - 1";
static const char EXACT_ENTERING[] = "(W - p)*p + (W - p)*(W - p + 1)/2 + (t - W)*W";

const struct fl_named_formula *fl_formula_pairs_rows(int *n)
{
    static const struct fl_named_formula ROWS[] = {
        {"full", FULL}, {"full_window", FULL_WINDOW},   {"exact", EXACT},
        {"half", HALF}, {"exact_window", EXACT_WINDOW}, {"exact_entering", EXACT_ENTERING},
        {"keys", KEYS}, {"keys_window", KEYS_WINDOW},
    };
    *n = sizeof ROWS / sizeof *ROWS;
    return ROWS;
}

static int evaluate_pairs(struct fl_environment *env, const char *formula, enum fl_symbol symbol,
                          struct fl_error *error)
{
    struct fl_expression expression;
    if (!fl_expression_parse(&expression, formula) ||
        !fl_expression_evaluate(&expression, env->values, &env->values[symbol]))
        return fl_fail(error, "query-key pairs: the figure for this shape does not fit");
    return FL_OK;
}

/* Sum of floor(q / FL_FUSED_KEYS) over q < n. */
static fl_wide sum_of_stretches(fl_wide n)
{
    const fl_wide whole = n / FL_FUSED_KEYS;
    return FL_FUSED_KEYS * (whole * (whole - 1) / 2) + whole * (n - whole * FL_FUSED_KEYS);
}

/* Queries p .. t - 1 each go from the stretch of their first key to that of their last. */
static void set_rescales(struct fl_environment *env)
{
    const fl_wide p = env->values[FL_SYMBOL_p].num, t = env->values[FL_SYMBOL_t].num;
    const fl_wide window = env->values[FL_SYMBOL_W].num;
    fl_wide n = sum_of_stretches(t) - sum_of_stretches(p);
    if (window > 0 && t > window)
        n -= sum_of_stretches(t - window + 1) - sum_of_stretches(p >= window ? p - window + 1 : 0);
    env->values[FL_SYMBOL_rescales] = fl_rational_whole(n);
}

/* Sets N_qk, N_sm and N_k by the causal convention and the model's sliding window. */
static int set_pairs(struct fl_environment *env, enum fl_causal causal, bool bidirectional,
                     struct fl_error *error)
{
    fl_wide window = env->values[FL_SYMBOL_W].num, p = env->values[FL_SYMBOL_p].num;
    fl_wide t = env->values[FL_SYMBOL_t].num;
    bool windowed = window > 0 && t > window, moved = window > 0 && p >= window;
    const char *full = moved ? FULL_WINDOW : FULL;
    const char *exact = !windowed ? EXACT : p < window ? EXACT_ENTERING : EXACT_WINDOW;

    env->keys = moved ? KEYS_WINDOW : KEYS;
    set_rescales(env);
    if (causal == FL_CAUSAL_FULL || bidirectional)
        env->pairs = env->visible = full;
    else
        env->pairs = env->visible = exact;
    if (causal == FL_CAUSAL_HALF && !bidirectional && !windowed)
        env->pairs = HALF;
    if (evaluate_pairs(env, env->pairs, FL_SYMBOL_pairs, error) != FL_OK ||
        evaluate_pairs(env, env->keys, FL_SYMBOL_keys, error) != FL_OK)
        return FL_FAILED;
    return evaluate_pairs(env, env->visible, FL_SYMBOL_visible, error);
}

/* Sums over sequences that differ. The formulas that are shown are those of the last one. */
static int sum_spans(struct fl_environment *env, const struct fl_shape *shape,
                     enum fl_causal causal, struct fl_error *error)
{
    static const enum fl_symbol SUMS[] = {FL_SYMBOL_s,       FL_SYMBOL_p,       FL_SYMBOL_t,
                                          FL_SYMBOL_pairs,   FL_SYMBOL_visible, FL_SYMBOL_keys,
                                          FL_SYMBOL_rescales};
    enum { N_SUMS = sizeof SUMS / sizeof *SUMS };
    struct fl_rational sums[N_SUMS];
    for (int i = 0; i < N_SUMS; i++)
        sums[i] = fl_rational_whole(0);
    for (int i = 0; i < shape->n_spans; i++) {
        const struct fl_shape_span *span = &shape->spans[i];
        set(env, FL_SYMBOL_s, span->n_tokens);
        set(env, FL_SYMBOL_p, span->n_past);
        set(env, FL_SYMBOL_t, span->n_past + span->n_tokens);
        if (set_pairs(env, causal, false, error) != FL_OK)
            return FL_FAILED;
        for (int j = 0; j < N_SUMS; j++)
            if (!fl_rational_add(sums[j], env->values[SUMS[j]], &sums[j]))
                return fl_fail(error, "query-key pairs: the figure for this shape does not fit");
    }
    for (int j = 0; j < N_SUMS; j++)
        env->values[SUMS[j]] = sums[j];
    return FL_OK;
}

static int check_shape(const struct fl_shape *shape, struct fl_error *error)
{
    static const int64_t MOST = INT64_C(1) << 40;
    const struct {
        const char *name;
        int64_t value, least;
    } fields[] = {
        {"batch", shape->batch, 1},       {"n_tokens", shape->n_tokens, 1},
        {"n_past", shape->n_past, 0},     {"n_encoder_tokens", shape->n_encoder_tokens, 0},
        {"n_copied", shape->n_copied, 0},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].value < fields[i].least || fields[i].value > MOST)
            return fl_fail(error, "shape: %s: expected %lld to 2^40, not %lld", fields[i].name,
                           (long long)fields[i].least, (long long)fields[i].value);
    for (int i = 0; i < shape->n_spans; i++)
        if (shape->spans[i].n_tokens < 1 || shape->spans[i].n_tokens > MOST ||
            shape->spans[i].n_past < 0 || shape->spans[i].n_past > MOST)
            return fl_fail(error, "shape: spans: expected 1 to 2^40 tokens behind 0 to 2^40");
    return FL_OK;
}

static int64_t logits_positions(enum fl_lm_head lm_head, int64_t n_tokens)
{
    switch (lm_head) {
    case FL_LM_HEAD_ALL:
        return n_tokens;
    case FL_LM_HEAD_LAST:
        return 1;
    default:
        return 0;
    }
}

/* The same shape as a batch of equal sequences where they are equal; as one sequence of all their
 * tokens where they are not. */
static struct fl_shape as_batch(const struct fl_shape *shape, bool *ragged)
{
    struct fl_shape batch = *shape;
    int64_t n_tokens = 0;
    *ragged = false;
    for (int i = 0; i < shape->n_spans; i++) {
        n_tokens += shape->spans[i].n_tokens;
        *ragged = *ragged || shape->spans[i].n_tokens != shape->spans[0].n_tokens ||
                  shape->spans[i].n_past != shape->spans[0].n_past;
    }
    if (shape->n_spans > 0) {
        batch.batch = *ragged ? 1 : shape->n_spans;
        batch.n_tokens = *ragged ? n_tokens : shape->spans[0].n_tokens;
        batch.n_past = shape->spans[0].n_past;
    }
    return batch;
}

int fl_environment_init(struct fl_environment *env, const struct fl_config *config,
                        const struct fl_shape *spans, const struct fl_convention *convention,
                        enum fl_stack stack, struct fl_error *error)
{
    bool ragged;
    const struct fl_shape batch = as_batch(spans, &ragged), *shape = &batch;
    if (check_shape(shape, error) != FL_OK)
        return FL_FAILED;
    bool encoder = stack == FL_STACK_ENCODER;
    int64_t s = encoder ? shape->n_encoder_tokens : shape->n_tokens;
    int64_t p = encoder ? 0 : shape->n_past;
    int64_t r = encoder ? 0 : logits_positions(convention->lm_head, s);
    if (ragged && r == 1)
        r = shape->n_spans;
    int64_t used = config->n_experts > 0 ? config->n_experts_used : 1;
    int64_t hit = config->n_experts;
    if (shape->batch <= hit && s <= hit && shape->batch * s * used < hit)
        hit = shape->batch * s * used;

    *env = (struct fl_environment){.features = features_of(config)};
    env->kinds = FL_PIECE_MATMUL;
    if (convention->elementwise && convention->unit == FL_UNIT_FLOP)
        env->kinds = FL_PIECE_ALL;
    if (encoder)
        env->features = (env->features & ~(unsigned)FL_HAS_CACHE) |
                        (env->features & FL_HAS_FINAL_NORM ? FL_HAS_ENCODER_NORM : 0u);
    if (encoder || convention->causal == FL_CAUSAL_FULL)
        env->features |= FL_HAS_RECTANGLE;
    if (!encoder && config->n_encoder_layers > 0)
        env->features |= FL_HAS_CROSS | (p == 0 && !shape->encoded ? FL_HAS_CROSS_KV : 0u);
    if (r > 0)
        env->features |= FL_HAS_LOGITS;
    env->features |=
        convention->fused && !encoder ? FL_HAS_FUSED_ATTENTION : FL_HAS_STEPWISE_ATTENTION;
    if (!encoder && shape->n_copied > 0)
        env->features |= FL_HAS_KV_COPY;

    const struct {
        enum fl_symbol symbol;
        int64_t value;
    } table[] = {
        {FL_SYMBOL_b, shape->batch},
        {FL_SYMBOL_s, s},
        {FL_SYMBOL_p, p},
        {FL_SYMBOL_t, p + s},
        {FL_SYMBOL_h, config->d_model},
        {FL_SYMBOL_n_h, config->n_heads},
        {FL_SYMBOL_n_kv, config->n_kv_heads},
        {FL_SYMBOL_d_h, config->head_dim},
        {FL_SYMBOL_d_r, fl_config_rotary_dim(config)},
        {FL_SYMBOL_f, config->d_ff},
        {FL_SYMBOL_V, config->vocab_size},
        {FL_SYMBOL_L, encoder ? config->n_encoder_layers : config->n_layers},
        {FL_SYMBOL_r, r},
        {FL_SYMBOL_W, config->sliding_window},
        {FL_SYMBOL_x, shape->n_copied},
        {FL_SYMBOL_E, config->n_experts},
        {FL_SYMBOL_k, used},
        {FL_SYMBOL_k_r, config->norm_topk ? used : config->n_experts},
        {FL_SYMBOL_e, hit},
        {FL_SYMBOL_f_s, config->d_ff_shared},
        {FL_SYMBOL_s_e, config->n_encoder_layers > 0 ? shape->n_encoder_tokens : 0},
        {FL_SYMBOL_c, fl_dtype_block_bytes(shape->kv_dtype)},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        set(env, table[i].symbol, table[i].value);
    for (int op = 0; op < FL_N_OPERATORS; op++)
        env->w[op] = fl_stored_width(shape->stored, stack, (enum fl_operator)op);
    env->values[FL_SYMBOL_w] = env->w[FL_OP_QKV];
    if (shape->experts_hit) {
        fl_wide sum = 0;
        for (int layer = 0; layer < config->n_layers; layer++)
            sum += shape->experts_hit[layer];
        fl_rational_multiply(fl_rational_whole(sum), (struct fl_rational){1, config->n_layers},
                             &env->values[FL_SYMBOL_e]);
    }
    if (ragged)
        return sum_spans(env, shape, convention->causal, error);
    return set_pairs(env, convention->causal, encoder, error);
}

void fl_environment_enter(struct fl_environment *env, enum fl_operator op)
{
    env->values[FL_SYMBOL_w] = env->w[op];
}

void fl_environment_layer(struct fl_environment *env, const struct fl_shape *shape, int layer)
{
    if (shape->experts_hit)
        set(env, FL_SYMBOL_e, shape->experts_hit[layer]);
}

void fl_environment_textbook(struct fl_environment *env)
{
    struct fl_rational *values = env->values;
    env->kinds = FL_PIECE_MATMUL;
    env->features &= ~(unsigned)(FL_HAS_GATE | FL_HAS_EXPERTS | FL_HAS_SHARED_EXPERT |
                                 FL_HAS_CROSS | FL_HAS_CROSS_KV);
    env->features |= FL_HAS_DENSE_FFN;
    if (!(env->features & FL_HAS_CACHE)) /* an encoder has no logits in any convention */
        env->features &= ~(unsigned)FL_HAS_LOGITS;
    else
        env->features |= FL_HAS_LOGITS;
    values[FL_SYMBOL_n_kv] = values[FL_SYMBOL_n_h];
    fl_rational_multiply(values[FL_SYMBOL_h], (struct fl_rational){1, values[FL_SYMBOL_n_h].num},
                         &values[FL_SYMBOL_d_h]);
    fl_rational_multiply(values[FL_SYMBOL_h], fl_rational_whole(4), &values[FL_SYMBOL_f]);
    values[FL_SYMBOL_k] = fl_rational_whole(1);
    values[FL_SYMBOL_r] = values[FL_SYMBOL_s];
    fl_rational_multiply(values[FL_SYMBOL_s], values[FL_SYMBOL_t], &values[FL_SYMBOL_pairs]);
    values[FL_SYMBOL_visible] = values[FL_SYMBOL_pairs];
    env->pairs = env->visible = FULL;
}
