#include "encdec_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- configs ---- */

static void draw_t5(struct fl_config *config, struct harness_random *random)
{
    config->norm = FL_NORM_RMSNORM;
    config->positions = FL_POS_RELATIVE;
    config->relative_max_distance = harness_pick(random, 17, 40);
    config->gated = harness_pick(random, 0, 1);
    config->activation = config->gated ? FL_ACT_GELU_TANH : FL_ACT_RELU;
    config->tied = harness_pick(random, 0, 1);
}

static void draw_classic(struct fl_config *config, struct harness_random *random)
{
    config->norm_position = harness_pick(random, 0, 1) ? FL_NORM_PRE : FL_NORM_POST;
    config->positions = harness_pick(random, 0, 1) ? FL_POS_SINUSOIDAL_HALVES : FL_POS_SINUSOIDAL;
    config->activation = harness_pick(random, 0, 1) ? FL_ACT_RELU : FL_ACT_GELU_ERF;
    config->scale_embedding = harness_pick(random, 0, 1);
    config->bias_qkv = harness_pick(random, 0, 1);
    config->bias_attn_out = harness_pick(random, 0, 1);
    config->bias_ffn = harness_pick(random, 0, 1);
    config->bias_logits = harness_pick(random, 0, 1);
    config->tied = harness_pick(random, 0, 1);
    config->source_vocab_size = harness_pick(random, 0, 1) * harness_pick(random, 5, 60);
}

struct fl_config encdec_config(uint64_t seed)
{
    struct harness_random random = {seed ^ 0xe4c0dec};
    struct fl_config config = {.arch = seed % 2 ? FL_ARCH_ENCDEC : FL_ARCH_T5,
                               .n_layers = harness_pick(&random, 1, 3),
                               .n_encoder_layers = harness_pick(&random, 1, 3),
                               .n_kv_heads = harness_pick(&random, 1, 3),
                               .head_dim = harness_pick(&random, 2, 19),
                               .vocab_size = harness_pick(&random, 11, 97),
                               .n_ctx_max = 64,
                               .norm_eps = 1e-5,
                               .d_ff = harness_pick(&random, 3, 120),
                               .bos_id = 0,
                               .eos_id = 1};
    struct fl_error error;
    config.n_heads = config.n_kv_heads * (harness_pick(&random, 0, 2) == 0 ? 2 : 1);
    config.d_model = 2 * harness_pick(&random, 2, 30);
    snprintf(config.name, sizeof config.name, "random %s %d", fl_arch_name(config.arch), (int)seed);
    if (config.arch == FL_ARCH_T5)
        draw_t5(&config, &random);
    else
        draw_classic(&config, &random);
    cr_assert(fl_config_check(&config, "harness", &error) == FL_OK, "%s", error.text);
    return config;
}

/* ---- the reference ---- */

/* Rows of doubles. */
struct rows {
    double *at;
    int n, width;
};

static struct rows make(int n, int width)
{
    struct rows rows = {calloc((size_t)n * (size_t)width, sizeof(double)), n, width};
    cr_assert_not_null(rows.at);
    return rows;
}

static struct rows copy(struct rows rows)
{
    struct rows out = make(rows.n, rows.width);
    memcpy(out.at, rows.at, (size_t)rows.n * (size_t)rows.width * sizeof *out.at);
    return out;
}

/* Replaces what `to` held. */
static void take(struct rows *to, struct rows from)
{
    free(to->at);
    *to = from;
}

static struct rows product(struct rows x, const struct fl_linear *layer)
{
    const float *weight = layer->weight;
    struct rows y = make(x.n, layer->n_out);
    for (int i = 0; i < x.n; i++)
        for (int o = 0; o < layer->n_out; o++) {
            double sum = layer->bias ? (double)layer->bias[o] : 0;
            for (int j = 0; j < x.width; j++)
                sum += x.at[i * x.width + j] *
                       (double)weight[(size_t)o * (size_t)layer->ld + (size_t)j];
            y.at[i * y.width + o] = sum;
        }
    return y;
}

static void add(struct rows x, struct rows y)
{
    for (int i = 0; i < x.n * x.width; i++)
        x.at[i] += y.at[i];
}

