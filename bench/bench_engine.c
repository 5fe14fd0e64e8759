/* bench_engine.c - how close whole forward passes come to what their parts allow.
 *
 *   prefill   FLOP rate of the matrix products in a forward pass, the time of everything else
 *             included, against bare BLAS calls of the same shapes on the same memory
 *   decode    bytes of weights and KV cache that a step has to read, each once, over its time,
 *             against the rate at which a plain loop reads a buffer of the weights' size
 *   ledger    time of a decode step with regions, against the same source with regions compiled
 *             out
 *
 * The two sides of a ratio take turns, the first alternating, so that both see the same machine;
 * reported is the median of the ratios of neighbours, with quartiles. Inside the timed window is
 * the call alone; weights and thread pools are warm. */
#include "base/arena.h"
#include "base/cli.h"
#include "engine/session_state.h"
#include "ops/simd/simd.h"

#include <cblas.h>
#include <cjson/cJSON.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum {
    N_REPS_MAX = 4000,
    N_MODELS_MAX = 8,
    LEDGER_FACTOR = 8 /* repetitions of the ledger's pairs for one of the others: a small effect */
};

void fl_forward_unrecorded(const struct fl_pass *pass); /* forward_unrecorded.c */

/* ---- measuring ---- */

struct quartiles {
    double low, median, high;
};

/* One ratio between what the engine does and what it is held against. */
struct result {
    char model[64];
    char what[64];
    const char *unit;
    struct quartiles engine, reference; /* in `unit` */
    struct quartiles ratio;
    double target; /* of ratio.median */
    bool at_least; /* otherwise at most */
};

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts values. */
static struct quartiles quartiles_of(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return (struct quartiles){values[n / 4], values[n / 2], values[n - 1 - n / 4]};
}

/* What is timed, and the work of one call: FLOPs or bytes. */
struct side {
    void (*run)(void *context);
    void *context;
    double work; /* 0: the time itself is reported, in ms, instead of work per ns */
};

static double measure(const struct side *side)
{
    const uint64_t before = fl_clock_ns();
    side->run(side->context);
    const double time_ns = (double)(fl_clock_ns() - before);
    return side->work > 0 ? side->work / time_ns : time_ns * 1e-6;
}

static void compare(struct result *result, const struct side *engine, const struct side *reference,
                    int n_reps)
{
    static double a[N_REPS_MAX], b[N_REPS_MAX], ratio[N_REPS_MAX];
    measure(engine); /* warm-up */
    measure(reference);
    for (int i = 0; i < n_reps; i++) {
        if (i % 2 == 0)
            a[i] = measure(engine);
        b[i] = measure(reference);
        if (i % 2 != 0)
            a[i] = measure(engine);
        ratio[i] = a[i] / b[i];
    }
    result->engine = quartiles_of(a, n_reps);
    result->reference = quartiles_of(b, n_reps);
    result->ratio = quartiles_of(ratio, n_reps);
}

/* ---- the engine's side ---- */

/* A pass that is repeated at the same depth. */
struct step {
    struct fl_session *session;
    const int *tokens;
    int n_tokens, n_past;
    void (*forward)(const struct fl_pass *pass);
};

static void run_step(void *context)
{
    const struct step *step = context;
    fl_session_truncate(step->session, step->n_past);
    const struct fl_pass pass =
        fl_session_pass(step->session, step->tokens, step->n_tokens, FL_LOGITS_LAST);
    step->forward(&pass);
}

/* ---- bare matrix products ---- */

static void product(float *y, const float *x, int n_rows, const struct fl_linear *layer)
{
    const enum CBLAS_TRANSPOSE transpose = layer->in_out ? CblasNoTrans : CblasTrans;
    const int n_stored = layer->in_out ? layer->n_in : layer->n_out;
    const int n_columns = layer->in_out ? layer->n_out : layer->n_in;
    if (n_rows == 1)
        cblas_sgemv(CblasRowMajor, layer->in_out ? CblasTrans : CblasNoTrans, n_stored, n_columns,
                    1.0f, layer->weight, layer->ld, x, 1, 0.0f, y, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose, n_rows, layer->n_out, layer->n_in, 1.0f,
                    x, layer->n_in, layer->weight, layer->ld, 0.0f, y, layer->n_out);
}

