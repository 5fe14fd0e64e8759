/* lab_batching.c - lab 6: one decode step for several sequences at once. */
#include "bench/labs/lab_list.h"
#include "bench/labs/lab_measure.h"
#include "ledger/analytic.h"

#include <math.h>

#define T(id) FL_LAB_TEXT_##id

enum { N_POINTS = 6, SIXTEEN = 4 }; /* 1, 2, 4, 8, 16, 32 sequences */
enum { N_CTX = 128 };               /* token number 128 of each sequence */
enum { BYTES, TIME, EQUAL };

static void tabulate(struct fl_lab_run *run, const struct fl_lab_point *points)
{
    static const struct fl_lab_column COLUMNS[] = {{T(FLOPS), FL_LAB_FLOP, false},
                                                   {T(BYTES), FL_LAB_BYTES, false},
                                                   {T(INTENSITY), FL_LAB_FLOP_PER_BYTE, false},
                                                   {T(TIME), FL_LAB_TIME, false},
                                                   {T(FLOP_RATE), FL_LAB_FLOP_PER_S, false},
                                                   {T(TOKEN_RATE), FL_LAB_TOKENS_PER_S, false}};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(STEP_OF_A_BATCH), T(BATCH), COLUMNS, 6);
    for (int i = 0; i < N_POINTS; i++) {
        const double flops = fl_lab_point_flops(&points[i]), bytes = fl_lab_point_bytes(&points[i]);
        const double time_ns = points[i].time_ns, batch = points[i].item.point.batch;
        const double row[] = {
            flops, bytes, flops / bytes, time_ns, 1e9 * flops / time_ns, 1e9 * batch / time_ns};
        fl_lab_add_row(table, fl_lab_label(T(NONE), "b = %d", points[i].item.point.batch), row);
    }
    run->result.figure = (struct fl_lab_figure){
        .kind = FL_LAB_BARS, .title = T(FIGURE_BATCH), .table = 0, .y = {3, 5}, .n_y = 2};
}

/* Bytes of the layers' matrices that a step reads, by the formulas. */
static int find_weight_bytes(double *bytes, const struct fl_config *config, struct fl_error *error)
{
    const struct fl_convention convention = {.lm_head = FL_LM_HEAD_LAST};
    const struct fl_shape shape = {.batch = 1, .n_tokens = 1, .n_past = N_CTX - 1};
    struct fl_analytic analytic;
    if (fl_analytic(&analytic, config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    fl_wide weights = 0;
    for (int i = 0; i < FL_N_OPERATORS; i++)
        if (!fl_operator_is_global((enum fl_operator)i))
            weights += config->n_layers * analytic.ops[FL_STACK_DECODER][i].weights_read;
    *bytes = (double)weights * sizeof(float);
    return FL_OK;
}

/* Of one sequence, all layers. */
static double cache_bytes(const struct fl_lab_point *points)
{
    return (double)points[0].measurement.item.point.kv_cache_bytes;
}

static void account(struct fl_lab_run *run, const struct fl_lab_point *points, double weights)
{
    const double one = fl_lab_point_bytes(&points[0]),
                 sixteen = fl_lab_point_bytes(&points[SIXTEEN]);
    const double caches = 16 * cache_bytes(points);
    struct fl_lab_account *sum = fl_lab_add_account(&run->result, T(STEP_OF_SIXTEEN), false);
    fl_lab_add_term(sum, fl_lab_word(T(WEIGHTS_ONCE)), weights, FL_LAB_BYTES);
    fl_lab_add_term(sum, fl_lab_word(T(SIXTEEN_CACHES)), caches, FL_LAB_BYTES);
    fl_lab_add_term(sum, fl_lab_word(T(OTHER_BYTES)), sixteen - weights - caches, FL_LAB_BYTES);
    fl_lab_add_term(sum, fl_lab_label(T(STEP_OF), "b = 16"), sixteen, FL_LAB_BYTES);

    struct fl_lab_account *product = fl_lab_add_account(&run->result, T(BYTES_TO_TIME), true);
    const double times = points[SIXTEEN].time_ns / points[0].time_ns;
    fl_lab_add_term(product, fl_lab_word(T(BYTES_RATIO)), sixteen / one, FL_LAB_TIMES);
    fl_lab_add_term(product, fl_lab_word(T(BYTE_RATE_RATIO)), times / (sixteen / one),
                    FL_LAB_TIMES);
    fl_lab_add_term(product, fl_lab_word(T(TIME_RATIO)), times, FL_LAB_TIMES);
}

/* The rule's bytes are a student's: 12h² weights a layer. */
static void answer(struct fl_lab_run *run, const struct fl_lab_point *points, double weight_bytes)
{
    struct fl_lab_result *result = &run->result;
    const struct fl_config *config = &points[0].model->config;
    const double h = config->d_model, n_layers = config->n_layers;
    const double weights = 12 * h * h * n_layers * 4, kv = 2 * h * n_layers * 4 * N_CTX;
    fl_lab_answer(result, BYTES, (weights + 16 * kv) / (weights + kv),
                  fl_lab_point_bytes(&points[SIXTEEN]) / fl_lab_point_bytes(&points[0]));
    fl_lab_slip(result, BYTES, 16, T(SLIP_BATCH_ALL));
    fl_lab_slip(result, BYTES, 1, T(SLIP_BATCH_NONE));
    fl_lab_answer(result, TIME, NAN, points[SIXTEEN].time_ns / points[0].time_ns);
    fl_lab_slip(result, TIME, 16, T(SLIP_BATCH_TIME));
    fl_lab_answer(result, EQUAL, 6 * h / N_CTX, weight_bytes / cache_bytes(points));
    fl_lab_slip(result, EQUAL, 12 * h / N_CTX, T(SLIP_BATCH_ONE));
}

static int experiment(struct fl_lab_run *run, struct fl_error *error)
{
    struct fl_model model;
    struct fl_lab_point points[N_POINTS];
    if (fl_model_open(&model, FL_LAB_MODEL, run->seed, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < N_POINTS; i++)
        points[i] =
            fl_lab_point_of(&model, FL_ATTENTION_CAUSAL, 1 << i, 1, N_CTX - 1, run->n_threads);
    double weights;
    int status = find_weight_bytes(&weights, &model.config, error);
    if (status == FL_OK)
        status = fl_lab_points_measure(points, N_POINTS, run, error);
    if (status == FL_OK) {
        tabulate(run, points);
        account(run, points, weights);
        answer(run, points, weights);
        fl_lab_points_close(points, N_POINTS);
    }
    fl_model_close(&model);
    return status;
}

const struct fl_lab fl_lab_batching = {
    .name = "batching",
    .title = T(BATCHING_TITLE),
    .aim = T(BATCHING_AIM),
    .explanation = T(BATCHING_WHY),
    .questions = {{"bytes_ratio", T(BATCHING_Q1), T(BATCHING_R1), FL_LAB_TIMES, true},
                  {"time_ratio", T(BATCHING_Q2), T(BATCHING_R2), FL_LAB_TIMES, false},
                  {"equal_batch", T(BATCHING_Q3), T(BATCHING_R3), FL_LAB_NUMBER, true}},
    .n_questions = 3,
    .experiment = experiment,
    .model = FL_LAB_MODEL,
    .commands = "flopledger count -m gpt2-course --past 127 -b 16\n"
                "flopledger audit -m gpt2-course -s 127 --phase decode -b 16\n",
};