static struct rows normalised(struct rows x, const struct fl_norm_weights *weights,
                              const struct fl_config *config)
{
    struct rows out = make(x.n, x.width);
    const bool rms = config->norm == FL_NORM_RMSNORM;
    for (int i = 0; i < x.n; i++) {
        const double *row = x.at + i * x.width;
        double mean = 0, square = 0;
        for (int j = 0; j < x.width; j++)
            mean += rms ? 0 : row[j] / x.width;
        for (int j = 0; j < x.width; j++)
            square += (row[j] - mean) * (row[j] - mean) / x.width;
        for (int j = 0; j < x.width; j++)
            out.at[i * x.width + j] =
                (row[j] - mean) / sqrt(square + config->norm_eps) * (double)weights->gain[j] +
                (rms ? 0 : (double)weights->bias[j]);
    }
    return out;
}

/* Written down from the paper's description, in double: it differs from the float buckets only
 * where a distance lies within rounding of a boundary, which those of the harness do not. */
static int bucket_of(int distance, bool both, int max_distance)
{
    const int n = both ? 16 : 32, base = both && distance > 0 ? 16 : 0;
    const int back = both ? abs(distance) : distance < 0 ? -distance : 0;
    if (back < n / 2)
        return base + back;
    const double place = n / 2.0 * (1 + log(back / (n / 2.0)) / log(max_distance / (n / 2.0)));
    return base + (place < n ? (int)(place + 1e-9) : n - 1);
}

/* Attention of all heads of q over k and v, a causal one when asked; bias: relative or NULL. */
static struct rows attend(struct rows q, struct rows k, struct rows v, bool causal,
                          const float *bias, const struct fl_config *config)
{
    struct rows out = make(q.n, q.width);
    const int d = config->head_dim, group = config->n_heads / config->n_kv_heads;
    const double scale = config->arch == FL_ARCH_T5 ? 1 : 1 / sqrt(d);
    double *probs = calloc((size_t)k.n, sizeof *probs);
    for (int head = 0; head < config->n_heads; head++)
        for (int i = 0; i < q.n; i++) {
            const int n = causal ? i + 1 : k.n;
            double largest = -INFINITY, sum = 0;
            for (int j = 0; j < n; j++) {
                probs[j] = 0;
                for (int f = 0; f < d; f++)
                    probs[j] += scale * q.at[i * q.width + head * d + f] *
                                k.at[j * k.width + head / group * d + f];
                if (bias)
                    probs[j] +=
                        (double)bias[bucket_of(j - i, !causal, config->relative_max_distance) *
                                         config->n_heads +
                                     head];
                largest = fmax(largest, probs[j]);
            }
            for (int j = 0; j < n; j++)
                sum += probs[j] = exp(probs[j] - largest);
            for (int j = 0; j < n; j++)
                for (int f = 0; f < d; f++)
                    out.at[i * q.width + head * d + f] +=
                        probs[j] / sum * v.at[j * v.width + head / group * d + f];
        }
    free(probs);
    return out;
}

static double activated(double x, enum fl_activation activation)
{
    switch (activation) {
    case FL_ACT_RELU:
        return x > 0 ? x : 0;
    case FL_ACT_GELU_ERF:
        return 0.5 * x * (1 + erf(x / sqrt(2)));
    case FL_ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    default:
        return x / (1 + exp(-x));
    }
}

static struct rows ffn(struct rows x, const struct fl_layer_weights *weights,
                       const struct fl_config *config)
{
    struct rows up = product(x, &weights->ffn_up), gate = {0};
    if (config->gated)
        gate = product(x, &weights->ffn_gate);
    for (int i = 0; i < up.n * up.width; i++)
        up.at[i] = config->gated ? activated(gate.at[i], config->activation) * up.at[i]
                                 : activated(up.at[i], config->activation);
    struct rows out = product(up, &weights->ffn_down);
    free(up.at);
    free(gate.at);
    return out;
}

static struct rows self_attention(struct rows x, const struct fl_layer_weights *weights,
                                  bool causal, const float *bias, const struct fl_config *config)
{
    struct rows q = product(x, &weights->q), k = product(x, &weights->k);
    struct rows v = product(x, &weights->v), context = attend(q, k, v, causal, bias, config);
    struct rows out = product(context, &weights->attn_out);
    free(q.at);
    free(k.at);
    free(v.at);
    free(context.at);
    return out;
}