/* q k^T and probs v of every head, the whole rectangle; a head a task. */
static void attention_products(const struct fl_session *session, int n_tokens, int layer)
{
    const struct fl_config *config = &session->model->config;
    const struct fl_workspace *work = &session->work;
    const int d = config->head_dim, d_q = config->n_heads * d;
    const int group = config->n_heads / config->n_kv_heads;
    const size_t n = (size_t)n_tokens, head_floats = (size_t)session->options.n_ctx * (size_t)d;
    const size_t offset = (size_t)layer * (size_t)config->n_kv_heads * head_floats;
    const float *k_cache = work->k_cache, *v_cache = work->v_cache;
#pragma omp parallel for schedule(static)
    for (int head = 0; head < config->n_heads; head++) {
        const size_t kv = offset + (size_t)(head / group) * head_floats;
        float *scores = work->scores + (size_t)head * n * n;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n_tokens, n_tokens, d, 1.0f,
                    work->q + head * d, d_q, k_cache + kv, d, 0.0f, scores, n_tokens);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n_tokens, d, n_tokens, 1.0f, scores,
                    n_tokens, v_cache + kv, d, 0.0f, work->context + head * d, d_q);
    }
}

/* All matrix products of a prefill, and nothing else. The values are of no matter: they stay
 * finite, since each product starts from what a forward pass left there or from zeros. */
static void run_products(void *context)
{
    const struct step *step = context;
    const struct fl_session *session = step->session;
    const struct fl_model *model = session->model;
    const struct fl_workspace *work = &session->work;
    const int n = step->n_tokens;
    for (int i = 0; i < model->config.n_layers; i++) {
        const struct fl_layer_weights *layer = &model->layers[i];
        product(work->q, work->x, n, &layer->q);
        product(work->k, work->x, n, &layer->k);
        product(work->v, work->x, n, &layer->v);
        attention_products(session, n, i);
        product(work->branch, work->context, n, &layer->attn_out);
        if (layer->ffn_gate.weight)
            product(work->gate, work->x, n, &layer->ffn_gate);
        product(work->up, work->x, n, &layer->ffn_up);
        product(work->branch, work->up, n, &layer->ffn_down);
    }
    product(work->logits, work->x, 1, &model->logits);
}

/* ---- reading memory ---- */

struct buffer {
    struct fl_arena arena;
    const float *data;
    size_t n;
};

#ifdef __x86_64__
__attribute__((target("avx"))) static float sum_avx(const float *x, size_t n)
{
    enum { LANES = 8, N_SUMS = 8 };
    __m256 sums[N_SUMS];
    for (int i = 0; i < N_SUMS; i++)
        sums[i] = _mm256_setzero_ps();
    for (size_t j = 0; j + LANES * N_SUMS <= n; j += LANES * N_SUMS)
        for (size_t i = 0; i < N_SUMS; i++)
            sums[i] = _mm256_add_ps(sums[i], _mm256_loadu_ps(x + j + LANES * i));
    for (int i = 1; i < N_SUMS; i++)
        sums[0] = _mm256_add_ps(sums[0], sums[i]);
    float lanes[LANES], total = 0;
    _mm256_storeu_ps(lanes, sums[0]);
    for (int i = 0; i < LANES; i++)
        total += lanes[i];
    return total;
}
#endif

static float sum_plain(const float *x, size_t n)
{
    enum { N_SUMS = 16 };
    float sums[N_SUMS] = {0};
    for (size_t j = 0; j + N_SUMS <= n; j += N_SUMS)
        for (size_t i = 0; i < N_SUMS; i++)
            sums[i] += x[j + i];
    for (int i = 1; i < N_SUMS; i++)
        sums[0] += sums[i];
    return sums[0];
}

static float sum(const float *x, size_t n)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx"))
        return sum_avx(x, n);
#endif
    return sum_plain(x, n);
}

static volatile float sink; /* keeps the reads from being optimised away */

static void run_read(void *context)
{
    const struct buffer *buffer = context;
    float total = 0;
#pragma omp parallel reduction(+ : total)
    {
        const size_t part = buffer->n / (size_t)omp_get_num_threads();
        total += sum(buffer->data + part * (size_t)omp_get_thread_num(), part);
    }
    sink = total;
}

