#include "reference_forward.h"

#include "ops/convert.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

static double *zeros(int n)
{
    double *x = calloc((size_t)(n > 0 ? n : 1), sizeof *x);
    if (!x)
        abort();
    return x;
}

/* W[row, column], however it is stored. */
static double weight(const struct fl_linear *w, int row, int column)
{
    const size_t at = w->in_out ? (size_t)column * (size_t)w->ld + (size_t)row
                                : (size_t)row * (size_t)w->ld + (size_t)column;
    const size_t block = (size_t)fl_dtype_block(w->dtype), first = at / block * block;
    float values[256];
    const unsigned char *data = w->weight;
    fl_to_f32(values, data + fl_dtype_bytes(w->dtype, first), w->dtype, block);
    return (double)values[at - first];
}

/* y = W x + b */
static void multiply(double *y, const struct fl_linear *w, const double *x)
{
    for (int i = 0; i < w->n_out; i++) {
        double sum = w->bias ? (double)w->bias[i] : 0;
        for (int j = 0; j < w->n_in; j++)
            sum += weight(w, i, j) * x[j];
        y[i] = sum;
    }
}

/* y = x / sqrt(mean(x^2) + eps) gain */
static void rms(double *y, const double *x, const float *gain, int n, double eps)
{
    double squares = 0;
    for (int i = 0; i < n; i++)
        squares += x[i] * x[i];
    for (int i = 0; i < n; i++)
        y[i] = x[i] / sqrt(squares / n + eps) * (double)gain[i];
}

static void normalise(double *y, const double *x, const struct fl_norm_weights *weights,
                      const struct fl_config *config)
{
    const int n = config->d_model;
    double mean = 0, variance = 0;
    if (config->norm == FL_NORM_RMSNORM) {
        rms(y, x, weights->gain, n, config->norm_eps);
        return;
    }
    for (int i = 0; i < n; i++)
        mean += x[i] / n;
    for (int i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean) / n;
    for (int i = 0; i < n; i++)
        y[i] = (x[i] - mean) / sqrt(variance + config->norm_eps) * (double)weights->gain[i] +
               (double)weights->bias[i];
}

static double activation(double x, enum fl_activation kind)
{
    switch (kind) {
    case FL_ACT_RELU:
        return x > 0 ? x : 0;
    case FL_ACT_GELU_ERF:
        return x / 2 * (1 + erf(x / sqrt(2)));
    case FL_ACT_GELU_TANH:
        return x / 2 * (1 + tanh(sqrt(2 / PI) * (x + 0.044715 * x * x * x)));
    case FL_ACT_SILU:
        return x / (1 + exp(-x));
    }
    abort();
}

/* ---- positions ---- */

static double frequency(const struct fl_rope_params *rope, int pair, int rotated)
{
    const double plain = pow(rope->theta, -2.0 * pair / rotated);
    if (rope->scaling == FL_ROPE_PLAIN)
        return plain;
    if (rope->scaling == FL_ROPE_LINEAR)
        return plain / rope->factor;
    const double turns = rope->original_ctx * plain / (2 * PI);
    double kept =
        (turns - rope->low_freq_factor) / (rope->high_freq_factor - rope->low_freq_factor);
    kept = kept < 0 ? 0 : kept > 1 ? 1 : kept;
    return kept * plain + (1 - kept) * plain / rope->factor;
}

static void rotate(double *head, int position, const struct fl_config *config)
{
    const int rotated = config->rotary_dim ? config->rotary_dim : config->head_dim;
    for (int pair = 0; pair < rotated / 2; pair++) {
        const int i = config->rope.interleaved ? 2 * pair : pair;
        const int j = config->rope.interleaved ? 2 * pair + 1 : pair + rotated / 2;
        const double angle = position * frequency(&config->rope, pair, rotated);
        const double a = head[i], b = head[j];
        head[i] = a * cos(angle) - b * sin(angle);
        head[j] = a * sin(angle) + b * cos(angle);
    }
}

static void embed(double *x, const struct fl_model *model, int token, int position)
{
    const struct fl_config *config = &model->config;
    for (int i = 0; i < config->d_model; i++) {
        x[i] = weight(&model->token_embedding, token, i);
        if (config->scale_embedding)
            x[i] *= sqrt(config->d_model);
        if (config->positions == FL_POS_LEARNED)
            x[i] += (double)model->position_embedding[position * config->d_model + i];
        if (config->positions == FL_POS_SINUSOIDAL) {
            const double angle = position / pow(10000, 2.0 * (i / 2) / config->d_model);
            x[i] += i % 2 ? cos(angle) : sin(angle);
        }
    }
}

