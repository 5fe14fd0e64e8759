/* lab_roofline.c - lab 4: passes of 1 to 256 tokens under this machine's two roofs. */
#include "bench/labs/lab_ceilings.h"
#include "bench/labs/lab_list.h"
#include "bench/labs/lab_measure.h"
#include "engine/pass_cost.h"
#include "model/presets.h"

#include <math.h>

#define T(id) FL_LAB_TEXT_##id

enum { N_POINTS = 9 }; /* 1, 2, 4, ..., 256 tokens */
enum { INTENSITY, TIME, CROSSING };
enum { COLUMN_INTENSITY, COLUMN_RATE = 4 };

static int prepare(struct fl_lab_run *run, struct fl_error *error)
{
    const double n_bytes = 4.0 * (double)fl_config_n_params(&fl_preset_find(FL_LAB_MODEL)->config);
    struct fl_lab_ceilings *ceilings = &run->ceilings;
    if (fl_lab_ceilings_find(ceilings, (size_t)n_bytes, run->n_threads, error) != FL_OK)
        return FL_FAILED;
    const char *source = ceilings->kept ? "(flopledger peaks)" : "(BLAS)";
    fl_lab_set(&run->result, fl_lab_label(T(PEAK_FLOPS), "%s", source), ceilings->flops_per_s,
               FL_LAB_FLOP_PER_S);
    fl_lab_set(&run->result, fl_lab_label(T(PEAK_BYTES), "%s", source), ceilings->bytes_per_s,
               FL_LAB_BYTES_PER_S);
    fl_lab_set(&run->result, fl_lab_word(T(RIDGE)), ceilings->flops_per_s / ceilings->bytes_per_s,
               FL_LAB_FLOP_PER_BYTE);
    fl_lab_set(&run->result, fl_lab_word(T(WEIGHT_BYTES)), n_bytes, FL_LAB_BYTES);
    return FL_OK;
}

/* No pass is faster than the slower of its two parts. */
static double light_ns(const struct fl_lab_ceilings *ceilings, double flops, double bytes)
{
    return 1e9 * fmax(flops / ceilings->flops_per_s, bytes / ceilings->bytes_per_s);
}

static void tabulate(struct fl_lab_run *run, const struct fl_lab_point *points)
{
    static const struct fl_lab_column COLUMNS[] = {
        {T(INTENSITY), FL_LAB_FLOP_PER_BYTE, false}, {T(BYTES), FL_LAB_BYTES, false},
        {T(LIGHT_TIME), FL_LAB_TIME, false},         {T(TIME), FL_LAB_TIME, false},
        {T(FLOP_RATE), FL_LAB_FLOP_PER_S, false},    {T(OF_ROOF), FL_LAB_PERCENT, false}};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(PASSES_UNDER_ROOF), T(PASS), COLUMNS, 6);
    for (int i = 0; i < N_POINTS; i++) {
        const double flops = fl_lab_point_flops(&points[i]), bytes = fl_lab_point_bytes(&points[i]);
        const double least = light_ns(&run->ceilings, flops, bytes);
        const double row[] = {flops / bytes,
                              bytes,
                              least,
                              points[i].time_ns,
                              1e9 * flops / points[i].time_ns,
                              100 * least / points[i].time_ns};
        fl_lab_add_row(table, fl_lab_label(T(NONE), "s = %d", points[i].item.point.n_tokens), row);
    }
    run->result.figure = (struct fl_lab_figure){.kind = FL_LAB_ROOFLINE,
                                                .title = T(FIGURE_ROOFLINE),
                                                .x = COLUMN_INTENSITY,
                                                .y = {COLUMN_RATE},
                                                .n_y = 1,
                                                .flops_per_s = run->ceilings.flops_per_s,
                                                .bytes_per_s = run->ceilings.bytes_per_s};
}

static bool is_product(enum fl_operator op)
{
    return op == FL_OP_QKV || op == FL_OP_ATTN_OUT || op == FL_OP_FFN_UP || op == FL_OP_FFN_DOWN ||
           op == FL_OP_LOGITS;
}