static int buffer_open(struct buffer *buffer, double bytes, struct fl_error *error)
{
    *buffer = (struct buffer){.n = (size_t)bytes / sizeof(float)};
    if (fl_arena_open(&buffer->arena, (size_t)bytes + 64, "read buffer", error) != FL_OK)
        return FL_FAILED;
    float *data = fl_arena_floats(&buffer->arena, buffer->n);
    for (size_t i = 0; i < buffer->n; i++)
        data[i] = 1.0f; /* pages never written to would all be one page of zeros */
    buffer->data = data;
    return FL_OK;
}

static double linear_bytes(const struct fl_linear *layer)
{
    if (!layer->weight)
        return 0;
    const size_t n_out = (size_t)layer->n_out, n_in = (size_t)layer->n_in;
    return (double)(fl_dtype_bytes(layer->dtype, n_out * n_in) +
                    (layer->bias ? n_out * sizeof(float) : 0));
}

/* Weights that a decode step reads: all linear layers, the logits among them. */
static double weight_bytes(const struct fl_model *model)
{
    double bytes = linear_bytes(&model->logits);
    for (int i = 0; i < model->config.n_layers; i++) {
        const struct fl_layer_weights *l = &model->layers[i];
        bytes += linear_bytes(&l->q) + linear_bytes(&l->k) + linear_bytes(&l->v) +
                 linear_bytes(&l->attn_out) + linear_bytes(&l->ffn_gate) +
                 linear_bytes(&l->ffn_up) + linear_bytes(&l->ffn_down);
    }
    return bytes;
}

/* Keys and values of n_ctx positions. */
static double kv_bytes(const struct fl_config *config, int n_ctx)
{
    return 2.0 * sizeof(float) * config->n_layers * n_ctx * config->n_kv_heads * config->head_dim;
}

/* ---- the comparisons ---- */

struct settings {
    int64_t n_tokens, n_past, n_reps, n_threads;
    const int *tokens; /* zeros [n_tokens] */
};

/* The causal kernel executes fewer products than the bare rectangle has; each side's rate is that
 * of its own FLOPs. */
static int bench_prefill(struct result *result, const struct fl_model *model,
                         enum fl_attention attention, const struct settings *settings,
                         struct fl_error *error)
{
    struct fl_session *session;
    const struct fl_session_options options = {.n_seqs = 1,
                                               .n_ctx = (int)settings->n_tokens,
                                               .attention = attention,
                                               .logits = FL_LOGITS_LAST,
                                               .n_threads = (int)settings->n_threads};
    if (fl_session_open(&session, model, &options, error) != FL_OK)
        return FL_FAILED;
    struct step step = {session, settings->tokens, (int)settings->n_tokens, 0, fl_forward};
    /* sets the number of threads and fills the ledger with one pass */
    int status = fl_session_forward(session, step.tokens, step.n_tokens, FL_LOGITS_LAST, error);
    if (status == FL_OK) {
        const struct fl_config *config = &model->config;
        const double n = step.n_tokens;
        const double hidden = attention == FL_ATTENTION_NAIVE ? 0 : n * (n - 1) / 2;
        const double executed = 2.0 * (double)fl_ledger_total(&session->ledger).counted.macs;
        const double bare =
            executed + 4.0 * config->n_layers * config->n_heads * config->head_dim * hidden;
        const struct side engine = {run_step, &step, executed};
        const struct side reference = {run_products, &step, bare};
        snprintf(result->what, sizeof result->what, "prefill s=%d, %s", step.n_tokens,
                 fl_attention_name(attention));
        result->unit = "GFLOP/s";
        result->target = 0.85;
        result->at_least = true;
        compare(result, &engine, &reference, (int)settings->n_reps);
    }
    fl_session_close(session);
    return status;
}

static int bench_decode(struct result *result, struct fl_session *session,
                        const struct settings *settings, struct fl_error *error)
{
    const struct fl_model *model = session->model;
    const int n_past = (int)settings->n_past;
    const double weights = weight_bytes(model);
    struct step step = {session, settings->tokens, 1, n_past, fl_forward};
    struct buffer buffer;
    if (buffer_open(&buffer, weights, error) != FL_OK)
        return FL_FAILED;
    const struct side engine = {run_step, &step, weights + kv_bytes(&model->config, n_past + 1)};
    const struct side reference = {run_read, &buffer, (double)buffer.n * sizeof(float)};
    snprintf(result->what, sizeof result->what, "decode p=%d", n_past);
    result->unit = "GB/s";
    result->target = 0.85;
    result->at_least = true;
    compare(result, &engine, &reference, (int)settings->n_reps);
    fl_arena_close(&buffer.arena);
    return FL_OK;
}

