/* lab_quantisation.c - lab 7: the same weights in four formats. */
#include "bench/labs/lab_list.h"
#include "bench/labs/lab_measure.h"
#include "model/presets.h"

#include <math.h>

#define T(id) FL_LAB_TEXT_##id

enum { N_FORMATS = 4, F32 = 0, Q4 = 3 };
enum { N_CTX = 128, N_PROMPT = 64 };
enum { BYTES, TIME, FLOPS };
enum { STEP, PROMPT, N_PASSES };

static const enum fl_dtype FORMATS[N_FORMATS] = {FL_F32, FL_BF16, FL_Q8_0, FL_Q4_0};

/* One model a format, and two passes of each. */
struct formats {
    struct fl_model models[N_FORMATS];
    struct fl_lab_point points[N_FORMATS * N_PASSES];
    int n_open;
};

static const struct fl_lab_point *point_of(const struct formats *formats, int format, int pass)
{
    return &formats->points[format * N_PASSES + pass];
}

static double bytes_per_weight(enum fl_dtype dtype)
{
    return (double)fl_dtype_block_bytes(dtype) / fl_dtype_block(dtype);
}

/* Root of the mean square of the change of the prompt's logits, against that of the logits. */
static double logits_error(const struct formats *formats, int format)
{
    const struct fl_lab_point *exact = point_of(formats, F32, PROMPT);
    const float *a = fl_session_logits(point_of(formats, format, PROMPT)->measurement.session);
    const float *b = fl_session_logits(exact->measurement.session);
    double change = 0, size = 0;
    for (int i = 0; i < exact->model->config.vocab_size; i++) {
        change += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return 100 * sqrt(change / size);
}

static void tabulate(struct fl_lab_run *run, const struct formats *formats)
{
    static const struct fl_lab_column COLUMNS[] = {
        {T(WEIGHT_WIDTH), FL_LAB_NUMBER, false},   {T(STEP_BYTES), FL_LAB_BYTES, false},
        {T(STEP_FLOPS), FL_LAB_FLOP, true},        {T(STEP_TIME), FL_LAB_TIME, false},
        {T(BYTE_RATE), FL_LAB_BYTES_PER_S, false}, {T(PREFILL_TIME), FL_LAB_TIME, false},
        {T(LOGITS_ERROR), FL_LAB_PERCENT, false}};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(FOUR_FORMATS), T(FORMAT), COLUMNS, 7);
    for (int i = 0; i < N_FORMATS; i++) {
        const struct fl_lab_point *step = point_of(formats, i, STEP);
        const double bytes = fl_lab_point_bytes(step);
        const double row[] = {
            8 * bytes_per_weight(FORMATS[i]), bytes,
            fl_lab_point_flops(step),         step->time_ns,
            1e9 * bytes / step->time_ns,      point_of(formats, i, PROMPT)->time_ns,
            logits_error(formats, i)};
        fl_lab_add_row(table, fl_lab_label(T(NONE), "%s", fl_dtype_names[FORMATS[i]]), row);
    }
    run->result.figure = (struct fl_lab_figure){
        .kind = FL_LAB_BARS, .title = T(FIGURE_FORMATS), .table = 0, .y = {1, 3}, .n_y = 2};
}

/* f32 = M + R and q4 = M / r + R: the matrices shrink r times, the rest stays. */
static void account(struct fl_lab_run *run, const struct formats *formats)
{
    const struct fl_lab_point *f32 = point_of(formats, F32, STEP);
    const double wide = fl_lab_point_bytes(f32);
    const double narrow = fl_lab_point_bytes(point_of(formats, Q4, STEP));
    const double r = bytes_per_weight(FL_F32) / bytes_per_weight(FL_Q4_0);
    const double rest = wide - (wide - narrow) / (1 - 1 / r);
    const double kv = (double)f32->measurement.item.point.kv_cache_bytes;
    struct fl_lab_account *sum = fl_lab_add_account(&run->result, T(SHRUNK_TO_Q4), false);
    fl_lab_add_term(sum, fl_lab_word(T(ALL_SHRUNK)), wide / r, FL_LAB_BYTES);
    fl_lab_add_term(sum, fl_lab_word(T(KV_STAYS)), kv * (1 - 1 / r), FL_LAB_BYTES);
    fl_lab_add_term(sum, fl_lab_word(T(REST_STAYS)), (rest - kv) * (1 - 1 / r), FL_LAB_BYTES);
    fl_lab_add_term(sum, fl_lab_label(T(STEP_OF), "q4_0"), narrow, FL_LAB_BYTES);

    const double times = f32->time_ns / point_of(formats, Q4, STEP)->time_ns;
    struct fl_lab_account *product = fl_lab_add_account(&run->result, T(BYTES_TO_TIME), true);
    fl_lab_add_term(product, fl_lab_word(T(BYTES_RATIO)), wide / narrow, FL_LAB_TIMES);
    fl_lab_add_term(product, fl_lab_word(T(BYTE_RATE_RATIO)), times / (wide / narrow),
                    FL_LAB_TIMES);
    fl_lab_add_term(product, fl_lab_word(T(TIME_RATIO)), times, FL_LAB_TIMES);
}

