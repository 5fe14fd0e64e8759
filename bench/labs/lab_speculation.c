/* lab_speculation.c - lab 8: the model in Q8_0 or Q4_0 proposes, the model in f32 verifies.
 *
 * A draft is of use when it is cheaper to run and mostly of the target's opinion. With random
 * weights a smaller model would agree with it no more than by chance; its own weights, rounded, do.
 */
#include "bench/labs/lab_generate.h"
#include "bench/labs/lab_list.h"
#include "bench/labs/lab_measure.h"

#include <math.h>

#define T(id) FL_LAB_TEXT_##id

enum { N_PROMPT = 16, N_NEW = 48, N_DRAFT = 4 };
enum { TOKENS, FLOPS, TIME };
enum { PLAIN, DRAFT_Q8, DRAFT_Q4, N_WAYS };

static const enum fl_dtype DRAFTS[N_WAYS] = {FL_F32, FL_Q8_0, FL_Q4_0}; /* PLAIN has none */

/* The question's probability that a proposal is accepted. */
static const double ACCEPTED = 0.9;

struct generations {
    struct fl_lab_generation one[N_WAYS]; /* of the last round */
    double decode_ns[N_WAYS];             /* medians */
    int n_equal[N_WAYS];                  /* tokens from the first on that are plain decoding's */
};

static int generate(struct generations *out, const struct fl_model *target,
                    const struct fl_model *drafts, struct fl_lab_run *run, struct fl_error *error)
{
    enum { ROUNDS_MAX = 3 }; /* a round is a few dozen passes */
    const int n_rounds_max = run->n_rounds < ROUNDS_MAX ? run->n_rounds : ROUNDS_MAX;
    const uint64_t started_ns = fl_clock_ns();
    int n_rounds = 0;
    double times[N_WAYS][ROUNDS_MAX];
    for (; n_rounds < n_rounds_max && (n_rounds == 0 || !fl_lab_is_late(&run->result, started_ns));
         n_rounds++)
        for (int way = 0; way < N_WAYS; way++) {
            const struct fl_lab_job job = {.model = target,
                                           .draft = way == PLAIN ? NULL : &drafts[way],
                                           .n_prompt = N_PROMPT,
                                           .n_new = N_NEW,
                                           .n_draft = N_DRAFT,
                                           .cache = true,
                                           .n_threads = run->n_threads,
                                           .seed = run->seed};
            if (fl_lab_generate(&out->one[way], &job, error) != FL_OK)
                return FL_FAILED;
            times[way][n_rounds] = out->one[way].decode_ns;
        }
    for (int way = 0; way < N_WAYS; way++) {
        const int *ids = out->one[way].ids, *plain = out->one[PLAIN].ids;
        out->decode_ns[way] = fl_lab_median(times[way], n_rounds, &run->result);
        for (out->n_equal[way] = 0; out->n_equal[way] < N_NEW; out->n_equal[way]++)
            if (ids[out->n_equal[way]] != plain[out->n_equal[way]])
                break;
    }
    return FL_OK;
}

/* Decoding yields all tokens but the first, which is the prompt's; with a draft all of them. */
static double tokens_of(int way)
{
    return way == PLAIN ? N_NEW - 1 : N_NEW;
}

static struct fl_lab_label name_of(int way)
{
    return way == PLAIN ? fl_lab_word(T(PLAIN_DECODING))
                        : fl_lab_label(T(DRAFT_IN), "%s", fl_dtype_names[DRAFTS[way]]);
}

static void tabulate(struct fl_lab_run *run, const struct generations *generations)
{
    static const struct fl_lab_column COLUMNS[] = {
        {T(TARGET_PASSES), FL_LAB_NUMBER, false}, {T(TOKENS_A_PASS), FL_LAB_NUMBER, false},
        {T(FLOPS_A_TOKEN), FL_LAB_FLOP, false},   {T(BYTES_A_TOKEN), FL_LAB_BYTES, false},
        {T(PER_TOKEN), FL_LAB_TIME, false},       {T(SAME_AS_PLAIN), FL_LAB_TOKENS, false}};
    struct fl_lab_table *table =
        fl_lab_add_table(&run->result, T(PLAIN_AND_SPECULATIVE), T(WAY), COLUMNS, 6);
    for (int way = 0; way < N_WAYS; way++) {
        const struct fl_lab_generation *one = &generations->one[way];
        const double n = tokens_of(way), passes = way == PLAIN ? n : one->n_rounds;
        const double row[] = {passes,
                              n / passes,
                              one->decode_flops / n,
                              one->decode_bytes / n,
                              generations->decode_ns[way] / n,
                              generations->n_equal[way]};
        fl_lab_add_row(table, name_of(way), row);
    }
    run->result.figure = (struct fl_lab_figure){
        .kind = FL_LAB_BARS, .title = T(FIGURE_SPECULATION), .table = 0, .y = {2, 4}, .n_y = 2};
}

static void tabulate_proposals(struct fl_lab_run *run, const struct generations *generations)
{
    static const struct fl_lab_column COLUMNS[] = {{T(DRAFTED), FL_LAB_TOKENS, false},
                                                   {T(PROPOSALS_ACCEPTED), FL_LAB_TOKENS, false},
                                                   {T(THROWN_AWAY), FL_LAB_TOKENS, false},
                                                   {T(SHARE), FL_LAB_PERCENT, false}};
    struct fl_lab_table *table = fl_lab_add_table(&run->result, T(WHAT_BECAME), T(WAY), COLUMNS, 4);
    for (int way = DRAFT_Q8; way < N_WAYS; way++) {
        const struct fl_lab_generation *one = &generations->one[way];
        fl_lab_add_row(table, name_of(way),
                       (const double[]){one->n_drafted, one->n_accepted,
                                        one->n_drafted - one->n_accepted,
                                        100 * one->n_accepted / one->n_drafted});
    }
}

