/* lab_phases.c - lab 2: a prompt in one pass, and one token behind it. */
#include "bench/labs/lab_list.h"
#include "bench/labs/lab_measure.h"

#include <math.h>

#define T(id) FL_LAB_TEXT_##id

enum { N_PROMPT = 256, N_PAST = N_PROMPT - 1 }; /* the step's token is number 256, too */
enum { FLOPS, TIME, INTENSITY };
enum { PREFILL, DECODE, N_POINTS };

static void tabulate(struct fl_lab_run *run, const struct fl_lab_point *points)
{
    static const struct fl_lab_column COLUMNS[] = {{T(FLOPS), FL_LAB_FLOP, false},
                                                   {T(BYTES), FL_LAB_BYTES, false},
                                                   {T(INTENSITY), FL_LAB_FLOP_PER_BYTE, false},
                                                   {T(TIME), FL_LAB_TIME, false},
                                                   {T(PER_TOKEN), FL_LAB_TIME, false},
                                                   {T(FLOP_RATE), FL_LAB_FLOP_PER_S, false},
                                                   {T(BYTE_RATE), FL_LAB_BYTES_PER_S, false}};
    static const enum fl_lab_string NAMES[] = {T(PREFILL), T(DECODE_STEP)};
    static const int N_NEW[] = {N_PROMPT, 1};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(PREFILL_AND_STEP), T(PHASE), COLUMNS, 7);
    for (int i = 0; i < N_POINTS; i++) {
        const double flops = fl_lab_point_flops(&points[i]), bytes = fl_lab_point_bytes(&points[i]);
        const double time_ns = points[i].time_ns;
        const double row[] = {flops,
                              bytes,
                              flops / bytes,
                              time_ns,
                              time_ns / N_NEW[i],
                              flops / time_ns * 1e9,
                              bytes / time_ns * 1e9};
        fl_lab_add_row(table, fl_lab_word(NAMES[i]), row);
    }
    run->result.figure = (struct fl_lab_figure){
        .kind = FL_LAB_BARS, .title = T(FIGURE_PHASES), .table = 0, .y = {4, 5}, .n_y = 2};
}

/* From 256 steps at the end of the prompt to the prefill, operator by operator. */
static void account_for_flops(struct fl_lab_run *run, const struct fl_lab_point *points)
{
    struct fl_lab_account *account = fl_lab_add_account(&run->result, T(STEPS_TO_PREFILL), false);
    fl_lab_add_term(account, fl_lab_word(T(STEPS_256)),
                    N_PROMPT * fl_lab_point_flops(&points[DECODE]), FL_LAB_FLOP);
    for (int i = 0; i < FL_N_OPERATORS; i++) {
        const struct fl_op_record *prefill = fl_lab_point_op(&points[PREFILL], (enum fl_operator)i);
        const struct fl_op_record *step = fl_lab_point_op(&points[DECODE], (enum fl_operator)i);
        const double difference = (prefill ? (double)prefill->counted_flops : 0) -
                                  (step ? N_PROMPT * (double)step->counted_flops : 0);
        if (difference != 0)
            fl_lab_add_term(account,
                            fl_lab_label(T(NONE), "%s", fl_operator_name((enum fl_operator)i)),
                            difference, FL_LAB_FLOP);
    }
    fl_lab_add_term(account, fl_lab_word(T(PREFILL)), fl_lab_point_flops(&points[PREFILL]),
                    FL_LAB_FLOP);
}

static void account_for_time(struct fl_lab_run *run, const struct fl_lab_point *points)
{
    struct fl_lab_account *account = fl_lab_add_account(&run->result, T(FLOPS_TO_TIME), true);
    const double flops[] = {fl_lab_point_flops(&points[PREFILL]),
                            fl_lab_point_flops(&points[DECODE])};
    fl_lab_add_term(account, fl_lab_word(T(FLOP_RATIO)), flops[0] / flops[1], FL_LAB_TIMES);
    fl_lab_add_term(account, fl_lab_word(T(RATE_RATIO)),
                    (flops[1] / points[DECODE].time_ns) / (flops[0] / points[PREFILL].time_ns),
                    FL_LAB_TIMES);
    fl_lab_add_term(account, fl_lab_word(T(TIME_RATIO)),
                    points[PREFILL].time_ns / points[DECODE].time_ns, FL_LAB_TIMES);
}

static void answer(struct fl_lab_run *run, const struct fl_lab_point *points)
{
    struct fl_lab_result *result = &run->result;
    const double flop_ratio =
        fl_lab_point_flops(&points[PREFILL]) / fl_lab_point_flops(&points[DECODE]);
    fl_lab_answer(result, FLOPS, N_PROMPT, flop_ratio);
    fl_lab_slip(result, FLOPS, (double)N_PROMPT * N_PROMPT, T(SLIP_ALL_QUADRATIC));
    fl_lab_slip(result, FLOPS, N_PROMPT / 2, T(SLIP_ALL_HALVED));
    fl_lab_slip(result, FLOPS, 1, T(SLIP_SAME_WEIGHTS));
    /* no rule gives it: it lies between the ratio of bytes and that of FLOPs */
    fl_lab_answer(result, TIME, NAN, points[PREFILL].time_ns / points[DECODE].time_ns);
    fl_lab_slip(result, TIME, N_PROMPT, T(SLIP_TIME_IS_FLOPS));
    fl_lab_slip(result, TIME, 1, T(SLIP_TIME_IS_BYTES));
    fl_lab_answer(result, INTENSITY, 0.5,
                  fl_lab_point_flops(&points[DECODE]) / fl_lab_point_bytes(&points[DECODE]));
    fl_lab_slip(result, INTENSITY, 0.25, T(SLIP_INTENSITY_MACS));
    fl_lab_slip(result, INTENSITY, 2, T(SLIP_INTENSITY_ELEMENTS));
}

static int experiment(struct fl_lab_run *run, struct fl_error *error)
{
    struct fl_model model;
    if (fl_model_open(&model, FL_LAB_MODEL, run->seed, error) != FL_OK)
        return FL_FAILED;
    struct fl_lab_point points[N_POINTS] = {
        fl_lab_point_of(&model, FL_ATTENTION_CAUSAL, 1, N_PROMPT, 0, run->n_threads),
        fl_lab_point_of(&model, FL_ATTENTION_CAUSAL, 1, 1, N_PAST, run->n_threads)};
    int status = fl_lab_points_measure(points, N_POINTS, run, error);
    if (status == FL_OK) {
        tabulate(run, points);
        account_for_flops(run, points);
        account_for_time(run, points);
        answer(run, points);
        fl_lab_points_close(points, N_POINTS);
    }
    fl_model_close(&model);
    return status;
}

const struct fl_lab fl_lab_phases = {
    .name = "phases",
    .title = T(PHASES_TITLE),
    .aim = T(PHASES_AIM),
    .explanation = T(PHASES_WHY),
    .questions = {{"flop_ratio", T(PHASES_Q1), T(PHASES_R1), FL_LAB_TIMES, true},
                  {"time_ratio", T(PHASES_Q2), T(PHASES_R2), FL_LAB_TIMES, false},
                  {"decode_intensity", T(PHASES_Q3), T(PHASES_R3), FL_LAB_FLOP_PER_BYTE, true}},
    .n_questions = 3,
    .experiment = experiment,
    .model = FL_LAB_MODEL,
    .commands = "flopledger audit -m gpt2-course -s 256\n"
                "flopledger audit -m gpt2-course -s 255 --phase decode\n",
};