static void answer(struct fl_lab_run *run, const struct formats *formats)
{
    struct fl_lab_result *result = &run->result;
    const struct fl_lab_point *f32 = point_of(formats, F32, STEP);
    const struct fl_lab_point *q4 = point_of(formats, Q4, STEP);
    const double r = bytes_per_weight(FL_F32) / bytes_per_weight(FL_Q4_0);
    fl_lab_answer(result, BYTES, r, fl_lab_point_bytes(f32) / fl_lab_point_bytes(q4));
    fl_lab_slip(result, BYTES, 8, T(SLIP_QUANT_SCALES));
    fl_lab_answer(result, TIME, NAN, f32->time_ns / q4->time_ns);
    fl_lab_slip(result, TIME, 1, T(SLIP_QUANT_SAME_TIME));
    fl_lab_answer(result, FLOPS, 1, fl_lab_point_flops(f32) / fl_lab_point_flops(q4));
    fl_lab_slip(result, FLOPS, 8, T(SLIP_QUANT_FLOPS));
    fl_lab_slip(result, FLOPS, r, T(SLIP_QUANT_FLOPS));
}

static int open_models(struct formats *formats, struct fl_lab_run *run, struct fl_error *error)
{
    for (int i = 0; i < N_FORMATS; i++) {
        struct fl_model *model = &formats->models[i];
        if (fl_model_open_as(model, FL_LAB_MODEL, (int)FORMATS[i], run->seed, error) != FL_OK)
            return FL_FAILED;
        formats->n_open++;
        formats->points[i * N_PASSES + STEP] =
            fl_lab_point_of(model, FL_ATTENTION_CAUSAL, 1, 1, N_CTX - 1, run->n_threads);
        formats->points[i * N_PASSES + PROMPT] =
            fl_lab_point_of(model, FL_ATTENTION_CAUSAL, 1, N_PROMPT, 0, run->n_threads);
    }
    return FL_OK;
}

static int experiment(struct fl_lab_run *run, struct fl_error *error)
{
    struct formats formats = {.n_open = 0};
    int status = open_models(&formats, run, error);
    if (status == FL_OK)
        status = fl_lab_points_measure(formats.points, N_FORMATS * N_PASSES, run, error);
    if (status == FL_OK) {
        tabulate(run, &formats);
        account(run, &formats);
        answer(run, &formats);
        fl_lab_points_close(formats.points, N_FORMATS * N_PASSES);
    }
    for (int i = 0; i < formats.n_open; i++)
        fl_model_close(&formats.models[i]);
    return status;
}

const struct fl_lab fl_lab_quantisation = {
    .name = "quantisation",
    .title = T(QUANT_TITLE),
    .aim = T(QUANT_AIM),
    .explanation = T(QUANT_WHY),
    .questions = {{"bytes_ratio", T(QUANT_Q1), T(QUANT_R1), FL_LAB_TIMES, true},
                  {"time_ratio", T(QUANT_Q2), T(QUANT_R2), FL_LAB_TIMES, false},
                  {"flop_ratio", T(QUANT_Q3), T(QUANT_R3), FL_LAB_TIMES, true}},
    .n_questions = 3,
    .experiment = experiment,
    .model = FL_LAB_MODEL,
    .commands = "flopledger count -m gpt2-course --past 127 --dtype q4_0 --lm-head last\n"
                "flopledger audit -m gpt2-course -s 127 --phase decode --dtype q8_0\n"
                "flopledger audit -m gpt2-course -s 127 --phase decode --kv-dtype bf16\n",
};
