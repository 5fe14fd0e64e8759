#include "engine_harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void harness_model(struct fl_model *model, const char *path)
{
    struct fl_error error;
    cr_assert(fl_model_open(model, path, 0, &error) == FL_OK, "%s", error.text);
}

struct fl_session *harness_session(const struct fl_model *model,
                                   const struct fl_session_options *options)
{
    struct fl_error error;
    struct fl_session *session;
    cr_assert(fl_session_open(&session, model, options, &error) == FL_OK, "%s", error.text);
    return session;
}

static void forward(struct fl_session *session, const int *ids, int n, enum fl_logits logits)
{
    struct fl_error error;
    cr_assert(fl_session_forward(session, ids, n, logits, &error) == FL_OK, "%s", error.text);
}

float *harness_logits(struct fl_session *session, const struct fl_model *model, const int *ids,
                      int n, int chunk)
{
    const size_t vocab_size = (size_t)model->config.vocab_size;
    float *out = calloc((size_t)n * vocab_size, sizeof *out);
    cr_assert_not_null(out);
    fl_session_truncate(session, 0);
    for (int done = 0; done < n; done += chunk) {
        const int n_tokens = n - done < chunk ? n - done : chunk;
        forward(session, ids + done, n_tokens, FL_LOGITS_ALL);
        memcpy(out + (size_t)done * vocab_size, fl_session_logits(session),
               (size_t)n_tokens * vocab_size * sizeof *out);
    }
    return out;
}

float *harness_model_logits(const struct fl_model *model, enum fl_attention attention,
                            const int *ids, int n, int chunk)
{
    struct fl_session *session =
        harness_session(model, &(struct fl_session_options){.n_seqs = 1,
                                                            .n_tokens_max = chunk,
                                                            .attention = attention,
                                                            .logits = FL_LOGITS_ALL,
                                                            .n_threads = 1});
    float *logits = harness_logits(session, model, ids, n, chunk);
    fl_session_close(session);
    return logits;
}

int harness_largest(const float *logits, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

int harness_greedy(struct fl_session *session, const struct fl_model *model, const int *prompt,
                   int n_prompt, int n_new, int eos_id, bool cached, int *ids, float *step_logits)
{
    const int vocab_size = model->config.vocab_size;
    int *history = calloc((size_t)(n_prompt + n_new), sizeof *history);
    cr_assert_not_null(history);
    memcpy(history, prompt, (size_t)n_prompt * sizeof *history);
    fl_session_truncate(session, 0);

    int n = 0;
    while (n < n_new && (n == 0 || ids[n - 1] != eos_id)) {
        if (!cached)
            fl_session_truncate(session, 0);
        const int n_past = fl_session_n_past(session);
        forward(session, history + n_past, n_prompt + n - n_past, FL_LOGITS_LAST);
        const float *logits = fl_session_logits(session);
        if (step_logits)
            memcpy(step_logits + (size_t)n * (size_t)vocab_size, logits,
                   (size_t)vocab_size * sizeof *logits);
        ids[n] = harness_largest(logits, vocab_size);
        history[n_prompt + n] = ids[n];
        n++;
    }
    free(history);
    return n;
}

double harness_distance(const float *a, const float *b, size_t n)
{
    double distance = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)a[i] - (double)b[i]);
        if (!isfinite(d))
            return INFINITY;
        distance = fmax(distance, d);
    }
    return distance;
}

double harness_distance_f64(const float *a, const double *b, size_t n)
{
    double distance = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)a[i] - b[i]);
        if (!isfinite(d))
            return INFINITY;
        distance = fmax(distance, d);
    }
    return distance;
}

/* splitmix64: Steele, Lea and Flood, 2014 */
int harness_pick(struct harness_random *random, int low, int high)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return low + (int)(z % (uint64_t)(high - low + 1));
}

static void draw_classic(struct fl_config *config, struct harness_random *random)
{
    config->norm_position = harness_pick(random, 0, 1) ? FL_NORM_POST : FL_NORM_PRE;
    config->activation = harness_pick(random, 0, 1) ? FL_ACT_RELU : FL_ACT_GELU_ERF;
    config->positions = harness_pick(random, 0, 1) ? FL_POS_LEARNED : FL_POS_SINUSOIDAL;
    config->scale_embedding = harness_pick(random, 0, 1);
    config->tied = harness_pick(random, 0, 1);
    config->bias_qkv = config->bias_attn_out = config->bias_ffn = true;
}

static void draw_gpt2(struct fl_config *config, struct harness_random *random)
{
    config->activation = harness_pick(random, 0, 1) ? FL_ACT_GELU_TANH : FL_ACT_GELU_ERF;
    config->positions = FL_POS_LEARNED;
    config->tied = true;
    config->bias_qkv = config->bias_attn_out = config->bias_ffn = true;
}

