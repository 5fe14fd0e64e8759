#include "analyzers/account.h"
#include "ledger/observation.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* A counter that counts how often it is entered, and claims ten FLOPs and one line a passage. */
static void enter(struct fl_counter *counter, const char *name)
{
    cr_expect(strlen(name) > 0);
    ++*(int *)counter->state;
}

static void leave(struct fl_counter *counter, struct fl_reading *sum)
{
    (void)counter;
    sum->values[FL_COUNT_FLOPS] += 10;
    sum->values[FL_COUNT_LINES_READ] += 1;
}

static void close_nothing(struct fl_counter *counter)
{
    (void)counter;
}

static struct fl_counter ten_flops(int *n_entered)
{
    return (struct fl_counter){
        .name = "ten",
        .version = "1",
        .note = "claims ten",
        .available = FL_COUNT_BIT(FLOPS) | FL_COUNT_BIT(LINES_READ),
        .n_passes = 1,
        .enter = enter,
        .leave = leave,
        .close = close_nothing,
        .state = n_entered,
    };
}

static const struct fl_excess THREE_ALPHA = {.flops = {[FL_EXCESS_GEMM_ALPHA] = 3}};

static void fill(struct fl_ledger *ledger, struct fl_counter *counter, int n_layers)
{
    struct fl_error error;
    cr_assert_eq(fl_ledger_open(ledger, n_layers, &error), FL_OK);
    cr_assert_eq(fl_ledger_attach(ledger, counter, &error), FL_OK);
    for (int layer = 0; layer < n_layers; layer++) {
        fl_region_enter(ledger, FL_OP_QKV);
        fl_region_leave(ledger, layer, FL_OP_QKV, ((struct fl_cost){.macs = 2, .bytes_read = 64}));
        fl_region_excess(ledger, layer, FL_OP_QKV, THREE_ALPHA);
    }
}

Test(observation, a_counter_is_entered_with_every_region)
{
    int n_entered = 0;
    struct fl_counter counter = ten_flops(&n_entered);
    struct fl_ledger ledger;
    fill(&ledger, &counter, 3);
    cr_expect_eq(n_entered, 3);
    const struct fl_measured *measured = fl_ledger_measured(&ledger, 1, FL_OP_QKV);
    cr_expect_eq(measured->reading.values[FL_COUNT_FLOPS], 10);
    cr_expect_eq(fl_excess_total(&measured->excess), 3);

    struct fl_error error;
    fl_ledger_attach(&ledger, NULL, &error);
    fl_region_enter(&ledger, FL_OP_QKV);
    fl_region_leave(&ledger, 0, FL_OP_QKV, ((struct fl_cost){.macs = 1}));
    cr_expect_eq(n_entered, 3, "a detached counter rests");
    cr_expect_eq(measured->reading.values[FL_COUNT_FLOPS], 10, "and its figures stay");
    fl_ledger_close(&ledger);
}

Test(observation, travels_through_a_stream)
{
    int n_entered = 0;
    struct fl_counter counter = ten_flops(&n_entered);
    struct fl_ledger ledger;
    struct fl_observation sent, received;
    struct fl_reading whole = {.values = {[FL_COUNT_FLOPS] = 31}};
    struct fl_error error;
    fill(&ledger, &counter, 3);
    cr_assert_eq(fl_observation_take(&sent, &ledger, &counter, &whole, &error), FL_OK);

    FILE *stream = tmpfile();
    cr_assert_eq(fl_observation_write(&sent, stream, &error), FL_OK);
    long size = ftell(stream);
    rewind(stream);
    cr_assert_eq(fl_observation_read(&received, 3, stream, "test", &error), FL_OK, "%s",
                 error.text);
    cr_expect_str_eq(received.counter, "ten");
    cr_expect_str_eq(received.note, "claims ten");
    cr_expect(fl_observation_has(&received, FL_COUNT_FLOPS));
    cr_expect_not(fl_observation_has(&received, FL_COUNT_CYCLES));
    cr_expect_eq(received.whole.values[FL_COUNT_FLOPS], 31);
    struct fl_measured sum = fl_observation_sum(&received, FL_OP_QKV);
    cr_expect_eq(sum.reading.values[FL_COUNT_FLOPS], 30);
    cr_expect_eq(sum.excess.flops[FL_EXCESS_GEMM_ALPHA], 9);
    fl_observation_close(&received);

    rewind(stream);
    cr_expect_eq(fl_observation_read(&received, 4, stream, "test", &error), FL_FAILED);
    cr_expect(strstr(error.text, "4 layers"), "%s", error.text);

    char *bytes = malloc((size_t)size);
    rewind(stream);
    cr_assert_eq(fread(bytes, 1, (size_t)size, stream), (size_t)size);
    FILE *cut = fmemopen(bytes, (size_t)size - 1, "rb");
    cr_expect_eq(fl_observation_read(&received, 3, cut, "test", &error), FL_FAILED);
    cr_expect_str_eq(error.text, "test: the counts end early");
    fclose(cut);
    free(bytes);
    fclose(stream);
    fl_observation_close(&sent);
    fl_ledger_close(&ledger);
}

/* measured = exact + terms + unexplained, row by row and in the gap. */
Test(observation, the_account_names_what_was_measured)
{
    const struct fl_convention convention = {FL_UNIT_FLOP, FL_CAUSAL_EXACT, FL_LM_HEAD_LAST, true,
                                             false};
    const struct fl_shape shape = {.batch = 1, .n_tokens = 4};
    struct fl_account account;
    struct fl_error error;
    cr_assert_eq(fl_account_forward(&account, &fl_preset_find("gpt2-nano")->config, &shape,
                                    &convention, &error),
                 FL_OK);
    int n_layers = account.config.n_layers;
    struct fl_observation observation = {
        .counter = "made up", .available = FL_COUNT_BIT(FLOPS), .n_layers = n_layers};
    observation.entries =
        calloc(((size_t)n_layers + 1) * FL_N_OPERATORS, sizeof *observation.entries);
    fl_wide sum = 0;
    for (int i = 0; i < account.n_rows; i++) {
        const struct fl_account_row *row = &account.rows[i];
        int layer = row->layer == FL_LAYER_GLOBAL ? n_layers : row->layer;
        struct fl_measured *entry = &observation.entries[layer * FL_N_OPERATORS + (int)row->op];
        uint64_t seen = (uint64_t)row->exact + 3 + (row->op == FL_OP_SOFTMAX ? 2 : 0);
        entry->reading.values[FL_COUNT_FLOPS] = seen;
        entry->excess = THREE_ALPHA;
        sum += (fl_wide)seen;
    }
    observation.whole.values[FL_COUNT_FLOPS] = (uint64_t)sum + 7;
    cr_assert_eq(fl_account_add_observation(&account, &observation, &error), FL_OK, "%s",
                 error.text);
    cr_expect(fl_account_has(&account, FL_COUNT_FLOPS));
    cr_expect_not(fl_account_has(&account, FL_COUNT_LINES_READ));
    cr_expect(account.gap.unexplained == 2 * n_layers);
    cr_expect(account.gap.unexplained_by_op[FL_OP_SOFTMAX] == 2 * n_layers);
    cr_expect(account.gap.between_operators == 7);
    fl_wide terms = 0;
    for (int i = 0; i < account.gap.n_terms; i++)
        if (strcmp(account.gap.terms[i].to, "measured") == 0)
            terms += account.gap.terms[i].flops;
    cr_expect(account.total.exact + terms + account.gap.unexplained +
                  account.gap.between_operators ==
              sum + 7);
    fl_observation_close(&observation);
    fl_account_close(&account);
}