/* ---- attention ---- */

/* q, k or v of one token: heads normalised where the model does, and rotated. */
static void project(double *y, const struct fl_linear *w, const double *x, const float *gain,
                    bool turned, int position, const struct fl_config *config)
{
    const int d = config->head_dim;
    multiply(y, w, x);
    for (int head = 0; head < w->n_out / d; head++) {
        if (gain)
            rms(y + head * d, y + head * d, gain, d, config->norm_eps);
        if (turned && config->positions == FL_POS_ROPE)
            rotate(y + head * d, position, config);
    }
}

static void attend_head(double *out, const double *q, const double *k, const double *v, int i,
                        int kv_width, const struct fl_config *config)
{
    const int d = config->head_dim, window = config->sliding_window;
    const int first = window > 0 && i + 1 > window ? i + 1 - window : 0;
    double total = 0, largest = -INFINITY, *score = zeros(i + 1);
    for (int j = first; j <= i; j++) {
        for (int a = 0; a < d; a++)
            score[j] += q[a] * k[j * kv_width + a] / sqrt(d);
        largest = fmax(largest, score[j]);
    }
    for (int j = first; j <= i; j++)
        total += score[j] = exp(score[j] - largest);
    for (int a = 0; a < d; a++) {
        out[a] = 0;
        for (int j = first; j <= i; j++)
            out[a] += score[j] / total * v[j * kv_width + a];
    }
    free(score);
}

/* out [n, d_model] = attention over x [n, d_model] */
static void attention(double *out, const double *x, int n, const struct fl_layer_weights *layer,
                      const struct fl_config *config)
{
    const int d = config->head_dim, h = config->d_model;
    const int q_width = config->n_heads * d, kv_width = config->n_kv_heads * d;
    double *q = zeros(q_width), *context = zeros(q_width);
    double *k = zeros(n * kv_width), *v = zeros(n * kv_width);
    for (int i = 0; i < n; i++) {
        project(q, &layer->q, x + i * h, layer->q_norm, true, i, config);
        project(k + i * kv_width, &layer->k, x + i * h, layer->k_norm, true, i, config);
        project(v + i * kv_width, &layer->v, x + i * h, NULL, false, i, config);
        for (int head = 0; head < config->n_heads; head++) {
            const int kv = head / (config->n_heads / config->n_kv_heads) * d;
            attend_head(context + head * d, q + head * d, k + kv, v + kv, i, kv_width, config);
        }
        multiply(out + i * h, &layer->attn_out, context);
    }
    free(q);
    free(context);
    free(k);
    free(v);
}

/* ---- feed-forward networks ---- */

/* out += scale * down(act(gate x) * (up x)), or down(act(up x)) */
static void add_network(double *out, double scale, const double *x, const struct fl_linear *gate,
                        const struct fl_linear *up, const struct fl_linear *down,
                        const struct fl_config *config)
{
    double *a = zeros(up->n_out), *b = zeros(up->n_out), *y = zeros(down->n_out);
    multiply(b, up, x);
    if (config->gated)
        multiply(a, gate, x);
    for (int i = 0; i < up->n_out; i++)
        b[i] = config->gated ? activation(a[i], config->activation) * b[i]
                             : activation(b[i], config->activation);
    multiply(y, down, b);
    for (int i = 0; i < down->n_out; i++)
        out[i] += scale * y[i];
    free(a);
    free(b);
    free(y);
}

/* Chooses by rank: an expert is chosen when fewer than n_used are better, or equal and before it.
 */