static void draw_llama(struct fl_config *config, struct harness_random *random)
{
    const int group = harness_pick(random, 1, 3);
    config->norm = FL_NORM_RMSNORM;
    config->activation = FL_ACT_SILU;
    config->gated = true;
    config->positions = FL_POS_ROPE;
    config->n_heads = config->n_kv_heads * group;
    config->head_dim = 2 * harness_pick(random, 1, 11);
    config->tied = harness_pick(random, 0, 1);
    config->bias_qkv = config->arch == FL_ARCH_QWEN2;
    config->qk_norm = config->arch == FL_ARCH_QWEN3;
    config->rope = (struct fl_rope_params){
        .theta = harness_pick(random, 0, 1) ? 10000 : 500000,
        .interleaved = harness_pick(random, 0, 1),
        .scaling = (enum fl_rope_scaling)harness_pick(random, FL_ROPE_PLAIN, FL_ROPE_LLAMA3),
        .factor = 4,
        .low_freq_factor = 1,
        .high_freq_factor = 4,
        .original_ctx = 16,
    };
}

static void draw_experts(struct fl_config *config, struct harness_random *random)
{
    config->n_experts = harness_pick(random, 2, 9);
    config->n_experts_used = harness_pick(random, 1, config->n_experts < 4 ? config->n_experts : 4);
    config->norm_topk = config->arch == FL_ARCH_MIXTRAL;
    if (config->arch == FL_ARCH_QWEN2_MOE) {
        config->d_ff_shared = harness_pick(random, 1, 90);
        config->bias_qkv = true;
    }
}

static void draw_neox(struct fl_config *config, struct harness_random *random)
{
    static const enum fl_branches BRANCHES[] = {FL_BRANCHES_SEQUENTIAL, FL_BRANCHES_PARALLEL,
                                                FL_BRANCHES_PARALLEL_SHARED};
    config->branches = BRANCHES[harness_pick(random, 0, 2)];
    config->activation = harness_pick(random, 0, 1) ? FL_ACT_GELU_ERF : FL_ACT_GELU_TANH;
    config->positions = FL_POS_ROPE;
    config->head_dim = harness_pick(random, 4, 19);
    config->rotary_dim = 2 * harness_pick(random, 1, config->head_dim / 2);
    config->rope.theta = 10000;
    config->bias_logits = config->branches == FL_BRANCHES_PARALLEL_SHARED;
    config->bias_qkv = config->bias_attn_out = config->bias_ffn = true;
}

struct fl_config harness_config(uint64_t seed)
{
    static const enum fl_arch ARCHS[] = {FL_ARCH_CLASSIC, FL_ARCH_GPT2,     FL_ARCH_LLAMA,
                                         FL_ARCH_QWEN2,   FL_ARCH_QWEN3,    FL_ARCH_NEOX,
                                         FL_ARCH_MIXTRAL, FL_ARCH_QWEN2_MOE};
    enum { N_ARCHS = sizeof ARCHS / sizeof *ARCHS };
    struct harness_random random = {seed};
    struct fl_config config = {.arch = ARCHS[seed % N_ARCHS],
                               .n_layers = harness_pick(&random, 1, 3),
                               .n_kv_heads = harness_pick(&random, 1, 4),
                               .head_dim = harness_pick(&random, 3, 19),
                               .vocab_size = harness_pick(&random, 11, 97),
                               .n_ctx_max = 40,
                               .norm_eps = 1e-5,
                               .bos_id = -1,
                               .eos_id = -1};
    snprintf(config.name, sizeof config.name, "random %s %d", fl_arch_name(config.arch), (int)seed);
    config.n_heads = config.n_kv_heads;
    if (config.arch == FL_ARCH_CLASSIC)
        draw_classic(&config, &random);
    else if (config.arch == FL_ARCH_GPT2)
        draw_gpt2(&config, &random);
    else if (config.arch == FL_ARCH_NEOX)
        draw_neox(&config, &random);
    else
        draw_llama(&config, &random);
    config.d_model = config.n_heads * config.head_dim + (config.gated ? 5 : 0);
    if (config.positions == FL_POS_SINUSOIDAL)
        config.d_model += config.d_model % 2; /* sines and cosines come in pairs */
    config.d_ff = config.gated ? harness_pick(&random, 3, 150) : 4 * config.d_model;
    if (config.arch == FL_ARCH_MIXTRAL || config.arch == FL_ARCH_QWEN2_MOE)
        draw_experts(&config, &random);
    struct fl_error error;
    cr_assert(fl_config_check(&config, "harness", &error) == FL_OK, "%s", error.text);
    return config;
}

double harness_log_probability(const float *logits, int n, int id)
{
    double largest = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, (double)logits[i]);
    for (int i = 0; i < n; i++)
        sum += exp((double)logits[i] - largest);
    return (double)logits[id] - largest - log(sum);
}
