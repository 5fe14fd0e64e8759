/* lab_slips.c - five slips of common course notes, each with figures that show it. */
#include "bench/labs/lab_slips.h"

#include "base/random.h"
#include "bench/labs/lab_list.h"
#include "engine/logits_processor.h"
#include "engine/pass_cost.h"
#include "ledger/analytic.h"
#include "model/presets.h"
#include "ops/layernorm.h"
#include "ops/linear.h"
#include "ops/softmax.h"

#include <math.h>

#define T(id) FL_LAB_TEXT_##id

enum { LAYERNORM, PENALTY, DECODE, SCALE, MACS };

/* Nearly normal: the sum of twelve uniform numbers (Irwin and Hall), variance 1. */
static float draw(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += fl_random_uniform(state);
    return (float)sum;
}

/* ---- LayerNorm ---- */

void fl_lab_normalise_over_tokens(float *out, const float *x, const float *gain, const float *bias,
                                  int n_tokens, int d_model, float eps)
{
    for (int j = 0; j < d_model; j++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < n_tokens; i++)
            mean += (double)x[i * d_model + j] / n_tokens;
        for (int i = 0; i < n_tokens; i++)
            variance += (x[i * d_model + j] - mean) * (x[i * d_model + j] - mean) / n_tokens;
        for (int i = 0; i < n_tokens; i++)
            out[i * d_model + j] = (float)((x[i * d_model + j] - mean) /
                                               sqrt(variance + (double)eps) * (double)gain[j] +
                                           (double)bias[j]);
    }
}

enum { N_TOKENS = 4, N_FEATURES = 6 };
static const float EPS = 1e-5f;

/* Largest change of a token's output. */
static double change_of(const float *before, const float *after, int token)
{
    double change = 0;
    for (int j = 0; j < N_FEATURES; j++)
        change = fmax(change,
                      fabs((double)after[token * N_FEATURES + j] - before[token * N_FEATURES + j]));
    return change;
}

static void show_layernorm(struct fl_lab_run *run)
{
    static const struct fl_lab_column COLUMNS[] = {{T(INPUT_CHANGE), FL_LAB_NUMBER, false},
                                                   {T(OVER_FEATURES), FL_LAB_NUMBER, false},
                                                   {T(OVER_TOKENS), FL_LAB_NUMBER, false}};
    float x[N_TOKENS * N_FEATURES], changed[N_TOKENS * N_FEATURES];
    float right[2][N_TOKENS * N_FEATURES], wrong[2][N_TOKENS * N_FEATURES];
    float gain[N_FEATURES], bias[N_FEATURES] = {0};
    uint64_t state = run->seed;
    for (int i = 0; i < N_TOKENS * N_FEATURES; i++) {
        x[i] = draw(&state);
        changed[i] = x[i] + (i / N_FEATURES == N_TOKENS - 1 ? (float)(i % N_FEATURES) : 0);
    }
    for (int j = 0; j < N_FEATURES; j++)
        gain[j] = 1;
    const float *inputs[] = {x, changed};
    for (int i = 0; i < 2; i++) {
        fl_layernorm(right[i], inputs[i], gain, bias, N_TOKENS, N_FEATURES, EPS);
        fl_lab_normalise_over_tokens(wrong[i], inputs[i], gain, bias, N_TOKENS, N_FEATURES, EPS);
    }
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(SLIPS_LAYERNORM), T(TOKEN), COLUMNS, 3);
    int n_changed[2] = {0};
    for (int i = 0; i < N_TOKENS; i++) {
        const double row[] = {change_of(x, changed, i), change_of(right[0], right[1], i),
                              change_of(wrong[0], wrong[1], i)};
        fl_lab_add_row(table, fl_lab_label(T(NONE), "%d", i + 1), row);
        n_changed[0] += i < N_TOKENS - 1 && row[1] > 0;
        n_changed[1] += i < N_TOKENS - 1 && row[2] > 0;
    }
    fl_lab_answer(&run->result, LAYERNORM, 0, n_changed[0]);
    fl_lab_slip(&run->result, LAYERNORM, n_changed[1], T(SLIP_OVER_TOKENS));
}

/* ---- repetition penalty ---- */

