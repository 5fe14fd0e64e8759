/* lab_kv_cache.c - lab 3: what the KV cache saves, what it holds, and why that is enough. */
#include "bench/labs/lab_generate.h"
#include "bench/labs/lab_list.h"
#include "bench/labs/lab_measure.h"

#include "base/random.h"
#include "engine/pass_cost.h"
#include "engine/session_state.h"

#include <math.h>
#include <string.h>

#define T(id) FL_LAB_TEXT_##id

enum { N_PROMPT = 32, N_NEW = 16, N_CTX = N_PROMPT + N_NEW };
enum { FLOPS, BYTES, TIME };
enum { CACHED, UNCACHED, N_WAYS };

/* ---- the same generation with the cache and without ---- */

struct generations {
    struct fl_lab_generation one[N_WAYS]; /* of the last round; times are medians */
    double time_ns[N_WAYS];               /* prefill and decode */
    int n_equal;                          /* tokens that are the same in both */
};

static int generate(struct generations *out, const struct fl_model *model, struct fl_lab_run *run,
                    struct fl_error *error)
{
    enum { ROUNDS_MAX = 3 }; /* a round is a few dozen passes */
    const int n_rounds_max = run->n_rounds < ROUNDS_MAX ? run->n_rounds : ROUNDS_MAX;
    const uint64_t started_ns = fl_clock_ns();
    int n_rounds = 0;
    double times[N_WAYS][ROUNDS_MAX];
    for (; n_rounds < n_rounds_max && (n_rounds == 0 || !fl_lab_is_late(&run->result, started_ns));
         n_rounds++)
        for (int way = 0; way < N_WAYS; way++) {
            const struct fl_lab_job job = {.model = model,
                                           .n_prompt = N_PROMPT,
                                           .n_new = N_NEW,
                                           .cache = way == CACHED,
                                           .n_threads = run->n_threads,
                                           .seed = run->seed};
            if (fl_lab_generate(&out->one[way], &job, error) != FL_OK)
                return FL_FAILED;
            times[way][n_rounds] = out->one[way].prefill_ns + out->one[way].decode_ns;
        }
    for (int way = 0; way < N_WAYS; way++)
        out->time_ns[way] = fl_lab_median(times[way], n_rounds, &run->result);
    out->n_equal = 0;
    for (int i = 0; i < N_NEW; i++)
        out->n_equal += out->one[CACHED].ids[i] == out->one[UNCACHED].ids[i];
    return FL_OK;
}

static double flops_of(const struct fl_lab_generation *generation)
{
    return generation->prefill_flops + generation->decode_flops;
}

static void tabulate(struct fl_lab_run *run, const struct generations *generations)
{
    static const struct fl_lab_column COLUMNS[] = {{T(FLOPS), FL_LAB_FLOP, true},
                                                   {T(TIME), FL_LAB_TIME, false},
                                                   {T(SAME_TOKENS), FL_LAB_TOKENS, false}};
    static const enum fl_lab_string NAMES[] = {T(WITH_CACHE), T(WITHOUT_CACHE)};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(GENERATION_BOTH_WAYS), T(WAY), COLUMNS, 3);
    for (int way = 0; way < N_WAYS; way++) {
        const double row[] = {flops_of(&generations->one[way]), generations->time_ns[way],
                              generations->n_equal};
        fl_lab_add_row(table, fl_lab_word(NAMES[way]), row);
    }
}

static void account(struct fl_lab_run *run, const struct generations *generations)
{
    const struct fl_lab_generation *cached = &generations->one[CACHED];
    const struct fl_lab_generation *uncached = &generations->one[UNCACHED];
    struct fl_lab_account *sum = fl_lab_add_account(&run->result, T(CACHE_TO_NONE), false);
    fl_lab_add_term(sum, fl_lab_word(T(WITH_CACHE)), flops_of(cached), FL_LAB_FLOP);
    fl_lab_add_term(sum, fl_lab_word(T(PREFIX_AGAIN)),
                    uncached->decode_flops - cached->decode_flops, FL_LAB_FLOP);
    fl_lab_add_term(sum, fl_lab_word(T(WITHOUT_CACHE)), flops_of(uncached), FL_LAB_FLOP);

    struct fl_lab_account *product = fl_lab_add_account(&run->result, T(FLOPS_TO_TIME), true);
    const double flops = flops_of(uncached) / flops_of(cached);
    const double times = generations->time_ns[UNCACHED] / generations->time_ns[CACHED];
    fl_lab_add_term(product, fl_lab_word(T(FLOP_RATIO)), flops, FL_LAB_TIMES);
    fl_lab_add_term(product, fl_lab_word(T(RATE_RATIO)), times / flops, FL_LAB_TIMES);
    fl_lab_add_term(product, fl_lab_word(T(TIME_RATIO)), times, FL_LAB_TIMES);
}