static void experts(double *out, const double *x, const struct fl_layer_weights *layer,
                    const struct fl_config *config, double *margin)
{
    const int n = config->n_experts;
    double *logits = zeros(n), chosen_sum = 0, sum = 0, worst = INFINITY, next = -INFINITY;
    bool *chosen = calloc((size_t)n, sizeof *chosen);
    if (!chosen)
        abort();
    multiply(logits, &layer->router, x);
    double size = 0;
    for (int i = 0; i < n; i++) {
        int n_before = 0;
        for (int j = 0; j < n; j++)
            n_before += logits[j] > logits[i] || (logits[j] == logits[i] && j < i);
        chosen[i] = n_before < config->n_experts_used;
        sum += exp(logits[i]);
        chosen_sum += chosen[i] ? exp(logits[i]) : 0;
        worst = chosen[i] ? fmin(worst, logits[i]) : worst;
        next = chosen[i] ? next : fmax(next, logits[i]);
        size = fmax(size, fabs(logits[i]));
    }
    *margin = fmin(*margin, (worst - next) / size);
    for (int i = 0; i < n; i++)
        if (chosen[i])
            add_network(out, exp(logits[i]) / (config->norm_topk ? chosen_sum : sum), x,
                        &layer->expert_gate[i], &layer->expert_up[i], &layer->expert_down[i],
                        config);
    if (config->d_ff_shared > 0) {
        double gate;
        multiply(&gate, &layer->shared_router, x);
        add_network(out, 1 / (1 + exp(-gate)), x, &layer->shared_gate, &layer->shared_up,
                    &layer->shared_down, config);
    }
    free(chosen);
    free(logits);
}

/* out [n, d_model] = the layer's network over each row of x */
static void networks(double *out, const double *x, int n, const struct fl_layer_weights *layer,
                     const struct fl_config *config, double *margin)
{
    const int h = config->d_model;
    memset(out, 0, (size_t)(n * h) * sizeof *out);
    for (int i = 0; i < n; i++)
        if (config->n_experts > 0)
            experts(out + i * h, x + i * h, layer, config, margin);
        else
            add_network(out + i * h, 1, x + i * h, &layer->ffn_gate, &layer->ffn_up,
                        &layer->ffn_down, config);
}

/* ---- layers ---- */

static void normalise_rows(double *y, const double *x, int n, const struct fl_norm_weights *weights,
                           const struct fl_config *config)
{
    for (int i = 0; i < n; i++)
        normalise(y + i * config->d_model, x + i * config->d_model, weights, config);
}

static void add(double *x, const double *y, int n)
{
    for (int i = 0; i < n; i++)
        x[i] += y[i];
}

static void run_layer(double *x, int n, const struct fl_layer_weights *layer,
                      const struct fl_config *config, double *margin)
{
    const int size = n * config->d_model;
    const bool post = config->norm_position == FL_NORM_POST;
    const bool parallel = config->branches != FL_BRANCHES_SEQUENTIAL;
    const struct fl_norm_weights *second =
        config->branches == FL_BRANCHES_PARALLEL_SHARED ? &layer->norm_attn : &layer->norm_ffn;
    double *in = zeros(size), *attended = zeros(size), *fed = zeros(size);
    if (post)
        memcpy(in, x, (size_t)size * sizeof *x);
    else
        normalise_rows(in, x, n, &layer->norm_attn, config);
    attention(attended, in, n, layer, config);
    if (parallel) {
        normalise_rows(in, x, n, second, config);
        networks(fed, in, n, layer, config, margin);
        add(x, attended, size);
        add(x, fed, size);
    } else {
        add(x, attended, size);
        normalise_rows(in, x, n, post ? &layer->norm_attn : &layer->norm_ffn, config);
        if (post)
            memcpy(x, in, (size_t)size * sizeof *x);
        networks(fed, in, n, layer, config, margin);
        add(x, fed, size);
        if (post) {
            normalise_rows(in, x, n, &layer->norm_ffn, config);
            memcpy(x, in, (size_t)size * sizeof *x);
        }
    }
    free(in);
    free(attended);
    free(fed);
}

double *reference_logits(const struct fl_model *model, const int *tokens, int n, double *margin)
{
    const struct fl_config *config = &model->config;
    const int h = config->d_model;
    double *x = zeros(n * h), *logits = zeros(n * config->vocab_size), smallest = INFINITY;
    for (int i = 0; i < n; i++)
        embed(x + i * h, model, tokens[i], i);
    for (int layer = 0; layer < config->n_layers; layer++)
        run_layer(x, n, &model->layers[layer], config, &smallest);
    for (int i = 0; i < n; i++) {
        double *row = x + i * h;
        if (config->norm_position == FL_NORM_PRE)
            normalise(row, row, &model->norm_final, config);
        multiply(logits + i * config->vocab_size, &model->logits, row);
    }
    if (margin)
        *margin = smallest;
    free(x);
    return logits;
}