static void account(struct fl_lab_run *run, const struct fl_lab_point *one)
{
    struct fl_lab_account *sum = fl_lab_add_account(&run->result, T(LIGHT_TO_TIME), false);
    const double ns_per_byte = 1e9 / run->ceilings.bytes_per_s;
    const double least = fl_lab_point_bytes(one) * ns_per_byte;
    double beyond[2] = {0}, operators = 0;
    for (int i = 0; i < one->measurement.n_ops; i++) {
        const struct fl_op_record *op = &one->measurement.ops[i];
        const double bytes = (double)(op->counted_bytes_read + op->counted_bytes_written);
        beyond[is_product(op->op) ? 0 : 1] += one->op_time_ns[op->op] - bytes * ns_per_byte;
        operators += one->op_time_ns[op->op];
    }
    fl_lab_add_term(sum, fl_lab_word(T(BYTES_AT_RATE)), least, FL_LAB_TIME);
    fl_lab_add_term(sum, fl_lab_word(T(PRODUCTS_BEYOND)), beyond[0], FL_LAB_TIME);
    fl_lab_add_term(sum, fl_lab_word(T(OTHERS_BEYOND)), beyond[1], FL_LAB_TIME);
    fl_lab_add_term(sum, fl_lab_word(T(BETWEEN_OPERATORS)), one->time_ns - operators, FL_LAB_TIME);
    fl_lab_add_term(sum, fl_lab_word(T(TIME)), one->time_ns, FL_LAB_TIME);
}

/* The smallest pass at or right of the ridge point, by the formulas; the longest there is where
 * none is. */
static int find_crossing(double *crossing, const struct fl_model *model, double ridge,
                         struct fl_error *error)
{
    const int n_max = model->config.n_ctx_max;
    int s = 1;
    for (; s < n_max; s++) {
        struct fl_op_analytic cost;
        if (fl_pass_cost(&cost, model, FL_ATTENTION_CAUSAL, FL_F32, 1, s, 0, FL_LOGITS_LAST, NULL,
                         error) != FL_OK)
            return FL_FAILED;
        if ((double)cost.exact / (double)(cost.bytes_read + cost.bytes_written) >= ridge)
            break;
    }
    *crossing = s;
    return FL_OK;
}

static void answer(struct fl_lab_run *run, const struct fl_lab_point *one, double crossing)
{
    struct fl_lab_result *result = &run->result;
    const double flops = fl_lab_point_flops(one), bytes = fl_lab_point_bytes(one);
    const double ridge = run->ceilings.flops_per_s / run->ceilings.bytes_per_s;
    fl_lab_answer(result, INTENSITY, 0.5, flops / bytes);
    fl_lab_slip(result, INTENSITY, 0.25, T(SLIP_INTENSITY_MACS));
    fl_lab_slip(result, INTENSITY, 2, T(SLIP_INTENSITY_ELEMENTS));
    fl_lab_answer(result, TIME, light_ns(&run->ceilings, flops, bytes), one->time_ns);
    fl_lab_slip(result, TIME, 1e9 * flops / run->ceilings.flops_per_s, T(SLIP_LIGHT_FLOPS));
    fl_lab_answer(result, CROSSING, ceil(2 * ridge), crossing);
    fl_lab_slip(result, CROSSING, ridge, T(SLIP_RIDGE_ITSELF));
}

static int experiment(struct fl_lab_run *run, struct fl_error *error)
{
    struct fl_model model;
    struct fl_lab_point points[N_POINTS];
    double crossing;
    if (fl_model_open(&model, FL_LAB_MODEL, run->seed, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < N_POINTS; i++)
        points[i] = fl_lab_point_of(&model, FL_ATTENTION_CAUSAL, 1, 1 << i, 0, run->n_threads);
    int status = find_crossing(&crossing, &model,
                               run->ceilings.flops_per_s / run->ceilings.bytes_per_s, error);
    if (status == FL_OK)
        status = fl_lab_points_measure(points, N_POINTS, run, error);
    if (status == FL_OK) {
        tabulate(run, points);
        account(run, &points[0]);
        answer(run, &points[0], crossing);
        fl_lab_points_close(points, N_POINTS);
    }
    fl_model_close(&model);
    return status;
}

const struct fl_lab fl_lab_roofline = {
    .name = "roofline",
    .title = T(ROOFLINE_TITLE),
    .aim = T(ROOFLINE_AIM),
    .explanation = T(ROOFLINE_WHY),
    .questions = {{"intensity", T(ROOFLINE_Q1), T(ROOFLINE_R1), FL_LAB_FLOP_PER_BYTE, true},
                  {"time", T(ROOFLINE_Q2), T(ROOFLINE_R2), FL_LAB_TIME, false},
                  {"crossing", T(ROOFLINE_Q3), T(ROOFLINE_R3), FL_LAB_TOKENS, false}},
    .n_questions = 3,
    .prepare = prepare,
    .experiment = experiment,
    .model = FL_LAB_MODEL,
    .commands = "flopledger audit -m gpt2-course -s 1\n"
                "flopledger count -m gpt2-course -s 64 --explain\n",
};