/* ---- a step, as the context grows ---- */

static int tabulate_steps(struct fl_lab_run *run, const struct fl_model *model,
                          struct fl_error *error)
{
    static const struct fl_lab_column COLUMNS[] = {{T(STEP_CACHED), FL_LAB_FLOP, false},
                                                   {T(STEP_UNCACHED), FL_LAB_FLOP, false}};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(STEP_AS_CONTEXT_GROWS), T(CONTEXT), COLUMNS, 2);
    for (int t = 64; t <= 1024; t *= 2) {
        struct fl_op_analytic cached, uncached;
        if (fl_pass_cost(&cached, model, FL_ATTENTION_CAUSAL, FL_F32, 1, 1, t - 1, FL_LOGITS_LAST,
                         NULL, error) != FL_OK ||
            fl_pass_cost(&uncached, model, FL_ATTENTION_CAUSAL, FL_F32, 1, t, 0, FL_LOGITS_LAST,
                         NULL, error) != FL_OK)
            return FL_FAILED;
        const double row[] = {(double)cached.exact, (double)uncached.exact};
        fl_lab_add_row(table, fl_lab_label(T(NONE), "t = %d", t), row);
    }
    run->result.figure = (struct fl_lab_figure){
        .kind = FL_LAB_BARS, .title = T(STEP_AS_CONTEXT_GROWS), .table = 1, .y = {0, 1}, .n_y = 2};
    return FL_OK;
}

/* ---- what a step needs of the past ---- */

/* Runs all but the last token, forgets what is not kept, and runs the last one; the largest
 * difference of its logits from those of a single pass over everything. */
static int step_without(double *difference, const struct fl_model *model, const int *tokens,
                        const float *whole, bool keep_k, bool keep_v, struct fl_lab_run *run,
                        struct fl_error *error)
{
    const struct fl_session_options options = {.n_seqs = 1,
                                               .n_ctx = N_CTX,
                                               .attention = FL_ATTENTION_CAUSAL,
                                               .logits = FL_LOGITS_LAST,
                                               .n_threads = run->n_threads};
    const struct fl_config *config = &model->config;
    struct fl_session *session;
    if (fl_session_open(&session, model, &options, error) != FL_OK)
        return FL_FAILED;
    int status = fl_session_forward(session, tokens, N_CTX - 1, FL_LOGITS_NONE, error);
    const size_t n_bytes =
        (size_t)config->n_layers * (size_t)config->n_kv_heads * (size_t)session->options.n_blocks *
        (size_t)session->options.block_tokens * (size_t)config->head_dim * sizeof(float);
    if (!keep_k)
        memset(session->work.k_cache, 0, n_bytes);
    if (!keep_v)
        memset(session->work.v_cache, 0, n_bytes);
    if (status == FL_OK)
        status = fl_session_forward(session, tokens + N_CTX - 1, 1, FL_LOGITS_LAST, error);
    *difference = 0;
    for (int i = 0; status == FL_OK && i < config->vocab_size; i++)
        *difference = fmax(*difference, fabs((double)fl_session_logits(session)[i] - whole[i]));
    fl_session_close(session);
    return status;
}

/* Bytes that one more token takes in the cache, by the formulas. */
static int bytes_per_token(double *bytes, const struct fl_config *config, struct fl_error *error)
{
    const struct fl_convention convention = {.lm_head = FL_LM_HEAD_LAST};
    fl_wide cache[2];
    for (int i = 0; i < 2; i++) {
        const struct fl_shape shape = {.batch = 1, .n_tokens = 1, .n_past = 100 + i};
        struct fl_analytic analytic;
        if (fl_analytic(&analytic, config, &shape, &convention, error) != FL_OK)
            return FL_FAILED;
        cache[i] = analytic.kv_cache_bytes;
    }
    *bytes = (double)(cache[1] - cache[0]);
    return FL_OK;
}