static void bench_ledger(struct result *result, struct fl_session *session,
                         const struct settings *settings)
{
    const int64_t n_reps = settings->n_reps * LEDGER_FACTOR;
    struct step recorded = {session, settings->tokens, 1, (int)settings->n_past, fl_forward};
    struct step unrecorded = recorded;
    unrecorded.forward = fl_forward_unrecorded;
    const struct side engine = {run_step, &recorded, 0}, reference = {run_step, &unrecorded, 0};
    snprintf(result->what, sizeof result->what, "ledger, decode p=%d", recorded.n_past);
    result->unit = "ms";
    result->target = 1.01;
    result->at_least = false;
    compare(result, &engine, &reference, (int)(n_reps < N_REPS_MAX ? n_reps : N_REPS_MAX));
}

enum { N_RESULTS = 4 }; /* of each model */

static int bench_steps(struct result results[2], const struct fl_model *model,
                       const struct settings *settings, struct fl_error *error)
{
    struct fl_session *session;
    const struct fl_session_options options = {.n_seqs = 1,
                                               .n_ctx = (int)settings->n_past + 1,
                                               .n_tokens_max = 1,
                                               .attention = FL_ATTENTION_CAUSAL,
                                               .logits = FL_LOGITS_LAST,
                                               .n_threads = (int)settings->n_threads};
    if (fl_session_open(&session, model, &options, error) != FL_OK)
        return FL_FAILED;
    int status = fl_session_assume_past(session, (int)settings->n_past, error);
    if (status == FL_OK)
        status = fl_session_forward(session, settings->tokens, 1, FL_LOGITS_LAST, error);
    if (status == FL_OK)
        status = bench_decode(&results[0], session, settings, error);
    if (status == FL_OK)
        bench_ledger(&results[1], session, settings);
    fl_session_close(session);
    return status;
}

static int bench_model(struct result results[N_RESULTS], const char *name,
                       const struct settings *settings, struct fl_error *error)
{
    struct fl_model model;
    if (fl_model_open(&model, name, 1, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < N_RESULTS; i++)
        snprintf(results[i].model, sizeof results[i].model, "%.60s", model.config.name);
    int status = FL_FAILED;
    if (bench_prefill(&results[0], &model, FL_ATTENTION_NAIVE, settings, error) == FL_OK &&
        bench_prefill(&results[1], &model, FL_ATTENTION_CAUSAL, settings, error) == FL_OK &&
        bench_steps(&results[2], &model, settings, error) == FL_OK)
        status = FL_OK;
    fl_model_close(&model);
    return status;
}

/* ---- output ---- */

static bool holds(const struct result *result)
{
    return result->at_least ? result->ratio.median >= result->target
                            : result->ratio.median <= result->target;
}

static void print_table(const struct result *results, int n)
{
    printf("%d threads, OpenBLAS %s, element-wise %s; medians [quartiles]\n\n",
           omp_get_max_threads(), openblas_get_corename(), fl_simd_name());
    printf("%-12s %-22s %-28s %-28s %-24s %s\n", "model", "what", "engine", "reference", "ratio",
           "target");
    for (int i = 0; i < n; i++) {
        const struct result *r = &results[i];
        char engine[64], reference[64], ratio[64];
        snprintf(engine, sizeof engine, "%.2f [%.2f, %.2f] %s", r->engine.median, r->engine.low,
                 r->engine.high, r->unit);
        snprintf(reference, sizeof reference, "%.2f [%.2f, %.2f] %s", r->reference.median,
                 r->reference.low, r->reference.high, r->unit);
        snprintf(ratio, sizeof ratio, "%.4f [%.4f, %.4f]", r->ratio.median, r->ratio.low,
                 r->ratio.high);
        printf("%-12s %-22s %-28s %-28s %-24s %s %.2f %s\n", r->model, r->what, engine, reference,
               ratio, r->at_least ? ">=" : "<=", r->target, holds(r) ? "ok" : "MISSED");
    }
}

static void add_quartiles(cJSON *object, const char *name, struct quartiles quartiles)
{
    cJSON *triple = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(triple, "low", quartiles.low);
    cJSON_AddNumberToObject(triple, "median", quartiles.median);
    cJSON_AddNumberToObject(triple, "high", quartiles.high);
}

static int print_json(const struct result *results, int n)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "n_threads", omp_get_max_threads());
    cJSON_AddStringToObject(root, "blas_core", openblas_get_corename());
    cJSON_AddStringToObject(root, "isa", fl_simd_name());
    cJSON *rows = cJSON_AddArrayToObject(root, "results");
    for (int i = 0; i < n; i++) {
        const struct result *r = &results[i];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(rows, row);
        cJSON_AddStringToObject(row, "model", r->model);
        cJSON_AddStringToObject(row, "what", r->what);
        cJSON_AddStringToObject(row, "unit", r->unit);
        add_quartiles(row, "engine", r->engine);
        add_quartiles(row, "reference", r->reference);
        add_quartiles(row, "ratio", r->ratio);
        cJSON_AddNumberToObject(row, "target", r->target);
        cJSON_AddBoolToObject(row, "holds", holds(r));
    }
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return FL_FAILED;
    puts(text);
    free(text);
    return FL_OK;
}

