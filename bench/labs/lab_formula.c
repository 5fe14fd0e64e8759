/* lab_formula.c - lab 1: one layer of the classic block against 24bsh^2 + 4bs^2h. */
#include "bench/labs/lab_list.h"
#include "bench/labs/lab_measure.h"
#include "ledger/formulas.h"

#include <stdio.h>

#define T(id) FL_LAB_TEXT_##id

enum { N_TOKENS = 128 };
enum { FLOPS, SHARE, CROSSING };

/* The label of an operator's row: its name and the textbook's formula. */
static struct fl_lab_label name_formula(enum fl_operator op)
{
    char formula[32] = "";
    const struct fl_expression *textbook = fl_formula_textbook(op);
    if (textbook)
        fl_expression_print(textbook, FL_NOTATION_TEXT, NULL, formula, sizeof formula);
    return fl_lab_label(T(NONE), "%-9s %s", fl_operator_name(op), formula);
}

/* One layer's figures of an operator, all layers being alike. */
static struct fl_op_record layer_of(const struct fl_op_record *record, int n_layers)
{
    const uint64_t n = (uint64_t)n_layers;
    struct fl_op_record layer = *record;
    layer.textbook_flops /= n;
    layer.exact_flops /= n;
    layer.counted_flops /= n;
    return layer;
}

static void tabulate(struct fl_lab_run *run, const struct fl_lab_point *point, double totals[2])
{
    static const struct fl_lab_column COLUMNS[] = {{T(TEXTBOOK), FL_LAB_FLOP, true},
                                                   {T(COUNTED), FL_LAB_FLOP, true},
                                                   {T(DIFFERENCE), FL_LAB_FLOP, true},
                                                   {T(TIME), FL_LAB_TIME, false}};
    const int n_layers = point->model->config.n_layers;
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(ONE_LAYER), T(OPERATOR), COLUMNS, 4);
    struct fl_lab_account *account = fl_lab_add_account(&run->result, T(BEYOND_TEXTBOOK), false);
    double sums[4] = {0};
    for (int i = 0; i < point->measurement.n_ops; i++)
        if (!fl_operator_is_global(point->measurement.ops[i].op))
            sums[0] += (double)layer_of(&point->measurement.ops[i], n_layers).textbook_flops;
    fl_lab_add_term(account, fl_lab_word(T(TEXTBOOK)), sums[0], FL_LAB_FLOP);
    sums[0] = 0;
    for (int i = 0; i < point->measurement.n_ops; i++) {
        const enum fl_operator op = point->measurement.ops[i].op;
        const struct fl_op_record layer = layer_of(&point->measurement.ops[i], n_layers);
        if (fl_operator_is_global(op))
            continue;
        const double difference = (double)layer.counted_flops - (double)layer.textbook_flops;
        const double row[] = {(double)layer.textbook_flops, (double)layer.counted_flops, difference,
                              point->op_time_ns[op] / n_layers};
        fl_lab_add_row(table, name_formula(op), row);
        for (int k = 0; k < 4; k++)
            sums[k] += row[k];
        if (layer.counted_flops != layer.textbook_flops)
            fl_lab_add_term(account, fl_lab_label(T(NONE), "%s", fl_operator_name(op)), difference,
                            FL_LAB_FLOP);
    }
    fl_lab_add_row(table, fl_lab_word(T(SUM)), sums);
    fl_lab_add_term(account, fl_lab_word(T(COUNTED)), sums[1], FL_LAB_FLOP);
    totals[0] = sums[0];
    totals[1] = sums[1];
}

/* True when the products of queries, keys and values cost at least as much as the rest. */
static int overtakes(bool *yes, const struct fl_config *config, int64_t n_tokens,
                     struct fl_error *error)
{
    const struct fl_shape shape = {.batch = 1, .n_tokens = n_tokens};
    const struct fl_convention convention = {.causal = FL_CAUSAL_FULL, .lm_head = FL_LM_HEAD_NONE};
    struct fl_analytic analytic;
    if (fl_analytic(&analytic, config, &shape, &convention, error) != FL_OK)
        return FL_FAILED;
    const struct fl_op_analytic *ops = analytic.ops[FL_STACK_DECODER];
    const fl_wide products = ops[FL_OP_SCORES].textbook + ops[FL_OP_CONTEXT].textbook;
    const fl_wide rest = ops[FL_OP_QKV].textbook + ops[FL_OP_ATTN_OUT].textbook +
                         ops[FL_OP_FFN_UP].textbook + ops[FL_OP_FFN_DOWN].textbook;
    *yes = products >= rest;
    return FL_OK;
}