/* bytes: of K and V together, a token. */
static int tabulate_kept(struct fl_lab_run *run, const struct fl_model *model, double bytes,
                         struct fl_error *error)
{
    static const struct fl_lab_column COLUMNS[] = {{T(BYTES_PER_TOKEN), FL_LAB_BYTES, true},
                                                   {T(LOGITS_CHANGE), FL_LAB_NUMBER, false}};
    static const struct {
        enum fl_lab_string name;
        bool k, v;
    } KEPT[] = {{T(KEEP_BOTH), true, true},
                {T(KEEP_K), true, false},
                {T(KEEP_V), false, true},
                {T(KEEP_NONE), false, false}};
    const struct fl_session_options options = {
        .n_seqs = 1, .n_ctx = N_CTX, .logits = FL_LOGITS_LAST, .n_threads = run->n_threads};
    struct fl_session *whole;
    int tokens[N_CTX];
    uint64_t state = run->seed;
    for (int i = 0; i < N_CTX; i++)
        tokens[i] = (int)(fl_random_next(&state) % (uint64_t)model->config.vocab_size);
    if (fl_session_open(&whole, model, &options, error) != FL_OK)
        return FL_FAILED;
    int status = fl_session_forward(whole, tokens, N_CTX, FL_LOGITS_LAST, error);
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(WHAT_IS_KEPT), T(KEPT), COLUMNS, 2);
    for (int i = 0; i < 4 && status == FL_OK; i++) {
        double row[] = {bytes * (KEPT[i].k + KEPT[i].v) / 2, 0};
        status = step_without(&row[1], model, tokens, fl_session_logits(whole), KEPT[i].k,
                              KEPT[i].v, run, error);
        fl_lab_add_row(table, fl_lab_word(KEPT[i].name), row);
    }
    fl_session_close(whole);
    return status;
}

/* ---- the lab ---- */

static void answer(struct fl_lab_run *run, const struct fl_config *config,
                   const struct generations *generations, double bytes)
{
    struct fl_lab_result *result = &run->result;
    /* tokens that go through the model: each once, or each prefix again */
    double once = N_PROMPT, again = N_PROMPT;
    for (int i = 1; i < N_NEW; i++) {
        once += 1;
        again += N_PROMPT + i;
    }
    fl_lab_answer(result, FLOPS, again / once,
                  flops_of(&generations->one[UNCACHED]) / flops_of(&generations->one[CACHED]));
    fl_lab_slip(result, FLOPS, N_NEW, T(SLIP_CACHE_N));
    fl_lab_slip(result, FLOPS, N_CTX, T(SLIP_CACHE_CONTEXT));
    const double width = config->d_model, n_layers = config->n_layers;
    fl_lab_answer(result, BYTES, 2 * n_layers * width * 4, bytes);
    fl_lab_slip(result, BYTES, n_layers * width * 4, T(SLIP_CACHE_ONE));
    fl_lab_slip(result, BYTES, 3 * n_layers * width * 4, T(SLIP_CACHE_Q));
    fl_lab_slip(result, BYTES, 2 * width * 4, T(SLIP_CACHE_LAYER));
    fl_lab_slip(result, BYTES, 2 * n_layers * width, T(SLIP_CACHE_ELEMENTS));
    fl_lab_answer(result, TIME, NAN, generations->time_ns[UNCACHED] / generations->time_ns[CACHED]);
    fl_lab_slip(result, TIME, again / once, T(SLIP_CACHE_TIME));
}

static int experiment(struct fl_lab_run *run, struct fl_error *error)
{
    struct fl_model model;
    struct generations generations = {.n_equal = 0};
    if (fl_model_open(&model, FL_LAB_MODEL, run->seed, error) != FL_OK)
        return FL_FAILED;
    double bytes;
    int status = bytes_per_token(&bytes, &model.config, error);
    if (status == FL_OK)
        status = generate(&generations, &model, run, error);
    if (status == FL_OK) {
        tabulate(run, &generations);
        account(run, &generations);
        status = tabulate_steps(run, &model, error);
    }
    if (status == FL_OK)
        status = tabulate_kept(run, &model, bytes, error);
    if (status == FL_OK)
        answer(run, &model.config, &generations, bytes);
    fl_model_close(&model);
    return status;
}

const struct fl_lab fl_lab_kv_cache = {
    .name = "kv-cache",
    .title = T(KV_TITLE),
    .aim = T(KV_AIM),
    .explanation = T(KV_WHY),
    .questions = {{"flop_ratio", T(KV_Q1), T(KV_R1), FL_LAB_TIMES, true},
                  {"bytes_per_token", T(KV_Q2), T(KV_R2), FL_LAB_BYTES, true},
                  {"time_ratio", T(KV_Q3), T(KV_R3), FL_LAB_TIMES, false}},
    .n_questions = 3,
    .experiment = experiment,
    .model = FL_LAB_MODEL,
    .commands = "flopledger count -m gpt2-course --prompt 32 --gen 16\n"
                "flopledger count -m gpt2-course --prompt 32 --gen 16 --cache off\n"
                "flopledger count -m gpt2-course --past 1023 --explain\n",
};