/* ---- command line ---- */

static const struct fl_command COMMAND = {
    .name = "bench_engine",
    .summary = "compare whole forward passes with what their parts allow",
    .usage = "[options] [MODEL ...]",
    .examples = "  bench_engine\n  bench_engine --reps 31 --json gpt2-small\n",
};

static int run(char *const *models, int n_models, struct settings *settings, bool json, bool check)
{
    static struct result results[N_MODELS_MAX * N_RESULTS];
    const int n = n_models * N_RESULTS;
    struct fl_error error = {""};
    int *tokens = calloc((size_t)settings->n_tokens, sizeof *tokens);
    int status =
        tokens ? FL_OK : fl_fail(&error, "no memory for %d tokens", (int)settings->n_tokens);
    settings->tokens = tokens;
    for (int i = 0; i < n_models && status == FL_OK; i++)
        status = bench_model(results + i * N_RESULTS, models[i], settings, &error);
    free(tokens);
    if (status != FL_OK)
        return fl_cli_failed(&COMMAND, &error);
    if (!json)
        print_table(results, n);
    else if (print_json(results, n) != FL_OK)
        return FL_EXIT_FAILED;
    for (int i = 0; check && i < n; i++)
        if (!holds(&results[i]))
            status = FL_EXIT_FAILED;
    return fl_cli_finish(&COMMAND, status == FL_OK ? FL_EXIT_DONE : FL_EXIT_FAILED);
}

static enum fl_cli_outcome parse(int argc, char **argv, struct settings *settings, bool *json,
                                 bool *check, int *first)
{
    const struct fl_option options[] = {
        {NULL, "tokens", 's', FL_OPTION_INT, &settings->n_tokens, "N",
         "prompt length of the prefill", "512", 2, 1 << 16, NULL},
        {NULL, "past", 'p', FL_OPTION_INT, &settings->n_past, "N",
         "tokens in the cache before a decode step", "512", 0, 1 << 16, NULL},
        {NULL, "reps", 'r', FL_OPTION_INT, &settings->n_reps, "N",
         "repetitions of each pair; eight times as many for the ledger", "15", 1, N_REPS_MAX, NULL},
        {NULL, "threads", 't', FL_OPTION_INT, &settings->n_threads, "N",
         "threads; 0: every core this process may use", "0", 0, 1024, NULL},
        {NULL, "json", 0, FL_OPTION_FLAG, json, NULL, "print JSON", NULL, 0, 0, NULL},
        {NULL, "check", 0, FL_OPTION_FLAG, check, NULL, "exit with 1 when a target is missed", NULL,
         0, 0, NULL},
        {.name = NULL},
    };
    return fl_cli_parse(&COMMAND, options, argc, argv, first);
}

int main(int argc, char **argv)
{
    static char *defaults[] = {"gpt2-small", "llama-160m"};
    struct settings settings = {.n_tokens = 512, .n_past = 512, .n_reps = 15};
    bool json = false, check = false;
    int first;
    const enum fl_cli_outcome outcome = parse(argc, argv, &settings, &json, &check, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (argc - first > N_MODELS_MAX)
        return fl_cli_misuse(&COMMAND, "at most %d models", N_MODELS_MAX);
    if (argc > first)
        return run(argv + first, argc - first, &settings, json, check);
    return run(defaults, 2, &settings, json, check);
}
