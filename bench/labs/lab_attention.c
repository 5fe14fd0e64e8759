/* lab_attention.c - lab 5: the same attention by three kernels. */
#include "bench/labs/lab_list.h"
#include "bench/labs/lab_measure.h"

#include <math.h>

#define T(id) FL_LAB_TEXT_##id

enum { N_TOKENS = 512 };
enum { PAIRS, SCORES, TIME };
enum { NAIVE, CAUSAL, FLASH, N_KERNELS };

static const enum fl_attention KERNELS[N_KERNELS] = {FL_ATTENTION_NAIVE, FL_ATTENTION_CAUSAL,
                                                     FL_ATTENTION_FLASH};
/* What attention is made of: three operators, or one. */
static const enum fl_operator PARTS[] = {FL_OP_SCORES, FL_OP_SOFTMAX, FL_OP_CONTEXT,
                                         FL_OP_ATTENTION};
enum { N_PARTS = 4 };

struct attention {
    double flops, bytes, time_ns; /* all layers */
    double products;              /* FLOPs of scores and context alone */
};

static struct attention attention_of(const struct fl_lab_point *point)
{
    struct attention sum = {0};
    for (int i = 0; i < N_PARTS; i++) {
        const struct fl_op_record *op = fl_lab_point_op(point, PARTS[i]);
        if (!op)
            continue;
        sum.flops += (double)op->counted_flops;
        sum.bytes += (double)(op->counted_bytes_read + op->counted_bytes_written);
        sum.time_ns += point->op_time_ns[PARTS[i]];
        if (PARTS[i] == FL_OP_SCORES || PARTS[i] == FL_OP_CONTEXT)
            sum.products += (double)op->counted_flops;
    }
    return sum;
}

/* Bytes of scores that one layer writes down. */
static double score_bytes(const struct fl_lab_point *point)
{
    const struct fl_op_record *op = fl_lab_point_op(point, FL_OP_SCORES);
    return op ? (double)op->counted_bytes_written / point->model->config.n_layers : 0;
}

static double logits_difference(const struct fl_lab_point *point, const struct fl_lab_point *from)
{
    const float *a = fl_session_logits(point->measurement.session);
    const float *b = fl_session_logits(from->measurement.session);
    double difference = 0;
    for (int i = 0; i < point->model->config.vocab_size; i++)
        difference = fmax(difference, fabs((double)a[i] - b[i]));
    return difference;
}

static void tabulate(struct fl_lab_run *run, const struct fl_lab_point *points)
{
    static const struct fl_lab_column COLUMNS[] = {
        {T(ATTENTION_FLOPS), FL_LAB_FLOP, true},   {T(SCORES_WRITTEN), FL_LAB_BYTES, true},
        {T(ATTENTION_BYTES), FL_LAB_BYTES, false}, {T(ATTENTION_TIME), FL_LAB_TIME, false},
        {T(PASS_TIME), FL_LAB_TIME, false},        {T(LOGITS_CHANGE), FL_LAB_NUMBER, false}};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(THREE_KERNELS), T(KERNEL), COLUMNS, 6);
    for (int i = 0; i < N_KERNELS; i++) {
        const struct attention sum = attention_of(&points[i]);
        const double row[] = {sum.flops,         score_bytes(&points[i]),
                              sum.bytes,         sum.time_ns,
                              points[i].time_ns, logits_difference(&points[i], &points[NAIVE])};
        fl_lab_add_row(table, fl_lab_label(T(NONE), "%s", fl_attention_name(KERNELS[i])), row);
    }
    run->result.figure = (struct fl_lab_figure){
        .kind = FL_LAB_BARS, .title = T(FIGURE_KERNELS), .table = 0, .y = {2, 3}, .n_y = 2};
}

static void account(struct fl_lab_run *run, const struct fl_lab_point *points)
{
    struct fl_lab_account *sum = fl_lab_add_account(&run->result, T(NAIVE_TO_CAUSAL), false);
    fl_lab_add_term(sum, fl_lab_label(T(NONE), "naive"), attention_of(&points[NAIVE]).flops,
                    FL_LAB_FLOP);
    for (int i = 0; i < N_PARTS; i++) {
        const struct fl_op_record *naive = fl_lab_point_op(&points[NAIVE], PARTS[i]);
        const struct fl_op_record *causal = fl_lab_point_op(&points[CAUSAL], PARTS[i]);
        if (naive && causal)
            fl_lab_add_term(sum, fl_lab_label(T(MASKED_PAIRS), "%s", fl_operator_name(PARTS[i])),
                            (double)causal->counted_flops - (double)naive->counted_flops,
                            FL_LAB_FLOP);
    }
    fl_lab_add_term(sum, fl_lab_label(T(NONE), "causal"), attention_of(&points[CAUSAL]).flops,
                    FL_LAB_FLOP);
}

static void answer(struct fl_lab_run *run, const struct fl_lab_point *points)
{
    struct fl_lab_result *result = &run->result;
    const struct attention naive = attention_of(&points[NAIVE]);
    const struct attention causal = attention_of(&points[CAUSAL]);
    const struct attention flash = attention_of(&points[FLASH]);
    const double s = N_TOKENS, n_heads = points[NAIVE].model->config.n_heads;
    fl_lab_answer(result, PAIRS, 100 * (s + 1) / (2 * s), 100 * causal.products / naive.products);
    fl_lab_answer(result, SCORES, n_heads * s * s * 4, score_bytes(&points[NAIVE]));
    fl_lab_slip(result, SCORES, s * s * 4, T(SLIP_SCORES_HEAD));
    fl_lab_slip(result, SCORES, n_heads * s * s, T(SLIP_SCORES_ELEMENTS));
    fl_lab_slip(result, SCORES, n_heads * s * s * 2, T(SLIP_SCORES_HALF));
    fl_lab_answer(result, TIME, NAN, naive.time_ns / flash.time_ns);
}

static int experiment(struct fl_lab_run *run, struct fl_error *error)
{
    struct fl_model model;
    struct fl_lab_point points[N_KERNELS];
    if (fl_model_open(&model, FL_LAB_MODEL, run->seed, error) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < N_KERNELS; i++)
        points[i] = fl_lab_point_of(&model, KERNELS[i], 1, N_TOKENS, 0, run->n_threads);
    int status = fl_lab_points_measure(points, N_KERNELS, run, error);
    if (status == FL_OK) {
        tabulate(run, points);
        account(run, points);
        answer(run, points);
        fl_lab_points_close(points, N_KERNELS);
    }
    fl_model_close(&model);
    return status;
}

const struct fl_lab fl_lab_attention = {
    .name = "attention",
    .title = T(ATTENTION_TITLE),
    .aim = T(ATTENTION_AIM),
    .explanation = T(ATTENTION_WHY),
    .questions = {{"pairs", T(ATTENTION_Q1), T(ATTENTION_R1), FL_LAB_PERCENT, true},
                  {"scores", T(ATTENTION_Q2), T(ATTENTION_R2), FL_LAB_BYTES, true},
                  {"time_ratio", T(ATTENTION_Q3), T(ATTENTION_R3), FL_LAB_TIMES, false}},
    .n_questions = 3,
    .experiment = experiment,
    .model = FL_LAB_MODEL,
    .commands = "flopledger count -m gpt2-course -s 512 --causal full\n"
                "flopledger count -m gpt2-course -s 512 --attention fused\n"
                "flopledger audit -m gpt2-course -s 512 --attention flash --logits last\n",
};