static void account_for_flops(struct fl_lab_run *run, const struct generations *generations)
{
    const struct fl_lab_generation *plain = &generations->one[PLAIN];
    const struct fl_lab_generation *one = &generations->one[DRAFT_Q4];
    struct fl_lab_account *sum = fl_lab_add_account(&run->result, T(PLAIN_TO_SPECULATIVE), false);
    fl_lab_add_term(sum, name_of(PLAIN), plain->decode_flops, FL_LAB_FLOP);
    fl_lab_add_term(sum, fl_lab_word(T(DRAFT_PASSES)), one->draft_flops, FL_LAB_FLOP);
    fl_lab_add_term(sum, fl_lab_word(T(VERIFY_BEYOND)), one->verify_flops - plain->decode_flops,
                    FL_LAB_FLOP);
    fl_lab_add_term(sum, name_of(DRAFT_Q4), one->decode_flops, FL_LAB_FLOP);
}

/* speed = tokens a round * time of a plain step / time of a round */
static void account_for_time(struct fl_lab_run *run, const struct generations *generations, int way)
{
    const double n_rounds = generations->one[way].n_rounds, per_round = N_NEW / n_rounds;
    const double step_ns = generations->decode_ns[PLAIN] / tokens_of(PLAIN);
    const double round_ns = generations->decode_ns[way] / n_rounds;
    struct fl_lab_account *product = fl_lab_add_account(
        &run->result, way == DRAFT_Q8 ? T(TOKENS_TO_TIME_Q8) : T(TOKENS_TO_TIME_Q4), true);
    fl_lab_add_term(product, fl_lab_word(T(TOKENS_A_ROUND)), per_round, FL_LAB_NUMBER);
    fl_lab_add_term(product, fl_lab_word(T(STEP_OVER_ROUND)), step_ns / round_ns, FL_LAB_NUMBER);
    fl_lab_add_term(product, fl_lab_word(T(SPEED_UP)), per_round * step_ns / round_ns,
                    FL_LAB_TIMES);
}

static void answer(struct fl_lab_run *run, const struct generations *generations)
{
    struct fl_lab_result *result = &run->result;
    const struct fl_lab_generation *one = &generations->one[DRAFT_Q8];
    const double expected = (1 - pow(ACCEPTED, N_DRAFT + 1)) / (1 - ACCEPTED);
    const double plain_flops = generations->one[PLAIN].decode_flops / tokens_of(PLAIN);
    fl_lab_answer(result, TOKENS, expected, N_NEW / one->n_rounds);
    fl_lab_slip(result, TOKENS, 1 + N_DRAFT * ACCEPTED, T(SLIP_SPEC_INDEPENDENT));
    fl_lab_slip(result, TOKENS, N_DRAFT * ACCEPTED, T(SLIP_SPEC_NO_BONUS));
    fl_lab_slip(result, TOKENS, expected - 1, T(SLIP_SPEC_NO_BONUS));
    fl_lab_answer(result, FLOPS, (2 * N_DRAFT + 1) / expected,
                  one->decode_flops / N_NEW / plain_flops);
    fl_lab_slip(result, FLOPS, 1, T(SLIP_SPEC_FREE));
    fl_lab_slip(result, FLOPS, 1 / expected, T(SLIP_SPEC_LESS));
    fl_lab_answer(result, TIME, NAN,
                  generations->decode_ns[PLAIN] / tokens_of(PLAIN) /
                      (generations->decode_ns[DRAFT_Q8] / N_NEW));
    fl_lab_slip(result, TIME, expected, T(SLIP_SPEC_DRAFT_FREE));
}

static int experiment(struct fl_lab_run *run, struct fl_error *error)
{
    struct fl_model models[N_WAYS]; /* the target, and behind it the drafts */
    struct generations generations = {.n_equal = {0}};
    int n_open = 0, status = FL_OK;
    for (; n_open < N_WAYS && status == FL_OK; n_open += status == FL_OK)
        status =
            fl_model_open_as(&models[n_open], FL_LAB_MODEL, (int)DRAFTS[n_open], run->seed, error);
    if (status == FL_OK)
        status = generate(&generations, &models[PLAIN], models, run, error);
    if (status == FL_OK) {
        tabulate(run, &generations);
        tabulate_proposals(run, &generations);
        account_for_flops(run, &generations);
        for (int way = DRAFT_Q8; way < N_WAYS; way++)
            account_for_time(run, &generations, way);
        answer(run, &generations);
    }
    while (n_open > 0)
        fl_model_close(&models[--n_open]);
    return status;
}

const struct fl_lab fl_lab_speculation = {
    .name = "speculation",
    .title = T(SPEC_TITLE),
    .aim = T(SPEC_AIM),
    .explanation = T(SPEC_WHY),
    .questions = {{"tokens_per_round", T(SPEC_Q1), T(SPEC_R1), FL_LAB_NUMBER, false},
                  {"flop_ratio", T(SPEC_Q2), T(SPEC_R2), FL_LAB_TIMES, true},
                  {"speed_up", T(SPEC_Q3), T(SPEC_R3), FL_LAB_TIMES, false}},
    .n_questions = 3,
    .experiment = experiment,
    .model = FL_LAB_MODEL,
    .commands = "flopledger generate -m gpt2-course --draft-model gpt2-nano --prompt-ids 1,2,3 "
                "--ids -n 24\n"
                "flopledger generate --help\n",
};