static struct rows cross_attention(struct rows x, struct rows encoded,
                                   const struct fl_layer_weights *weights,
                                   const struct fl_config *config)
{
    struct rows q = product(x, &weights->cross_q), k = product(encoded, &weights->cross_k);
    struct rows v = product(encoded, &weights->cross_v);
    struct rows context = attend(q, k, v, false, NULL, config);
    struct rows out = product(context, &weights->cross_out);
    free(q.at);
    free(k.at);
    free(v.at);
    free(context.at);
    return out;
}

static struct rows embedded(const int *ids, int n, const struct fl_linear *table,
                            const struct fl_config *config)
{
    const int d = config->d_model;
    const float *rows = table->weight;
    struct rows x = make(n, d);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < d; j++) {
            double value = (double)rows[(size_t)ids[i] * (size_t)d + (size_t)j];
            if (config->scale_embedding)
                value *= sqrt(d);
            if (config->positions == FL_POS_SINUSOIDAL) {
                const double angle = i * pow(10000, -(double)(j - j % 2) / d);
                value += j % 2 ? cos(angle) : sin(angle);
            } else if (config->positions == FL_POS_SINUSOIDAL_HALVES) {
                const double angle = (i + 1) * pow(10000, -(double)(j % (d / 2)) / (d / 2 - 1));
                value += j < d / 2 ? sin(angle) : cos(angle);
            }
            x.at[i * d + j] = value;
        }
    return x;
}

enum branch { SELF, CROSS, FFN };

/* x = x + f(norm(x)), or norm(x + f(x)) */
static void sublayer(struct rows *x, enum branch branch, const struct fl_layer_weights *weights,
                     const struct rows *encoded, bool causal, const float *bias,
                     const struct fl_config *config)
{
    const struct fl_norm_weights *norm = branch == SELF    ? &weights->norm_attn
                                         : branch == CROSS ? &weights->norm_cross
                                                           : &weights->norm_ffn;
    const bool pre = config->norm_position == FL_NORM_PRE;
    struct rows in = pre ? normalised(*x, norm, config) : copy(*x);
    struct rows out = branch == SELF    ? self_attention(in, weights, causal, bias, config)
                      : branch == CROSS ? cross_attention(in, *encoded, weights, config)
                                        : ffn(in, weights, config);
    add(*x, out);
    if (!pre)
        take(x, normalised(*x, norm, config));
    free(in.at);
    free(out.at);
}

double *encdec_reference(const struct fl_model *model, const int *source, int n_source,
                         const int *target, int n_target)
{
    const struct fl_config *config = &model->config;
    struct rows encoded = embedded(source, n_source, &model->encoder_embedding, config);
    for (int i = 0; i < config->n_encoder_layers; i++) {
        const struct fl_layer_weights *weights = &model->encoder_layers[i];
        sublayer(&encoded, SELF, weights, NULL, false, model->encoder_relative_bias, config);
        sublayer(&encoded, FFN, weights, NULL, false, NULL, config);
    }
    if (config->norm_position == FL_NORM_PRE)
        take(&encoded, normalised(encoded, &model->encoder_norm_final, config));

    struct rows x = embedded(target, n_target, &model->token_embedding, config);
    for (int i = 0; i < config->n_layers; i++) {
        const struct fl_layer_weights *weights = &model->layers[i];
        sublayer(&x, SELF, weights, NULL, true, model->relative_bias, config);
        sublayer(&x, CROSS, weights, &encoded, false, NULL, config);
        sublayer(&x, FFN, weights, NULL, false, NULL, config);
    }
    if (config->norm_position == FL_NORM_PRE)
        take(&x, normalised(x, &model->norm_final, config));
    if (config->arch == FL_ARCH_T5 && config->tied)
        for (int i = 0; i < x.n * x.width; i++)
            x.at[i] /= sqrt(config->d_model);
    struct rows logits = product(x, &model->logits);
    free(x.at);
    free(encoded.at);
    return logits.at;
}