/* The smallest s for which it does, by halving. */
static int find_crossing(double *crossing, const struct fl_config *config, struct fl_error *error)
{
    int64_t low = 0, high = 1 << 24;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        bool yes;
        if (overtakes(&yes, config, middle, error) != FL_OK)
            return FL_FAILED;
        *(yes ? &high : &low) = middle;
    }
    *crossing = (double)high;
    return FL_OK;
}

static void answer(struct fl_lab_run *run, const struct fl_lab_point *point, const double totals[2],
                   double crossing)
{
    struct fl_lab_result *result = &run->result;
    const double h = point->model->config.d_model, s = N_TOKENS;
    const double weights = 24 * s * h * h, products = 4 * s * s * h, sum = weights + products;
    const int n_layers = point->model->config.n_layers;
    const double counted_products = (double)(fl_lab_point_op(point, FL_OP_SCORES)->counted_flops +
                                             fl_lab_point_op(point, FL_OP_CONTEXT)->counted_flops) /
                                    n_layers;

    fl_lab_answer(result, FLOPS, sum, totals[1]);
    fl_lab_slip(result, FLOPS, sum / 2, T(SLIP_MACS));
    fl_lab_slip(result, FLOPS, sum * n_layers, T(SLIP_ALL_LAYERS));
    fl_lab_slip(result, FLOPS, weights, T(SLIP_NO_PRODUCTS));
    fl_lab_slip(result, FLOPS, weights + products / 2, T(SLIP_HALF_PRODUCTS));
    fl_lab_answer(result, SHARE, 100 * s / (6 * h + s), 100 * counted_products / totals[0]);
    fl_lab_slip(result, SHARE, 100 * s / (12 * h + s), T(SLIP_ONE_PRODUCT));
    fl_lab_slip(result, SHARE, 100 * s / h, T(SLIP_S_OVER_H));
    fl_lab_answer(result, CROSSING, 6 * h, crossing);
    fl_lab_slip(result, CROSSING, h, T(SLIP_CROSS_AT_H));
    fl_lab_slip(result, CROSSING, 12 * h, T(SLIP_ONE_PRODUCT));
}

static int experiment(struct fl_lab_run *run, struct fl_error *error)
{
    struct fl_model model;
    double totals[2], crossing;
    if (fl_model_open(&model, FL_LAB_MODEL, run->seed, error) != FL_OK)
        return FL_FAILED;
    struct fl_lab_point point =
        fl_lab_point_of(&model, FL_ATTENTION_NAIVE, 1, N_TOKENS, 0, run->n_threads);
    int status = find_crossing(&crossing, &model.config, error);
    if (status == FL_OK)
        status = fl_lab_points_measure(&point, 1, run, error);
    if (status == FL_OK) {
        tabulate(run, &point, totals);
        answer(run, &point, totals, crossing);
        run->result.figure = (struct fl_lab_figure){
            .kind = FL_LAB_BARS, .title = T(FIGURE_LAYER), .table = 0, .y = {1, 3}, .n_y = 2};
        fl_lab_points_close(&point, 1);
    }
    fl_model_close(&model);
    return status;
}

const struct fl_lab fl_lab_formula = {
    .name = "formula",
    .title = T(FORMULA_TITLE),
    .aim = T(FORMULA_AIM),
    .explanation = T(FORMULA_WHY),
    .questions = {{"flops", T(FORMULA_Q1), T(FORMULA_R1), FL_LAB_FLOP, true},
                  {"attention_share", T(FORMULA_Q2), T(FORMULA_R2), FL_LAB_PERCENT, true},
                  {"crossing", T(FORMULA_Q3), T(FORMULA_R3), FL_LAB_TOKENS, true}},
    .n_questions = 3,
    .experiment = experiment,
    .model = FL_LAB_MODEL,
    .commands = "flopledger count -m gpt2-course -s 128 --causal full --explain\n"
                "flopledger count -m gpt2-course -s 1024 --causal full\n",
};