static int show_penalty(struct fl_lab_run *run, struct fl_error *error)
{
    static const struct fl_lab_column COLUMNS[] = {{T(PENALTY_BEFORE), FL_LAB_NUMBER, false},
                                                   {T(PENALTY_RULE), FL_LAB_NUMBER, false},
                                                   {T(PENALTY_DIVIDED), FL_LAB_NUMBER, false}};
    enum { VOCAB = 3 };
    static const float LOGITS[VOCAB] = {2, -2, 0};
    static const int HISTORY[] = {0, 1}; /* both were said before; id 2 was not */
    static const double VALUE = 1.25;
    const struct fl_logits_step step = {.kind = FL_STEP_REPETITION_PENALTY, .value = VALUE};
    struct fl_logits_processor processor;
    float logits[VOCAB];
    if (fl_logits_processor_open(&processor, VOCAB, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < VOCAB; i++)
        logits[i] = LOGITS[i];
    fl_logits_process(&processor, &step, 1, logits, HISTORY, 2);
    fl_logits_processor_close(&processor);
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(SLIPS_PENALTY), T(TOKEN), COLUMNS, 3);
    for (int i = 0; i < VOCAB; i++) {
        const double before = (double)LOGITS[i];
        const double row[] = {before, (double)logits[i], i < 2 ? before / VALUE : before};
        fl_lab_add_row(table, fl_lab_label(i < 2 ? T(SAID_BEFORE) : T(NOT_SAID), "(%g)", before),
                       row);
    }
    fl_lab_answer(&run->result, PENALTY, -2 * VALUE, (double)logits[1]);
    fl_lab_slip(&run->result, PENALTY, -2 / VALUE, T(SLIP_PENALTY_DIVIDED));
    return FL_OK;
}

/* ---- the cost of a decode step ---- */

/* Attention's products, and everything, of one cached step that makes the context t. */
static int step_cost(double *products, double *all, int t, struct fl_error *error)
{
    const struct fl_shape shape = {.batch = 1, .n_tokens = 1, .n_past = t - 1};
    const struct fl_convention convention = {
        .causal = FL_CAUSAL_EXACT, .lm_head = FL_LM_HEAD_LAST, .elementwise = true};
    struct fl_analytic analytic;
    struct fl_op_analytic scores, context;
    if (fl_analytic(&analytic, &fl_preset_find(FL_LAB_MODEL)->config, &shape, &convention, error) !=
        FL_OK)
        return FL_FAILED;
    fl_analytic_sum(&analytic, FL_OP_SCORES, &scores);
    fl_analytic_sum(&analytic, FL_OP_CONTEXT, &context);
    *products = (double)(scores.exact + context.exact);
    *all = (double)analytic.total.exact;
    return FL_OK;
}

static int show_decode(struct fl_lab_run *run, struct fl_error *error)
{
    static const struct fl_lab_column COLUMNS[] = {{T(STEP_PRODUCTS), FL_LAB_FLOP, true},
                                                   {T(STEP_REST), FL_LAB_FLOP, true},
                                                   {T(STEP_ALL), FL_LAB_FLOP, true}};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(SLIPS_DECODE), T(CONTEXT), COLUMNS, 3);
    double first = 0, last = 0;
    for (int t = 128; t <= 1024; t *= 2) {
        double products, all;
        if (step_cost(&products, &all, t, error) != FL_OK)
            return FL_FAILED;
        fl_lab_add_row(table, fl_lab_label(T(NONE), "t = %d", t),
                       (const double[]){products, all - products, all});
        first = t == 128 ? products : first;
        last = products;
    }
    fl_lab_answer(&run->result, DECODE, 8, last / first);
    fl_lab_slip(&run->result, DECODE, 1, T(SLIP_DECODE_CONSTANT));
    fl_lab_slip(&run->result, DECODE, 64, T(SLIP_DECODE_SQUARE));
    run->result.figure = (struct fl_lab_figure){
        .kind = FL_LAB_BARS, .title = T(SLIPS_DECODE), .table = 2, .y = {0}, .n_y = 1};
    return FL_OK;
}

/* ---- the scale of the scores ---- */

enum { HEAD_DIM = 64, D_MODEL = 512, N_KEYS = 64, N_QUERIES = 256 };

struct scores {
    double deviation; /* of q k^T, over all queries and keys */
    double largest;   /* weight of the strongest key, mean over the queries */
    double keys;      /* exp of the weights' entropy: keys that matter */
};

/* Scores of random queries and keys, divided by `divisor` on the way into the softmax. */
static struct scores scores_of(uint64_t seed, double divisor)
{
    struct scores sum = {0};
    uint64_t state = seed;
    double squares = 0, entropy = 0;
    for (int i = 0; i < N_QUERIES; i++) {
        float q[HEAD_DIM], row[N_KEYS];
        for (int k = 0; k < HEAD_DIM; k++)
            q[k] = draw(&state);
        for (int j = 0; j < N_KEYS; j++) {
            row[j] = 0;
            for (int k = 0; k < HEAD_DIM; k++)
                row[j] += q[k] * draw(&state);
            squares += (double)row[j] * row[j];
        }
        fl_softmax_row(row, N_KEYS, (float)(1 / divisor));
        float largest = 0;
        for (int j = 0; j < N_KEYS; j++) {
            largest = fmaxf(largest, row[j]);
            entropy -= row[j] > 0 ? (double)row[j] * log((double)row[j]) : 0;
        }
        sum.largest += (double)largest / N_QUERIES;
    }
    sum.deviation = sqrt(squares / ((double)N_QUERIES * N_KEYS));
    sum.keys = exp(entropy / N_QUERIES);
    return sum;
}

static void show_scale(struct fl_lab_run *run)
{
    static const struct fl_lab_column COLUMNS[] = {{T(SCALED_DEVIATION), FL_LAB_NUMBER, false},
                                                   {T(STRONGEST_KEY), FL_LAB_PERCENT, false},
                                                   {T(KEYS_THAT_MATTER), FL_LAB_NUMBER, false}};
    static const struct {
        const char *name;
        double square;
    } DIVISORS[] = {{"1", 1}, {"√d_h = √64", HEAD_DIM}, {"√h = √512", D_MODEL}};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(SLIPS_SCALE), T(DIVIDED_BY), COLUMNS, 3);
    double deviation = 0;
    for (int i = 0; i < 3; i++) {
        const double divisor = sqrt(DIVISORS[i].square);
        const struct scores scores = scores_of(run->seed, divisor);
        fl_lab_add_row(
            table, fl_lab_label(T(NONE), "%s", DIVISORS[i].name),
            (const double[]){scores.deviation / divisor, 100 * scores.largest, scores.keys});
        deviation = scores.deviation;
    }
    fl_lab_answer(&run->result, SCALE, sqrt(HEAD_DIM), deviation);
    fl_lab_slip(&run->result, SCALE, sqrt(D_MODEL), T(SLIP_SCALE_MODEL));
    fl_lab_slip(&run->result, SCALE, HEAD_DIM, T(SLIP_SCALE_VARIANCE));
}

/* ---- MACs and FLOPs ---- */

static void show_macs(struct fl_lab_run *run)
{
    static const struct fl_lab_column COLUMNS[] = {{T(MULTIPLY_ACCUMULATES), FL_LAB_NUMBER, true},
                                                   {T(FLOPS), FL_LAB_FLOP, true}};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(SLIPS_MACS), T(PRODUCT), COLUMNS, 2);
    static const int ROWS[] = {1, 128};
    for (int i = 0; i < 2; i++) {
        const struct fl_linear layer = {.n_out = D_MODEL, .n_in = D_MODEL, .ld = D_MODEL};
        const struct fl_cost cost = fl_linear_cost(&layer, ROWS[i]);
        fl_lab_add_row(table, fl_lab_label(T(NONE), "[%d × 512] · [512 × 512]", ROWS[i]),
                       (const double[]){(double)cost.macs, (double)fl_cost_flops(cost)});
        if (i == 0) {
            fl_lab_answer(&run->result, MACS, 2.0 * D_MODEL * D_MODEL, (double)fl_cost_flops(cost));
            fl_lab_slip(&run->result, MACS, (double)cost.macs, T(SLIP_MACS));
        }
    }
}

/* ---- the lab ---- */

static int experiment(struct fl_lab_run *run, struct fl_error *error)
{
    show_layernorm(run);
    if (show_penalty(run, error) != FL_OK || show_decode(run, error) != FL_OK)
        return FL_FAILED;
    show_scale(run);
    show_macs(run);
    return FL_OK;
}

const struct fl_lab fl_lab_slips = {
    .name = "common-slips",
    .title = T(SLIPS_TITLE),
    .aim = T(SLIPS_AIM),
    .explanation = T(SLIPS_WHY),
    .questions = {{"layernorm", T(SLIPS_Q1), T(SLIPS_R1), FL_LAB_NUMBER, true},
                  {"repetition_penalty", T(SLIPS_Q2), T(SLIPS_R2), FL_LAB_NUMBER, true},
                  {"decode_cost", T(SLIPS_Q3), T(SLIPS_R3), FL_LAB_TIMES, true},
                  {"score_scale", T(SLIPS_Q4), T(SLIPS_R4), FL_LAB_NUMBER, false},
                  {"macs", T(SLIPS_Q5), T(SLIPS_R5), FL_LAB_FLOP, true}},
    .n_questions = 5,
    .experiment = experiment,
    .commands = "flopledger count -m gpt2-course -s 128 --unit mac\n"
                "flopledger count -m gpt2-course --past 1023 --explain\n",
};
